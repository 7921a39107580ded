"""Any other way to steer traffic: a signed call that states what must be so, and an address that tells whether it is.

The call is `POST hook` with JSON `{rollback, workload, component, known_good, desired}`, where `desired` are the
values that the read-back must show, by dotted path. `Idempotency-Key` is `<rollback>:<component>:<road>`: the same
key is the same order, and whoever takes it makes it so again when it is not so any more. `X-Signature` is `t=<Unix
seconds>,v1=<hex>`, the HMAC-SHA256 of `<t>.<body>`; a GET, which has no body, signs its path with its query instead.
Receivers refuse what was signed too long ago.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from shared.adapters.evidence import picture
from shared.adapters.hook_signature import hook_signature
from shared.adapters.http_outcomes import demand_success
from shared.adapters.outbound import Outbound, Received, address_of
from shared.clock import Clock
from shared.errors import PermanentError, TransientError
from shared.model.json_paths import mismatches, value_at
from shared.model.policy import Policy
from shared.model.policy_roads import HookRoad
from shared.ports import Aim, Fence, RoadPicture

_WITHIN = timedelta(seconds=10)
_CONFLICT = 409
_NOT_FOR_US = {401: "does not know us", 403: "does not let us in", 404: "is not there"}
_SCALARS = (str, int, float, bool, type(None))


class HookRouting:
    """Fulfils `ports.Routing[HookRoad]`."""

    def __init__(self, outbound: Outbound, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock

    def look(self, policy: Policy, road: HookRoad, aim: Aim) -> RoadPicture:
        answer = self._read_back(policy, road)
        if answer.status in _NOT_FOR_US:
            why_not = f"the read-back at {_host(road.read_back)} {_NOT_FOR_US[answer.status]} ({answer.status})"
            return picture(established=False, why_not=why_not)
        demand_success(f"the read-back at {_host(road.read_back)}", answer.status, _pause_asked(answer))
        try:
            document = answer.json()
        except ValueError:
            return picture(established=False, shown={"read_back": "no JSON"})
        return picture(established=not mismatches(document, road.expect), shown=_shown(document, road))

    def establish(self, policy: Policy, road: HookRoad, aim: Aim, fence: Fence) -> None:
        found = self.look(policy, road, aim)
        if found.why_not:
            raise PermanentError(found.why_not)
        if found.established:
            return
        fence()
        answer = self._call(policy, road, aim)
        who = f"the hook at {_host(road.hook)}"
        if answer.status == _CONFLICT:
            raise TransientError(f"{who} still carries out an earlier call")
        demand_success(who, answer.status, _pause_asked(answer))

    def _call(self, policy: Policy, road: HookRoad, aim: Aim) -> Received:
        order = {
            "rollback": aim.rollback_id,
            "workload": policy.workload,
            "component": aim.component,
            "known_good": aim.known_good,
            "desired": road.expect,
        }
        body = json.dumps(order).encode()
        headers = {
            "content-type": "application/json",
            "idempotency-key": f"{aim.rollback_id}:{aim.component}:{aim.road}",
            "x-signature": self._signature(road, body),
        }
        return self._outbound.send(policy, "POST", road.hook, headers=headers, body=body, within=_WITHIN)

    def _read_back(self, policy: Policy, road: HookRoad) -> Received:
        target = address_of(road.read_back).raw_path
        headers = {"accept": "application/json", "x-signature": self._signature(road, target)}
        return self._outbound.send(policy, "GET", road.read_back, headers=headers, within=_WITHIN)

    def _signature(self, road: HookRoad, signed: bytes) -> str:
        return hook_signature(road.secret, signed, self._clock())


def _host(url: str) -> str:
    """Return the part of an address that may be shown: paths and queries of hooks hold keys."""
    return urlsplit(url).hostname or ""


def _pause_asked(answer: Received) -> str:
    pause: str = answer.headers.get("retry-after", "")
    return pause


def _shown(document: Any, road: HookRoad) -> Mapping[str, Any]:
    """Return the values that matter, where they are such as can be compared."""
    found = {path: value_at(document, path) for path in road.expect}
    return {path: value for path, value in found.items() if isinstance(value, _SCALARS)}
