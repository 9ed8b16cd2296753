"""The programs in other languages that ``docs/implementations`` shows pass all that they claim."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.records.report_file import Report
from harness.records.status import Status

EXAMPLES = Path(__file__).parents[2] / "docs" / "implementations"
# By folder: what it needs, and the command that builds it.
BUILT_BY = {
    "c-program": "cc -O2 -Wall -Wextra -Werror -o worker worker.c",
    "node": "node --check worker.js",
}
SUITES = ["grid/one-axis.yaml", "grid/three-axes.yaml", "edge", "regression", "rejects"]


@pytest.fixture(params=BUILT_BY)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a copy of an example, built."""
    command = BUILT_BY[request.param].split()
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    folder = shutil.copytree(EXAMPLES / request.param, tmp_path / request.param)
    subprocess.run(command, cwd=folder, check=True)
    return Path(folder / f"{request.param}.yaml")


@pytest.mark.slow
def test_an_example_passes_all_that_it_claims(example: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    specs = [f"specs/{suite}" for suite in SUITES]
    assert main(["run", *specs, "-f", str(example), "-o", str(report)]) == OK
    records = Report.read(report).records
    assert {each.status for each in records} == {Status.PASSED, Status.UNSUPPORTED}
    assert all(each.unclaimed for each in records if each.status == Status.UNSUPPORTED)
    assert len({each.case for each in records if each.status == Status.PASSED}) >= 150


@pytest.mark.slow
def test_an_example_speaks_the_protocol(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-worker", str(example)]) == OK
    assert "WRONG" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["c-program/worker.c", "node/worker.js"])
def test_an_example_is_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) <= 100
