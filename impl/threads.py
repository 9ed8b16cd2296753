"""A pool of threads that share the parts of a call, and the scratch memory that each keeps.

NumPy's loops release the interpreter's lock, so parts with disjoint outputs are dealt to a few
threads, as many as NumPy's BLAS has.  What is summed, and in which order, does not depend on which
thread does it.  The threads start once per process, with the first call that is worth it.

Fresh memory costs more than the arithmetic on it, because the system clears each page on first use.
So each thread keeps its temporaries' memory from call to call.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import suppress
from functools import cache
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

Part = TypeVar("Part")

# NumPy's BLAS uses one thread for products of up to this many multiplications.
# https://github.com/OpenMathLib/OpenBLAS/blob/develop/interface/gemm.c
_ONE_THREAD: Final = 1 << 18
# More threads would not be faster, for memory is the limit; this also bounds their scratch memory.
_MOST_THREADS: Final = 8
# Bytes that a thread keeps for each kind of array; larger ones are allocated for each call.
_MOST_KEPT: Final = 4 << 20


@cache
def thread_count() -> int:
    """Return as many threads as NumPy's BLAS has: it reads the same variables."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").partition(",")[0]
        if value.isdecimal() and int(value):
            return min(int(value), _MOST_THREADS)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)


def takes_one_thread(multiplications: int) -> bool:
    """Whether NumPy's BLAS uses one thread for a product of this many multiplications."""
    return multiplications <= _ONE_THREAD


def deal(work: Callable[[Part], None], parts: Sequence[Part], *, several: bool) -> None:
    """Do every part once, in one or several threads; raise what any of them raises."""
    left = iter(parts)
    if not several or len(parts) == 1 or thread_count() == 1:
        _do(work, left)
        return
    helpers: list[futures.Future[None]] = []
    # No thread can start while the interpreter shuts down; then this thread does everything.
    with suppress(RuntimeError):
        helpers.extend(
            _pool().submit(_help, work, left, np.geterr(), np.geterrcall())
            for _ in range(min(thread_count(), len(parts)) - 1)
        )
    try:
        _do(work, left)
    finally:
        # A helper that has not started, because the pool is busy, has nothing left to do.
        started = [helper for helper in helpers if not helper.cancel()]
        futures.wait(started)
    for helper in started:
        helper.result()


def _help(
    work: Callable[[Part], None], left: Iterator[Part], errors: Mapping[str, Any], call: Any
) -> None:
    """Do parts under the calling thread's floating-point error state."""
    with np.errstate(call=call, **errors):
        _do(work, left)


def _do(work: Callable[[Part], None], left: Iterator[Part]) -> None:
    for part in left:
        work(part)


@cache
def _pool() -> futures.ThreadPoolExecutor:
    return futures.ThreadPoolExecutor(max(1, thread_count() - 1), "impl")


if hasattr(os, "register_at_fork"):
    # A forked child has none of its parent's threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.by_kind: dict[str, npt.NDArray[np.uint8]] = {}


_buffers: Final = _Buffers()


def scratch(
    kind: str, shape: tuple[int, ...], dtype: np.dtype[Any], *, zeros: bool = False
) -> npt.NDArray[Any]:
    """Return an array that is valid until this thread asks for the same kind again."""
    size = math.prod(shape) * dtype.itemsize
    if size > _MOST_KEPT:
        return np.zeros(shape, dtype) if zeros else np.empty(shape, dtype)
    buffer = _buffers.by_kind.get(kind)
    if buffer is None or buffer.size < size:
        # Powers of two, so that growing sizes do not ask for new memory each time.
        buffer = np.empty(max(4096, 1 << (size - 1).bit_length()), np.uint8)
        _buffers.by_kind[kind] = buffer
    array: npt.NDArray[Any] = np.ndarray(shape, dtype, buffer)
    if zeros:
        array.fill(0)
    return array
