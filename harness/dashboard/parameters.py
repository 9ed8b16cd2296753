"""What kind of operator a case has, by parameters: the axes along which frameworks differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.core.operators import Operator, Sizes
from harness.suite.case import Case

# Each parameter with its values, the plain one first.
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "rank": ("1-D", "2-D", "3-D"),
    "stride": ("1", "2", "3", "4 or more", "differs by axis"),
    "dilation": ("1", "2", "3 or more", "differs by axis"),
    "groups": ("1", "2", "3 or more", "depthwise"),
    "crop": ("none", "same at both ends", "ends differ", "beyond the kernel", "negative"),
    "overlap": ("taps overlap", "taps meet", "gaps"),
    "bias": ("with bias", "without bias"),
    "dtype": ("float32", "float16", "float64"),
}
REJECTED: Final = "illegal"
EXPLANATIONS: Final[Mapping[str, str]] = {
    "crop": "elements removed at each end of an axis; negative ones extend the output",
    "overlap": "whether the scattered kernels overlap: stride against dilation * (kernel - 1) + 1",
    "groups": "depthwise: as many groups as input channels",
}


def kinds(case: Case) -> Mapping[str, str]:
    """Give the value of every parameter.

    >>> from harness.suite.case import case_from_descriptor
    >>> found = kinds(case_from_descriptor("ic4_oc6_k3x3_s2x2_d2x2_c1.0x1.0_n1_i5x5"))
    >>> found["stride"], found["dilation"], found["crop"]
    ('2', '2', 'ends differ')
    """
    operator = case.operator
    return {
        "rank": f"{operator.rank}-D",
        "stride": _size(operator.stride, 4),
        "dilation": _size(operator.dilation, 3),
        "groups": _groups(operator),
        "crop": _crop(operator),
        "overlap": _overlap(operator),
        "bias": "with bias" if operator.bias else "without bias",
        "dtype": case.dtype,
    }


def _size(values: Sizes, many: int) -> str:
    if len(set(values)) > 1:
        return "differs by axis"
    return f"{many} or more" if values[0] >= many else str(values[0])


def _groups(operator: Operator) -> str:
    if operator.groups > 1 and operator.groups == operator.in_channels:
        return "depthwise"
    return "3 or more" if operator.groups >= 3 else str(operator.groups)


def _crop(operator: Operator) -> str:
    sides = [side for pair in operator.crop for side in pair]
    if min(sides) < 0:
        return "negative"
    if not any(sides):
        return "none"
    reach = zip(operator.crop, operator.effective_kernel, strict=True)
    if any(side >= extent for pair, extent in reach for side in pair):
        return "beyond the kernel"
    unequal = any(begin != end for begin, end in operator.crop)
    return "ends differ" if unequal else "same at both ends"


def _overlap(operator: Operator) -> str:
    """Where axes differ, the loosest one says it."""
    loose = [s - k for s, k in zip(operator.stride, operator.effective_kernel, strict=True)]
    if max(loose) > 0:
        return "gaps"
    return "taps meet" if max(loose) == 0 else "taps overlap"
