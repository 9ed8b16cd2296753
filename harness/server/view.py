"""What the look-up's page shows, from the very object that the API answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from msgspec import UNSET

from harness.convention.registry import canonical, convention, distinct_conventions, framework_names
from harness.lookup import BENCHDNN
from harness.pages import SUPPORTS, Mark
from harness.server.query import to_fields
from harness.server.schema import MAX_TEXT, Query
from harness.server.wording import title

# Proxies cut or refuse longer addresses.
# https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers
_LONGEST_LINK: Final = 7000

LONGEST: Final = MAX_TEXT
EMPTY: Final = dict.fromkeys(("text", "from", "to", "input", "weight", "style"), "")

# What is asked, and what it shows.
EXAMPLES: Final = tuple(
    (Query(one.text, UNSET, to, one.input or UNSET, style=one.style), one.question)
    for name in framework_names()
    for one in convention(name).examples
    for to in [(name,) if one.is_asked_of_it else UNSET]
)


class Card(NamedTuple):
    """One framework's answer, and the fields of the form that would better it."""

    name: str
    title: str
    mark: Mark
    translation: Mapping[str, Any]
    fields: tuple[str, ...] = ()


def cards(look_up: Mapping[str, Any]) -> list[Card]:
    """Return the answers in the order of the page: our own implementation last."""
    translations: dict[str, Any] = look_up["translations"]
    names = sorted(translations, key=canonical().name.__eq__)
    answers = {name: translations[name] for name in names}
    if problem := look_up.get(BENCHDNN):
        nothing = dict.fromkeys(("program", "gradient", "training", "weights"))
        answers[BENCHDNN] = nothing | problem | {"call": problem["problem"], "notes": []}
    # A problem of benchdnn holds the input's sizes.
    fields = {BENCHDNN: ("input",)} if look_up["input"] is None else {}
    return [
        Card(name, title(name), SUPPORTS[each["support"]], each, fields.get(name, ()))
        for name, each in answers.items()
    ]


def choices() -> list[tuple[str, str]]:
    """Names and titles of the frameworks that a text may be of, as a form offers them."""
    names = [each.name for each in distinct_conventions()]
    names = [*sorted(names, key=canonical().name.__eq__), BENCHDNN]
    return [(name, title(name)) for name in names]


def origin(look_up: Mapping[str, Any]) -> str:
    """Whose call it was, and which."""
    framework, form = look_up["framework"], look_up["form"]
    return f"{title(framework)} {form or ''}".strip() if framework else "a descriptor"


def permalink(query: Query) -> str | None:
    """The page's address with the query in it; none where that would be too long."""
    link = f"?{urlencode(to_fields(query))}"
    return link if len(link) <= _LONGEST_LINK else None
