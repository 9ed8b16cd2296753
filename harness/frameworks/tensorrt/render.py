"""TensorRT: ``INetworkDefinition.add_deconvolution_nd``, built and run on a GPU.

https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/operators/Deconvolution.html
"""

from __future__ import annotations

from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported

_FORWARD_ONLY: Final = "What is text only is written forward."
_NO_DOUBLE: Final = Unsupported("TensorRT's deconvolution takes no float64.")
_NOT_ONE_AXIS: Final = Unsupported(
    "TensorRT's kernels have two or three axes: give input and weights a height of 1, and look up "
    "that operator."
)
_ZEROS: Final = (
    "pre_padding and post_padding must not be negative: the kernel gets zeros written around it."
)
_RUN: Final = """\
plan = builder.build_serialized_network(network, builder.create_builder_config())
engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
context = engine.create_execution_context()
x_gpu = torch.from_numpy(x).cuda()
y_gpu = torch.empty(tuple(engine.get_tensor_shape("y")), dtype=x_gpu.dtype, device="cuda")
context.set_tensor_address("x", x_gpu.data_ptr())
context.set_tensor_address("y", y_gpu.data_ptr())"""


def render(
    operator: Operator, dtype: str, _documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a network, whose engine takes and leaves tensors of PyTorch's."""
    if dtype == "float64":
        return _NO_DOUBLE
    if operator.rank == 1:
        return _NOT_ONE_AXIS
    is_wider = text.extends(operator.crop)
    wider = text.with_zeros_around(operator)
    margins = [(0, 0), (0, 0), *text.zeros_around(operator)]
    weights = f"w_padded = np.pad(w, {margins})" if is_wider else ""
    kernel = "w_padded" if is_wider else "w"
    bias = ", trt.Weights(b)" if operator.bias else ""
    definition = text.lines(
        f"layer = network.add_deconvolution_nd(x_, {operator.out_channels}, "
        f"{text.tuple_of(wider.kernel)}, trt.Weights({kernel}){bias})",
        *_settings(wider),
        "y_ = layer.get_output(0)",
    )
    return Program(
        setup=text.lines(
            "import numpy as np" if is_wider else None, "import tensorrt as trt", "import torch"
        ),
        reason=_ZEROS if is_wider else None,
        forward=Section(
            text.lines(
                weights,
                "logger = trt.Logger(trt.Logger.ERROR)",
                "builder = trt.Builder(logger)",
                "network = builder.create_network()",
                f'x_ = network.add_input("x", trt.{dtype}, x.shape)',
                definition,
                'y_.name = "y"',
                "network.mark_output(y_)",
                _RUN,
            ),
            "context.execute_async_v3(torch.cuda.current_stream().cuda_stream)",
            "y = y_gpu.cpu().numpy()",
        ),
        weights=weights,
        definition=definition,
        forward_only=_FORWARD_ONLY,
    )


def _settings(operator: Operator) -> list[str]:
    """Write what is set on the layer, one number for each axis."""
    begins, ends = zip(*operator.crop, strict=True)
    pads = [("padding_nd", begins, 0)]
    if begins != ends:
        pads = [("pre_padding", begins, 0), ("post_padding", ends, 0)]
    settings = [
        ("stride_nd", operator.stride, 1),
        *pads,
        ("dilation_nd", operator.dilation, 1),
    ]
    lines = [
        f"layer.{name} = {text.tuple_of(values)}"
        for name, values, default in settings
        if any(value != default for value in values)
    ]
    return [*lines, *[f"layer.num_groups = {operator.groups}"] * (operator.groups != 1)]
