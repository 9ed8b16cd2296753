"""Name what a wrong output of an implementation gives away, besides the mutants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.conformance.judge import any_bits
from harness.records.measurement import multiply_adds
from harness.suite.case import SIGNIFICANT_BITS, Case
from harness.suite.expectations import Expected, computed

# Narrower formats with their significant bits; tf32 has as many as float16.
_NARROW: Final = {"bfloat16": 8, "float16": 11, "float32": 24}
_LARGEST_HALF: Final = 65504
_MOST_WORK: Final = 2**26  # Multiply-adds that the definition does in about a second

Array = npt.NDArray[Any]


def is_comparable(case: Case, expected: Expected, name: str, got: Array) -> bool:
    """Whether an output has the right shape and dtype, and any elements."""
    want = expected.outputs[name]
    return got.shape == want.shape and got.dtype == case.dtype and bool(got.size)


@any_bits()
def copied(got: Array, earlier: Iterable[Array]) -> str | None:
    """Say where a wrong output comes from, unless from its inputs.

    ``earlier`` are the right outputs of earlier calls, latest first.
    """
    return _unwritten(got) or _repeated(got, earlier)


@any_bits()
def lacking(case: Case, expected: Expected, name: str, got: Array) -> str | None:
    """Say what a wrong output lacks."""
    want = expected.outputs[name]
    if want.any() and not got.any():
        return "returns zeros"
    return _in_part(got, want) if case.fill != "random" else None


@any_bits()
def narrow(case: Case, expected: Expected, name: str, got: Array) -> str | None:
    """Say that a wrong output was computed in a narrower format, if it was."""
    if multiply_adds(case.operator, case.batch, case.in_size) > _MOST_WORK:
        return None
    return next(_narrow(case, expected, name, got), None)


@any_bits()
def foreign(case: Case, expected: Expected, name: str, got: Array) -> str | None:
    """Say that a wrong output is not even made of the integers that it was given."""
    if case.fill == "random":
        return None
    magnitudes = {key: np.abs(array) for key, array in expected.data.items()}
    largest = max(float(np.abs(array).max(initial=0)) for array in expected.data.values())
    most = computed(case, magnitudes)[name].max(initial=0) + largest
    is_made = np.all((np.rint(got) == got) & (np.abs(got) <= most))
    return None if is_made else "holds what is no sum of products of its inputs"


def _unwritten(got: Array) -> str | None:
    """Recognise memory as the guard leaves it: every bit set, which no arithmetic gives."""
    count = int(np.count_nonzero(got.view(f"u{got.itemsize}") == 2 ** (8 * got.itemsize) - 1))
    if not count:
        return None
    if count == got.size:
        return "returns memory that nobody wrote"
    return f"takes {count} of {got.size} elements from memory that nobody wrote"


def _repeated(got: Array, earlier: Iterable[Array]) -> str | None:
    if got.size > 1 and got.any():
        for age, output in enumerate(earlier):
            if np.array_equal(got, output):
                return f"returns {'an earlier' if age else 'the previous'} call's output"
    return None


def _in_part(got: Array, want: Array) -> str | None:
    wrong = got != want
    right = int(np.count_nonzero(~wrong & (want != 0)))
    if np.any(got[wrong]) or 4 * right < got.size or np.count_nonzero(wrong) < 2:
        return None
    return f"computes a part only, and leaves {np.count_nonzero(wrong)} of {got.size} elements 0"


def _narrow(case: Case, expected: Expected, name: str, got: Array) -> Iterator[str]:
    """Recognise a result of fewer significant bits than the dtype has."""
    want = expected.outputs[name]
    wide = {key: array.astype(np.float64) for key, array in expected.data.items()}
    for title, bits in _NARROW.items():
        if bits >= SIGNIFICANT_BITS[case.dtype]:
            return
        coarse = {key: _rounded(array, bits) for key, array in wide.items()}
        if np.array_equal(computed(case, coarse)[name], got):
            yield f"rounds its inputs as in {title}" + " or tf32" * (bits == 11)
        elif _is_narrow(case, want, name, got, wide, bits):
            yield f"computes in {title}"


def _is_narrow(
    case: Case, want: Array, name: str, got: Array, wide: Mapping[str, Array], bits: int
) -> bool:
    """Whether all elements have that many bits, and the wrong ones are near and had more."""
    bound = computed(case, {key: np.abs(array) for key, array in wide.items()})[name]
    is_lost = ~np.isfinite(got)
    if np.any(is_lost & (bound <= _LARGEST_HALF)) or np.array_equal(_rounded(want, bits), want):
        return False
    there, sums = np.where(is_lost, 0, got).astype(np.float64), math.sqrt(case.terms)
    is_wrong = (got != want) & ~is_lost
    error = np.abs(there - want)[is_wrong]
    return bool(
        np.array_equal(_rounded(there, bits), there)
        and (case.fill == "random" or np.all(bound[is_wrong] > 2**bits))
        and np.all(error <= (2 + 2 * sums) * bound[is_wrong] / 2**bits)
    )


def _rounded(array: Array, bits: int) -> Array:
    mantissa, exponent = np.frexp(array.astype(np.float64))
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits))
