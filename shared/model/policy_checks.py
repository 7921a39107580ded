"""What is wrong with a policy that no single field can see: each problem with its place in the file."""

from collections import Counter
from collections.abc import Iterator

from shared.model.event import EventKind
from shared.model.policy import MOST_WRITES, UNCLAIMED, Policy
from shared.model.policy_advice_checks import advice_problems
from shared.model.policy_approval import Approval
from shared.model.policy_attribution import attribution_problems
from shared.model.policy_azure_signals import MetricSignal
from shared.model.policy_conditions.entry import EntryBase
from shared.model.policy_control_checks import control_problems
from shared.model.policy_data import Capture
from shared.model.policy_data_checks import data_problems
from shared.model.policy_derived import derived_problems
from shared.model.policy_outside_checks import outside_problems
from shared.model.policy_problem import Place, Problem
from shared.model.policy_readiness import freshness_problems, scope_problems
from shared.model.policy_road_checks import people_problems, promotion_problems, road_problems
from shared.model.policy_rules import rule_of
from shared.model.policy_signals import DamageSignal, PushedSignal
from shared.model.quantity import say_duration
from shared.model.signal import MOST_KEPT, MOST_SAMPLES
from shared.model.trigger import NoData, RollbackTrigger, Tier

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
    found = [
        *_name_problems(policy),
        *_size_problems(policy),
        *_told_of_checkpoints(policy),
        *_signal_problems(policy),
        *_damage_problems(policy),
        *outside_problems(policy),
        *(Problem(("signals", *place), text) for place, text in derived_problems(policy.signals)),
        *(
            Problem(("attribution", *place), text)
            for place, text in attribution_problems(policy.attribution, policy.signals)
        ),
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
        *advice_problems(policy),
        *(
            problem
            for tier, place, entry in policy.triggers.by_tier()
            for problem in _trigger_problems(policy, ("triggers", tier.value, place), entry)
        ),
    ]
    return found or list(_kept_problems(policy))


def _kept_problems(policy: Policy) -> Iterator[Problem]:
    """All that is kept of the samples is one record."""
    kept = {name: min(MOST_SAMPLES, policy.horizon(name) // signal.every) for name, signal in policy.signals.items()}
    if sum(kept.values()) > MOST_KEPT:
        largest = max(kept, key=lambda name: kept[name])
        text = f"{sum(kept.values()):,} samples are to be kept; expected at most {MOST_KEPT:,}, or a longer `every`"
        yield Problem(("signals", largest), text)


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
        if signal.stale_after is not None and signal.stale_after < signal.apart and not signal.speaks_seldom:
            wanted = say_duration(signal.apart)
            yield Problem(("signals", name, "stale_after"), f"stale before the next sample; expected at least {wanted}")
        if isinstance(signal, PushedSignal) and signal.scale and signal.scale[0] >= signal.scale[1]:
            yield Problem(("signals", name, "scale"), "no range; expected the lowest value, then the highest")
        if isinstance(signal, MetricSignal) and not (signal.region or policy.site.region):
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


def _trigger_problems(policy: Policy, place: Place, entry: EntryBase) -> Iterator[Problem]:
    try:
        missing = [name for name in entry.inputs if name not in policy.signals]
    except ValueError as error:
        yield Problem((*place, entry.key), str(error))
        return
    if missing:
        known = ", ".join(sorted(policy.signals))
        yield Problem((*place, entry.key), f"unknown signal {missing[0]!r}; expected one of: {known}")
        return
    found = [Problem((*place, key), text) for key, text in entry.problems(policy.signals)]
    yield from found or _window_problems(place, rule_of(Tier.CRITICAL, entry, policy.signals), policy)


def _window_problems(place: Place, rule: RollbackTrigger, policy: Policy) -> Iterator[Problem]:
    """A gap shorter than the rhythm would break every stretch, and only so many samples are kept."""
    rhythms = [policy.signals[name].apart for name in rule.condition.inputs]
    if rule.max_gap < max(rhythms):
        wanted = say_duration(max(rhythms))
        yield Problem((*place, "max_gap"), f"shorter than the signal's own rhythm; expected at least {wanted}")
    # Where the last word stands, samples are few, however far back they reach.
    spans = rule.hold_for if rule.no_data is NoData.HOLD else rule.hold_for + rule.condition.looks_back
    if spans / min(rhythms) > MOST_SAMPLES * 0.9:
        longest = say_duration(int(MOST_SAMPLES * 0.9) * min(rhythms))
        yield Problem(
            (*place, "for"), f"spans more samples than are kept; expected at most {longest}, or a longer `every`"
        )
