"""Databases: from when on their rows can go back, and what going back would do."""

from http import HTTPStatus

from shared.app import app
from shared.functions.answers import CheckpointsView
from shared.functions.call import Call
from shared.functions.operations import OPERATORS, READERS, Act, operation
from shared.functions.queries import LevelQuery
from shared.model.level_ahead import LevelAhead


@operation("GET", "workloads/{name}/databases", roles=READERS)
def show_databases(call: Call) -> CheckpointsView:
    """The checkpoint of every database: whether rows could go back, what was captured, what stays behind."""
    return CheckpointsView.of(app().checkpoints.of(call.params["name"]))


@operation(
    "POST",
    "workloads/{name}/databases/checkpoints",
    roles=OPERATORS,
    refusals={HTTPStatus.CONFLICT},
    act=Act("databases.checkpoint", "{says}", "{name}"),
)
def take_checkpoints(call: Call) -> CheckpointsView:
    """Take the checkpoints of the change that is in progress now, and tell what became of each."""
    return CheckpointsView.of(app().checkpoints.keep(call.params["name"]), asked=True)


@operation("GET", "workloads/{name}/rollbacks/preview", roles=READERS)
def preview_rollback(call: Call[None, LevelQuery]) -> LevelAhead:
    """What a level would do to the rows of databases now: how many, what could be lost, whether people are asked."""
    return app().look_ahead.of(call.params["name"], call.query.level)
