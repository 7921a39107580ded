"""Requests that the app takes, and bodies that it must refuse wherever they are sent."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.unit.alerts.payloads import common, metric

_order = count(1)


@dataclass(frozen=True, slots=True)
class Route:
    """A route that takes a body, and a body that it takes."""

    method: str
    path: str
    good: dict[str, Any]

    def __str__(self) -> str:
        return self.path.rpartition("/")[2]


def sample(**changes: Any) -> dict[str, Any]:
    """A sample of the demo's confidence, a moment newer than the one before."""
    at = datetime.now(UTC) - timedelta(seconds=60) + timedelta(milliseconds=next(_order))
    return {"signal": "release.confidence", "at": at.isoformat(), "value": 9.5} | changes


ALERTS = Route("POST", "/api/alerts", common(metric()))
SAMPLES = Route("POST", "/api/workloads/demo/samples", {"samples": [sample()]})
KNOWN_GOOD = Route("PUT", "/api/workloads/orders/known-good", {"build": "b7", "recorded_by": "pipeline"})
CHANGES = Route("POST", "/api/workloads/orders/changes", {"build": "b8", "known_good": "b7", "kind": "rollout"})
ROLLBACKS = Route(
    "POST",
    "/api/workloads/orders/rollbacks",
    {"reason": "by hand", "confirm": "orders", "requested_by": "ada", "level": 1},
)
_NO_ROLLBACK = "orders.20010101T000000000000"
CANCEL = Route("POST", f"/api/rollbacks/{_NO_ROLLBACK}/cancel", {"reason": "a false alarm", "cancelled_by": "ada"})
COMMANDS = Route(
    "POST", "/api/workloads/orders/commands", {"command": "error", "severity": "low", "text": "x", "id": "c1"}
)
PROMOTIONS = Route(
    "POST", "/api/workloads/orders/promotions", {"build": "b8", "reason": "a new one", "requested_by": "ada"}
)
DRILLS = Route("POST", "/api/workloads/orders/drills", {"level": 1, "requested_by": "ada"})
PAUSE = Route("PUT", "/api/fleet/pause", {"reason": "Azure is down", "by": "ada"})
ROUTES = (ALERTS, SAMPLES, KNOWN_GOOD, CHANGES, COMMANDS, PROMOTIONS, DRILLS, ROLLBACKS, CANCEL, PAUSE)

DEEP = 100_000
HUGE: dict[str, bytes] = {
    "a byte over a million": b'{"reason":"' + b"x" * (1_000_001 - 13) + b'"}',
    "five million": b" " * 5_000_000,
}
UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "a word": b"nonsense",
    "cut short": b'{"reason": "because',
    "two documents": b"{} {}",
    "a comma too much": b'{"reason": "x",}',
    "single quotes": b"{'reason': 'x'}",
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists never closed": b"[" * DEEP,
    "not UTF-8": b'{"reason": "\xff\xfe"}',
    "overlong UTF-8": b'{"reason": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"reason": "\xed\xa0\x80"}',
    "UTF-16": '{"reason": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"reason": "x"}',
    "a lone high surrogate": b'{"reason": "\\ud800"}',
    "a lone low surrogate": b'{"reason": "x\\udc00y"}',
    "a raw control character": b'{"reason": "a\x00b"}',
    "NaN": b'{"reason": NaN}',
    "Infinity": b'{"reason": Infinity}',
    "minus Infinity": b'{"reason": -Infinity}',
    "a number of 5,000 digits": b'{"reason": ' + b"9" * 5_000 + b"}",
    "a leading zero": b'{"reason": 01}',
    "zeroes and ones": bytes(range(256)) * 4,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "a form": b"reason=x&build=b1",
    "XML": b'<?xml version="1.0"?><reason>x</reason>',
}
NO_SUCH_THING: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "a number": b"5",
    "a number beyond any": b"1e999",
    "a string": b'"reason"',
    "a list": b"[]",
    "a list of objects": b'[{"reason": "x"}]',
    "no fields": b"{}",
    "unknown fields": b'{"colour": "red", "__proto__": {}, "": null}',
    "a long name": b'{"' + b"n" * 100_000 + b'": 1}',
    "names by the thousand": b"{" + b",".join(b'"n%d": 1' % n for n in range(20_000)) + b"}",
    "a number beyond any within": b'{"reason": 1e999}',
    "a name twice, bad in the end": b'{"build": "b1", "build": [], "reason": "x", "reason": 1, "samples": []}',
}
