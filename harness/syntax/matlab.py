"""MATLAB snippets, read by a grammar: nothing in them is evaluated."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from harness.syntax.builder import Builder, Node, Number, each, is_constant
from harness.syntax.lexis import MATLAB, skeleton, without_comments
from harness.syntax.matlab_blocks import split
from harness.syntax.matlab_functions import is_layers, row
from harness.syntax.matlab_reader import Reader
from harness.syntax.matlab_texts import Text, text_of
from harness.syntax.tree import (
    Argument,
    BinaryOp,
    Call,
    Either,
    Name,
    Parsed,
    Slice,
    SnippetError,
    UnaryOp,
    Value,
    check_statements,
    check_text,
    meant,
)

_CONSTANTS: Final[dict[str, Value]] = {"true": True, "false": False}
# In brackets a blank between two operands is a comma, and [1 -2] holds two numbers.
_OPERAND_ENDS: Final = re.compile(r"[\w)\]}'\".]")
_OPERAND_BEGINS: Final = re.compile(r"[\w'\"\[({@]|\.\d|[+-](?!\s)|[~!](?![=\s])")
_APPENDED: Final = re.compile(r"([^\W\d]\w*)\s*[({]\s*end\s*\+\s*1\s*[)}]")
_OF_STRUCTURES: Final = re.compile(r"([^\W\d]\w*)\((\w+)\)\.([\w.]+)")
_MOST_NAMES: Final = 200  # Among which those of structures are counted
_LONGEST: Final = 64  # Rows and cells of which elements are taken
_LAYOUT: Final = re.compile(
    r"""
    (?P<string> (?<![\w)\]}'".])'(?:[^'\n]|'')*+' | "(?:[^"\n]|"")*+" )
    |(?P<open> @\s*\( | [(\[{] ) |(?P<close> [)\]}] ) |(?P<blank> \s+ )
    """,
    re.VERBOSE,
)


def read(text: str) -> Parsed:
    r"""Read MATLAB or Octave text as statements; what is not understood is left out.

    A matrix of one row, and a cell array of one row, is a tuple; one of several is a tuple of
    tuples.  Arithmetic of literals has a value; indexing is a call, as it is written like one.
    Conditions, and what loops run over, are statements without a target.  Loops over literals are
    read turn by turn, and functions of the text where it calls them, with what they are given.

    Raises
    ------
    SnippetError
        Where a string, a comment or a bracket never ends.

    Examples
    --------
    >>> parsed = read("for k = 1:3\n  up = transposedConv2dLayer([4 k], 64*k, 'Stride', s);\nend")
    >>> [argument.value for argument in parsed.statements[-1].value.arguments]
    [(4, 3), 192, 'Stride', Name(text='s', column=64, calls=())]
    """
    check_text(text)
    check_statements(text)
    code = _laid_out(without_comments(text, MATLAB))
    outside = skeleton(code, MATLAB)
    builder = _Matlab(text)
    reader = Reader(code, outside, list(split(outside)), builder, builder.parameters)
    builder.follow, builder.is_anonymous = reader.follow, reader.is_anonymous
    builder.fields, builder.taken = reader.fields, reader.taken
    reader.run()
    search = partial(_handed_on, code)
    return Parsed(tuple(reader.statements()), tuple(reader.unread.values()), handed_on=search)


def _handed_on(code: str, names: Collection[str]) -> Iterator[tuple[str, int]]:
    if not any(word in code for word in ("eval", "str2func", "fun(")):
        return
    from harness.syntax.matlab_handed_on import handed_on  # noqa: PLC0415 -- few texts need it

    yield from handed_on(code, names)


def _laid_out(code: str) -> str:
    """Write the commas and semicolons that blanks and line breaks in brackets stand for."""
    pieces, position, opened, parameters_end = [], 0, [""], -1
    for match in _LAYOUT.finditer(code):
        start, end = match.span()
        shown = match[0]
        if match["open"]:
            opened.append(shown)
        elif match["close"]:
            if opened.pop().startswith("@"):
                parameters_end = end
        elif match["blank"] and opened[-1]:
            shown = " " * len(shown)
            if opened[-1] in "[{" and start != parameters_end:
                shown = _separator(code, start, end) + shown[1:]
        pieces += [code[position:start], shown]
        position = end
    return "".join([*pieces, code[position:]])


def _separator(code: str, start: int, end: int) -> str:
    before = code[start - 1]
    if "\n" in code[start:end]:
        return " " if before in "[{;" else ";"
    is_between = _OPERAND_ENDS.match(before) and _OPERAND_BEGINS.match(code, end)
    return "," if is_between else " "


def _rounded(number: Number) -> int:
    """Round halves away from zero."""
    return math.trunc(number + math.copysign(0.5, number))


_FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {
    "mod": lambda a, b: a % b if b else a,
    "rem": math.fmod,
    "ceil": math.ceil,
    "floor": math.floor,
    "fix": math.trunc,
    "round": _rounded,
    "abs": abs,
    "max": max,
    "min": min,
    "double": lambda number: number,
}
_OF_LISTS: Final[dict[str, Callable[[Sequence[Number]], Number]]] = {
    "max": max,
    "min": min,
    "sum": sum,
    "prod": math.prod,
    "numel": len,
    "length": len,
}


def _is_index(place: Value) -> bool:
    if isinstance(place, BinaryOp):
        return _is_index(place.left) and _is_index(place.right)
    return type(place) is int or (isinstance(place, Name) and place.text.isidentifier())


def _element(whole: Value, places: Sequence[Value]) -> Value:
    """``inputSize(2)``, ``inputSize(1:2)`` or ``inputSize(end)``."""
    if not isinstance(whole, tuple) or len(whole) > _LONGEST:
        return None
    if len(places) == 2:
        return _element_of_matrix(whole, places)
    if not is_constant(whole) or len(places) != 1:
        return None
    place = _last(places[0], whole)
    if isinstance(place, Slice) and place.step is None:
        first, last = _last(place.lower, whole), _last(place.upper, whole)
        if isinstance(first, int) and isinstance(last, int) and 1 <= first <= last <= len(whole):
            return whole[first - 1 : last]
    return whole[place - 1] if isinstance(place, int) and 1 <= place <= len(whole) else None


def _element_of_matrix(whole: tuple[Value, ...], places: Sequence[Value]) -> Value:
    """``sizes(2, :)`` of rows of numbers, or ``sizes(1, 2)``."""
    rows = whole if all(isinstance(each, tuple) and is_constant(each) for each in whole) else None
    rows = (whole,) if rows is None and is_constant(whole) else rows
    if not rows:
        return None
    line = _last(places[0], rows)
    chosen = rows[line - 1] if isinstance(line, int) and 1 <= line <= len(rows) else None
    if isinstance(places[1], Slice) and places[1].is_whole:
        return chosen
    return _element(chosen, places[1:])


def _element_of_cells(whole: Value, places: Sequence[Value]) -> Value:
    """``names{2}`` of a cell array of texts, numbers and rows of numbers."""
    if not isinstance(whole, tuple) or len(places) != 1 or len(whole) > _LONGEST:
        return None
    place = _last(places[0], whole)
    cell = whole[place - 1] if isinstance(place, int) and 1 <= place <= len(whole) else None
    return cell if isinstance(cell, str) or is_constant(cell) else None


def _last(place: Value, whole: tuple[Value, ...]) -> Value:
    is_last = isinstance(place, Name) and place.text == "end"
    return len(whole) if is_last else place


class Cells(tuple[Value, ...]):
    """A cell array, of which ``struct('k', {4, 3})`` makes a structure for each element."""

    __slots__ = ()


def _fields_of(call: Call) -> dict[str, Value]:
    """What ``struct`` gives each field: of an array of structures, of each element."""
    given = call.positional
    pairs = [
        pair for pair in zip(given[::2], given[1::2], strict=False) if isinstance(pair[0], str)
    ]
    fields = {str(name): value for name, value in pairs if str(name).isidentifier()}
    counts = {len(each) for each in fields.values() if isinstance(each, Cells)} - {1}
    if len(counts) > 1:
        return {}
    (count,) = counts or {1}
    found = dict[str, Value]()
    for name, value in fields.items():
        for place in range(count):
            one = (
                value[place if len(value) > 1 else 0]
                if isinstance(value, Cells) and value
                else value
            )
            found[name if not counts else f"({place + 1}).{name}"] = one
    return found


class _Matlab(Builder):
    """One method for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        # What follows a call of the text's own function, and returns all that it gives.
        self.follow: Callable[[Call], tuple[Value, ...]] = lambda _: ()  # None: not known
        self.is_anonymous: Callable[[Call], bool] = lambda _: False  # Of the text's own functions
        self.fields: Callable[[Call], Mapping[str, Value]] = lambda _: {}  # Of what one gives back
        self._structures: dict[str, str] = {}  # What is known of each: fields, or elements
        self.taken = frozenset[str]()  # Names of what the text's own functions take
        # Names that stand for what a call of the function that is read gives its parameters.
        self.parameters: dict[str, Name] = {}
        self._followed: tuple[int, tuple[Value, ...]] = (-1, ())  # The last call, by its place

    def token(self, kind: str, text: str, start: int) -> Node:
        node = super().token(kind, text, start)
        stands_for = self.parameters.get(text) if kind == "SYMBOL" else None
        if stands_for is None or self.names.given.get(text) is not stands_for:
            return node
        return replace(node, value=replace(stands_for, column=start))

    def number(self, text: str, start: int) -> Value:
        return super().number(text.lower().replace("d", "e"), start)

    def string(self, text: str, start: int) -> Value:
        del start
        plain = text[1:-1].replace(2 * text[0], text[0])
        return Text(plain) if text.startswith('"') else plain

    def symbol(self, text: str, start: int) -> Value:
        return _CONSTANTS[text] if text in _CONSTANTS else super().symbol(text, start)

    def binary(self, nodes: Sequence[Node]) -> Node:
        left, operation, right = nodes
        written = str(operation.value)
        left, right = (replace(side, value=row(side.value)) for side in (left, right))
        if written == "+" and Text in {type(self._known(side.value)) for side in (left, right)}:
            sides = [self._known(side.value) for side in (left, right)]
            return self.computed(text_of("strcat", sides), nodes)
        lists = [isinstance(side.value, tuple) for side in (left, right)]
        if {"*": all(lists), "/": lists[1], "^": any(lists)}.get(written):
            return self.opaque(nodes)  # Of matrices, not element by element
        plain = Node(written.removeprefix("."), operation.start, operation.end)
        return super().binary([left, plain, right])

    def _known(self, value: Value) -> Value:
        """What a name stands for, where that is a text, a truth or a number."""
        given = self.names.given.get(value.text) if isinstance(value, Name) else None
        return given if isinstance(given, str | bool | int | float) else value

    def signed(self, nodes: Sequence[Node]) -> Node:
        sign, operand = nodes
        if sign.value in {"~", "!"}:
            inner = self._known(operand.value)
            return self.computed(None, nodes, UnaryOp, str(sign.value), inner)
        return super().signed(nodes)

    def compared(self, nodes: Sequence[Node]) -> Node:
        """Read ``left == right`` and ``left && right``."""
        left, operation, right = nodes
        sides = [self._known(side.value) for side in (left, right)]
        return self.computed(None, nodes, BinaryOp, sides[0], str(operation.value), sides[1])

    def attribute(self, nodes: Sequence[Node]) -> Node:
        """Read ``options.filters``."""
        node = self.opaque(nodes)
        path = "".join(self.source(nodes).split())
        known = self.names.known.get(path)
        if known is None and (place := self._path(path)):
            given = self.names.given.get(place)
            known = given if not isinstance(given, Name) else None
        is_known = isinstance(known, str | bool) or is_constant(known)
        return replace(node, value=known) if is_known else node

    def element(self, nodes: Sequence[Node]) -> Node:
        """Read ``names{2}``."""
        whole, places = nodes[0], [node.value for node in nodes[2:-1:2]]
        name = whole.name or (whole.value.text if isinstance(whole.value, Name) else "")
        found = _element_of_cells(self.names.known.get(name), places)
        return self.opaque(nodes) if found is None else self.computed(found, nodes)

    def assignment(self, nodes: Sequence[Node]) -> Node:
        target, _, value = nodes
        return self.assigned([target], value)

    def give(self, target: str, value: Value, column: int) -> None:
        """Give ``[a, b] = deal(1, 2)`` one by one, and what follows from a call."""
        outputs = self._outputs(target, value, column)
        names = target.strip("[]").replace(",", " ").split()
        if outputs and all(map(str.isidentifier, names)):
            for name, output in zip(names, outputs, strict=True):
                super().give(name, Name(name, column) if output is None else output, column)
            return
        appended = _APPENDED.fullmatch(target)
        whole = self.names.given.get(appended[1]) if appended else None
        if appended and is_layers(value) and (whole == () or is_layers(whole)):
            layers = whole if isinstance(whole, tuple) else (whole,)
            super().give(appended[1], (*layers, value), column)
            return
        element = _OF_STRUCTURES.fullmatch(target)
        if element and (path := self._path(target)):
            self._settle(element[1], "elements", target, column)
            self.given_at[element[1]] = column
            self.names.lose(element[1])
            self.names.give(path, value)
            return
        if "." in target:
            self._settle(target.partition(".")[0], "fields", target, column)
        super().give(target, value, column)
        if isinstance(value, Call) and target.isidentifier():
            fields = _fields_of(value) if value.dotted == "struct" else self.fields(value)
            for field, part in fields.items():
                dot = "" if field.startswith("(") else "."
                self.names.give(f"{target}{dot}{field}", part)

    def _settle(self, root: str, kind: str, target: str, column: int) -> None:
        """Forget a structure that turns out to be an array of them, or the other way round."""
        if self._structures.setdefault(root, kind) != kind:
            self._structures[root] = kind
            self.names.give(root, Name(target, column))

    def _path(self, text: str) -> str:
        """``cfg(2).k`` where ``cfg(i).k`` is that; empty of anything else."""
        match = _OF_STRUCTURES.fullmatch("".join(text.split()))
        if match is None:
            return ""
        place = self.names.known.get(match[2], match[2]) if not match[2].isdecimal() else match[2]
        is_known = type(place) is int or str(place).isdecimal()
        return f"{match[1]}({place}).{match[3]}" if is_known else ""

    def _count_structures(self, name: str) -> int | None:
        """How many elements a structure array has of which the text shows all."""
        if len(self.names.given) > _MOST_NAMES:
            return None
        paths = [_OF_STRUCTURES.fullmatch(path) for path in self.names.given]
        places = {int(each[2]) for each in paths if each and each[1] == name}
        given = (
            self.names.given[each[0]] for each in paths if each is not None and each[1] == name
        )
        is_whole = places == {*range(1, len(places) + 1)} and not any(
            type(x) is Name for x in given
        )
        return len(places) if places and is_whole else None

    def _outputs(self, target: str, value: Value, column: int) -> Sequence[Value]:
        """What a value gives several names, where the text shows it."""
        (place, outputs), self._followed = self._followed, (-1, ())
        names = target.strip("[]").replace(",", " ").split()
        if isinstance(value, Call) and value.dotted == "deal" and "deal" not in self.names.given:
            values = value.positional * (len(names) if len(value.positional) == 1 else 1)
            return values if len(values) == len(names) else ()
        is_followed = place >= column and (not isinstance(value, Call) or place == value.column)
        is_several = target.startswith("[") and is_followed and len(outputs) >= len(names)
        return outputs[: len(names)] if is_several else ()

    def named(self, nodes: Sequence[Node]) -> Node:
        name, _, value = nodes
        if name.name is None:
            raise SnippetError("expected a name before '='.", name.start)
        return replace(value, start=name.start, target=name.name)

    def span(self, nodes: Sequence[Node]) -> Node:
        """Read ``lower:step:upper``, or the colon that stands for a whole axis."""
        node, parts = self.opaque(nodes), [each.value for each in nodes[::2]]
        assert isinstance(node.value, Name)
        lower, *step, upper = parts if len(nodes) > 1 else (None, None)
        text, column, inner = node.value.text, node.value.column, node.value.calls
        return replace(node, value=Slice(text, column, inner, lower, upper, *step))

    def application(self, nodes: Sequence[Node]) -> Node:
        function, given = nodes[0], nodes[2:-1:2]
        places = [node.value for node in given]
        name = function.name or (function.value.text if isinstance(function.value, Name) else None)
        if name is None and is_constant(function.value) and "." in self.source([function]):
            return self.computed(_element(function.value, places), nodes)
        value = self._result(name, places)
        if value is not None and not any(node.target for node in given):
            return self.computed(value, nodes)
        if self._is_element(name, places):
            node = self.opaque(nodes)
            if type(places[0]) is int:  # In each turn of a loop another one
                node = replace(node, value=Name(f"{name}({places[0]})", node.start))
            return node
        arguments = [
            Argument(node.target, each, node.start) for node in given for each in self._listed(node)
        ]
        return self._after(self.call(function, arguments, nodes))

    def _is_element(self, name: str | None, places: Sequence[Value]) -> bool:
        """Whether ``filters(i + 1)`` is an element of what the text computes, or takes: no call."""
        given = self.names.given.get(name or "")
        is_open = isinstance(given, tuple | BinaryOp) and not is_constant(given)
        is_own = isinstance(given, Name) and given.text == name
        is_open = is_open or (is_own and name in self.taken)
        return is_open and not is_layers(given) and len(places) == 1 and _is_index(places[0])

    def _after(self, node: Node) -> Node:
        """Put what a call of the text's own function returns in its place, where it is known."""
        call = node.value
        if not isinstance(call, Call):
            return node
        if call.dotted not in self.defined and not self.is_anonymous(call):
            return node
        outputs = self.follow(call)
        self._followed = (call.column, outputs)
        is_known = bool(outputs) and (
            is_constant(outputs[0]) or isinstance(outputs[0], str) or is_layers(outputs[0])
        )
        return replace(node, value=outputs[0]) if is_known else node

    def _listed(self, node: Node) -> tuple[Value, ...]:
        """The elements of ``options{:}``, where they are known."""
        whole, _, rest = self.source([node]).partition("{")
        elements = self.names.given.get(whole.strip())
        return elements if rest == ":}" and isinstance(elements, tuple) else (node.value,)

    def call(self, function: Node, arguments: Iterable[Argument], nodes: Sequence[Node]) -> Node:
        node = super().call(function, arguments, nodes)
        if not isinstance(node.value, Call) or node.value.dotted.startswith("gpuArray."):
            return node
        if isinstance(node.value.owner, Either):  # Of handles: a branch chooses the function
            chosen = meant(node.value, node.value.dotted)
            return replace(node, value=replace(node.value, function=chosen))
        if "." not in node.value.dotted:
            return node
        # A function of a package, or an object's; the toolbox's have plain names.
        owner = Name(node.value.dotted, node.start)
        return replace(node, value=replace(node.value, owner=owner))

    def _result(self, name: str | None, values: Sequence[Value]) -> Value:
        """Compute a function of known numbers, or take an element of a known list."""
        if name in self.defined:
            return None
        if name is not None and name in self.names.given:
            return _element(self.names.known.get(name), values)
        if name in {"numel", "length"} and len(values) == 1 and isinstance(values[0], Name):
            return self._count_structures(values[0].text)
        if name in _OF_LISTS and len(values) == 1 and is_constant(values[0]):
            row = values[0] if isinstance(values[0], tuple) else values
            return each(lambda *numbers: _OF_LISTS[name](numbers), row) if row else None
        if name in _FUNCTIONS:
            return each(_FUNCTIONS[name], values)
        return text_of(name or "", [self._known(value) for value in values])

    def row(self, nodes: Sequence[Node]) -> Node:
        return self.sequence((node.value for node in nodes[::2]), nodes)

    def joined_row(self, nodes: Sequence[Node]) -> Node:
        values: list[Value] = []
        for node in nodes[::2]:
            value = self._layers(node)
            is_joined = isinstance(value, tuple) and (node.is_row or value is not node.value)
            values += value if is_joined and isinstance(value, tuple) else [value]
        return self.sequence(values, nodes)

    def _layers(self, node: Node) -> Value:
        """The layers that a name stands for, or else the value itself."""
        given = self.names.given.get(node.name or "")
        return given if is_layers(given) else node.value

    def cell(self, nodes: Sequence[Node]) -> Node:
        node = self._rows(nodes)
        return replace(node, value=Cells(node.value if isinstance(node.value, tuple) else ()))

    def _rows(self, nodes: Sequence[Node]) -> Node:
        rows = [node.value for node in nodes if isinstance(node.value, tuple)]
        return self.sequence((rows or [()])[0] if len(rows) < 2 else rows, nodes)

    def matrix(self, nodes: Sequence[Node]) -> Node:
        node = self._rows(nodes)
        return replace(node, is_row=sum(isinstance(row.value, tuple) for row in nodes) < 2)
