"""Changes that no test can notice, by module and by the line that they write, with the reason."""

from __future__ import annotations

from typing import Final

EQUIVALENT: Final[dict[str, dict[str, str]]] = {
    "impl/fast.py": {
        "y[...] = 0 if b is None else b.reshape(-(2), *(1,) * (y.ndim - 2))": (
            "NumPy takes any negative number for -1"
        ),
        "return dx, dw.astype(dtype, copy=(True)), db.astype(dtype, copy=False)": (
            "a copy has the same numbers"
        ),
        "return dx, dw.astype(dtype, copy=False), db.astype(dtype, copy=(True))": (
            "a copy has the same numbers"
        ),
        "bytes_of_one = max(x[:, (-1)].size, y[0].size) * problem.dtype.itemsize": (
            "all entries are of one size"
        ),
        "bytes_of_one = max(x[:, 0].size, y[(-1)].size) * problem.dtype.itemsize": (
            "all entries are of one size"
        ),
        "most = max((2), BLOCK // bytes_of_one)": "two entries are too few to be moved, as one is",
        "flat = array.reshape(-(2))": "NumPy takes any negative number for -1",
    },
}
