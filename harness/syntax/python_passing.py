"""What a call gives the parameters of a function of the text, and the reading of that apart."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeGuard

from harness.syntax.expressions import Source, is_partial, is_plain, open_names
from harness.syntax.names import Names, can_change, either, is_dict
from harness.syntax.python_branches import Frame
from harness.syntax.python_changes import (
    FUNCTIONS,
    bindings,
    changes,
    dotted,
    is_of_a_framework,
    parameters,
    text_of,
    walk,
)
from harness.syntax.python_classes import (
    LIKELY,
    FollowedClass,
    FollowedFunction,
    Likely,
    NotFollowedError,
    given_to,
)
from harness.syntax.python_scopes import Scope
from harness.syntax.python_statements import Statements
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
_OF_A_CLASS: Final = re.compile("conv", re.IGNORECASE)
# Expressions that may choose a class or a function.
CHOICES: Final = (ast.IfExp, ast.Subscript, ast.Call, ast.BoolOp)
# Functions that ask of a class, or are read otherwise.
_NO_WRAPPERS: Final = {"type", "isinstance", "issubclass", "partial", "print", "str", "repr", "id"}
_DIGITS: Final = re.compile(r"\d")
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


class Passing(Statements):
    """Reads functions apart from the text around them, with values for their parameters."""

    _likely: Likely

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, left_out, values)
        self._supplied = {name: _as_class(value) for name, value in values.items()}
        self._classes = {each.text for each in self._supplied.values() if isinstance(each, Name)}
        # What tests compare, and with which class, word or number, where the text does not say
        # what it is, or only as a default.
        self._open_tests: list[tuple[str, str]] = []
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

    def _is_same(self, one: ast.expr, other: ast.expr) -> bool | None:
        """Whether two classes are the same; ``None`` where it is not certain, or none is meant."""
        name, wanted = self._class_name(one), self._class_name(other)
        if name and isinstance(other, ast.Constant) and other.value is None:
            return False
        if not name and wanted and dotted(one):
            self._open_tests.append((self._text(one), dotted(other)))
        return same_class(name, wanted) if name and wanted else None

    def _class_name(self, node: ast.expr) -> str:
        """The full name of the class that an expression certainly stands for."""
        name = dotted(node)
        if not name:
            return ""
        owner = self.names.owner(name)
        if name in self._supplied and not (isinstance(owner, Reference) and owner.is_imported):
            owner = self._supplied[name]
        if isinstance(owner, Reference):
            owner = self._resolved(owner)
            return owner.text if owner.is_imported or owner.text in self._classes else ""
        # nn.Conv2d in a text that does not import nn
        is_class = name.rpartition(".")[2][:1].isupper() and "." in name
        return name if owner is None and is_class else ""

    def _resolved(self, given: Reference) -> Reference:
        """What the user gives, by its full name."""
        owner = None if given.is_imported else self.names.owner(given.text)
        return owner if isinstance(owner, Reference) else given

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

    def _chosen(self, node: ast.expr) -> Value:
        """What an expression chooses among what is imported or defined, if it does."""
        column = self.source.offset_of(node)
        match node:
            case ast.Name() | ast.Attribute() if name := dotted(node):
                owner = self.names.owner(name)
                is_open = owner is None and isinstance(node, ast.Attribute)
                return Reference(name, column, is_imported=False) if is_open else _at(owner, column)
            case ast.Call(ast.Name("getattr"), [module, name, *_]) if dotted(module):
                return self._attribute_chosen(node, dotted(module), name)
            case ast.Call(function, [ast.Name() | ast.Attribute() as made], []):
                return self._changed_elsewhere(function, made)
            case ast.IfExp():
                test, assumed = self.with_defaults(node.test)
                if is_plain(test) and not assumed:
                    taken, other = (node.body, node.orelse)[:: 1 if test else -1]
                    picked = {*self._picked}
                    options = [self._chosen(other)]
                    self._picked = picked  # What is picked in the other is not
                    return self._passing_over(options, self._chosen(taken))
                return _one_of(node, [self._chosen(each) for each in (node.body, node.orelse)])
            case ast.BoolOp(ast.Or(), [first, *others]):
                options = [self._chosen(each) for each in (first, *others)]
                is_nothing = self.value(first) is None and len(others) == 1
                return options[1] if is_nothing else _one_of(node, options)
            case ast.Subscript(value=ast.Dict(keys=keys, values=values)):
                wanted = self.value(node.slice)
                known = [None if each is None else self.value(each) for each in keys]
                options = [self._chosen(each) for each in values]
                if is_plain(wanted) and all(map(is_plain, known)):
                    place = known.index(wanted) if wanted in known else None
                else:
                    place = self._class_among(keys, node.slice)
                    if place is None:
                        return _one_of(node, options)
                return None if place is None else self._passing_over(options, options[place])
            case ast.Subscript(value=whole) | ast.Call(ast.Attribute(whole, "get"), [_, *_]):
                return self._element_chosen(node, whole)
        return None

    def _changed_elsewhere(self, function: ast.expr, made: ast.expr) -> Value:
        """What ``changed(bias=False)(nn.ConvTranspose2d)`` is: nearly the class that is given."""
        name = dotted(function.func if isinstance(function, ast.Call) else function)
        owner = self.names.owner(name) if name else Name(name, 0)
        is_foreign = owner is None or isinstance(owner, Reference)
        if not is_foreign or name.rpartition(".")[2] in _NO_WRAPPERS:
            return None
        chosen = self._chosen(made)
        full = owner.text if isinstance(owner, Reference) else name
        if not isinstance(chosen, Reference) or is_of_a_framework(full):
            return None
        is_class = LIKELY.search(chosen.text.rpartition(".")[2]) and "." in chosen.text
        return replace(chosen, changed_by=name) if is_class else None

    def _attribute_chosen(self, node: ast.expr, module: str, name: ast.expr) -> Value:
        """What ``getattr(nn, name)`` is, also where only the number of axes in it is open."""
        attribute = self.value(name)
        if isinstance(attribute, str):
            return self._attribute(node, module, attribute)
        given = self.names.given.get(dotted(name))
        options = given.options if isinstance(given, Either) else self._names_by_rank(name)
        names = [each for each in options if isinstance(each, str)]
        return _one_of(node, [self._attribute(node, module, each) for each in names])

    def _names_by_rank(self, node: ast.expr) -> list[str]:
        """What ``f"ConvTranspose{rank}d"`` may be."""
        if isinstance(node, ast.Name | ast.Attribute) or not _OF_A_CLASS.search(text_of(node)):
            return []
        # Other look-ups start faster without it.
        from harness.syntax.python_texts import names_by_rank  # noqa: PLC0415

        return names_by_rank(node, self.value)

    def _attribute(self, node: ast.expr, module: str, name: str) -> Value:
        full, column = f"{module}.{name}", self.source.offset_of(node)
        if not name.isidentifier():
            return None
        return _at(self.names.owner(full), column) or Reference(full, column, is_imported=False)

    def _of_keys(self, named: Mapping[str, Value], wanted: ast.expr) -> Mapping[str, Value]:
        """The elements of a dictionary for the keys that ``f"Conv{rank}d"`` may be."""
        given = self.names.given.get(dotted(wanted))
        options = given.options if isinstance(given, Either) else self._names_by_rank(wanted)
        keys = [each for each in options if isinstance(each, str)]
        return {key: value for key, value in named.items() if key in keys} if keys else named

    def _element_chosen(self, node: ast.expr, whole: ast.expr) -> Value:
        """What ``CLASSES[kind]`` is, or ``CLASSES.get(kind, nn.Conv2d)``."""
        value, among = self.value(node), self.value(whole)
        elements = among if isinstance(among, tuple) else ()
        if isinstance(among, Call) and is_dict(among):
            wanted = node.slice if isinstance(node, ast.Subscript) else node.args[0]  # type: ignore[attr-defined]
            elements = tuple(self._of_keys(among.named, wanted).values())
        options = [self._meant_by(each) for each in elements]
        if options and isinstance(node, ast.Call):
            options += [self._chosen(each) for each in node.args[1:2]]
        if _is_dotted(value) and type(value) is Name and value.text != text_of(node):
            return self._passing_over(options, self._meant_by(value))
        return _one_of(node, options) if isinstance(value, Name | Call) else None

    def _meant_by(self, element: Value) -> Value:
        """What an element of a sequence is that is imported or defined."""
        if isinstance(element, Reference | Defined):
            return element
        if type(element) is not Name or not _is_dotted(element):
            return None
        owner = self.names.owner(element.text)
        open_name = Reference(element.text, element.column, is_imported=False)
        return _at(owner, element.column) or open_name

    def _passing_over(self, options: Sequence[Value], chosen: Value) -> Value:
        """The one that the text chooses; none of the others is handed on."""
        every = (each.options if isinstance(each, Either) else (each,) for each in options)
        self._passed_over |= {
            each.column for one in every for each in one if isinstance(each, Reference)
        }
        self._picked |= {chosen.column} if isinstance(chosen, Reference) else set()
        return chosen

    def _class_by_default(self, name: str, default: ast.expr) -> Value:
        """What a parameter may be whose default is what is looked for."""
        return _one_of(ast.parse(name, mode="eval").body, [self._chosen(default), None])

    def _class_among(self, keys: Sequence[ast.expr | None], wanted: ast.expr) -> int | None:
        """Which key of ``{nn.Conv2d: ..., nn.Conv3d: ...}`` is the class that is wanted."""
        name = self._class_name(wanted)
        known = ["" if each is None else self._class_name(each) for each in keys]
        if not (name and all(known)):
            return None
        same = [same_class(name, each) for each in known]
        return same.index(True) if same.count(True) == 1 and None not in same else None

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
        if _is_dotted(value):
            meaning = self.names.owner(value.text)
            if isinstance(meaning, Call) and (is_partial(meaning) or is_known(meaning)):
                return meaning
            if isinstance(meaning, Reference | Defined) or _is_either(meaning):
                return _at(meaning, value.column)
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


def same_class(one: str, other: str) -> bool | None:
    """Return whether two full names mean the same class; ``None`` where that is not certain.

    >>> same_class("torch.nn.Conv2d", "nn.Conv2d"), same_class("nn.Conv1d", "nn.Conv2d")
    (True, False)
    >>> same_class("nn.BatchNorm2d", "nn.InstanceNorm2d"), same_class("nn.Up", "other.Up")
    (False, None)

    One class may have two names in its module, which begin alike:

    >>> same_class("layers.Conv2D", "layers.Convolution2D")
    """
    if _is_end(one, other) or _is_end(other, one):
        return True
    (module, _, name), (whose, _, others) = one.rpartition("."), other.rpartition(".")
    if not (_is_end(module, whose) or _is_end(whose, module)):
        return None
    is_other = name[:1] != others[:1] or _DIGITS.sub("", name) == _DIGITS.sub("", others)
    return False if is_other else None


def _is_end(whole: str, end: str) -> bool:
    return f".{whole}".endswith(f".{end}")


def _as_class(value: Value) -> Value:
    """What the user gives a name: ``nn.Conv2d`` is the name of a class, and no text."""
    if isinstance(value, str) and "." in value and all(map(str.isidentifier, value.split("."))):
        return Reference(value, 0, is_imported=False)
    return value


def _is_either(meaning: Value) -> bool:
    """Whether something that is imported or defined may be meant."""
    return isinstance(meaning, Either) and any(
        isinstance(each, Reference | Defined) for each in meaning.options
    )


def _at(owner: Value, column: int) -> Value:
    """What is imported or defined, where the text hands it on; ``None`` for anything else."""
    if isinstance(owner, Reference):
        return replace(owner, column=column)
    is_meaning = isinstance(owner, Reference | Defined) or is_partial(owner) or _is_either(owner)
    return owner if is_meaning else None


def _one_of(node: ast.expr, options: Sequence[Value]) -> Value:
    """One of several meanings, if all of them are, or one is what is looked for."""
    is_likely = any(
        isinstance(each, Reference) and LIKELY.search(each.text.rpartition(".")[2])
        for each in options
    )
    if not options or (None in options and not is_likely):
        return None
    text = text_of(node)
    return either(text, [Name(text, 0) if each is None else each for each in options])


def _is_dotted(value: Value) -> TypeGuard[Name]:
    return isinstance(value, Name) and value.text.replace(".", "").isidentifier()


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
