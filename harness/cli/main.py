"""The command line: ``deconform translate | run | reproduce | report | compare | ...``.

Each command is a module with ``add``, which declares its options, and ``run``, which imports what
the command needs and returns the exit status.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from harness.cli.exit_statuses import BAD, USAGE, status_of
from harness.core.errors import InputError

# In the order of the help.  A module's name is its command's; a keyword ends in an underscore.
COMMANDS: Final = (
    "translate",
    "draw",
    "serve",
    "run",
    "bench",
    "reproduce",
    "report",
    "compare",
    "diff",
    "history",
    "export",
    "import_",
    "doctor",
    "envs",
    "weights",
    "publish",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0: nothing bad. 1: something FAILED, ERRORED, CRASHED, TIMEDOUT, MISTRUSTED or FIXED, or a
    required framework was SKIPPED. 2: bad usage or a bad spec. 130: interrupted. 143: terminated.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = parser(words[0] if words else "").parse_args(words)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)
        return status_of(interrupt)
    except BrokenPipeError:
        sys.stderr.close()
        return BAD
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD
    except InputError as error:
        from harness.cli.wording import in_options

        print(f"error: {error.worded(in_options)}", file=sys.stderr)
        return USAGE


def parser(command: str = "") -> argparse.ArgumentParser:
    """Make the parser of one command, which is quick, or of all where it is not known."""
    whole = argparse.ArgumentParser(
        prog="deconform",
        description="Say a transposed convolution in every framework, and prove it.",
    )
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in [name for name in COMMANDS if name.rstrip("_") == command] or COMMANDS:
        import_module(f"harness.cli.{module}").add(commands)
    return whole
