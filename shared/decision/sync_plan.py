"""What can go back from a target database to its source, and what cannot, by name: pure, from the two catalogues.

What would be lost without a word is found here, before anything is touched. A finding that blocks keeps a sync from
starting; one that loses says what stays behind; both name the table and the column.
"""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from shared.decision.sync_order import order_of
from shared.model.sync import Finding, Keyless, Severity, SyncColumn, SyncPlan, SyncRules, SyncTable
from shared.model.tables import Catalogue, Column, Generated, Server, Table, TableName

_WHOLE_NUMBERS = frozenset({"smallint", "integer", "bigint"})
_TEXTS = ("text", "character varying")
_OLDEST = 14
_BY_WRITERS = frozenset({Generated.BY_WRITERS, Generated.IDENTITY_BY_DEFAULT, Generated.IDENTITY_ALWAYS})


def sync_plan(source: Catalogue, target: Catalogue, rules: SyncRules) -> SyncPlan:
    """Return the plan, with everything that stands against it."""
    there = _taken(target.tables, rules)
    both = {name: table for name, table in there.items() if name in source.tables}
    order, circle = order_of({name: source.tables[name] for name in both})
    tables = [_table(source, both[name], rules, place) for place, name in enumerate(order, start=1)]
    findings = [
        *_of_servers(source.server, target.server),
        *_of_missing(there, source.tables, rules),
        *(finding for name in order for finding in _of_table(source, target, name, rules)),
        *_of_order(tables, circle, source.server),
    ]
    if not there:
        findings.append(_blocks("target", f"it has no table like {', '.join(rules.tables)}"))
    return SyncPlan(
        tables=tuple(table for table in tables if table.key or rules.keyless is Keyless.REPLACE),
        findings=tuple(findings),
        replica_role=source.server.replica_role,
        sequences=tuple(sorted(name for name in target.sequences if name in source.sequences)),
    )


def _taken(tables: Mapping[TableName, Table], rules: SyncRules) -> dict[TableName, Table]:
    return {
        name: table for name, table in tables.items() if _like(name, rules.tables) and not _like(name, rules.leave_out)
    }


def _like(name: TableName | str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(name), pattern) for pattern in patterns)


def _table(here: Catalogue, target: Table, rules: SyncRules, place: int) -> SyncTable:
    source = here.tables[target.name]
    key = source.key if _names_rows_too(source.key, target) else target.key
    columns = tuple(_columns(source, target, key, rules))
    vacate, whole = _vacated(source, key, columns)
    return SyncTable(
        oid=target.oid,
        source_oid=source.oid,
        name=source.name,
        key=key,
        columns=columns,
        place=place,
        references=source.references,
        rest=tuple(
            one.name for one in source.columns if _is_written(one) and one.name not in {c.name for c in columns}
        ),
        vacate=vacate,
        whole_vacate=whole,
        referred=tuple(
            (name, one) for name, table in here.tables.items() for one in table.references if one.to == source.name
        ),
        numeric_key=[one.type in _WHOLE_NUMBERS for one in columns if one.in_key] == [True],
        partitioned=bool(target.leaves),
        leaves=target.leaves,
        triggers=tuple(source.triggers.items()),
        rows=target.rows,
    )


def _vacated(source: Table, key: tuple[str, ...], columns: Iterable[SyncColumn]) -> tuple[tuple[str, ...], bool]:
    """Return the columns whose change makes a row give up a unique value, and whether any change may."""
    rules = [rule for rule in (source.key, *source.unique.values()) if set(rule) != set(key)]
    computed = {column.name for column in source.columns if not _is_written(column)}
    moved = {column.name for column in columns if not column.in_key}
    fixed = {column.name for column in columns if column.always_identity and not column.in_key}
    named = {name for rule in rules for name in rule} & moved | fixed
    return tuple(sorted(named)), any(not rule or computed & set(rule) for rule in rules)


def _names_rows_too(key: tuple[str, ...], table: Table) -> bool:
    """A key of one side names rows on the other, if it is unique there as well."""
    return bool(key) and set(key) in [set(table.key), *(set(columns) for columns in table.unique.values())]


def _columns(source: Table, target: Table, key: tuple[str, ...], rules: SyncRules) -> Iterator[SyncColumn]:
    for column in source.columns:
        there = target.by_name.get(column.name)
        if there is None or not _is_written(column) or _left_out(source.name, column, rules):
            continue
        same = column.type == there.type
        yield SyncColumn(
            name=column.name,
            type=column.type,
            exact=same and column.exact and there.exact and "." not in column.type,
            same=same,
            in_key=column.name in key,
            always_identity=column.generated is Generated.IDENTITY_ALWAYS,
        )


def _is_written(column: Column) -> bool:
    return column.generated in _BY_WRITERS


def _left_out(table: TableName, column: Column, rules: SyncRules) -> bool:
    return _like(f"{table}.{column.name}", rules.leave_out)


def _of_servers(source: Server, target: Server) -> Iterator[Finding]:
    yield from _of_server("source", source)
    yield from _of_server("target", target)
    if target.large_objects:
        yield _loses("target", "it holds large objects, which are in no table: they stay behind")


def _of_server(called: str, server: Server) -> Iterator[Finding]:
    if server.superuser:
        yield _blocks(called, f"{server.role} is a superuser; connect as a role of its own")
    if server.encoding == "SQL_ASCII":
        yield _blocks(called, "its encoding is SQL_ASCII: nobody knows what its text says")
    if server.major < _OLDEST:
        yield _blocks(called, f"it runs PostgreSQL {server.major}; {_OLDEST} or later is needed")
    if server.read_only:
        yield _blocks(called, "it can only be read: a standby, or set to read only")
    if not server.can_create_schema:
        yield _blocks(called, f"{server.role} may not create a schema: GRANT CREATE ON DATABASE ... TO {server.role}")
    for name in server.in_doubt:
        yield _blocks(called, f"the prepared transaction {name} may still be committed: end it first")


def _of_missing(
    there: Mapping[TableName, Table], here: Mapping[TableName, Table], rules: SyncRules
) -> Iterator[Finding]:
    for name in there:
        if name not in here:
            yield _loses(str(name), "it is not on the source: none of its rows can go back")
    for name in here:
        if name not in there and _like(name, rules.tables) and not _like(name, rules.leave_out):
            yield _noted(str(name), "it is not on the target: it stays as it is on the source")


def _of_table(source: Catalogue, target: Catalogue, name: TableName, rules: SyncRules) -> Iterator[Finding]:
    here, there, about = source.tables[name], target.tables[name], str(name)
    yield from _of_key(here, there, rules)
    for rule in here.rules:
        yield _blocks(about, f"the rule {rule} on the source turns writes into something else: drop it, or disable it")
    yield from _of_side("source", here, source.server)
    yield from _of_side("target", there, target.server)
    yield from _of_columns(here, there, rules)


def _of_side(called: str, table: Table, server: Server) -> Iterator[Finding]:
    about = str(table.name)
    if not table.owned:
        yield _blocks(about, f"{server.role} does not own it on the {called}, nor belongs to who does")
    if table.row_security and not server.bypasses_row_security:
        yield _blocks(about, f"row-level security on the {called} hides rows from {server.role}: it needs BYPASSRLS")
    if table.inherited:
        yield _blocks(about, f"it inherits, or is inherited from, on the {called}: rows of several tables would mix")


def _of_key(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    about = str(here.name)
    if not here.key and not there.key:
        if rules.keyless is Keyless.REFUSE:
            yield _blocks(
                about,
                "it has no primary key, and no unique key without nulls that holds at once: rows cannot be told apart",
            )
    elif not _names_rows_too(here.key, there) and not _names_rows_too(there.key, here):
        yield _blocks(
            about, f"it is keyed by ({', '.join(here.key)}) on the source and ({', '.join(there.key)}) on the target"
        )
    yield from _of_key_columns(here, there, rules)


def _of_key_columns(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    key = here.key if _names_rows_too(here.key, there) else there.key
    for name in key:
        mine, other = here.by_name.get(name), there.by_name[name]
        if mine is not None and _left_out(here.name, mine, rules):
            yield _blocks(f"{here.name}.{name}", "it is part of the key, and cannot be left out")
        if mine is not None and not _compare_alike(mine.type, other.type):
            yield _blocks(
                f"{here.name}.{name}",
                f"a key of {other.type} on the target, of {mine.type} on the source cannot be compared",
            )


def _compare_alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= _WHOLE_NUMBERS or (one.startswith(_TEXTS) and other.startswith(_TEXTS))


def _of_columns(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    for column in there.columns:
        about = f"{here.name}.{column.name}"
        if column.name in here.by_name or not _is_written(column) or _left_out(here.name, column, rules):
            continue
        yield _loses(about, "it is not on the source: what it holds stays behind")
    for column in here.columns:
        if not _left_out(here.name, column, rules):
            yield from _of_column(f"{here.name}.{column.name}", column, there.by_name.get(column.name))


def _of_column(about: str, here: Column, there: Column | None) -> Iterator[Finding]:
    if not _is_written(here):
        if there is not None and _is_written(there):
            yield _loses(about, "the source computes it: what was written into it on the target stays behind")
    elif there is None and here.required:
        yield _blocks(about, "it is not on the target, and the source takes no row without a value in it")
    elif there is None:
        yield _noted(about, "it is not on the target: rows keep theirs, new rows get its default")
    elif there.type != here.type:
        yield _noted(about, f"{there.type} on the target, {here.type} on the source: values pass as text")


def _of_order(tables: Iterable[SyncTable], circle: list[TableName], source: Server) -> Iterator[Finding]:
    if source.replica_role:
        return
    right = (
        f"{source.role} may not set foreign keys aside: "
        f"GRANT SET ON PARAMETER session_replication_role TO {source.role}"
    )
    if circle:
        yield _blocks(", ".join(map(str, circle)), f"rows refer to each other in a circle, and {right}")
    for of in tables:
        if of.is_vacated and of.referred:
            what = f"({', '.join(of.vacate)})" if of.vacate else "a rule over an expression, or for some rows"
            yield _noted(
                str(of.name), f"if a value of {what} has passed from one row to another, it cannot be put: {right}"
            )


def _blocks(about: str, what: str) -> Finding:
    return Finding(severity=Severity.BLOCKS, about=about, what=what)


def _loses(about: str, what: str) -> Finding:
    return Finding(severity=Severity.LOSES, about=about, what=what)


def _noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
