"""Core ML: ``conv_transpose`` of its model intermediate language, built by ``coremltools``.

https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""

from __future__ import annotations

from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported

_FORWARD_ONLY: Final = "What is text only is written forward."
_LIMITS: Final = "pad crops and must not be negative"
_NO_DOUBLE: Final = Unsupported("Core ML's conv_transpose takes float16 and float32 alone.")


def render(
    operator: Operator, dtype: str, _documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program of MIL, which is converted to a model."""
    if dtype == "float64":
        return _NO_DOUBLE
    crop = [(max(begin, 0), max(end, 0)) for begin, end in operator.crop]
    rest = tuple((min(begin, 0), min(end, 0)) for begin, end in operator.crop)
    split = text.CropSplit(operator, rest)
    options = text.arguments(
        bias="b" if split.own_bias else None,
        pad_type='"custom"' if any(map(any, crop)) else None,
        pad=str([side for pair in crop for side in pair]) if any(map(any, crop)) else None,
        strides=_per_axis(operator.stride),
        dilations=_per_axis(operator.dilation),
        groups=str(operator.groups) if operator.groups != 1 else None,
    )
    definition = text.lines(
        f"y_ = mb.conv_transpose(x=x_, weight=w{options})",
        _after(split),
    )
    return Program(
        setup=text.lines(
            "import coremltools as ct", "from coremltools.converters.mil import Builder as mb"
        ),
        reason=split.reason(_LIMITS),
        forward=Section(
            text.lines(
                "@mb.program(input_specs=[mb.TensorSpec(shape=x.shape)])",
                "def network(x_):",
                text.indented(definition),
                "    return y_",
                "model = ct.convert(network)",
            ),
            '(y,) = model.predict({"x_": x}).values()',
            "",
        ),
        definition=definition,
        forward_only=_FORWARD_ONLY,
    )


def _per_axis(values: tuple[int, ...]) -> str | None:
    """Write a list of one number for each axis, which is all that MIL takes."""
    return None if all(value == 1 for value in values) else str([*values])


def _after(split: text.CropSplit) -> str | None:
    if not split.has_rest:
        return None
    pads = [0, 0, 0, 0, *(side for pair in text.extended(split.rest) for side in pair)]
    ones = ", ".join("1" * split.operator.rank)
    return text.lines(
        f'y_ = mb.pad(x=y_, pad={pads}, mode="constant", constant_val=0.0)',
        f"y_ = mb.add(x=y_, y=b.reshape(-1, {ones}))" if split.operator.bias else None,
    )
