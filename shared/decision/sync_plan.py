"""What can go back from a target database to its source, and in which order: pure, from the two catalogues."""

from collections.abc import Mapping

from shared.decision.sync_findings import (
    blocks,
    of_missing,
    of_order,
    of_sequences,
    of_sequences_alone,
    of_servers,
)
from shared.decision.sync_order import order_of
from shared.decision.sync_table_findings import of_table
from shared.decision.sync_tables import like, table_plan
from shared.model.sync import Keyless, SyncPlan, SyncRules
from shared.model.tables import Catalogue, Table, TableName


def sync_plan(source: Catalogue, target: Catalogue, rules: SyncRules) -> SyncPlan:
    """Return the plan, with everything that stands against it."""
    there = _taken(target.tables, rules)
    both = {name: table for name, table in there.items() if name in source.tables}
    order, circle = order_of({name: source.tables[name] for name in both})
    tables = [table_plan(source, both[name], rules, place) for place, name in enumerate(order, start=1)]
    findings = [
        *of_servers(source.server, target.server),
        *of_missing(there, source.tables, rules),
        *(finding for name in order for finding in of_table(source, target, name, rules)),
        *of_order(tables, circle, source.server),
        *of_sequences(source, target, order),
        *of_sequences_alone(source, target, tables),
    ]
    if not there:
        findings.append(blocks("target", f"it has no table like {', '.join(rules.tables)}"))
    return SyncPlan(
        tables=tuple(table for table in tables if table.key or rules.keyless is Keyless.REPLACE),
        findings=tuple(findings),
        replica_role=source.server.replica_role,
    )


def _taken(tables: Mapping[TableName, Table], rules: SyncRules) -> dict[TableName, Table]:
    return {
        name: table for name, table in tables.items() if like(name, rules.tables) and not like(name, rules.leave_out)
    }
