"""What is wrong with a policy that no single field can see: each problem with its place in the file."""

from collections import Counter
from collections.abc import Iterator

from shared.model.event import EventKind
from shared.model.policy import MOST_WRITES, UNCLAIMED, Policy
from shared.model.policy_approval import Approval
from shared.model.policy_control_checks import control_problems
from shared.model.policy_data import Capture
from shared.model.policy_data_checks import data_problems
from shared.model.policy_problem import Place, Problem
from shared.model.policy_readiness import freshness_problems, scope_problems
from shared.model.policy_road_checks import people_problems, promotion_problems, road_problems
from shared.model.policy_signals import AlertSignal, DamageSignal, MetricSignal, ProbeSignal, PushedSignal, Signal
from shared.model.policy_triggers import TriggerEntry
from shared.model.quantity import Dimension, parse_quantity, say_duration
from shared.model.signal import MOST_SAMPLES
from shared.model.trigger import Comparator

_TRIGGER_EVENTS = frozenset({EventKind.PENDING, EventKind.FIRING, EventKind.CLEARED})
_CHECKPOINT_EVENTS = frozenset({EventKind.CHECKPOINT_TAKEN, EventKind.CHECKPOINT_REFUSED, EventKind.CHECKPOINT_LOST})
_OTHER_EVENTS = 5  # decided, started, superseded, blind, sighted
# Of a question: its row, the one whose place it takes, what is settled, the event that tells of it.
_ASK_WRITES = 4
# The state, the run, its claim, its reasons, the quarantine, the budget, the change, one removal; a promotion that ends
# for it, and its receipt; the word to the hook of the change.
_OTHER_WRITES = 11


def problems_of(policy: Policy) -> list[Problem]:
    """Return everything that keeps the policy from being used; empty when it is sound."""
    return [
        *_name_problems(policy),
        *_size_problems(policy),
        *_told_of_checkpoints(policy),
        *_signal_problems(policy),
        *_damage_problems(policy),
        *_channel_problems(policy),
        *road_problems(policy),
        *data_problems(policy),
        *promotion_problems(policy),
        *people_problems(policy),
        *scope_problems(policy.readiness, policy.all_roads),
        *(
            problem
            for number, level in policy.levels.by_number.items()
            for problem in freshness_problems(("levels", str(number)), level.readiness, policy.signals)
        ),
        *control_problems(policy),
        *(
            problem
            for tier, place, entry in policy.triggers.by_tier()
            for problem in _trigger_problems(policy, ("triggers", tier.value, place), entry)
        ),
    ]


def _size_problems(policy: Policy) -> Iterator[Problem]:
    """All triggers may change at once, and what a cycle writes is one commit."""
    triggers, channels = len(policy.triggers.by_tier()), len(policy.notify.to)
    told = channels if _TRIGGER_EVENTS & set(policy.notify.on) else 0
    asked = max(len(rule.to) or channels for rule in _approvals(policy))
    writes = triggers * (1 + told) + _OTHER_EVENTS * (1 + channels) + _OTHER_WRITES + _ASK_WRITES + asked
    if writes > MOST_WRITES:
        told_to = f"{triggers} triggers told to {channels} channels, and {asked} channels that are asked,"
        yield Problem(("triggers",), f"{told_to} take {writes} writes; expected at most {MOST_WRITES}")


def _told_of_checkpoints(policy: Policy) -> Iterator[Problem]:
    """All checkpoints may be lost at once, and what a look at them writes is one commit."""
    databases, told = len(policy.databases), len(policy.notify.to) if _CHECKPOINT_EVENTS & set(policy.notify.on) else 0
    writes = databases * (1 + told) + 1
    if writes > MOST_WRITES:
        told_to = f"{databases} databases told to {told} channels"
        yield Problem(("databases",), f"{told_to} take {writes} writes; expected at most {MOST_WRITES}")


def _approvals(policy: Policy) -> list[Approval]:
    """By which people may be asked: also where a level asks without a rule of its own."""
    own = [level.approval for level in policy.levels.by_number.values() if level.approval]
    return [policy.approvals.warning, *own, Approval()]


def _name_problems(policy: Policy) -> Iterator[Problem]:
    if policy.workload == UNCLAIMED:
        yield Problem(("workload",), f"{policy.workload!r} is kept for other uses; expected another name")
    entries = policy.triggers.by_tier()
    if not entries:
        yield Problem(("triggers",), "no triggers: nothing would ever be decided; expected at least one")
    counts = Counter(entry.name for _, _, entry in entries)
    for tier, place, entry in entries:
        if counts[entry.name] > 1:
            where: Place = ("triggers", tier.value, place, "name")
            yield Problem(where, f"{entry.name!r} is the name of {counts[entry.name]} triggers; expected one each")


def _signal_problems(policy: Policy) -> Iterator[Problem]:
    for name, signal in policy.signals.items():
        if signal.stale_after is not None and signal.stale_after < signal.every and not isinstance(signal, AlertSignal):
            wanted = say_duration(signal.every)
            yield Problem(("signals", name, "stale_after"), f"stale before the next sample; expected at least {wanted}")
        if isinstance(signal, PushedSignal) and signal.scale and signal.scale[0] >= signal.scale[1]:
            yield Problem(("signals", name, "scale"), "no range; expected the lowest value, then the highest")
        if isinstance(signal, MetricSignal) and not policy.site.region:
            yield Problem(
                ("signals", name),
                "a metric is read from its region; expected site.region, such as westeurope",
            )


def _damage_problems(policy: Policy) -> Iterator[Problem]:
    """Damage is what differs and is in no log: it takes a log that is never behind."""
    for name, signal in policy.signals.items():
        if not isinstance(signal, DamageSignal):
            continue
        place: Place = ("signals", name, "damaged")
        database = policy.databases.get(signal.damaged)
        if database is None:
            known = ", ".join(policy.databases) or "none is defined"
            yield Problem(place, f"unknown database {signal.damaged!r}; expected one of: {known}")
        elif database.capture is not Capture.TRIGGERS:
            yield Problem(place, f"{signal.damaged!r} has `capture: {database.capture}`; expected `capture: triggers`")


def _channel_problems(policy: Policy) -> Iterator[Problem]:
    """A channel that stands twice would have a delivery written twice in one commit, which the storage refuses."""
    for place, channel in enumerate(policy.notify.to):
        if channel in policy.notify.to[:place]:
            yield Problem(("notify", "to", place), f"{channel!r} stands twice; expected each channel once")


def _trigger_problems(policy: Policy, place: Place, entry: TriggerEntry) -> Iterator[Problem]:
    name, comparator, written = entry.parts
    signal = policy.signals.get(name)
    if signal is None:
        known = ", ".join(sorted(policy.signals))
        yield Problem((*place, "when"), f"unknown signal {name!r}; expected one of: {known}")
        return
    try:
        threshold = parse_quantity(written, signal.measures.dimension)
    except ValueError as error:
        yield Problem((*place, "when"), str(error))
        return
    yield from _threshold_problems((*place, "when"), signal, comparator, threshold)
    yield from _window_problems(place, entry, signal)


def _threshold_problems(place: Place, signal: Signal, comparator: Comparator, threshold: float) -> Iterator[Problem]:
    low, high = _range_of(signal)
    at_the_edge = threshold >= high if comparator in (Comparator.ABOVE, Comparator.AT_MOST) else threshold <= low
    if at_the_edge or not low <= threshold <= high:
        yield Problem(
            place,
            f"impossible threshold: the signal lies in {low:g} to {high:g}, so this can never or always hold",
        )


def _range_of(signal: Signal) -> tuple[float, float]:
    if isinstance(signal, PushedSignal) and signal.scale is not None:
        return signal.unit.canonical(signal.scale[0]), signal.unit.canonical(signal.scale[1])
    if isinstance(signal, AlertSignal):
        return 0.0, 1.0
    if isinstance(signal, DamageSignal):
        return 0.0, float("inf")
    return {
        Dimension.SHARE: (0.0, 1.0),
        Dimension.LATENCY: (0.0, float("inf")),
        Dimension.NUMBER: (float("-inf"), float("inf")),
    }[signal.measures.dimension]


def _window_problems(place: Place, entry: TriggerEntry, signal: Signal) -> Iterator[Problem]:
    if entry.over and signal.measures.dimension is not Dimension.SHARE:
        yield Problem((*place, "over"), "only a share can be pooled over an interval; expected no `over` here")
    if entry.max_gap is not None and entry.max_gap < signal.every:
        wanted = say_duration(signal.every)
        yield Problem((*place, "max_gap"), f"shorter than the signal's own rhythm; expected at least {wanted}")
    if (entry.hold_for + entry.over) / signal.every > MOST_SAMPLES * 0.9:
        longest = say_duration(int(MOST_SAMPLES * 0.9) * signal.every)
        yield Problem(
            (*place, "for"), f"spans more samples than are kept; expected at most {longest}, or a longer `every`"
        )
    if isinstance(signal, ProbeSignal):
        window = max(entry.hold_for, entry.over)
        most = signal.requests * (int(window / signal.every) + 1)
        if entry.at_least > most:
            within = say_duration(window)
            yield Problem(
                (*place, "at_least"),
                f"the probe sends at most {most} requests in {within}; expected no more than that",
            )
