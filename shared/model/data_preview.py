"""What going back would do to the rows of a database, said before it is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.model.sync import Conflicts, Finding, Severity

_FEW_DELETES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePreview:
    """One table: how many rows of the source would be inserted, updated and deleted.

    Attributes:
        keys: How many were written on the target since the checkpoint, as far as is known.
        conflicts: Rows that were changed on both sides, and are not the same.
        unexplained: Rows that are not the same although nobody wrote them, as far as that was looked at.
        compared: The log does not say what was written: all rows are compared.
    """

    table: str
    keys: int
    inserts: int
    updates: int
    deletes: int
    conflicts: int = 0
    unexplained: int = 0
    compared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceGap:
    """A sequence that would be moved on, from its last value on the source; `None` if that was never used."""

    sequence: str
    source: int | None
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Rows, or values of a column, that would stay behind on the target."""

    about: str
    what: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """Whether the old build can read the schema as it is now, by the policy's own query."""

    ok: bool
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPreview:
    """What taking one database back would do, as of one moment.

    Attributes:
        checkpoint: Id of the checkpoint that it goes back to.
        taken_at: When that was taken.
        findings: What the two catalogues say now; one that blocks keeps it from beginning.
        losses: What cannot go back, counted.
        left_out: What stays behind as a whole, or is not known at all, whether anything was written or not.
        lag: Age of the oldest change that is on the target alone; `None` when there is none.
        takes: How long it is expected to take, fence to proof.
    """

    database: str
    checkpoint: str
    taken_at: datetime
    at: datetime
    rule: Conflicts
    tables: tuple[TablePreview, ...]
    unexplained_rule: Conflicts = Conflicts.STOP
    sequences: tuple[SequenceGap, ...] = ()
    findings: tuple[Finding, ...] = ()
    losses: tuple[Loss, ...] = ()
    left_out: tuple[str, ...] = ()
    lag: timedelta | None = None
    takes: timedelta
    readable: Readable | None = None

    @property
    def lost(self) -> int:
        """How many rows and values would stay behind."""
        return sum(loss.rows for loss in self.losses)

    @property
    def conflicts(self) -> int:
        return sum(table.conflicts for table in self.tables)

    @property
    def changes(self) -> int:
        """How many rows of the source would be changed."""
        return sum(table.inserts + table.updates + table.deletes for table in self.tables)

    @property
    def behind(self) -> tuple[str, ...]:
        """What people agree to, by name: what stays behind, and rows that are decided between the two sides."""
        rule = self.rule.replace("_", " ")
        decided = (
            f"{one.table}: {one.conflicts:,} changed on both sides ({rule})" for one in self.tables if one.conflicts
        )
        by = self.unexplained_rule.replace("_", " ")
        odd = (
            f"{one.table}: {one.unexplained:,} differ that nobody wrote ({by})"
            for one in self.tables
            if one.unexplained
        )
        return (*(f"{loss.about}: {loss.what} ({loss.rows:,})" for loss in self.losses), *decided, *odd)

    @property
    def why_not(self) -> str | None:
        """Why it could not begin now; `None` means that it could."""
        reasons = [str(finding) for finding in self.findings if finding.severity is Severity.BLOCKS]
        if self.rule is Conflicts.STOP and self.conflicts:
            named = ", ".join(f"{table.conflicts} of {table.table}" for table in self.tables if table.conflicts)
            reasons.append(f"rows were changed on the source as well: {named}")
        odd = ", ".join(f"{table.unexplained} of {table.table}" for table in self.tables if table.unexplained)
        if odd and self.unexplained_rule is Conflicts.STOP:
            reasons.append(f"rows are not the same although nobody wrote them since the checkpoint: {odd}")
        if self.readable is not None and not self.readable.ok:
            reasons.append(self.readable.says)
        return "; ".join(reasons) or None

    @property
    def digest(self) -> str:
        """Names what people agree to: what is lost or decided between two sides, not how many rows go back.

        Writers go on while people are asked; an agreement that every further row took away could never be given. So
        numbers count by their next power of two: whoever agrees to 100 rows agrees to 128.
        """
        agreed = [
            self.database,
            self.checkpoint,
            self.rule,
            self.unexplained_rule,
            *(f"{table.table} {_up_to(table.conflicts)}" for table in self.tables if table.conflicts),
            *(f"{table.table} {_up_to(table.unexplained)} odd" for table in self.tables if table.unexplained),
            *(f"{loss.about} {loss.what} {_up_to(loss.rows)}" for loss in self.losses),
            *self.left_out,
            # Some are deleted in any day's work; many are what somebody should have seen.
            f"{_up_to(max(_FEW_DELETES, sum(table.deletes for table in self.tables)))} deletes",
            *(str(one) for one in self.findings if one.severity is Severity.BLOCKS),
            *(["unreadable"] if self.readable is not None and not self.readable.ok else []),
        ]
        return sha256("\n".join(agreed).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """One sentence with numbers."""
        rows = (sum(getattr(table, what) for table in self.tables) for what in ("inserts", "updates", "deletes"))
        inserts, updates, deletes = rows
        said = f"{self.database}: {inserts:,} rows inserted, {updates:,} updated, {deletes:,} deleted on the source"
        if self.conflicts:
            said += f"; {self.conflicts:,} changed on both sides ({self.rule.replace('_', ' ')})"
        said += f"; {self.lost:,} rows or values stay behind" if self.losses else "; nothing stays behind"
        return f"{said}; about {self.takes.total_seconds():.0f} s"


def _up_to(rows: int) -> int:
    """Return the next power of two."""
    return 1 << (rows - 1).bit_length() if rows else 0
