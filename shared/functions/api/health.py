"""Health of the app itself, for load balancers, uptime checks and people. Open to all: it holds no secrets."""

from http import HTTPStatus

from shared.app import app
from shared.functions.answers import Alive, HealthView
from shared.functions.call import Call
from shared.functions.operations import ANYBODY, operation

_UNFIT = {HTTPStatus.SERVICE_UNAVAILABLE: HealthView}


@operation("GET", "health", roles=ANYBODY, answer=HealthView, also=_UNFIT)
def show_health(call: Call) -> tuple[HTTPStatus, object]:
    """Every check with what it says."""
    return _checks()


@operation("GET", "health/ready", roles=ANYBODY, answer=HealthView, also=_UNFIT)
def ready(call: Call) -> tuple[HTTPStatus, object]:
    """Whether the app can do its work: 200 or 503."""
    return _checks()


@operation("GET", "health/live", roles=ANYBODY)
def live(call: Call) -> Alive:
    """Whether the app runs at all; touches nothing."""
    return Alive("alive")


def _checks() -> tuple[HTTPStatus, object]:
    running = app()
    fit, shown = running.views.health(running.policy_problems, running.settings.watch_stale_after)
    return HTTPStatus.OK if fit else HTTPStatus.SERVICE_UNAVAILABLE, shown
