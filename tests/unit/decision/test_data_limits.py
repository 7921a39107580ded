"""How much may stay behind: the policy's limit, and what people agreed to above it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.asking import approval_rule
from shared.decision.data_limits import agreeing, databases_of, loss_limitation, preview_every, takes_people
from shared.decision.planned import planned
from shared.model.ask import Agreeing
from shared.model.checkpoint import Checkpoints, CheckpointStatus, DatabaseCheckpoint, Foreseen
from shared.model.data_preview import DataPreview, Loss
from shared.model.policy import Policy
from shared.model.policy_approval import Approval
from shared.model.policy_data import LossLimit
from shared.model.sync import Conflicts
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

_SECOND = timedelta(seconds=1)


def preview(lost: int) -> DataPreview:
    return DataPreview(
        database="shop",
        checkpoint="c1",
        taken_at=NOON,
        at=NOON,
        rule=Conflicts.STOP,
        tables=(),
        losses=(Loss(about="orders.note", what="gone", rows=lost),) if lost else (),
        takes=_SECOND,
    )


def ahead(lost: int) -> Foreseen:
    return Foreseen.of(preview(lost), _SECOND)


def found(lost: int | None, *, status: CheckpointStatus = CheckpointStatus.TAKEN) -> Checkpoints:
    seen = ahead(lost) if lost is not None else None
    one = DatabaseCheckpoint(database="shop", id="c1", status=status, since=NOON, sentence="as it is", foreseen=seen)
    return Checkpoints(by_database={"shop": one})


def chosen(limit: str = "{rows: 10}", level: str = "components: {rows: [back], site: [slot_swap]}") -> Policy:
    text = f"""\
databases:
  shop: {{source: a, target: b, loss: {limit}}}
  stock: {{source: c, target: d}}
roads: {{back: {{data_sync: shop}}, stock_back: {{data_sync: stock}}, again: {{data_sync: shop}}}}
levels: {{1: {{}}, 2: {{{level}, budget: 5m}}, 3: {{components: {{stock: [stock_back]}}, budget: 5m}}}}
strategies: {{swap: {{level: 2, components: [site]}}}}
notify:"""
    return policy(("notify:", text))


_ROWS = st.integers(0, 300)


@given(lost=_ROWS, limit=_ROWS, above=st.sampled_from(["ask", "refuse"]), seen=st.one_of(st.none(), _ROWS))
def test_rows_go_back_within_the_limit_or_as_agreed(lost: int, limit: int, above: str, seen: int | None) -> None:
    agreed = () if seen is None else (preview(seen).digest,)
    why = loss_limitation(LossLimit(rows=limit, above=above), ahead(lost), agreed)
    covered = seen is not None and _power(seen) == _power(lost)
    assert (why is None) == (lost <= limit or (above == "ask" and covered))


def _power(rows: int) -> int:
    power = 1
    while power < rows:
        power *= 2
    return power if rows else 0


def test_the_sentence_says_what_is_missing() -> None:
    ask, refuse = LossLimit(rows=5), LossLimit(rows=5, above="refuse")
    lost = "orders.note: gone (1,200)"
    nobody = f"the policy lets 5 stay behind, and nobody agreed to more: {lost}"
    less = f"the policy lets 5 stay behind, and what people agreed to was less, or something else: {lost}"
    assert loss_limitation(ask, ahead(1200), ()) == nobody
    assert loss_limitation(ask, ahead(1200), ("x",)) == less
    assert loss_limitation(refuse, ahead(1200), (preview(1200).digest,)) == f"the policy lets 5 stay behind: {lost}"


def test_the_databases_of_roads_are_named_once() -> None:
    assert databases_of(chosen(), ("slot_swap", "back", "again", "gone", "stock_back")) == ("shop", "stock")


@pytest.mark.parametrize(("limit", "lost"), [("{rows: 10}", 10), ("{rows: 10, above: refuse}", 11), ("{}", 0)])
def test_nobody_is_asked_within_the_limit_or_where_nobody_may_agree(limit: str, lost: int) -> None:
    chose = chosen(limit)
    assert takes_people(chose, chose.level(2), found(lost)) is None
    assert approval_rule(chose, 2, "", found(lost)) is None


def test_above_it_people_are_asked_by_the_rule_there_is_or_by_one_of_them() -> None:
    chose = chosen()
    assert takes_people(chose, chose.level(2), found(11)) == str(preview(11))
    assert approval_rule(chose, 2, "", found(11)) == Approval()
    own = chosen(level="components: {rows: [back], site: [slot_swap]}, approval: {quorum: 3}")
    assert approval_rule(own, 2, "", found(11)) == Approval(quorum=3)


def test_what_nobody_foresaw_asks_nobody() -> None:
    chose = chosen()
    assert takes_people(chose, chose.level(2), found(None)) is None
    assert takes_people(chose, chose.level(2), Checkpoints()) is None


def test_only_the_databases_that_a_level_takes_count() -> None:
    chose = chosen()
    assert takes_people(chose, chose.level(1), found(11)) is None
    assert takes_people(chose, planned(chose, 2, "swap").level(2), found(11)) is None


def test_what_people_agree_to_is_told_by_database() -> None:
    said = f"{preview(11)}, as of 12:00:00 UTC"
    agreed = agreeing(chosen(), {"rows": ("back",), "site": ("slot_swap",)}, found(11))
    assert agreed == {"shop": Agreeing(digest=preview(11).digest, says=said, behind=("orders.note: gone (11)",))}
    assert agreeing(chosen(), {"site": ("slot_swap",)}, found(11)) is None


def test_who_is_asked_before_anybody_looked_is_told_so() -> None:
    unknown = "shop: nobody knows what would become of them"
    roads = {"rows": ("back",)}
    assert agreeing(chosen(), roads, found(None)) == {"shop": Agreeing(digest="", says=f"{unknown}: as it is")}
    assert agreeing(chosen(), roads, Checkpoints()) == {"shop": Agreeing(digest="", says=unknown)}


@given(cost=st.integers(0, 600), asked=st.booleans(), over=st.booleans())
def test_looking_ahead_takes_a_twentieth_of_the_time_and_a_quarter_while_people_decide(
    cost: int, asked: bool, over: bool
) -> None:
    every = preview_every(timedelta(seconds=cost), asked=asked, over=over)
    assert every >= timedelta(seconds=5 if asked else 3600 if over else 60)
    assert (4 if asked else 20) * timedelta(seconds=cost) <= every
