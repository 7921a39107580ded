"""In which order chunks are applied: what may not be seen in between by a rule of the source goes in passes."""

from collections.abc import Iterator, Sequence

from shared.model.sync import Pass, SyncPlan, SyncTable


def passes(plan: SyncPlan) -> Iterator[Sequence[tuple[SyncTable, Pass]]]:
    """Return what may be done side by side, one after the other.

    With foreign keys set aside only other unique rules matter: rows give up what others may take. Otherwise parents are
    put before their children, and children are dropped before their parents; only rows that nothing refers to can give
    up something on the way. Rows without a key, to which nothing refers, are put and dropped in one go.
    """
    tables = sorted(plan.tables, key=lambda of: of.place)
    keyed = [of for of in tables if of.key]
    if plan.replica_role:
        yield [(of, Pass.VACATE) for of in keyed if of.is_vacated]
        yield [(of, Pass.PUT if of.key and of.is_vacated else Pass.MOVE) for of in tables]
        return
    yield [(of, Pass.VACATE) for of in keyed if of.is_vacated and not of.referred]
    for of in tables:
        yield [(of, Pass.PUT)]
    for of in reversed(keyed):
        yield [(of, Pass.DROP)]
