"""Both sides of a moved database as a source: real PostgreSQL servers, and each way in which nobody can compare them.

A server has the databases of all stories. Both sides are reached through links that can be made bad.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg

from local.postgres import OLD, Cluster
from local.tcp_proxy import Fault as LinkFault
from local.tcp_proxy import Proxy, Way
from shared.adapters.data_source import DataSource
from shared.ports import SampleSource
from tests.contract.postgres.pairs import PASSWORD, ROLES, Database, Pair, Servers
from tests.contract.postgres_corruption.planted import damage
from tests.contract.postgres_corruption.planted import start as begin_change
from tests.scenarios.fault_matrix.ground import Address, Story, address_of
from tests.scenarios.fault_matrix.kinds import Fault
from tests.scenarios.fault_matrix.monitor import AskedOnce

_STORIES = {Story.QUIET: Story.QUIET, Story.PENDING: Story.PENDING, Story.UNHEARD: Story.QUIET}
_TABLE = ("CREATE TABLE items (id int PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a'), (2, 'a'), (3, 'a')")
_SPOIL = "UPDATE items SET a = '{}' WHERE id = 2"
_TRIGGER = "ALTER TABLE items {} TRIGGER rollback_controller_log_update"
_CHECKPOINT = "UPDATE rollback_controller.checkpoint SET {}"
_ROLE = "ALTER ROLE keeper {}"


@dataclass(slots=True)
class Links:
    """The ways to both sides of all stories; `kept` is closed with the play."""

    source: Proxy
    target: Proxy
    ways: Mapping[str, ExitStack]
    kept: ExitStack

    def refuse(self, side: str) -> None:
        self.ways[side].close()


@dataclass(frozen=True, slots=True)
class ComparedFace:
    """How a fault looks here.

    Attributes:
        does: What a superuser runs in a side of every story.
        ends: What takes back that of it which is not of one database.
        link: What becomes of the ways to both sides.
        locks: Somebody locks the target's table, and is at it for long.
        stands: Damage that was found before is known all the same; the fault hides only what is new. See `laws.py`.
    """

    does: tuple[str, ...] = ()
    side: str = "target"
    ends: tuple[str, ...] = ()
    link: Callable[[Links], None] | None = None
    locks: bool = False
    stands: bool = False


FACES: Mapping[Fault, Mapping[str, ComparedFace]] = {
    Fault.DOWN: {
        "the source refuses connections": ComparedFace(link=lambda links: links.refuse("source")),
        "the target refuses connections": ComparedFace(link=lambda links: links.refuse("target")),
        "the target resets connections": ComparedFace(link=lambda links: links.target.reset()),
        "the link breaks in a round": ComparedFace(
            link=lambda links: links.target.strike_after_bytes(LinkFault.CUT, 9_000, Way.TO_CLIENT)
        ),
    },
    Fault.FORBIDDEN: {
        "another password": ComparedFace(
            (_ROLE.format("PASSWORD 'another'"),), ends=(_ROLE.format(f"PASSWORD '{PASSWORD}'"),)
        ),
        "the role may not log in": ComparedFace((_ROLE.format("NOLOGIN"),), ends=(_ROLE.format("LOGIN"),)),
        "the table may not be read": ComparedFace(("REVOKE ALL ON items FROM keeper",)),
        "the source's may not be read": ComparedFace(("REVOKE ALL ON items FROM keeper",), side="source"),
    },
    Fault.EMPTY: {
        "the table was emptied": ComparedFace(("TRUNCATE items",), stands=True),
        "there is no checkpoint": ComparedFace(("DELETE FROM rollback_controller.checkpoint",)),
    },
    Fault.STALE: {
        "the checkpoint is of another server": ComparedFace((_CHECKPOINT.format("system = '1'"),), stands=True),
        "for a moment nothing was logged": ComparedFace(
            (_TRIGGER.format("DISABLE"), _TRIGGER.format("ENABLE")), stands=True
        ),
    },
    Fault.NAN: {
        "a checkpoint of another kind": ComparedFace(
            (_CHECKPOINT.format("""content = content || '{"capture": "slot"}'"""),), stands=True
        ),
        "a checkpoint that says nothing": ComparedFace((_CHECKPOINT.format("content = '{}'"),)),
    },
    Fault.RENAMED: {
        "the table has another name": ComparedFace(("ALTER TABLE items RENAME TO items_v2",), stands=True),
        "the table is gone on the source": ComparedFace(("DROP TABLE items",), side="source", stands=True),
        "a column has another name": ComparedFace(("ALTER TABLE items RENAME a TO b",), stands=True),
        "our own schema is gone": ComparedFace(("DROP SCHEMA rollback_controller CASCADE",)),
    },
    Fault.NO_TRAFFIC: {"what is written is not logged": ComparedFace((_TRIGGER.format("DISABLE"),), stands=True)},
    Fault.SLOW: {
        "the table is locked": ComparedFace(locks=True),
        "the target does not answer": ComparedFace(link=lambda links: links.target.stall()),
    },
}


@dataclass(slots=True)
class Bases:
    """The databases of the stories, for as long as a fault leaves them as they were."""

    servers: Servers
    pairs: dict[Story, Pair] = field(default_factory=dict)
    _made: ExitStack = field(default_factory=ExitStack)

    def ready(self) -> None:
        """Have a change begin in every pair that was made anew, with all rows alike."""
        if not self.pairs:
            for story in dict.fromkeys(_STORIES.values()):
                self.pairs[story] = pair = self._made.enter_context(self.servers.pair(OLD, OLD))
                pair.run(*_TABLE)
                begin_change(pair)

    def forget(self) -> None:
        """Drop what a fault has changed."""
        self.pairs.clear()
        self._made.close()


@contextmanager
def bases() -> Iterator[Bases]:
    """Run a server for all plays."""
    with Cluster(OLD) as cluster:
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute(ROLES)
        found = Bases(Servers({OLD: cluster}))
        try:
            yield found
        finally:
            found.forget()


class ComparedGround:
    """Fulfils `Ground`."""

    def __init__(self, made: Bases, links: Links, face: ComparedFace | None) -> None:
        self._made = made
        self._links = links
        self._ports = {"source": links.source.port, "target": links.target.port}  # a link that is gone has none
        self._face = face
        self._bad: dict[Story, bool] = {}
        # The tiers differ in what is made of a reading, not in the reading, which is two sessions and forty statements.
        self._source = AskedOnce(DataSource(lambda: ""))

    def sources(self) -> Mapping[str, SampleSource]:
        return {"damaged": self._source}

    def address(self, story: Story) -> Address:
        pair = self._made.pairs[_STORIES[story]]
        dsns = {side.called.upper(): self._dsn(side) for side in (pair.source, pair.target)}
        return address_of(story, f"https://{story.value}.example", dsns)

    def _dsn(self, side: Database) -> str:
        return f"postgresql://keeper:{PASSWORD}@127.0.0.1:{self._ports[side.called]}/{side.name}"

    def turn(self, story: Story, *, bad: bool) -> None:
        if self._bad.get(story, False) is not bad:
            damage(self._made.pairs[_STORIES[story]].target, _SPOIL.format("b" if bad else "a"))
            self._bad[story] = bad

    def strike(self) -> None:
        assert self._face is not None
        for pair in self._made.pairs.values():
            self._strike_at(pair, self._face)
        if self._face.link is not None:
            self._face.link(self._links)

    def _strike_at(self, pair: Pair, face: ComparedFace) -> None:
        with {"source": pair.source, "target": pair.target}[face.side].connect() as connection:
            for statement in face.does:
                connection.execute(statement)
        if face.locks:
            busy = self._links.kept.enter_context(pair.target.connect())
            busy.execute("BEGIN")
            busy.execute("LOCK TABLE items")

    def mend(self) -> None:
        """Leave the databases as they were, or none."""
        self._links.kept.close()
        if self._face is not None and self._face.does:
            with next(iter(self._made.pairs.values())).target.connect() as connection:
                for statement in self._face.ends:
                    connection.execute(statement)
            self._made.forget()
        else:
            for story in self._bad:
                self.turn(story, bad=False)


@contextmanager
def compared(made: Bases, face: ComparedFace | None) -> Iterator[ComparedGround]:
    """Have all in order before a play, and after it."""
    made.ready()
    port = next(iter(made.pairs.values())).source.cluster.port
    with ExitStack() as source, ExitStack() as target, ExitStack() as kept:
        proxies = [way.enter_context(Proxy("127.0.0.1", port)) for way in (source, target)]
        links = Links(proxies[0], proxies[1], {"source": source, "target": target}, kept)
        ground = ComparedGround(made, links, face)
        try:
            yield ground
        finally:
            ground.mend()
