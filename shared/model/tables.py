"""What a PostgreSQL database holds, as its catalogue says it: tables, keys, references, sequences."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table by schema and name, as the catalogue spells them: unquoted, case kept."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Generated(StrEnum):
    """Who gives a column its value."""

    BY_WRITERS = ""
    IDENTITY_ALWAYS = "a"
    IDENTITY_BY_DEFAULT = "d"
    BY_EXPRESSION = "s"


@dataclass(frozen=True, slots=True)
class Equality:
    """The operator by which values of a type are equal, to indexes of it as well."""

    schema: str = "pg_catalog"
    operator: str = "="

    @property
    def is_built_in(self) -> bool:
        return self == Equality()


BUILT_IN = Equality()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column.

    Attributes:
        type: As `format_type` writes it when nothing is on the search path: qualified, with its modifiers.
        exact: Values that are equal in the type's own sense are the same value, and hash the same on every server.
            It does not hold for 1.0 and 1.00 of a `numeric`, for JSON, for text that is compared without its case.
        required: Not null, and without a default.
    """

    name: str
    type: str
    exact: bool
    not_null: bool
    required: bool
    generated: Generated = Generated.BY_WRITERS
    equal: Equality = BUILT_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key.

    Attributes:
        equal: By which operators its columns are those of the row that it leads to, one for each.
    """

    name: str
    columns: tuple[str, ...]
    to: TableName
    to_columns: tuple[str, ...]
    match_full: bool = False
    equal: tuple[Equality, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that holds rows, or is partitioned.

    Attributes:
        oid: Its number in this database: a table that is made anew has another one.
        key: The columns that name a row: the primary key, else a unique index without null or condition; empty if none.
        unique: By index or exclusion constraint besides the key: its columns, none for one over an expression.
        naming: The columns of each unique index that holds at once and for all rows: none of them null, they name one.
        leaves: Its partitions, of all levels: each takes writes of its own. None if it holds its rows itself.
        partitioned: It holds no rows itself, whether it has partitions already or not.
        inherited: By plain inheritance, from or by another table.
        logged: Survives a crash, and can be decoded from the log.
        row_security: Some rows may be hidden from some roles.
        rules: Rewrite rules, by name: what is written is turned into something else.
        triggers: The enabled triggers of users, with when they fire: O in sessions of the origin, R of a replica, A
            always.
        owned: We may do with it what its owner may.
        rows: The planner's estimate.
        bytes: With indexes and large values, as of now; 0 if that was not asked for.
    """

    oid: int
    name: TableName
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    unique: dict[str, tuple[str, ...]] = field(default_factory=dict)
    naming: tuple[tuple[str, ...], ...] = ()
    leaves: tuple[TableName, ...] = ()
    partitioned: bool = False
    inherited: bool = False
    logged: bool = True
    row_security: bool = False
    rules: tuple[str, ...] = ()
    triggers: dict[str, str] = field(default_factory=dict)
    owned: bool = True
    rows: int = 0
    bytes: int = 0

    @property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence, and how far it is.

    Attributes:
        owner: The column that takes its values from it, with its table.
        last: Its last value; `None` when it was never used, may not be read, or was not asked for.
        cycles: After its last value it begins again.
        settable, readable: We may set it, and see how far it is.
    """

    name: TableName
    owner: tuple[TableName, str] | None
    increment: int
    last: int | None
    lowest: int = 1
    highest: int = 2**63 - 1
    cycles: bool = False
    settable: bool = True
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server behind a database, and what we may do there.

    Attributes:
        version: Such as 150018.
        system: Its system identifier: a restored or moved server has another one.
        role: As whom we are connected.
        superuser: Which we never should be.
        bypasses_row_security: Every row is seen, whatever policies the tables have.
        replica_role: Triggers and foreign keys can be set aside for a session.
        read_only: It is a standby, or was set to be read.
        in_doubt: Transactions that were prepared and may still be committed, by name.
        large_objects: It holds some; they are in no table of users.
        place: Names the database among those of all servers that run.
    """

    version: int
    system: str
    encoding: str
    role: str
    superuser: bool
    bypasses_row_security: bool
    replica_role: bool
    read_only: bool
    can_create_schema: bool
    in_doubt: tuple[str, ...] = ()
    large_objects: bool = False
    place: str = ""

    @property
    def major(self) -> int:
        return self.version // 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A database at one instant."""

    read_at: datetime
    server: Server
    tables: dict[TableName, Table]
    sequences: dict[TableName, Sequence]
