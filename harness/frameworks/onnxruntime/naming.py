"""Crops in the words of ``ConvTranspose`` other than pads: ``auto_pad``, and ``output_shape``.

What they mean is what ONNX Runtime computes, as the operator's text has it since version 11 but for
two points: https://onnx.ai/onnx/operators/onnx__ConvTranspose.html.  A kernel below the stride is
not extended by SAME, and so has no such name here; and an output that is larger than the full one
gets what is added at its end, as in ONNX's own examples.
"""

from __future__ import annotations

from harness.convention import text
from harness.core.operators import IllegalOperator, Operator


def name_of(operator: Operator) -> str | None:
    """Write the attributes that say a crop without pads, if there are any.

    >>> name_of(Operator.of(1, 1, (4, 3), stride=(1, 2), crop=((1, 2), (0, 1))))
    ', auto_pad="SAME_UPPER"'
    >>> name_of(Operator.of(1, 1, (4,), crop=((2, 0),))) is None
    True
    """
    if isinstance(operator, IllegalOperator):
        return None
    return _same(operator) or _valid(operator) or _by_size(operator)


def _same(operator: Operator) -> str | None:
    """Write the names that make the output the input times the stride."""
    axes = zip(operator.effective_kernel, operator.stride, strict=True)
    totals = [extent - stride for extent, stride in axes]
    if min(totals) >= 0:
        for upper, name in ((True, "SAME_UPPER"), (False, "SAME_LOWER")):
            if [*operator.crop] == [_halved(total, upper=upper) for total in totals]:
                return text.arguments(auto_pad=f'"{name}"')
    return None


def _valid(operator: Operator) -> str | None:
    axes = list(zip(operator.crop, operator.stride, strict=True))
    if any(begin or not 0 <= -end < stride for (begin, end), stride in axes):
        return None
    added = [-end for _, end in operator.crop]
    return text.arguments(auto_pad='"VALID"', output_padding=str(added) if any(added) else None)


def _by_size(operator: Operator) -> str | None:
    totals = [begin + end for begin, end in operator.crop]
    for upper in (False, True):
        crop = [_halved(total, upper=upper) if total >= 0 else (0, total) for total in totals]
        # By how much, and where, an output may be larger is open but for ONNX's own examples.
        least = 0 if upper or min(operator.stride) == 1 else -1
        if min(totals) >= least and [*operator.crop] == crop:
            sizes = ", ".join(text.full_size_of("x", operator, 2, totals))
            name = '"SAME_UPPER"' if upper else None
            return text.arguments(auto_pad=name, output_shape=f"[{sizes}]")
    return None


def _halved(total: int, *, upper: bool) -> tuple[int, int]:
    """Divide what is removed: the odd element is the end's, or the beginning's."""
    begin = total // 2 if upper else total - total // 2
    return begin, total - begin
