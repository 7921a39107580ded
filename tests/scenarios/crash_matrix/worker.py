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

from shared.engine.advance import Rollbacks
from shared.engine.by_hand import ByHand
from shared.engine.levels import Steps
from shared.engine.records import load_rollback, snapshot
from shared.engine.steps.routing import SetRouting
from shared.engine.steps.traffic import SwapSlots
from shared.model.policy import Policy
from shared.settings import read_settings
from shared.wiring import build
from tests.scenarios.crash_matrix.points import Interruption
from tests.scenarios.crash_matrix.watched import WatchedLedger, WatchedRouting, WatchedSlots
from tests.scenarios.crash_matrix.way import Way

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
    """

    environment: Mapping[str, str]
    policy: Policy
    ahead: timedelta
    interruption: Interruption | None = None


def work(order: Order, line: Connection) -> None:
    """Start a rollback unless there is one, and take it to its end."""
    logging.disable(logging.CRITICAL)  # what a worker says is the keeper's to judge
    os.environ.update(order.environment)
    way = Way(line, order.ahead, order.interruption)
    rollbacks, by_hand = _engine(order, way)
    rollback_id = _begun(by_hand, order.policy.workload)
    while True:
        rollbacks.advance(rollback_id)
        found = load_rollback(rollbacks.ledger, order.policy.workload, rollback_id)
        if found is None or found[0].status.ended:
            return
        way.sleep(max(found[0].due_at, way.clock() + _RUNG_AGAIN_AFTER))


def _engine(order: Order, way: Way) -> tuple[Rollbacks, ByHand]:
    app = build(read_settings(order.environment), order.environment)
    ledger = WatchedLedger(app.rollbacks.ledger, way)
    rollbacks = replace(
        app.rollbacks,
        ledger=ledger,
        steps=_watched(app.rollbacks.steps, ledger, way),
        policy_of=lambda _: order.policy,
        clock=way.clock,
    )
    policies = {order.policy.workload: order.policy}
    return rollbacks, replace(app.by_hand, ledger=ledger, policies=lambda: policies, clock=way.clock)


def _watched(steps: Steps, ledger: WatchedLedger, way: Way) -> Steps:
    roads = dict(steps.roads)
    for kind, step in steps.roads.items():
        if isinstance(step, SwapSlots):
            roads[kind] = SwapSlots(WatchedSlots(step.slots, ledger, way))
        elif isinstance(step, SetRouting):
            roads[kind] = SetRouting(WatchedRouting(step.routing, ledger, way))
    return replace(steps, roads=roads)


def _begun(by_hand: ByHand, workload: str) -> str:
    """Return the run that there is; whoever asked for one that is not there asks again."""
    found = snapshot(by_hand.ledger, workload)
    if found.active:
        return found.active.id
    return found.last.id if found.last else by_hand.start(workload, 1, "it is bad", "somebody").id
