"""One issuer for all tests of this folder."""

from collections.abc import Iterator

import pytest

from local.entra_issuer.launch import RunningIssuer, launch_issuer


@pytest.fixture(scope="package")
def issuer() -> Iterator[RunningIssuer]:
    with launch_issuer() as running:
        yield running
