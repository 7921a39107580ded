"""A generic webhook: each delivery is one POST of JSON, with an id that stays the same when it is sent again.

Headers follow the Standard Webhooks convention (`webhook-id`, `webhook-timestamp`): https://www.standardwebhooks.com
"""

import json
from datetime import timedelta

from shared.adapters.bounded_http import ADDRESS_ERRORS, EXCHANGE_ERRORS, Connection, header, parse_address
from shared.adapters.http_outcomes import demand_success
from shared.clock import Clock, utc_now
from shared.errors import SettingsError, TransientError
from shared.model.event import Delivery

_WITHIN = timedelta(seconds=15)


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
        status, pause_asked = self._post(delivery)
        demand_success(self._name, status, pause_asked)

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
