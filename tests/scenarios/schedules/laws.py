"""What must hold at the end of every schedule, each law as a sentence or nothing."""

from collections.abc import Callable
from dataclasses import replace

from shared.engine.records import ACTIVE, EVENT, LAST, OUTBOX, decode
from shared.model.event import Delivery, Event, EventKind
from shared.model.run import LastRollback, RunStatus
from tests.fakes.slots import Reply
from tests.scenarios.schedules.play import GOOD, POLICY, WORKLOAD, Ending

_ENDS = frozenset({EventKind.VERIFIED, EventKind.PARTIAL, EventKind.FAILED, EventKind.REFUSED})


def broken_laws(ending: Ending) -> list[str]:
    """Return a sentence for every law that a schedule broke."""
    return [sentence for law in LAWS if (sentence := law(ending)) is not None]


def always_ends(ending: Ending) -> str | None:
    if ending.run.status.ended:
        return None
    return f"the rollback never ended: it is {ending.run.status} after hours"


def never_swaps_twice(ending: Ending) -> str | None:
    times = len(ending.slots.switched_at)
    return None if times <= 1 else f"production changed its build {times} times"


def ends_on_the_good_build(ending: Ending) -> str | None:
    if ending.slots.served == GOOD or _excused(ending):
        return None
    return f"production runs {ending.slots.served} in the end, and nothing made that inevitable: {ending.run.outcome}"


def never_swaps_in_the_unknown(ending: Ending) -> str | None:
    if not ending.odds.wrong_slot or (ending.run.status is not RunStatus.VERIFIED and not ending.slots.posts):
        return None
    return f"the slot holds another build, yet {len(ending.slots.posts)} swaps were posted"


def tells_the_truth(ending: Ending) -> str | None:
    """Verified exactly when people are served the good build: here they are asked by a prober that never fails."""
    verified, good = ending.run.status is RunStatus.VERIFIED, ending.slots.served == GOOD
    if verified == good or (good and _given_up(ending)):
        return None
    return f"production runs {ending.slots.served}, and people were told: {ending.run.outcome}"


def every_post_had_an_intent(ending: Ending) -> str | None:
    acts, posts = sum(step.acts for step in ending.run.steps), len(ending.slots.posts)
    return None if posts <= acts else f"{posts} swaps were posted on {acts} intents"


def one_end_is_written_down(ending: Ending) -> str | None:
    events = [decode(Event, row.body) for row in ending.ledger.scan(WORKLOAD, EVENT)]
    told = [(event.kind.value, event.sentence) for event in events if event.kind in _ENDS]
    wanted = [(ending.run.status.value, ending.run.outcome)] if ending.run.status.ended else []
    return None if told == wanted else f"the end of the run is {wanted}, the history says {told}"


def people_are_told_once(ending: Ending) -> str | None:
    rows = ending.ledger.scan(WORKLOAD, OUTBOX)
    told = sorted(decode(Delivery, row.body).event.sentence for row in rows)
    wanted = [ending.run.outcome] * (ending.run.status.ended * len(POLICY.notify.to))
    return None if told == wanted else f"deliveries say {told}, expected {wanted}"


def the_workload_is_free_again(ending: Ending) -> str | None:
    if not ending.run.status.ended:
        return None
    active, last = ending.ledger.read(WORKLOAD, ACTIVE), ending.ledger.read(WORKLOAD, LAST)
    wanted = LastRollback(id=ending.run.id, status=ending.run.status, ended_at=ending.run.ended_at or ending.run.due_at)
    if active is None and last is not None and replace(decode(LastRollback, last.body), swap_sent_at=None) == wanted:
        return None
    return f"after the end the active record is {active}, the last one {last}"


def _given_up(ending: Ending) -> bool:
    """It was handed to people at its deadline, as the policy says; a swap under way then still ends."""
    ended_at, patience = ending.run.ended_at, POLICY.all_roads["slot_swap"].give_up_after
    return ended_at is not None and ended_at - ending.run.created_at >= patience


def _excused(ending: Ending) -> bool:
    """The slot was wrong, the platform failed an accepted swap, or the app lacks the role."""
    forbidden = any(fate.reply is Reply.FORBIDDEN for fate in ending.slots.posts)
    return ending.odds.wrong_slot or ending.slots.platform_failed or forbidden


LAWS: tuple[Callable[[Ending], str | None], ...] = (
    always_ends,
    never_swaps_twice,
    ends_on_the_good_build,
    never_swaps_in_the_unknown,
    tells_the_truth,
    every_post_had_an_intent,
    one_end_is_written_down,
    people_are_told_once,
    the_workload_is_free_again,
)
