"""Reads the scripts of a folder, and the file of what must hold after them.

A file that is not named like the others is an error: it would be left out without a word.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from shared.decision.migration_plan import same_numbers
from shared.errors import InvalidInput
from shared.model.migration import Script
from shared.model.policy_data import Rule
from shared.model.strict import Name

_NAMED = re.compile(r"(?P<script>[0-9]+_[A-Za-z0-9_-]+)(?P<undo>\.undo)?\.sql")
_MOST_BYTES = 16 * 1024 * 1024
_RULES = TypeAdapter(dict[Name, Rule])


def read_scripts(folder: Path) -> list[Script]:
    """Read `NNN_name.sql` and `NNN_name.undo.sql`, in the order of their numbers.

    Raises:
        InvalidInput: with all that is wrong with the folder.
    """
    try:
        files = {file.name: file for file in sorted(folder.iterdir()) if file.suffix == ".sql"}
    except OSError as error:
        raise InvalidInput(f"cannot be read: {type(error).__name__}", where=str(folder)) from None
    problems = [*_misnamed(files), *([] if files else ["it holds no *.sql"])]
    scripts = [_script(files, file) for file in files.values() if not problems and not _is_undo(file.name)]
    problems += same_numbers(scripts)
    if problems:
        raise InvalidInput("; ".join(problems), where=str(folder))
    return sorted(scripts, key=lambda script: script.number)


def _misnamed(files: Mapping[str, Path]) -> Iterator[str]:
    for name in files:
        named = _NAMED.fullmatch(name)
        if named is None:
            yield f"{name}: expected NNN_name.sql or NNN_name.undo.sql"
        elif named["undo"] and f"{named['script']}.sql" not in files:
            yield f"{name}: there is no {named['script']}.sql that it takes back"


def _is_undo(name: str) -> bool:
    return name.endswith(".undo.sql")


def _script(files: Mapping[str, Path], file: Path) -> Script:
    undo = files.get(f"{file.stem}.undo.sql")
    text = _text(file)
    # A checkout may have turned the ends of lines around.
    digest = sha256(text.replace("\r\n", "\n").encode()).hexdigest()
    return Script(name=file.name, text=text, sha256=digest, undo=_script({}, undo) if undo else None)


def _text(file: Path) -> str:
    """Return the text of a file as it is, ends of lines and all: they may stand in strings."""
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot be read: {type(error).__name__}", where=file.name) from None
    if len(content) > _MOST_BYTES or "\0" in text:
        raise InvalidInput(f"expected text of at most {_MOST_BYTES // 2**20} MiB without zero bytes", where=file.name)
    return text


def read_rules(file: Path) -> dict[str, Rule]:
    """Read `name: {query: SELECT ..., expect: "0"}`; all values are texts, as they are written.

    Raises:
        InvalidInput: with the line and name of what is wrong first.
    """
    text = _text(file)
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.BaseLoader)):
            raise InvalidInput("anchors and aliases are not read here; write the value out", where=file.name)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file.name}:{mark.line + 1}" if mark else file.name
        raise InvalidInput(
            f"not valid YAML: {getattr(error, 'problem', '') or 'nested too deeply'}", where=where
        ) from None
    try:
        return _RULES.validate_python(_plain(root, file.name) if root else None)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in detail["loc"] if part != "[key]")
        what = detail["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{path or 'rules'}: {what}", where=f"{file.name}:{_line(root, detail['loc'])}") from None


def _plain(node: yaml.Node, file: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return node.value if isinstance(node, yaml.ScalarNode) else []
    found: dict[str, Any] = {}
    for key, value in node.value:
        if key.value in found:
            raise InvalidInput(f"{key.value} stands twice", where=f"{file}:{key.start_mark.line + 1}")
        found[str(key.value)] = _plain(value, file)
    return found


def _line(root: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """Return the line of the innermost part of a place that the file has."""
    line = 1
    for part in place:
        pairs = root.value if isinstance(root, yaml.MappingNode) else []
        found = [(key, value) for key, value in pairs if key.value == part]
        if not found:
            return line
        line, root = found[0][0].start_mark.line + 1, found[0][1]
    return line
