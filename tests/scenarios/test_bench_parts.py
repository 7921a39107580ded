"""The benches can count: what a load meets is told apart by who failed, and a transaction by what it is about."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.counting_proxy import through_proxies
from bench.judging import TRIGGERS, evaluating, policy_of
from bench.load.visits import Visit, Visits
from bench.roads.transactions import counted, transaction_of
from local.azure_simulator.config import default_config
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from local.azurite import Azurite
from local.loopback import Request
from local.processes import Child
from shared.engine.records import run_key
from shared.model.policy import Policy
from shared.ports import Insert, Put
from shared.settings import read_settings
from shared.wiring import build

RATE = 50.0
_LASTS_S = 1.5
RUN = "shop.20261120T120000000000"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with launch_simulator(default_config()) as running:
        yield running


def _met(simulator: RunningSimulator, folder: Path) -> Visits:
    results = folder / "results.jsonl"
    arguments = ["--url", simulator.front_doors["demo"], "--rate", str(RATE), "--results", str(results)]
    with Child("bench.load.generator", arguments, folder / "load.log"):
        time.sleep(_LASTS_S)
    return Visits.read(results)


def test_a_load_is_sent_at_its_rate_and_all_of_it_is_served(simulator: RunningSimulator, tmp_path: Path) -> None:
    met = _met(simulator, tmp_path)
    told = met.counted("b1")
    assert told["requests"] >= RATE * _LASTS_S / 2
    assert (told["failed_in_bad_build"], told["failed_otherwise"]) == (0, 0)
    assert {visit.build for visit in met.all_of_them} == {"b1"}
    due = [visit.due_s for visit in met.all_of_them]
    assert due[-1] - due[0] == pytest.approx((len(due) - 1) / RATE)


def test_failures_of_the_front_end_and_cut_connections_are_not_the_builds(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """Whoever cannot see such failures would say that no rollback causes any."""
    simulator.control("POST", "/faults", {"api": "front_door", "kind": "status", "status": 503, "times": 3})
    simulator.control("POST", "/faults", {"api": "front_door", "kind": "cut_after", "times": 2})
    simulator.control("PUT", "/builds/b1/faults", {"fail_share": 0.5})
    try:
        told = _met(simulator, tmp_path).counted("b1")
    finally:
        simulator.control("DELETE", "/builds/b1/faults")
        simulator.control("DELETE", "/faults")
    assert told["failed_otherwise"] == 5
    assert 0 < told["failed_in_bad_build"] < told["requests"] - 5


def test_gaps_are_between_answers_and_late_requests_count_from_when_they_were_due() -> None:
    visits = Visits(
        [
            Visit(10.0, 10.0, 10.1, 200, "good"),
            Visit(10.5, 10.9, 11.0, 500, "bad"),
            Visit(11.0, 11.0, 11.4, 0, ""),
            Visit(11.5, 11.5, 11.6, 200, "good"),
        ],
        10.0,
        12.0,
    )
    told = visits.counted("bad")
    assert (told["failed_in_bad_build"], told["failed_otherwise"]) == (1, 1)
    assert (told["longest_gap_ms"], told["longest_gap_of_good_answers_ms"]) == (900.0, 1500.0)
    assert (told["p99_ms"], visits.sending["late_max_ms"]) == (500.0, 400.0)
    assert visits.between(10.5, 11.5).counted("bad")["requests"] == 2


@pytest.mark.storage
def test_transactions_of_a_run_are_those_of_its_workload_from_its_first_commit_to_its_last(tmp_path: Path) -> None:
    seen: list[Request] = []
    with Azurite() as storage, ExitStack() as stack:
        proxied = through_proxies(storage.connection_string, seen, stack)
        settings = {"AzureWebJobsStorage": proxied, "POLICY_FOLDER": str(tmp_path)}
        rollbacks = build(read_settings(settings), {}).rollbacks
        ledger, bell = rollbacks.ledger, rollbacks.doorbell
        bell.rollback(RUN, 1)  # makes the queue
        ledger.scan("shop", "now:")
        ledger.commit("shop", [Insert(run_key(RUN), "{}")])
        bell.rollback(RUN, 1)
        ledger.read("shop", run_key(RUN))
        ledger.scan("shop", "now:")
        ledger.commit("mail", [Put("now:1:starts", f"also of {RUN} of shop")])
        bell.rollback(RUN.replace("shop", "mail"), 1)
        ledger.commit("shop", [Put(run_key(RUN), "{}"), Put("now:1:last", "{}")])
        ledger.commit("shop", [Put("now:1:watch", "{}")])
    told = [found for request in seen if (found := transaction_of(request))]
    assert counted(told, RUN) == Counter(reads=2, commits=2, messages=1)


def test_workloads_that_are_judged_have_triggers_of_many_kinds() -> None:
    policy = Policy.model_validate(policy_of("shop"))
    assert len(policy.rules) == TRIGGERS
    assert len({type(rule.condition) for rule in policy.rules}) >= 8
    figure = evaluating(workloads=2, rounds=2)
    assert len(figure.values) == 2
    assert min(figure.values) > 0
    assert figure.notes["samples_kept_each"] > 1_000
