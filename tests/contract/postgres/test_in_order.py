"""Ways back where foreign keys cannot be set aside: rows go in order, and nothing cascades unseen."""

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import back, pinned_rounds, rows, start


def _filled(pair: Pair, does: str, to: str = "id") -> None:
    pair.run(
        f"CREATE TABLE items (id int PRIMARY KEY, code int {'UNIQUE' if to == 'code' else ''})",
        f"CREATE TABLE notes (id int PRIMARY KEY, item int DEFAULT 4 REFERENCES items ({to}) {does})",
        "INSERT INTO items SELECT n, n FROM generate_series(1, 4) AS n",
        "INSERT INTO notes SELECT n, n FROM generate_series(1, 4) AS n",
    )
    start(pair)


_CHANGES = {
    "a key cascades": ("ON UPDATE CASCADE", "UPDATE items SET id = 10 WHERE id = 1", (1, 1, 1)),
    "a key sets null": ("ON UPDATE SET NULL", "UPDATE items SET id = 10 WHERE id = 1", (1, 1, 1)),
    "a delete cascades": ("ON DELETE CASCADE", "DELETE FROM items WHERE id = 1", (0, 0, 2)),
    "a delete sets null": ("ON DELETE SET NULL", "DELETE FROM items WHERE id = 1", (0, 1, 1)),
    "a delete sets a default": ("ON DELETE SET DEFAULT", "DELETE FROM items WHERE id = 1", (0, 1, 1)),
}


@pytest.mark.parametrize("case", _CHANGES)
def test_what_cascaded_on_the_target_is_done_row_by_row_on_the_source(servers: Servers, case: str) -> None:
    """Each row once, with its image, and in one round: nothing is done by the foreign key itself."""
    does, change, effects = _CHANGES[case]
    with servers.pair(OLD, NEW, "orderly") as pair:
        _filled(pair, does)
        pair.target.run(change)
        assert back(pair).stage is Stage.DONE
        for name in ("items", "notes"):
            assert rows(pair.source, f"TABLE {name} ORDER BY 1") == rows(pair.target, f"TABLE {name} ORDER BY 1")
        assert pinned_rounds(pair) == 1
        done = "SELECT sum(inserted)::int, sum(updated)::int, sum(deleted)::int FROM rollback_controller.progress"
        assert rows(pair.source, done) == [effects]
        oid = rows(pair.source, "SELECT 'notes'::regclass::oid::int8")[0][0]
        image = "SELECT id, item FROM rollback_controller.before_%s WHERE rollback_existed AND rollback_pass = '%s'"
        does_it = "drop" if case == "a delete cascades" else "put"
        assert (1, 1) in rows(pair.source, image % (oid, does_it))


@pytest.mark.parametrize("does", ["ON UPDATE CASCADE", "ON UPDATE SET NULL", ""])
def test_a_value_that_others_refer_by_is_not_changed_under_them(servers: Servers, does: str) -> None:
    with servers.pair(OLD, NEW, "orderly") as pair:
        _filled(pair, does, "code")
        if not does:
            pair.target.run("DELETE FROM notes WHERE id = 1")
        pair.target.run("UPDATE items SET code = 10 WHERE id = 1")
        with pytest.raises(
            PermanentError, match=r"public\.notes: 1 rows of notes_item_fkey would change with what they"
        ):
            back(pair)
        assert rows(pair.source, "TABLE notes ORDER BY 1")[0] == (1, 1)


def test_a_value_that_nobody_refers_by_is_changed(servers: Servers) -> None:
    with servers.pair(OLD, NEW, "orderly") as pair:
        _filled(pair, "ON UPDATE CASCADE", "code")
        pair.run("UPDATE notes SET item = 2 WHERE id = 1")
        pair.target.run("UPDATE items SET code = 10 WHERE id = 1")
        assert back(pair).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)
