"""Transposed convolution on CUDA devices: products by cuBLAS, and five kernels of our own.

Two algorithms, both of which scatter as the definition does:

Columns
    One product (cuBLAS) computes all taps at all positions,
    ``columns[o, t, p] = sum_c w[c, o, t] * x[c, p]``.  ``col2im`` then adds up what reaches each
    output element, with the bias, in the output's dtype and skipping what the crop removes.
    Backward, ``im2col`` collects the cotangent's elements under each tap, and two products compute
    ``dx = w @ patches`` and ``dw = x @ patches^T``.  This is how Caffe computes convolutions, with
    forward and backward swapped: Y. Jia, *Learning semantic image representations at a large
    scale*, 2014, section 3.5.
Direct
    One thread adds up everything that reaches its element, visiting only the taps of that element's
    phase.  Columns move ``2 * taps * c_out`` elements per position, however few input channels
    there are; this kernel has none.  So it is used for groups of at most ``FEW`` input channels,
    above all depthwise layers, and for dtypes that cuBLAS cannot multiply (integers, which wrap,
    and booleans).

``impl/kernels.cu`` holds the kernels.  They are compiled for the kernel, stride and dilation of a
call, so that loops over taps have constant bounds and divisions constant divisors; sizes, crops and
channels are arguments.  Nothing here calls cuDNN, so this is an independent check of it.

Half precision is accumulated in single precision and rounded once.  Its products are computed in
TF32, which has as many significand bits as half precision: nothing is lost, and tensor cores do it.
Single precision follows IEEE unless ``math="tf32"`` (or CuPy's own ``CUPY_TF32``) asks for less.
Sums do not depend on the order of threads, so results are reproducible.

Everything runs in the current stream, on the device that holds the arrays, without copies to the
host.  Temporary memory is at most ``BLOCK`` plus copies of inputs that are not contiguous or must
be widened; the columns of a single channel and batch entry are not cut further.
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
Array: TypeAlias = Any  # cupy.ndarray; CuPy is imported only when needed.

# Bytes of columns in memory at any time.
BLOCK: Final = 256 << 20
# Groups of up to this many input channels use the direct kernel.  Estimated, not yet measured:
# columns move two elements per tap, and a GPU multiplies about ten times while it moves one.
FEW: Final = 8
# Most threads for the sums of direct_dw, and fewest positions for each of them.
_MANY_THREADS: Final = 1 << 19
_POSITIONS: Final = 64
# Up to this many elements indices have 32 bits; a grid-stride step must not overflow.
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
    """A computing device: an array namespace, a kernel launcher and the precision of products.

    Attributes
    ----------
    xp : module
        CuPy; tests use NumPy, and kernels compiled for the host.
    launch : callable
        ``(name, variant, threads, arguments)``: run a kernel of ``kernels.cu``, compiled as this
        variant, over ``threads`` elements.
    precision : callable
        ``(math, dtype)``: a context in which products of this dtype have this precision.
    """

    xp: Any
    launch: Callable[[str, Variant, int, Sequence[Any]], None]
    precision: Callable[[Math, np.dtype[Any]], AbstractContextManager[None]]


@dataclass(frozen=True)
class Variant:
    """What a kernel is compiled for: dtypes, index width, and a geometry on three axes."""

    stored: str
    summed: str
    wide: bool
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def source(self) -> str:
        """The text to compile: definitions, then ``kernels.cu``."""
        lines = [f"#include <{_INCLUDES[self.stored]}>"] if self.stored in _INCLUDES else []
        lines += [f"typedef {_TYPES[self.stored]} T;", f"typedef {_TYPES[self.summed]} A;"]
        lines += [f"typedef {'long long' if self.wide else 'int'} I;"]
        lines += [f"#define {name} {value}" for name, value in self.constants.items()]
        return "\n".join(lines) + "\n" + _kernels()

    @property
    def constants(self) -> dict[str, int]:
        """The geometry's numbers by their names in ``kernels.cu``."""
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
    """Compute :func:`impl.conv_transpose` of CuPy arrays, with a choice of ``math``.

    Parameters
    ----------
    x, w, b, stride, dilation, crop, groups
        As in :func:`impl.conv_transpose`; the arrays are on one device.
    math : {"ieee", "tf32"}, default "ieee"
        How single precision is multiplied: ``tf32`` keeps 10 fraction bits of each factor.

    Returns
    -------
    y : (n, c_out, *out_size) array, C-contiguous, on the same device

    Raises
    ------
    ValueError
        If shapes disagree, an option is out of range, an output size would be negative, or arrays
        are on different devices.
    TypeError
        If one of them is not a CuPy array, or no kernel computes with their dtype.
    """
    arrays = {"x": x, "w": w} | ({} if b is None else {"b": b})
    with _device_of(arrays, math) as device:
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
    """Compute the vector-Jacobian products of :func:`conv_transpose`.

    Parameters
    ----------
    dy, x, w, stride, dilation, crop, groups
        As in :func:`impl.conv_transpose_vjp`; the arrays are on one device.
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
    with _device_of({"dy": dy, "x": x, "w": w}, math) as device:
        geometry = Geometry.of(x, w, stride, dilation, crop, groups)
        geometry.check_cotangent(dy, len(x))
        return backward(device, geometry, dy, x, w, math)


def forward(
    device: Device, geometry: Geometry, x: Array, w: Array, b: Array | None, math: Math
) -> Array:
    """Compute ``y`` on a device, from checked arguments."""
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
    """Compute ``dx``, ``dw`` and ``db`` on a device, from checked arguments."""
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
        cotangent, rows = dy[entries], call.grouped(x[entries])
        n = len(cotangent)
        for outs in outs_of_block:
            shape = (geometry.groups, outs.stop - outs.start, *call.taps_and_rest(n))
            patches = xp.empty(shape, call.sums)
            block = call.block(n, outs)
            call.run("im2col", patches.size, cotangent, patches, *block, *call.sizes)
            patches = patches.reshape(geometry.groups, -1, n * call.positions)
            part = weights[:, :, outs]
            products = _product(part.reshape(*part.shape[:2], -1), patches)
            dx[entries] += call.ungrouped(products, n).reshape(dx[entries].shape)
            by_group[:, :, outs] += _product(rows, patches.swapaxes(1, 2)).reshape(part.shape)
    return dx.astype(x.dtype, copy=False), dw


@dataclass(frozen=True)
class _Call:
    """A call's geometry on three axes, and what its kernels are compiled for."""

    device: Device
    geometry: Geometry
    variant: Variant
    sums: np.dtype[Any]
    ins: int
    n: int

    @classmethod
    def of(
        cls, device: Device, geometry: Geometry, shape: Sequence[int], dtype: np.dtype[Any]
    ) -> _Call:
        if dtype.name not in _TYPES:
            raise TypeError(f"no kernel computes with {dtype}; those that do: {', '.join(_TYPES)}.")
        n, in_channels, *in_size = shape
        sums = accumulator(dtype)
        outputs = geometry.out_channels * math.prod(geometry.out_size)
        columns = geometry.out_channels * math.prod((*geometry.kernel, *in_size))
        variant = Variant(
            stored=dtype.name,
            summed=sums.name,
            wide=max(math.prod(shape), n * outputs, n * columns) > _NARROW,
            kernel=_three(geometry.kernel, 1),
            stride=_three(geometry.stride, 1),
            dilation=_three(geometry.dilation, 1),
        )
        return cls(device, geometry, variant, sums, in_channels // geometry.groups, n)

    @property
    def outs(self) -> int:
        """Output channels of a group."""
        return self.geometry.out_channels // self.geometry.groups

    @property
    def positions(self) -> int:
        return math.prod(self.geometry.in_size)

    @property
    def is_direct(self) -> bool:
        """Whether to use the direct kernel; also for empty inputs, which have no columns."""
        return self.ins <= FEW or self.sums.kind not in "fc" or not self.n * self.positions

    @property
    def sizes(self) -> tuple[Any, ...]:
        """Input size, output size and what the crop removes in front, as the kernels take them."""
        g = self.geometry
        begins = [begin for begin, _ in g.crop]
        return self.index(*_three(g.in_size, 1), *_three(g.out_size, 1), *_three(begins, 0))

    def index(self, *values: int) -> tuple[Any, ...]:
        """Convert numbers to the index type of the kernels."""
        return tuple(map(np.int64 if self.variant.wide else np.int32, values))

    def block(self, n: int, outs: slice) -> tuple[Any, ...]:
        """Return a block's entries and channels, as the kernels take them."""
        return self.index(n, self.geometry.groups, outs.stop - outs.start, self.outs, outs.start)

    def taps_and_rest(self, n: int) -> tuple[int, int, int]:
        return math.prod(self.geometry.kernel), n, self.positions

    def run(self, name: str, threads: int, *arguments: Any) -> None:
        self.device.launch(name, self.variant, threads, arguments)

    def blocks(self) -> Iterator[tuple[slice, list[slice]]]:
        """Yield batch entries with slices of output channels whose columns fit in a block."""
        of_channel = self.geometry.groups * math.prod(self.taps_and_rest(1)) * self.sums.itemsize
        outs = max(1, min(self.outs, BLOCK // of_channel))
        entries = max(1, min(self.n, BLOCK // (of_channel * outs)))
        for part in slices(self.n, entries):
            yield part, slices(self.outs, outs)

    def product_of_taps(self, weights: Array, rows: Array) -> Array:
        """Return the columns, ``(groups, outs * taps, n * positions)``."""
        return _product(weights.reshape(*weights.shape[:2], -1).swapaxes(1, 2), rows)

    def grouped_weights(self, w: Array) -> Array:
        """Return ``w`` as ``(groups, ins, outs, taps)``, in the dtype of sums."""
        shape = (self.geometry.groups, self.ins, self.outs, -1)
        return w.astype(self.sums, copy=False).reshape(shape)

    def grouped(self, x: Array) -> Array:
        """Return ``x`` as ``(groups, ins, n * positions)``, in the dtype of sums."""
        groups = x.reshape(len(x), self.geometry.groups, self.ins, -1).transpose(1, 2, 0, 3)
        contiguous = self.device.xp.ascontiguousarray(groups, dtype=self.sums)
        return contiguous.reshape(self.geometry.groups, self.ins, -1)

    def ungrouped(self, rows: Array, n: int) -> Array:
        """Return rows ``(groups, ins, n * positions)`` as ``(n, groups, ins, positions)``."""
        return rows.reshape(*rows.shape[:2], n, -1).transpose(2, 0, 1, 3)


def _product(a: Array, b: Array) -> Array:
    """Return ``a @ b`` for each group; CuPy copies transposed matrices unless there is only one."""
    return (a[0] @ b[0])[None] if len(a) == 1 else a @ b


def _three(values: Sequence[int], fill: int) -> tuple[int, ...]:
    """Extend values to three axes; the missing ones come first."""
    return (*(fill,) * (3 - len(values)), *values)


@functools.cache
def _kernels() -> str:
    return Path(__file__).with_name("kernels.cu").read_text(encoding="utf-8")


@contextmanager
def _device_of(arrays: dict[str, Array], math: Math) -> Iterator[Device]:
    """Check the precision, and that the arrays are on one device; make that one current."""
    import cupy  # noqa: PLC0415 -- only reached with CuPy arrays

    if math not in _MATH_MODES:
        raise ValueError(f"math {math!r} is none of {', '.join(_MATH_MODES)}.")
    for name, array in arrays.items():
        if not isinstance(array, cupy.ndarray):
            raise TypeError(
                f"{name} is a {type(array).__module__}.{type(array).__name__}, not a CuPy array "
                f"like the others: arrays are never copied between host and device implicitly; "
                f"write cupy.asarray({name})."
            )
    devices = {name: array.device.id for name, array in arrays.items()}
    if len(set(devices.values())) > 1:
        raise ValueError(f"the arrays are on different devices: {devices}.")
    with cupy.cuda.Device(next(iter(devices.values()))):
        yield Device(cupy, _launch, _precision)


def _launch(name: str, variant: Variant, threads: int, arguments: Sequence[Any]) -> None:
    blocks = min(-(-threads // _THREADS_OF_BLOCK), _BLOCKS)
    compiled(name, variant)((blocks,), (_THREADS_OF_BLOCK,), tuple(arguments))


@functools.lru_cache(maxsize=1024)
def compiled(name: str, variant: Variant) -> Any:
    """Return a kernel, which CuPy compiles once per device and caches on disk."""
    import cupy  # noqa: PLC0415

    return cupy.RawKernel(variant.source, name, options=("-std=c++17",))


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
