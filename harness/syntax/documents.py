"""Files that hold code, as one text each whose lines are found again in the file."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

from harness.core.errors import InputError
from harness.syntax.tree import MAX_TEXT

_MOST_BYTES: Final = 2**26  # Of a file; a notebook may hold pictures
_FENCE: Final = re.compile(r" {0,12}(`{3,}|~{3,})[ \t{.]*([\w+-]*)")
# The languages of blocks by what follows their fences; a block that names none is code, too.
_LANGUAGES: Final = {
    **dict.fromkeys(("py", "python", "python3", "ipython", "pycon"), "python"),
    **dict.fromkeys(("matlab", "octave", "m"), "matlab"),
    **dict.fromkeys(("wolfram", "wl", "mathematica", "wls"), "wolfram"),
}
# Tabs, of which a reader sees one: ``#@tab mxnet, pytorch`` in the first line of a block, as in
# https://d2l.ai; ``=== "PyTorch"`` above blocks that are further in, as in MkDocs; MDX's elements.
_TAB_OF_BLOCK: Final = re.compile(r"\s*(?:#@|%%)tab\s+([\w-]+(?:\s*,\s*[\w-]+)*)\s*$")
_TAB: Final = re.compile(r"""( {0,12})===[!+]? +"([^"]{1,80})"\s*$""")
_TAB_ELEMENT: Final = re.compile(
    r"""\s*<(?:TabItem|hfoption)\b[^>]*?\b(?:value|id)=["']([^"']{1,80})["']"""
)
_TAB_END: Final = re.compile(r"\s*</(?:TabItem|hfoption)>")
_MOST_TABS: Final = 8  # That are read each on its own
# What a notebook's own shell reads: ``%matplotlib inline``, ``!pip install``, ``%%time``.
_MAGIC: Final = re.compile(r"\s*[%!]")
# What a file is that holds no lines of text, by its first bytes.
_MOST_OF_A_HEAD: Final = 1024
_KINDS: Final = {
    b"%PDF": "a PDF document",
    b"PK\3\4": "a packed folder (ZIP)",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\xd0\xcf\x11\xe0": "a document of an old Microsoft Office",
    b"\x1f\x8b": "a packed file (gzip)",
    b"\x7fELF": "a program",
    b"\x89HDF": "a file of arrays (HDF5)",
    b"MATLAB 5.0": "a file of arrays (MATLAB)",
}
# And a packed folder, by the names in it.
_PACKED: Final = {
    b"word/document.xml": "a Word document",
    b"xl/workbook.xml": "an Excel workbook",
    b"ppt/presentation.xml": "a PowerPoint presentation",
    b"matlab/document.xml": "a live script of MATLAB, whose name ends in .mlx",
}


# How the names of files with code end.
CODE_SUFFIXES: Final = frozenset(
    (".py", ".ipynb", ".m", ".mlx", ".wl", ".wls", ".nb", ".md", ".markdown", ".txt")
)


@dataclass(frozen=True)
class Document:
    """The code of a file, or a model, whose nodes have names in the place of lines."""

    name: str  # As it was given
    text: str
    cells: tuple[int, ...] = ()  # Of a notebook, the lines of the text that its cells begin in
    is_model: bool = False
    # Of code in several languages, or tabs, the text once for each, without that of the others.
    parts: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The text, or that of each language and tab."""
        return self.parts or (self.text,)

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

    Notebooks are Jupyter's and Wolfram's; of MATLAB's live scripts the code is read.

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
    return document_of(name, content)


def document_of(name: str, content: bytes, most: int = MAX_TEXT) -> Document:
    r"""Read the code of a file's content, of ``most`` characters, as :func:`read_document` does.

    >>> document_of("a.md", b"Text\n```\nf(1)\n```").text
    '\n\nf(1)\n'
    """
    if len(content) > _MOST_BYTES:
        raise InputError(f"{name} has more than {_MOST_BYTES >> 20} MiB.")
    suffix = PurePath(name).suffix.lower()
    if suffix == ".mlx":
        document = _live_script(name, content)
    else:
        _check_is_text(name, content)
        read = _READERS.get(suffix, _plain)
        document = read(name, content.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
    if len(document.text) > most:
        raise InputError(
            f"{name} holds {len(document.text)} characters of code; {most} are allowed."
        )
    return document


def _check_is_text(name: str, content: bytes) -> None:
    """Refuse what holds no lines of text, and say what it is."""
    begin = content[:_MOST_OF_A_HEAD]
    kind = next((kind for head, kind in _KINDS.items() if begin.startswith(head)), None)
    if kind is None and b"\0" not in begin:
        return
    if begin.startswith(b"PK\3\4"):
        kind = next((each for part, each in _PACKED.items() if part in content), kind)
    raise InputError(
        f"{name} is {kind or 'no text'}: give a file of code, or paste the call as text."
    )


def _plain(name: str, text: str) -> Document:
    return Document(name, text)


class _Block(NamedTuple):
    """A block of code in Markdown."""

    language: str | None  # None where its fence names none
    first: int  # Its first line, from 0
    lines: Sequence[str]
    tabs: frozenset[str] = frozenset()  # In which it is alone; none where it is in all


def _markdown(name: str, text: str) -> Document:
    """Blocks of code where they stand, and empty lines for everything else."""
    lines = text.split("\n")
    blocks = [*_blocks(lines)]
    languages = [*dict.fromkeys(filter(None, (block.language for block in blocks)))]
    of_languages = [[*_of_language(blocks, each)] for each in languages] or [blocks]
    parts = [_only(each, len(lines)) for part in of_languages for each in _in_tabs(part, len(text))]
    return Document(name, _only(blocks, len(lines)), parts=tuple(parts) if len(parts) > 1 else ())


def _in_tabs(blocks: Sequence[_Block], size: int) -> list[list[_Block]]:
    """The blocks of each tab with those of all; all together where that would be too much."""
    tabs = dict.fromkeys(tab for block in blocks for tab in sorted(block.tabs))
    if len(tabs) < 2 or len(tabs) > _MOST_TABS or len(tabs) * size > MAX_TEXT:
        return [[*blocks]]
    return [[block for block in blocks if not block.tabs or tab in block.tabs] for tab in tabs]


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    """Yield the blocks of code; other fences are followed, so that theirs end no other."""
    fence, language, first = "", "", 0
    tab: tuple[int, str] | None = None
    for number, line in enumerate([*lines, ""]):
        if not fence:
            tab = _tab_after(line, tab)
        match = _FENCE.match(line)
        if not fence and match:
            fence, language, first = match[1], match[2].lower(), number + 1
        elif fence and (line.strip().startswith(fence) or number == len(lines)):
            if language in {"", *_LANGUAGES}:
                code = textwrap.dedent("\n".join(lines[first:number])).split("\n")
                yield _block(_LANGUAGES.get(language), first, code[: number - first], tab)
            fence = ""


def _block(
    language: str | None, first: int, lines: list[str], around: tuple[int, str] | None
) -> _Block:
    """A block in the tabs that its first line names, else in the one around it."""
    names = [around[1]] if around else []
    if lines and (own := _TAB_OF_BLOCK.match(lines[0])):
        names, lines = re.split(r"\s*,\s*", own[1]), ["", *lines[1:]]
    return _Block(language, first, lines, frozenset() if "all" in names else frozenset(names))


def _tab_after(line: str, tab: tuple[int, str] | None) -> tuple[int, str] | None:
    """The tab that the lines below one are in, outside of blocks: how far in it is, its name."""
    if match := _TAB.match(line):
        return len(match[1]), match[2]
    if match := _TAB_ELEMENT.match(line):
        return -1, match[1]
    if tab is None or _TAB_END.match(line):
        return None
    is_outside = line.strip() and len(line) - len(line.lstrip()) <= tab[0]
    return None if is_outside else tab


def _of_language(blocks: Sequence[_Block], language: str) -> Iterator[_Block]:
    """Yield the blocks of a language; one that names none is in that of the block before it."""
    current = next(block.language for block in blocks if block.language)
    for block in blocks:
        current = block.language or current
        if current == language:
            yield block


def _only(blocks: Iterable[_Block], count: int) -> str:
    lines = [""] * count
    for block in blocks:
        lines[block.first : block.first + len(block.lines)] = block.lines
    return "\n".join(lines)


def _notebook(name: str, text: str) -> Document:
    """The cells of code, one below another."""
    try:
        cells = list(_code_cells(json.loads(text)))
    except (ValueError, RecursionError, TypeError, AttributeError):
        raise InputError(f"{name} is no notebook: it is not what Jupyter writes.") from None
    plain = ["\n".join("" if _MAGIC.match(x) else x for x in each.split("\n")) for each in cells]
    return _in_cells(name, plain)


def _wolfram_notebook(name: str, text: str) -> Document:
    """The cells of input, one below another."""
    from harness.syntax.wolfram_notebooks import cells_of  # noqa: PLC0415 -- few files are one

    try:
        return _in_cells(name, list(cells_of(text)))
    except ValueError as error:
        raise InputError(f"{name} is not read as a notebook: {error}.") from None


def _live_script(name: str, content: bytes) -> Document:
    from harness.syntax.live_scripts import code_of  # noqa: PLC0415 -- few files are one

    try:
        return Document(name, code_of(content))
    except ValueError as error:
        raise InputError(f"{name} is not read as a live script: {error}.") from None


def _in_cells(name: str, cells: Sequence[str]) -> Document:
    lines: list[str] = []
    begins: list[int] = []
    for cell in cells:
        begins.append(len(lines) + 1)
        lines += cell.split("\n")
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
    ".nb": _wolfram_notebook,
}
