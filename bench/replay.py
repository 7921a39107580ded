"""How long a replay of recorded samples takes, and how much memory: the command as people run it, on a file of CSV.

One workload, four signals every ten seconds, twelve triggers of mixed kinds; an incident of twenty minutes every three
days, a change every two. The same for 7 days and for 30: time grows with the recording, memory does not.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import perf_counter

from bench.measuring import Figure, progress
from shared.model.policy import Policy
from shared.policy import AnySettings, read_for
from shared.replay.rows import csv_rows

DAYS = (7, 30)
EVERY_S = 10
_DAY_S = 86_400
_BEGINS = datetime(2026, 3, 1, tzinfo=UTC)
_INCIDENT_EVERY_S, _INCIDENT_S = 3 * _DAY_S, 1_200
_CHANGE_EVERY_S, _CHANGE_S = 2 * _DAY_S, 3_600
POLICY = """
workload: orders
site: {resource: "%SITE%", url: https://orders.example, good_slot: last-good}
signals:
  error_rate: {probe: /health, share: failed, requests: 20}
  p95:        {probe: /health, latency: p95, requests: 20}
  calls:      {pushed: calls, every: 10s}
  memory_mb:  {pushed: memory, every: 10s}
triggers:
  critical:
    - {name: errors,      when: error_rate > 5%, for: 60s, at_least: 20 requests}
    - {name: very_slow,   when: p95 > 10s, for: 3m, at_least: 20 requests}
    - {name: pooled,      when: error_rate > 4%, over: 60s, for: 60s, at_least: 100 requests}
    - {name: burning,     burns: error_rate, objective: 99.5%, rate: 14.4}
    - {name: judged,      judge: [error_rate, p95], falls: [calls]}
  warning:
    - {name: slow,        when: p95 > 2s, for: 10m, at_least: 20 requests}
    - {name: mostly_full, when: memory_mb > 1400, periods: 2 of 3, each: 5m}
    - {name: peak,        when: memory_mb > 1600, pool: max, over: 5m}
  investigation:
    - {name: some_errors, when: error_rate > 1%, over: 10m, for: 10m, at_least: 100 requests}
    - {name: strange,     anomaly: p95, worse: up, by: 50%}
    - {name: rising,      trend: p95, rises: 50%, over: 1h}
    - {name: quieter,     trend: calls, falls: 50%, at_least_by: "20", over: 30m}
"""


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    cpu_s: float
    peak_mib: float
    cycles: int


def replay() -> Iterator[Figure]:
    """Seconds and peak memory of a replay, and what of the time is reading the file."""
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        policy = Path(folder, "orders.yaml")
        policy.write_text(POLICY, encoding="utf-8")
        for days in DAYS:
            samples, changes = Path(folder, f"{days}.csv"), Path(folder, f"{days}-changes.csv")
            _record(samples, changes, days)
            run = _run(policy, samples, changes)
            yield Figure(
                f"replay_{days}_days_12_triggers",
                "s",
                [run.seconds],
                notes={
                    "cycles": run.cycles,
                    "cpu_s": round(run.cpu_s, 2),
                    "peak_mib": round(run.peak_mib, 1),
                    "of_which_reading_s": round(_reading(samples, read_for(policy, AnySettings())), 2),
                },
            )
            samples.unlink()


def _record(samples: Path, changes: Path, days: int) -> None:
    random = Random(days)
    with samples.open("w", encoding="utf-8") as out:
        out.write("signal,at,value,count\n")
        for second in progress(range(0, days * _DAY_S, EVERY_S), description=f"{days} days"):
            out.write(_rows(random, second))
    begins = range(_DAY_S, days * _DAY_S, _CHANGE_EVERY_S)
    rows = [f"{_at(second)},{_at(second + _CHANGE_S)},b{second}\n" for second in begins]
    changes.write_text("from,to,build\n" + "".join(rows), encoding="utf-8")


def _rows(random: Random, second: int) -> str:
    at, bad = _at(second), second % _INCIDENT_EVERY_S >= _INCIDENT_EVERY_S - _INCIDENT_S
    failed = sum(random.random() < (0.3 if bad else 0.0005) for _ in range(20))
    slow = 5.0 if bad else 1.0
    return (
        f"error_rate,{at},{failed / 20},20\n"
        f"p95,{at},{slow * random.lognormvariate(5.5, 0.15):.1f},20\n"
        f"calls,{at},{random.gauss(100, 5):.1f},1\n"
        f"memory_mb,{at},{random.gauss(1_100, 40):.1f},1\n"
    )


def _at(second: int) -> str:
    return (_BEGINS + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


def _run(policy: Path, samples: Path, changes: Path) -> _Run:
    """Run the command, and take its time and the most memory that it held."""
    command = [sys.executable, "-m", "shared.replay", str(policy), str(samples), "--changes", str(changes)]
    begun = perf_counter()
    with tempfile.TemporaryFile() as out:
        running = subprocess.Popen([*command, "--any-settings", "--json"], stdout=out)  # noqa: S603  # our own command
        _, status, used = os.wait4(running.pid, 0)
        seconds = perf_counter() - begun
        assert not os.waitstatus_to_exitcode(status)
        out.seek(0)
        *_, last = out
    return _Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, json.loads(last)["cycles"])


def _reading(samples: Path, policy: Policy) -> float:
    begun = perf_counter()
    for _ in csv_rows(samples, policy):
        pass
    return perf_counter() - begun
