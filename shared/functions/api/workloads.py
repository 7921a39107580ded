"""What is guarded, and how it stands."""

from typing import Any

from shared.app import app
from shared.functions.answers import WorkloadsView, WorkloadView
from shared.functions.call import Call
from shared.functions.operations import READERS, operation


@operation("GET", "workloads", roles=READERS, answer=WorkloadsView)
def list_workloads(call: Call) -> dict[str, Any]:
    """Every workload with its verdict and last sentence."""
    return app().views.workloads()


@operation("GET", "workloads/{name}", roles=READERS, answer=WorkloadView)
def show_workload(call: Call) -> dict[str, Any]:
    """One workload: verdict, triggers with their clocks, change, history."""
    return app().views.workload(call.params["name"])
