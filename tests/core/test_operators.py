"""The operator: its size law is the implementation's, its descriptor is read back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import keywords, operators, sized_operators

from harness.core.operators import (
    IllegalOperator,
    Operator,
    OperatorError,
    Sizes,
    axis_name,
    operator_from_words,
    sizes,
)
from impl.reference import conv_transpose

# Size law.


@given(sized_operators())
def test_sizes_are_those_of_the_implementation(sized: tuple[Operator, Sizes]) -> None:
    operator, in_size = sized
    x, w = np.zeros((1, operator.in_channels, *in_size)), np.zeros(operator.weight_shape)
    y = conv_transpose(x, w, np.zeros(operator.out_channels), **keywords(operator))
    assert y.shape == (1, operator.out_channels, *operator.out_size(in_size))
    assert operator.explain(in_size) is None


@given(sized_operators(), st.integers(1, 5), st.integers(0, 2), st.integers(0, 1))
def test_a_crop_that_is_too_large_is_explained_as_the_implementation_does(
    sized: tuple[Operator, Sizes], excess: int, axis: int, end: int
) -> None:
    legal, in_size = sized
    axis %= legal.rank
    crop = [list(pair) for pair in legal.crop]
    crop[axis][end] += legal.out_size(in_size)[axis] + excess
    operator = Operator.of(1, 1, legal.kernel, **keywords(legal) | {"crop": crop, "groups": 1})
    explanation = operator.explain(in_size)
    assert explanation is not None
    assert explanation.startswith(f"output {axis_name(axis, legal.rank)} would be {-excess}.\n")
    arithmetic = re.search(r"-?\d+ = .* removes -?\d+\.", explanation)
    assert arithmetic is not None
    with pytest.raises(ValueError, match=re.escape(arithmetic.group())):
        conv_transpose(
            np.zeros((1, 1, *in_size)), np.zeros(operator.weight_shape), **keywords(operator)
        )


def test_the_explanation_names_axis_and_arithmetic() -> None:
    operator = Operator.of(1, 1, (2, 3), stride=(1, 2), dilation=(1, 3), crop=((2, 2), (0, -1)))
    assert operator.explain((2, 2)) == (
        "output height would be -1.\n"
        "  full height 3 = (2-1)*1 + 1*(2-1) + 1; crop (2, 2) removes 4.\n"
        "  Reduce crop or enlarge the input."
    )


@pytest.mark.parametrize(
    ("axis", "rank", "name"),
    [
        (0, 1, "length"),
        *((0, 2, "height"), (1, 2, "width")),
        *((0, 3, "depth"), (1, 3, "height"), (2, 3, "width")),
    ],
)
def test_axes_are_named_as_people_do(axis: int, rank: int, name: str) -> None:
    assert axis_name(axis, rank) == name


@pytest.mark.parametrize(
    ("options", "in_size", "full", "out"),
    [
        ({}, (5, 7), (7, 8), (7, 8)),
        ({"stride": (2, 3)}, (5, 7), (11, 20), (11, 20)),
        ({"dilation": (2, 3)}, (5, 7), (9, 10), (9, 10)),
        ({"stride": 2, "crop": ((1, 0), (0, 2))}, (5, 7), (11, 14), (10, 12)),
        ({"crop": ((0, -2), (-3, 1))}, (5, 7), (7, 8), (9, 10)),
        ({"stride": 3}, (0, 1), (0, 2), (0, 2)),
        ({"crop": 4}, (5, 7), (7, 8), (-1, 0)),
    ],
)
def test_the_size_law_by_hand(
    options: dict[str, Any], in_size: Sizes, full: Sizes, out: Sizes
) -> None:
    operator = Operator.of(1, 1, (3, 2), **options)
    assert (operator.full_size(in_size), operator.out_size(in_size)) == (full, out)


# Short forms.


def test_short_forms_are_written_out() -> None:
    operator = Operator.of(4, 6, [3, 2], stride=2, dilation=[1, 3], crop=[1, [0, -2]])
    assert operator == Operator(4, 6, (3, 2), (2, 2), (1, 3), ((1, 1), (0, -2)), 1, True)
    assert operator.rank == 2
    assert operator.effective_kernel == (3, 4)
    assert operator.weight_shape == (4, 6, 3, 2)
    assert Operator.of(4, 6, (3,), groups=2).weight_shape == (4, 3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": (1, 2, 3)}, "stride [1, 2, 3] has 3 axes, the kernel has 2."),
        ({"stride": ()}, "stride [] has 0 axes, the kernel has 2."),
        ({"dilation": (1,)}, "dilation [1] has 1 axes, the kernel has 2."),
        ({"crop": (1,)}, "crop (1,) must be an int, or for each of 2 spatial axes an int or a "),
        ({"crop": ((1, 2, 3), 0)}, "crop ((1, 2, 3), 0) must be an int, or for each of 2 spatial"),
        ({"crop": ((1,), 0)}, "(begin, end) pair, such as [[1, 0], [1, 0]]."),
    ],
)
@pytest.mark.parametrize("kind", [Operator, IllegalOperator])
def test_options_for_other_axes_are_refused_even_to_illegal_operators(
    kind: type[Operator], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OperatorError, match=re.escape(message)):
        kind.of(1, 1, (3, 3), **options)


# Violations.

VIOLATIONS: dict[str, tuple[int, int, Sizes, dict[str, Any]]] = {
    "kernel [] has 0 axes; 1 to 3 are possible.": (1, 1, (), {}),
    "kernel [1, 2, 1, 3] has 4 axes; 1 to 3 are possible.": (1, 1, (1, 2, 1, 3), {}),
    "kernel [3, 0] must be at least 1 on every axis.": (1, 1, (3, 0), {}),
    "stride [0] must be at least 1 on every axis.": (1, 1, (3,), {"stride": 0}),
    "stride [1, -2] must be at least 1 on every axis.": (1, 1, (3, 3), {"stride": (1, -2)}),
    "dilation [0, 0] must be at least 1 on every axis.": (1, 1, (3, 3), {"dilation": 0}),
    "in_channels is 0; it must be at least 1.": (0, 1, (3,), {}),
    "out_channels is -1; it must be at least 1.": (1, -1, (3,), {}),
    "groups 3 does not divide in_channels 4 (4 = 1*3 + 1).": (4, 6, (3,), {"groups": 3}),
    "groups 4 does not divide out_channels 6 (6 = 1*4 + 2).": (4, 6, (3,), {"groups": 4}),
    "groups is 0; it must be at least 1.": (4, 6, (3,), {"groups": 0}),
    "groups is -2; it must be at least 1.": (4, 6, (3,), {"groups": -2}),
    (
        "stride [0] must be at least 1 on every axis. "
        "groups 2 does not divide in_channels 1 (1 = 0*2 + 1). "
        "groups 2 does not divide out_channels 3 (3 = 1*2 + 1)."
    ): (1, 3, (3,), {"stride": 0, "groups": 2}),
}


@pytest.mark.parametrize(
    ("message", "in_channels", "out_channels", "kernel", "options"),
    [(message, *arguments) for message, arguments in VIOLATIONS.items()],
)
def test_what_the_definition_forbids_is_refused_but_kept_as_an_illegal_operator(
    message: str, in_channels: int, out_channels: int, kernel: Sizes, options: dict[str, Any]
) -> None:
    with pytest.raises(OperatorError, match=f"^{re.escape(message)}$"):
        Operator.of(in_channels, out_channels, kernel, **options)
    kept = IllegalOperator.of(in_channels, out_channels, kernel, **options)
    assert " ".join(kept.violations()) == message


@given(operators())
def test_what_the_definition_allows_has_no_violations(operator: Operator) -> None:
    assert operator.violations() == []


@pytest.mark.parametrize("groups", [0, -1])
def test_an_illegal_operator_without_groups_still_has_a_weight_shape(groups: int) -> None:
    assert IllegalOperator.of(4, 6, (3,), groups=groups).weight_shape == (4, 6, 3)


def test_an_illegal_operator_of_any_rank_explains_its_output_size() -> None:
    explanation = IllegalOperator.of(1, 1, (1,) * 4, crop=(0, 5, 0, 0)).explain((1,) * 4)
    assert explanation is not None
    assert "would be -9." in explanation
    assert "crop (5, 5) removes 10." in explanation


# Descriptors.


@given(operators())
def test_a_descriptor_is_read_back(operator: Operator) -> None:
    assert operator_from_words(operator.descriptor.split("_")) == operator


@given(operators())
def test_a_descriptor_is_one_word_for_shells_files_and_urls(operator: Operator) -> None:
    assert re.fullmatch(r"[a-z0-9_.-]+", operator.descriptor)
    assert not operator.descriptor.startswith("-")


@pytest.mark.parametrize(
    ("operator", "descriptor"),
    [
        (Operator.of(1, 2, (3,), bias=False), "ic1_oc2_k3"),
        (Operator.of(1, 2, (3,)), "ic1_oc2_k3_b"),
        (Operator.of(4, 6, (3, 2), stride=(1, 2), dilation=(2, 1)), "ic4_oc6_k3x2_s1x2_d2x1_b"),
        (Operator.of(4, 6, (3, 2), crop=((0, 0), (0, -1)), bias=False), "ic4_oc6_k3x2_c0.0x0.-1"),
        (Operator.of(4, 6, (3, 2), stride=2, crop=1, groups=2), "ic4_oc6_k3x2_s2x2_c1.1x1.1_g2_b"),
        (IllegalOperator.of(4, 6, (3,), stride=-1, groups=0), "ic4_oc6_k3_s-1_g0_b"),
    ],
)
def test_descriptors_say_what_differs_from_the_default(operator: Operator, descriptor: str) -> None:
    assert operator.descriptor == descriptor
    illegal = isinstance(operator, IllegalOperator)
    assert operator_from_words(descriptor.split("_"), illegal=illegal) == operator


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("", "descriptor word '' is unknown, repeated or has no value."),
        ("ic4_oc6_k3_z2", "descriptor word 'z2' is unknown"),
        ("ic4_oc6_k3_s", "descriptor word 's' is unknown, repeated or has no value."),
        ("ic4_oc6_k3_b1", "descriptor word 'b1' is unknown"),
        ("ic4_oc6_k3_s2_s2", "descriptor word 's2' is unknown, repeated"),
        ("ic4_oc6_k3_c1.2.3", "descriptor word 'c1.2.3' is unknown"),
        ("ic4_oc6_k3x", "descriptor word 'k3x' is unknown"),
        ("ic4_k3", "a descriptor needs oc; an example is ic4_oc6_k3x2_s2x2_b_n2_i5x7."),
        ("b", "a descriptor needs ic, oc, k;"),
        ("ic4_oc6_k3_s2x2", "stride [2, 2] has 2 axes, the kernel has 1."),
        ("ic4_oc6_k3x3_c1.0", "crop [(1, 0)] must be an int, or for each of 2 spatial axes"),
        ("ic4_oc6_k3_g3", "groups 3 does not divide in_channels 4"),
    ],
)
def test_a_descriptor_that_says_nothing_sensible_is_refused(descriptor: str, message: str) -> None:
    with pytest.raises(OperatorError, match=re.escape(message)):
        operator_from_words(descriptor.split("_"))


@pytest.mark.parametrize("word", ["ic4x4", "oc6x1", "k3.1", "s2.1", "d1.1", "g2.1", "g2x1", "c1"])
def test_a_descriptor_word_of_another_kind_is_refused_not_misread(word: str) -> None:
    words = {"ic": "ic4", "oc": "oc6", "k": "k3"} | {re.sub(r"\d.*", "", word): word}
    with pytest.raises(OperatorError, match=re.escape(repr(word))):
        operator_from_words(list(words.values()))


def test_sizes_are_written_with_x() -> None:
    assert (sizes((5, 7)), sizes([3])) == ("5x7", "3")


def test_the_json_object_is_the_one_that_translate_promises() -> None:
    operator = Operator.of(4, 6, (3, 2), stride=2, crop=((1, 0), (0, -2)), groups=2, bias=False)
    assert operator.to_json() == {
        "in_channels": 4,
        "out_channels": 6,
        "kernel": [3, 2],
        "stride": [2, 2],
        "dilation": [1, 1],
        "crop": [[1, 0], [0, -2]],
        "groups": 2,
        "bias": False,
    }
