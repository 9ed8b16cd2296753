"""What a call gives the parameters of a function of the text, and the reading of that apart."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from harness.syntax.expressions import Source, is_partial, is_plain, open_names
from harness.syntax.names import Names, can_change
from harness.syntax.python_branches import Frame
from harness.syntax.python_changes import (
    FUNCTIONS,
    bindings,
    changes,
    dotted,
    parameters,
    text_of,
    walk,
)
from harness.syntax.python_chosen import (
    CHOICES,
    Choosing,
    at,
    is_dotted,
    is_either,
    one_of,
)
from harness.syntax.python_classes import (
    FollowedClass,
    FollowedFunction,
    Likely,
    NotFollowedError,
    given_to,
)
from harness.syntax.python_scopes import Scope
from harness.syntax.tree import (
    BinaryOp,
    Call,
    Defined,
    Either,
    Name,
    Passed,
    Record,
    Reference,
    SnippetError,
    Statement,
    UnaryOp,
    Unread,
    Value,
    names_in,
)

_LONGEST: Final = 120  # Characters of an expression that stands for a parameter
# A name, and an attribute of ``self``.
_WORDS: Final = re.compile(r"(?<![\w.])(?:self\.)?[^\W\d]\w*+")


@dataclass(frozen=True)
class Object:
    """What ``self`` is: an object of a class, the first, that inherits from the others."""

    classes: tuple[FollowedClass, ...]
    # Whether it is certainly of that class, and of none that inherits from it.
    is_exact: bool = False


@dataclass
class Entered:
    """A function that is being read for a call."""

    frame: Frame = field(default_factory=Frame)
    statements: list[Statement] = field(default_factory=list)


class Passing(Choosing):
    """Reads functions apart from the text around them, with values for their parameters."""

    _likely: Likely

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, left_out, values)
        self._pending: list[Statement] = []  # What stands before the statement that is being read
        self._within: tuple[ast.AST, ...] = ()  # Functions that are being read, outermost first
        self._done = set[ast.AST]()  # Functions that were read for a call of the same object
        self._self: Object | None = None
        self._objects = set[str]()  # Names that have attributes by their settings
        self._patched = set[str]()  # Attributes that the text sets, but of ``self``
        # By class, what the bodies of those that inherit from it give something.
        self._overridden = defaultdict[str, set[str]](set)
        self._passed: frozenset[str] = frozenset()  # What the call gives, in the caller's words
        self._written: dict[tuple[object, ...], str] = {}
        self._words: dict[ast.AST, frozenset[str]] = {}
        self._sequences: dict[ast.AST, tuple[str, ...]] = {}

    def _sequences_among(
        self, node: FUNCTIONS, defaults: Sequence[tuple[str, Value, str]]
    ) -> Sequence[str]:
        found = super()._sequences_among(node, defaults)
        if node.name not in self._likely:
            return found
        if node not in self._sequences:
            # Other look-ups start faster without it.
            from harness.syntax.python_sequences import sequences  # noqa: PLC0415

            self._sequences[node] = tuple(sequences(node))
        return (*found, *self._sequences[node])

    def _choice(self, node: ast.IfExp | ast.Compare | ast.BoolOp) -> Value:
        match node:
            case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot() as operation]):
                is_same = self._is_same(node.left, node.comparators[0])
                if is_same is not None:
                    return is_same == isinstance(operation, ast.Eq | ast.Is)
                self._note_open_test(node.left, node.comparators[0])
        return super()._choice(node)

    def _where_each_begins(self, test: ast.expr) -> tuple[Names, Names]:
        if dotted(test):
            self._open_tests.append((self._text(test), "true"))
        return super()._where_each_begins(test)

    def _note_open_test(self, one: ast.expr, other: ast.expr) -> None:
        """Note a name that is compared with a word or a number, unless its value is certain."""
        if isinstance(other, ast.Constant) and type(other.value) in {int, str}:
            name = dotted(one)
            if name and (name in self.names.assumed or name not in self.names.known):
                self._open_tests.append((self._text(one), str(other.value)))

    def _result(self, node: ast.Call) -> Value:
        match node:
            case ast.Call(ast.Name("issubclass"), [one, other], []):
                is_same = self._is_same(one, other)
                if is_same is not None and self.names.owner("issubclass") is None:
                    return is_same
        return super()._result(node)

    def _decides(self, test: ast.expr) -> bool:
        if self._frame is not None:
            return True
        if isinstance(test, ast.Compare):
            is_same = self._is_same(test.left, test.comparators[0])
            if is_same is not None:
                return True
        parts = (each for each in walk(test) if isinstance(each, ast.expr))
        return bool(self._supplied) and any(dotted(each) in self._supplied for each in parts)

    def _given(self, node: ast.expr, value: Value) -> Value:
        given = super()._given(node, value)
        is_choice = isinstance(node, CHOICES) and given is value
        chosen = self._chosen(node) if type(given) is Name or is_choice else None
        return chosen if isinstance(chosen, Reference) and chosen.is_imported else given

    def _meaning(self, node: ast.expr, value: Value) -> Value:
        if isinstance(value, Reference):
            return self._resolved(value)
        if isinstance(node, CHOICES):
            chosen = self._chosen(node)
            return value if chosen is None else chosen
        if isinstance(value, Name) and (names := self._names_by_rank(node)):
            return Either(text_of(node), 0, (), tuple(names))
        meaning = super()._meaning(node, value)
        is_computed = isinstance(value, UnaryOp | BinaryOp) or type(value) is Name
        if not (self._passed and is_computed and isinstance(value, Name)):
            return meaning
        roots = {name.partition(".")[0] for name in open_names(value)}
        if not roots <= self._passed or len(value.text) > _LONGEST:
            return meaning
        return Passed(value.text, value.column, value=value)

    def _class_by_default(self, name: str, default: ast.expr) -> Value:
        """What a parameter may be whose default is what is looked for."""
        return one_of(ast.parse(name, mode="eval").body, [self._chosen(default), None])

    def _text(self, node: ast.expr) -> str:
        text = text_of(node)
        if not self._passed:
            return text
        passed = {
            name: given.text
            for name in _WORDS.findall(text)
            if isinstance(given := self.names.given.get(name), Passed)
        }
        if all(key == passed[key] for key in passed):
            return text
        key = (text, *passed.items())
        if key not in self._written:
            self._written[key] = _with_words(text, passed)
        return self._written[key]

    @contextmanager
    def _apart(self, *, is_own: bool = False) -> Iterator[Entered]:
        """Read something else, and come back; ``self`` stays the same where that is its own."""
        outer = (self.names, self._read, self._block, self._frame, self._chain, self._within)
        target = self._whole, self._target, self._passed
        scopes = self._scope, self._class_scope, self._self, self._done
        pending, self._pending = self._pending, []
        unread = len(self.unread)
        if not is_own:
            self._class_scope, self._self = Scope(), None
        try:
            yield Entered()
            if len(self.unread) > unread:
                raise NotFollowedError(f"of which a line is not read: {self.unread[-1].error.fact}")
        except SnippetError as error:
            raise NotFollowedError(f"of which a line is not read: {error.fact}") from None
        except RecursionError:
            raise NotFollowedError("which is nested too deeply") from None
        finally:
            self.names, self._read, self._block, self._frame, self._chain, self._within = outer
            self._whole, self._target, self._passed = target
            self._scope, self._class_scope, self._self, self._done = scopes
            self._pending = pending
            del self.unread[unread:]

    def _carry_out(
        self,
        entered: Entered,
        code: FollowedFunction,
        given: Mapping[str, tuple[Value, tuple[str, ...]]],
    ) -> None:
        """Read a function's body, with values for its parameters."""
        node, attributes = code.node, self._attributes() if self._self is not None else {}
        self.names, self._read, self._frame = code.around.apart(), {}, entered.frame
        self._within = (*self._within, node)
        self._done.add(node)
        self._scope = self._scope_of(node)
        self._scope.bound.update(parameters(node))
        self._forget(name for name in self._scope.bound if "." not in name)
        for name, (value, assumed) in (*attributes.items(), *given.items()):
            self.names.give(name, value, assumed)
        passed = (value.text for value, _ in given.values() if isinstance(value, Passed))
        self._passed = frozenset(
            word.partition(".")[0] for text in passed for word in _WORDS.findall(text)
        )
        entered.statements += self._inner(node.body)
        code.around.leave(self.names, self._own_of(node))

    def _attributes(self) -> dict[str, tuple[Value, tuple[str, ...]]]:
        """What is known of ``self``."""
        names = self.names
        return {
            name: (value, names.assumed.get(name, ()))
            for name, value in names.given.items()
            if name.startswith("self.")
        }

    def _given_by(
        self, node: ast.Call, call: Call, code: FollowedFunction, first: int
    ) -> dict[str, tuple[Value, tuple[str, ...]]]:
        """What a call gives each parameter, with the defaults that it was computed from."""
        arguments = code.node.args
        if isinstance(node.func, ast.Attribute) and not dotted(node.func):  # Of ``super()``
            call = replace(call, arguments=call.arguments[1:])
        is_as_written = len(call.arguments) == len(node.args) + len(node.keywords)
        with self._apart():
            self.names = code.around.copy()
            defaults = self._values_of_defaults(code.node)
        given = given_to(arguments, call, defaults, first)
        places = [each.arg for each in (*arguments.posonlyargs, *arguments.args)][first:]
        literal = {
            *(name for name, each in zip(places, node.args, strict=False) if _is_literal(each)),
            *(each.arg for each in node.keywords if _is_literal(each.value)),
        }
        explicit = {*places[: len(call.positional)], *call.named}
        result = {}
        for name, value in given.items():
            is_default = name in defaults and name not in explicit
            what = f"{code.node.name}.{name}"
            taken = value if is_default else self._taken(value, name, what, code)
            is_certain = is_default or (is_as_written and name in literal)
            result[name] = taken, () if is_certain else call.assumed
            if isinstance(value, Record):
                parts = {
                    f"{name}{part}": (inner, tuple(f"{name}{each}" for each in assumed))
                    for part, (inner, assumed) in parts_of_record(value).items()
                }
            else:
                parts = self._parts_of(value.text, name) if isinstance(value, Name) else {}
            self._objects |= {name} if parts else set()
            result |= parts
        return result

    def _values_of_defaults(self, node: ast.FunctionDef) -> dict[str, Value]:
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
        keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        pairs += [(each, default) for each, default in keywords if default is not None]
        # A list among the defaults may be another one at the next call.
        changed = {each.name for each in changes(node.body)}
        values = {}
        for each, default in pairs:
            value = self._meaning(default, self.value(default))
            is_unknown = (can_change(value) and each.arg in changed) or type(value) is Name
            values[each.arg] = Name(each.arg, 0) if is_unknown else value
        return values

    def _taken(self, value: Value, parameter: str, what: str, code: FollowedFunction) -> Value:
        """What a parameter is given, as the function's own text is read with it."""
        if is_plain(value):
            return value
        if isinstance(value, Reference):
            return self._resolved(value)
        if is_dotted(value):
            meaning = self.names.owner(value.text)
            if isinstance(meaning, Call) and (is_partial(meaning) or is_known(meaning)):
                return meaning
            if isinstance(meaning, Reference | Defined) or is_either(meaning):
                return at(meaning, value.column)
        if isinstance(value, Call):
            return value if is_partial(value) or is_known(value) else Name(parameter, 0)
        words = self._words_of(code.node)
        if isinstance(value, tuple):
            used = {word for each in names_in(value) for word in _WORDS.findall(each.text)}
            return Name(parameter, 0) if used & words else value
        assert isinstance(value, Name)
        is_same = value.text == parameter and bindings(code.node.body)[parameter] == 0
        if len(value.text) > _LONGEST or not (
            is_same or words.isdisjoint(_WORDS.findall(value.text))
        ):
            value = Name(what, value.column)
        return Passed(value.text, value.column, value=value)

    def _words_of(self, node: ast.AST) -> frozenset[str]:
        """All names, and attributes of ``self``, in a function or a class."""
        if node not in self._words:
            nodes = list(walk(node))
            found = {each.id for each in nodes if isinstance(each, ast.Name)}
            found |= {each.arg for each in nodes if isinstance(each, ast.arg)}
            own = (each for each in nodes if isinstance(each, ast.Attribute))
            found |= {name for each in own if (name := dotted(each)).startswith("self.")}
            self._words[node] = frozenset(found)
        return self._words[node]

    def _parts_of(self, name: str, parameter: str) -> dict[str, tuple[Value, tuple[str, ...]]]:
        """What is known of the attributes of an object that a parameter is given."""
        known, assumed = self.names.known, self.names.assumed
        return {
            parameter + each.removeprefix(name): (value, assumed.get(each, ()))
            for each, value in known.items()
            if each.startswith(f"{name}.")
        }

    def _constant(self, node: ast.expr, around: Names) -> Value:
        try:
            with self._apart():
                self.names, self._read = around.copy(), {}
                return self.value(node)
        except NotFollowedError:
            return Name(text_of(node), 0)


def parts_of_record(record: Record) -> dict[str, tuple[Value, tuple[str, ...]]]:
    """Return attributes with the defaults among them, each without the object's name."""
    return {
        f".{each.name}": (
            each.value,
            (f".{each.name}={each.value!r}",) if each.is_default else (),
        )
        for each in record.settings
    }


def is_known(value: Value) -> bool:
    """Return whether it is plain, or a call of which all arguments are."""
    if isinstance(value, tuple):
        return all(map(is_known, value))
    if isinstance(value, Call):
        return all(is_known(each.value) for each in value.arguments)
    return not isinstance(value, Name)


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _with_words(text: str, words: Mapping[str, str]) -> str:
    """Write expressions in the place of names."""
    try:
        tree = ast.parse(text, mode="eval")
        replaced = {name: ast.parse(word, mode="eval").body for name, word in words.items()}
    except (SyntaxError, ValueError, RecursionError):
        return text

    class Words(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return replaced.get(node.id, node)

        def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
            return node

    return ast.unparse(Words().visit(tree))
