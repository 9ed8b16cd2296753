"""From a snippet of somebody's code to the operator it means: find the call, bind it, read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final, NamedTuple, TypeVar

from harness.convention.arguments import Form, bind
from harness.convention.binding import OtherArgumentsError, bound
from harness.convention.reading import NOTHING, Reading, Supplied
from harness.convention.registry import (
    Convention,
    convention,
    distinct_conventions,
    known_names,
    text_only_names,
)
from harness.convention.values import shown
from harness.core.errors import Ask, InputError, asked, named
from harness.core.operators import OperatorError, Sizes
from harness.lookup import arrays_in_the_call, foreign
from harness.syntax.callsite import CallSite
from harness.syntax.find_call import (
    find_call,
    find_calls,
    mentions,
)
from harness.syntax.tree import (
    MAX_DIGITS,
    Call,
    Either,
    OpenError,
    Reference,
    SnippetError,
    UnknownValueError,
    Value,
    errors_placed_in,
)

_T = TypeVar("_T")
_LONGEST_CHOICE: Final = 120  # Characters of an expression that a note shows
_DOTTED: Final = re.compile(r"[\w.]+")
_WORD: Final = re.compile(r"[^\W\d]\w*")
# A name with the number of axes open: ConvTranspose{rank}d, ConvTranspose%dd, "Conv" + str(rank).
_PUT_TOGETHER: Final = re.compile(r"""(?<!\w)(\w++)(?:\{\w*\}|%d|["'][ +]+[\w()]+[ +]+["'])(\w*)""")
# Of what gives layers' classes, as in Conv[Conv.CONVTRANS, rank]
_FACTORY: Final = re.compile(r"(?i)convtrans\b")


class _Known(NamedTuple):
    """A form and the convention that it belongs to."""

    convention: Convention
    form: Form


class FoundCall(NamedTuple):
    """A call in a text, and the forms that it may mean."""

    site: CallSite
    text: str
    conventions: Sequence[Convention]
    known: Mapping[str, Sequence[_Known]]
    notes: tuple[str, ...]

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms that the call may mean: of its name, and of what is imported."""
        known = self.known[self.site.last_name]
        with suppress(SnippetError):
            known, _ = _candidates(self.site, known)
        return tuple(each.form for each in known)

    def read(self, supplied: Supplied) -> Reading:
        """Read it with what the user gives.

        Raises
        ------
        SnippetError
            With its place in the text.
        """
        try:
            with errors_placed_in(self.text):
                return _reading(self.site, self.known, supplied, self.notes)
        except SnippetError as error:
            if error.place is not None:
                raise
            error.column = self.site.call.column
            raise error.placed_in(self.text) from None


def supply(
    input: Sequence[int] | None = None,  # noqa: A002 -- the contract's word
    weight: Sequence[int] | None = None,
    values: Mapping[str, Value] = NOTHING.values,
) -> Supplied:
    """Check what the user gives."""
    shapes = _shape(Ask.INPUT_SHAPE, input), _shape(Ask.WEIGHT_SHAPE, weight)
    return Supplied(*shapes, values=values)


def read(
    text: str,
    framework: str | None = None,
    input: Sequence[int] | None = None,  # noqa: A002 -- the contract's word
    weight: Sequence[int] | None = None,
) -> Reading:
    """Read a call of any framework, given and refused as by :func:`harness.parse`.

    >>> read("up = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, bias=False)").operator
    Operator(in_channels=64, out_channels=32, kernel=(4, 4), stride=(2, 2), dilation=(1, 1), \
crop=((1, 1), (1, 1)), groups=1, bias=False)
    """
    return find_one(text, framework).read(supply(input, weight))


def find_one(
    text: str, framework: str | None = None, values: Mapping[str, Value] = NOTHING.values
) -> FoundCall:
    """Find the one call of a text.

    Raises
    ------
    SnippetError
        Where there is none, or several.
    """
    whole, (site, notes) = _searched(text, framework, find_call, values)
    return FoundCall(site, *whole, notes)


def find_every(
    text: str,
    framework: str | None = None,
    values: Mapping[str, Value] = NOTHING.values,
    *,
    only_code: bool = False,
) -> list[FoundCall | SnippetError]:
    r"""Find the calls of a text, in its order; an error stands for one that is not understood.

    Those in comments and texts count where there are no others, unless it is ``only_code``.

    Raises
    ------
    SnippetError
        Where there is none.

    Examples
    --------
    >>> text = "a = nn.ConvTranspose1d(8, 4, 2)\nb = nn.ConvTranspose1d(4, 2, 3)"
    >>> [(found.site.name, found.site.line) for found in find_every(text)]
    [('a', 1), ('b', 2)]
    """
    search = partial(find_calls, only_code=only_code)
    whole, found = _searched(text, framework, search, values)
    calls = [FoundCall(site, *whole, site.notes) for site in found.sites]
    if calls:  # What was left out of the text is said once, with the first call.
        calls[0] = calls[0]._replace(notes=(*found.notes, *calls[0].notes))
    every: list[tuple[int, FoundCall | SnippetError]] = [(each.site.offset, each) for each in calls]
    errors = (*found.refused, *found.own, *found.handed_on)
    every += [(each.column or 0, each.placed_in(whole.text)) for each in errors]
    return [each for _, each in sorted(every, key=lambda pair: pair[0])]


def _of_text(text: str) -> list[Convention]:
    """The frameworks whose calls a text may hold.

    One that is text only has calls of other frameworks' names: only a text that shows it may hold
    them, and one that imports it alone holds no others.
    """
    run = distinct_conventions()
    shown = [
        each
        for each in map(convention, text_only_names())
        if not each.named_by or any(word in text for word in each.named_by)
    ]
    if not shown:
        return run
    imported = {*re.findall(r"(?m)^[ \t]*(?:from|import)[ \t]+(\w+)", text)}
    alone = [each for each in shown if imported & {*each.modules}]
    others = (each for each in run if imported & {*each.modules})
    return [*run, *shown] if not alone or any(others) else alone


class _Text(NamedTuple):
    """A text, and what may be called in it."""

    text: str
    conventions: Sequence[Convention]
    known: Mapping[str, Sequence[_Known]]


def _searched(
    text: str,
    framework: str | None,
    search: Callable[..., _T],  # As find_call
    values: Mapping[str, Value],
) -> tuple[_Text, _T]:
    """Search a text for the calls of a framework, or of all."""
    conventions = [convention(framework)] if framework else _of_text(text)
    # A lone carriage return ends a line for some parsers and not for others.
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    with errors_placed_in(text):
        language, known = _known_by(text, conventions, values)
        try:
            found = search(text, language, known, values, **_wanted(known))
            return _Text(text, conventions, known), found
        except SnippetError as error:
            # What stands before a bracket may be prose, such as "a deconvolution (also ...)".
            wider = _mentioned(_WORD.findall(text), conventions)
            if wider.keys() - known.keys():
                with suppress(SnippetError):
                    found = search(text, _language_of(wider), wider, values, **_wanted(wider))
                    return _Text(text, conventions, wider), found
            from harness.lookup.no_call import why_no_call  # noqa: PLC0415 -- of errors alone

            # One that a text imports alone is no one's choice.
            others = () if framework else distinct_conventions()
            every = [*dict.fromkeys((*conventions, *others))]
            forms = {name: [each.form for each in theirs] for name, theirs in known.items()}
            in_code = not known or language in {each.language for each in every}
            raise why_no_call(text, every, forms, error, in_code=in_code) from None


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


def _known_in(conventions: Iterable[Convention], *, is_asked: bool) -> dict[str, list[_Known]]:
    """The forms of several frameworks by the last part of their names.

    Of frameworks that share a call, such as two builds of one, the first stands for all, or the one
    that the call is taken for unless the user asks for another.
    """
    known: dict[str, list[_Known]] = {}
    for framework in conventions:
        for last, forms in framework.forms_by_last_name.items():
            taken = {each.form.name for each in known.setdefault(last, [])}
            known[last] += [
                _Known(framework, form)
                for form in forms
                if form.name not in taken and (is_asked or not form.only_if_asked)
            ]
    return known


def _mentioned(names: Sequence[str], conventions: Sequence[Convention]) -> dict[str, list[_Known]]:
    """The forms of the frameworks that have any of the names, the first of them first."""
    # The others need not even be loaded, which takes longer than everything else.
    known = _known_in(
        (
            each
            for each in conventions
            if each.calls and any(re.fullmatch(each.calls, name) for name in {*names})
        ),
        is_asked=len(conventions) == 1,
    )
    first = next((name for name in names if name in known), None)
    return {} if first is None else {first: known.pop(first), **known}


def _known_by(
    text: str, conventions: Sequence[Convention], values: Mapping[str, Value]
) -> tuple[str, dict[str, list[_Known]]]:
    """A text's language, and the forms that it may mean."""
    noted = _shown_in_a_notation(text, conventions)
    conventions = [
        each
        for each in conventions
        if len(conventions) == 1 or not each.calls_in or re.search(each.calls_in, text)
    ]
    # The text may call nn.ConvTranspose2d by a name that the user gives that value.
    given = [value.rpartition(".")[2] for value in values.values() if isinstance(value, str)]
    names = [*given, *(each.name for each in mentions(text) if each.name not in noted)]
    # Or getattr(nn, f"ConvTranspose{rank}d"), also of another framework than the others are.
    parts = _PUT_TOGETHER.findall(text)
    whole = [f"{before}{rank}{after}" for before, after in parts for rank in (2, 1, 3)]
    if _FACTORY.search(text):
        # Other look-ups start faster without it.
        from harness.syntax.layer_factories import names as made_by_factories  # noqa: PLC0415

        whole += made_by_factories(text)
    known = _mentioned([*names, *whole], conventions) or noted
    # Else what is called may be an alias, or a class of the text.
    known = known or _mentioned(_WORD.findall(text), conventions)
    return _language_of(known), known


def _shown_in_a_notation(text: str, conventions: Sequence[Convention]) -> dict[str, list[_Known]]:
    """The forms that a text shows in a notation, which is none of code."""
    for each in conventions:
        for notation in each.notations:
            if re.search(notation.shown_by, text):
                convention = replace(each, language=notation.language)
                return {
                    form.name.rpartition(".")[2]: [_Known(convention, form)]
                    for form in each.noted_forms
                }
    return {}


def _wanted(known: Mapping[str, Sequence[_Known]]) -> dict[str, Any]:
    """Which calls of these names are of a form, as the search takes it."""
    methods = [last for last, every in known.items() if any(each.form.is_method for each in every)]
    return {"is_wanted": partial(_is_wanted, known), "methods": methods}


def _is_wanted(known: Mapping[str, Sequence[_Known]], site: CallSite) -> bool:
    """Whether a call is of a form, and not only of a function that makes other things too."""
    return any(_is_meant(each.form, site) for each in known[site.last_name])


def _is_meant(form: Form, site: CallSite) -> bool:
    if form.makes:
        return _argument(form, 0, site) == form.makes
    names = [parameter.name for parameter in form.parameters]
    return not form.needs or _argument(form, names.index(form.needs), site) is not None


def _argument(form: Form, place: int, site: CallSite) -> Value:
    """What a call is given for a parameter, by position or by name."""
    by_position = [each.value for each in site.call.arguments if each.name is None]
    named = site.call.named.get(form.parameters[place].name)
    return by_position[place] if place < len(by_position) else named


def _language_of(known: Mapping[str, Sequence[_Known]]) -> str:
    return known[next(iter(known))][0].convention.language if known else "python"


def _reading(
    site: CallSite,
    known: Mapping[str, Sequence[_Known]],
    supplied: Supplied,
    left_out: Sequence[str],
) -> Reading:
    candidates, note = _candidates(site, known[site.last_name])
    note = (*left_out, *note)
    readings: list[tuple[_Known, Reading]] = []
    errors: list[tuple[_Known, SnippetError]] = []
    for candidate in candidates:
        try:
            readings.append((candidate, _as(candidate, site, supplied)))
        except SnippetError as error:
            errors.append((candidate, error))
    if not readings:
        (refused, refusal) = min(errors, key=lambda each: _strangeness(site, *each))
        if isinstance(refusal, OtherArgumentsError) and (path := _of_another(site)):
            raise SnippetError(
                f"{_imported_name(site, path)}: it is called with other arguments than "
                f"{refused.form.name}. Paste the framework's call that it makes.",
                site.call.column,
            )
        if site.call.assumed and not isinstance(refusal, OpenError | UnknownValueError):
            refusal.fact = _with_defaults(refusal.fact, site.call.assumed)
        raise refusal
    undecided = [known for known, error in errors if isinstance(error, OpenError)]
    reading = _meant(site, readings, undecided)
    if len(site.applications) > 1:
        count = len(site.applications)
        note = (*note, f"The layer is called {count} times: the answer is about the first call.")
    if site.call.assumed:
        # Other look-ups start faster without it.
        from harness.convention.assumptions import defaults_notes  # noqa: PLC0415

        note = (*note, *defaults_notes(site.call.assumed))
    return replace(
        reading,
        notes=(*note, *reading.notes),
        line=site.line,
        column=site.column,
        within=site.within,
        name=reading.name or site.shown_name,
    )


def _with_defaults(fact: str, assumed: Sequence[str]) -> str:
    """Say of a refusal which numbers are defaults, in whose place others may be meant."""
    name, _, value = assumed[0].partition("=")
    other = str(int(value) + 1) if value.isdecimal() else value
    several = "are defaults" if len(assumed) > 1 else "is a default"
    return (
        f"{fact} {', '.join(assumed)} {several} of the text's own: where others are meant, "
        + asked(Ask.VALUE, f"{name}={other}")
        + "."
    )


def _as(candidate: _Known, site: CallSite, supplied: Supplied) -> Reading:
    """Read a call as a form's, with what the text around it adds."""
    form, framework = candidate.form, candidate.convention
    try:
        given = bind(form, site, supplied)
        reading = form.read(given)
        notes = (*arrays_in_the_call.notes(given), *reading.notes)
        reading = replace(reading, framework=framework.name, notes=notes)
        if framework.language != "python" or site.stands_alone:
            return reading
        # Other look-ups start faster without what reads the Python around a call.
        from harness.lookup import output_after_the_call  # noqa: PLC0415
        from harness.lookup.set_after_the_call import notes_on_attributes  # noqa: PLC0415

        output = form.output(site) if form.output else None
        at_output = replace(site, applications=(output,)) if output else site
        reading = output_after_the_call.applied(at_output, _noted(site, reading))
        return replace(reading, notes=(*reading.notes, *notes_on_attributes(site, form)))
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


def _meant(
    site: CallSite, readings: Sequence[tuple[_Known, Reading]], undecided: Sequence[_Known]
) -> Reading:
    """Choose among forms that can all be read: of one framework, the first.

    What is undecided could be read, too, if the user said more.

    A name that people import without its module, such as Keras's ``Conv2DTranspose``, is taken so
    where the other framework's reading is the same operator.
    """
    forms: dict[str, _Known] = {}
    for known in (*(known for known, _ in readings), *undecided):
        forms.setdefault(known.convention.name, known)
    if len(forms) == 1:
        return _first(site, [reading for _, reading in readings])
    exact = [reading for known, reading in readings if site.function in known.form.names]
    agree = not undecided and len({reading.operator for _, reading in readings}) == 1
    if len(exact) == 1 and agree:
        others = [name for name in forms if name != exact[0].framework]
        note = (
            f"{site.function} is a name in {' and '.join(others)} too, where the same text means "
            "the same operator: " + asked(Ask.FRAMEWORK, others[0]) + " if it is that."
        )
        return replace(exact[0], notes=(note, *exact[0].notes))
    raise _whose(site, [*forms.values()])


def _whose(site: CallSite, known: Sequence[_Known]) -> SnippetError:
    """Ask whose a name is, with the arguments in each framework where they are not alike."""
    first, *others = (each.convention.name for each in known)
    request = asked(Ask.FRAMEWORK, first)
    for other in others:
        request += " or " + named(Ask.FRAMEWORK, other)
    arguments = [bound(each.form, site.call) for each in known]
    roles = {
        tuple(parameter.role for name in each if (parameter := one.form.parameter(name)))
        for one, each in zip(known, arguments, strict=True)
    }
    meanings = [
        f"in {one.convention.title} "
        + ", ".join(f"{name}={shown(argument.value)}" for name, argument in each.items())
        for one, each in zip(known, arguments, strict=True)
    ]
    meant = f" Its arguments are {', and '.join(meanings)}." if len(roles) > 1 else ""
    return SnippetError(
        f"{site.function} is a name in {len(known)} frameworks: "
        + request
        + f", or paste the line that imports it.{meant}",
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


def _recognised(call: Call) -> foreign.Library | None:
    # A library that is read may have the words of one that is not.
    return foreign.recognised(call, by_keywords=_root(call.dotted) not in _modules())


def _not_read_here(site: CallSite, title: str) -> SnippetError:
    return SnippetError(
        f"{site.function} is a call of {title}, which is not read here.", site.call.column
    )


def _candidates(site: CallSite, known: Sequence[_Known]) -> tuple[list[_Known], tuple[str, ...]]:
    """The forms that a call's name may mean, and notes where that is not certain."""
    owner = site.call.owner
    options = owner.options if isinstance(owner, Either) else (owner,)
    named = [
        each
        for each in options
        if isinstance(each, Reference)
        and any(_ends_in(each.text.rpartition(".")[2], one.form) for one in known)
    ]
    paths = [each.text for each in named if each.is_imported]
    ours = [path for path in paths if _root(path) in _modules() and not foreign.imported(path)]
    others = [path for path in paths if path not in ours]
    for library in (
        *map(foreign.imported, others),
        None if ours else _recognised(site.call),
    ):
        if library is not None and not ours:
            raise _not_read_here(site, library.title)
    roots = {_root(path) for path in ours}
    known = [each for each in known if not roots or roots & {*each.convention.modules}]
    if not known:
        raise SnippetError(f"{ours[0]} is no transposed convolution that is known here.")
    matching, is_full = _matching(site.function, ours, known)
    names = " or ".join(dict.fromkeys(each.form.name for each in matching or known))
    notes = [f"{_imported_name(site, path)}: it is taken for {names}." for path in others]
    aliases = [
        each
        for each in named
        if not each.is_imported and not any(_ends_in(each.text, one.form) for one in known)
    ]
    written = site.call.written
    notes += [
        f"{written} is {each.text}, which is not known here: it is taken for {names}."
        for each in aliases
    ]
    is_free = None in options and not _matching(site.function, (), known)[0]
    if not (matching or others or aliases) or not is_full or (ours and is_free):
        name = site.function if is_full or is_free else ours[0]
        notes.append(f"{name} is taken for {names}.")
    is_usual = "." in written and any(written in each.form.names for each in matching)
    is_usual |= bool(matching) and all(each.form.is_method for each in matching)
    if not all(each is None or each in named for each in options) and not is_usual:
        chosen = owner.text if isinstance(owner, Either) else ""
        is_shown = bool(chosen) and not _DOTTED.fullmatch(chosen) and len(chosen) <= _LONGEST_CHOICE
        called = written if _DOTTED.fullmatch(written) else "What is called"
        other = (
            f"is {chosen}"
            if is_shown
            else "may be something else, which another line of the text gives it"
        )
        notes.append(f"{called} {other}: it is taken for {names}.")
    return matching or known, tuple(notes)


@cache
def _modules() -> frozenset[str]:
    """The names of all frameworks' modules."""
    return frozenset(root for name in known_names() for root in convention(name).modules)


def _root(path: str) -> str:
    return path.partition(".")[0]


def _matching(
    written: str, paths: Sequence[str], known: Sequence[_Known]
) -> tuple[list[_Known], bool]:
    """The forms with the full name of what is imported, or else those that end as is written.

    And whether the full name, if it is known, is one of theirs.
    """
    full = [each for each in known if any(_is_name(path, each.form) for path in paths)]
    if full:
        return full, True
    return [each for each in known if _ends_in(written, each.form)], not paths


def _is_name(path: str, form: Form) -> bool:
    """Whether a full name is one of a form's: the module's own name may be shortened."""
    tail = path.partition(".")[2]
    return _ends_in(path, form) or any(tail == name.partition(".")[2] for name in form.names)


def _ends_in(name: str, form: Form) -> bool:
    """Whether one of a form's names is, or ends with, a dotted name."""
    if form.is_method:
        name = name.rpartition(".")[2]
    return any(f".{each}".endswith(f".{name}") for each in form.names)


def _of_another(site: CallSite) -> str:
    """The full name of what is certainly imported from where no framework is."""
    owner = site.call.owner
    if not isinstance(owner, Reference) or not owner.is_imported:
        return ""
    return "" if _root(owner.text) in _modules() else owner.text


def _imported_name(site: CallSite, path: str) -> str:
    name, *parts = site.function.split(".")
    module = ".".join(path.split(".")[: -(len(parts) or 1)])
    verb = "may be" if isinstance(site.call.owner, Either) else "is"
    return f"{name} {verb} imported from {module}, which is not known here"
