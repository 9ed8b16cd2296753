"""The definition of transposed convolution, written to be checked by eye.

Every input element is multiplied by the whole kernel and *scattered* into the full output::

    full[n, o, stride * i + dilation * tap]  +=  x[n, c, i] * w[c, o, tap]

for every batch entry ``n``, input channel ``c``, output channel ``o`` of the same group, input
position ``i`` and kernel position ``tap`` (per axis).  Then ``crop = (begin, end)`` elements are
removed from the beginning and the end of each axis; a negative crop extends.  Elements that nothing
reaches hold the bias.  The kernel is not flipped: this is the adjoint of cross-correlation.

The code below does exactly that, one kernel position at a time, for all of ``n, c, o, i`` at once.
It works for any dtype: integers wrap as in NumPy, ``object`` arrays of
:class:`fractions.Fraction` stay exact, and half precision is accumulated in single precision and
rounded once, as accelerators do.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from impl.geometry import Array, Crop, Geometry, PerAxis, accumulator

Index: TypeAlias = tuple[Any, ...]


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
) -> Array:
    """Scatter every input element through the kernel, then crop.

    This is the adjoint of strided cross-correlation; the kernel is not flipped.

    Parameters
    ----------
    x : (n, c_in, *in_size) array
        One, two or three spatial axes; any numeric dtype, or ``object`` for exact arithmetic.
    w : (c_in, c_out // groups, *kernel) array
    b : (c_out,) array, optional
        Added to every output element, including those that no input element reaches.
    stride, dilation : int or one int per spatial axis, default 1
    crop : int, or per spatial axis an int or a (begin, end) pair, default 0
        Elements removed from the full output; a negative crop extends it.
    groups : int, default 1
        Must divide ``c_in`` and ``c_out``; group ``j`` of the inputs feeds group ``j`` of the
        outputs.

    Returns
    -------
    y : (n, c_out, *out_size) array
        ``out_size = (in_size - 1) * stride + dilation * (kernel - 1) + 1 - begin - end``.

    Raises
    ------
    ValueError
        If shapes disagree, an option is out of range, or an output size would be negative.
    TypeError
        If an option is no integer, or an argument is no array.

    References
    ----------
    V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*,
    arXiv:1603.07285, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose(np.array([[[1, 10]]]), np.array([[[1, 2, 3]]]), stride=2)
    array([[[ 1,  2, 13, 20, 30]]])
    >>> conv_transpose(np.array([[[1, 10]]]), np.array([[[1, 2, 3]]]), stride=2, crop=((1, -1),))
    array([[[ 2, 13, 20, 30,  0]]])
    """
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_bias(b)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    x, w = x.astype(accumulator(dtype)), w.astype(accumulator(dtype))
    x_rows, w_blocks = geometry.rows(x), geometry.blocks(w)
    canvas = np.zeros_like(x, shape=(len(x), geometry.out_channels, *geometry.canvas_size))
    for tap in np.ndindex(*geometry.kernel):
        contribution = w_blocks[_at(tap)].swapaxes(-1, -2) @ x_rows
        reached = _at(geometry.reached_through(tap))
        canvas[reached] += contribution.reshape(canvas[reached].shape)
    y = canvas[_at(geometry.kept)]
    if b is not None:
        y = y + b.astype(y.dtype).reshape(-1, *(1,) * geometry.rank)
    return y.astype(dtype)


def conv_transpose_vjp(
    dy: Array,
    x: Array,
    w: Array,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Compute the vector-Jacobian products of :func:`conv_transpose`, as ``backward`` does.

    Parameters
    ----------
    dy : (n, c_out, *out_size) array
        Cotangent of the output.
    x, w, stride, dilation, crop, groups
        As given to :func:`conv_transpose`.

    Returns
    -------
    dx : (n, c_in, *in_size) array
    dw : (c_in, c_out // groups, *kernel) array
    db : (c_out,) array

    Raises
    ------
    ValueError
        As :func:`conv_transpose`, or if ``dy`` does not have the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
    >>> dx, dw, db = conv_transpose_vjp(np.array([[[1, 0, 0, 0, 2]]]), x, w, stride=2)
    >>> dx, dw, db
    (array([[[1, 6]]]), array([[[ 1,  0, 20]]]), array([3]))
    """
    geometry = Geometry.of(x, w, stride, dilation, crop, groups)
    geometry.check_cotangent(dy, len(x))
    dtype = np.result_type(dy, x, w)
    dy, x, w = (array.astype(accumulator(dtype)) for array in (dy, x, w))
    canvas = np.zeros_like(dy, shape=(len(x), geometry.out_channels, *geometry.canvas_size))
    canvas[_at(geometry.kept)] = dy
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    x_rows, w_blocks = geometry.rows(x), geometry.blocks(w)
    for tap in np.ndindex(*geometry.kernel):
        reached = geometry.rows(canvas[_at(geometry.reached_through(tap))])
        dx += (w_blocks[_at(tap)] @ reached).reshape(dx.shape)
        dw[_at(tap)] = (x_rows @ reached.swapaxes(-1, -2)).sum(0).reshape(w.shape[:2])
    db = dy.sum(axis=(0, *range(2, dy.ndim)), dtype=dy.dtype)
    return dx.astype(dtype), dw.astype(dtype), db.astype(dtype)


def _at(spatial: Index) -> Index:
    """Return an index into the last axes."""
    return (..., *spatial)
