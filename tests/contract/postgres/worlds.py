"""Random databases with everything that makes a way back hard; all of one follows from its seed.

Values are expressions over a number `n` that is new for each row, so that both sides are filled alike by the same
statement, and so that writers can give rows new values in any kind of statement.
"""

# ruff: noqa: S608  # statements are made up here; names in them are quoted
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.contract.postgres.kinds import BEFORE_TABLES, INSTANT, KINDS, MOODS, Kind

_NAMES = ("Order", "user", "ordinary", "with space", 'quo"te', "select", "Ünïcode", "100%", "written", "staged")
_COLUMNS = ("a", "B", "order", "with space", "Ünï", "50%", 'q"', "s", "t", "live", "there", "excluded", "held", "tg_op")
_KEYS = ("id", "Id", "xid", "round", "chunk", "key", "old")
_IDENTITY = ("BY DEFAULT", "ALWAYS")


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a key: an expression gives its value, or the database does."""

    name: str
    type: str
    value: str
    identity: str = ""
    target: str = ""


@dataclass(slots=True, kw_only=True)
class RandomTable:
    """One table: how it is made on each side, and what can be written to it.

    Attributes:
        parent, does: Its foreign key, and what that does when the parent goes.
        later: A table that is made after it, and that it refers to as well: a circle, maybe.
        unique: Which kind of second unique rule its column `code` has.
        late: Whether the rule is only checked at the end of a transaction.
        keyless: Nothing says that rows of the same key are one row.
    """

    name: str
    schema: str
    key: list[Key]
    columns: list[tuple[str, Kind]]
    rows: int
    primary: bool = True
    keyless: bool = False
    parent: "RandomTable | None" = None
    itself: bool = False
    later: "RandomTable | None" = None
    does: str = ""
    unique: str = ""
    partitioned: tuple[str, ...] = ()
    one_sided: bool = False
    secured: bool = False
    triggers: tuple[str, ...] = ()
    salt: int = 0
    shuffle: int = 0
    names: list[str] = field(default_factory=list)

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def keys(self) -> str:
        return ", ".join(quoted(key.name) for key in self.key)

    @property
    def references(self) -> list[tuple["RandomTable", list[str]]]:
        """The tables it refers to, with its own columns for it."""
        to = [(self.parent, "parent")] if self.parent else []
        to += [(self, "itself")] if self.itself else []
        to += [(self.later, "later")] if self.later else []
        return [(table, [f"{called} {key.name}" for key in table.key]) for table, called in to]

    def values(self) -> dict[str, str]:
        """Return the columns that writers give values to besides the key, and the expressions of them."""
        given = {name: kind.value(self.salt + place) for place, (name, kind) in enumerate(self.columns)}
        if self.unique:
            given |= {"code": "n * 10", "active": "n % 3 <> 0"}
        for to, names in self.references:
            order = f"ORDER BY md5(ROW({to.keys})::text || n) LIMIT 1"
            given |= {
                name: f"(SELECT {quoted(key.name)} FROM {to.sql} {order})"
                for name, key in zip(names, to.key, strict=True)
            }
        return given

    def made_keys(self) -> dict[str, str]:
        """Return the columns of the key that take a value from the writer, and the expressions of them."""
        return {key.name: key.value for key in self.key if not key.identity}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def random_tables(random: Random, *, in_order: bool) -> list[RandomTable]:
    """Return one to four tables, parents before children.

    Args:
        in_order: Rows can only go in the order of foreign keys: there is no circle, and nothing else is unique where a
            row is referred to.
    """
    tables: list[RandomTable] = []
    for name in random.sample(_NAMES, random.randint(1, 4)):
        tables.append(_table(random, name, tables))
    for table in tables if in_order else []:
        referred = any(other.parent is table for other in tables)
        table.itself, table.unique = False, "" if referred else table.unique
    if not in_order and not (tables[-1].partitioned or tables[-1].keyless) and random.random() < 0.2:
        tables[0].later = tables[-1]
    return tables


def _table(random: Random, name: str, others: list[RandomTable]) -> RandomTable:
    key, parents = _key(random), [other for other in others if not (other.partitioned or other.keyless)]
    keyless = random.random() < 0.2
    partitioned = _sides(random) if key[0].type == "bigint" and len(key) == 1 and random.random() < 0.25 else ()
    return RandomTable(
        name=name,
        schema=random.choice(("public", "public", "Other schema")),
        key=key,
        columns=list(zip(random.sample(_COLUMNS, 5), random.sample(KINDS, 5), strict=True))[: random.randint(0, 5)],
        rows=random.choice((0, 3, 40, 150)),
        primary=random.random() < 0.8 and not keyless,
        keyless=keyless,
        parent=random.choice(parents) if parents and random.random() < 0.6 else None,
        itself=not (partitioned or keyless) and random.random() < 0.2,
        does=random.choice(("", "ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE CASCADE ON UPDATE CASCADE")),
        unique="" if partitioned or random.random() < 0.5 else random.choice(list(_UNIQUE)),
        partitioned=partitioned,
        one_sided=random.random() < 0.3,
        secured=random.random() < 0.3,
        triggers=tuple(one for one in ("stamp", "refuse", "always") if random.random() < 0.3),
        salt=random.randint(0, 9),
        shuffle=random.randint(0, 99),
    )


def _sides(random: Random) -> tuple[str, ...]:
    return random.choice((("source", "target"), ("source", "target"), ("source",), ("target",)))


def _key(random: Random) -> list[Key]:
    name, other = random.sample(_KEYS, 2)
    text = "(ARRAY['k ', E'tab\\t', E'b\\\\ack', 'ü', ''])[1 + n % 5] || n"
    ends = "CASE n % 3 WHEN 0 THEN 9223372036854775807 - n WHEN 1 THEN n - 9223372036854775807 ELSE n END"
    several = [
        [Key(name, "bigint", "1000000 + n", identity=random.choice(_IDENTITY))],
        [Key(name, "bigint", "1000000 + n", identity=random.choice(_IDENTITY))],
        [Key(name, "text", text)],
        [Key(name, "uuid", "md5(n::text)::uuid")],
        [Key(name, 'text COLLATE "C"', "'c' || n")],
        [Key(name, "text COLLATE ignoring_case", "(ARRAY['k', 'K'])[1 + n % 2] || (n % 300)")],
        [Key(name, "integer", "n % 40"), Key(other, "text", text)],
        [Key(name, "bigint", ends)],
        [Key(name, "integer", "-n", target="bigint")],
        [Key(name, "numeric", "(n || '.50')::numeric")],
        [Key(name, "timestamptz", INSTANT)],
        [Key(name, "mood", f"(ARRAY[{', '.join(MOODS)}])[1 + n % 3]::mood"), Key(other, "smallint", "n % 30000")],
        [Key(name, "date", "date '2024-01-01' + (n % 90)::int"), Key(other, "bytea", "decode(md5(n::text), 'hex')")],
        [Key(name, "character varying(60)", text, target="text")],
    ]
    return random.choice(several)


# What is unique besides the key, over `code`.
_UNIQUE = {
    "plain": "CREATE UNIQUE INDEX ON {table} (code)",
    "late": "ALTER TABLE {table} ADD UNIQUE (code) DEFERRABLE INITIALLY DEFERRED",
    "partial": "CREATE UNIQUE INDEX ON {table} (code) WHERE active",
    "expression": "CREATE UNIQUE INDEX ON {table} ((code * 2))",
    "generated": "CREATE UNIQUE INDEX ON {table} (doubled)",
    "excluding": "ALTER TABLE {table} ADD EXCLUDE USING gist (int8range(code, code + 1) WITH &&)",
    "no nulls": "CREATE UNIQUE INDEX ON {table} (code) NULLS NOT DISTINCT",
}


def tables_on(side: str, tables: list[RandomTable]) -> Iterator[str]:
    """Return the statements that make the tables on a side, without their triggers."""
    moods = MOODS if side == "source" else MOODS[::-1]
    yield BEFORE_TABLES.format(moods=", ".join(moods))
    for table in tables:
        yield _created(side, table)
        if side in table.partitioned:
            yield from _partitions(table)
        if table.unique:
            yield _UNIQUE[table.unique].format(table=table.sql)
        yield f"ALTER TABLE {table.sql} DROP COLUMN dropped"
    for table in tables:
        if table.later:
            yield f"ALTER TABLE {table.sql} ADD {_foreign_key(table, table.later, 'later')} DEFERRABLE"


def _created(side: str, table: RandomTable) -> str:
    lines = [_key_column(side, key) for key in table.key]
    lines += [_value_column(side, name, kind) for name, kind in table.columns]
    if table.unique:
        lines += ["code bigint", "active bool", "doubled bigint GENERATED ALWAYS AS (code * 2) STORED"]
    lines += [
        f"{quoted(n)} {k.target if k.target and side == 'target' else k.type}"
        for to, names in table.references
        for n, k in zip(names, to.key, strict=True)
    ]
    lines += ["updated_at timestamptz DEFAULT '2020-01-01'", "dropped int"]
    if table.one_sided:
        lines.append(f"only_{side} text NOT NULL DEFAULT 'mine on the {side}'")
    if side == "target":
        Random(table.shuffle).shuffle(lines)
    if not table.keyless:
        lines.append(f"{'PRIMARY KEY' if table.primary else 'UNIQUE'} ({table.keys})")
    if table.parent:
        lines.append(_foreign_key(table, table.parent, "parent"))
    if table.itself:
        lines.append(_foreign_key(table, table, "itself"))
    by = f"PARTITION BY RANGE ({table.keys})" if side in table.partitioned else ""
    return f"CREATE TABLE {table.sql} ({', '.join(lines)}) {by}"


def _foreign_key(table: RandomTable, to: RandomTable, called: str) -> str:
    mine = ", ".join(quoted(f"{called} {key.name}") for key in to.key)
    return f"FOREIGN KEY ({mine}) REFERENCES {to.sql} ({to.keys}) {table.does}"


def _key_column(side: str, key: Key) -> str:
    given = f"GENERATED {key.identity} AS IDENTITY" if key.identity else ""
    return f"{quoted(key.name)} {key.target if key.target and side == 'target' else key.type} NOT NULL {given}"


def _value_column(side: str, name: str, kind: Kind) -> str:
    collation = f"COLLATE {kind.collation}" if kind.collation else ""
    return f"{quoted(name)} {kind.type_on(side)} {collation}"


def _partitions(table: RandomTable) -> Iterator[str]:
    for name, span in (("low", "FROM (MINVALUE) TO (20)"), ("middle", "FROM (20) TO (1000)")):
        yield f"CREATE TABLE {leaf(table, name)} PARTITION OF {table.sql} FOR VALUES {span}"
    yield f"CREATE TABLE {leaf(table, 'rest')} PARTITION OF {table.sql} DEFAULT"


def leaf(table: RandomTable, name: str) -> str:
    return f"{quoted(table.schema)}.{quoted(f'{table.name} {name}')}"
