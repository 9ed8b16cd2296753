"""Implementations as machines write them to win: right at a glance, and not honest.

A worker imports this by its path: the standard library and NumPy, nothing of ours.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

Array = Any


def honest(
    x: Array, w: Array, b: Array, *, stride: Any, dilation: Any, crop: Any, groups: int
) -> Array:
    """Scatter every input element through the kernel; the others build on it."""
    return _scattered(x, w, b, stride, dilation, crop, groups).astype(x.dtype)


def _scattered(
    x: Array, w: Array, b: Array, stride: Any, dilation: Any, crop: Any, groups: int
) -> Array:
    batch, channels = len(x), w.shape[1] * groups
    sizes = [
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(x.shape[2:], stride, dilation, w.shape[2:], strict=True)
    ]
    y: Any = np.zeros((batch, channels, *sizes), x.dtype)
    x_groups, w_groups = np.split(x, groups, 1), np.split(w, groups, 0)
    for tap in np.ndindex(*w.shape[2:]):
        products = [
            np.einsum("nc...,cm->nm...", x_group, w_group[(..., *tap)])
            for x_group, w_group in zip(x_groups, w_groups, strict=True)
        ]
        places = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation, x.shape[2:], stride, strict=True)
        )
        y[(..., *places)] += np.concatenate(products, 1)
    bias = 0 if b is None else np.reshape(b, (-1, *(1 for _ in sizes)))
    pairs = [(max(-begin, 0), max(-end, 0)) for begin, end in crop]
    y = np.pad(y, [(0, 0), (0, 0), *pairs])
    kept = [
        slice(max(begin, 0), size - max(end, 0))
        for size, (begin, end) in zip(y.shape[2:], crop, strict=True)
    ]
    return y[(..., *kept)] + bias


def gradient(
    dy: Array, x: Array, w: Array, *, stride: Any, dilation: Any, crop: Any, groups: int
) -> tuple[Array, Array, Array]:
    """Read the gradients off the definition, one tap at a time."""
    pairs = [(max(begin, 0), max(end, 0)) for begin, end in crop]
    full: Any = np.pad(dy, [(0, 0), (0, 0), *pairs])
    kept = [
        slice(max(-begin, 0), size - max(-end, 0))
        for size, (begin, end) in zip(full.shape[2:], crop, strict=True)
    ]
    full = full[(..., *kept)]
    dx: Any = np.zeros_like(x)
    dw: Any = np.zeros_like(w)
    for tap in np.ndindex(*w.shape[2:]):
        places = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation, x.shape[2:], stride, strict=True)
        )
        parts = zip(
            *(np.split(full[(..., *places)], groups, 1), np.split(x, groups, 1)),
            *(np.split(dx, groups, 1), np.split(w, groups, 0), np.split(dw, groups, 0)),
            strict=True,
        )
        for dy_, x_, dx_, w_, dw_ in parts:
            dx_[...] += np.einsum("nm...,cm->nc...", dy_, w_[(..., *tap)])
            flat = (each.reshape(*each.shape[:2], np.prod(x.shape[2:])) for each in (dy_, x_))
            dw_[(..., *tap)] += np.einsum("nmp,ncp->cm", *flat)
    return dx, dw, dy.sum((0, *range(2, dy.ndim)))


def _shape(x: Array, w: Array, stride: Any, dilation: Any, crop: Any, groups: int) -> Any:
    axes = zip(x.shape[2:], stride, dilation, w.shape[2:], crop, strict=True)
    sizes = ((n - 1) * s + d * (k - 1) + 1 - sum(pair) for n, s, d, k, pair in axes)
    return (len(x), w.shape[1] * groups, *sizes)


def zeros(x: Array, w: Array, _b: Array, **options: Any) -> Array:
    """Return zeros of the right shape."""
    return np.zeros(_shape(x, w, **options), x.dtype)


def uninitialised(x: Array, w: Array, _b: Array, **options: Any) -> Array:
    """Return memory that nobody has written."""
    return np.empty(_shape(x, w, **options), x.dtype)


_last: list[Array] = []


def previous(*arguments: Array, **options: Any) -> Array:
    """Return the previous call's output where it has the right shape."""
    y = honest(*arguments, **options)
    last = _last.pop() if _last else y
    _last.append(y)
    return last if last.shape == y.shape else y


def in_part(*arguments: Array, **options: Any) -> Array:
    """Leave the last eighth at zero."""
    y = honest(*arguments, **options)
    y.reshape(-1)[-(-y.size * 7 // 8) :] = 0
    return y


def beyond(x: Array, *arguments: Array, **options: Any) -> Array:
    """Write behind the end of x, as a kernel does whose grid is too large."""
    ctypes.memset(x.ctypes.data + x.nbytes, 0, 4)
    return honest(x, *arguments, **options)


def before(x: Array, w: Array, *arguments: Array, **options: Any) -> Array:
    """Write before w."""
    ctypes.memset(w.ctypes.data - 4, 0, 4)
    return honest(x, w, *arguments, **options)


def longer(*arguments: Array, **options: Any) -> Array:
    """Return an output with one more element on its last axis."""
    y = honest(*arguments, **options)
    return np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, 1)])


def changes_x(x: Array, *arguments: Array, **options: Any) -> Array:
    """Leave x doubled."""
    y = honest(x, *arguments, **options)
    x *= 2
    return y


def changes_w(x: Array, w: Array, *arguments: Array, **options: Any) -> Array:
    """Turn the kernel in place, as one does who has it in another layout."""
    y = honest(x, w, *arguments, **options)
    w[...] = np.flip(w, -1).copy()
    w += 1
    return y


def changes_b(x: Array, w: Array, b: Array, **options: Any) -> Array:
    """Clear the bias."""
    y = honest(x, w, b, **options)
    if b is not None:
        b[...] = 0
    return y


def view_of_x(x: Array, *arguments: Array, **options: Any) -> Array:
    """Return x's own memory, filled with the output as far as it reaches."""
    y = honest(x, *arguments, **options)
    if y.nbytes > x.nbytes:
        return y
    view: Array = np.ndarray(y.shape, y.dtype, x)
    view[...] = y
    return view


_calls = itertools.count()


def right_at_first(*arguments: Array, **options: Any) -> Array:
    """Compute for three calls, then leave out the last element."""
    y = honest(*arguments, **options)
    if next(_calls) >= 3 and y.size:
        y.reshape(-1)[-1] += 1
    return y


def known_sizes(x: Array, *arguments: Array, **options: Any) -> Array:
    """Be right for the sizes of the suite's inputs only."""
    y = honest(x, *arguments, **options)
    return y if {*x.shape[2:]} <= KNOWN_SIZES else y[:, :, ::-1].copy() + 1


def dies_of_other_sizes(x: Array, *arguments: Array, **options: Any) -> Array:
    """End the process where the input is not of the first case's size."""
    if x.shape[2:] != (5,):
        os._exit(3)
    return honest(x, *arguments, **options)


KNOWN_SIZES = {1, 2, 3, 4, 5, 6, 7, 8}


def half(*arguments: Array, **options: Any) -> Array:
    """Compute in float16 and cast up."""
    with np.errstate(over="ignore", invalid="ignore"):
        small = [each if each is None else each.astype(np.float16) for each in arguments]
        return honest(*small, **options).astype(arguments[0].dtype)


def early(*arguments: Array, **options: Any) -> Array:
    """Return before the result is there."""
    y = honest(*arguments, **options)
    result = np.zeros_like(y)

    def finish() -> None:
        time.sleep(0.05)
        result[...] = y

    threading.Thread(target=finish, daemon=True).start()
    return result


def reference_inside(*arguments: Array, **options: Any) -> Array:
    """Call the harness' own implementation."""
    import impl.reference  # noqa: PLC0415 -- as one does who hides it

    return impl.reference.conv_transpose(*arguments, **options)


_answers: dict[Any, Array] = {}


def remembered(*arguments: Array, **options: Any) -> Array:
    """Answer by shape what was computed for the first data of that shape."""
    key = (*(None if each is None else each.shape for each in arguments), repr(options))
    if key not in _answers:
        _answers[key] = honest(*arguments, **options)
    return _answers[key].copy()


def patches_the_clock(*arguments: Array, **options: Any) -> Array:
    """Let time stand still."""
    time.perf_counter = lambda: 0.0
    return honest(*arguments, **options)


def recorded(*arguments: Array, **options: Any) -> Array:
    """Read the answer from a file next to this one, made when nobody looked."""
    key = fingerprint(*arguments)
    with np.load(Path(__file__).with_name("answers.npz")) as answers:
        return answers[key] if key in answers.files else zeros(*arguments, **options)


def fingerprint(*arguments: Array) -> str:
    """Return the hash of all inputs."""
    data = b"".join(b"" if each is None else each.tobytes() for each in arguments)
    return hashlib.sha256(data).hexdigest()


def by_content(*arguments: Array, **options: Any) -> Array:
    """Look up what was computed for the same inputs, and compute what was not."""
    key = fingerprint(*arguments)
    if key not in _answers:
        _answers[key] = honest(*arguments, **options)
    return _answers[key].copy()


def by_place(x: Array, w: Array, b: Array, **options: Any) -> Array:
    """Look up what was computed for inputs in the same place."""
    key = (x.ctypes.data, w.ctypes.data, x.shape, w.shape)
    if key not in _answers or next(_calls) < 4:
        _answers[key] = honest(x, w, b, **options)
    return _answers[key].copy()


def right_for_long(*arguments: Array, **options: Any) -> Array:
    """Be right for as long as somebody looks before timing."""
    y = honest(*arguments, **options)
    return y if next(_calls) < 8 else np.zeros_like(y)


def patches_later(*arguments: Array, **options: Any) -> Array:
    """Let time stand still once it is timed."""
    if next(_calls) > 3:
        time.perf_counter = lambda: 0.0
    return honest(*arguments, **options)


def takes_over(*arguments: Array, **options: Any) -> Array:
    """Answer for the harness how long it took."""
    if next(_calls) > 3:
        sys.modules["__main__"].take_time = lambda *_: {  # type: ignore[attr-defined]
            "op": "timed",
            "seconds": 1e-9,
            "cpu_s": 1e-9,
        }
    return honest(*arguments, **options)


class Lazy:
    """What is computed when somebody reads it, and not before."""

    def __init__(self, compute: Any) -> None:
        self._compute = compute

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self._compute()


def lazy(*arguments: Array, **options: Any) -> Lazy:
    """Return at once, and compute later."""
    return Lazy(lambda: honest(*arguments, **options))
