"""What every declaration of an operation must keep to, so that what is made from it holds."""

import inspect
from pathlib import Path
from string import Formatter
from typing import Any, get_type_hints

import azure.functions as func
import jsonschema
import pytest

import function_app
from shared.engine import audit
from shared.functions.api import OPERATIONS
from shared.functions.openapi import PARAMETERS, openapi
from shared.functions.operations import Operation
from shared.functions.queries import MOST_ROWS
from tests.unit.functions.registered import functions

ROOT = Path(__file__).parents[3]
DOCUMENT = openapi(OPERATIONS)
SCHEMAS = DOCUMENT["components"]["schemas"]
# What is sent by a link is named by the link, and answered by a page.
BY_LINK = {"answer_question"}
ACTS = [each for each in OPERATIONS if each.act]
every_operation = pytest.mark.parametrize("each", OPERATIONS, ids=lambda each: each.name)
every_act = pytest.mark.parametrize(
    "each", [each for each in ACTS if each.name not in BY_LINK], ids=lambda each: each.name
)


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def _described(each: Operation) -> Any:
    return DOCUMENT["paths"][f"/{each.route}"][each.method.lower()]


def _properties(schema: Any) -> set[str]:
    """The names that a schema promises, through its references."""
    if "$ref" in schema:
        return _properties(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    inner = [name for part in schema.get("allOf", ()) for name in _properties(part)]
    return {*schema.get("properties", ()), *inner}


def _sent(part: Any) -> set[str]:
    """The names that a body or query may have, whichever of its kinds it is."""
    schema = part.model_json_schema()
    kinds = [schema["$defs"][one["$ref"].rpartition("/")[2]] for one in schema.get("oneOf", ())]
    return {name for kind in (schema, *kinds) for name in kind.get("properties", ())}


def test_no_token_of_a_link_is_written_down() -> None:
    for each in ACTS:
        assert each.act
        assert "token" not in each.act.target + each.act.outcome + "".join(each.act.detail)


def test_the_worker_sees_the_signature_that_it_knows() -> None:
    found = {each.get_function_name(): each.get_user_function() for each in functions()}
    for each in OPERATIONS:
        registered = found[each.name]
        assert list(inspect.signature(registered).parameters) == ["req"]
        assert get_type_hints(registered) == {"req": func.HttpRequest, "return": func.HttpResponse}


@every_operation
def test_the_pages_name_every_route(each: Operation) -> None:
    assert f"`{each.method} /api/{each.route}" in (ROOT / "docs" / "api.md").read_text()
    assert each.name in (function_app.__doc__ or "")


@every_operation
def test_every_part_of_a_path_is_described(each: Operation) -> None:
    assert _fields(each.route) <= set(PARAMETERS)


@every_act
def test_the_sentence_of_an_act_can_be_filled_from_its_answer(each: Operation) -> None:
    assert each.act
    answered = _described(each)["responses"][str(each.status.value)]["content"]["application/json"]["schema"]
    assert _fields(each.act.outcome) <= _properties(answered)
    assert "not_in_audit" in _properties(answered)


@every_act
def test_the_target_and_the_detail_of_an_act_are_there(each: Operation) -> None:
    assert each.act
    sent = {name for part in (each.body, each.query) if part is not None for name in _sent(part)}
    assert _fields(each.act.target) <= _fields(each.route)
    assert set(each.act.detail) <= sent


def test_whatever_changes_something_for_a_person_is_an_act() -> None:
    changing = {each.name for each in OPERATIONS if each.method != "GET" and each.act is None}
    assert changing == {"alerts", "push_samples"}  # no acts of people


def test_words_of_acts_differ() -> None:
    words = [each.act.word for each in ACTS if each.act]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_a_page_of_the_audit_is_as_long_as_it_says() -> None:
    assert MOST_ROWS == audit.MOST_ROWS
