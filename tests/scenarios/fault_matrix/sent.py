"""What others send: the samples of a workload and the alerts of Azure Monitor, as bytes through the API's own readers.

Here a source that fails is a sender that fails: it is silent, it is turned away at the door, it sends what makes no
sense, what is old, what others are meant by, or it sends too late. What makes no sense must be refused.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from local.functions_host.keys import Keys
from shared.clock import Clock
from shared.engine.intake import Intake
from shared.errors import InvalidInput
from shared.functions.bodies import SamplesBody, parse
from shared.model.alert import read_alert
from shared.ports import SampleSource
from tests.scenarios.fault_matrix.ground import Address, Story, address_of
from tests.scenarios.fault_matrix.kinds import ALERT_RULE, Fault, Kind, Source
from tests.unit.alerts.payloads import common, criterion, metric

_KEYS = Keys(function="the-key", master="the-master")
_LONG_AGO = timedelta(minutes=40)
_AHEAD = timedelta(hours=1)
_LATEST = timedelta(minutes=11)
_REFUSED = frozenset({Fault.FORBIDDEN, Fault.EMPTY, Fault.NAN})
_numbers = count()


@dataclass(frozen=True, slots=True)
class Word:
    """What a sender has to say: how things stand at a time."""

    at: datetime
    bad: bool


Message = Callable[[str, Word], bytes]


def _sample(_: str, word: Word, *, signal: str = "load", value: str = "", more: str = "") -> bytes:
    figure = value or ("90" if word.bad else "10")
    at = word.at.isoformat()
    return f'{{"samples": [{{"signal": "{signal}", "at": "{at}", "value": {figure}, "count": 5{more}}}]}}'.encode()


def _alert(resource: str, word: Word, *, value: str = "null", **essentials: str) -> bytes:
    """An alert whose figure is missing, as it often is, unless it is given: what counts is what the rule says."""
    told: dict[str, Any] = {
        "alertId": f"/subscriptions/s1/providers/Microsoft.AlertsManagement/alerts/{next(_numbers)}",
        "alertRule": ALERT_RULE,
        "alertTargetIDs": [resource],
        "firedDateTime": word.at.isoformat(),
        "monitorCondition": "Fired" if word.bad else "Resolved",
    }
    ended = {} if word.bad else {"resolvedDateTime": word.at.isoformat()}
    document = common(metric(criterion(metricValue="@")), **(told | ended | essentials))
    return json.dumps(document).replace('"@"', value).encode()


def _empty_alert(_: str, __: Word) -> bytes:
    return b'{"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {}, "alertContext": {}}}'


def _event(_: str, word: Word, *, name: str = "orders.lost", times: str = "", more: str = "") -> bytes:
    at, often = word.at.isoformat(), times or ("9" if word.bad else "1")
    return f'{{"events": [{{"event": "{name}", "at": "{at}", "id": "{at}", "times": {often}{more}}}]}}'.encode()


_USUAL: Mapping[Source, Message] = {Source.PUSHED: _sample, Source.ALERT: _alert, Source.EVENT: _event}
# What is sent once the fault has begun; nothing where there is no entry.
FACES: Mapping[Source, Mapping[Fault, Mapping[str, Message | None]]] = {
    Source.PUSHED: {
        Fault.DOWN: {"nobody sends": None},
        Fault.FORBIDDEN: {"the sender's key does not count any more": _sample},
        Fault.EMPTY: {"no samples in the body": lambda _, __: b'{"samples": []}'},
        Fault.STALE: {"the last samples again, and older ones that say otherwise": _sample},
        Fault.NAN: {
            "NaN": lambda site, word: _sample(site, word, value="NaN"),
            "a number beyond all numbers": lambda site, word: _sample(site, word, value="1e999"),
            "NaN as text": lambda site, word: _sample(site, word, value='"NaN"'),
            "a clock an hour ahead": lambda site, word: _sample(site, Word(word.at + _AHEAD, word.bad)),
            "a count below 0": lambda site, word: _sample(site, word, more=', "count": -5'),
            "half a body": lambda site, word: _sample(site, word)[:-20],
        },
        Fault.RENAMED: {"sent under another name": lambda site, word: _sample(site, word, signal="load_v2")},
        Fault.NO_TRAFFIC: {"a count of 0": lambda site, word: _sample(site, word, more=', "count": 0')},
        Fault.SLOW: {"sent when they are stale already": _sample},
    },
    Source.EVENT: {
        Fault.DOWN: {"nobody sends": None},
        Fault.FORBIDDEN: {"the sender's key does not count any more": _event},
        Fault.EMPTY: {"no events in the body": lambda _, __: b'{"events": []}'},
        Fault.STALE: {"the last events again, and older ones that say otherwise": _event},
        Fault.NAN: {
            "NaN": lambda site, word: _event(site, word, times="NaN"),
            "less than nothing": lambda site, word: _event(site, word, times="-9"),
            "half a body": lambda site, word: _event(site, word)[:-20],
        },
        Fault.RENAMED: {"sent under another name": lambda site, word: _event(site, word, name="orders.gone")},
        Fault.NO_TRAFFIC: {"it happened 0 times": lambda site, word: _event(site, word, times="0")},
        Fault.SLOW: {"sent when they are stale already": _event},
    },
    Source.ALERT: {
        Fault.DOWN: {"no alert arrives": None},
        Fault.FORBIDDEN: {"the action group's key does not count any more": _alert},
        Fault.EMPTY: {"an alert without essentials": _empty_alert},
        Fault.STALE: {"the last alerts again, and older ones that say otherwise": _alert},
        Fault.NAN: {"the figure is NaN, which is no JSON": lambda site, word: _alert(site, word, value="NaN")},
        Fault.RENAMED: {"the rule has another name": lambda site, word: _alert(site, word, alertRule="orders-5xx-v2")},
        Fault.NO_TRAFFIC: {"a rule with nothing to evaluate says nothing": None},
        Fault.SLOW: {"delivered when they are stale already": _alert},
    },
}


class SentGround:
    """Fulfils `Ground`. Every tier's workload of a story is sent the same."""

    def __init__(
        self,
        intake: Intake,
        clock: Clock,
        kind: Kind,
        workloads: Callable[[Story], list[str]],
        failure: tuple[Fault, Message | None] | None,
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._source = kind.source
        self._rule = kind.rule
        self._late = min(kind.patience, _LATEST) + kind.every
        self._workloads = workloads
        self._failure = failure
        self._fault: Fault | None = None
        self._last: dict[Story, tuple[Word, bytes]] = {}
        self._held_up: dict[Story, deque[Word]] = {story: deque() for story in Story}

    def sources(self) -> Mapping[str, SampleSource]:
        return {}

    def address(self, story: Story) -> Address:
        return address_of(story, f"https://{story.value}.example")

    def strike(self) -> None:
        assert self._failure is not None
        self._fault = self._failure[0]

    def turn(self, story: Story, *, bad: bool) -> None:
        word = Word(self._clock(), bad)
        if self._fault is None or self._failure is None:
            body = _USUAL[self._source](self.address(story)[0], word)
            self._last[story] = word, body
            self._send(story, body)
            return
        message = self._failure[1]
        if message is None:
            return
        if self._fault is Fault.STALE:
            self._send_old(story, message)
        elif self._fault is Fault.SLOW:
            self._send_late(story, word, message)
        else:
            self._send_damaged(story, message(self.address(story)[0], word))

    def _send_old(self, story: Story, message: Message) -> None:
        word, body = self._last.get(story, (Word(self._clock(), bad=False), b""))
        if body:
            self._send(story, body)
        elif self._rule.stale_after > _LONG_AGO:
            return  # the first word that there ever was would be the last one too, and stand
        self._send(story, message(self.address(story)[0], Word(word.at - _LONG_AGO, not word.bad)))

    def _send_late(self, story: Story, word: Word, message: Message) -> None:
        held_up = self._held_up[story]
        held_up.append(word)
        if held_up[0].at <= self._clock() - self._late:
            self._send(story, message(self.address(story)[0], held_up.popleft()))

    def _send_damaged(self, story: Story, body: bytes) -> None:
        try:
            self._send(story, body)
        except (InvalidInput, ValidationError):
            return
        assert self._fault not in _REFUSED, f"{self._fault} was taken in: {body[:200]!r}"

    def _send(self, story: Story, body: bytes) -> None:
        if not self._let_in():
            raise InvalidInput("401")
        if self._source is Source.ALERT:
            self._intake.alert(read_alert(parse(body), received_at=self._clock()))
            return
        said = SamplesBody.model_validate(parse(body))
        for workload in self._workloads(story):
            self._intake.samples(workload, said.by_signal(), said.happened())

    def _let_in(self) -> bool:
        """Ask the host's own check of keys, with the key that the sender has."""
        key = "a-revoked-key" if self._fault is Fault.FORBIDDEN else "the-key"
        request = make_mocked_request("POST", "/api/samples", headers={"x-functions-key": key})
        return _KEYS.allow("function", request)
