"""The checks of a case, in one table: which output each looks at, in which direction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from harness.records.status import Row

Direction: TypeAlias = Literal["forward", "gradient"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("forward", "gradient")


class Check(Row):
    """One thing that is looked at; a case's records come in the order of the rows."""

    output: str  # The array of the program that it looks at
    direction: Direction  # The program that makes it

    SHAPE = "shape", "y", "forward"
    VALUE = "value", "y", "forward"
    GRAD_X = "grad_x", "dx", "gradient"
    GRAD_W = "grad_w", "dw", "gradient"
    GRAD_B = "grad_b", "db", "gradient"
    REFUSAL = "refusal", "y", "forward"


def in_order(names: Iterable[str]) -> list[str]:
    """Sort checks by the table; what another deconform called a check comes last.

    >>> in_order(["grad_w", "dtype", "value"])
    ['value', 'grad_w', 'dtype']
    """
    order = {str(name): number for number, name in enumerate(Check)}
    return sorted(names, key=lambda name: order.get(name, len(order)))
