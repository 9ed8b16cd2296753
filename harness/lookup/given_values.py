"""Values that people give to names of a text: ``k=4``, ``opt.ngf=64``, ``kernel=[4, 4]``."""

from __future__ import annotations

import json
from typing import Any

from harness.core.errors import InputError
from harness.syntax.tree import Value


class GivenValueError(InputError):
    """What is given is no name with a value."""


def read_given(text: str) -> tuple[str, Value]:
    """Read a name and its value, which is JSON or a word.

    Raises
    ------
    GivenValueError

    Examples
    --------
    >>> read_given("kernel = [4, 5]"), read_given("opt.mode=same"), read_given("bias=False")
    (('kernel', (4, 5)), ('opt.mode', 'same'), ('bias', False))
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise GivenValueError(f"{text!r} is not a name and its value, such as k=4")
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = {"True": True, "False": False, "None": None}.get(value.strip(), value.strip())
    if isinstance(read, dict):
        raise GivenValueError(f"{value} is no value such as 4, [4,4] or same: k=4")
    return name.strip(), as_value(read)


def as_value(value: Any) -> Value:
    """Return a value of JSON as one of code: its lists are tuples.

    >>> as_value([[1, 2], 3])
    ((1, 2), 3)
    """
    made: Value = tuple(map(as_value, value)) if isinstance(value, list) else value
    return made
