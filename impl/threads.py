"""Threads that parts of a call are dealt to, and the memory that each of them keeps.

NumPy's loops release the interpreter's lock.  So parts that write to places of their own are dealt
to a few threads, as many as NumPy's BLAS has: what is summed, and in which order, does not depend
on who does it.  The threads start with the first call that is worth it, once per process.

Fresh memory costs more than the arithmetic on it, because the system clears each page on its first
use.  So what a part needs for itself lies in memory that its thread keeps from call to call.
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

# Multiplications of a product up to which NumPy's BLAS uses one thread.
# https://github.com/OpenMathLib/OpenBLAS/blob/develop/interface/gemm.c
_ONE_THREAD: Final = 1 << 18
# More would not be quicker, because memory is not, and what they keep is bounded by it.
_MOST_THREADS: Final = 8
# Bytes that a thread keeps of each kind of array; what is larger is made for the call.
_KEPT: Final = 4 << 20


@cache
def thread_count() -> int:
    """As many threads as NumPy's BLAS has, which reads the same variables."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").partition(",")[0]
        if value.isdecimal() and int(value):
            return min(int(value), _MOST_THREADS)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)


def takes_one_thread(multiplications: int) -> bool:
    """Whether NumPy's BLAS makes a product of so many multiplications in one thread."""
    return multiplications <= _ONE_THREAD


def deal(work: Callable[[Part], None], parts: Sequence[Part], *, several: bool) -> None:
    """Do all parts, each once, in one or several threads; raise what one of them raises."""
    left = iter(parts)
    if not several or len(parts) == 1 or thread_count() == 1:
        _do(work, left)
        return
    helping: list[futures.Future[None]] = []
    # None can be had when the interpreter ends; then this thread does everything.
    with suppress(RuntimeError):
        helping.extend(
            _pool().submit(_help, work, left, np.geterr(), np.geterrcall())
            for _ in range(min(thread_count(), len(parts)) - 1)
        )
    try:
        _do(work, left)
    finally:
        # One that has not begun yet, because others keep all threads busy, has nothing left to do.
        begun = [each for each in helping if not each.cancel()]
        futures.wait(begun)
    for each in begun:
        each.result()


def _help(
    work: Callable[[Part], None], left: Iterator[Part], errors: Mapping[str, Any], call: Any
) -> None:
    """Do parts under the error state of the thread that asks for it."""
    with np.errstate(call=call, **errors):
        _do(work, left)


def _do(work: Callable[[Part], None], left: Iterator[Part]) -> None:
    for part in left:
        work(part)


@cache
def _pool() -> futures.ThreadPoolExecutor:
    return futures.ThreadPoolExecutor(max(1, thread_count() - 1), "impl")


if hasattr(os, "register_at_fork"):
    # A child has none of its parent's threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)


class _Kept(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[str, npt.NDArray[np.uint8]] = {}


_kept: Final = _Kept()


def scratch(
    kind: str, shape: tuple[int, ...], dtype: np.dtype[Any], *, zeros: bool = False
) -> npt.NDArray[Any]:
    """Return an array that holds until this thread asks for the same kind again."""
    size = math.prod(shape) * dtype.itemsize
    if size > _KEPT:
        return np.zeros(shape, dtype) if zeros else np.empty(shape, dtype)
    buffer = _kept.buffers.get(kind)
    if buffer is None or buffer.size < size:
        # Powers of two, so that growing sizes do not ask for new memory each time.
        buffer = np.empty(max(4096, 1 << (size - 1).bit_length()), np.uint8)
        _kept.buffers[kind] = buffer
    made: npt.NDArray[Any] = np.ndarray(shape, dtype, buffer)
    if zeros:
        made.fill(0)
    return made
