"""What cannot go back is refused by name before a change begins, and leaves nothing behind on either side."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.server.session import Access
from shared.errors import PermanentError, TransientError
from shared.model.sync import Severity, SyncRules
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres.ways import begin

_ITEMS = "CREATE TABLE items (id int PRIMARY KEY, a text)"


@dataclass(frozen=True, slots=True)
class Refused:
    """A pair of databases, and what is said against it.

    Attributes:
        both, source, target: What their owner runs.
        by_superuser: What is run on the target's server, or database, beforehand; {name} is the database.
        owner: As whom the sides are connected.
    """

    says: str
    both: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    by_superuser: tuple[str, ...] = ()
    owner: str = "keeper"
    rules: SyncRules = field(default_factory=SyncRules)


_REFUSED = {
    "no key": Refused(
        "public.items: it has no primary key, and no unique key without nulls",
        both=("CREATE TABLE items (id int)",),
    ),
    "a key with nulls": Refused(
        "public.items: it has no primary key, and no unique key without nulls",
        both=("CREATE TABLE items (id int UNIQUE)",),
    ),
    "a key for some rows": Refused(
        "public.items: it has no primary key, and no unique key without nulls",
        both=("CREATE TABLE items (id int NOT NULL)", "CREATE UNIQUE INDEX ON items (id) WHERE id > 0"),
    ),
    "a key over an expression": Refused(
        "public.items: it has no primary key, and no unique key without nulls",
        both=("CREATE TABLE items (id text NOT NULL)", "CREATE UNIQUE INDEX ON items (lower(id))"),
    ),
    "a key that holds at the end": Refused(
        "public.items: it has no primary key, and no unique key without nulls that holds at once",
        both=("CREATE TABLE items (id int PRIMARY KEY DEFERRABLE)",),
    ),
    "other keys": Refused(
        "public.items: it is keyed by (id) on the source and (a) on the target",
        source=("CREATE TABLE items (id int PRIMARY KEY, a int)",),
        target=("CREATE TABLE items (id int, a int PRIMARY KEY)",),
    ),
    "other keys, one of them only there": Refused(
        "public.items: it is keyed by (id) on the source and (uid) on the target",
        source=("CREATE TABLE items (id int PRIMARY KEY)",),
        target=("CREATE TABLE items (uid int PRIMARY KEY)",),
    ),
    "keys of other types": Refused(
        "public.items.id: a key of text on the target, of integer on the source cannot be compared",
        source=(_ITEMS,),
        target=("CREATE TABLE items (id text PRIMARY KEY)",),
    ),
    "keys of numbers with a scale and without": Refused(
        "public.items.id: a key of numeric on the target, of numeric(14,2) on the source cannot be compared",
        source=("CREATE TABLE items (id numeric(14,2) PRIMARY KEY)",),
        target=("CREATE TABLE items (id numeric PRIMARY KEY)",),
    ),
    "keys of texts with blanks that count and that do not": Refused(
        "public.items.id: a key of text on the target, of character(5) on the source cannot be compared",
        source=("CREATE TABLE items (id char(5) PRIMARY KEY)",),
        target=("CREATE TABLE items (id text PRIMARY KEY)",),
    ),
    "a key that is left out": Refused(
        "public.items.id: it is part of the key, and cannot be left out",
        both=(_ITEMS,),
        rules=SyncRules(leave_out=("public.items.id",)),
    ),
    "a column that the source needs": Refused(
        "public.items.needed: it is not on the target, and the source takes no row without a value in it",
        source=("CREATE TABLE items (id int PRIMARY KEY, needed int NOT NULL)",),
        target=("CREATE TABLE items (id int PRIMARY KEY)",),
    ),
    "a heir": Refused(
        "public.items: it inherits, or is inherited from, on the target: rows of several tables would mix",
        both=(_ITEMS,),
        target=("CREATE TABLE more (id int PRIMARY KEY) INHERITS (items)",),
    ),
    "an ancestor": Refused(
        "public.more: it inherits, or is inherited from, on the source: rows of several tables would mix",
        both=(_ITEMS, "CREATE TABLE more (id int PRIMARY KEY, a text)"),
        source=("ALTER TABLE more INHERIT items",),
    ),
    "a rule": Refused(
        "public.items: the rule nothing on the source turns writes into something else",
        both=(_ITEMS,),
        source=("CREATE RULE nothing AS ON DELETE TO items DO INSTEAD NOTHING",),
    ),
    "rows that are hidden on the target": Refused(
        "public.items: row-level security on the target hides rows from blind: it needs BYPASSRLS",
        both=(_ITEMS,),
        target=("ALTER TABLE items ENABLE ROW LEVEL SECURITY",),
        owner="blind",
    ),
    "rows that are hidden on the source": Refused(
        "public.items: row-level security on the source hides rows from blind: it needs BYPASSRLS",
        both=(_ITEMS,),
        source=("ALTER TABLE items ENABLE ROW LEVEL SECURITY", "ALTER TABLE items FORCE ROW LEVEL SECURITY"),
        owner="blind",
    ),
    "somebody else's table": Refused(
        "public.items: keeper does not own it on the target, nor belongs to who does",
        both=(_ITEMS,),
        by_superuser=("ALTER TABLE items OWNER TO app",),
    ),
    "no right to a schema": Refused(
        "target: keeper may not create a schema: GRANT CREATE ON DATABASE ... TO keeper",
        both=(_ITEMS,),
        by_superuser=("ALTER DATABASE {name} OWNER TO postgres",),
    ),
    "a database to be read": Refused(
        "target: it can only be read: a standby, or set to read only",
        both=(_ITEMS,),
        by_superuser=("ALTER DATABASE {name} SET default_transaction_read_only = on",),
    ),
    "a circle, and no right to set it aside": Refused(
        "public.items: rows refer to each other in a circle, and orderly may not set foreign keys aside: "
        "GRANT SET ON PARAMETER session_replication_role TO orderly",
        both=("CREATE TABLE items (id int PRIMARY KEY, up int REFERENCES items)",),
        owner="orderly",
    ),
    "a circle of two": Refused(
        "public.a, public.b: rows refer to each other in a circle, and orderly may not set foreign keys aside",
        both=(
            "CREATE TABLE a (id int PRIMARY KEY, b int)",
            "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)",
            "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
        ),
        owner="orderly",
    ),
    "a transaction in doubt": Refused(
        "target: the prepared transaction in doubt may still be committed: end it first",
        both=(_ITEMS,),
        target=("BEGIN", "INSERT INTO items VALUES (1)", "PREPARE TRANSACTION 'in doubt'", "SELECT pg_sleep(2)"),
    ),
    "no such table": Refused(
        "target: it has no table like shop.*",
        both=(_ITEMS,),
        rules=SyncRules(tables=("shop.*",)),
    ),
    "a superuser": Refused("source: postgres is a superuser; connect as a role of its own", both=(_ITEMS,)),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_it_is_refused_by_name_and_nothing_is_left_behind(servers: Servers, case: str) -> None:
    refused = _REFUSED[case]
    with servers.pair(OLD, OLD, refused.owner) as pair:
        pair.run(*refused.both)
        pair.source.run(*refused.source)
        pair.target.run(*refused.target)
        with pair.target.connect() as superuser:
            for statement in refused.by_superuser:
                superuser.execute(statement.format(name=pair.target.name))
        sides = (_of_superuser(pair) if case == "a superuser" else pair.source.access), pair.target.access
        try:
            with pytest.raises(PermanentError) as error:
                begin(*sides, refused.rules, "change")
            assert refused.says in str(error.value)
            assert not any(_left_behind(side) for side in (pair.source, pair.target))
        finally:
            _end_doubt(pair.target)


def _of_superuser(pair: Pair) -> Access:
    return replace(pair.source.access, conninfo=pair.source.cluster.dsn(pair.source.name))


def _left_behind(side: Database) -> bool:
    with side.connect() as connection:
        return bool(connection.execute("SELECT FROM pg_namespace WHERE nspname = 'rollback_controller'").fetchall())


def _end_doubt(side: Database) -> None:
    with side.connect() as connection:
        for (name,) in connection.execute("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"):
            connection.execute(f"ROLLBACK PREPARED '{name}'")


_NOT_REACHED: dict[str, tuple[Callable[[Access], Access], type[Exception], str]] = {
    "a wrong password": (
        lambda access: replace(access, conninfo=f"{access.conninfo} password=wrong"),
        PermanentError,
        "password authentication failed",
    ),
    "no such database": (
        lambda access: replace(access, conninfo=f"{access.conninfo} dbname=nowhere"),
        PermanentError,
        'database "nowhere" does not exist',
    ),
    "nobody listens": (
        lambda access: replace(access, conninfo=f"{access.conninfo} port=1"),
        TransientError,
        "refused",
    ),
    "a server that proves nothing": (
        lambda access: replace(access, verified=True),
        PermanentError,
        "SSL",
    ),
}


@pytest.mark.parametrize("case", _NOT_REACHED)
@pytest.mark.parametrize("side", ["source", "target"])
def test_a_side_that_is_not_reached_is_named(servers: Servers, case: str, side: str) -> None:
    spoil, kind, says = _NOT_REACHED[case]
    with servers.pair(OLD, NEW) as pair:
        pair.run(_ITEMS)
        sides = {"source": pair.source.access, "target": pair.target.access}
        sides[side] = spoil(sides[side])
        with pytest.raises(kind, match=f"{side} database: .*{says}"):
            begin(sides["source"], sides["target"], SyncRules(), "change")
        assert not any(_left_behind(one) for one in (pair.source, pair.target))


def test_a_table_that_a_writer_never_lets_go_of_is_named(servers: Servers) -> None:
    impatient = SyncRules(lock_timeout=SyncRules().lock_timeout / 20, fence_within=SyncRules().lock_timeout / 4)
    with servers.pair(OLD, OLD) as pair:
        pair.run(_ITEMS)
        with pair.target.connect("keeper") as writer:
            writer.execute("BEGIN; INSERT INTO items VALUES (1)")
            with pytest.raises(TransientError, match=r"public\.items was never free for a moment"):
                begin(pair.source.access, pair.target.access, impatient, "change")
            writer.execute("COMMIT")
        begin(pair.source.access, pair.target.access, impatient, "change")


_STAYS = {
    "public.more: it is not on the source: none of its rows can go back": ("target", "CREATE TABLE more (id int)"),
    "public.items.extra: it is not on the source: what it holds stays behind": (
        "target",
        "ALTER TABLE items ADD extra int",
    ),
    "target: it holds large objects, which are in no table: they stay behind": ("target", "SELECT lo_create(0)"),
    "public.items.b: the source computes it: what was written into it on the target stays behind": (
        "source",
        "ALTER TABLE items DROP b, ADD b text GENERATED ALWAYS AS (upper(a)) STORED",
    ),
}


@pytest.mark.parametrize("says", _STAYS)
def test_what_would_stay_behind_is_said_when_the_change_begins(servers: Servers, says: str) -> None:
    side, statement = _STAYS[says]
    with servers.pair(OLD, OLD) as pair:
        pair.run(_ITEMS, "ALTER TABLE items ADD b text")
        getattr(pair, side).run(statement)
        plan, _ = begin(pair.source.access, pair.target.access, SyncRules(), "change")
        assert says in [str(finding) for finding in plan.findings if finding.severity is Severity.LOSES]


def test_a_capture_is_not_installed_twice(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run(_ITEMS)
        _, first = begin(pair.source.access, pair.target.access, SyncRules(), "change")
        _, again = begin(pair.source.access, pair.target.access, SyncRules(), "change")
        assert first == again


def test_values_that_may_not_fit_without_the_right_to_set_foreign_keys_aside_are_named(servers: Servers) -> None:
    with servers.pair(OLD, OLD, "orderly") as pair:
        pair.run(
            "CREATE TABLE b (id int PRIMARY KEY, code int UNIQUE)", "CREATE TABLE c (id int PRIMARY KEY REFERENCES b)"
        )
        plan, _ = begin(pair.source.access, pair.target.access, SyncRules(), "change")
        assert "public.b: if a value of (code) has passed from one row to another, it cannot be put" in str(
            *plan.findings
        )
