"""Seen from outside: what it takes to call a level verified, and what is asked of whom."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.engine.steps.step import Act, Done, Look, Stop, Wait
from shared.engine.steps.verify import Checks, LookBefore, VerifyOutside, _Seen
from shared.model.policy import Policy
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck
from shared.model.run import Run, StepPhase, StepRecord
from shared.ports import CheckResult, Expected
from tests.fakes.at_once import AtOnce
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.fakes.runs import new_run

_CHECKS = "{front: {get: /a}, login: {get: /b, component: auth}, orders: {get: /c, component: auth}}"
_COMPONENTS = "{site: [slot_swap], auth: [split]}"
_VERIFY = f"{{path: /front, fresh_clients: 3, timeout: 4s, at_least: 80%, checks: {_CHECKS}}}"
_LEVEL = f"""\
roads: {{split: {{slot_traffic: candidate}}}}
levels: {{1: {{components: {_COMPONENTS}, verify: {_VERIFY}}}}}"""
_POLICY = policy(("notify:", f"{_LEVEL}\nnotify:"))
_PASSED, _FAILED, _SILENT = (CheckResult(passed=passed, note=f"said {passed}") for passed in (True, False, None))


@dataclass(slots=True)
class PlayedChecker:
    """Fulfils `ports.Checker`: answers what a test chose for a client's kind or a request's path."""

    answers: dict[str, CheckResult | Exception] = field(default_factory=dict)
    asked: list[CheckBase] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)

    def check(self, policy: Policy, check: Any, expected: Expected) -> CheckResult:
        self.asked.append(check)
        self.expected.append(expected)
        answer = self.answers.get(check.get if isinstance(check, GetCheck) else check.client.value, _PASSED)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def checks(self) -> Checks:
        return Checks({ClientCheck: self, GetCheck: self}, AtOnce())


def run_after_the_swap(acted_s: float | None = 10) -> Run:
    acted_at = None if acted_s is None else NOON + timedelta(seconds=acted_s)
    swap = StepRecord(
        name="take:site:slot_swap", component="site", road="slot_swap", phase=StepPhase.DONE, acted_at=acted_at
    )
    run = new_run(_POLICY)
    return replace(run, steps=(*run.steps, swap))


def look(
    here: PlayedChecker, *, good_looks: int = 0, after_s: float = 30, seen: dict[str, Any] | None = None
) -> Done | Wait | Stop:
    """Look so many seconds after the verification began, with so many good looks before, or what they had `seen`."""
    give_up_at = NOON + timedelta(seconds=120)
    evidence = seen or {"good_looks": good_looks}
    record = StepRecord(name="verify:1", started_at=NOON, give_up_at=give_up_at, evidence=evidence)
    now = NOON + timedelta(seconds=after_s)
    found = VerifyOutside(here.checks).observe(_POLICY, run_after_the_swap(), record, now)
    assert not isinstance(found, Act)
    return found


def test_the_proofs_of_the_road_and_the_checks_of_the_policy_are_asked() -> None:
    here = PlayedChecker()
    look(here)
    clients = [check for check in here.asked if isinstance(check, ClientCheck)]
    assert [(check.client.value, check.path, check.requests) for check in clients] == [
        ("fresh", "/front", 3),
        ("pinned", "/front", 1),
        ("kept_alive", "/front", 1),
    ]
    assert {check.timeout for check in clients} == {timedelta(seconds=4)}
    assert [check.get for check in here.asked if isinstance(check, GetCheck)] == ["/a", "/b", "/c"]


def test_checks_hold_the_world_against_the_run() -> None:
    here = PlayedChecker()
    look(here)
    assert set(here.expected) == {Expected(known_good="b1", since=NOON + timedelta(seconds=10), rollback_id=_RUN_ID)}


_RUN_ID = new_run(_POLICY).id


def test_looks_are_good_in_a_row() -> None:
    first = look(PlayedChecker())
    assert isinstance(first, Wait)
    assert first.note == "6 of 6 checks passed; good looks in a row: 1"
    assert first.until == NOON + timedelta(seconds=31)
    second = look(PlayedChecker(), good_looks=1)
    assert isinstance(second, Done)
    assert second.note == "6 of 6 checks passed in 2 looks in a row"


def test_one_bad_look_starts_the_good_ones_again() -> None:
    waited = look(PlayedChecker({"fresh": _FAILED}), good_looks=1)
    assert isinstance(waited, Wait)
    assert waited.evidence["good_looks"] == 0
    assert waited.note == "5 of 6 checks passed; good looks in a row: 0; slot_swap.fresh: said False"


def test_a_road_is_seen_since_the_first_look_at_which_all_it_promises_was_seen() -> None:
    first = look(PlayedChecker({"/a": _FAILED, "/b": _FAILED}), after_s=30)
    assert first.evidence["seen_since"] == {"slot_swap": (NOON + timedelta(seconds=30)).isoformat()}
    second = look(PlayedChecker(), after_s=31, seen={**first.evidence})
    assert second.evidence["seen_since"] == first.evidence["seen_since"]
    assert look(PlayedChecker({"pinned": _FAILED}), after_s=32, seen={**first.evidence}).evidence["seen_since"] == {}
    silent = dict.fromkeys(("fresh", "pinned", "kept_alive"), _SILENT)
    assert look(PlayedChecker({**silent})).evidence["seen_since"] == {}


def _after(*taken: tuple[str, str]) -> Look:
    """The look after these roads were established, each for its component."""
    run = new_run(_POLICY)
    done = tuple(
        StepRecord(name=f"take:{component}:{road}", component=component, road=road, phase=StepPhase.DONE)
        for component, road in taken
    )
    record = StepRecord(name="verify:1", started_at=NOON, give_up_at=NOON + timedelta(seconds=120))
    here = PlayedChecker({"pinned": _FAILED})
    return VerifyOutside(here.checks).observe(_POLICY, replace(run, steps=(*run.steps, *done)), record, NOON)


def test_a_proof_that_two_components_share_speaks_of_both() -> None:
    found = _after(("site", "slot_swap"), ("auth", "split"))
    assert isinstance(found, Wait)
    assert found.evidence["components"] == ["auth", "site"]


@pytest.mark.parametrize(
    ("taken", "proofs"),
    [
        ((("site", "slot_swap"), ("site", "split")), {"split"}),
        ((("site", "slot_swap"), ("emergency", "split")), {"split"}),
        ((("site", "split"), ("auth", "slot_swap")), {"split"}),  # the swap's are all among them
    ],
)
def test_only_what_the_run_stands_by_must_be_seen(taken: tuple[tuple[str, str], ...], proofs: set[str]) -> None:
    found = _after(*taken)
    assert isinstance(found, Wait)
    assert {name.partition(".")[0] for name in found.evidence["checks"] if "." in name} == proofs


def test_a_share_is_a_share_whatever_floating_point_makes_of_it() -> None:
    passed = {str(number): _PASSED for number in range(14)}
    failed = {str(number): _FAILED for number in range(14, 25)}
    assert _Seen({**passed, **failed}, frozenset(), 0.56).good
    assert not _Seen({**passed, **failed}, frozenset(), 0.57).good


def test_the_site_was_asked_when_a_check_that_asks_it_said_anything() -> None:
    clients = dict.fromkeys(("fresh", "pinned", "kept_alive"), _SILENT)
    requests = dict.fromkeys(("/a", "/b", "/c"), _SILENT)
    assert look(PlayedChecker({**clients})).evidence["site_asked"]
    assert not look(PlayedChecker({**clients, **requests})).evidence["site_asked"]


def test_a_share_of_the_checks_is_enough_as_long_as_no_proof_is_among_the_failing() -> None:
    assert isinstance(look(PlayedChecker({"/a": _FAILED}), good_looks=1), Done)
    assert isinstance(look(PlayedChecker({"/a": _FAILED, "/b": _FAILED}), good_looks=1), Wait)
    assert isinstance(look(PlayedChecker({"pinned": _FAILED}), good_looks=1), Wait)


def test_what_says_nothing_is_not_counted_and_is_told() -> None:
    found = look(PlayedChecker({"kept_alive": _SILENT}), good_looks=1)
    assert isinstance(found, Done)
    assert found.note == "5 of 5 checks passed in 2 looks in a row; slot_swap.kept_alive: said None"


def test_silence_of_all_is_no_proof() -> None:
    everybody = dict.fromkeys(("fresh", "pinned", "kept_alive", "/a", "/b", "/c"), _SILENT)
    assert isinstance(look(PlayedChecker({**everybody}), good_looks=1), Wait)


def test_a_checker_that_breaks_has_not_passed() -> None:
    found = look(PlayedChecker({"fresh": RuntimeError("a secret")}), good_looks=1)
    assert isinstance(found, Wait)
    assert "unexpected trouble of our own" in found.note
    assert "a secret" not in found.note


@pytest.mark.parametrize(
    ("failing", "phase"),
    [
        (("pinned",), StepPhase.PARTIAL),
        (("fresh", "pinned", "kept_alive"), StepPhase.FAILED),
        (("/a", "/b"), StepPhase.PARTIAL),
    ],
)
def test_what_is_not_seen_in_time_is_partial_when_some_proof_passes(failing: tuple[str, ...], phase: StepPhase) -> None:
    found = look(PlayedChecker(dict.fromkeys(failing, _FAILED)), after_s=120)
    assert isinstance(found, Stop)
    assert found.phase is phase
    assert found.note.startswith(f"after 120 s {6 - len(failing)} of 6 checks passed; ")


@pytest.mark.parametrize(
    ("failing", "components"),
    [(("/b", "/c"), ["auth"]), (("/b", "fresh"), ["auth", "site"]), (("/a", "/b", "fresh"), [])],
)
def test_failing_checks_name_the_components_of_which_they_speak(
    failing: tuple[str, ...], components: list[str]
) -> None:
    found = look(PlayedChecker(dict.fromkeys(failing, _FAILED)))
    assert isinstance(found, Wait)
    assert found.evidence["components"] == components


def test_every_result_is_kept_as_evidence() -> None:
    seen = CheckResult(passed=True, note="200", evidence={"latency_ms": 12})
    found = look(PlayedChecker({"/a": seen}))
    assert isinstance(found, Wait)
    assert found.evidence["checks"]["front"] == {"passed": True, "note": "200", "latency_ms": 12}
    assert len(found.evidence["checks"]) == 6


@pytest.mark.parametrize(
    ("status", "note"), [(None, "nothing answers outside"), (200, "outside sees b2, no build named")]
)
def test_what_is_served_before_is_recorded(status: int | None, note: str) -> None:
    named, nameless = ({"status": status, "build": build} for build in ("b2", ""))
    seen = CheckResult(passed=False, note="", evidence={"requests": [named, nameless]})
    here = PlayedChecker(dict.fromkeys(("fresh", "pinned", "kept_alive"), seen))
    run = new_run(_POLICY)
    found = LookBefore(here.checks).observe(_POLICY, run, run.steps[0], NOON)
    assert isinstance(found, Done)
    assert found.note == note
    assert [check.requests for check in here.asked if isinstance(check, ClientCheck)] == [1, 1, 1, 1]
