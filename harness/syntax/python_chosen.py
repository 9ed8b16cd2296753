"""Which class or function an expression of Python chooses: by a condition, a key or a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeGuard

from harness.syntax.expressions import Source, is_partial, is_plain
from harness.syntax.names import either, is_dict
from harness.syntax.python_changes import dotted, is_of_a_framework, text_of
from harness.syntax.python_classes import LIKELY
from harness.syntax.python_statements import Statements
from harness.syntax.tree import Call, Defined, Either, Name, Reference, Unread, Value

# Expressions that may choose a class or a function.
CHOICES: Final = (ast.IfExp, ast.Subscript, ast.Call, ast.BoolOp)
_OF_A_CLASS: Final = re.compile("conv", re.IGNORECASE)
# Functions that ask of a class, or are read otherwise.
_NO_WRAPPERS: Final = {"type", "isinstance", "issubclass", "partial", "print", "str", "repr", "id"}
_DIGITS: Final = re.compile(r"\d")


class Choosing(Statements):
    """Reads what expressions choose among what is imported or defined."""

    def __init__(
        self, source: Source, left_out: Sequence[Unread], values: Mapping[str, Value]
    ) -> None:
        super().__init__(source, left_out, values)
        self._supplied = {name: as_class(value) for name, value in values.items()}
        self._classes = {each.text for each in self._supplied.values() if isinstance(each, Name)}
        # What tests compare, and with which class, word or number, where the text does not say
        # what it is, or only as a default.
        self._open_tests: list[tuple[str, str]] = []

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

    def _chosen(self, node: ast.expr) -> Value:
        """What an expression chooses among what is imported or defined, if it does."""
        column = self.source.offset_of(node)
        match node:
            case ast.Name() | ast.Attribute() if name := dotted(node):
                owner = self.names.owner(name)
                is_open = owner is None and isinstance(node, ast.Attribute)
                return Reference(name, column, is_imported=False) if is_open else at(owner, column)
            case ast.Call(ast.Name("getattr"), [module, name, *_]) if dotted(module):
                return self._spelled(node, f"{dotted(module)}.", name)
            case ast.Call(ast.Name("eval"), [name, *_]) if self.names.owner("eval") is None:
                return self._spelled(node, "", name)
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
                return one_of(node, [self._chosen(each) for each in (node.body, node.orelse)])
            case ast.BoolOp(ast.Or(), [first, *others]):
                options = [self._chosen(each) for each in (first, *others)]
                is_nothing = self.value(first) is None and len(others) == 1
                return options[1] if is_nothing else one_of(node, options)
            case ast.Subscript(value=ast.Dict(keys=keys, values=values)):
                wanted = self.value(node.slice)
                known = [None if each is None else self.value(each) for each in keys]
                options = [self._chosen(each) for each in values]
                if is_plain(wanted) and all(map(is_plain, known)):
                    place = known.index(wanted) if wanted in known else None
                else:
                    place = self._class_among(keys, node.slice)
                    if place is None:
                        return one_of(node, options)
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

    def _spelled(self, node: ast.expr, module: str, name: ast.expr) -> Value:
        """What ``getattr(nn, name)`` is, also where only the number of axes in it is open.

        Or ``eval("nn.ConvTranspose%dd" % rank)``, of which the text is read and never evaluated.
        """
        text = self.value(name)
        if isinstance(text, str):
            return self._at_full_name(node, module + text)
        given = self.names.given.get(dotted(name))
        options = given.options if isinstance(given, Either) else self._names_by_rank(name)
        names = [each for each in options if isinstance(each, str)]
        return one_of(node, [self._at_full_name(node, module + each) for each in names])

    def _made_by_a_factory(self, factory: str, key: ast.expr, rank: ast.expr) -> Iterator[Value]:
        """What ``Conv[Conv.CONVTRANS, rank]`` may be, or ``Conv["convtrans", 2]``."""
        # Other look-ups start faster without it.
        from harness.syntax.layer_factories import classes  # noqa: PLC0415

        if isinstance(key, ast.IfExp):
            test, assumed = self.with_defaults(key.test)
            both = [key.body, key.orelse]
            is_certain = is_plain(test) and not assumed
            for each in both[:: 1 if test else -1][:1] if is_certain else both:
                yield from self._made_by_a_factory(factory, each, rank)
            return
        word, known = self.value(key), self.value(rank)
        word = word if isinstance(word, str) else dotted(key).rpartition(".")[2]
        ranks = (known,) if type(known) is int else (1, 2, 3)
        column = self.source.offset_of(key)
        yield from (Reference(each, column) for each in classes(factory, word, ranks))

    def _names_by_rank(self, node: ast.expr) -> list[str]:
        """What ``f"ConvTranspose{rank}d"`` may be."""
        if isinstance(node, ast.Name | ast.Attribute) or not _OF_A_CLASS.search(text_of(node)):
            return []
        # Other look-ups start faster without it.
        from harness.syntax.python_texts import names_by_rank  # noqa: PLC0415

        return names_by_rank(node, self.value)

    def _at_full_name(self, node: ast.expr, name: str) -> Value:
        if not all(map(str.isidentifier, name.split("."))):
            return None
        column = self.source.offset_of(node)
        return at(self.names.owner(name), column) or Reference(name, column, is_imported=False)

    def _of_keys(self, named: Mapping[str, Value], wanted: ast.expr) -> Mapping[str, Value]:
        """The elements of a dictionary for the keys that ``f"Conv{rank}d"`` may be."""
        given = self.names.given.get(dotted(wanted))
        options = given.options if isinstance(given, Either) else self._names_by_rank(wanted)
        keys = [each for each in options if isinstance(each, str)]
        return {key: value for key, value in named.items() if key in keys} if keys else named

    def _element_chosen(self, node: ast.expr, whole: ast.expr) -> Value:
        """What ``CLASSES[kind]`` is, ``CLASSES.get(kind, nn.Conv2d)``, or ``Conv["up", 2]``."""
        match node, self.names.owner(dotted(whole)):
            case ast.Subscript(slice=ast.Tuple([key, rank])), Reference(text=factory):
                return one_of(node, [*self._made_by_a_factory(factory, key, rank)])
        value, among = self.value(node), self.value(whole)
        elements = among if isinstance(among, tuple) else ()
        if isinstance(among, Call) and is_dict(among):
            wanted = node.slice if isinstance(node, ast.Subscript) else node.args[0]  # type: ignore[attr-defined]
            elements = tuple(self._of_keys(among.named, wanted).values())
        options = [self._meant_by(each) for each in elements]
        if options and isinstance(node, ast.Call):
            options += [self._chosen(each) for each in node.args[1:2]]
        if is_dotted(value) and type(value) is Name and value.text != text_of(node):
            return self._passing_over(options, self._meant_by(value))
        return one_of(node, options) if isinstance(value, Name | Call) else None

    def _meant_by(self, element: Value) -> Value:
        """What an element of a sequence is that is imported or defined."""
        if isinstance(element, Reference | Defined):
            return element
        if type(element) is not Name or not is_dotted(element):
            return None
        owner = self.names.owner(element.text)
        open_name = Reference(element.text, element.column, is_imported=False)
        return at(owner, element.column) or open_name

    def _passing_over(self, options: Sequence[Value], chosen: Value) -> Value:
        """The one that the text chooses; none of the others is handed on."""
        every = (each.options if isinstance(each, Either) else (each,) for each in options)
        self._passed_over |= {
            each.column for one in every for each in one if isinstance(each, Reference)
        }
        self._picked |= {chosen.column} if isinstance(chosen, Reference) else set()
        return chosen

    def _class_among(self, keys: Sequence[ast.expr | None], wanted: ast.expr) -> int | None:
        """Which key of ``{nn.Conv2d: ..., nn.Conv3d: ...}`` is the class that is wanted."""
        name = self._class_name(wanted)
        known = ["" if each is None else self._class_name(each) for each in keys]
        if not (name and all(known)):
            return None
        same = [same_class(name, each) for each in known]
        return same.index(True) if same.count(True) == 1 and None not in same else None


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


def as_class(value: Value) -> Value:
    """Return what the user gives a name: ``nn.Conv2d`` is the name of a class, and no text."""
    if isinstance(value, str) and "." in value and all(map(str.isidentifier, value.split("."))):
        return Reference(value, 0, is_imported=False)
    return value


def is_either(meaning: Value) -> bool:
    """Return whether something that is imported or defined may be meant."""
    return isinstance(meaning, Either) and any(
        isinstance(each, Reference | Defined) for each in meaning.options
    )


def at(owner: Value, column: int) -> Value:
    """Return what is imported or defined, where the text hands it on, or ``None``."""
    if isinstance(owner, Reference):
        return replace(owner, column=column)
    is_meaning = isinstance(owner, Reference | Defined) or is_partial(owner) or is_either(owner)
    return owner if is_meaning else None


def one_of(node: ast.expr, options: Sequence[Value]) -> Value:
    """Return one of several meanings, if all of them are, or one is what is looked for."""
    is_likely = any(
        isinstance(each, Reference) and LIKELY.search(each.text.rpartition(".")[2])
        for each in options
    )
    if not options or (None in options and not is_likely):
        return None
    text = text_of(node)
    return either(text, [Name(text, 0) if each is None else each for each in options])


def is_dotted(value: Value) -> TypeGuard[Name]:
    """Return whether it is a name, or an attribute of one."""
    return isinstance(value, Name) and value.text.replace(".", "").isidentifier()
