"""``deconform export``: suites as a script for another machine, or as a corpus of ONNX models."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import OK, ended_by_sigterm
from harness.cli.options import add_shared

if TYPE_CHECKING:
    from harness.suite.case import Case


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "specs", "select")
    parser.add_argument("--to", required=True, metavar="NAME", help="matlab, wolfram or onnx")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")


def run(options: argparse.Namespace) -> int:
    from harness.cli.selection import chosen_cases
    from harness.conformance.corpus import TARGET

    cases = chosen_cases(options.specs, options.select)
    with ended_by_sigterm():
        if options.to == TARGET:
            _write_corpus(cases, options.output)
        else:
            _write_programs(cases, options)
    return OK


def _write_corpus(cases: Sequence[Case], folder: Path) -> None:
    from harness.conformance.corpus import KIND, write_corpus

    done = write_corpus(cases, folder)
    print(
        f"{done.written} models in {folder / KIND}; left out: {done.left_out}",
        f"sha256 of {folder / 'manifest.json'}: {done.sha256}",
        sep="\n",
    )


def _write_programs(cases: Sequence[Case], options: argparse.Namespace) -> None:
    import shlex

    from harness.conformance.export import RESULT, export

    done = export(cases, options.to, options.output)
    result = shlex.quote(str(done.folder / RESULT))
    specs = " ".join(map(shlex.quote, options.specs))
    print(
        f"{done.jobs} programs in {done.folder}; unsupported cases: {done.unsupported}",
        f"run there:  {done.command}",
        f"then here:  deconform import {result} {specs}".rstrip(),
        sep="\n",
    )
