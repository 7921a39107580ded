"""What a preview names besides rows: damage that is known already, and values that do not fit where they go."""

from typing import Any

import pytest

from shared.errors import PermanentError
from shared.model.data_preview import DataPreview
from shared.model.sync import Conflicts, Severity
from tests.contract.postgres_corruption.planted import damage, look
from tests.contract.postgres_ports.moved import Moved, rows_of

_STOPS = "rows are not the same although nobody wrote them since the checkpoint: 2 of public.items"


def _damaged(shop: Moved) -> None:
    """Three rows are found that nobody wrote; one of them is written after that."""
    shop.begin()
    damage(shop.pair.target, "UPDATE items SET a = 'damaged' WHERE id IN (11, 12)")
    damage(shop.pair.source, "DELETE FROM items WHERE id = 13")
    assert look(shop.pair, rules=shop.policy().sync_rules).damaged.keys() == {"public.items"}
    shop.pair.target.run("UPDATE items SET a = 'written' WHERE id IN (1, 12)")


def _items(preview: DataPreview) -> Any:
    return next(one for one in preview.tables if one.table == "public.items")


def test_known_damage_is_said_and_stops_before_anything_is_copied(shop: Moved) -> None:
    _damaged(shop)
    preview = shop.preview()
    assert "public.items: 3 of its rows differ that nobody wrote, as the search for damage found: (11), (12), (13)" in [
        str(one) for one in preview.findings if one.severity is Severity.NOTED
    ]
    assert (_items(preview).unexplained, _items(preview).compared, preview.why_not) == (2, False, _STOPS)


@pytest.mark.parametrize("rule", [Conflicts.TARGET_WINS, Conflicts.SOURCE_WINS])
def test_what_is_said_of_damaged_rows_is_done(shop: Moved, rule: Conflicts) -> None:
    _damaged(shop)
    preview = shop.preview(unexplained=rule)
    assert (preview.why_not, _items(preview).unexplained) == (None, 2)
    shop.work(unexplained=rule)
    done = shop.look().shown["tables"]["public.items"]
    said = _items(preview)
    assert (said.inserts, said.updates, said.deletes) == (done["inserted"], done["updated"], done["deleted"])
    assert (said.inserts, said.updates) == ((1, 3) if rule is Conflicts.TARGET_WINS else (0, 2))


def test_damage_that_is_the_same_again_stops_nothing(shop: Moved) -> None:
    _damaged(shop)
    damage(shop.pair.target, "UPDATE items SET a = 'item 11' WHERE id = 11", "DELETE FROM items WHERE id = 13")
    preview = shop.preview()
    assert (_items(preview).unexplained, preview.why_not) == (0, None)


_NARROWER = {
    "a number": ("bigint", "int", "5000000000", "of integer"),
    "a text that is none": ("text", "int", "'many'", "of integer"),
    "a longer text": ("varchar(9)", "varchar(3)", "'longer'", "of character varying(3)"),
    "a text outside of a domain": ("text", "public.grade", "'z'", "of public.grade"),
}


def _odd(shop: Moved, case: str) -> str:
    """Make a table whose column takes less on the source, and begin; return a value that does not fit."""
    there, here, value, _ = _NARROWER[case]
    for side, kind in ((shop.pair.source, here), (shop.pair.target, there)):
        side.run(
            "CREATE DOMAIN public.grade AS text CHECK (VALUE IN ('a', 'b'))",
            f"CREATE TABLE odd (id int PRIMARY KEY, it {kind}, other text)",
        )
    shop.begin()
    return value


def _blocking(shop: Moved) -> list[str]:
    return [str(one) for one in shop.preview().findings if one.severity is Severity.BLOCKS]


@pytest.mark.parametrize("case", _NARROWER)
def test_a_value_that_does_not_fit_is_named(shop: Moved, case: str) -> None:
    value = _odd(shop, case)
    shop.pair.target.run(f"INSERT INTO odd VALUES (1, {value}), (2, NULL)")  # noqa: S608  # a literal above
    [said] = _blocking(shop)
    says = _NARROWER[case][-1]
    assert said.startswith(f"public.odd.it: it holds a value on the target that is none {says}, its type on the source")


def test_an_enum_that_knows_more_on_the_target_is_named(shop: Moved) -> None:
    shop.pair.source.run("CREATE TYPE grade AS ENUM ('a', 'b')")
    shop.pair.target.run("CREATE TYPE grade AS ENUM ('a', 'b', 'c')")
    shop.pair.run("CREATE TABLE odd (id int PRIMARY KEY, it grade)")
    shop.begin()
    shop.pair.target.run("INSERT INTO odd VALUES (1, 'b'), (2, NULL)")
    assert _blocking(shop) == []
    shop.pair.target.run("UPDATE odd SET it = 'c' WHERE id = 1")
    says = "public.odd.it: it holds a value on the target that is none of public.grade, its type on the source"
    assert _blocking(shop) == [says]
    with pytest.raises(PermanentError) as stopped:
        shop.work()
    assert str(stopped.value) == says


def test_what_does_not_fit_hides_no_other_table_and_would_have_stopped_it(shop: Moved) -> None:
    value = _odd(shop, "a number")
    shop.pair.target.run(
        "TRUNCATE odd",
        f"INSERT INTO odd VALUES (1, {value}), (2, NULL)",  # noqa: S608  # a literal above
        "DELETE FROM notes WHERE id = 10",
    )
    preview = shop.preview()
    assert {one.table: one.deletes for one in preview.tables} == {"public.items": 0, "public.notes": 1}
    assert preview.why_not == "; ".join(_blocking(shop))
    with pytest.raises(PermanentError, match=r"^public\.odd\.it: "):
        shop.work()
    shop.let_go()
    shop.pair.target.run("DELETE FROM odd WHERE id = 1")
    assert shop.preview().why_not is None
    shop.work()
    assert rows_of(shop.pair.source, "SELECT id FROM odd") == [(2,)]
