"""Call a transposed convolution in a shared library, in guarded memory.

Programs of the C door import it as ``deconform_library`` in a worker, so it may import the standard
library and NumPy only, and uses only syntax that old interpreters accept.  What it calls is
declared in ``templates/c/deconform.h``.

All memory that the library sees is filled with signalling NaNs, with a payload of its own for each
array.  A NaN that was never touched keeps its bits; arithmetic sets its quiet bit and keeps the
payload.  So the bits tell what was not written, and what was read though it holds nothing.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 1
FORWARD, GRADIENT = "deconform_conv_transpose", "deconform_conv_transpose_vjp"
MESSAGE = "deconform_message"
UNSUPPORTED = 1  # A status; 0 is success, all others are errors

_ALIGNMENT = 64  # Bytes
_LEAST_GUARD, _MOST_GUARD = 4096, 2**20  # Bytes on either side: a row or a channel too much
_MANTISSA = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}  # Bits
_BFLOAT16 = 116  # DECONFORM_BFLOAT16; the others are called by their bits
_ARRAYS = ("x", "w", "b", "y", "dy", "dx", "dw", "db")
_MOST_MESSAGE = 1000  # Characters

_Axes = ctypes.c_int64 * 3


class Misbehaviour(Exception):  # noqa: N818 -- what the library did, not an error of this file
    """The library touched what is not its own, or left undone what is.

    ``outputs`` are there by name where they are whole.
    """

    def __init__(self, fact: str, outputs: Mapping[str, Any]) -> None:
        super().__init__(fact)
        self.outputs = outputs


class ProblemStructure(ctypes.Structure):
    """``deconform_problem``, in the order of ``deconform.h``."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("size", "version", "rank", "dtype", "batch")),
        *((name, ctypes.c_int64) for name in ("in_channels", "out_channels", "groups", "has_bias")),
        *((name, _Axes) for name in ("in_size", "out_size", "kernel", "stride", "dilation")),
        *((name, _Axes) for name in ("crop_begin", "crop_end")),
    ]


class Library:
    """A shared library that exports ``deconform_conv_transpose``.

    Parameters
    ----------
    path : str
    gradient_symbol : str, optional
        The name of its gradient function.

    Raises
    ------
    ImportError
        If the file cannot be loaded or lacks the function, with the reason.
    """

    def __init__(self, path: str, gradient_symbol: str | None = None) -> None:
        self._path = str(Path(path).absolute())
        self._loaded = _load(self._path)
        self._gradient_symbol = gradient_symbol or GRADIENT
        self._forward = self._function(FORWARD, 4)

    def problem(
        self,
        x: Any,
        w: Any,
        b: Any = None,
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        crop: Sequence[Sequence[int]],
        groups: int,
    ) -> Call:
        """Prepare a call: its memory, and what the library is told of the operator."""
        out_channels = w.shape[1] * max(groups, 1) if b is None else b.shape[0]
        structure = _structure(x, w, out_channels, b is not None, stride, dilation, crop, groups)
        y_shape = (x.shape[0], out_channels, *structure.out_size[: x.ndim - 2])
        given = {"x": x, "w": w} if b is None else {"x": x, "w": w, "b": b}
        return Call(
            self._forward, self._message, structure, ("x", "w", "b", "y"), given, {"y": y_shape}
        )

    def gradient_problem(
        self,
        dy: Any,
        x: Any,
        w: Any,
        has_bias: bool,
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        crop: Sequence[Sequence[int]],
        groups: int,
    ) -> Call:
        """Prepare a call of the gradient function."""
        structure = _structure(x, w, dy.shape[1], has_bias, stride, dilation, crop, groups)
        shapes = {"dx": x.shape, "dw": w.shape}
        if has_bias:
            shapes["db"] = (dy.shape[1],)
        order = ("dy", "x", "w", "dx", "dw", "db")
        function = self._function(self._gradient_symbol, 6)
        return Call(function, self._message, structure, order, {"dy": dy, "x": x, "w": w}, shapes)

    def _function(self, name: str, arrays: int) -> Any:
        function = getattr(self._loaded, name, None)
        if function is None:
            raise ImportError(
                "%s exports no function %s: in C++ it must be extern 'C', as in deconform.h"
                % (self._path, name)
            )
        function.argtypes = [ctypes.POINTER(ProblemStructure)] + [ctypes.c_void_p] * arrays
        function.restype = ctypes.c_int
        return function

    def _message(self) -> str:
        """What the library says of its last status."""
        function = getattr(self._loaded, MESSAGE, None)
        if function is None:
            return ""
        function.restype = ctypes.c_char_p
        return (function() or b"").decode("utf-8", "replace")[:_MOST_MESSAGE]


class Call:
    """One call of a function in a library: a benchmark times :meth:`run` alone."""

    def __init__(
        self,
        function: Any,
        message: Any,
        structure: ProblemStructure,
        order: Sequence[str],  # The names of the function's arrays; those not there are NULL
        given: Mapping[str, Any],
        shapes: Mapping[str, Sequence[int]],  # Of the outputs
    ) -> None:
        self._function = function
        self._message = message
        self._order = order
        dtype = given["x"].dtype
        self._inputs = [_Buffer(name, a.shape, dtype, a) for name, a in given.items()]
        self._outputs = [_Buffer(name, shape, dtype) for name, shape in shapes.items()]
        buffers = {buffer.name: buffer for buffer in self._inputs + self._outputs}
        self._problem, self._as_given = structure, bytes(structure)
        addresses = [buffers[n].array.ctypes.data if n in buffers else None for n in order]
        self._arguments = (ctypes.byref(structure), *map(ctypes.c_void_p, addresses))

    def run(self) -> None:
        """Call the function; raise unless it returns 0."""
        status = self._function(*self._arguments)
        if status == UNSUPPORTED:
            raise NotImplementedError(self._message() or "DECONFORM_UNSUPPORTED")
        if status:
            words = "%s returned %d" % (self._function.__name__, status)
            raise RuntimeError(": ".join(filter(None, [words, self._message()])))

    def refill(self) -> None:
        """Copy the inputs again, which may be others now, and forget the outputs."""
        for buffer in self._inputs + self._outputs:
            buffer.fill()

    def output(self) -> Any:
        """The only output; raise if the function misbehaved."""
        return self.outputs()[0]

    def outputs(self) -> tuple[Any, ...]:
        """The outputs in the function's order, ``None`` for one that is not computed."""
        facts = [fact for buffer in self._inputs + self._outputs for fact in buffer.overruns()]
        facts += [fact for buffer in self._inputs for fact in buffer.changes()]
        if bytes(self._problem) != self._as_given:
            facts.append("changes the problem")
        omissions = [fact for buffer in self._outputs for fact in buffer.omissions(self._inputs)]
        arrays = {buffer.name: buffer.array for buffer in self._outputs}
        if facts or omissions:
            raise Misbehaviour("; ".join(facts + omissions), {} if omissions else arrays)
        given = {buffer.name for buffer in self._inputs}
        return tuple(arrays.get(name) for name in self._order if name not in given | {"b"})


class _Buffer:
    """An array with a guard on either side."""

    def __init__(self, name: str, shape: Sequence[int], dtype: Any, source: Any = None) -> None:
        self.name = name
        self._source = source  # Where the values of an input are copied from
        self._bits = np.dtype("u%d" % dtype.itemsize)
        self._mantissa = _MANTISSA[dtype.name]
        self._poison = self._bits.type(_poison(name, dtype))
        shape = tuple(max(0, size) for size in shape)
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        guard = max(_LEAST_GUARD, min(nbytes, _MOST_GUARD))
        guard += -guard % _ALIGNMENT
        memory = np.empty(nbytes + 2 * guard + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        self._whole = memory[start : start + nbytes + 2 * guard]
        self._guard = np.full(guard // self._bits.itemsize, self._poison).view(np.uint8)
        self.array = self._whole[guard : guard + nbytes].view(dtype).reshape(shape)
        self.fill()

    def fill(self) -> None:
        self._whole.view(self._bits)[...] = self._poison
        if self._source is not None:
            self.array[...] = self._source
            self._given = self.array.copy()

    @property
    def _elements(self) -> Any:
        return self.array.view(self._bits)

    def overruns(self) -> list[str]:
        size = self._guard.size
        before = np.flatnonzero(self._whole[:size] != self._guard)
        after = np.flatnonzero(self._whole[-size:] != self._guard)
        facts = []
        if before.size:
            facts.append("%s before its start" % _bytes(size - before[0]))
        if after.size:
            facts.append("%s after its end" % _bytes(after[-1] + 1))
        return ["writes beyond %s (%s)" % (self.name, " and ".join(facts))] if facts else []

    def changes(self) -> list[str]:
        changed = self._elements != self._given.view(self._bits)
        return ["changes %s (%s)" % (self.name, _where(changed))] if changed.any() else []

    def omissions(self, inputs: Sequence[_Buffer]) -> list[str]:
        """What is not written, and what shows that something was read which holds nothing."""
        untouched = self._elements == self._poison
        if untouched.all() and untouched.size:
            return ["leaves %s unwritten" % self.name]
        facts = []
        if untouched.any():
            facts.append("leaves part of %s unwritten (%s)" % (self.name, _where(untouched)))
        for source in (self, *inputs) if np.isnan(self.array).any() else ():
            read = source.is_source_of(self._elements)
            if read.any():
                fact = (
                    "reads %s before it is written (%s)"
                    if source is self
                    else ("reads beyond " + source.name + " (%s shows it: %s)")
                )
                facts.append(fact % (self.name, _where(read)))
        return facts

    def is_source_of(self, elements: Any) -> Any:
        """Which elements are results of arithmetic with this buffer's poison."""
        bits = 8 * self._bits.itemsize
        quiet = int(self._poison) | 1 << (self._mantissa - 1)
        return (elements & self._bits.type(2 ** (bits - 1) - 1)) == self._bits.type(quiet)


def _poison(name: str, dtype: Any) -> int:
    """Return the bits of a signalling NaN whose payload names an array, in its upper bits."""
    mantissa: int = _MANTISSA[dtype.name]
    exponent: int = (1 << (8 * dtype.itemsize - 1)) - (1 << mantissa)
    upper = min(mantissa, 10)
    payload = ((0x150 >> (10 - upper)) + _ARRAYS.index(name)) << (mantissa - upper)
    return exponent | payload | 0x5A5A5A5A5A5A & ((1 << (mantissa - upper)) - 1)


def _where(mask: Any) -> str:
    first = ", ".join(str(int(i)) for i in np.argwhere(mask)[0])
    return "%d of %d elements, first at [%s]" % (np.count_nonzero(mask), mask.size, first)


def _bytes(count: int) -> str:
    return "up to %d byte%s" % (count, "s" if count > 1 else "")


def _structure(
    x: Any,
    w: Any,
    out_channels: int,
    has_bias: bool,
    stride: Sequence[int],
    dilation: Sequence[int],
    crop: Sequence[Sequence[int]],
    groups: int,
) -> ProblemStructure:
    in_size, kernel = x.shape[2:], w.shape[2:]
    axes = zip(in_size, stride, dilation, kernel, crop)
    out_size = [(i - 1) * s + d * (k - 1) + 1 - b - e for i, s, d, k, (b, e) in axes]
    return ProblemStructure(
        ctypes.sizeof(ProblemStructure),
        VERSION,
        x.ndim - 2,
        _BFLOAT16 if x.dtype.name == "bfloat16" else 8 * x.dtype.itemsize,
        x.shape[0],
        x.shape[1],
        out_channels,
        groups,
        has_bias,
        *(_axes(sizes, 1) for sizes in (in_size, out_size, kernel, stride, dilation)),
        *(_axes([pair[end] for pair in crop], 0) for end in (0, 1)),
    )


def _axes(values: Sequence[int], default: int) -> Any:
    return _Axes(*values, *[default] * (3 - len(values)))


_libraries: dict[str, Any] = {}


def _load(path: str) -> Any:
    if path not in _libraries:
        if not Path(path).is_file():
            raise ImportError("there is no file %s" % path)
        try:
            _libraries[path] = ctypes.CDLL(path)
        except OSError as error:
            reason = _foreign(path) or str(error).replace(path + ": ", "")
            raise ImportError("%s cannot be loaded: %s" % (path, reason)) from None
    return _libraries[path]


def _foreign(path: str) -> str:
    """Say that a library is for another processor, where the system is one with ELF files."""
    try:
        with Path(path).open("rb") as library, Path(sys.executable).open("rb") as here:
            theirs, ours = library.read(20), here.read(20)
    except OSError:
        return ""
    if theirs[:4] != b"\x7fELF" or ours[:4] != b"\x7fELF" or len(theirs) < 20:
        return ""
    if (theirs[4:6], theirs[18:20]) == (ours[4:6], ours[18:20]):
        return ""
    return "it is built for another processor than %s" % sys.executable
