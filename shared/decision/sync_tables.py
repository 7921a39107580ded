"""How one table of a target goes back to its source: by which key, with which columns, and past which unique rules."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from shared.model.sync import SyncColumn, SyncRules, SyncTable
from shared.model.tables import Catalogue, Column, Generated, Table, TableName

WHOLE_NUMBERS = frozenset({"smallint", "integer", "bigint"})
_BY_WRITERS = frozenset({Generated.BY_WRITERS, Generated.IDENTITY_BY_DEFAULT, Generated.IDENTITY_ALWAYS})


def like(name: TableName | str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(name), pattern) for pattern in patterns)


def table_plan(here: Catalogue, target: Table, rules: SyncRules, place: int) -> SyncTable:
    source = here.tables[target.name]
    key = source.key if names_rows_too(source.key, target) else target.key
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
        rest=tuple(one.name for one in source.columns if is_written(one) and one.name not in {c.name for c in columns}),
        vacate=vacate,
        whole_vacate=whole,
        unique=tuple(_unique(source, key, columns)),
        referred=tuple(
            (name, one) for name, table in here.tables.items() for one in table.references if one.to == source.name
        ),
        numeric_key=[one.type in WHOLE_NUMBERS for one in columns if one.in_key] == [True],
        partitioned=bool(target.leaves),
        leaves=target.leaves,
        triggers=tuple(source.triggers.items()),
        rows=target.rows,
    )


def _vacated(source: Table, key: tuple[str, ...], columns: Iterable[SyncColumn]) -> tuple[tuple[str, ...], bool]:
    """Return the columns whose change makes a row give up a unique value, and whether any change may."""
    rules = [rule for rule in (source.key, *source.unique.values()) if set(rule) != set(key)]
    computed = {column.name for column in source.columns if not is_written(column)}
    moved = {column.name for column in columns if not column.in_key}
    fixed = {column.name for column in columns if column.always_identity and not column.in_key}
    named = {name for rule in rules for name in rule} & moved | fixed
    return tuple(sorted(named)), any(not rule or computed & set(rule) for rule in rules)


def _unique(
    source: Table, key: tuple[str, ...], columns: Iterable[SyncColumn]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    both = {column.name for column in columns}
    for name, rule in [("primary key", source.key), *source.unique.items()]:
        if rule and set(rule) != set(key) and set(rule) <= both:
            yield name, rule


def names_rows_too(key: tuple[str, ...], table: Table) -> bool:
    """A key of one side names rows on the other, if it is unique there as well, at once and for all rows."""
    return bool(key) and set(key) in map(set, (table.key, *table.naming))


def _columns(source: Table, target: Table, key: tuple[str, ...], rules: SyncRules) -> Iterator[SyncColumn]:
    for column in source.columns:
        there = target.by_name.get(column.name)
        if there is None or not is_written(column) or left_out(source.name, column, rules):
            continue
        same = column.type == there.type
        yield SyncColumn(
            name=column.name,
            type=column.type,
            exact=same and column.exact and there.exact and "." not in column.type,
            same=same,
            in_key=column.name in key,
            always_identity=column.generated is Generated.IDENTITY_ALWAYS,
            equal=column.equal,
        )


def is_written(column: Column) -> bool:
    return column.generated in _BY_WRITERS


def left_out(table: TableName, column: Column, rules: SyncRules) -> bool:
    return like(f"{table}.{column.name}", rules.leave_out)
