"""What nobody foresaw gets a number: people see the number, the log has the rest."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from uuid import uuid4

from shared.errors import ControllerError, PermanentError

log = logging.getLogger(__name__)


def incident(where: str, error: BaseException) -> str:
    """Log an error with its trace under a new number.

    Returns:
        A sentence with the number and nothing of the error, safe to show to anybody.
    """
    number = uuid4().hex[:12]
    log.error("%s: incident %s", where, number, exc_info=error)
    return f"unexpected trouble of our own, logged as incident {number}"


def outcomes_of[T](tasks: Mapping[str, Future[T]], what: str) -> dict[str, T | ControllerError]:
    """Wait for tasks of several workloads, by name: what goes wrong with one is its own and disturbs no other.

    Args:
        tasks: All of them, already begun.
        what: What each does, for the log.
    """
    outcomes: dict[str, T | ControllerError] = {}
    for name, task in tasks.items():
        outcome = outcome_of(task, f"{what} of {name}")  # by itself: in one expression its type would be that of T
        outcomes[name] = outcome
    return outcomes


def outcome_of[T](task: Future[T], where: str, timeout_s: float | None = None) -> T | ControllerError:
    """Wait for one of several tasks and return what it gave, or why it gave nothing.

    The pool keeps what a task raised with the task, so that a bug that one workload's data wakes ends that task alone.

    Raises:
        TimeoutError: the task did not end within `timeout_s`.
        CancelledError: the task was taken back before it began.
    """
    error = task.exception(timeout_s)
    if error is None:
        return task.result()
    return error if isinstance(error, ControllerError) else PermanentError(incident(where, error))
