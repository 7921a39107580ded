"""What holds for all workloads: the pause switch, the budget."""

from typing import Any

from shared.app import app
from shared.functions.answers import FleetView, Turned
from shared.functions.bodies import PauseBody
from shared.functions.call import Call
from shared.functions.names import signed
from shared.functions.operations import OPERATORS, READERS, Act, operation
from shared.functions.queries import ResumeQuery


@operation("GET", "fleet", roles=READERS, answer=FleetView)
def show_fleet(call: Call) -> dict[str, Any]:
    """What holds for all workloads: the pause switch, the budget and what was used of it."""
    return app().fleet.view()


@operation("PUT", "fleet/pause", roles=OPERATORS, act=Act("fleet.pause", "{says}", "fleet", ("reason", "by")))
def pause_fleet(call: Call[PauseBody]) -> Turned:
    """Let no automatic rollback start anywhere."""
    switched = app().fleet_switch.pause(signed(call.caller, call.body.by, "by"), call.body.reason)
    return Turned(switched.says, switched.untold)


@operation("DELETE", "fleet/pause", roles=OPERATORS, act=Act("fleet.resume", "{says}", "fleet", ("by",)))
def resume_fleet(call: Call[None, ResumeQuery]) -> Turned:
    """Let automatic rollbacks start again."""
    switched = app().fleet_switch.resume(signed(call.caller, call.query.by, "by"))
    return Turned(switched.says, switched.untold)
