"""The description of the API, as OpenAPI 3.1: the types of ``schema``, and where they are used."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

import msgspec

from harness.server.bodies import JSON, MULTIPART
from harness.server.limits import (
    MAX_CALLS,
    MAX_FILE,
    MAX_LINKED,
    MAX_PLAIN_BODY,
    MAX_TEXT,
)
from harness.server.query import shape_pattern
from harness.server.schema import Error, LookUp, LookUps, Query

_REFUSALS: Final = {
    "400": "The request does not have the form described here.",
    "413": f"The body is too large: {MAX_PLAIN_BODY >> 20} MiB as {JSON}, {MAX_FILE >> 20} MiB "
    f"for a file as {MULTIPART}.",
    "415": f"The body is neither {JSON} nor {MULTIPART}.",
    "422": "The text cannot be read, or leaves something open: the message says what to do.",
    "500": "The look-up ended without an answer.",
    "503": "Too many look-ups are waiting; try again.",
    "504": "The look-up took too long and was ended.",
}
_LIMITS: Final = (
    f"A text, or the code in a file, may have {MAX_TEXT:,} characters. The first {MAX_CALLS} of "
    "its calls are answered; the first that is not is among those that are refused."
)


def document() -> dict[str, Any]:
    """Describe the API."""
    (query, look_up, several, error), schemas = msgspec.json.schema_components(
        [Query, LookUp, LookUps, Error], ref_template="#/components/schemas/{name}"
    )
    responses = {
        "200": _content(
            {JSON: {"anyOf": [look_up, several]}},
            "What the call means, and how each framework says it; of several, all of them.",
        ),
        **{status: _content({JSON: error}, text) for status, text in _REFUSALS.items()},
    }
    fields: dict[str, Any] = schemas["Query"]["properties"]
    # What is required comes first.
    fields = {name: fields[name] for name in sorted(fields, key="text".__ne__)}
    get = {
        "operationId": "translate",
        "summary": "Look up a call, or all calls of a text.",
        "parameters": [_parameter(*field) for field in fields.items()],
        "responses": {status: each for status, each in responses.items() if status != "415"},
    }
    post = {
        "operationId": "translate_text",
        "summary": "Look up a text that is too long for an address, or a file.",
        "requestBody": {
            "required": True,
            **_content({JSON: query, MULTIPART: _parts(fields)}),
        },
        "responses": responses,
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "deconform",
            "version": version("deconform"),
            "summary": "Say a transposed convolution in every framework.",
            "description": f"Nothing that is sent is evaluated or kept. {_LIMITS}",
        },
        "servers": [{"url": "."}],
        "paths": {"/api/translate": {"get": get, "post": post}},
        "components": {"schemas": schemas},
    }


def _content(schemas: dict[str, dict[str, Any]], description: str = "") -> dict[str, Any]:
    text = {"description": description} if description else {}
    return {**text, "content": {kind: {"schema": schema} for kind, schema in schemas.items()}}


def _parts(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A file, with the other fields as in an address."""
    file = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "maxLength": MAX_FILE,
        "description": "A file of code, a notebook, Markdown or a model, with its name.",
    }
    own = ("text", "file")
    others = {name: _in_address(name, each) for name, each in fields.items() if name not in own}
    return {
        "type": "object",
        "properties": {"file": file}
        | {n: s for n, s in others.items() if n not in {"text", "file"}},
        "required": ["file"],
        "additionalProperties": False,
    }


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A field of a query, as a part of an address."""
    about = {"name": name, "in": "query", "required": name == "text"}
    about["description"] = schema["description"]
    for example in schema.get("examples", ()):
        about["example"] = _example(example)
    return {**about, "schema": _in_address(name, schema)}


def _example(value: Any) -> Any:
    if isinstance(value, dict):
        return [f"{name}={each}" for name, each in value.items()]
    return value if isinstance(value, str) else ",".join(map(str, value))


def _in_address(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field as text: a shape has commas, a value its name before it."""
    if pattern := shape_pattern(name):
        return {"type": "string", "pattern": f"^{pattern}$"}
    if name == "set":
        line = {"type": "string", "pattern": r"^[\w.]+=[^\r\n]+$", "maxLength": 64}
        return {"type": "array", "items": line}
    plain = {key: value for key, value in schema.items() if key not in {"description", "examples"}}
    return plain | ({"maxLength": MAX_LINKED} if name == "text" else {})
