"""The table from readings to a verdict and a decision, and the sentence that goes with it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.decide import decide
from shared.decision.guards import Situation, rollback_limitation
from shared.model.decision import Action
from shared.model.policy import Guards
from shared.model.run import RunStatus
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from tests.unit.decision.build import at, blind, ended, firing, pending, reading, seconds, situation, unheard

CRITICAL, WARNING, INVESTIGATION = Tier
HEALTHY, UNHEALTHY, BLIND = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.BLIND
QUIET = reading(name="quiet")

VERDICTS = [
    pytest.param([], BLIND, id="nothing is watched"),
    pytest.param([QUIET], HEALTHY, id="all quiet"),
    pytest.param([unheard()], BLIND, id="none heard"),
    pytest.param([unheard(), unheard()], BLIND, id="several, none heard"),
    pytest.param([QUIET, unheard()], HEALTHY, id="a holding trigger without a word says nothing"),
    pytest.param([QUIET, blind()], BLIND, id="one blind among quiet ones"),
    pytest.param([unheard(), blind()], BLIND, id="blind and none heard"),
    pytest.param([QUIET, blind(WARNING)], BLIND, id="a blind warning could have asked"),
    pytest.param([QUIET, blind(INVESTIGATION)], HEALTHY, id="a blind investigation could not have rolled back"),
    pytest.param([blind(INVESTIGATION)], BLIND, id="a blind investigation alone sees nothing"),
    pytest.param([QUIET, pending(INVESTIGATION)], UNHEALTHY, id="an investigation sees a violation like any other"),
    pytest.param([QUIET, pending()], UNHEALTHY, id="one violation among quiet ones"),
    pytest.param([blind(), firing()], UNHEALTHY, id="one firing while others are blind"),
    pytest.param([QUIET, unheard(), blind(), pending()], UNHEALTHY, id="one of each"),
]


@pytest.mark.parametrize(("readings", "verdict"), VERDICTS)
def test_the_verdicts_add_up(readings: list[TriggerReading], verdict: Verdict) -> None:
    assert decide(readings, situation()).verdict is verdict
    assert decide(readings[::-1], situation()).verdict is verdict


DECISIONS = [
    pytest.param([firing(CRITICAL)], Action.ROLL_BACK, 1, "roll back to level 1: errors says so", id="critical acts"),
    pytest.param(
        [firing(WARNING)], Action.ASK, 1, "ask whether to roll back to level 1: errors says so", id="warning asks"
    ),
    pytest.param(
        [firing(INVESTIGATION)], Action.PAUSE, None, "pause the change: errors says so", id="investigation pauses"
    ),
    pytest.param(
        [firing(INVESTIGATION, name="a"), firing(WARNING, name="b"), firing(CRITICAL, name="c")],
        Action.ROLL_BACK,
        1,
        "roll back to level 1: c says so",
        id="critical goes before warning and investigation",
    ),
    pytest.param(
        [firing(INVESTIGATION, name="a", held_s=900), firing(WARNING, name="b")],
        Action.ASK,
        1,
        "ask whether to roll back to level 1: b says so",
        id="warning goes before investigation, however long that fires",
    ),
    pytest.param(
        [firing(name="a", held_s=60), firing(name="b", held_s=64), firing(name="c", held_s=62)],
        Action.ROLL_BACK,
        1,
        "roll back to level 1: b says so",
        id="the longest of a tier speaks",
    ),
    pytest.param(
        [firing(name="a"), firing(name="b")],
        Action.ROLL_BACK,
        1,
        "roll back to level 1: a says so",
        id="else the first",
    ),
    pytest.param(
        [blind(name="a"), firing(name="b")],
        Action.ROLL_BACK,
        1,
        "roll back to level 1: b says so",
        id="what fires acts while another is blind",
    ),
    pytest.param(
        [QUIET, pending(name="a"), pending(name="b", held_s=45)],
        Action.CONTINUE,
        None,
        "unhealthy: b says so",
        id="a violation that has not held yet waits",
    ),
    pytest.param(
        [QUIET, blind(name="a"), blind(name="b", held_s=5)],
        Action.CONTINUE,
        None,
        "blind: b says so",
        id="whoever is blind waits and says so",
    ),
    pytest.param(
        [unheard()],
        Action.CONTINUE,
        None,
        "blind: no trigger has anything to stand on yet",
        id="none heard",
    ),
    pytest.param(
        [unheard(), QUIET, reading(name="calm")],
        Action.CONTINUE,
        None,
        "healthy: quiet says so; 2 of 3 triggers heard and quiet",
        id="all heard are quiet",
    ),
]


@pytest.mark.parametrize(("readings", "action", "level", "sentence"), DECISIONS)
def test_the_decision(readings: list[TriggerReading], action: Action, level: int | None, sentence: str) -> None:
    decision = decide(readings, situation())
    assert (decision.action, decision.level, decision.sentence) == (action, level, sentence)
    assert decision.limitation is None


def test_a_rollback_that_is_held_back_says_why_and_what_fired() -> None:
    decision = decide([firing()], situation(guards=Guards(observe_only=True)))
    assert decision.action is Action.CONTINUE
    assert decision.verdict is UNHEALTHY
    assert decision.level is None
    assert decision.limitation == "the policy says observe_only"
    assert decision.trigger == firing()
    assert decision.sentence == "not rolled back: the policy says observe_only; errors says so"


@pytest.mark.parametrize(("tier", "action"), [(WARNING, Action.ASK), (INVESTIGATION, Action.PAUSE)])
def test_observe_only_holds_back_rollbacks_and_not_questions(tier: Tier, action: Action) -> None:
    assert decide([firing(tier)], situation(guards=Guards(observe_only=True))).action is action


readings_of_any_kind = st.lists(
    st.one_of(
        st.builds(firing, st.sampled_from(Tier)),
        st.builds(pending, st.sampled_from(Tier)),
        st.builds(blind, st.sampled_from(Tier)),
        st.builds(reading, st.sampled_from(Tier)),
        st.builds(unheard),
    ),
    max_size=6,
)
situations = st.builds(
    situation,
    active_rollback=st.sampled_from([None, "orders.7"]),
    guards=st.builds(Guards, observe_only=st.booleans()),
    production_build=st.sampled_from(["", "b41", "b42"]),
)


@given(readings_of_any_kind, situations)
def test_only_a_critical_trigger_that_fires_rolls_back_and_only_without_a_limitation(
    readings: list[TriggerReading], now: Situation
) -> None:
    decision = decide(readings, now)
    fires = any(r.tier is CRITICAL and r.state is TriggerState.FIRING for r in readings)
    due = fires and now.active_rollback is None
    limitation = rollback_limitation(now) if due else None
    assert (decision.action is Action.ROLL_BACK) is (due and limitation is None)
    assert decision.limitation == limitation


@given(readings_of_any_kind, situations)
def test_a_level_stands_in_a_decision_exactly_when_it_rolls_back_or_asks(
    readings: list[TriggerReading], now: Situation
) -> None:
    decision = decide(readings, now)
    assert (decision.level is not None) is (decision.action in (Action.ROLL_BACK, Action.ASK))
    assert decision.sentence


@given(st.lists(st.one_of(st.builds(blind, st.sampled_from(Tier)), st.builds(unheard)), max_size=5))
def test_blindness_alone_never_does_anything(readings: list[TriggerReading]) -> None:
    decision = decide(readings, situation())
    assert (decision.action, decision.verdict) == (Action.CONTINUE, BLIND)


def test_a_rollback_that_is_held_back_does_not_keep_the_change_from_being_paused() -> None:
    held_back = situation(guards=Guards(observe_only=True))
    readings = [firing(tier=Tier.CRITICAL), firing(name="odd", tier=Tier.INVESTIGATION)]
    decision = decide(readings, held_back)
    assert decision.action is Action.PAUSE
    assert decision.limitation == "the policy says observe_only"
    assert "pause the change" in decision.sentence
    assert "not rolled back: the policy says observe_only" in decision.sentence


@pytest.mark.parametrize("tier", Tier)
def test_while_a_rollback_runs_nothing_else_is_decided(tier: Tier) -> None:
    decision = decide([firing(tier)], situation(active_rollback="orders.7"))
    assert (decision.action, decision.limitation) == (Action.CONTINUE, None)
    assert decision.sentence == "rolling back: orders.7 is under way; unhealthy: errors says so"


_QUICK = Guards(cool_down=timedelta(seconds=1))


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize(
    ("ended_ago_s", "until_s", "stands"),
    [
        pytest.param(5, -5, False, id="all of it was seen before the rollback ended"),
        pytest.param(30, 0, False, id="half of it was"),
        pytest.param(60, 0, True, id="none of it was"),
        pytest.param(90, 0, True, id="it began later"),
    ],
)
def test_what_was_seen_before_a_rollback_healed_the_world_decides_nothing_after_it(
    tier: Tier, ended_ago_s: float, until_s: float, stands: bool
) -> None:
    after = situation(guards=_QUICK, last_rollback=ended(ago_s=ended_ago_s))
    decision = decide([firing(tier, until_s=until_s)], after)
    assert (decision.action is not Action.CONTINUE) is stands
    assert decision.verdict is UNHEALTHY
    assert decision.limitation is None
    if not stands:
        assert decision.sentence == "unhealthy: errors says so; seen mostly before rollback orders.1 ended"


@pytest.mark.parametrize("status", [RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.REFUSED])
def test_a_rollback_that_healed_nothing_leaves_what_was_seen_standing(status: RunStatus) -> None:
    after = situation(guards=_QUICK, last_rollback=ended(status, ago_s=5))
    assert decide([firing(until_s=-5)], after).action is Action.ROLL_BACK


def test_an_alert_that_still_stands_from_before_a_verified_rollback_starts_no_second_one() -> None:
    standing = replace(firing(), since=at(-300), heard_at=at(-300), held=seconds(300), hold_for=seconds(0))
    after = situation(last_rollback=ended(ago_s=200), guards=Guards(cool_down=seconds(1)))
    assert decide([standing], after).action is Action.CONTINUE
    again = replace(standing, heard_at=at(-100))
    assert decide([again], after).action is Action.ROLL_BACK
