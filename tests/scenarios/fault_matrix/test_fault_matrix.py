"""No fault of any source makes any kind of trigger say that all is well, or do anything (the laws: `laws.py`)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.contract.raw_server import RawServer
from tests.scenarios.fault_matrix.kinds import KINDS, Fault, Kind, Source
from tests.scenarios.fault_matrix.matrix import Stage, faces, stage


@pytest.fixture(scope="module")
def staged() -> Iterator[Stage]:
    with stage() as found:
        yield found


def name_of(kind: Kind) -> str:
    return kind.name.replace(",", "")


@pytest.mark.parametrize("fault", Fault, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_a_fault_is_neither_health_nor_a_reason(staged: Stage, kind: Kind, fault: Fault) -> None:
    cells = staged.cells(kind, fault)
    assert {cell.tier: cell.fail_open for cell in cells if cell.fail_open} == {}
    assert {cell.tier: cell.outage_caused for cell in cells if cell.outage_caused} == {}


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_without_a_fault_good_is_healthy_and_bad_is_taken_back(staged: Stage, kind: Kind) -> None:
    assert not any(staged.control(kind).values())


def test_a_site_that_takes_requests_and_never_answers_is_bad(staged: Stage) -> None:
    """Slow is a fault of the probe only where nobody takes the connection: the rest is what users call a failure."""
    hasty = Kind(
        name="probe, failed share",
        source=Source.PROBE,
        signal="probe: /health, share: failed, requests: 4, every: 10s, timeout: 1s",
        when="watched > 50%",
        shape="for: 20s, at_least: 8 requests",
        every=timedelta(seconds=10),
    )
    with RawServer(hold=True) as silent:
        assert not any(staged.control(hasty, bad=silent).values())


def test_every_kind_has_a_face_of_every_fault() -> None:
    assert all(faces(kind.source, fault) for kind in KINDS for fault in Fault)
