"""What people said no to goes on firing, and keeps nothing weaker from acting."""

from itertools import product

import pytest

from shared.decision.decide import decide
from shared.model.decision import Action, Reaction
from shared.model.trigger import Tier, TriggerReading, Verdict
from tests.unit.decision.build import ended, firing, reading, situation

CRITICAL, WARNING, INVESTIGATION = Tier
ASKED_FIRST = {"errors": Reaction(does=Action.ROLL_BACK, takes_people=True)}
SETTLED = situation(settled=frozenset({"errors"}))
_NO = "; people said no to errors, or did not answer"

WEAKER = [
    pytest.param([firing(WARNING, name="slow")], Action.ASK, "ask whether to roll back to level 1: slow says so"),
    pytest.param([firing(INVESTIGATION, name="memory")], Action.PAUSE, "pause the change: memory says so"),
    pytest.param([], Action.CONTINUE, "unhealthy: errors says so"),
]


@pytest.mark.parametrize(("weaker", "action", "sentence"), WEAKER)
def test_what_is_settled_keeps_nothing_weaker_from_acting(
    weaker: list[TriggerReading], action: Action, sentence: str
) -> None:
    decision = decide([firing(held_s=900), *weaker], SETTLED, ASKED_FIRST)
    assert (decision.action, decision.verdict, decision.sentence) == (action, Verdict.UNHEALTHY, f"{sentence}{_NO}")
    assert decision.settled == ("errors",)
    assert decision.trigger == (weaker[0] if weaker else None)


def test_a_warning_that_is_settled_lets_an_investigation_pause() -> None:
    decision = decide([firing(WARNING), firing(INVESTIGATION, name="memory")], SETTLED)
    assert (decision.action, decision.sentence) == (Action.PAUSE, f"pause the change: memory says so{_NO}")


def test_what_begins_unasked_does_so_whatever_was_settled_of_a_higher_level() -> None:
    assert decide([firing()], SETTLED).action is Action.ROLL_BACK
    decision = decide([firing(held_s=900), firing(name="outage")], SETTLED, ASKED_FIRST)
    assert (decision.action, decision.sentence) == (Action.ROLL_BACK, "roll back to level 1: outage says so")


def test_a_rollback_that_is_held_back_says_both() -> None:
    held_back = situation(settled=frozenset({"errors"}), last_rollback=ended())
    late = firing(name="outage", until_s=70)
    decision = decide([firing(until_s=70), late], held_back, ASKED_FIRST)
    assert decision.action is Action.CONTINUE
    assert decision.sentence.startswith("not rolled back: rollback orders.1 ended")
    assert decision.sentence.endswith(_NO)


@pytest.mark.parametrize("tier", [CRITICAL, WARNING])
def test_only_what_fires_counts_as_settled(tier: Tier) -> None:
    quiet = decide([reading(tier)], SETTLED, ASKED_FIRST)
    assert (quiet.settled, quiet.sentence) == ((), "healthy: errors says so; 1 of 1 triggers heard and quiet")


def test_a_settled_firing_changes_nothing_of_what_the_others_do() -> None:
    """Beside it, all of them decide as if it were not there."""
    for tiers in product(Tier, repeat=2):
        others = [firing(tier, name=f"t{number}") for number, tier in enumerate(tiers)]
        alone, beside = decide(others, situation()), decide([firing(), *others], SETTLED, ASKED_FIRST)
        assert (beside.action, beside.trigger, beside.level) == (alone.action, alone.trigger, alone.level)
