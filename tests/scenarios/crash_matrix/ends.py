"""How a run ended, as everybody can see it: the world from outside, the records, the history, the deliveries.

What may differ between two good ends is left out: times, ids, and how often an effect was set in motion that may be
repeated. Two ends are equal when everything else is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from time import monotonic, sleep
from typing import Any

from shared.engine.records import ACTIVE, EVENT, NOW_ONE, RUN, decode, snapshot
from shared.model.event import Event, EventKind
from shared.model.run import Run, RunStatus, StepRecord
from shared.ports import Ledger
from tests.scenarios.crash_matrix.worlds import CrashWorld

_SOON_S = 3.0
_WELL = (EventKind.VERIFIED.value, EventKind.PROMOTED.value)
_PARTLY = (EventKind.PARTIAL.value,)
_LASTING = ("sites", "afd", "traffic_manager", "dns_zones", "app_configuration", "hook")
_PASSING = frozenset({"etag", "pid", "sequence", "swap_posts", "operations", "calls"})


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """All that two ends are compared by.

    Attributes:
        swaps: How many swaps the platform accepted: the one effect that must not be repeated.
        keys: What there is one of for the workload.
        records: What these records say.
        told: The events of which people are told.
        rows: What became of rows.
        aim: How a run without a crash ends.
    """

    seen_good: bool
    world: Any
    swaps: int
    runs: tuple[Mapping[str, object], ...]
    keys: tuple[str, ...]
    records: Mapping[str, object]
    history: tuple[str, ...]
    told: tuple[str, ...]
    rows: Any
    aim: str

    def differences(self, other: "End") -> list[str]:
        """Say in what this end is unlike the one that it should be."""
        return list(_differences("", asdict(self), asdict(other)))

    @property
    def good(self) -> bool:
        """What every end is compared with must itself be as it should: taken back, ended and told, once each."""
        *before, last = [run["status"] for run in self.runs]
        # A promotion that goes back has failed, and the rollback that follows it is verified; so is what takes a place.
        ended = before in ([], [RunStatus.FAILED.value], [RunStatus.SUPERSEDED.value]) and last == self.aim
        wanted = _WELL if self.aim == RunStatus.VERIFIED.value else _PARTLY
        well = [kind for kind in self.told if kind in wanted]
        told_once = len(well) == 1 and self.history.count(well[0]) == 1 and len(self.told) == len(self.runs)
        return self.seen_good and self.swaps <= 1 and ended and told_once and ACTIVE not in self.keys


def _differences(path: str, found: Any, expected: Any) -> Iterator[str]:
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        for name in found:
            yield from _differences(f"{path}.{name}".lstrip("."), found[name], expected[name])
    elif isinstance(found, list | tuple) and isinstance(expected, list | tuple) and len(found) == len(expected):
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from _differences(f"{path}[{number}]", one, other)
    elif found != expected:
        yield f"{path}: {found!r} instead of {expected!r}"


def swaps_of(world: CrashWorld) -> int:
    """How many swaps were ever accepted in a world."""
    return int(world.simulator.control("GET", "/state")["swaps_accepted_total"])


def end_of(world: CrashWorld, ledger: Ledger, *, swaps_before: int) -> End:
    """Look at everything."""
    workload = world.policy.workload
    seen_good = _comes_true(world)
    state = world.simulator.control("GET", "/state")
    events = [decode(Event, row.body) for row in ledger.scan(workload, EVENT)]
    deliveries = snapshot(ledger, workload).outbox.values()
    return End(
        seen_good=seen_good,
        world=_without_passing({name: state[name] for name in _LASTING}),
        swaps=swaps_of(world) - swaps_before,
        runs=tuple(_run(decode(Run, row.body)) for row in ledger.scan(workload, RUN)),
        keys=tuple(row.key for row in ledger.scan(workload, NOW_ONE)),
        records=_records(ledger, workload),
        history=tuple(sorted(event.kind.value for event in events if event.kind is not EventKind.EFFECT_ACCEPTED)),
        told=tuple(sorted(delivery.event.kind.value for delivery in deliveries)),
        rows=world.rows(),
        aim=world.ends.value,
    )


def _comes_true(world: CrashWorld) -> bool:
    until = monotonic() + _SOON_S
    while not world.seen_good():
        if monotonic() > until:
            return False
        sleep(0.02)
    return True


def _without_passing(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: _without_passing(value) for name, value in state.items() if name not in _PASSING}
    return [_without_passing(value) for value in state] if isinstance(state, list) else state


def _run(run: Run) -> Mapping[str, object]:
    return {
        "status": run.status.value,
        "level": run.level,
        "kind": run.kind.value,
        "known_good": run.known_good,
        "cause": run.cause,
        "requested_by": run.requested_by,
        "steps": {step.name: _step(step, run.status) for step in run.steps},
    }


def _step(step: StepRecord, status: RunStatus) -> Mapping[str, object]:
    """A step; how many clients a verification looked through depends on the connections that its worker held.

    Of what gave way while it was under way nobody wrote down how far it is.
    """
    gave_way = status is RunStatus.SUPERSEDED and not step.phase.over
    return {
        "road": step.road,
        "component": step.component,
        "phase": "under way" if gave_way and step.acts else step.phase.value,
        "acted": step.acts > 0,
        "note": step.note if step.road and not gave_way else "",
        "all passed": step.evidence.get("passed") == step.evidence.get("counted"),
    }


def _records(ledger: Ledger, workload: str) -> Mapping[str, object]:
    found = snapshot(ledger, workload)
    return {
        "last": found.last.status if found.last else None,
        "change": found.change.status.value if found.change else None,
        "known good": found.known_good.build if found.known_good else None,
        "times": {road: len(took) for road, took in found.road_times.took.items()},
        "taken back": {build: why.taken_back for build, why in found.quarantine.builds.items()},
    }
