"""One way back, step by step, for tests that make each step on purpose."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.begin import take
from shared.adapters.postgres.server.session import Access
from shared.adapters.postgres.server.sides import read_sides
from shared.adapters.postgres.way_back.sync import Stage, State, Sync
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncPlan, SyncRules
from tests.contract.postgres.pairs import Database, Pair

RULES = SyncRules(conflicts=Conflicts.TARGET_WINS)


def begin(source: Access, target: Access, rules: SyncRules, checkpoint_id: str) -> tuple[SyncPlan, Checkpoint]:
    """Install capture on both sides, and take the checkpoint of both, unless something stands against it."""
    waits = {"statement": rules.statement_timeout, "lock": rules.lock_timeout}
    with source.connected(**waits) as here, target.connected(**waits) as there:
        sides = read_sides(here, there, rules)
        if sides.plan.blocking:
            raise PermanentError("; ".join(map(str, sides.plan.blocking)))
        return sides.plan, take(sides, rules, checkpoint_id)[1]


def start(pair: Pair, rules: SyncRules = RULES) -> SyncPlan:
    """Begin a change."""
    return begin(pair.source.access, pair.target.access, rules, "change")[0]


def back(pair: Pair, rules: SyncRules = RULES, sync: str = "sync") -> State:
    """Go back, to the end."""
    with ThreadPoolExecutor(4) as pool:
        return Sync(sync, "change", pair.source.access, pair.target.access, rules, pool).work(60)


def rows(side: Database, query: str = "SELECT * FROM items AS t ORDER BY t::text") -> Sequence[tuple[Any, ...]]:
    with side.connect() as connection:
        return connection.execute(query).fetchall()


def pinned_rounds(pair: Pair) -> int:
    """Return in how many rounds keys were pinned."""
    return int(rows(pair.target, "SELECT max(round) FROM rollback_controller.pin WHERE keys > 0")[0][0] or 0)


@contextmanager
def before(stage: Stage, does: Callable[[], Any], times: int = 1) -> Iterator[None]:
    """Let clients do something right before a stage, the first few times that it is come to."""
    plain, left = Sync._timed, [None] * times

    def timed(self: Sync, stages: Any, state: State, until: float) -> State:
        if state.stage is stage and left:
            left.pop()
            does()
        return plain(self, stages, state, until)

    with patch.object(Sync, "_timed", timed):
        yield
