"""What stands against taking one table back, or would stay behind of it, from how both sides define it.

What may stop it only by some rows is noted here, and counted by a preview.
"""

from collections.abc import Iterator

from shared.decision.sync_findings import blocks, loses, noted
from shared.decision.sync_tables import WHOLE_NUMBERS, is_written, left_out, names_rows_too
from shared.model.sync import MOST_ROWS_WITHOUT_KEY, Finding, Keyless, SyncRules
from shared.model.tables import Catalogue, Column, Server, Table, TableName

_TEXTS = ("text", "character varying")
# A table has up to 1,600; beside an image of a row stands of which chunk it is.
_MOST_COLUMNS = 1_595


def of_table(source: Catalogue, target: Catalogue, name: TableName, rules: SyncRules) -> Iterator[Finding]:
    here, there, about = source.tables[name], target.tables[name], str(name)
    yield from _of_key(here, there, rules)
    for rule in here.rules:
        yield blocks(about, f"the rule {rule} on the source turns writes into something else: drop it, or disable it")
    yield from _of_side("source", here, source.server)
    yield from _of_side("target", there, target.server)
    yield from _of_columns(here, there, rules)
    yield from _of_unique(here, there)


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
        sides = f"it is keyed by ({', '.join(here.key)}) on the source and ({', '.join(there.key)}) on the target"
        at_once = "a key that is deferrable, an exclusion, or unique for some rows alone names no row"
        yield blocks(about, sides if here.key and there.key else f"{sides}: {at_once}")
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
        yield noted(about, "it has no key: all its rows are compared, and those that differ are replaced in one go")


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
        elif mine is not None and _is_text(mine.type) and mine.exact != other.exact:
            loosely = "target" if mine.exact else "source"
            what = f"as a key, different texts count as the same on the {loosely} alone, such as those of another case"
            yield blocks(f"{here.name}.{name}", what)


def _compare_alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= WHOLE_NUMBERS or (_is_text(one) and _is_text(other))


def _is_text(kind: str) -> bool:
    return kind.startswith(_TEXTS)


def _of_columns(here: Table, there: Table, rules: SyncRules) -> Iterator[Finding]:
    for column in there.columns:
        about = f"{here.name}.{column.name}"
        if column.name in here.by_name or not is_written(column) or left_out(here.name, column, rules):
            continue
        yield loses(about, "it is not on the source: what it holds stays behind")
    for column in here.columns:
        about = f"{here.name}.{column.name}"
        if not left_out(here.name, column, rules):
            yield from _of_column(about, column, there.by_name.get(column.name))
        elif column.required and column.name not in here.key:
            yield blocks(about, "it is left out, and the source takes no row without a value in it")
    if sum(map(is_written, here.columns)) > _MOST_COLUMNS:
        yield blocks(
            str(here.name), f"it has more than {_MOST_COLUMNS:,} columns: what is overwritten could not be kept"
        )


def _of_column(about: str, here: Column, there: Column | None) -> Iterator[Finding]:
    if not is_written(here):
        if there is not None and is_written(there):
            yield loses(about, "the source computes it: what was written into it on the target stays behind")
    elif there is None and here.required:
        yield blocks(about, "it is not on the target, and the source takes no row without a value in it")
    elif there is None:
        yield noted(about, "it is not on the target: rows keep theirs, new rows get its default")
    elif there.type != here.type:
        yield noted(about, f"{there.type} on the target, {here.type} on the source: values pass as text")
    if there is not None and is_emptier(here, there):
        yield noted(
            about, "it may be null on the target, not on the source: a row without a value in it cannot go back"
        )


def is_emptier(here: Column, there: Column) -> bool:
    """Whether the target takes rows without a value in a column, and the source does not."""
    return is_written(here) and here.not_null and not there.not_null


def unique_here(here: Table, there: Table) -> dict[str, tuple[str, ...]]:
    """Return the rules over columns of the source that the target does not have."""
    rules = {"primary key": here.key, **here.unique}
    known = [set(rule) for rule in (there.key, *there.unique.values())]
    return {name: rule for name, rule in rules.items() if rule and set(rule) not in known}


def _of_unique(here: Table, there: Table) -> Iterator[Finding]:
    for name, rule in unique_here(here, there).items():
        if set(rule) <= there.by_name.keys():
            what = f"({', '.join(rule)}) is unique on the source alone ({name}): rows with the same cannot go back"
            yield noted(str(here.name), what)
