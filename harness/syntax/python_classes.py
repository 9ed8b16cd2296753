"""Python classes that only add arguments to those of their base."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.syntax.names import Names
from harness.syntax.python_changes import dotted, text_of
from harness.syntax.tree import Argument, Call, Defined, Name, Value

MOST_FOLLOWED: Final = 100


class NotFollowedError(Exception):
    """Why a call of a class is not a call of its base."""


@dataclass(frozen=True)
class FollowedClass:
    """What calls of a class are followed with."""

    node: ast.ClassDef
    around: Names  # What names stand for in its methods
    base: str
    owner: Value  # Of the base

    @staticmethod
    def of(node: ast.ClassDef, names: Names, around: Names) -> FollowedClass:
        """Return a class where its statement stands, with the names that its methods see."""
        base = dotted(node.bases[0]) if node.bases else ""
        return FollowedClass(node, around, base, names.owner(base))

    @property
    def first_base(self) -> str:
        """The base of its bases, as far as the text defines them."""
        code, seen = self, 0
        while isinstance(code.owner, Defined) and isinstance(code.owner.code, FollowedClass):
            code, seen = code.owner.code, seen + 1
            if seen > MOST_FOLLOWED:
                break
        return code.base or code.node.name

    def is_of_base(self, node: ast.stmt) -> bool:
        """Whether a statement is a call of the base's ``__init__``."""
        match node:
            case ast.Expr(ast.Call(ast.Attribute(ast.Call(ast.Name("super"), given), "__init__"))):
                return not given or text_of(given[0]) == self.node.name
            case ast.Expr(ast.Call(ast.Attribute(base, "__init__"), [ast.Name("self"), *_])):
                return dotted(base) == self.base
        return False

    def initializer(self) -> ast.FunctionDef | None:
        """Return its ``__init__``, if it has one, where that alone tells what an object is."""
        node, init = self.node, None
        if not self.base or len(node.bases) > 1 or node.keywords or node.decorator_list:
            raise NotFollowedError("which is not simply a class of one base")
        for each in node.body:
            match each:
                case ast.FunctionDef(name="__init__", decorator_list=[]):
                    init = each
                case ast.FunctionDef(name="__repr__" | "extra_repr" | "reset_parameters"):
                    pass
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    name = getattr(each, "name", "more")
                    raise NotFollowedError(f"which has {name} of its own")
        return init


def given_to(
    parameters: ast.arguments, call: Call, defaults: Mapping[str, Value]
) -> dict[str, Value]:
    """Return what a call gives the parameters of an ``__init__``, without ``self``."""
    if any(each.name in {"*", "**"} for each in call.arguments):
        raise NotFollowedError("which is given arguments that the text does not show")
    places = [each.arg for each in (*parameters.posonlyargs, *parameters.args)][1:]
    own = {*places, *(each.arg for each in parameters.kwonlyargs)}
    positional, column = call.positional, call.column
    surplus = {name: value for name, value in call.named.items() if name not in own}
    too_many = len(positional) > len(places) and parameters.vararg is None
    if too_many or (surplus and parameters.kwarg is None):
        raise NotFollowedError("whose __init__ takes other arguments")
    given = dict(defaults)
    given |= dict(zip(places, positional, strict=False))
    given |= {name: value for name, value in call.named.items() if name in own}
    if parameters.vararg is not None:
        given[parameters.vararg.arg] = tuple(positional[len(places) :])
    if parameters.kwarg is not None:
        rest = tuple(Argument(name, value, column) for name, value in surplus.items())
        given[parameters.kwarg.arg] = Call(Name("dict", column), rest, column)
    return given
