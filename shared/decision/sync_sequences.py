"""How far the sequences of the source must be, so that none gives out a value that is there already."""

from collections.abc import Iterable, Mapping

from shared.decision.sync_tables import WHOLE_NUMBERS
from shared.model.sync import SyncTable
from shared.model.tables import Sequence, TableName


def paired(here: Mapping[TableName, Sequence], there: Mapping[TableName, Sequence]) -> dict[TableName, TableName]:
    """Return the sequences of the target, by those of the source: of the same column, else of the same name.

    The name may differ where the column does not: after a rename, or between a serial column and an identity.
    """
    by_owner = {one.owner: name for name, one in there.items() if one.owner}
    of_columns = {name: by_owner[one.owner] for name, one in here.items() if one.owner in by_owner}
    taken = set(of_columns.values())
    by_name = {name: name for name in here.keys() & there.keys() if name not in of_columns and name not in taken}
    return of_columns | by_name


def alone(
    here: Mapping[TableName, Sequence], there: Mapping[TableName, Sequence], taken: Iterable[SyncTable]
) -> dict[TableName, tuple[TableName, str]]:
    """Return the sequences of the source without their like on the target, each with the column of numbers it feeds."""
    known = paired(here, there)
    numbers = {(of.name, one.name) for of in taken for one in of.columns if one.type in WHOLE_NUMBERS}
    return {name: one.owner for name, one in sorted(here.items()) if one.owner in numbers and name not in known}


def past(one: Sequence, found: int | None) -> int | None:
    """Return where a sequence of the source must be set to, past a value of its column; `None` if it may stay."""
    if found is None or not one.settable:
        return None
    is_past = one.last is not None and (one.last >= found if one.increment > 0 else one.last <= found)
    return None if is_past else min(max(found, one.lowest), one.highest)


def positions(here: Mapping[TableName, Sequence], there: Mapping[TableName, Sequence]) -> dict[TableName, int]:
    """Return the sequences of the source that must be moved on, and to where."""
    wanted = {name: _position(here[name], there[other]) for name, other in sorted(paired(here, there).items())}
    return {
        name: last
        for name, last in wanted.items()
        if last is not None and last != here[name].last and here[name].settable
    }


def _position(here: Sequence, there: Sequence) -> int | None:
    """One that cycles is where the target's is, which was used last; no other ever goes back."""
    if there.last is None:
        return None
    ends = [there.last]
    if here.last is not None and not here.cycles:
        ends.append(here.last)
    last = max(ends) if here.increment > 0 else min(ends)
    return min(max(last, here.lowest), here.highest)
