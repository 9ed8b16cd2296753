"""What the text does to the input or the weights inside the call itself.

It is not part of the call's operator, and whoever carries the answer over must know of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.syntax.tree import BinaryOp, Call, Name, Slice, Subscript, UnaryOp, Value, last_name

# Compiled by ``re`` when first used: most look-ups do without.
_FLIPS: Final = r"flip(ud|lr|dim)?|rot90|reverse|Reverse"
_TURNS: Final = (
    rf"{_FLIPS}|t|transpose|permute|swap(axes|dims)|move(axis|dim)|rollaxis"
    r"|Transpose"
)
_INPUT: Final = rf"{_TURNS}|\w*[Pp]ad(ding)?([123][dD]|_nd|Array|array)?|\w*[Cc]rop\w*"
_WEIGHTS: Final = (
    rf"{_TURNS}|reshape|view|repeat\w*|expand(_as)?|tile|roll|neg(ative)?|mul(tiply)?|pad|squeeze"
    r"|unsqueeze|expand_dims|Map|Partition|ArrayReshape|ArrayPad|repmat"
)
_TURNED: Final = r"(?s).*(\.(T|mT|H)|\.?')"


def notes(given: Arguments) -> Iterator[str]:
    """Note what is done to arrays in a call's own arguments, and in those of its layer's call."""
    arrays = {"Weights": "weights"}
    if given.form.style == "function":
        names = (parameter.name for parameter in given.form.parameters)
        arrays = dict(zip(names, ("input", "weights"), strict=False))
    for name, what in arrays.items():
        value = given.given[name].value if name in given.given else None
        assigned = given.assigned.get(value.text) if isinstance(value, Name) else None
        if isinstance(assigned, Call) and re.fullmatch(_FLIPS, last_name(assigned)):
            value = assigned
        if _is_changed(value, what):
            yield _note(name, value, what)
    for argument in given.application[:1]:
        if _is_changed(argument.value, "input"):
            yield _note("the input", argument.value, "input")


def _note(name: str, value: Value, what: str) -> str:
    return f"{name} is {shown(value)}: what that does to the {what} is not in the answer."


def _is_changed(value: Value, what: str) -> bool:
    match value:
        case Call():
            maker = value.function if isinstance(value.function, Call) else value
            names = _INPUT if what == "input" else _WEIGHTS
            if re.fullmatch(names, last_name(maker)):
                return True
            return _takes_part(value.positional)
        case Subscript():
            return _takes_part(value.places)
        case BinaryOp() | UnaryOp():
            return what == "weights"
        case Name():
            return re.fullmatch(_TURNED, value.text) is not None
    return False


def _takes_part(places: Sequence[Value]) -> bool:
    return any(isinstance(each, Slice) and not each.is_whole for each in places)
