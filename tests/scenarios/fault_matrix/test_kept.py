"""No trouble of our own storage makes the watch say that all is well, or do anything (the laws: `kept.py`)."""

import pytest

from tests.scenarios.fault_matrix.kept import KINDS, Way, kept_cells
from tests.scenarios.fault_matrix.kinds import Kind


@pytest.mark.parametrize("way", Way, ids=lambda way: way.replace(",", ""))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_trouble_of_the_storage_is_neither_health_nor_a_reason(kind: Kind, way: Way) -> None:
    assert {(cell.trouble, cell.tier): cell.wrong for cell in kept_cells(kind, way) if cell.wrong} == {}
