"""``deconform reproduce``: run one case; show its program and numbers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK, ended_by_sigterm
from harness.cli.options import UsageError, add_shared, seconds
from harness.execution import TIMEOUT

if TYPE_CHECKING:
    from harness.suite.case import Case


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "python", "device", "math", "memory")
    parser.add_argument("case", metavar="DESCRIPTOR", help="a descriptor, or a case's id")
    parser.add_argument("-f", "--framework", required=True, metavar="NAME")
    parser.add_argument("--timeout", type=seconds, default=TIMEOUT, metavar="S")


def run(options: argparse.Namespace) -> int:
    from harness.cli.selection import check_math, chosen_columns, chosen_conditions
    from harness.conformance.reproduction import reproduced
    from harness.engines.job import EngineUnavailableError

    case = _named_case(options.case)
    (column,) = chosen_columns([options.framework])
    check_math(options, [column])
    conditions = chosen_conditions(options, timeout=options.timeout)
    try:
        with ended_by_sigterm():
            text, ok = reproduced(case, column, conditions)
    except EngineUnavailableError as error:
        raise UsageError(f"{options.framework} cannot be run: {error}") from None
    print(text)
    return OK if ok else BAD


def _named_case(name: str) -> Case:
    """Find a case by its id in the default suite, or make it from its descriptor."""
    from harness.suite.case import case_from_descriptor
    from harness.suite.specs import load_cases

    if "/" not in name:
        return case_from_descriptor(name)
    for case in load_cases(select=name):
        if case.id == name:
            return case
    raise UsageError(f"the default suite has no case {name!r}.")
