"""Twenty-four hours of signals that flap, and pipelines that deploy again what was taken back: the budgets hold."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest

from shared.adapters.signing import Ed25519Signer
from shared.engine.records import RECEIPT
from shared.model.event import EventKind
from shared.receipt import verify
from tests.fakes.clock import NOON
from tests.scenarios.flapping.day import FLEET_BUDGET, TICK, Day, new_day

_DAY = timedelta(hours=24)
_TICKS = _DAY // TICK
_COOL_DOWN = timedelta(minutes=15)
_BAD = 0.31


def flapping(seed: int) -> Callable[[str, datetime], float]:
    """Every build but b1 is bad and well by turns, each turn between half a minute and ten minutes long."""
    random = Random(seed)
    turns: list[tuple[datetime, float]] = [(NOON, 0.0)]
    while turns[-1][0] < NOON + 2 * _DAY:
        ends = turns[-1][0] + timedelta(seconds=random.uniform(30, 600))
        turns.append((ends, random.choice([0.0, 0.0, 0.04, _BAD, 1.0])))

    def sick(build: str, at: datetime) -> float:
        if build == "b1":
            return 0.0
        return next(share for begins, share in reversed(turns) if begins <= at)

    return sick


def most_within(moments: list[datetime], span: timedelta) -> int:
    """The largest number of moments that lie in any interval of that length."""
    return max((sum(begin <= at < begin + span for at in moments) for begin in moments), default=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_flapping_stays_within_the_budgets(seed: int) -> None:
    day = new_day(flapping(seed), "orders", "shop", "mail")
    day.signer = Ed25519Signer(b64encode(bytes(32)).decode())
    random, released = Random(seed), 0
    for tick in range(_TICKS):
        if tick % 40 == 0:  # a new build for one of them every twenty minutes
            name = random.choice(list(day.sites))
            released += day.release(name, f"b{tick + 2}")
        day.step()

    every_start = [at for name in day.sites for at in day.starts(name)]
    assert every_start, "nothing ever flapped for long enough: this day shows nothing"
    for name, site in day.sites.items():
        starts = day.starts(name)
        assert most_within(starts, site.policy.guards.budget.per) <= site.policy.guards.budget.most
        ends = [event.at for event in day.events(name, EventKind.VERIFIED)]
        assert len(ends) == len(starts)
        assert all(later - end >= _COOL_DOWN for end, later in zip(ends, starts[1:], strict=False))
    assert most_within(every_start, FLEET_BUDGET.per) <= FLEET_BUDGET.most
    assert len(every_start) < released
    receipts = [json.loads(row.body) for name in day.sites for row in day.ledger.scan(name, RECEIPT)]
    assert len(receipts) == len(every_start)
    assert all("decided again, byte for byte" in list(verify(receipt))[1] for receipt in receipts)


def test_the_flapping_would_have_broken_the_budgets_without_them() -> None:
    """The same day, counting what fired: there was more to roll back than the budgets let."""
    day = new_day(flapping(0), "orders")
    for tick in range(_TICKS):
        if tick % 40 == 0:
            day.release("orders", f"b{tick + 2}")
        day.step()
    fired = [event.at for event in day.events("orders", EventKind.FIRING)]
    assert most_within(fired, _DAY) > 2
    said = [event.sentence for event in day.events("orders", EventKind.HELD_BACK)]
    assert any("the budget of 2 per 1d is used up" in sentence for sentence in said)


def bad_b2(build: str, _: datetime) -> float:
    return _BAD if build == "b2" else 0.0


def loop(day: Day, *, announced: bool, override: str | None = None) -> list[bool]:
    """A pipeline puts b2 into production again every ten minutes for a day; tells when it was let."""
    let = []
    for tick in range(_TICKS):
        if tick % 20 == 0 and day.sites["orders"].slots.served != "b2":
            if announced:
                let.append(day.release("orders", "b2", override))
            else:
                day.sites["orders"].deploy("b2")
                let.append(True)
        day.step()
    return let


def test_a_pipeline_that_announces_a_quarantined_build_again_is_refused() -> None:
    day = new_day(bad_b2, "orders")
    let = loop(day, announced=True)
    assert let[0]
    assert not any(let[1:])
    assert len(day.starts("orders")) == 1
    assert day.sites["orders"].slots.served == "b1"


def test_a_redeploy_loop_behind_our_back_ends_after_one_rollback_and_people_are_told_once() -> None:
    day = new_day(bad_b2, "orders")
    day.intake.known_good("orders", "b1", "pipeline")
    loop(day, announced=False)
    assert len(day.starts("orders")) == 1
    held_back = day.events("orders", EventKind.HELD_BACK)
    assert "which took it back, and is there again: whoever deploys it must be stopped first" in held_back[-1].sentence
    assert len(held_back) <= 2  # the cool-down first, then the loop


def test_a_build_that_is_named_goes_forward_again_and_is_taken_back_again_within_the_budget() -> None:
    day = new_day(bad_b2, "orders")
    let = loop(day, announced=True, override="b2")
    assert all(let)
    assert most_within(day.starts("orders"), _DAY) == 2
