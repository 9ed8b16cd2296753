"""ONNX Runtime without its optimisations, and ONNX's own reference implementation."""

# ruff: noqa: E501 -- programs have lines as long as they are

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.conformance.pipeline import execute
from harness.convention.registry import convention, render
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.execution.environments import interpreter
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.case import case_from_descriptor

OPERATOR = Operator.of(2, 3, (3, 2), stride=(1, 2), crop=((2, -1), (0, -3)))


def text(framework: str) -> str:
    program = render(OPERATOR, framework)
    assert isinstance(program, Program)
    return program.text


def test_the_reference_is_asked_for_what_it_computes() -> None:
    assert (
        text("onnxruntime:reference")
        == """\
from onnx.reference import ReferenceEvaluator
from onnx import TensorProto, helper, numpy_helper
nodes = [
    helper.make_node("ConvTranspose", ["x", "w"], ["full"], kernel_shape=[3, 2], strides=[1, 2]),
    helper.make_node("Pad", ["full", "pads"], ["padded"]),
    helper.make_node("Slice", ["padded", "starts", "ends", "axes"], ["kept"]),
    helper.make_node("Add", ["kept", "b"], ["y"]),
]
pads = helper.make_tensor("pads", TensorProto.INT64, [8], [0, 0, 0, 0, 0, 0, 1, 3])
starts = helper.make_tensor("starts", TensorProto.INT64, [1], [2])
ends = helper.make_tensor("ends", TensorProto.INT64, [1], [9223372036854775807])
axes = helper.make_tensor("axes", TensorProto.INT64, [1], [2])
inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
initializers = [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b.reshape(-1, 1, 1), "b"), pads, starts, ends, axes]
graph = helper.make_graph(nodes, "layer", inputs, outputs, initializers)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
session = ReferenceEvaluator(model)
y = session.run(None, {"x": x})[0]
"""
    )


def test_an_unoptimized_session_is_the_same_but_for_that() -> None:
    setting = "options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL\n"
    unoptimized = text("onnxruntime:unoptimized")
    assert unoptimized.count(setting) == 1
    assert unoptimized.replace(setting, "") == text("onnxruntime")


def test_the_reference_has_float64_and_no_groups() -> None:
    double = render(OPERATOR, "onnxruntime:reference", "float64")
    assert isinstance(double, Program)
    assert "TensorProto.DOUBLE" in double.text
    grouped = Operator.of(4, 6, (3,), groups=2)
    refused = render(grouped, "onnxruntime:reference")
    assert isinstance(refused, Unsupported)
    assert "more than one group" in refused.reason
    assert isinstance(render(grouped, "onnxruntime:reference", documented=True), Program)


@pytest.mark.frameworks
def test_all_of_them_compute_the_same() -> None:
    names = ["onnxruntime", *(each.name for each in convention("onnxruntime").variants)]
    cases = [
        case_from_descriptor(f"{descriptor}_n2_i4x5")
        for descriptor in (
            OPERATOR.descriptor,
            "ic2_oc3_k3x2_s3x2_d1x2_c3.0x0.-1_b",
            "ic1_oc1_k1x1",
        )
    ]
    records = [each for each in execute(cases, names) if isinstance(each, Record)]
    shown = {(each.framework, each.check): each.status for each in records}
    for name in names:
        assert {shown[name, check] for check in ("shape", "value")} == {Status.PASSED}
        assert {shown[name, check] for check in ("grad_x", "grad_w")} == {Status.UNSUPPORTED}
    assert [
        each for each in records if each.status not in {Status.PASSED, Status.UNSUPPORTED}
    ] == []


@pytest.mark.frameworks
def test_nothing_is_written_to_the_users_home(tmp_path: Path) -> None:
    about = convention("onnxruntime")
    program = (
        "import numpy as np\n"
        "x = w = np.ones((1, 1, 3), 'float32')\n" + render_plain() + "assert y.shape == (1, 1, 5)"
    )
    python = interpreter(about)
    unset = {name: value for name, value in os.environ.items() if name != "CI"}
    environ = {**unset, **about.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    subprocess.run([python, "-I", "-c", program], env=environ, check=True)
    assert list(tmp_path.rglob("*")) == []


def render_plain() -> str:
    program = render(Operator.of(1, 1, (3,), bias=False), "onnxruntime")
    assert isinstance(program, Program)
    return program.text
