"""How keys are kept: who asks, who waits, and what is left when nobody answers.

The source is a function here; what HTTP can do to it is played in the contract tests.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.entra import Pace
from shared.adapters.entra.key_endpoint import Keys
from shared.adapters.entra.signing_keys import SigningKeys
from shared.errors import NotAuthenticated, TransientError
from tests.fakes.clock import NOON, FakeClock

_SOON_S = 10


class Source:
    """Publishes names; a key is only handed on here, so that anything may stand for one."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.up = True
        self.asked = 0

    def read(self) -> Keys:
        self.asked += 1
        if not self.up:
            raise TransientError("it is down")
        return {name: cast("Any", name) for name in self.names}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("CRITICAL"):
        yield


def outcome(keys: SigningKeys, name: str, clock: FakeClock) -> str:
    try:
        return str(keys.named(name, clock.now))
    except (NotAuthenticated, TransientError) as error:
        return type(error).__name__


def test_the_pace_that_was_promised() -> None:
    assert Pace() == Pace(
        fetch_within=timedelta(seconds=5),
        fresh_for=timedelta(hours=1),
        kept_for=timedelta(hours=24),
        pause=timedelta(minutes=5),
        pause_without_keys=timedelta(seconds=10),
    )


def test_the_pause_is_told_to_whoever_is_turned_away() -> None:
    source = Source()
    source.up = False
    with pytest.raises(TransientError, match="it is down") as refusal:
        SigningKeys(source.read, Pace()).named("k1", NOON)
    assert refusal.value.retry_after == Pace().pause_without_keys


def test_who_has_a_key_to_go_on_with_does_not_wait_for_who_asks() -> None:
    asking, answer, clock = Event(), Event(), FakeClock()

    def read() -> Keys:
        if asking.is_set() or clock.now > NOON:
            asking.set()
            assert answer.wait(_SOON_S)
        return {"k1": cast("Any", "k1")}

    keys = SigningKeys(read, Pace())
    keys.named("k1", clock.now)
    clock.forward(7200)
    with ThreadPoolExecutor(1) as threads:
        one_who_asks = threads.submit(keys.named, "k1", clock.now)
        assert asking.wait(_SOON_S)
        assert outcome(keys, "k1", clock) == "k1"
        assert not one_who_asks.done()
        answer.set()
        assert str(one_who_asks.result(_SOON_S)) == "k1"


def test_an_outage_is_logged_once_for_each_request(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Source(), FakeClock()
    source.up = False
    keys = SigningKeys(source.read, Pace())
    with caplog.at_level("WARNING"):
        for _ in range(50):
            outcome(keys, "k1", clock)
    assert [record.getMessage() for record in caplog.records] == [
        "the signing keys of the tenant could not be read: it is down"
    ]


_waits = st.floats(0, 4000) | st.sampled_from([0.0, 10.0, 300.0, 3600.0, 86_400.0])
_courses = st.lists(st.tuples(st.sampled_from(["good", "unknown", "goes down", "comes back"]), _waits), max_size=40)


@given(course=_courses)
def test_whatever_happens_good_keys_last_a_day_and_requests_are_apart(course: list[tuple[str, float]]) -> None:
    source, clock = Source("good"), FakeClock()
    asked_at: list[datetime] = []
    answered_at: list[datetime] = []

    def read() -> Keys:
        asked_at.append(clock.now)
        found = source.read()
        answered_at.append(clock.now)
        return found

    keys = SigningKeys(read, Pace())
    for happens, wait_s in course:
        clock.forward(wait_s)
        if happens in ("goes down", "comes back"):
            source.up = happens == "comes back"
            continue
        said = outcome(keys, happens, clock)
        known = bool(answered_at) and clock.now - answered_at[-1] < timedelta(hours=24)
        fits = {"good": ["good"] if known else ["TransientError"], "unknown": ["NotAuthenticated", "TransientError"]}
        assert said in fits[happens]
        assert known or said == "TransientError"
    assert all(later - earlier >= timedelta(seconds=10) for earlier, later in pairwise(asked_at))
    assert all(later - earlier >= timedelta(minutes=5) for earlier, later in pairwise(answered_at))
