"""What a visitor asks, from a query string, a form or JSON, checked before anything reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_type_hints

import msgspec

from harness.server.refusals import RefusedError
from harness.server.schema import FRAMEWORKS, MAX_TEXT, Query

_TYPES: Final = {
    field.encode_name: get_type_hints(Query, include_extras=True)[field.name]
    for field in msgspec.structs.fields(Query)
}
# The smallest size of a shape, and an example.
_SHAPES: Final = {"input": (0, "1,64,16,16"), "weight": (1, "64,32,4,4")}


def from_fields(fields: Iterable[tuple[str, str]]) -> Query:
    """Read a query string, in which ``to`` may be repeated.

    Raises
    ------
    RefusedError
        Where a name is unknown or given twice, or a value has another form.

    Examples
    --------
    >>> from_fields([("text", "f(1)"), ("to", "mxnet"), ("input", "1,64,16,16")])
    Query(text='f(1)', source=UNSET, to=('mxnet',), input=(1, 64, 16, 16), weight=UNSET, \
style='function')
    """
    given: dict[str, list[str]] = {}
    for name, value in fields:
        given.setdefault(name, []).append(value)
    values: dict[str, Any] = {}
    for name, texts in given.items():
        if len(texts) > 1 and name != "to":
            raise RefusedError(f"{name!r} is given {len(texts)} times; once is allowed.", 400)
        pattern = shape_pattern(name)
        is_shape = pattern and re.fullmatch(pattern, texts[0])
        sizes = [int(size) for size in texts[0].split(",")] if is_shape else texts[0]
        values[name] = texts if name == "to" else sizes
    return from_json(values)


def from_form(fields: Iterable[tuple[str, str]]) -> Query:
    """Read what a person typed into the form: fields may be empty, shapes in any spelling.

    A page shows layers unless it is asked for functions: layers are what people paste.

    >>> from_form([("text", "f(1)"), ("from", ""), ("input", "(1, 64, 16x16)")]).input
    (1, 64, 16, 16)
    """
    kept = [
        (name, _plain(text) if name in _SHAPES else text) for name, text in fields if text.strip()
    ]
    return from_fields(kept if "style" in dict(kept) else [*kept, ("style", "layer")])


def to_fields(query: Query) -> list[tuple[str, str]]:
    """Return the fields of the form that ask a query again: its permalink."""
    shapes = [(name, getattr(query, name)) for name in _SHAPES]
    return [
        ("text", query.text),
        *([("from", query.source)] if query.source else []),
        *(("to", name) for name in query.to or ()),
        *((name, ",".join(map(str, shape))) for name, shape in shapes if shape),
        *([("style", query.style)] if query.style != "layer" else []),
    ]


def from_json(body: object) -> Query:
    """Read the body of a request to the API.

    Raises
    ------
    RefusedError
        Where it is not what the API's description says.
    """
    if not isinstance(body, Mapping):
        raise RefusedError('expected an object such as {"text": "nn.ConvTranspose2d(...)"}.', 400)
    for name in body:
        if name not in _TYPES:
            known = ", ".join(_TYPES)
            raise RefusedError(f"unknown name {str(name)[:50]!r}. Known: {known}.", 400)
    for name, value in {"text": None, **body}.items():
        try:
            msgspec.convert(value, _TYPES[name])
        except msgspec.ValidationError:
            raise RefusedError(_complaint(name, value), 400) from None
    query = msgspec.convert(body, Query)
    names = query.to or ()
    if len(set(names)) != len(names):
        raise RefusedError(f"'to' names a framework twice: {', '.join(names)}.", 400)
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
    if name == "text" and value and isinstance(value, str):
        allowed = f"{MAX_TEXT} are allowed. Paste the call alone."
        return f"the text has {len(value)} characters; {allowed}"
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
