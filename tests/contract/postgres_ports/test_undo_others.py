"""A way back that is taken back while others write: their rows stay, and nothing of theirs leads nowhere afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.postgres.undo.slices import Undo, UndoStage, UndoState
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncRules
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres_ports.moved import Moved, moved, rows_of

_RULES = SyncRules(tables=("public.*",), chunk=100, conflicts=Conflicts.TARGET_WINS)
_WRITES = (
    "UPDATE items SET a = 'changed ' || id WHERE id <= 3",
    "DELETE FROM notes WHERE id = 10",
    "INSERT INTO items (a) VALUES ('new')",
    "UPDATE notes SET item = 12 WHERE id = 5",
)
_ALL = "SELECT id::text, a FROM items UNION ALL SELECT id || ':' || item, said FROM notes ORDER BY 1"


def _undo(shop: Moved, within_s: float = 30, *, overwrite: bool = False) -> UndoState:
    return Undo("sync", shop.pair.source.access, _RULES, overwrite=overwrite).work(within_s)


def _gone_back(shop: Moved, *writes: str) -> list[tuple[str, str]]:
    before = rows_of(shop.pair.source, _ALL)
    shop.begin()
    shop.pair.target.run(*(writes or _WRITES))
    shop.work()
    assert shop.look().proved
    return list(before)


def _looked(shop: Moved) -> None:
    """Take a slice so short that only the look is in it."""
    assert _undo(shop, 0.000001).stage is UndoStage.UNDO


_LEADING = {
    "to a row that came": ("INSERT INTO notes VALUES (50, 21, 'mine')", "DELETE FROM notes WHERE id = 50"),
    "to one that went since": ("DELETE FROM items WHERE id = 5", "INSERT INTO items VALUES (5, 'item 5')"),
}


@pytest.mark.parametrize("case", _LEADING)
def test_what_would_lead_nowhere_stops_it_before_anything_is_taken_back(shop: Moved, case: str) -> None:
    breaks, mends = _LEADING[case]
    before = _gone_back(shop)
    shop.pair.source.run(breaks)
    now = rows_of(shop.pair.source, _ALL)
    for overwrite in (False, True):
        with pytest.raises(PermanentError, match=r"refer to what would go .*: 1 rows of notes_item_fkey of public\."):
            _undo(shop, overwrite=overwrite)
    assert rows_of(shop.pair.source, _ALL) == now
    shop.pair.source.run(mends)
    assert _undo(shop).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, _ALL) == before


def test_what_leads_nowhere_only_then_is_found_out_at_the_end(shop: Moved) -> None:
    before = _gone_back(shop)
    _looked(shop)
    shop.pair.source.run("INSERT INTO notes VALUES (50, 21, 'mine')")
    with pytest.raises(PermanentError, match=r"refer to what went when it was taken back: 1 rows of notes_item_fkey"):
        _undo(shop)
    shop.pair.source.run("DELETE FROM notes WHERE id = 50")
    assert _undo(shop).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, _ALL) == before


def test_what_led_nowhere_before_may_do_so_again(shop: Moved) -> None:
    shop.pair.run(
        "ALTER TABLE notes DROP CONSTRAINT notes_item_fkey",
        "INSERT INTO notes VALUES (70, 700, 'lonely'), (71, 710, 'lonely')",
        "ALTER TABLE notes ADD CONSTRAINT leads FOREIGN KEY (item) REFERENCES items NOT VALID",
    )
    before = _gone_back(shop, "UPDATE notes SET said = 'changed', item = 1 WHERE id = 70", *_WRITES)
    assert _undo(shop).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, _ALL) == before


def test_tables_without_a_key_refer_too(shop: Moved) -> None:
    shop.pair.run("CREATE TABLE loose (item int REFERENCES items)", "INSERT INTO loose VALUES (1), (1), (NULL), (2)")
    shop.begin(keyless="replace")
    shop.pair.target.run(*_WRITES, "DELETE FROM loose WHERE item = 2", "INSERT INTO loose VALUES (21), (1)")
    shop.work(keyless="replace")
    shop.pair.source.run("INSERT INTO loose VALUES (21)")
    with pytest.raises(PermanentError, match=r"1 rows of loose_item_fkey of public\.loose"):
        _undo(shop, overwrite=True)
    shop.pair.source.run("DELETE FROM loose WHERE ctid = (SELECT max(ctid) FROM loose WHERE item = 21)")
    assert _undo(shop).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, "TABLE loose ORDER BY item") == [(1,), (1,), (2,), (None,)]


_LATE = {
    "an update": ("UPDATE items SET a = 'mine' WHERE id = 2", "1 changed, such as (2)"),
    "a delete": ("DELETE FROM items WHERE id = 3", "0 changed, 1 deleted"),
    "an insert of what went": ("INSERT INTO notes VALUES (10, 1, 'mine')", "1 changed, such as (10)"),
    "another row in the place of one that came": (
        "DELETE FROM items WHERE id = 21; INSERT INTO items VALUES (21, 'mine')",
        "1 changed, such as (21)",
    ),
}


@pytest.mark.parametrize("case", _LATE)
def test_what_others_change_between_the_look_and_the_chunk_is_theirs(shop: Moved, case: str) -> None:
    statement, says = _LATE[case]
    shop.pair.run("ALTER TABLE notes DROP CONSTRAINT notes_item_fkey")
    before = _gone_back(shop)
    _looked(shop)
    shop.pair.source.run(statement)
    now = rows_of(shop.pair.source, _ALL)
    with pytest.raises(PermanentError, match="rows were changed on the source since: public") as said:
        _undo(shop)
    assert str(said.value).endswith(says)
    assert set(now) - set(rows_of(shop.pair.source, _ALL)) <= set(now) - set(before)
    state = _undo(shop, overwrite=True)
    assert (state.stage, list(state.overwritten.values())) == (UndoStage.DONE, ["1 changed meanwhile"])
    assert rows_of(shop.pair.source, _ALL) == before


def test_what_others_made_the_same_stops_nothing(shop: Moved) -> None:
    before = _gone_back(shop)
    _looked(shop)
    shop.pair.source.run("UPDATE items SET a = 'item 2' WHERE id = 2", "UPDATE items SET a = a WHERE id = 15")
    assert _undo(shop).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, _ALL) == before


_LOSE = """
DO $$ BEGIN EXECUTE format('DELETE FROM rollback_controller.before_%s WHERE NOT rollback_existed = {}',
                           'items'::regclass::oid::int); END $$
"""


@pytest.mark.parametrize("existed", ["true", "false"])
@pytest.mark.parametrize("late", [True, False])
def test_images_that_are_missing_are_named_and_nothing_is_proved(shop: Moved, existed: str, *, late: bool) -> None:
    _gone_back(shop)
    if late:
        _looked(shop)
    with shop.pair.source.connect() as superuser:
        superuser.execute(_LOSE.format(existed).encode())
    for _ in range(2):
        with pytest.raises(PermanentError, match=r"not kept any more of 1 of 1 chunks of public\.items"):
            _undo(shop, overwrite=True)


@pytest.fixture
def orderly(servers: Servers, pool: ThreadPoolExecutor) -> Iterator[Moved]:
    """One whose role may not set foreign keys aside."""
    with moved(servers, pool, "orderly") as shop:
        yield shop


def test_a_foreign_key_takes_no_rows_of_others_with_it(orderly: Moved) -> None:
    orderly.pair.source.run(
        "CREATE TABLE own (id int PRIMARY KEY, item int REFERENCES items ON DELETE CASCADE)",
        "ALTER TABLE items ADD UNIQUE (a)",
        "CREATE TABLE named (id int PRIMARY KEY, item text REFERENCES items (a) ON UPDATE CASCADE)",
    )
    before = _gone_back(orderly)
    _looked(orderly)
    for row, table in (("(1, 21)", "own"), ("(1, 'changed 2')", "named")):
        orderly.pair.source.run(f"INSERT INTO {table} VALUES {row}")  # noqa: S608  # one of two above
        with pytest.raises(PermanentError, match=rf"public\.{table}: 1 rows of .* refer to what would go"):
            _undo(orderly)
        assert len(rows_of(orderly.pair.source, f"TABLE {table}")) == 1
        orderly.pair.source.run(f"DELETE FROM {table}")  # noqa: S608  # one of two above
    assert _undo(orderly).stage is UndoStage.DONE
    assert rows_of(orderly.pair.source, _ALL) == before
