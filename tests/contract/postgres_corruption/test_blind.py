"""Where nobody knows what was written, a round says so: never that nothing is damaged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.corruption.reading import Reader
from shared.decision.corruption import sample_of
from shared.model.signal import Outcome, Sample
from shared.model.sync import SyncRules
from tests.contract.postgres.pairs import Database, Pair, Servers
from tests.contract.postgres_corruption.planted import damage, look, start

_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_OFF = "ALTER TABLE items DISABLE TRIGGER rollback_controller_log_update"
_FEED = (
    "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 dbname=none' PUBLICATION none"
    " WITH (connect = false, slot_name = 'feed')",
    "SET allow_system_table_mods = on",
    "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
    " SELECT oid, 'items'::regclass, 'r' FROM pg_subscription WHERE subname = 'feed'",
    "ALTER SUBSCRIPTION feed ENABLE",
)
_NO_FEED = (
    "ALTER SUBSCRIPTION feed DISABLE",
    "ALTER SUBSCRIPTION feed SET (slot_name = NONE)",
    "DROP SUBSCRIPTION feed",
)


@dataclass(frozen=True, slots=True)
class Blind:
    """What is done to a side since the checkpoint, or to both, by a superuser, and what is said then."""

    says: str
    does: tuple[str, ...]
    side: str = "target"
    undone: tuple[str, ...] = ()


_BLIND = {
    "no triggers": Blind(
        "blind: public.items is not logged on the target: its triggers for update are gone",
        ("DROP TRIGGER rollback_controller_log_update ON items",),
    ),
    "triggers that are off": Blind("blind: public.items is not logged on the target: its triggers for update", (_OFF,)),
    "triggers that were off": Blind(
        "blind: public.items was not logged on the source at some time since the checkpoint",
        (_OFF, "ALTER TABLE items ENABLE TRIGGER rollback_controller_log_update"),
        side="source",
    ),
    "another server": Blind(
        "blind: the target is on another server than at the checkpoint",
        ("UPDATE rollback_controller.checkpoint SET system = '1'",),
    ),
    "a checkpoint on one side": Blind(
        "blind: the checkpoint change is not on both sides",
        ("DROP TABLE rollback_controller.checkpoint",),
        side="source",
    ),
    "no checkpoint": Blind("there is no checkpoint on the target", ("DELETE FROM rollback_controller.checkpoint",)),
    "nothing of ours": Blind("there is no checkpoint on the target", ("DROP SCHEMA rollback_controller CASCADE",)),
    "a subscription": Blind(
        "blind: public.items is written by the subscription feed on the target, past its log", _FEED, undone=_NO_FEED
    ),
    "a table made anew": Blind(
        "blind: public.items",
        ("DROP TABLE items", "CREATE TABLE items (id int PRIMARY KEY, a text)", "ALTER TABLE items OWNER TO keeper"),
    ),
    "a table that is gone": Blind("blind: public.items cannot be compared any more", ("DROP TABLE items",)),
    "a column that is gone": Blind(
        "blind: public.items cannot be compared any more: its column a is not on both sides",
        ("ALTER TABLE items DROP COLUMN a",),
    ),
    "a column of another name on both sides": Blind(
        "blind: public.items cannot be compared any more: its column a is not on both sides",
        ("ALTER TABLE items RENAME a TO b",),
        side="both",
    ),
    "other keys": Blind(
        "blind: public.items cannot be compared any more: public.items: it is keyed by (id)",
        ("ALTER TABLE items DROP CONSTRAINT items_pkey", "ALTER TABLE items ADD PRIMARY KEY (a)"),
    ),
    "a log of a slot": Blind(
        "blind: only triggers log a write together with the row",
        ("""UPDATE rollback_controller.checkpoint SET content = content || '{"capture": "slot"}'""",),
    ),
}


def _ready(pair: Pair) -> None:
    pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a'), (2, 'b')")
    start(pair)
    assert _said(pair).value == 0


def _said(pair: Pair) -> Sample:
    return sample_of(look(pair), _AT)


def _run(side: Database, statements: tuple[str, ...]) -> None:
    with side.connect() as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("kind", list(_BLIND))
def test_it_says_that_it_is_blind_and_why(servers: Servers, kind: str) -> None:
    blind = _BLIND[kind]
    with servers.pair(OLD, NEW) as pair:
        _ready(pair)
        sides: list[Database] = [pair.source, pair.target] if blind.side == "both" else [getattr(pair, blind.side)]
        for side in sides:
            _run(side, blind.does)
        try:
            said = _said(pair)
        finally:
            for side in sides:
                _run(side, blind.undone)
        assert (said.outcome, said.value) == (Outcome.NO_DATA, None)
        assert said.note.startswith(blind.says)


def test_a_checkpoint_is_needed(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)")
        assert _said(pair).outcome is Outcome.NO_DATA


@pytest.mark.parametrize("emptied", ["source", "target"])
def test_a_table_that_was_emptied_is_left_out_and_named(servers: Servers, emptied: str) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE more (id int PRIMARY KEY)", "INSERT INTO more VALUES (1), (2)")
        _ready(pair)
        getattr(pair, emptied).run("TRUNCATE more")
        said = _said(pair)
        assert (said.value, said.count) == (0, 4)
        assert "public.more was emptied by TRUNCATE since the checkpoint" in said.note


def test_nothing_left_to_look_at_is_no_zero(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _ready(pair)
        pair.target.run("TRUNCATE items")
        said = _said(pair)
        assert said.outcome is Outcome.NO_DATA
        assert said.note == "no table can be sampled: public.items was emptied by TRUNCATE since the checkpoint"


def test_damage_in_a_column_is_not_forgotten_when_the_column_gets_another_name(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _ready(pair)
        damage(pair.target, "UPDATE items SET a = 'x' WHERE id = 2")
        assert _said(pair).value == 1
        pair.target.run("ALTER TABLE items RENAME a TO b")
        said = _said(pair)
        assert said.value == 1
        assert "its column a is not on both sides" in said.note


def test_a_column_that_is_left_out_may_go(servers: Servers) -> None:
    rules = SyncRules(leave_out=("public.items.a",))
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text, b text)", "INSERT INTO items VALUES (1, 'a', 'b')")
        start(pair, rules)
        pair.target.run("ALTER TABLE items DROP COLUMN a")
        assert sample_of(look(pair, rules=rules), _AT).value == 0


def test_damage_that_is_known_stays_known_when_capture_is_lost(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        _ready(pair)
        damage(pair.target, "DELETE FROM items WHERE id = 2")
        assert _said(pair).value == 1
        _run(pair.target, (_OFF,))
        said = _said(pair)
        assert said.value == 1
        assert "not logged on the target" in said.note


_BETWEEN: dict[str, Callable[[Pair], None]] = {
    "a TRUNCATE": lambda pair: pair.target.run("TRUNCATE items"),
    "another type": lambda pair: pair.target.run("ALTER TABLE items ALTER n TYPE numeric(9, 4)"),
    "capture that is switched": lambda pair: _run(pair.target, (_OFF, "UPDATE items SET a = 'c'")),
    "a table made anew": lambda pair: pair.target.run(
        "ALTER TABLE items RENAME TO old", "CREATE TABLE items (id int PRIMARY KEY, a text, n numeric(9, 2))"
    ),
}


@pytest.mark.parametrize("kind", list(_BETWEEN))
def test_what_happens_between_two_readings_is_no_damage(
    servers: Servers, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one reading of a round sees what was before, the other what came after."""
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text, n numeric(9, 2))")
        pair.run("INSERT INTO items VALUES (1, 'a', 1), (2, 'b', 2)")
        start(pair)
        scan = Reader.scan

        def scan_and_change(self: Reader, first: int, end: int) -> object:
            found = scan(self, first, end)
            monkeypatch.setattr(Reader, "scan", scan)
            _BETWEEN[kind](pair)
            return found

        monkeypatch.setattr(Reader, "scan", scan_and_change)
        assert look(pair).value == 0
        assert look(pair).value == 0
