"""Finding the call that a text is about, with what the text says around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Final, NamedTuple

from harness.syntax.callsite import Application, CallSite, Code
from harness.syntax.followed_calls import Reached, own_names, reached, why_not_followed
from harness.syntax.tree import (
    Call,
    Defined,
    Either,
    Name,
    Parsed,
    Reference,
    SnippetError,
    Statement,
    Value,
    calls,
    check_text,
    last_name,
)

# Begun at a word's first letter only, and never gone back into: any text takes linear time.
_CALLED: Final = re.compile(r"(?:(?<![\w.])|(?<=[^\w.]\.))([A-Za-z_][\w.]*+)\s*+[(\[]")
# What gives a layer back that is called like the one that it was given.
_SAME_LAYER: Final = {
    *("weight_norm", "spectral_norm", "SpectralNormalization", "WeightNorm", "apply", "compile"),
    *("cuda", "cpu", "to", "half", "float", "double", "eval", "train", "requires_grad_"),
    *("hybridize", "to_gpu", "to_cpu", "DataParallel", "script"),
    *("NetInitialize", "NetReplacePart"),
}
_CONTAINERS: Final = {"Sequential", "HybridSequential", "NetChain"}


class NoCallError(SnippetError):
    """The text has no call of what was looked for."""


class OwnNameError(SnippetError):
    """What the text calls has a framework's name, and is not the framework's."""


class HandedOnError(SnippetError):
    """A framework's class or function is a value in the text, and what calls it is not followed."""

    # What chooses the functions that names of the text stand for; see ``Parsed``.
    deciding: Mapping[str, tuple[str, str]] = MappingProxyType({})


class Mention(NamedTuple):
    """A name that looks as if it were called: its last part, and all of it."""

    name: str
    dotted: str
    start: int


def mentions(text: str) -> list[Mention]:
    """Find the names before a bracket, in a text that need not be understood.

    Raises
    ------
    SnippetError
        For a text that no parser is to see: empty, too long, or nested too deeply.
    """
    check_text(text)
    return _mentions(text, 0, len(text))


def _mentions(text: str, start: int, end: int) -> list[Mention]:
    matches = _CALLED.finditer(text, start, end)
    return [Mention(match[1].rpartition(".")[2], match[1], match.start(1)) for match in matches]


class Found(NamedTuple):
    """The calls of a text, and what looks like one and is not understood, in its order."""

    sites: tuple[CallSite, ...]
    refused: tuple[SnippetError, ...] = ()  # Each with its column
    own: tuple[OwnNameError, ...] = ()  # Calls of what the text itself gives such a name
    notes: tuple[str, ...] = ()  # On what was left out of the text
    handed_on: tuple[HandedOnError, ...] = ()


def find_calls(
    text: str,
    language: str,
    names: Collection[str],
    values: Mapping[str, Value] = MappingProxyType({}),
    *,
    only_code: bool = False,
    is_wanted: Callable[[CallSite], bool] = lambda _: True,
    methods: Collection[str] = (),
) -> Found:
    r"""Find the calls of some names.

    Parameters
    ----------
    text : str
    language : str
        ``python``, ``matlab`` or ``wolfram``.
    names : collection of str
        Of functions, without what stands before their last dot.
    values : mapping of str to value
        What the user gives names that have no value in the text.
    only_code : bool
        Whether comments, texts and the heads of classes are not searched, as where nobody has
        chosen the text for the call in it.
    is_wanted : callable
        Whether a call that was found is one, where its name alone does not tell.
    methods : collection of str
        Which of the names may be methods of what the text makes.

    Raises
    ------
    SnippetError
        Where nothing that calls one of the names can be understood.

    Examples
    --------
    >>> found = find_calls("up = nn.Up(4)\ny = up(x)\nnn.Up(2)(y)", "python", {"Up"})
    >>> [(site.line, site.name, len(site.applications)) for site in found.sites]
    [(1, 'up', 1), (3, None, 1)]
    """
    parsed, notes = _parsed(text, language, names, values, only_code=only_code)
    called = _called(parsed, names)
    theirs = [each for each in called if last_name(each[1]) in names or _chosen(each[1], names)]
    theirs = [
        (place, call)
        for place, call in theirs
        if not _is_own(call.owner, names)
        or (last_name(call) in methods and not isinstance(call.owner, Defined))
    ]
    found = reached(parsed, theirs)
    through = {inner.column for each in found for inner in each.followed}
    known = {id(call) for _, call in theirs}
    own = [call for _, call in called if id(call) not in known and call.column not in through]
    code = Code(parsed.statements)
    every = [each for one in found for each in _variants(_site(text, code, one), names)]
    sites = [each for each in every if is_wanted(each)]
    is_told = any(
        isinstance(each, str) and each.rpartition(".")[2] in names for each in values.values()
    )
    handed_on = () if is_told else tuple(_handed_on(parsed, names, sites))
    if own and not sites:
        raise _defined_by_the_text(text, own[0])
    if handed_on and not sites and (len(handed_on) == 1 or parsed.deciding):
        raise handed_on[0]
    if not sites and not handed_on:
        raise NoCallError("the text names a transposed convolution, but does not call it.")
    refused = [
        SnippetError(unread.error.fact, mention.start)
        for unread in parsed.unread
        for mention in _mentions(text, unread.start, unread.end)
        if mention.name in names
    ]
    if language == "python" and sites and not sites[0].stands_alone:
        # Other look-ups start faster without it.
        from harness.syntax.weights_before_the_call import completed  # noqa: PLC0415

        sites = [completed(site) for site in sites]
    whole = [
        replace(site, notes=(*_notes(text, parsed, site), *_patched(text, parsed, site)))
        for site in sites
    ]
    defined = [call for call in own if isinstance(call.owner, Defined)]
    errors = tuple(_defined_by_the_text(text, call) for call in defined)
    return Found(tuple(whole), tuple(refused), errors, notes, handed_on)


def _handed_on(
    parsed: Parsed, names: Collection[str], sites: Sequence[CallSite]
) -> Iterator[HandedOnError]:
    """Name what is handed on to calls that are not among those that were found."""
    owners = [site.call.owner for site in sites]
    options = [
        each for one in owners for each in (one.options if isinstance(one, Either) else [one])
    ]
    followed = {each.column for each in options if isinstance(each, Name)}
    for name, column in parsed.handed_on(names):
        if column not in followed:
            error = HandedOnError(
                f"{name} is not called here, but handed on, and what calls it is not followed: "
                "paste the call, with its arguments.",
                column,
            )
            error.deciding = parsed.deciding
            yield error


def find_call(
    text: str,
    language: str,
    names: Collection[str],
    values: Mapping[str, Value] = MappingProxyType({}),
    *,
    is_wanted: Callable[[CallSite], bool] = lambda _: True,
    methods: Collection[str] = (),
) -> tuple[CallSite, tuple[str, ...]]:
    r"""Find the one call of some names, with notes on what was left out of the text.

    Raises
    ------
    SnippetError
        As by :func:`find_calls`, or where there are several calls, also in what was left out.

    Examples
    --------
    >>> site, _ = find_call("up = nn.Up(4)\ny = up(x)", "python", {"Up"})
    >>> site.name, len(site.applications)
    ('up', 1)
    """
    found = find_calls(text, language, names, values, is_wanted=is_wanted, methods=methods)
    columns = [site.offset for site in found.sites]
    columns += [error.column or 0 for error in found.refused]
    if len(columns) > 1:
        raise _several(text, columns)
    site = found.sites[0]
    return site, (*found.notes, *site.notes)


def _patched(text: str, parsed: Parsed, site: CallSite) -> Iterator[str]:
    """Note the lines that may change what is called, before it is."""
    call, owner = site.call, site.call.owner
    options = owner.options if isinstance(owner, Either) else (owner,)
    paths = [call.dotted, *(each.text for each in options if isinstance(each, Reference))]
    names = {last_name(call), call.written.rpartition(".")[2]}
    for patched, column in dict(reversed(parsed.patched)).items():
        is_later = column > call.column and not site.statement.block
        is_whole = any(path.startswith(f"{patched}.") for path in paths)
        if not is_later and (is_whole or names & {*patched.split(".")}):
            yield (
                f"Line {_line_number(text, column)} changes {patched}: the answer is about "
                f"{call.written} as it is without that."
            )


def _notes(text: str, parsed: Parsed, site: CallSite) -> Iterator[str]:
    """Say where the framework's call stands, and what else calls the function that it is in."""
    if site.followed:
        where = _line_number(text, site.call.column)
        within = ", ".join(dict.fromkeys(each.what for each in site.followed))
        own = own_names(site.call, site.followed)
        names = f"; {', '.join(own)} {'is' if len(own) == 1 else 'are'} named there" if own else ""
        yield f"The framework's call stands in line {where}, in {within}{names}."
        for called in site.followed:
            if called.chosen_as:
                yield f"{called.chosen_as} may be another function: it is taken for {called.what}."
    if site.taken_for and site.call.written in parsed.deciding:
        decides, _ = parsed.deciding[site.call.written]
        yield f"Which function {site.call.written} is depends on {decides}."
    if site.call.column in parsed.supposed:
        yield (
            f"{site.call.written} is not in the text: it is taken to make {site.call.dotted} of "
            "what it is given after it."
        )
    if site.call.column in parsed.own_forward:
        name, column = parsed.own_forward[site.call.column]
        yield (
            f"{name} has a forward of its own, in line {_line_number(text, column)}: what that "
            "does around the framework's is not in the answer."
        )
    for each in why_not_followed(parsed, site.columns):
        yield (
            f"Line {_line_number(text, each.column)} calls what this stands in, {each.why}: that "
            "is not followed."
        )


def _parsed(
    text: str,
    language: str,
    names: Collection[str],
    values: Mapping[str, Value],
    *,
    only_code: bool,
) -> tuple[Parsed, tuple[str, ...]]:
    """Parse a text or, where its call is in none that can be, the balanced call cut out of it."""
    module = import_module(f"harness.syntax.{language}")
    parsed, whole = Parsed(()), None
    unread = [(0, len(text))]
    try:
        is_python = language == "python"
        parsed = module.read(text, values, names) if is_python else module.read(text)
        whole = next((each.error for each in parsed.unread), None)
        unread = [(each.start, each.end) for each in parsed.unread]
    except SnippetError as error:
        whole = error
    if _called(parsed, names):
        return parsed, _left_out(text, parsed)
    if only_code and not any(
        mention.name in names for stretch in unread for mention in _mentions(text, *stretch)
    ):
        return parsed, ()
    # Broken text, or a call inside a comment.
    from harness.syntax.cut import alone, cut  # noqa: PLC0415 -- few texts need it

    pieces = cut(text, names, language)
    try:
        read = [module.read(alone(text, piece, language)).all_understood() for piece in pieces]
        if read:
            statements = tuple(statement for each in read for statement in each)
            notes = _cut_off(text, pieces[0], whole) if len(pieces) == 1 else ()
            return Parsed(statements), notes
    except SnippetError as part:
        raise part from whole
    if whole is not None:
        raise whole
    return parsed, ()


def _called(parsed: Parsed, names: Collection[str]) -> list[tuple[int, Call]]:
    """The calls of the names, each with the place of its statement."""
    # Once each: a name that stands for a list of layers shows them again.
    places: dict[int, tuple[int, Call]] = {}
    for place, statement in enumerate(parsed.statements):
        for call in calls(statement.value):
            called = last_name(call) in names or _last(call.written) in names
            if called or _chosen(call, names):
                places.setdefault(id(call), (place, call))
    return sorted(places.values(), key=lambda each: (each[1].column, each[0]))


def _chosen(call: Call, names: Collection[str]) -> list[str]:
    """Full names of what is looked for, of several among which the text chooses what is called."""
    is_choice = isinstance(call.owner, Either) and isinstance(call.function, Reference)
    options = call.owner.options if is_choice and isinstance(call.owner, Either) else ()
    paths = [each.text for each in options if isinstance(each, Reference)]
    chosen = {_last(path): path for path in reversed(paths) if _last(path) in names}
    return list(chosen.values())[::-1]


def _variants(site: CallSite, names: Collection[str]) -> Iterator[CallSite]:
    """A call of what the text chooses, once for each that it may choose."""
    chosen = _chosen(site.call, names)
    is_one = not chosen or [*map(_last, chosen)] == [last_name(site.call)]
    yield from [site] if is_one else (replace(site, taken_for=each) for each in chosen)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _is_own(owner: Value, names: Collection[str]) -> bool:
    """Whether what is called is certainly something that the text itself makes."""
    if isinstance(owner, Either):
        return all(_is_own(option, names) for option in owner.options)
    if isinstance(owner, Reference):
        return owner.text.rpartition(".")[2] not in names
    return owner is not None


def _defined_by_the_text(text: str, call: Call) -> OwnNameError:
    """Name the line that gives a name another meaning than the framework's."""
    owner, name = call.owner, call.written
    column = owner.column if isinstance(owner, Name | Call) else -1
    if isinstance(owner, Defined):
        what = f"the text's own, defined in line {_line_number(text, column)}"
        return OwnNameError(
            f"{name} is {', '.join([what, *filter(None, [owner.why])])}: "
            "paste the framework's call that it makes.",
            call.column,
        )
    is_known = column > 0 or (column == 0 and text.startswith(name))
    where = f" in line {_line_number(text, column)}" if is_known else ""
    return OwnNameError(
        f"{name} is not the framework's: the text gives it another meaning{where}. Paste the "
        "framework's call itself.",
        call.column,
    )


def _site(text: str, code: Code, found: Reached) -> CallSite:
    offset = found.columns[-1]
    line, column = _line_number(text, offset), offset - text.rfind("\n", 0, offset)
    within = tuple(_line_number(text, each) for each in found.columns[:-1])
    site = CallSite(
        found.call, line, column, code, found.place, followed=found.followed, within=within
    )
    return replace(site, applications=tuple(_applications(site)))


def _line_number(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _several(text: str, columns: Sequence[int]) -> SnippetError:
    lines = text.split("\n")
    numbers = sorted({_line_number(text, column) for column in columns})
    shown = [f"\n  line {n}: {lines[n - 1].strip()[:90]}" for n in numbers[:9]]
    return SnippetError(
        f"the text holds {len(columns)} transposed convolutions: paste one at a time."
        + "".join(shown)
    )


def _left_out(text: str, parsed: Parsed) -> tuple[str, ...]:
    """Note the lines of a text that were not understood."""
    return tuple(
        f"Line {_line_number(text, unread.start)} was left out: {unread.error.fact}"
        for unread in parsed.unread
    )


def _cut_off(text: str, piece: tuple[int, int], whole: SnippetError | None) -> tuple[str, ...]:
    """Note that there were other lines, if any is more than the rest of a list."""
    first = text.rfind("\n", 0, piece[0]) + 1
    last = text.find("\n", piece[1])
    rest = text[:first] + (text[last:] if last >= 0 else "")
    if whole is None or not rest.strip():
        return ()
    return (
        "Only the call itself was read, not the lines around it: "
        f"line {_line_number(text, whole.column or 0)} is not understood.",
    )


def _applications(site: CallSite) -> list[Application]:
    """Find the calls of a layer, in the order of the text after it.

    A model that holds the layer among others is not the layer.  Calls that the text has above the
    layer count where there are none below it: methods stand in any order.
    """
    home, layer = site.statement, site.call
    name = home.target if _is_layer(home.value, layer) else None
    own = [Application(call, home) for call in calls(home.value) if call.function is layer]
    if name is None:
        return own
    places = site.code.showing(name)
    after = [site.code.statements[place] for place in places if place > site.place]
    before = [site.code.statements[place] for place in places if place < site.place]
    later = [*own, *_calls_by_name(after, home, name, layer)]
    return later or list(_calls_by_name(before, home, name, layer))


def _calls_by_name(
    statements: Sequence[Statement], home: Statement, name: str, layer: Call
) -> Iterator[Application]:
    for statement in statements:
        if _same_class(statement, home):
            for call in calls(statement.value):
                if call.dotted == name:
                    yield Application(call, statement)
        if statement.target == name and not _is_layer(statement.value, layer, name):
            # In another branch it would be the other branch's layer.
            certain = home.block[: len(statement.block)] == statement.block
            if certain and _same_class(statement, home):
                return


def _same_class(one: Statement, other: Statement) -> bool:
    """Whether ``self`` is the same in both."""
    classes = [tuple(n for n in statement.block if n < 0) for statement in (one, other)]
    return classes[0] == classes[1]


def _is_layer(value: Value, layer: Call, name: str | None = None) -> bool:
    """Whether a value is the layer itself, or what is called as it would be."""
    if value is layer or (isinstance(value, Name) and value.text == name):
        return True
    if not isinstance(value, Call):
        return False
    given = [argument.value for argument in value.arguments]
    if value.dotted.rpartition(".")[0] == name:
        return last_name(value) in _SAME_LAYER
    if last_name(value) in _CONTAINERS:
        inside = given[0] if given and isinstance(given[0], tuple) else given
        return len(inside) == 1 and _is_layer(inside[0], layer, name)
    return last_name(value) in _SAME_LAYER and given != [] and _is_layer(given[0], layer, name)
