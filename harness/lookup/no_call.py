"""Why a text holds no call that is known here, and what would help."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from harness.convention.arguments import Form
from harness.convention.registry import Convention, distinct_conventions
from harness.core.errors import Ask, asked, named
from harness.lookup import foreign
from harness.syntax.find_call import (
    HandedOnError,
    Mention,
    NoCallError,
    OwnNameError,
    mentions,
)
from harness.syntax.tree import SnippetError

_WORD: Final = re.compile(r"[^\W\d]\w*")
_OF_ARRAYS: Final = "transpose"  # It moves axes, and is no misspelt ``conv_transpose``


def why_no_call(
    text: str,
    conventions: Sequence[Convention],
    known: Mapping[str, Sequence[Form]],
    error: SnippetError,
    *,
    in_code: bool,
) -> SnippetError:
    """Say what a text is in which no call was found.

    ``known`` are the forms that the text may call, by the last part of their names, and ``error``
    is what the search for them says.  A notation is not ``in_code``: its calls need not look like
    calls.
    """
    if kind := foreign.text_kind(text):
        return SnippetError(f"this is {kind}, which is not read here: paste the call in code.")
    mentioned = mentions(text)
    if isinstance(error, NoCallError) and (other := _without_what_it_needs(mentioned, known)):
        return other
    if isinstance(error, HandedOnError):
        asks = (_which_function(each, text, conventions, error.deciding) for each in mentioned)
        return next(filter(None, asks), error)
    is_called = known.keys() & {each.name for each in mentioned}
    if is_called or isinstance(error, OwnNameError) or not in_code:
        return error
    return _nothing_known(text, mentioned, conventions)


def _without_what_it_needs(
    mentioned: Sequence[Mention], known: Mapping[str, Sequence[Form]]
) -> NoCallError | None:
    """Say what makes a call a transposed convolution, where nothing else is called."""
    every = [(each, form) for each in mentioned for form in known.get(each.name, ())]
    if not every or not all(form.needs for _, form in every):
        return None
    mention, form = every[0]
    fact = f"{mention.dotted} is a transposed convolution only where it is given {form.needs}."
    return NoCallError(fact, mention.start)


def _which_function(
    mention: Mention,
    text: str,
    conventions: Sequence[Convention],
    deciding: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> NoCallError | None:
    """Ask which function a name of the text stands for, if it seems to be a framework's."""
    name = mention.name
    function = "" if name in deciding else _stands_for(name, text, conventions)
    if name != mention.dotted or not (function or name in deciding):
        return None
    fact = f"the text does not hold which function {name} is: "
    decides, value = deciding.get(name, (name, function))
    return NoCallError(fact + asked(Ask.VALUE, f"{decides}={value}") + ".", mention.start)


def _nothing_known(
    text: str, mentioned: Sequence[Mention], conventions: Sequence[Convention]
) -> SnippetError:
    """Say what stands in a text that calls nothing of the conventions."""
    telling = [each for each in conventions if not each.calls_in]
    known = list(dict.fromkeys(name for each in telling for name in each.forms_by_last_name))
    whose = conventions[0].title if len(conventions) == 1 else "a framework"
    names = {each.name for each in mentioned}
    for other in distinct_conventions() if len(conventions) == 1 else ():
        # One whose calls a text only may hold is known by its modules, too.
        if other.calls_in and not re.search(other.calls_in, text):
            continue
        if other is not conventions[0] and names & other.forms_by_last_name.keys():
            return SnippetError(
                f"this is a call of {other.title}, not of {whose}: leave "
                + named(Ask.FRAMEWORK)
                + " out, or "
                + asked(Ask.FRAMEWORK, other.name, "give")
                + "."
            )
    for name, dotted, start in mentioned:
        if re.search(foreign.LIKELY, name) and (library := foreign.called(text, dotted)):
            fact = f"{dotted} is a call of {library.title}, which is not read here."
            return SnippetError(fact, start)
    for each in mentioned:
        if asks := _which_function(each, text, conventions):
            return asks
    for name in known:
        if mention := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            return NoCallError(
                f"the text names {name}, but does not call it: paste the call, with its arguments.",
                mention.start(),
            )
    for each in mentioned:
        if each.name != _OF_ARRAYS and (near := _nearest(each.name, known)):
            fact = f"{each.name!r} is no call of {whose} that is known here. Did you mean {near!r}?"
            return NoCallError(fact, each.start)
    examples = ", ".join(each.forms[0].name for each in conventions if each.forms)
    return NoCallError(
        f"the text holds no transposed convolution that is known here, such as {examples}."
    )


def _stands_for(name: str, text: str, conventions: Sequence[Convention]) -> str:
    """A function that a name of the text, such as ``conv_transpose_op``, may stand for."""
    is_likely = re.search(r"(?i)trans\w*conv|conv\w*trans|deconv", name)
    if not is_likely or not re.search(rf"(?<![\w.]){name}\s*=(?!=)", text):
        return ""
    theirs = (each for each in conventions if each.forms and each.module in _WORD.findall(text))
    return next((each.forms[0].name for each in theirs), "")


def _nearest(last: str, known: Sequence[str]) -> str | None:
    """The known name most like another; of equals the one of two axes, the most usual."""
    import difflib  # noqa: PLC0415 -- only what is not known needs it

    near = difflib.get_close_matches(last, known, n=5, cutoff=0.75)
    likeness = {name: difflib.SequenceMatcher(None, last, name).ratio() for name in near}
    return max(near, key=lambda name: (likeness[name], "2" in name), default=None)
