"""Options that several commands share, and what an option's value may be."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.report.formats import Format
    from harness.syntax.tree import Value

# What arrays may be made of: the keys of ``SIGNIFICANT_BITS``, which would load NumPy.
DTYPES: Final = ("float16", "bfloat16", "float32", "float64")
_A_DAY: Final = 86400  # seconds


class UsageError(InputError):
    """An option that cannot be used."""


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


def nbytes(text: str) -> int:
    """Read a number of bytes, such as ``4G`` or ``500M``; 64 MiB at least."""
    number, unit = (text[:-1], text[-1:].upper()) if text[-1:].isalpha() else (text, "")
    size = int(float(number) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}[unit])
    if not 2**26 <= size < 2**63:
        raise argparse.ArgumentTypeError(f"{text} is not a size such as 4G, of 64M at least")
    return size


def seconds(text: str) -> float:
    """Read a duration, of a day at most."""
    number = float(text)
    if not 0 < number <= _A_DAY:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds up to {_A_DAY}")
    return number


def named_value(text: str) -> tuple[str, Value]:
    """Read ``k=4`` or ``kernel=[4,4]``."""
    from harness.lookup.given_values import GivenValueError, read_given

    try:
        return read_given(text)
    except GivenValueError as error:
        raise argparse.ArgumentTypeError(error.fact) from None


# fmt: off
_SHARED: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "text": ("text", "a call, a descriptor or a line of benchdnn; - reads it", {"metavar": "TEXT"}),
    "from": ("--from", "whose call it is", {"dest": "source", "metavar": "NAME"}),
    "input": ("--input", "the input's shape, channels first",
              {"type": shape, "metavar": "N,C,H,W"}),
    "weight": ("--weight", "the weights' shape, (c_in, c_out/groups, ...)",
               {"type": shape, "metavar": "I,O,H,W"}),
    "set": ("--set", "a value for a name of the text, as JSON: k=4, opt.ngf=64 (repeatable)",
            {"action": "append", "default": [], "type": named_value, "dest": "values",
             "metavar": "NAME=VALUE"}),
    "specs": ("specs", "file or folder (default suite)", {"nargs": "*", "metavar": "SPEC"}),
    "select": ("-k --select",
               "only cases with this part in their id, or a glob; another -k adds more",
               {"action": "append", "metavar": "SELECT"}),
    "framework": ("-f --framework", "only these: frameworks, or implementations by their files",
                  {"action": "append", "metavar": "NAME|FILE.yaml"}),
    "python": ("--python",
               "run a framework with this interpreter instead of the one that tox built",
               {"action": "append", "default": [], "metavar": "NAME=PATH"}),
    "device": ("--device", "where the frameworks compute (cpu); cupy always on a GPU",
               {"choices": ("cpu", "cuda"), "default": "cpu"}),
    "math": ("--math", "how a GPU multiplies float32 (ieee)",
             {"choices": ("ieee", "tf32"), "default": "ieee"}),
    "memory": ("--memory", "memory of each framework, where the system can tell (half of it)",
               {"type": nbytes, "default": 0, "metavar": "SIZE"}),
    "output": ("-o --output", "write the report", {"type": Path, "metavar": "FILE.jsonl"}),
    "baseline": ("--baseline", "whose times a benchmark's ratios are to (the first's)",
                 {"metavar": "NAME"}),
    "detail": ("--detail", "print every figure of a benchmark's programs",
               {"action": "store_true"}),
    "save": ("--save",
             "add the run to the history in this database, such as sqlite:///FILE "
             "(DECONFORM_DATABASE, else a file of yours)",
             {"nargs": "?", "const": "", "metavar": "URL"}),
    "old": ("old", "", {"type": Path, "metavar": "OLD"}),
    "new": ("new", "another one's", {"type": Path, "metavar": "NEW"}),
    "markdown": ("--markdown", "write it for a pull request's comment; - prints it",
                 {"metavar": "FILE"}),
}
# fmt: on


def add_shared(parser: argparse.ArgumentParser, *names: str, **changes: Any) -> None:
    """Declare options that several commands have, with changes to them."""
    for name in names:
        flags, about, keywords = _SHARED[name]
        parser.add_argument(*flags.split(), **{"help": about, **keywords, **changes})


def add_formats(
    parser: argparse.ArgumentParser, formats: Iterable[Format], *, explained: bool = True
) -> None:
    """Let a command write other formats of its report."""
    for one in formats:
        by_target: Mapping[str, Mapping[str, Any]] = {
            "stdout": {"action": "store_true", "default": None},
            "job": {"nargs": "?", "const": "", "metavar": "FILE"},
            "folder": {"type": _target_of(one), "metavar": "DIR"},
            "file": {"type": _target_of(one), "metavar": "FILE"},
        }
        about = one.help if explained else None
        parser.add_argument(f"--{one.name}", help=about, **by_target[one.target])


def _target_of(one: Format) -> Callable[[str], Path]:
    """Return a reader of paths that refuses before the run what could not be written after it."""

    def path(text: str) -> Path:
        if one.missing:
            raise argparse.ArgumentTypeError(one.missing)
        return Path(text)

    return path
