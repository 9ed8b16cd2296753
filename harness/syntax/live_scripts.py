"""MATLAB's live scripts: the code in them, one paragraph below another.

https://www.mathworks.com/help/matlab/matlab_prog/live-script-file-format.html
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final
from xml.parsers import expat

_MEMBER: Final = "matlab/document.xml"
_MOST_CHARACTERS: Final = 2**24
_WORDS: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_DEEPEST: Final = 100


def code_of(content: bytes) -> str:
    """Return the lines of code of a live script, as the editor numbers them.

    Raises
    ------
    ValueError
        Where it is none, is too large when unpacked, or declares entities of its own.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(_MEMBER) as stream:
            document = stream.read(_MOST_CHARACTERS + 1)
    except (zipfile.BadZipFile, KeyError, zlib.error, EOFError, RuntimeError):
        # Of an encrypted member a RuntimeError, of other methods a NotImplementedError, its kind.
        raise ValueError("it is not what MATLAB's Live Editor saves") from None
    if len(document) > _MOST_CHARACTERS:
        raise ValueError(f"its text has more than {_MOST_CHARACTERS >> 20} MiB")
    paragraphs = _Paragraphs()
    try:
        paragraphs.read(document)
    except expat.ExpatError as error:
        raise ValueError(f"its text is no XML: {expat.ErrorString(error.code)}") from None
    return "\n".join(paragraphs.code)


class _Paragraphs:
    """Keeps the text of the paragraphs whose style is that of code."""

    def __init__(self) -> None:
        self.code: list[str] = []
        self._text: list[str] = []
        self._path: list[str] = []
        self._is_code = False

    def read(self, document: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._keep
        # Entities, which may grow without bounds or name files, are declared in a DTD only.
        parser.StartDoctypeDeclHandler = _refuse
        parser.Parse(document, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.removeprefix(_WORDS)
        self._path.append(name)
        if len(self._path) > _DEEPEST:
            raise ValueError(f"its text is nested more than {_DEEPEST} deep")
        if name == "p":
            self._text, self._is_code = [], False
        elif name == "pStyle":
            self._is_code = attributes.get(f"{_WORDS}val") == "code"

    def _end(self, tag: str) -> None:
        self._path.pop()
        if tag == f"{_WORDS}p" and self._is_code:
            self.code += "".join(self._text).split("\n")
            self._is_code = False

    def _keep(self, text: str) -> None:
        if self._path[-1:] == ["t"]:
            self._text.append(text)


def _refuse(*declaration: object) -> None:
    del declaration
    raise ValueError("it declares a document type of its own, which no live script does")
