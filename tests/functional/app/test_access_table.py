"""Who may call what, from outside: every route that there is, as everybody who might call it."""

import pytest

from shared.functions.api import OPERATIONS
from tests.functional.app.access import ROWS, Visit, visits
from tests.functional.app.tenant_app import TenantApp
from tests.unit.functions.registered import routes

pytestmark = pytest.mark.rig
IN_TABLE = {(row.method, row.route) for row in ROWS}


def test_every_route_that_the_host_is_told_of_is_in_the_table() -> None:
    assert set(routes()) == IN_TABLE


def test_every_operation_is_in_the_table() -> None:
    assert {(each.method, each.route) for each in OPERATIONS} == IN_TABLE


def test_everybody_is_answered_as_the_table_says(tenant: TenantApp) -> None:
    def said(visit: Visit) -> str:
        return f"{visit.row} as {visit.visitor.name}: {visit.answer.status}, not {visit.expected}"

    assert [said(visit) for visit in visits(tenant) if not visit.as_expected] == []
