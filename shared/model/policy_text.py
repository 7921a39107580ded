"""Reads a policy from YAML text. Every problem names its file, line and path.

YAML 1.1 would turn the key `on:` into `True` and `1:30` into 90; only the plain scalars of YAML 1.2 are known here.
A key that is written twice is an error, not a silent overwrite. `%NAME%` stands for an app setting.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

import yaml
from pydantic import ValidationError

from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.policy_checks import problems_of
from shared.model.policy_problem import Place, Problem

_SETTING = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")
_MOST_CHARACTERS = 256 * 1024
_MOST_PROBLEMS = 10
# What a setting holds may be a secret: it is not repeated.
_MASKED = "what the app setting {} holds cannot be used here; expected what docs/policy.md says"


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2's core schema."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|", "~n"),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_policy(text: str, *, file: str, settings: Mapping[str, str]) -> Policy:
    """Read one policy.

    Args:
        text: YAML, at most 256 KiB.
        file: What to call it in errors.
        settings: Values for `%NAME%`.

    Raises:
        PolicyError: with the problems found, each as `file:line: path: what is wrong; what was expected`.
    """
    document = _Document(_compose(text, file), settings)
    problems = document.problems
    if not problems:
        policy, found = _validated(document.value)
        if policy is not None:
            return policy.of_version(sha256(text.encode()).hexdigest())
        problems = [_masked(one, document.filled_in.get(one.place)) for one in found]
    said = [_say(problem, file, document.lines) for problem in problems[:_MOST_PROBLEMS]]
    more = [f"and {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
    raise PolicyError("; ".join(said + more))


def _validated(document: Any) -> tuple[Policy | None, list[Problem]]:
    """Return the policy, or what is wrong with it."""
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        return None, [_from_pydantic(detail) for detail in error.errors(include_url=False, include_context=False)]
    problems = problems_of(policy)
    return (None if problems else policy), problems


def _compose(text: str, file: str) -> yaml.Node:
    if len(text) > _MOST_CHARACTERS:
        raise PolicyError(f"{len(text)} characters; a policy has at most {_MOST_CHARACTERS}", where=file)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        what = getattr(error, "problem", None) or "nested too deeply, or characters that YAML does not allow"
        raise PolicyError(f"not valid YAML: {what}", where=where) from None
    if not isinstance(root, yaml.MappingNode):
        raise PolicyError("expected a mapping with `workload`, `site`, `signals` and `triggers`", where=f"{file}:1")
    return root


_SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "null": (re.compile(r"~|null|"), lambda _: None),
    "bool": (re.compile(r"true|false"), lambda text: text == "true"),
    "int": (re.compile(r"[-+]?[0-9]{1,18}"), int),
    "float": (re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,18})(?:[eE][-+]?[0-9]{1,3})?"), float),
    "str": (re.compile(r"[^\ud800-\udfff]*", re.DOTALL), str),
}


class _Document:
    """A composed document as plain values with its settings filled in, the line of every place, and what is wrong."""

    def __init__(self, root: yaml.Node, settings: Mapping[str, str]) -> None:
        self.lines: dict[Place, int] = {}
        self.filled_in: dict[Place, str] = {}
        self.problems: list[Problem] = []
        self._settings = settings
        self._visited: set[int] = set()
        self.value = self._read(root, ())

    def _read(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in self._visited:
            return self._wrong(place, "anchors and aliases are not read here; write the value out")
        self._visited.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._read_scalar(node, place)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            return self._wrong(place, f"the tag {node.tag} is not read here; expected a plain value")
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, place)
        return [self._read(item, (*place, index)) for index, item in enumerate(node.value)]

    def _read_mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            inner = (*place, str(key.value))
            self.lines[inner] = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._wrong(place, "a key is a list or a mapping; expected a name")
            elif inner[-1] in found:
                self._wrong(inner, "this key stands twice; expected once")
            found[str(inner[-1])] = self._read(value, inner)
        return found

    def _read_scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        pattern, convert = _SCALARS.get(kind, (None, None))
        if pattern is None or convert is None:
            return self._wrong(place, f"the tag {node.tag} is not read here; expected a plain value")
        if not pattern.fullmatch(node.value):
            return self._wrong(place, f"{node.value[:40]!r} is no {kind} that is read here")
        return convert(self._fill_in(node.value, place))

    def _fill_in(self, text: str, place: Place) -> str:
        for name in _SETTING.findall(text):
            self.filled_in[place] = name
            if not self._settings.get(name):
                self._wrong(place, f"the app setting {name} is not set; expected a value for %{name}%")
        return _SETTING.sub(lambda found: self._settings.get(found[1]) or "", text)

    def _wrong(self, place: Place, text: str) -> None:
        self.problems.append(Problem(place, text))


def _masked(problem: Problem, setting: str | None) -> Problem:
    """Name the setting in place of what it holds."""
    return problem if setting is None else Problem(problem.place, _MASKED.format(setting))


def _from_pydantic(detail: Any) -> Problem:
    loc = tuple(detail["loc"])
    place = _without_tag(loc)
    if detail["type"] == "extra_forbidden":
        return Problem(place, "unknown key; expected one that docs/policy.md lists")
    if detail["type"] == "missing":
        return Problem(place, "missing; expected a value")
    text = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "string_pattern_mismatch":
        text = f"{detail['input']!r} has the wrong form; {text[:1].lower()}{text[1:]}"
    return Problem(place, text)


_NAME_AT = {"signals": 1, "roads": 1, "triggers": 2}


def _without_tag(loc: Place) -> Place:
    """Behind the name of a signal, a road, a trigger or a check stands the tag of its kind: it is not in the file."""
    name_at = 4 if loc[2:4] == ("verify", "checks") else _NAME_AT.get(str(loc[0]) if loc else "")
    return loc if name_at is None else loc[: name_at + 1] + loc[name_at + 2 :]


def _say(problem: Problem, file: str, lines: Mapping[Place, int]) -> str:
    return f"{file}:{_line(problem.place, lines)}: {_dotted(problem.place)}: {problem.text}"


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _dotted(place: Iterable[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return path.removeprefix(".") or "policy"
