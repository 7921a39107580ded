"""azure.yaml and main.bicepparam name things that main.bicep really has."""

import re
from typing import Any

import pytest
import yaml

from tests.infra.bicep_files import INFRA, MAIN, ROOT, resources, tree


@pytest.fixture(scope="module")
def azd() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "azure.yaml").read_text())
    return loaded


def test_azd_deploys_main_bicep_and_the_python_app(azd: dict[str, Any]) -> None:
    assert (ROOT / azd["infra"]["path"] / f"{azd['infra']['module']}.bicep") == MAIN
    assert azd["services"]["controller"] == {"project": ".", "language": "py", "host": "function"}


def test_azd_finds_the_app_by_its_tag() -> None:
    apps = list(resources("Microsoft.Web/sites"))
    assert ["'azd-service-name': 'controller'" in (INFRA / "modules" / app.file).read_text() for app in apps] == [
        True,
        True,
    ]


def test_the_hook_uses_outputs_and_variables_that_exist(azd: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{?([A-Z_]+)", azd["hooks"]["postdeploy"]["run"]))
    given = set(tree(MAIN)["outputs"]) | set(environment_variables()) | {"AZURE_RESOURCE_GROUP"}  # azd sets the last
    assert used
    assert used <= given


def environment_variables() -> list[str]:
    return re.findall(r"readEnvironmentVariable\('([A-Z_]+)'", (INFRA / "main.bicepparam").read_text())


def test_the_example_gives_every_required_parameter_and_no_other() -> None:
    given = set(re.findall(r"^param (\w+) =", (INFRA / "main.bicepparam").read_text(), re.MULTILINE))
    declared = tree(MAIN)["parameters"]
    required = {name for name, parameter in declared.items() if parameter["default"] is None}
    assert required <= given <= set(declared)


def test_the_example_holds_no_secret_in_the_clear() -> None:
    text = (INFRA / "main.bicepparam").read_text()
    for name in ("alertsFunctionKey", "opsWebhookUrl"):
        assert re.search(rf"^param {name} = readEnvironmentVariable\('[A-Z_]+'\)$", text, re.MULTILINE), name


def test_the_readme_names_every_environment_variable() -> None:
    readme = (INFRA / "README.md").read_text()
    assert [name for name in environment_variables() if name not in readme] == []
