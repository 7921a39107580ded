"""Who else could be to blame for what fires: what a policy names besides the workload itself."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shared.model.attribution import Role, Suspect, Traffic
from shared.model.policy_conditions.comparison import Comparison
from shared.model.policy_conditions.entry import Signals
from shared.model.policy_conditions.threshold import ThresholdEntry
from shared.model.policy_derived_base import lag_of
from shared.model.policy_rules import rule_of
from shared.model.quantity import Count, Dimension, Duration
from shared.model.strict import Name, Rhythm, Strict
from shared.model.trigger import NoData, Tier

_OTHER_BUILD = "other_build"
# What was bad a moment ago is no less to blame than what is bad now: so many samples must have been good.
_GOOD_AGAIN = 3


class SuspectEntry(Strict):
    """When something else is bad: `payments_failed > 50%`, or `{when: payments_failed > 50%, for: 30s}`."""

    when: Comparison
    hold_for: Duration = Field(default=timedelta(0), alias="for", description="Event time that it must hold.")
    at_least: Count = Field(default=1, description="Observations needed before the answer counts.")

    def written_as(self, name: str) -> ThresholdEntry:
        """Return the condition as that of a trigger of some name."""
        return ThresholdEntry(name=name, when=self.when, at_least=self.at_least, **{"for": self.hold_for})


def _in_long(entry: Any) -> Any:
    return {"when": entry} if isinstance(entry, str) else entry


_Suspect = Annotated[SuspectEntry, BeforeValidator(_in_long, json_schema_input_type=str | SuspectEntry)]


class TrafficEntry(Strict):
    """How many users there are: a signal that retries of failed requests do not raise."""

    signal: Name
    times: float = Field(default=3.0, gt=1, le=1_000, description="A jump is more than so many times what it was.")
    before: Rhythm = Field(default=timedelta(hours=1), description="How long before it is looked at what it was.")


class Attribution(Strict):
    """What holds a rollback back because the build is not to blame. People are told; whoever asks by hand overrules."""

    platform: dict[Name, _Suspect] = Field(default={}, max_length=8, description="When the platform is bad.")
    dependencies: dict[Name, _Suspect] = Field(default={}, max_length=8, description="When others are bad.")
    other_build: _Suspect | None = Field(default=None, description="When the build to go back to is bad, too.")
    traffic: TrafficEntry | None = None
    blind: Literal["ignore", "hold"] = Field(
        default="ignore", description="What follows when one of these cannot be seen: nothing, or nothing is done."
    )

    @property
    def entries(self) -> list[tuple[Role, tuple[str, ...], SuspectEntry]]:
        """Every suspect with its role and its place in the section, in the order in which they are looked at."""
        found = [(Role.PLATFORM, ("platform", name), entry) for name, entry in self.platform.items()]
        found += [(Role.DEPENDENCY, ("dependencies", name), entry) for name, entry in self.dependencies.items()]
        return [*found, *([(Role.OTHER_BUILD, (_OTHER_BUILD,), self.other_build)] if self.other_build else [])]

    def suspects(self, signals: Signals) -> tuple[Suspect, ...]:
        """Return who is suspected, resolved.

        Raises:
            ValueError: see `attribution_problems`.
        """
        return tuple(_suspect(role, place[-1], entry, signals) for role, place, entry in self.entries)

    def watched_traffic(self, signals: Signals) -> Traffic | None:
        """Return how traffic is watched, resolved."""
        if self.traffic is None:
            return None
        signal = signals[self.traffic.signal]
        return Traffic(
            signal=self.traffic.signal,
            times=self.traffic.times,
            before=self.traffic.before,
            every=signal.every,
            patience=signal.patience,
            lag=lag_of(self.traffic.signal, signals),
        )


def _suspect(role: Role, name: str, entry: SuspectEntry, signals: Signals) -> Suspect:
    rule = rule_of(Tier.INVESTIGATION, entry.written_as(name), signals)
    lingers = timedelta(0) if rule.no_data is NoData.HOLD else _GOOD_AGAIN * signals[rule.signal].every
    return Suspect(role, replace(rule, clears_after=lingers))


def spans_of(
    signal: str, suspects: tuple[Suspect, ...], traffic: Traffic | None, longest: timedelta
) -> list[timedelta]:
    """Return how far back the samples of a signal are looked at here.

    Args:
        longest: The longest that a trigger has to hold before it fires.
    """
    rules = [suspect.rule for suspect in suspects if suspect.rule.signal == signal]
    spans = [rule.hold_for + rule.condition.looks_back + rule.max_gap + rule.clears_after for rule in rules]
    if traffic is not None and traffic.signal == signal:
        spans.append(traffic.before + longest + 4 * traffic.every)
    return spans


def attribution_problems(section: Attribution, signals: Signals) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with the section: the place in it, and a sentence."""
    names = [place[-1] for _, place, _ in section.entries]
    for _, place, entry in section.entries:
        if names.count(place[-1]) > 1:
            yield place, f"{place[-1]!r} is the name of several; expected one each"
        written = entry.written_as(place[-1])
        yield from ((place, text) for text in _entry_problems(written, signals))
    if section.traffic is not None:
        yield from ((("traffic", key), text) for key, text in _traffic_problems(section.traffic, signals))


def _entry_problems(entry: ThresholdEntry, signals: Signals) -> Iterator[str]:
    unknown = [name for name in entry.inputs if name not in signals]
    if unknown:
        yield f"unknown signal {unknown[0]!r}; expected one of: {', '.join(sorted(signals))}"
        return
    yield from (text for _, text in entry.problems(signals))


def _traffic_problems(entry: TrafficEntry, signals: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    signal = signals.get(entry.signal)
    if signal is None:
        yield "signal", f"unknown signal {entry.signal!r}; expected one of: {', '.join(sorted(signals))}"
        return
    if signal.measures.dimension is not Dimension.NUMBER:
        yield "signal", f"{entry.signal} is a {signal.measures.dimension}; expected a number, such as active users"
    if entry.before < 6 * signal.every:
        yield "before", "too few samples to know what is usual; expected at least six times the signal's `every`"
