"""What the Azure SQL databases of a workload tell of themselves now, for whoever asks, and what to do about it.

A policy names its databases by its signals of kind `sql`. Each is asked twice at once, for its queries and for the use
of its indexes: what cannot be told of one says nothing of the other, nor of another database. Nothing is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from shared.analytics.advisors import costly_indexes, index_advice, most_expensive, query_advice
from shared.clock import Clock
from shared.engine.incidents import outcome_of
from shared.errors import ControllerError, TransientError
from shared.model.database_advice import DatabaseAdvice, WorkloadAdvice
from shared.model.policy import Policy, policy_of
from shared.model.policy_outside_signals import SqlSignal
from shared.model.quantity import say_span
from shared.model.sql_rows import ExpensiveQuery, IndexUse
from shared.ports import Advisor

# A day and a night: what is run once a night counts as well.
_LOOKS_BACK = timedelta(hours=24)
# The platform's front end waits for 230 s; whoever asks would have given up long before.
_WITHIN = timedelta(seconds=60)

type Told[Row] = list[Row] | ControllerError


@dataclass(frozen=True, slots=True)
class AdviceView:
    """The use case. `pool` bounds how much is asked of all databases at once; `within` is when an answer is due."""

    advisor: Advisor
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    pool: Executor
    within: timedelta = _WITHIN

    def of(self, workload: str) -> WorkloadAdvice:
        """Ask the databases of a workload.

        Raises:
            NotFound: no such workload.
        """
        policy, since = policy_of(self.policies(), workload), self.clock() - _LOOKS_BACK
        ends = monotonic() + self.within.total_seconds()
        asked = [
            (
                place,
                self.pool.submit(self.advisor.expensive_queries, signal, since),
                self.pool.submit(self.advisor.index_use, signal),
            )
            for place, signal in _databases(policy).items()
        ]
        databases = tuple(
            _advice(place, self._told(place, queries, ends), self._told(place, use, ends))
            for place, queries, use in asked
        )
        return WorkloadAdvice(workload=workload, says=_says(databases), since=since, databases=databases)

    def _told[Row](self, place: str, task: Future[list[Row]], ends: float) -> Told[Row]:
        try:
            return outcome_of(task, f"asking {place}", max(0.0, ends - monotonic()))
        except TimeoutError:
            task.cancel()  # one that has not begun need not; one that has ends by its own time-out
            return TransientError(f"it did not answer within {say_span(self.within)}")


def _databases(policy: Policy) -> dict[str, SqlSignal]:
    """Return a signal of each database, by its place: the one that gives it the most time."""
    found = [signal for signal in policy.signals.values() if isinstance(signal, SqlSignal)]
    return {one.place: one for one in sorted(found, key=lambda one: (one.place, one.timeout))}


def _advice(place: str, queries: Told[ExpensiveQuery], use: Told[IndexUse]) -> DatabaseAdvice:
    known, indexes = _rows(queries), _rows(use)
    return DatabaseAdvice(
        place=place,
        queries=tuple(most_expensive(known)),
        indexes=tuple(costly_indexes(indexes)),
        advice=(*query_advice(known), *index_advice(indexes)),
        problem=_problem(queries, use),
    )


def _rows[Row](told: Told[Row]) -> list[Row]:
    return [] if isinstance(told, ControllerError) else told


def _problem(queries: Told[ExpensiveQuery], use: Told[IndexUse]) -> str | None:
    """Return what is not known, and why: once, where both have the same reason."""
    parts = (("its queries", queries), ("the use of its indexes", use))
    unknown = {what: str(told) for what, told in parts if isinstance(told, ControllerError)}
    if len(unknown) == len(parts) and len(set(unknown.values())) == 1:
        return f"the database could not be asked: {next(iter(unknown.values()))}"
    return "; ".join(f"{what} could not be read: {why}" for what, why in unknown.items()) or None


def _says(databases: Sequence[DatabaseAdvice]) -> str:
    if not databases:
        return "there is no database to ask: the policy has no signal of kind sql, which would name one"
    in_full = sum(one.problem is None for one in databases)
    pieces = sum(len(one.advice) for one in databases)
    return f"databases that answered in full: {in_full} of {len(databases)}; pieces of advice: {pieces}"
