"""The API, described for programs."""

from functools import cache
from typing import Any

from pydantic_core import to_json

from shared.functions.call import Call
from shared.functions.operations import OPERATIONS, READERS, operation
from shared.functions.replies import Document


@operation("GET", "openapi.json", roles=READERS, answer=dict[str, Any])
def show_openapi(call: Call) -> Document:
    """This API as an OpenAPI 3.1 document."""
    return _document()


@cache
def _document() -> Document:
    from shared.functions.openapi import openapi

    return Document(to_json(openapi(OPERATIONS)).decode())
