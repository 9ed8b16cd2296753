"""The functions and classes of a Python text, with what their calls are followed with."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from harness.syntax.arrays import MAKERS
from harness.syntax.names import Names
from harness.syntax.python_changes import (
    bindings,
    changes,
    children,
    dotted,
    handed_to,
    is_arg_scope,
    is_harmless,
    kept,
    parameters,
    statements_in,
    text_of,
    walk,
)
from harness.syntax.tree import (
    Argument,
    Call,
    Defined,
    Either,
    Name,
    Reference,
    Value,
    WrittenTuple,
    last_name,
)

MOST_FOLLOWED: Final = 100


# What makes, or may make, a transposed convolution in any framework.
LIKELY: Final = re.compile("transpos|deconv|convtrans", re.IGNORECASE)
_MOVES: Final = re.compile("transpose_?", re.IGNORECASE)  # Moves axes: every attention does
# Methods that apply the layers that an object has.
APPLYING: Final = {"forward", "hybrid_forward", "call", "__call__", "decode", "build"}
_WORD: Final = re.compile(r"[^\W\d]\w*+")
_DEEPEST: Final = 4  # Functions that call one another
_MOST_NODES: Final = 250  # Of a function that only computes a value
# Functions in modules, and methods, that may have a plain value.
_COMPUTING: Final = {
    *("ceil", "floor", "trunc", "sqrt", "log2", "prod", "get", "pop", "copy", "replace"),
    *("parse_args", "parse_known_args", "SimpleNamespace", "Namespace", "EasyDict", "edict"),
    *("AttrDict", "Munch", "Box", "__init__"),
}
# In the names of what frameworks' layers have themselves.
_OF_LAYERS: Final = re.compile(
    "^_|weight|bias|kernel|stride|pad|dilat|group|filter|channel|unit|crop|mode|out|adj|shape"
    "|forward|call|build|built|train|activation|param|buffer|hook|spec|format|node|child|layout",
    re.IGNORECASE,
)
# Methods that may give an object anything.
_MAKING: Final = ("__new__", "__getattribute__", "__setattr__", "__init_subclass__")
# Attributes of functions and classes that make them others.
REMAKING: Final = {"__code__", "__defaults__", "__kwdefaults__", "__class__", "__bases__"}
# Decorators that leave a class as it is.
_HARMLESS: Final = {"register_keras_serializable", "dataclass", "add_start_docstrings", "final"}


class NotFollowedError(Exception):
    """Why a call of a class or a function is not followed."""


@dataclass(frozen=True)
class FollowedFunction:
    """What calls of a function are followed with."""

    node: ast.FunctionDef
    around: Names  # What names stand for in it


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

    def method(self, name: str) -> ast.FunctionDef | None:
        """Return a function that the class certainly has as this method, and no other."""
        nodes = _given_by_body(self.node).get(name, ())
        if len(nodes) == 1 and isinstance(nodes[0], ast.FunctionDef):
            return nodes[0]
        if nodes:
            raise NotFollowedError(f"whose {name} may be one of several")
        return None

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
                case ast.FunctionDef(name="forward", decorator_list=[]) if _calls_base(each):
                    pass
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    pass
                case ast.Assign() | ast.AnnAssign() if not any(
                    map(may_be_a_layers, bindings([each]))
                ):
                    pass
                case _:
                    name = getattr(each, "name", "more")
                    raise NotFollowedError(f"which has {name} of its own")
        return init


def classes_used(module: ast.AST) -> frozenset[str]:
    r"""Return the names that a text calls, inherits from or hands on, without their modules.

    >>> text = "class A(B): x = C\ndef f(): return super(A, self).f(m.D())"
    >>> sorted(classes_used(ast.parse(text)))
    ['B', 'C', 'D', 'f', 'm', 'self']
    """
    names, pending = set[str](), [module]
    while pending:
        node = pending.pop()
        match node:
            case ast.Call(ast.Name("super"), [_, *others]):
                pending += others
                continue
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()):
                names.add(name)
        pending += ast.iter_child_nodes(node)
    return frozenset(names)


def may_be_a_layers(name: str) -> bool:
    """Whether a framework's layer may have an attribute of this name, and compute with it.

    >>> may_be_a_layers("self.trim"), may_be_a_layers("stride"), may_be_a_layers("_pads")
    (False, True, True)
    """
    own = name.removeprefix("self.")
    return not own.isidentifier() or _OF_LAYERS.search(own) is not None


def own_forward(node: ast.ClassDef) -> ast.FunctionDef | None:
    """Return the method with which a class does more than its base, where it calls that, too."""
    methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
    return next((each for each in methods if each.name == "forward" and _calls_base(each)), None)


def _calls_base(forward: ast.FunctionDef) -> bool:
    """Whether a method calls that of the base in one place, whatever else it does."""
    own = 0
    for node in walk(forward):
        match node:
            case ast.Call(ast.Attribute(ast.Call(ast.Name("super")), "forward"), given, named):
                if len(given) != 1 or named:  # An output_size says more than the layer.
                    return False
                own += 1
            case ast.Attribute(ast.Name("self"), "weight" | "bias", ast.Store()):
                return False
    return own == 1


@kept
def _given_by_body(node: ast.ClassDef) -> Mapping[str, Sequence[ast.stmt]]:
    """For each name that the body of a class gives something, the statements that do."""
    givers = defaultdict[str, list[ast.stmt]](list)
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            givers[each.name].append(each)
        elif not isinstance(each, ast.Expr):
            for name in bindings([each]):
                givers[name].append(each)
    return givers


def _is_imported(owner: Either) -> bool:
    """Whether no meaning is of the text's own, as after ``from params import *``."""
    return all(isinstance(option, Reference) for option in owner.options)


def line_of_classes(code: FollowedClass) -> tuple[FollowedClass, ...]:
    """Return a class and its bases, as far as the text defines them.

    Raises
    ------
    NotFollowedError
        Where the text does not show in one line what an object inherits.
    """
    line = [code]
    while isinstance(code.owner, Defined) and isinstance(code.owner.code, FollowedClass):
        code = code.owner.code
        if code in line or len(line) > MOST_FOLLOWED:
            raise NotFollowedError("which inherits from itself")
        line.append(code)
    for each in line:
        others = (each.around.owner(dotted(base)) for base in each.node.bases[1:])
        decorators = {text_of(node).partition("(")[0] for node in each.node.decorator_list}
        names = {name.rpartition(".")[2] for name in decorators}
        if each.node.keywords or any(isinstance(owner, Defined | Either) for owner in others):
            raise NotFollowedError("which is not simply a class of one base")
        if not names <= _HARMLESS or any(each.method(name) is not None for name in _MAKING):
            raise NotFollowedError("which a decorator or a method like __new__ may change")
        if isinstance(each.owner, Either) and not _is_imported(each.owner):
            raise NotFollowedError("whose base may be one of several")
    return tuple(line)


def may_make_a_layer(call: Call) -> bool:
    """Whether a call may be one of those that are looked for."""
    owners = call.owner.options if isinstance(call.owner, Either) else (call.owner,)
    names = [
        last_name(call),
        call.written,
        *(each.text for each in owners if isinstance(each, Reference)),
    ]
    words = {name.rpartition(".")[2] for name in names}
    return any(map(is_likely, words))


def is_likely(word: str) -> bool:
    """Whether a name may be that of a transposed convolution.

    >>> is_likely("Conv2DTranspose"), is_likely("swapaxes"), is_likely("transpose")
    (True, False, False)
    """
    return LIKELY.search(word) is not None and not _MOVES.fullmatch(word)


class Likely:
    """Which functions and classes of a text may make what is looked for, directly or by others."""

    def __init__(self, module: ast.Module, lines: Sequence[str]) -> None:
        self._words: set[str] = set()
        if not any(isinstance(each, ast.FunctionDef | ast.ClassDef) for each in module.body):
            return
        users = defaultdict[str, set[str]](set)
        for names, text in _named_lines(module, lines):
            for word in {*_WORD.findall(text)}:
                users[word].update(names)
        pending = [word for word in users if is_likely(word)]
        while pending:
            for name in users[pending.pop()]:
                if name not in self._words:
                    self._words.add(name)
                    # Every class has these; the class's own name says more.
                    pending += [] if name.startswith("__") or name in APPLYING else [name]

    def __contains__(self, name: str) -> bool:
        return name in self._words or LIKELY.search(name) is not None


def _named_lines(module: ast.Module, lines: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """The lines of functions and classes, and those that give names something, with the names."""
    pending: list[tuple[ast.stmt, tuple[str, ...]]] = [(each, ()) for each in module.body]
    while pending:
        node, around = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            around = (*around, node.name)
            pending += [(each, around) for each in node.body]
            names = around
        elif not around and isinstance(node, ast.Import | ast.ImportFrom):
            yield from (([each.asname or each.name], each.name) for each in node.names)
            continue
        elif not around and isinstance(node, ast.Assign):
            names = tuple(bindings([node]))
        else:
            names = around
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            end = node.body[0].lineno
        else:
            end = (node.end_lineno or node.lineno) + 1
        text = "\n".join(lines[node.lineno - 1 : end - 1])
        if names:
            yield names, text


@kept
def computes_a_value(function: ast.FunctionDef) -> bool:
    """Whether a function is short, and does nothing but compute what it gives back."""
    inner = [*walk(function)]
    if len(inner) > _MOST_NODES or any(isinstance(node, _EFFECTS) for node in inner):
        return False
    returns = any(isinstance(node, ast.Return) for node in inner)
    return (
        returns and sum(1 for _ in islice(ast.walk(function), _MOST_NODES + 2)) <= _MOST_NODES + 1
    )


def gives_nothing_known(function: ast.FunctionDef, methods: Collection[str]) -> bool:
    r"""Whether nothing that a function gives back is computed from plain values alone.

    Of methods, only those of the text's own classes are followed: their names.

    >>> code = "def up(x):\n    y = x.reshape(2)\n    return y + 1, 2"
    >>> gives_nothing_known(ast.parse(code).body[0], ())
    True
    """
    given = [each.value for each in walk(function) if isinstance(each, ast.Return)]
    return all(each is None or _is_open(each, function, methods) for each in given)


def _is_open(
    node: ast.expr,
    function: ast.FunctionDef,
    methods: Collection[str],
    within: tuple[str, ...] = (),
) -> bool:
    """Whether an expression certainly has no plain value, and makes no array."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)):
            return not (name in methods or name in _COMPUTING or name in MAKERS)
        case ast.BinOp(left=left, right=right):
            return any(_is_open(each, function, methods, within) for each in (left, right))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(_is_open(each, function, methods, within) for each in parts)
        case ast.Name(id=name) if name in within:
            return True
        case ast.Name(id=name):
            values = _given_to_names(function).get(name, ())
            within = (*within, name)
            return bool(values) and all(
                each is not None and _is_open(each, function, methods, within) for each in values
            )
    return False


@kept
def _given_to_names(function: ast.FunctionDef) -> Mapping[str, Sequence[ast.expr | None]]:
    """All that a function gives its own names; ``None`` for what is no simple assignment."""
    values = defaultdict[str, list[ast.expr | None]](list)
    for name in parameters(function):
        values[name].append(None)
    for node in walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    values[target.id].append(node.value)
    for name, times in bindings(function.body).items():
        if times != len(values[name]):
            values[name].append(None)
    return values


def leaves_arguments(owner: Value, within: tuple[ast.AST, ...] = ()) -> bool:
    """Whether a call of what a name stands for certainly changes nothing that it is given."""
    match owner:
        case Either(options=options):
            return all(leaves_arguments(each, within) for each in options)
        case Reference(text=name):
            return is_harmless(name)
        case Defined(code=FollowedFunction(node, around)) if (
            node not in within and len(within) < _DEEPEST and computes_a_value(node)
        ):
            given = {*parameters(node)}
            names = {each.name for each in changes(node.body)}
            return all(
                each is not None
                and leaves_arguments(around.owner(dotted(each.func)), (*within, node))
                for name in names
                if name.partition(".")[0] in given
                for each in handed_to(name, node.body)
            )
    return False


@kept
def returns_a_scope(function: ast.FunctionDef) -> bool:
    """Whether a function gives back an ``arg_scope`` that it makes."""
    scopes = {
        item.optional_vars.id
        for node in walk(function)
        if isinstance(node, ast.With)
        for item in node.items
        if is_arg_scope(item) and isinstance(item.optional_vars, ast.Name)
    }
    return any(
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Name)
        and node.value.id in scopes
        for node in walk(function)
    )


@kept
def makes_settings(function: ast.FunctionDef) -> bool:
    """Whether a function reads the arguments of a program."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"parse_args", "parse_known_args"}
        for node in walk(function)
    )


@kept
def runs(function: ast.FunctionDef) -> bool:
    """Whether a call of a function carries out its body, and changes no name of other scopes."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom | ast.Global | ast.Nonlocal):
            return False
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            pending += children(node)
    return True


_EFFECTS: Final = (
    *(ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.While, ast.With, ast.Try),
    *(ast.ClassDef, ast.AsyncFunctionDef, ast.Delete, ast.Import, ast.ImportFrom, ast.Await),
)


def given_to(
    parameters: ast.arguments, call: Call, defaults: Mapping[str, Value], first: int = 1
) -> dict[str, Value]:
    """Return what a call gives parameters, from the first on: that of a method is ``self``."""
    if any(each.name in {"*", "**"} for each in call.arguments):
        raise NotFollowedError("which is given arguments that the text does not show")
    places = [each.arg for each in (*parameters.posonlyargs, *parameters.args)][first:]
    own = {*places, *(each.arg for each in parameters.kwonlyargs)}
    positional, column = call.positional, call.column
    surplus = {name: value for name, value in call.named.items() if name not in own}
    too_many = len(positional) > len(places) and parameters.vararg is None
    if too_many or (surplus and parameters.kwarg is None):
        raise NotFollowedError("which takes other arguments")
    given = dict(defaults)
    given |= dict(zip(places, positional, strict=False))
    given |= {name: value for name, value in call.named.items() if name in own}
    needed = places[: max(0, len(places) - len(parameters.defaults))]
    needed += [
        each.arg
        for each, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        if default is None
    ]
    if not given.keys() >= {*needed}:
        raise NotFollowedError("which takes other arguments")
    if parameters.vararg is not None:
        given[parameters.vararg.arg] = WrittenTuple(positional[len(places) :])
    if parameters.kwarg is not None:
        rest = tuple(Argument(name, value, column) for name, value in surplus.items())
        given[parameters.kwarg.arg] = Call(Name("dict", column), rest, column)
    return given


def methods_in(module: ast.Module) -> Mapping[str, list[ast.FunctionDef]]:
    """Return the methods of a text's classes by their names."""
    methods = defaultdict[str, list[ast.FunctionDef]](list)
    for each in statements_in(module):
        for inner in each.body if isinstance(each, ast.ClassDef) else ():
            if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("__"):
                methods[inner.name].append(inner)
    return methods


def gives_a_default(call: ast.Call, method: ast.FunctionDef) -> bool:
    """Whether a call of a method gives a parameter a value that has one by default."""
    places = [each.arg for each in (*method.args.posonlyargs, *method.args.args)][1:]
    needed = len(places) - len(method.args.defaults)
    by_name = {*places[needed:], *(each.arg for each in method.args.kwonlyargs)}
    is_starred = any(isinstance(each, ast.Starred) for each in call.args)
    return (
        is_starred
        or len(call.args) > needed
        or any(each.arg is None or each.arg in by_name for each in call.keywords)
    )
