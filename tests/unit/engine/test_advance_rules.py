"""The engine's own rules, on a step that a test plays: leases, doubt and deadlines hold whatever a step asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from shared.engine.advance import Runs
from shared.engine.by_hand import ByHand
from shared.engine.commit import commit_and_ring
from shared.engine.levels import Steps
from shared.engine.records import load_run
from shared.engine.start import starting_writes
from shared.engine.steps.step import LEASE, SEND_WITHIN, Act, Done, Look, Stop, Wait
from shared.engine.steps.verify import Checks, VerifyOutside
from shared.errors import Busy, NotFound, OutcomeUnknown, PermanentError, TransientError
from shared.functions.advancing import advance
from shared.model.policy import Policy
from shared.model.run import Run, RunStatus, StepPhase, StepRecord
from shared.ports import Fence, Row, Write
from tests.fakes.at_once import AtOnce
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.runs import new_run

_POLICY = policy()
_PATIENCE = _POLICY.all_roads["slot_swap"].give_up_after
_DONE = Done(note="done")


@dataclass(slots=True)
class PlayedStep:
    """Fulfils `steps.Step`: answers what a test gave it, its last answer for ever; what is an error it raises."""

    answers: list[Look | Exception]

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(slots=True)
class Played:
    """One rollback whose second step is played."""

    step: PlayedStep = field(default_factory=lambda: PlayedStep([_DONE]))
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    id: str = ""
    storage_fails: bool = False

    def begin(self, *answers: Look | Exception, level: int = 1, chosen: Policy = _POLICY) -> None:
        self.step.answers = list(answers)
        run = new_run(chosen, self.clock(), level=level)
        commit_and_ring(self.ledger, self.doorbell, "orders", starting_writes(_POLICY, run))
        self.id = run.id

    def advance(self, chosen: Policy = _POLICY) -> str:
        nothing = PlayedStep([_DONE])
        steps = Steps(nothing, nothing, {"slot_swap": self.step})
        return advance(Runs(_Failing(self), self.doorbell, steps, lambda _: chosen, self.clock), self.id)

    @property
    def run(self) -> Run:
        found = load_run(self.ledger, "orders", self.id)
        assert found is not None
        return found[0]


@dataclass(frozen=True, slots=True)
class _Failing:
    """The ledger of a rollback, whose reads fail while a test wants it."""

    played: Played

    def read(self, workload: str, key: str) -> Row | None:
        if self.played.storage_fails:
            raise OutcomeUnknown("reading: 500")
        return self.played.ledger.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.played.ledger.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        return self.played.ledger.commit(workload, writes)


def raising(error: Exception) -> Callable[[Fence], str | None]:
    def effect(_: Fence) -> str | None:
        raise error

    return effect


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.mark.parametrize(
    "seen",
    [
        Act(note="again", effect=lambda _: pytest.fail("two workers act")),
        Wait(until=NOON + timedelta(minutes=1), note="not yet"),
        Stop(phase=StepPhase.FAILED, note="hopeless"),
    ],
    ids=["act", "wait", "stop"],
)
def test_while_a_lease_runs_another_worker_looks_and_leaves_the_record_alone(played: Played, seen: Look) -> None:
    said: list[str] = []

    def effect(_: Fence) -> str | None:
        intent = played.run
        played.clock.forward(LEASE.total_seconds() - 1)
        said.append(played.advance())
        assert played.run == intent
        return "token"

    played.begin(Act(note="act", effect=effect), seen, _DONE)
    assert played.advance().startswith("level 1 verified")
    assert said == [f"rollback {played.id}: another worker is acting on take:site:slot_swap"]


def test_an_outcome_is_kept_with_its_time_and_token_and_gives_the_lease_back(played: Played) -> None:
    played.begin(Act(note="act", effect=lambda _: "token", before={"a": 1}), Wait(until=NOON, note="", evidence={}))
    played.advance()
    record = played.run.steps[1]
    assert (record.phase, record.acted_at, record.operation) == (StepPhase.ACTED, NOON, "token")
    assert (record.before, record.lease_until) == ({"a": 1}, None)


def test_a_first_attempt_that_is_refused_for_now_did_not_happen(played: Played) -> None:
    pause = timedelta(seconds=7)
    played.begin(Act(note="act", effect=raising(TransientError("429", retry_after=pause))))
    assert played.advance() == f"rollback {played.id} waits in take:site:slot_swap: 429"
    assert (played.run.steps[1].phase, played.run.due_at) == (StepPhase.PENDING, NOON + pause)
    assert played.doorbell.rings[-1].after == pause


def test_a_second_attempt_that_is_refused_for_now_says_nothing_about_the_first(played: Played) -> None:
    lost, busy = OutcomeUnknown("no answer"), TransientError("429")
    played.begin(*(Act(note="act", effect=raising(error)) for error in (lost, busy)))
    for why in ("no answer", "429"):
        assert played.advance().endswith(f"it is not known whether take:site:slot_swap took effect: {why}")
        record = played.run.steps[1]
        assert (record.phase, record.lease_until) == (StepPhase.INTENDED, None)
        assert played.doorbell.rings[-1].after == played.run.due_at - played.clock()
        played.clock.forward(5)


def test_a_look_that_fails_is_taken_again_when_it_is_asked_to(played: Played) -> None:
    played.begin(TransientError("503", retry_after=timedelta(seconds=9)))
    assert played.advance() == f"rollback {played.id} waits in take:site:slot_swap: 503"
    assert played.run.due_at == NOON + timedelta(seconds=9)


def test_a_look_that_fails_for_good_ends_the_run(played: Played) -> None:
    played.begin(PermanentError("403 AuthorizationFailed"))
    assert played.advance().startswith("level 1 failed: 403 AuthorizationFailed")


@pytest.mark.parametrize(
    "answer",
    [
        TransientError("503"),
        Wait(until=NOON, note="503"),
        Act(note="act", effect=raising(TransientError("503"))),
    ],
    ids=["a look that fails", "a wait", "an effect that is refused"],
)
def test_what_never_ends_is_given_up_at_the_deadline(played: Played, answer: Look | Exception) -> None:
    played.begin(answer)
    played.advance()
    played.clock.forward(_PATIENCE.total_seconds() - 1)
    played.advance()
    assert played.run.status is RunStatus.RUNNING
    played.clock.now = max(NOON + _PATIENCE, played.run.due_at)
    assert played.advance().startswith("level 1 failed: given up at its deadline: 503")


def test_a_run_over_its_budget_says_so_and_one_that_was_refused_has_none(played: Played) -> None:
    played.begin(Wait(until=NOON + timedelta(seconds=31), note="not yet"), _DONE)
    played.advance()
    played.clock.forward(31)
    over = "31 s, over its budget of 30 s: take:site:slot_swap took 31 s of it"
    assert played.advance() == f"level 1 verified: nothing had to be changed; done; {over}"
    played.clock.forward(1)
    played.begin(Stop(phase=StepPhase.REFUSED, note="wrong slot"))
    assert played.advance() == "level 1 refused: wrong slot; no level above takes up: people are called"


def test_what_was_seen_while_waiting_is_still_there_in_the_end(played: Played) -> None:
    seen = Wait(until=NOON, note="", evidence={"at_rest_since": "noon"})
    played.begin(seen, Stop(phase=StepPhase.FAILED, note="hopeless", evidence={"build": "b2"}))
    played.advance()
    played.advance()
    assert played.run.steps[1].evidence == {"at_rest_since": "noon", "build": "b2"}


def test_whoever_was_cancelled_meanwhile_stops_before_the_effect(played: Played) -> None:
    sent: list[str] = []

    def effect(fence: Fence) -> str | None:
        by_hand = ByHand(played.ledger, played.doorbell, lambda: {"orders": _POLICY}, played.clock)
        by_hand.cancel(played.id, "a false alarm", "ann")
        fence()
        sent.append("effect")
        return None

    played.begin(Act(note="act", effect=effect))
    assert played.advance() == f"rollback {played.id} was advanced by another worker"
    assert (sent, played.run.status) == ([], RunStatus.CANCELLED)
    assert "may have been sent, or may be within seconds" in played.run.outcome


def test_a_lease_that_ran_out_stops_the_effect(played: Played) -> None:
    def effect(fence: Fence) -> str | None:
        played.clock.forward(SEND_WITHIN.total_seconds() + 0.1)
        fence()
        pytest.fail("sent after its time")

    played.begin(Act(note="act", effect=effect))
    assert played.advance().endswith("nothing was sent: what is read before it took longer than 17 s")
    step = played.run.steps[1]
    assert (step.phase, step.acts, step.refused) == (StepPhase.PENDING, 1, 1)


def test_whatever_a_step_stumbles_over_ends_it_and_no_more(played: Played) -> None:
    played.begin(KeyError("a secret"))
    said = played.advance()
    assert said.startswith("level 1 failed: unexpected trouble of our own, logged as incident ")
    assert "secret" not in said


def test_an_effect_that_stumbles_leaves_a_doubt_that_ends_with_the_step(played: Played) -> None:
    played.begin(Act(note="act", effect=raising(KeyError("a secret"))))
    assert "it is not known whether take:site:slot_swap took effect: unexpected trouble" in played.advance()
    while not played.run.status.ended:
        played.clock.now = played.run.due_at
        played.advance()
    assert played.run.status is RunStatus.FAILED
    assert played.run.ended_at is not None
    assert played.run.ended_at <= NOON + _PATIENCE + timedelta(seconds=1)


def test_what_stumbles_outside_of_a_step_goes_to_the_queue(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    played.begin(_DONE)
    before = played.run

    def commit(*_: object) -> None:
        raise KeyError("a bug of the storage's client")

    with monkeypatch.context() as broken:
        broken.setattr(played.ledger, "commit", commit)
        with pytest.raises(KeyError):
            played.advance()
    assert played.run == before
    assert played.advance().startswith("level 1 verified")


def test_evidence_that_is_no_unicode_or_no_json_keeps_no_run_from_going_on(played: Played) -> None:
    odd = {"text": "\ud800", "thing": object()}
    played.begin(Wait(until=NOON, note="\udfff", evidence=odd), _DONE)
    played.advance()
    assert played.run.steps[1].evidence == {"text": "?", "thing": "a object"}
    played.clock.forward(1)
    assert played.advance().startswith("level 1 verified")


@pytest.mark.parametrize("asks", ["look", "effect"])
def test_a_pause_longer_than_the_step_may_take_does_not_keep_what_comes_after_it(played: Played, asks: str) -> None:
    error = TransientError("429", retry_after=2 * _PATIENCE)
    played.begin(error if asks == "look" else Act(note="act", effect=raising(error)))
    played.advance()
    assert played.run.due_at <= NOON + _PATIENCE
    played.clock.now = played.run.due_at
    assert played.advance().startswith("level 1 failed: given up at its deadline: 429")


def test_a_refusal_for_somebody_elses_sake_is_remembered(played: Played) -> None:
    played.begin(Act(note="act", effect=raising(Busy("409"))))
    played.advance()
    assert played.run.steps[1].busy_at == NOON


def test_a_run_whose_policy_is_gone_waits_for_it(played: Played) -> None:
    played.begin(_DONE)
    steps = Steps(played.step, played.step, {})

    def gone(_: str) -> Policy:
        raise NotFound("no such workload")

    engine = Runs(played.ledger, played.doorbell, steps, gone, played.clock)
    assert advance(engine, played.id).endswith("waits: the policy of orders is not there, or was refused")
    assert played.run.status is RunStatus.RUNNING


def test_a_fence_that_cannot_be_asked_means_that_nothing_was_sent(played: Played) -> None:
    """Reading the run may fail with an unknown outcome: that is the read's, and no doubt about the effect."""

    def effect(fence: Fence) -> str | None:
        played.storage_fails = True
        try:
            fence()
        finally:
            played.storage_fails = False
        pytest.fail("sent without a fence")

    played.begin(Act(note="act", effect=effect))
    assert "waits in take:site:slot_swap: nothing was sent: " in played.advance()
    assert played.run.steps[1].phase is StepPhase.PENDING


def test_a_road_that_left_the_policy_ends_its_attempt(played: Played) -> None:
    played.begin(Wait(until=NOON, note="not yet"))
    played.advance()
    gone = policy(("good_slot: last-good", "good_slot: ''"), ("notify:", _ANOTHER_ROAD))
    said = played.advance(gone)
    assert "the policy has no road 'slot_swap' any more" in said


def test_a_level_that_left_the_policy_ends_the_run(played: Played) -> None:
    two = policy(("notify:", "levels: {1: {}, 2: {roads: [slot_swap]}}\nnotify:"))
    played.begin(Wait(until=NOON, note="not yet"), level=2, chosen=two)
    said = played.advance(_POLICY)
    assert said.startswith("level 2 failed: the policy has no level 2 any more; 0 s; no level above takes up")


def test_a_road_that_was_taken_and_left_the_policy_proves_nothing(played: Played) -> None:
    played.begin(_DONE)
    done = StepRecord(name="take:site:gone", component="site", road="gone", phase=StepPhase.DONE)
    run = replace(new_run(_POLICY), steps=(done,))
    record = StepRecord(name="verify:1", give_up_at=NOON)
    found = VerifyOutside(Checks({}, AtOnce())).observe(_POLICY, run, record, NOON)
    assert isinstance(found, Stop)
    assert found.phase is StepPhase.FAILED


_ANOTHER_ROAD = "roads: {split: {slot_traffic: candidate}}\nlevels: {1: {roads: [split]}}\nnotify:"
