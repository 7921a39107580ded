"""People who are asked about rows are asked anew the moment something else would become of them, and not later."""

from datetime import timedelta

import pytest

from shared.decision.asking import Wanted
from shared.engine.asks import Asks
from shared.engine.records import EVENT, KNOWN_GOOD, decode, encode
from shared.engine.start import id_of_run
from shared.model.ask import Ask, AskStatus
from shared.model.change import KnownGood
from shared.model.data_preview import Loss
from shared.model.event import Event, EventKind
from shared.ports import Put
from tests.fakes.interrupted import Recorded
from tests.unit.engine.asked import ANN
from tests.unit.engine.kept import Kept, data_policy

_TTL = timedelta(minutes=10)
_LOSS = Loss(about="orders.note", what="is not on the source", rows=3)


@pytest.fixture
def asked() -> Kept:
    """A change whose checkpoint is taken, and an open question for level 2."""
    kept = Kept(data_policy(level=", approval: {quorum: 1, ttl: 10m}"))
    kept.change()
    good = KnownGood(build="b1", recorded_at=kept.clock(), recorded_by="a pipeline")
    kept.ledger.commit("orders", [Put(KNOWN_GOOD, encode(good))])
    kept.keeper.keep("orders")
    wanted = Wanted(
        id=id_of_run("orders", kept.clock()),
        level=2,
        build="b1",
        bad_build="b2",
        cause="error_rate 0.31 > 0.05",
        trigger="",
        requested_by_id="ben",
        requested_by="ben",
    )
    kept.ledger.commit("orders", kept.asking.ask(kept.policy, kept.found, None, wanted))
    return kept


def question(kept: Kept) -> Ask:
    found = kept.found.ask
    assert found is not None
    return found


def asked_again(kept: Kept) -> list[str]:
    events = [decode(Event, row.body) for row in kept.ledger.scan("orders", EVENT)]
    return [event.sentence for event in events if event.kind is EventKind.ASKED and "asked again" in event.sentence]


def test_what_is_foreseen_anew_is_asked_anew_in_one_commit(asked: Kept) -> None:
    before = question(asked)
    asked.rows.losses = (_LOSS,)
    asked.clock.forward(60)
    recorded = Recorded(asked.ledger)
    asked.keeper_on(recorded).keep("orders")
    assert len(recorded.commits) == 1
    after = question(asked)
    assert after.preview is not None
    assert after.preview["shop"].behind == ("orders.note: is not on the source (3)",)
    assert (after.id, after.expires_at, after.digest != before.digest) == (before.id, before.expires_at, True)
    (sentence,) = asked_again(asked)
    assert sentence.startswith("asked again, because what would become of the rows has changed")


def test_who_answers_after_that_need_not_look_again(asked: Kept) -> None:
    asked.rows.losses = (_LOSS,)
    asked.minute()
    asks = Asks(asked.ledger, asked.doorbell, asked.policies, asked.asking)
    assert asks.approve(question(asked).id, ANN, question(asked).digest).status is AskStatus.APPROVED


def test_more_rows_of_the_same_kind_ask_nobody_anew(asked: Kept) -> None:
    before = question(asked)
    asked.rows.rows += 50
    asked.minute()
    assert question(asked) == before
    assert asked_again(asked) == []


def test_time_that_is_over_is_left_to_the_watch(asked: Kept) -> None:
    """It decides by what it sees what becomes of a question that nobody answered."""
    before = question(asked)
    asked.rows.losses = (_LOSS,)
    asked.clock.forward(_TTL.total_seconds())
    asked.keeper.keep("orders")
    assert question(asked) == before


def test_a_question_that_was_answered_meanwhile_is_not_put_again(asked: Kept) -> None:
    """Looking ahead takes seconds, in which somebody may answer: what was seen is looked at again by the next pass."""
    asks, ask = Asks(asked.ledger, asked.doorbell, asked.policies, asked.asking), question(asked)
    asked.rows.losses = (_LOSS,)
    asked.rows.passes = lambda _: _rejected(asks, ask)
    asked.minute()
    assert asked.found.ask is None
    assert asked_again(asked) == []


def _rejected(asks: Asks, ask: Ask) -> None:
    asks.reject(ask.id, ANN, "not now")
