"""Previews as the engine asks for them: what going back would do to each table, what it would cost and lose.

Nothing is changed on either side; what a slot holds of written keys is read into their log. Writers go on meanwhile:
the next preview says what they did.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

from shared.adapters.postgres.capture.losses import losses
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.capture.written import lag
from shared.adapters.postgres.checkpoint.content import differing
from shared.adapters.postgres.checkpoint.logs import SourceLog, drain_to_the_end, logged_tables, source_log
from shared.adapters.postgres.checkpoint.runnable import unrunnable
from shared.adapters.postgres.preview.by_table import ByTable
from shared.adapters.postgres.preview.expected_time import expected_time
from shared.adapters.postgres.preview.left_out import left_behind
from shared.adapters.postgres.preview.telling import noted, readable, stays_behind
from shared.adapters.postgres.server.sides import Sides, accesses, read_sides
from shared.adapters.postgres.way_back.aftermath import farthest
from shared.adapters.postgres.way_back.agreed import not_held
from shared.decision.sync_sequences import alone, past, positions
from shared.errors import PermanentError
from shared.model.data_preview import DataPreview, SequenceGap, TablePreview
from shared.model.policy_data import Database


@dataclass(frozen=True, slots=True)
class PostgresPreviews:
    """Fulfils `ports.Previews`.

    Attributes:
        pool: One thread of it asks one side while the other is asked.
        token: Returns a token of the app's identity for Azure's servers.
    """

    pool: Executor
    token: Callable[[], str]

    def preview(self, name: str, database: Database, checkpoint_id: str, within: timedelta) -> DataPreview:
        source, target = accesses(database, self.token)
        with source.connected(statement=within) as here, target.connected(statement=within) as there:
            sides = read_sides(here, there, database.sync_rules)
            checkpoint = _checkpoint(sides, checkpoint_id)
            drain_to_the_end(there, checkpoint)
            return _Preview(sides, self.pool, name, database, checkpoint).all()


def _checkpoint(sides: Sides, checkpoint_id: str) -> Checkpoint:
    found = load_checkpoint(sides.target, checkpoint_id)
    if found is None:
        raise PermanentError(f"there is no checkpoint {checkpoint_id!r} on the target")
    return found


@dataclass(frozen=True, slots=True)
class _Preview:
    """One preview under way."""

    sides: Sides
    pool: Executor
    name: str
    database: Database
    checkpoint: Checkpoint

    def all(self) -> DataPreview:
        log = source_log(self.sides, self.checkpoint.id)
        told = logged_tables(self.sides, self.checkpoint, self.checkpoint.snapshot)
        logged = told - self._differing(log)
        by_table = ByTable(self.sides, self.pool, self.database, self.checkpoint, log, told, logged)
        looked = [by_table.look(of) for of in self.sides.plan.tables]
        tables = tuple(one.preview for one in looked if one.preview is not None)
        behind = (*left_behind(self.sides, self.checkpoint), *not_held(self.sides, self.checkpoint))
        now = self.sides.there.read_at
        return DataPreview(
            database=self.name,
            checkpoint=self.checkpoint.id,
            taken_at=self.checkpoint.taken_at,
            at=now,
            rule=self.database.conflicts,
            unexplained_rule=self.database.unexplained,
            tables=tables,
            sequences=tuple(_sequences(self.sides)),
            findings=(
                *self.sides.plan.findings,
                *map(stays_behind, behind),
                *(finding for one in looked for finding in one.findings),
                *noted(self.sides, self.checkpoint, log, self.database.conflicts),
                *unrunnable(self.sides.source, self.database),
            ),
            losses=(
                *losses(self.sides, logged, self.checkpoint.snapshot),
                *(one for one in behind if one.rows),
            ),
            left_out=tuple(f"{one.about}: {one.what}" for one in behind),
            lag=lag(self.sides.target, self.checkpoint, now) if any(map(_changes, tables)) else None,
            takes=expected_time(self.sides, self.checkpoint, tables),
            readable=readable(self.sides, self.database),
        )

    def _differing(self, log: SourceLog) -> set[int]:
        """What was not the same at the checkpoint goes back as well, although no log says it."""
        names = set(differing(log.checkpoint, self.checkpoint)) if log.checkpoint else set()
        return {of.oid for of in self.sides.plan.tables if str(of.name) in names}


def _changes(one: TablePreview) -> int:
    return one.inserts + one.updates + one.deletes


def _sequences(sides: Sides) -> Iterator[SequenceGap]:
    here, there = sides.here.sequences, sides.there.sequences
    for name, last in positions(here, there).items():
        yield SequenceGap(sequence=str(name), source=here[name].last, target=last)
    for name, owner in alone(here, there, sides.plan.tables).items():
        last_of_rows = past(here[name], farthest(sides.target, here[name], *owner))
        if last_of_rows is not None:
            yield SequenceGap(sequence=str(name), source=here[name].last, target=last_of_rows)
