"""``deconform envs``: build the frameworks' environments, through tox."""

from __future__ import annotations

import argparse

from harness.cli.exit_statuses import BAD, OK
from harness.cli.options import UsageError, positive


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("frameworks", nargs="*", metavar="NAME", help="all that can be used here")
    parser.add_argument("-j", "--jobs", type=positive, default=2, metavar="N", help="at once (2)")


def run(options: argparse.Namespace) -> int:
    """Build what is asked for, or what can be used here."""
    from harness.cli.consoles import wide_terminal
    from harness.cli.selection import chosen_frameworks
    from harness.convention.registry import convention
    from harness.engines.job import EngineUnavailableError
    from harness.execution.environments import (
        build,
        environment_of,
        has_environment,
        lacks_device,
    )

    console = wide_terminal()
    wanted = []
    for name in chosen_frameworks(options.frameworks):
        if not has_environment(convention(name)):
            if options.frameworks:
                console.print(f"{name}: {_without_environment(name)}", soft_wrap=True)
        elif not options.frameworks and (reason := lacks_device(convention(name))):
            console.print(f"{name}: left out, {reason}", soft_wrap=True)
        else:
            wanted.append(environment_of(convention(name)))
    ok = True
    try:
        for built in build([*dict.fromkeys(wanted)], options.jobs):
            verdict = "ready" if built.ok else "cannot be built"
            line = f"{built.environment}: {verdict} ({built.seconds:.0f} s)"
            console.print(line, style="" if built.ok else "red")
            if not built.ok:
                console.print(built.message[-2000:], soft_wrap=True)
            ok = ok and built.ok
    except EngineUnavailableError as error:
        raise UsageError(str(error)) from None
    return OK if ok else BAD


def _without_environment(framework: str) -> str:
    """Describe what runs a framework that tox builds nothing for."""
    from harness.convention.registry import convention
    from harness.engines.job import EngineUnavailableError
    from harness.execution.environments import launch

    try:
        place = launch(convention(framework))
    except EngineUnavailableError as error:
        return str(error)
    return (
        f"no environment is needed; it runs in {place.module if place.language else place.python}"
    )
