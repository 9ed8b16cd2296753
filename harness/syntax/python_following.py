"""Calls of what a Python text defines, followed to what they make."""

from __future__ import annotations

import ast
from dataclasses import replace

from harness.syntax.names import (
    Names,
)
from harness.syntax.python_changes import (
    Change,
    bindings,
    changes,
)
from harness.syntax.python_classes import MOST_FOLLOWED, FollowedClass, NotFollowedError, given_to
from harness.syntax.python_scopes import Scope
from harness.syntax.python_statements import Statements
from harness.syntax.tree import (
    Call,
    Defined,
    Statement,
    calls,
    last_name,
    meant,
)


class Reader(Statements):
    """Reads a text, and follows the calls of its own functions and classes."""

    def followed(self, call: Call) -> Call:
        """Follow a call of a class of the text to the call of its base that it makes, too."""
        owner = call.owner
        if not isinstance(owner, Defined) or not isinstance(owner.code, FollowedClass):
            return super().followed(call)
        self._followed += 1
        try:
            return self._of_base(call, owner.code)
        except NotFollowedError as error:
            refused = replace(owner, why=str(error))
            return replace(call, function=meant(call, owner.code.first_base), owner=refused)

    def _of_base(self, call: Call, code: FollowedClass) -> Call:
        """The call that makes the object of the base."""
        if self._followed > MOST_FOLLOWED:
            raise NotFollowedError("one of too many that are followed")
        init = code.initializer()
        if init is None:
            of_base = replace(call, function=meant(call, code.base), owner=code.owner)
            return self.followed(of_base)
        made = self._made_by(init, call, code.around)
        places = [place for place, node in enumerate(init.body) if code.is_of_base(node)]
        makers = [
            (statement, inner)
            for statement in made
            for inner in calls(statement.value)
            if last_name(inner) == "__init__"
        ]
        if len(makers) != 1 or len(places) != 1 or makers[0][0].value is not makers[0][1]:
            raise NotFollowedError("whose __init__ does not simply call that of its base")
        rest = init.body[places[0] + 1 :]
        if any(name.startswith("self") for name in (*bindings(rest), *map(_name, changes(rest)))):
            raise NotFollowedError("which changes itself after the __init__ of its base")
        inner = makers[0][1]
        arguments = tuple(replace(each, column=call.column) for each in inner.arguments[1:])
        assumed = tuple(dict.fromkeys((*call.assumed, *inner.assumed)))
        function = meant(call, code.base)
        return self.followed(Call(function, arguments, call.column, assumed, code.owner))

    def _made_by(self, init: ast.FunctionDef, call: Call, around: Names) -> list[Statement]:
        """The statements of an ``__init__``, with what a call gives its parameters."""
        outer = self.names, self._scope, self._read, self._block
        self.names, self._scope, self._read = around.copy(), Scope.of(init.body), {}
        try:
            defaults = {name: value for name, value, _ in self._defaults(init.args)}
            for name, value in given_to(init.args, call, defaults).items():
                self.names.give(name, value)
            return [statement for node in init.body for statement in self._statement(node)]
        finally:
            self.names, self._scope, self._read, self._block = outer


def _name(change: Change) -> str:
    return change.name
