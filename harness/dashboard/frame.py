"""The folder that a dashboard is written into, and the frame of its pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness import pages
from harness.core.errors import InputError
from harness.dashboard.packing import packed
from harness.records.status import Status

if TYPE_CHECKING:
    from jinja2 import Environment

# Says that a folder is ours: what stands in it may be replaced.
_SIGNATURE: Final = ".deconform-dashboard"
_PARTS: Final = ("cases", "suites", "data", "badges")
_FILES: Final = (
    *("style.css", "service.css", "icon.svg", "dashboard.js", "start.js", "index_of_cases.js"),
    *("parameters.js", "layers.js", "case.js", "charts.js", "benchmarks.js", "history.js"),
)


@dataclass(frozen=True)
class Kinds:
    """The statuses; for support a class of the style sheet, and a sign next to the colour."""

    statuses: Mapping[str, Status]
    supports: Mapping[str, tuple[str, str]]


KINDS: Final = Kinds(
    Status.__members__,
    {
        "native": ("good", "\u25cf"),
        "rewritten": ("change", "\u25d0"),
        "unsupported": ("none", "\u25cb"),
        "rejected": ("good", "\u2298"),
        "accepted": ("known", "!"),
    },
)


@dataclass(frozen=True)
class Site:
    """A folder of pages that share a frame.

    Attributes
    ----------
    folder : Path
    origin : str
        What the pages were made from, in a line for their foot.
    pages : sequence of (address, text)
        What each of them links to.
    titles : mapping of str to str
        The frameworks' own names.
    """

    folder: Path
    origin: str
    pages: Sequence[tuple[str, str]]
    titles: Mapping[str, str]

    def page(self, template: str, address: str, **content: Any) -> None:
        """Write a page."""
        text = (
            _templates()
            .get_template(template)
            .render(
                root="../" * address.count("/"),
                pages=self.pages,
                current=address,
                origin=self.origin,
                titles=self.titles,
                **content,
            )
        )
        self.write(address, text)

    @cached_property
    def plotly_style(self) -> str:
        """The id of an element that keeps plotly.js from adding the style of its maps.

        We have no maps, and the pages' policy refuses styles that are not files.
        """
        found = re.search(rb'getElementById\("([0-9a-f]{64})"\)', self._plotly.read_bytes())
        return found[1].decode() if found else ""

    @property
    def _plotly(self) -> Path:
        return self.folder / "plotly.min.js"

    def data(self, name: str, value: Any) -> str:
        """Write what scripts ask for as ``name``; return its address."""
        address = f"data/{name}.js"
        self.write(address, packed(name, value))
        return address

    def write(self, address: str, text: str) -> None:
        """Write a file."""
        # A report's strings may hold halves of characters, which no encoding has.
        (self.folder / address).write_text(text, encoding="utf-8", errors="replace")


@cache
def _templates() -> Environment:
    made = pages.environment()
    # A template that is imported, and kept, sees nothing else.
    made.globals["kinds"] = KINDS
    # Jinja2's own stops at half a character, which a report's JSON may hold.
    made.filters["urlencode"] = partial(quote, errors="replace")
    return made


def prepare(folder: Path, *, charts: bool) -> None:
    """Make the folder, or empty one that an earlier dashboard was written into.

    Raises
    ------
    InputError
        If anything else is in it, or plotly is not installed and there are charts.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the dashboard.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _SIGNATURE).is_file():
        raise InputError(f"{folder} holds something else than a dashboard; give an empty folder.")
    plotly = _plotly() if charts else None
    for part in _PARTS:
        if (folder / part).is_dir():
            shutil.rmtree(folder / part)
    for part in _PARTS:
        (folder / part).mkdir(parents=True)
    for old in (*folder.glob("*.html"), *folder.glob("*.js")):
        old.unlink()
    (folder / _SIGNATURE).write_text("")
    for name in _FILES:
        shutil.copyfile(pages.FOLDER / name, folder / name)
    if plotly:
        shutil.copyfile(plotly, folder / "plotly.min.js")


def _plotly() -> Path:
    """Find the library as its Python distribution ships it."""
    try:
        import plotly  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise InputError(f'charts need {error.name}: pip install "deconform[dashboard]"') from None
    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
