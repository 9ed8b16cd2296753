"""The command line: ``deconform translate | run | reproduce | report | compare | ...``.

Each command is a module of its name (``import_`` for a keyword, ``check_worker`` for a hyphen) with
``add``, which declares its options, and ``run``, which imports what the command needs and returns
the exit status.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from keyword import iskeyword
from typing import Final

from harness.cli.exit_statuses import BAD, USAGE, status_of
from harness.cli.terminal import showing
from harness.core.errors import InputError

_USUAL_COLUMNS: Final = 80
# Objects between garbage collections; Python's 700 cost a look-up of a file a fifth of its time.
_BETWEEN_COLLECTIONS: Final = 200_000
# In the order of the help.
COMMANDS: Final = {
    "translate": "say a framework's call in the other frameworks",
    "audit": "say what becomes of a project's layers in other frameworks",
    "draw": "draw which input elements of a call reach which output elements, as SVG",
    "serve": "look calls up in a browser, and by a JSON API",
    "run": "run suites through the frameworks and compare with the reference",
    "bench": "time the frameworks' programs side by side",
    "init": "write a ready example of an implementation under test",
    "check-worker": "hold a program against the protocol of workers, message by message",
    "reproduce": "run one case; show its program and numbers",
    "report": "show report files again, or as other formats",
    "compare": "say what became slower or faster from one benchmark to another",
    "diff": "say what fails, or is fixed, from one conformance report to another",
    "history": "show the trend of times over saved runs, and since when a case fails",
    "export": "write suites as one script, for a MATLAB or Wolfram on another machine",
    "import": "judge what an exported script has left, as a column of a report",
    "doctor": "what is here, what is missing, how to get it",
    "envs": "build the frameworks' environments, through tox",
    "weights": "convert arrays of weights between frameworks' layouts",
    "publish": "write two reports as a folder for readers",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    0: nothing bad. 1: something FAILED, ERRORED, CRASHED, TIMEDOUT, MISTRUSTED or FIXED, or a
    required framework was SKIPPED. 2: bad usage or a bad spec. 130: interrupted. 143: terminated.
    """
    with _collecting_rarely(), showing():
        return _status(sys.argv[1:] if arguments is None else list(arguments))


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Collect garbage rarely: nearly all that is imported and read is kept to the end."""
    usual = gc.get_threshold()
    atexit.register(gc.freeze)  # The last collection of a process frees what goes with it anyway.
    gc.set_threshold(_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _status(words: list[str]) -> int:
    options = parser(*words[:1]).parse_args(words)
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


class _Formatter(argparse.HelpFormatter):
    """As wide as the terminal, which argparse asks for every argument, by way of a slow import."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(1).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


def parser(command: str = "") -> argparse.ArgumentParser:
    """Make the parser of one command, which is quick, or a list of all for who asks for help."""
    whole = argparse.ArgumentParser(
        prog="deconform",
        formatter_class=_Formatter,
        description="Say a transposed convolution in every framework, and prove it.",
    )
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    if command not in COMMANDS:
        for name, about in COMMANDS.items():
            commands.add_parser(name, help=about, formatter_class=_Formatter)
        return whole
    one = commands.add_parser(command, formatter_class=_Formatter)
    module = import_module(f"harness.cli.{command.replace('-', '_')}{'_' * iskeyword(command)}")
    module.add(one)
    one.set_defaults(run=module.run)
    return whole
