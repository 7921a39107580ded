"""What a compiler would say about main.bicep and its modules: parameters and outputs fit, included files exist."""

from pathlib import Path
from typing import Any

import pytest

from shared.engine.poisoned import QUEUES
from tests.infra.bicep_files import BICEP, INFRA, MAIN, MODULES, ModuleCall, module_calls, output_uses, strings, tree

CALLS = list(module_calls())


def named(path: Path) -> str:
    return path.name


def included_files(node: object) -> list[str]:
    """Paths given to `loadTextContent` anywhere in a tree."""
    if isinstance(node, list):
        return [path for value in node for path in included_files(value)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "load_text_content":
        return [node["parameters"]["file_path"]]
    return [path for value in node.values() for path in included_files(value)]


def required(parameters: dict[str, Any]) -> set[str]:
    return {name for name, parameter in parameters.items() if parameter["default"] is None}


@pytest.mark.parametrize("path", BICEP, ids=named)
def test_every_file_parses_and_says_what_it_is_for(path: Path) -> None:
    assert tree(path)
    assert path.read_text().startswith("// ")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.symbol)
def test_a_module_gets_the_parameters_that_it_declares(call: ModuleCall) -> None:
    declared = tree(call.path).get("parameters", {})
    assert set(call.params) <= set(declared)
    assert required(declared) <= set(call.params)


def test_every_module_is_used() -> None:
    assert {call.path for call in CALLS} == set(MODULES)


def test_outputs_that_are_read_exist() -> None:
    declared = {(call.symbol, name) for call in CALLS for name in tree(call.path).get("outputs", {})}
    assert output_uses(MAIN) <= declared


@pytest.mark.parametrize("path", BICEP, ids=named)
def test_every_parameter_and_variable_is_used(path: Path) -> None:
    text = path.read_text()
    for name in [*tree(path).get("parameters", {}), *tree(path).get("variables", {})]:
        assert text.count(name) > 1, name


@pytest.mark.parametrize("path", BICEP, ids=named)
def test_included_files_exist(path: Path) -> None:
    assert all((path.parent / included).is_file() for included in included_files(tree(path)))


def test_the_alert_rules_include_their_queries() -> None:
    rules = tree(INFRA / "modules" / "alert-rules.bicep")
    assert sorted(included_files(rules)) == ["../kql/server_error_alert.kql", "../kql/silent_controller.kql"]


def test_the_queues_of_the_product_are_made() -> None:
    assert tree(MAIN)["variables"]["queueNames"]["value"] == list(QUEUES)
    assert "${queueName}-poison" in set(strings(tree(INFRA / "modules" / "work-queue.bicep")))
