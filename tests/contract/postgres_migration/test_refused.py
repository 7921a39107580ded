"""What is refused before anything happens, with what is wrong and where."""

from collections.abc import Callable, Iterator

import pytest

from local.postgres import NEW
from shared.migrate import main
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres_migration.place import Place, run

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def first(place: Place, capsys: Printed) -> Place:
    """A database that has taken a script."""
    place.write(s005_items="CREATE TABLE items (id int);\n")
    assert run(place, capsys, "apply").status == 0
    return place


_AGAINST: dict[str, tuple[Callable[[Place], object], str]] = {
    "changed": (
        lambda place: place.write(s005_items="CREATE TABLE items (id bigint)"),
        "005_items.sql: it was changed after it was applied",
    ),
    "gone": (
        lambda place: (place.scripts / "005_items.sql").rename(place.scripts / "006_items.sql"),
        "005_items.sql: it was applied, and is not among the scripts",
    ),
    "below": (
        lambda place: place.write(s004_late="SELECT 1"),
        "004_late.sql: scripts up to 005 were applied already; give it a number above that",
    ),
    "no transaction": (
        lambda place: place.write(s006_index="SELECT 1;\nCREATE INDEX CONCURRENTLY ON items (id)"),
        "006_index.sql:2: CONCURRENTLY: the server takes it in no transaction",
    ),
    "no transaction, in what undoes": (
        lambda place: place.write(s006_index="SELECT 1", s006_index_undo="\nVACUUM items"),
        "006_index.undo.sql:2: VACUUM: the server takes it in no transaction",
    ),
}


@pytest.mark.parametrize("against", _AGAINST)
def test_nothing_begins_with_scripts_that_are_wrong(first: Place, capsys: Printed, against: str) -> None:
    change, says = _AGAINST[against]
    change(first)
    ended = run(first, capsys, "apply")
    assert ended.status == 1
    assert ended.says.startswith(says)
    assert ended.says.endswith("; nothing was changed")
    assert first.ask("SELECT count(*) FROM rollback_controller.restore_point") == 1


def test_other_ends_of_lines_are_no_change(first: Place, capsys: Printed) -> None:
    first.write(s005_items="CREATE TABLE items (id int);\r\n")
    assert run(first, capsys, "apply").status == 0


_SERVERS = {
    "a database that is only read": (
        "keeper",
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "target database: it is a standby, or only read: connect to the primary",
    ),
    "a superuser": ("postgres", "SELECT 1", "target database: postgres is a superuser"),
    "no right to create": (
        "app",
        "REVOKE CREATE ON DATABASE {name} FROM PUBLIC",
        "target database: app may not create a schema: GRANT CREATE ON DATABASE ... TO app",
    ),
    "a wrong password": ("keeper", "SELECT 1", "target database: connection failed"),
}


@pytest.fixture
def bare(servers: Servers, tmp_path: object) -> Iterator[Callable[[str], Place]]:
    with servers.pair(NEW, NEW) as pair:
        yield lambda role: Place(pair.target, tmp_path, role)  # type: ignore[arg-type]  # pytest's own


@pytest.mark.parametrize("server", _SERVERS)
def test_a_server_that_cannot_be_migrated_is_refused(
    bare: Callable[[str], Place], capsys: Printed, server: str
) -> None:
    role, statement, says = _SERVERS[server]
    place = bare(role)
    with place.connect() as connection:
        connection.execute(statement.format(name=place.database.name).encode())
    place.write(s001_items="CREATE TABLE items (id int)")
    ended = run(place, capsys, "apply", password="wrong" if "password" in server else "")
    assert ended.status == 1
    assert ended.says.startswith(says)
    assert place.ask("SELECT to_regnamespace('rollback_controller')") is None


def test_a_name_of_a_point_is_given_once(first: Place, capsys: Printed) -> None:
    first.write(s006_more="SELECT 1")
    assert run(first, capsys, "apply", "--point", "same").status == 0
    first.write(s007_more="SELECT 1")
    ended = run(first, capsys, "apply", "--point", "same")
    assert (ended.status, ended.says) == (
        1,
        "there is a restore point same already; give another name; nothing was changed",
    )
    assert run(first, capsys, "undo", "--to", "other").says.startswith("there is no restore point other; there are: ")


_FILES: dict[str, tuple[Callable[[Place], object], str]] = {
    "a name without a number": (
        lambda place: (place.scripts / "items.sql").write_text("SELECT 1"),
        "items.sql: expected NNN_name.sql or NNN_name.undo.sql",
    ),
    "the same number": (lambda place: place.write(s01_b="SELECT 1"), "001_a.sql and 01_b.sql have the same number"),
    "an undo of nothing": (
        lambda place: place.write(s002_b_undo="SELECT 1"),
        "002_b.undo.sql: there is no 002_b.sql that it takes back",
    ),
    "not text": (
        lambda place: (place.scripts / "002_b.sql").write_bytes(b"\xff"),
        "002_b.sql: cannot be read: Unicode",
    ),
    "a rule that does not say what": (
        lambda place: (place.folder / "rules.yaml").write_text("one:\n  query: SELECT 1\n"),
        "rules.yaml:1: one.expect: Field required",
    ),
    "a rule of two statements": (
        lambda place: (place.folder / "rules.yaml").write_text("one:\n  expect: 1\n  query: SELECT 1; SELECT 2\n"),
        "rules.yaml:3: one.query: expected one statement",
    ),
    "a rule twice": (
        lambda place: (place.folder / "rules.yaml").write_text("one: {}\none: {}\n"),
        "rules.yaml:2: one stands twice",
    ),
    "no YAML": (lambda place: (place.folder / "rules.yaml").write_text("one: [\n"), "rules.yaml:2: not valid YAML"),
}


@pytest.mark.parametrize("file", _FILES)
def test_files_that_are_wrong_are_named(place: Place, capsys: Printed, file: str) -> None:
    place.write(s001_a="SELECT 1")
    change, says = _FILES[file]
    change(place)
    ended = run(place, capsys, "apply")
    assert ended.status == 64
    assert says in ended.says


def test_what_is_no_connection_string_is_not_repeated(place: Place, capsys: Printed) -> None:
    place.write(s001_a="SELECT 1")
    assert main(place.words("apply"), {"DATABASE": "host=there hunter2"}) == 64
    said = capsys.readouterr()
    assert said.err.endswith("databases.shop.target: what the setting holds is no connection string\n")
    assert "hunter2" not in said.err
    assert "hunter2" not in said.out


@pytest.mark.parametrize("words", [["apply"], ["apply", "p", "s", "--tries", "0"], ["undo", "p", "s"], ["leap"]])
def test_a_command_that_is_wrong_is_no_call_for_people(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words, {})
    assert ended.value.code == 64


_SAID = {
    "a value of a row": (
        "INSERT INTO items VALUES (4111);\nALTER TABLE items ALTER id TYPE bool USING (id || 'x')::bool",
        "006_more.sql:2: invalid text representation (SQLSTATE 22P02);",
    ),
    "a value of the script": ("SELECT 'card'::int", '006_more.sql:1: invalid input syntax for type integer: "card";'),
    "what the script raises": ("DO $$ BEGIN RAISE 'not before noon'; END $$", "006_more.sql:1: not before noon;"),
}


@pytest.mark.parametrize("case", _SAID)
def test_the_server_is_quoted_but_for_values_of_rows(first: Place, capsys: Printed, case: str) -> None:
    script, says = _SAID[case]
    first.write(s006_more=script)
    ended = run(first, capsys, "apply")
    assert (ended.status, ended.says.startswith(says)) == (1, True), ended.says
