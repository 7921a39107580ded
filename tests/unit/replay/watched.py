"""A policy with a trigger of every kind, recordings, and what the watch itself makes of them, cycle by cycle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.decision.cycle import Cycle, News, next_cycle
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.signal import Sample
from shared.model.watch import WatchState
from shared.replay.grid import Grid
from shared.replay.player import CYCLE, Player, Recorded, grid_of
from shared.replay.walk import Moment
from shared.replay.world import Announced, World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

SIGNALS = """
  error_rate: {pushed: errors, unit: share, every: 10s}
  p95:        {pushed: p95, unit: ms, every: 10s, delay: 20s}
  calls:      {pushed: calls, every: 10s}
  old_build:  {pushed: old, unit: share, every: 10s}
  heartbeat:  {pushed: heartbeat, every: 20s}
  azure:      {alert: five-hundreds}
  p_plan:     {pushed: plan, every: 60s}
  short_word: {pushed: word, every: 10s, stale_after: 60s}
  worst:      {score: {error_rate: {weight: 2, good: 1%, bad: 20%}, calls: {weight: 1, good: 10, bad: 1}}, every: 30s}
  lost_share: {ratio: {of: calls, per: heartbeat}, every: 20s, over: 60s}
"""


@dataclass(frozen=True)
class Written:
    """Triggers as they are written, by tier."""

    critical: Sequence[str] = ()
    warning: Sequence[str] = ()
    investigation: Sequence[str] = ()
    more: str = ""


def policy_of(written: Written, signals: str = SIGNALS) -> Policy:
    """Return a policy with these triggers."""
    tiers = {"critical": written.critical, "warning": written.warning, "investigation": written.investigation}
    listed = "\n".join(
        f"  {tier}: [{', '.join(f'{{{one}}}' for one in found)}]" for tier, found in tiers.items() if found
    )
    text = f"""
workload: orders
site:
  resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/orders
  url: https://orders.example
  region: westeurope
  good_slot: last-good
signals: {signals}
triggers:
{listed}
{written.more}
"""
    return read_policy(text, file="orders.yaml", settings={})


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def in_order(samples: Mapping[str, Sequence[Sample]]) -> list[Recorded]:
    """Return the samples of all signals in the order of their event times, as a recording has them."""
    return sorted(((name, one) for name, found in samples.items() for one in found), key=lambda pair: pair[1].at)


def watched(
    policy: Policy, recorded: Sequence[Recorded], changes: Sequence[Announced] = ()
) -> Iterator[tuple[datetime, Cycle]]:
    """Run the watch itself over a recording: every cycle with all that it kept until then."""
    grid: Grid = grid_of(recorded[0][1].at)
    world, state, taken = World(policy, changes, grid.first), WatchState(), 0
    last = grid.not_before(recorded[-1][1].at + max(rule.delay for rule in policy.rules))
    for number in range(last + 1):
        now = grid.at(number)
        fresh: dict[str, list[Sample]] = {}
        while taken < len(recorded) and recorded[taken][1].at <= now:
            fresh.setdefault(recorded[taken][0], []).append(recorded[taken][1])
            taken += 1
        world.tick(now)
        news = News(samples={name: tuple(found) for name, found in fresh.items()})
        cycle = next_cycle(policy, world.known(state), news, now)
        state = cycle.state
        world.after(cycle, now)
        yield now, cycle


def played(
    policy: Policy, recorded: Sequence[Recorded], changes: Sequence[Announced] = (), *, all_cycles: bool = False
) -> list[Moment]:
    """Play a recording."""
    moments: list[Moment] = []
    Player(policy, [moments.append], changes=changes, all_cycles=all_cycles).feed(recorded).finish()
    return moments


__all__ = ["CYCLE", "NOON", "SIGNALS", "Written", "at", "in_order", "played", "policy_of", "watched"]
