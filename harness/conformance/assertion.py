"""The pass rule as a function: ``harness.assert_conforms``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from harness.conformance.judge import PRECISIONS, judge_array, terms, wider
from harness.core.errors import InputError
from harness.core.operators import Crop, Operator, PerAxis
from harness.records.measurement import multiply_adds
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect_of
from impl.geometry import Array, Geometry

_OUTPUTS: Final = ("y", "dx", "dw", "db")
# Beyond so many multiply-adds the definition takes seconds, and ``impl`` computes what is expected.
_MANY: Final = 2**28


class ConformanceInputError(InputError):
    """What ``assert_conforms`` is given cannot be compared."""


def assert_conforms(
    got: Any,
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: PerAxis = 1,
    dilation: PerAxis = 1,
    crop: Crop = 0,
    groups: int = 1,
    dy: Any = None,
    accumulate: str | None = None,
) -> None:
    """Hold outputs against the definition; see :func:`harness.assert_conforms`."""
    __tracebackhide__ = True
    outputs = named_outputs(got)
    given = {"x": x, "w": w, "b": b, "dy": dy}
    arrays = {name: to_numpy(name, array) for name, array in given.items() if array is not None}
    dtype = arrays["x"].dtype
    for name, one in arrays.items():
        if one.dtype not in PRECISIONS or one.dtype != dtype:
            asked = ", ".join(PRECISIONS)
            raise ConformanceInputError(
                f"{name} is {one.dtype}, and x {dtype}: give one of {asked}."
            )
        if not np.all(np.isfinite(one.values)):
            raise ConformanceInputError(f"{name} is not finite.")
    if accumulate is not None and accumulate not in PRECISIONS:
        raise ConformanceInputError(
            f"accumulate {accumulate!r} is none of {', '.join(PRECISIONS)}."
        )
    if "dy" not in arrays and outputs.keys() - {"y"}:
        raise ConformanceInputError("there are gradients to compare: give dy too.")
    data = {name: one.values for name, one in arrays.items()}
    geometry = Geometry.of(data["x"], data["w"], stride, dilation, crop, groups)
    geometry.check_bias(data.get("b"))
    if "dy" in data:
        geometry.check_cotangent(data["dy"], len(data["x"]))
    operator = Operator.of(
        len(data["w"]),
        geometry.out_channels,
        geometry.kernel,
        stride=stride,
        dilation=dilation,
        crop=crop,
        groups=groups,
        bias="b" in data or "db" in outputs,
    )
    in_size = data["x"].shape[2:]
    case = Case("", "", operator, len(data["x"]), in_size, dtype, "random")
    bits = min(PRECISIONS[dtype], PRECISIONS[accumulate or wider("float32", dtype)])
    if _is_exact(case, data, outputs, bits):
        case = replace(case, fill="integer")
    is_large = multiply_adds(operator, case.batch, in_size) > _MANY
    about = f"{operator.descriptor}, x {data['x'].shape}, {dtype}"
    assert_outputs(outputs, case, expect_of(case, data, fast=is_large), accumulate, about)


def assert_outputs(
    outputs: Mapping[str, Any],
    case: Case,
    expected: Expected,
    accumulate: str | None,
    about: str,
) -> None:
    """Hold outputs by name against what is expected; raise ``AssertionError`` in our words."""
    __tracebackhide__ = True
    wrong = []
    for name, output in outputs.items():
        try:
            got = to_numpy(name, output)
        except ConformanceInputError as error:
            wrong.append(str(error))
            continue
        verdict = judge_array(
            case, expected, name, got.values, dtype=got.dtype, accumulate=accumulate or ""
        )
        if verdict.status != Status.PASSED:
            wrong.append(str(verdict.reason))
            wrong += [f"equals the mutant: {verdict.diagnosis}"] if verdict.diagnosis else []
    if wrong:
        raise AssertionError("\n".join([*dict.fromkeys(wrong), about]))


@dataclass(frozen=True)
class Values:
    """An array's values as NumPy has them, and the type that it has itself."""

    values: Array
    dtype: str


def to_numpy(name: str, array: Any) -> Values:
    """Read an array of any library.

    Raises
    ------
    ConformanceInputError
        If it is none.
    """
    for method in ("detach", "cpu"):  # PyTorch's, which converts nothing that is elsewhere
        array = getattr(array, method, lambda array=array: array)()
    dtype = re.sub(r".*\W(\w+)\W*", r"\1", str(getattr(array, "dtype", "")))
    if dtype == "bfloat16" and hasattr(array, "float"):
        array = array.float()
    values = _converted(array)
    if values is None:
        raise ConformanceInputError(
            f"{name} is of type {type(array).__name__}: no array of numbers."
        )
    if values.dtype.name == "bfloat16":  # Of the package ml_dtypes
        values, dtype = values.astype(np.float32), "bfloat16"
    return Values(values, dtype if dtype == "bfloat16" else values.dtype.name)


def _converted(array: Any) -> Array | None:
    """Convert by the first way that works: NumPy's, DLPack, or a method of the array's own."""
    ways = (
        np.asarray,
        np.from_dlpack,
        lambda array: array.get(),  # CuPy
        lambda array: array.numpy(),
        lambda array: array.asnumpy(),  # MXNet
    )
    for way in ways:
        try:
            values = np.asarray(way(array))
        except Exception:  # noqa: BLE001, S112 -- each library refuses in its own way
            continue
        if values.dtype.kind in "fiub" or values.dtype.name == "bfloat16":
            return values
    return None


def named_outputs(got: Any) -> dict[str, Any]:
    """Return outputs by name, without those that there are not."""
    outputs = dict(got) if isinstance(got, Mapping) else {"y": got}
    if unknown := [name for name in outputs if name not in _OUTPUTS]:
        raise ConformanceInputError(f"there is no output {unknown[0]!r}: {', '.join(_OUTPUTS)}.")
    outputs = {name: output for name, output in outputs.items() if output is not None}
    if not outputs:
        raise ConformanceInputError("there is nothing to compare.")
    return outputs


def _is_exact(case: Case, data: Mapping[str, Array], names: Iterable[str], bits: int) -> bool:
    """Whether the data is integers so small that no order of adding them up makes a difference."""
    if not all(np.array_equal(array, np.rint(array)) for array in data.values()):
        return False
    most = {name: float(np.abs(array).max(initial=0)) for name, array in data.items()}
    largest = {
        "y": most["x"] * most["w"] * terms(case, "y") + most.get("b", 0),
        **{
            name: most[one] * most[other] * terms(case, name)
            for name, one, other in (("dx", "dy", "w"), ("dw", "x", "dy"))
            if "dy" in most
        },
        "db": most.get("dy", 0) * terms(case, "db"),
    }
    return all(largest[name] <= 2**bits for name in names)
