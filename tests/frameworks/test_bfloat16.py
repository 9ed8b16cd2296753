"""bfloat16 in the real frameworks: those that have it are right, and really compute in it."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.conformance.pipeline import execute
from harness.conformance.reproduction import reproduced
from harness.convention.registry import convention, framework_names, render
from harness.core.program import Program, Unsupported
from harness.engines.job import Arrays
from harness.execution.column import Column, Conditions
from harness.execution.environments import has_environment, interpreter
from harness.frameworks import keras
from harness.records.record import Record
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor
from harness.suite.specs import load_cases, specs_root

pytest.importorskip("ml_dtypes")

HAVE_IT = ("jax", "keras", "numpy", "openvino", "pytorch", "tensorflow")
CASE = case_from_descriptor("ic2_oc4_k3x2_s2x1_c1.0x0.-1_g2_b_n1_i2x3_bf16_random")
# What a framework leaves, as another type.
WIDER = {
    "jax": ("np.asarray(y_)", 'np.asarray(y_).astype("float32")'),
    "pytorch": ("to_bits(y_)", "to_bits(y_.float())"),
    "openvino": ("ov.Model([y_]", 'ov.Model([ops.convert(y_, "f32")]'),
    "tensorflow": ("y_.numpy()", "tf.cast(y_, tf.float32).numpy()"),
}


def suite() -> list[Case]:
    return list(load_cases(specs_root() / "grid" / "bfloat16.yaml"))


def test_who_has_none_says_why() -> None:
    operator = replace(CASE.operator, groups=1)
    for name in framework_names():
        answers = [render(operator, name, "bfloat16", style=s) for s in ("function", "layer")]
        assert {isinstance(each, Program) for each in answers} == {name in HAVE_IT}, name
        for each in answers:
            assert isinstance(each, Program) or len(each.reason) > 20


def test_every_variant_and_every_text_only_framework_answers() -> None:
    variants = [each for name in framework_names() for each in convention(name).variants]
    for each in variants:
        answer = each.write(replace(CASE.operator, groups=1), "bfloat16")
        has_it = each.name.startswith("keras") or each.name == "onnxruntime:reference"
        assert isinstance(answer, Program) == has_it, each.name
    copied = replace(convention("pytorch"), no_bfloat16=convention("mlx").no_bfloat16)
    answer = copied.write(CASE.operator, "bfloat16")
    assert isinstance(answer, Unsupported)
    assert answer.reason == "Programs are not written for bfloat16."


@pytest.mark.frameworks
def test_those_that_have_it_are_right() -> None:
    names = [name for name in HAVE_IT if has_environment(convention(name))]
    records = [each for each in execute(suite(), names) if isinstance(each, Record)]
    wrong = [each for each in records if each.status not in {Status.PASSED, Status.UNSUPPORTED}]
    assert wrong == []
    refused = {each.framework for each in records if each.status == Status.UNSUPPORTED}
    assert refused <= {"openvino"}  # Its gradients
    assert sum(each.status == Status.PASSED for each in records) > 100 * len(names) - 80


@pytest.mark.frameworks
@pytest.mark.parametrize("name", WIDER)
def test_a_result_of_another_type_is_told(name: str) -> None:
    if not has_environment(convention(name)):
        pytest.skip(f"no environment of {name}")
    right, wrong = WIDER[name]
    case = suite()[0]
    with closing(Column(name)) as column:
        program = column.render(case)
        assert isinstance(program, Program)
        column.start()
        forward = replace(
            program.forward,
            to_native=program.forward.to_native.replace(right, wrong),
            from_native=program.forward.from_native.replace(right, wrong),
        )
        assert forward != program.forward
        (job, *_) = column.jobs(case, replace(program, forward=forward), case.data())
        ((_, outcome),) = column.run([job])
    assert isinstance(outcome, Arrays), outcome
    assert str(outcome.outputs["y"].dtype) == "float32"


@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["jax", "pytorch", "openvino"])
def test_what_reproduce_prints_can_be_pasted(name: str, tmp_path: Path) -> None:
    if not has_environment(convention(name)):
        pytest.skip(f"no environment of {name}")
    case = case_from_descriptor("ic2_oc2_k3_s2_b_n1_i4_bf16")
    text, is_passed = reproduced(case, name, Conditions())
    assert is_passed, text
    program = text[text.index("# inputs\n") :].partition("\n# gradients")[0]
    program = program.partition("\ngot ")[0].partition("\nshape ")[0]
    shown = "\nprint(str(y.dtype), y.view('uint16').ravel().tolist()[:3])"
    python = interpreter(convention(name))
    command = [str(python), "-c", re.sub(r"\ngrad_. .*", "", program) + shown]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("bfloat16 [" if name == "jax" else "uint16 ["), ran.stderr


@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["jax", "keras", "pytorch", "tensorflow"])
def test_layers_compute_in_it_as_well(name: str) -> None:
    if not has_environment(convention(name)):
        pytest.skip(f"no environment of {name}")
    case = case_from_descriptor("ic2_oc3_k3_s2_b_n1_i4_bf16")
    program = render(case.operator, name, case.dtype, style="layer")
    assert isinstance(program, Program)
    with closing(Column(name)) as column:
        column.start()
        jobs = list(column.jobs(case, program, case.data()))
        for _, outcome in column.run(jobs):
            assert isinstance(outcome, Arrays), outcome
            assert {str(each.dtype) for each in outcome.outputs.values()} == {"bfloat16"}


def test_keras_is_written_alike_for_all_that_it_computes_with() -> None:
    assert {each.no_bfloat16 for each in keras.CONVENTION.variants} == {""}
