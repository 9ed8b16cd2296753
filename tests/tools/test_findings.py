"""The programs of reports/findings do what they say, in the frameworks' environments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from findings import FOLDER, Finding, comparable, findings, is_right, read, record, run

from harness.suite.limitations import load_limitations

ALL = findings()
NEEDED = {"Environment", "Needs", "Upstream"}
POSSIBLE = {"Limitation", "Set", "Varies", "Depends on"}


@pytest.mark.parametrize("finding", ALL, ids=lambda finding: finding.file.stem)
def test_a_program_says_what_it_needs_and_what_it_printed(finding: Finding) -> None:
    assert set(finding.keys) >= NEEDED
    assert set(finding.keys) <= NEEDED | POSSIBLE
    upstream = finding.keys["Upstream"]
    assert upstream == "none found" or upstream.startswith("https://")
    assert finding.printed[0].startswith("expected")
    assert finding.printed[-1].split()[0] in {"got", "raised", "ended", "equal"}
    assert not is_right(finding.printed)
    assert str(Path.home()) not in finding.file.read_text()


def test_limitations_that_are_named_are_known() -> None:
    known = {limitation.id: limitation for limitation in load_limitations()}
    for finding in ALL:
        if name := finding.keys.get("Limitation"):
            framework = known[name].framework.partition(":")[0]  # "litert" of its variants, too
            assert finding.keys["Environment"].partition("-")[0] == framework


def test_the_readme_lists_them_all() -> None:
    readme = (FOLDER / "README.md").read_text().splitlines()
    listed = [line for line in readme if line.startswith("- [")]
    assert listed == [f"- [{each.title.rstrip('.')}]({each.file.name})" for each in ALL]


@pytest.mark.frameworks
@pytest.mark.parametrize("finding", ALL, ids=lambda finding: finding.file.stem)
def test_a_program_prints_what_is_written(finding: Finding) -> None:
    if not finding.python.exists():
        pytest.skip(f"no environment; build it with: deconform envs {finding.keys['Environment']}")
    printed = run(finding)
    if "Depends on" in finding.keys and is_right(printed):
        pytest.skip(f"it is right here; it depends on {finding.keys['Depends on']}")
    assert comparable(finding, printed) == comparable(finding, finding.printed)


def test_what_a_program_prints_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "bin").mkdir(parents=True)
    (tmp_path / "here" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path))
    program = '"""It: is wrong.\n\nEnvironment: here\nNeeds: numpy\nSet: A=5\n"""\nimport os, sys\n'
    file = tmp_path / "it.py"
    file.write_text(program + 'print("expected", os.environ["A"])\nsys.exit("no")\n')
    record(read(file))
    record(read(file))
    assert read(file).printed == ["expected 5", "raised no"]
    assert file.read_text().count("# Printed by numpy ") == 1
    file.write_text(program + 'print("expected 5", flush=True)\nos.kill(os.getpid(), 8)\n')
    assert run(read(file)) == ["expected 5", "ended by SIGFPE"]
    assert is_right(["expected 5", "got      5"])
    assert not is_right(["expected 5", "got      5.0"])
