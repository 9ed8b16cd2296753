"""The description of the API, as OpenAPI 3.1."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from harness.server.query import STYLES, known_frameworks
from harness.syntax.tree import MAX_DIGITS, MAX_TEXT

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_EXAMPLE: Final = "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"
_MEANINGS: Final = {
    "text": "A call as it stands in code, an operator's descriptor, or a line of benchdnn.",
    "from": "Whose call it is; recognised where it is left out.",
    "to": "Frameworks to write it for; all others where it is left out.",
    "input": "The input's shape, (n, c_in, *size), for what the text leaves open.",
    "weight": "The weights' shape, (c_in, c_out/groups, *kernel), likewise.",
    "style": "What is executed, or what people put in a network.",
}
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
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "deconform",
            "version": _version(),
            "summary": "Say a transposed convolution in every framework.",
            "description": "Nothing that is sent is evaluated or kept.",
        },
        "servers": [{"url": "."}],
        "paths": {"/api/translate": {"get": _get(), "post": _post()}},
        "components": {
            "schemas": {
                "Query": _query(),
                "LookUp": _look_up(),
                "Operator": _operator(),
                "Translation": _translation(),
                "Problem": _problem(),
                "Error": _error(),
            }
        },
    }


def _version() -> str:
    try:
        return version("deconform")
    except PackageNotFoundError:
        return "unknown"


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _get() -> dict[str, Any]:
    schemas: dict[str, Any] = {
        **_query()["properties"],
        "input": {"type": "string", "pattern": _shape_pattern("(0|[1-9][0-9]{0,17})")},
        "weight": {"type": "string", "pattern": _shape_pattern("([1-9][0-9]{0,17})")},
    }
    examples = {"text": _EXAMPLE, "input": "1,64,16,16", "weight": "64,32,4,4"}
    return {
        "operationId": "translate",
        "summary": "Look a call up.",
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name == "text",
                "description": _MEANINGS[name],
                "schema": schema,
                **({"example": examples[name]} if name in examples else {}),
            }
            for name, schema in schemas.items()
        ],
        "responses": _responses("415"),
    }


def _post() -> dict[str, Any]:
    return {
        "operationId": "translate_text",
        "summary": "Look a call up that is too long for an address.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Query")}},
        },
        "responses": _responses(),
    }


def _responses(*without: str) -> dict[str, Any]:
    found = {
        "description": "What the call means, and how each framework says it.",
        "content": {"application/json": {"schema": _ref("LookUp")}},
    }
    error = {"application/json": {"schema": _ref("Error")}}
    refusals = {
        status: {"description": text, "content": error}
        for status, text in _REFUSALS.items()
        if status not in without
    }
    return {"200": found, **refusals}


def _shape_pattern(size: str) -> str:
    return f"^{size}(,{size}){{2,4}}$"


def _sizes(least: int, fewest: int = 3, most: int = 5) -> dict[str, Any]:
    size = {"type": "integer", "minimum": least, "maximum": 10**MAX_DIGITS - 1}
    return {"type": "array", "minItems": fewest, "maxItems": most, "items": size}


def _query() -> dict[str, Any]:
    framework = {"type": "string", "enum": list(known_frameworks())}
    return {
        "type": "object",
        "required": ["text"],
        "additionalProperties": False,
        "properties": {
            "text": _TEXT,
            "from": framework,
            "to": {"type": "array", "items": framework, "uniqueItems": True},
            "input": _sizes(0),
            "weight": _sizes(1),
            "style": {"type": "string", "enum": list(STYLES), "default": "function"},
        },
    }


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        "properties": properties,
    }


_STRING: Final = {"type": "string"}
_STRING_OR_NULL: Final = {"type": ["string", "null"]}
_STRINGS: Final = {"type": "array", "items": _STRING}
_SUPPORT: Final = {"type": "string", "enum": ["native", "rewritten", "unsupported"]}


def _look_up() -> dict[str, Any]:
    shape = {"type": ["array", "null"], "items": {"type": "integer"}}
    properties = {
        "operator": _ref("Operator"),
        "descriptor": _STRING,
        "input": shape,
        "output": shape,
        "framework": _STRING_OR_NULL,
        "form": _STRING_OR_NULL,
        "notes": _STRINGS,
        "translations": {"type": "object", "additionalProperties": _ref("Translation")},
        "benchdnn": _ref("Problem"),
    }
    return _object(properties, optional=("benchdnn",))


def _operator() -> dict[str, Any]:
    whole = {"type": "integer"}
    axes = {"type": "array", "items": whole, "minItems": 1, "maxItems": 3}
    pair = {"type": "array", "items": whole, "minItems": 2, "maxItems": 2}
    return _object(
        {
            "in_channels": whole,
            "out_channels": whole,
            "kernel": axes,
            "stride": axes,
            "dilation": axes,
            "crop": {"type": "array", "items": pair, "minItems": 1, "maxItems": 3},
            "groups": whole,
            "bias": {"type": "boolean"},
        }
    )


def _translation() -> dict[str, Any]:
    source = _object({"from": _STRING, "code": _STRING, "bias_code": _STRING_OR_NULL})
    weights = {
        "from": _STRING,
        "to": _STRING,
        "code": _STRING,
        "bias_code": _STRING_OR_NULL,
        "source": source,
    }
    return _object(
        {
            "support": _SUPPORT,
            "reason": _STRING_OR_NULL,
            "call": _STRING_OR_NULL,
            "program": _STRING_OR_NULL,
            "gradient": _STRING_OR_NULL,
            "training": _STRING_OR_NULL,
            "weights": _object(weights),
            "notes": _STRINGS,
        }
    )


def _problem() -> dict[str, Any]:
    return _object({"support": _SUPPORT, "reason": _STRING_OR_NULL, "problem": _STRING_OR_NULL})


def _error() -> dict[str, Any]:
    place = {"type": ["integer", "null"], "minimum": 1}
    return _object({"error": _object({"message": _STRING, "line": place, "column": place})})
