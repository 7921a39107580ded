"""What was captured goes into the next request as text, and never decides where it goes."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.adapters.checks.variables import filled, filled_body, filled_target, text_of
from shared.errors import PermanentError

_CAPTURED = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(lambda text: text_of(text) == text)
_HOSTILE = st.sampled_from(
    ["/evil.example", "@evil.example", ".evil.example", "evil.example/", "?a=b&c", "#x", "%2f..%2f", "\\@evil", ":81"]
)
_VALUES = _CAPTURED | _HOSTILE
_TARGETS = st.sampled_from(
    ["https://api.example/{a}", "https://api.example/o/{a}/items?of={b}", "https://api.example?x={a}#{b}"]
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


@given(_TARGETS, _VALUES, _VALUES)
def test_no_value_changes_the_origin_of_a_target(target: str, one: str, other: str) -> None:
    assume(not {one, other} & {".", ".."})
    address = httpx.URL(filled_target(target, {"a": one, "b": other}))
    assert (address.scheme, address.host, address.port, address.userinfo) == ("https", "api.example", None, b"")


@given(_VALUES, _VALUES)
def test_a_value_is_one_segment_or_one_parameter_and_reads_back_as_it_was(one: str, other: str) -> None:
    assume(one not in (".", ".."))
    sent = filled_target("/orders/{a}/items?of={b}&x=1", {"a": one, "b": other})
    path, _, query = sent.partition("?")
    _, orders, segment, items = path.split("/")
    assert (orders, unquote(segment), items) == ("orders", one, "items")
    assert parse_qs(query, keep_blank_values=True, strict_parsing=True) == {"of": [other], "x": ["1"]}
    assert httpx.URL("https://orders.example" + sent).raw_path == sent.encode()


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("/orders/{a}", ".."),
        ("/orders/{a}", "."),
        ("/orders/{a}/", ".."),
        ("/{a}./x", "."),
        ("/orders/..", "x"),
        ("/orders/%2E%2e/{a}", "x"),
        ("https://api.example/{a}/x", ".."),
        ("https://{a}/x", "api.example"),
        ("https://api{a}/x", ".example"),
        ("https://{a}@api.example/x", "me"),
        ("https://api.example{a}", "/x"),
        ("https://api.example\\{a}/x", "@evil.example"),
        ("http://api.example:{a}/x", "81"),
    ],
)
def test_what_would_choose_the_host_or_climb_is_refused(target: str, value: str) -> None:
    with pytest.raises(PermanentError):
        filled_target(target, {"a": value})


@pytest.mark.parametrize("target", ["/a..b/c", "/.well-known/{a}", "/x?up=../..", "/v1.0/{a}", "/...", "/{a}"])
def test_dots_that_do_not_climb_are_sent(target: str) -> None:
    assert filled_target(target, {"a": "x.y"}) == target.replace("{a}", "x.y")


@given(st.dictionaries(st.sampled_from("abc"), _VALUES, min_size=3))
def test_a_value_that_looks_like_a_variable_is_not_filled_again(known: dict[str, str]) -> None:
    known["a"] = "{b}"
    assert filled("x{a}y{c}", known) == f"x{{b}}y{known['c']}"


@given(st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)), _VALUES)
def test_a_body_keeps_its_shape_and_only_strings_are_filled(inner: Any, value: str) -> None:
    body = {"{a}": inner, "said": ["{a}", "to {a}", 7, None]}
    sent = filled_body(body, {"a": value})
    assert sent["said"] == [value, f"to {value}", 7, None]
    assert set(sent) == {"{a}", "said"}, "keys are no place for variables"
    if "{a}" not in json.dumps(inner):
        assert json.dumps(sent["{a}"]) == json.dumps(inner)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("b1", "b1"),
        (7, "7"),
        (10**30, "1" + "0" * 30),
        (1.5, "1.5"),
        (True, "true"),
        ("zwölf Hüte", "zwölf Hüte"),
        ("", None),
        (None, None),
        ([], None),
        ({"a": 1}, None),
        ("a\r\nx-role: admin", None),
        ("a\x00", None),
        ("\ud800", None),
        ("\u2028", None),
        ("x" * 20_000, None),
    ],
    ids=ascii,
)
def test_only_one_printable_line_is_captured(value: object, text: str | None) -> None:
    assert text_of(value) == text
