"""What must be so, at any minute, that a level could be taken: besides what its roads and checks ask for themselves."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.model.policy_problem import Place, Problem
from shared.model.policy_roads import Slot
from shared.model.policy_signals import Signal
from shared.model.quantity import parse_quantity
from shared.model.strict import Name, Origin, Rhythm, Strict


class Freshness(Strict):
    """How young a signal's newest measured sample must be, and below what it must lie."""

    within: Rhythm
    below: str | None = Field(default=None, description="Threshold with the signal's unit.")


def _written_short(written: object) -> object:
    return written if isinstance(written, dict | Freshness) else {"within": written}


WrittenFreshness = Annotated[Freshness, BeforeValidator(_written_short, json_schema_input_type=Rhythm | Freshness)]


class LevelReadiness(Strict):
    """What a level needs."""

    fresh: dict[Name, WrittenFreshness] = Field(
        default={}, description="Signals whose newest measured sample must be this young: `{backup: 24h}`."
    )
    rehearsed_within: Rhythm | None = Field(default=None, description="A drill of this level must be this young.")


class Readiness(Strict):
    """What all levels need."""

    warm_within: Rhythm = Field(default=timedelta(seconds=5), description="How quickly a slot must answer.")
    slots: dict[Slot, Origin] = Field(
        default={}, description="Where a slot answers, where that is not its own host name in Azure."
    )
    scopes: dict[Name, Annotated[str, Field(pattern=r"^/subscriptions/[^/]+/\S+$")]] = Field(
        default={},
        description="ARM ids by road, on which its roles are looked up; a flag's road does not tell its own.",
    )


def freshness_problems(place: Place, needs: LevelReadiness, signals: Mapping[str, Signal]) -> Iterator[Problem]:
    """Yield what is wrong with the signals that a level needs.

    Args:
        place: Where the level stands in the file.
        signals: Those of the policy.
    """
    for name, wanted in needs.fresh.items():
        where: Place = (*place, "readiness", "fresh", name)
        signal: Any = signals.get(name)
        if signal is None:
            known = ", ".join(sorted(signals))
            yield Problem(where, f"unknown signal {name!r}; expected one of: {known}")
        elif wanted.below is not None:
            try:
                parse_quantity(wanted.below, signal.measures.dimension)
            except ValueError as error:
                yield Problem((*where, "below"), str(error))


def scope_problems(readiness: Readiness, roads: Mapping[str, object]) -> Iterator[Problem]:
    """Yield the scopes of roads that are not there."""
    for name in readiness.scopes.keys() - roads.keys():
        known = ", ".join(sorted(roads)) or "none is defined"
        yield Problem(("readiness", "scopes", name), f"unknown road {name!r}; expected one of: {known}")
