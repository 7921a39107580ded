"""Which build a burst of probes saw served."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.probe import ProbeSource
from shared.model.policy import Site
from shared.ports import Client, Sighting, Want
from tests.fakes.clock import NOON
from tests.fakes.policies import policy


@dataclass(frozen=True, slots=True)
class PlayedProber:
    """Fulfils `ports.Prober` with sightings that a test chose: (status, build), or `None` for no answer."""

    seen: Sequence[tuple[int | None, str] | None]

    def look(self, site: Site, path: str, client: Client, count: int, *, timeout: timedelta) -> list[Sighting]:
        return [
            Sighting(
                client=client,
                status=one[0] if one else None,
                build=one[1] if one else "",
                latency_ms=1.0,
                answered=one is not None,
            )
            for one in self.seen
        ]


def build_seen(*seen: tuple[int | None, str] | None) -> str:
    chosen = policy()
    (job,) = ProbeSource(PlayedProber(seen)).jobs([Want(chosen, "error_rate", chosen.signals["error_rate"], NOON)])
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
