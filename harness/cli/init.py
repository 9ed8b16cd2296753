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
    if Path("Makefile") in done.files:
        commands.insert(0, f"make -C {shlex.quote(str(done.folder))}")
    print(f"{done.folder}: {', '.join(map(str, done.files))}")
    print("now:  " + " && ".join(commands))
    return OK
