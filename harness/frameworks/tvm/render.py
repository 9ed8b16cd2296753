"""Apache TVM: ``relax.op.nn.conv{1,2,3}d_transpose``, compiled for the CPU.

https://tvm.apache.org/docs/reference/api/python/relax/op.html
"""

from __future__ import annotations

from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.core.operators import Operator
from harness.core.program import Program, Section

_FORWARD_ONLY: Final = "What is text only is written forward."


def render(operator: Operator, _dtype: str, _documented: bool, _device: Device) -> Program:
    """Write an operator as a function of Relax, which is compiled."""
    arrays = text.inputs_of(operator)
    ones = ", ".join("1" * operator.rank)
    sum_ = "y_ = builder.emit(relax.op.add(y_, relax.op.reshape(b_, (1, -1, {}))))"
    definition = text.lines(
        f"y_ = builder.emit(relax.op.nn.conv{operator.rank}d_transpose(x_, w_"
        f"{_options(operator)}))",
        sum_.format(ones) if operator.bias else None,
    )
    names = text.tuple_of([f"{name}_" for name in arrays]).strip("()")
    return Program(
        setup="import tvm\nfrom tvm import relax",
        forward=Section(
            text.lines(
                *(
                    f'{name}_ = relax.Var("{name}_", relax.TensorType({name}.shape, '
                    f"str({name}.dtype)))"
                    for name in arrays
                ),
                "builder = relax.BlockBuilder()",
                f'with builder.function("main", [{names}]):',
                text.indented(definition),
                "    builder.emit_func_output(y_)",
                'built = tvm.compile(builder.get(), tvm.target.Target("llvm"))',
                'main = relax.VirtualMachine(built, tvm.cpu())["main"]',
            ),
            f"y = main({', '.join(f'tvm.runtime.tensor({name})' for name in arrays)}).numpy()",
            "",
        ),
        definition=definition,
        forward_only=_FORWARD_ONLY,
    )


def _options(operator: Operator) -> str:
    crop = operator.crop
    if all(begin == end for begin, end in crop):
        padding = text.per_axis([begin for begin, _ in crop], default=0)
    else:
        # https://github.com/apache/tvm/blob/main/python/tvm/topi/nn/utils.py, get_pad_tuple
        padding = text.tuple_of([pair[side] for side in (0, 1) for pair in crop])
    return text.arguments(
        strides=text.per_axis(operator.stride, default=1),
        padding=padding,
        dilation=text.per_axis(operator.dilation, default=1),
        groups=str(operator.groups) if operator.groups != 1 else None,
    )
