"""What nobody foresaw gets a number: people see the number, the log has the rest."""

import logging
from uuid import uuid4

log = logging.getLogger(__name__)


def incident(where: str, error: Exception) -> str:
    """Log an error with its trace under a new number.

    Returns:
        A sentence with the number and nothing of the error, safe to show to anybody.
    """
    number = uuid4().hex[:12]
    log.error("%s: incident %s", where, number, exc_info=error)
    return f"unexpected trouble of our own, logged as incident {number}"
