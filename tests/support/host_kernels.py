"""A fake CuPy on NumPy arrays, with its kernels compiled for the host by a C++ compiler.

This runs the text that a GPU would run, one thread after another.  ``install`` installs a module
named ``cupy``; ``device`` is faster for many geometries: it compiles one library for each pair of
dtypes, with the geometry in variables.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calls import Data, Outputs

from impl import cuda
from impl.geometry import Geometry

COMPILER = shutil.which("g++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no g++: apt-get install g++")

# What a CUDA compiler predefines.
_PRELUDE = """
#define __global__
#define __device__
struct Index3 { unsigned x, y, z; };
static Index3 threadIdx, blockIdx, blockDim, gridDim;
extern "C" void be_thread(unsigned thread, unsigned block, unsigned threads, unsigned blocks) {
    threadIdx.x = thread; blockIdx.x = block; blockDim.x = threads; gridDim.x = blocks;
}
static int geometry[12];
extern "C" void set_geometry(const int *values) {
    for (int i = 0; i < 12; ++i) geometry[i] = values[i];
}
"""
_HEADERS = {
    "cuda_fp16.h": "typedef _Float16 __half;\n",
    # What the kernels need of complex numbers: the standard header takes longer than they do.
    "cupy/complex.cuh": """
template <class T> struct complex {
    T re, im;
    complex(T re = 0, T im = 0) : re(re), im(im) {}
    template <class U> explicit complex(complex<U> z) : re(z.re), im(z.im) {}
    complex operator*(complex z) const { return {re * z.re - im * z.im, re * z.im + im * z.re}; }
    complex operator+(complex z) const { return {re + z.re, im + z.im}; }
};
""",
}
_BLOCKS, _THREADS = 2, 3


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="deconform-kernels-"))
    for name, text in _HEADERS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@functools.cache
def compiled(source: str) -> ctypes.CDLL:
    """Compile kernels for the host; integers wrap as on a GPU."""
    assert COMPILER is not None
    path = _folder() / f"{hashlib.sha256(source.encode()).hexdigest()}.so"
    flags = ["-std=c++17", "-O0", "-fwrapv", "-shared", "-fPIC", "-Wall", "-Werror"]
    flags += ["-Wno-unused-function", f"-I{_folder()}"]
    done = subprocess.run(
        [COMPILER, *flags, "-x", "c++", "-", "-o", str(path)],
        input=_PRELUDE + source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(path))


def _run(library: ctypes.CDLL, name: str, threads: int, arguments: Sequence[Any]) -> None:
    """Run a kernel in a few threads, last one first: no result may depend on their order."""
    passed = [_passed(argument) for argument in arguments]
    blocks, of_block = (_BLOCKS, _THREADS) if threads > 1 else (1, 1)
    for block in reversed(range(blocks)):
        for thread in reversed(range(of_block)):
            library.be_thread(thread, block, of_block, blocks)
            getattr(library, name)(*passed)


def _passed(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous
        return ctypes.c_void_p(argument.ctypes.data)
    assert isinstance(argument, np.integer), f"a kernel cannot take {argument!r}"
    return {4: ctypes.c_int32, 8: ctypes.c_int64}[argument.itemsize](int(argument))


def launch(name: str, variant: cuda.Variant, threads: int, arguments: Sequence[Any]) -> None:
    """Run a kernel whose geometry is in variables, so that few libraries are enough."""
    source = variant.source
    for place, (name_of, value) in enumerate(variant.constants.items()):
        constant, variable = (
            f"#define {name_of} {what}\n" for what in (value, f"geometry[{place}]")
        )
        assert constant in source
        source = source.replace(constant, variable)
    library = compiled(source)
    library.set_geometry((ctypes.c_int * 12)(*variant.constants.values()))
    _run(library, name, threads, arguments)


@contextmanager
def _same_precision(_math: str, _dtype: object) -> Iterator[None]:
    yield


device = cuda.Device(np, launch, _same_precision)


def on_host(data: Data, options: Mapping[str, Any]) -> Outputs:
    """Call :mod:`impl.cuda` in both directions."""
    x, w = data["x"], data["w"]
    geometry = Geometry.of(x, w, **options)
    y = cuda.forward(device, geometry, x, w, data.get("b"), "ieee")
    return (y, *cuda.backward(device, geometry, data["dy"], x, w, "ieee"))


class Array(np.ndarray[Any, Any]):
    """An array that knows its device."""

    __module__ = "cupy"

    number = 0

    @property
    def device(self) -> Any:
        return types.SimpleNamespace(id=self.number)

    def __array_finalize__(self, source: Any) -> None:
        self.number = getattr(source, "number", 0)


class RawKernel:
    """A kernel compiled from the same text as in CuPy."""

    def __init__(self, source: str, name: str, options: Sequence[str] = ()) -> None:
        assert list(options) == ["-std=c++17"]
        self._library, self._name = compiled(source), name

    def __call__(self, grid: Sequence[int], block: Sequence[int], args: Sequence[Any]) -> None:
        _run(self._library, self._name, grid[0] * block[0], args)


class Cupy(types.ModuleType):
    """A module ``cupy`` with everything that ``impl.cuda`` uses, on NumPy arrays.

    ``modes`` lists the math modes that cuBLAS was set to, ``current`` the devices that became
    current.
    """

    def __init__(self) -> None:
        super().__init__("cupy")
        self.ndarray, self.RawKernel = Array, RawKernel
        self.modes: list[int] = []
        self.current: list[int] = []
        self._mode = 7
        for name in ("asarray", "ascontiguousarray", "empty", "zeros"):
            setattr(self, name, functools.partial(_viewed, getattr(np, name)))
        self.cuda = types.SimpleNamespace(
            Device=self._device,
            cublas=types.SimpleNamespace(
                getMathMode=lambda _handle: self._mode, setMathMode=self._set_mode
            ),
            device=types.SimpleNamespace(get_cublas_handle=lambda: 1),
        )

    def _set_mode(self, _handle: int, mode: int) -> None:
        self._mode = mode
        self.modes.append(mode)

    @contextmanager
    def _device(self, number: int) -> Iterator[None]:
        self.current.append(number)
        yield


def _viewed(function: Any, *arguments: Any, **options: Any) -> Array:
    array: Array = function(*arguments, **options).view(Array)
    return array


def install(monkeypatch: pytest.MonkeyPatch) -> Cupy:
    """Make ``import cupy`` return the fake until the test ends."""
    module = Cupy()
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setitem(sys.modules, "cupy.cuda", module.cuda)
    cuda.compiled.cache_clear()
    return module
