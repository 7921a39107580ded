"""Going forward only where there is a way back: promotions, whether a workload is ready for a rollback, drills."""

from http import HTTPStatus

from shared.app import app
from shared.functions.answers import RunStarted
from shared.functions.bodies import DrillBody, PromotionBody
from shared.functions.call import Call
from shared.functions.names import signed
from shared.functions.operations import OPERATORS, READERS, Act, operation
from shared.model.readiness import Report
from shared.model.run import Run


@operation(
    "POST",
    "workloads/{name}/promotions",
    roles=OPERATORS,
    status=HTTPStatus.ACCEPTED,
    refusals={HTTPStatus.CONFLICT},
    act=Act("promotion.start", "promotion {id} is {status}", "{name}", ("build", "reason", "requested_by")),
)
def start_promotion(call: Call[PromotionBody]) -> RunStarted:
    """Take a build forward, step by step, as long as all is well."""
    body = call.body
    by = signed(call.caller, body.requested_by, "requested_by")
    return _started(
        app().promotions.start(call.params["name"], body.build, by, body.reason or "", requested_by_id=call.caller.id)
    )


@operation(
    "GET", "workloads/{name}/readiness", roles=READERS, answer=Report, also={HTTPStatus.SERVICE_UNAVAILABLE: Report}
)
def show_readiness(call: Call) -> tuple[HTTPStatus, Report]:
    """Whether the workload could be taken back now, as of the last check: 200, or 503 with the reasons."""
    report = app().readiness.report(call.params["name"])
    return HTTPStatus.OK if report.ok else HTTPStatus.SERVICE_UNAVAILABLE, report


@operation(
    "POST",
    "workloads/{name}/drills",
    roles=OPERATORS,
    status=HTTPStatus.ACCEPTED,
    refusals={HTTPStatus.CONFLICT},
    act=Act("drill.start", "drill {id} is {status}", "{name}", ("level", "requested_by")),
)
def start_drill(call: Call[DrillBody]) -> RunStarted:
    """Rehearse a level: on the target that the policy names for it and whose name is typed out, or here without
    changing anything.
    """
    body = call.body
    by = signed(call.caller, body.requested_by, "requested_by")
    run = app().drills.start(call.params["name"], body.level, by, requested_by_id=call.caller.id, confirm=body.confirm)
    return _started(run)


def _started(run: Run) -> RunStarted:
    return RunStarted(run.id, run.status, f"/api/rollbacks/{run.id}")
