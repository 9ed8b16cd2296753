"""Look-ups of all calls of a text, each where it stands, in names where the text has no numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.convention.reading import NOTHING, Reading, Supplied
from harness.convention.registry import Convention
from harness.convention.signature import Style
from harness.core.errors import Ask, Sentence, Words, asked
from harness.core.errors import worded as fact_worded
from harness.core.program import Unsupported
from harness.lookup import BENCHDNN, is_benchdnn
from harness.lookup.answer import (
    LookUp,
    Translation,
    answered,
    is_descriptor,
    look_up,
    targets_of,
    translation,
)
from harness.lookup.reading import FoundCall, find_every, find_one
from harness.syntax.find_call import NoCallError
from harness.syntax.tree import Name, OpenError, SnippetError, UnknownValueError

if TYPE_CHECKING:
    from harness.lookup.open_names import InNames, Readable

_MOST_WORDS: Final = 4


def look_up_every(
    text: str,
    framework: str | None = None,
    to: Sequence[str] = (),
    *,
    supplied: Supplied = NOTHING,
    style: Style = "function",
    most: int | None = None,
    only_code: bool = False,
) -> list[LookUp | SnippetError]:
    r"""Answer every call of a text; an error stands for one that cannot be read.

    Parameters
    ----------
    text : str
        Code, an operator's descriptor, or a problem of oneDNN's benchdnn.
    framework, to, style
        As for :func:`harness.lookup.answer.look_up`.
    supplied : Supplied
        Shapes and values for what the text leaves open.
    most : int, optional
        How many calls are answered; an error stands for all others.
    only_code : bool
        Whether a call in a comment or a text is none.

    Raises
    ------
    SnippetError
        Where the text has no call, with its place.

    Examples
    --------
    >>> text = "up = nn.ConvTranspose2d(c, c // 2, 2, stride=2)"
    >>> (found,) = look_up_every(text, to=["wolfram"])
    >>> found.names, found.to_json()["translations"]["wolfram"]["call"][:47]
    (('c',), 'layer = DeconvolutionLayer[Quotient[c, 2], {2, ')
    """
    if (known := _without_code(text, framework, to, supplied, style)) is not None:
        return [known]
    every: list[LookUp | SnippetError] = []
    lines: dict[SnippetError, int] = {}  # Of the text's own calls through which they are come to
    whole = find_every(text, framework, supplied.values, only_code=only_code)
    for found in whole[:most]:
        if isinstance(found, SnippetError):
            every.append(found)
            continue
        try:
            every.append(look_up_found(found, supplied, to, style))
        except UnknownValueError as error:
            every += _for_each_word(found, error, supplied, to, style) or [error]
        except SnippetError as error:
            every.append(error)
            if found.site.followed:
                lines[error] = found.site.line
    return [*_once(every, lines), *_left_out(whole, len(whole[:most]))]


def _for_each_word(
    found: FoundCall,
    error: UnknownValueError,
    supplied: Supplied,
    to: Sequence[str],
    style: Style,
) -> list[LookUp | SnippetError]:
    """Answer a call for each of the words that the text gives a name, as its branches decide.

    Where it gives none, for each that there is.
    """
    name = error.value.text if isinstance(error.value, Name) else ""
    given = dict.fromkeys(found.site.code.given.get(name, ()))
    words = [each for each in given or error.words if isinstance(each, str)]
    if error.kind != "word" or not name or not 1 < len(words) == len(given or words) <= _MOST_WORDS:
        return []
    every: list[LookUp | SnippetError] = []
    for word in words:
        note = f"{error.parameter} is {word!r} here: the text may give {name} another word."
        if not given:
            note = f"{error.parameter} is {word!r} here, which the text leaves open: "
            note += asked(Ask.VALUE, f"{name}={word}") + " for this answer alone."
        values = {**supplied.values, name: word}
        try:
            look = look_up_found(found, replace(supplied, values=values), to, style)
        except SnippetError:
            return []
        reading = replace(look.reading, notes=(note, *look.reading.notes))
        every.append(replace(look, reading=reading))
    return every


def look_up_texts(
    texts: Sequence[str],
    framework: str | None = None,
    to: Sequence[str] = (),
    *,
    supplied: Supplied = NOTHING,
    style: Style = "function",
    most: int | None = None,
    only_code: bool = False,
) -> list[LookUp | SnippetError]:
    r"""Answer every call of texts that hold the lines of one file, of each language or tab.

    What several of them hold is answered once, unless they answer otherwise.

    Raises
    ------
    SnippetError
        Where none has a call, that of the first.

    Examples
    --------
    >>> texts = ["\nup = nn.ConvTranspose1d(8, 4, 2)", "u = transposedConv1dLayer(2, 4);\n"]
    >>> [look.reading.framework for look in look_up_texts(texts)]
    ['matlab', 'pytorch']
    """
    every: list[LookUp | SnippetError] = []
    errors: list[SnippetError] = []
    for text in texts:
        try:
            every += look_up_every(
                text,
                framework,
                to,
                supplied=supplied,
                style=style,
                most=most,
                only_code=only_code,
            )
        except SnippetError as error:
            errors.append(error)
    if not every:
        raise errors[0]
    # An error that there is no call says nothing of a text next to one that has some.
    every += [error for error in errors if not isinstance(error, NoCallError)]
    if len(texts) == 1:
        return every
    different = {
        repr(one) if isinstance(one, LookUp) else (one.place, str(one)): one for one in every
    }
    return sorted(different.values(), key=line_of)


def line_of(one: LookUp | SnippetError) -> int:
    """Return the line of a call in the text; 0 where it has none."""
    if isinstance(one, LookUp):
        return one.reading.line
    return one.place.line if one.place else 0


def _once(
    every: Iterable[LookUp | SnippetError], lines: Mapping[SnippetError, int]
) -> list[LookUp | SnippetError]:
    """Say once what is refused with the same words at the same place, and where that is called."""
    told: dict[object, LookUp | SnippetError] = {}
    called: dict[object, dict[int, None]] = {}
    for one in every:
        key: object = (one.place, str(one)) if isinstance(one, SnippetError) else id(one)
        told.setdefault(key, one)
        if isinstance(one, SnippetError) and one in lines:
            called.setdefault(key, {})[lines[one]] = None
    for key, numbers in called.items():
        error = told[key]
        assert isinstance(error, SnippetError)
        error.fact = error.fact + _called_in([*numbers])
    return [*told.values()]


def _called_in(lines: Sequence[int]) -> str:
    """Say from where what is refused is called.

    >>> _called_in([3]), _called_in([3, 7, 9])
    (' It is called in line 3.', ' It is called in lines 3, 7 and 9.')
    """
    *most, last = map(str, lines)
    shown = f"lines {', '.join(most)} and {last}" if most else f"line {last}"
    return f" It is called in {shown}."


def _left_out(whole: Sequence[FoundCall | SnippetError], answered: int) -> Iterator[SnippetError]:
    """Say once, where they begin, that the other calls are not answered."""
    if answered == len(whole):
        return
    first = whole[answered]
    fact = (
        f"the first {answered} calls are answered, and {len(whole) - answered} are not: give the "
        "text from here on alone."
    )
    if isinstance(first, SnippetError):
        error = SnippetError(fact)
        error.place = first.place
        yield error
    else:
        yield SnippetError(fact, first.site.call.column).placed_in(first.text)


def worded(one: LookUp | SnippetError, words: Words) -> LookUp | SnippetError:
    """Return an answer with every sentence in the words of a face."""
    if isinstance(one, LookUp):
        return one.worded(words)
    one.fact = fact_worded(one.fact, words)
    return one


def look_up_one(
    text: str,
    framework: str | None = None,
    to: Sequence[str] = (),
    *,
    supplied: Supplied = NOTHING,
    style: Style = "function",
) -> LookUp:
    """Answer the one call of a text.

    Raises
    ------
    SnippetError
        Where there is none, or several, or where it cannot be read.
    """
    known = _without_code(text, framework, to, supplied, style)
    return known or look_up_found(find_one(text, framework, supplied.values), supplied, to, style)


def _without_code(
    text: str, framework: str | None, to: Sequence[str], supplied: Supplied, style: Style
) -> LookUp | None:
    """Answer a descriptor or a problem of benchdnn; ``None`` for code, of which nothing is read.

    An unknown name of a target is refused first.
    """
    targets_of("", to)
    if framework == BENCHDNN or (framework is None and (is_benchdnn(text) or is_descriptor(text))):
        shapes = {"input": supplied.input, "weight": supplied.weight}
        return look_up(text, framework, to, style=style, **shapes)
    return None


def look_up_found(found: Readable, supplied: Supplied, to: Sequence[str], style: Style) -> LookUp:
    """Answer a call of a text or a layer of a model, in names where it has no numbers.

    Raises
    ------
    SnippetError
        Where it cannot be read.
    """
    supplied = replace(supplied, assumes_bias=False)
    try:
        reading = found.read(supplied)
    except (OpenError, UnknownValueError) as error:
        from harness.lookup.open_names import read_in_names  # noqa: PLC0415 -- it takes time

        return _in_names(found, read_in_names(found, supplied, error), to, style)
    return answered(reading, to, style)


def _in_names(found: Readable, read: InNames, to: Sequence[str], style: Style) -> LookUp:
    first = read.readings[0]
    targets = targets_of(first.framework, to)
    if len({_shown(reading) for reading in read.readings}) > 1:
        raise SnippetError(_question(read), found.site.call.column).placed_in(found.text)
    notes = [_not_in_the_text(read.unnamed, first.operator.rank)] if read.unnamed else []
    return LookUp(
        replace(first, notes=(*notes, *first.notes)),
        tuple(_agreed(read, read.readings, target, style) for target in targets),
        names=read.names,
        unnamed=read.unnamed,
        truth=read.truth,
        without_bias=tuple(
            _agreed(read, read.otherwise, target, style) for target in targets if read.otherwise
        ),
    )


def _not_in_the_text(sizes: Sequence[str], rank: int) -> str:
    """Say what gives numbers for sizes that a text does not even name."""
    verb = "is" if len(sizes) == 1 else "are"
    shape = _asked_shape(sizes, rank)
    return f"{' and '.join(sizes)} {verb} not in the text: " + shape + " to have numbers."


def _asked_shape(sizes: Sequence[str], rank: int) -> Sentence:
    if [*sizes] == ["in_channels"]:
        return asked(Ask.INPUT_SHAPE, (1, 64, *(16,) * rank))
    return asked(Ask.WEIGHT_SHAPE, (64, 32, *(4,) * rank))


def _shown(reading: Reading) -> str:
    return str((reading.operator, reading.form, reading.notes))  # With the names in it


def _agreed(
    read: InNames, readings: Sequence[Reading], target: Convention, style: Style
) -> Translation:
    """The answer that does not depend on the numbers, or the question for them."""
    first, *others = (translation(reading, target, style) for reading in readings)
    shown = first.to_json()
    if all(other.to_json() == shown for other in others):
        return first
    return replace(first, answer=Unsupported(_question(read), target.name), notes=())


def _question(read: InNames) -> str:
    """Ask for the numbers of names, or for the shape that has sizes without one."""
    names = [name for name in read.names if name not in read.unnamed]
    example = read.example or tuple((name, 64) for name in names)
    unnamed = () if read.example or (names and [*read.unnamed] == ["in_channels"]) else read.unnamed
    sizes = ", ".join([*(name for name, _ in example), *unnamed])
    request: str = f"what is to be written depends on {sizes}:"
    for place, (name, number) in enumerate(example):
        request += " " + asked(Ask.VALUE, f"{name}={number}", "" if place else "add")
    if unnamed:
        request += " " + _asked_shape(unnamed, read.readings[0].operator.rank)
    return request + "."
