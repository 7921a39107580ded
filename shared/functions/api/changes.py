"""Changes: what they are told, what they tell of themselves, and what they should do now."""

from http import HTTPStatus

from shared.app import app
from shared.functions.answers import CommandObeyed
from shared.functions.call import Call
from shared.functions.names import signed
from shared.functions.operations import OPERATORS, READERS, Act, operation
from shared.model.change import Control
from shared.model.command import CommandBody

# Of the queue `commands`, too.
COMMANDED = Act(
    "change.command",
    "{sentence}",
    "{name}",
    ("command", "id", "change", "build", "known_good", "kind", "override", "severity", "reason"),
)


@operation("POST", "workloads/{name}/commands", roles=OPERATORS, refusals={HTTPStatus.CONFLICT}, act=COMMANDED)
def command_change(call: Call[CommandBody]) -> CommandObeyed:
    """Tell a change what to do, or how it is; the same command under the same id counts once."""
    by = signed(call.caller, None, "")
    obeyed = app().control.obey(call.params["name"], call.body.root, by)
    return CommandObeyed(obeyed.sentence, obeyed.change)


@operation("GET", "workloads/{name}/control", roles=READERS)
def show_control(call: Call) -> Control:
    """What the change of a workload should do now: run, slow or pause, and why."""
    return app().control.control(call.params["name"])
