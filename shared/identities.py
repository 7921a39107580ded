"""Chooses how callers are recognised, from the settings. What cannot be used recognises nobody.

A wrong value must not keep the timers from running, and must never leave the app on function keys alone: until it is
mended, every operation answers 503 with the name of the setting.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.adapters.entra import EntraIdentities, KeyIdentities
from shared.errors import SettingsError
from shared.model.caller import Caller
from shared.ports.people import Identities, Presented
from shared.settings import Settings

# Values that can be used, to try each setting among: whichever is refused then is the one that is wrong.
_USABLE: dict[str, Any] = {"tenant_id": "00000000-0000-0000-0000-000000000000", "audiences": ("any",)}


@dataclass(frozen=True, slots=True)
class NoIdentities:
    """Fulfils `ports.Identities`: nobody can be recognised, and why."""

    problem: str

    def of(self, presented: Presented, now: datetime) -> Caller:
        """Recognise nobody.

        Raises:
            SettingsError: always.
        """
        raise SettingsError(self.problem)


def identities(chosen: Settings) -> tuple[Identities, tuple[str, ...]]:
    """Return what recognises callers, and what is wrong with the settings of it."""
    try:
        return _identities(chosen), ()
    except SettingsError as error:
        return NoIdentities(str(error)), (str(error),)


def _identities(chosen: Settings) -> Identities:
    easy_auth = _switch("EASY_AUTH", chosen.easy_auth)
    audiences = tuple(part.strip() for part in chosen.entra_audiences.split(",") if part.strip())
    if not chosen.entra_tenant_id:
        if audiences or easy_auth:
            raise SettingsError(
                "it is not set, though ENTRA_AUDIENCES or EASY_AUTH is; expected both or none", where="ENTRA_TENANT_ID"
            )
        return KeyIdentities()
    values: dict[str, dict[str, Any]] = {
        "ENTRA_TENANT_ID": {"tenant_id": chosen.entra_tenant_id},
        "ENTRA_AUDIENCES": {"audiences": audiences},
        "ENTRA_AUTHORITY": {"authority": chosen.entra_authority},
        "ENTRA_ACTION_GROUP_APP_ID": {"action_group_app_id": chosen.entra_action_group_app_id},
    }
    together: dict[str, Any] = {"easy_auth": easy_auth}
    for setting, value in values.items():
        _try(setting, value)
        together |= value
    return EntraIdentities(**together)


def _try(setting: str, value: dict[str, Any]) -> None:
    try:
        EntraIdentities(**{**_USABLE, **value})
    except SettingsError as error:
        raise SettingsError(str(error), where=setting) from None


def _switch(setting: str, text: str) -> bool:
    try:
        return TypeAdapter(bool).validate_python(text or "false")
    except ValidationError:
        raise SettingsError("it is neither true nor false", where=setting) from None
