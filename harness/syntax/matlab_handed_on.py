"""Layers' functions that MATLAB text evaluates from a text, or hands on, so that no call shows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from harness.syntax.lexis import MATLAB, blanked, marks

# What calls functions whose name, or handle, it is given.
_CALLING: Final = r"(?P<calling>(?:eval|evalc|evalin|feval|str2func|cellfun|arrayfun)\s*+\()"


def handed_on(code: str, names: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield what is handed on by its name in a text, or by its handle, with its offset.

    Parameters
    ----------
    code : str
        A text without its comments.
    names : collection of str

    Examples
    --------
    >>> code = "up = eval(sprintf('layer(%d)', 4)); down = cellfun(@layer, sizes);"
    >>> [*handed_on(code, {"layer"})]
    [('layer', 19), ('layer', 52)]
    >>> [*handed_on("up = cellfun(@(c) layer(c), sizes); layer('Name', 'layer')", {"layer"})]
    []
    """
    strings = [(each.start, each.end) for each in marks(code, MATLAB) if each.kind == "string"]
    outside = blanked(code, strings)
    name = "|".join(map(re.escape, names))
    is_handing_on = False  # Since the statement calls what does
    for match in re.finditer(rf"[\n;]|(?<![\w.])(?:{_CALLING}|(?P<name>{name})(?!\w))", code):
        start, is_string = match.start(), outside[match.start()] == " "
        if match["name"] is None:
            is_handing_on = is_handing_on if is_string else match["calling"] is not None
        elif is_handing_on and (is_string or outside[start - 1] == "@"):
            yield match["name"], start
