"""Rows that an index does not lead to: sums say that they are there, and no proof passes over them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from psycopg import Connection

from local.postgres import OLD
from shared.adapters.postgres.proof import split
from shared.errors import PermanentError
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres.ways import back, start


@pytest.fixture(params=["bigint", "text"])
def pair(servers: Servers, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Compared by ranges of a number, or by a hash of a text."""
    with servers.pair(OLD, OLD) as one:
        one.run(
            f"CREATE TABLE items (id {request.param} PRIMARY KEY, a text)",
            "INSERT INTO items SELECT i, 'old' FROM generate_series(1, 10) i",
        )
        start(one)
        yield one


@contextmanager
def _unindexed(side: Database) -> Iterator[Connection[Any]]:
    """As after a crash of an unsafe disk: what is written is not in the index, and in no log."""
    ready = "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'items_pkey'::regclass"
    with side.connect() as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(ready.format("false"))
        yield superuser
        superuser.execute(ready.format("true"))


@pytest.mark.parametrize("twice", ["(3, 'old')", "(99, 'of one side'), (99, 'of one side')"], ids=["third", "twice"])
@pytest.mark.parametrize("parts", [False, True], ids=["whole", "in parts"])
def test_a_row_that_is_there_once_more_is_no_proof(pair: Pair, twice: str, parts: bool) -> None:
    with _unindexed(pair.source) as source:
        source.execute(f"INSERT INTO items VALUES {twice}".encode())  # noqa: S608  # of two
    whole, first = (0, 1) if parts else (split._WHOLE, split._FIRST_PART)
    with (
        patch.multiple(split, _WHOLE=whole, _FIRST_PART=first),
        pytest.raises(PermanentError, match=r"public\.items: .*\(REINDEX\)"),
    ):
        back(pair)
