"""What is wrong with the advice and the costs of a policy."""

from collections.abc import Iterator

from shared.model.policy import Policy
from shared.model.policy_conditions.comparison import bound_of, parts_of
from shared.model.policy_problem import Place, Problem
from shared.model.quantity import Dimension


def advice_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with what the policy advises, and with what it says of costs."""
    for number, advice in enumerate(policy.advice):
        place: Place = ("advice", number, "when")
        if (unknown := _unknown(policy, parts_of(advice.when).signal)) is not None:
            yield Problem(place, unknown)
            continue
        try:
            bound_of(advice.when, policy.signals)
        except ValueError as error:
            yield Problem(place, str(error))
    yield from _cost_problems(policy)


def _cost_problems(policy: Policy) -> Iterator[Problem]:
    if policy.costs is None:
        return
    for key, name in (("total", policy.costs.total), ("per", policy.costs.per)):
        if (unknown := _unknown(policy, name)) is not None:
            yield Problem(("costs", key), unknown)
        elif policy.signals[name].measures.dimension is not Dimension.NUMBER:
            yield Problem(("costs", key), f"{name} is no plain number, and does not add up; expected one that does")


def _unknown(policy: Policy, name: str) -> str | None:
    if name in policy.signals:
        return None
    return f"unknown signal {name!r}; expected one of: {', '.join(sorted(policy.signals))}"
