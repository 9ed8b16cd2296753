"""Specs that mean harm: tags, merges, numbers and brackets beyond all measure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from suites import case, load, refusal

from harness.suite.limitations import load_limitations
from harness.suite.specs import load_cases
from harness.suite.yaml_fields import SpecError, document

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


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
@pytest.mark.slow
def test_brackets_nested_beyond_all_measure_do_not_kill_the_process(brackets: str) -> None:
    # A process of its own, since libyaml's parser overflows the C stack.
    deep = 100_000
    Path("suite.yaml").write_text(f"suite: {brackets[0] * deep}{brackets[1] * deep}")
    code = "import harness.suite.specs as s; list(s.load_cases('suite.yaml'))"
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


# Limits.


@pytest.mark.parametrize(
    "number", ["9" * 4000, "0b" + "1" * 9999, ":".join(["59"] * 999), "1e" * 300]
)
@pytest.mark.parametrize("key", ["stride", "groups", "input", "x", "note"])
def test_a_number_longer_than_any_is_refused_unread(key: str, number: str) -> None:
    assert refusal(case(f"{key}: {number}")) == (
        f"suite.yaml:7: a number of {len(number)} characters."
    )


def test_a_long_text_may_begin_with_a_digit() -> None:
    assert load(case(f"note: 2 x 2 kernels{' and more' * 60}"))


@pytest.mark.parametrize("text", ["suite: s\ncases: [" + "1," * 100_000, "---\n" * 100_000])
def test_more_values_than_any_suite_has_are_refused_soon(text: str) -> None:
    assert "more than 100000 keys and values." in refusal(text)


def test_a_larger_file_or_a_pipe_is_not_read() -> None:
    assert "it is larger than 1 MiB, the most that is read" in refusal("# " + "-" * (1 << 20))
    os.mkfifo("pipe.yaml")
    with pytest.raises(SpecError, match=r"pipe\.yaml: there is no such spec file or folder"):
        list(load_cases(Path("pipe.yaml")))
    Path("folder.yaml").mkdir()
    with pytest.raises(SpecError, match="cannot be read"):
        document(Path("folder.yaml"))
    with pytest.raises(SpecError, match="it is a pipe or a device, not a file"):
        document(Path("pipe.yaml"))


def test_a_pipe_is_not_taken_for_no_limitations() -> None:
    os.mkfifo("limitations.yaml")
    with pytest.raises(SpecError, match="it is a pipe or a device"):
        load_limitations(Path("limitations.yaml"))


@pytest.mark.parametrize("key", ["stride", "dilation", "crop", "groups"])
def test_a_number_that_no_framework_takes_is_refused(key: str) -> None:
    assert f"{key} must be " in refusal(case(f"{key}: {2**63}"))


def test_an_id_beyond_all_measure_is_one_line() -> None:
    assert "its id has 1001 characters; 1000 are allowed." in refusal(
        case().replace("name: a", f"name: {'x' * 999}")
    )


@pytest.mark.slow
def test_more_cases_than_anybody_runs_are_one_line() -> None:
    strides = list(range(1, 101))
    sweep = "{{name: n{}, input: [1, 1, 1], out_channels: 1, kernel: 1, matrix: {}}}"
    matrix = f"{{stride: {strides}, dilation: {strides}}}"
    entries = "\n".join(f"  - {sweep.format(number, matrix)}" for number in range(3))
    assert "suite.yaml:5: more than 20000 cases in one file." in refusal(
        f"suite: s\ncases:\n{entries}"
    )
