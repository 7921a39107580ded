"""Reads the Bicep of `infra/` as syntax trees, so that checks can ask questions where no Bicep compiler can be had."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from pycep import BicepParser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
MODULES = sorted((INFRA / "modules").glob("*.bicep"))
BICEP = [MAIN, *MODULES]
TOOLS = ROOT.parent / "shared" / "tools"

_OUTPUT_USE = re.compile(r"\b(\w+)!?\.outputs\.(\w+)")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that a file creates: its symbol, its type without version, and its properties as a tree."""

    file: str
    symbol: str
    type: str
    body: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        """The `properties` object, empty when there is none."""
        found: dict[str, Any] = self.body.get("properties", {})
        return found


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A use of a module in main.bicep."""

    symbol: str
    path: Path
    params: dict[str, Any]


@cache
def tree(path: Path) -> dict[str, Any]:
    """The syntax tree of one file."""
    return cast("dict[str, Any]", BicepParser().parse(text=path.read_text()))


def _without_loop_or_condition(config: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = config["config"] if "condition" in config else config
    return inner


def resources(kind: str = "") -> Iterator[Resource]:
    """Every resource that is created, of one type (in any case) or of all."""
    for path in BICEP:
        for symbol, found in tree(path).get("resources", {}).items():
            if not found["existing"] and kind.lower() in ("", found["type"].lower()):
                yield Resource(path.name, symbol, found["type"], _without_loop_or_condition(found["config"]))


def module_calls() -> Iterator[ModuleCall]:
    """Every use of a module in main.bicep."""
    for symbol, found in tree(MAIN)["modules"].items():
        config = _without_loop_or_condition(found["config"])
        yield ModuleCall(symbol, INFRA / found["detail"]["path"], config["params"])


def output_uses(path: Path) -> set[tuple[str, str]]:
    """Pairs of module symbol and output name that a file reads."""
    return set(_OUTPUT_USE.findall(path.read_text()))


def strings(node: object) -> Iterator[str]:
    """Every string in a tree, keys left out."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
