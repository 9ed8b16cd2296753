"""A case in a framework's own words, a call, and what such a case may not say."""

from __future__ import annotations

import pytest
from suites import load, refusal

from harness.core.operators import Operator

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


def called(*lines: str) -> str:
    """A suite of one case, whose lines count from 4."""
    return "\n".join(["suite: s", "cases:", "  - name: a", *(f"    {line}" for line in lines)])


def test_a_call_says_the_operator() -> None:
    (read,) = load(
        called(
            "input: [2, 64, 3, 5]",
            "call: nn.ConvTranspose2d(64, 16 * 2, 4, stride=2, padding=1, bias=False)  # up",
            "dtype: float64",
            "output: [2, 32, 6, 10]",
        )
    )
    assert read.operator == Operator.of(64, 32, (4, 4), stride=2, crop=1, bias=False)
    assert (read.batch, read.in_size, read.dtype) == (2, (3, 5), "float64")


def test_a_call_is_completed_by_the_input_and_the_weights() -> None:
    lazy, function = load(
        called("input: [1, 4, 5]", "call: nn.LazyConvTranspose1d(6, 3)")
        + "\n  - name: b\n    input: [1, 4, 5]\n    weight: [4, 6, 3]\n"
        "    call: F.conv_transpose1d(x, w, b)"
    )
    assert lazy.operator == function.operator == Operator.of(4, 6, (3,))


def test_a_call_of_several_lines_may_say_the_input() -> None:
    (read,) = load(
        called(
            "call: |",
            "  DeconvolutionLayer[6, {3, 2},",
            '    "Input" -> {4, 5, 7}]',
        )
    )
    assert read.operator == Operator.of(4, 6, (3, 2))
    assert (read.batch, read.in_size) == (1, (5, 7))


def test_a_call_may_be_swept_over_inputs() -> None:
    read = load(
        called("call: nn.ConvTranspose1d(4, 6, 3)", "matrix: {input: [[1, 4, 5], [2, 4, 1]]}")
    )
    assert [case.id for case in read] == ["s/a/i1x4x5", "s/a/i2x4x1"]
    assert {case.operator for case in read} == {Operator.of(4, 6, (3,))}


WRONG_CALLS: dict[str, tuple[list[str], str]] = {
    "nothing that is known": (
        ["input: [1, 4, 5]", "call: nn.Conv1d(4, 6, 3)"],
        "suite.yaml:5: case 'a': call: the text holds no transposed convolution that is known",
    ),
    "an unknown parameter": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, 6, 3, strides=2)"],
        "suite.yaml:5: case 'a': call: line 1, column 29: torch.nn.ConvTranspose1d has no para",
    ),
    "an operator that is illegal": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, 6, 3, groups=4)"],
        "suite.yaml:5: case 'a': call: line 1, column 1: groups 4 does not divide out_channels 6",
    ),
    "another input": (
        ["input: [1, 3, 5]", "call: nn.ConvTranspose1d(4, 6, 3)"],
        "suite.yaml:5: case 'a': call: line 1, column 1: in_channels is 4 in the text and 3 in",
    ),
    "an input that is too small": (
        ["input: [1, 4, 1]", "call: nn.ConvTranspose1d(4, 6, 1, padding=1)"],
        "suite.yaml:5: case 'a': call: line 1, column 1: output length would be -1.",
    ),
    "no input": (
        ["call: nn.ConvTranspose1d(4, 6, 3)"],
        "suite.yaml:3: case 'a': 'input' is missing: the call does not say it.",
    ),
    "an output that it has not": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, 6, 3)", "output: [1, 6, 6]"],
        "suite.yaml:6: case 'a': output [1, 6, 6] is promised, but the size law gives [1, 6, 7]",
    ),
    "what the call says already": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, 6, 3)", "stride: 2"],
        "suite.yaml:6: case 'a': 'call' says 'stride' already: leave one of them out.",
    ),
    "a sweep of what the call says": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, 6, 3)", "matrix: {kernel: [2, 3]}"],
        "suite.yaml:3: case 'a/k2': 'call' says 'kernel' already: leave one of them out.",
    ),
    "a rejected case": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, 6, 3)", "rejected: true"],
        "suite.yaml:6: case 'a': 'call' is for legal cases: write a rejected one out.",
    ),
    "a call that is a number": (
        ["input: [1, 4, 5]", "call: 3"],
        "suite.yaml:5: case 'a': 'call' must be text, found 3.",
    ),
    "weights without a call": (
        ["input: [1, 4, 5]", "out_channels: 6", "kernel: 3", "weight: [4, 6, 3]"],
        "suite.yaml:7: case 'a': 'weight' is for a case with a 'call'.",
    ),
    "weights of two axes": (
        ["input: [1, 4, 5]", "weight: [4, 6]", "call: F.conv_transpose1d(x, w)"],
        "suite.yaml:5: case 'a': weight [4, 6] needs at least 3 entries.",
    ),
    "weights of six axes": (
        ["input: [1, 4, 5]", "weight: [4, 6, 1, 1, 1, 1]", "call: F.conv_transpose1d(x, w)"],
        "suite.yaml:6: case 'a': call: weight 4,6,1,1,1,1 is no shape of three to five axes",
    ),
    "weights of nothing": (
        ["input: [1, 4, 5]", "weight: [4, 0, 3]", "call: F.conv_transpose1d(x, w)"],
        "suite.yaml:6: case 'a': call: weight 4,0,3 is no shape of three to five axes",
    ),
    "weights that are text": (
        ["input: [1, 4, 5]", "weight: 4,6,3", "call: F.conv_transpose1d(x, w)"],
        "suite.yaml:5: case 'a': weight must be a list of integers, found '4,6,3'.",
    ),
    "the system": (
        ["input: [1, 4, 5]", "call: nn.ConvTranspose1d(4, __import__('os').system('id'), 3)"],
        "suite.yaml:5: case 'a': call: line 1, column 1: the text leaves out_channels open: add",
    ),
}


@pytest.mark.parametrize(("lines", "message"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_a_wrong_call_is_refused_at_its_line(lines: list[str], message: str) -> None:
    assert refusal(called(*lines)).startswith(message)
