"""Crops that JAX has a name for: those of the convolution whose transpose this is.

https://github.com/jax-ml/jax/blob/main/jax/_src/lax/convolution.py, ``_conv_transpose_padding``.
"""

from __future__ import annotations

from harness.core.operators import Operator


def name_of(operator: Operator) -> str | None:
    """Return the name of a crop, if it has one.

    >>> name_of(Operator.of(1, 1, (4, 3), stride=(1, 2), crop=((1, 2), (0, 1))))
    'SAME'
    >>> name_of(Operator.of(1, 1, (3,)))
    'VALID'
    """
    axes = list(zip(operator.effective_kernel, operator.stride, strict=True))
    if [*operator.crop] == [_same(*axis) for axis in axes]:
        return "SAME"
    # Where the stride is larger than the kernel, the gap after the last element is kept.
    if [*operator.crop] == [(0, min(0, extent - stride)) for extent, stride in axes]:
        return "VALID"
    return None


def _same(extent: int, stride: int) -> tuple[int, int]:
    """Make the output the input times the stride; an odd element is taken from the end."""
    total = extent - stride
    begin = max(total, 0) // 2
    return begin, total - begin
