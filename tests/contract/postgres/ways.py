"""One way back, step by step, for tests that make each step on purpose."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.adapters.postgres.checkpoint.begin import begin
from shared.adapters.postgres.way_back.sync import State, Sync
from shared.model.sync import Conflicts, SyncPlan, SyncRules
from tests.contract.postgres.pairs import Database, Pair

RULES = SyncRules(conflicts=Conflicts.TARGET_WINS)


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
