"""The page's part below the form, written in a worker: a list of the calls, and their answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment
from msgspec import UNSET

from harness import pages
from harness.convention.registry import (
    canonical,
    convention,
    framework_names,
    readable_conventions,
)
from harness.core.errors import Ask, Mention
from harness.core.named_number import in_names
from harness.lookup import BENCHDNN
from harness.lookup.answer import LookUp, in_words, size_line
from harness.lookup.every import worded
from harness.lookup.listing import Answer, Row, alike, names, places, rows
from harness.pages import SUPPORTS, Mark
from harness.server.asked import Asked
from harness.server.limits import MAX_TEXT
from harness.server.query import to_fields, written
from harness.server.refusals import RefusedError
from harness.server.schema import Query
from harness.server.wording import on_page, title
from harness.syntax.documents import Document

# Proxies cut or refuse longer addresses.
# https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers
_LONGEST_LINK: Final = 7000
_NAMED_IN_THE_LIST: Final = 2  # Frameworks that are named though they are native
_MOST_NAMES: Final = 24  # Fields for names that the answer could do without
_NAME: Final = re.compile(r"(?<![\w.])(?!not\b)[^\W\d][\w.]*")
_LOOKED_UP: Final = re.compile(r"[\w.]\(|[\[\]'\"]")  # What a call gives, or a place in a list

# What is asked, and what it shows.
_EXAMPLES: Final = tuple(
    (
        Query(
            text=one.text,
            file=one.file or UNSET,
            to=(name,) if one.is_asked_of_it else UNSET,
            input=one.input or UNSET,
            style=one.style,
        ),
        one.question,
    )
    for name in sorted(framework_names(), key=canonical().name.__eq__)
    for one in convention(name).examples
)
# Calls alone come first.
EXAMPLES: Final = (
    *(each for each in _EXAMPLES if "\n" not in each[0].text),
    *(each for each in _EXAMPLES if "\n" in each[0].text),
)
EMPTY: Final = dict.fromkeys(("text", "file", "from", "to", "input", "weight", "style"), "")


class NameField(NamedTuple):
    """A name of the text, the value that it is given, and an example of one."""

    name: str
    value: str = ""
    example: str = ""


class Card(NamedTuple):
    """One framework's answer, and the fields of the form that would better it."""

    name: str
    title: str
    mark: Mark
    translation: Mapping[str, Any]
    fields: tuple[str, ...] = ()


class Answered(NamedTuple):
    """Calls that are alike, and what every framework makes of them."""

    id: str  # Of the first of several, and before the frameworks'; empty for one call alone
    places: str
    names: str
    words: str
    size: str  # The rule of the output's size
    example: str  # A case to run
    origin: str
    look_up: Mapping[str, Any]
    cards: Sequence[Card]


class Support(NamedTuple):
    """A mark in the list: a framework and how it expresses a call, or those that need no words."""

    mark: Mark
    words: str


class Listed(NamedTuple):
    """A row of the list of calls, the id of its answer, and its supports."""

    row: Row
    answer: str
    supports: Sequence[Support]


def answered(every: Sequence[Answer], document: Document | None, asked: Asked) -> dict[str, Any]:
    """Return the page's part for the answers, its title, and what of a file goes on as text."""
    name_fields = _name_fields(every, asked)
    every = [worded(each, on_page) for each in every]
    own = kept(asked)
    text = own["kept"]["text"] if own else asked.text
    query = asked.query(text) if text else None
    single = len(every) == 1
    found = [
        _answered("" if single else f"call-{number}", same, document)
        for number, same in enumerate(alike(every), 1)
        if isinstance(same[0], LookUp)
    ]
    shown = found[0].words if single else f"{len(every)} calls"
    if not single and document:
        shown += f" in {document.name}"
    function = query and msgspec.structs.replace(query, style="function")
    values = {
        "answers": found,
        "list": [] if single else _listed(every, document),
        "is_model": document is not None and document.is_model,
        "title": shown,
        "refusals": sum(not isinstance(each, LookUp) for each in every),
        "names": name_fields,
        "permalink": query and permalink(query),
        "as_function": function and query and query.style == "layer" and permalink(function),
        "text": text,
    }
    return {"html": rendered(values), "title": shown} | own


def refused(refusal: RefusedError, given: Sequence[tuple[str, str]]) -> str:
    """Write the page's part for what is wrong, with a field for each name that has a value."""
    fields = {name: NameField(name, value) for name, value in given}
    for name, example in refusal.names:
        fields.setdefault(name, NameField(name, "", example))
    values = {"error": refusal, "names": list(fields.values())}
    return rendered(values)


def rendered(values: Mapping[str, Any]) -> str:
    """Write the page's part below the form."""
    nothing: dict[str, Any] = {"answers": [], "error": None, "names": [], "list": []}
    return _templates().get_template("answer.html").render(nothing | dict(values))


@cache
def _templates() -> Environment:
    templates = pages.environment("serve")
    # A page is at the top, and links are relative: the service may live below any path.
    templates.globals |= {"root": "", "marks": SUPPORTS}
    return templates


def kept(asked: Asked) -> dict[str, Any]:
    """Return what of an uploaded file goes on as the form's text: what can be typed.

    Of a notebook these are its cells without their pictures.
    """
    if asked.content is None or not asked.for_page:
        return {}
    text = asked.content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if PurePath(asked.name).suffix.lower() == ".ipynb":
        text = _cells_alone(text) or text
    if len(text) > MAX_TEXT or "\0" in text or text.count("\ufffd") > len(text) // 10:
        return {}
    return {"kept": {"text": text, "file": asked.name}}


def _cells_alone(text: str) -> str:
    """Return a notebook without what its cells have put out; empty where it is none."""
    try:
        cells = json.loads(text)["cells"]
        own = [{key: cell[key] for key in ("cell_type", "source")} for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return json.dumps({"cells": own}, indent=1, ensure_ascii=False)


def _answered(number: str, same: Sequence[Answer], document: Document | None) -> Answered:
    first = same[0]
    assert isinstance(first, LookUp)
    look_up = first.to_json()
    return Answered(
        number,
        places(same, document) if number or document else "",
        names(same),
        in_names(in_words(first.reading.operator)),
        in_names(size_line(first)),
        first.example,
        _origin(look_up),
        look_up,
        cards(look_up),
    )


def _listed(every: Sequence[Answer], document: Document | None) -> list[Listed]:
    numbers = {id(one): n for n, same in enumerate(alike(every), 1) for one in same}
    return [
        Listed(row, f"call-{numbers[id(one)]}", _supports(row.supports))
        for one, row in zip(every, rows(every, document), strict=True)
    ]


def _supports(by_framework: Mapping[str, str]) -> list[Support]:
    """Sum up what most frameworks do, and name those that do otherwise.

    >>> [each.words for each in _supports(dict.fromkeys(framework_names(), "native"))][0][-7:]
    ' native'
    """
    native = [name for name, support in by_framework.items() if support == "native"]
    named = {name: by_framework[name] for name in by_framework if name not in native}
    if len(native) <= _NAMED_IN_THE_LIST:
        native, named = [], dict(by_framework)
    summed = [Support(SUPPORTS["native"], f"{len(native)} native")] if native else []
    return [*summed, *(Support(SUPPORTS[how], f"{title(n)} {how}") for n, how in named.items())]


def cards(look_up: Mapping[str, Any]) -> list[Card]:
    """Return the answers in the order of the page: our own implementation last."""
    translations: dict[str, Any] = look_up["translations"]
    in_order = sorted(translations, key=canonical().name.__eq__)
    answers = {name: translations[name] for name in in_order}
    if problem := look_up.get(BENCHDNN):
        nothing = dict.fromkeys(("program", "gradient", "training", "weights"))
        answers[BENCHDNN] = nothing | problem | {"call": problem["problem"], "notes": []}
    # A problem of benchdnn holds the input's sizes.
    fields = {BENCHDNN: ("input",)} if look_up["input"] is None else {}
    return [
        Card(name, title(name), SUPPORTS[each["support"]], each, fields.get(name, ()))
        for name, each in answers.items()
    ]


def _name_fields(every: Sequence[Answer], asked: Asked) -> list[NameField]:
    """Return a field for each name that has a value, or could have one: first those that decide."""
    given = asked.options.values or {}
    fields = {name: NameField(name, written(value)) for name, value in given.items()}
    mentions = [mention for one in every for mention in _mentions(one)]
    for name, example in asked_names(mentions):
        fields.setdefault(name, NameField(name, "", example))
    for name in _open_names(every):
        if len(fields) >= _MOST_NAMES:
            break
        fields.setdefault(name, NameField(name))
    return list(fields.values())


def _mentions(one: Answer) -> Iterable[Mention]:
    """Return what an answer asks for, in whatever words."""
    if not isinstance(one, LookUp):
        return one.mentions
    reasons = (each.answer.reason for each in (*one.translations, *one.without_bias))
    return [mention for reason in reasons for mention in getattr(reason, "mentions", ())]


def asked_names(mentions: Iterable[Mention]) -> list[tuple[str, str]]:
    """Return the names whose values are asked for, each with an example.

    >>> asked_names([Mention(Ask.VALUE, "k=16", "add"), Mention(Ask.INPUT_SHAPE)])
    [('k', '16')]
    """
    pairs = [str(each.value).partition("=") for each in mentions if each.ask == Ask.VALUE]
    return list(dict.fromkeys((name, value) for name, _, value in pairs))


def _open_names(every: Sequence[Answer]) -> list[str]:
    """Return the names that stand in the answers, those in expressions too."""
    looks = [one for one in every if isinstance(one, LookUp)]
    whole = [name for one in looks for name in (*one.names, one.truth) if name not in one.unnamed]
    plain = [each for each in whole if not _LOOKED_UP.search(each)]
    return list(dict.fromkeys(name for each in plain for name in _NAME.findall(each)))


def choices() -> list[tuple[str, str]]:
    """Names and titles of the frameworks that a text may be of, as a form offers them."""
    own = [each.name for each in readable_conventions()]
    own = [*sorted(own, key=canonical().name.__eq__), BENCHDNN]
    return [(name, title(name)) for name in own]


def _origin(look_up: Mapping[str, Any]) -> str:
    """Whose call it was, and which."""
    framework, form = look_up["framework"], look_up["form"]
    if not framework:
        return "a descriptor" if form in {None, "descriptor"} else form
    return f"{title(framework)} {form or ''}".strip()


def permalink(query: Query) -> str | None:
    """The page's address with the query in it; none where that would be too long."""
    if len(query.text) > _LONGEST_LINK:
        return None
    link = f"?{urlencode(to_fields(query), errors='replace')}"
    return link if len(link) <= _LONGEST_LINK else None
