"""Seen from outside: what it takes to call a build served, and what is asked of whom."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.engine.start import new_rollback
from shared.engine.steps.step import Done, Look, Stop, Wait
from shared.engine.steps.verify import LookBefore, VerifyOutside
from shared.model.policy import Site
from shared.model.rollback import RunStatus
from shared.ports import Client, Sighting
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

_POLICY = policy(("notify:", "levels: {1: {verify: {path: /front, fresh_clients: 3, timeout: 4s}}}\nnotify:"))
_RUN = new_rollback(_POLICY, level=1, known_good="b1", cause="", requested_by="watch", trigger="", now=NOON)
_GOOD = Sighting(client=Client.FRESH, status=200, build="b1", latency_ms=1.0)


@dataclass(slots=True)
class PlayedProber:
    """Fulfils `ports.Prober`: shows each kind of client what a test chose, and writes down what was asked."""

    seen: dict[Client, list[Sighting]]
    asked: list[tuple[Client, str, int, timedelta]] = field(default_factory=list)

    def look(self, site: Site, path: str, client: Client, count: int, *, timeout: timedelta) -> list[Sighting]:
        self.asked.append((client, path, count, timeout))
        return [replace(sighting, client=client) for sighting in self.seen[client]]


def prober(**seen: list[Sighting]) -> PlayedProber:
    """All kinds of client see the good build, the kept-alive one on an old connection, but for those given."""
    old = replace(_GOOD, connection_age_s=3_600.0)
    usual = {Client.FRESH: [_GOOD] * 3, Client.PINNED: [_GOOD], Client.KEPT_ALIVE: [old]}
    return PlayedProber(usual | {Client(kind): sightings for kind, sightings in seen.items()})


def look(here: PlayedProber, *, good_looks: int = 0, after_s: float = 30, acted_s: float | None = 10) -> Look:
    """Look so many seconds after the run began, with so many good looks before."""
    swapped = replace(_RUN.steps[1], acted_at=None if acted_s is None else NOON + timedelta(seconds=acted_s))
    record = replace(_RUN.steps[2], started_at=NOON, evidence={"good_looks": good_looks})
    return VerifyOutside(here).observe(_POLICY, _RUN.with_step(swapped), record, NOON + timedelta(seconds=after_s))


def test_each_kind_is_asked_for_the_path_of_the_policy_as_often_as_it_says() -> None:
    here = prober()
    look(here)
    four = timedelta(seconds=4)
    assert sorted(here.asked) == [
        (Client.FRESH, "/front", 3, four),
        (Client.KEPT_ALIVE, "/front", 1, four),
        (Client.PINNED, "/front", 1, four),
    ]


@pytest.mark.parametrize(
    "bad",
    [replace(_GOOD, build="b2"), replace(_GOOD, status=500), replace(_GOOD, status=None), replace(_GOOD, build="")],
    ids=["another build", "a server error", "no answer", "no name"],
)
def test_one_bad_sighting_of_a_kind_starts_the_good_looks_again(bad: Sighting) -> None:
    waited = look(prober(fresh=[_GOOD, bad, _GOOD]), good_looks=1)
    assert isinstance(waited, Wait)
    assert waited.evidence["good_looks"] == 0
    assert waited.evidence["seeing_known_good"] == ["kept_alive", "pinned"]


def test_looks_are_good_in_a_row() -> None:
    first = look(prober())
    assert isinstance(first, Wait)
    assert first.note == "3 of 3 kinds of client see b1; good looks in a row: 1"
    assert isinstance(look(prober(), good_looks=1), Done)


@pytest.mark.parametrize(
    ("age_s", "acted_s", "asked"),
    [(20, 10, True), (19.9, 10, False), (30, None, True), (29.9, None, False)],
)
def test_a_kept_connection_counts_when_it_is_older_than_the_effect(
    age_s: float, acted_s: float | None, asked: bool
) -> None:
    bad = replace(_GOOD, build="b2", connection_age_s=age_s)
    found = look(prober(kept_alive=[bad]), good_looks=1, acted_s=acted_s)
    assert isinstance(found, Wait if asked else Done)
    if not asked:
        assert found.note.endswith("; no connection from before the change was open here")


def test_good_in_the_end_but_not_often_enough_is_partial() -> None:
    found = look(prober(), after_s=120)
    assert isinstance(found, Stop)
    assert found.status is RunStatus.PARTIAL
    assert found.note == "after 120 s fresh, kept_alive, pinned clients see b1, but not in 2 looks in a row"


@pytest.mark.parametrize(
    ("answered", "note"), [(False, "nothing answers outside"), (True, "outside sees no build named")]
)
def test_what_is_served_before_is_recorded(answered: bool, note: str) -> None:
    nothing = [replace(_GOOD, status=None, build="", answered=answered)]
    found = LookBefore(prober(fresh=nothing, pinned=nothing, kept_alive=nothing)).observe(
        _POLICY, _RUN, _RUN.steps[0], NOON
    )
    assert isinstance(found, Done)
    assert found.note == note
