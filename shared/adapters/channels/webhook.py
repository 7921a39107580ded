"""A generic webhook: each delivery is one POST of JSON, with an id that stays the same when it is sent again.

Headers follow the Standard Webhooks convention (`webhook-id`, `webhook-timestamp`): https://www.standardwebhooks.com
"""

import json
from datetime import timedelta

from shared.adapters.bounded_http import ADDRESS_ERRORS, EXCHANGE_ERRORS, Connection, header, parse_address
from shared.adapters.retry_after import pause_asked
from shared.clock import Clock, utc_now
from shared.errors import PermanentError, SettingsError, TransientError
from shared.model.event import Delivery

_WITHIN = timedelta(seconds=15)
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_SUCCESS = range(200, 300)
_LONGEST_PAUSE = timedelta(minutes=10)


class WebhookChannel:
    """Fulfils `ports.Channel`."""

    def __init__(self, name: str, url: str, clock: Clock = utc_now, within: timedelta = _WITHIN) -> None:
        """`within` bounds a whole attempt, from the first connection to the status that answers it."""
        try:
            parse_address(url)
        except ADDRESS_ERRORS:
            raise SettingsError("expected an http or https address", where=f"channel {name}") from None
        self._name = name
        self._url = url
        self._clock = clock
        self._within = within

    def send(self, delivery: Delivery) -> None:
        status, asked = self._post(delivery)
        if status in _TRY_AGAIN:
            raise TransientError(
                f"{self._name} answered {status}", retry_after=pause_asked(asked, longest=_LONGEST_PAUSE)
            )
        if status not in _SUCCESS:
            raise PermanentError(f"{self._name} answered {status}")

    def _post(self, delivery: Delivery) -> tuple[int, str]:
        """Return the status and the pause that was asked for; the body of the answer is nothing to us."""
        headers = {
            "content-type": "application/json",
            "user-agent": "rollback-controller/1",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(self._clock().timestamp())),
        }
        body = json.dumps(_body(delivery)).encode()
        try:
            with (
                Connection() as connection,
                connection.exchange("POST", self._url, headers=headers, body=body, within=self._within) as answer,
            ):
                return answer.status, header(answer, "retry-after")
        except EXCHANGE_ERRORS as error:
            raise TransientError(f"{self._name} could not be reached: {type(error).__name__}") from None


def _body(delivery: Delivery) -> dict[str, str | None]:
    event = delivery.event
    return {
        "id": delivery.id,
        "workload": event.workload,
        "kind": event.kind.value,
        "at": event.at.isoformat(),
        "since": event.since.isoformat() if event.since else None,
        "about": event.about,
        "sentence": event.sentence,
    }
