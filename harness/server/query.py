"""What a visitor asks, from a query string, a form or JSON, checked before anything reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, get_type_hints

import msgspec

from harness.lookup.given_values import GivenValueError, read_given
from harness.server.limits import MAX_FILE_NAME, MAX_NAMES, MAX_TEXT, MAX_VALUE
from harness.server.refusals import RefusedError
from harness.server.schema import FRAMEWORKS, Options, Query
from harness.syntax.tree import Value

_TYPES: Final = {
    field.encode_name: get_type_hints(Query, include_extras=True)[field.name]
    for field in msgspec.structs.fields(Query)
}
# The smallest size of a shape, and an example.
_SHAPES: Final = {"input": (0, "1,64,16,16"), "weight": (1, "64,32,4,4")}
_NAMED: Final = "set."  # Before a name of the text: the field of its value

_Asked = TypeVar("_Asked", bound=Options)


def from_fields(fields: Iterable[tuple[str, str]], kind: type[_Asked]) -> _Asked:
    r"""Read a query string, in which ``to`` and ``set`` may be repeated.

    A value for a name is a line of ``set``, or a field of its own.

    Raises
    ------
    RefusedError
        Where a name is unknown or given twice, or a value has another form.

    Examples
    --------
    >>> asked = from_fields([("to", "mxnet"), ("set", "k=4\ns=2"), ("set.p", "[1]")], Options)
    >>> asked.to, asked.values
    (('mxnet',), {'k': 4, 's': 2, 'p': [1]})
    """
    given: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, value in fields:
        if name == "set" or name.startswith(_NAMED):
            lines = value.splitlines() if name == "set" else [f"{name[len(_NAMED) :]}={value}"]
            values.setdefault("set", {}).update(_values(lines, values.get("set", {})))
        else:
            given.setdefault(name, []).append(value)
    for name, texts in given.items():
        if len(texts) > 1 and name != "to":
            raise RefusedError(f"{name!r} is given {len(texts)} times; once is allowed.", 400)
        pattern = shape_pattern(name)
        is_shape = pattern and re.fullmatch(pattern, texts[0])
        sizes = [int(size) for size in texts[0].split(",")] if is_shape else texts[0]
        values[name] = texts if name == "to" else sizes
    return from_json(values, kind)


def _values(lines: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Read lines such as ``k=16``."""
    values: dict[str, Any] = {}
    for line in filter(str.strip, lines):
        try:
            name, value = read_given(line[: 3 * MAX_VALUE])
        except GivenValueError as error:
            raise RefusedError(f"'set': {error.fact}.") from None
        if name in known or name in values:
            raise RefusedError(f"{name[:50]!r} is given two values; one is allowed.")
        values[name] = _as_json(value)
    return values


def _as_json(value: Value) -> Any:
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


def from_form(fields: Iterable[tuple[str, str]], kind: type[_Asked]) -> _Asked:
    """Read what a person typed into the form: fields may be empty, shapes in any spelling.

    A page shows layers unless it is asked for functions: layers are what people paste.

    >>> from_form([("text", "f(1)"), ("from", ""), ("input", "(1, 64, 16x16)")], Query).input
    (1, 64, 16, 16)
    """
    kept = [
        (name, _plain(text) if name in _SHAPES else text) for name, text in fields if text.strip()
    ]
    return from_fields(kept if "style" in dict(kept) else [*kept, ("style", "layer")], kind)


def names_in(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the names of the text that have fields of their own, with what these hold.

    >>> names_in([("set.k", "16"), ("text", "f(1)")])
    [('k', '16')]
    """
    own = [(name[len(_NAMED) :], text) for name, text in fields if name.startswith(_NAMED)]
    return own[:MAX_NAMES]


def to_fields(query: Query) -> list[tuple[str, str]]:
    """Return the fields of the form that ask a query again: its permalink."""
    shapes = [(name, getattr(query, name)) for name in _SHAPES]
    return [
        ("text", query.text),
        *([("file", query.file)] if query.file else []),
        *([("from", query.source)] if query.source else []),
        *(("to", name) for name in query.to or ()),
        *((name, ",".join(map(str, shape))) for name, shape in shapes if shape),
        *((_NAMED + name, written(value)) for name, value in (query.values or {}).items()),
        *([("style", query.style)] if query.style != "layer" else []),
    ]


def written(value: Any) -> str:
    """Write a value so that it is read again as what it is: a word without quotes if it can be."""
    is_word = isinstance(value, str) and read_given(f"k={value}")[1] == value
    return value if is_word else json.dumps(value)


def from_json(body: object, kind: type[_Asked]) -> _Asked:
    """Read the body of a request to the API.

    Raises
    ------
    RefusedError
        Where it is not what the API's description says.
    """
    if not isinstance(body, Mapping):
        raise RefusedError('expected an object such as {"text": "nn.ConvTranspose2d(...)"}.', 400)
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    for name in body:
        if name not in names:
            known = ", ".join(names)
            raise RefusedError(f"unknown name {str(name)[:50]!r}. Known: {known}.", 400)
    required = {"text": None} if "text" in names else {}
    for name, value in {**required, **body}.items():
        try:
            msgspec.convert(value, _TYPES[name])
        except msgspec.ValidationError:
            # What can be said of a name's value is more than the API's description says.
            raise RefusedError(_complaint(name, value), 422 if name == "set" else 400) from None
    query = msgspec.convert(body, kind)
    targets = query.to or ()
    if len(set(targets)) != len(targets):
        raise RefusedError(f"'to' names a framework twice: {', '.join(targets)}.", 400)
    return query


def _complaint(name: str, value: Any) -> str:
    """What is wrong with a value that does not have its field's type."""
    if name in _SHAPES:
        least, example = _SHAPES[name]
        return (
            f"{name!r} is no shape of three to five axes, whole numbers from {least} on, "
            f"such as {example}."
        )
    if name == "style":
        return f"'style' is {str(value)[:50]!r}; expected function or layer."
    if name == "set":
        return (
            f"'set' is an object of at most {MAX_NAMES} names of the text and their values, each a "
            f'number, a truth, a list of numbers or a word of at most {MAX_VALUE} characters: {{"k"'
            ": 16}."
        )
    if name == "file":
        return f"'file' is a file's name of at most {MAX_FILE_NAME} characters, such as model.py."
    if name == "text" and value and isinstance(value, str):
        return (
            f"the text has {len(value)} characters; {MAX_TEXT} are allowed. Send a part of it, or "
            "the call alone."
        )
    if name == "text":
        return "'text' is missing: the call to be looked up, as text."
    if name == "to" and not (isinstance(value, list) and len(value) <= len(FRAMEWORKS)):
        return "'to' is a list of frameworks' names, each of them once."
    names = value if name == "to" else [value]
    unknown = next(each for each in names if each not in FRAMEWORKS)
    return f"{name!r} is {str(unknown)[:50]!r}; known frameworks: {', '.join(FRAMEWORKS)}."


def shape_pattern(name: str) -> str | None:
    """How a shape is written in an address; none for what is no shape.

    >>> shape_pattern("weight")
    '[1-9][0-9]{0,17}(,[1-9][0-9]{0,17}){2,4}'
    """
    if name not in _SHAPES:
        return None
    size = "[1-9][0-9]{0,17}" if _SHAPES[name][0] else "(0|[1-9][0-9]{0,17})"
    return f"{size}(,{size}){{2,4}}"


def _plain(shape: str) -> str:
    """Write a shape with commas only: ``(1, 64, 16x16)`` is ``1,64,16,16``."""
    parts = re.split(r"[\s,x]+", shape.strip(" \t()[]{},").lower(), maxsplit=8)
    return ",".join(part.lstrip("0") or "0" for part in parts)
