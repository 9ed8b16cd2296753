"""How a snippet names an initialiser: by a word, or by a call with arguments of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from harness.syntax.tree import Call, Name, Value

Signatures: TypeAlias = Mapping[str, Mapping[str, Value]]


def initializer_call(value: Value, signatures: Signatures) -> tuple[str, dict[str, Value]] | None:
    """Bind what is written for an initialiser to one of a framework's.

    Parameters
    ----------
    value : Value
        A name in quotes, or a call such as ``init.Xavier(magnitude=2)``.
    signatures : mapping
        For each initialiser, by its name in lower case, its parameters and their defaults.

    Returns
    -------
    tuple or None
        The name in lower case and the value of each parameter; ``None`` where the initialiser or
        an argument is not known.

    Examples
    --------
    >>> xavier = {"xavier": {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}}
    >>> initializer_call("Xavier", xavier)
    ('xavier', {'rnd_type': 'uniform', 'factor_type': 'avg', 'magnitude': 3})
    """
    if isinstance(value, str):
        name, arguments = value.lower(), []
    elif isinstance(value, Call) and isinstance(value.function, Name):
        name, arguments = value.function.text.split(".")[-1].lower(), list(value.arguments)
    else:
        return None
    if name not in signatures:
        return None
    bound = dict(signatures[name])
    places = iter(signatures[name])
    for argument in arguments:
        place = argument.name or next(places, None)
        if place not in bound or not isinstance(argument.value, int | float | str | None):
            return None
        bound[place] = argument.value
    return name, bound


def assigned_value(value: Value, assigned: Mapping[str, Value]) -> Value:
    """Return what the text gives to a name, where it is one and the text does."""
    return assigned.get(value.text, value) if isinstance(value, Name) else value


def number(value: Value) -> float:
    """Return an argument as a number.

    Raises
    ------
    TypeError
        If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)
