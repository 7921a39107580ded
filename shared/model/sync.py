"""Taking rows back from a target database to its source: by which rules, which tables, in which order."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.model.tables import BUILT_IN, Equality, Reference, TableName


class Conflicts(StrEnum):
    """What becomes of a row that was changed on the source, too, since the checkpoint. It is always reported."""

    TARGET_WINS = "target_wins"
    SOURCE_WINS = "source_wins"
    STOP = "stop"


# A table without a key is compared and put in one go: the source's transaction holds all that differs.
MOST_ROWS_WITHOUT_KEY = 200_000
# What rows without a key are told apart by: a hash of all that goes back of them.
ROW_HASH = "rollback_hash"


class Keyless(StrEnum):
    """What becomes of a table without a key."""

    REFUSE = "refuse"
    REPLACE = "replace"


class Pass(StrEnum):
    """What is done to a chunk. Rows that give up a unique value do so before others take it; children go last.

    `put` inserts and updates, `drop` deletes; `move` does both, where nothing refers to the rows in between.
    """

    VACATE = "vacate"
    PUT = "put"
    DROP = "drop"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRules:
    """By which rules rows go back.

    Attributes:
        tables: Patterns of `schema.table` that are taken.
        leave_out: Patterns that are not; of a table, or of `schema.table.column`.
        chunk: Rows a transaction.
        workers: Connections that copy side by side.
        unexplained: Which row stays where both are not the same although nobody wrote them since the checkpoint.
        copy_ahead: Rows are copied while people still write, and what they write meanwhile once more.
    """

    tables: tuple[str, ...] = ("*.*",)
    leave_out: tuple[str, ...] = ()
    conflicts: Conflicts = Conflicts.STOP
    unexplained: Conflicts = Conflicts.TARGET_WINS
    keyless: Keyless = Keyless.REFUSE
    copy_ahead: bool = True
    chunk: int = 5_000
    workers: int = 2
    statement_timeout: timedelta = timedelta(seconds=60)
    lock_timeout: timedelta = timedelta(seconds=2)
    fence_within: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncColumn:
    """A column that is on both sides and takes values from writers.

    Attributes:
        type: On the source.
        exact: On both sides of the same type, whose equal values are one value.
        same: The types are the same, so that bytes may pass as they are.
        equal: By which operator values are equal on the source.
    """

    name: str
    type: str
    exact: bool
    same: bool
    in_key: bool
    always_identity: bool = False
    equal: Equality = BUILT_IN

    @property
    def as_text(self) -> bool:
        """It passes as text: its type is not a built-in one, or has an output that leaves out what was stored."""
        return "." in self.type or self.type == "xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncTable:
    """How one table goes back.

    Attributes:
        oid, source_oid: Its numbers on the target and on the source: what is kept of it on a side is named by them.
        place: Parents come before their children.
        rest: Columns that stay as they are on the source: only there, or left out.
        vacate: Columns of other unique rules: rows that give up a value in one must do so before others take it. And
            identities that no update can set.
        unique: Those rules that are over columns, by name; besides the key.
        referred: The foreign keys of tables of the source that refer to it, with these.
        whole_vacate: One of these rules is over an expression, or for some rows only: any change may touch it.
        numeric_key: One column of whole numbers, so that ranges of it can be compared.
        partitioned: On the target: what fires is on its partitions.
        triggers: Of the source, with when they fire.
    """

    oid: int
    source_oid: int
    name: TableName
    key: tuple[str, ...]
    columns: tuple[SyncColumn, ...]
    place: int
    references: tuple[Reference, ...] = ()
    rest: tuple[str, ...] = ()
    vacate: tuple[str, ...] = ()
    whole_vacate: bool = False
    unique: tuple[tuple[str, tuple[str, ...]], ...] = ()
    referred: tuple[tuple[TableName, Reference], ...] = ()
    numeric_key: bool = False
    partitioned: bool = False
    leaves: tuple[TableName, ...] = ()
    triggers: tuple[tuple[str, str], ...] = ()
    rows: int = 0

    @property
    def binary(self) -> bool:
        """All of it may pass as binary: built-in types, the same on both sides; none whose values are numbers of
        objects of one server, as those of `regclass` are."""
        return all(column.same and not column.as_text and not column.type.startswith("reg") for column in self.columns)

    @property
    def named_by(self) -> tuple[str, ...]:
        """What names a row in lists of them: the key, else a hash of the row; several rows may have the same."""
        return self.key or (ROW_HASH,)

    @property
    def is_vacated(self) -> bool:
        """A value may pass from one row to another: the first must give it up before the second takes it."""
        return bool(self.vacate) or self.whole_vacate

    @property
    def values(self) -> tuple[SyncColumn, ...]:
        """The columns besides the key."""
        return tuple(column for column in self.columns if not column.in_key)


class Severity(StrEnum):
    """What a finding means for going back."""

    BLOCKS = "blocks"
    LOSES = "loses"
    NOTED = "noted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about going back that people must know beforehand, by name."""

    severity: Severity
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.about}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """What goes back, in its order, and what does not.

    Attributes:
        replica_role: Triggers and foreign keys of the source are set aside by session; else triggers are disabled by
            their owner, and rows go in the order of the foreign keys.
    """

    tables: tuple[SyncTable, ...]
    findings: tuple[Finding, ...] = ()
    replica_role: bool = True

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKS)
