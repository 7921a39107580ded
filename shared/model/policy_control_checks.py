"""What is wrong with the strategies, the control and the triggers' reactions that no single field can see."""

import re
from collections.abc import Iterator
from typing import get_args

from shared.model.command import Severity
from shared.model.policy import Policy
from shared.model.policy_conditions.entry import EntryBase
from shared.model.policy_control import Strategy
from shared.model.policy_problem import Place, Problem
from shared.model.policy_roads import AppConfigurationRoad
from shared.model.policy_signals import PushedSignal
from shared.model.quantity import Unit
from shared.model.strict import host_of
from shared.model.trigger import Tier

_MAY_DO = {
    Tier.CRITICAL: ("roll_back", "tell"),
    Tier.WARNING: ("ask", "tell"),
    Tier.INVESTIGATION: ("pause", "slow", "tell"),
}
_OF_CHANGES = re.compile(
    rf"change\.(confidence(\.average)?|counts\.[A-Za-z][A-Za-z0-9_-]{{0,39}}|errors\.({'|'.join(get_args(Severity))}))"
)
_CONFIDENCE = (0.0, 10.0)


def control_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with how changes are steered."""
    yield from _hook_problems(policy)
    yield from _signal_problems(policy)
    for name, strategy in policy.strategies.items():
        yield from _strategy_problems(policy, ("strategies", name), strategy)
    entries = policy.triggers.by_tier()
    for tier, place, entry in entries:
        yield from _reaction_problems(policy, ("triggers", tier.value, place), tier, entry)
    if entries and all(entry.only_while for _, _, entry in entries):
        text = "all of them wait for a change, so that nobody watches between two; expected one without `while`"
        yield Problem(("triggers",), text)


def _hook_problems(policy: Policy) -> Iterator[Problem]:
    hook = policy.control.hook
    if hook is not None and host_of(hook) not in policy.named_hosts:
        yield Problem(("control", "hook"), f"the host {host_of(hook)} is not named; expected it in reach.hosts")


def _signal_problems(policy: Policy) -> Iterator[Problem]:
    """What a change says of itself is taken in as it is: no scale may refuse it."""
    for name, signal in policy.signals.items():
        if not isinstance(signal, PushedSignal) or not signal.pushed.startswith("change."):
            continue
        place: Place = ("signals", name)
        if not _OF_CHANGES.fullmatch(signal.pushed):
            known = "change.confidence, change.confidence.average, change.counts.<name>, change.errors.<severity>"
            yield Problem((*place, "pushed"), f"no change says {signal.pushed!r} of itself; expected one of: {known}")
        if signal.unit is not Unit.NUMBER:
            yield Problem((*place, "unit"), "what a change says of itself is a plain number; expected no `unit`")
        confidence = signal.pushed.startswith("change.confidence")
        if signal.scale is not None and not (confidence and signal.scale == _CONFIDENCE):
            wanted = "[0, 10]" if confidence else "none"
            yield Problem((*place, "scale"), f"not the scale of what a change says of itself; expected {wanted}")


def _strategy_problems(policy: Policy, place: Place, strategy: Strategy) -> Iterator[Problem]:
    if strategy.level is None:
        return
    level = policy.levels.by_number.get(strategy.level)
    if level is None:
        known = ", ".join(str(number) for number in policy.levels.by_number)
        yield Problem((*place, "level"), f"there is no level {strategy.level}; expected one of: {known}")
        return
    for component in strategy.components:
        if component not in level.steered:
            known = ", ".join(level.steered) or "it steers none"
            yield Problem((*place, "components"), f"unknown component {component!r}; expected one of: {known}")
    if strategy.road is not None and strategy.road not in level.all_roads:
        known = ", ".join(level.all_roads)
        yield Problem(
            (*place, "road"), f"level {strategy.level} has no road {strategy.road!r}; expected one of: {known}"
        )
    road = policy.all_roads.get(strategy.road or "")
    if strategy.share is not None and road is not None and not isinstance(road, AppConfigurationRoad):
        yield Problem((*place, "share"), f"the road {strategy.road!r} has no share; expected an app_configuration road")


def _reaction_problems(policy: Policy, place: Place, tier: Tier, entry: EntryBase) -> Iterator[Problem]:
    if entry.does is not None and entry.does not in _MAY_DO[tier]:
        yield Problem((*place, "does"), f"{tier} cannot {entry.does}; expected {' or '.join(_MAY_DO[tier])}")
    if entry.strategy is None:
        return
    if entry.does == "tell":
        yield Problem((*place, "strategy"), "what only tells carries nothing out; expected `does: tell` or a strategy")
    elif tier is Tier.INVESTIGATION:
        yield Problem((*place, "strategy"), f"{tier} takes nothing back; expected `does: pause` or `does: slow`")
    if entry.strategy not in policy.strategies:
        known = ", ".join(sorted(policy.strategies)) or "none is defined"
        yield Problem((*place, "strategy"), f"unknown strategy {entry.strategy!r}; expected one of: {known}")
