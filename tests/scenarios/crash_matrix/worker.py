"""A worker: a process of its own that takes one run to its end, as the host would over many messages.

It is built as the app is, on a real storage account and with the real adapters. It has nothing in memory but modules:
the keeper forks it from a process that has only imported them, which is what makes it start in some hundredths of a
second instead of in one.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection

from shared.engine.levels import Steps
from shared.engine.promotions import Promotions
from shared.engine.records import RUN, load_run, snapshot
from shared.engine.steps.routing import SetRouting
from shared.engine.steps.traffic import SwapSlots
from shared.functions.advancing import advance
from shared.model.policy import Policy
from shared.model.policy_levels import SLOT_SWAP
from shared.model.stage import Stage
from shared.settings import read_settings
from shared.wiring import build
from tests.scenarios.crash_matrix.points import Interruption
from tests.scenarios.crash_matrix.promotions import watch_says
from tests.scenarios.crash_matrix.rows import fenced, keeper_of, with_rows
from tests.scenarios.crash_matrix.watched import WatchedLedger, WatchedRouting, WatchedSlots
from tests.scenarios.crash_matrix.way import Way
from tests.scenarios.crash_matrix.worlds import Forward

# What the adapters import on first use: imported before a worker is forked.
IMPORTED_BEFORE = (
    __name__,
    "azure.appconfiguration",
    "azure.data.tables",
    "azure.identity",
    "azure.mgmt.cdn",
    "azure.mgmt.dns",
    "azure.mgmt.trafficmanager",
    "azure.mgmt.web",
    "azure.storage.queue",
    "dns.query",
)
# A message about a run that is not due, or that somebody else is acting on, comes again after this.
_RUNG_AGAIN_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is given.

    Attributes:
        environment: The app's settings, and where the SDKs find its identity.
        ahead: By how much its clock runs ahead.
        forward: What is promoted; `None` when something is taken back.
        level: The level that is taken.
        then: The level that takes its place once writers are kept out of a database.
    """

    environment: Mapping[str, str]
    policy: Policy
    ahead: timedelta
    interruption: Interruption | None = None
    forward: Forward | None = None
    level: int = 1
    then: int = 0


def work(order: Order, line: Connection) -> None:
    """Start a run unless there is one, and take it, and what follows it, to its end."""
    logging.disable(logging.CRITICAL)  # what a worker says is the keeper's to judge
    os.environ.update(order.environment)
    way = Way(line, order.ahead, order.interruption)
    engine = _Engine(order, way)
    run_id: str | None = engine.begun()
    while run_id is not None:
        engine.hear_the_watch(run_id)
        engine.hear_people()
        advance(engine.runs, run_id)
        found = load_run(engine.runs.ledger, order.policy.workload, run_id)
        if found is not None and not found[0].status.ended:
            way.sleep(max(found[0].due_at, way.clock() + _RUNG_AGAIN_AFTER))
        else:
            run_id = snapshot(engine.runs.ledger, order.policy.workload).active_id
    engine.look_after_databases()


class _Engine:
    """The app's own engine, on watched parts."""

    def __init__(self, order: Order, way: Way) -> None:
        app = build(read_settings(order.environment), order.environment)
        self._order, self._way, self._unwatched = order, way, app.rollbacks.ledger
        self._ledger = ledger = WatchedLedger(app.rollbacks.ledger, way)
        steps = _watched(app.rollbacks.steps, ledger, way)
        self.runs = replace(
            app.rollbacks,
            ledger=ledger,
            steps=with_rows(steps, order.policy, ledger, way) if order.policy.databases else steps,
            policy_of=lambda _: order.policy,
            clock=way.clock,
        )
        policies = {order.policy.workload: order.policy}
        self._by_hand = replace(app.by_hand, ledger=ledger, policies=lambda: policies, clock=way.clock)
        self._keeper = keeper_of(app.checkpoints, order.policy, ledger, way)
        self._promotions = Promotions(ledger, app.by_hand.doorbell, lambda: policies, way.clock, lambda _: None)

    def begun(self) -> str:
        """Return the run that there is; whoever asked for one that is not there asks again."""
        workload = self._order.policy.workload
        active = snapshot(self._ledger, workload).active_id
        known = [row.key.removeprefix(RUN) for row in self._ledger.scan(workload, RUN)]
        if active or known:
            return active or max(known)
        if self._order.forward is None:
            return self._by_hand.start(workload, self._order.level, "it is bad", "somebody").id
        watch_says(self._unwatched, workload, self._order.forward, None, self._way.clock())
        return self._promotions.start(workload, self._order.forward.build, "somebody").id

    def hear_people(self) -> None:
        """Somebody asks for a higher level, as soon as he sees that writers are kept out."""
        workload = self._order.policy.workload
        active = snapshot(self._unwatched, workload).active
        if self._order.then and active and active.rank < self._order.then and fenced(self._order.policy):
            self._by_hand.start(workload, self._order.then, "all of it", "somebody")

    def look_after_databases(self) -> None:
        """The timer comes around when all is over."""
        if self._order.policy.databases:
            self._keeper.keep(self._order.policy.workload)

    def hear_the_watch(self, run_id: str) -> None:
        if self._order.forward is None:
            return
        workload = self._order.policy.workload
        found = load_run(self._unwatched, workload, run_id)
        watch_says(self._unwatched, workload, self._order.forward, found[0] if found else None, self._way.clock())


def _watched(steps: Steps, ledger: WatchedLedger, way: Way) -> Steps:
    roads = dict(steps.roads)
    for kind, step in steps.roads.items():
        if isinstance(step, SwapSlots):
            roads[kind] = SwapSlots(WatchedSlots(step.slots, ledger, way))
        elif isinstance(step, SetRouting):
            roads[kind] = SetRouting(WatchedRouting(step.routing, ledger, way))
    stages = dict(steps.stages)
    if isinstance(roads.get(SLOT_SWAP), SwapSlots):
        stages[Stage.SWAP] = roads[SLOT_SWAP]
    return replace(steps, roads=roads, stages=stages)
