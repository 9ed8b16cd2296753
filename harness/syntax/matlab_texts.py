"""MATLAB's texts, as names of layers are put together: ``"up" + k``, ``sprintf('up_%d', k)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from harness.syntax.builder import as_number
from harness.syntax.tree import Value

_LONGEST: Final = 200
_PLACE: Final = re.compile(r"%(?:%|[dis])")


class Text(str):
    """A text in double quotes, to which ``+`` adds; characters in single ones are numbers."""

    __slots__ = ()


def text_of(function: str, values: Sequence[Value]) -> Text | str | None:
    """Return the text that a function makes of known values; ``None`` where it makes none.

    >>> text_of("sprintf", ["up_%d", 3]), text_of("num2str", [64]), text_of("num2str", [0.5])
    ('up_3', '64', None)
    """
    make = _FUNCTIONS.get(function)
    parts = [part for value in values if (part := _written(value)) is not None]
    if make is None or not parts or len(parts) < len(values):
        return None
    text = make(parts)
    if text is None or len(text) > _LONGEST:
        return None
    return Text(text) if any(isinstance(value, Text) for value in values) else text


def _written(value: Value) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and as_number(value) is not None else None


def _formatted(parts: Sequence[str]) -> str | None:
    form, *values = parts
    places = [match[0] for match in _PLACE.finditer(form) if match[0] != "%%"]
    if len(places) != len(values) or "%" in _PLACE.sub("", form):
        return None
    rest = iter(values)
    return _PLACE.sub(lambda match: "%" if match[0] == "%%" else next(rest), form)


_FUNCTIONS: Final[dict[str, Callable[[Sequence[str]], str | None]]] = {
    "sprintf": _formatted,
    "compose": _formatted,
    "strcat": "".join,
    **dict.fromkeys(("num2str", "int2str", "string", "char"), lambda parts: parts[0]),
}
