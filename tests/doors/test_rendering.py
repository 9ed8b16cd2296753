"""The programs of an implementation."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.operators import Operator
from harness.core.program import Program
from harness.doors.implementation import Implementation, load_implementation
from harness.doors.rendering import convention_of


def implementation(folder: Path, text: str) -> Implementation:
    file = folder / "mine.yaml"
    file.write_text(f"name: mine\n{text}\n", encoding="utf-8")
    return load_implementation(file)


@pytest.mark.parametrize(
    ("function", "gradient", "setup"),
    [
        ("k:conv", "k:vjp", "from k import conv\nfrom k import vjp"),
        ("k:run", "g:run", "from k import run\nfrom g import run as run_gradient"),
        ("k:x", "k:dx_", "from k import x as x_function\nfrom k import dx_ as dx__gradient"),
    ],
)
def test_a_function_is_called_by_a_name_of_its_own(
    tmp_path: Path, function: str, gradient: str, setup: str
) -> None:
    mine = implementation(tmp_path, f"python: {function}\ngradient: {gradient}")
    program = convention_of(mine).render(Operator.of(1, 1, (3,)), "float32", False, "cpu")
    assert isinstance(program, Program)
    assert program.setup == setup
    called = [
        section.call.split("(")[0].split()[-1] for section in (program.forward, program.gradient)
    ]
    assert called == [line.split()[-1] for line in setup.splitlines()]


@pytest.mark.parametrize(
    ("text", "runner"),
    [
        ("onnx: r:run", "Runner('r:run', {folder!r})"),
        ("onnx: r:run\nweights: initializers", "Runner('r:run', {folder!r}, initializers=True)"),
        (
            'onnx: [./run, "{{model}}", "{{outputs}}"]',
            "Runner(['./run', '{{model}}', '{{outputs}}'], {folder!r})",
        ),
    ],
)
def test_a_model_and_what_it_takes_besides_one_node(tmp_path: Path, text: str, runner: str) -> None:
    mine = implementation(tmp_path, text.format())
    for crop, support in (((1, -1),), "native"), (((-1, 0),), "rewritten"):
        operator = Operator.of(1, 1, (3,), stride=2, crop=crop)
        program = convention_of(mine).render(operator, "float32", False, "cpu")
        assert isinstance(program, Program)
        assert program.setup.splitlines()[1] == f"runner = {runner.format(folder=str(tmp_path))}"
        assert program.support == support


@pytest.mark.parametrize(
    ("file", "distribution"), [("numpy.py", ""), ("numpy/core.py", ""), ("other.py", "numpy")]
)
def test_a_module_next_to_the_file_has_no_installed_version(
    tmp_path: Path, file: str, distribution: str
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    mine = implementation(tmp_path, "python: numpy.core:convolve")
    assert convention_of(mine).distribution == distribution


def test_a_module_with_a_name_that_no_file_has_is_not_there(tmp_path: Path) -> None:
    mine = implementation(tmp_path, f"python: {'x' * 999}:f")
    assert convention_of(mine).distribution == "x" * 999
