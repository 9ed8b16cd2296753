"""Options that several commands share, and what an option's value may be."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.report.formats import Format

_A_DAY: Final = 86400  # seconds


class UsageError(InputError):
    """An option that cannot be followed."""


def positive(text: str) -> int:
    """Read a number of 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def port(text: str) -> int:
    """Read a port's number; 0 is any free one."""
    if not text.isdecimal() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 0 to 65535")
    return int(text)


def part(text: str) -> float:
    """Read ``5%`` or ``0.05``."""
    number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a part such as 5% or 0.05")
    return number


def shape(text: str) -> tuple[int, ...]:
    """Read ``1,64,16,16``; blanks and ``x`` may stand between as well."""
    parts = text.replace("x", ",").replace(" ", ",").strip("()[],").split(",")
    if not all(size.isdecimal() and len(size) < 19 for size in parts if size):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 1,64,16,16")
    return tuple(int(size) for size in parts if size)


def seconds(text: str) -> float:
    """Read a duration, of a day at most."""
    number = float(text)
    if not 0 < number <= _A_DAY:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds up to {_A_DAY}")
    return number


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
