"""Every KQL file in the eyes of Microsoft's language service: as it is written, and as the app sends it."""

import json

import pytest

from shared.model.kql import KqlValue, parameters_of, with_values
from tests.infra.bicep_files import TOOLS
from tests.infra.kql.kusto import Finding, ask_kusto
from tests.infra.kql.workspace import KNOWN, KQL, TABLES, text

_SIGNAL = {"at": "datetime", "value": "real", "count": "long"}
# What is no signal: what people read, and what an alert rule asks.
_TABLES: dict[str, dict[str, str]] = {
    "exceptions_by_severity.kql": {"at": "datetime", "severity": "int", "count": "long", "problems": "long"},
    "metrics_by_name.kql": {
        "at": "datetime",
        "name": "string",
        "average": "real",
        "minimum": "real",
        "maximum": "real",
        "count": "long",
    },
    "rollback_events.kql": {"at": "datetime", "name": "string", "reason": "string", "confidence": "real"},
    "server_error_alert.kql": {"_ResourceId": "string", "failed": "long", "requests": "long", "percent": "real"},
    "silent_controller.kql": {"last_watch": "datetime"},
}
_ANY: dict[str, KqlValue] = {"string": 'a "text" \\ of /slashes', "int": 1, "long": 1, "real": 1.5, "timespan": "90s"}
NAMES = sorted(path.name for path in KQL.glob("*.kql"))


def sent(name: str) -> str:
    """The query as the app sends it, with a value for everything that it declares."""
    given = {one.name: _ANY[one.type] for one in parameters_of(text(name)) if one.name not in KNOWN}
    return with_values(text(name), given, KNOWN)


@pytest.fixture(scope="module")
def found() -> dict[str, Finding]:
    written = {name: text(name) for name in NAMES}
    return ask_kusto(written | {f"sent {name}": sent(name) for name in NAMES})


@pytest.mark.parametrize("name", NAMES)
def test_the_language_service_has_nothing_to_say(found: dict[str, Finding], name: str) -> None:
    assert (found[name].problems, found[f"sent {name}"].problems) == ([], [])


@pytest.mark.parametrize("name", NAMES)
def test_a_query_answers_the_columns_that_are_promised(found: dict[str, Finding], name: str) -> None:
    assert found[name].columns == found[f"sent {name}"].columns == _TABLES.get(name, _SIGNAL)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_declares_nothing_that_the_query_api_does_not_know(name: str) -> None:
    assert "query_parameters" in text(name)
    assert "query_parameters" not in sent(name)


def test_the_language_service_does_find_what_is_wrong() -> None:
    wrong = {
        "a column that is not there": "AppRequests | where Nonsense == 1",
        "another case": "AppRequests | where success == true",
        "a table that is not there": "Requests | count",
        "a mixed union": "union (AppRequests | project n = ItemCount), (print n = 0) | summarize sum(n)",
        "an operator": "AppRequests | wherever true",
        "an undeclared parameter": "AppRequests | where AppRoleName == site_name",
    }
    assert [name for name, said in ask_kusto(wrong).items() if not said.problems] == []


@pytest.mark.skipif(not TOOLS.is_dir(), reason="the whole tables of Log Analytics are not beside this repository")
def test_our_tables_are_a_part_of_the_real_ones() -> None:
    real = json.loads((TOOLS / "kql-schemas.json").read_text())
    wrong = [
        f"{table}.{column}: {kind}"
        for table, columns in TABLES.items()
        for column, kind in columns.items()
        if real[table].get(column) != kind
    ]
    assert wrong == []
