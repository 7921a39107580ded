"""Parameters of PromQL files: declared, filled in by type, and never able to become more than a value."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.prometheus_query import Value, filled_query
from shared.errors import PermanentError

_TEXT = "# parameters: job text, window duration, limit number\nsum(rate(x{job=$job}[$window])) > $limit"


def filled(text: str = _TEXT, **values: Value) -> str:
    return filled_query("q.promql", text, values)


def test_values_stand_where_the_file_says() -> None:
    assert filled(job="site", window="5m", limit=0.5) == 'sum(rate(x{job="site"}[5m])) > (0.5)'


def test_a_negative_number_is_one_operand() -> None:
    assert filled("# parameters: by number\nx -$by", by=-2) == "x -(-2)"


@given(st.text(max_size=200).filter(str.isprintable))
def test_a_text_is_one_string_literal_that_means_the_text(text: str) -> None:
    found = filled("# parameters: job text\nx{job=$job}", job=text)
    literal = found.removeprefix("x{job=").removesuffix("}")
    assert json.loads(literal) == text
    assert re.fullmatch(r'"(?:[^"\\]|\\["\\])*"', literal)


@pytest.mark.parametrize(
    ("text", "values", "sentence"),
    [
        (_TEXT, {"job": "a", "window": "5m"}, "query q.promql needs limit; expected them in `with`"),
        ("up", {"job": "a"}, "query q.promql declares no parameter job; it declares: none"),
        ("x{job=$job}", {}, "query q.promql uses $job, which it does not declare"),
        ("# parameters: job\nx", {"job": "a"}, "declares its parameters in another way than `name kind`"),
        ("# parameters: job label\nx", {"job": "a"}, "kinds: text, duration, number"),
        ('# parameters: job text\nx{job="$job"}', {"job": "a"}, "has $job inside of a string"),
        ("# parameters: w duration\nx[$w]", {"w": "5m] or y["}, "w is no duration; expected a duration such as 5m"),
        ("# parameters: w duration\nx[$w]", {"w": "0m"}, "w is no duration"),
        ("# parameters: w duration\nx[$w]", {"w": 5}, "w is no duration"),
        ("# parameters: n number\nx > $n", {"n": "1 or y"}, "n is no number; expected a finite number"),
        ("# parameters: n number\nx > $n", {"n": float("inf")}, "n is no number"),
        ("# parameters: n number\nx > $n", {"n": True}, "n is no number"),
        ("# parameters: t text\nx{a=$t}", {"t": "a\nb"}, "t is no text; expected printable text"),
        ("# parameters: t text\nx{a=$t}", {"t": "a" * 201}, "t is no text"),
        ("# parameters: t text\nx{a=$t}", {"t": 1}, "t is no text"),
    ],
)
def test_whatever_else_is_refused_with_what_was_expected(text: str, values: dict[str, Value], sentence: str) -> None:
    with pytest.raises(PermanentError, match=re.escape(sentence)):
        filled(text, **values)


@pytest.mark.parametrize("kept", ['x{a=~"foo$"}', "x{a=~'foo$'}", "x{a=~`b$`}", 'x{a="# no comment"}'])
def test_strings_of_the_file_stay_as_they_are(kept: str) -> None:
    assert filled(kept) == kept


def test_comments_are_not_sent() -> None:
    assert filled("# why $job\nup # because\n") == "up"
