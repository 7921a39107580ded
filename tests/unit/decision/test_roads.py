"""The road planner, played against worlds in which every road takes its own time and ends its own way."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.roads import Ending, plan_rollback, with_opened
from shared.model.policy import Policy
from shared.model.policy_levels import EMERGENCY
from shared.model.run import RoadTimes, Run, RunStatus, StepPhase, StepRecord
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.fakes.runs import new_run

pytestmark = pytest.mark.long

_LONGEST_S = 3 * 3600
_NAMES = {
    "web": ("split", "swap", "edge"),
    "database": ("db_names", "db_hook"),
    EMERGENCY: ("far", "farther"),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """How a step ends, after how long, of which components a verification then speaks, and whether a road acted."""

    takes_s: int = 3
    phase: StepPhase = StepPhase.DONE
    components: tuple[str, ...] = ()
    acts: bool = True
    site_asked: bool = True


@dataclass(slots=True)
class Played:
    """A run taken to its end second by second.

    Attributes:
        fates: By road, or by `verify:<round>`; whatever is not named is done after 3 s.
        lines: What was opened, with the second in which it was.
    """

    policy: Policy
    fates: Mapping[str, Fate]
    times: RoadTimes = field(default_factory=RoadTimes)
    lines: list[tuple[int, str]] = field(default_factory=list)
    run: Run = field(init=False)
    ending: Ending | None = None

    def __post_init__(self) -> None:
        run = new_run(self.policy, times=self.times)
        self.run = replace(run, steps=(replace(run.steps[0], phase=StepPhase.DONE),))

    def play(self) -> "Played":
        for second in range(_LONGEST_S):
            if self._second(second, NOON + timedelta(seconds=second)):
                return self
        raise AssertionError(f"the run never ends: {self.lines}")

    def _second(self, second: int, now: datetime) -> bool:
        while True:
            planned = plan_rollback(self.policy, self.run, now)
            self.ending = planned.ending
            if planned.ending is not None:
                return True
            self.run = with_opened(self.run, planned.opened)
            self.lines += [(second, step.road or step.name) for step in planned.opened]
            ended = [step for name in planned.live if (step := self._ended(self.run.step(name), now)) is not None]
            for step in ended:
                self.run = self.run.with_step(step)
            if not ended:
                return False

    def _ended(self, step: StepRecord, now: datetime) -> StepRecord | None:
        fate = self.fates.get(step.road or step.name, Fate())
        assert step.started_at is not None
        assert step.give_up_at is not None
        if now >= step.started_at + timedelta(seconds=fate.takes_s):
            seen = {"components": list(fate.components), "site_asked": fate.site_asked}
            acts = 1 if step.road and fate.acts else 0
            refused = acts if fate.phase is not StepPhase.DONE else 0
            note = f"{step.name} {fate.phase}"
            return replace(step, phase=fate.phase, ended_at=now, note=note, evidence=seen, acts=acts, refused=refused)
        if now >= step.give_up_at:
            return replace(step, phase=StepPhase.FAILED, ended_at=now, note=f"{step.name} given up")
        return None

    @property
    def opened(self) -> list[str]:
        return [name for _, name in self.lines]

    def done(self, component: str) -> bool:
        return any(step.component == component and step.phase is StepPhase.DONE for step in self.run.steps)


def chosen(components: Mapping[str, tuple[str, ...]], emergency: tuple[str, ...] = (), **takes: str) -> Policy:
    """A policy whose level 1 steers these components; roads take 10 s at their 95th percentile if not said."""
    roads = ", ".join(
        f"{road}: {{slot_traffic: {road.replace('_', '-')}, takes: {takes.get(road, '10s')}}}"
        for names in _NAMES.values()
        for road in names
    )
    steered = ", ".join(f"{name}: [{', '.join(roads)}]" for name, roads in components.items())
    level = f"{{components: {{{steered}}}, emergency: [{', '.join(emergency)}]}}"
    return policy(("notify:", f"roads: {{{roads}}}\nlevels: {{1: {level}}}\nnotify:"))


_WEB = {"web": ("split", "swap")}
_FAILED, _REFUSED, _PARTIAL = (Fate(3, phase) for phase in (StepPhase.FAILED, StepPhase.REFUSED, StepPhase.PARTIAL))
_SLOW = Fate(11 * 60)


def test_the_first_road_is_enough_when_it_works() -> None:
    played = Played(chosen(_WEB), {}).play()
    assert played.lines == [(0, "split"), (3, "verify:1")]
    assert played.ending == Ending(RunStatus.VERIFIED, "verify:1 done")


def test_the_fastest_road_is_taken_first_and_ties_are_the_policys() -> None:
    assert Played(chosen(_WEB, swap="4s"), {}).play().opened[0] == "swap"
    assert Played(chosen(_WEB, swap="10s"), {}).play().opened[0] == "split"


def test_what_was_measured_counts_more_than_what_was_expected() -> None:
    measured = RoadTimes(took={"split": (timedelta(seconds=40),) * 3})
    assert Played(chosen(_WEB), {}, measured).play().opened[0] == "swap"


@pytest.mark.parametrize("phase", [StepPhase.FAILED, StepPhase.REFUSED])
def test_a_road_that_fails_is_followed_by_the_next_at_once(phase: StepPhase) -> None:
    played = Played(chosen(_WEB), {"split": Fate(2, phase)}).play()
    assert played.lines == [(0, "split"), (2, "swap"), (5, "verify:1")]
    assert played.ending is not None
    assert played.ending.status is RunStatus.VERIFIED


def test_a_road_that_is_late_is_overtaken_and_not_waited_for() -> None:
    played = Played(chosen(_WEB), {"split": _SLOW}).play()
    assert played.lines == [(0, "split"), (10, "swap"), (13, "verify:1")]
    assert not played.run.step("take:web:split").phase.over


def test_a_late_road_may_still_be_the_one_that_gets_there() -> None:
    played = Played(chosen(_WEB), {"split": Fate(14), "swap": _SLOW}).play()
    assert played.lines == [(0, "split"), (10, "swap"), (14, "verify:1")]


def test_the_reason_of_a_choice_says_whether_it_fits_what_is_left() -> None:
    played = Played(chosen(_WEB, swap="40s"), {"split": Fate(2, StepPhase.FAILED)}).play()
    first, second = (next(step for step in played.run.steps if step.road == road) for road in ("split", "swap"))
    assert first.late_at == NOON + timedelta(seconds=10)
    assert second.started_at == NOON + timedelta(seconds=2)
    opened = plan_rollback(played.policy, Played(played.policy, {}).run, NOON + timedelta(seconds=25)).opened
    late = "is the fastest there is, yet more than the 5 s that are left"
    assert opened[0].note == f"split takes 10 s at its 95th percentile: {late}"


def test_components_are_steered_side_by_side() -> None:
    played = Played(chosen({"web": ("split",), "database": ("db_names", "db_hook")}), {"db_names": _FAILED}).play()
    assert played.lines == [(0, "split"), (0, "db_names"), (3, "db_hook"), (6, "verify:1")]


def test_a_component_that_is_lost_makes_it_partial_although_all_is_seen() -> None:
    lost = {"db_names": _FAILED, "db_hook": _REFUSED}
    played = Played(chosen({"web": ("split",), "database": ("db_names", "db_hook")}), lost).play()
    assert played.ending is not None
    assert played.ending.status is RunStatus.PARTIAL
    assert "database was not taken back: db_names: take:database:db_names failed; db_hook:" in played.ending.note


def test_nothing_done_at_all_is_refused_when_everything_was_and_failed_otherwise() -> None:
    for fates, status in (
        ({"split": _REFUSED, "swap": _REFUSED}, RunStatus.REFUSED),
        ({"split": _REFUSED, "swap": _FAILED}, RunStatus.FAILED),
    ):
        played = Played(chosen(_WEB), fates).play()
        assert played.opened == ["split", "swap"]
        assert played.ending is not None
        assert played.ending.status is status


def test_what_cannot_be_seen_gets_the_road_that_is_left() -> None:
    played = Played(chosen(_WEB), {"verify:1": Fate(10**6)}).play()
    # It is given up when the budget of 30 s is used up: another road is behind it.
    assert played.lines == [(0, "split"), (3, "verify:1"), (30, "swap"), (33, "verify:2")]
    assert played.ending == Ending(RunStatus.VERIFIED, "verify:2 done")


def test_the_last_verification_gets_all_the_patience_of_the_policy() -> None:
    played = Played(chosen({"web": ("split",)}), {"verify:1": Fate(10**6)}).play()
    assert played.ending is not None
    assert (played.ending.status, played.run.step("verify:1").ended_at) == (
        RunStatus.FAILED,
        NOON + timedelta(seconds=3 + 120),
    )


def test_only_the_components_of_which_failing_checks_speak_get_another_road() -> None:
    both = {"web": ("split", "swap"), "database": ("db_names", "db_hook")}
    unseen = Fate(3, StepPhase.PARTIAL, components=("database",))
    played = Played(chosen(both), {"verify:1": unseen}).play()
    assert played.opened == ["split", "db_names", "verify:1", "db_hook", "verify:2"]


def test_the_emergency_road_comes_when_nothing_else_is_left() -> None:
    lost = Played(chosen({"web": ("split",)}, ("far",)), {"split": _FAILED}).play()
    assert lost.opened == ["split", "far", "verify:1"]
    said = "verify:1 done; by far; split failed: take:web:split failed"
    assert lost.ending == Ending(RunStatus.VERIFIED, said)
    unseen = Played(chosen({"web": ("split",)}, ("far",)), {"verify:1": _FAILED}).play()
    assert unseen.opened == ["split", "verify:1", "far", "verify:2"]


def test_an_emergency_that_fails_too_is_the_end() -> None:
    played = Played(chosen({"web": ("split",)}, ("far",)), {"verify:1": _PARTIAL, "far": _FAILED}).play()
    assert played.ending == Ending(RunStatus.PARTIAL, "verify:1 partial")


def test_a_swap_that_was_overtaken_is_waited_for_when_the_other_road_was_not_enough() -> None:
    fates = {"split": Fate(70), "verify:1": _FAILED}
    played = Played(chosen(_WEB), fates).play()
    assert played.lines == [(0, "split"), (10, "swap"), (13, "verify:1"), (70, "verify:2")]
    assert played.ending == Ending(RunStatus.VERIFIED, "verify:2 done")


@pytest.mark.parametrize("site_asked", [True, False])
def test_where_nothing_had_to_be_changed_only_the_site_can_say_that_it_is_well(site_asked: bool) -> None:
    played = Played(chosen(_WEB), {"split": Fate(acts=False), "verify:1": Fate(site_asked=site_asked)}).play()
    assert played.ending is not None
    if site_asked:
        assert played.ending == Ending(RunStatus.VERIFIED, "nothing had to be changed; verify:1 done")
    else:
        assert played.ending.status is RunStatus.REFUSED
        assert played.ending.note.startswith("nothing had to be changed; verify:1 done; no check asked the site")


def test_the_last_verification_waits_for_as_long_as_the_roads_take_to_reach_people() -> None:
    slow = Played(chosen({"web": ("split",)}, split="400s"), {"verify:1": Fate(10**6)}).play()
    assert slow.run.step("verify:1").ended_at == NOON + timedelta(seconds=400)


def test_a_road_that_reaches_people_late_is_waited_for_although_there_is_another_one() -> None:
    level = chosen({"web": ("split",)}, ("far",), split="65s")
    healed = Played(level, {"split": Fate(1), "verify:1": Fate(60)}).play()
    assert healed.lines == [(0, "split"), (1, "verify:1")]
    lost = Played(level, {"split": Fate(1), "verify:1": Fate(10**6)}).play()
    assert lost.lines == [(0, "split"), (1, "verify:1"), (65, "far"), (68, "verify:2")]


def test_what_is_under_way_does_not_keep_the_emergency_waiting_once_it_is_late_and_the_budget_used_up() -> None:
    alone = Played(chosen({"web": ("split",)}, ("far",)), {"split": _SLOW}).play()
    assert alone.lines == [(0, "split"), (30, "far"), (33, "verify:1")]
    unseen = Played(chosen(_WEB, ("far",)), {"split": _SLOW, "verify:1": _FAILED}).play()
    assert unseen.lines == [(0, "split"), (10, "swap"), (13, "verify:1"), (30, "far"), (33, "verify:2")]


def test_an_emergency_that_was_only_opened_is_left_when_the_road_gets_there_in_the_same_moment() -> None:
    played = Played(chosen({"web": ("split",)}, ("far",)), {"split": Fate(30)}).play()
    assert played.lines == [(0, "split"), (30, "far"), (30, "verify:1")]
    assert played.run.step("take:emergency:far").phase is StepPhase.PENDING


def test_a_road_that_was_refused_changed_nothing() -> None:
    played = Played(chosen(_WEB), {"split": _FAILED, "swap": Fate(acts=False), "verify:1": Fate(site_asked=False)})
    assert played.play().ending is not None
    assert played.ending is not None
    assert played.ending.status is RunStatus.REFUSED


def test_a_round_is_told_from_the_one_before_by_its_place_whatever_the_clocks_say() -> None:
    level = chosen({"web": ("split",)}, ("far",))
    fates = {"split": Fate(0), "verify:1": Fate(0, StepPhase.FAILED), "far": Fate(0)}
    assert Played(level, fates).play().ending == Ending(RunStatus.VERIFIED, "verify:2 done")


_FATES = st.builds(
    Fate,
    takes_s=st.sampled_from([0, 1, 3, 9, 11, 25, 60, 900, 10**6]),
    phase=st.sampled_from([StepPhase.DONE, StepPhase.DONE, StepPhase.FAILED, StepPhase.REFUSED]),
)
_VERIFICATIONS = st.builds(
    Fate,
    takes_s=st.sampled_from([0, 3, 60, 10**6]),
    phase=st.sampled_from([StepPhase.DONE, StepPhase.PARTIAL, StepPhase.FAILED]),
)


@st.composite
def worlds(draw: st.DrawFn) -> Played:
    roads = {name: tuple(draw(st.permutations(_NAMES[name]))) for name in ("web", "database")}
    components = {
        name: roads[name][: draw(st.integers(1, len(roads[name])))]
        for name in draw(st.sampled_from([("web",), ("database",), ("web", "database")]))
    }
    emergency = _NAMES[EMERGENCY][: draw(st.integers(0, 2))]
    takes = {road: draw(st.sampled_from(["2s", "10s", "60s"])) for names in _NAMES.values() for road in names}
    fates = {road: draw(_FATES) for names in _NAMES.values() for road in names}
    fates |= {f"verify:{number}": draw(_VERIFICATIONS) for number in range(1, 4)}
    return Played(chosen(components, emergency, **takes), fates)


@given(worlds())
def test_every_run_ends_and_takes_no_road_twice(world: Played) -> None:
    played = world.play()
    assert len(set(played.opened)) == len(played.opened)


@given(worlds())
def test_verified_means_seen_and_everything_taken_back(world: Played) -> None:
    played = world.play()
    assert played.ending is not None
    last = [step for step in played.run.steps if step.name.startswith("verify")][-1:]
    seen = bool(last) and last[0].phase is StepPhase.DONE
    level = played.policy.level(1)
    complete = all(played.done(name) for name in level.steered) or played.done(EMERGENCY)
    assert (played.ending.status is RunStatus.VERIFIED) == (seen and complete)


@given(worlds())
def test_no_verification_begins_while_a_component_can_still_be_taken_back(world: Played) -> None:
    played = world.play()
    for step in played.run.steps:
        if step.name != "verify:1":
            continue
        before = played.run.steps[: played.run.steps.index(step)]
        for name, roads in played.policy.level(1).steered.items():
            tried = [one for one in before if one.component == name]
            done = any(one.phase is StepPhase.DONE for one in tried) or played.done(EMERGENCY)
            assert done or ({one.road for one in tried} == set(roads) and all(one.phase.over for one in tried))


@given(worlds())
def test_another_road_begins_only_when_those_before_it_failed_or_are_late(world: Played) -> None:
    played = world.play()
    for step in played.run.steps:
        for earlier in played.run.steps[: played.run.steps.index(step)]:
            if not step.road or earlier.component != step.component or earlier.phase is StepPhase.DONE:
                continue
            assert step.started_at is not None
            assert earlier.late_at is not None
            failed = earlier.ended_at is not None and earlier.ended_at <= step.started_at
            assert failed or earlier.late_at <= step.started_at


def _done_before(step: StepRecord, moment: datetime) -> bool:
    return step.phase is StepPhase.DONE and step.ended_at is not None and step.ended_at < moment


@given(worlds())
def test_the_emergency_road_is_never_taken_while_another_one_is_left(world: Played) -> None:
    played = world.play()
    names = [step.component for step in played.run.steps]
    if EMERGENCY not in names or not played.run.steps[names.index(EMERGENCY)].phase.over:
        return
    before = played.run.steps[: names.index(EMERGENCY)]
    began = played.run.steps[names.index(EMERGENCY)].started_at
    assert began is not None
    failed = any(step.name.startswith("verify") and step.phase is not StepPhase.DONE for step in before)
    lost = any(
        {step.road for step in before if step.component == name} == set(roads)
        and not any(step.component == name and _done_before(step, began) for step in before)
        for name, roads in played.policy.level(1).steered.items()
    )
    assert failed or lost
