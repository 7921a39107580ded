"""What stands against going back, or would stay behind, or is worth telling: by name, before anything is touched.

What is said of single tables is in `sync_table_findings`. A finding that blocks keeps a sync from starting; one that
loses says what stays behind; both name table and column.
"""

from collections.abc import Iterable, Iterator, Mapping

from shared.decision.sync_sequences import alone, paired
from shared.decision.sync_tables import like
from shared.model.sync import Finding, Severity, SyncRules, SyncTable
from shared.model.tables import Catalogue, Server, Table, TableName

_OLDEST = 14


def of_servers(source: Server, target: Server) -> Iterator[Finding]:
    yield from _of_server("source", source)
    yield from _of_server("target", target)
    if target.large_objects:
        yield loses("target", "it holds large objects, which are in no table: they stay behind")


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
            yield loses(str(name), "it is not on the source: none of its rows can go back")
    for name in here:
        if name not in there and like(name, rules.tables) and not like(name, rules.leave_out):
            yield noted(str(name), "it is not on the target: it stays as it is on the source")


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
            yield noted(
                str(of.name), f"if a value of {what} has passed from one row to another, it cannot be put: {right}"
            )


def of_sequences(source: Catalogue, target: Catalogue, taken: Iterable[TableName]) -> Iterator[Finding]:
    here, there, names, role = source.sequences, target.sequences, set(taken), source.server.role
    schemas = {name.schema for name in names}
    for name, other in sorted(paired(here, there).items()):
        mine, last = here[name], there[other].last
        if not mine.settable:
            finding = blocks if mine.owner and mine.owner[0] in names else noted
            yield finding(str(name), f"{role} may not set it on the source: GRANT UPDATE ON SEQUENCE ... TO {role}")
        for one, side in ((mine, "source"), (there[other], "target")):
            if not one.readable:
                ours = mine.owner[0] in names if mine.owner else mine.name.schema in schemas
                finding = blocks if ours else noted
                right = f"GRANT SELECT ON SEQUENCE ... TO {role}"
                yield finding(str(one.name), f"{role} may not see how far it is on the {side}: {right}")
        if last is not None and not mine.lowest <= last <= mine.highest:
            yield noted(str(name), f"it is at {last} on the target, further than it goes on the source: it ends there")


def of_sequences_alone(source: Catalogue, target: Catalogue, taken: Iterable[SyncTable]) -> Iterator[Finding]:
    for name, (table, column) in alone(source.sequences, target.sequences, taken).items():
        if source.sequences[name].settable:
            yield noted(str(name), f"no sequence of the target is its like: it is set past all of {table}.{column}")
        else:
            role = source.server.role
            yield blocks(str(name), f"{role} may not set it on the source: GRANT UPDATE ON SEQUENCE ... TO {role}")


def blocks(about: str, what: str) -> Finding:
    return Finding(severity=Severity.BLOCKS, about=about, what=what)


def loses(about: str, what: str) -> Finding:
    return Finding(severity=Severity.LOSES, about=about, what=what)


def noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
