"""Specs are read as written: suites, sweeps, and folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from suites import case, load

from harness.core.operators import IllegalOperator, Operator
from harness.suite.specs import load_cases, selected, specs_root
from harness.suite.yaml_fields import SpecError

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


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
        (["y/"], ["a/y/a"]),
        (["b/a", "*/y/*"], ["a/y/a", "b/a"]),
        (["a/?/a", "y/"], ["a/y/a", "a/z/a"]),
        (("nothing", "b/"), ["b/a"]),
        ([], []),
    ],
)
def test_cases_are_selected_by_parts_or_globs(
    select: str | Sequence[str] | None, expected: list[str]
) -> None:
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
