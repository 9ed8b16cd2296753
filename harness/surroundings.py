"""What the Python around a call adds to it: a slice, a pad, a late bias, groups, inserted zeros.

People crop and pad by hand what a framework cannot say, and so do our own programs: together with
the call this is one operator.  What is done to the output after something else is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from harness.conventions._forms import Context, Reading
from harness.operator import OperatorError, Sizes
from harness.syntax.tree import Call, Name, SnippetError, Statement, Value, calls

Pairs: TypeAlias = tuple[tuple[int, int], ...]

_ADDS_BIAS: Final = {"bias_add", "bias", "broadcast_add"}
_PASSES_ON: Final = {"expand_dims", "squeeze", "contiguous", "concat"}


@dataclass(frozen=True)
class _Span:
    """``start:stop`` of one axis."""

    start: int | None
    stop: int | None


@dataclass(frozen=True)
class _Slice:
    """A slice of the result; ``...`` stands for as many whole axes as are missing."""

    spans: tuple[_Span, ...]
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
    """An addition that cannot be but the bias."""


@dataclass(frozen=True)
class _End:
    """Something else is made of the output."""


_Step: TypeAlias = _Slice | _Pad | _Bias | _End


def before(statements: Sequence[Statement], call: Call) -> Context:
    """Find out into how many groups, and with which dilation, the text itself takes the weights."""
    return Context(_groups(statements, call), _inserted(statements))


def _groups(statements: Sequence[Statement], call: Call) -> int:
    """``concat([f(x, w) for x, w in zip(split(x, 2), split(w, 2))])`` has two groups."""
    joined = any(
        _last(outer) in {"concat", "concatenate", "cat"} and outer is not call
        for statement in statements
        for outer in calls(statement.value)
        if any(inner is call for inner in calls(outer))
    )
    if not joined:
        return 1
    counts = {
        argument.value
        for statement in statements
        for inner in calls(statement.value)
        if _last(inner) == "split"
        for argument in inner.arguments[1:2]
        if isinstance(argument.value, int)
    }
    return counts.pop() if len(counts) == 1 else 1


def _inserted(statements: Sequence[Statement]) -> Sizes | None:
    """``w_dilated[:, :, ::2, ::3] = w`` writes the zeros of a dilation (2, 3) into a kernel."""
    for statement in statements:
        if statement.target is None or "::" not in statement.target:
            continue
        node = ast.parse(statement.target, mode="eval").body
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            steps = [
                element.step.value if isinstance(element.step, ast.Constant) else 1
                for element in node.slice.elts
                if isinstance(element, ast.Slice)
            ]
            return tuple(step for step in steps[2:] if isinstance(step, int))
    return None


def after(
    statements: Sequence[Statement], call: Call, applied: Call | None, reading: Reading
) -> Reading:
    """Add to a reading what the text does with the output of its call.

    Parameters
    ----------
    statements : sequence of Statement
    call : Call
        The call that was read.
    applied : Call, optional
        The call of the layer that it makes.
    reading : Reading

    Returns
    -------
    Reading
        With a note where a slice or a pad cannot be followed.
    """
    results: set[str] = set()
    for statement in statements:
        try:
            steps = _steps(statement.value, (call, applied), results)
            if steps is None and statement.target in results:
                return reading
            for step in steps or ():
                if isinstance(step, _End):
                    return reading
                reading = _applied(step, reading)
        except SnippetError as error:
            note = f"What the text does with the output is not in the answer: {error.fact}"
            return replace(reading, notes=(*reading.notes, note))
        # A layer's name is not its output's.
        if steps is not None and statement.target and not (applied and statement.value is call):
            results = {statement.target}
    return reading


def _steps(
    value: Value, results_of: tuple[Call, Call | None], results: set[str]
) -> list[_Step] | None:
    """What an expression does to the result, innermost first; ``None`` if it is another's."""
    if isinstance(value, Call):
        if value in results_of:
            return []
        return _steps_of_call(value, results_of, results)
    if isinstance(value, tuple):
        inner = [_steps(item, results_of, results) for item in value]
        return next((steps for steps in inner if steps is not None), None)
    if not isinstance(value, Name):
        return None
    if value.text in results:
        return []
    return _steps_of_expression(value, results_of, results)


def _steps_of_call(
    call: Call, results_of: tuple[Call, Call | None], results: set[str]
) -> list[_Step] | None:
    last = _last(call)
    receiver = call.function.text.rpartition(".")[0] if isinstance(call.function, Name) else ""
    if receiver in results and last in _PASSES_ON:
        return []
    if not call.arguments:
        return None
    first, *others = call.arguments
    inner = _steps(first.value, results_of, results)
    if inner is None or last not in {"pad", *_ADDS_BIAS, *_PASSES_ON}:
        return _made_into_another(
            [argument.value for argument in call.arguments], results_of, results
        )
    if last in _ADDS_BIAS:
        return [*inner, _Bias()]
    if last == "pad":
        by_name = {argument.name: argument.value for argument in others if argument.name}
        named = [by_name[name] for name in ("pad_width", "paddings", "pad") if name in by_name]
        positional = [argument.value for argument in others if argument.name is None]
        widths = [*named, *positional][:1]
        zeros = not {by_name.get("mode"), *positional[1:2]} - {None, "constant", "CONSTANT"}
        return [*inner, *(_Pad(found, call.column, zeros) for found in widths)]
    return inner


def _steps_of_expression(
    value: Name, results_of: tuple[Call, Call | None], results: set[str]
) -> list[_Step] | None:
    """Slices and sums, which the tree keeps as text."""
    try:
        node = ast.parse(value.text, mode="eval").body
    except SyntaxError:
        return None
    if isinstance(node, ast.Subscript):
        inner = _steps_of_operand(node.value, value, results_of, results)
        return None if inner is None else [*inner, _slice(node.slice, value.column)]
    if isinstance(node, ast.ListComp) and value.calls:
        return _steps(value.calls[0], results_of, results)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_bias(node.right):
        inner = _steps_of_operand(node.left, value, results_of, results)
        return None if inner is None else [*inner, _Bias()]
    return _made_into_another(value.calls, results_of, results)


def _is_bias(node: ast.expr) -> bool:
    """Whether an operand is a vector laid along the channels: ``b.reshape((-1, 1, 1))``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    shape = [number for given in node.args for number in ast.walk(given)]
    ones = [number for number in shape if isinstance(number, ast.Constant) and number.value == 1]
    return node.func.attr in {"reshape", "view"} and bool(ones)


def _made_into_another(
    values: Sequence[Value], results_of: tuple[Call, Call | None], results: set[str]
) -> list[_Step] | None:
    """What is done to the result inside an expression that makes something else of it."""
    inner = [_steps(value, results_of, results) for value in values]
    found = next((steps for steps in inner if steps is not None), None)
    return None if found is None else [*found, _End()]


def _steps_of_operand(
    node: ast.expr, whole: Name, results_of: tuple[Call, Call | None], results: set[str]
) -> list[_Step] | None:
    if isinstance(node, ast.Call) and whole.calls:
        return _steps(whole.calls[0], results_of, results)
    inner = Name(ast.unparse(node), whole.column, whole.calls)
    return _steps(inner, results_of, results)


def _slice(node: ast.expr, column: int) -> _Slice:
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    spans: list[_Span] = []
    ellipsis_at = None
    for place, element in enumerate(elements):
        if isinstance(element, ast.Constant) and element.value is Ellipsis:
            ellipsis_at = place
        else:
            spans.append(_span(element, column))
    return _Slice(tuple(spans), ellipsis_at, column)


def _span(node: ast.expr, column: int) -> _Span:
    if not isinstance(node, ast.Slice) or node.step is not None:
        raise SnippetError(
            f"[{ast.unparse(node)}] of the output is no slice from one index to another.", column
        )
    ends = [None if end is None else _literal(end, column) for end in (node.lower, node.upper)]
    return _Span(*ends)


def _literal(node: ast.expr, column: int) -> int:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if not isinstance(value, int):
        raise SnippetError(
            f"the output is sliced at {ast.unparse(node)}, whose value the text does not hold: "
            "write the number in its place.",
            column,
        )
    return value


def _applied(step: _Slice | _Pad | _Bias, reading: Reading) -> Reading:
    operator = reading.operator
    if isinstance(step, _Bias):
        return replace(reading, operator=replace(operator, bias=True))
    pairs = _sliced(step, reading) if isinstance(step, _Slice) else _padded(step, reading)
    crop = tuple(
        (begin + more_begin, end + more_end)
        for (begin, end), (more_begin, more_end) in zip(operator.crop, pairs, strict=True)
    )
    changed = replace(operator, crop=crop)
    if reading.input is not None and (fact := changed.explain(reading.input[2:])):
        raise OperatorError(fact)
    return replace(reading, operator=changed)


def _sliced(step: _Slice, reading: Reading) -> Pairs:
    rank, first = reading.operator.rank, 1 if reading.channels_last else 2
    whole = _Span(None, None)
    spans = list(step.spans)
    at = len(spans) if step.ellipsis_at is None else step.ellipsis_at
    spans[at:at] = [whole] * (rank + 2 - len(spans))
    others = [*spans[:first], *spans[first + rank :]]
    if len(spans) != rank + 2 or any(span not in (whole, _Span(0, None)) for span in others):
        raise SnippetError(
            "the output is sliced along batch or channels, or has fewer axes than the slice.",
            step.column,
        )
    return tuple(_cut(axis, span, reading, step) for axis, span in enumerate(spans[first:][:rank]))


def _cut(axis: int, span: _Span, reading: Reading, step: _Slice) -> tuple[int, int]:
    begin, stop = span.start or 0, span.stop
    if begin >= 0 and (stop is None or stop < 0):
        return begin, -(stop or 0)
    if reading.input is None:
        raise SnippetError(
            "the output is sliced at an index counted from the other end: add --input with your "
            "input's shape, so that its size is known.",
            step.column,
        )
    size = reading.operator.out_size(reading.input[2:])[axis]
    start, stop, _ = slice(span.start, stop).indices(size)
    return start, size - max(start, stop)


def _padded(step: _Pad, reading: Reading) -> Pairs:
    """Pads as pairs, or flat from the last axis (PyTorch) or from the first (MXNet)."""
    rank = reading.operator.rank
    if reading.operator.bias:
        raise SnippetError(
            "it pads after the bias, so that the new elements hold 0: no transposed convolution "
            "does that.",
            step.column,
        )
    if not step.zeros:
        raise SnippetError("it pads with other values than zeros.", step.column)
    pairs = list(_pairs(step))
    if isinstance(step.widths, tuple) and step.widths and isinstance(step.widths[0], tuple):
        pairs = pairs[1:-1] if reading.channels_last else pairs[2:]
    elif reading.framework == "mxnet":
        pairs = pairs[-rank:]
    else:
        pairs = pairs[::-1][-rank:]
    pairs = [(0, 0)] * (rank - len(pairs)) + pairs
    if len(pairs) != rank:
        raise SnippetError(f"the output is padded along other than its {rank} axes.", step.column)
    return tuple((-begin, -end) for begin, end in pairs)


def _pairs(step: _Pad) -> Iterator[tuple[int, int]]:
    if not isinstance(step.widths, tuple):
        raise SnippetError("the widths of a pad of the output are not in the text.", step.column)
    flat: list[Value] = []
    for item in step.widths:
        flat += item if isinstance(item, tuple) else [item]
    numbers = [item for item in flat if isinstance(item, int)]
    if len(numbers) != len(flat) or len(flat) % 2:
        raise SnippetError("the widths of a pad of the output are not in the text.", step.column)
    yield from zip(numbers[::2], numbers[1::2], strict=True)


def _last(call: Call) -> str:
    return call.function.text.rpartition(".")[2] if isinstance(call.function, Name) else ""
