"""The rules of asking, by themselves: digests, defaults, and what a policy may not ask for."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.asking import digest_of, new_ask, roads_of, sealed
from shared.decision.asks import due, say_waiting
from shared.model.ask import Agreeing, Ask, AskStatus
from shared.model.policy import Policy
from shared.model.policy_approval import Approval, OnExpiry, approval_problems, rule_for
from shared.model.run import RoadTimes
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState
from shared.web.view import approval_view
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.unit.engine.asked import Asked


def asked(**changed: object) -> Ask:
    world = Asked()
    ask = new_ask(world.policy, Approval(), world.wanted(), RoadTimes(), NOON)
    return replace(ask, **changed)  # type: ignore[arg-type]  # any field


BOUND = {
    "id": "orders.20260301T120000000001",
    "workload": "billing",
    "level": 2,
    "strategy": "partial",
    "share": 0.25,
    "build": "b0",
    "bad_build": "",
    "roads": {"site": ("other",)},
    "preview": {"shop": Agreeing(digest="a" * 16, says="12 rows stay behind", behind=("orders.note: gone (12)",))},
    "policy_version": "v2",
    "healthy_since": NOON,
}
ABOUT_ANSWERS = {
    *("cause", "trigger", "requested_by_id", "requested_by", "asked_at", "expires_at", "on_expiry", "quorum"),
    *("four_eyes", "to", "budget", "takes", "digest", "given", "used", "also", "begun_below", "status", "ended_at"),
    "sentence",
}


@pytest.mark.parametrize("name", BOUND)
def test_whatever_would_be_done_is_in_the_digest(name: str) -> None:
    assert digest_of(asked(**{name: BOUND[name]})) != digest_of(asked())


def test_every_part_of_a_question_is_bound_or_is_about_its_answers() -> None:
    assert {field.name for field in fields(Ask)} == BOUND.keys() | ABOUT_ANSWERS


def test_the_sentence_of_a_preview_is_not_bound_and_what_it_names_is() -> None:
    """Writers go on while people are asked: an approval outlives that, as long as no more is lost."""

    def of(digest: str = "a" * 16, says: str = "12 rows", behind: tuple[str, ...] = ()) -> str:
        return digest_of(asked(preview={"shop": Agreeing(digest=digest, says=says, behind=behind)}))

    assert of(says="13 rows") == of()
    assert of(behind=("orders.note: gone (13)",)) == of()
    assert of(digest="b" * 16) != of()


def test_the_order_of_roads_matters_and_that_of_components_does_not() -> None:
    def of(roads: dict[str, tuple[str, ...]]) -> str:
        return digest_of(asked(roads=roads))

    assert of({"site": ("a", "b")}) != of({"site": ("b", "a")})
    assert of({"site": ("a",), "auth": ("b",)}) == of({"auth": ("b",), "site": ("a",)})


def test_a_question_is_sealed_with_its_digest() -> None:
    assert sealed(asked()).digest == asked().digest == digest_of(asked())


_TAKES = {"slow": "80s", "slower": "90s"}
_FLAG = "slowest: {app_configuration: 'https://shop.azconfig.io', flag: checkout, takes: 2m}"
_PLANS = "{part: {level: 1, components: [site]}, whole: {level: 1}, one: {level: 1, road: slowest, share: 25%}}"


def several() -> Policy:
    """Two components, two hooks and a flag beside the swap, and plans."""
    hook = "hook: https://orders.example/{0}, read_back: https://orders.example/{0}, expect: {{a: 1}}, secret: {1}"
    roads = ", ".join(f"{name}: {{{hook.format(name, 'x' * 16)}, takes: {takes}}}" for name, takes in _TAKES.items())
    verify = "verify: {checks: {home: {get: /}}}"
    level = f"{{components: {{site: [slow, slot_swap], mail: [slowest]}}, emergency: [slower], {verify}}}"
    text = f"roads: {{{roads}, {_FLAG}}}\nlevels: {{1: {level}}}\nstrategies: {_PLANS}\ntriggers:"
    return policy(("triggers:", text))


def test_how_long_it_takes_is_that_of_the_slowest_component_by_its_fastest_road() -> None:
    assert new_ask(several(), Approval(), Asked().wanted(), RoadTimes(), NOON).takes == timedelta(minutes=2)
    part = replace(Asked().wanted(), strategy="part")
    assert new_ask(several(), Approval(), part, RoadTimes(), NOON).takes == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("strategy", "roads"),
    [
        ("", {"site": ("slow", "slot_swap"), "mail": ("slowest",), "emergency": ("slower",)}),
        ("whole", {"site": ("slow", "slot_swap"), "mail": ("slowest",), "emergency": ("slower",)}),
        ("part", {"site": ("slow", "slot_swap")}),
        ("one", {"mail": ("slowest",)}),
        ("unknown", {}),
    ],
)
def test_only_the_roads_that_would_be_taken_are_shown(strategy: str, roads: dict[str, tuple[str, ...]]) -> None:
    assert roads_of(several(), 1, strategy) == roads


def test_the_share_of_a_plan_is_part_of_the_question() -> None:
    one = new_ask(several(), Approval(), replace(Asked().wanted(), strategy="one"), RoadTimes(), NOON)
    assert one.share == 0.25
    done = approval_view(one, NOON, action="x").sections[1].lines
    assert done[:2] == (
        "Production of orders is taken back from build b2 to build b1 "
        "(level 1, traffic, by the plan one, which sets 25%).",
        "For mail: slowest.",
    )


def test_waiting_is_held_against_the_budget() -> None:
    ask = asked(budget=timedelta(minutes=5))
    assert say_waiting(ask, NOON + timedelta(minutes=3)) == "asked 3 min ago; the level's budget is 5 min"
    over = replace(ask, status=AskStatus.REJECTED, ended_at=NOON + timedelta(minutes=1))
    assert say_waiting(over, NOON + timedelta(days=3)) == "over after 60 s; the level's budget is 5 min"


_READINGS = st.builds(
    TriggerReading,
    name=st.sampled_from(["errors", "other"]),
    tier=st.just(Tier.WARNING),
    state=st.sampled_from(TriggerState),
    verdict=st.none() | st.sampled_from(Verdict),
    sentence=st.just("what it says"),
)


@given(
    st.sampled_from(OnExpiry),
    st.booleans(),
    st.sampled_from(["errors", ""]),
    st.sampled_from(AskStatus),
    st.lists(_READINGS, max_size=2),
    st.integers(-1200, 1200),
)
def test_nothing_is_ever_done_unasked_early_twice_blindly_or_without_four_eyes(
    on_expiry: OnExpiry,
    four_eyes: bool,
    trigger: str,
    status: AskStatus,
    readings: list[TriggerReading],
    after_s: int,
) -> None:
    ask = asked(on_expiry=on_expiry, four_eyes=four_eyes, trigger=trigger, status=status)
    default = due(ask, WatchState(readings=tuple(readings)), ask.expires_at + timedelta(seconds=after_s))
    said = next((reading for reading in readings if reading.name == trigger), None)
    undecided = said is not None and said.state is TriggerState.PENDING
    assert (default is None) == (after_s < 0 or status is not AskStatus.OPEN or undecided)
    if default is not None and default.does is not OnExpiry.HOLD:
        assert default.does is on_expiry
        assert not (four_eyes and default.does is OnExpiry.ACT)
        seen_bad = said is not None and (said.state, said.verdict) == (TriggerState.FIRING, Verdict.UNHEALTHY)
        assert not trigger or seen_bad


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1)))  # noqa: DTZ001  # hypothesis adds the zone
def test_a_question_reads_back_as_it_was_written(at: datetime) -> None:
    from shared.engine.records import decode, encode

    ask = sealed(asked(asked_at=at, healthy_since=at, preview={"shop": Agreeing(digest="a" * 16, says="as it is")}))
    again = decode(Ask, encode(ask))
    assert again == ask
    assert digest_of(again) == ask.digest


_PROBLEMS = [
    (3, Approval(on_expiry=OnExpiry.ACT), 4, "four eyes, and done without any when nobody answers"),
    (2, Approval(on_expiry=OnExpiry.ACT, four_eyes=True), 3, "four eyes, and done without any when nobody answers"),
    (4, Approval(on_expiry=OnExpiry.CLIMB), None, "no level above 4 to climb to"),
    (1, Approval(to=("webhook:ops", "webhook:ops")), 2, "'webhook:ops' stands twice"),
]


@pytest.mark.parametrize(("level", "approval", "above", "text"), _PROBLEMS)
def test_what_a_policy_must_not_ask_for(level: int, approval: Approval, above: int | None, text: str) -> None:
    (problem,) = approval_problems(("levels", str(level), "approval"), level, approval, above)
    assert problem.text.startswith(text)


@pytest.mark.parametrize("on_expiry", OnExpiry)
def test_a_sound_rule_has_no_problem(on_expiry: OnExpiry) -> None:
    assert list(approval_problems((), 1, Approval(on_expiry=on_expiry, quorum=2), 2)) == []


def test_levels_three_and_four_ask_without_being_told_to() -> None:
    own, warned = Approval(quorum=2), Approval(quorum=3)
    assert [rule_for(level, None, None) for level in (1, 2, 3, 4)] == [None, None, Approval(), Approval()]
    assert (rule_for(1, own, warned), rule_for(1, None, warned)) == (own, warned)
