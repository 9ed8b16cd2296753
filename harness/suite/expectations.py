"""What is expected of a case, and whether agreeing with it proves anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

import impl
from harness.suite.case import Case
from harness.suite.mutants import MUTANTS, Array, Data, Mutant, options
from impl import reference


@dataclass(frozen=True, eq=False)
class Expected:
    """A case's data, what it should give, and how far from that random data may be."""

    data: Mapping[str, Array]
    outputs: Mapping[str, Array]
    bounds: Mapping[str, Array]  # The outputs of the data's magnitudes, for random data only
    mistrust: str | None  # Why equality would prove little


def expect(case: Case, *, fast: bool = False) -> Expected:
    """Make a case's data, and compute what the definition makes of it.

    Where that would take minutes, ``impl`` is ``fast``, and nothing is mistrusted; conformance runs
    and tests hold it against the definition.
    """
    data = case.data()
    if case.rejected:
        return Expected(data, {}, {}, None)
    expected = expect_of(case, data, fast=fast)
    if "y" in case.given:
        expected = replace(
            expected, outputs={**expected.outputs, "y": case.given["y"].astype(case.dtype)}
        )
    return (
        expected
        if fast
        else replace(expected, mistrust=_mistrust(case, data, expected.outputs["y"]))
    )


def expect_of(case: Case, data: Data, *, fast: bool = False) -> Expected:
    """Compute what the definition makes of data of a case's shapes, with its ``dy`` or without."""
    module = impl if fast else reference
    if case.fill == "random":
        wide = {name: array.astype(np.float64) for name, array in data.items()}
        magnitudes = {name: np.abs(array) for name, array in wide.items()}
        outputs, bounds = _outputs(case, wide, module), _outputs(case, magnitudes, module)
    else:
        outputs, bounds = _outputs(case, data, module), {}
    return Expected(data, outputs, bounds, None)


def computed(case: Case, data: Data) -> dict[str, Array]:
    """Compute all outputs of a case by the definition."""
    return _outputs(case, data, reference)


def _outputs(case: Case, data: Data, module: ModuleType) -> dict[str, Array]:
    arguments = options(case.operator)
    y = module.conv_transpose(data["x"], data["w"], data.get("b"), **arguments)
    if "dy" not in data:
        return {"y": y}
    dx, dw, db = module.conv_transpose_vjp(data["dy"], data["x"], data["w"], **arguments)
    outputs = {"y": y, "dx": dx, "dw": dw}
    return outputs | {"db": db} if case.operator.bias else outputs


def _mistrust(case: Case, data: Data, y: Array) -> str | None:
    """Return why equality would prove little: too many zeros, or a mutant that agrees by chance.

    Given data is the document's, and proves what the document says and no more.  Random data is
    not compared for equality.  An empty output has nothing to mistrust.
    """
    if case.given or case.fill == "random" or not y.size:
        return None
    if y.size - np.count_nonzero(y) > y.size // 2:
        reached = reference.conv_transpose(
            np.ones_like(data["x"]), np.ones_like(data["w"]), **options(case.operator)
        )
        zeros = np.count_nonzero((y == 0) & ((reached != 0) | ("b" in data)))
        if 2 * zeros > np.count_nonzero(reached):
            return f"{zeros} of {y.size} expected elements are 0 by chance of the data"
    for mutant in MUTANTS:
        wrong = mutant.output("y", case.operator, data, y.shape)
        is_equal = wrong is not None and np.array_equal(wrong, y)
        if is_equal and not _is_equivalent(mutant, case, data):
            return f"with this data the mutant {mutant.name!r} agrees too"
    return None


def _is_equivalent(mutant: Mutant, case: Case, data: Data) -> bool:
    """Whether a mutant computes the same thing for any data, as on one input element and tap."""
    generator = np.random.default_rng(0)
    other = {name: generator.integers(1, 2**20, array.shape) for name, array in data.items()}
    right = reference.conv_transpose(
        other["x"], other["w"], other.get("b"), **options(case.operator)
    )
    wrong = mutant.output("y", case.operator, other)
    return wrong is not None and np.array_equal(right, wrong)
