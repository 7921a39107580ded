"""What comes in: alerts, samples, changes and builds that are known to be good."""

from http import HTTPStatus

from shared.app import app
from shared.functions.answers import Taken
from shared.functions.bodies import AlertDocument, ChangeBody, KnownGoodBody, SamplesBody
from shared.functions.call import Call
from shared.functions.names import signed
from shared.functions.operations import ALERT_SENDERS, OPERATORS, Act, operation
from shared.model.alert import read_alert
from shared.model.change import Change, KnownGood


@operation("POST", "alerts", roles=ALERT_SENDERS, status=HTTPStatus.ACCEPTED)
def alerts(call: Call[AlertDocument]) -> Taken:
    """Take in an alert of Azure Monitor; the watch decides."""
    return Taken(app().intake.alert(read_alert(call.body, received_at=call.now)))


@operation("POST", "workloads/{name}/samples", roles=OPERATORS, status=HTTPStatus.ACCEPTED)
def push_samples(call: Call[SamplesBody]) -> Taken:
    """Take in samples and events that a workload pushes."""
    return Taken(app().intake.samples(call.params["name"], call.body.by_signal(), call.body.happened()))


@operation(
    "PUT",
    "workloads/{name}/known-good",
    roles=OPERATORS,
    refusals={HTTPStatus.CONFLICT},
    act=Act("known_good.record", "build {build} is the known good", "{name}", ("build", "recorded_by", "override")),
)
def record_known_good(call: Call[KnownGoodBody]) -> KnownGood:
    """Record the build to go back to."""
    by = signed(call.caller, call.body.recorded_by, "recorded_by")
    return app().intake.known_good(call.params["name"], call.body.build, by, call.body.override)


@operation(
    "POST",
    "workloads/{name}/changes",
    roles=OPERATORS,
    status=HTTPStatus.CREATED,
    refusals={HTTPStatus.CONFLICT},
    act=Act("change.start", "{kind} {id} has begun", "{name}", ("build", "known_good", "kind", "override")),
)
def start_change(call: Call[ChangeBody]) -> Change:
    """Record that a change begins."""
    body, by = call.body, signed(call.caller, None, "")
    return app().intake.change(call.params["name"], body.kind, body.build, body.known_good, body.override, by=by)
