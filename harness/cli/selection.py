"""What options choose: cases, frameworks and their interpreters."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.cli.options import UsageError
from harness.cli.wording import in_options
from harness.convention.registry import convention, framework_names, that_is_run
from harness.doors.implementation import Implementation, name_of, subject_of
from harness.execution.column import Conditions
from harness.suite.case import Case
from harness.suite.specs import load_cases, selected


def chosen_cases(specs: Sequence[str], select: Sequence[str] | None) -> list[Case]:
    """Load the cases of files and folders, of the default suite where none is given.

    Each of ``select`` must match a case: one that matches none is likely to be misspelt.
    """
    cases: dict[str, Case] = {}
    paths: Sequence[str | None] = specs or [None]
    for path in paths:
        for case in load_cases(path, select):
            if other := cases.get(case.id):
                where = f"{other.file}:{other.line} and {case.file}:{case.line}"
                raise UsageError(f"case {case.id!r} is given twice, by {where}.")
            cases[case.id] = case
    for wanted in select or ():
        if not any(selected(name, wanted) for name in cases):
            raise UsageError(f"no case matches -k {wanted!r}.")
    if not cases:
        raise UsageError(f"{', '.join(specs)}: there is no case.")
    return list(cases.values())


def chosen_frameworks(names: Sequence[str] | None) -> tuple[str, ...]:
    """Check frameworks' names; return all of them where none is given."""
    for name in names or ():
        that_is_run(name)
    return tuple(dict.fromkeys(names)) if names else framework_names()


def chosen_columns(names: Sequence[str] | None) -> tuple[str | Implementation, ...]:
    """Check frameworks' names and read implementations' files; all frameworks if none is given."""
    if not names:
        return framework_names()
    chosen: dict[str, str | Implementation] = {}
    for name in dict.fromkeys(names):
        one = subject_of(name)
        if (title := name_of(one)) in chosen:
            raise UsageError(f"-f {name}: its name {title!r} is given twice.")
        chosen[title] = one
    return tuple(chosen.values())


def check_math(options: argparse.Namespace, columns: Sequence[str | Implementation]) -> None:
    """Refuse arithmetic that no chosen column would use."""
    devices = {
        options.device
        if isinstance(one, Implementation)
        else convention(one).device(options.device)
        for one in columns
    }
    if options.math != "ieee" and "cuda" not in devices:
        raise UsageError(f"--math {options.math} is for GPUs: add --device cuda.")


def chosen_conditions(options: argparse.Namespace, **others: Any) -> Conditions:
    """Return the interpreters, the device, the arithmetic and the memory that options choose."""
    return Conditions(
        chosen_pythons(options.python),
        device=options.device,
        memory=options.memory,
        math=options.math,
        words=in_options,
        **others,
    )


def chosen_pythons(assignments: Sequence[str]) -> dict[str, Path]:
    """Read ``NAME=PATH``."""
    pythons = {}
    for assignment in assignments:
        name, equals, path = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"--python {assignment}: expected NAME=PATH, such as mxnet=/opt/python"
            )
        pythons[that_is_run(name).name] = Path(os.path.expanduser(path))  # noqa: PTH111 -- leaves ~nobody as it is
    return pythons
