"""One workspace for all queries; each test fills it anew."""

from collections.abc import Iterator

import pytest

from tests.infra.kql.workspace import Workspace


@pytest.fixture(scope="session")
def workspace() -> Iterator[Workspace]:
    workspace = Workspace()
    yield workspace
    workspace.close()
