"""Pages that are made from code say what the code says; `make pages` writes them again."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.policy_text import _Loader
from shared.policy import schema
from shared.settings import settings_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_the_schema_in_docs_is_the_one_of_the_models() -> None:
    assert (DOCS / "policy.schema.json").read_text() == schema()


def test_the_settings_page_is_the_one_of_the_settings() -> None:
    assert (DOCS / "settings.md").read_text() == settings_page()


def _document(text: str) -> Any:
    """Read YAML as an editor does: as of version 1.2, where `on` is a key like any other."""
    return json.loads(json.dumps(yaml.load(text, _Loader)))  # noqa: S506  # a safe loader with other scalars


@pytest.mark.parametrize("file", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda file: file.name)
def test_the_policies_fit_the_schema_as_they_stand_in_the_file(file: Path) -> None:
    jsonschema.validate(_document(file.read_text()), json.loads(schema()))


def test_the_schema_refuses_an_unknown_key() -> None:
    document = _document((ROOT / "policies" / "demo.yaml").read_text())
    document["guards"]["cooldown"] = "5m"
    with pytest.raises(jsonschema.ValidationError, match="cooldown"):
        jsonschema.validate(document, json.loads(schema()))


def _names(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_policy_page_names_every_key() -> None:
    page = "".join((DOCS / name).read_text() for name in ("policy.md", "databases.md"))
    definitions = json.loads(schema())["$defs"]
    keys = _names(Policy) | {key for definition in definitions.values() for key in definition.get("properties", {})}
    ours = keys - {"critical", "warning", "investigation", "setting", "header"}
    assert [key for key in sorted(ours) if f"`{key}" not in page and f".{key}`" not in page] == []


def test_the_policy_page_names_every_event() -> None:
    page = (DOCS / "policy.md").read_text()
    assert [kind.value for kind in EventKind if kind.value not in page] == []
