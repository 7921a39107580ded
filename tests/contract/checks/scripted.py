"""A site that answers as a test says and writes down what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from multidict import MultiDict

from local.loopback import LoopbackServer, Reply, Request


@dataclass(frozen=True, slots=True)
class Says:
    """An answer; a header may stand in it several times."""

    status: int = 200
    body: str = "{}"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def reply(self) -> Reply:
        return Reply(status=self.status, headers=MultiDict(self.headers), body=self.body.encode())


class ScriptedSite(LoopbackServer):
    """Serves `pages`, by method and path, while it is entered; what it does not know is 404."""

    def __init__(self, pages: Mapping[str, Says] | None = None) -> None:
        self.pages = dict(pages or {})
        self.asked: list[Request] = []

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def lines(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        page = self.pages.get(f"{request.method} {request.path.partition('?')[0]}", Says(404))
        return page.reply
