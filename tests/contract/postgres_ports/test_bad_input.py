"""What is wrong with a side is one sentence, before any writer is stopped: nothing of it is found out on the way."""

import os
import pwd
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.postgres import OLD
from shared.errors import ControllerError, PermanentError, TransientError
from tests.contract.postgres.pairs import PASSWORD, Servers
from tests.contract.postgres_ports.moved import Moved, moved


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong, and what is said.

    Attributes:
        spoil: Run by the owner of a side, on the source and on the target, after the change began.
        by_superuser: The same by a superuser; {source} and {target} are the databases.
        conninfo: What is added to how a side is reached.
        differently: What the policy says else.
    """

    says: str
    kind: type[ControllerError] = PermanentError
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    by_superuser: tuple[str, ...] = ()
    conninfo: dict[str, str] = field(default_factory=dict)
    differently: dict[str, Any] = field(default_factory=dict)


_NOT_REACHED = {
    "a wrong password of the source": Wrong(
        'source database: .*password authentication failed for user "keeper"',
        conninfo={"source": "password=wrong"},
    ),
    "a wrong password of the target": Wrong(
        'target database: .*password authentication failed for user "keeper"',
        conninfo={"target": "password=wrong"},
    ),
    "a role that is not there": Wrong("authentication failed", conninfo={"source": "user=nobody"}),
    "a database that is not there": Wrong('database "gone" does not exist', conninfo={"source": "dbname=gone"}),
    "an unknown host": Wrong(
        "source database: .*(resolve|translate|not known)", TransientError, conninfo={"source": "host=db.invalid"}
    ),
    "nobody listens": Wrong("source database: .*refused", TransientError, conninfo={"source": "port=1"}),
    "a server without TLS": Wrong("database: .*does not support SSL", differently={"tls": True}),
}
_WRONG = {
    "no right to a schema of ours": Wrong(
        "source: keeper may not create a schema: GRANT CREATE ON DATABASE",
        by_superuser=("ALTER DATABASE {source} OWNER TO postgres", "REVOKE ALL ON DATABASE {source} FROM keeper"),
    ),
    "somebody else's table": Wrong(
        "public.items: keeper does not own it on the source", source=("ALTER TABLE items OWNER TO app",)
    ),
    "a column that the source takes no row without": Wrong(
        "public.items.needed: it is not on the target, and the source takes no row without a value in it",
        source=("ALTER TABLE items ADD needed int NOT NULL DEFAULT 1", "ALTER TABLE items ALTER needed DROP DEFAULT"),
    ),
    "a key that is gone": Wrong(
        "public.notes: it is keyed by|public.notes: it has no primary key",
        source=("ALTER TABLE notes DROP CONSTRAINT notes_pkey",),
        target=("ALTER TABLE notes DROP CONSTRAINT notes_pkey",),
    ),
    "a key of another type": Wrong(
        "public.notes.id: a key of integer on the target, of text on the source cannot be compared",
        source=(
            "DROP TRIGGER rollback_controller_log_key ON notes",
            "ALTER TABLE notes ALTER id TYPE text",
        ),
    ),
    "rows changed on both sides": Wrong(
        "rows were changed on the source as well: 1 of public.items",
        source=("UPDATE items SET a = 'mine' WHERE id = 1",),
        differently={"conflicts": "stop"},
    ),
    "a source that can only be read": Wrong(
        "source: it can only be read", by_superuser=("ALTER DATABASE {source} SET default_transaction_read_only = on",)
    ),
    "no checkpoint": Wrong(
        "there is no checkpoint 'change' on the target", target=("DELETE FROM rollback_controller.checkpoint",)
    ),
}
# What only the pinned keys tell.
_AFTER_THE_FENCE = {"rows changed on both sides"}


@pytest.mark.parametrize("case", _WRONG)
def test_it_is_one_sentence_before_a_writer_is_stopped(shop: Moved, case: str) -> None:
    wrong = _WRONG[case]
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 1")
    _spoil(shop, wrong)
    with pytest.raises(wrong.kind) as error:
        shop.work(**wrong.differently)
    assert re.search(wrong.says, str(error.value)), str(error.value)
    assert "\n" not in str(error.value)
    if case not in _AFTER_THE_FENCE:
        shop.pair.target.run("UPDATE items SET a = 'still writing' WHERE id = 1")


@pytest.mark.parametrize("case", _NOT_REACHED)
def test_a_side_that_cannot_be_reached_is_named_by_every_port(lasting: Moved, case: str) -> None:
    wrong = _NOT_REACHED[case]
    sides = {"source": lasting.pair.source, "target": lasting.pair.target}
    reached = {side: f"{sides[side].access.conninfo} {more}" for side, more in wrong.conninfo.items()}
    asks: tuple[Callable[..., object], ...] = (lasting.begin, lasting.work, lasting.preview)
    for ask in asks:
        with pytest.raises(wrong.kind) as error:
            ask(**(reached | wrong.differently))
        assert re.search(wrong.says, str(error.value)), str(error.value)
        assert "\n" not in str(error.value)
        assert PASSWORD not in str(error.value)


def test_who_keeps_a_table_is_named_although_we_may_not_see_more_of_them(shop: Moved) -> None:
    shop.begin()
    shop.pair.open_to_writers()
    with shop.pair.target.connect("app") as writer:
        writer.execute("BEGIN; UPDATE items SET a = 'open' WHERE id = 1")
        with pytest.raises(PermanentError, match=rf"within 1 s: app \(process {writer.info.backend_pid}\)$"):
            shop.work(fence_within="1s")


def _spoil(shop: Moved, wrong: Wrong) -> None:
    for side, statements in ((shop.pair.source, wrong.source), (shop.pair.target, wrong.target)):
        with side.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())
    with psycopg.connect(shop.pair.source.cluster.dsn(), autocommit=True) as connection:
        for statement in wrong.by_superuser:
            named = statement.format(source=shop.pair.source.name, target=shop.pair.target.name)
            connection.execute(named.encode())


@contextmanager
def _tiny_disk(servers: Servers) -> Iterator[str]:
    """A tablespace of the old server on a disk of a few megabytes; where no disk can be made, there is no test."""
    where = Path(tempfile.mkdtemp(prefix="tiny-"))
    options = f"size=24m,mode=0700,uid={pwd.getpwnam('nobody').pw_uid}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)]
    made = subprocess.run(mount, check=False, capture_output=True)  # noqa: S603  # a folder of ours
    if made.returncode:
        where.rmdir()
        pytest.skip("no disk can be mounted here")
    try:
        with psycopg.connect(servers.clusters[OLD].dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE tiny LOCATION '{where}'".encode())
            connection.execute("GRANT CREATE ON TABLESPACE tiny TO PUBLIC")
            yield "tiny"
            connection.execute("DROP TABLESPACE tiny")
    finally:
        subprocess.run(["umount", str(where)], check=True)  # noqa: S603, S607  # as above
        where.rmdir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts disks")
def test_a_full_disk_of_the_source_is_said_before_a_writer_is_stopped(servers: Servers, pool: Any) -> None:
    with _tiny_disk(servers) as tablespace, moved(servers, pool) as shop:
        with shop.pair.source.connect() as superuser:
            superuser.execute(f"ALTER DATABASE {shop.pair.source.name} SET default_tablespace = {tablespace}".encode())
        shop.begin()
        shop.pair.target.run(
            "INSERT INTO items (a) SELECT repeat('x', 1000) FROM generate_series(1, 20000)", "ANALYZE items"
        )
        with pytest.raises(PermanentError, match=r"the disk of the source has no room for \d+ MB"):
            shop.work()
        assert shop.look().why_not is not None
        shop.pair.target.run("UPDATE items SET a = 'still writing' WHERE id = 1")
        with shop.pair.source.connect() as superuser:
            superuser.execute(f"ALTER DATABASE {shop.pair.source.name} RESET default_tablespace".encode())
            superuser.execute("DROP SCHEMA rollback_controller CASCADE")


def test_a_disk_that_is_full_on_the_way_is_said_and_gone_on_from(shop: Moved) -> None:
    """The server's own error, raised by a trigger: no disk is that punctual. Nobody was kept from writing yet."""
    shop.begin()
    shop.pair.target.run("UPDATE items SET a = 'new' WHERE id = 1")
    shop.pair.source.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE UPDATE ON rollback_controller.progress EXECUTE FUNCTION full_disk()",
    )
    with pytest.raises(PermanentError, match="source database: could not extend file"):
        shop.work()
    seen = shop.look()
    assert (seen.why_not, seen.fenced) == ("source database: could not extend file", False)
    shop.pair.source.run("DROP TRIGGER full_disk ON rollback_controller.progress")
    shop.work()
    assert shop.look().proved
    assert shop.is_same()
