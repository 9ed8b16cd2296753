"""The description of the API, as OpenAPI 3.1: the types of ``schema``, and where they are used."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

import msgspec

from harness.server.query import shape_pattern
from harness.server.schema import Error, LookUp, Query

_REFUSALS: Final = {
    "400": "The request does not have the form described here.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The text cannot be read, or leaves something open: the message says what to do.",
    "500": "The look-up ended without an answer.",
    "503": "Too many look-ups are waiting; try again.",
    "504": "The look-up took too long and was ended.",
}


def document() -> dict[str, Any]:
    """Describe the API."""
    (query, look_up, error), schemas = msgspec.json.schema_components(
        [Query, LookUp, Error], ref_template="#/components/schemas/{name}"
    )
    responses = {
        "200": _json(look_up, "What the call means, and how each framework says it."),
        **{status: _json(error, text) for status, text in _REFUSALS.items()},
    }
    get = {
        "operationId": "translate",
        "summary": "Look up a call.",
        "parameters": [_parameter(*field) for field in schemas["Query"]["properties"].items()],
        "responses": {status: each for status, each in responses.items() if status != "415"},
    }
    post = {
        "operationId": "translate_text",
        "summary": "Look up a call that is too long for an address.",
        "requestBody": {"required": True, **_json(query)},
        "responses": responses,
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "deconform",
            "version": version("deconform"),
            "summary": "Say a transposed convolution in every framework.",
            "description": "Nothing that is sent is evaluated or kept.",
        },
        "servers": [{"url": "."}],
        "paths": {"/api/translate": {"get": get, "post": post}},
        "components": {"schemas": schemas},
    }


def _json(schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    text = {"description": description} if description else {}
    return {**text, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A field of a query, as a part of an address: a shape is written with commas."""
    schema = dict(schema)
    about = {"name": name, "in": "query", "required": name == "text"}
    about["description"] = schema.pop("description")
    for example in schema.pop("examples", ()):
        about["example"] = example if isinstance(example, str) else ",".join(map(str, example))
    if pattern := shape_pattern(name):
        schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {**about, "schema": schema}
