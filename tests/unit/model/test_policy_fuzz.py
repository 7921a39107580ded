"""Whatever is in the file, it is a policy or a `PolicyError`: nothing else ever comes out of reading it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import PolicyError
from tests.unit.model.policies import GOOD, read

_PUNCTUATION = ("", " ", "\n", "\n  ", "\t", ":", "- ", "{", "}", "[", "]", ",", "'", '"', "#", "|", ">", "~", "\\")
_YAML = ("&a ", "*a", "!!int ", "!!set ", "!x ", "<<: ", "? ", "---\n", "...\n", "null", "true", "yes", "2026-03-01")
_VALUES = ("0", "089", "-1", "1e999", "1:30", "0s", "999999999d", "5%", "%A%", "hold", "critical")
_CHARACTERS = ("\x00", "\x85", "\u2028", "\U0001f600")
_SCRAPS = st.sampled_from(_PUNCTUATION + _YAML + _VALUES + _CHARACTERS)
_LINES = GOOD.splitlines(keepends=True)
_json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), _SCRAPS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)


def _read_or_refuse(text: str) -> None:
    try:
        policy = read(text)
    except PolicyError:
        return
    assert policy.rules
    assert all(policy.horizon(name) for name in policy.signals)


@st.composite
def replaced_parts(draw: st.DrawFn) -> str:
    """Return the good policy with a few stretches of characters replaced by scraps of YAML."""
    text = GOOD
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(_SCRAPS) + text[start + draw(st.integers(0, 12)) :]
    return text


@st.composite
def moved_lines(draw: st.DrawFn) -> str:
    """Return lines of the good policy, some left out, some twice, some at another place."""
    return "".join(draw(st.lists(st.sampled_from(_LINES), max_size=4)) + draw(st.permutations(_LINES))[4:])


@st.composite
def replaced_values(draw: st.DrawFn) -> str:
    """Return the good policy with the value of one key replaced by an arbitrary one."""
    line = draw(st.sampled_from([line for line in _LINES if ": " in line]))
    keys = [place for place in range(len(line)) if line.startswith(": ", place)]
    start = draw(st.sampled_from(keys)) + 2
    end = min([place for place in range(start, len(line)) if line[place] in ",}\n"])
    return GOOD.replace(line, line[:start] + json.dumps(draw(_json_values)) + line[end:])


@given(st.text(max_size=60))
def test_arbitrary_text(text: str) -> None:
    _read_or_refuse(text)


@given(st.lists(_SCRAPS, max_size=12).map("".join))
def test_scraps_of_yaml(text: str) -> None:
    _read_or_refuse(text)


@settings(max_examples=120)
@given(replaced_parts())
def test_the_good_policy_with_parts_replaced(text: str) -> None:
    _read_or_refuse(text)


@settings(max_examples=60)
@given(moved_lines())
def test_the_good_policy_with_lines_moved(text: str) -> None:
    _read_or_refuse(text)


@settings(max_examples=200)
@given(replaced_values())
def test_the_good_policy_with_one_value_replaced(text: str) -> None:
    _read_or_refuse(text)
