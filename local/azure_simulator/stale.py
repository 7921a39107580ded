"""The last good answer of every ARM read, so that a `stale` fault can tell it again.

Monitor's APIs are stale in their own way: they answer as of the moment the fault was set (`Call.as_of_s`).
"""

from aiohttp import web

from local.azure_simulator.api import Audience, Call


class LastAnswers:
    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str], bytes] = {}

    def remember(self, call: Call, response: web.Response) -> web.Response:
        is_good_read = response.status == web.HTTPOk.status_code and not call.route.changes_site
        if is_good_read and call.route.audience is Audience.ARM and isinstance(response.body, bytes):
            self._bodies[_key(call)] = response.body
        return response

    def recall(self, call: Call) -> web.Response | None:
        body = self._bodies.get(_key(call))
        return web.Response(body=body, content_type="application/json") if body else None


def _key(call: Call) -> tuple[str, str]:
    return call.request.method, call.request.path.casefold()
