"""``deconform export``: suites as one script, for a MATLAB or Wolfram on another machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.cli.exit_statuses import OK
from harness.cli.options import add_shared


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "specs", "select")
    parser.add_argument("--to", required=True, metavar="NAME", help="matlab or wolfram")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")


def run(options: argparse.Namespace) -> int:
    import shlex

    from harness.cli.selection import chosen_cases
    from harness.conformance.export import RESULT, export

    done = export(chosen_cases(options.specs, options.select), options.to, options.output)
    result = shlex.quote(str(done.folder / RESULT))
    specs = " ".join(map(shlex.quote, options.specs))
    print(
        f"{done.jobs} programs in {done.folder}; unsupported cases: {done.unsupported}",
        f"run there:  {done.command}",
        f"then here:  deconform import {result} {specs}".rstrip(),
        sep="\n",
    )
    return OK
