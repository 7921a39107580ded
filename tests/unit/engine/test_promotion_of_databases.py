"""A promotion whose change has databases gives nobody the new build before rows could go back."""

import pytest

from shared.engine.records import CHECKPOINTS, encode
from shared.model.checkpoint import Checkpoints, CheckpointStatus, DatabaseCheckpoint
from shared.model.run import Run, RunStatus
from shared.ports import Put
from tests.fakes.promoting import PROMOTION, PromotingShop, promoting_policy

_DATABASES = 'databases: {shop: {source: "host=old", target: "host=new"MORE}}\n'
_LEVELS = "levels: {1: {roads: [split, slot_swap]}, 2: {components: {rows: [back], site: [slot_swap]}, budget: 5m}}\n"
_WAITS = "its rows could not go back: "
_LONG_S = 1800


def of_databases(*, more: str = "", promotion: str = PROMOTION) -> PromotingShop:
    text = promotion.replace("roads: {", "roads: {back: {data_sync: shop}, ").rpartition("levels:")[0]
    return PromotingShop(promoting_policy(f"{_DATABASES.replace('MORE', more)}{text}{_LEVELS}"))


def see(shop: PromotingShop, status: CheckpointStatus, change_id: str = "") -> None:
    """The checkpoint of the change is like this from now on."""
    assert shop.found.change is not None
    one = DatabaseCheckpoint(
        database="shop",
        id=change_id or shop.found.change.id,
        status=status,
        since=shop.clock(),
        sentence=f"it is {status}",
    )
    shop.ledger.commit("orders", [Put(CHECKPOINTS, encode(Checkpoints(by_database={"shop": one})))])


def promoted_for(shop: PromotingShop, seconds: float) -> Run:
    run = shop.promote()
    shop.pass_time(seconds)
    return shop.load(run.id)


def test_nobody_is_sent_to_a_build_before_there_is_a_checkpoint() -> None:
    shop = of_databases()
    run = promoted_for(shop, 120)
    assert (run.steps[-1].name, shop.split.given, run.status.ended) == ("share:5", [], False)
    assert run.steps[-1].note == f"{_WAITS}no checkpoint of shop yet"
    see(shop, CheckpointStatus.TAKEN)
    assert shop.end(run.id).status is RunStatus.VERIFIED
    assert shop.slots.served == "b2"


def test_production_is_not_swapped_before_there_is_one() -> None:
    shop = of_databases(promotion=PROMOTION.replace("  road: split\n  steps: [5%, 25%]\n", ""))
    run = promoted_for(shop, 120)
    assert (run.steps[-1].name, shop.slots.posts) == ("swap", [])
    see(shop, CheckpointStatus.TAKEN)
    assert shop.end(run.id).status is RunStatus.VERIFIED


@pytest.mark.parametrize("status", [CheckpointStatus.REFUSED, CheckpointStatus.WANTED, CheckpointStatus.ENDED])
def test_one_that_does_not_stand_is_waited_for_and_its_sentence_said(status: CheckpointStatus) -> None:
    shop = of_databases()
    run = shop.promote()
    see(shop, status)
    shop.pass_time(60)
    assert shop.load(run.id).steps[-1].note == f"{_WAITS}it is {status}"
    assert shop.split.given == []


def test_that_of_an_earlier_change_is_none() -> None:
    shop = of_databases()
    run = shop.promote()
    see(shop, CheckpointStatus.TAKEN, "orders.change.20260201T000000000000")
    shop.pass_time(60)
    assert shop.load(run.id).steps[-1].note == f"{_WAITS}no checkpoint of shop yet"


def test_one_that_is_lost_is_there() -> None:
    shop = of_databases()
    run = shop.promote()
    see(shop, CheckpointStatus.LOST)
    assert shop.end(run.id).status is RunStatus.VERIFIED


def test_a_policy_that_holds_no_change_is_obeyed() -> None:
    shop = of_databases(more=", hold_change: false")
    assert shop.end(shop.promote().id).status is RunStatus.VERIFIED


def test_a_checkpoint_that_never_comes_refuses_the_promotion_and_nobody_was_sent_there() -> None:
    shop = of_databases()
    run = shop.end(shop.promote().id, within_s=_LONG_S)
    assert run.status is RunStatus.REFUSED
    assert f"{_WAITS}no checkpoint of shop yet" in run.outcome
    assert (shop.split.given, shop.slots.served) == ([], "b1")
