"""TVM 0.27: ``relax.op.nn.conv{1,2,3}d_transpose``, compiled for the CPU by LLVM."""

import numpy as np
import tvm
from tvm import relax

__version__ = tvm.__version__  # What reports say
TARGET = tvm.target.Target("llvm")


def conv_transpose(x, w, b, stride, padding, output_padding, groups, dilation):
    arrays = [x, w]
    if b is not None:
        arrays.append(np.reshape(b, (-1, *(1 for _ in stride))))
    given = [relax.Var(f"v{n}", typed(array)) for n, array in enumerate(arrays)]
    words = stride, padding * 2, output_padding, dilation, groups
    layer = getattr(relax.op.nn, f"conv{len(stride)}d_transpose")(*given[:2], *words)
    module = relax.BlockBuilder()
    with module.function("main", given):
        y = module.emit(layer)
        module.emit_func_output(y if b is None else module.emit(relax.op.add(y, given[2])))
    machine = relax.VirtualMachine(tvm.compile(module.get(), TARGET), tvm.cpu())
    return machine["main"](*map(tvm.runtime.tensor, arrays)).numpy()


def typed(array):
    return relax.TensorType(array.shape, str(array.dtype))
