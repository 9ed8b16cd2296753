"""Measurements: what is counted is what is computed, and lines are read as they were written."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import header, measurement, report
from saved_runs import written
from strategies import keywords, sized_operators

from harness import Report
from harness.core.operators import Operator, Sizes
from harness.records.measurement import Measurement, multiply_adds, touched_bytes
from harness.records.record import Header, to_json
from harness.records.report_file import ReportError, as_line
from impl import reference


@given(sized_operators(), st.integers(0, 3))
def test_multiply_adds_are_those_of_the_definition(
    operator_and_size: tuple[Operator, Sizes], batch: int
) -> None:
    operator, in_size = operator_and_size
    x = np.ones((batch, operator.in_channels, *in_size), dtype=np.int64)
    w = np.ones(operator.weight_shape, dtype=np.int64)
    # Of ones, each output element is the number of products that it sums up.
    y = reference.conv_transpose(x, w, **keywords(operator))
    assert multiply_adds(operator, batch, in_size) == y.sum()


@given(sized_operators(), st.sampled_from(["float16", "float32", "float64"]))
def test_touched_bytes_are_those_of_the_arrays(
    operator_and_size: tuple[Operator, Sizes], dtype: str
) -> None:
    operator, in_size = operator_and_size
    x = np.ones((2, operator.in_channels, *in_size), dtype)
    w = np.ones(operator.weight_shape, dtype)
    b = np.ones(operator.out_channels, dtype)
    y = reference.conv_transpose(x, w, b, **keywords(operator))
    arrays = [x, w, y, *([b] if operator.bias else [])]
    assert touched_bytes(operator, 2, in_size, dtype) == sum(array.nbytes for array in arrays)


def test_benchmark_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = report(
        [
            measurement("numpy", [0.25, 0.5], file="specs/bench/a.yaml", line=3),
            measurement("numpy", [1.0], direction="gradient", peak_bytes=0),
            measurement("pytorch", status="CRASHED", reason="signal 11", peak_bytes=None),
        ]
    )
    assert Report.read(written(tmp_path / "bench.jsonl", made)) == made
    assert not made.ok
    assert report(made.measurements[:2]).ok


def test_median_is_of_the_samples() -> None:
    assert measurement("numpy", [4.0, 1.0, 2.0, 3.0]).seconds == 2.5


def test_what_a_program_without_a_time_has_not_is_left_out_of_its_line() -> None:
    line = to_json(measurement("mxnet", status="UNSUPPORTED", reason="none", calls=0, first_s=0.0))
    assert line["kind"] == "measurement"
    assert not {"samples", "calls", "first_s", "file", "line"} & set(line)


def test_header_of_a_conformance_run_is_as_it_always_was() -> None:
    assert as_line(Header("0.1.0", "2026-01-02T03:04:05+00:00", {}, cases=3)) == (
        '{"kind":"header","deconform":"0.1.0","started":"2026-01-02T03:04:05+00:00",'
        '"frameworks":{},"cases":3,"schema":1}\n'
    )


GOOD = {"kind": "measurement", **asdict(measurement("numpy", [0.5]))}


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"direction": "sideways"}, "direction 'sideways' is none of"),
        ({"status": "SPLENDID"}, "there is no status 'SPLENDID'"),
        ({"samples": []}, "MEASURED with 0 samples"),
        ({"status": "FAILED"}, "FAILED with 1 samples"),
        ({"samples": [0.5, 0.0]}, "a sample of 0.0 s"),
        ({"samples": [float("nan")]}, "a sample of nan s"),
        ({"samples": [float("inf")]}, "a sample of inf s"),
        ({"samples": [10**400]}, "a sample of 1000"),
        ({"samples": ["1"]}, "samples cannot be ('1',)"),
        ({"samples": 1.0}, "samples cannot be 1.0"),
        ({"batch": -1}, "cannot be negative"),
        ({"batch": "8"}, "batch cannot be '8'"),
        ({"peak_bytes": 1.5}, "peak_bytes cannot be 1.5"),
        ({"first_s": float("nan")}, "none may be negative or infinite"),
        ({"to_native_s": -1.0}, "none may be negative or infinite"),
        ({"framework": "mxnet"}, "the header has no framework 'mxnet'"),
        ({"color": "red"}, "not a line of a report"),
    ],
)
def test_spoilt_line_is_named(spoilt: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    lines = [json.dumps(to_json(header(("numpy",)))), json.dumps(GOOD | spoilt)]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ReportError) as caught:
        Report.read(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


def test_second_measurement_of_a_program_is_named(tmp_path: Path) -> None:
    one = measurement("numpy", [0.5])
    path = written(tmp_path / "bench.jsonl", report([one, one]))
    with pytest.raises(ReportError, match="a second measurement of made/one / numpy / forward"):
        Report.read(path)


@pytest.mark.parametrize("ceiling", [0.0, -1.0, float("nan")])
def test_ceiling_is_a_positive_number(ceiling: float, tmp_path: Path) -> None:
    about = header(("numpy",), ceilings={"copy_bytes": ceiling})
    path = written(tmp_path / "bench.jsonl", report([measurement("numpy", [0.5])], about))
    with pytest.raises(ReportError, match="the ceiling 'copy_bytes' is not a positive number"):
        Report.read(path)


def test_measurement_names_no_field_twice() -> None:
    assert set(GOOD) - {"kind"} == set(Measurement.__dataclass_fields__)
