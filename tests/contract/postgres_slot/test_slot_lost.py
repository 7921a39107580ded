"""A slot that does not tell everything any more says so: blind, and never "nothing was written"."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import Connection

from local.postgres import NEW, OLD
from shared.adapters.postgres.capture.key_log import install_capture, removing
from shared.adapters.postgres.capture.reading import captured_oids
from shared.adapters.postgres.server.session import at_once
from shared.adapters.postgres.slot.drain import drain
from shared.adapters.postgres.slot.limits import slot_limitations
from shared.adapters.postgres.slot.look import look_at_slot, slot_captured, slot_standing
from shared.adapters.postgres.slot.publishing import drop_slot, install_slot
from shared.errors import PermanentError, TransientError
from shared.model.sync import Severity
from tests.contract.postgres.pairs import PASSWORD, Database
from tests.contract.postgres_slot.slots import Slotted, slotted

_ITEMS = "CREATE TABLE items (id int PRIMARY KEY)"
_MAKE = "SELECT pg_create_logical_replication_slot('{0}', '{1}')"


def _remove_log(whole: Connection) -> None:
    """Let the server remove what the slot did not read."""
    for _ in range(3):
        whole.execute("CREATE TABLE filling (id int); DROP TABLE filling")
        whole.execute("SELECT pg_switch_wal()")
    whole.execute("CHECKPOINT")


_LOST: dict[str, tuple[str, str | Callable[[Connection], None]]] = {
    "dropped": ("is gone: somebody dropped it", "SELECT pg_drop_replication_slot('{0}')"),
    "made anew": (
        "is further than we read it",
        f"SELECT pg_drop_replication_slot('{{0}}'); {_MAKE.format('{0}', 'pgoutput')}",
    ),
    "read by somebody else": (
        "is further than we read it",
        "SELECT count(*) FROM pg_logical_slot_get_binary_changes('{0}', NULL, NULL,"
        " 'proto_version', '1', 'publication_names', '{0}')",
    ),
    "somebody else's": (
        "is somebody else's",
        f"SELECT pg_drop_replication_slot('{{0}}'); {_MAKE.format('{0}', 'test_decoding')}",
    ),
    "unpublished": ("the publication {0} is gone, or was changed", "DROP PUBLICATION {0}"),
    "published anew": ("is gone, or was changed", "DROP PUBLICATION {0}; CREATE PUBLICATION {0}"),
    "published in part": ("is gone, or was changed", "ALTER PUBLICATION {0} SET (publish = 'insert')"),
    "restored elsewhere": ("was taken on another server", "UPDATE rollback_controller.slot SET system = '1'"),
    "its log removed": ("", _remove_log),
}


# How each shows differs between versions only where the server itself takes the slot out of use.
_REMOVED = "its log removed"
_WHERE = {((OLD, NEW)[place % 2], why) for place, why in enumerate(_LOST)} | {(OLD, _REMOVED), (NEW, _REMOVED)}


@pytest.mark.parametrize(("target", "why"), sorted(_WHERE), indirect=["target"])
def test_a_slot_that_was_lost_says_why_and_is_installed_anew(target: Database, why: str) -> None:
    says, does = _LOST[why]
    target.run(_ITEMS)
    with slotted(target) as slot, target.connect() as whole, _little_kept(whole, not says):
        older = slot.snapshot
        target.run("INSERT INTO items VALUES (1)")
        if callable(does):
            does(whole)
        else:
            target.run(*does.format(slot.name).split("; "))
        lost = slot_standing(slot.connection, slot.name)
        assert lost is not None
        assert says.format(slot.name) in lost
        assert drain(slot.connection, slot.name, 1).lost == lost
        assert slot_captured(slot.connection, slot.name, older) == {}
        if why == "somebody else's":
            whole.execute(f"SELECT pg_drop_replication_slot('{slot.name}')")
        slot.install()
        _works_again(slot, older)


def _works_again(slot: Slotted, older: str) -> None:
    """It is whole for the checkpoint that was taken now, and not for the older one."""
    oid = slot.tables["public.items"].oid
    slot.database.run("INSERT INTO items VALUES (2)")
    assert slot.drain().lost is None
    assert slot.keys("public.items") == {("2",)}
    assert slot.is_whole("public.items")
    assert slot_captured(slot.connection, slot.name, older) == {oid: False}


@contextmanager
def _little_kept(whole: Connection, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    try:
        _keep(whole, "SET max_slot_wal_keep_size = '1MB'", "1MB")
        yield
    finally:
        _keep(whole, "RESET max_slot_wal_keep_size", "-1")


def _keep(whole: Connection, setting: str, shown: str) -> None:
    """Set it, and wait until a session that begins now is told."""
    whole.execute(f"ALTER SYSTEM {setting}")
    whole.execute("SELECT pg_reload_conf()")
    while True:
        with psycopg.connect(whole.info.dsn, password=whole.info.password) as other:
            if other.execute("SHOW max_slot_wal_keep_size").fetchone() == (shown,):
                return


def test_a_table_that_was_taken_out_of_the_publication_is_not_whole_until_it_is_installed_again(
    target: Database,
) -> None:
    target.run(_ITEMS, "CREATE TABLE others (id int PRIMARY KEY)")
    with slotted(target) as slot:
        target.run(f"ALTER PUBLICATION {slot.name} DROP TABLE items", f"ALTER PUBLICATION {slot.name} ADD TABLE items")
        assert not slot.is_whole("public.items")
        assert slot.is_whole("public.others")
        older = slot.snapshot
        slot.install()
        assert slot.is_whole("public.items")
        assert set(slot_captured(slot.connection, slot.name, older).values()) == {True, False}


def test_a_table_that_is_new_or_has_another_key_is_carried_from_the_next_checkpoint_on(target: Database) -> None:
    target.run("CREATE TABLE items (id int PRIMARY KEY, a int NOT NULL)")
    with slotted(target) as slot:
        older = slot.snapshot
        target.run(
            "CREATE TABLE others (id int PRIMARY KEY)",
            "ALTER TABLE items DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (a)",
        )
        slot.install()
        target.run("INSERT INTO items VALUES (1, 2)", "UPDATE items SET a = 3", "INSERT INTO others VALUES (4)")
        slot.drain()
        assert slot.keys("public.items") == {("2",), ("3",)}
        assert slot.keys("public.others") == {("4",)}
        assert set(slot_captured(slot.connection, slot.name, older).values()) == {False}


def test_triggers_that_captured_before_are_taken_off(target: Database) -> None:
    target.run(_ITEMS)
    with slotted(target, install=False) as slot:
        install_capture(slot.connection, slot.tables["public.items"])
        slot.install()
        assert captured_oids(slot.connection) == {}
        target.run("INSERT INTO items VALUES (1)")
        slot.drain()
        assert slot.keys("public.items") == {("1",)}


def test_triggers_that_capture_since_keep_their_log_and_the_slot_is_not_whole_any_more(target: Database) -> None:
    target.run(_ITEMS)
    with slotted(target) as slot:
        items = slot.tables["public.items"]
        with slot.connection.transaction():
            at_once(slot.connection, removing(items.oid))
            install_capture(slot.connection, items)
        assert not slot.is_whole("public.items")
        drop_slot(slot.connection, slot.name)
        target.run("INSERT INTO items VALUES (1)")
        assert slot.keys("public.items") == {("1",)}


def test_a_transaction_that_does_not_end_holds_it_off_and_leaves_nothing_half_made(target: Database) -> None:
    target.run(_ITEMS)
    with slotted(target, install=False) as slot, target.connect("keeper") as open_one:
        open_one.execute("BEGIN; INSERT INTO items VALUES (1)")
        slot.connection.execute("SET statement_timeout = '300ms'")
        with pytest.raises(TransientError, match="waits for every transaction that is open on the server"):
            slot.install()
        assert "was not installed" in (slot_standing(slot.connection, slot.name) or "")
        open_one.execute("COMMIT")
        slot.connection.execute("SET statement_timeout = '20s'")
        slot.install()
        assert slot.is_whole("public.items")


def test_a_writer_that_does_not_end_holds_off_a_table(target: Database) -> None:
    target.run(_ITEMS)
    with slotted(target) as slot, target.connect("keeper") as writer:
        target.run("CREATE TABLE others (id int PRIMARY KEY)")
        writer.execute("BEGIN; INSERT INTO others VALUES (1)")
        with pytest.raises(TransientError, match=r"public\.others was never free"):
            install_slot(slot.connection, list(slot.tables.values()), slot.name, within_s=0)
        assert not slot.is_whole("public.others")


def test_a_slot_that_is_not_ours_is_left_alone(target: Database) -> None:
    target.run(_ITEMS)
    with slotted(target, install=False) as slot, target.connect() as whole:
        whole.execute(_MAKE.format(slot.name, "pgoutput"))
        with pytest.raises(PermanentError, match=f"has a slot {slot.name} that is not ours"):
            install_slot(slot.connection, list(slot.tables.values()), slot.name)
        whole.execute(f"SELECT pg_drop_replication_slot('{slot.name}')")


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_what_is_kept_for_it_is_counted_and_a_small_limit_is_told_before_it_is_reached(target: Database) -> None:
    target.run(_ITEMS)
    with slotted(target) as slot, target.connect() as whole:
        look = look_at_slot(slot.connection, slot.name)
        assert (look.lost, look.soon) == (None, None)
        target.run("INSERT INTO items SELECT generate_series(1, 20000)")
        now = look_at_slot(slot.connection, slot.name)
        assert now.kept_bytes > look.kept_bytes + 1_000_000
        assert now.undrained_bytes > 1_000_000
        slot.drain()
        assert look_at_slot(slot.connection, slot.name).undrained_bytes < now.undrained_bytes / 2
        with _little_kept(whole, wanted=True), target.connect("keeper") as later:
            found = [str(one) for one in slot_limitations(later, [], slot.name)]
            assert (
                "target: a slot is lost when it is 1 MB of log behind (max_slot_wal_keep_size): drain it in time"
                in found
            )


_NOT_CARRIED = {
    "public.unlogged": ("CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY)", "it is unlogged"),
    "public.full": (
        'CREATE TABLE "full" (id int PRIMARY KEY); ALTER TABLE "full" REPLICA IDENTITY FULL',
        "its replica identity is FULL",
    ),
    "public.by_rule": (
        "CREATE TABLE by_rule (id int NOT NULL UNIQUE, a int)",
        "its key (id) is not in its replica identity",
    ),
    "public.none": (
        "CREATE TABLE none (id int PRIMARY KEY); ALTER TABLE none REPLICA IDENTITY NOTHING",
        "its key (id) is not in its replica identity",
    ),
    "public.generated": (
        "CREATE TABLE generated (a int, id int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY)",
        "its replica identity has a generated column",
    ),
    "public.keyless": ("CREATE TABLE keyless (id int)", "it has no key"),
    "public.parts": (
        "CREATE TABLE parts (id int NOT NULL, UNIQUE (id)) PARTITION BY RANGE (id);"
        " CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (9)",
        "low: its key (id) is not in its replica identity",
    ),
}


@pytest.mark.parametrize("target", [OLD, NEW], indirect=True)
def test_what_a_slot_cannot_carry_is_named_and_its_writers_are_not_stopped(target: Database) -> None:
    target.run(*(statement for made, _ in _NOT_CARRIED.values() for statement in made.split("; ")))
    target.run(
        _ITEMS,
        "CREATE TABLE by_index (id int NOT NULL UNIQUE)",
        "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_id_key",
    )
    with slotted(target) as slot:
        findings = slot_limitations(slot.connection, list(slot.tables.values()), slot.name)
        assert all(one.severity is Severity.NOTED for one in findings)
        said = {one.about: one.what for one in findings if one.about != "target"}
        assert said.keys() == _NOT_CARRIED.keys()
        for name, (_, why) in _NOT_CARRIED.items():
            assert why in said[name]
            assert not slot.is_whole(name)
        for name in slot.tables:
            schema, table = name.split(".")
            column = "a" if table == "generated" else "id"
            target.run(f'UPDATE {schema}."{table}" SET {column} = 1', f'DELETE FROM {schema}."{table}"')  # noqa: S608
        target.run("INSERT INTO by_index VALUES (1)")
        slot.drain()
        assert slot.keys("public.by_index") == {("1",)}


def test_what_stands_against_a_slot_on_a_server_is_said_before_one_is_installed(target: Database) -> None:
    role = psycopg.connect(target.cluster.dsn(target.name, "app", PASSWORD), autocommit=True)
    with role as app, target.connect() as whole:
        for number in range(4):
            whole.execute(_MAKE.format(f"others_{number}", "test_decoding"))
        try:
            found = [one for one in slot_limitations(app, [], "ours") if one.severity is Severity.BLOCKS]
            assert [str(one) for one in found] == [
                "target: app may not use a slot: ALTER ROLE app REPLICATION",
                "target: all its 4 replication slots are used: raise max_replication_slots, or drop one",
            ]
            assert len([one for one in slot_limitations(app, [], "others_1") if one.severity is Severity.BLOCKS]) == 1
        finally:
            whole.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
