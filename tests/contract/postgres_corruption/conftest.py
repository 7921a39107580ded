"""The servers of the tests of the way back."""

from tests.contract.postgres.conftest import servers

__all__ = ["servers"]
