"""The examples of ``docs/implementations``: what can be said of them without their runtimes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.suite.limitations import load_known, unmatched
from harness.suite.specs import load_cases

FOLDER = Path(__file__).parents[2] / "docs/implementations"
NAMES = sorted(path.name.removesuffix("_conv.py") for path in FOLDER.glob("*_conv.py"))


def file_of(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return values


def test_there_are_examples_that_are_short() -> None:
    assert len(NAMES) >= 4
    for name in NAMES:
        paths = FOLDER / f"{name}.yaml", FOLDER / f"{name}_conv.py"
        assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_a_file_names_what_is_in_its_module(name: str) -> None:
    values = file_of(name)
    tree = ast.parse((FOLDER / f"{name}_conv.py").read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for key in ("python", "onnx", "gradient"):
        if key in values:
            module, _, function = values[key].partition(":")
            assert (module, function in defined) == (f"{name}_conv", True)


def test_their_known_failures_are_of_cases_that_are_there() -> None:
    cases = list(load_cases())
    for name in NAMES:
        known = load_known(FOLDER / file_of(name)["known"], name)
        assert known
        assert list(unmatched(known, cases)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_it(name: str) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"`{name}.yaml`" in page
    assert f".venv/{name}/bin/pip install" in page


def test_the_pages_numbers_add_up() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[5:-1] for line in page.splitlines() if ".yaml` |" in line]
    assert len(rows) == len(NAMES)
    for row in rows:
        checks, *parts = map(int, row)
        assert checks == sum(parts)
