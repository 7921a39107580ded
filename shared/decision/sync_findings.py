"""What stands against going back, or would stay behind, or is worth telling: by name, before anything is touched.

A finding that blocks keeps a sync from starting; one that loses says what stays behind; both name table and column.
"""

from collections.abc import Iterable, Iterator, Mapping

from shared.decision.sync_sequences import paired
from shared.decision.sync_tables import WHOLE_NUMBERS, is_written, left_out, like, names_rows_too
from shared.model.sync import MOST_ROWS_WITHOUT_KEY, Finding, Keyless, Severity, SyncRules, SyncTable
from shared.model.tables import Catalogue, Column, Server, Table, TableName

_TEXTS = ("text", "character varying")
_OLDEST = 14


def of_servers(source: Server, target: Server) -> Iterator[Finding]:
    yield from _of_server("source", source)
    yield from _of_server("target", target)
    if target.large_objects:
        yield _loses("target", "it holds large objects, which are in no table: they stay behind")


def _of_server(called: str, server: Server) -> Iterator[Finding]:
    if server.superuser:
        yield blocks(called, f"{server.role} is a superuser; connect as a role of its own")
    if server.encoding == "SQL_ASCII":
        yield blocks(called, "its encoding is SQL_ASCII: nobody knows what its text says")
    if server.major < _OLDEST:
        yield blocks(called, f"it runs PostgreSQL {server.major}; {_OLDEST} or later is needed")
    if server.read_only:
        yield blocks(called, "it can only be read: a standby, or set to read only")
    if not server.can_create_schema:
        yield blocks(called, f"{server.role} may not create a schema: GRANT CREATE ON DATABASE ... TO {server.role}")
    for name in server.in_doubt:
        yield blocks(called, f"the prepared transaction {name} may still be committed: end it first")


def of_missing(
    there: Mapping[TableName, Table], here: Mapping[TableName, Table], rules: SyncRules
) -> Iterator[Finding]:
    for name in there:
        if name not in here:
            yield _loses(str(name), "it is not on the source: none of its rows can go back")
    for name in here:
        if name not in there and like(name, rules.tables) and not like(name, rules.leave_out):
            yield _noted(str(name), "it is not on the target: it stays as it is on the source")


def of_table(source: Catalogue, target: Catalogue, name: TableName, rules: SyncRules) -> Iterator[Finding]:
    here, there, about = source.tables[name], target.tables[name], str(name)
    yield from _of_key(here, there, rules)
    for rule in here.rules:
        yield blocks(about, f"the rule {rule} on the source turns writes into something else: drop it, or disable it")
    yield from _of_side("source", here, source.server)
    yield from _of_side("target", there, target.server)
    yield from _of_columns(here, there, rules)


def _of_side(called: str, table: Table, server: Server) -> Iterator[Finding]:
    about = str(table.name)
    if not table.owned:
        yield blocks(about, f"{server.role} does not own it on the {called}, nor belongs to who does")
    if table.row_security and not server.bypasses_row_security:
        yield blocks(about, f"row-level security on the {called} hides rows from {server.role}: it needs BYPASSRLS")
    if table.inherited:
        yield blocks(about, f"it inherits, or is inherited from, on the {called}: rows of several tables would mix")


def _of_key(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    about = str(here.name)
    if not here.key and not there.key:
        yield from _of_no_key(here, there, rules)
    elif not names_rows_too(here.key, there) and not names_rows_too(there.key, here):
        yield blocks(
            about, f"it is keyed by ({', '.join(here.key)}) on the source and ({', '.join(there.key)}) on the target"
        )
    yield from _of_key_columns(here, there, rules)


def _of_no_key(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    about, rows = str(here.name), max(here.rows, there.rows)
    if rules.keyless is Keyless.REFUSE:
        no_key = "it has no primary key, and no unique key without nulls that holds at once"
        yield blocks(about, f"{no_key}: rows cannot be told apart")
    elif rows > MOST_ROWS_WITHOUT_KEY:
        yield blocks(
            about, f"it has no key, and about {rows:,} rows: more than {MOST_ROWS_WITHOUT_KEY:,} are not replaced"
        )
    else:
        yield _noted(about, "it has no key: all its rows are compared, and those that differ are replaced in one go")


def _of_key_columns(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    key = here.key if names_rows_too(here.key, there) else there.key
    for name in key:
        mine, other = here.by_name.get(name), there.by_name[name]
        if mine is not None and left_out(here.name, mine, rules):
            yield blocks(f"{here.name}.{name}", "it is part of the key, and cannot be left out")
        if mine is not None and not _compare_alike(mine.type, other.type):
            yield blocks(
                f"{here.name}.{name}",
                f"a key of {other.type} on the target, of {mine.type} on the source cannot be compared",
            )


def _compare_alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= WHOLE_NUMBERS or (one.startswith(_TEXTS) and other.startswith(_TEXTS))


def _of_columns(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    for column in there.columns:
        about = f"{here.name}.{column.name}"
        if column.name in here.by_name or not is_written(column) or left_out(here.name, column, rules):
            continue
        yield _loses(about, "it is not on the source: what it holds stays behind")
    for column in here.columns:
        if not left_out(here.name, column, rules):
            yield from _of_column(f"{here.name}.{column.name}", column, there.by_name.get(column.name))


def _of_column(about: str, here: Column, there: Column | None) -> Iterator[Finding]:
    if not is_written(here):
        if there is not None and is_written(there):
            yield _loses(about, "the source computes it: what was written into it on the target stays behind")
    elif there is None and here.required:
        yield blocks(about, "it is not on the target, and the source takes no row without a value in it")
    elif there is None:
        yield _noted(about, "it is not on the target: rows keep theirs, new rows get its default")
    elif there.type != here.type:
        yield _noted(about, f"{there.type} on the target, {here.type} on the source: values pass as text")


def of_order(tables: Iterable[SyncTable], circle: list[TableName], source: Server) -> Iterator[Finding]:
    if source.replica_role:
        return
    right = (
        f"{source.role} may not set foreign keys aside: "
        f"GRANT SET ON PARAMETER session_replication_role TO {source.role}"
    )
    if circle:
        yield blocks(", ".join(map(str, circle)), f"rows refer to each other in a circle, and {right}")
    for of in tables:
        if not of.key and of.referred:
            yield blocks(str(of.name), f"it has no key, other tables refer to it, and {right}")
        elif of.is_vacated and of.referred:
            what = f"({', '.join(of.vacate)})" if of.vacate else "a rule over an expression, or for some rows"
            yield _noted(
                str(of.name), f"if a value of {what} has passed from one row to another, it cannot be put: {right}"
            )


def of_sequences(source: Catalogue, target: Catalogue, taken: Iterable[TableName]) -> Iterator[Finding]:
    here, there, names, role = source.sequences, target.sequences, set(taken), source.server.role
    schemas = {name.schema for name in names}
    for name, other in sorted(paired(here, there).items()):
        mine, last = here[name], there[other].last
        if not mine.settable:
            finding = blocks if mine.owner and mine.owner[0] in names else _noted
            yield finding(str(name), f"{role} may not set it on the source: GRANT UPDATE ON SEQUENCE ... TO {role}")
        for one, side in ((mine, "source"), (there[other], "target")):
            if not one.readable:
                ours = mine.owner[0] in names if mine.owner else mine.name.schema in schemas
                finding = blocks if ours else _noted
                right = f"GRANT SELECT ON SEQUENCE ... TO {role}"
                yield finding(str(one.name), f"{role} may not see how far it is on the {side}: {right}")
        if last is not None and not mine.lowest <= last <= mine.highest:
            yield _noted(str(name), f"it is at {last} on the target, further than it goes on the source: it ends there")


def blocks(about: str, what: str) -> Finding:
    return Finding(severity=Severity.BLOCKS, about=about, what=what)


def _loses(about: str, what: str) -> Finding:
    return Finding(severity=Severity.LOSES, about=about, what=what)


def _noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
