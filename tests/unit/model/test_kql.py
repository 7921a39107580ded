"""Parameters of KQL files: what is declared, and that a value is a literal of its type or is refused."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.kql import Parameter, parameters_of, step_of, with_values

_ALL = """\
// A comment; with declare query_parameters(not: this);

declare query_parameters(site_id: string, severity:int=3 , limit: real = 0.5, since: timespan = 5m, on: bool = true,
    text: string = "a, \\"b\\" (c);", big: long);
AppRequests | where x == 1
"""


def test_what_is_declared_is_read_in_order_with_its_defaults() -> None:
    assert parameters_of(_ALL) == (
        Parameter("site_id", "string"),
        Parameter("severity", "int", "3"),
        Parameter("limit", "real", "0.5"),
        Parameter("since", "timespan", "5m"),
        Parameter("on", "bool", "true"),
        Parameter("text", "string", '"a, \\"b\\" (c);"'),
        Parameter("big", "long"),
    )


def test_the_declaration_gives_way_to_values_of_the_declared_types() -> None:
    assert with_values(_ALL, {"severity": 4, "big": "12", "since": "90s"}, {"site_id": "/x", "site_name": "y"}) == (
        "// A comment; with declare query_parameters(not: this);\n\n"
        'let site_id = "/x";\n'
        "let severity = int(4);\n"
        "let limit = real(0.5);\n"
        "let since = 90s;\n"
        "let on = true;\n"
        'let text = "a, \\"b\\" (c);";\n'
        "let big = long(12);\n"
        "\nAppRequests | where x == 1\n"
    )


def test_a_query_without_parameters_stays_as_it_is() -> None:
    assert with_values("AppRequests\n| count", {}, {"site_id": "x"}) == "AppRequests\n| count"


def test_the_policy_overrules_what_the_app_knows() -> None:
    sent = with_values("declare query_parameters(site_name: string);\nT", {"site_name": "b"}, {"site_name": "a"})
    assert sent == 'let site_name = "b";\n\nT'


_DECLARED = "declare query_parameters(p: {kind});\nT"


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        ("string", 'a"b\\c', r'"a\"b\\c"'),
        ("string", "", '""'),
        ("string", "ä | // x", '"ä | // x"'),
        ("int", -3, "int(-3)"),
        ("int", "7", "int(7)"),
        ("int", 2**31 - 1, "int(2147483647)"),
        ("long", 2**40, "long(1099511627776)"),
        ("real", 1, "real(1.0)"),
        ("real", 1e-9, "real(1e-09)"),
        ("bool", False, "false"),
        ("bool", "True", "true"),
        ("timespan", "250ms", "0.25s"),
        ("timespan", "1d", "86400s"),
    ],
)
def test_a_value_is_written_as_its_type(kind: str, value: Any, literal: str) -> None:
    assert with_values(_DECLARED.format(kind=kind), {"p": value}) == f"let p = {literal};\n\nT"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 5),
        ("string", "a\nb"),
        ("string", "a\u2028b"),
        ("int", 2.5),
        ("int", 2**31),
        ("int", True),
        ("int", "1; drop"),
        ("int", float("nan")),
        ("long", 2**63),
        ("real", "much"),
        ("real", float("inf")),
        ("bool", "yes"),
        ("bool", 1),
        ("timespan", 5),
        ("timespan", "5m; T"),
        ("timespan", "soon"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_parameter_and_its_type(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^parameter p must be of type {kind}: "):
        with_values(_DECLARED.format(kind=kind), {"p": value})


@pytest.mark.parametrize(
    ("query", "values", "why"),
    [
        (_ALL, {"big": 1}, r"parameter site_id has no value; expected `with: \{site_id: ...\}`"),
        (_ALL, {"severty": 3}, "it takes no parameter 'severty'; it declares site_id, severity, limit, since"),
        ("T", {"severity": 3}, "it takes no parameter 'severity'; it declares nothing"),
        ("T;\ndeclare query_parameters(p: int);\nT", {}, "is not the first statement, or cannot be read"),
        ("declare query_parameters(p: int)\nT", {}, "is not the first statement, or cannot be read"),
        ("declare query_parameters(p int);\nT", {}, "cannot be read at 'p int'"),
        ("declare query_parameters(p: dynamic);\nT", {}, "p is of type dynamic; expected one of: string, int"),
        ("declare query_parameters(p: int = 1, p: int = 2);\nT", {}, "it declares a parameter twice"),
    ],
)
def test_what_cannot_be_sent_says_why(query: str, values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        with_values(query, values)


@given(st.text())
def test_a_text_stays_one_literal_whatever_it_says(text: str) -> None:
    try:
        sent = with_values(_DECLARED.format(kind="string"), {"p": text})
    except ValueError:
        return
    literal = sent.removeprefix("let p = ").removesuffix(";\n\nT")
    inner = literal.removeprefix('"').removesuffix('"')
    assert len(literal) == len(inner) + 2
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")
    assert not inner.replace("\\\\", "").replace('\\"', "").count("\\")
    assert "\n" not in literal


@pytest.mark.parametrize(
    ("query", "values", "step"),
    [
        ("T", {}, timedelta(minutes=1)),
        ("declare query_parameters(step: timespan = 5m);\nT", {}, timedelta(minutes=5)),
        ("declare query_parameters(step: timespan = 5m);\nT", {"step": "1h"}, timedelta(hours=1)),
        ("declare query_parameters(step: int = 5);\nT", {"step": 7}, timedelta(minutes=1)),
    ],
)
def test_the_step_is_how_wide_its_intervals_are(query: str, values: dict[str, Any], step: timedelta) -> None:
    assert step_of(query, values) == step
