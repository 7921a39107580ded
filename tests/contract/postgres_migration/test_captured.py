"""Migrations of a database whose change is in progress: what capture does not let them alter, and what to do then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.checkpoint.ending import end_capture
from tests.contract.postgres.pairs import Database, Servers
from tests.contract.postgres.ways import start
from tests.contract.postgres_migration.place import Place, run

Printed = pytest.CaptureFixture[str]
_WHY = (
    ": a change of this database is in progress, and keys of its rows are logged by a trigger of ours. Complete the"
    " change (by hand: `python -m shared.data end POLICY`), and apply it then; all of it was rolled back"
)
_SAID = {
    "ALTER TABLE items ALTER id TYPE bigint": "cannot alter type of a column used in a trigger definition",
    "ALTER TABLE items DROP id": "cannot drop column id of table items because other objects depend on it",
}


@pytest.fixture(scope="module")
def captured(servers: Servers) -> Iterator[Database]:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, name text)")
        start(pair)
        yield pair.target


@pytest.fixture
def place(captured: Database, tmp_path: Path) -> Place:
    return Place(captured, tmp_path)


@pytest.mark.parametrize("script", _SAID)
def test_the_key_of_a_captured_table_is_not_altered(place: Place, capsys: Printed, script: str) -> None:
    place.write(s001_key=f"SELECT 1;\n{script}")
    ended = run(place, capsys, "apply")
    assert ended.status == 1
    assert ended.says.startswith(f"001_key.sql:2: {_SAID[script]}{_WHY}")
    assert place.applied() == []


def test_what_others_depend_on_is_not_said_to_be_ours(place: Place, capsys: Printed) -> None:
    place.write(s001_drop="CREATE VIEW named AS SELECT name FROM items; ALTER TABLE items DROP name")
    says = run(place, capsys, "apply").says
    assert says.startswith("001_drop.sql:1: cannot drop column name of table items because other objects depend on it;")


def test_it_is_altered_when_the_change_is_over(place: Place, capsys: Printed) -> None:
    with place.database.connect("keeper") as connection:
        end_capture(connection, "change")
    place.write(s001_key="ALTER TABLE items ALTER id TYPE bigint")
    assert run(place, capsys, "apply").status == 0
