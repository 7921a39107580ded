"""The rows of buckets that are not the same on both sides, where these are found by reading all of a table in parts.

They are brought together on the source, each as its side, its bucket, its key and its hash, as the bytes that COPY
writes of them. What is there on each side is the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import column, columns, listed, ours
from shared.errors import PermanentError
from shared.model.sync import SyncTable


@dataclass(frozen=True, slots=True)
class Suspects:
    """Those of one table.

    Attributes:
        lasting: They outlive this connection.
    """

    source: Connection[Rows]
    of: SyncTable
    lasting: bool

    @property
    def _name(self) -> Identifier:
        name = f"suspect_{self.of.source_oid}"
        return ours(name) if self.lasting else Identifier("pg_temp", name)

    def make(self) -> None:
        """Make room for them; what is left of another time goes."""
        key = listed(SQL('{} text COLLATE "C"').format(column(name)) for name in self.of.key)
        with self.source.transaction():
            self.drop()
            self.source.execute(
                SQL("CREATE TABLE {} (rollback_side int2, rollback_bucket int8, {}, rollback_hash int8)").format(
                    self._name, key
                )
            )
            self.source.execute(SQL("CREATE INDEX ON {} (rollback_bucket)").format(self._name))

    def add(self, lines: Iterable[bytes]) -> None:
        with self.source.cursor().copy(SQL("COPY {} FROM STDIN").format(self._name)) as rows:
            for line in lines:
                rows.write(line)

    def differing(self, buckets: Sequence[int]) -> list[bytes]:
        """Return the keys of some buckets whose rows are not the same on both sides, as lines of COPY's text format.

        Raises:
            PermanentError: a key is there more than once on a side.
        """
        twice: Any = self.source.execute(self._twice(buckets)).fetchone()
        if twice[0]:
            raise damaged(self.of)
        with self.source.cursor().copy(self._once(buckets)) as rows:
            return [bytes(line) for line in rows]

    def drop(self) -> None:
        self.source.execute(SQL("DROP TABLE IF EXISTS {}").format(self._name))

    def _once(self, buckets: Sequence[int]) -> Composed:
        key = columns(self.of.key)
        return SQL(
            "COPY (SELECT DISTINCT {} FROM (SELECT {} FROM {} WHERE rollback_bucket = ANY ({}::int8[])"
            " GROUP BY {}, rollback_hash HAVING count(*) = 1) AS once) TO STDOUT"
        ).format(key, key, self._name, Literal(list(buckets)), key)

    def _twice(self, buckets: Sequence[int]) -> Composed:
        return SQL(
            "SELECT EXISTS (SELECT FROM {} WHERE rollback_bucket = ANY ({}::int8[])"
            " GROUP BY rollback_side, {}, rollback_hash HAVING count(*) > 1)"
        ).format(self._name, Literal(list(buckets)), columns(self.of.key))


def damaged(of: SyncTable) -> PermanentError:
    """Return what is said of a table that has a row more than once."""
    return PermanentError(f"{of.name}: a row is there more than once, past the index of its key (REINDEX)")
