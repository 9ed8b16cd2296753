"""Graphs of ONNX as people see them: its text syntax, what exporters print, protobuf's text.

Of all nodes, those of one kind are read, and the shapes of values, wherever they stand.

https://onnx.ai/onnx/repo-docs/Syntax.html
https://docs.pytorch.org/docs/stable/onnx_torchscript.html (what ``verbose`` prints)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from harness.syntax import prototxt
from harness.syntax.tree import (
    Argument,
    Call,
    Name,
    Parsed,
    SnippetError,
    Statement,
    Value,
    check_text,
)

_KIND: Final = "ConvTranspose"
_NODE: Final = re.compile(rf"(?:onnx::|ai\.onnx\.)?(?<![\w.]){_KIND}\s*(?=[<\[(])")
_FIELD: Final = re.compile(rf'\bop_type\s*:\s*"{_KIND}"')
_BLANK: Final = re.compile(r"\s*")
_ATTRIBUTE: Final = re.compile(r"(\w+)\s*(?::\s*\w+\s*)?=\s*")
_INPUT: Final = re.compile(r"%?([\w./:-]*)")
_SCALAR: Final = re.compile(
    r"""(?P<number>-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)|"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'
    |@?(?P<word>[A-Za-z_][\w.]*)""",
    re.VERBOSE,
)
_TARGET: Final = re.compile(r"(?<![\w./:-])([\w./:-]*[\w./-])\s*(?::.*)?=\s*\Z")
_NO_ATTRIBUTES: Final = {"onnx_name"}  # PyTorch prints the node's name among them
_CLOSING: Final = {"<": ">", "[": "]"}
# ``float[1,64,N] x``, ``%x : Float(1, 64, 8, strides=[512, 8, 1])``, ``%x[FLOAT, 1x64x8]``.
_SHAPES: Final = (
    re.compile(
        r"\b(?:b?float(?:16)?|double)\s*\[(?P<sizes>[^\[\]]*)\]\s*(?P<name>[A-Za-z_][\w.]*)"
    ),
    re.compile(r"%(?P<name>[\w./:-]+?)\s*:\s*\w+\((?P<sizes>[^()=]*)"),
    re.compile(r"%(?P<name>[\w./:-]+)\[\w+, (?P<sizes>[^\[\]]*)\]"),
)
_MOST_BEFORE: Final = 400  # Characters of a line in which a node's output stands
_MOST_DIGITS: Final = 9
_DEEPEST: Final = 4


def read(text: str) -> Parsed:
    """Read the nodes of a text as calls; their inputs are names of arrays.

    Raises
    ------
    SnippetError
        With the column.

    Examples
    --------
    >>> graph = "(float[1,4,5] x, float[4,2,3] w) => (y) { "
    >>> (node,) = read(graph + "y = ConvTranspose <strides = [2]> (x, w) }").statements
    >>> node.target, node.value.named, node.assigned["w"].positional
    ('y', {'strides': (2,)}, [(4, 2, 3)])
    """
    check_text(text)
    if _FIELD.search(text):
        return Parsed(tuple(_messages(text)))
    shapes = dict(_shapes(text))
    return Parsed(tuple(_nodes(text, shapes)))


def _nodes(text: str, shapes: Mapping[str, Value]) -> Iterator[Statement]:
    for match in _NODE.finditer(text):
        first = max(0, match.start() - _MOST_BEFORE)
        line = text[max(first, text.rfind("\n", first, match.start()) + 1) : match.start()]
        if "#" in line:
            continue
        arguments, at, inputs = list[Argument](), match.end(), list[Argument]()
        while at < len(text) and text[at] in "<[(":
            if text[at] == "(" and not inputs:
                inputs, at = _inputs(text, at + 1)
            elif text[at] != "(":
                more, at = _attributes(text, at + 1, _CLOSING[text[at]])
                arguments += more
            else:
                break
            at = _skipped(text, at)
        named = _TARGET.search(line)
        call = Call(Name(_KIND, match.start()), (*inputs, *arguments), match.start())
        yield Statement(named[1] if named else None, call, shapes)


def _skipped(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _inputs(text: str, at: int) -> tuple[list[Argument], int]:
    inputs: list[Argument] = []
    while True:
        at = _skipped(text, at)
        name = _INPUT.match(text, at)
        assert name is not None
        # An input that is left out has an empty name.
        value = Name(name[1], at) if name[1] else None
        end = _skipped(text, name.end())
        if name[1] or text[end : end + 1] == ",":
            inputs.append(Argument(None, value, at))
        if text[end : end + 1] == ")":
            return inputs, end + 1
        if text[end : end + 1] != ",":
            raise SnippetError("a comma or a closing bracket is expected here.", end)
        at = end + 1


def _attributes(text: str, at: int, closing: str) -> tuple[list[Argument], int]:
    given: list[Argument] = []
    while True:
        at = _skipped(text, at)
        if text[at : at + 1] == closing:
            return given, at + 1
        name = _ATTRIBUTE.match(text, at)
        if name is None:
            raise SnippetError("an attribute, such as strides = [2, 2], is expected here.", at)
        value, end = _value(text, name.end())
        if name[1] not in _NO_ATTRIBUTES:
            given.append(Argument(name[1], value, at))
        at = _skipped(text, end)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != closing:
            raise SnippetError(f"a comma or {closing} is expected here.", at)


def _value(text: str, at: int, depth: int = 0) -> tuple[Value, int]:
    if text[at : at + 1] == "[" and depth < _DEEPEST:
        values: list[Value] = []
        at = _skipped(text, at + 1)
        while text[at : at + 1] != "]":
            value, at = _value(text, at, depth + 1)
            values.append(value)
            at = _skipped(text, at)
            if text[at : at + 1] == ",":
                at = _skipped(text, at + 1)
            elif text[at : at + 1] != "]":
                raise SnippetError("a comma or ] is expected here.", at)
        return tuple(values), at + 1
    match = _SCALAR.match(text, at)
    if match is None:
        raise SnippetError("a value is expected here.", at)
    return _scalar(match), match.end()


def _scalar(match: re.Match[str]) -> Value:
    if number := match["number"]:
        is_whole = re.fullmatch(rf"-?\d{{1,{_MOST_DIGITS}}}", number)
        return int(number) if is_whole else float(number)
    if match["word"]:
        return Name(match["word"], match.start())
    return match["double"] if match["double"] is not None else match["single"]


def _shapes(text: str) -> Iterator[tuple[str, Value]]:
    for pattern in _SHAPES:
        for match in pattern.finditer(text):
            sizes = re.split(r"[,x]\s*", match["sizes"].strip(", \n"))
            # What the sizes of a tensor in PyTorch's print are followed by begins with a word.
            known = [each for each in sizes if each.strip() not in {"strides", "requires_grad"}]
            yield match["name"], _array([_size(each) for each in known])


def _size(text: str) -> int:
    text = text.strip()
    return int(text) if re.fullmatch(rf"\d{{1,{_MOST_DIGITS}}}", text) else 0


def _array(sizes: list[int]) -> Value:
    """Return what stands for an array, where its sizes are known; a batch of any size is one."""
    shape = (sizes[0] or 1, *sizes[1:]) if sizes else ()
    if not shape or 0 in shape:
        return None
    return Call(Name("zeros", 0), (Argument(None, shape, 0),), 0)


# The text format of protobuf.


def _messages(text: str) -> Iterator[Statement]:
    root = prototxt.parsed(text)
    columns = (match.start() for match in _FIELD.finditer(text))
    shapes = {
        each.text("name"): _array(_sizes(each))
        for each in _every(root)
        if each.messages("type") or each.numbers("dims")
    }
    for node in _every(root):
        if node.text("op_type") != _KIND:
            continue
        column = next(columns, 0)
        inputs = [
            Argument(None, Name(name, column) if name else None, column)
            for name in node.texts("input")
        ]
        attributes = [
            Argument(each.text("name"), _attribute(each), column)
            for each in node.messages("attribute")
        ]
        call = Call(Name(_KIND, column), (*inputs, *attributes), column)
        yield Statement(node.text("name") or node.text("output") or None, call, shapes)


def _every(message: prototxt.Message) -> Iterator[prototxt.Message]:
    yield message
    for _, value in message.fields:
        if isinstance(value, prototxt.Message):
            yield from _every(value)


def _sizes(described: prototxt.Message) -> list[int]:
    dims = described.numbers("dims") or [
        next(iter(dim.numbers("dim_value")), 0)
        for kind in described.messages("type")
        for tensor in kind.messages("tensor_type")
        for shape in tensor.messages("shape")
        for dim in shape.messages("dim")
    ]
    return [each if isinstance(each, int) and each > 0 else 0 for each in dims]


def _attribute(message: prototxt.Message) -> Value:
    if ints := message.numbers("ints"):
        return tuple(ints)
    if message.text("type") == "INTS":
        return ()
    return next((value for name in ("i", "f", "s") for value in message.numbers(name)), None)
