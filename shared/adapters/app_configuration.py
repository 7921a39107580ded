"""The percentage of a feature flag in Azure App Configuration.

The flag is read as it is stored: the SDK's own model of a flag adds fields to it, and fails on a value that is none. It
is written with the ETag that was read, so that what somebody else changed in between is not lost. A store says in
milliseconds when to come back.
https://learn.microsoft.com/azure/azure-app-configuration/rest-api-key-value (and -throttling, -locks)
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from shared.adapters.azure_clients import credential, policies_for
from shared.adapters.azure_errors import translate, translated
from shared.adapters.evidence import picture
from shared.adapters.feature_flags import Flag, NoFlagError, shown, why_no_share, with_share
from shared.adapters.one_per_key import OnePerKey
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import AppConfigurationRoad
from shared.ports import Aim, Fence, RoadPicture

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient
    from azure.core.exceptions import HttpResponseError

# That of the SDK, which writes: an older one would not tell every field that a write replaces.
API_VERSION = "2026-04-01"
_KEY_PREFIX = ".appconfig.featureflag/"
_CONTENT_TYPE = "application/vnd.microsoft.appconfig.ff+json"
_NO_WAITING: Mapping[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 10}
# Only to these a token of the app's identity is sent, whatever a policy says.
# https://learn.microsoft.com/azure/azure-app-configuration/rest-api-authentication-azure-ad, and the sovereign clouds
_STORES = (".azconfig.io", ".azconfig.azure.us", ".azconfig.azure.cn")
_NOT_FOUND = 404
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A key-value as the store tells it."""

    document: Mapping[str, Any]

    @property
    def locked(self) -> bool:
        return self.document.get("locked") is True

    def flag(self) -> Flag:
        """Return the flag that it holds.

        Raises:
            NoFlagError: it holds none.
        """
        if not str(self.document.get("content_type") or "").startswith(_CONTENT_TYPE):
            raise NoFlagError("its content type is not that of a feature flag")
        try:
            flag = json.loads(str(self.document.get("value") or ""))
        except (ValueError, RecursionError):
            flag = None
        if not isinstance(flag, dict):
            raise NoFlagError("its value is no JSON object")
        return flag


class AppConfigurationRouting:
    """Fulfils `ports.Routing[AppConfigurationRoad]`."""

    def __init__(self, client_id: str | None = None) -> None:
        """`client_id` names the identity of the app; the one that it has by default if not given."""
        self._clients = OnePerKey(_client_for(client_id))

    def look(self, policy: Policy, road: AppConfigurationRoad, aim: Aim) -> RoadPicture:
        return _picture(road, self._read(road))

    def establish(self, policy: Policy, road: AppConfigurationRoad, aim: Aim, fence: Fence) -> None:
        stored = self._read(road)
        found = _picture(road, stored)
        if stored is None or found.why_not:
            raise PermanentError(str(found.why_not))
        if not found.established:
            self._write(road, stored, with_share(stored.flag(), road.share), fence)

    def _read(self, road: AppConfigurationRoad) -> _Stored | None:
        from azure.core.rest import HttpRequest

        query = {"api-version": API_VERSION, **({"label": road.label} if road.label else {})}
        request = HttpRequest("GET", f"/kv/{quote(_key(road), safe='')}", params=query)
        with _told(f"reading {_called(road)}"):
            answer = self._clients[_endpoint(road)].send_request(request)
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
            document = answer.json()
            if document["key"] != _key(road):
                raise OutcomeUnknown(f"reading {_called(road)}: the answer is about something else")
            return _Stored(document)

    def _write(self, road: AppConfigurationRoad, stored: _Stored, flag: Flag, fence: Fence) -> None:
        from azure.appconfiguration import ConfigurationSetting
        from azure.core import MatchConditions

        client = self._clients[_endpoint(road)]
        kept = {name: stored.document.get(name) for name in ("content_type", "tags", "description")}
        value = json.dumps(flag, ensure_ascii=False)
        setting = ConfigurationSetting(key=_key(road), label=road.label or None, value=value, **kept)
        with _told(f"writing {_called(road)}"):
            etag = stored.document["etag"]
            fence()
            client.set_configuration_setting(setting, MatchConditions.IfNotModified, etag=etag)


def _client_for(client_id: str | None) -> "Callable[[str], AzureAppConfigurationClient]":
    def build(endpoint: str) -> "AzureAppConfigurationClient":
        from azure.appconfiguration import AzureAppConfigurationClient

        # Not `per_call_policies`: the client passes those on itself, and fails when they are given as well.
        options = {**_NO_WAITING, "per_retry_policies": policies_for(endpoint)}
        return AzureAppConfigurationClient(endpoint, credential(client_id), **options)

    return build


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Translate as `translated` does, with what the store alone says by its statuses.

    Raises:
        TransientError, OutcomeUnknown, PermanentError
    """
    from azure.appconfiguration import ResourceReadOnlyError
    from azure.core.exceptions import HttpResponseError, ResourceModifiedError

    with translated(what):
        try:
            yield
        except ResourceReadOnlyError:
            raise PermanentError(f"{what}: it is locked") from None
        except ResourceModifiedError:
            raise TransientError(f"{what}: it was changed after it was read") from None
        except HttpResponseError as error:
            told = translate(what, error)
            if isinstance(told, TransientError):
                told.retry_after = _pause(error) or told.retry_after
            raise told from None


def _pause(error: "HttpResponseError") -> timedelta | None:
    """Return the pause that the store asks for, bounded as that of all of Azure."""
    asked_ms = str((getattr(error.response, "headers", None) or {}).get("retry-after-ms", ""))[:9]
    return min(timedelta(milliseconds=int(asked_ms)), _LONGEST_PAUSE) if asked_ms.isdecimal() else None


def _picture(road: AppConfigurationRoad, stored: _Stored | None) -> RoadPicture:
    if stored is None:
        return picture(established=False, why_not=f"{_called(road)} does not exist")
    try:
        flag = stored.flag()
        established = json.dumps(with_share(flag, road.share)) == json.dumps(flag)
        hindrance = why_no_share(flag, road.share)
        seen = {**shown(flag), "locked": stored.locked}
    except NoFlagError as problem:
        return picture(established=False, why_not=f"{_called(road)} cannot be steered: {problem}")
    if hindrance is None and stored.locked and not established:
        hindrance = "is locked"
    why_not = f"{_called(road)} {hindrance}" if hindrance else None
    return picture(established=established and why_not is None, why_not=why_not, shown=seen)


def _called(road: AppConfigurationRoad) -> str:
    label = f" with label {road.label}" if road.label else ""
    return f"the flag {road.flag}{label} at {urlsplit(road.app_configuration).hostname}"


def _key(road: AppConfigurationRoad) -> str:
    return f"{_KEY_PREFIX}{road.flag}"


def _endpoint(road: AppConfigurationRoad) -> str:
    """Return the endpoint of the store.

    Raises:
        PermanentError: it is none that a token may be sent to.
    """
    parts = urlsplit(road.app_configuration)
    is_store = parts.scheme == "https" and (parts.hostname or "").endswith(_STORES)
    if not is_store and not policies_for(road.app_configuration):
        raise PermanentError(f"{parts.hostname} is no store of App Configuration; expected https://NAME.azconfig.io")
    return road.app_configuration.rstrip("/")
