"""A generic webhook: each delivery is one POST of JSON, with an id that stays the same when it is sent again.

Headers follow the Standard Webhooks convention (`webhook-id`, `webhook-timestamp`): https://www.standardwebhooks.com
"""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx

from shared.errors import PermanentError, SettingsError, TransientError
from shared.model.event import Delivery

_TIMEOUT_S = 10.0
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class WebhookChannel:
    """Fulfils `ports.Channel`."""

    def __init__(self, name: str, url: str) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise SettingsError("expected an http or https address", where=f"channel {name}")
        self._name = name
        self._url = url

    def send(self, delivery: Delivery) -> None:
        stamp = str(int(delivery.event.at.timestamp()))
        headers = {"webhook-id": delivery.id, "webhook-timestamp": stamp}
        try:
            answer = httpx.post(
                self._url, json=_body(delivery), headers=headers, timeout=_TIMEOUT_S, follow_redirects=False
            )
        except httpx.TransportError as error:
            raise TransientError(f"{self._name} could not be reached: {type(error).__name__}") from error
        if answer.status_code in _TRY_AGAIN:
            raise TransientError(f"{self._name} answered {answer.status_code}", retry_after=_retry_after(answer))
        if not answer.is_success:
            raise PermanentError(f"{self._name} answered {answer.status_code}")


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


def _retry_after(answer: httpx.Response) -> timedelta:
    asked = answer.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(asked), 600)) if asked.isdecimal() else timedelta(seconds=2)
