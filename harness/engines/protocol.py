"""The messages between deconform and a worker, in one table.

What comes back from a worker is checked by it, ``deconform check-worker`` reads it, and so does
``tools/protocol_schema.py``, which writes ``docs/protocol.schema.json`` and the tables of
``docs/protocol.md``.  Our own worker is sent more than the table says, such as texts of programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from harness.engines.worker import DTYPES

VERSION: Final = 1
Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A field of a message: what it means, its values as JSON Schema, whether it may be absent."""

    meaning: str
    schema: Schema
    is_optional: bool = False
    is_ours: bool = False  # Our own worker says it; of others it means nothing


@dataclass(frozen=True)
class Kind:
    """A kind of message; a request also has the answer that it asks for."""

    meaning: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    answer: str = ""


_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_SECONDS: Final = {"type": "number", "minimum": 0, "maximum": 1e9}
_COUNT: Final = {"type": "integer", "minimum": 1}
_ARGUMENTS: Final = Field(
    "the configuration: `stride`, `dilation`, `crop` and `groups`, or the words of the framework "
    "that the implementation `speaks:`",
    {"type": "object"},
)
_OUTPUTS: Final = Field(
    "the arrays that are wanted, of `y`, `dx`, `dw` and `db`",
    {"type": "array", "items": {"enum": ["y", "dx", "dw", "db"]}},
)
_DIRECTION: Final = Field(
    "`forward` computes `y` of `x`, `w` and `b`; `gradient` is given `dy` too",
    {"enum": ["forward", "gradient"]},
)
_KEY: Final = Field("the name of what is held", _TEXT)
_MESSAGE: Final = Field("why, for a person", _TEXT)

REQUESTS: Final[Mapping[str, Kind]] = {
    "start": Kind(
        "the first request to a process",
        {
            "protocol": Field("the version of this protocol", {"const": VERSION}),
            "device": Field("where to compute: `cpu`, or such as `cuda`", _TEXT),
            "threads": Field("how many threads a call may use", _COUNT),
        },
        "started",
    ),
    "run": Kind(
        "compute one configuration, on the arrays that follow",
        {"direction": _DIRECTION, "arguments": _ARGUMENTS, "outputs": _OUTPUTS},
        "result",
    ),
    "hold": Kind(
        "keep arrays and configuration, and be ready to be timed; only `deconform bench` asks",
        {"key": _KEY, "direction": _DIRECTION, "arguments": _ARGUMENTS, "outputs": _OUTPUTS},
        "held",
    ),
    "time": Kind(
        "compute what is held `calls` times, and measure that alone",
        {"key": _KEY, "calls": Field("how often", _COUNT)},
        "timed",
    ),
    "drop": Kind("forget what is held, if anything is", {"key": _KEY}, "dropped"),
}

ANSWERS: Final[Mapping[str, Kind]] = {
    "started": Kind(
        "the process is ready",
        {
            "version": Field("of the implementation", _TEXT),
            "engine": Field("what executes it, such as `node 20.1`", _TEXT_OR_NULL, True),
            "device": Field("where it computes", _TEXT_OR_NULL, True),
            "compiler": Field("what compiled it", _TEXT_OR_NULL, True),
            "blas": Field("the libraries with threads", _TEXT_OR_NULL, True),
            "python": Field("its version", _TEXT_OR_NULL, True, is_ours=True),
            "numpy": Field("its version", _TEXT_OR_NULL, True, is_ours=True),
        },
    ),
    "result": Kind(
        "the arrays that were wanted follow",
        {
            "seconds": Field(
                "what parts of the work took; of `call` a benchmark shows it",
                {"type": "object", "additionalProperties": _SECONDS},
                is_optional=True,
            ),
            "misbehaviour": Field(
                "what the implementation did that it must not, by who watches it",
                _TEXT,
                is_optional=True,
                is_ours=True,
            ),
            "lent": Field(
                "the arrays do not follow: they are in memory that was lent for them",
                {"const": True},
                is_optional=True,
                is_ours=True,
            ),
        },
    ),
    "held": Kind(
        "what is held is ready",
        {
            "peak_bytes": Field(
                "the memory that a call takes, beyond what is in use",
                {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1},
                is_optional=True,
            )
        },
    ),
    "timed": Kind(
        "how long all calls took together",
        {
            "seconds": Field("of a clock on the wall", {**_SECONDS, "minimum": 1e-9}),
            "cpu_s": Field("of all cores", _SECONDS, is_optional=True),
        },
    ),
    "dropped": Kind("nothing is held under that key"),
    "refused": Kind(
        "the program does not do this: an answer to any request, to one that it does not know too",
        {"message": _MESSAGE},
    ),
    "raised": Kind(
        "an error: an answer to any request",
        {
            "message": _MESSAGE,
            "type": Field("the kind of error, such as `ValueError`", _TEXT, True),
            "section": Field("the part of the text", _TEXT, True, is_ours=True),
            "traceback": Field("where it is from", _TEXT, True),
        },
    ),
}
# What may answer any request.
ANY_TIME: Final = ("refused", "raised")


def answers_to(op: str) -> tuple[str, ...]:
    """Return what may answer a request, the wanted answer first.

    >>> answers_to("drop"), answers_to("no such request")
    (('dropped', 'refused', 'raised'), ('refused', 'raised'))
    """
    kind = REQUESTS.get(op)
    return (kind.answer, *ANY_TIME) if kind else ANY_TIME


def check_answer(message: Mapping[str, Any], allowed: Iterable[str]) -> None:
    """Refuse an answer of another kind than those allowed, or with fields that cannot be.

    Raises
    ------
    ValueError
    """
    op = message.get("op")
    if op not in (allowed := tuple(allowed)):
        wanted = allowed[0] if len(allowed) == 3 else " or ".join(allowed)
        raise ValueError(f"it is {op!r:.60}, not {wanted!r}")
    check_fields(message, ANSWERS[str(op)].fields)


def check_fields(message: Mapping[str, Any], fields: Mapping[str, Field]) -> None:
    """Refuse a message whose fields are absent or not as the table says; others are left alone.

    Raises
    ------
    ValueError
    """
    for name, each in fields.items():
        if name not in message:
            if not each.is_optional:
                raise ValueError(f"it lacks {name!r}")
        elif not fits(message[name], each.schema):
            raise ValueError(f"{name} cannot be {message[name]!r:.60}")


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "null": lambda value: value is None,
}


def fits(value: Any, schema: Schema) -> bool:
    """Whether a value is as a schema says, of those words of JSON Schema that the table uses.

    >>> fits(2, {"type": "integer", "minimum": 1}), fits(True, {"type": "integer"})
    (True, False)
    >>> fits({"call": float("nan")}, {"additionalProperties": {"type": "number", "minimum": 0}})
    False
    """
    return all(_RULES[word](value, rule) for word, rule in schema.items())


def _is_of_type(value: Any, types: str | list[str]) -> bool:
    if isinstance(types, str):
        return _TYPES[types](value)
    return any(_TYPES[name](value) for name in types)


_RULES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "type": _is_of_type,
    "const": lambda value, rule: type(value) is type(rule) and value == rule,
    "enum": lambda value, rule: isinstance(value, str) and value in rule,
    # Not a number lies in no interval.
    "minimum": lambda value, rule: value is None or bool(value >= rule),
    "maximum": lambda value, rule: value is None or bool(value <= rule),
    "items": lambda value, rule: all(fits(each, rule) for each in value),
    "additionalProperties": lambda value, rule: all(fits(each, rule) for each in value.values()),
}


def schema() -> dict[str, Any]:
    """Write the table as one JSON Schema: a definition for each message, any of which is valid."""
    array = {
        "type": "object",
        "properties": {
            "name": _TEXT,
            "dtype": {"enum": list(DTYPES)},
            "shape": {"type": "array", "maxItems": 32, "items": {"type": "integer", "minimum": 0}},
            "nbytes": {"type": "integer", "minimum": 0},
        },
        "required": ["name", "dtype", "shape", "nbytes"],
    }
    kinds = {**REQUESTS, **ANSWERS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The first line of a frame between deconform and a worker",
        "oneOf": [{"$ref": f"#/$defs/{op}"} for op in kinds],
        "$defs": {op: _message_schema(op, kind) for op, kind in kinds.items()} | {"array": array},
    }


def _message_schema(op: str, kind: Kind) -> dict[str, Any]:
    own = {name: {"description": each.meaning, **each.schema} for name, each in kind.fields.items()}
    needed = [name for name, each in kind.fields.items() if not each.is_optional]
    is_request = op in REQUESTS
    return {
        "description": kind.meaning,
        "type": "object",
        "properties": {
            "op": {"const": op},
            "id": {"description": "of the request, and of its answer", **_COUNT},
            **own,
            "arrays": {
                "description": "what follows the line",
                "type": "array",
                "items": {"$ref": "#/$defs/array"},
            },
        },
        "required": ["op", "id", *needed, *(["arrays"] if is_request else [])],
    }
