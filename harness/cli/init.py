"""``deconform init``: a ready example of an implementation under test."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.exit_statuses import OK


def add(parser: argparse.ArgumentParser) -> None:
    from harness.doors.scaffold import kinds

    parser.add_argument("kind", choices=kinds(), metavar="|".join(kinds()), help="how it is called")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder; its name is used")


def run(options: argparse.Namespace) -> int:
    import shlex

    from harness.doors.scaffold import write_scaffold

    done = write_scaffold(options.kind, options.folder)
    commands = [f"deconform run -f {shlex.quote(str(done.implementation))}"]
    print(f"{done.folder}: {', '.join(map(str, done.files))}")
    if Path("Makefile") in done.files and not _is_built(done.folder):
        commands.insert(0, f"make -C {shlex.quote(str(done.folder))}")
    print("now:  " + " && ".join(commands))
    return OK


def _is_built(folder: Path) -> bool:
    """Build the example, so that it can be run at once, where there is a compiler."""
    import subprocess
    from shutil import which

    make = which("make")
    if make is None:
        return False
    command = [make, "--no-print-directory", "-C", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (built.stdout + built.stderr).splitlines()
    print("\n".join(line for line in lines if not line.startswith("make[")))
    return built.returncode == 0
