"""The absence of what should be heard.

A source that is asked is silent when it answers and has nothing: `no_data`. An error, or no answer at all, says nothing
about the signal; after its patience the trigger is blind.

What is sent by itself is silent when nothing comes. That speaks of the sender only while the watch itself was running
and what was sent arrived: what came while it stood still may lie in its queue. So a word is due one rhythm after the
last one, or after the moment since which the watch has been running without a break, whichever is later; the watch
keeps that moment in its record, and begins it anew after standing still for two minutes and for as long as messages
wait in its queue. Until then, and of one who was never heard, nothing is known.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from shared.decision.conditions.line import Mark, View
from shared.model.conditions.silence import Silence
from shared.model.signal import Outcome, Sample

_UNHEARD = "was never heard"
_HELD_UP = "may have been sent and not taken in yet"


def marks(condition: Silence, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every answer of a source that is asked, else for every word and every silence after one."""
    samples = inputs[condition.signal]
    if condition.asked:
        return [
            _mark(s.at, silent=s.outcome is not Outcome.MEASURED) for s in samples if s.outcome is not Outcome.ERROR
        ]
    words = sorted({s.at for s in samples if s.outcome is Outcome.MEASURED})
    return [
        *_unheard(words[0] if words else None, view),
        *(mark for word, beyond in pairwise([*words, None]) for mark in _after(condition, word, beyond, view)),
    ]


def _after(condition: Silence, word: datetime | None, beyond: datetime | None, view: View) -> list[Mark]:
    """Return the marks of a word and of the silence until the next one: it begins when that word was due."""
    if word is None:
        return []
    found, since = [_mark(word, silent=False)], view.watched_since
    if since is not None and word < since:
        found.append(Mark(max(since, word + condition.every), None, 0.0, 1.0, 0, note=_HELD_UP))
    if since is not None:
        found.append(_mark(max(word, since) + condition.every, silent=True))
    return [mark for mark in found if mark.at <= view.watermark and (beyond is None or mark.at < beyond)]


def _unheard(first: datetime | None, view: View) -> list[Mark]:
    """Return the mark that says nothing, where the watch began before the first word."""
    since = view.watched_since
    begun = since is not None and since <= view.watermark and (first is None or since < first)
    return [Mark(since, None, 0.0, 1.0, 0, note=_UNHEARD)] if since is not None and begun else []


def _mark(at: datetime, *, silent: bool) -> Mark:
    return Mark(at, silent, float(silent), 1.0, 1)


def said(condition: Silence, mark: Mark) -> str:
    """Say it: `heartbeat is silent`."""
    if mark.violates is None:
        return f"{condition.signal} {mark.note}"
    return f"{condition.signal} is {'silent' if mark.violates else 'heard'}"
