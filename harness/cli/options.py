"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from harness.cli.option_values import shape
from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.report.formats import Format

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 -- it has no other name
Run: TypeAlias = Callable[[argparse.Namespace], int]


class UsageError(InputError):
    """An option that cannot be followed."""


def command(commands: Commands, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """Add a command."""
    parser = commands.add_parser(name, help=about)
    parser.set_defaults(run=run)
    return parser


def add_text(parser: argparse.ArgumentParser) -> None:
    """Let a command read a call."""
    parser.add_argument(
        "text", metavar="TEXT", help="a call, a descriptor or a line of benchdnn; - reads it"
    )
    parser.add_argument("--from", dest="source", metavar="NAME", help="whose call it is")
    parser.add_argument(
        "--input", type=shape, metavar="N,C,H,W", help="the input's shape, channels first"
    )
    parser.add_argument(
        "--weight",
        type=shape,
        metavar="I,O,H,W",
        help="the weights' shape, (c_in, c_out/groups, ...)",
    )


def add_cases(parser: argparse.ArgumentParser, suite: str = "default suite") -> None:
    """Let a command take suites."""
    parser.add_argument("specs", nargs="*", metavar="SPEC", help=f"file or folder ({suite})")
    parser.add_argument(
        "-k",
        "--select",
        action="append",
        metavar="SELECT",
        help="only cases with this part in their id, or a glob; another -k adds more",
    )


def add_frameworks(parser: argparse.ArgumentParser) -> None:
    """Let a command run some of the frameworks."""
    parser.add_argument("-f", "--framework", action="append", metavar="NAME", help="only these")


def add_interpreters(parser: argparse.ArgumentParser) -> None:
    """Let a command run frameworks in other interpreters, and on a GPU."""
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="run a framework with this interpreter instead of the one that tox built",
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where the frameworks compute (cpu); cupy always on a GPU",
    )
    parser.add_argument(
        "--math",
        choices=("ieee", "tf32"),
        default="ieee",
        help="how a GPU multiplies float32 (ieee)",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Let a command write its report."""
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.jsonl", help="write the report")


def add_formats(
    parser: argparse.ArgumentParser, formats: Iterable[Format], *, explained: bool = True
) -> None:
    """Let a command write other formats of its report."""
    for one in formats:
        about = one.help if explained else None
        option = f"--{one.name}"
        if one.target == "stdout":
            parser.add_argument(option, action="store_true", default=None, help=about)
        elif one.target == "job":
            parser.add_argument(option, nargs="?", const="", metavar="FILE", help=about)
        else:
            metavar = "DIR" if one.target == "folder" else "FILE"
            parser.add_argument(option, type=_target_of(one), metavar=metavar, help=about)


def _target_of(one: Format) -> Callable[[str], Path]:
    """Return what reads a path, and refuses before a long run what could not be written after."""

    def path(text: str) -> Path:
        if one.missing:
            raise argparse.ArgumentTypeError(one.missing)
        return Path(text)

    return path


def add_benchmark_view(parser: argparse.ArgumentParser) -> None:
    """Let a command show a benchmark in another way."""
    parser.add_argument(
        "--baseline", metavar="NAME", help="whose times a benchmark's ratios are to (the first's)"
    )
    parser.add_argument(
        "--detail", action="store_true", help="print every figure of a benchmark's programs"
    )


def add_save(parser: argparse.ArgumentParser) -> None:
    """Let a command save its run."""
    parser.add_argument(
        "--save",
        nargs="?",
        const="",
        metavar="URL",
        help="add the run to the history in this database, such as sqlite:///FILE "
        "(DECONFORM_DATABASE, else a file of yours)",
    )


def add_two_reports(parser: argparse.ArgumentParser, about: str) -> None:
    """Let a command take an old and a new report."""
    parser.add_argument("old", type=Path, metavar="OLD", help=about)
    parser.add_argument("new", type=Path, metavar="NEW", help="another one's")


def add_comment(parser: argparse.ArgumentParser) -> None:
    """Let a command write what a pull request's comment holds."""
    parser.add_argument(
        "--markdown", metavar="FILE", help="write it for a pull request's comment; - prints it"
    )
