"""Change our own code in one place at a time, and count the changes that a test notices.

``tox run -e mutants`` changes what the verdicts rest on: ``impl/``, ``harness/conformance/`` and
``harness/records/``.  A change is *killed* when the module's tests fail or do not end in time, and
*survives* when they pass: what it breaks is then protected by no test.  The working tree is left
alone: every process works in a copy of its own.

The changes: a comparison is shifted or turned around, an integer or a float is one more or one
less, ``True`` is ``False``, ``and`` is ``or``, an operator of arithmetic is its opposite, a
condition is turned around, a ``not`` or a minus is left out, a ``return`` gives ``None``, and a
statement that is executed for its effect is dropped.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from equivalent import EQUIVALENT
from hypothesis import Phase, settings

ROOT: Final = Path(__file__).parents[1]
TARGETS: Final = ("impl", "harness/conformance", "harness/records")
COPIED: Final = ("harness", "impl", "specs", "tests", "reports", "benchmarks", "tools")
LEFT_OUT: Final = "not frameworks and not browser and not gpu and not slow"
# Where a module's tests are not those of its name, nor all those of its room.
TESTS: Final = {
    "impl/__init__.py": ("tests/impl/test_reference.py", "tests/impl/test_fast.py"),
    "impl/compiled.py": ("tests/impl/test_direct.py",),
    "impl/gather.py": ("tests/impl/test_fast.py", "tests/impl/test_fast_threads.py"),
    "impl/geometry.py": ("tests/impl/test_reference.py", "tests/impl/test_calls.py"),
    "impl/phases.py": ("tests/impl/test_fast.py", "tests/impl/test_fast_threads.py"),
    "impl/product.py": ("tests/impl/test_fast.py", "tests/impl/test_fast_threads.py"),
    "impl/scatter.py": ("tests/impl/test_fast.py", "tests/impl/test_fast_threads.py"),
    "impl/threads.py": ("tests/impl/test_fast_threads.py",),
}
# Bounds on a mutant's time: many times what the tests take without a change, but never less.
_TIMES: Final = 5
_LEAST_SECONDS: Final = 30.0
# What pytest ends with; a module without doctests has no tests of its own.
_PASSED: Final = 0
_NO_TESTS: Final = 5

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


_RUNNING: Final[set[subprocess.Popen[bytes]]] = set()


def pytest_configure() -> None:
    """Keep Hypothesis to the same examples for all mutants, and from shrinking what fails."""
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(
        "mutation", settings.default, database=None, derandomize=True, phases=phases
    )
    settings.load_profile("mutation")


@dataclass(frozen=True)
class Change:
    """One change of a module: what stands at a place, and what stands there instead."""

    module: str
    line: int
    original: str
    mutated: str

    @property
    def added(self) -> str:
        """The lines that the change adds, by which ``equivalent.py`` names it."""
        lines = difflib.ndiff(self.original.splitlines(), self.mutated.splitlines())
        return "\n".join(line[2:].strip() for line in lines if line.startswith("+ "))

    @property
    def diff(self) -> str:
        """The change as a reader of patches knows it."""
        lines = difflib.unified_diff(
            *(self.original.splitlines(), self.mutated.splitlines()), n=0, lineterm=""
        )
        return "\n".join(
            f"    {line}" for line in lines if not line.startswith(("---", "+++", "@"))
        )


def changes(module: str, source: str) -> list[Change]:
    """Return every change of a module's source, in the order of its lines.

    >>> [change.added for change in changes("", "y = x < 1")]
    ['y = (x <= 1)', 'y = (not x < 1)', 'y = x < (2)', 'y = x < (0)']
    """
    by_text = {}
    for node, replacement in _replacements(ast.parse(source)):
        mutated = _replaced(source, node, replacement)
        by_text[mutated] = Change(module, node.lineno, source, mutated)
    return sorted(by_text.values(), key=lambda change: change.line)


def _replacements(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in _mutable(tree):
        if isinstance(node, ast.expr):
            for expression in _expressions(node):
                yield node, f"({expression})"
        elif isinstance(node, ast.stmt):
            for statement in _statements(node):
                yield node, statement
        test = getattr(node, "test", None)
        tests = [test] if test is not None else getattr(node, "ifs", [])
        for condition in tests:
            if not isinstance(condition, ast.UnaryOp | ast.Compare):
                yield condition, f"(not ({ast.unparse(condition)}))"


def _mutable(node: ast.AST) -> Iterator[ast.AST]:
    """Walk over what is executed: no annotations, documentation or formatted texts."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr | ast.Assert):
                yield from _mutable(child)


def _expressions(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(left, ops, comparators):
            for index, op in enumerate(ops):
                changed = [*ops[:index], _COMPARISONS[type(op)](), *ops[index + 1 :]]
                yield ast.unparse(ast.Compare(left, changed, comparators))
            if len(ops) == 1 and isinstance(ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                yield f"not {ast.unparse(node)}"
        case ast.BoolOp(op, values):
            yield ast.unparse(ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield ast.unparse(operand)
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            yield ast.unparse(ast.BinOp(left, _OPERATORS[type(op)](), right))
        case ast.Constant(bool(value)):
            yield repr(not value)
        case ast.Constant(int(value) | float(value)):
            yield repr(value + 1)
            yield repr(value - 1)


def _statements(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Return(value) if value is not None and ast.unparse(value) != "None":
            yield "return None"
        case ast.Expr(ast.Call()) | ast.Raise() | ast.Break() | ast.Continue():
            yield "pass"
        case ast.Assign([ast.Subscript() | ast.Attribute()]):
            yield "pass"
        case ast.AugAssign(target, op, value):
            yield "pass"
            if type(op) in _OPERATORS:
                yield ast.unparse(ast.AugAssign(target, _OPERATORS[type(op)](), value))


def _replaced(source: str, node: ast.expr | ast.stmt, text: str) -> str:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    before, after = lines[: node.lineno - 1], lines[node.end_lineno :]
    changed = (
        lines[node.lineno - 1][: node.col_offset]
        + text.encode()
        + lines[node.end_lineno - 1][node.end_col_offset :]
    )
    return b"".join([*before, changed, *after]).decode()


def tests_of(module: str) -> tuple[str, ...]:
    """Return the tests that a module answers to: those of its name, else those of its room.

    >>> tests_of("harness/conformance/judge.py")[0]
    'tests/conformance/test_judge.py'
    """
    path = Path(module)
    room = Path("tests") / path.parent.relative_to("harness" if path.parts[0] == "harness" else "")
    named = sorted((ROOT / room).glob(f"test_{path.stem}*.py"))
    tests = TESTS.get(module) or [str(file.relative_to(ROOT)) for file in named] or [str(room)]
    return (*tests, module)


def survives(copy: Path, tests: Sequence[str], seconds: float) -> bool:
    """Whether tests pass in a copy of the tree, and in time."""
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "-p", "mutation"]
    command += ["-p", "no:xdist", "-m", LEFT_OUT, *tests]
    path = os.pathsep.join([str(copy), str(copy / "tools")])
    process = subprocess.Popen(
        command,
        cwd=copy,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _RUNNING.add(process)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    finally:
        end(process)
    # Any other status is a failure, be it to import what every test needs.
    return status in (_PASSED, _NO_TESTS)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    _RUNNING.discard(process)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Copies:
    """Copies of the tree, one for each process, and how long a module's tests take there."""

    def __init__(self, folder: Path, count: int) -> None:
        self._free: queue.Queue[Path] = queue.Queue()
        self._tests: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        for number in range(count):
            copy = folder / str(number)
            for name in COPIED:
                shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.pyc"))
            for file in ("pyproject.toml", "tox.ini", *(file.name for file in ROOT.glob("*.md"))):
                shutil.copy(ROOT / file, copy)
            self._free.put(copy)

    def measure(self, module: str) -> None:
        """Run a module's tests without a change: they must pass, and the quick ones come first."""
        copy = self._free.get()
        took: dict[str, float] = {}
        for test in tests_of(module):
            begin = time.monotonic()
            if not survives(copy, [test], 3600):
                sys.exit(f"{test} fails without a change of {module}")
            took[test] = time.monotonic() - begin
        self._tests[module] = sorted(took, key=lambda test: took[test])
        self._seconds[module] = max(_LEAST_SECONDS, _TIMES * sum(took.values()))
        self._free.put(copy)

    def survives(self, change: Change) -> bool:
        """Try one change."""
        copy = self._free.get()
        target = copy / change.module
        try:
            target.write_text(change.mutated, encoding="utf-8")
            return survives(copy, self._tests[change.module], self._seconds[change.module])
        finally:
            target.write_text(change.original, encoding="utf-8")
            self._free.put(copy)


def modules(names: Sequence[str]) -> list[str]:
    """Return the modules to change: those named, else all."""
    files = [file for target in TARGETS for file in sorted((ROOT / target).rglob("*.py"))]
    known = [str(file.relative_to(ROOT)) for file in files]
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"No module to change: {', '.join(unknown)}. Known: {', '.join(known)}")
    return list(names) or known


def main() -> int:
    """Try the changes, and print those that survive and the share of those that are killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--module", action="append", default=[], help="only this module; repeat")
    parser.add_argument("--sample", type=int, help="only so many changes, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--at-least", type=float, default=0, help="per cent to be killed, or fail")
    options = parser.parse_args()
    chosen = [
        change
        for module in modules(options.module)
        for change in changes(module, (ROOT / module).read_text(encoding="utf-8"))
    ]
    if options.sample is not None and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)  # noqa: S311
        chosen.sort(key=lambda change: (change.module, change.line))
    excused = [c for c in chosen if c.added in EQUIVALENT.get(c.module, {})]
    tried = [change for change in chosen if change not in excused]
    names = list(dict.fromkeys(change.module for change in tried))
    score: dict[str, list[bool]] = {name: [] for name in names}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        tempfile.TemporaryDirectory(prefix="deconform-mutants-") as folder,
        ThreadPoolExecutor(options.processes) as pool,
    ):
        try:
            copies = Copies(Path(folder), options.processes)
            list(pool.map(copies.measure, names))
            for change, alive in zip(tried, pool.map(copies.survives, tried), strict=True):
                score[change.module].append(alive)
                if alive:
                    print(f"SURVIVED {change.module}:{change.line}\n{change.diff}", flush=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_RUNNING):
                end(process)
    for name, outcomes in score.items():
        count = sum(change.module == name for change in excused)
        print(_summary(name, outcomes) + (f", {count} equivalent" if count else ""))
    outcomes = [alive for each in score.values() for alive in each]
    print(_summary("all", outcomes))
    return int(100 * outcomes.count(False) < options.at_least * len(outcomes))


def _summary(name: str, outcomes: Sequence[bool]) -> str:
    killed = outcomes.count(False)
    return f"{name}: {killed} of {len(outcomes)} killed, {killed / max(1, len(outcomes)):.0%}"


if __name__ == "__main__":
    sys.exit(main())
