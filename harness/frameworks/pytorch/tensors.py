"""The shapes of PyTorch's tensors in the structure of a pickle."""

from __future__ import annotations

from typing import Any, Final

from harness.convention.layers import array_of
from harness.core.operators import Sizes
from harness.core.pickles import Made
from harness.syntax.tree import Call

_PARAMETERS: Final = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
}
_TENSORS: Final = {f"torch._utils._rebuild_tensor{version}" for version in ("", "_v2", "_v3")}
_QUANTISED: Final = "torch._utils._rebuild_qtensor"
_MOST_AXES: Final = 8


def shape_of_tensor(value: Any, depth: int = 0) -> Sizes | None:
    """Return the shape of the tensor that a call of PyTorch's own functions makes, if it does."""
    if not isinstance(value, Made) or depth > 3:
        return None
    name, arguments = value.by.name, value.arguments
    if name in _PARAMETERS and arguments:
        return shape_of_tensor(arguments[0], depth + 1)
    if name == "torch._tensor._rebuild_from_type_v2" and len(arguments) > 2:
        inner = arguments[2] if isinstance(arguments[2], tuple) else ()
        return shape_of_tensor(Made(arguments[0], inner), depth + 1)
    if name not in {*_TENSORS, _QUANTISED} or len(arguments) < 3:
        return None
    shape = arguments[2]
    if not isinstance(shape, tuple) or len(shape) > _MOST_AXES:
        return None
    return shape if all(type(size) is int for size in shape) else None


def bias_of(value: Any) -> Call | None:
    """Return what stands for a bias in a call: an array, or none."""
    if value is None:
        return None
    shape = shape_of_tensor(value)
    return array_of(shape if shape and min(shape) > 0 else (1,))
