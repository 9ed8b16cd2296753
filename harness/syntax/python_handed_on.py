"""Layers' classes that Python text hands on instead of calling them, so that no call shows."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from harness.syntax.python_changes import children, dotted, statements_in
from harness.syntax.python_texts import parts_of

_LIKELY: Final = re.compile(r"(?i)transpose|deconv")
_IMPORTS: Final = (ast.Import, ast.ImportFrom)
_TESTS: Final = {"isinstance", "issubclass", "super", "hasattr", "type"}


def handed_on(
    tree: ast.AST, names: Collection[str], lines: Sequence[str]
) -> Iterator[tuple[str, ast.expr]]:
    r"""Yield what is imported, has one of the names, and is a value but not called.

    Parameters
    ----------
    tree : ast.AST
        A whole module.
    names : collection of str
        Of functions and classes, without what stands before their last dot.
    lines : sequence of str
        Of the text that the module was parsed from.

    Examples
    --------
    >>> text = "from torch import nn\nlayer = nn.Up if deep else nn.Up(4)\nok = type(x) == nn.Up"
    >>> found = handed_on(ast.parse(text), {"Up"}, text.split("\n"))
    >>> [(name, node.lineno, node.col_offset) for name, node in found]
    [('nn.Up', 2, 8)]
    """
    imports = [each for each in statements_in(tree) if isinstance(each, _IMPORTS)]
    imported = {
        alias.asname or alias.name.partition(".")[0] for each in imports for alias in each.names
    }
    modules = {
        each.module.partition(".")[0]
        for each in imports
        if isinstance(each, ast.ImportFrom) and each.module
    }
    is_any = not all(map(_LIKELY.search, names))
    places = [place for place, line in enumerate(lines, 1) if is_any or _LIKELY.search(line)]
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt) and not _is_around(node, places):
            continue
        if isinstance(node, ast.Constant):
            # {"_target_": "torch.nn.ConvTranspose2d", ...}, which something makes of its name.
            if isinstance(node.value, str) and _is_path(node.value, names, imported | modules):
                yield node.value, node
            continue
        name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else _got(node, names)
        if not name:
            pending += _values(node)
            continue
        root, last = name.split(".")[0], name.split(".")[-1]
        is_value = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        is_one = last in names or isinstance(node, ast.Call)
        if isinstance(node, ast.expr) and is_value and is_one and root in imported:
            yield name, node


def _is_around(node: ast.stmt, places: Sequence[int]) -> bool:
    """Whether any of some lines, in their order, is a statement's."""
    place = bisect_left(places, node.lineno)
    return place < len(places) and places[place] <= (node.end_lineno or node.lineno)


def _is_path(text: str, names: Collection[str], imported: Collection[str]) -> bool:
    """Whether a text is the full name of one of the names, of a module that is imported."""
    root, _, rest = text.partition(".")
    return root in imported and rest.rpartition(".")[2] in names


def _values(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node in which a class would be handed on: no tests, no annotations."""
    match node:
        case ast.Call(func=function):
            if dotted(function) not in _TESTS:
                if not dotted(function) and not _is_constant(function):
                    yield function
                yield from node.args
                yield from (keyword.value for keyword in node.keywords)
        case ast.Compare() | ast.Import() | ast.ImportFrom() | ast.pattern():
            yield from (part for part in children(node) if isinstance(part, ast.Call))
        case ast.ClassDef():
            yield from node.body
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            yield from (each for each in node.body if not _is_unused(each, node))
        case ast.AnnAssign(value=value):
            yield from [value] if value else []
        case ast.Dict(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            yield from children(node)
            yield from (part for part in parts if isinstance(part, ast.Constant))
        case ast.Assign(value=ast.Constant() as value):
            yield value
        case _:
            yield from children(node)


def _is_unused(node: ast.stmt, function: ast.AST) -> bool:
    """Whether it only gives a class a name that the function does not use."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute()):
            names = (each for each in ast.walk(function) if isinstance(each, ast.Name))
            return not any(each.id == name and isinstance(each.ctx, ast.Load) for each in names)
    return False


def _got(node: ast.AST, names: Collection[str]) -> str:
    """The name in ``getattr(nn, f"ConvTranspose{rank}d")``, where it can be one of the names.

    Or in ``eval("nn.ConvTranspose%dd(8, 4, 2)" % rank)``.
    """
    match node:
        case ast.Call(func=ast.Name("getattr"), args=[owner, wanted, *_]) if dotted(owner):
            pattern = _pattern(wanted)
            if _LIKELY.search(pattern) and any(re.fullmatch(pattern, each) for each in names):
                return f"{dotted(owner)}.{pattern.replace('.*', '...')}"
        case ast.Call(func=ast.Name("eval"), args=[wanted, *_]):
            owner_name, _, pattern = _pattern(wanted).partition(r"\(")[0].rpartition(r"\.")
            if _LIKELY.search(pattern) and any(re.fullmatch(pattern, each) for each in names):
                return f"{owner_name}.{pattern}".replace(".*", "...").replace("\\.", ".")
    return ""


def _is_constant(node: ast.expr) -> bool:
    """Whether it is ``getattr(nn, "Up")``, or ``eval("nn.Up")``, whose calls are its own."""
    match node:
        case ast.Call(func=ast.Name("getattr"), args=[_, ast.Constant()]):
            return True
        case ast.Call(func=ast.Name("eval"), args=[ast.Constant(str(text)), *_]):
            return all(map(str.isidentifier, text.split(".")))
    return False


def _pattern(node: ast.expr) -> str:
    """What a text can be, as a regular expression; parts that are not known are anything."""
    parts = parts_of(node) or (node,)
    return "".join(re.escape(part[:80]) if isinstance(part, str) else ".*" for part in parts)
