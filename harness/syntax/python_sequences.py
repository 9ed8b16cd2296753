"""What a Python text shows to be a sequence, although it does not show its elements.

``kernel_size[0]`` is then the size of the first axis, and ``kernel_size`` is no size of all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.syntax.python_changes import (
    FUNCTIONS,
    bindings,
    dotted,
    statements_in,
    text_of,
    walk,
)

_SEQUENCES: Final = {"Tuple", "tuple", "List", "list", "Sequence", "Iterable"}
# What asks whether a name is a sequence, and may make one of it.
_ASKS: Final = {"isinstance", "type", "hasattr", "is_tuple", "callable"}
# What objects of layers have one of per axis, whatever they were given.
# https://docs.pytorch.org/docs/stable/_modules/torch/nn/modules/conv.html
# https://github.com/keras-team/keras/blob/master/keras/src/layers/convolutional/base_conv_transpose.py
# https://github.com/chainer/chainer/blob/master/chainer/links/connection/deconvolution_nd.py
_PER_AXIS: Final = {
    re.compile(r"(?:Lazy)?Conv(?:Transpose)?\d?d|_Conv(?:Transpose)?Nd"): (
        *("kernel_size", "stride", "padding", "output_padding", "dilation"),
    ),
    re.compile(r"Conv\dD(?:Transpose)?|Convolution\dD(?:Transpose)?"): (
        *("kernel_size", "strides", "dilation_rate"),
    ),
    re.compile(r"Deconvolution\dD"): ("stride", "pad", "dilate"),
}


def sequences(function: FUNCTIONS) -> Iterator[str]:
    """Yield the parameters that are sequences by their annotations or by what is done to them.

    >>> text = "def up(k: tuple[int, int], s, p, g: int | tuple): return (k, s[0], p, g)"
    >>> [*sequences(ast.parse(text).body[0])]
    ['k', 's']
    """
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    used = _used_as_sequences(function)
    yield from (
        each.arg
        for each in every
        if (each.annotation is not None and _is_of_sequences(each.annotation)) or each.arg in used
    )


def _is_of_sequences(annotation: ast.expr) -> bool:
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return _is_of_sequences(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError):
                return False
        case ast.BinOp(left, ast.BitOr(), right):
            options = [left, right]
            others = [
                each for each in options if not (isinstance(each, ast.Constant) and not each.value)
            ]
            return len(others) == 1 and _is_of_sequences(others[0])
        case ast.Subscript(owner, inner) if text_of(owner).rpartition(".")[2] == "Optional":
            return _is_of_sequences(inner)
        case ast.Subscript(owner):
            return text_of(owner).rpartition(".")[2] in _SEQUENCES
    return text_of(annotation).rpartition(".")[2] in _SEQUENCES


def _used_as_sequences(function: FUNCTIONS) -> set[str]:
    """Names of which elements are taken, unless they are given or asked for something else."""
    used, asked = set[str](), set[str]()
    for statement in function.body:
        for node in walk(statement):
            match node:
                case ast.Subscript(value=ast.Name(id=name), slice=index):
                    if isinstance(index, ast.Slice | ast.UnaryOp) or _is_number(index):
                        used.add(name)
                case ast.Call(ast.Name(function_name), given):
                    if function_name in _ASKS:
                        asked.update(map(dotted, given))
                case ast.comprehension(iter=ast.Name(id=name)):
                    used.add(name)
                case ast.Attribute(value=ast.Name(id=name)):
                    asked.add(name)  # It is an array, or another object.
    return used - asked - bindings(function.body).keys() if used else used


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def attributes_per_axis(node: ast.ClassDef) -> tuple[str, ...]:
    """Return attributes that objects have of a layer that a class inherits from.

    >>> attributes_per_axis(ast.parse("class Up(nn.ConvTranspose2d): pass").body[0])[:2]
    ('kernel_size', 'stride')
    """
    return _of_layers(node.bases, any)


def shown_per_axis(test: ast.expr) -> tuple[str, ...]:
    """Return what is one size per axis where a condition holds, as it names an object's class.

    >>> shown_per_axis(ast.parse("isinstance(m, nn.Conv2d) and m.bias", mode="eval").body)[:2]
    ('m.kernel_size', 'm.stride')
    """
    match test:
        case ast.BoolOp(ast.And(), parts):
            return tuple(name for each in parts for name in shown_per_axis(each))
        case ast.Call(ast.Name("isinstance"), [each, classes]) if owner := dotted(each):
            options = classes.elts if isinstance(classes, ast.Tuple) else [classes]
            return tuple(f"{owner}.{name}" for name in _of_layers(options, all))
    return ()


def _of_layers(
    classes: Sequence[ast.expr], agree: Callable[[Iterable[object]], bool]
) -> tuple[str, ...]:
    """What objects have one of per axis, of whom any or all of these are the classes."""
    last = [text_of(each).rpartition(".")[2] for each in classes]
    return tuple(
        name
        for pattern, names in _PER_AXIS.items()
        if agree(map(pattern.fullmatch, last))
        for name in names
    )


def returns_a_sequence(function: ast.FunctionDef) -> bool:
    """Return whether a function gives back a list or a tuple, in one place at least.

    >>> returns_a_sequence(ast.parse("def f(k): k = [*k]; k.append(2); return k").body[0])
    True
    """
    nodes = [*statements_in(function)]
    returned = {dotted(each.value) for each in nodes if isinstance(each, ast.Return) and each.value}
    for node in nodes:
        match node:
            case ast.Return(value=ast.expr() as value) if _makes_a_sequence(value):
                return True
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in returned:
                if _makes_a_sequence(value):
                    return True
    return False


def _makes_a_sequence(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _makes_a_sequence(node.left) or _makes_a_sequence(node.right)
    if isinstance(node, ast.Call):
        return dotted(node.func) in {"tuple", "list"}
    return isinstance(node, ast.Tuple | ast.List | ast.ListComp)


@dataclass(frozen=True)
class InitialSettings:
    """What an ``__init__`` gives its object, if it does nothing else."""

    attributes: Mapping[str, ast.expr]
    takes_all: bool  # Whether each argument that has no parameter becomes an attribute


def settings_of(init: ast.FunctionDef) -> InitialSettings | None:
    """Return what an ``__init__`` that does nothing else gives its object.

    >>> settings_of(ast.parse("def __init__(self, k): self.k = k").body[0]).attributes.keys()
    dict_keys(['k'])
    >>> settings_of(ast.parse("def __init__(self, k): k.append(self)").body[0])
    """
    attributes, takes_all = dict[str, ast.expr](), False
    kwargs = init.args.kwarg.arg if init.args.kwarg is not None else ""
    for node in init.body:
        match node:
            case ast.Pass() | ast.Expr(ast.Constant()):
                pass
            case ast.Assign([ast.Attribute(ast.Name("self"), name)], value) | ast.AnnAssign(
                ast.Attribute(ast.Name("self"), name), value=ast.expr() as value
            ) if name not in attributes:
                attributes[name] = value
            case ast.Expr(ast.Call(ast.Attribute(ast.Call(ast.Name("super")), "__init__"), [])):
                pass
            case ast.For(
                ast.Tuple([ast.Name(key), ast.Name(value)]),
                ast.Call(ast.Attribute(ast.Name(owner), "items")),
                [ast.Expr(ast.Call(ast.Name("setattr"), given))],
                [],
            ) if owner == kwargs and [*map(text_of, given)] == ["self", key, value]:
                takes_all = True
            case ast.Expr(ast.Call(ast.Attribute(owner, "update"), [ast.Name(name)], [])) if (
                text_of(owner) in {"self.__dict__", "vars(self)"} and name == kwargs
            ):
                takes_all = True
            case _:
                return None
    return InitialSettings(attributes, takes_all)
