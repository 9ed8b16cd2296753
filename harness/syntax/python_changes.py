"""Which names Python code gives something, and which lists and objects it may change in place."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Final, NamedTuple, TypeVar

from harness.syntax.names import EVERYTHING

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
LOOPS = ast.For | ast.AsyncFor | ast.While
_DECLARING: Final = (ast.Global, ast.Nonlocal)
Definition = FUNCTIONS | ast.ClassDef | ast.Import | ast.ImportFrom
_SCOPES = FUNCTIONS | ast.ClassDef | ast.Lambda | ast.comprehension
# What gives a value that has a name another one.
_NAMING: Final = (
    *(ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Yield, ast.Lambda, ast.keyword),
    *(ast.List, ast.Tuple, ast.Dict, ast.Set, ast.IfExp, ast.BoolOp),
)
# Most nodes of a tree: they hold no other nodes that matter here.
_SIGNS: Final = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
_LEAVES: Final = {ast.Constant, *(kind for signs in _SIGNS for kind in signs.__subclasses__())}
_NO_NODES: Final = {*_LEAVES, type(None), str, int, bool}
_OF_NO_NODES: Final = {"ctx", "op", "ops", "attr", "id", "arg", "type_comment", "type_ignores"}

# Methods of lists, dictionaries and layers that leave them as they are, and that do not.
_KEEPS: Final = {
    *("copy", "count", "get", "index", "items", "keys", "values"),
    *("to", "cuda", "cpu", "to_gpu", "to_cpu", "float", "half", "double", "eval", "train"),
    *("parameters", "modules", "children", "named_parameters", "named_modules", "state_dict"),
    *("register_buffer", "register_parameter", "add_module", "add_link", "add_param", "apply"),
    *("add_weight", "init_scope", "name_scope", "build", "compile", "summary", "forward"),
    *("initialize", "hybridize", "collect_params", "zero_grad"),
}
_CHANGES: Final = {
    *("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"),
    *("update", "setdefault", "popitem"),
}
# Functions that leave their arguments as they are; so do classes, and frameworks' functions.
_PURE: Final = {
    *("abs", "all", "any", "bool", "dict", "enumerate", "float", "getattr", "hasattr", "hash"),
    *("id", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min"),
    *("print", "range", "repr", "reversed", "set", "sorted", "str", "sum", "super", "tuple"),
    *("type", "zip", "format", "callable", "copy", "deepcopy"),
}
_FRAMEWORKS: Final = {
    *("torch", "nn", "F", "tf", "tensorflow", "keras", "layers", "K", "np", "numpy", "jnp", "math"),
    *("mx", "mxnet", "nd", "sym", "gluon", "chainer", "L"),
    *("jax", "lax", "nnx", "hk", "eqx"),
}
# Functions of modules that are named like methods of dictionaries: they change no module.
_FUNCTIONS: Final = {"nnx.update", "nnx.pop"}
_OF_ALL_NAMES: Final = {"exec", "execfile", "globals", "locals"}
_PATCHES: Final = {"patch", "setattr"}
# Kinds of nodes that give names something, or may change something in place.
_GIVING: Final = {
    *(ast.Name, ast.Attribute, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.alias),
    *(ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping, ast.Global, ast.Nonlocal),
}
_CHANGING: Final = {
    *(ast.NamedExpr, ast.Attribute, ast.AugAssign, ast.Subscript, ast.ImportFrom, ast.Call),
}
_PATCHING: Final = {ast.Attribute, ast.Subscript, ast.Call}
_KEPT_CHILDREN: Final = "deconform_children"
_A_COPY: Final = "deconform_a_copy"
_OF_ATTRIBUTES: Final = {"setattr", "delattr", "vars"}


_Node = TypeVar("_Node", bound=ast.AST)
_Found = TypeVar("_Found")


def kept(find: Callable[[_Node], _Found]) -> Callable[[_Node], _Found]:
    """Keep on a node what is found of it: every scope around it asks again."""
    name = f"deconform_{find.__name__}"

    @wraps(find)
    def found(node: _Node) -> _Found:
        fields = node.__dict__
        if name not in fields:
            fields[name] = find(node)
        value: _Found = fields[name]
        return value

    return found


class Change(NamedTuple):
    """A name of something that may be changed in place."""

    name: str  # ``EVERYTHING`` where the text does not say which
    certain: bool  # Whatever it is; else only where it is a list, or has attributes
    method: str = ""  # The method of ``self`` that does it
    is_of_element: bool = False  # Whether an element is given another value


def bindings(body: Iterable[ast.AST]) -> Counter[str]:
    """Count the assignments to each name of a scope; twice in a loop.

    Inner functions have names of their own, but attributes are everybody's.
    """
    counts: Counter[str] = Counter()
    for node in body:
        for name, loops, _ in _effects(node).bound:
            counts[name] += 1 + loops
    return counts


def definitions(body: Iterable[ast.AST]) -> Iterator[Definition]:
    """Yield the imports, functions and classes of a scope; twice in a loop."""
    pending = [(node, 1) for node in body]
    while pending:
        node, times = pending.pop()
        if isinstance(node, Definition):
            yield from times * [node]
        elif not isinstance(node, ast.expr):
            times += isinstance(node, LOOPS)
            pending += [(inner, times) for inner in children(node)]


def set_to_none(body: Iterable[ast.AST]) -> Counter[str]:
    r"""Count how often the statements of a scope give each name ``None``.

    >>> set_to_none(ast.parse("try:\n    import f\nexcept ImportError:\n    f = None").body)
    Counter({'f': 1})
    """
    counts: Counter[str] = Counter()
    pending = [*body]
    while pending:
        match node := pending.pop():
            case ast.Assign(targets=targets, value=ast.Constant(value=None)):
                counts.update(each.id for each in targets if isinstance(each, ast.Name))
            case ast.If() | ast.Try() | ast.With() | ast.ExceptHandler():
                pending += children(node)
    return counts


def shared_names(tree: ast.AST) -> frozenset[str]:
    """Names that functions give values in the scope of others."""
    declared = (node for node in statements_in(tree) if isinstance(node, _DECLARING))
    return frozenset(name for node in declared for name in node.names)


def patches(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield attributes of modules, classes and objects that a text sets, wherever it does."""
    for node in walk(tree):
        if type(node) in _PATCHING:
            yield from _patched_by(node)


def _patched_by(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) if (
            name := dotted(node)
        ) and not name.startswith("self."):
            yield name, node
        case ast.Subscript(ctx=ast.Store(), value=owner, slice=ast.Constant(str(module))) if (
            dotted(owner) == "sys.modules"
        ):
            yield module, node
        case ast.Call(func=function, args=[ast.Constant(str(name)), *_]) if (
            text_of(function).rpartition(".")[2] in _PATCHES
        ):
            yield name, node
        case ast.Call(args=[owner, ast.Constant(str(name)), _, *_]) if dotted(owner):
            yield f"{dotted(owner)}.{name}", node


def changes(body: Iterable[ast.AST]) -> Iterator[Change]:
    """Yield what code may change in place, except an inner function's own names.

    Examples
    --------
    >>> list(changes([ast.parse("k[0] = 3")]))
    [Change(name='k', certain=True, method='', is_of_element=True)]
    """
    for node in body:
        yield from _effects(node).changed


def changed_attributes(module: ast.AST) -> set[str]:
    r"""Return the attributes that hold what a text may change in place, or gives another name.

    >>> sorted(changed_attributes(ast.parse("for n in a.b: a.c.append(n)\nd = a.e; f(len(a.g))")))
    ['c', 'e']
    """
    names = set[str]()
    for node in walk(module):
        names |= {change.name.rpartition(".")[2] for change in _changed_by(node)}
        if isinstance(node, _NAMING):
            names |= {each.attr for each in children(node) if isinstance(each, ast.Attribute)}
    return names


def note_copies_of_names(module: ast.Module) -> None:
    """Note each call of ``locals()`` in a function: through what it gives, no name is changed.

    https://docs.python.org/3/library/functions.html#locals
    """
    pending: list[tuple[ast.AST, bool]] = [(module, False)]
    while pending:
        node, is_in_function = pending.pop()
        if isinstance(node, FUNCTIONS):
            outside = [
                *node.decorator_list,
                *node.args.defaults,
                *filter(None, node.args.kw_defaults),
            ]
            pending += [(each, is_in_function) for each in outside]
            pending += [(each, True) for each in node.body]
            continue
        if isinstance(node, ast.ClassDef):
            is_in_function = False
        elif is_in_function and isinstance(node, ast.Call) and dotted(node.func) == "locals":
            setattr(node, _A_COPY, True)
        pending += [(each, is_in_function) for each in ast.iter_child_nodes(node)]


class _Effects(NamedTuple):
    """What a node does to names."""

    # Each name that it gives something, in how many of its loops, and if other scopes see it.
    bound: Sequence[tuple[str, int, bool]] = ()
    changed: Sequence[Change] = ()  # What it may change in place, each once


_NO_EFFECTS: Final = _Effects()


@kept
def _effects(node: ast.AST) -> _Effects:
    """Find both in one walk, for they are asked of every scope around a node."""
    kind = type(node)
    bound, changed = list[tuple[str, int, bool]](), list[Change]()
    for child in children(node):
        if type(child) is ast.Name:
            if type(child.ctx) is not ast.Load:
                bound.append((child.id, 0, False))
        elif (inner := _effects(child)) is not _NO_EFFECTS:
            bound += inner.bound
            changed += inner.changed
    in_loop, in_scope = isinstance(node, LOOPS), isinstance(node, _SCOPES)
    if bound and (in_loop or in_scope):
        shown = (each for each in bound if each[2] or not in_scope)
        bound = [(name, loops + in_loop, is_shared) for name, loops, is_shared in shown]
    if changed and isinstance(node, FUNCTIONS):
        hidden = {*parameters(node), *own_names(node)} - {"self"}
        changed = [each for each in changed if each.name.split(".")[0] not in hidden]
    if kind in _GIVING:
        bound = [*((name, 0, is_shared) for name, is_shared in _given_by(node)), *bound]
    if kind in _CHANGING:
        changed = [*_changed_by(node), *changed]
    if not (bound or changed):
        return _NO_EFFECTS
    return _Effects(bound, _once(changed) if len(changed) > 1 else changed)


def _once(found: Sequence[Change]) -> tuple[Change, ...]:
    """Leave out what is there already; how often everything is changed counts."""
    everything = [change for change in found if change.name == EVERYTHING]
    return (*everything, *dict.fromkeys(each for each in found if each.name != EVERYTHING))


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes in a node but for constants and signs; kept as well."""
    kind = type(node)
    if kind is ast.Name or kind in _LEAVES:
        return []
    fields = node.__dict__
    inner: list[ast.AST] | None = fields.get(_KEPT_CHILDREN)
    if inner is None:
        inner = []
        for name in _inner_fields(kind):
            value = fields.get(name)
            if isinstance(value, list):
                inner += [each for each in value if type(each) not in _NO_NODES]
            elif value is not None and type(value) not in _NO_NODES:
                inner.append(value)
        fields[_KEPT_CHILDREN] = inner
    return inner


_INNER_FIELDS: Final[dict[type[ast.AST], tuple[str, ...]]] = {}


def _inner_fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes."""
    if kind not in _INNER_FIELDS:
        _INNER_FIELDS[kind] = tuple(name for name in kind._fields if name not in _OF_NO_NODES)
    return _INNER_FIELDS[kind]


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all in it but for constants and signs, in the order of the text."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        if type(node) is not ast.Name:
            pending += reversed(children(node))


def statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all in it but for expressions."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending += [each for each in children(node) if not isinstance(each, ast.expr)]


def parameters(node: FUNCTIONS) -> list[str]:
    """Return the names of a function's parameters."""
    given = node.args
    every = (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg)
    return [each.arg for each in every if each is not None]


def same_object(node: ast.expr) -> Iterator[str]:
    """Yield names of the object that an expression stands for, or of one that holds it."""
    match node:
        case ast.Attribute(value=inner, attr="__dict__") | ast.Call(ast.Name("vars"), [inner]):
            yield from same_object(inner)
        case ast.Name() | ast.Attribute() if name := dotted(node):
            yield name
        case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
            yield from same_object(inner)
        case ast.Tuple() | ast.List() | ast.Dict() | ast.IfExp() | ast.BoolOp() | ast.NamedExpr():
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from same_object(child)


def dotted(node: ast.expr) -> str:
    """Return a dotted name as text; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if names and isinstance(node, ast.Name) else ""


def text_of(node: ast.expr) -> str:
    """Return an expression as text; a dotted name, the most frequent one, without a detour."""
    return dotted(node) or _unparsed(node)


_unparsed = kept(ast.unparse)


@kept
def is_called_in(node: ast.expr | ast.comprehension) -> bool:
    """Whether anything is called in an expression, but for a lambda's defaults."""
    if isinstance(node, ast.Call):
        return True
    inner = (each for each in children(node) if isinstance(each, ast.expr | ast.comprehension))
    return any(map(is_called_in, inner))


@kept
def own_names(function: FUNCTIONS) -> frozenset[str]:
    """Return the names that a function gives something, and that no other scope sees."""
    own, others = set[str](), set[str]()
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        if type(node) in _GIVING:
            for name, is_shared in _given_by(node):
                (others if is_shared else own).add(name)
        if type(node) is not ast.Name and not isinstance(node, _SCOPES):
            pending += children(node)
    return frozenset(own - others)


def _given_by(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Names that a node itself gives something, and whether other scopes see it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name, False
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield text_of(node), True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, False
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name, False
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name, False
        case ast.alias() if node.name != EVERYTHING:
            yield node.asname or node.name.split(".")[0], False
        case ast.Global() | ast.Nonlocal():
            # Whoever calls the function changes the name of another scope.
            yield from ((name, True) for name in 2 * node.names)


def _changed_by(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.NamedExpr():
            yield Change(node.target.id, certain=True)
        case ast.Attribute() if dotted(node) in _FUNCTIONS:
            return
        case ast.Attribute(value=owner, attr=attribute) if attribute in _CHANGES:
            # Also where it is not called here: ``map(sizes.append, more)``.
            yield from _whole(owner)
        case ast.AugAssign(target=ast.Name(id=name)):
            # A list is changed in place, also from the body of a class.
            yield Change(name, certain=False)
        case ast.Subscript(ctx=ast.Store() | ast.Del(), value=owner):
            is_given = isinstance(node.ctx, ast.Store)
            yield from (each._replace(is_of_element=is_given) for each in _whole(owner))
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            yield Change(EVERYTHING, certain=True)
        case ast.Call():
            yield from _changed_by_call(node)


def _changed_by_call(call: ast.Call) -> Iterator[Change]:
    name = dotted(call.func)
    bare = [each for given in call.args if (each := dotted(given))]
    bare += [each for given in call.keywords if given.arg and (each := dotted(given.value))]
    if name in _OF_ALL_NAMES:
        if not hasattr(call, _A_COPY):
            yield Change(EVERYTHING, certain=True)
    elif name in _OF_ATTRIBUTES:
        yield from (Change(each, certain=True) for each in bare[:1])
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
        base = call.func.value
        is_super = isinstance(base, ast.Call) and dotted(base.func) == "super"
        if len(call.args) + len(call.keywords) > (0 if is_super else 1):
            yield Change("self", certain=False, method="__init__")
    else:
        if isinstance(call.func, ast.Attribute):
            yield from _changed_by_method(call.func)
        if not is_harmless(name):
            yield from (Change(each, certain=False) for each in bare)


def _changed_by_method(function: ast.Attribute) -> Iterator[Change]:
    method = function.attr
    if dotted(function) in _FUNCTIONS:
        return
    if method in _CHANGES or (method[-1:] == "_" != method[-2:-1]):
        yield from _whole(function.value)
    elif method not in _KEEPS and (owner := dotted(function.value)):
        yield Change(owner, certain=False, method=method if owner == "self" else "")


def _whole(node: ast.expr) -> Iterator[Change]:
    """The list or object of which something is changed: of ``a.b[0][1]``, and of its parts."""
    for name in same_object(node):
        yield Change(name.partition(".__dict__")[0], certain=True)


def handed_to(name: str, parts: Iterable[ast.AST]) -> Iterator[ast.Call | None]:
    """Yield the calls that may change what a name stands for; ``None`` for what is none."""
    for part in parts:
        for node in walk(part):
            if any(change.name == name for change in _changed_by(node)):
                match node:
                    case ast.Call(ast.Attribute(owner)) if dotted(owner) == name:
                        yield None
                    case ast.Call():
                        yield node
                    case _:
                        yield None


def is_arg_scope(item: ast.withitem) -> bool:
    """Whether a part of a ``with`` sets arguments of the calls in it: ``slim.arg_scope(...)``."""
    match item.context_expr:
        case ast.Call(ast.Name("arg_scope") | ast.Attribute(attr="arg_scope")):
            return True
    return False


def is_of_a_framework(name: str) -> bool:
    """Return whether a function or class is a framework's, by the module in its name."""
    return name.partition(".")[0] in _FRAMEWORKS


def is_harmless(name: str) -> bool:
    """Return whether a function, by its name, leaves its arguments as they are."""
    last = name.rpartition(".")[2]
    return (
        (is_of_a_framework(name) and "shuffle" not in last)
        or last in _PURE
        or (last != name and last in _CHANGES | _KEEPS)
        or last[:1].isupper()
        or "conv" in last.lower()
    )
