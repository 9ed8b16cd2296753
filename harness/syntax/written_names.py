"""Names in an answer, each as its language writes expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from harness.core.named_number import Named, in_names

# An operation on two sides by language; the others are written as Python does.
_FUNCTIONS: Final[dict[str, dict[type[ast.operator], str]]] = {
    "matlab": {ast.FloorDiv: "floor({} / {})", ast.Mod: "mod({}, {})"},
    "wolfram": {ast.FloorDiv: "Quotient[{}, {}]", ast.Mod: "Mod[{}, {}]"},
}
_SIGNS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Pow: "^",
    ast.Div: "/",
}
# Functions of numbers, by their names in Python.
_OF_NUMBERS: Final[dict[str, dict[str, str]]] = {
    "matlab": {"int": "fix", "math.ceil": "ceil", "math.floor": "floor"},
    "wolfram": {
        "max": "Max",
        "min": "Min",
        "abs": "Abs",
        "round": "Round",
        "int": "IntegerPart",
        "math.ceil": "Ceiling",
        "math.floor": "Floor",
    },
}


def writer(language: str) -> Callable[[str], str]:
    """Return what writes an expression of Python in a language.

    >>> writer("wolfram")("(k - 2 * s) // 2 + self.pad"), writer("matlab")("k % 2 + sizes[0]")
    ('Quotient[k - 2 * s, 2] + self.pad', 'mod(k, 2) + sizes(1)')
    >>> writer("wolfram")("max(int(c / (2 * n)), 8)"), writer("matlab")("math.ceil(c / 2) ** n")
    ('Max[IntegerPart[c / (2 * n)], 8]', 'ceil(c / 2) ^ n')
    """
    return str if language == "python" else lambda expression: _written(expression, language)


def _written(expression: str, language: str) -> str:
    try:
        return _in(ast.parse(expression, mode="eval").body, language)
    except (SyntaxError, ValueError, RecursionError):
        return expression


def _in(node: ast.expr, language: str) -> str:
    match node:
        case ast.BinOp(left=left, op=operation, right=right):
            pattern = _FUNCTIONS[language].get(type(operation))
            if pattern is not None:
                # A product after the sign of a division is not a part of the divisor.
                divides = ast.Div() if isinstance(operation, ast.FloorDiv) else ast.Mult()
                sides = [_side(left, ast.Mult(), language), _side(right, divides, language)]
                if language == "wolfram":
                    sides = [_in(each, language) for each in (left, right)]
                return pattern.format(*sides)
            sign = _SIGNS.get(type(operation))
            if sign is not None:
                sides = [_side(each, operation, language) for each in (left, right)]
                return f"{sides[0]} {sign} {sides[1]}"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_side(operand, ast.Mult(), language)}"
        case ast.Call(func=function, args=[_, *_] as given, keywords=[]):
            name = ast.unparse(function)
            name = _OF_NUMBERS[language].get(name, name)
            written = ", ".join(_in(each, language) for each in given)
            return f"{name}[{written}]" if language == "wolfram" else f"{name}({written})"
        case ast.Subscript(value=owner, slice=ast.Constant(value=int(place))) if place >= 0:
            brackets = {"matlab": "{}({})", "wolfram": "{}[[{}]]"}[language]
            return brackets.format(_in(owner, language), place + 1)
    return ast.unparse(node)


def _side(node: ast.expr, operation: ast.operator, language: str) -> str:
    """Write a side of an operation, in brackets where it binds less."""
    written = _in(node, language)
    binds_less = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
    in_brackets = (binds_less and isinstance(operation, ast.Mult | ast.Sub | ast.Pow)) or (
        # The sign of a product binds no more than the product does.
        isinstance(node, ast.BinOp | ast.UnaryOp) and isinstance(operation, ast.Div | ast.Pow)
    )
    return f"({written})" if in_brackets else written


def named(value: Any, language: str = "python") -> Any:
    """Return a value with expressions in the place of the tokens of every text in it."""
    write = writer(language)
    match value:
        case Named():
            return write(value.expression)
        case str():
            return in_names(value, write)
        case dict():
            return {key: named(each, language) for key, each in value.items()}
        case list():
            return [named(each, language) for each in value]
        case tuple():
            return tuple(named(each, language) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: named(getattr(value, each.name), language) for each in fields(value)}
        return replace(value, **parts)
    return value
