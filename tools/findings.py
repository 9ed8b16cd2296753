"""Run the programs of reports/findings in their frameworks' environments; write what they print.

Each is a file that anybody can run: its docstring says what is wrong, after the last paragraph's
keys (``Environment``, ``Needs``, ``Upstream``, and where there are any ``Limitation``, ``Set``,
``Varies`` and ``Depends on``); its last lines are comments with what it printed, and where.

    python tools/findings.py [NAME...]
"""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent.parent / "reports" / "findings"
_PRINTED: Final = "\n\n# Printed by "
_TIMEOUT: Final = 300
_ABOUT: Final = """
import json, platform, sys
from importlib.metadata import version
names = ["Python " + platform.python_version(), platform.system() + " " + platform.machine()]
print(json.dumps([name + " " + version(name) for name in sys.argv[1:]] + names))
"""


@dataclass(frozen=True)
class Finding:
    """A program, what its docstring says, and what it is recorded to print."""

    file: Path
    program: str
    title: str
    keys: Mapping[str, str]
    printed: list[str]

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        folder = Path(os.environ.get("TOX_WORK_DIR", FOLDER.parent.parent / ".tox"))
        return folder / self.keys["Environment"] / "bin" / "python"


def read(file: Path) -> Finding:
    """Read a program."""
    program, _, comment = file.read_text().partition(_PRINTED)
    docstring = ast.get_docstring(ast.parse(program)) or ""
    keys = dict(line.split(": ", 1) for line in docstring.split("\n\n")[-1].splitlines())
    printed = [line.removeprefix("#     ") for line in comment.splitlines()[1:]]
    return Finding(file, program.rstrip("\n"), docstring.splitlines()[0], keys, printed)


def findings() -> list[Finding]:
    """Read all programs."""
    return [read(file) for file in sorted(FOLDER.glob("*.py"))]


def run(finding: Finding) -> list[str]:
    """Run a program; return what it prints, and how it ended if that was not well."""
    environ = dict(word.split("=", 1) for word in finding.keys.get("Set", "").split())
    with tempfile.TemporaryDirectory() as home:  # Some write files there when they are imported.
        done = subprocess.run(
            [finding.python, "-I", "-W", "ignore", finding.file],
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": home, "OMP_NUM_THREADS": "1", **environ},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    if done.returncode > 0:
        lines.append(f"raised {done.stderr.splitlines()[-1]}")
    elif done.returncode < 0:
        lines.append(f"ended by {signal.Signals(-done.returncode).name}")
    return lines


def comparable(finding: Finding, lines: list[str]) -> list[str]:
    """Return lines, without what was got where that is something else each time."""
    if "Varies" not in finding.keys:
        return lines
    return ["got" if line.startswith("got") else line for line in lines]


def is_right(lines: list[str]) -> bool:
    """Whether a program got what it expected, as on another processor."""
    values = [line.removeprefix("expected").removeprefix("got").strip() for line in lines]
    return len(values) == 2 and values[0] == values[1]


def record(finding: Finding) -> None:
    """Run a program, and write what it printed into its file."""
    printed = run(finding)
    needs = finding.keys["Needs"].split(", ")
    about = subprocess.run(
        [finding.python, "-I", "-c", _ABOUT, *needs], capture_output=True, text=True, check=True
    )
    lines = [", ".join(json.loads(about.stdout)) + ":", *(f"#     {line}" for line in printed)]
    finding.file.write_text(finding.program + _PRINTED + "\n".join(lines) + "\n")


if __name__ == "__main__":
    for one in findings():
        if not sys.argv[1:] or one.file.stem in sys.argv[1:]:
            record(one)
            print(one.file.stem, *read(one.file).printed, sep="\n    ")
