"""Specs are read as written; what is wrong is refused with its file, its line and its values."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from suites import case, load, refusal

from harness.operator import IllegalOperator, Operator
from harness.spec import load_cases, selected, specs_root
from harness.yaml_fields import SpecError

SPECS = Path(__file__).parent.parent / "specs"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# What a suite says.


def test_a_case_is_read_with_its_defaults() -> None:
    (read,) = load(case())
    assert read.operator == Operator.of(2, 4, (3,), bias=True)
    assert (read.id, read.suite, read.batch, read.in_size) == ("s/a", "s", 1, (3,))
    assert (read.dtype, read.fill, read.rejected, read.documented) == (
        *("float32", "integer"),
        *(False, False),
    )
    assert (read.file, read.line) == ("suite.yaml", 3)
    assert (dict(read.given), dict(read.says), read.source, read.note) == ({}, {}, "", "")


def test_a_case_is_read_with_all_that_it_says() -> None:
    (read,) = load(
        """
        suite: models/x
        source: https://example.org/paper
        note: about the suite
        cases:
          - name: everything
            source: https://example.org/issue
            note: about the case
            input: [2, 4, 3, 5]
            out_channels: 6
            kernel: [3, 2]
            stride: [2, 3]
            dilation: [1, 2]
            crop: [1, [0, -2]]
            groups: 2
            bias: false
            dtype: float64
            fill: random
            program: documented
            output: [2, 6, 5, 17]
        """
    )
    assert read.operator == Operator.of(
        *(4, 6, (3, 2)),
        stride=(2, 3),
        dilation=(1, 2),
        crop=(1, (0, -2)),
        groups=2,
        bias=False,
    )
    assert (read.id, read.batch, read.in_size) == ("models/x/everything", 2, (3, 5))
    assert (read.dtype, read.fill, read.documented) == ("float64", "random", True)
    assert (read.source, read.note) == ("https://example.org/issue", "about the case")
    assert read.line == 6


def test_a_case_without_a_source_has_the_source_of_its_suite() -> None:
    (read,) = load(case().replace("suite: s", "suite: s\nsource: here"))
    assert read.source == "here"


def test_given_arrays_are_read() -> None:
    (read,) = load(
        case(
            "x: [[[1, 2, 3], [4, 5, 6]]]",
            "w: [[[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0.5]], [[0, 0, 0], [0, 0, 0], "
            "[0, 0, 0], [0, -0.1, 0]]]",
            "b: [1, 2, 3, 4]",
        )
    )
    assert read.given.keys() == {"x", "w", "b"}
    assert read.given["x"].tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert read.given["w"].shape == (2, 4, 3)
    assert read.given["b"].dtype == np.float64


def test_a_rejected_case_keeps_what_is_illegal() -> None:
    (read,) = load(case("groups: 3", "rejected: true", "says: {pytorch: divisible, numpy: divide}"))
    assert read.operator == IllegalOperator.of(2, 4, (3,), groups=3)
    assert (read.rejected, read.documented) == (True, True)
    assert read.says == {"pytorch": "divisible", "numpy": "divide"}


def test_a_case_can_be_rejected_for_its_size_alone() -> None:
    (read,) = load(case("crop: 3", "rejected: true"))
    assert read.operator.out_size(read.in_size) == (-1,)


# A case in a framework's own words.


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
        "suite.yaml:6: case 'a': call: --weight 4,6,1,1,1,1 is no shape of three to five axes",
    ),
    "weights of nothing": (
        ["input: [1, 4, 5]", "weight: [4, 0, 3]", "call: F.conv_transpose1d(x, w)"],
        "suite.yaml:6: case 'a': call: --weight 4,0,3 is no shape of three to five axes",
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


def test_a_matrix_makes_every_combination_with_names_that_say_which() -> None:
    read = load(
        """
        suite: s
        cases:
          - name: sweep
            input: [2, 4, 3, 5]
            out_channels: 6
            kernel: [3, 2]
            matrix: {stride: [1, [2, 3]], crop: [0, [[1, 0], [0, -2]]], bias: [true, false]}
          - name: after
            input: [1, 1, 1]
            out_channels: 1
            kernel: 1
        """
    )
    assert [one.id for one in read] == [
        "s/sweep/s1-c0-b1",
        "s/sweep/s1-c0-b0",
        "s/sweep/s1-c1.0x0.-2-b1",
        "s/sweep/s1-c1.0x0.-2-b0",
        "s/sweep/s2x3-c0-b1",
        "s/sweep/s2x3-c0-b0",
        "s/sweep/s2x3-c1.0x0.-2-b1",
        "s/sweep/s2x3-c1.0x0.-2-b0",
        "s/after",
    ]
    assert read[-2].operator == Operator.of(
        4, 6, (3, 2), stride=(2, 3), crop=((1, 0), (0, -2)), bias=False
    )
    assert {one.line for one in read} == {4, 9}


def test_a_matrix_sweeps_everything_that_is_not_text() -> None:
    (read,) = load(
        """
        suite: s
        cases:
          - name: all
            matrix:
              input: [[1, 4, 2]]
              out_channels: [6]
              kernel: [3]
              stride: [2]
              dilation: [3]
              crop: [[[1, 0]]]
              groups: [2]
              bias: [false]
              dtype: [float64]
              fill: [ones]
              program: [documented]
        """
    )
    assert read.id == "s/all/i1x4x2-oc6-k3-s2-d3-c1.0-g2-b0-float64-ones-documented"
    assert read.descriptor == "ic4_oc6_k3_s2_d3_c1.0_g2_n1_i2_f64_ones_documented"


# What is wrong with a file.

FILES: dict[str, tuple[str, str]] = {
    "empty": ("", "suite.yaml:1: the file is empty."),
    "comments only": ("# nothing\n", "suite.yaml:1: the file is empty."),
    "a scalar": (
        "suite",
        "suite.yaml:1: expected a mapping (key: value), found the value 'suite'.",
    ),
    "a list": ("\n- suite", "suite.yaml:2: expected a mapping (key: value), found a list."),
    "two documents": (
        "suite: s\n---\nsuite: t",
        "suite.yaml:2: not YAML: but found another document.",
    ),
    "bad YAML": (
        "suite: s\ncases: a: b",
        "suite.yaml:2: not YAML: mapping values are not allowed in this context.",
    ),
    "a tab": (
        "suite: s\ncases:\n\t- name: a",
        "suite.yaml:3: not YAML: ",
    ),
    "an open bracket": ("suite: s\ncases: [\n", "suite.yaml:3: not YAML: "),
    "a control character": ('suite: "\x01"', "suite.yaml:1: not YAML: "),
    "an alias": (
        "suite: s\ncases:\n  - &a {name: a}\n  - *a",
        "suite.yaml:4: alias *a is not allowed; write it out.",
    ),
    "an alias of aliases": (
        "suite: &a [s]\nnote: &b [*a, *a]\ncases: [*b, *b]",
        "suite.yaml:2: alias *a is not allowed; write it out.",
    ),
    "an alias without an anchor": ("suite: *a", "suite.yaml:1: alias *a is not allowed"),
    "no suite": ("cases: []", "suite.yaml:1: 'suite' is missing."),
    "no cases": ("# a suite\nsuite: s", "suite.yaml:2: 'cases' is missing."),
    "a suite that is a list": (
        "suite: [s]\ncases: []",
        "suite.yaml:1: 'suite' must be text, found",
    ),
    "cases that are a mapping": (
        "suite: s\ncases:\n  a: b",
        "suite.yaml:3: 'cases' must be a list, found a mapping.",
    ),
    "cases that are nothing": (
        "suite: s\ncases:",
        "suite.yaml:2: 'cases' must be a list, found the value ''.",
    ),
    "a case that is a scalar": (
        "suite: s\ncases:\n  - 3",
        "suite.yaml:3: expected a mapping (key: value), found the value '3'.",
    ),
    "a case without a name": ("suite: s\ncases:\n- nam: a", "suite.yaml:3: 'name' is missing."),
    "a case without an input": (
        "suite: s\ncases:\n- name: a",
        "suite.yaml:3: case 'a': 'input' is missing.",
    ),
    "an unknown key": (
        "suite: s\nsorce: here\ncases: []",
        (
            "suite.yaml:2: unknown key 'sorce'. Did you mean 'source'? "
            "Known: cases, note, source, suite."
        ),
    ),
    "a key given twice": (
        "suite: s\ncases: []\nsuite: t",
        "suite.yaml:3: key 'suite' is given twice.",
    ),
    "a key that is a list": (
        "suite: s\n? [a, b]\n: 1\ncases: []",
        "suite.yaml:2: a key must be a text, found a list.",
    ),
    "a key that is a mapping": (
        "suite: s\n? {a: b}\n: 1\ncases: []",
        "suite.yaml:2: a key must be a text, found a mapping.",
    ),
    "a merge": (
        "suite: s\n<<: {note: n}\ncases: []",
        "suite.yaml:2: '<<' is not allowed; write the keys out.",
    ),
}


@pytest.mark.parametrize(("text", "message"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_suite_is_refused_at_its_line(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    Path("suite.yaml").write_bytes(b"suite: \xff\n")
    with pytest.raises(SpecError, match=r"^suite\.yaml:1: cannot be read: .*utf-8"):
        list(load_cases("suite.yaml"))


def test_a_file_outside_the_working_folder_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text("suite: s")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(SpecError, match="^" + re.escape(f"{file}:1: 'cases' is missing.")):
        list(load_cases(file))


# What is wrong with a case.  Lines count from `case`: the first line given is line 7.

AT_ITS_LINE: dict[str, tuple[list[str], str]] = {
    "an unknown key, misspelt": (
        ["note: n", "strid: 2"],
        "suite.yaml:8: case 'a': unknown key 'strid'. Did you mean 'stride'? Known: b, bias, call,",
    ),
    "an unknown key, like none": (["zzz: 2"], "suite.yaml:7: case 'a': unknown key 'zzz'. Known: "),
    "a key given twice": (["stride: 1", "stride: 2"], "suite.yaml:8: key 'stride' is given twice."),
    "a merge": (["<<: {stride: 2}"], "suite.yaml:7: '<<' is not allowed; write the keys out."),
    "a note that is a number": (
        ["note: 3"],
        "suite.yaml:7: case 'a': 'note' must be text, found 3.",
    ),
    "a source that is a date": (
        ["source: 2001-01-01"],
        "suite.yaml:7: case 'a': 'source' must be text, found datetime.date(2001, 1, 1).",
    ),
    "a source that is no date": (["source: 2001-13-01"], "suite.yaml:7: case 'a': source: month"),
    "a name that is a list": (["name: [a]"], "suite.yaml:7: key 'name' is given twice."),
    # Integers.
    "stride a float": (
        ["stride: 2.0"],
        "suite.yaml:7: case 'a': stride must be an integer or one per spatial axis, found 2.0.",
    ),
    "stride not a number": (["stride: .nan"], "suite.yaml:7: case 'a': stride must be an integer"),
    "stride infinite": (["stride: .inf"], "suite.yaml:7: case 'a': stride must be an integer"),
    "stride a text": (["stride: '2'"], "suite.yaml:7: case 'a': stride must be an integer or one"),
    "stride a boolean": (["stride: true"], "suite.yaml:7: case 'a': stride must be an integer"),
    "stride nothing": (["stride:"], "suite.yaml:7: case 'a': stride must be an integer or one"),
    "stride a mapping": (["stride: {h: 2}"], "suite.yaml:7: case 'a': stride must be an integer"),
    "dilation a list of booleans": (
        ["dilation: [true]"],
        "suite.yaml:7: case 'a': dilation must be an integer or one per spatial axis, found [Tr",
    ),
    "dilation too deep": (["dilation: [[2]]"], "suite.yaml:7: case 'a': dilation must be an int"),
    "crop too deep": (["crop: [[[1, 0]]]"], "suite.yaml:7: case 'a': crop must be an integer or"),
    "groups a list": (
        ["groups: [1]"],
        "suite.yaml:7: case 'a': groups must be an integer, found [1].",
    ),
    "groups a boolean": (
        ["groups: true"],
        "suite.yaml:7: case 'a': groups must be an integer, fou",
    ),
    # Choices.
    "bias an integer": (
        ["bias: 1"],
        "suite.yaml:7: case 'a': bias must be true or false, found 1.",
    ),
    "dtype unknown": (
        ["dtype: float8"],
        "suite.yaml:7: case 'a': dtype 'float8' must be one of float16, float32, float64.",
    ),
    "dtype a list": (["dtype: [float32]"], "suite.yaml:7: case 'a': dtype ['float32'] must be one"),
    "fill unknown": (
        ["fill: zeros"],
        "suite.yaml:7: case 'a': fill 'zeros' must be one of integer, random, ones.",
    ),
    "fill a mapping": (["fill: {a: b}"], "suite.yaml:7: case 'a': fill {'a': 'b'} must be one of"),
    "program unknown": (
        ["program: both"],
        "suite.yaml:7: case 'a': program 'both' must be one of advised, documented.",
    ),
    # Promises.
    "output of another size": (
        ["stride: 2", "crop: [[1, -1]]", "output: [1, 4, 6]"],
        (
            "suite.yaml:9: case 'a': output [1, 4, 6] is promised, but the size law gives "
            "[1, 4, 7]: full size [7] less crop [[1, -1]]."
        ),
    ),
    "output no list": (
        ["output: 5"],
        "suite.yaml:7: case 'a': output must be a list of integers, found 5.",
    ),
    "output negative": (
        ["output: [1, 4, -5]"],
        "suite.yaml:7: case 'a': output [1, 4, -5] must not be negative.",
    ),
    "x of another shape": (
        ["x: [[[1, 2, 3]]]"],
        "suite.yaml:7: case 'a': x has shape [1, 1, 3]; it must be [1, 2, 3].",
    ),
    "y of another shape": (
        ["y: [1]"],
        "suite.yaml:7: case 'a': y has shape [1]; it must be [1, 4, 5].",
    ),
    "b ragged": (["b: [1, [2]]"], "suite.yaml:7: case 'a': b is not an array of numbers: "),
    "b a mapping": (["b: {a: 1}"], "suite.yaml:7: case 'a': b is not an array of numbers: "),
    "b of texts": (["b: [u, v, w, x]"], "suite.yaml:7: case 'a': b is not an array of numbers: "),
    # Rejected.
    "rejected, but legal": (
        ["stride: 2", "rejected: true"],
        "suite.yaml:8: case 'a': 'rejected' is set, but the configuration is legal.",
    ),
    "rejected an integer": (
        ["groups: 3", "rejected: 1"],
        "suite.yaml:8: case 'a': 'rejected' must be true or false, found 1.",
    ),
    "says a boolean": (
        ["says: {pytorch: no}"],
        "suite.yaml:7: case 'a': 'says' must map frameworks to a part of what they say.",
    ),
    "says without rejected": (
        ["says: {pytorch: no way}"],
        "suite.yaml:7: case 'a': 'says' is for cases with 'rejected: true'.",
    ),
    "says a list": (
        ["groups: 3", "rejected: true", "says: [no way]"],
        "suite.yaml:9: case 'a': 'says' must map frameworks to a part of what they say.",
    ),
    # Matrix.
    "matrix a list": (
        ["matrix: [1]"],
        "suite.yaml:7: case 'a': 'matrix' must map keys to lists of values.",
    ),
    "matrix of no lists": (
        ["matrix: {stride: 2}"],
        "suite.yaml:7: case 'a': 'matrix' must map keys to lists of values.",
    ),
    "matrix without values": (
        ["matrix: {stride: [1, 2], groups: []}"],
        "suite.yaml:7: case 'a': 'matrix' lists no value for 'groups'.",
    ),
    "matrix of names": (
        ["matrix: {name: [b]}"],
        "suite.yaml:7: case 'a': 'matrix' cannot sweep 'name'; it can: input, out_channels,",
    ),
    "matrix of numbers": (["matrix: {1: [2]}"], "suite.yaml:7: case 'a': 'matrix' cannot sweep "),
    "matrix too large": (
        [f"matrix: {{stride: {[*range(1, 102)]}, dilation: {[*range(1, 101)]}}}"],
        "suite.yaml:7: case 'a': 'matrix' makes 10100 cases; 10000 are allowed.",
    ),
    "matrix with a key given twice": (
        ["matrix:", "  stride: [1]", "  stride: [2]"],
        "suite.yaml:9: key 'stride' is given twice.",
    ),
    "matrix with a key that is a list": (
        ["matrix:", "  ? [a]", "  : [2]"],
        "suite.yaml:8: a key must be a text, found a list.",
    ),
}


@pytest.mark.parametrize(("lines", "message"), AT_ITS_LINE.values(), ids=AT_ITS_LINE)
def test_a_wrong_value_is_refused_at_its_line(lines: list[str], message: str) -> None:
    assert refusal(case(*lines)).startswith(message)


AT_THE_CASE: dict[str, tuple[list[str], str]] = {
    "output negative": (
        ["stride: 1", "crop: 3"],
        (
            "case 'a': output length would be -1.\n"
            "  full length 5 = (3-1)*1 + 1*(3-1) + 1; crop (3, 3) removes 6.\n"
            "  Reduce crop or enlarge the input."
        ),
    ),
    "output negative in a matrix": (
        ["matrix: {stride: [2, 1], crop: [[[0, 6]]]}"],
        (
            "case 'a/s1-c0.6': output length would be -1.\n"
            "  full length 5 = (3-1)*1 + 1*(3-1) + 1; crop (0, 6) removes 6.\n"
            "  Reduce crop or enlarge the input."
        ),
    ),
    "stride 0": (["stride: 0"], "case 'a': stride [0] must be at least 1 on every axis."),
    "dilation negative": (
        ["dilation: -1"],
        "case 'a': dilation [-1] must be at least 1 on every axis.",
    ),
    "groups that do not divide": (
        ["groups: 3"],
        (
            "case 'a': groups 3 does not divide in_channels 2 (2 = 0*3 + 2). "
            "groups 3 does not divide out_channels 4 (4 = 1*3 + 1)."
        ),
    ),
    "strides for two axes": (
        ["stride: [1, 2]"],
        "case 'a': stride [1, 2] has 2 axes, the kernel has 1.",
    ),
    "crop of three sides": (
        ["crop: [[1, 0, 2]]"],
        (
            "case 'a': crop [[1, 0, 2]] must be an int, or for each of 1 spatial axes an int or a "
            "(begin, end) pair, such as [[1, 0]]."
        ),
    ),
    "a matrix value of another kind": (
        ["matrix: {stride: [1, two]}"],
        "case 'a/stwo': stride must be an integer or one per spatial axis, found 'two'.",
    ),
    "a matrix value that repeats": (
        ["matrix: {stride: [1, 1]}"],
        "case 's/a/s1' exists already, at suite.yaml:3. Give it another name.",
    ),
    "too many elements": (
        ["stride: 9999999999"],
        "case 'a': y has shape [1, 4, 20000000001], 80000000004 elements; 268435456 are allowed.",
    ),
    "not exact": (
        ["dtype: float16", "matrix: {input: [[1, 2049, 3]]}"],
        (
            "case 'a/i1x2049x3': a sum of 6147 products is not exact in float16 (limit 2048): "
            "use fill: random, a wider dtype or fewer channels."
        ),
    ),
}


@pytest.mark.parametrize(("lines", "message"), AT_THE_CASE.values(), ids=AT_THE_CASE)
def test_values_that_do_not_fit_together_are_refused_at_their_case(
    lines: list[str], message: str
) -> None:
    assert refusal(case(*lines)) == f"suite.yaml:3: {message}"


OTHERWISE: dict[str, tuple[str, str, int, str]] = {
    "input a number": (
        *("input: [1, 2, 3]", "input: 3"),
        4,
        "case 'a': input must be a list of integers, found 3.",
    ),
    "input of floats": (
        *("input: [1, 2, 3]", "input: [1, 2, 3.5]"),
        4,
        "case 'a': input must be a list of integers, found [1, 2, 3.5].",
    ),
    "input of booleans": (
        *("input: [1, 2, 3]", "input: [true, 2, 3]"),
        4,
        "case 'a': input must be a list of integers, found [True, 2, 3].",
    ),
    "input without spatial axes": (
        *("input: [1, 2, 3]", "input: [1, 2]"),
        4,
        "case 'a': input [1, 2] needs at least 3 entries.",
    ),
    "input negative": (
        *("input: [1, 2, 3]", "input: [1, 2, -3]"),
        4,
        "case 'a': input [1, 2, -3] must not be negative.",
    ),
    "input enormous": (
        *("input: [1, 2, 3]", "input: [1, 2, 99999999999]"),
        3,
        "case 'a': x has shape [1, 2, 99999999999], 199999999998 elements; 268435456 are allowed.",
    ),
    "no channels": (
        *("input: [1, 2, 3]", "input: [1, 0, 3]"),
        3,
        "case 'a': in_channels is 0; it must be at least 1.",
    ),
    "four spatial axes": (
        *("input: [1, 2, 3]", "input: [1, 2, 3, 3, 3, 3]"),
        3,
        "case 'a': kernel [3, 3, 3, 3] has 4 axes; 1 to 3 are possible.",
    ),
    "kernel of two axes": (
        *("kernel: 3", "kernel: [3, 2]"),
        6,
        "case 'a': input [1, 2, 3] has 1 spatial axes, kernel [3, 2] has 2.",
    ),
    "kernel a boolean": (
        *("kernel: 3", "kernel: true"),
        6,
        "case 'a': kernel must be a list of integers, found True.",
    ),
    "kernel not a number": (
        *("kernel: 3", "kernel: .nan"),
        6,
        "case 'a': kernel must be a list of integers, found nan.",
    ),
    "kernel 0": (
        *("kernel: 3", "kernel: 0"),
        3,
        "case 'a': kernel [0] must be at least 1 on every axis.",
    ),
    "no kernel": (*("    kernel: 3", ""), 3, "case 'a': 'kernel' is missing."),
    "out_channels a boolean": (
        *("out_channels: 4", "out_channels: true"),
        5,
        "case 'a': out_channels must be an integer, found True.",
    ),
    "out_channels 0": (
        *("out_channels: 4", "out_channels: 0"),
        3,
        "case 'a': out_channels is 0; it must be at least 1.",
    ),
    "no out_channels": (*("    out_channels: 4", ""), 3, "case 'a': 'out_channels' is missing."),
    "name a number": (*("name: a", "name: 3"), 3, "'name' must be text, found 3."),
}


@pytest.mark.parametrize(("old", "new", "line", "message"), OTHERWISE.values(), ids=OTHERWISE)
def test_a_wrong_required_value_is_refused(old: str, new: str, line: int, message: str) -> None:
    assert refusal(case().replace(old, new)) == f"suite.yaml:{line}: {message}"


# Hostile files.


@pytest.mark.parametrize(
    "value",
    ["!!int ''", "!!int x", "!!float ''", "!!bool foo", "!!timestamp foo", "!!binary é"],
)
@pytest.mark.parametrize("key", ["stride", "note", "x"])
def test_a_value_that_its_tag_does_not_allow_is_refused(key: str, value: str) -> None:
    assert refusal(case(f"{key}: {value}")).startswith("suite.yaml:7: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("suite: !!python/name:os.system", 1),
        ("!!python/object:os.system {suite: s, cases: []}", 1),
        ("suite: s\ncases: !!python/tuple []", 2),
        ("suite: s\ncases:\n  - !!python/object:os.system {name: a}", 3),
        (case("note: !!python/object/apply:os.system [echo]"), 7),
        (case("x: !!python/tuple [1, 2]"), 7),
        (case("matrix: {stride: [1, !!python/name:os.system ]}"), 7),
    ],
)
def test_a_tag_of_python_is_refused_wherever_it_stands(text: str, line: int) -> None:
    message = refusal(text)
    assert message.startswith(f"suite.yaml:{line}: ")
    assert "python/" in message


def test_a_tag_of_nobody_is_refused() -> None:
    assert refusal(case("note: !foo 3")).startswith("suite.yaml:7: ")


def test_a_merge_is_refused_inside_a_matrix_too() -> None:
    assert refusal(case("matrix: {<<: {stride: [2]}}")).startswith("suite.yaml:7: ")


@pytest.mark.parametrize(
    "array", ["[1, 2, 3, .nan]", "[1, 2, 3, .inf]", "[1, 2, 3, '4']", "[1, 2, 3, true]"]
)
def test_a_given_array_holds_finite_numbers_only(array: str) -> None:
    assert refusal(case(f"b: {array}")).startswith("suite.yaml:7: case 'a': b ")


def test_a_given_number_that_no_float_holds_is_refused() -> None:
    assert refusal(case(f"b: [1, 2, 3, {10**400}]")).startswith("suite.yaml:7: case 'a': b ")


@pytest.mark.parametrize("depth", [40, 400, 2_000, 5_000])
@pytest.mark.parametrize("key", ["stride", "note", "x", "says", "matrix", "zzz"])
def test_deeply_nested_brackets_are_refused(key: str, depth: int) -> None:
    assert refusal(case(f"{key}: {'[' * depth}{']' * depth}")).startswith("suite.yaml:")


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_brackets_nested_beyond_all_measure_do_not_kill_the_process(brackets: str) -> None:
    # A process of its own, since libyaml's parser overflows the C stack.
    deep = 100_000
    Path("suite.yaml").write_text(f"suite: {brackets[0] * deep}{brackets[1] * deep}")
    code = "import harness.spec as s; list(s.load_cases('suite.yaml'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "SpecError: suite.yaml:1: " in done.stderr


def test_a_rejected_case_may_not_be_enormous_either() -> None:
    text = case("groups: 3", "rejected: true").replace("[1, 2, 3]", "[1, 2, 99999999999]")
    assert "99999999998 elements; 268435456 are allowed" in refusal(text)


def test_a_rejected_case_of_four_axes_is_read_whatever_its_output() -> None:
    text = case("crop: 5", "rejected: true").replace("[1, 2, 3]", "[1, 2, 3, 3, 3, 3]")
    (read,) = load(text)
    assert read.operator.rank == 4


# Folders.


def folder() -> None:
    for file in ("b.yaml", "a/z.yaml", "a/y.yaml", "bench/fast.yaml"):
        path = Path("specs", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(case().replace("suite: s", f"suite: {file.removesuffix('.yaml')}"))
    Path("specs/limitations.yaml").write_text("limitations: []")
    Path("specs/a/limitations.yaml").write_text("limitations: []")
    Path("specs/notes.txt").write_text("not a spec")


def test_a_folder_is_read_in_order_but_for_benchmarks_and_limitations() -> None:
    folder()
    assert [one.id for one in load_cases("specs")] == ["a/y/a", "a/z/a", "b/a"]
    assert [one.file for one in load_cases("specs")] == [
        str(Path("specs", file)) for file in ("a/y.yaml", "a/z.yaml", "b.yaml")
    ]


def test_benchmarks_are_read_where_they_are_asked_for() -> None:
    folder()
    assert [one.id for one in load_cases("specs/bench")] == ["bench/fast/a"]
    assert [one.id for one in load_cases("specs/bench/fast.yaml")] == ["bench/fast/a"]


def test_a_folder_named_bench_above_the_specs_hides_nothing() -> None:
    folder()
    Path("specs").rename("bench")
    assert [one.id for one in load_cases("bench")] == ["a/y/a", "a/z/a", "b/a"]


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (None, ["a/y/a", "a/z/a", "b/a"]),
        ("", ["a/y/a", "a/z/a", "b/a"]),
        ("y/", ["a/y/a"]),
        ("b/a", ["b/a"]),
        ("*/y/*", ["a/y/a"]),
        ("a/?/a", ["a/y/a", "a/z/a"]),
        ("[ab]/a", ["b/a"]),
        ("y*", []),
        ("Y", []),
        ("nothing", []),
    ],
)
def test_cases_are_selected_by_a_part_or_a_glob(select: str | None, expected: list[str]) -> None:
    folder()
    assert [one.id for one in load_cases("specs", select)] == expected


def test_a_glob_means_the_whole_id_and_a_text_any_part_of_it() -> None:
    assert selected("models/dcgan/a", "dcgan")
    assert not selected("models/dcgan/a", "dcgan*")
    assert selected("models/dcgan/a", "*dcgan*")


def test_an_error_in_a_case_that_is_not_selected_is_an_error() -> None:
    Path("suite.yaml").write_text(case("stride: 0"))
    with pytest.raises(SpecError, match="stride"):
        list(load_cases("suite.yaml", "something else"))


def test_an_id_that_two_files_give_is_refused() -> None:
    for file in ("one.yaml", "two.yaml"):
        Path(file).write_text(case())
    with pytest.raises(SpecError) as caught:
        list(load_cases("."))
    assert str(caught.value) == (
        "two.yaml:3: case 's/a' exists already, at one.yaml:3. Give it another name."
    )


def test_a_path_without_specs_is_refused() -> None:
    Path("empty").mkdir()
    with pytest.raises(SpecError, match=r"^empty: there is no spec \(\*\.yaml\) in this folder\.$"):
        list(load_cases("empty"))
    with pytest.raises(SpecError, match=r"^missing: there is no such spec file or folder\.$"):
        list(load_cases("missing"))


def test_the_default_suite_is_the_checkout_s_when_nothing_is_installed() -> None:
    assert specs_root().is_dir()
    assert next(load_cases()).file.endswith(".yaml")
