"""A level that fails and whose next one takes people: who asked stays who asked, and no question for more is lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.decision.asking import approval_rule
from shared.engine.asking import Asking
from shared.engine.asks import Asks
from shared.engine.begin_asked import BeginAsked
from shared.engine.commit import commit_and_ring
from shared.engine.fleet import Fleet
from shared.engine.records import ACTIVE, ASK, encode, snapshot
from shared.engine.start import starting_writes
from shared.errors import Forbidden
from shared.model.ask import Ask
from shared.model.budget import Budget
from shared.model.caller import Caller
from shared.model.policy import Policy
from shared.model.run import Run
from shared.ports import Put
from tests.fakes.routing import RoutingFate
from tests.fakes.runs import new_run
from tests.fakes.slots import Reply
from tests.unit.engine.asked import ANN, BOB, Asked
from tests.unit.engine.test_roads_story import Story, roads

_ROADS = "{roads: [split]}", "{roads: [names]}", "{roads: [slot_swap]}"
_BY_TWO = "{roads: [names], approval: {quorum: 2}}"


def fails(story: Story, by: Caller | None = None) -> Run:
    """Level 1 fails; what follows of it, too."""
    story.split.fate = story.names.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    run = replace(new_run(story.policy, story.clock()), requested_by_id=by.id if by else "", requested_by="Ann")
    commit_and_ring(story.ledger, story.doorbell, "orders", starting_writes(story.policy, run))
    ended = story.finish(run.id)
    while (active := snapshot(story.ledger, "orders").active) is not None:
        ended = story.finish(active.id)
    return ended


def asked(story: Story) -> Ask:
    ask = snapshot(story.ledger, "orders").ask
    assert ask is not None
    return ask


def asks(story: Story) -> Asks:
    def policies() -> dict[str, Policy]:
        return {"orders": story.policy}

    fleet = Fleet(story.ledger, Budget(10, timedelta(hours=1)), story.clock)
    begin = BeginAsked(story.ledger, policies, story.clock, fleet)
    return Asks(story.ledger, story.doorbell, policies, Asking(approval_rule, begin, story.clock))


@pytest.mark.parametrize("levels", [_ROADS[:2], _ROADS[:1]], ids=["through level 2", "at once"])
def test_who_asked_for_level_1_does_not_approve_the_level_it_climbs_to(levels: tuple[str, ...]) -> None:
    story = Story(roads(*levels, "{roads: [slot_swap], approval: {four_eyes: true}}"))
    fails(story, by=ANN)
    ask = asked(story)
    assert (ask.requested_by_id, ask.requested_by, ask.four_eyes) == (ANN.id, "Ann", True)
    with pytest.raises(Forbidden, match="ann asked for it"):
        asks(story).approve(ask.id, ANN, ask.digest)


def test_a_name_is_no_id() -> None:
    story = Story(roads(_ROADS[0], "{roads: [slot_swap], approval: {quorum: 1}}"))
    fails(story)
    assert asked(story).requested_by_id == ""


def test_a_question_for_as_much_or_more_is_left_as_it_is() -> None:
    """With its approvals: who gave one knows what it is for."""
    story = Story(roads(_ROADS[0], _BY_TWO, _ROADS[2]))
    world = Asked(policy=story.policy)
    higher = replace(world.ask(3, by=ANN), quorum=2)
    story.ledger.commit("orders", [Put(ASK, encode(higher))])
    ended = fails(story)
    assert asked(story) == higher
    assert ended.outcome.endswith("; level 2 is not asked for: a question for level 3 is open")
    assert story.ledger.read("orders", ACTIVE) is None


def test_a_question_for_less_gives_way() -> None:
    story = Story(roads(_ROADS[0], _BY_TWO))
    lower = Asked(policy=story.policy).ask(1, by=BOB)
    story.ledger.commit("orders", [Put(ASK, encode(lower))])
    ended = fails(story)
    assert (asked(story).level, asked(story).given) == (2, ())
    assert ended.outcome.endswith("; level 2 is asked for")
