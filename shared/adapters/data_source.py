"""Samples of damage: how many rows differ between the two sides of a database though nobody wrote them.

The driver is imported on the first sample: most apps guard no database.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from shared.decision.corruption import sample_of
from shared.model.policy_signals import DamageSignal
from shared.ports import Collected, Job, Want

# The rest is for connecting, for the statement that is under way when time is over, and for what is kept.
_SHARE_OF_TIME = 0.5


class DataSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, token: Callable[[], str]) -> None:
        """Take what identifies the app.

        Args:
            token: Returns a token of the app's identity for Azure's servers.
        """
        self._token = token

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        from shared.adapters.postgres.corruption.search import sample
        from shared.adapters.postgres.server.sides import accesses

        signal = _damage(want)
        database = want.policy.databases[signal.damaged]
        source, target = accesses(database, self._token)
        found = sample(source, target, database.sync_rules, signal.sample, _SHARE_OF_TIME * signal.timeout)
        at = now.replace(microsecond=0)
        return [Collected(workload=want.policy.workload, name=want.name, samples=(sample_of(found, at),))]


def _damage(want: Want) -> DamageSignal:
    if not isinstance(want.signal, DamageSignal):
        raise TypeError(f"{want.name} is no damage")
    return want.signal
