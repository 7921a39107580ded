"""What must hold after every fault: the world is as it is without one, and everything was done exactly once."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.undo.chunks import applied_chunks, undo_chunk
from shared.decision.sync_plan import sync_plan
from tests.contract.postgres.pairs import Pair
from tests.scenarios.rows_matrix.observed import Observed, Rows, Witness, left_over, observed, open_tables, rows
from tests.scenarios.rows_matrix.world import RULES, SYNC

# A server notices that a client is gone when it next reads or writes.
_GONE_WITHIN_S = 5.0
_SHOWN = 3


def broken(pair: Pair, seen: Witness, plain: Observed, *, working: bool = False) -> list[str]:
    """Return which laws do not hold.

    Args:
        plain: What the same world became without a fault.
        working: Another worker is still there, and what it holds.
    """
    left = [] if working else _left(pair)
    now = observed(pair, seen)
    return [
        *same_rows("source and target", now.source, now.target),
        *same_rows("the source without a fault", now.source, plain.source),
        *_other("changes of the source", now.changes, plain.changes),
        *(
            wrong
            for name, kept in plain.images.items()
            for wrong in _other(f"images of {name}", now.images[name], kept)
        ),
        *(wrong for name, kept in plain.records.items() for wrong in _other(name, now.records[name], kept)),
        *(f"{name} takes writes on the target" for name in open_tables(pair.target)),
        *left,
    ]


def _left(pair: Pair) -> list[str]:
    until = time.monotonic() + _GONE_WITHIN_S
    while True:
        left = [*left_over(pair.source), *left_over(pair.target)]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.02)


def same_rows(what: str, one: Rows, other: Rows) -> Iterator[str]:
    """Say what is on one side only."""
    for name, found in one.items():
        yield from _other(f"{what}: {name}", found, other[name])


def _other(what: str, found: Iterable[Any], wanted: Iterable[Any]) -> Iterator[str]:
    mine, theirs = Counter(map(str, found)), Counter(map(str, wanted))
    for said, rest in (("too much", mine - theirs), ("missing", theirs - mine)):
        if rest:
            yield f"{what}: {rest.total()} {said}, such as {list(rest.elements())[:_SHOWN]}"


def not_undone(pair: Pair, before: Rows) -> list[str]:
    """Take the way back back, and return where the source is not as it was."""
    access, there = pair.source.access, pair.target.access
    waits = {"statement": timedelta(seconds=10)}
    with access.connected(**waits) as source, there.connected(**waits) as target, ThreadPoolExecutor(1):
        plan = sync_plan(read_catalogue(source), read_catalogue(target), RULES)
        for chunk in applied_chunks(source, SYNC, plan):
            undo_chunk(source, chunk, replica_role=plan.replica_role)
        return list(same_rows("the source before, and undone", rows(source), before))


def predicted(before: Rows, after: Rows) -> dict[str, tuple[int, int, int]]:
    """Return by table how many rows must be inserted, updated and deleted: nothing but a comparison of both sides."""
    return {name: _differences(_by_key(name, before[name]), _by_key(name, after[name])) for name in before}


def _differences(before: dict[str, str], after: dict[str, str]) -> tuple[int, int, int]:
    both = before.keys() & after.keys()
    return len(after.keys() - both), sum(before[key] != after[key] for key in both), len(before.keys() - both)


def _by_key(name: str, lines: Iterable[str]) -> dict[str, str]:
    """Of each table the first column is the key; of one, the first two."""
    width = 2 if name == "public.parts" else 1
    return {",".join(line.split(",")[:width]): line for line in lines}
