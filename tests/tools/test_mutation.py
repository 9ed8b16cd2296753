"""The script that changes our code: which changes it makes, and that it tells killed from alive."""

from __future__ import annotations

from pathlib import Path

import mutation
import pytest
from equivalent import EQUIVALENT


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("y = a == b", ["y = (a != b)"]),
        ("y = a in b", ["y = (a not in b)"]),
        ("y = a <= b < c", ["y = (a < b < c)", "y = (a <= b <= c)"]),
        ("y = a and b", ["y = (a or b)"]),
        ("y = not a", ["y = (a)"]),
        ("y = -a", ["y = (a)"]),
        ("y = a + b", ["y = (a - b)"]),
        ("y = a // b * c", ["y = (a * b) * c", "y = (a // b // c)"]),
        ("y = 0.5", ["y = (-0.5)", "y = (1.5)"]),
        ("y = True", ["y = (False)"]),
        ("y = a if b else c", ["y = a if (not (b)) else c"]),
        ("y = [a for a in b if a]", ["y = [a for a in b if (not (a))]"]),
        ("y += a", ["pass", "y -= a"]),
        ("y[a] = b", ["pass"]),
        ("f(a)", ["pass"]),
        ("raise a", ["pass"]),
        # What is not executed, or only formatted, is left alone.
        ("y: Literal[1]", []),
        ("y = f'{a + b}'", []),
        ("'a text'", []),
        ("assert a", []),
        ("y = a", []),
    ],
)
def test_each_change_is_made_in_its_place(source: str, mutated: list[str]) -> None:
    assert sorted(change.added for change in mutation.changes("", source)) == mutated


def test_a_return_gives_nothing_and_an_annotation_stays() -> None:
    source = "def f(a: Literal[1]) -> Literal[2]:\n    return a\n"
    assert [change.added for change in mutation.changes("", source)] == ["return None"]


def test_a_change_is_shown_with_its_line() -> None:
    source = "a = b\nwhile a:\n    a = (\n        a\n        - 1\n    )\n"
    first, second, *_ = mutation.changes("m.py", source)
    assert (first.line, first.diff) == (2, "    -while a:\n    +while (not (a)):")
    assert (second.line, second.added) == (4, "(a + 1)")


def test_every_line_that_is_called_equivalent_is_the_line_of_a_change() -> None:
    for module, reasons in EQUIVALENT.items():
        source = (mutation.ROOT / module).read_text()
        assert reasons.keys() <= {change.added for change in mutation.changes(module, source)}


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("impl/cuda.py", ["tests/impl/test_cuda.py"]),
        ("impl/threads.py", ["tests/impl/test_fast_threads.py"]),
        ("harness/conformance/judge.py", ["tests/conformance/test_judge.py"]),
        ("harness/records/no_such.py", ["tests/records"]),
    ],
)
def test_a_module_answers_to_the_tests_of_its_name(module: str, tests: list[str]) -> None:
    assert mutation.tests_of(module) == (*tests, module)
    assert all((mutation.ROOT / test).exists() for test in tests)


@pytest.mark.slow
def test_a_test_that_fails_or_hangs_kills_and_one_that_passes_does_not(tmp_path: Path) -> None:
    (tmp_path / "tools").symlink_to(mutation.ROOT / "tools")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nmarkers = ["frameworks", "browser", "gpu", "slow"]\n'
        'addopts = ["--doctest-modules"]\n'
    )
    # What hangs is ended however far it has got.
    for text, seconds, alive in (
        ("pass", 60, True),
        ("assert False", 60, False),
        ("while True: pass", 1, False),
    ):
        (tmp_path / "test_this.py").write_text(f"def test_this():\n    {text}\n")
        assert mutation.survives(tmp_path, ["test_this.py"], seconds) is alive
