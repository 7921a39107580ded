"""What the facts of a check amount to: unknown is never green, and the worst is said first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.cycle import Known
from shared.decision.readiness import report_of
from shared.errors import ControllerError, PermanentError, PolicyError, TransientError
from shared.model.change import Change, ChangeStatus, KnownGood
from shared.model.policy import Policy
from shared.model.readiness import Answering, Baseline, Finding, Kept, Rehearsal, Rehearsals, Report, StickySettings
from shared.model.readiness_facts import Answered, RoadSeen, SiteSeen, SlotState, SwapSeen, World
from shared.model.signal import Sample, measured, no_data
from shared.model.trigger import Verdict
from shared.model.watch import WatchState
from tests.fakes.policies import policy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = KnownGood(build="b1", recorded_at=NOW - timedelta(days=1), recorded_by="tests")
CHANGE = Change(id="c1", kind="deployment", build="b2", started_at=NOW)
STICKY = StickySettings(names=("NAME",), production={"NAME": "p"}, slot={"NAME": "s"})
ANSWERED = Answered(reached=True, status=200, build="b1", latency_ms=20.0)
SWAP = SwapSeen(
    slot="last-good",
    site=SiteSeen(production_build="b1", slot_build="b1", operation_id=None),
    state=SlotState(front="https://orders-last-good.azurewebsites.net", prepared=()),
    answer=ANSWERED,
    sticky=STICKY,
)
WATCHED = WatchState(verdict=Verdict.HEALTHY, watched_at=NOW, cycled_at=NOW)
KNOWN = Known(state=WATCHED, known_good=GOOD)
KEPT = Kept(channels=frozenset({"webhook:ops"}))
WORLD = World(
    live=ANSWERED, roads={}, swaps={"slot_swap": SWAP}, lacking={"slot_swap": ()}, hosts={"orders.example": None}
)
LATER = TransientError("reading it: 503")
NEVER_WORKS = PermanentError("reading it: 403")


def _report(*, known: Known = KNOWN, kept: Kept = KEPT, world: World = WORLD, read: Policy | None = None) -> Report:
    return report_of(read or policy(), known, kept, world, NOW)


def _found(report: Report, name: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.name == name]
    return found


def _with_swap(**seen: Any) -> World:
    return replace(WORLD, swaps={"slot_swap": replace(SWAP, **seen)})


def _with_needs(needs: str) -> Policy:
    return policy(("notify:", f"levels: {{1: {{readiness: {needs}}}}}\nnotify:"))


def test_it_is_ready_when_everything_is() -> None:
    report = _report()
    assert (report.ok, report.reasons, report.broken) == (True, (), False)
    assert all(finding.ok is True for finding in report.findings)


@pytest.mark.parametrize(
    ("world", "name", "ok"),
    [
        (_with_swap(site=LATER), "slot", None),
        (_with_swap(site=NEVER_WORKS), "slot", False),
        (_with_swap(site=SiteSeen(production_build="b1", slot_build="", operation_id=None)), "slot", False),
        (_with_swap(site=SiteSeen(production_build="b1", slot_build="b1", operation_id="o1")), "operation", False),
        (_with_swap(state=LATER), "preview", None),
        (_with_swap(answer=replace(ANSWERED, reached=False)), "answers", None),
        (_with_swap(answer=replace(ANSWERED, status=None, build="")), "answers", False),
        (_with_swap(answer=replace(ANSWERED, status=503)), "answers", False),
        (_with_swap(answer=replace(ANSWERED, latency_ms=5001)), "warm", False),
        (_with_swap(sticky=LATER), "sticky", None),
        (replace(WORLD, lacking={"slot_swap": NEVER_WORKS}), "roles", None),
        (replace(WORLD, lacking={"slot_swap": ("Microsoft.Web/sites/read",)}), "roles", False),
        (replace(WORLD, live=LATER), "live", None),
        (replace(WORLD, live=replace(ANSWERED, build="")), "live", None),
        (replace(WORLD, swaps={"slot_swap": LATER}), "slot", None),
    ],
)
def test_what_is_wrong_and_what_nobody_knows(world: World, name: str, ok: bool | None) -> None:  # a parameter
    report = _report(world=world)
    assert (report.ok, _found(report, name).ok) == (False, ok)
    assert report.broken is (ok is False)


def test_the_worst_is_said_first_and_once() -> None:
    read = policy(("notify:", "levels: {1: {}, 2: {roads: [slot_swap]}}\nnotify:"))
    world = replace(_with_swap(state=LATER, answer=replace(ANSWERED, build="b9")), live=LATER)
    reasons = _report(world=world, read=read).reasons
    assert reasons == (
        "slot_swap: slot last-good answers with b9, not with b1",
        "nobody knows which build is live: reading it: 503",
        "slot_swap: reading it: 503",
    )


_ERRORS = st.sampled_from([LATER, NEVER_WORKS])


_PARTS = st.sets(st.sampled_from(["site", "state", "answer", "sticky", "live", "lacking", "hosts"]), min_size=1)


@given(parts=_PARTS, error=_ERRORS)
def test_no_report_is_green_while_anything_could_not_be_told(parts: set[str], error: ControllerError) -> None:
    read = policy(("notify:", "levels: {1: {verify: {checks: {front: {get: /}}}}}\nnotify:"))
    world = _with_swap(**dict.fromkeys(parts & {"site", "state", "answer", "sticky"}, error))
    world = replace(
        world,
        live=error if "live" in parts else world.live,
        lacking={"slot_swap": error} if "lacking" in parts else world.lacking,
        hosts={"orders.example": error} if "hosts" in parts else world.hosts,
    )
    report = _report(world=world, read=read)
    assert (report.ok, str(error) in " ".join(report.reasons)) == (False, True)


def test_the_builds_that_may_be_live() -> None:
    live = replace(WORLD, live=replace(ANSWERED, build="b2"))
    assert _found(_report(world=live), "live").ok is False
    assert _found(_report(world=live, known=replace(KNOWN, change=CHANGE)), "live").ok is True
    rolled_back = replace(CHANGE, status=ChangeStatus.ROLLED_BACK)
    assert _found(_report(world=live, known=replace(KNOWN, change=rolled_back)), "live").ok is False


def test_an_answer_of_a_cache_leaves_it_to_what_the_watch_saw() -> None:
    cached = replace(WORLD, live=replace(ANSWERED, build=""))
    seen = replace(WATCHED, production_build="b1", production_build_at=NOW - timedelta(seconds=20))
    assert _found(_report(world=cached, known=replace(KNOWN, state=seen)), "live").ok is True


def test_sticky_settings_are_held_against_what_was_good() -> None:
    before = StickySettings(names=("NAME", "OLD"), production={"NAME": "p", "OLD": "o"}, slot={"NAME": "other"})
    baseline = Baseline(since=None, taken_at=NOW - timedelta(hours=1), salt="00", slots={"last-good": before})
    drift = _found(_report(kept=replace(KEPT, baseline=baseline)), "drift")
    assert drift.ok is False
    assert drift.says.endswith("OLD of production, NAME of slot last-good")
    assert _found(_report(), "drift").says == "the sticky settings are taken as they are now for the good ones"


def test_a_slot_that_a_promotion_fills_need_not_hold_the_known_good_before() -> None:
    promotion = 'promotion: {slot: last-good, url: "https://staging.example"}\nnotify:'
    world = _with_swap(
        site=SiteSeen(production_build="b1", slot_build="b2", operation_id=None), answer=replace(ANSWERED, build="b2")
    )
    assert not _report(world=world).ok
    assert _report(world=world, read=policy(("notify:", promotion))).ok
    swapped = _with_swap(site=SiteSeen(production_build="b2", slot_build="b9", operation_id=None))
    assert not _report(world=swapped, read=policy(("notify:", promotion))).ok


def test_signals_must_be_fresh_and_low() -> None:
    read = _with_needs("{fresh: {load: {within: 60s, below: 90%}}}")

    def found(*samples: Sample) -> Finding:
        state = replace(WATCHED, series={"load": samples})
        return _found(_report(known=replace(KNOWN, state=state), read=read), "fresh:load")

    old, young = NOW - timedelta(seconds=61), NOW - timedelta(seconds=60)
    assert found(measured(young, 0.5)).ok is True
    assert found().ok is False
    assert found(measured(old, 0.5)).says == "load was last measured 61 s ago; expected at most 1m"
    assert found(measured(old, 0.5), no_data(NOW, "nothing")).ok is False
    assert found(measured(young, 0.9)).ok is False


def test_a_signal_is_kept_for_as_long_as_it_counts_as_fresh() -> None:
    assert _with_needs("{fresh: {load: 24h}}").horizon("load") >= timedelta(hours=24)
    assert policy().horizon("load") < timedelta(hours=1)


def test_a_rehearsal_counts_for_its_days() -> None:
    read = _with_needs("{rehearsed_within: 30d}")

    def found(age: timedelta | None, *, ok: bool = True) -> bool | None:
        drills = {1: Rehearsal(at=NOW - age, ok=ok, sentence="said")} if age is not None else {}
        return _found(_report(kept=replace(KEPT, rehearsals=Rehearsals(drills)), read=read), "rehearsed").ok

    days = timedelta(days=1)
    assert [found(30 * days), found(31 * days), found(days, ok=False), found(None)] == [True, False, False, False]


def test_a_report_that_is_old_is_no_good_one() -> None:
    report = _report()
    assert report.as_of(NOW + timedelta(minutes=3)).ok
    stale = report.as_of(NOW + timedelta(minutes=4))
    assert (stale.ok, stale.reasons) == (False, ("nobody knows: it was last checked 240 s ago",))
    assert stale.why_not(1) == stale.reasons
    never = Report(workload="orders", ok=False, checked_at=None, reasons=("it was never checked",))
    assert never.as_of(NOW).why_not(1) == ("it was never checked",)


def test_what_another_level_lacks_does_not_keep_a_level_from_being_taken() -> None:
    levels = "levels: {1: {}, 2: {roads: [slot_swap], readiness: {rehearsed_within: 30d}}}\nnotify:"
    report = _report(read=policy(("notify:", levels)))
    assert (report.ok, report.why_not(2)) == (False, ("level 2 was never rehearsed",))
    assert report.why_not(1) == ()
    unseen = _report(read=policy(("notify:", levels)), world=replace(WORLD, live=LATER))
    assert unseen.why_not(1) == ("nobody knows which build is live: reading it: 503",)
    cold = _report(read=policy(("notify:", levels)), world=_with_swap(answer=replace(ANSWERED, status=503)))
    assert cold.why_not(1) == ("slot_swap: slot last-good does not serve: it answers 503",)


_SIGNED_IN, _LINKED = Answering(signed_in=True), Answering(links=True)
_AT_2 = "levels: {{1: {{}}, 2: {{roads: [slot_swap], approval: {}}}}}\nnotify:"


@pytest.mark.parametrize(
    ("levels", "answering", "why"),
    [
        (_AT_2.format("{}"), Answering(), "level 2 takes 1 approval, and nobody can sign in or answer by link here"),
        (_AT_2.format("{}"), _LINKED, None),
        (_AT_2.format("{}"), _SIGNED_IN, None),
        (_AT_2.format("{quorum: 2}"), _LINKED, "level 2 takes 2 approvals, and only webhook:ops could give one"),
        (_AT_2.format("{quorum: 2}"), _SIGNED_IN, None),
        (_AT_2.format("{four_eyes: true}"), _LINKED, "level 2 takes 1 approval of people who are signed in"),
        (_AT_2.format('{to: ["webhook:data"]}'), _SIGNED_IN, "nobody would be asked for level 2: no channel webhook:"),
        ("levels: {1: {}, 3: {roads: [slot_swap]}}\nnotify:", _LINKED, "level 3 takes 1 approval of people who are"),
        ("levels: {1: {}, 3: {roads: [slot_swap]}}\nnotify:", _SIGNED_IN, None),
    ],
)
def test_where_nobody_could_say_yes_a_level_is_not_ready(levels: str, answering: Answering, why: str | None) -> None:
    report = _report(read=policy(("notify:", levels)), kept=replace(KEPT, answering=answering))
    found = _found(report, "approvers")
    assert (report.ok, found.ok, found.level in (2, 3)) == (why is None, why is None, True)
    assert found.says.startswith(why or "level")
    assert report.why_not(1) == ()


def test_a_level_that_begins_unasked_needs_no_approver() -> None:
    assert "approvers" not in [finding.name for finding in _report().findings]


def test_a_warning_that_nobody_would_hear_of_is_found() -> None:
    read = policy(("notify:", "approvals: {warning: {to: [webhook:elsewhere]}}\nnotify:"))
    found = _found(_report(read=read), "people")
    assert (found.ok, found.says) == (False, "people would not be told: no channel webhook:elsewhere is set up here")


def test_a_road_that_is_busy_or_in_the_way() -> None:
    read = policy(
        ("notify:", "roads: {split: {slot_traffic: candidate}}\nlevels: {1: {roads: [split]}}\nnotify:"),
    )
    for seen, ok in (
        (RoadSeen(established=True, busy=False, why_not=None), True),
        (RoadSeen(established=False, busy=False, why_not=None), True),
        (RoadSeen(established=True, busy=True, why_not=None), False),
        (RoadSeen(established=False, busy=False, why_not="it is gone"), False),
    ):
        world = replace(WORLD, swaps={}, roads={"split": seen}, lacking={"split": ()})
        assert _found(_report(world=world, read=read), "road").ok is ok


def test_what_a_policy_must_not_say_of_readiness() -> None:
    with pytest.raises(PolicyError) as told:
        _with_needs("{fresh: {load: {within: 60s, below: 90ms}, nothing: 24h}}")
    assert "levels.1.readiness.fresh.load.below: '90ms' has the wrong unit" in str(told.value)
    assert "levels.1.readiness.fresh.nothing: unknown signal 'nothing'" in str(told.value)
    with pytest.raises(PolicyError, match=r"readiness.scopes.nowhere: unknown road 'nowhere'"):
        policy(("notify:", "readiness: {scopes: {nowhere: /subscriptions/s1/x}}\nnotify:"))
