"""An app of its own, for what would get into the way of the tests that share one."""

from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus

from tests.functional.app.http_client import Api


@dataclass(frozen=True, slots=True)
class Lonely:
    """An app of its own that watches nothing until it is told to, and a storage that can be taken away."""

    api: Api
    storage: ExitStack
    master_key: str

    def watch_now(self) -> None:
        """Run the watch timer's function, as the portal's Test/Run does."""
        path = "/admin/functions/watch"
        assert self.api.send("POST", path, b"{}", {"x-functions-key": self.master_key}).status == HTTPStatus.ACCEPTED
