"""What is not taken any more, and databases that are not those that were moved: refused, unless it was foreseen."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.preview.previews import PostgresPreviews
from shared.adapters.postgres.server.session import Access
from shared.adapters.postgres.way_back.sync import Stage, State, Sync
from shared.errors import PermanentError
from shared.model.data_preview import DataPreview
from shared.model.policy_data import Database
from shared.model.sync import SyncRules
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, begin, rows, start


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as one:
        one.run(
            "CREATE TABLE items (id int PRIMARY KEY, a text)",
            "CREATE TABLE notes (id int PRIMARY KEY)",
            "INSERT INTO items VALUES (1, 'old')",
        )
        start(one)
        one.target.run("UPDATE items SET a = 'written'")
        yield one


def _policy(pair: Pair, rules: SyncRules) -> Database:
    return Database(
        source=pair.source.access.conninfo,
        target=pair.target.access.conninfo,
        tls=False,
        tables=rules.tables,
        conflicts=rules.conflicts,
        unexplained=rules.unexplained,
    )


def _preview(pair: Pair, rules: SyncRules) -> DataPreview:
    with ThreadPoolExecutor(2) as pool:
        return PostgresPreviews(pool, str).preview("shop", _policy(pair, rules), "change", timedelta(seconds=20))


def _back(pair: Pair, rules: SyncRules, left_out: Collection[str], sync: str = "sync") -> State:
    sides = (pair.source.access, pair.target.access)
    with ThreadPoolExecutor(4) as pool:
        return Sync(sync, "change", *sides, rules, pool, left_out=left_out).work(60)


_NARROWED = replace(RULES, tables=("public.notes",))
_IN_PUBLIC = replace(RULES, tables=("public.*",))
_CASES = {
    "dropped": (RULES, ("DROP TABLE items",), "it was dropped on the target since the checkpoint"),
    "moved": (
        _IN_PUBLIC,
        ("CREATE SCHEMA old", "ALTER TABLE items SET SCHEMA old"),
        "it was taken at the checkpoint, and",
    ),
    "not named": (_NARROWED, (), "is not taken any more"),
}


@pytest.mark.parametrize("case", _CASES)
def test_a_table_that_was_taken_and_is_not_any_more(pair: Pair, case: str) -> None:
    rules, changes, said = _CASES[case]
    pair.target.run(*changes)
    with pytest.raises(PermanentError, match=said):
        back(pair, rules)
    with pair.target.connect("keeper") as writer:  # nobody was kept out
        writer.execute("INSERT INTO notes VALUES (1)")
    foreseen = _preview(pair, rules)
    assert [one for one in foreseen.left_out if said in one]
    assert _back(pair, rules, foreseen.left_out).stage is Stage.DONE
    assert rows(pair.source) == [(1, "old")]


def test_that_it_was_agreed_to_is_kept_for_whoever_goes_on(pair: Pair) -> None:
    pair.target.run("DROP TABLE items")
    foreseen = _preview(pair, RULES)
    with ThreadPoolExecutor(4) as pool:
        sides = (pair.source.access, pair.target.access)
        Sync("sync", "change", *sides, RULES, pool, left_out=foreseen.left_out).work(0.001)
    assert back(pair).stage is Stage.DONE


def test_one_that_goes_on_the_way_is_not_what_was_agreed_to(pair: Pair) -> None:
    pair.target.run("DROP TABLE items")
    foreseen = _preview(pair, RULES)
    with ThreadPoolExecutor(4) as pool:
        sides = (pair.source.access, pair.target.access)
        Sync("sync", "change", *sides, RULES, pool, left_out=foreseen.left_out).work(0.001)
    pair.target.run("DROP TABLE notes", "CREATE TABLE others (id int PRIMARY KEY)")
    pair.source.run("CREATE TABLE others (id int PRIMARY KEY)")
    with pytest.raises(PermanentError, match=r"public\.notes: it was dropped"):
        back(pair)


def test_a_source_without_the_checkpoint_is_another_one(pair: Pair, servers: Servers) -> None:
    with servers.pair(OLD, NEW) as wrong:
        wrong.source.run("CREATE TABLE items (id int PRIMARY KEY, a text)", "CREATE TABLE notes (id int PRIMARY KEY)")
        wrong.source.run("INSERT INTO items VALUES (1000, 'of somebody else')")
        mixed = Pair(wrong.source, pair.target)
        with pytest.raises(PermanentError, match=r"source: there is no checkpoint 'change' on it any more"):
            back(mixed)
        assert rows(wrong.source) == [(1000, "of somebody else")]
        foreseen = _preview(mixed, RULES)
        assert foreseen.lost >= 1
        assert _back(mixed, RULES, foreseen.left_out).stage is Stage.DONE


def test_one_database_is_not_two(pair: Pair) -> None:
    there = pair.target.access
    other_name = Access("source", there.conninfo.replace("127.0.0.1", "localhost"), verified=False)
    with pytest.raises(PermanentError, match="source and target are the same database"):
        begin(other_name, there, RULES, "again")
    with ThreadPoolExecutor(4) as pool, pytest.raises(PermanentError, match="source and target are the same database"):
        Sync("sync", "change", other_name, there, RULES, pool).work(60)


def test_other_columns_are_another_way_back(pair: Pair) -> None:
    """A column is left out, and taken after all when somebody goes on with it."""
    assert back(pair, replace(RULES, leave_out=("public.items.a",))).stage is Stage.DONE
    assert rows(pair.source) == [(1, "old")]
    assert back(pair).stage is Stage.DONE
    assert rows(pair.source) == [(1, "written")]
