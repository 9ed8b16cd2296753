"""The frameworks on a GPU; skipped, with the reason, without one.

Each framework runs in this interpreter if it is installed here, else in its tox environment.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness import Report
from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.convention.registry import convention
from harness.engines.job import EngineUnavailableError
from harness.execution.environments import interpreter

pytestmark = pytest.mark.gpu


def python(framework: str) -> str:
    """Choose an interpreter, or skip the test with the command that builds one."""
    convention_ = convention(framework)
    if find_spec(convention_.module) is not None:
        return f"--python={framework}={sys.executable}"
    try:
        return f"--python={framework}={interpreter(convention_)}"
    except EngineUnavailableError as error:
        pytest.skip(f"{framework}: {error}")


@pytest.mark.parametrize("framework", ["cupy", "pytorch"])
def test_default_suite_passes_on_a_gpu(framework: str, tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    options = ["--device", "cuda", python(framework), "-o", str(out)]
    status = main(["run", "-f", framework, *options])
    report = Report.read(out)
    assert [(r.case, r.check, r.reason) for r in report.bad] == []
    assert report.skipped == {}
    assert status == OK
    device = report.header.frameworks[framework].device
    assert device.startswith("cuda: ")
    assert device.endswith(", ieee")


@pytest.mark.parametrize("framework", ["cupy", "pytorch"])
def test_float32_is_not_rounded_to_tf32(framework: str, tmp_path: Path) -> None:
    """In TF32, 1 + 2**-12 rounds to 1."""
    path = tmp_path / "precision.yaml"
    values = [[[1.000244140625]] * 64]
    weights = [[[1.0]] * 64 for _ in range(64)]
    path.write_text(
        "suite: precision\ncases:\n  - name: one\n    input: [1, 64, 1]\n    out_channels: 64\n"
        f"    kernel: 1\n    bias: false\n    x: {values}\n    w: {weights}\n"
    )
    options = ["run", str(path), "-f", framework, "--device", "cuda", python(framework)]
    assert main(options) == OK
