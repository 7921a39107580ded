"""Puts rows of a table without a key: as many of each as the target has. Equal rows are one another's equals.

Rows are told apart by a hash of all that goes back of them. Of each hash that is pinned, the source deletes the copies
that are too many, and inserts those that are missing; all in the chunk's one transaction, images included.
"""

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.copying.images import Chunk, images_of, kept, of_chunk, stored
from shared.adapters.postgres.copying.staging import unstaged
from shared.adapters.postgres.server.hashing import hashed_rows
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, listed, row, table
from shared.model.sync import ROW_HASH

# All rows are read: the planner may do it as it likes.
_AS_IT_LIKES = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_seqscan = on"

_DELETE = SQL("""
WITH here AS (SELECT rollback_part, rollback_place, {hash},
                     row_number() OVER (PARTITION BY {hash}) AS number FROM {hashed} AS t),
     wanted AS (SELECT {hash}, count(*) FILTER (WHERE rollback_live) AS copies FROM pg_temp.staged GROUP BY 1),
     gone AS (DELETE FROM {table} AS t USING here JOIN wanted USING ({hash})
              WHERE here.number > wanted.copies AND t.tableoid = here.rollback_part AND t.ctid = here.rollback_place
              RETURNING {names})
{images} FROM gone
""")
_INSERT = SQL("""
WITH here AS (SELECT {hash}, count(*) AS copies FROM {hashed} AS t GROUP BY 1),
     s AS (SELECT *, row_number() OVER (PARTITION BY {hash}) AS rollback_number
           FROM pg_temp.staged WHERE rollback_live),
     put AS (INSERT INTO {table} AS t ({values}) OVERRIDING SYSTEM VALUE SELECT {staged} FROM s
             LEFT JOIN here ON here.{hash} = s.{hash} WHERE s.rollback_number > coalesce(here.copies, 0)
             RETURNING {names})
{images} FROM put
""")
_IMAGES = SQL(
    "INSERT INTO {} (rollback_sync, rollback_round, rollback_pass, rollback_chunk, rollback_existed, {}) SELECT {}, {}"
)
_TAKE_AWAY = SQL("""
WITH here AS (SELECT t.tableoid AS part, t.ctid AS place, {row}::text AS said,
                     row_number() OVER (PARTITION BY {row}::text) AS number FROM {table} AS t),
     put AS (SELECT {image}::text AS said, count(*) AS copies FROM {images} AS i
             WHERE {chunk} AND NOT i.rollback_existed GROUP BY 1)
DELETE FROM {table} AS t USING here JOIN put USING (said)
WHERE here.number <= put.copies AND t.tableoid = here.part AND t.ctid = here.place
""")
_BRING_BACK = SQL(
    "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {kept} FROM {images} AS i"
    " WHERE {chunk} AND i.rollback_existed"
)


def replace_rows(source: Connection[Rows], chunk: Chunk) -> tuple[int, int, int]:
    """Make the source have of the staged rows what the target has; return how many were inserted, updated, deleted."""
    of = chunk.of
    source.execute(_AS_IT_LIKES)
    pieces = {
        "hash": column(ROW_HASH),
        "hashed": hashed_rows(of, of_source=True),
        "table": table(of.name),
        "names": columns(kept(of), "t"),
    }
    deleted = source.execute(_DELETE.format(**pieces, images=_images(chunk, existed=True))).rowcount
    putting = _INSERT.format(
        **pieces, images=_images(chunk, existed=False), values=columns(stored(of)), staged=unstaged(of)
    )
    return source.execute(putting).rowcount, 0, deleted


def put_rows_back(source: Connection[Rows], chunk: Chunk) -> None:
    """Take back what `replace_rows` did, by its images."""
    of = chunk.of
    pieces = {"images": images_of(of), "chunk": of_chunk(chunk), "table": table(of.name)}
    source.execute(_AS_IT_LIKES)
    source.execute(_TAKE_AWAY.format(**pieces, row=row(kept(of), "t"), image=row(kept(of), "i")))
    source.execute(_BRING_BACK.format(**pieces, names=columns(kept(of)), kept=columns(kept(of), "i")))


def _images(chunk: Chunk, *, existed: bool) -> Composed:
    work = (chunk.sync, chunk.round, chunk.does.value, chunk.number, existed)
    names = columns(kept(chunk.of))
    return _IMAGES.format(images_of(chunk.of), names, listed(map(Literal, work)), names)
