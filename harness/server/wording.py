"""How the page and the API name the inputs that a sentence mentions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention.registry import convention
from harness.core.errors import Ask, Mention
from harness.lookup import BENCHDNN, benchdnn

# The fields of a query, and what the form calls them.
_NAMES: Final[Mapping[Ask, tuple[str, str]]] = {
    Ask.INPUT_SHAPE: ("input", "Input shape"),
    Ask.WEIGHT_SHAPE: ("weight", "Weights' shape"),
    Ask.FRAMEWORK: ("from", "Whose call it is"),
    Ask.TARGET: ("to", "Answer for"),
    Ask.STYLE: ("style", "Written as"),
    Ask.VALUE: ("set", "Names in the text"),
}
FIELDS: Final = {ask: field for ask, (field, _) in _NAMES.items()}


def in_json(mention: Mention) -> str:
    """Word a mention as ``deconform translate`` does, whose options are the API's fields.

    >>> in_json(Mention(Ask.INPUT_SHAPE, (1, 64, 16, 16), "add")).split()[-1]
    '1,64,16,16'
    """
    return mention.naming(f"--{FIELDS[mention.ask]}")


def on_page(mention: Mention) -> str:
    """Word a mention as a field of the form.

    >>> on_page(Mention(Ask.FRAMEWORK, "mxnet", "add"))
    'choose "Whose call it is": MXNet'
    """
    label, value = f'"{_NAMES[mention.ask][1]}"', mention.shown_value
    if mention.ask == Ask.VALUE:
        value = value.replace("=", " = ", 1)
        # The first of several asks for all of them.
        return f"fill in {label}, such as {value}" if mention.verb else f"and {value}"
    if mention.ask in {Ask.INPUT_SHAPE, Ask.WEIGHT_SHAPE}:
        if not mention.verb:
            return value or label
        return f"fill in {label}" + (f", such as {value}," if value else "")
    if value:
        label += f": a {value}" if mention.ask == Ask.STYLE else f": {title(value)}"
    return f"choose {label}" if mention.verb else label


def title(name: str) -> str:
    """Return a framework's name for people."""
    return benchdnn.TITLE if name == BENCHDNN else convention(name).title
