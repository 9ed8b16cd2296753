"""Transposed convolutions that code names and does not call: their calls are somewhere else.

``self.up = nn.ConvTranspose3d if is_3d else nn.ConvTranspose2d`` hands a class on; what it is
called with is not in the text, so that no answer can be given, and somebody should know.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

# What asks of a layer which one it is.
_TESTS: Final = {"isinstance", "issubclass"}
# What is no code, by a file's suffix: comments, and texts in quotes.
_WOLFRAM: Final = r"\(\*.*?(?:\*\)|\Z)|\"[^\"]*(?:\"|\Z)"
_MATLAB: Final = r"%[^\n]*|'[^'\n]*'|\"[^\"\n]*\""
_NO_CODE: Final = {
    **dict.fromkeys((".wl", ".wls", ".nb"), _WOLFRAM),
    ".mlx": _MATLAB,
    ".m": rf"{_MATLAB}|{_WOLFRAM}",
}


class Naming(NamedTuple):
    """A name in code, and its line."""

    name: str
    line: int


def named_only(text: str, suffix: str, names: re.Pattern[str]) -> list[Naming]:
    r"""Find names in code that nothing calls there, each once, where it comes first.

    >>> text = "import nn\nup = nn.Up if True else nn.Other\nassert isinstance(up, nn.Down)"
    >>> named_only(text, ".py", re.compile("Up|Down"))
    [Naming(name='nn.Up', line=2)]
    """
    if suffix in _NO_CODE:
        found = _in_text(re.sub(_NO_CODE[suffix], _blank, text, flags=re.DOTALL), names)
    else:
        found = _in_python(text, names)
    first: dict[str, Naming] = {}
    for naming in sorted(found, key=lambda each: each.line):
        first.setdefault(naming.name, naming)
    return [*first.values()]


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _in_text(text: str, names: re.Pattern[str]) -> Iterator[Naming]:
    for match in re.finditer(r"[^\W\d][\w.]*", text):
        if names.fullmatch(match[0].rpartition(".")[2]):
            yield Naming(match[0], text.count("\n", 0, match.start()) + 1)


def _in_python(text: str, names: re.Pattern[str]) -> Iterator[Naming]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # What is no Python has no names of it
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Call) and _last(node.func) in _TESTS:
            continue
        if isinstance(node, ast.Name | ast.Attribute) and names.fullmatch(_last(node)):
            if isinstance(node.ctx, ast.Load):
                yield Naming(ast.unparse(node) if _is_dotted(node) else _last(node), node.lineno)
            continue
        types = {id(getattr(node, name, None)) for name in ("annotation", "returns")}
        inner = [each for each in ast.iter_child_nodes(node) if id(each) not in types]
        left += reversed(inner)


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_dotted(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
