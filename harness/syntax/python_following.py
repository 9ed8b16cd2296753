"""Calls of what a Python text defines, followed to what they make.

A function is read again for each of its calls, with what the call gives it; so is a class for each
of its objects.  What is read so stands before the statement of the call.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from harness.syntax.arrays import made_alike, makes_an_array, whole_array
from harness.syntax.expressions import Source, is_plain, open_names
from harness.syntax.names import Names, either, identifiers, is_dict
from harness.syntax.python_branches import Frame
from harness.syntax.python_changes import (
    FUNCTIONS,
    bindings,
    changes,
    dotted,
    statements_in,
    text_of,
)
from harness.syntax.python_chosen import CHOICES
from harness.syntax.python_classes import (
    APPLYING,
    LIKELY,
    MOST_FOLLOWED,
    REMAKING,
    FollowedClass,
    FollowedFunction,
    Likely,
    NotFollowedError,
    classes_used,
    computes_a_value,
    given_to,
    gives_a_default,
    gives_nothing_known,
    line_of_classes,
    makes_settings,
    may_be_a_layers,
    methods_in,
    own_forward,
    returns_a_scope,
    runs,
)
from harness.syntax.python_passing import Object
from harness.syntax.python_reach import passed_over
from harness.syntax.python_scopes import Scope
from harness.syntax.python_sequences import returns_a_sequence
from harness.syntax.python_settings import Settings
from harness.syntax.tree import (
    MAX_TEXT,
    Call,
    Defined,
    Either,
    Followed,
    Joined,
    Name,
    NotFollowed,
    Passed,
    Record,
    Reference,
    Statement,
    Unread,
    Value,
    calls,
    last_name,
    meant,
)

_MOST_CALLS: Final = 1000  # That are followed
_MOST_STEPS: Final = 4000  # Statements that are read in them
_DEEPEST: Final = 8
_HARMLESS: Final = {
    "lru_cache",
    "cache",
    "no_grad",
    "typechecked",
    "jaxtyped",
    "beartype",
    "override",
}
_OF_CLASSES: Final = {"staticmethod": 0, "classmethod": 1}


class Reader(Settings):
    """Reads a text, and follows the calls of its own functions and classes."""

    def __init__(
        self,
        source: Source,
        left_out: Sequence[Unread],
        values: Mapping[str, Value],
        wanted: Collection[str],
    ) -> None:
        super().__init__(source, left_out, values)
        self._wanted = wanted  # What is looked for; nothing where all of a text is
        self._of_bases = self._calls = self._steps = 0
        self._base_is_made = False  # By the statement that is being read
        self._followable: dict[ast.AST, bool] = {}
        self._classes_used: frozenset[str] | None = None  # Once it is asked
        self._applied = set[ast.Call]()  # Calls whose results are called
        # What functions give the module's dictionaries, by the name of the element.
        self._filled: Mapping[str, Value] | None = None

    def module(self, module: ast.Module) -> Iterator[Statement]:
        """Read a whole text."""
        self._module = module
        self._likely = Likely(module, self.source.lines)
        self._filled = None
        self._patched = {name.rpartition(".")[2] for name, _ in self.set_in(module)}
        self._overridden = _overridden(module)
        self._methods = methods_in(module)
        if self._wanted:
            words = {word for name in self._supplied for word in identifiers(name)}
            words.update(self._wanted)
            self._unreached = passed_over(module, self.source.lines, words)
        yield from super().module(module)

    def again(self, functions: set[ast.AST]) -> Iterator[Statement]:
        """Read a text once more, where functions stand whose defaults count."""
        self._of_bases = self._calls = self._steps = 0
        yield from super().again(functions)

    def _statement(self, node: ast.stmt) -> Iterator[Statement]:
        if self._chain or self._frame is not None:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise NotFollowedError("one of too many that are followed")
        self._whole, self._target, self._base_is_made = None, "", False
        tests = len(self._open_tests)
        for statement in super()._statement(node):
            yield from self._come_to()
            yield statement
        yield from self._come_to()
        if len(self._open_tests) > tests and not isinstance(node, FUNCTIONS | ast.ClassDef):
            for name in bindings([node]):
                if self._may_make_layers(self.names.given.get(name)):
                    self.deciding[name] = self._open_tests[tests]

    def _come_to(self) -> list[Statement]:
        pending = self._pending
        if pending:
            self._pending = []
        return pending

    def _inherited(self) -> Names:
        names = super()._inherited()
        # Also what is defined further below.
        if self._scope.late is None:
            self._scope.late = dict(self._defined_below(names.copy()))
        for name, late in self._scope.late.items():
            given = names.given.get(name)
            if isinstance(given, Defined) and given.code is None:
                names.given[name] = late
        if self._scope is self._outermost:
            self._fill(names)
        return names

    def _fill(self, names: Names) -> None:
        """Add the elements that functions give to dictionaries of the module."""
        if self._filled is None:
            # Most texts have no such dictionary, and start faster without it.
            empty = any(map(_makes_empty, self._module.body))
            self._filled = dict(self._filled_in(names.copy())) if empty else {}
        for name, value in self._filled.items():
            names.give_part(name, value)

    def _filled_in(self, names: Names) -> Iterator[tuple[str, Value]]:
        from harness.syntax import python_filled as elements  # noqa: PLC0415

        empty = elements.empty_dictionaries(self._module)
        for each in elements.filled(self._module, empty):
            code = elements.without_own(each.value, each.own)
            if code is not None and names.given.get(each.name) is not None:
                value: Value = None
                with suppress(NotFollowedError), self._apart():
                    self.names, self._read = names.copy(), {}
                    value = self.value(code)
                if isinstance(value, Call) and elements.is_closed(value):
                    yield f"{each.name}[{each.key!r}]", value

    def _defined_below(self, names: Names) -> Iterator[tuple[str, Defined]]:
        """What functions and classes will be that are not come to yet."""
        for node in self._scope.certain:
            given, is_only = names.given.get(node.name), self._scope.bound[node.name] == 1
            if isinstance(given, Defined) and given.code is None and is_only:
                code = self._code_of(node, names)
                names.given[node.name] = late = replace(given, code=code)
                yield node.name, late

    def _code_of(self, node: ast.stmt, around: Names) -> FollowedFunction | FollowedClass | None:
        if isinstance(node, ast.ClassDef):
            return FollowedClass.of(node, around, around)
        if isinstance(node, ast.FunctionDef) and self._is_followable(node):
            return FollowedFunction(node, around)
        return None

    def _is_followable(self, node: ast.stmt) -> bool:
        if not isinstance(node, ast.FunctionDef) or not all(map(_is_harmless, node.decorator_list)):
            return False
        if node not in self._followable:
            is_useful = computes_a_value(node) or makes_settings(node)
            is_useful = is_useful or node.name in self._likely or returns_a_sequence(node)
            is_useful = is_useful or returns_a_scope(node)
            self._followable[node] = is_useful and runs(node)
        return self._followable[node]

    def _change_by_methods(self, methods: Collection[str]) -> None:
        super()._change_by_methods([each for each in methods if not self._is_left_by(each)])

    def _is_left_by(self, method: str) -> bool:
        """Whether a method of ``self`` changes nothing that is not known otherwise."""
        if method == "__init__" and self._base_is_made:
            return True  # What the base's own gives the object is known.
        found = self._method_of_self(method)
        return found is not None and self._leaves_self(found[0].node)

    def _leaves_self(self, function: ast.FunctionDef) -> bool:
        """Whether a method changes nothing of its object."""
        scope = self._scope_of(function)
        given = (*scope.bound, *(each.name for each in scope.changed))
        return not scope.unsettled and not any(name.split(".")[0] == "self" for name in given)

    def followed(self, call: Call) -> Call:
        """Follow a call of a class of the text to the call of its base that it makes, too."""
        owner = call.owner
        if isinstance(owner, Passed):
            return replace(call, function=meant(call, owner.text), owner=None)
        if isinstance(owner, Either):
            names = [each.text for each in owner.options if isinstance(each, Reference)]
            likely = [name for name in names if LIKELY.search(name.rpartition(".")[2])]
            # Of several, all are answered where the call is found: with arguments that are chosen
            # with them, none.
            different = {name.rpartition(".")[2] for name in likely}
            used = {word for each in call.arguments for word in _words_in(each.value)}
            is_tied = len(different) > 1 and not used.isdisjoint(owner.tied)
            if last_name(call) in different or is_tied or not likely:
                return call
            written = call.written or owner.text
            return replace(call, function=Reference(likely[0], call.column, written=written))
        if not isinstance(owner, Defined) or not isinstance(owner.code, FollowedClass):
            return super().followed(call)
        if not any(map(LIKELY.search, (owner.text, owner.code.first_base))):
            return call
        self._of_bases += 1
        try:
            made = self._of_base(call, owner.code)
        except NotFollowedError as error:
            refused = replace(owner, why=str(error))
            return replace(call, function=meant(call, owner.code.first_base), owner=refused)
        return made if LIKELY.search(last_name(made)) else call

    def _of_base(self, call: Call, code: FollowedClass) -> Call:
        """The call that makes the object of the base."""
        if self._of_bases > MOST_FOLLOWED:
            raise NotFollowedError("one of too many that are followed")
        init = code.initializer()
        if (forward := own_forward(code.node)) is not None:
            self.own_forward[call.column] = (code.node.name, self.source.offset(forward.lineno, 0))
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
        given = [name for name in bindings(rest) if name.startswith("self")]
        changed = [each.name for each in changes(rest) if each.name.startswith("self")]
        if changed or any(map(may_be_a_layers, given)):
            raise NotFollowedError("which changes itself after the __init__ of its base")
        inner = makers[0][1]
        arguments = tuple(replace(each, column=call.column) for each in inner.arguments[1:])
        assumed = tuple(dict.fromkeys((*call.assumed, *inner.assumed)))
        function = meant(call, code.base)
        return self.followed(Call(function, arguments, call.column, assumed, code.owner))

    def _made_by(self, init: ast.FunctionDef, call: Call, around: Names) -> list[Statement]:
        """The statements of an ``__init__``, with what a call gives its parameters."""
        outer = self.names, self._scope, self._read, self._block
        whole, target = self._whole, self._target
        self.names, self._scope, self._read = around.copy(), Scope.of(init.body), {}
        try:
            defaults = {name: value for name, value, _ in self._defaults(init.args)}
            for name, value in given_to(init.args, call, defaults).items():
                self.names.give(name, value)
            return [statement for node in init.body for statement in self._statement(node)]
        finally:
            self.names, self._scope, self._read, self._block = outer
            self._whole, self._target = whole, target

    def _new_call(self, node: ast.Call) -> Call:
        if isinstance(node.func, ast.Call):
            self._applied.add(node.func)
        call = super()._new_call(node)
        supplied = self._supplied.get(call.dotted)
        if isinstance(supplied, str | Reference):
            name = supplied if isinstance(supplied, str) else supplied.text
            meaning = Reference(name, call.column, is_imported=False)
            owner = self.names.owner(name) or meaning
            call = self.followed(replace(call, owner=owner))
        if isinstance(node.func, CHOICES):
            # (nn.ConvTranspose2d if up else nn.Conv2d)(…), or getattr(nn, "ConvTranspose2d")(…)
            chosen = self._chosen(node.func)
            call = call if chosen is None else self.followed(replace(call, owner=chosen))
        found = self._called(node, call)
        if found is None and (made := self._made_elsewhere(node, call)) is not None:
            return made
        if found is None and (base := self._own_base(node, call)) is not None:
            return base
        if found is None:
            self._note_each_option(call)
            self._note_methods(node, call)
            return call
        code, first = found
        is_own = first is not None
        is_likely = code.node.name in self._likely or any(map(self._is_likely, call.parts[1:]))
        try:
            if isinstance(code, FollowedFunction):
                if is_likely or returns_a_scope(code.node):
                    self._check(code.node)
                    return self._returned(node, call, code, first or 0, is_own=is_own)
                return self._computed(node, call, code, first or 0, is_own=is_own)
            if is_likely:
                self._check(code.node)
                return self._object(node, call, code)
            return self._record_of(call, code)
        except NotFollowedError as error:
            self._note(code, call, str(error))
        return call

    def _own_base(self, node: ast.Call, call: Call) -> Call | None:
        """The layer that ``super().__init__(…)`` makes of an object that the text does not make."""
        if last_name(call) != "__init__" or self._self is None or self._chain:
            return None
        code = self._self.classes[0]
        is_own = bool(self._within) and self._within[-1] in code.node.body
        is_layer = LIKELY.search(code.base.rpartition(".")[2]) and not isinstance(
            code.owner, Defined
        )
        if not (is_own and is_layer and code.is_of_base(ast.Expr(node))):
            return None
        if self._classes_used is None:
            self._classes_used = classes_used(self._module)
        if code.node.name in self._classes_used:
            return None
        if (forward := own_forward(code.node)) is not None:
            place = self.source.offset(forward.lineno, 0)
            self.own_forward[call.column] = (code.node.name, place)
        given, function = call.arguments[1:], meant(call, code.base)
        return replace(call, function=function, arguments=given, owner=code.owner)

    def _made_elsewhere(self, node: ast.Call, call: Call) -> Call | None:
        """The layer of ``self.get("up", nn.ConvTranspose2d, 8, 4)(x)``, where ``get`` is inherited.

        A name, a class and arguments are what a method makes a layer of and keeps it, and what it
        gives is called as a layer is. See ``Module.get`` in https://github.com/danijar/dreamer.
        """
        match node:
            case ast.Call(
                ast.Attribute(ast.Name("self"), method),
                [ast.Constant(str()) | ast.JoinedStr(), made, _, *_],
            ) if node in self._applied and method not in {*self._methods, *self._patched}:
                name = dotted(made)
                owner = self.names.owner(name) if name else None
                is_open = call.owner in (None, Name(method, 0))
                if not (isinstance(owner, Reference) and LIKELY.search(owner.text) and is_open):
                    return None
                self.supposed.add(call.column)
                owner = replace(owner, column=self.source.offset_of(made))
                given, function = call.arguments[2:], meant(call, name)
                return self.followed(replace(call, function=function, arguments=given, owner=owner))
        return None

    def _called(
        self, node: ast.Call, call: Call
    ) -> tuple[FollowedFunction | FollowedClass, int | None] | None:
        """What a call calls and, of a method of ``self``, the parameter that is given first."""
        if self._patched & REMAKING:
            return None
        owner = call.owner
        if isinstance(owner, Either):
            owner = self._only_maker(owner.options)
        if isinstance(owner, Defined):
            code = owner.code
            return (code, None) if isinstance(code, FollowedFunction | FollowedClass) else None
        return self._static_method(node) or self._method(node)

    def _static_method(self, node: ast.Call) -> tuple[FollowedFunction, None] | None:
        """The static method of a class of the text that is called, as in ``Net.block(8)``."""
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr=method):
                owner = self.names.given.get(name)
                code = owner.code if isinstance(owner, Defined) else None
                if not isinstance(code, FollowedClass) or method in self._patched:
                    return None
                found = _method_in([code], method)
                return (found[0], None) if found and found[1] == 0 else None
        return None

    def _only_maker(self, options: Sequence[Value]) -> Value:
        """The one that makes what is looked for, of ``up = deconvolved if learned else resized``.

        There is none where any of them is not known.
        """
        makers = []
        for each in options:
            if not isinstance(each, Defined | Reference):
                return None
            if each.text.rpartition(".")[2] in self._likely:
                makers.append(each)
        return makers[0] if len(makers) == 1 else None

    def _is_likely(self, value: Value) -> bool:
        """Whether an argument may be what makes the layers that are looked for."""
        return isinstance(value, Name) and any(
            word in self._likely for word in identifiers(value.text)
        )

    def _may_make_layers(self, value: Value) -> bool:
        """Whether it may be a class or function that is looked for, by what the text chooses."""
        if isinstance(value, Call):
            owner = value.owner.code if isinstance(value.owner, Defined) else None
            return last_name(value) in self._likely and not isinstance(owner, FollowedClass)
        options = value.options if isinstance(value, Either) else ()
        return any(isinstance(each, Reference) and LIKELY.search(each.text) for each in options)

    def _check(self, node: ast.AST) -> None:
        """Bound the work, and refuse what calls itself."""
        if node in self._within:
            raise NotFollowedError("which calls itself")
        if len(self._within) >= _DEEPEST:
            raise NotFollowedError("one of too many that call one another")
        self._calls += 1
        if self._calls > _MOST_CALLS or self._steps > _MOST_STEPS:
            raise NotFollowedError("one of too many that are followed")

    def _note(self, code: FollowedFunction | FollowedClass, call: Call, why: str) -> None:
        """Note a call that is not followed, one for each function."""
        node = code.node
        if isinstance(code, FollowedFunction):
            self.given_otherwise.add(node)
        else:
            self.given_otherwise |= set(_initializers(code))
        start = self.source.offset(node.lineno, 0)
        end = self.source.offset(node.end_lineno or node.lineno, MAX_TEXT)
        self.not_followed.setdefault(node, NotFollowed(start, end, call.column, why))

    def _note_each_option(self, call: Call) -> None:
        """Note a call of what may, or may not, be a function or a class of the text."""
        for each in call.owner.options if isinstance(call.owner, Either) else ():
            code = each.code if isinstance(each, Defined) else None
            if isinstance(code, FollowedFunction | FollowedClass):
                self._note(code, call, "which may be something else there")

    def _note_methods(self, node: ast.Call, call: Call) -> None:
        """Note ``builder.up(16, factor=4)``, which may call a method of a class of the text."""
        if isinstance(node.func, ast.Attribute) and not isinstance(call.owner, Reference):
            for method in self._methods.get(node.func.attr, ()):
                if gives_a_default(node, method):
                    code = FollowedFunction(method, self.names)
                    self._note(code, call, "as a method of an object")

    def _method(self, node: ast.Call) -> tuple[FollowedFunction, int] | None:
        """The method of ``self`` that is called, and which of its parameters is given first."""
        if self._self is None or not isinstance(node.func, ast.Attribute):
            return None
        match node.func.value:
            case ast.Name("self"):
                return self._method_of_self(node.func.attr)
            case ast.Call(ast.Name("super"), given) if node.func.attr == "__init__":
                read, classes = {*self._within}, self._self.classes
                own = [place for place, each in enumerate(classes) if read & {*each.node.body}]
                here = classes[own[-1]].node.name if own else ""
                is_next = own and (not given or dotted(given[0]) == here)
                return _method_in(classes[own[-1] + 1 :], "__init__") if is_next else None
        return None

    def _method_of_self(self, name: str) -> tuple[FollowedFunction, int] | None:
        if self._self is None or self._is_another(name):
            return None
        return _method_in(self._self.classes, name)

    def _is_another(self, method: str) -> bool:
        """Whether the text may give an object something else under the name of a method."""
        assert self._self is not None
        overridden = self._overridden[self._self.classes[0].node.name]
        return (
            method in self._patched
            or self._class_scope.bound[f"self.{method}"] > 0
            or (not self._self.is_exact and method in overridden)
        )

    def _computed(
        self, node: ast.Call, call: Call, code: FollowedFunction, first: int, *, is_own: bool
    ) -> Call:
        """A call of a function that only computes a value, if that is all plain."""
        if not (computes_a_value(code.node) or makes_settings(code.node)):
            return self._of_sequence(call, code)
        if gives_nothing_known(code.node, self._methods):
            return self._of_sequence(call, code)
        try:
            self._check(code.node)
            with self._apart(is_own=is_own) as entered:
                self._carry_out(entered, code, self._given_by(node, call, code, first))
                result = _result(entered.frame, self.names.given)
        except NotFollowedError:
            return self._of_sequence(call, code)
        if result is None:
            return self._of_sequence(call, code)
        is_useful = isinstance(result, Record) or _is_value(result)
        if isinstance(result, Call) and makes_an_array(result):
            assumed = tuple(dict.fromkeys((*call.assumed, *result.assumed)))
            return replace(call, result=replace(result, assumed=assumed))
        return replace(call, result=result) if is_useful else call

    def _of_sequence(self, call: Call, code: FollowedFunction) -> Call:
        """A call of a function whose result is not known, with what is known of it."""
        if not returns_a_sequence(code.node):
            return call
        return replace(call, result=Joined(call.dotted, call.column, (call,)))

    def _returned(
        self, node: ast.Call, call: Call, code: FollowedFunction, first: int, *, is_own: bool
    ) -> Call:
        """A call of a function, with what it gives back."""
        given = self._given_by(node, call, code, first)
        followed = replace(self._as_followed(node, call, code, given), is_method=is_own)
        with self._apart(is_own=is_own) as entered:
            self._chain = (followed, *self._chain)
            self._carry_out(entered, code, given)
            result = _result(entered.frame, self.names.given)
            attributes = self._attributes()
        self._pending += entered.statements
        if code.node.name == "__init__":
            self._base_is_made = True
            for name, (value, assumed) in attributes.items():
                self.names.give(name, value, assumed)
        makes = any(LIKELY.search(last_name(each)) for each in calls(result))
        makes = makes or (isinstance(result, Call) and last_name(result) == "arg_scope")
        if result is None:
            return self._of_sequence(call, code)
        is_known = makes or _is_value(result) or makes_an_array(result)
        return replace(call, result=result) if is_known else call

    def _as_followed(
        self,
        node: ast.Call,
        call: Call,
        code: FollowedFunction | FollowedClass,
        given: Mapping[str, tuple[Value, tuple[str, ...]]],
    ) -> Followed:
        is_whole, is_class = self._whole is node, isinstance(code, FollowedClass)
        values = (
            value.value if isinstance(value, Passed) else value for value, _ in given.values()
        )
        passed = frozenset(name for value in values for name in open_names(value))
        name = call.dotted if isinstance(call.owner, Either) else ""
        return Followed(
            call.column,
            code.node.name,
            self._target,
            is_whole,
            is_class,
            passed=passed,
            chosen_as=name,
        )

    # Classes.

    def _class(self, node: ast.ClassDef, around: Names) -> Iterator[Statement]:
        outer, code = self._self, FollowedClass.of(node, self.names, around)
        try:
            self._self = Object(line_of_classes(code))
        except NotFollowedError:
            self._self = Object((code,))
        yield from super()._class(node, around)
        self._self = outer

    def _function(
        self, node: FUNCTIONS, names: Names, attributes: Names
    ) -> Generator[Statement, None, Names]:
        outer, self._within = self._within, (*self._within, node)
        names = yield from super()._function(node, names, attributes)
        self._within = outer
        return names

    def _object(self, node: ast.Call, call: Call, code: FollowedClass) -> Call:
        """A call that makes an object, after what is done to make it."""
        classes = line_of_classes(code)
        names = {each.node.name for each in classes}
        if (names | {"__init__", "__call__"}) & self._patched:
            raise NotFollowedError("which another line changes")
        members: dict[str, FollowedFunction] = {}
        for each in classes:
            for inner in each.node.body:
                if isinstance(inner, ast.FunctionDef):
                    members.setdefault(inner.name, FollowedFunction(inner, each.around))
            each.method("__init__")
        init = members.pop("__init__", None)
        if init is None:
            return call
        given = self._given_by(node, call, init, 1)
        followed = self._as_followed(node, call, code, given)
        with self._apart() as entered:
            self._chain, self._self = (followed, *self._chain), Object(classes, is_exact=True)
            self._block, self._done = (*self._block, -next(self._blocks)), set()
            scopes = [self._scope_of(each.node) for each in classes]
            self._class_scope = _joined(scopes)
            attributes = Names()
            for each in reversed(classes):
                for name, value in self._attributes_of(each.node, each.around).given.items():
                    attributes.give(name, value)
            self.names = attributes
            self._carry_out(entered, init, given)
            self._share_attributes(self.names, attributes)
            self._frame, self._passed = None, frozenset()
            for name, member in members.items():
                is_done = member.node in self._done or member.node in self._unreached
                if is_done or not (name in APPLYING or name in self._likely):
                    continue
                self._scope = self._class_scope
                self._read = {}
                entered.statements += self._function(member.node, member.around.copy(), attributes)
        self._pending += entered.statements
        return call


def _is_harmless(decorator: ast.expr) -> bool:
    """Whether a decorator leaves what a function gives back as it is."""
    return text_of(decorator).partition("(")[0].rpartition(".")[2] in _HARMLESS


def _makes_empty(node: ast.stmt) -> bool:
    """Whether a statement gives a name ``{}``."""
    value = node.value if isinstance(node, ast.Assign) else None
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return any(isinstance(each, ast.Dict) and not each.keys for each in parts)


def _words_in(value: Value) -> Iterator[str]:
    return (name for each in open_names(value) for name in (each, *identifiers(each)))


def _initializers(code: FollowedClass) -> Iterator[ast.stmt]:
    """Every ``__init__`` of a class and of its bases that may be given what a call gives."""
    line = [code]
    while isinstance(code.owner, Defined) and isinstance(code.owner.code, FollowedClass):
        code = code.owner.code
        if code in line or len(line) > MOST_FOLLOWED:
            break
        line.append(code)
    for each in line:
        yield from (
            inner
            for inner in each.node.body
            if isinstance(inner, FUNCTIONS) and inner.name == "__init__"
        )


def _method_in(classes: Sequence[FollowedClass], name: str) -> tuple[FollowedFunction, int] | None:
    """The method that the first of several classes to have it has."""
    try:
        for each in classes:
            if (function := each.method(name)) is not None:
                return _as_method(function, each)
    except NotFollowedError:
        pass
    return None


def _as_method(
    function: ast.FunctionDef, code: FollowedClass
) -> tuple[FollowedFunction, int] | None:
    """A method with the place of the first parameter that its calls give."""
    decorators = [dotted(each) for each in function.decorator_list]
    if len(decorators) > 1 or not {*decorators} <= _OF_CLASSES.keys() or not runs(function):
        return None
    first = _OF_CLASSES[decorators[0]] if decorators else 1
    return FollowedFunction(function, code.around), first


def _overridden(module: ast.Module) -> defaultdict[str, set[str]]:
    """For each class, the names that the bodies of classes that inherit from it give something."""
    below = defaultdict[str, list[ast.ClassDef]](list)
    classes = [each for each in statements_in(module) if isinstance(each, ast.ClassDef)]
    for each in classes:
        for base in each.bases:
            below[text_of(base).rpartition(".")[2]].append(each)
    names = defaultdict[str, set[str]](set)
    for each in classes:
        pending, seen = [*below[each.name]], set[ast.ClassDef]()
        while pending:
            inner = pending.pop()
            if inner not in seen:
                seen.add(inner)
                names[each.name] |= bindings(inner.body).keys()
                pending += below[inner.name]
    return names


def _joined(every: Sequence[Scope]) -> Scope:
    """What the bodies of a class and its bases do."""
    return Scope(
        sum((each.bound for each in every), Counter()),
        tuple(change for each in every for change in each.changed),
        sum(each.unsettled for each in every),
    )


def _result(frame: Frame, given: Mapping[str, Value]) -> Value:
    """What a function gives back; ``None`` where its call does not say.

    Of an array, what makes it, without the function's own names.
    """
    if frame.ended and len(frame.returned) > 1:
        arrays = [whole_array(each, given) for each in frame.returned]
        if made_alike(arrays):
            return arrays[0]
    if frame.ended and len(frame.returned) > 1 and all(map(_is_value, frame.returned)):
        chosen = either("", frame.returned)  # One of several classes
        return chosen if isinstance(chosen, Either) else None
    if not frame.ended or len(frame.returned) != 1:
        return None
    value = frame.returned[0]
    items = value if isinstance(value, tuple) else (value,)
    is_open = any(
        isinstance(each, Name) and not isinstance(each, Record | Reference) for each in items
    )
    return None if is_open else whole_array(value, given)


def _is_value(value: Value) -> bool:
    """Whether it is plain, a dictionary of what is, or something that is imported."""
    if isinstance(value, Reference):
        return value.is_imported
    if isinstance(value, Either):
        return all(isinstance(each, Reference) and each.is_imported for each in value.options)
    if isinstance(value, tuple):
        return all(is_plain(each) or _is_value(each) for each in value)
    if is_dict(value) and isinstance(value, Call):
        return all(map(is_plain, value.named.values()))
    return is_plain(value)
