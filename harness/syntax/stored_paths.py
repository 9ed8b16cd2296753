"""Where a Python model keeps its layers: the names under which their arrays are stored.

``self.up = nn.Sequential(nn.Conv2d(...), nn.ConvTranspose2d(...))`` keeps them under ``up.0`` and
``up.1``; what a loop adds to a list is kept under ``ups.#``, for any number.  Nothing is executed:
classes, lists and small functions are followed as far as the text itself says what they hold.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Final, TypeAlias

from harness.syntax.tree import SnippetError

_IN_ORDER: Final = {"Sequential", "ModuleList", "HybridSequential", "ChainList"}
_BY_NAME: Final = {"ModuleDict", "OrderedDict"}
_WRAPPERS: Final = re.compile(r"weight_norm|spectral_norm|orthogonal|SpectralNorm|WeightNorm")
_ADDS: Final = {"append", "add", "extend", "add_module", "register_module", "add_link"}
_DEEPEST: Final = 12  # Classes and functions inside each other
_MOST: Final = 5000  # Places of layers
_MOST_STEPS: Final = 30_000
# Layers without weights of three axes or more.
_HARMLESS: Final = re.compile(
    r"norm|relu|elu$|pool|drop|tanh|sigmoid|softmax|identity|flatten|upsampl|pad|shuffle|silu|swish"
    r"|activation|linear|dense|embedding|loss|param|tensor|zeros|ones|randn|len|int|range|list",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class StoredPath:
    """A layer's place in a model.

    Attributes
    ----------
    root : str
        The class that the path begins in; empty outside of classes.
    path : str
        ``decoder.up``, ``ups.#`` for any number; empty if the model is this layer.
    function : str
        What makes the layer, without its module.
    line, offset : int
        Of the call that makes it: from 1, and from the text's begin.
    through : tuple of int
        The offsets of the calls that make what it is in, the outermost last.
    """

    root: str
    path: str
    function: str
    line: int
    offset: int
    through: tuple[int, ...] = ()

    @property
    def is_harmless(self) -> bool:
        """Whether it has no weights that could be taken for a convolution's."""
        return _HARMLESS.search(self.function) is not None


def stored_paths(text: str) -> list[StoredPath]:
    r"""Return the layers that a Python text makes, with their places in its models.

    Raises
    ------
    SnippetError
        Where the text is no Python.

    Examples
    --------
    >>> text = "class G(nn.Module):\n  def __init__(self):\n    self.up = nn.Sequential(A(), B())"
    >>> [(each.root, each.path, each.function) for each in stored_paths(text)]
    [('G', 'up.0', 'A'), ('G', 'up.1', 'B')]
    """
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SnippetError("the source is no Python that can be read.") from None
    # Python ends lines where others do not.
    parts = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    begins = accumulate((len(part) for part in parts), initial=0)
    walker = _Model(list(zip(parts, begins, strict=False)))
    try:
        walker.read(module)
        return list(islice(walker.places(), _MOST))
    except RecursionError:
        raise SnippetError("the source is nested too deeply.") from None


_Path: TypeAlias = tuple[str, ...]
_Found: TypeAlias = Iterator[tuple[_Path, ast.Call]]


@dataclass
class _Scope:
    """What a class, or the text outside of classes, keeps where."""

    layers: list[tuple[_Path, ast.Call]] = field(default_factory=list)
    # What was added to each list so far; None once a loop or a condition adds to it.
    counts: dict[str, int | None] = field(default_factory=dict)
    # Lists and layers in variables.
    variables: dict[str, list[tuple[_Path, ast.Call]]] = field(default_factory=dict)


@dataclass
class _Model:
    """A text's classes and functions."""

    lines: Sequence[tuple[str, int]]  # Each with where it begins
    scopes: dict[str, _Scope] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    # What the functions return that were asked for, and what they call what is in it.
    returns: dict[str, tuple[_Scope, list[ast.expr]]] = field(default_factory=dict)
    steps: int = _MOST_STEPS  # That are left

    def step(self) -> None:
        """Count what classes and functions inside each other multiply."""
        self.steps -= 1
        if self.steps < 0:
            raise SnippetError("its classes and functions hold too many of each other to follow.")

    def read(self, module: ast.Module) -> None:
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, node)
        classes = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
        self.scopes = {"": _Scope()} | {node.name: _Scope() for node in classes}
        for node in classes:
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    self._statements(method.body, self.scopes[node.name], branched=False)
        self._statements(module.body, self.scopes[""], branched=False)
        # What names its layers itself keeps them there, in whatever they are.
        named = [node for node in ast.walk(module) if isinstance(node, ast.Call) and _name(node)]
        self.scopes["="] = _Scope([((_name(node),), node) for node in named[:_MOST]])
        for name, holder in self.scopes[""].variables.items():
            # A model in a variable is one of its own, unless it is one of a class.
            own = [(at, call) for at, call in holder if last_name(call) not in self.scopes]
            self.scopes.setdefault(f"={name}", _Scope(own))

    def places(self) -> Iterator[StoredPath]:
        """Yield the layers by the classes that are not themselves inside another one."""
        inside = {
            last_name(call)
            for root, scope in self.scopes.items()
            for _, call in scope.layers
            if root and not root.startswith("=")
        }
        for root in self.scopes:
            if root and root not in inside:
                yield from self._within(root, root, (), ())

    def _within(
        self, name: str, root: str, path: _Path, through: tuple[int, ...]
    ) -> Iterator[StoredPath]:
        for inner, call in self.scopes[name].layers:
            self.step()
            function, offset = last_name(call), self._offset(call)
            if function in self.scopes and function and len(through) < _DEEPEST:
                yield from self._within(function, root, (*path, *inner), (offset, *through))
            else:
                whole = ".".join((*path, *inner))
                yield StoredPath(root, whole, function, call.lineno, offset, through)

    def _offset(self, call: ast.Call) -> int:
        line, begin = self.lines[call.lineno - 1]
        return begin + len(line.encode()[: call.col_offset].decode(errors="ignore"))

    def _statements(self, body: Sequence[ast.stmt], scope: _Scope, *, branched: bool) -> None:
        for statement in body:
            match statement:
                case (
                    ast.Assign(targets=[target], value=value)
                    | ast.AnnAssign(target=target, value=ast.expr() as value)
                ):
                    self._assign(target, value, scope)
                case ast.AugAssign(target=target, value=value):
                    self._add(target, [value], scope, branched=branched, is_many=True)
                case ast.Expr(value=ast.Call() as call):
                    self._call(call, scope, branched=branched)
                case ast.With(body=inner):
                    self._statements(inner, scope, branched=branched)
                case ast.If(body=inner, orelse=other) | ast.For(body=inner, orelse=other):
                    self._statements([*inner, *other], scope, branched=True)
                case ast.FunctionDef() | ast.ClassDef():
                    pass
                case _:
                    inner = getattr(statement, "body", [])
                    self._statements(inner, scope, branched=True)

    def _assign(self, target: ast.expr, value: ast.expr, scope: _Scope) -> None:
        match target:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                scope.layers += self._inside(value, (name,), scope, 0)
                scope.counts[f"self.{name}"] = _length(value)
            case ast.Name(id=name):
                scope.variables[name] = list(self._inside(value, (), scope, 0))
                scope.counts[name] = _length(value)

    def _call(self, call: ast.Call, scope: _Scope, *, branched: bool) -> None:
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr=word),
                args=[name, value],
            ) if word in _ADDS:
                scope.layers += self._inside(value, (_text(name),), scope, 0)
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id="self"), name, value]):
                scope.layers += self._inside(value, (_text(name),), scope, 0)
            case ast.Call(func=ast.Attribute(value=holder, attr=word), args=args) if word in _ADDS:
                if word in {"add_module", "register_module"} and len(args) == 2:
                    self._keep(holder, args[1], (_text(args[0]),), scope)
                else:
                    self._add(holder, args, scope, branched=branched, is_many=word == "extend")
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")
            ):
                # Chainer's links as keywords.
                for keyword in call.keywords:
                    if keyword.arg:
                        scope.layers += self._inside(keyword.value, (keyword.arg,), scope, 0)

    def _add(
        self,
        holder: ast.expr,
        values: Sequence[ast.expr],
        scope: _Scope,
        *,
        branched: bool,
        is_many: bool,
    ) -> None:
        """Add to a list: in their order, or anywhere if a loop or condition does it."""
        name = ast.unparse(holder)
        if is_many:
            values = [each for value in values for each in _elements(value)]
        for value in values:
            count = scope.counts.get(name)
            if branched or isinstance(value, ast.Starred):
                count = None
            self._keep(holder, value, ("#" if count is None else str(count),), scope)
            scope.counts[name] = None if count is None else count + 1

    def _keep(self, holder: ast.expr, value: ast.expr, path: _Path, scope: _Scope) -> None:
        match holder:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                scope.layers += self._inside(value, (name, *path), scope, 0)
            case ast.Name(id=name):
                kept = self._inside(value, path, scope, 0)
                scope.variables.setdefault(name, []).extend(list(kept))

    def _inside(self, value: ast.expr, path: _Path, scope: _Scope, depth: int) -> _Found:
        """Yield the layers in an expression, each with its path."""
        self.step()
        if depth > _DEEPEST or len(scope.layers) > _MOST:
            return
        deeper = depth + 1
        match value:
            case ast.Call():
                yield from self._made(value, path, scope, deeper)
            case ast.IfExp(body=first, orelse=second):
                yield from self._inside(first, path, scope, deeper)
                yield from self._inside(second, path, scope, deeper)
            case ast.List() | ast.Tuple() | ast.BinOp():
                yield from self._elements(_elements(value), path, scope, deeper)
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
                yield from self._inside(element, (*path, "#"), scope, deeper)
            case ast.Starred(value=inner):
                yield from self._inside(inner, path, scope, deeper)
            case ast.Dict(keys=keys, values=values):
                for key, each in zip(keys, values, strict=True):
                    name = _text(key) if key else "#"
                    yield from self._inside(each, (*path, name), scope, deeper)
            case ast.Name(id=name):
                yield from (((*path, *inner), call) for inner, call in _some(scope, name))

    def _elements(
        self, values: Sequence[ast.expr], path: _Path, scope: _Scope, depth: int
    ) -> _Found:
        known = True
        for place, each in enumerate(values):
            if isinstance(each, ast.Starred):
                # A list's own numbers count only where nothing stands before it.
                for own, call in list(self._inside(each.value, (), scope, depth)):
                    yield (*path, *(own if place == 0 else ("#", *own[1:]))), call
                known = False
                continue
            number = str(place) if known else "#"
            match each:
                case ast.Tuple(elts=[ast.Constant(value=str() as name), layer]):
                    yield from self._inside(layer, (*path, name), scope, depth)
                case _:
                    yield from self._inside(each, (*path, number), scope, depth)

    def _made(self, call: ast.Call, path: _Path, scope: _Scope, depth: int) -> _Found:
        name = last_name(call)
        if name in _IN_ORDER or name in _BY_NAME:
            # A single argument is the list, or the dictionary, of them.
            alone = call.args[0] if len(call.args) == 1 else None
            is_list = isinstance(
                alone, ast.List | ast.Tuple | ast.BinOp | ast.ListComp | ast.GeneratorExp | ast.Dict
            )
            is_made = isinstance(alone, ast.Call) and last_name(alone) in _BY_NAME
            if alone is not None and (is_list or is_made or isinstance(alone, ast.Name)):
                yield from self._inside(alone, path, scope, depth)
            else:
                yield from self._elements(call.args, path, scope, depth)
        elif _WRAPPERS.search(name) and call.args:
            yield from self._inside(call.args[0], path, scope, depth)
        elif isinstance(call.func, ast.Name) and name in self.functions and name not in self.scopes:
            yield from self._returned(name, path, depth)
        else:
            yield path, call

    def _returned(self, name: str, path: _Path, depth: int) -> _Found:
        """Yield the layers that a small function of the text returns."""
        if name not in self.returns:
            function, local = self.functions[name], _Scope()
            self.returns[name] = (local, [])
            self._statements(function.body, local, branched=False)
            nodes = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
            self.returns[name][1].extend(node.value for node in nodes if node.value is not None)
        local, values = self.returns[name]
        for value in values:
            yield from self._inside(value, path, local, depth)


def _some(scope: _Scope, name: str) -> list[tuple[_Path, ast.Call]]:
    return list(scope.variables.get(name, ()))


def _elements(value: ast.expr) -> list[ast.expr]:
    """Return a list's elements, or what it is joined from."""
    match value:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return elements
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return [*_elements(left), *_elements(right)]
    return [ast.Starred(value)]


def _length(value: ast.expr) -> int | None:
    """Return how many layers a list has, if the text says so."""
    match value:
        case ast.List(elts=elements) if not any(isinstance(e, ast.Starred) for e in elements):
            return len(elements)
        case ast.Call(args=[ast.List() as inner]) if last_name(value) in _IN_ORDER:
            return _length(inner)
        case ast.Call(args=args) if last_name(value) in _IN_ORDER:
            return None if any(isinstance(e, ast.Starred) for e in args) else len(args)
    return None


def _name(call: ast.Call) -> str:
    """Return the name that a layer is given as an argument."""
    values = [each.value for each in call.keywords if each.arg == "name"]
    return _text(values[0]) if values else ""


def _text(name: ast.expr) -> str:
    """Return a name, with ``#`` for what a loop numbers."""
    match name:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) if isinstance(part, ast.Constant) else "#" for part in parts)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            return re.sub(r"%[ds]", "#", text)
    return "#"


def last_name(call: ast.Call) -> str:
    """Return the last part of what a call calls."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
