"""Calls whose sizes the text leaves as names: the answer has the names.

Numbers are put in the place of the names, several times, and everything is read and written with
them as if they were known.  What then is the same text every time, but for the names, is the
answer; where it differs, the numbers decide, and the answer asks for them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, TypeAlias

from harness.convention.binding import bound
from harness.convention.layers import Layer
from harness.convention.reading import OpenSizes, Reading, Supplied
from harness.convention.signature import Signature
from harness.core.errors import Mention, Sentence
from harness.core.named_number import Named, in_names
from harness.core.operators import Operator, axis_name
from harness.lookup.reading import FoundCall
from harness.syntax.expressions import open_names, with_values
from harness.syntax.tree import (
    BinaryOp,
    Call,
    Name,
    OpenError,
    Slice,
    SnippetError,
    Subscript,
    UnaryOp,
    UnknownValueError,
    Value,
    is_sequence,
)

Readable: TypeAlias = FoundCall | Layer

_MOST_TRIES: Final = 150  # Of numbers, many of which make no legal operator
_MOST_ASKING: Final = 20  # All of which ask for what no number gives, such as the input's shape
_MOST_KINDS: Final = 12  # Of operators, whose answers must all agree
# Every small number of groups divides a number of channels, and no size of a kernel is like it.
_CHANNELS: Final = tuple(5040 * n for n in (11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53))
# Numbers for what is named so; none is a default, which would be written by leaving it out.
_RANGES: Final = {
    "group": range(2, 7),
    "strid": range(2, 6),
    "dilat": range(2, 5),
    "output_pad": range(5),  # Below a stride of 2 there are 0 and 1 alone.
    "pad": range(1, 6),
    "crop": range(1, 6),
    "adj": range(1, 5),
}
_KERNEL: Final = range(2, 17)
_CROPS: Final = {"output_pad", "pad", "crop", "adj"}
_LARGEST_NEAR: Final = 40
_EXPONENTS: Final = range(3, 7)  # Of what channels are computed from; also n - 3 is one.
_OF_CHANNELS: Final = (_CHANNELS, _EXPONENTS)
_PLACE: Final = re.compile(r"[\w.]+(?:\([\w., ]*\))?(?:\[[\w:, -]*\])*")
_LIMITED: Final = re.compile(r"-?max\([^()]*, 0\)(?: // \d+)?")
_IS_LESS: Final = re.compile(r"max\(\d+ - ([\w.]+(?:\[\d\])?), 0\)(?: // \d+)?")
_OF_THE_TEXT: Final = {"ndim"}  # What decides how long the answer is


@dataclass(frozen=True)
class _Open:
    """What a text leaves open: numbers, each with what it may be, truths, and unnamed sizes."""

    numbers: Mapping[str, Sequence[int]]
    # Sequences, each with its elements, which are among the numbers.
    sequences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    truths: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()

    @property
    def is_of_channels(self) -> bool:
        """Whether only channels are open, which decide nothing."""
        return "kernel" not in self.unnamed and all(
            choice is _CHANNELS or choice is _EXPONENTS for choice in self.numbers.values()
        )

    @property
    def output_paddings(self) -> list[str]:
        """The names that stand for output paddings."""
        return [name for name, choice in self.numbers.items() if choice[0] == 0]


@dataclass(frozen=True)
class InNames:
    """A call that was read with several numbers in the place of each of its names."""

    readings: tuple[Reading, ...]  # The same but for the numbers
    names: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()  # Sizes among them that the text does not even name
    example: tuple[tuple[str, object], ...] = ()  # Of names that the answer may depend on, numbers
    truth: str = ""  # What says that there is a bias, a name or ``not`` one
    otherwise: tuple[Reading, ...] = ()  # Where that is false


def read_in_names(found: Readable, supplied: Supplied, error: SnippetError) -> InNames:
    """Read a call that an error says to be open.

    Raises
    ------
    SnippetError
        The error, or another one, where names do not help.
    """
    first = error
    left_open, numbers = _more(found, _Open({}), error, error), random.Random(1)  # noqa: S311
    trials: dict[object, list[tuple[Supplied, Reading]]] = {}
    rare: dict[object, list[tuple[Supplied, Reading]]] = {}  # Where some crop in names is 0
    refusals: dict[str, SnippetError] = {}
    is_legal = False  # With numbers that leave nothing to be written
    are_apart = False  # Numbers of two axes, in one trial at least
    for tried in range(_MOST_TRIES):
        trial = _with_numbers(found, supplied, left_open, numbers)
        try:
            reading = found.read(trial)
        except (OpenError, UnknownValueError) as more:
            shown = more if _is_beyond_names(found, more) else first
            left_open, trials, rare = _more(found, left_open, more, shown), {}, {}
            are_apart = False
            continue
        except SnippetError as refused:  # These numbers make no operator, or none do.
            refusals[refused.fact] = refused
            is_the_same = len(refusals) == 1 and not (trials or rare or is_legal)
            if is_the_same and tried >= _MOST_ASKING and _asks(refused):
                break
            continue
        zeros = [*_left_out_crops(reading.operator)]
        added = [trial.values[each] != 0 for each in left_open.output_paddings]
        is_left_out = _has_default_steps(reading.operator) or (added and not any(added))
        if is_left_out or not all(map(_is_limited, zeros)):
            is_legal = True
            continue
        is_rare = bool(zeros) or not all(added)
        alike = (rare if is_rare else trials).setdefault(_kind(reading.operator), [])
        alike.append((trial, reading))
        are_apart = are_apart or not (is_rare or _coincides(reading.operator))
        enough = left_open.is_of_channels and any(len(alike) > 1 for alike in trials.values())
        if len(trials) == _MOST_KINDS or enough:
            break
    if not are_apart:
        trials |= rare
        are_apart = not all(_coincides(each.operator) for _, each in chain(*trials.values()))
    if not trials:
        if len({*map(in_names, refusals)}) == 1 and not is_legal:
            (reason, *_) = refusals.values()
            fact = reason.fact
            reason.fact = fact.changed(in_names) if isinstance(fact, Sentence) else in_names(fact)
            raise reason
        raise first
    if sum(map(len, trials.values())) == 1 or not are_apart:
        raise first  # One alone does not show what is written for all numbers.
    return _in_names(found, left_open, _chosen(found, trials, first))


def _asks(error: SnippetError) -> bool:
    """Whether an error asks for something that the user may add."""
    parts = error.fact.parts if isinstance(error.fact, Sentence) else ()
    return any(isinstance(each, Mention) and each.verb for each in parts)


def _chosen(
    found: Readable, trials: Mapping[object, list[tuple[Supplied, Reading]]], first: SnippetError
) -> list[tuple[Supplied, Reading]]:
    """Choose two trials of each kind; the first of all is shown."""
    trials = _without_chances(trials)
    for alike in trials.values():
        alike.sort(key=lambda each: _coincides(each[1].operator))
    chosen = [each for alike in trials.values() for each in alike[:2]]
    zeros = _lone_zeros([reading.operator for _, reading in chosen])
    others, always = list[tuple[Supplied, Reading]](), set[str]()
    for trial, reading in _with_unit_strides(found, *chosen[0]) if zeros else ():
        added = _with_crops_of(chosen[0][1], reading)
        more = {
            side.expression
            for pair in added.operator.crop
            for side in pair
            if isinstance(side, Named) and side != 0
        }
        # Of max(3 - stride, 0) // 2 a stride of 1 shows more; where it does not, none does.
        others = [(trial, added)] if not more.isdisjoint(zeros) else []
        strides = {repr(each) for each in reading.operator.stride}
        always = {each for each in zeros if _less_of(each) in strides} - more
        zeros = [each for each in zeros if each not in more]
    if not all(map(_is_limited, zeros)):
        raise first
    if zeros:
        chosen = [(trial, _with_zeros(reading, zeros, always)) for trial, reading in chosen]
        others = [(trial, _with_zeros(reading, zeros, always)) for trial, reading in others]
    notes = tuple(_on_ends([reading.operator for _, reading in chosen]))
    chosen.sort(key=lambda each: _shows_less(each[1].operator))
    return [
        (trial, replace(each, notes=(*each.notes, *notes))) for trial, each in (*chosen, *others)
    ]


def _without_chances(
    trials: Mapping[object, list[tuple[Supplied, Reading]]],
) -> Mapping[object, list[tuple[Supplied, Reading]]]:
    """Leave out kinds where both ends of an axis are equal for these numbers alone.

    They would be written as one.  What is written where they differ removes nothing more where they
    are equal, too, if the signs of both ends are the same.
    """

    def signs(alike: list[tuple[Supplied, Reading]]) -> list[int]:
        return [_sign(int(side)) for pair in alike[0][1].operator.crop for side in pair]

    apart = {
        kind: alike
        for kind, alike in trials.items()
        if not any(
            int(begin) == int(end) and repr(begin) != repr(end)
            for begin, end in alike[0][1].operator.crop
        )
    }
    seen = [*map(signs, apart.values())]
    apart |= {kind: alike for kind, alike in trials.items() if signs(alike) not in seen}
    # Where two output paddings are 0 or 1, they differ only where one of them is 0.
    shows = any(not _coincides(each.operator) for _, each in chain(*apart.values()))
    return apart if shows else trials


def _less_of(expression: str) -> str:
    """What ``max(3 - stride, 0) // 2`` is the less of the more it is, as a named number."""
    match = _IS_LESS.fullmatch(expression)
    return repr(Named.of(match[1], 1)) if match else ""


def _with_crops_of(shown: Reading, other: Reading) -> Reading:
    """A reading with the crops of another, written as its own are.

    Its stride stays, as 1 would be left out; nor are both crops of an axis alike, which would be
    written as one.
    """
    sides = zip(shown.operator.crop, other.operator.crop, strict=True)
    crop = tuple(
        (_with_number(begin, b), _with_number(end, e + (b == e != 0)))
        for (begin, end), (b, e) in sides
    )
    return replace(shown, operator=replace(shown.operator, crop=crop))


def _with_number(named: int, number: int) -> int:
    if not isinstance(named, Named):
        return named
    return Named.linear(int(number), named.terms, named.constant)


def _with_unit_strides(
    found: Readable, trial: Supplied, reading: Reading
) -> list[tuple[Supplied, Reading]]:
    """The same trial where the names of strides are 1, if it makes an operator."""
    ones = {
        each.expression: Named.of(each.expression, 1)
        for each in reading.operator.stride
        if isinstance(each, Named) and each.expression in trial.values
    }
    values = {
        name: tuple(_one_of(each, ones) for each in value)
        if isinstance(value, tuple)
        else _one_of(value, ones)
        for name, value in trial.values.items()
    }
    trial = replace(trial, values=values)
    try:
        return [(trial, found.read(trial))]
    except SnippetError:
        return []


def _one_of(value: Value, ones: Mapping[str, Named]) -> Value:
    return ones.get(value.expression, value) if isinstance(value, Named) else value


def _on_ends(operators: Sequence[Operator]) -> Iterator[str]:
    """Note ends such as ``p - 1`` that no trial has extended: with others they may be."""
    every = zip(*(each.crop for each in operators), strict=True)
    ends = {
        pairs[0][1].expression
        for pairs in every
        if isinstance(pairs[0][1], Named) and all(begin > end >= 0 for begin, end in pairs)
    }
    yield from (f"{each} is taken for 0 or more." for each in sorted(ends) if "-" in each)


def _lone_zeros(operators: Sequence[Operator]) -> list[str]:
    """Crops in names that are 0 in all trials: these do not show what else they may be."""
    sides = zip(*([side for pair in each.crop for side in pair] for each in operators), strict=True)
    every = (side for side in sides if all(isinstance(one, Named) and one == 0 for one in side))
    return [*dict.fromkeys(first.expression for first, *_ in every if isinstance(first, Named))]


def _is_limited(expression: str) -> bool:
    """Whether it may well be 0 for all numbers that a text means, as ``max(s - 5, 0)``."""
    return _LIMITED.fullmatch(expression) is not None


def _is_limited_zero(side: int) -> bool:
    return isinstance(side, Named) and side == 0 and _is_limited(side.expression)


def _with_zeros(reading: Reading, zeros: Sequence[str], always: Collection[str]) -> Reading:
    """Take crops for 0, and say so of those that not all numbers make 0."""
    crop = tuple(
        (_zero_of(begin, zeros), _zero_of(end, zeros)) for begin, end in reading.operator.crop
    )
    taken = dict.fromkeys(each.removeprefix("-") for each in zeros if each not in always)
    notes = (f"{each} is taken for 0." for each in taken)
    operator = replace(reading.operator, crop=crop)
    return replace(reading, operator=operator, notes=(*reading.notes, *notes))


def _zero_of(side: int, zeros: Sequence[str]) -> int:
    if not isinstance(side, Named):
        return side
    are_0 = {each.removeprefix("-") for each in zeros}
    terms = {each: times for each, times in side.terms.items() if each not in are_0}
    return Named.linear(int(side), terms, side.constant) if terms else side.constant


def _shows_less(operator: Operator) -> tuple[bool, bool, bool]:
    """Whether names would be left out, or different ones written as one, and a crop as none."""
    sides = [side for pair in operator.crop for side in pair]
    is_none = any(isinstance(side, Named) and side == 0 for side in sides)
    return _has_default_steps(operator), _coincides(operator), is_none


def _is_beyond_names(found: Readable, error: SnippetError) -> bool:
    """Whether names do not help: with ``output_size``, or a sequence that has no name."""
    return isinstance(error, UnknownValueError) and (
        is_sequence(error.value) or not any(form.parameter(error.parameter) for form in found.forms)
    )


def _kind(operator: Operator) -> tuple[object, ...]:
    """What may decide how an operator is written: signs, and which number is the larger."""
    every = zip(operator.crop, operator.kernel, operator.dilation, operator.stride, strict=True)
    of_axes = []
    for crop, size, dilation, step in every:
        # As plain numbers, whose names would be worked out, too.
        begin, end, stride = int(crop[0]), int(crop[1]), int(step)
        kernel = int(dilation) * (int(size) - 1) + 1
        signs = (begin, end, begin - end, begin + end - kernel + stride, kernel - stride)
        sides = (begin >= kernel, end >= kernel)
        of_axes.append((*map(_sign, signs), (kernel - stride) % 2, *sides))
    return (*of_axes, operator.groups == operator.in_channels)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _in_names(found: Readable, left_open: _Open, trials: list[tuple[Supplied, Reading]]) -> InNames:
    more = _notes_on_numbers(found, left_open, trials[0][1])

    def noted(reading: Reading) -> Reading:
        return replace(reading, notes=(*reading.notes, *more)) if more else reading

    readings = tuple(noted(reading) for _, reading in trials)
    names = (*left_open.numbers, *left_open.unnamed)
    first, _ = trials[0]
    example = tuple(_example(left_open, first.values))
    if not left_open.truths:
        return InNames(readings, names, left_open.unnamed, example)
    (truth,) = left_open.truths
    false = [replace(each, values={**each.values, truth: False}) for each, _ in trials]
    otherwise = tuple(noted(found.read(each)) for each in false)
    if not readings[0].operator.bias:  # ``nobias=flag``
        readings, otherwise, truth = otherwise, readings, _opposite(truth)
    return InNames(readings, names, left_open.unnamed, example, truth, otherwise)


def _notes_on_numbers(found: Readable, left_open: _Open, reading: Reading) -> list[str]:
    """Note which names are taken for numbers that may be tuples."""
    if reading.operator.rank == 1 or not isinstance(found, FoundCall):
        return []
    known = found.known[found.site.last_name]
    forms = [
        each.form
        for each in known
        if each.form.name == reading.form and each.convention.language == "python"
    ]
    if not forms:
        return []
    from harness.lookup.taken_for_numbers import note_on_numbers  # noqa: PLC0415 -- it takes time

    return note_on_numbers(found, forms[0], left_open.numbers)


def _example(left_open: _Open, values: Mapping[str, Value]) -> Iterator[tuple[str, object]]:
    """Yield what may decide how an answer is written, with a value that does."""
    elements = {each for inner in left_open.sequences.values() for each in inner}
    for name, choice in left_open.numbers.items():
        number = values[name]
        if isinstance(number, int) and name not in elements and choice not in _OF_CHANNELS:
            yield name, int(number)
    for name, inner in left_open.sequences.items():
        sizes = [int(number) for each in inner if isinstance(number := values[each], int)]
        yield name, str(sizes).replace(" ", "")  # As one word of a command


def _opposite(truth: str) -> str:
    """Write what is true where a name, or another expression, is false.

    >>> _opposite("nobias"), _opposite("not bias"), _opposite("not a or b")
    ('not nobias', 'bias', 'not (not a or b)')
    """
    if negated := re.fullmatch(r"not ([\w.]+)", truth):
        return negated[1]
    return f"not {truth}" if re.fullmatch(r"[\w.]+", truth) else f"not ({truth})"


def _has_default_steps(operator: Operator) -> bool:
    """Whether a named number is what leaving it out means, too: then it would be left out."""
    steps = [*operator.kernel, *operator.stride, *operator.dilation, operator.groups]
    return any(isinstance(step, Named) and step == 1 for step in steps)


def _left_out_crops(operator: Operator) -> Iterator[str]:
    """Yield crops in names that would be left out, too."""
    for begin, end in operator.crop:
        if begin == end == 0 and isinstance(both := begin + end, Named):
            yield both.expression


def _coincides(operator: Operator) -> bool:
    """Whether different numbers of two axes are equal: they would be written as one."""
    if operator.rank == 1:
        return False
    # What is limited to 0 is not written, or more numbers show it.
    starts = [start for start, _ in operator.crop if not _is_limited_zero(start)]
    ends = [end for _, end in operator.crop]
    columns = (operator.kernel, operator.stride, operator.dilation, starts, ends)
    if any(len({*map(int, each)}) < len({*map(repr, each)}) for each in columns):
        return True
    if len({int(start) - int(end) for start, end in operator.crop}) == operator.rank:
        return False
    back = [start - end for start, end in operator.crop]
    return len({*map(int, back)}) < len({*map(repr, back)})


def _more(found: Readable, left_open: _Open, error: SnippetError, first: SnippetError) -> _Open:
    """Add what an error names to what is open; raise the first one where that is no size."""
    form, arguments = _arguments(found, error)
    if isinstance(error, UnknownValueError) and error.kind == "truth":
        truths = tuple(open_names(error.value))
        if left_open.truths or len(truths) != 1:
            raise first
        return replace(left_open, truths=truths)
    added = left_open
    if isinstance(error, UnknownValueError):
        if error.kind == "word" or error.parameter in _OF_THE_TEXT:
            raise error
        if isinstance(error.value, Call) and not _is_computed(error.value):
            raise first
        axes = error.axes or (form.rank or 0 if is_sequence(error.value) else 0)
        choice = _choice(error.parameter, arguments)
        added = _with_names(left_open, error.value, choice, axes, first)
    elif isinstance(error, OpenError):
        for role in error.roles:
            added = _with_role(added, form, {**error.sizes, **arguments}, role, first)
    if added == left_open:
        raise first
    return added


def _with_role(
    left_open: _Open,
    form: Signature,
    arguments: Mapping[str, Value],
    role: str,
    first: SnippetError,
) -> _Open:
    """Add the names that stand for channels or a kernel, or that there are none."""
    parameter = next((each for each in form.parameters if each.role == role), None)
    value = arguments.get(role if parameter is None else parameter.name)
    # A number there is another size, as the first one of Chainer's L.Deconvolution2D(64, 4) is.
    if value is not None and type(value) is not int:
        choice = _KERNEL if role == "kernel" else _CHANNELS
        axes = form.rank or 0 if is_sequence(value) else 0
        added = _with_names(left_open, value, choice, axes, first)
        if not [*open_names(value)]:
            raise first  # A call, of which the text does not say what it gives
        exponents = dict.fromkeys(_exponents(value) & {*added.numbers}, _EXPONENTS)
        return replace(added, numbers={**added.numbers, **exponents})
    if role in left_open.unnamed or (role == "kernel" and not form.rank):
        return left_open
    return replace(left_open, unnamed=(*left_open.unnamed, role))


def _with_names(
    left_open: _Open,
    value: Value,
    choice: Sequence[int],
    axes: int,
    first: SnippetError,
) -> _Open:
    """Add the names in a value; or the elements of one that is a sequence, of a length."""
    names = [*open_names(value)]
    sequences = left_open.sequences
    if isinstance(value, Name) and (axes or is_sequence(value)):
        elements = _elements(value, axes)
        if elements is None:
            raise first
        names, sequences = [*elements], {**sequences, value.text: elements}
    elif axes:
        raise first
    numbers = {name: left_open.numbers.get(name, choice) for name in names}
    return replace(left_open, numbers={**left_open.numbers, **numbers}, sequences=sequences)


def _elements(value: Value, axes: int) -> tuple[str, ...] | None:
    """Write the elements of a sequence of a length; ``None`` where they are not known by a name.

    >>> from harness.syntax.python import read
    >>> [_elements(read(text).statements[0].value, 2) for text in ("k", "w.shape[-2:]", "f(k)")]
    [('k[0]', 'k[1]'), ('w.shape[-2]', 'w.shape[-1]'), None]
    """
    if not axes or not isinstance(value, Name) or not _PLACE.fullmatch(value.text):
        return None
    owner, begin = value.text, 0
    if isinstance(value, Subscript) and isinstance(value.index, Slice):
        ends = value.index
        if not isinstance(value.owner, Name) or ends.step is not None:
            return None
        owner, begin = value.owner.text, 0 if ends.lower is None else ends.lower  # type: ignore[assignment]
        end = begin + axes if ends.upper is None and isinstance(begin, int) else ends.upper
        if not isinstance(begin, int) or (begin < 0 and ends.upper is None and begin != -axes):
            return None
        if not isinstance(end, int) or ((begin < 0) == (end < 0) and end - begin != axes):
            return None
    return tuple(f"{owner}[{begin + axis}]" for axis in range(axes))


def _is_computed(call: Call) -> bool:
    """Whether numbers in the place of its names give a call a value."""
    return not isinstance(with_values(call, dict.fromkeys(open_names(call), 6)), Name | Call)


def _exponents(value: Value) -> set[str]:
    """Names that others are raised to the power of, or shifted by."""
    match value:
        case UnaryOp(operand=operand):
            return _exponents(operand)
        case BinaryOp(left=left, operation=operation, right=right):
            raises = operation in {"**", "<<", ">>"}
            own = {*open_names(right)} if raises else _exponents(right)
            return own | _exponents(left)
        case Call(arguments=arguments):
            return {name for each in arguments for name in _exponents(each.value)}
    return set()


def _choice(parameter: str, given: Mapping[str, Value]) -> tuple[int, ...]:
    """Return numbers for what a parameter is called, and those next to the call's own that decide.

    Whether ``output_padding=q`` is more than ``padding=9`` decides what is written, and it may be
    more only where the stride is, too.

    >>> _choice("output_padding", {"stride": 2, "padding": (9, 9)})
    (0, 1, 2, 3, 4, 8, 9, 10)
    >>> _choice("stride", {"padding": (9, 9)})
    (2, 3, 4, 5, 11, 12)
    """
    word = _word(parameter)
    usual = _RANGES.get(word, _KERNEL)
    if word not in _CROPS and word != "strid":
        return tuple(usual)
    sizes = {
        size
        for name, value in given.items()
        for size in (value if isinstance(value, tuple) else (value,))
        if type(size) is int and (word in _CROPS or _word(name) in _CROPS)
    }
    beyond = (-1, 0, 1) if word in _CROPS else (2, 3)
    near = {size + more for size in sizes for more in beyond if size <= _LARGEST_NEAR}
    return (*usual, *sorted(each for each in near if each >= usual.stop))


def _word(parameter: str) -> str:
    """Return what stands in a parameter's name and says what it is for."""
    return next((word for word in _RANGES if word in parameter.lower()), "")


def _arguments(found: Readable, error: SnippetError) -> tuple[Signature, dict[str, Value]]:
    """The form that a call is bound to, and its arguments by their parameters."""
    call = found.site.call
    for form in found.forms:
        try:
            given = bound(form, call)
        except SnippetError:
            continue
        return form, {name: argument.value for name, argument in given.items()}
    raise error


def _with_numbers(
    found: Readable, supplied: Supplied, left_open: _Open, numbers: random.Random
) -> Supplied:
    """Choose a number for everything that is open, channels all different."""
    channels = numbers.sample(_CHANNELS, len(_CHANNELS))
    values: dict[str, Value] = dict.fromkeys(left_open.truths, True)
    for name, choice in left_open.numbers.items():
        number = channels.pop() if choice is _CHANNELS and channels else numbers.choice(choice)
        values[name] = Named.of(name, number)
    for name, elements in left_open.sequences.items():
        # All different, else they would be written as one.
        chosen = numbers.sample(left_open.numbers[elements[0]], len(elements))
        values |= {
            each: Named.of(each, number) for each, number in zip(elements, chosen, strict=True)
        }
        values[name] = tuple(values[each] for each in elements)
    sizes = {role: Named.of(role, channels.pop()) for role in left_open.unnamed if role != "kernel"}
    kernel = None
    if "kernel" in left_open.unnamed:
        form, _ = _arguments(found, SnippetError(""))
        rank = form.rank or 0
        axes = [f"kernel_{axis_name(axis, rank)}" for axis in range(rank)]
        kernel = tuple(Named.of(name, numbers.choice(_KERNEL)) for name in axes)
    return replace(
        supplied,
        values={**values, **supplied.values},
        open_sizes=OpenSizes(sizes.get("in_channels"), sizes.get("out_channels"), kernel),
    )
