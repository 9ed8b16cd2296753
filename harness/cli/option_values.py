"""What an option's value may be: a number, a part, a shape; anything else is refused in words."""

from __future__ import annotations

import argparse
from typing import Final

_A_DAY: Final = 86400  # seconds


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
