"""``dimension_numbers``: which axis of the arrays of a convolution is which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.core.operators import Sizes
from harness.syntax.tree import Call, Name, UnknownValueError, Value, last_name

EXAMPLE: Final = "('NHWC', 'HWIO', 'NHWC')"
_LETTERS: Final = {1: "W", 2: "HW", 3: "DHW"}


class Axes(NamedTuple):
    """Where the axes of our layouts stand in the text's arrays."""

    x: tuple[int, ...]  # Of batch, channels and the spatial axes
    w: tuple[int, ...]  # Of input channels, output channels and the spatial axes
    channels_last: bool

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.x) - 2

    def input(self, shape: Sizes | None) -> Sizes | None:
        """Return the canonical shape of the text's input."""
        return None if shape is None else tuple(shape[axis] for axis in self.x)

    def weight(self, shape: Sequence[Value], *, transposed: bool) -> tuple[Value, ...]:
        """Return the text's shape of the weights, its channels and then its kernel."""
        ins, outs, *spatial = (shape[axis] for axis in self.w)
        return (outs, ins, *spatial) if transposed else (ins, outs, *spatial)

    def layout(self, *, transposed: bool, grouped: bool) -> str:
        """Return the layout of the weights, as if there were two spatial axes.

        >>> Axes((0, 3, 1, 2), (2, 3, 0, 1), True).layout(transposed=False, grouped=False)
        'hwIO'
        """
        ins, outs = ("O", "I") if transposed else ("I", "(GO)" if grouped else "O")
        named = {self.w[0]: ins, self.w[1]: outs, self.w[2]: "HW" if transposed else "hw"}
        return "".join(named.get(axis, "") for axis in range(len(self.w)))


def axes_of(given: Arguments, rank: int, *, channels_last: bool) -> Axes:
    """Return where the axes stand, by ``dimension_numbers`` or by default.

    Without them, ``conv_transpose`` has its channels last, and the others have them second.
    """
    parameter = "dimension_numbers"
    value: Value = None
    if given.form.parameter(parameter) is not None:
        value = given.value(parameter)
        if isinstance(value, Name):
            value = given.assigned.get(value.text, value)
    if value is None:
        letters = _LETTERS[rank]
        last = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
        first = (f"NC{letters}", f"OI{letters}", f"NC{letters}")
        return _by_letters(given, last if channels_last else first)
    if isinstance(value, Call) and last_name(value) == "conv_dimension_numbers":
        # https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_dimension_numbers.html
        value = value.named.get(parameter, next(iter(value.positional[2:]), value))
        if value is None:
            return axes_of_numbers(given, (tuple(range(rank + 2)),) * 3)
    if isinstance(value, Call) and last_name(value) == "ConvDimensionNumbers":
        names = ("lhs_spec", "rhs_spec", "out_spec")
        value = tuple(value.named[name] for name in names if name in value.named) or tuple(
            value.positional
        )
        return axes_of_numbers(given, value)
    if isinstance(value, Name | Call):
        raise UnknownValueError(
            f"dimension_numbers is {shown(value)}, whose value the text does not hold: write it "
            f"in its place, such as {EXAMPLE}.",
            given.call.column,
            parameter,
            value,
            "word",
        )
    specs = value if isinstance(value, tuple) else ()
    if len(specs) != 3 or not all(isinstance(spec, str) for spec in specs):
        raise given.error(
            f"dimension_numbers {shown(value)} must be the axes of input, weights and output, such "
            f"as {EXAMPLE}.",
            parameter,
        )
    return _by_letters(given, tuple(str(spec) for spec in specs))


def _by_letters(given: Arguments, specs: tuple[str, ...]) -> Axes:
    x, w, y = specs
    spatial = [letter for letter in w if letter not in "IO"]
    named = ({*"NC", *spatial}, {*"IO", *spatial}, {*"NC", *spatial})
    if any(
        {*spec} != names or len(spec) != len(names)
        for spec, names in zip(specs, named, strict=True)
    ):
        raise given.error(
            f"dimension_numbers {shown(specs)} must name N, C and the spatial axes of input and "
            f"output, and I, O and the same spatial axes of the weights, such as {EXAMPLE}.",
            "dimension_numbers",
        )
    return _known(
        given,
        tuple(x.index(letter) for letter in ("N", "C", *spatial)),
        tuple(w.index(letter) for letter in ("O", "I", *spatial)),
        tuple(y.index(letter) for letter in ("N", "C", *spatial)),
    )


def axes_of_numbers(given: Arguments, specs: Value) -> Axes:
    """Return what ``ConvDimensionNumbers`` says: batch, features, spatial axes of each array."""
    whole = specs if isinstance(specs, tuple) else ()
    numbers = [
        tuple(axis for axis in spec if type(axis) is int)
        for spec in whole
        if isinstance(spec, tuple)
    ]
    if len(numbers) != 3 or any(sorted(spec) != [*range(len(numbers[0]))] for spec in numbers):
        raise given.error(
            "dimension_numbers must be the axes of input, weights and output, each once: write "
            f"them as texts, such as {EXAMPLE}.",
            "dimension_numbers",
        )
    return _known(given, *numbers)


def _known(given: Arguments, x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...]) -> Axes:
    """Refuse what is legal in JAX, and of which the answer could not say where the axes are."""
    rank = len(x) - 2
    usual = {
        (0, rank + 1, *range(1, rank + 1)): True,
        (0, 1, *range(2, rank + 2)): False,
    }
    spatial = w[2:]
    if x not in usual or x != y or [*spatial] != [*range(spatial[0], spatial[0] + rank)]:
        raise given.error(
            "dimension_numbers are read where input and output have their batch first, their "
            "channels second or last and the spatial axes in the order of the weights', which are "
            "next to each other: transpose the arrays, and write that order.",
            "dimension_numbers",
        )
    return Axes(x, (w[1], w[0], *spatial), usual[x])
