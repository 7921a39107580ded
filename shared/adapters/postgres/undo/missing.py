"""Images that should be there and are not: a chunk without them would be taken back to nothing, and seem to be whole.

Each chunk has noted how many rows it changed, and in the same transaction kept an image of each.
"""

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL

from shared.adapters.postgres.copying.images import images_of
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.errors import PermanentError
from shared.model.sync import Pass, SyncPlan, SyncTable

# A row that was the same already has an image, too; one that was put after it was vacated has one as a new row.
_MISSING = """
SELECT count(*), count(*) FILTER (WHERE coalesce(i.old, 0) < p.updated + p.deleted + p.vacated
                                        OR coalesce(i.new, 0) < p.inserted)
FROM {progress} AS p LEFT JOIN (
  SELECT rollback_round AS round, rollback_pass AS pass, rollback_chunk AS chunk,
         count(*) FILTER (WHERE rollback_existed) AS old, count(*) FILTER (WHERE NOT rollback_existed) AS new
  FROM {images} WHERE rollback_sync = %(sync)s GROUP BY 1, 2, 3) AS i USING (round, pass, chunk)
WHERE p.sync = %(sync)s AND p.oid = %(oid)s AND p.pass = ANY (%(passes)s)
"""


def demand_images(source: Connection[Rows], sync: str, plan: SyncPlan) -> None:
    """Raise if not all that a way back has overwritten is kept.

    Raises:
        PermanentError: it is not; the tables are named.
    """
    missing = [said for of in plan.tables for said in _missing(source, sync, of)]
    if missing:
        said = ", ".join(missing)
        raise PermanentError(f"it cannot be taken back whole: what was there before is not kept any more of {said}")


def _missing(source: Connection[Rows], sync: str, of: SyncTable) -> list[str]:
    asked = SQL(_MISSING).format(progress=ours("progress"), images=images_of(of))
    given = {"sync": sync, "oid": of.oid, "passes": [one.value for one in Pass]}
    row: Any = source.execute(asked, given).fetchone()
    chunks, without = row
    return [f"{without} of {chunks} chunks of {of.name}"] if without else []
