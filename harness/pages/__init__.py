"""Templates, style sheet and scripts of the pages that people look at in a browser.

All templates escape what they are given: reports and texts that visitors paste are untrusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.core.errors import InputError

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER: Final = Path(__file__).parent


class Mark(NamedTuple):
    """A class of the style sheet, and a sign next to the colour."""

    kind: str
    sign: str


# How a framework expresses a case; the last two are for what the definition forbids.
SUPPORTS: Final = {
    "native": Mark("good", "\u25cf"),
    "rewritten": Mark("change", "\u25d0"),
    "unsupported": Mark("none", "\u25cb"),
    "rejected": Mark("good", "\u2298"),
    "accepted": Mark("known", "!"),
}


def environment(extra: str = "dashboard") -> Environment:
    """Return the renderer of the templates; the ``extra`` brings its library along.

    Raises
    ------
    InputError
        If Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(f'pages need {error.name}: pip install "deconform[{extra}]"') from None
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
