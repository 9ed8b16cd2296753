"""From a snippet of somebody's code to the operator it means: find the call, bind it, read it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Final

from harness.conventions import Convention, convention, framework_names
from harness.conventions._arguments import bind
from harness.conventions._forms import Context, Form, Reading, Supplied
from harness.conventions._values import comma
from harness.errors import InputError
from harness.operator import OperatorError, Sizes
from harness.preparation import before
from harness.surroundings import after
from harness.syntax.tree import (
    MAX_DIGITS,
    Call,
    Name,
    SnippetError,
    Statement,
    Value,
    calls,
    check_text,
)

# Begun at a word's first letter only, and never gone back into: any text takes linear time.
_CALLED: Final = re.compile(
    r"(?:(?<![\w.])|(?<=[^\w.]\.))([A-Za-z_][\w.]*+)\s*+[(\[]",
)

_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>[\w \t,()]+)"
    r"|import[ \t]+(?P<plain>[\w.]+)[ \t]+as[ \t]+(?P<alias>\w+))",
    re.MULTILINE,
)

# Other frameworks whose names look like those that we know, with other arguments behind them.
_FOREIGN: Final = {
    **dict.fromkeys(("paddle", "fluid"), "PaddlePaddle"),
    **dict.fromkeys(("jax", "lax", "flax", "hk", "haiku", "eqx", "equinox", "nnx"), "JAX"),
    **dict.fromkeys(("mindspore", "ms", "ops"), "MindSpore"),
    **dict.fromkeys(("tflearn", "tl", "tlx", "lasagne", "jt", "jittor"), "another library"),
    "F.conv2d_transpose": "PaddlePaddle",
    "F.conv1d_transpose": "PaddlePaddle",
    "F.conv3d_transpose": "PaddlePaddle",
}


@dataclass(frozen=True)
class _Known:
    """A form and the convention that it belongs to."""

    convention: Convention
    form: Form


@dataclass(frozen=True)
class _Found:
    """A call in a snippet, and what the snippet says around it."""

    call: Call
    name: str
    applied: Call | None


def read(
    text: str,
    framework: str | None = None,
    input: Sequence[int] | None = None,  # noqa: A002 -- the contract's word
    weight: Sequence[int] | None = None,
) -> Reading:
    """Read a call of any framework.

    Parameters
    ----------
    text : str
        The call as it stands in code: with an assignment before it, a comma or a comment behind.
    framework : str, optional
        Whose call it is; recognised where it is ``None``.
    input : sequence of int, optional
        Canonical shape of the input, ``(n, c_in, *size)``, for what the text leaves open.
    weight : sequence of int, optional
        Canonical shape of the weights, ``(c_in, c_out // groups, *kernel)``, likewise.

    Returns
    -------
    Reading
        The operator, with the input's shape where it is known, what the call says about training,
        and notes.

    Raises
    ------
    SnippetError
        Where the text cannot be read, with line, column and what was expected.

    Examples
    --------
    >>> read("up = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, bias=False)").operator
    Operator(in_channels=64, out_channels=32, kernel=(4, 4), stride=(2, 2), dilation=(1, 1), \
crop=((1, 1), (1, 1)), groups=1, bias=False)
    """
    supplied = Supplied(_shape("--input", input), _shape("--weight", weight))
    conventions = [convention(framework)] if framework else _conventions()
    # A lone carriage return ends a line for some parsers and not for others.
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    try:
        check_text(text)
        return _read(text, conventions, supplied)
    except SnippetError as error:
        raise SnippetError(error.shown_in(text)) from None
    except RecursionError:
        raise SnippetError("the text is nested too deeply. Paste the call alone.") from None


def _shape(option: str, shape: Sequence[int] | None) -> Sizes | None:
    if shape is None:
        return None
    least = 0 if option == "--input" else 1
    if not 3 <= len(shape) <= 5 or min(shape) < least or max(shape) >= 10**MAX_DIGITS:
        raise InputError(
            f"{option} {comma(shape)} is no shape of three to five axes, such as "
            f"{option} {'1,64,16,16' if least == 0 else '64,32,4,4'}."
        )
    return tuple(shape)


def _conventions() -> list[Convention]:
    return [convention(name) for name in framework_names()]


@cache
def _known(framework: str) -> dict[str, list[_Known]]:
    """The forms of a framework by the last part of their names."""
    found: dict[str, list[_Known]] = {}
    spoken = convention(framework)
    for form in spoken.forms:
        for last in dict.fromkeys(name.split(".")[-1] for name in form.names):
            found.setdefault(last, []).append(_Known(spoken, form))
    return found


def _known_in(conventions: Iterable[Convention]) -> dict[str, list[_Known]]:
    """The forms of several frameworks by the last part of their names."""
    known: dict[str, list[_Known]] = {}
    for spoken in conventions:
        for last, forms in _known(spoken.name).items():
            known.setdefault(last, []).extend(forms)
    return known


def _read(text: str, conventions: Sequence[Convention], supplied: Supplied) -> Reading:
    called = {_last(match[1]) for match in _CALLED.finditer(text)}
    # The others need not even be loaded, which takes longer than everything else.
    known = _known_in(
        spoken
        for spoken in conventions
        if spoken.calls and any(re.fullmatch(spoken.calls, name) for name in called)
    )
    mentioned = [match for match in _CALLED.finditer(text) if _last(match[1]) in known]
    if not mentioned:
        raise _nothing_known(text, conventions, list(_known_in(conventions)))
    language = known[_last(mentioned[0][1])][0].convention.language
    statements, cut_off = _statements(text, language, {_last(match[1]) for match in mentioned})
    found = _the_call(statements, known, text)
    _check_imports(text, found)
    candidates, note = _candidates(found, known[_last(found.name)])
    note = (*cut_off, *note)
    readings: list[tuple[_Known, Reading]] = []
    errors: list[tuple[_Known, SnippetError]] = []
    for candidate in candidates:
        try:
            readings.append((candidate, _as(candidate, found, statements, supplied)))
        except SnippetError as error:
            errors.append((candidate, error))
    if not readings:
        raise min(errors, key=lambda each: _strangeness(found, each[0].form))[1]
    reading = _meant(found, readings)
    if found.call.assumed:
        values = ", ".join(found.call.assumed)
        note = (*note, f"{values}: taken from the function's defaults; its caller may give others.")
    return replace(reading, notes=(*note, *reading.notes))


def _as(
    candidate: _Known, found: _Found, statements: Sequence[Statement], supplied: Supplied
) -> Reading:
    """Read a call as a form's, with what the text around it adds."""
    is_python = candidate.convention.language == "python"
    arguments = bind(
        candidate.form,
        found.call,
        supplied,
        found.applied.arguments if found.applied else (),
        _assigned(statements, found.call),
        before(statements, found.call) if is_python else Context(),
    )
    arguments = replace(arguments, statements=tuple(statements))
    try:
        reading = candidate.form.read(arguments)
        reading = replace(reading, framework=candidate.convention.name)
        return after(statements, found.call, found.applied, reading) if is_python else reading
    except OperatorError as error:
        raise SnippetError(str(error), found.call.column) from None


def _meant(found: _Found, readings: Sequence[tuple[_Known, Reading]]) -> Reading:
    """Choose among forms that can all be read: of one framework, the first.

    A name that people import without its module, such as Keras's ``Conv2DTranspose``, is taken so
    where the other framework's reading is the same operator.
    """
    frameworks = list(dict.fromkeys(reading.framework for _, reading in readings))
    if len(frameworks) == 1:
        return _first(found, [reading for _, reading in readings])
    exact = [reading for known, reading in readings if found.name in known.form.names]
    if len(exact) == 1 and all(reading.operator == exact[0].operator for _, reading in readings):
        others = [name for name in frameworks if name != exact[0].framework]
        note = (
            f"{found.name} is a name in {' and '.join(others)} too, where the same text means the "
            f"same operator: add --from {others[0]} if it is that."
        )
        return replace(exact[0], notes=(note, *exact[0].notes))
    options = " or ".join(f"--from {framework}" for framework in frameworks)
    raise SnippetError(
        f"{found.name} is a name in {len(frameworks)} frameworks: add {options}.",
        found.call.column,
    )


def _strangeness(found: _Found, form: Form) -> tuple[int, bool]:
    """How far a call is from a form: by its arguments' names, then by its own."""
    names = [argument.name for argument in found.call.arguments if argument.name]
    return sum(form.parameter(name) is None for name in names), found.name not in form.names


def _first(found: _Found, readings: Sequence[Reading]) -> Reading:
    """The first reading of one framework's, with a note where another would be another operator."""
    first = readings[0]
    for other in readings[1:]:
        if other.operator != first.operator:
            note = (
                f"{found.name} is taken for {first.form}; {other.form} would mean "
                f"{other.operator.descriptor}: write the module to choose."
            )
            return replace(first, notes=(note, *first.notes))
    return first


def _assigned(statements: Sequence[Statement], call: Call) -> dict[str, Value]:
    """What names stand for where a call is made."""
    assigned: dict[str, Value] = {}
    for statement in statements:
        if any(inner is call for inner in calls(statement.value)):
            break
        if statement.target is not None:
            # In the order of what is given last.
            assigned.pop(statement.target, None)
            assigned[statement.target] = statement.value
    return assigned


def _last(dotted: str) -> str:
    return dotted.rsplit(".", 1)[-1]


def _nothing_known(
    text: str, conventions: Sequence[Convention], known: Sequence[str]
) -> SnippetError:
    called = [(match, _last(match[1])) for match in _CALLED.finditer(text)]
    whose = conventions[0].title if len(conventions) == 1 else "a framework"
    if len(conventions) == 1 and (other := _whose([last for _, last in called])):
        return SnippetError(
            f"this is a call of {other.title}, not of {whose}: leave --from out, or give "
            f"--from {other.name}."
        )
    for match, last in called:
        if near := difflib.get_close_matches(last, known, n=1, cutoff=0.75):
            if (foreign := _foreign(match[1])) is not None:
                return SnippetError(foreign, match.start(1))
            return SnippetError(
                f"{last!r} is no call of {whose} that is known here. Did you mean {near[0]!r}?",
                match.start(1),
            )
    examples = ", ".join(spoken.forms[0].name for spoken in conventions if spoken.forms)
    return SnippetError(
        f"the text holds no transposed convolution that is known here, such as {examples}."
    )


def _foreign(name: str) -> str | None:
    """Say whose call a dotted name is, where it belongs to a framework that is not read."""
    parts = name.split(".")
    for key in (parts[0], ".".join(parts[-2:])):
        if key in _FOREIGN and len(parts) > 1:
            return f"{name} is a call of {_FOREIGN[key]}, which is not read here."
    return None


def _whose(names: Sequence[str]) -> Convention | None:
    for spoken in _conventions():
        if any(name in _known(spoken.name) for name in names):
            return spoken
    return None


def _statements(
    text: str, language: str, names: set[str]
) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """Parse a text or, where that fails, the balanced call cut out of it, with a note."""
    parse = import_module(f"harness.syntax.{language}").parse
    found: tuple[Statement, ...] = ()
    whole: SnippetError | None = None
    try:
        found = parse(text)
    except SnippetError as error:
        whole = error
    if any(_is_of(names, call) for statement in found for call in calls(statement.value)):
        return found, ()
    # Broken text, or a call inside a comment.
    from harness.syntax.cut import alone, cut  # noqa: PLC0415 -- few texts need it

    piece = cut(text, names, language)
    try:
        if piece is not None:
            return parse(alone(text, piece, language)), _cut_off(text, piece, whole)
    except SnippetError as part:
        raise part from whole
    if whole is not None:
        raise whole
    return found, ()


def _cut_off(text: str, piece: tuple[int, int], whole: SnippetError | None) -> tuple[str, ...]:
    """Say what else there was, where it is more than what a line of a list leaves."""
    first = text.rfind("\n", 0, piece[0]) + 1
    last = text.find("\n", piece[1])
    rest = text[:first] + (text[last:] if last >= 0 else "")
    if whole is None or not rest.strip():
        return ()
    number = text.count("\n", 0, whole.column or 0) + 1
    return (
        f"Only the call itself was read, not the lines around it: line {number} is not understood.",
    )


def _check_imports(text: str, found: _Found) -> None:
    """Refuse a name that the text imports from a framework that is not read."""
    parts = found.name.split(".")
    for match in _IMPORT.finditer(text):
        module, names = match["module"] or match["plain"], match["names"] or match["alias"] or ""
        bound = {name.split(" as ")[-1].strip() for name in names.strip("()").split(",")}
        owner = _FOREIGN.get(module.split(".")[0])
        if owner is not None and parts[0] in bound:
            raise SnippetError(
                f"{found.name} is a call of {owner}, which is not read here.", found.call.column
            )


def _is_of(names: Collection[str], call: Call) -> bool:
    return isinstance(call.function, Name) and _last(call.function.text) in names


def _the_call(statements: Sequence[Statement], known: dict[str, list[_Known]], text: str) -> _Found:
    """Find the one known call; several are an error."""
    # Once each: a name that stands for a list of layers shows them again.
    places = {
        id(call): (statement, call)
        for statement in reversed(statements)
        for call in calls(statement.value)
        if _is_of(known, call)
    }
    found = sorted(places.values(), key=lambda place: place[1].column)
    if not found:
        raise SnippetError("the text names a transposed convolution, but does not call it.")
    if len(found) > 1:
        numbers = sorted({text.count("\n", 0, call.column) + 1 for _, call in found})
        lines = text.split("\n")
        shown = [f"\n  line {n}: {lines[n - 1].strip()[:90]}" for n in numbers[:9]]
        raise SnippetError(
            f"the text holds {len(found)} transposed convolutions: paste one at a time."
            + "".join(shown)
        )
    statement, call = found[0]
    assert isinstance(call.function, Name)
    applied = next(_applications(statements, statement.target, call), None)
    return _Found(call, call.function.text, applied)


def _applications(
    statements: Sequence[Statement], target: str | None, layer: Call
) -> Iterator[Call]:
    """Calls of the layer that a call makes: at once, or by the name that it was given."""
    for statement in statements:
        for call in calls(statement.value):
            by_name = isinstance(call.function, Name) and call.function.text == target
            if call.function is layer or by_name:
                yield call


def _candidates(found: _Found, known: Sequence[_Known]) -> tuple[list[_Known], tuple[str, ...]]:
    """The forms that a dotted name may mean, and a note where its module is not one we know."""
    parts = found.name.split(".")
    if (foreign := _foreign(found.name)) is not None:
        raise SnippetError(foreign, found.call.column)
    matching = [
        candidate
        for candidate in known
        if any(name.split(".")[-len(parts) :] == parts for name in candidate.form.names)
    ]
    if matching:
        return matching, ()
    module = ".".join(parts[:-1])
    names = " or ".join(dict.fromkeys(candidate.form.name for candidate in known))
    return list(known), (f"{module}.{parts[-1]} is taken for {names}.",)
