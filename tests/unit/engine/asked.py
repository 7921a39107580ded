"""A workload of which something is asked: a ledger in memory, a clock that stands still, and who may answer."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.adapters.links import Links
from shared.decision.asking import Wanted
from shared.engine.asking import Asking
from shared.engine.asks import Asks
from shared.engine.records import (
    ASK,
    ASKED,
    EVENT,
    KNOWN_GOOD,
    OUTBOX,
    WATCH,
    Snapshot,
    decode,
    encode,
    run_key,
    snapshot,
)
from shared.engine.start import id_of_run, new_rollback, starting_writes
from shared.errors import Refused
from shared.model.ask import Ask
from shared.model.caller import Caller, Proof, Role
from shared.model.change import KnownGood
from shared.model.checkpoint import Checkpoints
from shared.model.event import Delivery, Event
from shared.model.policy import Policy
from shared.model.policy_approval import Approval, rule_for
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState
from shared.ports import Ledger, Put, Write
from shared.web.link_pages import LinkPages
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy

LEVELS = "levels: {1: {}, 2: {roads: [slot_swap], budget: 5m}, 3: {roads: [slot_swap], budget: 10m}}\nnotify:"
KEY = b64encode(b"0123456789abcdef0123456789abcdef").decode()
WARNING = "error_rate 0.06 > 0.05 for 64 s (min 60 s, 1,280 requests)"
QUIET = "error_rate 0.00 <= 0.05 (400 requests)"


def approver(name: str, proof: Proof = Proof.TOKEN, roles: frozenset[Role] = frozenset({Role.APPROVER})) -> Caller:
    return Caller(id=f"entra:t:{name}", name=name, roles=roles, proof=proof, origin="203.0.113.7")


def by_link(recipient: str = "webhook:ops") -> Caller:
    return Caller(id=f"link:{recipient}", name=recipient, roles=frozenset(), proof=Proof.LINK)


ANN, BOB, CHO = approver("ann"), approver("bob"), approver("cho")


@dataclass(slots=True)
class Asked:
    """The world of one workload, `orders`, at noon: build b2 is bad and b1 is the known good."""

    policy: Policy = field(default_factory=lambda: policy(("notify:", LEVELS)).of_version("v1"))
    own: dict[int, Approval] = field(default_factory=dict)
    warned: Approval = field(default_factory=Approval)
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    why_not: str = ""

    def __post_init__(self) -> None:
        good = KnownGood(build="b1", recorded_at=self.clock(), recorded_by="a pipeline")
        self.ledger.commit("orders", [Put(KNOWN_GOOD, encode(good))])
        self.see(TriggerState.FIRING, Verdict.UNHEALTHY, WARNING)

    @property
    def asking(self) -> Asking:
        return Asking(self._rule, self._start, self.clock)

    @property
    def asks(self) -> Asks:
        return Asks(self.ledger, self.doorbell, self._policies, self.asking)

    @property
    def links(self) -> Links:
        return Links(KEY, "https://controller.example/api/answers")

    @property
    def pages(self) -> LinkPages:
        return LinkPages(self.asks, self.links, self.clock)

    def see(self, state: TriggerState, verdict: Verdict | None, sentence: str) -> None:
        """The trigger says something else from now on."""
        reading = TriggerReading(name="errors", tier=Tier.WARNING, state=state, verdict=verdict, sentence=sentence)
        self.ledger.commit("orders", [Put(WATCH, encode(WatchState(readings=(reading,), sentence=sentence)))])

    def heal(self) -> None:
        self.see(TriggerState.INACTIVE, Verdict.HEALTHY, QUIET)

    def wanted(self, level: int = 1, by: Caller | None = None) -> Wanted:
        return Wanted(
            id=id_of_run("orders", self.clock()),
            level=level,
            build="b1",
            bad_build="b2",
            cause="users cannot pay" if by else WARNING,
            trigger="" if by else "errors",
            requested_by_id=by.id if by else "watch",
            requested_by=by.name if by else "watch",
        )

    def ask(self, level: int = 1, by: Caller | None = None) -> Ask:
        """Ask, as the watch does in the commit of its cycle."""
        writes = self.asking.ask(self.policy, self.found, self.current, self.wanted(level, by))
        if writes:
            self.ledger.commit("orders", writes)
        return self.open

    def sweep(self) -> list[Write]:
        """Apply the default, as the watch does in the commit of its cycle."""
        writes = self.asking.sweep(self.policy, self.found, self.open)
        if writes:
            self.ledger.commit("orders", writes)
        return writes

    @property
    def found(self) -> Snapshot:
        return snapshot(self.ledger, "orders")

    @property
    def current(self) -> Ask | None:
        row = self.ledger.read("orders", ASK)
        return decode(Ask, row.body) if row else None

    @property
    def open(self) -> Ask:
        assert self.current is not None
        return self.current

    def over(self, ask: Ask) -> Ask:
        """The question as it is kept when it is over."""
        row = self.ledger.read("orders", f"{ASKED}{ask.id}")
        assert row is not None
        return decode(Ask, row.body)

    @property
    def told(self) -> list[str]:
        """The sentences of the history, oldest first."""
        return [decode(Event, row.body).sentence for row in reversed(self.ledger.scan("orders", EVENT))]

    @property
    def deliveries(self) -> list[Delivery]:
        return [decode(Delivery, row.body) for row in self.ledger.scan("orders", OUTBOX)]

    def begun(self, ask: Ask) -> bool:
        """Whether what was asked for has begun."""
        return self.ledger.read("orders", run_key(ask.id)) is not None

    @property
    def runs(self) -> int:
        return len(self.ledger.scan("orders", "run:"))

    def _policies(self) -> Mapping[str, Policy]:
        return {"orders": self.policy}

    def _rule(self, _: Policy, level: int, trigger: str, __: Checkpoints) -> Approval | None:
        return rule_for(level, self.own.get(level), self.warned if trigger else None)

    def _start(self, ask: Ask, why: str, found: Snapshot) -> Sequence[Write]:
        if found.active or self.why_not:
            raise Refused(self.why_not or f"rollback {found.active_id} is still running")
        run = new_rollback(
            self.policy,
            level=ask.level,
            known_good=ask.build,
            cause=f"{ask.cause}; {why}",
            requested_by=ask.requested_by,
            trigger=ask.trigger,
            times=found.road_times,
            now=self.clock(),
        )
        return starting_writes(self.policy, replace(run, id=ask.id))
