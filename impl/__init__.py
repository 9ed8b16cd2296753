"""Transposed convolution on arrays: the canonical implementation.

``conv_transpose`` and ``conv_transpose_vjp`` are the functions that other programs call.  NumPy
arrays go to ``impl.fast``: matrix products and, where numba is installed (``compiled_by`` returns
its version), compiled loops.  CuPy arrays go to ``impl.cuda``: cuBLAS and our own kernels.
``impl.reference`` has the same two functions: the definition, slow and obvious, against which both
are tested.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from impl import fast
from impl.direct import compiled_by
from impl.geometry import Array, Crop, PerAxis

__all__ = ["compiled_by", "conv_transpose", "conv_transpose_vjp"]


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
    """Compute the transposed convolution that :func:`impl.reference.conv_transpose` defines.

    Parameters
    ----------
    x : (n, c_in, *in_size) array
        One, two or three spatial axes.  A NumPy array, or CuPy's if all are on one device.
    w : (c_in, c_out // groups, *kernel) array
    b : (c_out,) array, optional
    stride, dilation : int or one int per spatial axis, default 1
    crop : int, or per spatial axis an int or a (begin, end) pair, default 0
        Elements removed from the full output; a negative crop extends it.
    groups : int, default 1

    Returns
    -------
    y : (n, c_out, *out_size) array
        ``out_size = (in_size - 1) * stride + dilation * (kernel - 1) + 1 - begin - end``.
        Integers are exact; half precision and bfloat16, which the package ml_dtypes adds to NumPy,
        are accumulated in single precision and rounded once.

    Raises
    ------
    ValueError
        If shapes disagree, an option is out of range, or an output size would be negative.
    TypeError
        If an option is no integer, an argument is no array, or NumPy and CuPy arrays are mixed.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose(np.array([[[1, 10]]]), np.array([[[1, 2, 3]]]), stride=2)
    array([[[ 1,  2, 13, 20, 30]]])
    """
    y: Array = _implementation(x, w, b).conv_transpose(
        x, w, b, stride=stride, dilation=dilation, crop=crop, groups=groups
    )
    return y


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
    ValueError, TypeError
        As :func:`conv_transpose`, or if ``dy`` does not have the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
    >>> dx, dw, db = conv_transpose_vjp(np.array([[[1, 0, 0, 0, 2]]]), x, w, stride=2)
    >>> dx, dw, db
    (array([[[1, 6]]]), array([[[ 1,  0, 20]]]), array([3]))
    """
    gradients: tuple[Array, Array, Array] = _implementation(dy, x, w).conv_transpose_vjp(
        dy, x, w, stride=stride, dilation=dilation, crop=crop, groups=groups
    )
    return gradients


def _implementation(*arrays: Any) -> ModuleType:
    """Choose the module by the arrays' types, without importing CuPy for NumPy arrays."""
    if any(type(array).__module__.partition(".")[0] == "cupy" for array in arrays):
        from impl import cuda  # noqa: PLC0415 -- only needed with a GPU

        return cuda
    return fast
