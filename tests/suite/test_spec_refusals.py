"""Specs that are wrong are refused with the file, the line and the values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from suites import case, refusal

from harness.suite.specs import load_cases
from harness.suite.yaml_fields import SpecError

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


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
        "suite.yaml:7: case 'a': dtype 'float8' must be one of float16, bfloat16, float32, float64"
        ".",
    ),
    "dtype a list": (["dtype: [float32]"], "suite.yaml:7: case 'a': dtype ['float32'] must be one"),
    "fill unknown": (
        ["fill: zeros"],
        "suite.yaml:7: case 'a': fill 'zeros' must be one of integer, random, ones.",
    ),
    "fill a mapping": (["fill: {a: b}"], "suite.yaml:7: case 'a': fill {'a': 'b'} must be one of"),
    "program unknown": (
        ["program: both"],
        "suite.yaml:7: case 'a': program 'both' must be one of advised, documented, named.",
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
    "says of a framework that is none": (
        ["groups: 3", "rejected: true", "says: {pytroch: divisible}"],
        "suite.yaml:9: case 'a': unknown framework 'pytroch'",
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


@pytest.mark.parametrize(
    ("old", "new", "line", "subject"),
    [
        ("suite", "siute", 1, ""),
        ("cases", "case", 3, ""),  # where its value begins
        ("name", "nmae", 3, ""),
        ("input", "inptu", 4, "case 'a': "),
        ("out_channels", "out_chanels", 5, "case 'a': "),
        ("kernel", "kernal", 6, "case 'a': "),
    ],
)
def test_a_required_key_that_is_misspelt_is_recognised_at_its_line(
    old: str, new: str, line: int, subject: str
) -> None:
    assert refusal(case("stride: 2").replace(f"{old}:", f"{new}:")) == (
        f"suite.yaml:{line}: {subject}{old!r} is missing. Did you mean {old!r} by {new!r}?"
    )


@pytest.mark.parametrize("missing", ["input", "out_channels", "kernel"])
def test_no_legal_key_is_taken_for_a_missing_one(missing: str) -> None:
    others = ("stride: 1", "crop: 0", "groups: 1", "output: [1, 4, 5]", "note: n", "fill: ones")
    lines = [line for line in case(*others).splitlines() if f" {missing}:" not in line]
    assert refusal("\n".join(lines)) == f"suite.yaml:3: case 'a': {missing!r} is missing."
