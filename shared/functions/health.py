"""Health of the app itself, for load balancers, uptime checks and people. Open to all: it holds no secrets."""

from http import HTTPStatus

import azure.functions as func

from shared.app import app
from shared.functions.problems import answer

health = func.Blueprint()


@health.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def show_health(req: func.HttpRequest) -> func.HttpResponse:
    """Every check with what it says."""
    return answer(_checks)


@health.route("health/ready", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def ready(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app can do its work: 200 or 503."""
    return answer(_checks)


@health.route("health/live", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def live(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app runs at all; touches nothing."""
    return answer(lambda: {"status": "alive"})


def _checks() -> tuple[HTTPStatus, object]:
    running = app()
    fit, shown = running.views.health(running.policy_problems, running.settings.watch_stale_after)
    return HTTPStatus.OK if fit else HTTPStatus.SERVICE_UNAVAILABLE, shown
