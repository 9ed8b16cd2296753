"""Transposed convolution on CUDA devices: products by cuBLAS, and five kernels of our own.

Two ways, both scatter as the definition does:

Columns
    One product makes all taps of all positions, ``columns[o, t, p] = sum_c w[c, o, t] * x[c, p]``
    (cuBLAS), and ``col2im`` gives each output element what reaches it, with the bias, in the
    output's own dtype and without what the crop removes.  Backwards ``im2col`` collects what each
    tap meets of the cotangent, and two products make ``dx = w @ met`` and ``dw = x @ met^T``.  This
    is how Caffe computes convolutions: Y. Jia, *Learning semantic image representations at a large
    scale*, 2014, section 3.5; backward and forward change places here.
Direct
    One thread adds up all that reaches its element: for each phase of the stride only the taps that
    can.  It has no columns, which move ``2 * taps * c_out`` elements a position however few input
    channels there are: so it is for groups of at most ``FEW`` input channels, depthwise ones above
    all, and for types that cuBLAS does not multiply (integers, which wrap, and truth values).

``impl/kernels.cu`` holds the kernels.  They are compiled for the kernel, stride and dilation of a
call, so that loops over taps have known ends and divisions known divisors; sizes, crops and
channels are arguments.  Nothing here calls cuDNN: it is a second opinion on it.

Half precision is accumulated in single and rounded once.  Its products are computed in TF32, whose
significand has as many bits as half's: nothing is lost, and the tensor cores do it.  Single
precision is computed as IEEE says unless ``math="tf32"`` asks for less (CuPy's own ``CUPY_TF32``
asks for it, too).  Sums do not depend on which thread comes first: results repeat.

All runs in the current stream, on the device that holds the arrays, without copies to the host.
Memory beside inputs and output stays below ``BLOCK`` and copies of inputs that are not contiguous
or must be widened; the columns of a single channel and batch entry are not cut further.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from impl.geometry import Crop, Geometry, PerAxis, accumulator
from impl.phases import slices

Math: TypeAlias = Literal["ieee", "tf32"]
Array: TypeAlias = Any  # cupy.ndarray: CuPy is not imported before it is needed.

# Bytes of columns that are in memory at the same time.
BLOCK: Final = 256 << 20
# Input channels of a group up to which no columns are made.  Reckoned, not measured yet: columns
# move two elements a tap, and a card multiplies some ten times while it moves one.
FEW: Final = 8
# Threads that are worth starting for the sums of direct_dw, and positions that one should have.
_MANY_THREADS: Final = 1 << 19
_POSITIONS: Final = 64
# Indices are 32 bits wide up to this number of elements: a step of the grid must not overflow.
_NARROW: Final = 1 << 30
_THREADS_OF_BLOCK: Final = 256
_BLOCKS: Final = 1 << 16
# https://docs.nvidia.com/cuda/cublas/#cublasmath-t
_MATH_MODES: Final = {"ieee": 0, "tf32": 3}

_TYPES: Final = {
    "bool": "bool",
    "int8": "signed char",
    "uint8": "unsigned char",
    "int16": "short",
    "uint16": "unsigned short",
    "int32": "int",
    "uint32": "unsigned int",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float16": "__half",
    "float32": "float",
    "float64": "double",
    "complex64": "complex<float>",
    "complex128": "complex<double>",
}
_INCLUDES: Final = {
    "float16": "cuda_fp16.h",
    "complex64": "cupy/complex.cuh",
    "complex128": "cupy/complex.cuh",
}


@dataclass(frozen=True)
class Device:
    """What computes: an array namespace, kernels and the precision of products.

    Attributes
    ----------
    xp : module
        CuPy; tests have NumPy in its place, and kernels compiled for the host.
    launch : callable
        ``(name, words, threads, arguments)``: run a kernel of ``kernels.cu``, compiled in these
        words, with at least one thread for each of ``threads`` elements.
    precision : callable
        ``(math, dtype)``: a context in which products of this dtype are computed so.
    """

    xp: Any
    launch: Callable[[str, Words, int, Sequence[Any]], None]
    precision: Callable[[Math, np.dtype[Any]], AbstractContextManager[None]]


@dataclass(frozen=True)
class Words:
    """What a kernel is compiled for: the names of dtypes, and a geometry on three axes."""

    stored: str
    summed: str
    wide: bool
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def source(self) -> str:
        """The text that is compiled: definitions, and ``kernels.cu``."""
        lines = [f"#include <{_INCLUDES[self.stored]}>"] if self.stored in _INCLUDES else []
        lines += [f"typedef {_TYPES[self.stored]} T;", f"typedef {_TYPES[self.summed]} A;"]
        lines += [f"typedef {'long long' if self.wide else 'int'} I;"]
        lines += [f"#define {name} {value}" for name, value in self.constants.items()]
        return "\n".join(lines) + "\n" + _kernels()

    @property
    def constants(self) -> dict[str, int]:
        """What ``kernels.cu`` calls the geometry's numbers."""
        axes = zip(self.kernel, self.stride, self.dilation, strict=True)
        return {
            f"{letter}{axis}": value
            for axis, (kernel, stride, dilation) in enumerate(axes)
            for letter, value in zip(
                "KSDL",
                (kernel, stride, dilation, stride // math.gcd(stride, dilation)),
                strict=True,
            )
        }


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
    math: Math = "ieee",
) -> Array:
    """Transposed convolution of CuPy arrays: :func:`impl.conv_transpose` with a choice of ``math``.

    Parameters
    ----------
    x, w, b, stride, dilation, crop, groups
        As :func:`impl.conv_transpose` has them; the arrays on one device.
    math : {"ieee", "tf32"}, default "ieee"
        How single precision is multiplied: ``tf32`` keeps 10 bits of each factor's fraction.

    Returns
    -------
    y : (n, c_out, *out_size) array, C-contiguous, on the same device

    Raises
    ------
    ValueError
        If shapes disagree, an option is out of range, an output size would be negative, or arrays
        are on different devices.
    TypeError
        If one of them is no CuPy array.
    """
    arrays = {"x": x, "w": w} | ({} if b is None else {"b": b})
    with _device_of(arrays) as device:
        geometry = Geometry.of(x, w, stride, dilation, crop, groups)
        geometry.check_bias(b)
        return forward(device, geometry, x, w, b, math)


def conv_transpose_vjp(
    dy: Array,
    x: Array,
    w: Array,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
    math: Math = "ieee",
) -> tuple[Array, Array, Array]:
    """Vector-Jacobian products of :func:`conv_transpose`; ``dx``, ``dw`` and ``db``.

    Parameters
    ----------
    dy, x, w, stride, dilation, crop, groups
        As :func:`impl.conv_transpose_vjp` has them; the arrays on one device.
    math : {"ieee", "tf32"}, default "ieee"

    Returns
    -------
    dx : (n, c_in, *in_size) array
    dw : (c_in, c_out // groups, *kernel) array
    db : (c_out,) array

    Raises
    ------
    ValueError, TypeError
        As :func:`conv_transpose`, or if ``dy`` does not have the output's shape.
    """
    with _device_of({"dy": dy, "x": x, "w": w}) as device:
        geometry = Geometry.of(x, w, stride, dilation, crop, groups)
        geometry.check_cotangent(dy, len(x))
        return backward(device, geometry, dy, x, w, math)


def forward(
    device: Device, geometry: Geometry, x: Array, w: Array, b: Array | None, math: Math
) -> Array:
    """Compute ``y`` on a device; the arguments have been checked."""
    xp = device.xp
    dtype = np.result_type(*(array.dtype for array in (x, w, b) if array is not None))
    call = _Call.of(device, geometry, x.shape, dtype)
    x, w = (xp.ascontiguousarray(array, dtype=dtype) for array in (x, w))
    bias = xp.empty(1, call.sums) if b is None else xp.ascontiguousarray(b, dtype=call.sums)
    has_bias = np.int32(b is not None)
    y = xp.empty((len(x), geometry.out_channels, *geometry.out_size), dtype)
    if not y.size:
        return y
    if call.is_direct:
        ins_outs = call.index(geometry.groups, call.ins, call.outs)
        call.run(
            "direct", y.size, x, w, bias, y, has_bias, *call.index(len(x)), *ins_outs, *call.sizes
        )
        return y
    weights = call.grouped_weights(w)
    with device.precision(math, dtype):
        for entries, outs_of_block in call.blocks():
            part, rows = y[entries], call.grouped(x[entries])
            for outs in outs_of_block:
                columns = call.product_of_taps(weights[:, :, outs], rows)
                threads = part.size // call.outs * (outs.stop - outs.start)
                block = call.block(len(part), outs)
                call.run("col2im", threads, columns, bias, part, has_bias, *block, *call.sizes)
    return y


def backward(
    device: Device, geometry: Geometry, dy: Array, x: Array, w: Array, math: Math
) -> tuple[Array, Array, Array]:
    """Compute ``dx``, ``dw`` and ``db`` on a device; the arguments have been checked."""
    xp = device.xp
    dtype = np.result_type(dy.dtype, x.dtype, w.dtype)
    call = _Call.of(device, geometry, x.shape, dtype)
    dy, x, w = (xp.ascontiguousarray(array, dtype=dtype) for array in (dy, x, w))
    db = dy.sum(axis=(0, *range(2, dy.ndim)), dtype=call.sums)
    if not (dy.size and x.size):
        dx, dw = xp.zeros(x.shape, dtype), xp.zeros(w.shape, call.sums)
    elif call.is_direct:
        dx, dw = _direct_gradients(call, dy, x, w)
    else:
        with device.precision(math, dtype):
            dx, dw = _gradients_of_columns(call, dy, x, w)
    return dx, dw.astype(dtype, copy=False), db.astype(dtype, copy=False)


def _direct_gradients(call: _Call, dy: Array, x: Array, w: Array) -> tuple[Array, Array]:
    xp, geometry = call.device.xp, call.geometry
    shape = call.index(len(x), geometry.groups, call.ins, call.outs)
    dx = xp.empty(x.shape, x.dtype)
    call.run("direct_dx", dx.size, dy, w, dx, *shape, *call.sizes)
    positions = len(x) * math.prod(geometry.in_size)
    parts = max(1, min(positions // _POSITIONS, _MANY_THREADS // w.size))
    sums = xp.empty((*w.shape, parts), call.sums)
    call.run("direct_dw", sums.size, x, dy, sums, *call.index(parts), *shape, *call.sizes)
    return dx, sums.sum(axis=-1, dtype=call.sums)


def _gradients_of_columns(call: _Call, dy: Array, x: Array, w: Array) -> tuple[Array, Array]:
    xp, geometry = call.device.xp, call.geometry
    dx, dw = xp.zeros(x.shape, call.sums), xp.zeros(w.shape, call.sums)
    weights = call.grouped_weights(w)
    by_group = dw.reshape(weights.shape)
    for entries, outs_of_block in call.blocks():
        some, rows = dy[entries], call.grouped(x[entries])
        n = len(some)
        for outs in outs_of_block:
            shape = (geometry.groups, outs.stop - outs.start, *call.taps_and_rest(n))
            met = xp.empty(shape, call.sums)
            call.run("im2col", met.size, some, met, *call.block(n, outs), *call.sizes)
            met = met.reshape(geometry.groups, -1, n * call.positions)
            chosen = weights[:, :, outs]
            products = _product(chosen.reshape(*chosen.shape[:2], -1), met)
            dx[entries] += call.ungrouped(products, n).reshape(dx[entries].shape)
            by_group[:, :, outs] += _product(rows, met.swapaxes(1, 2)).reshape(chosen.shape)
    return dx.astype(x.dtype, copy=False), dw


@dataclass(frozen=True)
class _Call:
    """A call's geometry on three axes, and what its kernels are compiled for."""

    device: Device
    geometry: Geometry
    words: Words
    sums: np.dtype[Any]
    ins: int
    n: int

    @classmethod
    def of(
        cls, device: Device, geometry: Geometry, shape: Sequence[int], dtype: np.dtype[Any]
    ) -> _Call:
        n, in_channels, *in_size = shape
        sums = accumulator(dtype)
        outputs = geometry.out_channels * math.prod(geometry.out_size)
        columns = geometry.out_channels * math.prod((*geometry.kernel, *in_size))
        words = Words(
            stored=dtype.name,
            summed=sums.name,
            wide=max(math.prod(shape), n * outputs, n * columns) > _NARROW,
            kernel=_three(geometry.kernel, 1),
            stride=_three(geometry.stride, 1),
            dilation=_three(geometry.dilation, 1),
        )
        return cls(device, geometry, words, sums, in_channels // geometry.groups, n)

    @property
    def outs(self) -> int:
        """Output channels of a group."""
        return self.geometry.out_channels // self.geometry.groups

    @property
    def positions(self) -> int:
        return math.prod(self.geometry.in_size)

    @property
    def is_direct(self) -> bool:
        """Whether no columns are made; without any input there are none."""
        return self.ins <= FEW or self.sums.kind not in "fc" or not self.n * self.positions

    @property
    def sizes(self) -> tuple[Any, ...]:
        """Input size, output size and the crop's beginnings, as kernels take them."""
        g = self.geometry
        begins = [begin for begin, _ in g.crop]
        return self.index(*_three(g.in_size, 1), *_three(g.out_size, 1), *_three(begins, 0))

    def index(self, *values: int) -> tuple[Any, ...]:
        """Numbers of the width that the kernels' indices have."""
        return tuple(map(np.int64 if self.words.wide else np.int32, values))

    def block(self, n: int, outs: slice) -> tuple[Any, ...]:
        """The channels and batch entries of a block, as kernels take them."""
        return self.index(n, self.geometry.groups, outs.stop - outs.start, self.outs, outs.start)

    def taps_and_rest(self, n: int) -> tuple[int, int, int]:
        return math.prod(self.geometry.kernel), n, self.positions

    def run(self, name: str, threads: int, *arguments: Any) -> None:
        self.device.launch(name, self.words, threads, arguments)

    def blocks(self) -> Iterator[tuple[slice, list[slice]]]:
        """Batch entries, and output channels whose columns fit into a block."""
        of_channel = self.geometry.groups * math.prod(self.taps_and_rest(1)) * self.sums.itemsize
        outs = max(1, min(self.outs, BLOCK // of_channel))
        entries = max(1, min(self.n, BLOCK // (of_channel * outs)))
        for some in slices(self.n, entries):
            yield some, slices(self.outs, outs)

    def product_of_taps(self, weights: Array, rows: Array) -> Array:
        """``(groups, outs * taps, n * positions)``."""
        return _product(weights.reshape(*weights.shape[:2], -1).swapaxes(1, 2), rows)

    def grouped_weights(self, w: Array) -> Array:
        """``(groups, ins, outs, taps)``, in the dtype of sums."""
        shape = (self.geometry.groups, self.ins, self.outs, -1)
        return w.astype(self.sums, copy=False).reshape(shape)

    def grouped(self, x: Array) -> Array:
        """``(n, c_in, *in_size)`` as ``(groups, ins, n * positions)``, in the dtype of sums."""
        groups = x.reshape(len(x), self.geometry.groups, self.ins, -1).transpose(1, 2, 0, 3)
        wanted = self.device.xp.ascontiguousarray(groups, dtype=self.sums)
        return wanted.reshape(self.geometry.groups, self.ins, -1)

    def ungrouped(self, rows: Array, n: int) -> Array:
        """``(groups, ins, n * positions)`` as ``(n, groups, ins, positions)``."""
        return rows.reshape(*rows.shape[:2], n, -1).transpose(2, 0, 1, 3)


def _product(a: Array, b: Array) -> Array:
    """``a @ b`` for each group; CuPy copies transposed matrices unless there is but one."""
    return (a[0] @ b[0])[None] if len(a) == 1 else a @ b


def _three(values: Sequence[int], fill: int) -> tuple[int, ...]:
    """Values of one to three axes as three: axes of size one come first."""
    return (*(fill,) * (3 - len(values)), *values)


@functools.cache
def _kernels() -> str:
    return Path(__file__).with_name("kernels.cu").read_text(encoding="utf-8")


@contextmanager
def _device_of(arrays: dict[str, Array]) -> Iterator[Device]:
    """Make the arrays' device the current one."""
    import cupy  # noqa: PLC0415 -- only where CuPy's arrays have come from

    for name, array in arrays.items():
        if not isinstance(array, cupy.ndarray):
            raise TypeError(
                f"{name} is a {type(array).__module__}.{type(array).__name__}, not a CuPy array "
                f"as the others: nothing is copied between host and device unasked; "
                f"write cupy.asarray({name})."
            )
    devices = {name: array.device.id for name, array in arrays.items()}
    if len(set(devices.values())) > 1:
        raise ValueError(f"the arrays are on different devices: {devices}.")
    with cupy.cuda.Device(next(iter(devices.values()))):
        yield Device(cupy, _launch, _precision)


def _launch(name: str, words: Words, threads: int, arguments: Sequence[Any]) -> None:
    blocks = min(-(-threads // _THREADS_OF_BLOCK), _BLOCKS)
    compiled(name, words)((blocks,), (_THREADS_OF_BLOCK,), tuple(arguments))


@functools.lru_cache(maxsize=1024)
def compiled(name: str, words: Words) -> Any:
    """Compile a kernel; CuPy keeps one binary for each device, and on disk."""
    import cupy  # noqa: PLC0415

    return cupy.RawKernel(words.source, name, options=("-std=c++17",))


@contextmanager
def _precision(math: Math, dtype: np.dtype[Any]) -> Iterator[None]:
    """Set how cuBLAS multiplies single precision, in this thread and on this device."""
    from cupy.cuda import cublas, device  # noqa: PLC0415

    handle = device.get_cublas_handle()
    before = cublas.getMathMode(handle)
    cublas.setMathMode(handle, _MATH_MODES["tf32" if dtype == np.float16 else math])
    try:
        yield
    finally:
        cublas.setMathMode(handle, before)
