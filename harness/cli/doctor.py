"""``deconform doctor``: what is here, what is missing, and how to get it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from harness.cli.exit_statuses import OK
from harness.cli.options import add_shared


def add(parser: argparse.ArgumentParser) -> None:
    add_shared(parser, "python", "device", "math", "memory")


def run(options: argparse.Namespace) -> int:
    from rich.text import Text

    from harness.cli.consoles import wide_terminal

    console = wide_terminal()
    for is_here, subject, text in _checks(options):
        mark = ("ok", "green") if is_here else ("--", "yellow")
        console.print(Text.assemble(mark, f" {subject:<12} {text}"), soft_wrap=True)
    return OK


def _checks(options: argparse.Namespace) -> Iterator[tuple[bool, str, str]]:
    """Look at this machine; yield whether something is here, its name, and what it is."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from harness.execution import environments, gpus
    from harness.suite.specs import specs_root

    yield True, "deconform", f"{version('deconform')}, Python {platform.python_version()}"
    yield True, "suite", str(specs_root())
    yield True, "environments", str(environments.folder())
    try:
        yield True, "tox", version("tox")
    except PackageNotFoundError:
        yield False, "tox", "missing (only `deconform envs` needs it): python -m pip install tox"
    reason = gpus.missing()
    yield not reason, "gpu", reason or ", ".join(gpus.names())
    yield from _frameworks(options)


def _frameworks(options: argparse.Namespace) -> Iterator[tuple[bool, str, str]]:
    from contextlib import closing

    from harness.cli.selection import chosen_conditions
    from harness.convention.registry import framework_names
    from harness.execution.column import Column
    from harness.report.words import describe_engine

    conditions = chosen_conditions(options)
    for name in framework_names():
        with closing(Column(name, conditions)) as column:
            info = column.start()
        is_here = not info.unavailable
        yield is_here, name, ", ".join(describe_engine(info)) if is_here else info.unavailable
