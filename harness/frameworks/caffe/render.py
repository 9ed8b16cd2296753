"""Caffe: ``Deconvolution`` in pycaffe's ``NetSpec``, and as a layer of a net's text.

https://caffe.berkeleyvision.org/tutorial/layers/deconvolution.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.named_number import Named
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import SILENT, Training

_FORWARD_ONLY: Final = "What is text only is written forward."
_LIMITS: Final = "pad crops both ends alike and must not be negative"
_RUN: Final = """\
with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
    file.write(str(spec.to_proto()))
    file.flush()
    net = caffe.Net(file.name, caffe.TEST)"""


def render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a net of pycaffe's."""
    split = _split(operator)
    settings = ", ".join(f"{name}={_python(values)}" for name, values in _settings(split).items())
    definition = f"spec.y = L.Deconvolution(spec.x, convolution_param=dict({settings}))"
    return Program(
        setup="import caffe\nimport numpy as np\nimport tempfile\nfrom caffe import layers as L",
        reason=split.reason(_LIMITS),
        forward=Section(
            text.lines(
                "spec = caffe.NetSpec()",
                "spec.x = L.Input(shape=dict(dim=list(x.shape)))",
                definition,
                _RUN,
                'net.params["y"][0].data[...] = w',
                'net.params["y"][1].data[...] = b' if split.own_bias else None,
            ),
            text.lines('y_ = np.array(net.forward(x=x)["y"])', _after(split)),
            "y = y_",
        ),
        definition=definition,
        forward_only=_FORWARD_ONLY,
    )


def layer(operator: Operator, _dtype: str, training: Training) -> Program | Unsupported:
    """Write an operator as a layer of a net's text."""
    split = _split(operator)
    if split.has_rest:
        return Unsupported(
            f"{_LIMITS}: crop {operator.crop} takes a layer Crop, whose size is another blob's."
        )
    settings = _settings(split)
    if any(isinstance(value, Named) for values in settings.values() for value in values):
        return Unsupported("a net's text holds numbers, and no names: give each a number.")
    notes = () if training == SILENT else ("How the layer is trained is not written.",)
    lines = [
        *("layer {", '  name: "y"', '  type: "Deconvolution"', '  bottom: "x"', '  top: "y"'),
        "  convolution_param {",
        *(f"    {line}" for line in _fields(settings)),
        *("  }", "}"),
    ]
    return Program(
        Section("", "\n".join(lines), ""),
        language="prototxt",
        forward_only=_FORWARD_ONLY,
        notes=notes,
    )


def _split(operator: Operator) -> text.CropSplit:
    is_native = all(begin == end and begin >= 0 for begin, end in operator.crop)
    return text.split_crop(operator, native=is_native)


def _settings(split: text.CropSplit) -> Mapping[str, tuple[int, ...]]:
    """Return the settings that are no defaults, one number for each axis or for all."""
    operator = split.operator
    per_axis = {
        # Of three axes it says how many there are.
        "kernel_size": (operator.kernel, None),
        "stride": (operator.stride, 1),
        "pad": (split.pad, 0),
        "dilation": (operator.dilation, 1),
    }
    settings: dict[str, tuple[int, ...]] = {"num_output": (operator.out_channels,)}
    for name, (values, default) in per_axis.items():
        is_one = len({*values}) == 1 and not (default is None and operator.rank == 3)
        if default is None or any(value != default for value in values):
            settings[name] = tuple(values[:1] if is_one else values)
    if operator.groups != 1:
        settings["group"] = (operator.groups,)
    if not split.own_bias:
        settings["bias_term"] = (False,)
    return settings


def _python(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(values) == 1 else str([*values])


def _fields(settings: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    for name, values in settings.items():
        for value in values:
            yield f"{name}: {str(value).lower() if isinstance(value, bool) else value}"


def _after(split: text.CropSplit) -> str:
    """Write the lines after the net: there is no layer that takes such sizes."""
    pads = [(0, 0), (0, 0), *text.extended(split.rest)]
    shape = text.tuple_of((-1, *(1,) * len(split.rest)))
    return split.after(f"y_ = np.pad(y_, {pads})", f"y_ = y_ + b.reshape({shape})")
