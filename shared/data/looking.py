"""What going back would do to a database's rows, and what a way back has decided: commands that change nothing."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.adapters.postgres.way_back.listing import KeptConflict, checkpoints_on, conflicts_on, unexplained_on
from shared.adapters.postgres.way_back.state import stored_state
from shared.data.desk import Answer, Desk, Exit
from shared.decision.data_limits import loss_limitation
from shared.errors import NotFound
from shared.model.checkpoint import Foreseen
from shared.model.data_preview import DataPreview
from shared.model.quantity import say_moment, say_span

_LOOK = timedelta(seconds=30)
# A person waits for it: a table without a log is compared row by row.
_PREVIEW_WITHIN = timedelta(minutes=10)
_SIDES = ("source", "target")


def preview(desk: Desk, checkpoint_id: str | None) -> Answer:
    """Say what going back would do now, table per table."""
    found = foresee(desk, checkpoint_id)
    refused = limitation(desk, found, ())
    shown = {"digest": found.digest, "lost": found.lost, "conflicts": found.conflicts, "changes": found.changes}
    shown |= {
        "why_not": refused[1] if refused else None,
        "preview": replace(found, checkpoint=desk.called(found.checkpoint)),
    }
    status, says = (refused[0], f"{found}; {refused[1]}") if refused else (Exit.DONE, str(found))
    return Answer(status, says, list(preview_lines(desk, found)), shown)


def limitation(desk: Desk, found: DataPreview, agreed: Collection[str]) -> tuple[Exit, str] | None:
    """Return why rows may not go back as a preview says, and whether people may agree to it; or `None`."""
    refused = loss_limitation(desk.database.loss, Foreseen.of(found, timedelta(0)), agreed)
    if refused is None:
        return None
    if found.why_not is not None or desk.database.loss.above == "refuse":
        return Exit.NOT_DONE, refused
    return Exit.PEOPLE, f"{refused}; whoever agrees to that says --agree {found.digest}"


def foresee(desk: Desk, checkpoint_id: str | None) -> DataPreview:
    """Return what going back to a checkpoint would do, the newest one unless it is named.

    Raises:
        NotFound: there is none.
        TransientError, PermanentError: a side does not answer; it cannot be told.
    """
    chosen = checkpoint_id or newest(desk)
    return desk.previews.preview(desk.name, desk.database, chosen, _PREVIEW_WITHIN)


def newest(desk: Desk) -> str:
    """Return the id of the newest checkpoint on the target.

    Raises:
        NotFound: there is none.
    """
    with desk.target.connected(statement=_LOOK) as there:
        found = checkpoints_on(there)
    if not found:
        raise NotFound(f"there is no checkpoint of {desk.name} on the target: rows cannot go back")
    return found[0].id


def preview_lines(desk: Desk, found: DataPreview) -> Iterator[str]:
    """Give the preview line by line, what would be lost first."""
    yield f"back to the checkpoint {desk.called(found.checkpoint)} of {say_moment(found.taken_at)}"
    yield from (f"stays behind: {one.about}: {one.what} ({one.rows:,})" for one in found.losses)
    yield from (f"{one.severity}: {one}" for one in found.findings)
    yield from _table(
        ("table", "inserted", "updated", "deleted", "on both sides", ""),
        [
            (
                one.table,
                *(f"{count:,}" for count in (one.inserts, one.updates, one.deletes, one.conflicts)),
                "compared row by row" if one.compared else f"{one.keys:,} keys written",
            )
            for one in found.tables
        ],
    )
    for gap in found.sequences:
        yield f"sequence {gap.sequence}: from {'unused' if gap.source is None else gap.source} to {gap.target}"
    if found.lag is not None:
        yield f"the oldest change is about {say_span(found.lag)} old"
    if found.readable is not None:
        yield found.readable.says
    yield f"digest: {found.digest}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    all_rows = [head, *rows]
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(head))]
    for first, *others in all_rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def conflicts(desk: Desk, sync: str) -> Answer:
    """List the rows that were changed on both sides, and those that nobody wrote: this prints what they hold."""
    with desk.source.connected(statement=_LOOK) as here:
        found, odd = conflicts_on(here, sync), unexplained_on(here, sync)
        state = stored_state(here, sync)
    if found is None or odd is None or state is None:
        raise NotFound(f"the way back {desk.called(sync)} is not on the source: `status` lists those that are")
    lines = [f"not known: {name}: {why}" for name, why in state.unseen.items()]
    lines += [line for one in (*found, *odd) for line in _decided(one)]
    shown = {"sync": desk.called(sync), "conflicts": found, "unexplained": odd, "not_seen": state.unseen}
    says = f"{len(found):,} rows were changed on both sides"
    return Answer(Exit.DONE, f"{says}; {len(odd):,} differ that nobody wrote" if odd else says, lines, shown)


def _decided(one: KeptConflict) -> Iterator[str]:
    yield f"{one.table} ({one.key}): {f'that of the {one.kept} was kept' if one.kept in _SIDES else one.kept}"
    yield from (
        f"  {side}: {'no row' if row is None else row}"
        for side, row in zip(_SIDES, (one.source, one.target), strict=True)
    )
