"""Rolling up what the watch measured into minutes, hours and days, by a timer of its own, and where that is kept.

    roll:head                  what is counted, and waits to be moved to the pages
    roll:<grain>:<newest first>   a page: the minutes of an hour, the hours of a day, the days of ten

Most runs are three storage transactions for a workload: the watch record and the head are read, the head is saved. Once
an hour the pages are read that something is added to, and saved in the same commit as the head; what is too old is
removed with it. The watch itself does nothing for it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from shared.analytics.buckets import Buckets, Grain, Page, Retention, merged_buckets
from shared.analytics.rolling import Head, Pages, counted_on, moved, outdated
from shared.clock import Clock
from shared.engine.incidents import outcomes_of
from shared.engine.records import WATCH, decode, encode
from shared.errors import ControllerError, LostRace, TransientError
from shared.model.policy import Policy
from shared.model.watch import WatchState
from shared.ports import Delete, Insert, Ledger, Replace, Write

log = logging.getLogger(__name__)

HEAD = "roll:head"
_FAR_FUTURE = 9_999_999


def pages_of(grain: Grain) -> str:
    """Return how the keys of all pages of a grain begin."""
    return f"roll:{grain}:"


def page_key(grain: Grain, number: int) -> str:
    """Return the key of a page; the newest sorts first."""
    return f"{pages_of(grain)}{_FAR_FUTURE - number:07d}"


@dataclass(frozen=True, slots=True)
class RollUps:
    """Rolls up all workloads."""

    ledger: Ledger
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    pool: Executor
    retention: Retention

    def run(self) -> list[str]:
        """Roll up all workloads. What goes wrong with one is its own and disturbs no other.

        Returns:
            One sentence per workload.

        Raises:
            TransientError: after all that can be rolled up was, because some workload was not: people must learn of it.
        """
        tasks = {name: self.pool.submit(self.roll_up, policy) for name, policy in self.policies().items()}
        outcomes = outcomes_of(tasks, "rolling up")
        failed = [f"{name}: {found}" for name, found in outcomes.items() if isinstance(found, ControllerError)]
        for reason in failed:
            log.error("not rolled up: %s", reason)
        if failed:
            raise TransientError(f"{len(failed)} not rolled up, first of all {failed[0]}")
        return [f"{name}: {found}" for name, found in outcomes.items()]

    def roll_up(self, policy: Policy) -> str:
        """Count what was not counted yet of one workload.

        Returns:
            What was done, in a sentence.

        Raises:
            TransientError: the storage does not answer; nothing was counted.
            PermanentError: a record cannot be read.
        """
        watched = self.ledger.read(policy.workload, WATCH)
        if watched is None:
            return "nothing was measured yet"
        found, now = self.ledger.read(policy.workload, HEAD), self.clock()
        known = decode(Head, found.body) if found else Head()
        head = counted_on(known, policy, decode(WatchState, watched.body), now)
        head, pages = moved(head, now)
        writes: list[Write] = []
        if head.moved_in > known.moved_in:
            head, writes = self._writes(policy.workload, head, pages, now)
        writes.append(Replace(HEAD, encode(head), found.version) if found else Insert(HEAD, encode(head)))
        try:
            self.ledger.commit(policy.workload, writes)
        except LostRace:
            return "another run was faster; what it left is counted by the next"
        return f"rolled up; pages written or removed: {len(writes) - 1}"

    def _writes(self, workload: str, head: Head, pages: Pages, now: datetime) -> tuple[Head, list[Write]]:
        """Return the writes of the pages that something is added to, and the removal of those that are too old."""
        head, old = outdated(head, self.retention, now)
        # What came so late that its page is gone is kept by coarser grains alone.
        kept = {place: buckets for place, buckets in pages.items() if place[1] > head.removed[place[0]]}
        added = [self._added(workload, head, *place, buckets) for place, buckets in kept.items()]
        return head, [*added, *self._removals(workload, old)]

    def _added(self, workload: str, head: Head, grain: Grain, number: int, buckets: Buckets) -> Write:
        key = page_key(grain, number)
        row = self.ledger.read(workload, key)
        known = decode(Page, row.body).buckets if row else {}
        page = Page(moved_in=head.moved_in, buckets=merged_buckets(known, buckets))
        return Replace(key, encode(page), row.version) if row else Insert(key, encode(page))

    def _removals(self, workload: str, pages: list[tuple[Grain, int]]) -> Iterator[Delete]:
        """Remove what is there: to remove what is not would undo the whole commit."""
        for grain, number in pages:
            row = self.ledger.read(workload, page_key(grain, number))
            if row is not None:
                yield Delete(row.key, row.version)
