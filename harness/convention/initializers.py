"""Reading and writing initialisers, as calls with arguments or as words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.core.operators import Operator
from harness.core.training import LARGEST_DEVIATION, Initializer, Training
from harness.syntax.tree import Call, Name, Value

Initializers: TypeAlias = Mapping[str, Callable[..., Initializer | None]]


def fixed(initializer: Initializer) -> Callable[[], Initializer]:
    """Return a function without parameters, for an initialiser that takes no arguments."""
    return lambda: initializer


def read_initializer(value: Value, known: Initializers) -> Initializer | None:
    """Read a name in quotes or a call such as ``init.Xavier(magnitude=2)``; else ``None``.

    ``known`` has functions by the names of initialisers in lower case.  They have the same
    parameters, and raise ``KeyError`` or ``TypeError`` if they do not accept the arguments.

    >>> read_initializer("Normal", {"normal": lambda sigma=0.5: Initializer("normal", sigma**2)})
    Initializer(distribution='normal', scale=0.25, fan=None)
    """
    function = value.function if isinstance(value, Call) else value
    text = function.text.split(".")[-1] if isinstance(function, Name) else function
    name = str(text).lower().replace("_", "").removesuffix("initializer")
    if name not in known:
        return None
    arguments = value.arguments if isinstance(value, Call) else ()
    try:
        return known[name](
            *(each.value for each in arguments if each.name is None),
            **{
                each.name: each.value
                for each in arguments
                if each.name not in {None, "seed", "dtype"}
            },
        )
    except (KeyError, TypeError):
        return None


def read_initializers(
    given: Arguments,
    refusal: str,
    names: tuple[str, str],
    read: Callable[[Value], Initializer | None],
) -> tuple[Training, tuple[str, ...]]:
    """Read what weights and bias, the two ``names``, are drawn from; note what stays unread.

    ``read`` returns ``None`` for an initialiser without a counterpart here; ``refusal`` is how the
    framework refuses to draw a bias, which is a vector, by a fan.
    """
    drawn: list[Initializer | None] = []
    notes = []
    for name in names:
        value = assigned_value(given.value(name), given.assigned)
        drawn.append(None)
        if not given.has(name) or isinstance(value, Name) or given.array_shape(name):
            continue
        drawn[-1] = initializer = read(value)
        if initializer is None:
            notes.append(f"{name} {shown(value)} is not translated.")
        elif initializer.fan and name == names[1]:
            raise given.error(f"{name} {shown(value)}: {refusal}.", name)
    weights, bias = drawn
    return Training(weights, bias), tuple(notes)


def initializer_text(
    wanted: Initializer | None,
    operator: Operator,
    module: str,
    by_fan: Callable[[Initializer], str | None] | None,
) -> str | None:
    """Write an initialiser of Chainer or MXNet that draws from the given distribution.

    ``by_fan`` returns the initialiser of ``module`` that counts the fan itself, if there is one.
    """
    if wanted is None:
        return None
    if wanted.distribution == "constant":
        words = {0.0: "Zero()", 1.0: "One()"}
        return f"{module}.{words.get(wanted.scale, f'Constant({wanted.scale!r})')}"
    if by_fan and (known := by_fan(wanted)):
        return f"{module}.{known}"
    if wanted.distribution == "uniform":
        return f"{module}.Uniform({wanted.bound(operator)!r})"
    return f"{module}.Normal({wanted.deviation(operator)!r})"


def training_notes(title: str, training: Training) -> tuple[str, ...]:
    """Note what Chainer and MXNet cannot draw."""
    if not training.is_truncated:
        return ()
    lack = f"{title} has no truncated normal initialiser"
    return (f"{lack}: a normal one of the same variance is written.",)


def assigned_value(value: Value, assigned: Mapping[str, Value]) -> Value:
    """Return the value that the text assigns to a name; other values unchanged."""
    return assigned.get(value.text, value) if isinstance(value, Name) else value


def number(value: Value) -> float:
    """Return a number that can be squared; raise ``TypeError`` for another argument."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    if not abs(value) <= LARGEST_DEVIATION:
        raise TypeError(value)
    return float(value)
