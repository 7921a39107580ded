"""Writes that set one state together, one after another: what is said of the last one must not hide those before it."""

from collections.abc import Callable

from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.ports import Fence


class Writes:
    """The writes of one `establish`, each behind the fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._accepted: list[str] = []

    def carry_out[T](self, what: str, write: Callable[[], T]) -> T:
        """Make a write and return its answer.

        Args:
            what: What it sets, for the sentence of an error of a later one.

        Raises:
            TransientError: nothing was written at all.
            OutcomeUnknown: some of it may have been.
            PermanentError: it cannot be written; the sentence says what was before it.
        """
        try:
            self._fence()
            answer = write()
        except TransientError as error:
            if not self._accepted:
                raise
            # Also of a plain refusal: only its own write did not happen.
            raise OutcomeUnknown(self._with_those_before(error), retry_after=error.retry_after) from None
        except PermanentError as error:
            raise PermanentError(self._with_those_before(error)) from None
        self._accepted.append(what)
        return answer

    def _with_those_before(self, error: Exception) -> str:
        return f"{error}; set before it: {', '.join(self._accepted)}" if self._accepted else str(error)
