"""Crops in other words than pads: ``auto_pad``, which needs an ``output_shape`` for SAME.

OpenVINO's ``same_upper`` takes the odd element from the beginning, where ONNX's takes it from the
end, and without ``output_shape`` it crops nothing; that is what version 2026.4 computes.
"""

from __future__ import annotations

from harness.convention import text
from harness.core.operators import IllegalOperator, Operator


def name_of(operator: Operator) -> dict[str, str | None] | None:
    """Return the arguments that say a crop without pads, if there are any.

    >>> name_of(Operator.of(1, 1, (4, 3), stride=(1, 2), crop=((0, 0), (0, -1))))
    {'auto_pad': '"valid"', 'output_padding': '[0, 1]'}
    >>> name_of(Operator.of(1, 1, (4,), crop=((2, 1),)))["auto_pad"]
    '"same_upper"'
    >>> name_of(Operator.of(1, 1, (4,), crop=((2, 0),))) is None
    True
    """
    if isinstance(operator, IllegalOperator):
        return None
    crop = operator.crop
    if all(begin == 0 and end <= 0 for begin, end in crop):
        added = [-end for _, end in crop]
        return {"auto_pad": '"valid"', "output_padding": str(added) if any(added) else None}
    totals = [begin + end for begin, end in crop]
    for name, more_at_the_beginning in (("same_upper", 1), ("same_lower", 0)):
        begins = [(total + more_at_the_beginning) // 2 for total in totals]
        if min(totals) >= 0 and [begin for begin, _ in crop] == begins:
            sizes = ", ".join(text.full_size_of("x", operator, 2, totals))
            return {"output_shape": f"ops.constant([{sizes}])", "auto_pad": f'"{name}"'}
    return None
