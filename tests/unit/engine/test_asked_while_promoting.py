"""A level that people are asked for while a promotion runs: what it takes forward is what goes back."""

from datetime import timedelta

from shared.decision.asking import approval_rule
from shared.engine.asking import Asking
from shared.engine.asks import Asks
from shared.engine.begin_asked import BeginAsked
from shared.engine.change_control import ChangeControl
from shared.engine.fleet import Fleet
from shared.engine.requests import Request, Requests
from shared.model.ask import Ask
from shared.model.budget import Budget
from shared.model.run import RunStatus
from tests.fakes.promoting import PROMOTION, PromotingShop, promoting_policy
from tests.unit.engine.test_people_are_asked import ANN, BOB

_LEVELS = "levels: {1: {roads: [split, slot_swap]}%s}"
_LEVEL_2 = ", 2: {roads: [split], approval: {ttl: 1h}}"


def asking_on(shop: PromotingShop) -> Asking:
    fleet = Fleet(shop.ledger, Budget(10, timedelta(hours=1)), shop.clock)
    return Asking(approval_rule, BeginAsked(shop.ledger, shop.policies, shop.clock, fleet), shop.clock)


def ask_for_level_2(shop: PromotingShop) -> Ask:
    control = ChangeControl(shop.ledger, shop.doorbell, shop.policies, shop.clock)
    requests = Requests(shop.by_hand, asking_on(shop), control, shop.policies)
    ask = requests.roll_back(Request(workload="orders", level=2, strategy="", reason="x", by="Ann", caller=ANN))
    assert isinstance(ask, Ask)
    return ask


def test_what_was_asked_before_takes_the_promoted_build_back() -> None:
    shop = PromotingShop(promoting_policy(PROMOTION.replace(_LEVELS % "", _LEVELS % _LEVEL_2)))
    ask = ask_for_level_2(shop)
    assert ask.bad_build == ""
    shop.pass_time(10)
    run = shop.promote()
    while shop.split.share != 0.25:
        shop.pass_time(5)
    Asks(shop.ledger, shop.doorbell, shop.policies, asking_on(shop)).approve(ask.id, BOB, ask.digest)
    assert shop.load(run.id).status is RunStatus.SUPERSEDED
    assert list(shop.found.quarantine.builds) == ["b2"]
