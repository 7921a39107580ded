"""Changes what a table has in the gaps that its users leave: whoever waits for a lock holds up all that come later.

Each try is one message and one transaction: when it has the lock, nobody waits for more than the work.
https://www.postgresql.org/docs/current/explicit-locking.html
"""

from collections.abc import Iterable
from time import monotonic, sleep

from psycopg import Connection, errors
from psycopg.sql import SQL, Composable

from shared.adapters.postgres.server.fence import GIVE_WAY
from shared.adapters.postgres.server.session import Rows, at_once

_PAUSE_S = 0.1
NOT_FREE = (errors.LockNotAvailable, errors.DeadlockDetected)
_GIVING_WAY = SQL(GIVE_WAY)
# For a lock that also readers are in the way of, and wait behind.
BRIEFLY = SQL("SET LOCAL lock_timeout = '50ms'")


def in_a_gap(
    side: Connection[Rows], statements: Iterable[Composable], within_s: float, how: Composable = _GIVING_WAY
) -> bool:
    """Run statements as one, in the first gap; return whether there was one in time."""
    wanted, until = [how, *statements], monotonic() + within_s
    while True:
        try:
            at_once(side, wanted)
        except NOT_FREE:
            if monotonic() > until:
                return False
            sleep(_PAUSE_S)
        else:
            return True
