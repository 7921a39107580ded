"""What a play came to, as `demo-report.json` has it. The keys are read by other tools: they stay."""

from dataclasses import asdict, dataclass
from typing import Any

from local.demo.expectations import Expectation
from local.demo.roads import roads_taken, said_of
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.timeline import Moment, Phases, phases, seconds_to, timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Seconds count from the fault; `None` where it did not happen. `way` says by which roads it was taken back."""

    scenario: str
    fault_to_firing_s: float | None
    firing_to_verified_s: float | None
    fault_to_verified_s: float | None
    way: str
    swap_posts: int
    production_build: str
    known_good_build: str
    users: Phases
    timeline: tuple[Moment, ...]
    expectations: tuple[Expectation, ...]
    outcome: str

    @property
    def held(self) -> bool:
        """Everything that must hold does."""
        return all(expectation.held for expectation in self.expectations)

    def figures(self) -> dict[str, float]:
        """The three times, as far as they happened."""
        times = {
            "fault to firing": self.fault_to_firing_s,
            "firing to verified": self.firing_to_verified_s,
            "fault to verified": self.fault_to_verified_s,
        }
        return {name: seconds for name, seconds in times.items() if seconds is not None}

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def report(recording: Recording, expectations: list[Expectation]) -> Report:
    """Sum a recording up."""
    moments = timeline(recording)
    firing_s, verified_s = seconds_to(moments, "firing"), seconds_to(moments, "verified")
    return Report(
        scenario=recording.scenario,
        fault_to_firing_s=firing_s,
        firing_to_verified_s=None if firing_s is None or verified_s is None else round(verified_s - firing_s, 2),
        fault_to_verified_s=verified_s,
        way=said_of(roads_taken(recording)),
        swap_posts=len(recording.site.swap_posts),
        production_build=_served_build(recording),
        known_good_build=recording.app.known_good.build if recording.app.known_good else GOOD_BUILD,
        users=phases(recording),
        timeline=tuple(moments),
        expectations=tuple(expectations),
        outcome=recording.outcome,
    )


def _served_build(recording: Recording) -> str:
    """What people were served in the end: one build, or all of them if they were served several."""
    return ", ".join(sorted({visit.build for visit in recording.last_visits if visit.build})) or "nothing"
