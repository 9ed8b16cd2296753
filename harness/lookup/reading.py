"""From a snippet of somebody's code to the operator it means: find the call, bind it, read it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.convention.arguments import Form, bind
from harness.convention.reading import Reading, Supplied
from harness.convention.registry import (
    Convention,
    convention,
    distinct_conventions,
    framework_names,
)
from harness.core.errors import Ask, InputError, asked, named
from harness.core.operators import OperatorError, Sizes
from harness.syntax.callsite import CallSite
from harness.syntax.find_call import Mention, find_call, mentions
from harness.syntax.tree import (
    MAX_DIGITS,
    Call,
    Name,
    OpenError,
    SnippetError,
    errors_placed_in,
)

_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^()]*\)|[\w \t,]+)"
    r"|import[ \t]+(?P<plain>[\w.]+)[ \t]+as[ \t]+(?P<alias>\w+))",
    re.MULTILINE,
)

# Other frameworks whose names look like those that we know, with other arguments.
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
        The call as in code, with a leading assignment, a trailing comma or comment.
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
    supplied = Supplied(_shape(Ask.INPUT_SHAPE, input), _shape(Ask.WEIGHT_SHAPE, weight))
    conventions = [convention(framework)] if framework else distinct_conventions()
    # A lone carriage return ends a line for some parsers and not for others.
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    with errors_placed_in(text):
        return _read(text, conventions, supplied, mentions(text))


def _shape(ask: Ask, shape: Sequence[int] | None) -> Sizes | None:
    if shape is None:
        return None
    least, example = (0, (1, 64, 16, 16)) if ask == Ask.INPUT_SHAPE else (1, (64, 32, 4, 4))
    if not 3 <= len(shape) <= 5 or min(shape) < least or max(shape) >= 10**MAX_DIGITS:
        raise InputError(
            named(ask, tuple(shape))
            + " is no shape of three to five axes, such as "
            + named(ask, example)
            + "."
        )
    return tuple(shape)


def _known_in(conventions: Iterable[Convention]) -> dict[str, list[_Known]]:
    """The forms of several frameworks by the last part of their names.

    Of frameworks that share a call, such as two builds of one, the first stands for all.
    """
    known: dict[str, list[_Known]] = {}
    for framework in conventions:
        for last, forms in framework.forms_by_last_name.items():
            taken = {each.form.name for each in known.setdefault(last, [])}
            known[last] += [_Known(framework, form) for form in forms if form.name not in taken]
    return known


def _read(
    text: str,
    conventions: Sequence[Convention],
    supplied: Supplied,
    mentioned: Sequence[Mention],
) -> Reading:
    # The others need not even be loaded, which takes longer than everything else.
    known = _known_in(
        each
        for each in conventions
        if each.calls and any(re.fullmatch(each.calls, mention.name) for mention in mentioned)
    )
    first = next((each.name for each in mentioned if each.name in known), None)
    if first is None:
        raise _nothing_known(text, mentioned, conventions, list(_known_in(conventions)))
    site, left_out = find_call(text, known[first][0].convention.language, known)
    forms = known[site.function.rpartition(".")[2]]
    candidates, note = _candidates(site, forms, _imported_from(text, site))
    note = (*left_out, *note)
    readings: list[tuple[_Known, Reading]] = []
    errors: list[tuple[_Known, SnippetError]] = []
    for candidate in candidates:
        try:
            readings.append((candidate, _as(candidate, site, supplied)))
        except SnippetError as error:
            errors.append((candidate, error))
    if not readings:
        raise min(errors, key=lambda each: _strangeness(site, *each))[1]
    undecided = [known.convention.name for known, error in errors if isinstance(error, OpenError)]
    reading = _meant(site, readings, undecided)
    if len(site.applications) > 1:
        count = len(site.applications)
        note = (*note, f"The layer is called {count} times: the answer is about the first call.")
    if site.call.assumed:
        values = ", ".join(site.call.assumed)
        note = (*note, f"{values}: taken from the function's defaults; its caller may give others.")
    return replace(reading, notes=(*note, *reading.notes))


def _as(candidate: _Known, site: CallSite, supplied: Supplied) -> Reading:
    """Read a call as a form's, with what the text around it adds."""
    form, framework = candidate.form, candidate.convention
    try:
        if framework.language != "python" or site.stands_alone:
            return replace(form.read(bind(form, site, supplied)), framework=framework.name)
        # Other look-ups start faster without what reads the Python around a call.
        from harness.lookup import output_after_the_call  # noqa: PLC0415

        reading = replace(form.read(bind(form, site, supplied)), framework=framework.name)
        reading = output_after_the_call.applied(site, _noted(site, reading))
        return replace(reading, notes=(*reading.notes, *_set_later(site, form)))
    except OperatorError as error:
        raise SnippetError(error.fact, site.call.column) from None


def _noted(site: CallSite, reading: Reading) -> Reading:
    """Note what of the operator is in the lines around the call."""
    operator, notes = reading.operator, list(reading.notes)
    if site.groups > 1 and operator.groups % site.groups == 0:
        notes.append(f"The {site.groups} groups that the text splits off are in the answer.")
    if site.steps == operator.dilation:
        notes.append("The zeros that the text puts between taps are in the answer, as a dilation.")
    return replace(reading, notes=tuple(notes))


def _set_later(site: CallSite, form: Form) -> Iterator[str]:
    """Name the layer's own attributes that the text sets once the layer is made."""
    for statement in (site.statement, *site.after):
        layer, _, attribute = (statement.target or "").rpartition(".")
        is_array = isinstance(statement.value, Name | Call)
        if layer and layer == site.statement.target and form.parameter(attribute) and not is_array:
            yield f"{statement.target} = ... is not in the answer: give it where the layer is made."


def _meant(
    site: CallSite, readings: Sequence[tuple[_Known, Reading]], undecided: Sequence[str]
) -> Reading:
    """Choose among forms that can all be read: of one framework, the first.

    What is undecided are frameworks that could read it, too, if the user said more.

    A name that people import without its module, such as Keras's ``Conv2DTranspose``, is taken so
    where the other framework's reading is the same operator.
    """
    read_by = (reading.framework for _, reading in readings)
    frameworks = list(dict.fromkeys([*read_by, *undecided]))
    if len(frameworks) == 1:
        return _first(site, [reading for _, reading in readings])
    exact = [reading for known, reading in readings if site.function in known.form.names]
    agree = not undecided and len({reading.operator for _, reading in readings}) == 1
    if len(exact) == 1 and agree:
        others = [name for name in frameworks if name != exact[0].framework]
        note = (
            f"{site.function} is a name in {' and '.join(others)} too, where the same text means "
            "the same operator: " + asked(Ask.FRAMEWORK, others[0]) + " if it is that."
        )
        return replace(exact[0], notes=(note, *exact[0].notes))
    first, *others = frameworks
    request = asked(Ask.FRAMEWORK, first)
    for other in others:
        request += " or " + named(Ask.FRAMEWORK, other)
    raise SnippetError(
        f"{site.function} is a name in {len(frameworks)} frameworks: " + request + ".",
        site.call.column,
    )


def _strangeness(site: CallSite, known: _Known, error: SnippetError) -> tuple[int, bool, bool]:
    """How far a call is from a form: by its arguments' names, its values, then by its own name."""
    names = [argument.name for argument in site.call.arguments if argument.name]
    unknown = sum(known.form.parameter(name) is None for name in names)
    return unknown, not isinstance(error, OpenError), site.function not in known.form.names


def _first(site: CallSite, readings: Sequence[Reading]) -> Reading:
    """The first reading of one framework's, with a note where another would be another operator."""
    first = readings[0]
    for other in readings[1:]:
        if other.operator != first.operator:
            note = (
                f"{site.function} is taken for {first.form}; {other.form} would mean "
                f"{other.operator.descriptor}: write the module to choose."
            )
            return replace(first, notes=(note, *first.notes))
    return first


def _nothing_known(
    text: str,
    mentioned: Sequence[Mention],
    conventions: Sequence[Convention],
    known: Sequence[str],
) -> SnippetError:
    whose = conventions[0].title if len(conventions) == 1 else "a framework"
    names = {each.name for each in mentioned}
    for other in distinct_conventions() if len(conventions) == 1 else ():
        if names & other.forms_by_last_name.keys():
            return SnippetError(
                f"this is a call of {other.title}, not of {whose}: leave "
                + named(Ask.FRAMEWORK)
                + " out, or "
                + asked(Ask.FRAMEWORK, other.name, "give")
                + "."
            )
    for name, dotted, start in mentioned:
        if near := _nearest(name, known):
            fact = f"{name!r} is no call of {whose} that is known here. Did you mean {near!r}?"
            return SnippetError(_foreign(dotted) or fact, start)
    for name in known:
        if mention := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            raise SnippetError(
                f"the text names {name}, but does not call it: paste the call, with its arguments.",
                mention.start(),
            )
    examples = ", ".join(each.forms[0].name for each in conventions if each.forms)
    return SnippetError(
        f"the text holds no transposed convolution that is known here, such as {examples}."
    )


def _nearest(last: str, known: Sequence[str]) -> str | None:
    """The known name most like another; of equals the one of two axes, the most usual."""
    near = difflib.get_close_matches(last, known, n=5, cutoff=0.75)
    likeness = {name: difflib.SequenceMatcher(None, last, name).ratio() for name in near}
    return max(near, key=lambda name: (likeness[name], "2" in name), default=None)


def _foreign(name: str) -> str | None:
    """Name the framework of a dotted name, if it is one that is not read."""
    parts = name.split(".")
    for key in (parts[0], ".".join(parts[-2:])):
        if key in _FOREIGN and len(parts) > 1:
            return f"{name} is a call of {_FOREIGN[key]}, which is not read here."
    return None


def _imported_from(text: str, site: CallSite) -> str | None:
    """Return the module that the text imports a call's name, or its first part, from."""
    first = site.function.split(".")[0]
    module = None
    for match in _IMPORT.finditer(text):
        names = match["names"] or match["alias"] or ""
        if first in {name.split(" as ")[-1].strip() for name in names.strip("()").split(",")}:
            module = match["module"] or match["plain"]
    return module


def _candidates(
    site: CallSite, known: Sequence[_Known], module: str | None
) -> tuple[list[_Known], tuple[str, ...]]:
    """The forms that a dotted name may mean, and a note where its module is not one we know."""
    parts = site.function.split(".")
    root = (module or "").split(".")[0]
    owner = _FOREIGN.get(root)
    foreign = f"{site.function} is a call of {owner}, which is not read here." if owner else None
    if (foreign := foreign or _foreign(site.function)) is not None:
        raise SnippetError(foreign, site.call.column)
    if any(root in convention(name).modules for name in framework_names()):
        known = [each for each in known if root in each.convention.modules] or known
    elif module is not None:
        note = f"{parts[0]} is imported from {module}, which is not known here."
        candidates, notes = _candidates(site, known, None)
        return candidates, (note, *notes)
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
