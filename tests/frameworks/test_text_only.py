"""What is text only: read and written by look-ups, and run by nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from hypothesis import given
from strategies import operators

from harness.cli.main import main
from harness.convention.registry import (
    TextOnlyError,
    convention,
    distinct_conventions,
    framework_names,
    is_framework,
    known_names,
    render,
    text_only_names,
)
from harness.convention.signature import Style
from harness.core.operators import Operator
from harness.core.program import Program
from harness.doors.implementation import subject_of
from harness.execution.column import Column
from harness.lookup.answer import look_up
from harness.lookup.reading import read

NAMES = text_only_names()
STYLES: list[tuple[str, Style]] = [
    (name, style)
    for name in NAMES
    for style in (("function", "layer") if convention(name).layer else ("function",))
]
PLAIN = "ic4_oc6_k3x3_s2x2_c1.1x1.1_b"
ROOT = Path(__file__).parents[2]


def test_there_are_some_and_none_is_a_framework() -> None:
    assert "tinygrad" in NAMES
    assert known_names() == (*framework_names(), *NAMES)
    assert not {*NAMES} & {*framework_names()}
    assert not {*NAMES} & {each.name for each in distinct_conventions()}
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini")
    assert not {*NAMES} & {section.removeprefix("testenv:") for section in tox.sections()}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_framework(name)
    for run in (subject_of, Column):
        with pytest.raises(TextOnlyError, match=f"^{name} is text only: .* nothing here runs them"):
            run(name)
    for command in (["run", "-f", name], ["bench", "-f", name], ["envs", name]):
        assert main(command) == 2
        assert f"error: {name} is text only: look-ups read and write" in capsys.readouterr().err
    assert main(["translate", PLAIN, "--to", name, "--check"]) == 2
    assert f"nothing here runs {name}: text only" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_only_where_it_is_asked_for_and_says_that_it_is_text(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"Text only: deconform does not run {convention(name).title}."
    assert name not in {each.framework for each in look_up(PLAIN).translations}
    (answer,) = look_up(PLAIN, to=[name]).translations
    assert isinstance(answer.answer, Program)
    assert answer.notes[0] == line
    assert main(["translate", PLAIN, "--to", name]) == 0
    out = capsys.readouterr().out
    assert f"  note     {line}\n" in out
    assert "run any of them" not in out
    assert main(["translate", PLAIN, "--to", name, "--to", "numpy", "--json"]) == 0
    notes = {
        each: translation["notes"]
        for each, translation in json.loads(capsys.readouterr().out)["translations"].items()
    }
    assert (notes["numpy"], notes[name][0]) == ([], line)


def test_every_dialect_is_light_until_it_is_used() -> None:
    """A look-up that has nothing to do with it pays for one small module."""
    code = (
        "import sys; from harness.lookup.every import look_up_texts\n"
        "look_up_texts(['nn.ConvTranspose2d(64, 32, 4)'], None, ['pytorch'])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    inside = {module for module in done.stdout.split() if module.startswith("harness.frameworks.")}
    for name in NAMES:
        folder = f"harness.frameworks.{name}"
        assert {each for each in inside if each.startswith(folder)} == {folder}


@pytest.mark.parametrize(("name", "style"), STYLES)
@given(operator=operators())
def test_what_is_written_is_read_as_the_same(name: str, style: Style, operator: Operator) -> None:
    program = render(operator, name, style=style)
    if isinstance(program, Program):
        # Large enough that no line before the last one is left without an output.
        shape = (2, operator.in_channels, *(size + 9 for size in operator.effective_kernel))
        for framework in (name, None):
            result = read(program.text, framework, shape, operator.weight_shape)
            assert (result.framework, result.operator) == (name, operator)
