"""`python -m tests.contract.postgres_ports.long_worker`: a process that works at a way back, and says how it ended.

It is given both connection strings, and the fence's and a statement's longest time in seconds.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from shared.adapters.postgres.server.session import Access
from shared.adapters.postgres.way_back.sync import Sync
from shared.errors import PermanentError, TransientError
from shared.model.sync import Conflicts, SyncRules

RULES = SyncRules(conflicts=Conflicts.TARGET_WINS, chunk=100, fence_within=timedelta(seconds=20))


def impatient(fence_s: float, statement_s: float) -> SyncRules:
    return replace(RULES, fence_within=timedelta(seconds=fence_s), statement_timeout=timedelta(seconds=statement_s))


def _work(source: str, target: str, fence_s: str, statement_s: str) -> str:
    sides = Access("source", source, verified=False), Access("target", target, verified=False)
    with ThreadPoolExecutor(4) as pool:
        try:
            return Sync("sync", "change", *sides, impatient(float(fence_s), float(statement_s)), pool).work(30).said
        except (PermanentError, TransientError) as error:
            return repr(error)


if __name__ == "__main__":
    sys.stdout.write(_work(*sys.argv[1:]))
