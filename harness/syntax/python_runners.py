"""What a test runner or a benchmark calls of a Python text, written as the text would call it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Final

from harness.syntax.python_changes import FUNCTIONS, dotted, walk
from harness.syntax.python_classes import Likely

_MOST_CASES: Final = 64  # Of one test
_MOST_CALLS: Final = 256  # Of all, after which no more tests are read case by case


def add_calls(module: ast.Module, lines: Sequence[str]) -> None:
    """Add to a module the calls that others make of what it defines, if it may make layers."""
    tests: list[ast.stmt] = []
    likely = Likely(module, lines)
    for node in module.body:
        is_likely = isinstance(node, FUNCTIONS | ast.ClassDef) and node.name in likely
        tests += _tested(node) if is_likely and len(tests) < _MOST_CALLS else ()
    module.body += [*_benchmarked(module), *tests]


def _tested(node: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the calls of the parametrized tests in a statement, each in the place of its case.

    https://docs.pytest.org/en/stable/how-to/parametrize.html
    """
    if isinstance(node, FUNCTIONS):
        yield from _calls_of(node, ast.Name(node.name, ast.Load()), node.args.args)
    elif isinstance(node, ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, FUNCTIONS):
                made = ast.Call(ast.Name(node.name, ast.Load()), [], [])
                method = ast.Attribute(made, inner.name, ast.Load())
                yield from _calls_of(inner, method, inner.args.args[1:])


def _calls_of(
    node: FUNCTIONS, function: ast.expr, parameters: Sequence[ast.arg]
) -> Iterator[ast.stmt]:
    """``test_up(k=4, s=2)`` of ``@pytest.mark.parametrize("k, s", [(4, 2)])``."""
    given: list[list[tuple[ast.expr, dict[str, ast.expr]]]] = []
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(func=marker, args=[names, ast.List() | ast.Tuple() as cases]) if dotted(
                marker
            ).endswith("mark.parametrize"):
                given.append([(each, _values(_words(names), each)) for each in cases.elts])
    is_shown = all(values for cases in given for _, values in cases)
    if not given or not is_shown or prod(map(len, given)) > _MOST_CASES:
        return
    # What is decorated is not followed; other decorators hand on what pytest gives by name.
    node.decorator_list = []
    for chosen in product(*given):
        values = {name: each for _, case in chosen for name, each in case.items()}
        unknown = [each.arg for each in parameters if each.arg not in values]
        values |= {name: ast.Name(name, ast.Load()) for name in unknown}  # A fixture, or another
        call = ast.Call(function, [], [ast.keyword(name, each) for name, each in values.items()])
        yield _placed(ast.Expr(call), chosen[0][0])


def _words(names: ast.expr) -> list[str]:
    """The names in ``"k, s"`` or ``["k", "s"]``."""
    if isinstance(names, ast.Constant):
        return [each.strip() for each in str(names.value).split(",")]
    elements = names.elts if isinstance(names, ast.Tuple | ast.List) else []
    return [str(each.value) for each in elements if isinstance(each, ast.Constant)]


def _values(names: Sequence[str], case: ast.expr) -> dict[str, ast.expr]:
    """The values of names in a case; empty where it does not show them."""
    values = [case]
    if isinstance(case, ast.Call) and dotted(case.func).rpartition(".")[2] == "param":
        values = case.args
    elif len(names) > 1:
        values = case.elts if isinstance(case, ast.Tuple | ast.List) else []
    if len(values) != len(names) or any(isinstance(each, ast.Starred) for each in values):
        return {}
    return dict(zip(names, values, strict=True))


def _placed(node: ast.stmt, where: ast.expr) -> ast.stmt:
    """Give what is written anew a place; what it is given keeps its own."""
    for each in ast.walk(node):
        if isinstance(each, ast.expr | ast.stmt | ast.keyword) and not hasattr(each, "lineno"):
            ast.copy_location(each, where)
    return node


def _benchmarked(module: ast.Module) -> Iterator[ast.stmt]:
    """``Model(*get_init_inputs())``, which a benchmark calls that finds both in a file.

    See https://github.com/ScalingIntelligence/KernelBench.
    """
    defined = {
        each.name: each for each in module.body if isinstance(each, ast.FunctionDef | ast.ClassDef)
    }
    function = defined.get("get_init_inputs")
    if function is None or "Model" not in defined:
        return
    if any(isinstance(each, ast.Call) and dotted(each.func) == "Model" for each in walk(module)):
        return
    call = ast.parse("Model(*get_init_inputs())").body
    for node in ast.walk(call[0]):
        ast.copy_location(node, function)
    yield from call
