"""Dictionaries of a Python text that are empty where they are made, and filled by a function.

``weights = {}`` above all functions, ``weights["w1"] = tf.get_variable(...)`` in one of them, and
``weights["w1"]`` in the others, is how many programs of TensorFlow 1 keep their variables.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from harness.syntax.expressions import is_plain
from harness.syntax.python_changes import FUNCTIONS, bindings, parameters
from harness.syntax.tree import Call, Name, Value

_READING: Final = {"get", "items", "keys", "values"}
_MOST: Final = 256  # Elements of all dictionaries


class Filled(NamedTuple):
    """An element that one statement of a text gives a dictionary."""

    name: str  # Of the dictionary
    key: str
    value: ast.expr
    own: frozenset[str]  # Names of the function that does it


def empty_dictionaries(module: ast.Module) -> set[str]:
    """Return the names that a module gives an empty dictionary, and nothing else.

    >>> sorted(empty_dictionaries(ast.parse("a, b = {}, {}; c = {}; c = {}; d = {3: 4}")))
    ['a', 'b']
    """
    names = set[str]()
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_empty(value):
                names.add(name)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                pairs = zip(targets, values, strict=False)
                names |= {a.id for a, b in pairs if isinstance(a, ast.Name) and _is_empty(b)}
    if not names:
        return names
    bound = bindings(each for each in module.body if not isinstance(each, FUNCTIONS))
    return {name for name in names if bound[name] == 1}


def filled(module: ast.Module, names: set[str]) -> list[Filled]:
    r"""Return what functions give empty dictionaries that nothing else of the text may change.

    >>> text = "w = {}\ndef f():\n    w['a'] = g(3)\ndef h():\n    return w['a']"
    >>> [(each.name, each.key) for each in filled(ast.parse(text), {"w"})]
    [('w', 'a')]
    >>> filled(ast.parse(text + "\nw['b'].c()\nload(w)"), {"w"})
    []
    """
    given = defaultdict[tuple[str, str], list[Filled]](list)
    certain = set[ast.AST]()  # Names in a place that changes nothing, or is understood
    for node, within in _walk(module):
        match node:
            case ast.Assign(
                targets=[
                    ast.Subscript(ast.Name(id=name) as owner, ast.Constant(value=str(key))) as part
                ],
                value=value,
            ) if within and all(isinstance(each, FUNCTIONS | ast.With) for each in within):
                functions = [each for each in within if isinstance(each, FUNCTIONS)]
                own = {word for each in functions for word in _own_names(each)}
                # Of a name of its own, it may be the module's dictionary that another returned.
                if len(functions) == 1:
                    certain |= {owner, part}
                    given[name, key].append(Filled(name, key, value, frozenset(own)))
            case ast.Subscript(ast.Name() as owner, ast.Constant(value=str()), ast.Load()):
                certain.add(owner)
            case ast.Attribute(ast.Name() as owner, attr) if attr in _READING:
                certain.add(owner)
            case ast.Return(ast.Name() as owner):
                certain.add(owner)
            case ast.Name(ctx=ast.Store()):
                certain.add(node)
            case ast.Global(names=others) if within:
                # Of such a function, an assignment is one to the module's name.
                stored = {
                    each.id
                    for each in ast.walk(within[0])
                    if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)
                }
                names = names - stored.intersection(others)
            case ast.FunctionDef(name=other) | ast.ClassDef(name=other):
                names = names - {other}
    uncertain = {
        node.id
        for node, _ in _walk(module)
        if isinstance(node, ast.Name) and node.id in names and node not in certain
    }
    uncertain |= {name for node, _ in _walk(module) for name in _parameters(node)}
    once = [every[0] for every in given.values() if len(every) == 1]
    kept = [each for each in once if each.name in names - uncertain]
    return kept if len(kept) <= _MOST else []


def is_closed(value: Value) -> bool:
    """Whether a value means the same in every function: no name in it is a function's own."""
    if isinstance(value, Call):
        return all(is_closed(each.value) for each in value.arguments)
    return is_plain(value) or (isinstance(value, Name) and "." in value.text and not value.calls)


def without_own(node: ast.expr, own: frozenset[str]) -> ast.expr | None:
    """Return a call without keywords that are a function's own names; nothing if others are."""
    if not isinstance(node, ast.Call):
        return None
    kept = [
        each
        for each in node.keywords
        if not (isinstance(each.value, ast.Name) and each.value.id in own)
    ]
    call = ast.copy_location(ast.Call(node.func, node.args, kept), node)
    names = {each.id for each in ast.walk(call) if isinstance(each, ast.Name)}
    return None if names & own else call


def _own_names(function: FUNCTIONS) -> set[str]:
    declared = (each for each in ast.walk(function) if isinstance(each, ast.Global))
    shared = {name for each in declared for name in each.names}
    return {*bindings(function.body), *parameters(function)} - shared


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Dict) and not node.keys


def _parameters(node: ast.AST) -> list[str]:
    if isinstance(node, FUNCTIONS):
        return parameters(node)
    return [each.arg for each in node.args.args] if isinstance(node, ast.Lambda) else []


def _walk(module: ast.Module) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node, and the statements around it."""
    pending: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(each, ()) for each in module.body]
    while pending:
        node, within = pending.pop()
        yield node, within
        inner = (*within, node) if isinstance(node, ast.stmt) else within
        pending += [(each, inner) for each in ast.iter_child_nodes(node)]
