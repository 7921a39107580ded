"""What a rollback costs at the storage account, by kind of road: from the commit that starts it to the last one.

The app reaches its tables and queues through counting proxies; its timers stand still, so that nothing but rollbacks
is counted. What comes before, the decision and the fleet's budget, is the watch's. What the host does by
itself is not counted: it polls its queues whether or not there is work, and deletes one message for each that was sent.
"""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from math import ceil
from typing import NamedTuple
from urllib.parse import unquote

from bench.counting_proxy import through_proxies
from bench.measuring import Figure, quantile
from bench.roads.rounds import all_rounds
from bench.roads.steered_rig import steered_rig
from bench.roads.table import ROADS
from local.loopback import Request
from local.rig.rig import Rig

RUNS = 3
KINDS = ("reads", "commits", "messages")
_NEVER = "0 0 0 1 1 *"
_TIMERS = ("WATCH_SCHEDULE", "EVALUATE_SCHEDULE", "POISON_SCHEDULE", "READINESS_SCHEDULE", "ROLL_UP_SCHEDULE")
_MESSAGE = re.compile(rb"<MessageText>(.*?)</MessageText>")
# Where a request names the workload: in a key, a filter, an entity; a message, in the id of its rollback.
_PARTITION = re.compile(r"PartitionKey\W+(?:eq\W+)?([~\w-]+)")
_RING = re.compile(r'"rollback": "([\w-]+)\.')


class Transaction(NamedTuple):
    """One request: its kind, the workload that it is about, and all that it says, readable."""

    kind: str
    workload: str
    text: str


def road_transactions() -> Iterator[Figure]:
    """Transactions of a rollback by kind of road, with their kinds."""
    seen: list[Request] = []
    with ExitStack() as stack:

        def settings(rig: Rig) -> Mapping[str, str]:
            storage = through_proxies(rig.storage, seen, stack)
            return {"AzureWebJobsStorage": storage, **dict.fromkeys(_TIMERS, _NEVER)}

        rig = stack.enter_context(steered_rig(ROADS, settings))
        found = all_rounds(rig, ROADS, lambda road: ceil(RUNS / road.lanes))
    transactions = [each for request in seen if (each := transaction_of(request))]
    for kind, runs in found.items():
        counts = [counted(transactions, run.rollback_id) for run in runs]
        by_kind = {each: quantile([count[each] for count in counts], 0.5) for each in KINDS}
        notes = {"p50_by_kind": by_kind, "platform_s": dict(ROADS[kind].platform_s)}
        totals = [count.total() for count in counts]
        yield Figure(f"storage_transactions_{kind}", "transactions/rollback", totals, notes=notes)


def transaction_of(request: Request) -> Transaction | None:
    """Read a request; `None` for what is the host's own."""
    if "/messages" not in request.path:
        kind = "reads" if request.method == "GET" else "commits"
        return _about(_PARTITION, kind, unquote(f"{request.path}\n{request.body.decode(errors='replace')}"))
    message = _MESSAGE.search(request.body)
    if request.method != "POST" or message is None:
        return None
    return _about(_RING, "messages", b64decode(message[1]).decode(errors="replace"))


def _about(named: re.Pattern[str], kind: str, text: str) -> Transaction | None:
    workload = named.search(text)
    return Transaction(kind, workload[1], text) if workload else None


def counted(transactions: Sequence[Transaction], rollback_id: str) -> Counter[str]:
    """Count by kind what was asked for a run's workload between the first and the last commit of its record."""
    record, workload = f"run:{rollback_id}", rollback_id.partition(".")[0]
    own = [place for place, each in enumerate(transactions) if each.kind == "commits" and record in each.text]
    return Counter(each.kind for each in transactions[own[0] : own[-1] + 1] if each.workload == workload)
