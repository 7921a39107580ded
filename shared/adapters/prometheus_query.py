"""Queries of Prometheus as files: each declares its parameters, and their values are filled in by type, never pasted.

A comment `# parameters: job text, window duration` declares them; `$job` stands where the value goes, never inside of a
string. A text becomes a whole string literal with everything in it quoted, so that it stays text.
https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.errors import PermanentError

_DECLARED = re.compile(r"^#\s*parameters:\s*(?P<list>.+)$", re.MULTILINE)
_PARAMETER = re.compile(r"\$([a-z][a-z0-9_]*)")
# Strings and comments first, so that what looks like a parameter in one of them is told from one that is.
_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*|\$[a-z][a-z0-9_]*""")
_DURATION = re.compile(r"[1-9]\d{0,5}(ms|s|m|h|d|w)")
_LONGEST_TEXT = 200

Value = str | int | float


def query_of(folder: Path, name: str, values: Mapping[str, Value]) -> str:
    """Return the query of a file with its parameters filled in.

    Raises:
        PermanentError: there is no such file, or the values are not those that it declares.
    """
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except OSError:
        raise PermanentError(f"there is no query {name} in {folder.name}") from None
    except UnicodeDecodeError:
        raise PermanentError(f"query {name} is no UTF-8 text") from None
    return filled_query(name, text, values)


def filled_query(name: str, text: str, values: Mapping[str, Value]) -> str:
    """Return the text of a query with its parameters filled in; see `query_of` for what it raises."""
    kinds = _declared(name, text)
    if missing := sorted(kinds.keys() - values.keys()):
        raise PermanentError(f"query {name} needs {', '.join(missing)}; expected them in `with`")
    if unknown := sorted(values.keys() - kinds.keys()):
        known = ", ".join(kinds) or "none"
        raise PermanentError(f"query {name} declares no parameter {unknown[0]}; it declares: {known}")
    literals = {key: _literal(name, key, kind, values[key]) for key, kind in kinds.items()}
    return _TOKEN.sub(lambda token: _filled(name, token[0], literals), text).strip()


def _declared(name: str, text: str) -> dict[str, str]:
    found = _DECLARED.search(text)
    parts = [part.split() for part in found["list"].split(",")] if found else []
    if any(len(part) != 2 or part[1] not in _LITERALS for part in parts):
        kinds = ", ".join(_LITERALS)
        raise PermanentError(f"query {name} declares its parameters in another way than `name kind`; kinds: {kinds}")
    return dict(parts)


def _filled(name: str, token: str, literals: Mapping[str, str]) -> str:
    if token.startswith("#"):
        return ""
    if token.startswith("$"):
        if token[1:] not in literals:
            raise PermanentError(f"query {name} uses {token}, which it does not declare")
        return literals[token[1:]]
    inside = [key for key in _PARAMETER.findall(token) if key in literals]
    if inside:
        raise PermanentError(f"query {name} has ${inside[0]} inside of a string; expected it to be the whole value")
    return token


def _literal(name: str, key: str, kind: str, value: Value) -> str:
    literal = _LITERALS[kind](value)
    if literal is None:
        raise PermanentError(f"query {name}: {key} is no {kind}; expected {_EXPECTED[kind]}")
    return literal


def _text(value: Value) -> str | None:
    fits = isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()
    return json.dumps(value, ensure_ascii=False) if fits else None


def _duration(value: Value) -> str | None:
    return value if isinstance(value, str) and _DURATION.fullmatch(value) else None


def _number(value: Value) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return f"({value!r})" if fits else None


_LITERALS: dict[str, Callable[[Value], str | None]] = {"text": _text, "duration": _duration, "number": _number}
_EXPECTED = {
    "text": f"printable text of at most {_LONGEST_TEXT} characters",
    "duration": "a duration such as 5m",
    "number": "a finite number",
}
