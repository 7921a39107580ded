"""Ways to find the rows that differ between two tables: ours by each hash, and what others would do."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, LiteralString

from psycopg import Connection

from bench.sync.checksums import Keys, Planted
from bench.sync.servers import SOURCE, TARGET, Servers
from bench.sync.world import PLAIN, RULES
from shared.adapters.postgres.proof.buckets import Proof
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.hashing import Hash, hash_for
from shared.decision.sync_plan import sync_plan

_STATEMENT = timedelta(minutes=10)
_COLUMNS = ("u", "a", "b", "c", "j", "n", "updated_at")
_ROW: LiteralString = "ROW(id, u, a, b, c, j, n, updated_at)"
# What a day's work gives: sums by a thousand ranges of the key, then the rows of those that differ.
_RECORD: LiteralString = f"hash_record_extended({_ROW}, 0)"
_TEXT: LiteralString = f"hashtextextended({_ROW}::text, 0)"
_A_RANGE = 1_000

Side = Connection[tuple[Any, ...]]


def by_ours(by: Hash | None) -> Callable[[Planted], Keys]:
    """Compare as a proof does, by one hash, or by that which it chooses for these two servers."""

    def compare(planted: Planted) -> Keys:
        source = planted.servers.access(SOURCE, PLAIN)
        target = planted.servers.access(TARGET)
        with (
            source.connected(statement=_STATEMENT) as here,
            target.connected(statement=_STATEMENT) as there,
            ThreadPoolExecutor(1) as pool,
        ):
            (of,) = sync_plan(read_catalogue(here), read_catalogue(there), RULES).tables
            found = Proof(here, there, by or hash_for(here, there), pool).compare(of)
        return frozenset(int(key) for key in found.different)

    return compare


def by_full_pull(planted: Planted) -> Keys:
    """Read all rows of both sides as text, and keep key and hash of each."""
    with planted.sides() as (here, there), ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_hashes, here)
        there_hashed = _hashes(there)
        here_hashed = reading.result()
    both = here_hashed.keys() | there_hashed.keys()
    return frozenset(int(key) for key in both if here_hashed.get(key) != there_hashed.get(key))


def _hashes(side: Connection[tuple[Any, ...]]) -> dict[bytes, int]:
    hashed = {}
    with side.cursor().copy("COPY items TO STDOUT") as rows:
        for row in rows:
            line = bytes(row)
            hashed[line[: line.index(b"\t")]] = hash(line)
    return hashed


def by_ranges(hashed: LiteralString) -> Callable[[Planted], Keys]:
    """Compare sums of hashes by range, and the rows of the ranges that differ."""
    summed: LiteralString = f"SELECT id / %s, count(*), sum({hashed}) FROM items GROUP BY 1"  # noqa: S608  # from above
    rows: LiteralString = f"SELECT id, {hashed} FROM items JOIN unnest(%s::bigint[]) AS r ON id >= r AND id < r + %s"  # noqa: S608

    def compare(planted: Planted) -> Keys:
        with planted.sides() as (here, there), ThreadPoolExecutor(1) as pool:
            for side in (here, there):
                side.execute("SET timezone = 'UTC'; SET jit = off; SET random_page_cost = 1.1")
            asking = pool.submit(_rows, here, summed, [_A_RANGE])
            bad = _rows(there, summed, [_A_RANGE]) ^ asking.result()
            starts = sorted({row[0] * _A_RANGE for row in bad})
            asking = pool.submit(_rows, here, rows, [starts, _A_RANGE])
            return frozenset(row[0] for row in _rows(there, rows, [starts, _A_RANGE]) ^ asking.result())

    return compare


def _rows(side: Side, query: LiteralString, given: list[object]) -> set[tuple[Any, ...]]:
    return set(side.execute(query, given).fetchall())


def by_reladiff(planted: Planted) -> Keys:
    """Compare by `reladiff`, as it comes.

    Raises:
        RuntimeError: it broke off.
    """
    uris = [_uri(planted.servers, *end) for end in ((SOURCE, PLAIN), (TARGET, TARGET))]
    columns = [word for name in _COLUMNS for word in ("-c", name)]
    done = subprocess.run(  # noqa: S603  # every word of it is written here
        ["reladiff", uris[0], "items", uris[1], "items", "-k", "id", *columns, "--json"],  # noqa: S607  # on PATH
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "5000"},  # it breaks its lines of JSON at the width of a terminal
        check=False,  # what it said is in the error
    )
    broke = [line for line in done.stderr.splitlines() if "ERROR" in line or "Error" in line]
    if done.returncode or broke:
        raise RuntimeError((broke or [f"exit code {done.returncode}"])[-1].strip())
    return frozenset(int(json.loads(line)[1][0]) for line in done.stdout.splitlines() if line.startswith("["))


def _uri(servers: Servers, side: str, database: str) -> str:
    given = servers.given(side, database)
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format_map(given)


WAYS: Mapping[str, Callable[[Planted], Keys]] = {
    "ours": by_ours(None),
    "ours, record hash": by_ours(Hash.RECORD),
    "ours, md5": by_ours(Hash.MD5),
    "ranges of 1,000, record hash (blind to 1.0 against 1.00 in JSON)": by_ranges(_RECORD),
    "ranges of 1,000, text hash": by_ranges(_TEXT),
    "reladiff": by_reladiff,
    "full pull": by_full_pull,
}
# What must find all differences, and nothing else. What others miss is told.
EXACT = frozenset(WAYS) - {"reladiff"}
