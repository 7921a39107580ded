"""Tables without a key, where the policy lets their rows be replaced: as many of each as the target has."""

from dataclasses import replace

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.copying.replacing import put_rows_back
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.undo.chunks import applied_chunks
from shared.adapters.postgres.way_back.sync import Stage
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError
from shared.model.sync import Conflicts, Keyless
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, pinned_rounds, rows, start

_RULES = replace(RULES, keyless=Keyless.REPLACE)
_ITEMS = "CREATE TABLE items (a int, b numeric, c text, d xml)"
_ALL = "SELECT a, b::text, c, d::text FROM items ORDER BY items::text"


def _filled(pair: Pair, *more: str) -> None:
    pair.run(_ITEMS, *more)
    pair.run("INSERT INTO items VALUES (1, 1.0, 'one', '<a/>'), (1, 1.0, 'one', '<a/>'), (2, 2, NULL, NULL)")


@pytest.mark.parametrize("owner", ["keeper", "orderly"])
def test_as_many_of_each_row_as_the_target_has(servers: Servers, owner: str) -> None:
    with servers.pair(OLD, NEW, owner) as pair:
        _filled(pair)
        plan = start(pair, _RULES)
        assert "public.items: it has no key: all its rows are compared, and those that differ are replaced" in str(
            *plan.findings
        )
        pair.target.run(
            "INSERT INTO items SELECT * FROM items WHERE a = 1",
            "INSERT INTO items VALUES (1, 1.00, 'one', '<a/>'), (NULL, NULL, NULL, NULL)",
            "DELETE FROM items WHERE a = 2",
        )
        assert back(pair, _RULES).stage is Stage.DONE
        assert rows(pair.source, _ALL) == rows(pair.target, _ALL)
        assert len(rows(pair.source)) == 6
        assert pinned_rounds(pair) == 1
        done = "SELECT inserted, updated, deleted FROM rollback_controller.progress"
        assert rows(pair.source, done) == [(4, 0, 1)]
        _undo(pair)
        assert rows(pair.source, _ALL) == [(1, "1.0", "one", "<a/>"), (1, "1.0", "one", "<a/>"), (2, "2", None, None)]


def _undo(pair: Pair) -> None:
    waits = {"statement": RULES.statement_timeout}
    with pair.source.access.connected(**waits) as source, pair.target.access.connected(**waits) as target:
        plan = sync_plan(read_catalogue(source), read_catalogue(target), _RULES)
        for chunk in applied_chunks(source, "sync", plan):
            with source.transaction():
                put_rows_back(source, chunk)


def test_what_the_source_alone_has_in_its_columns_stays(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        _filled(pair)
        pair.source.run("ALTER TABLE items ADD mine text NOT NULL DEFAULT 'mine'", "UPDATE items SET mine = 'old'")
        start(pair, _RULES)
        pair.target.run("UPDATE items SET c = 'two' WHERE a = 2")
        back(pair, _RULES)
        assert rows(pair.source, "SELECT a, c, mine FROM items ORDER BY 1") == [
            (1, "one", "old"),
            (1, "one", "old"),
            (2, "two", "mine"),
        ]


def test_rows_in_partitions(servers: Servers) -> None:
    """A place in a table says which row it is only together with the partition."""
    with servers.pair(NEW, OLD) as pair:
        pair.run(
            "CREATE TABLE items (a int, b text) PARTITION BY RANGE (a)",
            "CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE rest PARTITION OF items DEFAULT",
            "INSERT INTO items SELECT n, 'x' FROM generate_series(1, 20) AS n",
        )
        start(pair, _RULES)
        pair.target.run("DELETE FROM items WHERE a = 11", "UPDATE items SET b = 'y' WHERE a IN (2, 12)")
        pair.target.run("TRUNCATE low", "INSERT INTO low VALUES (3, 'again')")
        back(pair, _RULES)
        assert rows(pair.source) == rows(pair.target)


@pytest.mark.parametrize("rule", list(Conflicts))
def test_rows_that_were_changed_on_the_source_are_a_conflict(servers: Servers, rule: Conflicts) -> None:
    rules = replace(_RULES, conflicts=rule)
    with servers.pair(OLD, NEW) as pair:
        _filled(pair)
        start(pair, rules)
        pair.source.run("UPDATE items SET c = 'source' WHERE a = 2")
        pair.target.run("UPDATE items SET c = 'target' WHERE a = 2")
        if rule is Conflicts.STOP:
            with pytest.raises(PermanentError, match=r"changed on the source as well: 2 of public\.items"):
                back(pair, rules)
            return
        assert back(pair, rules).stage is Stage.DONE
        kept = "source" if rule is Conflicts.SOURCE_WINS else "target"
        assert rows(pair.source, "SELECT c FROM items WHERE a = 2") == [(kept,)]
        said = "SELECT source, target, kept FROM rollback_controller.conflict ORDER BY source"
        assert rows(pair.source, said) == [("1 x (2,2,source,)", None, kept), (None, "1 x (2,2,target,)", kept)]


def test_nothing_is_read_twice_where_nothing_was_written(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        _filled(pair)
        start(pair, _RULES)
        assert back(pair, _RULES).stage is Stage.DONE
        assert rows(pair.target, "SELECT keys FROM rollback_controller.pin") == [(0,)]


def test_many_rows_are_refused_by_name(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (a int)")
        pair.target.run("INSERT INTO items SELECT generate_series(1, 200001)", "ANALYZE items")
        with pytest.raises(PermanentError, match=r"public\.items: it has no key, and about 200,001 rows: more than"):
            start(pair, _RULES)


def test_many_rows_are_refused_by_name_also_when_they_came_later(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (a int) WITH (autovacuum_enabled = off)")
        start(pair, _RULES)
        pair.target.run("INSERT INTO items SELECT generate_series(1, 200001)")
        with pytest.raises(PermanentError, match=r"public\.items: it has no key, and more than 200,000 rows"):
            back(pair, _RULES)
        assert rows(pair.source) == []
