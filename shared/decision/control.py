"""What the change of a workload should do now: run, slow or pause, with the sentence that says why.

Of all that speaks, the strongest counts. A pause of the fleet is not among it: that keeps this app from acting by
itself, and says nothing of the change.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.decision.checkpoints import missing_checkpoint
from shared.model.change import Change, ChangeStatus, Control, Do, Told
from shared.model.checkpoint import Checkpoints, CheckpointStatus
from shared.model.policy import Policy
from shared.model.quantity import say_moment, say_span
from shared.model.watch import NEVER, WatchState

_NO_CHECKPOINTS = Checkpoints()
_A_CYCLE_IS_LATE = timedelta(minutes=1)
_STRENGTH = {Do.RUN: 0, Do.SLOW: 1, Do.PAUSE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a workload stands.

    Attributes:
        rolling_back: Id of the rollback that is under way; a promotion or a drill is none.
        state: What the watch knows.
        checkpoints: From when on rows of its databases can go back.
    """

    policy: Policy
    change: Change | None
    rolling_back: str | None
    state: WatchState
    now: datetime
    checkpoints: Checkpoints = _NO_CHECKPOINTS


def control_of(standing: Standing) -> Control:
    """Return what the change should do now."""
    said = [found for rule in _RULES if (found := rule(standing)) is not None]
    control = max(said, key=lambda one: _STRENGTH[one.do])
    return replace(control, change=standing.change.id if standing.change else None)


def newly_told(change: Change, control: Control) -> Change:
    """Return the change with what its hook must be told now; itself when the hook knows."""
    told = change.told
    if told is not None and (told.control.do, told.control.change) == (control.do, control.change):
        return change
    return replace(change, told=Told(control=control, sequence=told.sequence + 1 if told else 1))


def _rolling_back(standing: Standing) -> Control | None:
    run = standing.rolling_back
    if run is None:
        return None
    return Control(do=Do.PAUSE, sentence=f"rollback {run} is under way", since=_instant(run))


def _instant(run_id: str) -> datetime | None:
    """A run's id ends with the instant at which it was started."""
    try:
        return datetime.strptime(run_id.rpartition(".")[2], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def _none_in_progress(standing: Standing) -> Control | None:
    change = standing.change
    if change is None:
        return Control(do=Do.PAUSE, sentence="no change is in progress")
    if change.in_progress:
        return None
    ended = f"no change is in progress; {change} is {change.status.replace('_', ' ')}"
    sentence = f"{ended}: {change.sentence}" if change.sentence else ended
    return Control(do=Do.PAUSE, sentence=sentence, since=change.since or change.started_at)


_HELD = {ChangeStatus.PAUSED: Do.PAUSE, ChangeStatus.SLOWED: Do.SLOW}


def _held(standing: Standing) -> Control | None:
    change = standing.change
    if change is None or change.status not in _HELD:
        return None
    sentence = f"{change.sentence or f'{change} is {change.status}'}; {_until(standing.policy, change)}"
    return Control(do=_HELD[change.status], sentence=sentence, since=change.since or change.started_at)


def _until(policy: Policy, change: Change) -> str:
    rule = next((rule for rule in policy.rules if rule.name == change.trigger), None)
    if rule is None or policy.control.resume == "by_hand":
        return "a person resumes it"
    quiet = f" for {say_span(rule.hold_for)}" if rule.hold_for else ""
    return f"it goes on once {rule.name} has been quiet{quiet}"


def _unseen(standing: Standing) -> Control | None:
    """Nobody sees whether the change does harm: the sources are silent, or the watch itself stands still."""
    policy, change, state = standing.policy, standing.change, standing.state
    patience = policy.guards.blind_page_after
    since = state.blind_since or state.cycled_at
    patience = patience if state.blind_since else max(patience, _A_CYCLE_IS_LATE)
    if change is None or not change.in_progress or standing.now - since < patience:
        return None
    seen_before = state.blind_since is None and since != NEVER
    why = f"not watched since {say_moment(since)}" if seen_before else state.sentence
    sentence = f"nobody sees what {change} does: {why}"
    return Control(do=Do(policy.control.when_blind), sentence=sentence, since=max(since + patience, change.started_at))


def _unguarded(standing: Standing) -> Control | None:
    """What is written before there is a checkpoint is not known to be new: the change waits for it."""
    policy, change = standing.policy, standing.change
    if change is None or not change.in_progress:
        return None
    why = missing_checkpoint(policy, change, standing.checkpoints)
    if why is not None:
        return Control(do=Do.PAUSE, sentence=f"its rows could not go back: {why}", since=change.started_at)
    return _unknown(standing, change)


def _unknown(standing: Standing, change: Change) -> Control | None:
    """Nobody knows any more what was written: that is blind."""
    for name, found in standing.checkpoints.by_database.items():
        if name in standing.policy.databases and found.id == change.id and found.status is CheckpointStatus.LOST:
            return Control(do=Do(standing.policy.control.when_blind), sentence=found.sentence, since=found.since)
    return None


def _in_progress(standing: Standing) -> Control | None:
    change = standing.change
    if change is None or not change.in_progress:
        return None
    return Control(do=Do.RUN, sentence=f"{change} is in progress", since=change.since or change.started_at)


_Rule = Callable[[Standing], Control | None]
# Of equals, the first counts: a pause that a rollback asks for is not told as that of a person.
_RULES: tuple[_Rule, ...] = (_rolling_back, _none_in_progress, _held, _unguarded, _unseen, _in_progress)
