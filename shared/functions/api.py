"""The HTTP API: alerts and samples in, workloads and rollbacks out."""

from http import HTTPStatus

import azure.functions as func

from shared.app import app
from shared.clock import utc_now
from shared.functions.bodies import (
    CancelBody,
    ChangeBody,
    KnownGoodBody,
    PauseBody,
    ResumeQuery,
    RollbackBody,
    SamplesBody,
    json_body,
)
from shared.functions.problems import Document, answer
from shared.model.alert import read_alert

api = func.Blueprint()


@api.route("alerts", methods=["POST"])
def alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Take in an alert of Azure Monitor; the watch decides."""
    return answer(
        lambda: {"detail": app().intake.alert(read_alert(json_body(req), received_at=utc_now()))}, HTTPStatus.ACCEPTED
    )


@api.route("workloads/{name}/samples", methods=["POST"])
def push_samples(req: func.HttpRequest) -> func.HttpResponse:
    """Take in samples that a workload pushes."""
    return answer(
        lambda: {
            "detail": app().intake.samples(
                req.route_params["name"], SamplesBody.model_validate(json_body(req)).by_signal()
            )
        },
        HTTPStatus.ACCEPTED,
    )


@api.route("workloads", methods=["GET"])
def list_workloads(req: func.HttpRequest) -> func.HttpResponse:
    """Every workload with its verdict and last sentence."""
    return answer(lambda: app().views.workloads())  # noqa: PLW0108  # `app()` may raise: it belongs inside `answer`


@api.route("workloads/{name}", methods=["GET"])
def show_workload(req: func.HttpRequest) -> func.HttpResponse:
    """One workload: verdict, triggers with their clocks, change, history."""
    return answer(lambda: app().views.workload(req.route_params["name"]))


@api.route("workloads/{name}/known-good", methods=["PUT"])
def record_known_good(req: func.HttpRequest) -> func.HttpResponse:
    """Record the build to go back to."""

    def use() -> object:
        body = KnownGoodBody.model_validate(json_body(req))
        return app().intake.known_good(req.route_params["name"], body.build, body.recorded_by, body.override)

    return answer(use)


@api.route("workloads/{name}/changes", methods=["POST"])
def start_change(req: func.HttpRequest) -> func.HttpResponse:
    """Record that a change begins."""

    def use() -> object:
        body = ChangeBody.model_validate(json_body(req))
        return app().intake.change(req.route_params["name"], body.kind, body.build, body.known_good, body.override)

    return answer(use, HTTPStatus.CREATED)


@api.route("workloads/{name}/rollbacks", methods=["POST"])
def start_rollback(req: func.HttpRequest) -> func.HttpResponse:
    """Start a rollback by hand, with a reason."""

    def use() -> object:
        body = RollbackBody.model_validate(json_body(req))
        run = app().by_hand.start(req.route_params["name"], body.level, body.reason, body.requested_by)
        return {"id": run.id, "status": run.status, "url": f"/api/rollbacks/{run.id}"}

    return answer(use, HTTPStatus.ACCEPTED)


@api.route("rollbacks/{id}", methods=["GET"])
def show_rollback(req: func.HttpRequest) -> func.HttpResponse:
    """One rollback: steps, timings, evidence."""
    return answer(lambda: app().views.rollback(req.route_params["id"]))


@api.route("rollbacks/{id}/receipt", methods=["GET"])
def show_receipt(req: func.HttpRequest) -> func.HttpResponse:
    """The signed receipt of a rollback that ended, as it was written."""
    return answer(lambda: Document(app().receipts.document(req.route_params["id"])))


@api.route("rollbacks/{id}/cancel", methods=["POST"])
def cancel_rollback(req: func.HttpRequest) -> func.HttpResponse:
    """End a rollback that is running; says what it cannot take back."""

    def use() -> object:
        body = CancelBody.model_validate(json_body(req))
        run = app().by_hand.cancel(req.route_params["id"], body.reason, body.cancelled_by)
        return {"id": run.id, "status": run.status, "outcome": run.outcome}

    return answer(use)


@api.route("fleet", methods=["GET"])
def show_fleet(req: func.HttpRequest) -> func.HttpResponse:
    """What holds for all workloads: the pause switch, the budget and what was used of it."""
    return answer(lambda: app().fleet.view())  # noqa: PLW0108  # `app()` may raise: it belongs inside `answer`


@api.route("fleet/pause", methods=["PUT"])
def pause_fleet(req: func.HttpRequest) -> func.HttpResponse:
    """Let no automatic rollback start anywhere."""

    def use() -> object:
        body = PauseBody.model_validate(json_body(req))
        return app().fleet_switch.pause(body.by, body.reason)

    return answer(use)


@api.route("fleet/pause", methods=["DELETE"])
def resume_fleet(req: func.HttpRequest) -> func.HttpResponse:
    """Let automatic rollbacks start again."""

    def use() -> object:
        by = req.params.get("by")
        return app().fleet_switch.resume(ResumeQuery.model_validate({"by": by} if by else {}).by)

    return answer(use)
