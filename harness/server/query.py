"""What a visitor asks, from a query string, a form or JSON, checked before anything reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from harness.convention.registry import framework_names
from harness.convention.signature import Style
from harness.core.operators import Sizes
from harness.lookup import benchdnn
from harness.server.refusals import QueryError
from harness.syntax.tree import MAX_DIGITS, MAX_TEXT

STYLES: Final[tuple[Style, ...]] = ("function", "layer")
NAMES: Final = ("text", "from", "to", "input", "weight", "style")
_LEAST: Final = {"input": 0, "weight": 1}
_EXAMPLE: Final = {"input": "1,64,16,16", "weight": "64,32,4,4"}


@dataclass(frozen=True)
class Query:
    """One look-up: the arguments of :func:`harness.lookup.answer.look_up`.

    Attributes
    ----------
    text : str
    source : str, optional
        Whose call it is.
    to : tuple of str
        Frameworks to write it for; all where it is empty.
    input, weight : tuple of int, optional
        Canonical shapes.
    style : {"function", "layer"}
    """

    text: str
    source: str | None = None
    to: tuple[str, ...] = ()
    input: Sizes | None = None
    weight: Sizes | None = None
    style: Style = "function"

    def line(self) -> bytes:
        """Write the query for a worker."""
        return json.dumps(asdict(self)).encode() + b"\n"


def known_frameworks() -> tuple[str, ...]:
    """Names that a query may have in ``from`` and ``to``."""
    return (*framework_names(), benchdnn.NAME)


def from_fields(fields: Iterable[tuple[str, str]]) -> Query:
    """Read a query string.

    Parameters
    ----------
    fields : iterable of (name, value)
        Names and values as they stand in a URL; ``to`` may be repeated.

    Raises
    ------
    QueryError
        Where a name is unknown or given twice, or a value has another form.

    Examples
    --------
    >>> from_fields([("text", "f(1)"), ("to", "mxnet"), ("input", "1,64,16,16")])
    Query(text='f(1)', source=None, to=('mxnet',), input=(1, 64, 16, 16), weight=None, \
style='function')
    """
    given: dict[str, list[str]] = {}
    for name, value in fields:
        given.setdefault(name, []).append(value)
    said: dict[str, Any] = {}
    for name, values in given.items():
        if name == "to":
            said["to"] = values
        elif len(values) > 1:
            raise QueryError(f"{name!r} is given {len(values)} times; once is allowed.")
        else:
            said[name] = _shape(name, values[0]) if name in _LEAST else values[0]
    return from_json(said)


def from_form(fields: Iterable[tuple[str, str]]) -> Query:
    """Read what a person typed into the form: fields may be empty, shapes in any spelling.

    A page shows layers unless it is told otherwise: they are what people paste.

    Examples
    --------
    >>> from_form([("text", "f(1)"), ("from", ""), ("input", "(1, 64, 16x16)")]).input
    (1, 64, 16, 16)
    """
    kept = [(name, value) for name, value in fields if value.strip()]
    kept = [(name, _plain(value) if name in _LEAST else value) for name, value in kept]
    if "style" not in (name for name, _ in kept):
        kept.append(("style", "layer"))
    return from_fields(kept)


def to_fields(query: Query) -> list[tuple[str, str]]:
    """Give the fields of the form that ask a query again: its permalink."""
    shapes = [(name, getattr(query, name)) for name in _LEAST]
    return [
        ("text", query.text),
        *([("from", query.source)] if query.source else []),
        *(("to", name) for name in query.to),
        *((name, ",".join(map(str, shape))) for name, shape in shapes if shape is not None),
        *([("style", query.style)] if query.style != "layer" else []),
    ]


def from_json(said: object) -> Query:
    """Read the body of a request to the API.

    Raises
    ------
    QueryError
        Where it is not what the API's description says.
    """
    if not isinstance(said, Mapping):
        raise QueryError('expected an object such as {"text": "nn.ConvTranspose2d(...)"}.')
    for name in said:
        if name not in NAMES:
            raise QueryError(f"unknown name {str(name)[:50]!r}. Known: {', '.join(NAMES)}.")
    return Query(
        _text(said.get("text")),
        source=_framework("from", said["from"]) if "from" in said else None,
        to=_frameworks(said["to"]) if "to" in said else (),
        input=_sizes("input", said["input"]) if "input" in said else None,
        weight=_sizes("weight", said["weight"]) if "weight" in said else None,
        style=_style(said["style"]) if "style" in said else "function",
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise QueryError("'text' is missing: the call to be looked up, as text.")
    if len(value) > MAX_TEXT:
        raise QueryError(
            f"the text has {len(value)} characters; {MAX_TEXT} are allowed. Paste the call alone."
        )
    return value


def _framework(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in known_frameworks():
        raise QueryError(
            f"{name!r} is {str(value)[:50]!r}; known frameworks: {', '.join(known_frameworks())}."
        )
    return value


def _frameworks(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > len(known_frameworks()):
        raise QueryError("'to' is a list of frameworks' names, each of them once.")
    names = tuple(_framework("to", name) for name in value)
    if len(set(names)) != len(names):
        raise QueryError(f"'to' names a framework twice: {', '.join(names)}.")
    return names


def _style(value: object) -> Style:
    for style in STYLES:
        if value == style:
            return style
    raise QueryError(f"'style' is {str(value)[:50]!r}; expected {' or '.join(STYLES)}.")


def _sizes(name: str, value: object) -> Sizes:
    if isinstance(value, list) and 3 <= len(value) <= 5:
        sizes = tuple(_whole(size) for size in value)
        if all(_LEAST[name] <= size < 10**MAX_DIGITS for size in sizes):
            return sizes
    raise QueryError(_no_shape(name))


def _whole(size: object) -> int:
    """Read a whole number of JSON, where 64.0 is one too; below all sizes where it is none."""
    if isinstance(size, bool) or not isinstance(size, int | float) or size % 1:
        return -1
    return int(size)


def _shape(name: str, text: str) -> list[int]:
    sizes = text.split(",")
    if not all(re.fullmatch(r"0|[1-9][0-9]{0,17}", size) for size in sizes):
        raise QueryError(_no_shape(name))
    return [int(size) for size in sizes]


def _no_shape(name: str) -> str:
    return (
        f"{name!r} is no shape of three to five axes, whole numbers from {_LEAST[name]} on, "
        f"such as {_EXAMPLE[name]}."
    )


def _plain(shape: str) -> str:
    """Write a shape with commas only: ``(1, 64, 16x16)`` is ``1,64,16,16``."""
    parts = re.split(r"[\s,x]+", shape.strip(" \t()[]{},").lower(), maxsplit=8)
    return ",".join(part.lstrip("0") or "0" for part in parts)
