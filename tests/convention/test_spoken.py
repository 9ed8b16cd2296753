"""A framework's words, for a function of NumPy arrays that has its documented semantics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from strategies import cases

import impl
from harness.convention.registry import convention
from harness.convention.spoken import Spoken
from harness.core.operators import Operator
from harness.core.program import Program
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect
from harness.suite.mutants import Array
from harness.suite.specs import load_cases

Sizes = Sequence[int]


class PyTorch:
    """https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html."""

    @staticmethod
    def options(
        stride: Sizes, padding: Sizes, output_padding: Sizes, groups: int, dilation: Sizes
    ) -> dict[str, Any]:
        assert min(padding) >= 0
        assert min(output_padding) >= 0
        for back, step, spread in zip(output_padding, stride, dilation, strict=True):
            assert back < max(step, spread)
        ends = [pad - back for pad, back in zip(padding, output_padding, strict=True)]
        crop = list(zip(padding, ends, strict=True))
        return {"stride": stride, "dilation": dilation, "crop": crop, "groups": groups}

    @classmethod
    def call(cls, x: Array, w: Array, b: Array | None, *words: Any) -> Array:
        return impl.conv_transpose(x, w, b, **cls.options(*words))

    @classmethod
    def gradient(
        cls, dy: Array, x: Array, w: Array, *words: Any
    ) -> tuple[Array, Array, Array | None]:
        return impl.conv_transpose_vjp(dy, x, w, **cls.options(*words))


MEANT: Final[Mapping[str, Any]] = {"pytorch": PyTorch}


@cache
def legal_cases() -> tuple[tuple[Case, Expected], ...]:
    """The default suite without what must be refused and without random data."""
    return tuple(
        (case, expect(case, fast=True))
        for case in load_cases()
        if not case.rejected and case.fill == "integer"
    )


def spoken(framework: str, operator: Operator, dtype: str = "float32") -> Spoken:
    speaker = convention(framework).spoken
    assert speaker is not None
    words = speaker(operator, dtype)
    assert isinstance(words, Spoken)
    return words


def executed(
    program: Program, given: Mapping[str, Array], names: Mapping[str, Callable[..., Any]]
) -> dict[str, Array]:
    """Execute both texts in turn, each with its own names."""
    forward: dict[str, Any] = {**given, **names}
    backward = dict(forward)
    exec(program.text, forward)
    exec(program.gradient_text, backward)
    return {"y": forward["y"]} | {n: backward[n] for n in ("dx", "dw", "db") if n in backward}


def check(framework: str, case: Case, expected: Expected) -> None:
    meant = MEANT[framework]
    program = spoken(framework, case.operator, case.dtype).program("f", "g")
    got = executed(program, expected.data, {"f": meant.call, "g": meant.gradient})
    for name, want in expected.outputs.items():
        assert got[name].dtype == want.dtype, (case.id, name)
        assert np.array_equal(got[name], want), (case.id, name)


@pytest.mark.parametrize("framework", MEANT)
@given(case=cases(fills=["integer"]))
def test_the_documented_semantics_in_its_words_is_the_definition(
    framework: str, case: Case
) -> None:
    check(framework, case, expect(case, fast=True))


@pytest.mark.slow
@pytest.mark.parametrize("framework", MEANT)
def test_so_it_is_for_the_default_suite(framework: str) -> None:
    for case, expected in legal_cases():
        check(framework, case, expected)
