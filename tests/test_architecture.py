"""Imports point one way, and nothing heavy is imported at the start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each part of harness may import of ours.  Whatever is not listed may import everything.
ALLOWED = {
    "impl": {"impl"},
    "harness.core.errors": set(),
    "harness.core.operators": {"harness.core.errors"},
    "harness.lookup.benchdnn": {"harness.core.errors", "harness.core.operators"},
    "harness.core.program": set(),
    "harness.syntax": {"harness.core.errors", "harness.syntax"},
    "harness.core.training": {"harness.core.operators"},
    "harness.lookup.preparation": {
        "harness.convention.registry",
        "harness.core.operators",
        "harness.syntax",
    },
    "harness.lookup.application": {"harness.lookup.preparation", "harness.syntax"},
    "harness.lookup.surroundings": {
        "harness.convention.registry",
        "harness.core.operators",
        "harness.lookup.preparation",
        "harness.syntax",
    },
    "harness.lookup.snippet": {
        "harness.lookup.application",
        "harness.convention.registry",
        "harness.lookup.preparation",
        "harness.lookup.surroundings",
        "harness.core.errors",
        "harness.core.operators",
        "harness.syntax",
    },
    "harness.convention.registry": {
        "harness.core.errors",
        "harness.core.operators",
        "harness.core.program",
        "harness.convention.registry",
        "harness.syntax",
        "harness.core.training",
    },
    "harness.weights.layouts": {"harness.convention.registry", "harness.core.errors"},
    "harness.weights.mat_reader": set(),
    "harness.weights.files": {"harness.weights.mat_reader", "harness.weights.layouts"},
    "harness.weights.conversion": {
        "harness.convention.registry",
        "harness.weights.files",
        "harness.weights.layouts",
    },
    "harness.suite.case": {"harness.core.operators"},
    "harness.suite.yaml_fields": {"harness.core.errors"},
    "harness.suite.specs": {
        "harness.suite.case",
        "harness.convention.registry",
        "harness.core.errors",
        "harness.core.operators",
        "harness.lookup.snippet",
        "harness.suite.yaml_fields",
    },
    "harness.suite.limitations": {
        "harness.suite.case",
        "harness.convention.registry",
        "harness.suite.specs",
        "harness.suite.yaml_fields",
    },
    "harness.engines": {"harness.core.program", "harness.engines"},
    "harness.engines.worker": set(),
    "harness.suite.mutants": {"harness.core.operators", "impl"},
    "harness.conformance.judge": {
        "harness.suite.case",
        "harness.suite.mutants",
        "harness.engines.job",
        "impl",
    },
    "harness.records.measurement": {"harness.core.operators"},
    "harness.bench.intervals": set(),
    "harness.bench.roofline": {"harness.records.measurement"},
    "harness.records.record": {"harness.conformance.judge", "harness.records.measurement"},
    "harness.report": {
        "harness.conformance.judge",
        "harness.bench.comparison",
        "harness.conformance.difference",
        "harness.core.errors",
        "harness.records.measurement",
        "harness.records.record",
        "harness.report",
        "harness.bench.roofline",
        "harness.bench.intervals",
    },
    "harness.bench.comparison": {
        "harness.core.errors",
        "harness.records.measurement",
        "harness.records.record",
        "harness.records.report_file",
        "harness.bench.intervals",
    },
    "harness.conformance.difference": {
        "harness.conformance.judge",
        "harness.core.errors",
        "harness.records.record",
        "harness.records.report_file",
    },
    "harness.drawing": {"harness.drawing", "harness.core.operators"},
    "harness.pages": {"harness.core.errors"},
    "harness.dashboard": {
        "harness.suite.case",
        "harness.conformance.judge",
        "harness.convention.registry",
        "harness.dashboard",
        "harness.drawing",
        "harness.core.errors",
        "harness.history.changes",
        "harness.suite.limitations",
        "harness.lookup.answer",
        "harness.records.measurement",
        "harness.core.operators",
        "harness.pages",
        "harness.core.program",
        "harness.records.record",
        "harness.report",
        "harness.bench.roofline",
        "harness.bench.intervals",
        "harness.history",
    },
    "harness.execution.devices": set(),
    "harness.history.changes": {
        "harness.conformance.judge",
        "harness.core.errors",
        "harness.report",
    },
    "harness.history.revision": set(),
    "harness.server": {
        "harness.lookup.benchdnn",
        "harness.convention.registry",
        "harness.core.errors",
        "harness.lookup.answer",
        "harness.core.operators",
        "harness.pages",
        "harness.server",
        "harness.syntax",
    },
    "harness.history": {
        "harness.conformance.judge",
        "harness.core.errors",
        "harness.history.changes",
        "harness.records.measurement",
        "harness.records.record",
        "harness.report",
        "harness.history",
    },
    "harness.execution.environments": {
        "harness.convention.registry",
        "harness.engines",
        "harness.execution.devices",
    },
    "harness.conformance.pipeline": {
        "harness.suite.case",
        "harness.conformance.judge",
        "harness.convention.registry",
        "harness.engines",
        "harness.execution.environments",
        "harness.suite.mutants",
        "harness.core.program",
        "harness.records.record",
        "harness.suite.limitations",
    },
}


def modules() -> dict[str, Path]:
    found = {}
    for package in ("impl", "harness"):
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in {"harness", "impl"}}


def is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_one_way(name: str) -> None:
    parts = [part for part in ALLOWED if is_inside(name, part)]
    if not parts:
        return
    allowed = ALLOWED[max(parts, key=len)]
    for other in imported(modules()[name]):
        assert any(is_inside(other, package) for package in allowed), f"{name} imports {other}"


def test_every_listed_part_exists() -> None:
    assert set(ALLOWED) <= set(modules())


def test_module_names_say_what_is_inside() -> None:
    banned = {"utils", "util", "helpers", "common", "manager", "misc"}
    assert not {part for name in modules() for part in name.split(".")} & banned


@pytest.mark.parametrize(("file", "minor"), [("worker", 7), ("matlab_text", 11)])
def test_workers_import_the_standard_library_and_numpy_only(file: str, minor: int) -> None:
    path = ROOT / f"harness/engines/{file}.py"
    tree = ast.parse(path.read_text(), feature_version=(3, minor))
    # threadpoolctl says what the report says of threads, where a framework's environment has it.
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names - set(sys.stdlib_module_names) - {"threadpoolctl"} == {"numpy"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("harness", {"numpy", "rich", "yaml"}),
        ("harness.convention.registry", {"numpy", "rich", "yaml"}),
        ("harness.cli.main", {"numpy", "rich", "yaml"}),
        ("harness.drawing", {"numpy", "rich", "yaml"}),
        ("harness.syntax.matlab", {"numpy", "rich", "yaml", "lark"}),
        ("harness.syntax.wolfram", {"numpy", "rich", "yaml", "lark"}),
        ("harness.conformance.pipeline", {"rich", "torch", "tensorflow", "mxnet", "chainer"}),
        ("impl", {"harness", "rich", "yaml", "torch", "tensorflow", "numba"}),
    ],
)
def test_import_is_light(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not unwanted & set(done.stdout.split())
