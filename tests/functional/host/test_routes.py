"""Which path a route template takes, what it reads from it, and who answers first."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.errors import ConfigurationError
from local.functions_host.routes import parse_route

segments = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: "/" not in text and "%2f" not in text.lower()
)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/items", "/api/items", {}),
        ("api/items", "/API/Items/", {}),
        ("api/items", "/api/items/1", None),
        ("api/{x}", "/api/1", {"x": "1"}),
        ("api/{x}", "/api", None),
        ("api/{x?}", "/api", {}),
        ("api/{x=7}", "/api", {"x": "7"}),
        ("api/{x=7}", "/api/8", {"x": "8"}),
        ("api/{x:int}", "/api/-3", {"x": "-3"}),
        ("api/{x:int}", "/api/3a", None),
        ("api/{x:int?}", "/api", {}),
        ("api/{x:alpha}", "/api/a1", None),
        ("api/{x:bool}", "/api/True", {"x": "True"}),
        ("api/{x:guid}", "/api/9C2D1F3A-0B1C-4D5E-8F90-A1B2C3D4E5F6", {"x": "9C2D1F3A-0B1C-4D5E-8F90-A1B2C3D4E5F6"}),
        ("api/{*rest}", "/api", {"rest": ""}),
        ("api/{*rest}", "/api/a/b", {"rest": "a/b"}),
        ("api/{a}/{b}", "/api//b", None),  # an empty segment is no value
        ("", "/", {}),
    ],
)
def test_match(template: str, path: str, values: dict[str, str] | None) -> None:
    assert parse_route(template).match(path) == values


@given(segments, segments)
def test_what_a_caller_escaped_arrives_as_it_was(first: str, second: str) -> None:
    path = f"/{quote(first, safe='')}/x/{quote(second, safe='')}"
    assert parse_route("{a}/x/{b}").match(path) == {"a": first, "b": second}
    assert parse_route("{*rest}").match(path) == {"rest": f"{first}/x/{second}"}


def test_precedence() -> None:
    answering_order = ["a/b", "a/{x:int}", "a/{x}", "a/{*rest}", "{x}/b", "{*rest}"]
    shuffled = sorted(answering_order, key=lambda template: template[::-1])
    assert sorted(shuffled, key=lambda template: parse_route(template).precedence) == answering_order


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("a/{x:range(1,2)}", "the constraint 'range(1,2)' is not supported"),
        ("a/x{y}", "the segment 'x{y}' is not supported"),
        ("a/{x", "the segment '{x' is not supported"),
        ("{x?}/a", "'x' is optional or catch-all and not last"),
        ("{*x}/a", "'x' is optional or catch-all and not last"),
    ],
)
def test_what_is_not_supported_is_named(template: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_route(template)
    assert sentence in str(refusal.value)
