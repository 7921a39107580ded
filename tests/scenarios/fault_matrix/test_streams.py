"""No stream of faulty samples makes any kind of trigger say that all is well, or do anything (`stream_laws.py`).

Here some cells of each, chosen by a fixed seed; `python -m tests.scenarios.fault_matrix` plays all of them.
"""

from random import Random

import pytest

from shared.decision.conditions import KINDS as CONDITIONS
from shared.model.policy_signals import _SIGNAL_KINDS
from shared.model.policy_triggers import _CONDITION_KINDS
from shared.model.trigger import Tier
from tests.scenarios.fault_matrix.kinds import ANYWHERE, KINDS
from tests.scenarios.fault_matrix.stream_matrix import STILL_BAD, Trials
from tests.scenarios.fault_matrix.written import ALL, Written

_SOME = 2


@pytest.mark.parametrize("written", ALL, ids=lambda one: one.name.replace(",", ""))
def test_a_faulty_stream_is_neither_health_nor_a_reason(written: Written) -> None:
    trials = Trials(written)
    assert list(trials.control()) == []
    for name in Random(written.name).sample(trials.names, _SOME):
        cell = trials.cell(name)
        assert not cell.fail_open
        assert not cell.outage_caused


@pytest.mark.parametrize("name", ["judge", "judge, two", "more_errors"])
@pytest.mark.parametrize("stream", ["clock an hour behind", STILL_BAD])
def test_what_tells_the_past_anew_makes_nothing_bad_look_usual(name: str, stream: str) -> None:
    """These learn what is usual from the time before the change."""
    for written in (one for one in ALL if one.name in (name, f"{name}, hold")):
        assert not Trials(written).cell(stream).fail_open


def test_every_kind_of_trigger_is_played() -> None:
    entries = {type(entry) for one in ALL for _, _, entry in one.policy(Tier.CRITICAL).triggers.by_tier()}
    assert entries == set(_CONDITION_KINDS.values())
    assert {type(one.rule.condition) for one in ALL} == set(CONDITIONS)


def test_every_kind_of_signal_is_played() -> None:
    policies = [kind.policy("w", Tier.CRITICAL, ANYWHERE) for kind in KINDS]
    played = {signal.source for policy in policies for signal in policy.signals.values()}
    played |= {signal.source for one in ALL for signal in one.policy(Tier.CRITICAL).signals.values()}
    assert played == set(_SIGNAL_KINDS)
