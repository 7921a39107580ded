"""What the databases of a workload tell of themselves, and advice on it."""

from shared.app import app
from shared.functions.call import Call
from shared.functions.operations import READERS, operation
from shared.model.database_advice import WorkloadAdvice


@operation("GET", "workloads/{name}/advice", roles=READERS)
def show_advice(call: Call) -> WorkloadAdvice:
    """Each Azure SQL database, asked now: its most expensive queries, indexes that cost more than they give, advice."""
    return app().advice.of(call.params["name"])
