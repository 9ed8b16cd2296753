"""Files that hold code, as one text each whose lines are found again in the file."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.core.errors import InputError
from harness.syntax.tree import MAX_TEXT

_MOST_BYTES: Final = 2**26  # Of a file; a notebook may hold pictures
_FENCE: Final = re.compile(r" {0,12}(`{3,}|~{3,})[ \t{.]*([\w+-]*)")
_CODE: Final = {"", "py", "python", "python3", "ipython", "pycon", "matlab", "octave", "m"}
_CODES: Final = _CODE | {"wolfram", "wl", "mathematica", "wls"}
# What a notebook's own shell reads: ``%matplotlib inline``, ``!pip install``, ``%%time``.
_MAGIC: Final = re.compile(r"\s*[%!]")


@dataclass(frozen=True)
class Document:
    """The code of a file."""

    name: str  # As it was given
    text: str
    cells: tuple[int, ...] = ()  # Of a notebook, the lines of the text that its cells begin in

    def place(self, line: int) -> str:
        """Return where a line of the text is, such as ``model.py:12``."""
        cell, inner = self.cell_of(line)
        return f"{self.name}:{inner}" if cell is None else f"{self.name}:cell {cell}:{inner}"

    def cell_of(self, line: int) -> tuple[int | None, int]:
        """Return the cell that holds a line of the text, from 1, and the line in there."""
        begun = [first for first in self.cells if first <= line]
        return (len(begun), line - begun[-1] + 1) if begun else (None, line)


def read_document(path: Path, name: str) -> Document:
    """Read the code of a file: of a notebook its cells, of Markdown its blocks of code.

    Raises
    ------
    InputError
        Where it cannot be read, is too large, or is no text.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from None
    if len(content) > _MOST_BYTES:
        raise InputError(f"{name} has more than {_MOST_BYTES >> 20} MiB.")
    if b"\0" in content[:1024]:
        raise InputError(f"{name} is no text: give a file of code.")
    read = _READERS.get(path.suffix.lower(), _plain)
    document = read(name, content.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
    if len(document.text) > MAX_TEXT:
        raise InputError(
            f"{name} holds {len(document.text)} characters of code; {MAX_TEXT} are allowed."
        )
    return document


def _plain(name: str, text: str) -> Document:
    return Document(name, text)


def _markdown(name: str, text: str) -> Document:
    """Blocks of code where they stand, and empty lines for everything else."""
    lines: list[str] = []
    block: list[str] = []
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if not fence and match and match[2].lower() in _CODES:
            fence, block = match[1], []
            lines.append("")
        elif fence and line.strip().startswith(fence):
            lines += [*textwrap.dedent("\n".join(block)).split("\n")][: len(block)]
            lines.append("")
            fence = ""
        elif fence:
            block.append(line)
        else:
            lines.append("")
    lines += block if fence else []
    return Document(name, "\n".join(lines))


def _notebook(name: str, text: str) -> Document:
    """The cells of code, one below another."""
    try:
        cells = list(_code_cells(json.loads(text)))
    except (ValueError, RecursionError, TypeError, AttributeError):
        raise InputError(f"{name} is no notebook: it is not what Jupyter writes.") from None
    lines: list[str] = []
    begins: list[int] = []
    for cell in cells:
        begins.append(len(lines) + 1)
        lines += ["" if _MAGIC.match(line) else line for line in cell.split("\n")]
    return Document(name, "\n".join(lines), tuple(begins))


def _code_cells(notebook: Any) -> Iterator[str]:
    """Yield the source of every cell, empty for one that is not code, so that they are counted."""
    cells = notebook.get("cells") or [
        cell for sheet in notebook.get("worksheets", []) for cell in sheet["cells"]
    ]
    for cell in cells:
        source = cell.get("source", cell.get("input", ""))
        is_code = cell.get("cell_type") == "code"
        yield "".join(source) if is_code else ""


_READERS: Final[dict[str, Callable[[str, str], Document]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".ipynb": _notebook,
}
