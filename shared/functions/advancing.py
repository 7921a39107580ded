"""Advances a run for a message of a queue: the trigger boundary of the queues that carry runs.

A message that fails is only put back, and after some times moved aside. For a run that is not enough: behind a bug in
one step lie the deadline of that step, its other roads and the next level, and none of them would ever come.
"""

from shared.engine.advance import Runs
from shared.engine.incidents import incident
from shared.errors import ControllerError


def advance(runs: Runs, run_id: str) -> str:
    """Take a run as far as it goes now, past steps that stumble over what nobody foresaw.

    Returns:
        One sentence that says how it stands.

    Raises:
        NotFound: there is no such run.
        TransientError: the storage does not answer; ring again.
    """
    taken = runs.take_up(run_id)
    if isinstance(taken, str):
        return taken
    why = None
    while True:  # each stumble closes its step, or makes it wait
        try:
            return taken.go(why)
        except ControllerError:
            raise
        except Exception as error:  # the trigger boundary
            if not taken.in_a_step:
                raise  # the queue brings it again, and tells people when it does so for the last time
            why = incident(run_id, error)
