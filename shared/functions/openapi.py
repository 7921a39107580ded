"""The OpenAPI 3.1 document, made from the operations and the types in their signatures.

https://spec.openapis.org/oas/v3.1.1. Its schemas are those of JSON Schema 2020-12, as pydantic writes them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import TypeAdapter

from shared.functions.answers import Problem
from shared.functions.bodies import FORM_MEDIA, Form
from shared.functions.operations import Operation
from shared.functions.problems import PROBLEM_MEDIA
from shared.functions.replies import HTML_MEDIA, JSON_MEDIA, NOT_IN_AUDIT, Html
from shared.model.policy_levels import WORKLOAD_PATTERN

type Json = dict[str, Any]
type Kind = tuple[Any, Literal["validation", "serialization"]]

_REF = "#/components/schemas/{model}"
_ROLLBACK_ID = WORKLOAD_PATTERN.removesuffix("$") + r"\.[0-9]{8}T[0-9]{12}$"
PARAMETERS: Mapping[str, Json] = {
    "name": {"description": "A workload.", "schema": {"type": "string", "pattern": WORKLOAD_PATTERN}},
    "token": {"description": "From a link.", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,1000}$"}},
    "id": {"description": "A run, or what is asked for.", "schema": {"type": "string", "pattern": _ROLLBACK_ID}},
}
_DESCRIPTIONS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "What was sent cannot be used; `detail` names what, where, and what was expected.",
    HTTPStatus.UNAUTHORIZED: "Nobody is recognised: the app says why as elsewhere, the platform has no body.",
    HTTPStatus.FORBIDDEN: "Known, and without a role for this.",
    HTTPStatus.NOT_FOUND: "There is nothing of that name.",
    HTTPStatus.CONFLICT: "Understood and not done; `detail` says what stands against it.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More than 1,000,000 bytes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is said to be something else than JSON.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Trouble of our own; try again after `Retry-After`.",
}
_SECURITY: Json = {
    "key": {"type": "apiKey", "in": "header", "name": "x-functions-key", "description": "A function key of the app."},
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the app's tenant. An app without `ENTRA_TENANT_ID` takes the function key alone.",
    },
}
_UNRECORDED: Json = {"type": "string", "description": "It was done, and could not be written to the audit: why."}


def openapi(operations: Sequence[Operation]) -> Json:
    """Return the document of these operations."""
    kinds = list(dict.fromkeys(kind for each in operations for kind in _kinds(each)))
    keyed = [(kind, kind[1], TypeAdapter[Any](kind[0])) for kind in kinds]
    found, components = TypeAdapter.json_schemas(keyed, ref_template=_REF)
    schemas = {kind: found[kind, kind[1]] for kind in kinds}
    paths: dict[str, Json] = {}
    for each in sorted(operations, key=lambda one: (one.route, one.method)):
        paths.setdefault(f"/{each.route}", {})[each.method.lower()] = _described(each, schemas)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Rollback controller", "version": "1"},
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {"schemas": components.get("$defs", {}), "securitySchemes": _SECURITY},
    }


def _kinds(each: Operation) -> Iterator[Kind]:
    yield from ((kind, "validation") for kind in (each.body, each.query) if kind is not None)
    yield from ((kind, "serialization") for kind in (Problem, each.answer, *each.also.values()))


def _described(each: Operation, schemas: Mapping[Kind, Json]) -> Json:
    said: Json = {
        "operationId": each.name,
        "summary": each.says,
        "parameters": [*_path_parameters(each), *_query_parameters(each)],
        "responses": _responses(each, schemas),
        "security": [{"key": [], "token": [role]} for role in sorted(each.roles or ())],
    }
    if each.body is not None:
        media = FORM_MEDIA if each.body == Form else JSON_MEDIA
        content = {media: {"schema": schemas[each.body, "validation"]}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def _path_parameters(each: Operation) -> list[Json]:
    names = re.findall(r"{(\w+)}", each.route)
    return [{"name": name, "in": "path", "required": True, **PARAMETERS[name]} for name in names]


def _query_parameters(each: Operation) -> list[Json]:
    """Return them with their schemas in place: a query is no document that anything could refer into."""
    if each.query is None:
        return []
    properties: Json = each.query.model_json_schema().get("properties", {})
    return [{"name": name, "in": "query", "schema": _of_a_text(schema)} for name, schema in properties.items()]


def _of_a_text(schema: Json) -> Json:
    """Return the schema without `null`: a query has no word for it, it leaves the parameter out."""
    (said,) = [choice for choice in schema.get("anyOf", [{}]) if choice.get("type") != "null"]
    return {key: value for key, value in {**schema, **said}.items() if key != "anyOf" and value is not None}


def _responses(each: Operation, schemas: Mapping[Kind, Json]) -> Json:
    answers = {each.status: each.answer, **each.also}
    refusals = _refusals(each)
    said: dict[str, Json] = {}
    for status in sorted({*answers, *refusals}):
        content: Json = {}
        if status in answers:
            media = HTML_MEDIA if answers[status] == Html else JSON_MEDIA
            content[media] = _media(each, schemas[answers[status], "serialization"])
        if status in refusals and status is not HTTPStatus.UNAUTHORIZED:  # the platform's has no body, ours has one
            content[PROBLEM_MEDIA] = _media(each, schemas[Problem, "serialization"])
        description = _DESCRIPTIONS[status] if status in refusals else each.says
        said[str(status.value)] = {"description": description, **({"content": content} if content else {})}
    return said


def _media(each: Operation, schema: Json) -> Json:
    """Return how a document is described; that of an act may say more."""
    if each.act is None or each.answer == Html:
        return {"schema": schema}
    return {"schema": {"allOf": [schema], "properties": {NOT_IN_AUDIT: _UNRECORDED}}}


def _refusals(each: Operation) -> set[HTTPStatus]:
    """Return the statuses of problem documents: those that are declared, and those that follow from the rest."""
    found = {HTTPStatus.SERVICE_UNAVAILABLE, *each.refusals}
    if each.roles is not None:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if "{" in each.route and each.answer != Html:
        found |= {HTTPStatus.NOT_FOUND}
    takes_json = each.body is not None and each.body != Form
    if takes_json or each.query is not None:
        found |= {HTTPStatus.BAD_REQUEST}
    if takes_json:
        found |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
    return found
