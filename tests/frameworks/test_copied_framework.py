"""One folder and one environment make a framework: shown with a copy of one, by another name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.convention.registry import convention
from harness.execution import environments

ROOT = Path(__file__).parents[2]
ORIGINAL, COPY = "pytorch", "pytorch_again"
LAYER = "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"

Command = Callable[..., str]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one more folder and one more environment, and nothing else changed."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("harness", "impl", "specs", "tests/support", "tools"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("tox.ini", "pyproject.toml", "tests/test_architecture.py"):
        shutil.copy2(ROOT / name, root / name)
    frameworks = root / "harness/frameworks"
    shutil.copytree(frameworks / ORIGINAL, frameworks / COPY)
    for path in (frameworks / COPY).rglob("*.py"):
        text = path.read_text(encoding="utf-8").replace(ORIGINAL, COPY)
        path.write_text(text.replace("    is_baseline=True,\n", ""), encoding="utf-8")
    pins = (root / "tox.ini").read_text(encoding="utf-8")
    begin = pins.index(f"[testenv:{ORIGINAL}]")
    section = pins[begin : pins.index("[testenv:", begin + 1)]
    (root / "tox.ini").write_text(f"{pins}\n{section.replace(ORIGINAL, COPY)}", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def deconform(checkout: Path) -> Command:
    # Where no other framework has an environment, none is started either.
    environments = {"TOX_WORK_DIR": str(checkout / "environments")}

    def command(*arguments: str | Path, status: int = 0, module: str = "harness") -> str:
        path = ":".join(str(checkout / folder) for folder in (".", "tests/support", "tools"))
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *map(str, arguments)],
            cwd=checkout,
            env=os.environ | environments | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return command


def test_it_is_translated_to_and_from(deconform: Command) -> None:
    answer = json.loads(deconform("translate", LAYER, "--json"))
    assert answer["framework"] == ORIGINAL
    assert answer["translations"][COPY]["weights"]["from"] == "IOHW"
    alone = json.loads(deconform("translate", LAYER, "--from", COPY, "--json"))
    assert alone["framework"] == COPY
    assert alone["operator"] == answer["operator"]
    assert ORIGINAL in alone["translations"]


def test_the_reference_pages_have_it(deconform: Command, tmp_path: Path) -> None:
    deconform(tmp_path, module="reference_pages")
    assert f"({COPY}.md)" in (tmp_path / "README.md").read_text()
    assert f"`-f {COPY}`" in (tmp_path / f"{COPY}.md").read_text()


def test_its_weights_are_converted(deconform: Command, tmp_path: Path) -> None:
    given, out = tmp_path / "in.npz", tmp_path / "out.npz"
    np.savez(given, weight=np.zeros((3, 2, 4, 5), "float32"))
    deconform("weights", given, out, "--from", COPY, "--to", "tensorflow")
    assert np.load(out)["weight"].shape == (4, 5, 2, 3)


@pytest.mark.slow
def test_what_does_not_need_its_interpreter_knows_it(deconform: Command, tmp_path: Path) -> None:
    refusal = deconform("export", "--to", COPY, "-o", tmp_path / "away", status=2)
    assert f"{COPY} is run here" in refusal
    missing = deconform("run", "-f", COPY, "-k", "edge/channels/depthwise", status=1)
    assert f"deconform envs {COPY}" in missing


@pytest.mark.slow
def test_the_rules_of_the_house_hold_with_it(deconform: Command, checkout: Path) -> None:
    rules = checkout / "tests/test_architecture.py"
    deconform(
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "(room or circle or know or private or name) and not document",
        rules,
        module="pytest",
    )


@pytest.mark.frameworks
def test_it_is_run_by_its_environment(deconform: Command, tmp_path: Path) -> None:
    python = environments.interpreter(convention(ORIGINAL))
    file = tmp_path / "report.jsonl"
    assert f"ok {COPY}" in deconform("doctor", "--python", f"{COPY}={python}")
    deconform("run", "-f", COPY, "-k", "edge/channels", "--python", f"{COPY}={python}", "-o", file)
    text = deconform("report", file)
    assert COPY in text
    statuses = {json.loads(line).get("status") for line in file.read_text().splitlines()}
    assert "PASSED" in statuses
    assert not statuses & {"FAILED", "ERRORED", "SKIPPED"}
    deconform("report", file, "--html", tmp_path / "site")
    assert any(COPY in path.name for path in (tmp_path / "site").rglob("*"))
