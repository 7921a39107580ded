"""Who is to blame: what would not be healed by going back holds a rollback back, says so once, and nobody else does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

import pytest

from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.decision.guards import rollback_limitation
from shared.decision.reasons import as_json, decide_again, reasons_from_json, reasons_of, verdicts_of
from shared.model.attribution import Blame
from shared.model.change import Change, ChangeStatus, KnownGood
from shared.model.decision import Action
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.signal import Sample, measured
from shared.model.watch import WatchState
from tests.unit.decision.build import at, firing, situation

_POLICY = """
workload: orders
site: {resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders,
  url: "https://orders.example", good_slot: last-good}
signals:
  error_rate: {probe: /health, share: failed, every: 10s}
  slow: {probe: /slow, share: failed, every: 10s}
  payments_failed: {probe: /payments, share: failed, every: 10s}
  good_slot_errors: {probe: /good, share: failed, every: 10s}
  site_health: {pushed: site.health, every: 60s}
  outage: {alert: Service Health}
  users: {pushed: users, every: 60s}
triggers:
  critical: [{name: errors, when: error_rate > 5%, for: 60s}]
  warning: [{name: slow, when: slow > 5%, for: 60s}]
"""
_ATTRIBUTION = """
attribution:
  platform: {azure: site_health < 1, outage: outage >= 1}
  dependencies: {payments: {when: payments_failed > 50%, for: 20s}}
  other_build: good_slot_errors > 5%
  traffic: {signal: users, times: 3, before: 30m}
"""
BLAMING = _POLICY + _ATTRIBUTION
GOOD = KnownGood(build="b41", recorded_at=at(-86_400), recorded_by="pipeline")
_QUIET = {
    "slow": 0.0,
    "payments_failed": 0.0,
    "good_slot_errors": 0.0,
    "site_health": 1.0,
    "outage": 0.0,
    "users": 100.0,
}
_RHYTHM = {"site_health": 60, "users": 60, "outage": 300}


def policy(text: str = BLAMING) -> Policy:
    return read_policy(text, file="orders.yaml", settings={})


@dataclass
class World:
    """A workload that is watched every ten seconds, with what its signals measure."""

    policy: Policy = field(default_factory=policy)
    values: dict[str, float | None] = field(default_factory=lambda: dict(_QUIET))
    change: Change | None = None
    state: WatchState = field(default_factory=WatchState)
    second: int = 0
    last: Cycle | None = None
    told: list[EventKind] = field(default_factory=list)

    def cycle(self, error_rate: float | None, **values: float | None) -> Cycle:
        self.values |= values
        moment = at(self.second)
        samples = {name: tuple(self._due(name, value)) for name, value in self.values.items()}
        samples["error_rate"] = () if error_rate is None else (measured(moment, error_rate, 20),)
        known = Known(state=self.state, known_good=GOOD, change=self.change)
        self.last = next_cycle(self.policy, known, News(samples=samples, build_seen="b42"), moment)
        self.state = self.last.state
        self.told += [event.kind for event in self.last.events]
        self.second += 10
        return self.last

    def cycles(self, seconds: int, error_rate: float | None, **values: float | None) -> Cycle:
        found = [self.cycle(error_rate, **values) for _ in range(seconds // 10)]
        return found[-1]

    def _due(self, name: str, value: float | None) -> Iterator[Sample]:
        if value is not None and self.second % _RHYTHM.get(name, 10) == 0:
            yield measured(at(self.second), value, 20)


def bad(world: World, seconds: int = 120, **values: float | None) -> Cycle:
    return world.cycles(seconds, 0.4, **values)


def after_an_hour(world: World | None = None) -> World:
    if world is None:
        return copy(_an_hour())
    world.cycles(3_600, 0.0)
    return world


@cache
def _an_hour() -> World:
    return after_an_hour(World())


def copy(world: World) -> World:
    return replace(world, values=dict(world.values), told=list(world.told))


def test_when_nobody_else_is_bad_it_is_rolled_back() -> None:
    assert bad(after_an_hour()).decision.action is Action.ROLL_BACK


SINCE = "2026-03-01 13:00:00 UTC"
BLAMES = [
    pytest.param({"payments_failed": 0.8}, f"a dependency is bad too: payments since {SINCE}", id="dependency"),
    pytest.param({"site_health": 0.0}, f"the platform is bad too: azure since {SINCE}", id="platform"),
    pytest.param({"outage": 1.0}, f"the platform is bad too: outage since {SINCE}", id="platform by an alert"),
    pytest.param(
        {"good_slot_errors": 0.3},
        f"the other build is bad as well, since {SINCE}: to go back would not help",
        id="other build",
    ),
    pytest.param(
        {"users": 301.0},
        "traffic had jumped when it began: users 301, more than 3 times the 100 of the 30m before",
        id="traffic",
    ),
    pytest.param(
        {"payments_failed": 0.8, "site_health": 0.0},
        f"the platform is bad too: azure since {SINCE}",
        id="the platform before what stands on it",
    ),
]


@pytest.mark.parametrize(("values", "limitation"), BLAMES)
def test_it_is_held_back_and_says_why(values: Mapping[str, float], limitation: str) -> None:
    decision = bad(after_an_hour(), 120, **values).decision
    assert (decision.action, decision.limitation) == (Action.CONTINUE, limitation)
    assert decision.sentence.startswith(f"not rolled back: {limitation}")


def test_the_decision_says_it_with_numbers() -> None:
    assert bad(after_an_hour(), payments_failed=0.8).decision.sentence == (
        f"not rolled back: a dependency is bad too: payments since {SINCE} "
        "(payments_failed 0.80 > 0.50 for 110 s (min 20 s, 240 requests)); "
        "error_rate 0.40 > 0.05 for 110 s (min 60 s, 240 requests)"
    )


@pytest.mark.parametrize("values", [{"payments_failed": 0.8}, {"users": 400.0}])
def test_people_are_told_once_however_long_it_lasts(values: Mapping[str, float]) -> None:
    world = after_an_hour()
    bad(world, 3_600, **values)
    assert world.last is not None
    assert world.last.decision.action is Action.CONTINUE
    assert world.told.count(EventKind.HELD_BACK) == 1
    assert EventKind.DECIDED not in world.told


INNOCENT = [
    pytest.param({"payments_failed": 0.5}, id="just at its bound"),
    pytest.param({"users": 300.0}, id="just so many times"),
    pytest.param({"users": 5.0}, id="less traffic explains nothing"),
    pytest.param({"outage": 0.0}, id="a resolved alert"),
]


@pytest.mark.parametrize("values", INNOCENT)
def test_what_is_not_bad_is_not_to_blame(values: Mapping[str, float]) -> None:
    assert bad(after_an_hour(), 120, **values).decision.action is Action.ROLL_BACK


@pytest.mark.parametrize(
    "well_again", [{"payments_failed": (0.8, 0.0)}, {"site_health": (0.0, 1.0)}, {"users": (400.0, 120.0)}]
)
def test_once_the_other_is_well_again_and_it_is_not_it_is_rolled_back(
    well_again: Mapping[str, tuple[float, float]],
) -> None:
    world = after_an_hour()
    bad(world, 300, **{name: was for name, (was, _) in well_again.items()})
    assert world.last is not None
    assert world.last.decision.action is Action.CONTINUE
    assert bad(world, 300, **{name: now for name, (_, now) in well_again.items()}).decision.action is Action.ROLL_BACK


def test_one_good_answer_of_a_bad_dependency_does_not_begin_a_rollback() -> None:
    world = after_an_hour()
    bad(world, 120, payments_failed=0.8)
    for value in (0.0, 0.8, 0.8, 0.0, 0.0, 0.8) * 5:
        assert world.cycle(0.4, payments_failed=value).decision.action is Action.CONTINUE


def test_traffic_that_jumps_after_the_errors_began_is_their_doing() -> None:
    world = after_an_hour(World(policy=policy(BLAMING.replace("for: 60s}]\n  warning", "for: 10m}]\n  warning"))))
    bad(world, 300)
    assert bad(world, 600, users=400.0).decision.action is Action.ROLL_BACK


@pytest.mark.parametrize("name", ["payments_failed", "site_health", "good_slot_errors", "users"])
@pytest.mark.parametrize(("blind", "action"), [("ignore", Action.ROLL_BACK), ("hold", Action.CONTINUE)])
def test_who_cannot_be_seen_holds_nothing_up_unless_the_policy_says_so(name: str, blind: str, action: Action) -> None:
    world = after_an_hour(World(policy=policy(f"{BLAMING}  blind: {blind}\n")))
    world.cycles(300, 0.0, **{name: None})
    decision = bad(world, 120).decision
    if action is Action.ROLL_BACK:
        assert EventKind.DECIDED in world.told
        return
    assert decision.action is Action.CONTINUE
    assert (decision.limitation or "").startswith("nobody can see whether")
    assert EventKind.DECIDED not in world.told


def test_the_same_attribution_asks_and_says_what_else_is_bad() -> None:
    world = after_an_hour()
    decision = world.cycles(120, 0.0, slow=0.5, payments_failed=0.8).decision
    assert decision.action is Action.ASK
    assert f"; but a dependency is bad too: payments since {SINCE}" in decision.sentence


def test_a_person_overrules_who_is_to_blame() -> None:
    blamed = situation(firing=firing(), blames={"errors": Blame("the platform is bad too", "azure 0 < 1")})
    assert rollback_limitation(blamed) == "the platform is bad too"
    assert rollback_limitation(replace(blamed, by_hand=True)) is None
    assert rollback_limitation(replace(blamed, firing=firing(name="slow"))) is None


_CHANGE = Change(id="c1", kind="deployment", build="b42", started_at=at(0))


def _deployed(world: World) -> World:
    world.change = replace(_CHANGE, started_at=at(world.second - 5))
    return world


def test_what_was_bad_before_a_silent_deployment_is_not_its_doing() -> None:
    """The deployment restarts the site: a minute of silence breaks the stretch; nothing was well in between."""
    world = after_an_hour(World(policy=policy(_POLICY)))
    world.change = replace(_CHANGE, status=ChangeStatus.COMPLETED)
    bad(world, 120)
    _deployed(world).cycles(60, None)
    decision = bad(world, 3_600).decision
    assert decision.action is Action.CONTINUE
    assert (decision.limitation or "").startswith(
        "it was already bad before the change: errors fired when the deployment of build b42 began at"
    )


def test_what_was_seen_well_after_the_change_began_is_its_doing() -> None:
    world = after_an_hour(World(policy=policy(_POLICY)))
    bad(world, 120)
    _deployed(world).cycles(60, None)
    world.cycle(0.0)
    assert bad(world, 120).decision.action is Action.ROLL_BACK


def test_what_was_bad_before_another_change_excuses_this_one_no_more() -> None:
    world = after_an_hour(World(policy=policy(_POLICY)))
    bad(world, 120)
    _deployed(world).cycles(60, None)
    bad(world, 120)
    world.cycles(60, 0.0)
    world.change = Change(id="c2", kind="deployment", build="b43", started_at=at(world.second - 5))
    assert bad(world, 120).decision.action is Action.ROLL_BACK


def test_a_receipt_holds_who_was_blamed() -> None:
    world = after_an_hour()
    bad(world, 120, users=400.0)
    known, news = Known(state=world.state, known_good=GOOD), News(samples={})
    reasons = reasons_from_json(as_json(reasons_of(world.policy, known, news, at(world.second))))
    again = decide_again(reasons)
    assert again == verdicts_of(next_cycle(world.policy, known, news, at(world.second)))
    assert "traffic had jumped" in again.decision.sentence


def test_what_is_named_is_kept_for_as_long_as_it_is_looked_at() -> None:
    read = policy()
    assert read.horizon("users") > timedelta(minutes=30)
    assert read.horizon("outage") == timedelta(days=7)


def test_without_a_section_nobody_is_suspected() -> None:
    assert (policy(_POLICY).suspects, policy(_POLICY).traffic) == ((), None)
