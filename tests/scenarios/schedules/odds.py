"""What may go wrong in a schedule, and how likely: drawn once per seed, so that some are calm and some are awful."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.fakes.slots import Fate, Reply

# The adapter connects within 5 s and waits 10 s for an answer; what is still on its way then, arrives soon or never.
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
_STRAGGLES_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Chances of 0..1; those `at_the_effect` hold between the intent and its outcome, the others at every call.

    Attributes:
        stall_s: The longest that a worker stands still; leases are shorter.
        skew_s: How far a worker's clock is off, either way.
        wrong_slot: The slot holds another build than the known good.
        freeze: A sender's process is frozen between its last look at the clock and the wire.
    """

    lost_ring: float
    doubled_ring: float
    late_ring: float
    crash: float
    stall: float
    crash_at_the_effect: float
    stall_at_the_effect: float
    storage_fails: float
    platform_fails: float
    bad_reply: float
    stall_s: float
    skew_s: float
    stale_s: float
    hidden_s: float
    slow_swap_s: float
    stale_swap_status: bool
    wrong_slot: bool
    freeze: float = 0.0


def draw_odds(random: Random) -> Odds:
    """Draw how bad a schedule is."""
    return Odds(
        lost_ring=random.choice((0.0, 0.1, 0.5)),
        doubled_ring=random.choice((0.0, 0.2, 0.7)),
        late_ring=random.choice((0.0, 0.1, 0.4)),
        crash=random.choice((0.0, 0.0, 0.01, 0.05)),
        stall=random.choice((0.0, 0.0, 0.01, 0.05)),
        crash_at_the_effect=random.choice((0.0, 0.1, 0.3)),
        stall_at_the_effect=random.choice((0.0, 0.1, 0.3)),
        storage_fails=random.choice((0.0, 0.0, 0.02, 0.08)),
        platform_fails=random.choice((0.0, 0.0, 0.02, 0.1)),
        bad_reply=random.choice((0.0, 0.3, 0.8)),
        stall_s=random.choice((5.0, 30.0, 120.0)),
        skew_s=random.choice((0.0, 0.5, 2.0)),
        stale_s=random.choice((0.0, 3.0, 12.0)),
        hidden_s=random.choice((0.0, 2.0, 8.0)),
        slow_swap_s=random.choice((10.0, 30.0, 90.0)),
        stale_swap_status=random.random() < 0.3,
        wrong_slot=random.random() < 0.04,
    )


_BAD_REPLIES = {
    Reply.LOST_AFTER: 8,
    Reply.LOST_BEFORE: 8,
    Reply.LATE: 4,
    Reply.BUSY: 8,
    Reply.FORBIDDEN: 1,
}


def draw_fate(random: Random, odds: Odds, *, bad: bool) -> Fate:
    """Draw what becomes of one POST."""
    replies, weights = list(_BAD_REPLIES), list(_BAD_REPLIES.values())
    return Fate(
        reply=random.choices(replies, weights)[0] if bad else Reply.ACCEPTED,
        late=timedelta(seconds=random.uniform(0, _STRAGGLES_S)),
        takes=timedelta(seconds=random.uniform(2, odds.slow_swap_s)),
        works=random.random() >= 0.03,
        hidden=timedelta(seconds=random.uniform(0, odds.hidden_s)),
        stale=timedelta(seconds=random.uniform(0, odds.stale_s)),
        stale_swap_status=odds.stale_swap_status,
    )
