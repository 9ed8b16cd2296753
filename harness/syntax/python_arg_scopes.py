"""Functions of a Python text whose parameters TF-Slim's ``arg_scope`` may set."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from harness.syntax.python_changes import FUNCTIONS, dotted, statements_in, walk

_DECORATOR: Final = "add_arg_scope"


def set_by_scopes(module: ast.Module) -> Iterator[ast.AST]:
    r"""Yield the functions that are decorated for a scope, where a scope of the text names them.

    What a scope sets takes the place of a default, wherever the call does not say it.

    >>> text = "@add_arg_scope\ndef up(x, stride=1): ...\nwith arg_scope([up], stride=2): up(x)"
    >>> [each.name for each in set_by_scopes(ast.parse(text))]
    ['up']
    """
    functions = [
        each
        for each in statements_in(module)
        if isinstance(each, FUNCTIONS)
        and any(dotted(one).rpartition(".")[2] == _DECORATOR for one in each.decorator_list)
    ]
    named = {*_named_by_scopes(module)} if functions else set()
    yield from (each for each in functions if each.name in named)


def _named_by_scopes(module: ast.Module) -> Iterator[str]:
    for node in walk(module):
        match node:
            case ast.Call(func, [ast.List(elts) | ast.Tuple(elts), *_]) if (
                dotted(func).rpartition(".")[2] == "arg_scope"
            ):
                yield from (dotted(each).rpartition(".")[2] for each in elts)
