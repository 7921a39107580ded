"""The columns of the matrix: what Azure may answer to one call, and how often it does.

A fault is set in the simulator as its control endpoint takes it (`local/azure_simulator/README.md`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from local.azure_simulator.faults import KINDS_OF, Api, Kind

RETRY_AFTER_S = 7
LATE_S = 5.0
_NEVER_S = 1e9


class Answer(StrEnum):
    """What comes back in place of what should."""

    BUSY = "429"
    IN_PROGRESS = "409 in progress"
    PREPARED = "409 prepared"
    ERROR = "500"
    CUT_BEFORE = "cut before"
    CUT_AFTER = "cut after"
    LATE = "5 s late"
    STUCK = "never ends"
    FORBIDDEN = "403"
    GONE = "404"


class Times(StrEnum):
    """How many calls in a row get it."""

    ONCE = "once"
    THREE = "three times"
    EVER = "for ever"


_COUNT = {Times.ONCE: 1, Times.THREE: 3, Times.EVER: None}
# What goes away by itself when it comes for a while only ...
_PASSING = frozenset(
    {Answer.BUSY, Answer.IN_PROGRESS, Answer.PREPARED, Answer.ERROR, Answer.CUT_BEFORE, Answer.CUT_AFTER, Answer.LATE}
)
# ... but for the 409 of those with whom it means something else: App Configuration's says that the key is locked, and
# what a hook's means only its owner knows.
_LASTING_CONFLICTS = frozenset({Api.KEY_VALUE_READ, Api.KEY_VALUE_WRITE, Api.HOOK_READ})
# Whom App Service refuses while a swap with preview waits for its second half.
_REFUSED_BY_A_PREVIEW = frozenset({Api.SWAP, Api.WEB_CONFIG_WRITE})
# What a sentence must have in it to name the answer.
NAMED_BY: Mapping[Answer, tuple[str, ...]] = {
    Answer.BUSY: ("429",),
    Answer.IN_PROGRESS: ("409", "still carries out an earlier call", "is locked"),
    Answer.PREPARED: ("409", "prepared for swap"),
    Answer.ERROR: ("500", "not known"),
    Answer.CUT_BEFORE: ("connection", "gave no whole answer", "not known"),
    Answer.CUT_AFTER: ("connection", "gave no whole answer", "not known"),
    Answer.LATE: (),
    Answer.STUCK: ("under way", "carrying it out", "the platform works on", "accepted"),
    Answer.FORBIDDEN: ("403",),
    Answer.GONE: ("404", "there is no slot", "does not exist", "is not there"),
}
# A token that is not given is one thing, whatever the endpoint answered.
NO_TOKEN = "no token"


def passes(api: Api, answer: Answer) -> bool:
    """Say whether waiting helps, once the answer comes no more."""
    return answer in _PASSING and not (answer is Answer.IN_PROGRESS and api in _LASTING_CONFLICTS)


def fault(api: Api, answer: Answer, times: Times) -> dict[str, Any]:
    """Return the fault as the simulator takes it."""
    return {"api": api, "times": _COUNT[times], **_body(api, answer)}


def _body(api: Api, answer: Answer) -> Mapping[str, Any]:
    if answer in _KINDS and _KINDS[answer] in KINDS_OF[api]:
        return {"kind": _KINDS[answer]}
    return {"kind": Kind.STATUS, **_STATUSES[answer]}


_KINDS: Mapping[Answer, Kind] = {
    Answer.IN_PROGRESS: Kind.CONFLICT_IN_PROGRESS,
    Answer.PREPARED: Kind.CONFLICT_PREVIEW,
    Answer.CUT_BEFORE: Kind.CUT_BEFORE,
    Answer.CUT_AFTER: Kind.CUT_AFTER,
    Answer.LATE: Kind.DELAY,
    Answer.STUCK: Kind.STUCK,
    Answer.FORBIDDEN: Kind.FORBIDDEN,
}
_STATUSES: Mapping[Answer, Mapping[str, int]] = {
    Answer.BUSY: {"status": 429, "retry_after_s": RETRY_AFTER_S},
    Answer.IN_PROGRESS: {"status": 409},
    Answer.ERROR: {"status": 500},
    Answer.FORBIDDEN: {"status": 403},
    Answer.GONE: {"status": 404},
}
# A hook has no long-running operation of Azure's: what it accepted it carries out so much later.
HOOK_NEVER: Mapping[str, float] = {"hook_s": _NEVER_S}


def makes_sense(api: Api, answer: Answer) -> bool:
    """Say whether this call can be answered like that."""
    if answer is Answer.PREPARED:
        return api in _REFUSED_BY_A_PREVIEW
    if answer is Answer.STUCK:
        return Kind.STUCK in KINDS_OF[api] or api is Api.HOOK_CALL
    return True
