"""What the Python before a call does to its weights: groups split off, zeros of a dilation put in.

Frameworks without groups or dilation are given them so, by people and by our own programs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from harness.syntax.callsite import CallSite
from harness.syntax.tree import (
    Call,
    Comprehension,
    Name,
    Slice,
    Statement,
    Value,
    calls,
    last_name,
    names_in,
)

_COUNTS: Final = ("num_or_size_splits", "num_outputs", "indices_or_sections", "chunks")
_LAST: Final = (-1, 3)
_CHANNELS: Final = {
    (1, 0),
    *itertools.product(_LAST, repeat=2),
    *itertools.product((-1, 4), (0,)),  # The weights' output channels of all groups come first
}
_JOINS: Final = {"concat", "concatenate", "cat"}


def completed(site: CallSite) -> CallSite:
    """Add into how many groups, and with which dilation, the text itself takes the weights."""
    return replace(site, groups=_groups(site), steps=_inserted(site))


def _groups(site: CallSite) -> int:
    """``concat([f(x, w) for x, w in zip(split(x, 2), split(w, 2))])`` has two groups."""
    joined, joined_along = _joined(site)
    if not {name for name, _ in joined} <= _names(site.call.parts[1:]):
        return 1
    assigned = site.statement.assigned
    splits = [
        assigned.get(source.text, source) if isinstance(source, Name) else source
        for _, source in joined
    ]
    counts = {_sections(value) for value in splits}
    along = [_axis(value) for value in splits]
    # Channels come second or last, and the weights' input channels first or last.
    if len(counts) != 1 or len(along) != 2 or tuple(along) not in _CHANNELS:
        return 1
    is_last = joined_along in _LAST if along[0] in _LAST else joined_along == along[0]
    return counts.pop() if is_last else 1


def _axis(value: Value) -> int | None:
    """The axis along which a call splits an array, where the text says it."""
    if not isinstance(value, Call):
        return None
    # x.chunk(2, 1), but split(x, 2, 1); the first axis by default.
    place = 1 if value.positional and type(value.positional[0]) is int else 2
    return _axis_at(value, place, default=1 if "num_outputs" in value.named else 0)


def _axis_at(call: Call, place: int, *, default: int) -> int | None:
    """The axis that a call says by name, or as the argument at a place."""
    axis = [*call.positional[place:], default][0]
    axis = call.named.get("axis", call.named.get("dim", axis))
    return axis if type(axis) is int else None


def _joined(site: CallSite) -> tuple[list[tuple[str, Value]], int | None]:
    """Name and array of all that a list goes through whose calls are concatenated.

    And the axis along which they are.
    """
    for outer in calls(site.statement.value):
        for argument in outer.arguments if last_name(outer) in _JOINS else ():
            if any(inner is site.call for inner in calls(argument.value)):
                # Chainer's and MXNet's concat join channels by default.
                default = 1 if last_name(outer) == "concat" else 0
                return _zipped(argument.value), _axis_at(outer, 1, default=default)
    return [], None


def _zipped(value: Value) -> list[tuple[str, Value]]:
    over = value.over if isinstance(value, Comprehension) else None
    if not isinstance(value, Comprehension) or not isinstance(over, Call):
        return []
    if over.function != Name("zip", over.column):
        return []
    return list(zip(value.targets, over.parts[1:], strict=False))


def _sections(value: Value) -> int:
    """The number of parts that a call makes; 1 where it is none or says their sizes instead."""
    if not isinstance(value, Call) or last_name(value) not in {"split", "chunk", "split_axis"}:
        return 1
    positional = value.positional
    is_method = bool(positional) and isinstance(positional[0], int)
    # PyTorch's split takes the size of a part, its chunk their number.
    if last_name(value) == "split" and (is_method or value.dotted == "torch.split"):
        return 1
    counts = [value.named[name] for name in _COUNTS if name in value.named]
    count = [*counts, *positional[0 if is_method else 1 :], 1][0]
    return count if type(count) is int else 1


def zeros_inserted(site: CallSite) -> tuple[int, ...] | None:
    """Return the dilation whose zeros a text writes into a kernel that its call is not given.

    Such a call only describes an operator, so that any such array is taken for its kernel.

    >>> from harness.syntax.find_call import find_call
    >>> text = "v = zeros((2, 3, 5)); v[:, :, ::2] = w; described(1)"
    >>> zeros_inserted(find_call(text, "python", ["described"])[0])
    (2,)
    """
    return _inserted(site, lambda _array, _site: True)


def _inserted(
    site: CallSite, is_kernel: Callable[[str, CallSite], bool] | None = None
) -> tuple[int, ...] | None:
    """``w_dilated[:, :, ::2, ::3] = w`` writes the zeros of a dilation (2, 3) into a kernel."""
    is_kernel = is_kernel or _is_kernel
    for statement in site.code.statements:
        part = statement.part
        if part is None or not isinstance(part.owner, Name):
            continue
        if (
            any(isinstance(each, Slice) and each.step is not None for each in part.places)
            and not isinstance(statement.value, int | float)
            and _is_zeros(part.owner.text, site.code.statements)
            and is_kernel(part.owner.text, site)
        ):
            return _steps_of_taps(part.places)
    return None


def _is_zeros(array: str, statements: Sequence[Statement]) -> bool:
    """Whether the text shows that an array was made of zeros."""
    values = [s.value for s in statements if s.target == array]
    return bool(values) and all(isinstance(v, Call) and last_name(v) == "zeros" for v in values)


def _steps_of_taps(index: Sequence[Value]) -> tuple[int, ...] | None:
    """The steps of ``[:, :, ::2, ::3]``; ``None`` where taps are written in another way."""
    steps = []
    for each in index:
        if not isinstance(each, Slice) or each.lower is not None or each.upper is not None:
            return None
        step = 1 if each.step is None else each.step
        if type(step) is not int or step < 1:
            return None
        steps.append(step)
    return tuple(steps[2:]) if steps[:2] == [1, 1] else None


def _is_kernel(array: str, site: CallSite) -> bool:
    """Whether an array comes to a call, or to the layer that it makes, as its weights."""
    made_of, (parts, _) = {array}, _joined(site)
    layer, reached = site.name, False
    for statement in site.code.statements:
        if statement.target and made_of & _names(statement.value):
            made_of.add(statement.target)
            made_of |= {name for name, source in parts if made_of & _names(source)}
            reached |= layer is not None and statement.target.startswith(f"{layer}.")
        for inner in calls(statement.value):
            weights = inner.parts[2:] if inner is site.call else ()
            if layer is not None and inner.dotted.startswith(f"{layer}."):
                weights = inner.parts[1:]
            reached |= bool(made_of & _names(weights))
    return reached


def _names(value: Value) -> set[str]:
    """All names in a value, dotted ones in every length."""
    words = [word for name in names_in(value) for word in re.findall(r"[^\W\d][\w.]*", name.text)]
    return {".".join(w.split(".")[:n]) for w in words for n in range(1, w.count(".") + 2)}
