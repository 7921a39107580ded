"""What people answer: approve, reject, withdraw; each by compare-and-set, so that two in the same instant both count.

What was asked for begins in the commit in which its question ends: never twice, never without the approvals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from shared.decision.asking import found_healthy, gone
from shared.decision.asks import (
    STALE,
    Standing,
    answer_limitation,
    approval_limitation,
    entitlement_limitation,
    say_count,
    say_waiting,
    self_given,
    standing,
    still_unhealthy,
    with_approval,
)
from shared.decision.data_limits import agreeing
from shared.engine.ask_records import Held, ended, ending_writes, load_ask, saving_writes
from shared.engine.asking import Asking
from shared.engine.commit import commit_and_ring
from shared.engine.records import snapshot
from shared.errors import Forbidden, LostRace, NotFound, PermanentError, Refused
from shared.model.alert_text import one_line
from shared.model.ask import Ask, AskStatus, Given
from shared.model.caller import Caller, Role
from shared.model.event import EventKind
from shared.model.policy import Policy, policy_of
from shared.ports import Doorbell, Ledger, Write

# Everybody who is asked may answer in the same instant.
_TRIES = 20
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Asks:
    """Takes the answers."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    asking: Asking

    def approve(self, ask_id: str, caller: Caller, digest: str, reason: str = "", *, nonce: str = "") -> Ask:
        """Take an approval; with the last one that it takes, what was asked for begins.

        Args:
            digest: Of what the caller saw.
            nonce: Of the link that it came by.

        Raises:
            NotFound: no such question.
            Forbidden: this caller cannot approve it.
            Refused: it is over, was answered already, has changed, or is healthy by now; the sentence says so.
            TransientError: nobody knows whether it was taken; answering again is safe.
        """
        return self._answered(ask_id, partial(self._approve, caller, digest, reason, nonce))

    def reject(
        self, ask_id: str, caller: Caller, reason: str = "", *, digest: str | None = None, nonce: str = ""
    ) -> Ask:
        """End a question with no; one approver is enough for that. Raises what `approve` raises.

        Args:
            digest: Of what a link was sent for; `None` where who rejects is signed in, and has named the question.
            nonce: Of the link.
        """
        return self._answered(ask_id, partial(self._reject, caller, reason, digest, nonce))

    def withdraw(self, ask_id: str, caller: Caller, reason: str = "") -> Ask:
        """Take a question back: who asked may do that, and every operator. Raises what `approve` raises."""
        return self._answered(ask_id, partial(self._withdraw, caller, reason))

    def look(self, ask_id: str) -> Ask:
        """Return a question, open or over.

        Raises:
            NotFound: there is none.
        """
        return load_ask(self.ledger, ask_id)[0]

    def find(self, ask_id: str) -> Ask | None:
        """Return a question, open or over, or `None`."""
        try:
            return self.look(ask_id)
        except NotFound:
            return None

    def standing(self, ask: Ask) -> tuple[Standing, str]:
        """Return how what asks stands as of the last cycle of the watch, and its sentence."""
        return standing(ask, snapshot(self.ledger, ask.workload).watch)

    def seen(self, ask: Ask) -> Ask:
        """Return a question as whoever looks at it now should see it: with what is foreseen of the rows by now."""
        policy = self.policies().get(ask.workload)
        if ask.preview is None or ask.status.over or policy is None:
            return ask
        foreseen = agreeing(policy, ask.roads, snapshot(self.ledger, ask.workload).checkpoints) or {}
        same = {name: one for name, one in foreseen.items() if name in ask.preview}
        newer = {name: one for name, one in same.items() if one.digest == ask.preview[name].digest}
        return replace(ask, preview=ask.preview | newer)

    def view(self, ask_id: str) -> dict[str, Any]:
        """Return a question as JSON-ready values: what an approver must see, and the digest to approve with.

        Raises:
            NotFound: there is none.
        """
        ask = self.seen(self.look(ask_id))
        shown = {name: getattr(ask, name) for name in _SHOWN}
        approvals = [{"by": one.by, "at": one.at, "proof": one.proof, "reason": one.reason} for one in ask.counted]
        return shown | {"waiting": say_waiting(ask, self.asking.clock()), "approvals": approvals}

    def _answered(self, ask_id: str, answer: Callable[[Held], Ask]) -> Ask:
        """Read and answer until nobody else was faster."""
        for _ in range(_TRIES):
            ask, version = load_ask(self.ledger, ask_id)
            if version is None:
                raise Refused(f"it is over: {ask.sentence}")
            policy, found = policy_of(self.policies(), ask.workload), snapshot(self.ledger, ask.workload)
            held = Held(ask=ask, version=version, policy=policy, found=found, now=self.asking.clock())
            try:
                return answer(held)
            except LostRace:
                continue
        raise Refused("not taken: others answer it in the same moment; try again")

    def _approve(self, caller: Caller, digest: str, reason: str, nonce: str, held: Held) -> Ask:
        ask = held.ask
        _demand_right("approved", entitlement_limitation(ask, caller) or self_given(ask, caller))
        _demand("approved", answer_limitation(ask, nonce, held.now))
        self._demand_same(held)
        _demand("approved", approval_limitation(ask, caller, digest))
        if ask.healthy_since is None and not still_unhealthy(ask, held.found.watch):
            self._ask_again(held)
        return self._take(held, with_approval(ask, _given(caller, digest, reason, nonce, held.now)))

    def _demand_same(self, held: Held) -> None:
        """What would be done now must be what was asked; else that is what is asked from now on."""
        missing = gone(held.policy, held.ask)
        if missing is not None:
            raise Refused(f"not approved: {missing}; it can only be withdrawn")
        present, changed = self.asking.present(held)
        if changed:
            self._commit(held.ask, saving_writes(held, present, EventKind.ASKED, f"asked again, because {changed}"))
            raise Refused(f"not approved: {changed}; look again")

    def _ask_again(self, held: Held) -> None:
        sentence = standing(held.ask, held.found.watch)[1]
        says = f"it is healthy by now: {sentence}; approve again if you still want it"
        self._commit(held.ask, saving_writes(held, found_healthy(held.ask, held.now), EventKind.ASKED, says))
        raise Refused(f"not approved: {says}")

    def _take(self, held: Held, ask: Ask) -> Ask:
        last = ask.given[-1]
        says = f"approved by {last.by} ({say_count(ask)}){_because(last.reason)}"
        if ask.missing:
            self._commit(ask, saving_writes(held, ask, EventKind.ANSWERED, says))
            return ask
        try:
            started = self.asking.start(ask, says, held.found)
        except (Refused, NotFound, PermanentError) as error:
            if load_ask(self.ledger, ask.id)[1] != held.version:  # then it may stand against itself, begun by another
                raise LostRace(f"question {ask.id} was answered in the same moment") from None
            raise Refused(f"not begun, although it was approved: {error}") from None
        self._commit(ask, [*ending_writes(replace(held, ask=ask), AskStatus.APPROVED, says), *started])
        return ended(ask, AskStatus.APPROVED, says, held.now)

    def _reject(self, caller: Caller, reason: str, digest: str | None, nonce: str, held: Held) -> Ask:
        _demand_right("rejected", entitlement_limitation(held.ask, caller))
        _demand("rejected", None if digest in (None, held.ask.digest) else STALE)
        return self._end(held, nonce, AskStatus.REJECTED, f"rejected by {caller.name}{_because(reason)}")

    def _withdraw(self, caller: Caller, reason: str, held: Held) -> Ask:
        may = caller.id == held.ask.requested_by_id or caller.may(Role.OPERATOR)
        _demand_right("withdrawn", None if may else f"{caller.name} did not ask and has not the role {Role.OPERATOR}")
        return self._end(held, "", AskStatus.WITHDRAWN, f"withdrawn by {caller.name}{_because(reason)}")

    def _end(self, held: Held, nonce: str, status: AskStatus, says: str) -> Ask:
        _demand(status, answer_limitation(held.ask, nonce, held.now))
        used = (*held.ask.used, nonce) if nonce else held.ask.used
        held = replace(held, ask=replace(held.ask, used=used))
        self._commit(held.ask, ending_writes(held, status, says))
        return ended(held.ask, status, says, held.now)

    def _commit(self, ask: Ask, writes: Sequence[Write]) -> None:
        commit_and_ring(self.ledger, self.doorbell, ask.workload, writes)


_SHOWN = (
    *(
        "id",
        "workload",
        "status",
        "sentence",
        "digest",
        "level",
        "strategy",
        "share",
        "build",
        "bad_build",
        "roads",
        "preview",
    ),
    *("cause", "trigger", "requested_by", "asked_at", "expires_at", "on_expiry", "ended_at", "healthy_since"),
    *("four_eyes", "quorum", "missing", "budget", "takes"),
)


def _demand_right(done: str, refusal: str | None) -> None:
    if refusal is not None:
        raise Forbidden(f"not {done}: {refusal}")


def _demand(done: str, limitation: str | None) -> None:
    if limitation is not None:
        raise Refused(f"not {done}: {limitation}")


def _given(caller: Caller, digest: str, reason: str, nonce: str, now: datetime) -> Given:
    return Given(
        by_id=caller.id,
        by=caller.name,
        at=now,
        proof=caller.proof,
        origin=caller.origin,
        digest=digest,
        reason=one_line(reason, _LONGEST_REASON),
        nonce=nonce,
    )


def _because(reason: str) -> str:
    said = one_line(reason, _LONGEST_REASON)
    return f": {said}" if said else ""
