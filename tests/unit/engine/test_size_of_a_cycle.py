"""What a cycle writes is one commit: no policy that is accepted asks so many that it could never be saved."""

from collections.abc import Mapping, Sequence

import pytest

from shared.errors import PolicyError
from shared.model.policy import MOST_WRITES, Policy
from shared.ports import Write
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine
from tests.unit.engine.test_people_are_asked import ask_for, question

_ERRORS = "    - {name: errors, when: error_rate > 5%, for: 20s, at_least: 20 requests}\n"
_ALL_AT_ONCE = "    - {{name: t{0}, when: error_rate > {0}%, for: 20s, at_least: 20 requests}}\n"
_LEVELS = "levels: {1: {approval: {ttl: 5m}}, 2: {roads: [split], approval: {ttl: 5m}}}\n"


class Measuring(MemoryLedger):
    """Knows how many writes the largest commit had."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def commit(self, workload: str, writes: Sequence[Write]) -> Mapping[str, str]:
        self.most = max(self.most, len(writes))
        assert len({write.key for write in writes}) == len(writes)
        return super().commit(workload, writes)


def asking_many(triggers: int, channels: int, asked: int) -> Policy:
    tier = "  warning:\n" + "".join(_ALL_AT_ONCE.format(number) for number in range(5, 5 + triggers))
    to, asks = (
        ", ".join(f'"webhook:{name}{n}"' for n in range(most)) for name, most in (("c", channels), ("a", asked))
    )
    told = f"notify: {{to: [{to}], on: [pending, firing, cleared, decided, asked, started]}}"
    roads = "roads: {split: {slot_traffic: last-good}}\n"
    return policy(
        (f"  critical:\n{_ERRORS}", tier),
        ('notify: {to: ["webhook:ops"]}', f"{roads}{_LEVELS}approvals: {{warning: {{to: [{asks}]}}}}\n{told}"),
    )


def largest(triggers: int, channels: int) -> Policy:
    """The one that asks as many as a policy may."""
    for asked in reversed(range(100)):
        try:
            return asking_many(triggers, channels, asked)
        except PolicyError:
            continue
    raise AssertionError("no policy is accepted")


def test_a_policy_that_asks_too_many_is_refused_and_says_why() -> None:
    with pytest.raises(PolicyError, match="12 triggers told to 2 channels, and 80 channels that are asked, take 146"):
        asking_many(10, 2, 80)


@pytest.mark.parametrize(("triggers", "channels"), [(1, 0), (1, 1), (4, 1), (9, 2)])
def test_the_most_that_a_policy_may_ask_fits_into_a_commit(engine: Engine, triggers: int, channels: int) -> None:
    """Where all triggers fire at once, a question takes the place of another one, and one after the other is over."""
    ledger = Measuring()
    engine.ledger, engine.asks_people = ledger, True
    engine.intake.change("orders", "deployment", "b2", "b1")
    engine.policies["orders"] = largest(triggers, channels)
    person = ask_for(engine, 1)
    engine.cycles(0.31, 5)
    assert question(engine).id != person.id
    assert ledger.most <= MOST_WRITES
    engine.cycles(0.31, 40)
    assert "answered" in engine.kinds()
    assert ledger.most <= MOST_WRITES
