"""An ``output_shape`` whose sizes the text does not hold: what the padding means as a rule.

TensorFlow takes every size that a forward convolution would bring back to the input's. Nearly all
texts ask for the one that a layer gives: ``in * stride`` of ``SAME``, no crop of ``VALID``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import Pairs, same_crop, shown
from harness.core.errors import Ask, Sentence, asked, named
from harness.core.named_number import Named
from harness.core.operators import Operator
from harness.syntax.expressions import open_names, with_values
from harness.syntax.tree import BinaryOp, Call, Name, Passed, Subscript, UnaryOp, Value

_ELEMENT: Final = re.compile(r"([\w.]+)\[(\d)\]")
_EXAMPLE: Final = (16, 31, 7)  # Sizes of inputs


def usual_crop(
    given: Arguments, operator: Operator, sizes: Sequence[Value], padding: Value
) -> tuple[Pairs, str] | None:
    """Return the crop that a padding means as a rule, and a note that it is taken for that.

    There is none where a size that the text shows in part says otherwise.

    Parameters
    ----------
    sizes : sequence of value
        Those of the output along each axis; empty where the text does not show that many.
    """
    effective, stride = operator.effective_kernel, operator.stride
    if padding == "SAME":
        crop, _ = same_crop(effective, stride, odd="", missing="")
        meaning = "in * stride"
    elif padding == "VALID" and all(k >= s for k, s in zip(effective, stride, strict=True)):
        crop, meaning = ((0, 0),) * operator.rank, "(in - 1) * stride + kernel"
    else:
        return None
    for axis, size in enumerate(sizes):
        least = stride[axis] if padding == "SAME" else effective[axis]
        if not _may_be(size, stride[axis], least):
            return None
    return crop, _note(given, operator.rank, sizes, str(padding), meaning)


def _may_be(size: Value, step: int, least: int) -> bool:
    """Whether a size may be ``(in - 1) * step + least``."""
    if isinstance(size, int):
        return size >= least and (size - least) % step == 0
    if not _adds(size):
        return True
    names = {*open_names(size)}
    if len(names) != 1:
        return False
    # The one name may well be the input's size.
    (name,) = names
    return all(with_values(size, {name: n}) == (n - 1) * step + least for n in _EXAMPLE)


def _adds(value: Value) -> bool:
    """Whether anything is added to or taken from a size."""
    match value:
        case BinaryOp(left=left, operation=operation, right=right):
            return operation in {"+", "-"} or _adds(left) or _adds(right)
        case UnaryOp(operand=operand):
            return _adds(operand)
        case Call():
            return any(map(_adds, value.parts))
        case Subscript():
            return False
        case Name(text=text):
            return " + " in text or " - " in text
    return False


def _note(
    given: Arguments, rank: int, sizes: Sequence[Value], padding: str, meaning: str
) -> Sentence:
    value = given.value("output_shape")
    what = f"output_shape {shown(value)}" if isinstance(value, Name | Call) else "output_shape"
    if sizes:
        open_sizes = (each for each in sizes if not isinstance(each, int) or type(each) is Named)
        what = "output_shape's " + ", ".join(dict.fromkeys(map(shown, open_sizes)))
    example = (1, 64, *(16,) * rank)
    whole = isinstance(value, Name) and value.text.replace(".", "").replace("_", "").isalnum()
    sizes_of = f"{value.text}=[1,{'31,' * rank}32]" if whole and isinstance(value, Name) else ""
    request = asked(Ask.INPUT_SHAPE, example, "give")
    request += " and " + (named(Ask.VALUE, sizes_of) if sizes_of else "write the sizes in the call")
    return (
        f"{what}: taken for {meaning}, as padding {padding} means as a rule. For other sizes, "
        + request
        + "."
    )


def with_strides_of_axes(given: Arguments, rank: int, *, channels_first: bool) -> Arguments:
    """Read ``strides=s`` as its elements, where the text shows that it has some: ``h * s[1]``."""
    argument = given.given.get("strides")
    value = argument.value if argument else None
    if argument is None or not isinstance(value, Name) or isinstance(value, Subscript):
        return given
    # A function has its own name for what it is given.
    same = {name for name, each in given.assigned.items() if _is_passed(each, value.text)}
    same.add(value.text)
    written = [each.value for each in given.call.arguments]  # Without numbers for names
    inside = {name for each in (*written, *given.assigned.values()) for name in open_names(each)}
    places = {
        int(found[2]): None
        for name in inside
        if (found := _ELEMENT.fullmatch(name)) is not None and found[1] in same
    }
    if not places:
        return given

    def element(place: int) -> Value:
        text = f"{value.text}[{place}]"
        known = given.supplied.values.get(text)
        return (
            Subscript(text, argument.column, owner=value, index=place) if known is None else known
        )

    # Nobody asks for those of batch and channels, which are 1.
    first = 0 if 0 in places else 2 if channels_first else 1
    strides = replace(argument, value=tuple(element(first + axis) for axis in range(rank)))
    elements = {f"{name}[{place}]": element(place) for name in same for place in places}
    changed = {"strides": strides}
    if (outputs := given.given.get("output_shape")) is not None:
        changed["output_shape"] = replace(outputs, value=with_values(outputs.value, elements))
    return replace(given, given={**given.given, **changed})


def _is_passed(value: Value, name: str) -> bool:
    return isinstance(value, Passed) and value.text == name
