"""Why a rollback was decided, kept so that anybody can decide it again: all that the deciding cycle went on.

What decides is the part of a policy that names signals, triggers and guards: nothing of it is secret. The rest says
what is done, and may hold secrets.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.model.decision import Decision
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.policy_levels import Levels
from shared.model.signal import merge
from shared.model.trigger import TriggerReading

_DECIDING = {"workload", "site", "signals", "triggers", "strategies", "guards", "attribution"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """What a cycle went on.

    Attributes:
        policy: The deciding part of the policy, as JSON values.
        policy_version: SHA-256 of the policy's file.
    """

    policy: dict[str, Any]
    policy_version: str
    known: Known
    news: News
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What a cycle came to: every trigger's reading, the decision, the transitions."""

    readings: tuple[TriggerReading, ...]
    decision: Decision
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a rollback was started: what a cycle went on, and what it came to."""

    reasons: Reasons
    verdicts: Verdicts


def reasons_of(policy: Policy, known: Known, news: News, at: datetime) -> Reasons:
    """Return what is kept of a cycle: no path of a probe, which may hold a key, and no sample that is not looked at."""
    deciding = policy.model_dump(mode="json", by_alias=True, include=_DECIDING)
    # Which levels take people: how they are taken may hold secrets, and decides nothing.
    deciding["levels"] = policy.levels.model_dump(
        mode="json", by_alias=True, include={name: {"approval"} for name in Levels.model_fields}, exclude_none=True
    )
    for signal in deciding["signals"].values():
        if "probe" in signal:
            signal["probe"] = "/"
    samples = {
        name: merge((), found, now=at, keep=policy.horizon(name))
        for name, found in news.samples.items()
        if name in policy.signals
    }
    news = replace(news, samples=samples)
    return Reasons(policy=deciding, policy_version=policy.version, known=known, news=news, at=at)


def decide_again(reasons: Reasons) -> Verdicts:
    """Decide once more on the same reasons.

    Raises:
        ValueError: the policy in them is none that this version knows.
    """
    return verdicts_of(next_cycle(Policy.model_validate(reasons.policy), reasons.known, reasons.news, reasons.at))


def verdicts_of(cycle: Cycle) -> Verdicts:
    """Return what is kept of what a cycle came to."""
    return Verdicts(readings=cycle.state.readings, decision=cycle.decision, events=cycle.events)


def reasons_from_json(value: Any) -> Reasons:
    """Read reasons from JSON values.

    Raises:
        ValueError: they are none.
    """
    return TypeAdapter(Reasons).validate_json(json.dumps(value))


def as_json(value: Reasons | Verdicts) -> Any:
    """Return reasons or verdicts as JSON values."""
    return TypeAdapter[Any](type(value)).dump_python(value, mode="json")


def canonical(value: Any) -> bytes:
    """Write JSON values in the one way in which they are signed and compared: keys in order, nothing between."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
