"""A transposed convolution in NumPy: replace the two functions by what you want to have tested.

deconform calls them with NumPy arrays: x (n, c_in, *size), w (c_in, c_out // groups, *kernel) and
b (c_out,), or None.  The output is first as large as it can be; `crop` then removes so many
elements at the begin and the end of each axis, and adds some where it is negative.
"""

import numpy as np


def conv_transpose(x, w, b, *, stride, dilation, crop, groups):
    """Return y (n, c_out, *out_size): each element of x, times the kernel, added up."""
    out_size = out_size_of(x, w, stride, dilation, crop, groups)
    y = np.zeros((len(x), groups, w.shape[1], *out_size), wide(x))
    for tap, xs, ys in meetings(x.shape[2:], w.shape[2:], out_size, stride, dilation, crop):
        y[ys] += np.einsum("ngi...,gio->ngo...", split(x, groups)[xs], by_group(w, groups)[tap])
    y = y.reshape(len(x), groups * w.shape[1], *out_size)
    if b is not None:
        y += b.reshape(-1, *[1] * len(out_size))
    return y.astype(x.dtype)


def conv_transpose_vjp(dy, x, w, *, stride, dilation, crop, groups):
    """Return the gradients of sum(y * dy): dx, dw and db, of the shapes of x, w and b."""
    out_size = out_size_of(x, w, stride, dilation, crop, groups)
    x_, w_, dy_ = split(x, groups), by_group(w, groups), split(dy, groups)
    dx, dw = np.zeros(x_.shape, wide(x)), np.zeros(w_.shape, wide(x))
    axes = "xyz"[: x.ndim - 2]
    for tap, xs, ys in meetings(x.shape[2:], w.shape[2:], out_size, stride, dilation, crop):
        dx[xs] += np.einsum("ngo...,gio->ngi...", dy_[ys], w_[tap])
        dw[tap] += np.einsum(f"ngi{axes},ngo{axes}->gio", x_[xs], dy_[ys])
    db = dy.sum((0, *range(2, dy.ndim)), dtype=wide(x))
    gradients = dx.reshape(x.shape), dw.reshape(w.shape), db
    return tuple(each.astype(x.dtype) for each in gradients)


def out_size_of(x, w, stride, dilation, crop, groups):
    """Return the size of y; refuse what is no transposed convolution."""
    if min(*stride, *dilation, *w.shape[2:], groups) < 1:
        raise ValueError("stride, dilation, kernel and groups must be positive")
    if x.shape[1] != w.shape[0] or x.shape[1] % groups:
        raise ValueError(f"{x.shape[1]} channels do not fit weights {w.shape} and {groups} groups")
    axes = zip(x.shape[2:], w.shape[2:], stride, dilation, crop)
    size = [(n - 1) * s + d * (k - 1) + 1 - begin - end for n, k, s, d, (begin, end) in axes]
    if min(size) < 0:
        raise ValueError(f"the output would have the negative size {size}")
    return size


def meetings(in_size, kernel, out_size, stride, dilation, crop):
    """Yield each element of a kernel with the slices of x and y that meet in it."""
    for tap in np.ndindex(*kernel):
        xs, ys = [...], [...]
        for n, out, k, s, d, (begin, _) in zip(in_size, out_size, tap, stride, dilation, crop):
            shift = k * d - begin  # Element i of x goes to i * s + shift of y, if that exists.
            first, last = max(0, -(shift // s)), min(n, (out - 1 - shift) // s + 1)
            xs.append(slice(first, max(first, last)))
            ys.append(slice(first * s + shift, max(first, last) * s + shift, s))
        yield (..., *tap), tuple(xs), tuple(ys)


def split(x, groups):
    """Give the groups an axis of their own: (n, groups, channels, *size)."""
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])


def by_group(w, groups):
    """Give the groups an axis of their own: (groups, c_in, c_out, *kernel)."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])


def wide(x):
    """Return the type to add up in: half precision is too short."""
    return np.promote_types(x.dtype, np.float32)
