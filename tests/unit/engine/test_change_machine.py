"""Commands in any order, doubled, late, and with replies that are lost: the end is as if each had come once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.engine.change_control import ChangeControl
from shared.engine.records import ACTIVE, CHANGE, INBOX, Active, Arrived, decode, encode
from shared.errors import OutcomeUnknown, Refused
from shared.model.change import Change, ChangeStatus
from shared.model.command import CommandBody
from shared.ports import Delete, Put, Row, Write
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy

POLICY = policy(
    ("pushed: load,", "pushed: change.counts.rows,"),
    ("unit: percent, ", ""),
    ("pushed: migration.confidence, scale", "pushed: change.confidence, scale"),
    ("notify:", 'control: {hook: "https://orders.example/hook", secret: "long enough to sign"}\nnotify:'),
)
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(slots=True)
class Lossy:
    """A ledger whose next reply is lost when it is told so: the write is there all the same."""

    inner: MemoryLedger = field(default_factory=MemoryLedger)
    lose: bool = False

    def read(self, workload: str, key: str) -> Row | None:
        return self.inner.read(workload, key)

    def scan(self, workload: str, prefix: str, *, limit: int = 1000) -> list[Row]:
        return self.inner.scan(workload, prefix, limit=limit)

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        versions = self.inner.commit(workload, writes)
        if self.lose:
            self.lose = False
            raise OutcomeUnknown("writing: the connection ended without an answer")
        return versions


@dataclass(frozen=True, slots=True)
class Sent:
    """A command as it is sent: how often at once, whether a reply is lost, and which earlier one comes again after."""

    body: dict[str, Any]
    times: int
    lost: bool
    again: int | None


@dataclass(slots=True)
class World:
    """A workload, and what became of every command to it."""

    ledger: Lossy = field(default_factory=Lossy)
    clock: FakeClock = field(default_factory=FakeClock)
    answers: list[bool] = field(default_factory=list)

    def send(self, body: dict[str, Any]) -> bool:
        """Send a command until there is an answer; tells whether it was obeyed."""
        if body["command"] == "rollback":
            return self._turn(body["on"])
        command = CommandBody.model_validate(body).root
        control = ChangeControl(self.ledger, MemoryDoorbell(), lambda: {"orders": POLICY}, self.clock)
        while True:
            try:
                found = control.obey("orders", command, "ann").change
            except OutcomeUnknown:
                continue
            except Refused:
                return False
            assert found.status in ChangeStatus
            return True

    def _turn(self, on: bool) -> bool:
        """A rollback begins or ends, by somebody else's doing."""
        there = self.ledger.read("orders", ACTIVE)
        if on and not there:
            self.ledger.commit("orders", [Put(ACTIVE, encode(Active("orders.20260301T120000000000")))])
        elif there and not on:
            self.ledger.commit("orders", [Delete(ACTIVE)])
        return True

    @property
    def change(self) -> Change | None:
        row = self.ledger.read("orders", CHANGE)
        return decode(Change, row.body) if row else None

    def rows(self) -> dict[str, str]:
        """All that is kept, but for the versions."""
        return {row.key: row.body for row in self.ledger.scan("orders", "")}


_WORDS = st.sampled_from(["pause", "resume", "slow", "complete", "fail"]).map(lambda word: {"command": word})
_STARTS = st.builds(
    lambda build, kind: {"command": "start", "build": build, "kind": kind},
    st.sampled_from(["b1", "b2"]),
    st.sampled_from(["deployment", "migration"]),
)
_CHECKPOINTS = st.builds(
    lambda confidence, rows: {"command": "checkpoint", "confidence": confidence, "counts": {"rows": rows}},
    st.integers(0, 10).map(float),
    st.integers(0, 100),
)
_ERRORS = st.sampled_from(SEVERITIES).map(lambda how: {"command": "error", "severity": how, "text": "row 7"})
_ROLLBACKS = st.booleans().map(lambda on: {"command": "rollback", "on": on})
_SENT = st.builds(
    Sent,
    body=st.one_of(_STARTS, _WORDS, _CHECKPOINTS, _ERRORS, _ROLLBACKS),
    times=st.integers(1, 3),
    lost=st.booleans(),
    again=st.none() | st.integers(0, 30),
)


def bodies(story: Sequence[Sent]) -> list[dict[str, Any]]:
    """Give every command an id of its own."""
    return [
        one.body if one.body["command"] == "rollback" else one.body | {"id": f"k{number}"}
        for number, one in enumerate(story)
    ]


def played(story: Sequence[Sent], *, badly: bool) -> World:
    world, sent = World(), bodies(story)
    for number, (one, body) in enumerate(zip(story, sent, strict=True)):
        world.ledger.lose = badly and one.lost and body["command"] != "rollback"
        obeyed = world.send(body)
        world.ledger.lose = False
        world.answers.append(obeyed)
        if badly:
            for _ in range(one.times - 1):
                assert world.send(body) is obeyed
            late = one.again
            if late is not None and late <= number and sent[late]["command"] != "rollback":
                assert world.send(sent[late]) is world.answers[late]
        world.clock.forward(1)
    return world


@settings(max_examples=150, deadline=None)
@given(st.lists(_SENT, max_size=30))
def test_the_end_is_as_if_each_command_had_come_once(story: list[Sent]) -> None:
    badly, well = played(story, badly=True), played(story, badly=False)
    assert badly.answers == well.answers
    assert badly.rows() == well.rows()


def since_the_start(story: Sequence[Sent], answers: Sequence[bool], change: Change) -> list[dict[str, Any]]:
    """Return what was obeyed since the change began, whose instant is the second of its start."""
    begun = int((change.started_at - FakeClock().now).total_seconds())
    return [one.body for one, obeyed in list(zip(story, answers, strict=True))[begun:] if obeyed]


@settings(max_examples=150, deadline=None)
@given(st.lists(_SENT, max_size=30))
def test_the_counts_are_those_of_what_was_obeyed(story: list[Sent]) -> None:
    world = played(story, badly=True)
    change = world.change
    if change is None:
        assert not any(ok for ok, one in zip(world.answers, story, strict=True) if one.body["command"] != "rollback")
        return
    counted = since_the_start(story, world.answers, change)
    checkpoints = [body for body in counted if body["command"] == "checkpoint"]
    errors = [body["severity"] for body in counted if body["command"] == "error"]
    progress = change.progress
    assert progress.checkpoints == len(checkpoints)
    assert progress.confidence_sum == sum(body["confidence"] for body in checkpoints)
    assert progress.counts == ({"rows": max(b["counts"]["rows"] for b in checkpoints)} if checkpoints else {})
    assert progress.errors == {severity: errors.count(severity) for severity in SEVERITIES if severity in errors}


@settings(max_examples=100, deadline=None)
@given(st.lists(_SENT, max_size=30))
def test_what_is_pushed_is_what_is_counted(story: list[Sent]) -> None:
    world = played(story, badly=True)
    samples = [
        (sample.at, sample.id, name, sample.value)
        for row in world.ledger.scan("orders", INBOX)
        for name, found in decode(Arrived, row.body).samples.items()
        for sample in found
    ]
    change = world.change
    newest = {name: value for _, _, name, value in sorted(samples)}
    if change is None:
        assert newest == {}
        return
    counts = change.progress.counts
    confidence = 10.0 if change.progress.confidence is None else change.progress.confidence
    assert newest == {"change.confidence": confidence, "change.counts.rows": float(counts.get("rows", 0))}


@settings(max_examples=100, deadline=None)
@given(st.lists(_SENT, max_size=30))
def test_a_change_that_is_over_stays_over(story: list[Sent]) -> None:
    world = World()
    over: dict[str, ChangeStatus] = {}
    for body in bodies(story):
        world.send(body)
        change = world.change
        if change is not None:
            assert change.status is over.get(change.id, change.status)
            if not change.in_progress:
                over[change.id] = change.status
        world.clock.forward(1)
