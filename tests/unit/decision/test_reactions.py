"""What follows from a firing trigger beyond its tier: slowing, strategies, and triggers that look at changes alone."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.decide import decide
from shared.decision.plans import plan_of, reactions_of
from shared.model.change import Change, ChangeStatus
from shared.model.decision import Action, Plan, Reaction
from shared.model.trigger import Tier, Verdict
from tests.fakes.policies import policy
from tests.unit.decision.build import at, blind, ended, firing, reading, situation

CRITICAL, WARNING, INVESTIGATION = Tier
CHANGE = Change(id="orders.change.1", kind="migration", build="b42", started_at=at(-600))
PAUSES, SLOWS = Reaction(does=Action.PAUSE), Reaction(does=Action.SLOW)
PARTIAL = Reaction(does=Action.ROLL_BACK, plan=Plan(strategy="partial", level=1, components=("web",)))
FULL = Reaction(does=Action.ROLL_BACK, plan=Plan(strategy="full", level=1))
TABLE = Reaction(does=Action.ASK, plan=Plan(strategy="table", level=2))
STRENGTH = [Action.CONTINUE, Action.SLOW, Action.PAUSE, Action.ASK, Action.ROLL_BACK]


def test_an_investigation_may_slow_the_change() -> None:
    decision = decide([firing(INVESTIGATION, name="tail")], situation(), {"tail": SLOWS})
    assert (decision.action, decision.sentence) == (Action.SLOW, "slow the change: tail says so")


def test_a_pause_goes_before_slowing_however_long_that_fires() -> None:
    readings = [firing(INVESTIGATION, name="tail", held_s=900), firing(INVESTIGATION, name="memory")]
    assert decide(readings, situation(), {"tail": SLOWS, "memory": PAUSES}).action is Action.PAUSE


def test_a_rollback_by_a_strategy_names_it() -> None:
    decision = decide([firing(name="doubt")], situation(), {"doubt": PARTIAL})
    assert (decision.action, decision.level, decision.strategy) == (Action.ROLL_BACK, 1, "partial")
    assert decision.sentence == "roll back to level 1 (partial): doubt says so"


def test_a_question_asks_for_the_level_of_its_strategy() -> None:
    decision = decide([firing(WARNING, name="doubt")], situation(), {"doubt": TABLE})
    assert (decision.action, decision.level, decision.strategy) == (Action.ASK, 2, "table")
    assert decision.sentence == "ask whether to roll back to level 2 (table): doubt says so"


def test_what_takes_all_back_goes_before_what_takes_back_a_part() -> None:
    readings = [firing(name="doubt", held_s=900), firing(name="errors")]
    assert decide(readings, situation(), {"doubt": PARTIAL, "errors": FULL}).strategy == "full"
    assert decide(readings, situation(), {"doubt": PARTIAL}).strategy == ""


def test_a_strategy_may_only_hold_the_change_up() -> None:
    checkpoint = Reaction(does=Action.PAUSE, plan=Plan(strategy="checkpoint", does=Action.PAUSE))
    decision = decide([firing(name="memory")], situation(), {"memory": checkpoint})
    assert (decision.action, decision.level, decision.strategy) == (Action.PAUSE, None, "checkpoint")


@pytest.mark.parametrize("tier", list(Tier))
def test_what_only_tells_is_bad_and_nothing_follows(tier: Tier) -> None:
    tells = {"dtu": Reaction(does=Action.CONTINUE)}
    decision = decide([firing(tier, name="dtu")], situation(last_rollback=ended(ago_s=-60)), tells)
    assert (decision.action, decision.verdict, decision.level) == (Action.CONTINUE, Verdict.UNHEALTHY, None)
    assert decision.sentence == "unhealthy: dtu says so"


@pytest.mark.parametrize(
    ("reaction", "said"),
    [
        (FULL, "roll back to level 1 (full, confidence 0.9): memory says so"),
        (Reaction(does=Action.ROLL_BACK), "roll back to level 1 (confidence 0.9): memory says so"),
        (TABLE, "ask whether to roll back to level 2 (table, confidence 0.9): memory says so"),
        (PAUSES, "pause the change (confidence 0.9): memory says so"),
        (SLOWS, "slow the change (confidence 0.9): memory says so"),
    ],
)
def test_a_decision_says_how_sure_it_is(reaction: Reaction, said: str) -> None:
    decision = decide([firing(name="memory")], situation(), {"memory": replace(reaction, confidence=0.9)})
    assert (decision.sentence, decision.confidence) == (said, 0.9)


_ALL = {
    Action.ROLL_BACK: FULL,
    Action.ASK: Reaction(does=Action.ASK),
    Action.PAUSE: PAUSES,
    Action.SLOW: SLOWS,
}


@given(st.lists(st.tuples(st.sampled_from(list(Tier)), st.sampled_from(list(_ALL))), min_size=1, max_size=5))
def test_the_strongest_of_all_that_fires_is_done(asked: list[tuple[Tier, Action]]) -> None:
    readings = [firing(tier, name=f"t{number}") for number, (tier, _) in enumerate(asked)]
    reactions = {f"t{number}": _ALL[action] for number, (_, action) in enumerate(asked)}
    decision = decide(readings, situation(), reactions)
    assert decision.action is max((action for _, action in asked), key=STRENGTH.index)


WHILE = {"doubt": Reaction(does=Action.ROLL_BACK, while_change=True)}
OK = reading(name="errors")


@pytest.mark.parametrize("change", [None, *(replace(CHANGE, status=status) for status in list(ChangeStatus)[3:])])
def test_without_a_change_a_trigger_of_changes_says_nothing_at_all(change: Change | None) -> None:
    for one in (firing(name="doubt"), blind(name="doubt")):
        decision = decide([OK, one], situation(change=change), WHILE)
        assert (decision.action, decision.verdict) == (Action.CONTINUE, Verdict.HEALTHY)
        assert decision.sentence == "healthy: errors says so; 1 of 1 triggers heard and quiet"


@pytest.mark.parametrize("status", list(ChangeStatus)[:3])
def test_with_a_change_it_counts(status: ChangeStatus) -> None:
    during = situation(change=replace(CHANGE, status=status))
    assert decide([OK, firing(name="doubt")], during, WHILE).action is Action.ROLL_BACK
    assert decide([OK, blind(name="doubt")], during, WHILE).verdict is Verdict.BLIND


ONCE: Mapping[str, Reaction] = {"doubt": Reaction(does=Action.ASK, once_per_change=True)}


def test_a_trigger_may_decide_once_on_each_change() -> None:
    change = replace(CHANGE, decided=("doubt",))
    decision = decide([firing(WARNING, name="doubt")], situation(change=change), ONCE)
    assert (decision.action, decision.verdict) == (Action.CONTINUE, Verdict.UNHEALTHY)
    assert decision.sentence == "unhealthy: doubt says so; decided once on this change already: doubt"
    assert decide([firing(WARNING, name="doubt")], situation(change=CHANGE), ONCE).action is Action.ASK
    assert decide([firing(WARNING, name="doubt")], situation(change=change)).action is Action.ASK


def test_what_a_person_overruled_holds_nothing_up_and_still_rolls_back() -> None:
    during = situation(change=replace(CHANGE, overruled=("memory",)))
    decision = decide([firing(INVESTIGATION, name="memory")], during)
    assert decision.action is Action.CONTINUE
    assert decision.sentence == ("unhealthy: memory says so; the change goes on all the same, as a person said: memory")
    assert decide([firing(CRITICAL, name="memory")], during).action is Action.ROLL_BACK
    both = [firing(INVESTIGATION, name="memory"), firing(INVESTIGATION, name="tail")]
    assert decide(both, during).trigger == both[1]


RULED = policy(
    (
        "notify:",
        "strategies:\n"
        "  full: {level: 1}\n"
        "  site: {level: 1, components: [site], road: slot_swap}\n"
        "  checkpoint: {does: pause}\n"
        "notify:",
    ),
    ("at_least: 20 requests}", "at_least: 20 requests, strategy: site, once: change}"),
    ("- {name: memory, when: memory >= 1}", "- {name: memory, when: memory >= 1, does: slow, while: change}"),
)


def test_a_strategy_is_a_plan_and_an_unknown_one_is_none() -> None:
    assert plan_of(RULED, "full") == Plan(strategy="full", level=1)
    assert plan_of(RULED, "site") == Plan(strategy="site", level=1, components=("site",), road="slot_swap")
    assert plan_of(RULED, "checkpoint") == Plan(strategy="checkpoint", does=Action.PAUSE)
    assert plan_of(RULED, "everything") is None


def test_reactions_are_those_of_the_policy() -> None:
    assert reactions_of(RULED) == {
        "errors": Reaction(does=Action.ROLL_BACK, plan=plan_of(RULED, "site"), once_per_change=True),
        "doubt": PAUSES,
        "memory": Reaction(does=Action.SLOW, while_change=True),
    }


@pytest.mark.parametrize(
    ("old", "new", "does"),
    [
        ("for: 20s", "does: tell", Action.CONTINUE),
        ("no_data: hold", "no_data: hold, does: tell", Action.CONTINUE),
        ("no_data: hold", "no_data: hold, does: slow", Action.SLOW),
    ],
)
def test_every_tier_may_only_tell(old: str, new: str, does: Action) -> None:
    assert does in {reaction.does for reaction in reactions_of(policy((old, new))).values()}


def test_a_trigger_may_say_how_sure_it_makes() -> None:
    reactions = reactions_of(policy(("for: 20s", "confidence: 70%"), ("memory >= 1", "memory >= 1, confidence: 0.5")))
    assert {name: one.confidence for name, one in reactions.items()} == {"errors": 0.7, "doubt": None, "memory": 0.5}
