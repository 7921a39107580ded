"""The keys cannot be had, or somebody makes the app ask for them: who is still recognised, and how often it asks."""

from collections.abc import Mapping
from datetime import timedelta

from local.entra_issuer.outages import Mode
from shared.adapters.entra import Pace
from tests.contract.identity.case import Answering, Call, Case, Later, Rotating, Step

_GOOD, _WHY, _UNPUBLISHED = Call(expected="200 viewer"), "503 signing keys cannot be had now", "401 does not publish"
_SILENT = frozenset({Mode.HANG, Mode.DRIP})
_IMPATIENTLY = timedelta(seconds=0.75)  # a busy machine answers within it
_PAUSE = timedelta(minutes=5)
_FOREIGN = {"key": "foreign"}
_STRANGER = {"key": "foreign", "headers": {"kid": "stranger-{n}"}}
_SIXTEEN_GOOD = Call(expected="200 viewer", times=16, at_once=True)
_SIXTEEN_TOLD = Call(expected=_WHY, times=16, at_once=True)
# What a caller is told of each outage.
_TOLD: Mapping[Mode, str] = {
    Mode.UNAVAILABLE: "the answer was HTTP 503",
    Mode.HANG: "there was no whole answer: ReadTimeout",
    Mode.DRIP: "there was no whole answer: ReadTimeout",
    Mode.CUT: "there was no whole answer: RemoteProtocolError",
    Mode.HUGE: "the answer is longer than 256 KiB",
    Mode.NOT_JSON: "the answer is no set of keys",
    Mode.NO_SET: "the answer is no set of keys",
    Mode.NO_KEYS: "the answer holds no key for RS256",
    Mode.REDIRECT: "the answer was HTTP 302",
}


def _never(mode: Mode) -> Case:
    steps = (Answering(mode), Call(expected=f"{_WHY}: {_TOLD[mode]}"))
    return _course("never any keys", mode, 1, *steps)


def _later(mode: Mode) -> Case:
    steps = (_GOOD, Answering(mode), Later(timedelta(hours=2)), _GOOD)
    return _course("last good keys", f"{mode} for two hours", 2, *steps)


def _course(area: str, name: str, fetches: int, *steps: Step) -> Case:
    silent = any(isinstance(step, Answering) and (step.mode in _SILENT or step.delay_s > 1) for step in steps)
    within = _IMPATIENTLY if silent else Pace().fetch_within
    return Case(area=area, name=name, steps=steps, fetches=fetches, fetch_within=within)


CASES: tuple[Case, ...] = (
    *(_never(mode) for mode in _TOLD),
    *(_later(mode) for mode in _TOLD),
    _course(
        *("last good keys", "after 24 h they count no more; then they come back", 4),
        *(_GOOD, Answering(Mode.UNAVAILABLE), Later(timedelta(hours=23, minutes=59)), _GOOD),
        *(Later(timedelta(minutes=1)), Call(expected=f"{_WHY}: the answer was HTTP 503")),
        *(Answering(Mode.UP), Later(timedelta(seconds=10)), _GOOD),
    ),
    _course(
        *("last good keys", "a key that nobody knows meanwhile: it cannot be told", 2),
        *(_GOOD, Answering(Mode.UNAVAILABLE), Later(_PAUSE), Call(expected=_WHY, asked=_FOREIGN)),
    ),
    _course(
        *("bounded", "a hundred good calls within the hour", 1),
        Call(expected="200 viewer", times=100, every=timedelta(seconds=30)),
    ),
    _course(
        *("bounded", "two hundred unknown keys within five minutes", 1),
        *(_GOOD, Call(expected=_UNPUBLISHED, asked=_STRANGER, times=200, every=timedelta(seconds=1)), _GOOD),
    ),
    _course(
        *("bounded", "two hundred unknown keys within twenty minutes", 4),
        *(_GOOD, Call(expected=_UNPUBLISHED, asked=_STRANGER, times=200, every=timedelta(seconds=6)), _GOOD),
    ),
    _course(
        *("bounded", "two hundred unknown keys, and never any keys, within a minute", 6),
        *(Answering(Mode.UNAVAILABLE), Call(expected=_WHY, asked=_STRANGER, times=200, every=timedelta(seconds=0.3))),
    ),
    _course(
        *("bounded", "good calls for an hour of an outage", 13),
        *(_GOOD, Answering(Mode.UNAVAILABLE), Later(timedelta(hours=1))),
        Call(expected="200 viewer", times=60, every=timedelta(minutes=1)),
    ),
    _course(*("shared", "sixteen threads, the first calls", 1), Answering(Mode.UP, delay_s=0.1), _SIXTEEN_GOOD),
    _course(*("shared", "sixteen threads, and never an answer", 1), Answering(Mode.HANG), _SIXTEEN_TOLD),
    _course(
        *("shared", "sixteen threads with keys to go on with, and no answer", 2),
        *(_GOOD, Answering(Mode.HANG), Later(timedelta(hours=2)), _SIXTEEN_GOOD),
    ),
    _course(*("slow", "slow, and in time", 1), Answering(Mode.UP, delay_s=0.3), _GOOD),
    _course(*("slow", "too slow", 1), Answering(Mode.UP, delay_s=1.5), Call(expected=f"{_WHY}: there was no whole")),
    _course(
        *("rotation", "a new key is not asked for within five minutes, and then it is", 2),
        *(_GOOD, Rotating(), Rotating(), Call(expected=_UNPUBLISHED), Later(_PAUSE), _GOOD),
    ),
    _course(
        *("rotation", "a key that was withdrawn works for less than an hour", 2),
        *(_GOOD, Rotating(), Later(timedelta(minutes=59)), Call(expected="200 viewer", asked={"key": "retired"})),
        *(Later(timedelta(minutes=1)), Call(expected=_UNPUBLISHED, asked={"key": "retired"}), _GOOD),
    ),
    _course(
        *("rotation", "the clock is set back by a day", 2),
        *(_GOOD, Later(-timedelta(days=1)), _GOOD),
    ),
)
