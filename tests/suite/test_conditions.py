"""Conditions of limitations: what they mean for a layer, and that they agree with the cases."""

from __future__ import annotations

import pytest
from suites import LIMITATIONS, limitations

from harness.core.named_number import Named
from harness.core.operators import Operator
from harness.suite.conditions import Condition, Conditions, Described
from harness.suite.limitations import Limitation, load_limitations, of_device
from harness.suite.specs import load_cases
from harness.suite.yaml_fields import SpecError

C = Named.of("c", 5040)
LAYER = Described(Operator.of(16, 2, (3, 4), stride=(1, 2)), "float32", (1, 16, 5, 1))
OPEN = Described(Operator.of(C, 2, (3, 4), groups=2), "float32")


@pytest.mark.parametrize(
    ("layer", "name", "text", "holds"),
    [
        (LAYER, "in_channels", "16", True),
        (LAYER, "in_channels", "multiple of 8", True),
        (LAYER, "in_channels", "multiple of 3", False),
        (LAYER, "out_channels", "1", False),
        (LAYER, "groups", "1", True),
        (LAYER, "axes", "2", True),
        (LAYER, "kernel", "above 2", True),
        (LAYER, "kernel", "above 3", False),
        (LAYER, "kernel", "any above 3", True),
        (LAYER, "stride", "any above 1", True),
        (LAYER, "stride", "above 1", False),
        (LAYER, "dilation", "any above 1", False),
        (LAYER, "batch", "1", True),
        (LAYER, "input", "any 1", True),
        (LAYER, "input", "1", False),
        (OPEN, "in_channels", "5040", None),
        (OPEN, "in_channels", "multiple of 8", None),
        (OPEN, "groups", "2", True),
        # A layer without an input has no special one.
        (OPEN, "batch", "1", False),
        (OPEN, "input", "any 1", False),
    ],
)
def test_a_condition(layer: Described, name: str, text: str, *, holds: bool | None) -> None:
    assert layer.meets({name: Condition.of(text)}) is holds


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"dtype": "float32", "groups": Condition.of("2")}, True),
        ({"dtype": "float16", "in_channels": Condition.of("8")}, False),
        ({"dtype": "float32", "in_channels": Condition.of("8")}, None),
        ({"in_channels": Condition.of("8"), "groups": Condition.of("3")}, False),
    ],
)
def test_all_conditions_must_hold(conditions: Conditions, *, holds: bool | None) -> None:
    assert OPEN.meets(conditions) is holds


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{kernel: 0.5}", "'when': kernel must be a condition such as 1, found 0.5."),
        ("{kernel: true}", "'when': kernel must be a condition such as 1, found True."),
        ("{kernel: below 3}", "'below 3' is no condition such as 1, above 1, any above 1."),
        ("{kernel: multiple of 0}", "'multiple of 0' is no condition"),
        ("{kernel: -1}", "'-1' is no condition"),
        ("{kernels: 1}", "'when' knows no 'kernels', only dtype, axes, in_channels,"),
        ("{dtype: int8}", "dtype 'int8' must be one of float16, bfloat16, float32, float64."),
        ("[1]", "'when' must map properties to conditions, found [1]."),
        ("{1: 2}", "'when' must map properties to conditions, found {1: 2}."),
    ],
)
@pytest.mark.usefixtures("in_an_empty_folder")
def test_a_wrong_condition_is_refused_at_its_line(value: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        limitations(LIMITATIONS + f"    when: {value}\n")
    line = len(LIMITATIONS.splitlines()) + 1
    assert str(error.value).startswith(f"limitations.yaml:{line}: ")
    assert says in str(error.value)


@pytest.mark.usefixtures("in_an_empty_folder")
def test_conditions_are_read() -> None:
    _, second = limitations(LIMITATIONS + "    when: {dtype: float64, stride: any above 1}\n")
    assert second.when == {"dtype": "float64", "stride": Condition(True, "above ", 1)}


def test_what_is_declared_of_a_device() -> None:
    known = load_limitations()
    ids = [one.id for one in of_device(known, "pytorch", "cpu")]
    assert ids == ["pytorch-empty-output"]
    assert not [*of_device(known, "pytorch", "cuda")]
    assert {one.device for one in of_device(known, "mxnet", "cuda")} == {"any"}


@pytest.mark.parametrize("known", load_limitations(), ids=lambda known: known.id)
def test_conditions_hold_for_the_cases_of_a_limitation_and_for_no_others(known: Limitation) -> None:
    """A layer like a case that goes wrong is known to go wrong; one like another case is not.

    Neither illegal cases, nor those without any output, nor programs that are not advised are like
    anybody's layer.
    """
    like_layers = [
        case
        for case in load_cases()
        if not (case.rejected or case.documented or case.named) and 0 not in case.out_shape
    ]
    declared = {
        case.id
        for case in like_layers
        if any(known.concerns(case.id, known.framework, check) for check in case.checks)
    }
    met = {
        case.id
        for case in like_layers
        if known.when is not None
        and Described(case.operator, case.dtype, case.shapes["x"]).meets(known.when)
    }
    # What depends on more than the layer need not go wrong each time.
    assert declared <= met if known.depends_on else declared == met
    assert bool(declared) == (known.when is not None)
