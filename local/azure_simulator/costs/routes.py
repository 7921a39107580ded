"""`POST {scope}/providers/Microsoft.CostManagement/query`.

https://learn.microsoft.com/rest/api/cost-management/query/usage; the limits and their headers:
https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation
"""

import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.arm.errors import arm_error
from local.azure_simulator.arm.routes import SUBSCRIPTION
from local.azure_simulator.costs.books import Book
from local.azure_simulator.faults import Api

MOST_DAYS = timedelta(days=31)
LIMIT = "x-ms-ratelimit-microsoft.costmanagement-{name}-retry-after"


class _Body(BaseModel):
    """Of what the API takes, only what is played; another word is refused, as the platform refuses it."""

    model_config = ConfigDict(extra="forbid")


class Sum(_Body):
    name: Literal["Cost", "PreTaxCost"]
    function: Literal["Sum"]


class Dataset(_Body):
    granularity: Literal["Daily"]
    aggregation: dict[str, Sum] = Field(min_length=1, max_length=1)


class Period(_Body):
    starts: datetime = Field(alias="from")
    ends: datetime = Field(alias="to")


class Question(_Body):
    type: Literal["ActualCost", "AmortizedCost"]
    timeframe: Literal["Custom"]
    timePeriod: Period  # noqa: N815 - the API's spelling
    dataset: Dataset


async def query(call: Call) -> web.Response:
    scope = call.request.path.casefold().partition("/providers/")[0]
    books = call.simulation.books
    books.asked[scope] = books.asked.get(scope, 0) + 1
    if waits := books.wait_s(scope, call.simulation.throttling):
        headers = {LIMIT.format(name=name): str(seconds) for name, seconds in waits.items()}
        return arm_error(429, "429", "Too many requests. Please retry.", headers)
    try:
        question = Question.model_validate(call.body)
    except ValidationError as wrong:
        return arm_error(400, "BadRequest", f"Invalid query definition: {wrong.errors()[0]['msg']}")
    period = question.timePeriod
    if not timedelta(0) <= period.ends - period.starts <= MOST_DAYS:
        return arm_error(400, "BadRequest", "Invalid dataset time period: expected at most 31 days.")
    book = books.by_scope.get(scope)
    if book is None:
        return web.Response(status=204)
    (figure,) = question.dataset.aggregation.values()
    return web.json_response(_answer(call, book, figure.name, period))


def _answer(call: Call, book: Book, figure: str, period: Period) -> dict[str, Any]:
    today = datetime.fromtimestamp(time.time(), UTC).date()
    last = min(period.ends.date(), today)
    told = [(day, cost, book.currency) for day, cost in book.days.items()]
    told += [(day, cost, currency) for day in book.days for currency, cost in book.others.items()]
    rows = [
        [cost, _number(day), currency] for day, cost, currency in sorted(told) if period.starts.date() <= day <= last
    ]
    columns = {figure: "Number", "UsageDate": "Number", "Currency": "String"}
    properties = {
        "nextLink": book.next_link,
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
        "rows": rows,
    }
    return {
        "id": call.request.path,
        "name": "query",
        "type": "Microsoft.CostManagement/query",
        "properties": properties,
    }


def _number(day: date) -> int:
    return int(f"{day:%Y%m%d}")


COST_ROUTES = [
    Route(
        "POST",
        re.compile(rf"{SUBSCRIPTION}(/resourceGroups/[^/]+)?/providers/Microsoft\.CostManagement/query", re.IGNORECASE),
        query,
        Api.COST,
        Audience.ARM,
        "Microsoft.CostManagement/query/action",
    )
]
