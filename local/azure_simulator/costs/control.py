"""What a test says that a scope cost."""

from datetime import date
from typing import Any

from aiohttp import web
from pydantic import Field

from local.azure_simulator.control.requests import read_body
from local.azure_simulator.costs.books import Book
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel


class CostsRequest(StrictModel):
    """The whole book of a scope. `others` are further currencies, on each of its days."""

    scope: str = Field(pattern=r"^/subscriptions/")
    currency: str = "EUR"
    days: dict[date, float]
    others: dict[str, float] = Field(default={})
    next_link: str | None = None


class CostsControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/_control/costs", self.put_book)]

    async def put_book(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, CostsRequest)
        book = Book(wanted.currency, dict(wanted.days), dict(wanted.others), wanted.next_link)
        self._simulation.books.by_scope[wanted.scope.casefold()] = book
        return web.json_response({"days": len(book.days)})


def costs_state(simulation: Simulation) -> dict[str, Any]:
    return {"asked": dict(simulation.books.asked), "scopes": list(simulation.books.by_scope)}
