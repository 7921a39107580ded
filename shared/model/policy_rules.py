"""A trigger as it is written becomes one that the decision can use: defaults resolved, units the product's own."""

from shared.model.policy_conditions.entry import FOREVER, EntryBase, Signals
from shared.model.policy_derived_base import lag_of
from shared.model.trigger import NoData, RollbackTrigger, Tier


def rule_of(tier: Tier, entry: EntryBase, signals: Signals) -> RollbackTrigger:
    """Resolve a trigger. Of several signals the slowest sets the pace.

    Raises:
        ValueError: the condition cannot be asked of these signals.
    """
    inputs = [signals[name] for name in entry.inputs]
    silent = entry.silence(signals)
    patience = entry.rhythm + max(signal.patience for signal in inputs)
    patient = silent is NoData.HOLD and all(signal.stale_after is None for signal in inputs)
    return RollbackTrigger(
        name=entry.name,
        tier=tier,
        condition=entry.condition(signals),
        dimension=inputs[0].measures.dimension,
        hold_for=entry.hold_for,
        at_least=entry.at_least,
        max_gap=entry.gap(signals),
        stale_after=FOREVER if patient else patience,
        delay=max(lag_of(name, signals) for name in entry.inputs),
        no_data=silent,
        clears=entry.clearing(signals),
        clears_after=entry.closes_after,
    )
