"""Which build a burst of probes saw served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.outbound import Outbound
from shared.adapters.probe_source import ProbeSource
from shared.model.policy_verify import Client
from shared.ports import Sighting, Want
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.fakes.prober import PlayedProber


def sighting(one: tuple[int | None, str] | None) -> Sighting:
    """Return what saw (status, build), or what saw no answer at all."""
    status, build = one or (None, "")
    return Sighting(client=Client.FRESH, status=status, build=build, latency_ms=1.0, answered=one is not None)


def build_seen(*seen: tuple[int | None, str] | None) -> str:
    chosen = policy()
    source = ProbeSource(PlayedProber([sighting(one) for one in seen]), Outbound())
    (job,) = source.jobs([Want(chosen, "error_rate", chosen.signals["error_rate"], NOON)])
    (found,) = job.run(NOON)
    return found.build_seen


_B1, _B2, _NAMELESS, _LATE = (200, "b1"), (200, "b2"), (502, ""), (None, "")


@pytest.mark.parametrize(
    ("seen", "build"),
    [
        ([_B1, _B1, _B1], "b1"),
        ([_B1, _B2, _B2], "b2"),
        ([_B1, _B2], ""),
        ([_B1, _NAMELESS], ""),
        ([_B1, _NAMELESS, _NAMELESS], ""),
        ([_B1, _LATE, _LATE], ""),
        ([_B1, _B1, _NAMELESS], "b1"),
        ([_B1, _B1, _B2, _NAMELESS], ""),
        ([_B1, None, None, None], "b1"),
        ([None], ""),
        ([], ""),
    ],
)
def test_a_build_is_seen_when_it_served_most_of_what_was_answered(
    seen: list[tuple[int | None, str] | None], build: str
) -> None:
    assert build_seen(*seen) == build


@given(st.lists(st.sampled_from([_B1, _B2, _NAMELESS, _LATE, None]), max_size=20))
def test_what_is_seen_is_a_name_with_a_strict_majority_and_nothing_else(
    seen: list[tuple[int | None, str] | None],
) -> None:
    answered = [one[1] for one in seen if one is not None]
    winners = [name for name in ("b1", "b2") if 2 * answered.count(name) > len(answered)]
    assert build_seen(*seen) == "".join(winners)


def test_workloads_share_a_burst_when_it_may_go_to_the_same_places() -> None:
    """What one policy lets, a private address, another may not."""
    public, private = policy(), policy(("notify:", "reach: {private: true}\nnotify:"))
    wants = [Want(one, "error_rate", one.signals["error_rate"], NOON) for one in (public, private, public)]
    here = PlayedProber([sighting(_B1)])
    jobs = ProbeSource(here, Outbound()).jobs(wants)
    assert sorted(len(job.wants) for job in jobs) == [1, 2]
