"""Hypothesis strategies: small valid operators with valid inputs, and whole cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from harness.core.operators import Operator, Sizes
from harness.suite.case import CLAIMED_DTYPES, FILLS, Case

# Largest input size, kernel, stride and dilation by rank: enough for every kind of overlap.
_LARGEST: Final = {1: (5, 4, 4, 3), 2: (3, 3, 3, 3), 3: (2, 2, 3, 2)}


def _seldom(value: int, *, otherwise: int) -> st.SearchStrategy[int]:
    return st.sampled_from([otherwise] * 5 + [value])


@st.composite
def sized_operators(draw: st.DrawFn) -> tuple[Operator, Sizes]:
    """Draw an operator and an input size whose output size is not negative.

    Crops are signed and asymmetric, and may remove everything or start past the full output.
    """
    rank = draw(st.integers(1, 3))
    in_most, kernel_most, stride_most, dilation_most = _LARGEST[rank]
    in_least = draw(_seldom(0, otherwise=1))
    in_size, kernel, stride, dilation, crop = [], [], [], [], []
    for _ in range(rank):
        in_size.append(draw(st.integers(in_least, in_most)))
        kernel.append(draw(st.integers(1, kernel_most)))
        stride.append(draw(st.integers(1, stride_most)))
        dilation.append(draw(st.integers(1, dilation_most)))
        full = (in_size[-1] - 1) * stride[-1] + dilation[-1] * (kernel[-1] - 1) + 1
        most = draw(_seldom(max(full, 0) + 1, otherwise=2))
        begin = draw(st.integers(-2, most))
        end = draw(st.integers(min(-2, full - begin), min(most, full - begin)))
        crop.append((begin, end))
    groups = draw(st.integers(1, 3))
    operator = Operator.of(
        groups * draw(st.integers(1, 2)),
        groups * draw(st.integers(1, 2)),
        kernel,
        stride=stride,
        dilation=dilation,
        crop=crop,
        groups=groups,
        bias=draw(st.booleans()),
    )
    return operator, tuple(in_size)


def operators() -> st.SearchStrategy[Operator]:
    """Draw an operator alone."""
    return sized_operators().map(lambda pair: pair[0])


@st.composite
def cases(
    draw: st.DrawFn,
    dtypes: Sequence[str] = CLAIMED_DTYPES,
    fills: Sequence[str] = FILLS,
) -> Case:
    """Draw a whole case, batch 0 included."""
    operator, in_size = draw(sized_operators())
    return Case(
        id="drawn/case",
        suite="drawn",
        operator=operator,
        batch=draw(st.sampled_from([2, 1, 3, 2, 1, 0])),
        in_size=in_size,
        dtype=draw(st.sampled_from(dtypes)),
        fill=draw(st.sampled_from(fills)),
        documented=draw(st.booleans()),
        named=draw(st.booleans()),
    )


def keywords(operator: Operator) -> dict[str, Any]:
    """Return the keyword arguments of ``impl``."""
    return {
        "stride": operator.stride,
        "dilation": operator.dilation,
        "crop": operator.crop,
        "groups": operator.groups,
    }
