"""A way back that is taken back: every touched row as it was, in slices, unless others have changed it since."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.adapters.postgres.server.one_worker import LOCK
from shared.adapters.postgres.undo import chunks as undo
from shared.adapters.postgres.undo.slices import Undo, UndoStage
from shared.errors import PermanentError, TransientError
from shared.model.sync import Conflicts, SyncRules
from tests.contract.postgres_ports.moved import Moved, rows_of

_RULES = SyncRules(tables=("public.*",), chunk=100, conflicts=Conflicts.TARGET_WINS)
_WRITES = (
    "UPDATE items SET a = 'changed' WHERE id <= 3",
    "DELETE FROM notes WHERE id = 10",
    "INSERT INTO items (a) VALUES ('new')",
    "UPDATE items SET id = 100 WHERE id = 20",
)


def _undo(shop: Moved, *, overwrite: bool = False) -> Undo:
    return Undo("sync", shop.pair.source.access, _RULES, overwrite=overwrite)


def _source(shop: Moved) -> Sequence[Any]:
    return rows_of(
        shop.pair.source, "SELECT id::text, a FROM items UNION ALL SELECT id || ':', said FROM notes ORDER BY 1"
    )


def _gone_back(shop: Moved) -> Sequence[Any]:
    """Go back, let the writers in, go back again; return the source as it was before."""
    before = _source(shop)
    shop.begin()
    shop.pair.target.run(*_WRITES)
    shop.work(chunk=100)
    shop.let_go()
    shop.pair.target.run("UPDATE items SET a = 'again' WHERE id IN (2, 7)", "DELETE FROM items WHERE id = 21")
    shop.work(chunk=100)
    assert shop.is_same()
    return before


def test_every_row_is_as_it_was_and_the_way_back_goes_on_no_more(shop: Moved) -> None:
    before = _gone_back(shop)
    state = _undo(shop).work(30)
    assert (state.stage, state.said) == (UndoStage.DONE, "every row that was touched is as it was")
    assert _source(shop) == before
    assert _undo(shop).work(30) == state
    assert (shop.look().proved, shop.look().why_not) == (False, "it was taken back")
    with pytest.raises(PermanentError, match="it was taken back"):
        shop.work()
    shop.work("another")
    assert shop.look("another").proved
    assert shop.is_same()


def test_it_goes_on_where_it_was_killed(shop: Moved) -> None:
    before, seen = _gone_back(shop), []
    for _ in range(50):
        seen.append(_undo(shop).work(0.000001))
        if seen[-1].stage is UndoStage.DONE:
            break
    stages = [one.stage for one in seen]
    assert stages == sorted(stages, key=list(UndoStage).index)
    assert (set(stages), max(one.left for one in seen) > 1) == ({UndoStage.UNDO, UndoStage.PROVE, UndoStage.DONE}, True)
    assert _source(shop) == before


_CHANGED = {
    "an update": ("UPDATE items SET a = 'mine' WHERE id = 2", r"public\.items: 1 changed, such as \(2\)"),
    "an insert of what went": ("INSERT INTO notes VALUES (10, 1, 'mine')", r"public\.notes: 1 changed, such as \(10\)"),
    "a delete": ("DELETE FROM items WHERE id = 100", r"public\.items: 0 changed, 1 deleted"),
}


@pytest.mark.parametrize("case", _CHANGED)
@pytest.mark.parametrize("ended", [False, True])
def test_what_others_have_changed_since_is_theirs(shop: Moved, case: str, *, ended: bool) -> None:
    statement, says = _CHANGED[case]
    before = _gone_back(shop)
    if ended:
        shop.checkpoints.end(shop.policy(), "change")
    shop.pair.source.run(statement)
    with pytest.raises(PermanentError, match=says):
        _undo(shop).work(30)
    assert shop.look().why_not is None
    state = _undo(shop, overwrite=True).work(30)
    assert list(state.overwritten) == [says.partition(":")[0].replace("\\", "")]
    assert _source(shop) == before


def test_rows_that_others_wrote_beside_them_do_not_matter(shop: Moved) -> None:
    _gone_back(shop)
    shop.pair.source.run("UPDATE items SET a = 'mine' WHERE id = 12", "INSERT INTO items VALUES (500, 'mine')")
    assert _undo(shop).work(30).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, "SELECT id FROM items WHERE a = 'mine' ORDER BY id") == [(12,), (500,)]


def test_there_may_be_nothing_to_take_back(shop: Moved) -> None:
    with pytest.raises(PermanentError, match="there is nothing to be taken back"):
        _undo(shop).work(30)


def test_columns_that_only_the_source_has_come_back_with_their_rows(shop: Moved) -> None:
    shop.pair.source.run("ALTER TABLE notes ADD own text DEFAULT 'own'", "UPDATE notes SET own = 'mine' WHERE id = 10")
    shop.begin()
    shop.pair.target.run("DELETE FROM notes WHERE id >= 9")
    shop.work()
    assert _undo(shop).work(30).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, "SELECT id, own FROM notes WHERE id >= 9 ORDER BY id") == [
        (9, "own"),
        (10, "mine"),
    ]


def test_the_target_is_not_needed(shop: Moved) -> None:
    before = _gone_back(shop)
    shop.let_go()
    shop.pair.target.run("DROP TABLE notes, items")
    assert _undo(shop).work(30).stage is UndoStage.DONE
    assert _source(shop) == before


def test_a_second_worker_is_told_so(shop: Moved) -> None:
    _gone_back(shop)
    with shop.pair.source.connect("keeper") as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with pytest.raises(TransientError, match="another worker is at it"):
            _undo(shop).work(30)
    assert _undo(shop).work(30).stage is UndoStage.DONE


_UNFIT = {
    "a column of another type": ("ALTER TABLE items ALTER a TYPE varchar(90)", "columns of public.items .*since: a"),
    "a column that went": ("ALTER TABLE notes DROP said", "columns of public.notes were changed since: said"),
    "a table that went": ("DROP TABLE notes", "public.notes is not on the source any more"),
    "images that went": ("SELECT drop_images('notes')", "nothing that it overwrote in public.notes is kept any more"),
}
_DROP_IMAGES = """
CREATE FUNCTION drop_images(of regclass) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN EXECUTE format('DROP TABLE rollback_controller.before_%s', of::oid); END $$
"""


@pytest.mark.parametrize("case", _UNFIT)
def test_what_cannot_come_back_whole_is_refused_before_anything_does(shop: Moved, case: str) -> None:
    statement, says = _UNFIT[case]
    _gone_back(shop)
    shop.pair.source.run(_DROP_IMAGES, statement)
    with pytest.raises(PermanentError, match=says):
        _undo(shop).work(30)
    assert rows_of(shop.pair.source, "SELECT FROM rollback_controller.progress WHERE pass LIKE 'undone%'") == []
    assert shop.look().proved


_LOOSE = (
    "CREATE TABLE loose (a int, b text)",
    "INSERT INTO loose VALUES (1, 'twice'), (1, 'twice'), (2, 'once'), (3, 'stays')",
)
_LOOSE_WRITES = (
    "DELETE FROM loose WHERE ctid = (SELECT min(ctid) FROM loose WHERE a = 1)",
    "UPDATE loose SET b = 'changed' WHERE a = 2",
    "INSERT INTO loose VALUES (4, 'new'), (4, 'new')",
)
_OF_LOOSE = "SELECT * FROM loose ORDER BY a, b"


def _loose_back(shop: Moved) -> Sequence[Any]:
    shop.pair.run(*_LOOSE)
    before = rows_of(shop.pair.source, _OF_LOOSE)
    shop.begin(keyless="replace")
    shop.pair.target.run(*_LOOSE_WRITES)
    shop.work(keyless="replace")
    shop.let_go()
    shop.pair.target.run("DELETE FROM loose WHERE a = 4", "INSERT INTO loose VALUES (2, 'once')")
    shop.work(keyless="replace")
    assert rows_of(shop.pair.source, _OF_LOOSE) == rows_of(shop.pair.target, _OF_LOOSE) != before
    return before


def test_rows_without_a_key_come_back_as_often_as_they_were_there(shop: Moved) -> None:
    before = _loose_back(shop)
    assert _undo(shop).work(30).stage is UndoStage.DONE
    assert rows_of(shop.pair.source, _OF_LOOSE) == before


def test_rows_without_a_key_that_others_have_deleted_since_are_counted(shop: Moved) -> None:
    before = _loose_back(shop)
    shop.pair.source.run("DELETE FROM loose WHERE b = 'changed'")
    with pytest.raises(PermanentError, match=r"public\.loose: 0 changed, 1 deleted"):
        _undo(shop).work(30)
    assert _undo(shop, overwrite=True).work(30).overwritten == {"public.loose": "0 changed, 1 deleted"}
    assert rows_of(shop.pair.source, _OF_LOOSE) == before


def test_rows_without_a_key_that_did_not_come_back_are_found_out(shop: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    _loose_back(shop)
    monkeypatch.setattr(undo, "put_rows_back", lambda *_: None)
    with pytest.raises(PermanentError, match=r"rows of the source are not as they were: some of public\.loose"):
        _undo(shop).work(30)
