"""The JSON value of a feature flag, and what it must be so that a share of the users is on it.

Everything else in it stays as it is. Schema: https://github.com/microsoft/FeatureManagement
(Schema/FeatureFlag.v2.0.0.schema.json); filters:
https://learn.microsoft.com/azure/azure-app-configuration/feature-management-dotnet-reference
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shared.adapters.evidence import cut

Flag = dict[str, Any]

# .NET takes filters by these names in any case, with and without the namespace.
_PERCENTAGE = frozenset({"microsoft.percentage", "percentage"})
_TARGETING = frozenset({"microsoft.targeting", "targeting"})
_OVERRIDDEN = "Enabled"


class NoFlagError(ValueError):
    """The value is no feature flag; the message says what is wrong with it."""


def with_share(flag: Flag, share: float) -> Flag:
    """Return the flag as it must be for a share of the users; what is so already keeps its very value.

    Raises:
        NoFlagError: it is no feature flag.
    """
    wanted: Flag = json.loads(json.dumps(flag))
    if wanted.get("enabled") is not (share > 0):
        wanted["enabled"] = share > 0
    for holder, key in _dials(wanted):
        if not _is_number(holder.get(key), _percent(share)):
            holder[key] = _percent(share)
    return wanted


def why_no_share(flag: Flag, share: float) -> str | None:
    """Return why no setting of the percentage puts this share of the users on the flag, or `None`.

    Raises:
        NoFlagError: it is no feature flag.
    """
    if 0 < share < 1 and not list(_dials(flag)):
        return f"has neither a percentage nor a targeting filter, so that it cannot be on for {_percent(share)} %"
    if share == 0 and (variant := _variant_when_off(flag)) and variant.get("status_override") == _OVERRIDDEN:
        name = cut(repr(variant.get("name")))
        return f"counts as on while it is off: its variant {name} overrides the status"
    return None


def shown(flag: Flag) -> dict[str, Any]:
    """Return what of a flag is steered here."""
    return {"enabled": flag.get("enabled"), "percentages": [holder.get(key) for holder, key in _dials(flag)]}


def _dials(flag: Flag) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects and keys that hold a percentage of all users."""
    for entry in _list(_optional(flag, "conditions"), "client_filters"):
        name = str(entry.get("name", "")).lower()
        if name in _PERCENTAGE:
            yield _object(entry, "parameters"), "Value"
        elif name in _TARGETING:
            yield _object(_object(entry, "parameters"), "Audience"), "DefaultRolloutPercentage"


def _variant_when_off(flag: Flag) -> Mapping[str, Any] | None:
    name = _optional(flag, "allocation").get("default_when_disabled")
    return next((variant for variant in _list(flag, "variants") if variant.get("name") == name), None)


def _object(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key)
    if not isinstance(found, dict):
        raise NoFlagError(f"it has no object {key!r} where one must be")
    return found


def _optional(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {} if parent.get(key) is None else _object(parent, key)


def _list(parent: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = parent.get(key) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise NoFlagError(f"its {key!r} is no list of objects")
    return found


def _percent(share: float) -> int | float:
    """Return percent without the noise of binary fractions: 7, not 7.000000000000001."""
    percent = round(share * 100, 6)
    return int(percent) if percent.is_integer() else percent


def _is_number(value: object, wanted: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == wanted
