"""Seeded mutations of good requests, some 300 of them: the answer is always success or a proper refusal."""

import json
import random
from typing import Any

import pytest

from local.processes import Child
from tests.functional.app.bodies import (
    CHANGES,
    COMMANDS,
    DRILLS,
    KNOWN_GOOD,
    PROMOTIONS,
    ROLLBACKS,
    SAMPLES,
    Route,
    sample,
)
from tests.functional.app.http_client import JSON_MEDIA, Api
from tests.functional.app.problems import refusal
from tests.unit.alerts.payloads import EVERY_SHAPE

pytestmark = pytest.mark.rig

_SEED = 20240501
_EACH = 14
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 5, 1.5, 10**30, -1e308, "", " ", "x", "x" * 3_000, "1e999", "\x00", "\ud83d\ude00"),
    *([], {}, [[]], [None] * 200, {"a": {"b": {"c": []}}}, "2024-05-01T12:00:00Z", "0001-01-01T00:00:00+14:00"),
)
ROUTES = (
    *(Route("POST", "/api/alerts", shape) for shape in EVERY_SHAPE.values()),
    *(KNOWN_GOOD, CHANGES, COMMANDS, PROMOTIONS, DRILLS, ROLLBACKS),
    Route("POST", "/api/workloads/orders/samples", {"samples": [sample(signal="orders.amount", id="m", count=2)]}),
    Route("POST", SAMPLES.path, {"samples": [sample(), sample()]}),
)


def mutated(chance: random.Random, document: Any) -> Any:
    """Return the document with one place changed, removed or added."""
    if isinstance(document, dict) and document and chance.random() < 0.9:
        name = chance.choice(sorted(document))
        inside = mutated(chance, document[name])
        fates: tuple[dict[str, Any], ...] = (
            {**document, name: inside},
            {key: value for key, value in document.items() if key != name},
            {**document, chance.choice(("extra", "", name.upper(), "n" * 300)): inside},
        )
        return chance.choices(fates, weights=(8, 1, 1))[0]
    if isinstance(document, list) and document and chance.random() < 0.9:
        place = chance.randrange(len(document))
        return [*document[:place], mutated(chance, document[place]), *document[place + 1 :]]
    return chance.choice(_ODD)


def damaged(chance: random.Random, body: bytes) -> bytes:
    """Return the bytes as a bad line would leave them."""
    first, last = sorted(chance.randrange(len(body)) for _ in range(2))
    noise = chance.randbytes(chance.randrange(4))
    fates = (body[:first], body[:first] + noise + body[first:], body[:first] + noise + body[last:], body + body[first:])
    return chance.choice(fates)


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route}-{number}" for number, route in enumerate(ROUTES)])
def test_mutations_succeed_or_are_refused(api: Api, host: Child, route: Route) -> None:
    chance = random.Random(f"{_SEED} {route} {sorted(route.good)}")
    logged = host.log.stat().st_size
    for number in range(_EACH):
        body = json.dumps(mutated(chance, route.good)).encode()
        body = damaged(chance, body) if number % 3 == 0 else body
        answer = api.send(route.method, route.path, body, JSON_MEDIA)
        if answer.status >= 300:
            refusal(answer)
    assert b"incident" not in host.log.read_bytes()[logged:]
