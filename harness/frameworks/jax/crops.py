"""What JAX's paddings remove of the full output.

Numbers are laid around the dilated input, so ``dilation * (kernel - 1)`` of them keep all of the
output; the words are those of the convolution whose transpose this is.
https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/lax/convolution.py#L260
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from harness.convention.arguments import Arguments
from harness.convention.keras_layers.crops import crop_of
from harness.convention.reading import Reading
from harness.convention.values import integers, shown
from harness.core.operators import Operator, Sizes
from harness.syntax.tree import Value, WrittenList

Pairs: TypeAlias = tuple[tuple[int, int], ...]
WORDS: str = (
    "'SAME' is an output of input * strides, an odd element of the crop at the end; 'VALID' crops "
    "nothing, and extends strides larger than the kernel at the end"
)


def cropped(
    given: Arguments, reading: Reading, padding: str | Pairs, *, is_crop: bool = False
) -> Reading:
    """Return a reading with what a padding removes; with ``is_crop`` its numbers are the crop."""
    operator = reading.operator
    if isinstance(padding, str):
        return given.cropped(reading, crop_of(padding.lower(), None, operator))
    return given.cropped(reading, padding if is_crop else crop_of_pads(operator, padding))


def crop_of_pads(operator: Operator, pads: Sequence[tuple[int, int]]) -> Pairs:
    """Return the crop that pads of the dilated input leave.

    >>> crop_of_pads(Operator.of(1, 1, (3, 2), dilation=(2, 1)), [(4, 3), (0, 2)])
    ((0, 1), (1, -1))
    """
    pairs = zip(operator.effective_kernel, pads, strict=True)
    return tuple((extent - 1 - low, extent - 1 - high) for extent, (low, high) in pairs)


def padding_of(given: Arguments, rank: int, *, pairs_only: bool) -> str | Pairs:
    """Return a word, or the two numbers of each axis; with ``pairs_only`` nothing else is taken."""
    value = given.known("padding", "SAME", ("SAME", "VALID"))
    if isinstance(value, str):
        if value == "CIRCULAR" and not pairs_only:
            raise given.error(
                "padding 'CIRCULAR' adds what is beyond one end of the output to the other end, "
                "which is no crop: no other framework has it.",
                "padding",
            )
        return given.choice("padding", "SAME", "VALID")
    if isinstance(value, tuple) and not pairs_only and len(value) == rank:
        value = tuple(each if isinstance(each, tuple) else (each, each) for each in value)
    elif not isinstance(value, tuple) and not pairs_only:
        value = ((value, value),) * rank
    return _pairs(given, value, rank, pairs_only=pairs_only)


def _pairs(given: Arguments, value: Value, rank: int, *, pairs_only: bool) -> Pairs:
    column = given.given["padding"].column if "padding" in given.given else given.call.column
    pairs = value if isinstance(value, tuple) else ()
    if len(pairs) != rank or not all(isinstance(each, tuple) and len(each) == 2 for each in pairs):
        takes = "a pair (low, high) for each axis" if pairs_only else "a number, or a number or a "
        takes += "" if pairs_only else "pair (low, high) for each axis"
        raise given.error(
            f"padding {shown(given.value('padding'))} does not fit {rank} spatial axes: 'SAME', "
            f"'VALID', or {takes}.",
            "padding",
        )
    if any(isinstance(each, WrittenList) for each in pairs) and not pairs_only:
        raise given.error(
            f"padding {shown(given.value('padding'))}: Flax takes pairs in round brackets only.",
            "padding",
        )
    sides = (integers("padding", each, column) for each in pairs if isinstance(each, tuple))
    return tuple((low, high) for low, high in sides)


def per_axis(given: Arguments, name: str, rank: int) -> Sizes:
    """Return a number for each axis, as Flax takes them: None is 1, one number serves all."""
    if given.value(name) is None:
        return (1,) * rank
    return given.per_axis(name, rank, takes=f"JAX takes one number that is in no list, or {rank}")


def with_weights(reading: Reading, layout: str, usual: str) -> Reading:
    """Return a reading with the layout of its weights, where it is not the usual one."""
    return reading if layout == usual else replace(reading, weights=layout)
