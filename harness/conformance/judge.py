"""Compare an outcome with the reference: a status and a reason, never a bare bool.

Integer data is compared for equality.  Random data follows the dot-product rule of the TOSA
conformance tests (https://www.mlplatform.org/tosa/tosa_spec.html, "Floating-point accuracy of
dot products"): with ``ref`` and ``bnd`` the operator in float64 on the data and on its magnitudes,
and ``err = (got - ref) / (bnd * eps)``, bounds on every ``|err|``, on its mean square and on its
sum follow from the number of terms of a sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.engines.job import (
    MISBEHAVIOUR,
    REFUSED,
    Arrays,
    Crashed,
    Failure,
    Outcome,
    Raised,
    TimedOut,
)
from harness.records.check import Check
from harness.records.record import Verdict
from harness.records.status import Status
from harness.suite.case import SIGNIFICANT_BITS, Case
from harness.suite.expectations import Expected
from harness.suite.mutants import MUTANTS

# The significant bits of each type, and the least number that has them all.
PRECISIONS: Final = SIGNIFICANT_BITS
_LEAST_NORMAL: Final = {
    "bfloat16": 2.0**-126,
    **{name: float(np.finfo(name).tiny) for name in ("float16", "float32", "float64")},
}
# These exceptions mean that our text is wrong, not that a configuration was refused.
_OUR_FAULT: Final = (
    *("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "MemoryError"),
)


def judge(
    case: Case,
    expected: Expected,
    check: str,
    outcome: Outcome,
    says: str | None = None,
    *,
    promised: bool = False,
) -> Verdict:
    """Judge an engine's outcome on one check.

    ``says`` is a part of the message that must refuse a rejected case.  An implementation has
    ``promised`` every case that it is given: refusing one is a failure, and so is what it must not
    do, whatever it computes.
    """
    verdict = _judged(case, expected, check, outcome, says, promised=promised)
    if not isinstance(outcome, Arrays) or not outcome.misbehaviour:
        return verdict
    reason = "; ".join(filter(None, (outcome.misbehaviour, verdict.reason)))
    return replace(verdict, status=Status.FAILED, reason=reason)


def _judged(
    case: Case,
    expected: Expected,
    check: str,
    outcome: Outcome,
    says: str | None,
    *,
    promised: bool,
) -> Verdict:
    if isinstance(outcome, Raised) and outcome.kind == MISBEHAVIOUR:
        return judge_failure(outcome)
    if check == Check.REFUSAL and isinstance(outcome, Raised | Arrays):
        return _judge_refusal(outcome, says)
    if promised and isinstance(outcome, Raised) and outcome.section != "setup":
        kind = "" if outcome.kind == REFUSED else f"{outcome.kind}: "
        return Verdict(Status.FAILED, f"claimed, and refused: {kind}{outcome.message}")
    if not isinstance(outcome, Arrays):
        return judge_failure(outcome)
    name = Check(check).output
    got = outcome.outputs[name]
    if check == Check.SHAPE and got.shape == expected.outputs[name].shape:
        return Verdict(Status.PASSED)
    verdict = judge_array(case, expected, name, got)
    if (verdict.status, check) == (Status.PASSED, Check.VALUE) and expected.mistrust is not None:
        return Verdict(Status.MISTRUSTED, expected.mistrust)
    return verdict


@contextmanager
def any_bits() -> Iterator[None]:
    """Compute with outputs that may be any bits, without a warning; also a decorator.

    Memory that nobody wrote holds signalling NaNs, whose mere comparison is an invalid operation,
    and numbers that overflow once they are squared.
    """
    with np.errstate(all="ignore"):
        yield


@any_bits()
def judge_array(
    case: Case,
    expected: Expected,
    name: str,
    got: npt.NDArray[Any],
    *,
    dtype: str = "",
    accumulate: str = "",
) -> Verdict:
    """Judge an output.

    ``dtype`` is its type, where that is none of NumPy's; ``accumulate`` the type of its sums, where
    that is neither single precision nor the wider one that it has itself.
    """
    want = expected.outputs[name]
    accumulate = accumulate or wider("float32", case.dtype)
    if got.shape != want.shape:
        reason = f"{name} has shape {got.shape}, expected {want.shape}"
        return Verdict(Status.FAILED, reason, _diagnosis(case, expected, name, got, accumulate))
    if (found := dtype or str(got.dtype)) != case.dtype:
        return Verdict(Status.FAILED, f"{name} is {found}, expected {case.dtype}")
    if case.fill == "random":
        return _judge_by_bounds(case, expected, name, got, accumulate)
    if np.array_equal(got, want):
        return Verdict(Status.PASSED)
    reason, evidence = _difference(name, got, want)
    diagnosis = _diagnosis(case, expected, name, got, accumulate)
    return Verdict(Status.FAILED, reason, diagnosis, evidence)


def wider(one: str, other: str) -> str:
    """Return the type that has more significant bits.

    >>> wider("float32", "float16"), wider("float32", "float64")
    ('float32', 'float64')
    """
    return max(one, other, key=PRECISIONS.__getitem__)


def judge_failure(outcome: Failure) -> Verdict:
    """Judge an outcome without arrays."""
    if isinstance(outcome, Crashed):
        return Verdict(Status.CRASHED, outcome.reason)
    if isinstance(outcome, TimedOut):
        reason = f"no answer within {outcome.seconds:g} s"
        if outcome.in_a_row:
            reason = f"not run: {outcome.in_a_row} times in a row there was {reason}"
        return Verdict(Status.TIMEDOUT, reason)
    if outcome.kind == MISBEHAVIOUR:
        return Verdict(Status.FAILED, outcome.message)
    return Verdict(Status.ERRORED, _describe(outcome))


def _judge_refusal(outcome: Arrays | Raised, says: str | None) -> Verdict:
    if isinstance(outcome, Arrays):
        shape = outcome.outputs["y"].shape
        return Verdict(Status.FAILED, f"accepted, although it is illegal: y has shape {shape}")
    if outcome.section == "setup" or outcome.kind in _OUR_FAULT:
        return Verdict(Status.ERRORED, _describe(outcome))
    if says is not None and says not in outcome.message:
        return Verdict(Status.FAILED, f"refused, but not with {says!r}: {_describe(outcome)}")
    return Verdict(Status.PASSED, evidence={"said": _describe(outcome)})


def _describe(raised: Raised) -> str:
    if raised.kind == REFUSED:
        return f"refused: {raised.message}"
    return f"{raised.section} raised {raised.kind}: {raised.message}"


def _difference(
    name: str, got: npt.NDArray[Any], want: npt.NDArray[Any]
) -> tuple[str, dict[str, Any]]:
    wrong = got != want
    count, first = int(np.count_nonzero(wrong)), tuple(int(i) for i in np.argwhere(wrong)[0])
    reason = (
        f"{name}: {count} of {wrong.size} elements differ; first "
        f"{name}[{', '.join(map(str, first))}] is {apart(got[first], want[first])}"
    )
    return reason, {"differing": count, "of": wrong.size, "first": first}


def apart(got: Any, want: Any) -> str:
    """Write two elements that differ with as many digits as tell them apart.

    >>> apart(np.float32(46), np.float32(47)), apart(np.float32(47.000004), np.float32(47))
    ('46, expected 47', '47.000004, expected 47.0')
    """
    texts = [f"{value:g}" for value in (got, want)]
    return ", expected ".join(texts if texts[0] != texts[1] else map(str, (got, want)))


def _judge_by_bounds(
    case: Case, expected: Expected, name: str, got: npt.NDArray[Any], accumulate: str
) -> Verdict:
    reference, bound = expected.outputs[name], expected.bounds[name]
    if np.any(got[bound == 0] != 0):
        return Verdict(Status.FAILED, f"{name}: not 0 where nothing contributes")
    if not got.size:
        return Verdict(Status.PASSED)
    if not np.all(np.isfinite(got)):
        return Verdict(Status.FAILED, f"{name}: not finite")
    figures = _figures(case, name, got, reference, bound, accumulate)
    evidence = {key: {"got": got, "limit": limit} for key, (got, limit) in figures.items()}
    for key, (figure, limit) in figures.items():
        if figure > limit:
            reason = f"{name}: {key} is {figure:.3g} units in the last place, limit {limit:.3g}"
            diagnosis = _diagnosis(case, expected, name, got, accumulate)
            return Verdict(Status.FAILED, reason, diagnosis, evidence)
    return Verdict(Status.PASSED, evidence=evidence)


def _figures(
    case: Case,
    name: str,
    got: npt.NDArray[Any],
    reference: npt.NDArray[Any],
    bound: npt.NDArray[Any],
    accumulate: str,
) -> dict[str, tuple[float, float]]:
    """Return what the error amounts to, and the limits that it has to keep."""
    scale = _scale(case, bound, accumulate)
    error = np.where(bound == 0, 0.0, (got.astype(np.float64) - reference) / scale)
    most = _accumulated(case, name, accumulate)
    return {
        "max |err|": (float(np.abs(error).max()), float(most)),
        "mean err^2": (float(np.mean(error**2)), 0.4 * most),
        "|sum err|": (float(abs(error.sum())), 2 * math.sqrt(most * error.size)),
    }


def _scale(case: Case, bound: npt.NDArray[Any], accumulate: str) -> npt.NDArray[np.floating[Any]]:
    """Return the unit in which each element's error is counted."""
    # Where sums have less precision than the output, theirs is what counts.
    unit = 2.0 ** (1 - min(PRECISIONS[case.dtype], PRECISIONS[accumulate]))
    return np.maximum(bound * unit, _LEAST_NORMAL[case.dtype])


def allowance(case: Case, name: str, bound: npt.NDArray[Any]) -> npt.NDArray[np.floating[Any]]:
    """Return how far each element of an output of random data may be from the reference.

    ``bound`` is the output of the data's magnitudes.
    """
    accumulate = wider("float32", case.dtype)
    return _scale(case, bound, accumulate) * _accumulated(case, name, accumulate)


def _accumulated(case: Case, name: str, accumulate: str) -> int:
    """Count the terms of one sum; an accumulator wider than the dtype makes some harmless."""
    # Half precision is accumulated in single: TOSA's KSB.
    spare = PRECISIONS[accumulate] - PRECISIONS[case.dtype]
    return math.ceil(terms(case, name) / 2 ** (max(spare, 0) / 2)) + 1


def terms(case: Case, name: str) -> int:
    """Count the products that one element of an output adds up, at most."""
    operator = case.operator
    taps = math.prod(operator.kernel)
    return {
        "y": operator.in_channels // operator.groups * taps,
        "dx": operator.out_channels // operator.groups * taps,
        "dw": case.batch * math.prod(case.in_size),
        "db": case.batch * math.prod(operator.out_size(case.in_size)),
    }[name]


def _diagnosis(
    case: Case, expected: Expected, name: str, got: npt.NDArray[Any], accumulate: str
) -> str | None:
    """Return the names of the mutants that a wrong output equals, of equal ones the first's."""
    names: dict[object, str] = {}
    data = expected.data
    if case.fill == "random":
        data = {name: array.astype(np.float64) for name, array in data.items()}
    magnitudes = {name: np.abs(array) for name, array in data.items()}
    for mutant in MUTANTS if got.size else ():
        wrong = mutant.output(name, case.operator, data, got.shape)
        if wrong is None or wrong.shape != got.shape:
            continue
        if case.fill != "random":
            is_equal = np.array_equal(got, wrong)
        else:
            bound = mutant.output(name, case.operator, magnitudes, got.shape)
            assert bound is not None
            figures = _figures(case, name, got, wrong, bound, accumulate)
            # A mutant may round each sum alike, so the sum of the errors says nothing.
            is_equal = all(
                figures[key][0] <= figures[key][1] for key in ("max |err|", "mean err^2")
            )
        if is_equal:
            names.setdefault(mutant.mistake(case.operator), mutant.name)
    return " or ".join(names.values()) or None
