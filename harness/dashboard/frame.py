"""The folder that a dashboard is written into, and the frame of its pages."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness import pages
from harness.convention.registry import convention, is_framework
from harness.core.errors import InputError
from harness.core.files import contents, whole_folder
from harness.records.status import Status

if TYPE_CHECKING:
    from jinja2 import Environment

# Marks a folder as ours: its contents may be replaced.
_SIGNATURE: Final = ".deconform-dashboard"
_PARTS: Final = ("cases", "suites", "data", "badges")
_FILES: Final = (
    *("style.css", "service.css", "icon.svg", "dashboard.js", "start.js", "index_of_cases.js"),
    *("parameters.js", "layers.js", "case.js", "charts.js", "benchmarks.js", "history.js"),
)


@dataclass(frozen=True)
class Site:
    """A folder of pages that share a frame."""

    folder: Path
    origin: str  # Where the pages come from, in a line for their footer
    pages: Sequence[tuple[str, str]]  # What each of them links to

    def page(self, template: str, address: str = "", **content: Any) -> None:
        """Write a page, by default under its template's name."""
        address = address or template
        root = "../" * address.count("/")
        frame = {"root": root, "pages": self.pages, "current": address, "origin": self.origin}
        self.write(address, _templates().get_template(template).render(frame | content))

    @cached_property
    def plotly_style(self) -> str:
        """The id of an element that keeps plotly.js from adding the style of its maps.

        We have no maps, and the pages' policy refuses styles that are not files.
        """
        library = (self.folder / "plotly.min.js").read_bytes()
        match = re.search(rb'getElementById\("([0-9a-f]{64})"\)', library)
        return match[1].decode() if match else ""

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
    templates = pages.environment()
    # A template that is imported, and kept, sees nothing else.
    kinds = {"statuses": Status.__members__, "supports": pages.SUPPORTS}
    templates.globals |= {"kinds": kinds, "title": title}
    # Jinja2's own stops at half a character, which a report's JSON may hold.
    templates.filters["urlencode"] = partial(quote, errors="replace")
    return templates


@contextmanager
def dashboard_folder(folder: Path, *, charts: bool) -> Iterator[Path]:
    """Fill a folder with what every dashboard has; an earlier dashboard stays until it is whole.

    Raises
    ------
    InputError
        If anything else is in it, or plotly is not installed and there are charts.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder for the dashboard.")
    if folder.is_dir() and contents(folder) and not (folder / _SIGNATURE).is_file():
        raise InputError(f"{folder} holds something else than a dashboard; give an empty folder.")
    plotly = _plotly() if charts else None
    stale = ("*.html", "*.js", *(f"{part}/*" for part in _PARTS))
    with whole_folder(folder, stale) as new:
        for part in _PARTS:
            (new / part).mkdir()
        (new / _SIGNATURE).write_text("")
        for name in _FILES:
            shutil.copyfile(pages.FOLDER / name, new / name)
        if plotly:
            shutil.copyfile(plotly, new / "plotly.min.js")
        yield new


def _plotly() -> Path:
    """Find the library as its Python distribution ships it."""
    try:
        import plotly  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise InputError(f'charts need {error.name}: pip install "deconform[dashboard]"') from None
    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


_UNSAFE: Final = re.compile(r"[^a-z0-9.-]+")
_LONGEST: Final = 80
# Windows reserves these for devices, whatever follows the first dot.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
# What the name of another file may end in.
_CHANGED: Final = re.compile(r"\.[0-9a-f]{12}$")


def file_name(name: str) -> str:
    """Write a name so that any file system and any URL takes it as one part of a path.

    The same name always gives the same file, so that links to it last.  What had to be changed is
    followed by a part of its SHA-256, so that no two names share a file.

    >>> file_name("edge/sizes/batch-0"), file_name("pytorch")
    ('edge_sizes_batch-0', 'pytorch')
    >>> file_name("../../etc/passwd")
    'etc_passwd.3754d6cb3a38'
    """
    parts = [_UNSAFE.sub("-", part.lower()).strip(".-") for part in name.split("/")]
    readable = "_".join(part for part in parts if part)[:_LONGEST]
    safe = readable.replace("_", "/") == name != ""
    if safe and not _DEVICES.match(readable) and not _CHANGED.search(readable):
        return readable
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{readable or 'x'}.{digest[:12]}"


def anchor(limitation: str) -> str:
    """Where a limitation is on its page.

    >>> anchor("chainer-dilate-zero")
    'limitation-chainer-dilate-zero'
    """
    return f"limitation-{file_name(limitation)}"


def packed(name: str, value: Any) -> str:
    """Write a value so that ``deconform.take(name)`` gives it to a page's script.

    >>> packed("it", {"a": 1}).partition('", "')[0]
    'deconform.put("it'
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    # Without a date inside, equal data make equal files.
    data = base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode("ascii")
    return f'deconform.put({json.dumps(name)}, "{data}");\n'


def title(framework: str) -> str:
    """Return a framework's own name, or the report's name of one that we do not know."""
    return convention(framework).title if is_framework(framework) else framework
