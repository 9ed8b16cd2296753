"""``deconform reproduce``: run one case; show its program and numbers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness.cli.exit_statuses import BAD, OK, ended_by_sigterm
from harness.cli.option_values import seconds
from harness.cli.options import Commands, UsageError, add_interpreters, command
from harness.execution import TIMEOUT

if TYPE_CHECKING:
    from harness.suite.case import Case


def add(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = command(commands, "reproduce", run, "run one case; show its program and numbers")
    add_interpreters(parser)
    parser.add_argument("case", metavar="DESCRIPTOR", help="a descriptor, or a case's id")
    parser.add_argument("-f", "--framework", required=True, metavar="NAME")
    parser.add_argument("--timeout", type=seconds, default=TIMEOUT, metavar="S")


def run(options: argparse.Namespace) -> int:
    """Run one case."""
    from harness.cli.selection import check_math, chosen_frameworks, chosen_pythons
    from harness.cli.wording import in_options
    from harness.conformance.reproduction import reproduced
    from harness.engines import EngineUnavailableError
    from harness.execution.column import Conditions

    case = _named_case(options.case)
    (framework,) = chosen_frameworks([options.framework])
    check_math(options, [framework])
    conditions = Conditions(
        chosen_pythons(options.python),
        options.timeout,
        device=options.device,
        math=options.math,
        words=in_options,
    )
    try:
        with ended_by_sigterm():
            text, ok = reproduced(case, framework, conditions)
    except EngineUnavailableError as error:
        raise UsageError(f"{framework} cannot be run: {error}") from None
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
