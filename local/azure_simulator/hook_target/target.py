"""What the switch takes, and what it keeps: a state, and the orders that it was given.

An order states values by dotted path. The same key is the same order: it changes nothing while its values still hold,
sets them again when they do not, and is refused when it comes with other values.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import copy
import hmac
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.azure_simulator.hook_target.config import HookTargetConfig

REPLAY_WINDOW_S = 300
KEPT_CALLS = 1000
SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HookCall:
    """A call that was let in."""

    key: str
    order: Json
    changed: bool


@dataclass
class HookTarget:
    config: HookTargetConfig
    state: Json = field(init=False)
    calls: deque[HookCall] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))

    def __post_init__(self) -> None:
        self.state = copy.deepcopy(self.config.state)

    def vouches(self, signature: str, signed: bytes) -> bool:
        """Whether it was signed with the secret, and not too long ago, nor in the future."""
        found = SIGNATURE.fullmatch(signature)
        if found is None or abs(time.time() - int(found[1])) > REPLAY_WINDOW_S:
            return False
        expected = hmac.digest(self.config.secret.encode(), found[1].encode() + b"." + signed, "sha256")
        return hmac.compare_digest(expected.hex(), found[2])

    def contradicts(self, key: str, order: Json) -> bool:
        return any(call.key == key and call.order != order for call in self.calls)

    def take(self, key: str, order: Json) -> HookCall:
        before = copy.deepcopy(self.state)
        for path, value in order["desired"].items():
            _set(self.state, path.split("."), value)
        call = HookCall(key, order, changed=self.state != before)
        self.calls.append(call)
        return call


def is_order(body: Any) -> bool:
    return isinstance(body, Mapping) and isinstance(body.get("desired"), Mapping) and bool(body["desired"])


def _set(document: Json, path: list[str], value: Any) -> None:
    *parents, last = path
    for step in parents:
        inner = document.get(step)
        document[step] = inner if isinstance(inner, dict) else {}
        document = document[step]
    document[last] = value
