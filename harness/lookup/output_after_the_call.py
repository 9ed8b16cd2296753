"""What the Python after a call adds to it: a slice, a pad, a late bias.

People crop and pad by hand what a framework cannot say, and so do our own programs: together with
the call this is one operator.  What is done to the output after something else is not followed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

from harness.convention.reading import Reading
from harness.convention.registry import convention
from harness.convention.values import shown
from harness.core.errors import Ask, asked
from harness.core.operators import OperatorError
from harness.syntax.callsite import Application, CallSite, Code
from harness.syntax.shapes import fold
from harness.syntax.tree import (
    BinaryOp,
    Call,
    Comprehension,
    Heading,
    Name,
    Slice,
    SnippetError,
    Statement,
    Subscript,
    Value,
    count_uses,
    last_name,
)

Pairs: TypeAlias = tuple[tuple[int, int], ...]

_ADDS_BIAS: Final = {"bias_add", "bias"}
_ADDS: Final = {"broadcast_add", "add"}
_PASSES_ON: Final = {
    *("contiguous", "concat", "clone", "copy", "detach"),
    *("cuda", "cpu", "to", "float", "half", "double", "eval", "train"),
    *("emit", "emit_output"),
}
# Crops and pads that people put after it, too.
_NOT_READ: Final = {
    *("slice", "slice_axis", "strided_slice", "Crop", "get_item", "narrow", "center_crop", "crop"),
    *("resize_with_crop_or_pad", "resize_image_with_crop_or_pad", "central_crop"),
    *(f"{name}{rank}D" for name in ("Cropping", "ZeroPadding") for rank in (1, 2, 3)),
    *(f"{kind}Pad{rank}d" for kind in ("Zero", "Constant", "Reflection") for rank in (1, 2, 3)),
}
_AXES: Final = {"expand_dims": 1, "squeeze": -1}


@dataclass(frozen=True)
class _Slice:
    """A slice of the result; ``...`` stands for as many whole axes as are missing."""

    spans: tuple[slice, ...]
    ellipsis_at: int | None
    column: int


@dataclass(frozen=True)
class _Pad:
    """A pad of the result, its widths as they are written."""

    widths: Value
    column: int
    zeros: bool


@dataclass(frozen=True)
class _Bias:
    """An addition of a vector, and how many axes follow the vector's own, where it matters."""

    trailing: int | None


@dataclass(frozen=True)
class _Axes:
    """Axes of size 1 put in, or taken out."""

    more: int


@dataclass(frozen=True)
class _End:
    """Something else is made of the output."""


@dataclass(frozen=True)
class _Output:
    """What is followed: the result of a call, by the name that it was given last."""

    made_by: Call
    name: str | None
    assigned: Mapping[str, Value]


_WORDS: Final = {
    _Slice: "The slice of the output is in the answer, as a crop.",
    _Pad: "The pad of the output is in the answer, as a crop.",
    _Bias: "The vector that is added to the output is in the answer, as the bias.",
}

_Step: TypeAlias = _Slice | _Pad | _Bias | _Axes | _End


def applied(site: CallSite, reading: Reading) -> Reading:
    """Add to a reading what the text does with the output of its call.

    A slice or a pad that cannot be followed is a note.
    """
    for step in _followed(site):
        if isinstance(step, SnippetError):
            return _without(step, reading)
        if isinstance(step, _End) or _is_no_bias(step, reading):
            break
        try:
            reading = _applied(step, reading)
        except SnippetError as error:
            return _without(error, reading)
    return reading


def _without(error: SnippetError, reading: Reading) -> Reading:
    note = "What the text does with the output is not in the answer: " + error.fact
    return replace(reading, notes=(*reading.notes, note))


@lru_cache(maxsize=1)  # A call is read again and again where its sizes are names.
def _followed(site: CallSite) -> tuple[_Slice | _Pad | _Bias | _End | SnippetError, ...]:
    """What the text does with the output, as far as it can be followed."""
    return tuple(_steps_after(site))


def _steps_after(site: CallSite) -> Iterator[_Slice | _Pad | _Bias | _End | SnippetError]:
    made_by = site.applied or Application(site.call, site.statement)
    statements, block = site.code.statements, made_by.statement.block
    output = _Output(made_by.call, None, {})
    places = _places(site.code, output, site.code.place_of(made_by.statement))
    while places:
        place = places.popleft()
        statement = statements[place]
        if any(one != other for one, other in zip(statement.block, block, strict=False)):
            continue  # Neither of the two blocks is inside the other.
        output = replace(output, assigned=statement.assigned)
        if isinstance(statement.value, Call) and last_name(statement.value) == "print":
            continue
        try:
            steps = _steps(statement.value, output)
            if steps is None and not _is_changed(statement.target, output.name):
                continue
            if steps and not isinstance(steps[0], _End):
                _check_certain(statement, block, output.name, statements[place + 1 :])
        except SnippetError as error:
            yield error
            return
        if steps is None or statement.block != block:
            return
        yield from (step for step in steps if not isinstance(step, _Axes))
        if sum(step.more for step in steps if isinstance(step, _Axes)):
            return
        output = replace(output, name=statement.target)
        places = _places(site.code, output, place + 1)


def _places(code: Code, output: _Output, first: int) -> deque[int]:
    """Where the text has the output from a statement on."""
    named = () if output.name is None else code.showing(output.name)
    every = sorted({*code.holding(output.made_by), *named})
    return deque(every[bisect_left(every, first) :])


def _is_changed(target: str | None, name: str | None) -> bool:
    """Whether a statement gives a result's name, or a part of a result, to something else."""
    return target is not None and target.partition("[")[0] == name


def _check_certain(
    statement: Statement, block: tuple[int, ...], name: str | None, rest: Sequence[Statement]
) -> None:
    """Refuse steps after which somebody still has the output as it was before."""
    if statement.block != block:
        raise SnippetError("it is done inside a branch, a loop or a function of its own.")
    if name is None:
        return
    if count_uses(statement.value, name) > 1:
        raise SnippetError(f"{name} is there more than once in what it makes of it.")
    for later in () if statement.target == name else rest:
        if count_uses(later.value, name) or (later.target or "").startswith(f"{name}["):
            raise SnippetError(f"{name} itself is used after it, too.")
        if later.target == name:
            return


def _is_no_bias(step: _Step, reading: Reading) -> bool:
    """Whether a sum lays its vector along other axes than the channels."""
    trailing = 0 if reading.channels_last else reading.operator.rank
    return isinstance(step, _Bias) and step.trailing not in (None, trailing)


def _steps(value: Value, output: _Output) -> list[_Step] | None:
    """What an expression does to the result, innermost first; ``None`` if it is another's."""
    if isinstance(value, Call):
        if value is output.made_by:
            return []
        return _steps_of_call(value, output)
    if isinstance(value, tuple):
        inner = [_steps(item, output) for item in value]
        return next((steps for steps in inner if steps is not None), None)
    if not isinstance(value, Name) or isinstance(value, Heading):
        return None
    if value.text == output.name:
        return []
    return _steps_of_expression(value, output)


def _steps_of_call(call: Call, output: _Output) -> list[_Step] | None:
    last = last_name(call)
    receiver = call.dotted.rpartition(".")[0]
    if receiver and receiver == output.name and last in {*_PASSES_ON, *_AXES}:
        return [_Axes(_AXES[last])] if last in _AXES else []
    if not call.arguments:
        return None
    first, *others = call.arguments
    inner = _steps(first.value, output)
    if inner is None:
        return _made_into_another(call.parts[2:], output)
    joins_groups = last == "concatenate" and isinstance(first.value, Comprehension)
    if last in _PASSES_ON or joins_groups:
        return inner
    # ``Cropping2D`` of ``Cropping2D(1)(y)``.
    maker = last_name(call.function) if isinstance(call.function, Call) else last
    if maker in _NOT_READ:
        raise SnippetError(f"{maker} is not read here.", call.column)
    if last in _ADDS_BIAS:
        return [*inner, _Bias(None)]
    if last in _ADDS and others:
        trailing = _trailing(_written_out(others[0].value, output.assigned))
        return [*inner, _End() if trailing is None else _Bias(trailing)]
    if last == "pad":
        return [*inner, _pad(replace(call, arguments=tuple(others)))]
    return [*inner, _Axes(_AXES[last]) if last in _AXES else _End()]


def _pad(others: Call) -> _Pad:
    """A pad, by the arguments after its array."""
    by_name = others.named
    named = [by_name[name] for name in ("pad_width", "paddings", "pad") if name in by_name]
    positional = [*named, *others.positional]
    begins, ends = [*positional, None, None][:2]
    if isinstance(begins, tuple) and isinstance(ends, tuple) and len(begins) == len(ends):
        # The beginnings of all axes, then the ends.
        positional[:2] = [tuple(zip(begins, ends, strict=True))]
    widths, mode, value = [*positional, None, None, None][:3]
    modes = (by_name.get("mode"), mode)
    values = [value, *(by_name.get(name) for name in ("value", "constant_value"))]
    zeros = all(mode in {None, "constant", "CONSTANT"} for mode in modes) and all(
        value in {None, 0} for value in (*values, by_name.get("constant_values"))
    )
    return _Pad(widths, others.column, zeros)


def _steps_of_expression(value: Name, output: _Output) -> list[_Step] | None:
    """Slices and sums."""
    if isinstance(value, Comprehension):
        return _steps(value.element, output)
    if isinstance(value, Subscript):
        inner = _steps(value.owner, output)
        return None if inner is None else [*inner, _slice(value, output.assigned)]
    if isinstance(value, BinaryOp) and value.operation == "+":
        for one, other in ((value.left, value.right), (value.right, value.left)):
            inner = None if (trailing := _trailing(other)) is None else _steps(one, output)
            if inner is not None:
                return [*inner, _Bias(trailing)]
    return _made_into_another(value.calls, output)


def _written_out(value: Value, assigned: Mapping[str, Value]) -> Value:
    """What a name stands for, and what a constant of a graph is made of."""
    value = assigned.get(value.text, value) if isinstance(value, Name) else value
    if isinstance(value, Call) and last_name(value) == "constant" and value.positional:
        return value.positional[0]
    return value


def _trailing(value: Value) -> int | None:
    """Count the axes after a vector's own: 2 for ``b.reshape((-1, 1, 1))``."""
    if isinstance(value, Subscript):
        # As in ``b[None, :, None]``.
        shape: list[Value] = [1 if place is None else place for place in value.places]
        if sum(isinstance(place, Slice) and place.is_whole for place in value.places) != 1:
            return None
    elif isinstance(value, Call) and last_name(value) in {"reshape", "view"}:
        given = list(value.parts[1:])
        tuples = [shape for shape in given if isinstance(shape, tuple)]
        shape = list(tuples[-1]) if tuples else given
    else:
        return None
    long = [place for place, extent in enumerate(shape) if extent != 1 or extent is True]
    return len(shape) - 1 - long[0] if len(long) == 1 and len(shape) > 1 else None


def _made_into_another(values: Sequence[Value], output: _Output) -> list[_Step] | None:
    """What is done to the result inside an expression that makes something else of it."""
    steps = _steps(tuple(values), output)
    return None if steps is None else [*steps, _End()]


def _slice(value: Subscript, assigned: Mapping[str, Value]) -> _Slice:
    shown_places = [place.text if isinstance(place, Name) else "" for place in value.places]
    ellipsis_at = shown_places.index("...") if "..." in shown_places else None
    spans = [
        _span(place, value.column, assigned)
        for index, place in enumerate(value.places)
        if index != ellipsis_at
    ]
    return _Slice(tuple(spans), ellipsis_at, value.column)


def _span(element: Value, column: int, assigned: Mapping[str, Value]) -> slice:
    if not isinstance(element, Slice) or element.step is not None:
        place = element.text if isinstance(element, Name) else shown(element)
        raise SnippetError(
            f"[{place}] of the output is no slice from one index to another.", column
        )
    ends: list[int | None] = []
    for end in (element.lower, element.upper):
        number = None if end is None else fold(end, {}, assigned)
        if number is not None and type(number) is not int:
            place = end.text if isinstance(end, Name) else element.text.strip(":")
            raise SnippetError(
                f"the output is sliced at {place}, whose value the text does not hold: write the "
                "number in its place.",
                column,
            )
        ends.append(number)
    return slice(*ends)


def _applied(step: _Slice | _Pad | _Bias, reading: Reading) -> Reading:
    operator = reading.operator
    noted = replace(reading, notes=tuple(dict.fromkeys((*reading.notes, _WORDS[type(step)]))))
    if isinstance(step, _Bias):
        return replace(noted, operator=replace(operator, bias=True))
    pairs = _sliced(step, reading) if isinstance(step, _Slice) else _padded(step, reading)
    cropped = [side > 0 for pair in operator.crop for side in pair]
    added = [side < 0 for pair in pairs for side in pair]
    if any(a and b for a, b in zip(cropped, added, strict=True)):
        raise SnippetError(
            "it pads where the output has been cropped, so that zeros stand where the operator "
            "would have more of its output: pad first, then slice.",
            step.column,
        )
    crop = tuple(
        (begin + more_begin, end + more_end)
        for (begin, end), (more_begin, more_end) in zip(operator.crop, pairs, strict=True)
    )
    changed = replace(operator, crop=crop)
    if reading.input is not None and (fact := changed.explain(reading.input[2:])):
        raise OperatorError(fact)
    return replace(noted, operator=changed)


def _sliced(step: _Slice, reading: Reading) -> Pairs:
    rank, first = reading.operator.rank, 1 if reading.channels_last else 2
    whole = slice(None)
    spans = list(step.spans)
    at = len(spans) if step.ellipsis_at is None else step.ellipsis_at
    spans[at:at] = [whole] * (rank + 2 - len(spans))
    others = [*spans[:first], *spans[first + rank :]]
    if len(spans) != rank + 2 or any(span not in (whole, slice(0, None)) for span in others):
        raise SnippetError(
            "the output is sliced along batch or channels, or has fewer axes than the slice.",
            step.column,
        )
    return tuple(_cut(axis, span, reading, step) for axis, span in enumerate(spans[first:][:rank]))


def _cut(axis: int, span: slice, reading: Reading, step: _Slice) -> tuple[int, int]:
    if reading.input is None:
        begin = span.start or 0
        if begin >= 0 and (span.stop is None or span.stop < 0):
            return begin, -(span.stop or 0)
        raise SnippetError(
            "the output is sliced at an index counted from the other end: "
            + asked(Ask.INPUT_SHAPE)
            + " with your input's shape, so that its size is known.",
            step.column,
        )
    size = reading.operator.out_size(reading.input[2:])[axis]
    start, stop, _ = span.indices(size)
    return start, size - max(start, stop)


def _padded(step: _Pad, reading: Reading) -> Pairs:
    """Pads as pairs, or flat from the last axis or the first, as the framework has them."""
    rank = reading.operator.rank
    if reading.operator.bias:
        raise SnippetError(
            "it pads after the bias, so that the new elements hold 0: no transposed convolution "
            "does that.",
            step.column,
        )
    if not step.zeros:
        raise SnippetError("it pads with other values than zeros.", step.column)
    pairs = _pairs(step)
    nested = isinstance(step.widths, tuple) and isinstance([*step.widths, None][0], tuple)
    if not nested and not convention(reading.framework).flat_pads_from_first:
        pairs.reverse()
    last = pairs.pop() if nested and reading.channels_last else (0, 0)
    pairs = [(0, 0)] * (rank - len(pairs)) + pairs
    others = [*pairs[: len(pairs) - rank], last]
    if any(side for pair in others for side in pair):
        raise SnippetError("the output is padded along batch or channels.", step.column)
    return tuple((-begin, -end) for begin, end in pairs[-rank:])


def _pairs(step: _Pad) -> list[tuple[int, int]]:
    flat: list[Value] = []
    for item in step.widths if isinstance(step.widths, tuple) else (None,):
        flat += item if isinstance(item, tuple) else [item]
    numbers = [item for item in flat if isinstance(item, int)]
    if len(numbers) != len(flat) or len(flat) % 2:
        raise SnippetError("the widths of a pad of the output are not in the text.", step.column)
    return list(zip(numbers[::2], numbers[1::2], strict=True))
