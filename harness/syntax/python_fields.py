"""Classes whose annotated fields are what their constructor takes: modules of Flax and Equinox.

They are dataclasses without saying so.  They are given the constructor that they have, and Flax's
call their ``setup``, so that what follows classes follows them as it follows others.
https://flax-linen.readthedocs.io/en/latest/guides/flax_fundamentals/setup_or_nncompact.html
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Final

from harness.syntax.python_changes import dotted

_MODULES: Final = {"flax.linen.Module", "flax.linen.module.Module", "equinox.Module"}
_COMPACT: Final = {"nn.compact", "compact", "linen.compact"}
_OF_ALL: Final = ("parent", "name")  # What every module of Flax takes, too
_NO_FIELD: Final = {"ClassVar", "typing.ClassVar"}


def add_constructors(module: ast.Module) -> None:
    r"""Write the constructors of a text's classes.

    Examples
    --------
    >>> text = "import flax.linen as nn\nclass Up(nn.Module):\n  n: int\n  k: int = 4\n  b = 3"
    >>> module = ast.parse(text)
    >>> add_constructors(module)
    >>> print(ast.unparse(module.body[1]))
    class Up(nn.Module):
    <BLANKLINE>
        def __init__(self, n, k=4, *, parent=None, name=None):
            self.n = n
            self.k = k
        b = 3
    """
    names = dict(_imported(module))
    if "nn" not in names and any(_is_compact(node) for node in ast.walk(module)):
        names["nn"] = "flax.linen"
    fields: dict[str, list[ast.AnnAssign]] = {}
    classes: list[ast.ClassDef] = []
    inherited_from = set[str]()
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            bases = [_full(dotted(base), names) for base in node.bases]
            above = [base for base in bases if base in fields]
            if above or {*bases} & _MODULES:
                inherited = [each for base in above for each in fields[base]]
                fields[node.name] = _joined(inherited, [*_fields(node)])
                classes.append(node)
                inherited_from |= {*above}
    for node in classes:
        # Two classes of which one is the other's that set an attribute leave open which does.
        if _has(node, "__init__"):
            continue
        if node.name in inherited_from:
            rest = [each for each in node.body if each not in fields[node.name]]
            node.body = rest or [ast.copy_location(ast.Pass(), node)]
        else:
            _add_constructor(node, fields[node.name])


def _imported(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.asname:
                    yield each.asname, each.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"


def _full(name: str, names: Mapping[str, str]) -> str:
    root, dot, rest = name.partition(".")
    return names.get(root, root) + dot + rest


def _is_compact(node: ast.AST) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(dotted(each) in _COMPACT for each in decorators)


def _has(node: ast.ClassDef, name: str) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == name for each in node.body)


def _fields(node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            annotation = each.annotation
            kind = annotation.value if isinstance(annotation, ast.Subscript) else annotation
            if dotted(kind) not in _NO_FIELD:
                yield each


def _joined(inherited: list[ast.AnnAssign], own: list[ast.AnnAssign]) -> list[ast.AnnAssign]:
    """The fields in the order of the constructor; one that is stated again keeps its place."""
    by_name = {_name(each): each for each in inherited}
    return [*(by_name | {_name(each): each for each in own}).values()]


def _name(field: ast.AnnAssign) -> str:
    assert isinstance(field.target, ast.Name)
    return field.target.id


def _add_constructor(node: ast.ClassDef, fields: list[ast.AnnAssign]) -> None:
    if not fields and not _has(node, "setup"):
        return
    # Where the first of its own fields stands, or the first of what else it has.
    own = [*_fields(node)]
    place: ast.AST = own[0] if own else node.body[0]
    setup = "    self.setup()\n" if _has(node, "setup") else "    pass\n"
    init = ast.parse(f"def __init__(self):\n{setup}").body[0]
    assert isinstance(init, ast.FunctionDef)
    arguments, has_default = init.args, False
    for each in fields:
        default = _default(each)
        argument = ast.arg(_name(each))
        has_default |= default is not None
        if has_default and default is None:
            arguments.kwonlyargs.append(argument)
            arguments.kw_defaults.append(None)
            continue
        arguments.args.append(argument)
        if default is not None:
            arguments.defaults.append(copy.deepcopy(default))
    taken = {_name(each) for each in fields}
    for name in _OF_ALL:
        if name not in taken:
            arguments.kwonlyargs.append(ast.arg(name))
            arguments.kw_defaults.append(ast.Constant(None))
    given = [ast.parse(f"self.{_name(each)} = {_name(each)}").body[0] for each in fields]
    init.body = [*given, *(init.body if "setup" in setup else [])] or init.body
    for part in ast.walk(init):
        if not hasattr(part, "lineno") or part is init or part not in _kept(arguments):
            ast.copy_location(part, place)
    node.body = [init, *(each for each in node.body if each not in own)]


def _kept(arguments: ast.arguments) -> set[ast.AST]:
    """The defaults, which stand where the text has them."""
    defaults = (*arguments.defaults, *filter(None, arguments.kw_defaults))
    return {part for default in defaults for part in ast.walk(default) if hasattr(part, "lineno")}


def _default(field: ast.AnnAssign) -> ast.expr | None:
    """The default; ``field(default=3)`` has one, and ``field(static=True)`` has none."""
    value = field.value
    if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "field":
        named = {each.arg: each.value for each in value.keywords}
        return named.get("default", value if "default_factory" in named else None)
    return value
