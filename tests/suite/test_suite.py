"""The default suite has teeth, and nothing in it is idle."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
import pytest

from harness.convention.registry import framework_names, is_framework
from harness.suite.case import Case, case_from_descriptor
from harness.suite.expectations import Expected, expect
from harness.suite.limitations import Limitation, load_limitations, unmatched
from harness.suite.mutants import MUTANTS, Mutant
from harness.suite.specs import load_cases, specs_root


@cache
def suite() -> tuple[Case, ...]:
    return tuple(load_cases())


@cache
def legal() -> tuple[tuple[Case, Expected], ...]:
    return tuple((case, expect(case)) for case in suite() if not case.rejected)


def test_suite_is_as_large_as_promised() -> None:
    assert len(suite()) >= 1000
    folders = {case.suite.split("/")[0] for case in suite()}
    assert folders == {"documents", "edge", "grid", "models", "regression", "rejects"}
    assert {case.operator.rank for case in suite()} == {1, 2, 3}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
@pytest.mark.slow
def test_suite_kills_the_mutant(mutant: Mutant) -> None:
    killers = (
        case.id
        for case, expected in legal()
        if case.fill == "integer"
        and not case.given
        and (wrong := mutant.output("y", case.operator, expected.data)) is not None
        and not np.array_equal(wrong, expected.outputs["y"])
    )
    assert len(list(islice(killers, 5))) == 5


@pytest.mark.parametrize(
    "name",
    [
        "kernel flipped",
        "kernel axes swapped",
        "channels swapped",
        "groups interleaved",
        "group channels swapped",
        "first bias for every group",
        "bias ignored",
        "crop sides swapped",
        "crop axes reversed",
        "crop taken as input padding",
        "stride and dilation swapped",
        "whole crop at the end",
        "crop halved",
        "crop halved, odd one first",
        "no bias in the extension",
    ],
)
@pytest.mark.slow
def test_suite_kills_the_mutant_where_the_shape_is_right(name: str) -> None:
    """A mistake that changes the shape is easy to see; these must be caught where it does not."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    assert any(
        wrong.shape == expected.outputs["y"].shape
        and not np.array_equal(wrong, expected.outputs["y"])
        for case, expected in legal()
        if (wrong := mutant.output("y", case.operator, expected.data)) is not None
    )


@pytest.mark.parametrize("check", ["dx", "dw"])
@pytest.mark.slow
def test_suite_kills_a_flipped_kernel_in_the_gradients(check: str) -> None:
    flipped = MUTANTS[0]
    assert any(
        not np.array_equal(wrong, expected.outputs[check])
        for case, expected in legal()
        if (wrong := flipped.output(check, case.operator, expected.data)) is not None
        and wrong.shape == expected.outputs[check].shape
    )


def test_what_reads_the_weights_of_a_group_otherwise_has_its_own_gradient() -> None:
    """Its dw is that of the weights as they were given: what it maps there, it maps back."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "group channels swapped")
    case = case_from_descriptor("ic4_oc6_k3_s2_g2_b_n2_i4")
    data = expect(case).data
    dw = mutant.output("dw", case.operator, data)
    assert dw is not None
    step = np.zeros_like(data["w"])
    for index in np.ndindex(step.shape):
        step[index] = 1
        moved = mutant.output("y", case.operator, {**data, "w": data["w"] + step})
        y = mutant.output("y", case.operator, data)
        assert moved is not None
        assert y is not None
        assert dw[index] == np.sum((moved - y) * data["dy"])
        step[index] = 0


@pytest.mark.slow
def test_no_case_is_mistrusted() -> None:
    assert {case.id: e.mistrust for case, e in legal() if e.mistrust is not None} == {}


@pytest.mark.slow
def test_given_outputs_are_what_the_definition_gives() -> None:
    given = [(case, e) for case, e in legal() if "y" in case.given]
    assert given
    for case, expected in given:
        inputs = {name: array for name, array in case.given.items() if name != "y"}
        own = expect(replace(case, given=inputs))
        assert np.array_equal(own.outputs["y"], expected.outputs["y"]), case.id


def test_every_case_says_where_it_comes_from() -> None:
    assert [case.id for case in suite() if not case.source] == []


def test_regressions_and_models_link_their_source() -> None:
    for case in suite():
        if case.suite.startswith(("regression/", "models/")):
            assert re.match(r"https://\S+$", case.source), case.id


def test_limitations_match_cases_and_name_frameworks() -> None:
    limitations = load_limitations()
    assert limitations
    assert list(unmatched(limitations, suite())) == []
    assert all(is_framework(limitation.framework) for limitation in limitations)
    assert len({limitation.id for limitation in limitations}) == len(limitations)


def test_a_limitation_that_matches_nothing_is_found() -> None:
    idle = Limitation("idle", "numpy", ("no/such/*",), (), "FAILED", "none", "", "", "f.yaml", 3)
    assert list(unmatched([idle], suite())) == [idle]


def test_rejected_cases_quote_known_frameworks() -> None:
    for case in suite():
        assert set(case.says) <= set(framework_names()), case.id


def test_bench_suites_load_and_stay_out_of_the_default_suite() -> None:
    assert list(load_cases(specs_root() / "bench"))
    assert not [case.id for case in suite() if case.suite.startswith("bench")]
