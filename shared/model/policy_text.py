"""Reads a policy from YAML text. Every problem names its file, line and path.

YAML 1.1 would turn the key `on:` into `True` and `1:30` into 90; only the plain scalars of YAML 1.2 are known here.
A key that is written twice is an error, not a silent overwrite. `%NAME%` stands for an app setting.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.policy_checks import Place, Problem, problems_of

_SETTING = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")
_MOST_CHARACTERS = 256 * 1024


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
        PolicyError: with every problem found, each as `file:line: path: what is wrong; what was expected`.
    """
    document = _Document(_compose(text, file), settings)
    problems = document.problems
    if not problems:
        try:
            policy = Policy.model_validate(_construct(document.root, file))
        except ValidationError as error:
            problems = [_from_pydantic(detail) for detail in error.errors(include_url=False, include_context=False)]
        else:
            problems = problems_of(policy)
            if not problems:
                return policy
    raise PolicyError("; ".join(_say(problem, file, document.lines) for problem in problems))


def _compose(text: str, file: str) -> yaml.Node:
    if len(text) > _MOST_CHARACTERS:
        raise PolicyError(f"{len(text)} characters; a policy has at most {_MOST_CHARACTERS}", where=file)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        what = getattr(error, "problem", None) or "nested too deeply, or characters that YAML does not allow"
        raise PolicyError(f"not valid YAML: {what}", where=where) from None
    if not isinstance(root, yaml.MappingNode):
        raise PolicyError("expected a mapping with `workload`, `site`, `signals` and `triggers`", where=f"{file}:1")
    return root


def _construct(root: yaml.Node, file: str) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(root)
    except yaml.YAMLError as error:
        raise PolicyError(f"not valid YAML: {getattr(error, 'problem', error)}", where=file) from None
    finally:
        loader.dispose()


class _Document:
    """A composed document whose settings are filled in, with the line of every place and what is wrong so far."""

    def __init__(self, root: yaml.Node, settings: Mapping[str, str]) -> None:
        self.root = root
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []
        self._settings = settings
        self._visited: set[int] = set()
        self._walk(root, ())

    def _walk(self, node: yaml.Node, place: Place) -> None:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in self._visited:
            self.problems.append(Problem(place, "anchors and aliases are not read here; write the value out"))
            return
        self._visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._walk_mapping(node, place)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, (*place, index))
        elif isinstance(node, yaml.ScalarNode):
            self._fill_in(node, place)

    def _walk_mapping(self, node: yaml.MappingNode, place: Place) -> None:
        seen: set[str] = set()
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner[-1] in seen:
                self.problems.append(Problem(inner, "this key stands twice; expected once"))
            seen.add(str(key.value))
            self.lines[inner] = key.start_mark.line + 1
            key.tag = "tag:yaml.org,2002:str"  # the level `1:` is a name, not a number
            self._walk(value, inner)

    def _fill_in(self, node: yaml.ScalarNode, place: Place) -> None:
        for name in _SETTING.findall(node.value):
            if not self._settings.get(name):
                self.problems.append(
                    Problem(place, f"the app setting {name} is not set; expected a value for %{name}%")
                )
        node.value = _SETTING.sub(lambda found: self._settings.get(found[1], ""), node.value)


def _from_pydantic(detail: Any) -> Problem:
    loc = tuple(detail["loc"])
    place = loc[:2] + loc[3:] if loc[:1] == ("signals",) else loc  # behind a signal's name stands the kind's tag
    if detail["type"] == "extra_forbidden":
        return Problem(place, "unknown key; expected one that docs/policy.md lists")
    if detail["type"] == "missing":
        return Problem(place, "missing; expected a value")
    text = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "string_pattern_mismatch":
        text = f"{detail['input']!r} has the wrong form; {text[:1].lower()}{text[1:]}"
    return Problem(place, text)


def _say(problem: Problem, file: str, lines: Mapping[Place, int]) -> str:
    return f"{file}:{_line(problem.place, lines)}: {_dotted(problem.place)}: {problem.text}"


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _dotted(place: Iterable[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return path.removeprefix(".") or "policy"
