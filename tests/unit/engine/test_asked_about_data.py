"""More would be lost than the policy lets: people are asked, and agree to what was foreseen and to nothing else."""

from dataclasses import replace

import pytest

from shared.engine.change_control import ChangeControl
from shared.engine.records import CHECKPOINTS, encode, load_run
from shared.engine.requests import Request, Requests
from shared.errors import Refused
from shared.model.ask import Agreeing, Ask, AskStatus
from shared.model.checkpoint import Checkpoints
from shared.model.policy import Policy
from shared.model.run import Run
from shared.ports import Put
from tests.fakes.policies import policy
from tests.fakes.routing import RoutingFate
from tests.fakes.slots import Reply
from tests.unit.engine.asked import ANN, BOB
from tests.unit.engine.conftest import Engine
from tests.unit.engine.rows_story import BEHIND, DIGEST, foreseen, taken
from tests.unit.engine.test_roads_story import Story

_BAD = 0.31
_OTHER = "b" * 16
_DATABASES = """\
databases: {shop: {source: "host=old", target: "host=new", loss: {rows: LIMIT, above: ABOVE}}}
roads: {back: {data_sync: shop}, split: {slot_traffic: candidate, takes: 5s, give_up_after: 2m}}
"""
_BOTH = "components: {rows: [back], site: [slot_swap]}, budget: 5m"


def data_level(*levels: str, limit: int = 10, above: str = "ask", strategies: str = "{}") -> Policy:
    """Return a policy with these levels; rows of `shop` go back by the road `back`."""
    written = "".join(f"  {number}: {{{text}}}\n" for number, text in enumerate(levels, start=1))
    databases = _DATABASES.replace("LIMIT", str(limit)).replace("ABOVE", above)
    return policy(("notify:", f"{databases}levels:\n{written}strategies: {strategies}\nnotify:")).of_version("v1")


def see(engine: Engine | Story, checkpoints: Checkpoints) -> None:
    engine.ledger.commit("orders", [Put(CHECKPOINTS, encode(checkpoints))])


@pytest.fixture
def shop(guarded: Engine) -> Engine:
    """Level 1 takes rows back, too, and more would be lost than the policy lets."""
    guarded.asks_people = True
    guarded.policies["orders"] = data_level(_BOTH)
    see(guarded, foreseen())
    return guarded


def question(engine: Engine) -> Ask:
    found = engine.snapshot().ask
    assert found is not None
    return found


def running(engine: Engine) -> Run | None:
    active = engine.snapshot().active_id
    loaded = load_run(engine.ledger, "orders", active) if active else None
    return loaded[0] if loaded else None


def test_the_watch_asks_instead_of_beginning(shop: Engine) -> None:
    shop.cycles(_BAD, 4)
    ask = question(shop)
    says = "shop: 100 rows stay behind, as of 12:00:00 UTC"
    assert ask.preview == {"shop": Agreeing(digest=DIGEST, says=says, behind=BEHIND)}
    assert (ask.level, ask.quorum, running(shop)) == (1, 1, None)


def test_within_the_limit_the_watch_begins_by_itself(shop: Engine) -> None:
    see(shop, foreseen(lost=10))
    shop.cycles(_BAD, 4)
    run = running(shop)
    assert run is not None
    assert (run.agreed, shop.snapshot().ask) == ((), None)


def test_where_nobody_can_agree_nobody_is_asked(shop: Engine) -> None:
    """Traffic is taken back at once; the rows refuse for themselves."""
    shop.policies["orders"] = data_level(_BOTH, above="refuse")
    shop.cycles(_BAD, 4)
    assert running(shop) is not None
    assert shop.snapshot().ask is None


def test_a_level_that_takes_no_rows_asks_nobody(shop: Engine) -> None:
    shop.policies["orders"] = data_level("roads: [slot_swap]", _BOTH)
    shop.cycles(_BAD, 4)
    assert running(shop) is not None


def test_what_people_approve_is_what_the_run_may_lose(shop: Engine) -> None:
    shop.cycles(_BAD, 4)
    ask = question(shop)
    shop.asks.approve(ask.id, ANN, ask.digest)
    run = running(shop)
    assert run is not None
    assert (run.id, run.agreed) == (ask.id, (DIGEST,))


def test_when_something_else_would_be_lost_it_is_asked_again(shop: Engine) -> None:
    shop.policies["orders"] = data_level(f"{_BOTH}, approval: {{quorum: 2}}")
    shop.cycles(_BAD, 4)
    ask = question(shop)
    shop.asks.approve(ask.id, ANN, ask.digest)
    see(shop, foreseen(lost=5_000, digest=_OTHER))
    with pytest.raises(Refused, match="not approved: what would become of the rows has changed; look again"):
        shop.asks.approve(ask.id, BOB, ask.digest)
    again = question(shop)
    assert again.digest != ask.digest
    assert (again.missing, again.preview is not None and again.preview["shop"].digest) == (2, _OTHER)
    shop.asks.approve(again.id, BOB, again.digest)
    assert running(shop) is None
    shop.asks.approve(again.id, ANN, again.digest)
    run = running(shop)
    assert run is not None
    assert run.agreed == (_OTHER,)


def test_more_rows_of_the_same_kind_take_no_approval_away(shop: Engine) -> None:
    shop.cycles(_BAD, 4)
    ask = question(shop)
    see(shop, foreseen(lost=101, says="shop: 101 rows stay behind"))
    shop.asks.approve(ask.id, ANN, ask.digest)
    assert running(shop) is not None


def test_who_approves_before_anybody_could_look_ahead_agreed_to_nothing(shop: Engine) -> None:
    shop.policies["orders"] = data_level(f"{_BOTH}, approval: {{quorum: 1}}")
    see(shop, Checkpoints(by_database={"shop": taken()}))
    shop.cycles(_BAD, 4)
    ask = question(shop)
    unknown = "shop: nobody knows what would become of them: checkpoint taken"
    assert ask.preview == {"shop": Agreeing(digest="", says=unknown)}
    see(shop, foreseen())
    with pytest.raises(Refused, match="what would become of the rows has changed"):
        shop.asks.approve(ask.id, ANN, ask.digest)


def test_time_that_runs_out_while_the_rows_change_asks_again(shop: Engine) -> None:
    shop.policies["orders"] = data_level(f"{_BOTH}, approval: {{ttl: 5m}}")
    shop.cycles(_BAD, 4)
    before = question(shop)
    while shop.clock() < before.expires_at:
        shop.cycles(_BAD, 1)
    see(shop, foreseen(digest=_OTHER))
    shop.cycles(_BAD, 1)
    after = question(shop)
    assert (after.id, after.expires_at > before.expires_at) == (before.id, True)
    assert any("what would become of the rows has changed: it is asked again" in e.sentence for e in shop.events())


def test_rows_that_change_are_asked_about_at_once_in_the_same_time(shop: Engine) -> None:
    shop.cycles(_BAD, 4)
    before = question(shop)
    see(shop, foreseen(digest=_OTHER))
    shop.cycles(_BAD, 3)
    after = question(shop)
    assert (after.id, after.expires_at, after.digest != before.digest) == (before.id, before.expires_at, True)
    again = [e.sentence for e in shop.events() if "what would become of the rows has changed" in e.sentence]
    assert len(again) == 1
    shop.asks.approve(after.id, ANN, after.digest)
    run = running(shop)
    assert run is not None
    assert run.agreed == (_OTHER,)


def test_a_default_agrees_to_no_loss(shop: Engine) -> None:
    shop.policies["orders"] = data_level(f"{_BOTH}, approval: {{ttl: 5m, on_expiry: act}}")
    shop.cycles(_BAD, 40)
    run = running(shop)
    assert run is not None
    assert run.agreed == ()


def test_by_hand_it_is_refused_until_somebody_agreed(shop: Engine) -> None:
    with pytest.raises(Refused, match=r"shop: 100 rows stay behind; agree to its preview"):
        shop.by_hand.start("orders", 1, "customers complain", "ann")
    run = shop.by_hand.start("orders", 1, "customers complain", "ann", agreed=(DIGEST,))
    assert run.agreed == (DIGEST,)


def test_a_strategy_that_takes_no_rows_loses_none(shop: Engine) -> None:
    plans = "{traffic_only: {level: 1, components: [site]}, all_of_it: {level: 1}}"
    shop.policies["orders"] = data_level(_BOTH, strategies=plans)
    with pytest.raises(Refused, match="agree to its preview"):
        shop.by_hand.start("orders", 1, "bad", "ann", strategy="all_of_it")
    assert shop.by_hand.start("orders", 1, "bad", "ann", strategy="traffic_only").agreed == ()


def test_a_request_says_what_it_agrees_to(shop: Engine) -> None:
    control = ChangeControl(shop.ledger, shop.doorbell, lambda: shop.policies, shop.clock)
    requests = Requests(shop.by_hand, shop.asking, control, lambda: shop.policies)
    request = Request(workload="orders", level=1, strategy="", reason="bad", by="Ann", caller=ANN)
    with pytest.raises(Refused, match="more would be lost than the policy lets"):
        requests.roll_back(request)
    begun = requests.roll_back(replace(request, agreed=(DIGEST,)))
    assert isinstance(begun, Run)
    assert begun.agreed == (DIGEST,)


def _climbs(above: str, lost: int) -> Story:
    story = Story(data_level("roads: [split]", f"{_BOTH}", above=above))
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    see(story, foreseen(lost=lost))
    return story


def test_a_level_that_would_lose_too_much_is_asked_for_and_not_climbed_to() -> None:
    story = _climbs("ask", 11)
    assert story.tell().outcome.endswith("; level 2 is asked for")
    row = story.ledger.read("orders", "now:1:ask")
    assert row is not None
    assert DIGEST in row.body


@pytest.mark.parametrize(("above", "lost"), [("ask", 10), ("refuse", 11)])
def test_else_it_is_climbed_to(above: str, lost: int) -> None:
    assert _climbs(above, lost).tell().outcome.endswith("; level 2 takes up")


def test_whoever_looks_sees_how_many_rows_it_is_by_now(shop: Engine) -> None:
    shop.cycles(_BAD, 4)
    ask = question(shop)
    shop.clock.forward(60)
    see(shop, foreseen(says="shop: 5,000 rows inserted"))
    seen = shop.asks.seen(ask).preview
    says = "shop: 5,000 rows inserted, as of 12:00:00 UTC"
    assert seen == {"shop": Agreeing(digest=DIGEST, says=says, behind=BEHIND)}
    assert shop.asks.approve(ask.id, ANN, ask.digest).status is AskStatus.APPROVED


def test_a_question_about_rows_has_them_looked_at_again(shop: Engine) -> None:
    shop.cycles(_BAD, 4)
    assert [ring.ids for ring in shop.doorbell.at("checkpoints")] == [("orders",)]
