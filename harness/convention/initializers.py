"""Reading and writing initialisers, as calls with arguments or as words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import LARGEST_DEVIATION, Initializer, Training
from harness.syntax.tree import Call, Name, Value

Signatures: TypeAlias = Mapping[str, Mapping[str, Value]]


def initializer_call(value: Value, signatures: Signatures) -> tuple[str, dict[str, Value]] | None:
    """Bind the text of an initialiser to one of the framework's initialisers.

    Parameters
    ----------
    value : Value
        A name in quotes, or a call such as ``init.Xavier(magnitude=2)``.
    signatures : mapping
        For each initialiser, by its name in lower case, its parameters and their defaults.

    Returns
    -------
    tuple or None
        The name in lower case and the value of each parameter; ``None`` if the initialiser or an
        argument is unknown.

    Examples
    --------
    >>> xavier = {"xavier": {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}}
    >>> initializer_call("Xavier", xavier)
    ('xavier', {'rnd_type': 'uniform', 'factor_type': 'avg', 'magnitude': 3})
    """
    function = value.function if isinstance(value, Call) else value
    text = function.text.split(".")[-1] if isinstance(function, Name) else function
    arguments = value.arguments if isinstance(value, Call) else ()
    name = (
        text.lower().replace("_", "").removesuffix("initializer") if isinstance(text, str) else ""
    )
    if name not in signatures:
        return None
    bound = dict(signatures[name])
    places = iter(signatures[name])
    for argument in arguments:
        place = argument.name or next(places, None)
        if place in {"seed", "dtype"}:
            continue
        if place not in bound or not isinstance(argument.value, int | float | str | None):
            return None
        bound[place] = argument.value
    return name, bound


def read_initializer(
    value: Value,
    signatures: Signatures,
    meaning: Callable[[str, Mapping[str, Value]], Initializer | None],
) -> Initializer | None:
    """Read an initialiser; ``None`` for one that has no counterpart here.

    Parameters
    ----------
    value : Value
    signatures : mapping
    meaning : callable
        Returns what an initialiser of a name draws with these arguments; raises ``KeyError`` or
        ``TypeError`` if it does not accept them.
    """
    bound = initializer_call(value, signatures)
    try:
        return meaning(*bound) if bound else None
    except (KeyError, TypeError):
        return None


def read_initializers(
    given: Arguments,
    refusal: str,
    names: tuple[str, str],
    read: Callable[[Value], Initializer | None],
) -> tuple[Training, tuple[str, ...]]:
    """Read what weights and bias are drawn from, with notes on what stays unread.

    Parameters
    ----------
    given : Arguments
    refusal : str
        How the framework refuses to draw a bias, which is a vector, by a fan.
    names : tuple of str
        The parameters for weights and for the bias.
    read : callable
        Reads an initialiser; ``None`` for one that has no counterpart here.
    """
    drawn: dict[str, Initializer] = {}
    notes = []
    for name, of in zip(names, ("weights", "bias"), strict=True):
        value = assigned_value(given.value(name), given.assigned)
        if not given.has(name) or isinstance(value, Name) or given.array_shape(name):
            continue
        initializer = read(value)
        if initializer is None:
            notes.append(f"{name} {shown(value)} is not translated.")
        elif initializer.fan and of == "bias":
            raise given.error(f"{name} {shown(value)}: {refusal}.", name)
        else:
            drawn[of] = initializer
    return Training(drawn.get("weights"), drawn.get("bias")), tuple(notes)


def initializer_text(
    wanted: Initializer,
    operator: Operator,
    module: str,
    by_fan: Callable[[Initializer], str | None] = lambda _: None,
) -> str:
    """Write an initialiser of Chainer or MXNet that draws from the given distribution.

    Parameters
    ----------
    wanted : Initializer
    operator : Operator
    module : str
        The module of the initialisers.
    by_fan : callable
        Returns the initialiser that counts the fan itself, if there is one.
    """
    if wanted.distribution == "constant":
        words = {0.0: "Zero()", 1.0: "One()"}
        return f"{module}.{words.get(wanted.scale, f'Constant({wanted.scale!r})')}"
    if known := by_fan(wanted):
        return f"{module}.{known}"
    if wanted.distribution == "uniform":
        return f"{module}.Uniform({wanted.bound(operator)!r})"
    return f"{module}.Normal({wanted.deviation(operator)!r})"


def training_notes(title: str, training: Training) -> tuple[str, ...]:
    """Note what Chainer and MXNet cannot draw."""
    note = (
        f"{title} has no truncated normal initialiser: a normal one of the same variance is "
        "written."
    )
    return (note,) if training.is_truncated else ()


def assigned_value(value: Value, assigned: Mapping[str, Value]) -> Value:
    """Return the value that the text assigns to a name; other values unchanged."""
    return assigned.get(value.text, value) if isinstance(value, Name) else value


def number(value: Value) -> float:
    """Return an argument as a number.

    Raises
    ------
    TypeError
        If it is not a number, or too large to be squared.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    if not abs(value) <= LARGEST_DEVIATION:
        raise TypeError(value)
    return float(value)
