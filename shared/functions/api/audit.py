"""Who did what, from where, and what became of it."""

from shared.app import app
from shared.functions.call import Call
from shared.functions.operations import READERS, operation
from shared.functions.queries import AuditQuery
from shared.model.audit import AuditPage


@operation("GET", "audit", roles=READERS)
def show_audit(call: Call[None, AuditQuery]) -> AuditPage:
    """What people did and tried to do, newest first, and whether the chain of rows is intact."""
    return app().audit.rows(call.query.limit, call.query.before, call.query.workload)
