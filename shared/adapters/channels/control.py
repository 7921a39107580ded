"""Tells a workload's own hook what its change should do now: the one channel whose receiver is no person.

The call is `POST` with JSON `{workload, do, sentence, since, change, sequence}`, signed as calls to road hooks are
(`hook_signature`), with `Idempotency-Key: <workload>:control:<sequence>`. What is sent is the newest that is recorded,
whichever delivery it is sent for. A receiver drops what has a smaller `sequence` than it has seen: two calls that
overtake each other on the way may arrive in any order.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

from shared.adapters.hook_signature import hook_signature
from shared.adapters.http_outcomes import demand_success
from shared.adapters.outbound import Outbound, address_of
from shared.clock import Clock
from shared.errors import PermanentError
from shared.model.change import Told
from shared.model.event import Delivery
from shared.model.policy import Policy

_WITHIN = timedelta(seconds=10)


class ControlChannel:
    """Fulfils `ports.Channel`."""

    def __init__(
        self,
        outbound: Outbound,
        policies: Callable[[], Mapping[str, Policy]],
        told: Callable[[str], Told | None],
        clock: Clock,
    ) -> None:
        """`told` returns the newest that the hook of a workload must know."""
        self._outbound = outbound
        self._policies = policies
        self._told = told
        self._clock = clock

    def send(self, delivery: Delivery) -> None:
        workload = delivery.event.workload
        policy, told = self._policies().get(workload), self._told(workload)
        if policy is None or policy.control.hook is None or policy.control.secret is None or told is None:
            raise PermanentError(f"{workload} has no hook to be told any more")
        body = json.dumps(_document(workload, told)).encode()
        headers = {
            "content-type": "application/json",
            "idempotency-key": f"{workload}:control:{told.sequence}",
            "x-signature": hook_signature(policy.control.secret, body, self._clock()),
        }
        answer = self._outbound.send(policy, "POST", policy.control.hook, headers=headers, body=body, within=_WITHIN)
        who = f"the control hook at {address_of(policy.control.hook).host}"
        demand_success(who, answer.status, answer.headers.get("retry-after", ""))


def _document(workload: str, told: Told) -> dict[str, str | int | None]:
    control = told.control
    return {
        "workload": workload,
        "do": control.do.value,
        "sentence": control.sentence,
        "since": control.since.isoformat() if control.since else None,
        "change": control.change,
        "sequence": told.sequence,
    }
