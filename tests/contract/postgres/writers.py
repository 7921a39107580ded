"""What applications do to a random database: transactions over several connections, from a seeded script.

One thread drives all connections statement by statement, so that transactions overlap the same way each time; who would
wait for another's lock gives up soon, and rolls back.
"""

# ruff: noqa: S608  # statements are made up here; names in them are quoted
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import psycopg
from psycopg import Connection

from tests.contract.postgres.clauses import NOTHING, OVERRIDING, all_columns, given, same, with_keys
from tests.contract.postgres.worlds import RandomTable, leaf, quoted

_IMPATIENT = "SET lock_timeout = '15ms'; SET jit = off; SET row_security = off; SET statement_timeout = '20s'"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement; with rows that are read first and then copied in, if it is a COPY."""

    sql: str
    rows: str = ""

    def run(self, connection: Connection) -> None:
        if not self.rows:
            connection.execute(self.sql)
            return
        with connection.cursor().copy(self.rows) as copy:
            lines = [bytes(line) for line in copy]
        with connection.cursor().copy(self.sql) as copy:
            for line in lines:
                copy.write(line)


@dataclass(slots=True)
class Script:
    """Makes up transactions.

    Attributes:
        n: The last number that a row was made from.
    """

    random: Random
    tables: list[RandomTable]
    n: int = 1_000

    def filling(self) -> Iterator[str]:
        """Return the statements that fill both sides alike."""
        for table in self.tables:
            columns, values = given(table)
            yield f"INSERT INTO {table.sql} {columns} SELECT {values} FROM generate_series(1, {table.rows}) AS n"

    def transaction(self) -> list[Step]:
        """Return the statements of one, with its beginning and its end."""
        steps = [Step("BEGIN")]
        for place in range(self.random.choice((1, 1, 1, 2, 4))):
            several = self._statements()
            if self.random.random() < 0.15:
                back = "ROLLBACK TO" if self.random.random() < 0.5 else "RELEASE"
                several = [Step(f"SAVEPOINT p{place}"), *several, Step(f"{back} p{place}")]
            steps += several
        return [*steps, Step("ROLLBACK" if self.random.random() < 0.1 else "COMMIT")]

    def _statements(self) -> list[Step]:
        table = self.random.choice(self.tables)
        kinds: dict[Callable[[RandomTable], list[Step]], int] = {
            self._insert: 20,
            self._update: 30,
            self._delete: 10,
            self._again: 8,
            self._rename: 8,
            self._double if table.keyless else self._upsert: 10,
            self._merge: 6,
            self._swap: 10,
            self._copy: 4,
            self._in_leaf: 6,
            self._sequence: 2,
            self._empty: 1 if self.random.random() < 0.3 else 0,
        }
        return self.random.choices(list(kinds), list(kinds.values()))[0](table)

    def _next(self, rows: int = 1) -> int:
        self.n += rows
        return self.n

    def _rows(self) -> int:
        return self.random.choice((1, 1, 1, 3, 25))

    def _numbers(self) -> str:
        rows = self._rows()
        last = self._next(rows)
        return f"generate_series({last - rows + 1}, {last}) AS n"

    def _picked(self, table: RandomTable, most: int) -> str:
        """Return a query of some keys."""
        salt = self._next()
        return f"SELECT {table.keys} FROM {table.sql} ORDER BY md5(ROW({table.keys})::text || '{salt}') LIMIT {most}"

    def _numbered(self, table: RandomTable) -> str:
        """Return a query of some keys that are there, each with a new number."""
        rows = self._rows()
        base = self._next(rows) - rows
        return f"SELECT {base} + row_number() OVER () AS n, p.* FROM ({self._picked(table, rows)}) AS p"

    def _insert(self, table: RandomTable) -> list[Step]:
        columns, values = given(table)
        return [Step(f"INSERT INTO {table.sql} {columns} SELECT {values} FROM {self._numbers()}")]

    def _copy(self, table: RandomTable) -> list[Step]:
        columns, values = given(table)
        if columns == NOTHING:
            return []
        return [
            Step(f"COPY {table.sql} {columns} FROM STDIN", f"COPY (SELECT {values} FROM {self._numbers()}) TO STDOUT")
        ]

    def _update(self, table: RandomTable) -> list[Step]:
        return [self._updated(table, table.sql)]

    def _updated(self, table: RandomTable, into: str) -> Step:
        values = table.values() | {"updated_at": "timestamptz '2024-05-05' + n * interval '1 s'"}
        some = self.random.sample(sorted(values), self.random.randint(1, min(3, len(values))))
        sets = ", ".join(f"{quoted(name)} = w.v{place}" for place, name in enumerate(some))
        new = ", ".join(f"{values[name]} AS v{place}" for place, name in enumerate(some))
        source = f"(SELECT {new}, f.* FROM ({self._numbered(table)}) AS f) AS w"
        return Step(f"UPDATE {into} AS x SET {sets} FROM {source} WHERE {same(table, 'x', 'w')}")

    def _delete(self, table: RandomTable) -> list[Step]:
        return [Step(f"DELETE FROM {table.sql} WHERE ({table.keys}) IN ({self._picked(table, self._rows())})")]

    def _again(self, table: RandomTable) -> list[Step]:
        """Delete rows and insert others of the same keys."""
        numbered, columns = self._numbered(table), all_columns(table)
        gone = f"gone_{self.n}"
        return [
            Step(f"CREATE TEMP TABLE {gone} ON COMMIT DROP AS {numbered}"),
            Step(f"DELETE FROM {table.sql} AS x USING {gone} AS g WHERE {same(table, 'x', 'g')}"),
            Step(f"INSERT INTO {table.sql} {columns} {OVERRIDING} SELECT {with_keys(table)} FROM {gone}"),
        ]

    def _rename(self, table: RandomTable) -> list[Step]:
        """Change keys."""
        if any(key.identity == "ALWAYS" for key in table.key):
            return []
        sets = ", ".join(f"{quoted(key.name)} = w.v{place}" for place, key in enumerate(table.key))
        new = ", ".join(f"{key.value} AS v{place}" for place, key in enumerate(table.key))
        source = f"(SELECT {new}, f.* FROM ({self._numbered(table)}) AS f) AS w"
        return [Step(f"UPDATE {table.sql} AS x SET {sets} FROM {source} WHERE {same(table, 'x', 'w')}")]

    def _upsert(self, table: RandomTable) -> list[Step]:
        values = table.values()
        sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in values)
        then = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
        return [
            Step(
                f"INSERT INTO {table.sql} {all_columns(table)} {OVERRIDING} SELECT {with_keys(table)}"
                f" FROM ({self._mixed(table)}) AS f ON CONFLICT ({table.keys}) {then}"
            )
        ]

    def _double(self, table: RandomTable) -> list[Step]:
        """Write rows that are the same as others."""
        names = all_columns(table)
        some = f"SELECT {names[1:-1]} FROM {table.sql} WHERE ({table.keys}) IN ({self._picked(table, 3)})"
        return [Step(f"INSERT INTO {table.sql} {names} {OVERRIDING} {some}")]

    def _merge(self, table: RandomTable) -> list[Step]:
        values = table.values()
        sets = ", ".join(f"{quoted(name)} = {value}" for name, value in values.items())
        update = f"WHEN MATCHED THEN UPDATE SET {sets}" if sets else ""
        keys = [f"f.{quoted(key.name)}" for key in table.key]
        return [
            Step(
                f"MERGE INTO {table.sql} AS x USING ({self._mixed(table)}) AS f ON {same(table, 'x', 'f')}"
                f" WHEN MATCHED AND n % 4 = 0 THEN DELETE {update} WHEN NOT MATCHED THEN INSERT {all_columns(table)}"
                f" {OVERRIDING} VALUES ({', '.join([*keys, *values.values()])})"
            )
        ]

    def _mixed(self, table: RandomTable) -> str:
        """Return a query of keys that are there, and of some that are not."""
        made = ", ".join(key.value for key in table.key)
        return f"SELECT * FROM ({self._numbered(table)}) AS o UNION ALL SELECT n, {made} FROM {self._numbers()}"

    def _swap(self, table: RandomTable) -> list[Step]:
        """Let two rows swap what is unique."""
        if not table.unique:
            return self._update(table)
        if table.unique == "late":
            other = f"(SELECT b.code FROM pair AS b WHERE ({same(table, 'b', 'x')}) IS FALSE)"
            picked = f"WHERE ({table.keys}) IN ({self._picked(table, 2)})"
            pair = f"WITH pair AS (SELECT code, {table.keys} FROM {table.sql} {picked})"
            return [
                Step(f"{pair} UPDATE {table.sql} AS x SET code = {other} FROM pair WHERE {same(table, 'x', 'pair')}")
            ]
        far = 10**12
        return [
            Step(f"UPDATE {table.sql} SET code = code + {far} WHERE ({table.keys}) IN ({self._picked(table, 2)})"),
            Step(
                f"UPDATE {table.sql} AS a SET code = (SELECT b.code - {far} FROM {table.sql} AS b"
                f" WHERE b.code > {far // 2} AND b.code <> a.code) WHERE a.code > {far // 2}"
            ),
            *([Step(f"UPDATE {table.sql} SET active = NOT active WHERE ({table.keys}) IN ({self._picked(table, 2)})")]),
        ]

    def _in_leaf(self, table: RandomTable) -> list[Step]:
        """Write into a partition directly."""
        if "target" not in table.partitioned or "source" not in table.partitioned:
            return self._update(table)
        return [self._updated(table, leaf(table, self.random.choice(("low", "middle", "rest"))))]

    def _sequence(self, table: RandomTable) -> list[Step]:
        return [Step("SELECT nextval('lonely')")]

    def _empty(self, table: RandomTable) -> list[Step]:
        return [Step(f"TRUNCATE {table.sql} CASCADE")]


@dataclass(slots=True)
class Lane:
    """A connection of an application, and what it still has to do in its transaction."""

    connection: Connection
    left: list[Step] = field(default_factory=list)
    done: int = 0
    failed: int = 0

    def begin(self, steps: list[Step]) -> None:
        self.left = list(steps)

    def step(self) -> None:
        try:
            self.left.pop(0).run(self.connection)
        except psycopg.Error:
            self.give_up()
        if not self.left:
            self.done += 1

    def at_once(self, steps: list[Step]) -> None:
        """Run a whole transaction in one go."""
        if any(step.rows for step in steps):
            self.begin(steps)
            self.finish()
            return
        try:
            self.connection.execute("; ".join(step.sql for step in steps))
        except psycopg.Error:
            self.give_up()
        self.done += 1

    def finish(self) -> None:
        while self.left:
            self.step()

    def give_up(self) -> None:
        self.failed += 1
        self.left = []
        self.connection.execute("ROLLBACK")


def drive(random: Random, lanes: list[Lane], script: Script, transactions: int) -> None:
    """Run so many transactions, most of them at once, the others statement by statement between each other."""
    for lane in lanes:
        lane.connection.execute(_IMPATIENT)
    for _ in range(transactions):
        lane = random.choice(lanes)
        while lane.left and random.random() < 0.8:
            lane.step()
        if lane.left:
            continue
        if random.random() < 0.8:
            lane.at_once(script.transaction())
        else:
            lane.begin(script.transaction())
    for lane in lanes:
        lane.finish()
