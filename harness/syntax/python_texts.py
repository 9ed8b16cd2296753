"""Texts that Python puts together: ``f"up{i}"``, ``"up%d" % i``, ``"up{}".format(i)``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import chain, zip_longest
from typing import Final, TypeAlias

# A part: what stands there, or the expression whose value does.
Part: TypeAlias = "str | ast.expr"
_LONGEST: Final = 80  # That is put together of several
_MOST_PARTS: Final = 8
_PERCENT: Final = re.compile(r"%[ds]")
_BRACES: Final = re.compile(r"\{\}")
_ODD: Final = re.compile(r"[%{}]")


def parts_of(node: ast.expr) -> tuple[Part, ...] | None:
    """Return the parts of a text that is put together; ``None`` of anything else.

    >>> def shown(text):
    ...     parts = parts_of(ast.parse(text, mode="eval").body)
    ...     return parts and [part if type(part) is str else ast.unparse(part) for part in parts]
    >>> shown('f"Conv{rank}d"'), shown('"Conv%dd" % rank'), shown('"Conv" + str(rank) + "d"')
    (['Conv', 'rank', 'd'], ['Conv', 'rank', 'd'], ['Conv', 'rank', 'd'])
    >>> shown('"Conv{}{}".format(rank, "d")'), shown('f"{rank:02d}"'), shown("one + other")
    (['Conv', 'rank', 'd'], None, None)
    """
    parts = _parts(node)
    if parts is None or len(parts) > _MOST_PARTS:
        return None
    if isinstance(node, ast.BinOp) and not any(isinstance(part, str) for part in parts):
        return None
    return parts


def put_together(node: ast.expr, value: Callable[[ast.expr], object]) -> str | None:
    """Return the text that whole numbers and short texts give; ``None`` where any part is open."""
    text = ""
    for part in parts_of(node) or ():
        known = part if isinstance(part, str) else value(part)
        if type(known) not in {int, str} or len(text) > _LONGEST:
            return None
        text += str(known)[:_LONGEST]
    return text or None


def names_by_rank(node: ast.expr, value: Callable[[ast.expr], object]) -> list[str]:
    """Return what ``f"ConvTranspose{rank}d"`` is for each rank, where that alone is open.

    >>> names_by_rank(ast.parse('f"Conv{rank}d"', mode="eval").body, lambda part: part)
    ['Conv1d', 'Conv2d', 'Conv3d']
    """
    known = [part if isinstance(part, str) else value(part) for part in parts_of(node) or ()]
    if [type(each) in {int, str} for each in known].count(False) != 1:
        return []
    return [
        "".join(str(each if type(each) in {int, str} else rank) for each in known)
        for rank in (1, 2, 3)
    ]


def _parts(node: ast.expr) -> tuple[Part, ...] | None:
    match node:
        case ast.Constant(str(text)):
            return (text,) if text else ()
        case ast.JoinedStr(pieces):
            return _joined(list(map(_of_piece, pieces)))
        case ast.BinOp(left, ast.Add(), right):
            return _joined([_parts(left), _parts(right)])
        case ast.BinOp(ast.Constant(str(text)), ast.Mod(), given):
            values = given.elts if isinstance(given, ast.Tuple) else [given]
            return _filled(_PERCENT.split(text), values)
        case ast.Call(ast.Attribute(ast.Constant(str(text)), "format"), values, []):
            return _filled(_BRACES.split(text), values)
        case ast.Call(ast.Name("str"), [inner], []):
            return (inner,)
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return (node,)
    return None


def _of_piece(node: ast.expr) -> tuple[Part, ...] | None:
    match node:
        case ast.Constant(str(text)):
            return (text,)
        case ast.FormattedValue(ast.Constant(str(text)), -1, None):
            return (text,)
        case ast.FormattedValue(value, -1, None):
            return (value,)
    return None


def _filled(pieces: list[str], values: list[ast.expr]) -> tuple[Part, ...] | None:
    """Pieces of a text with values between them."""
    if len(pieces) != len(values) + 1 or any(map(_ODD.search, pieces)):
        return None
    inner = [_parts(each) or (each,) for each in values]
    return tuple(chain.from_iterable(_alternating(pieces, inner)))


def _alternating(pieces: list[str], values: list[tuple[Part, ...]]) -> Iterator[tuple[Part, ...]]:
    for piece, value in zip_longest(pieces, values, fillvalue=()):
        yield (piece,) if isinstance(piece, str) and piece else ()
        yield value if isinstance(value, tuple) else ()


def _joined(all_parts: list[tuple[Part, ...] | None]) -> tuple[Part, ...] | None:
    joined: tuple[Part, ...] = ()
    for parts in all_parts:
        if parts is None:
            return None
        joined += parts
    return joined
