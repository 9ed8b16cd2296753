"""Reading MATLAB text step by step, with what its names stand for from block to block."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.syntax.builder import Builder
from harness.syntax.grammar import read_some
from harness.syntax.lexis import MATLAB, skeleton
from harness.syntax.matlab_blocks import (
    ANY,
    CONDITIONS,
    DECLARING,
    LOOPS,
    PROTECTED,
    SCOPES,
    TURNS,
    Block,
    Step,
    bound,
    structure,
)
from harness.syntax.matlab_functions import (
    Function,
    bind,
    called_by_others,
    can_turn,
    functions,
    is_case,
    is_closed,
    is_layers,
    truth,
    turns,
)
from harness.syntax.names import EVERYTHING, Names, agreed, identifiers
from harness.syntax.tree import Call, Defined, Name, Slice, SnippetError, Statement, Unread, Value

_DEEPEST: Final = 8  # Functions that are read inside one another
_MOST_READ_AGAIN: Final = 100_000  # Characters, and names that are known in them
_COST: Final = 40  # Of calling an anonymous function, in characters
_MOST_TURNS: Final = 64
_LONGEST_NAME: Final = 200  # Characters of what a parameter stands for

# Commands that change no variable, or of which it is known what they change.
_COMMAND: Final = re.compile(
    r"(?:addpath|axis|beep|box|cd|clc|clear|clearvars|clf|close|colorbar|colormap|dbstop|diary"
    r"|disp|doc|drawnow|echo|figure|format|global|graphics_toolkit|grid|help|hold|import|legend"
    r"|load|mex|mkdir|more|parpool|persistent|pkg|rmpath|rng|run|save|shading|tic|toc|warning"
    r"|which|who|whos)(?:\s+(?![=(])[^=]*)?"
)
_IMPORTED: Final = re.compile(r"[\w.]+\.(?:\w+|\*)")
_SHARING: Final = re.compile(r"(?:global|persistent)\b")
_LOOP: Final = re.compile(r"(\(?)\s*([^\W\d]\w*)\s*=(?!=)\s*")
_FUNCTION: Final = re.compile(
    r"(?:(?:\[[^]]*\]|[^\W\d]\w*)\s*=(?!=)\s*)?([^\W\d][\w.]*)\s*(?:\([^)]*\))?\s*"
)
_UPDATE: Final = re.compile(
    r"(?:(?:\+\+|--)\s*[^\W\d]\w*|[^\W\d]\w*\s*(?:(?:\+\+|--)\s*$|[-+*/^|&]=(?!=)))\s*"
)
_DECLARED: Final = re.compile(r"([^\W\d][\w.]*)([^=]*)")
_ANONYMOUS: Final = re.compile(r"([^\W\d]\w*)\s*=\s*@\s*\(([^()]*)\)\s*")
_PARAMETERS: Final = re.compile(r"@\s*\(([^()]*)\)")


def _can_stand_for(value: Name, function: Function) -> bool:
    """Whether what a call is given may be written in a function, whose names differ."""
    is_number = not isinstance(value, Slice) and len(value.text) <= _LONGEST_NAME
    return is_number and not {*identifiers(value.text)} & function.own_names


@dataclass(frozen=True)
class _Anonymous:
    """A function that a statement gives a name, as in ``up = @(n) transposedConv2dLayer(4, n)``."""

    function: Function  # Of which the body is no steps
    start: int  # Of the statement
    body: tuple[int, int]
    around: Names  # What names stand for in it
    value: Value  # What the name stands for


@dataclass
class _Open:
    """A block that is being read: what names stood for before it and at its branches' ends."""

    block: Block
    before: Names
    number: int = 0
    ends: list[Names] = field(default_factory=list)
    is_exhaustive: bool = False


class Reader:
    """Reads steps in order.

    The code is laid out and has no comments; ``outside`` lacks what strings and brackets hold, too.
    The builder is of the original text.

    Loops over known values are read turn by turn, and functions where they are called, with the
    branches that are taken then.  What no turn and no call comes to is answered as it stands: so
    all is read once *as it stands*, and what is read again later replaces that.
    """

    def __init__(
        self,
        code: str,
        outside: str,
        steps: Sequence[Step],
        builder: Builder,
        parameters: dict[str, Name],
    ) -> None:
        self.unread: dict[int, Unread] = {}
        self._code, self._outside, self._builder, self._steps = code, outside, builder, steps
        self._parameters = parameters  # What the builder writes in the place of names
        self._structure = structure(code, outside, steps)
        self._open: list[_Open] = []
        self._numbers = itertools.count(1)
        self._as_it_stands = False
        self._is_again = False  # Whether what is read has been read as it stands
        self._following: list[str] = []
        self._anonymous: dict[str, _Anonymous] = {}
        self._definitions = set[int]()  # Where those of them begin whose calls are all followed
        self._called_otherwise = set[int]()
        self._fields: tuple[int, Mapping[str, Value]] = (-1, {})  # And where the call stands
        self._given_by_name: dict[str, Value] = {}  # What the call that is followed names
        self._read_again = 0  # How much of the text, in turns of loops and in functions
        self._origins: list[tuple[int, bool]] = []  # Of statements: where, and whether as it stands
        for step in steps:
            header = _FUNCTION.match(outside, step.start, step.end)
            if step.keyword in {"function", "classdef"} and header:
                builder.defined[header[1]] = Defined(header[1], step.start)
        self._functions = functions(code, steps, self._structure)
        self._called = called_by_others(self._functions, code, steps)

    @property
    def taken(self) -> frozenset[str]:
        """The names of what the text's own functions take."""
        return frozenset(name for each in self._functions.values() for name in each.takes)

    def run(self) -> None:
        """Read all steps."""
        self._run(0, len(self._steps))

    def statements(self) -> Iterator[Statement]:
        """Yield what was read, in the order in which it is carried out."""
        again = {start for start, as_it_stands in self._origins if not as_it_stands}
        pairs = zip(self._builder.statements, self._origins, strict=True)
        for statement, (start, as_it_stands) in pairs:
            is_read_again = as_it_stands and start in again
            if not is_read_again and start not in self._definitions - self._called_otherwise:
                yield statement

    @property
    def _names(self) -> Names:
        return self._builder.names

    def _run(self, first: int, last: int) -> None:
        """Read steps from a number on, before another."""
        while first < last:
            step, block = self._steps[first], self._structure.blocks.get(first)
            after = None if block is None else self._run_block(first, step, block)
            if after is not None:
                first = after
                continue
            self._go_on(step, block)
            self._read(step)
            first += 1

    def _run_block(self, number: int, step: Step, block: Block) -> int | None:
        """Read a block otherwise than step by step, and return the step after it."""
        if self._as_it_stands:
            return None
        if step.keyword == "function":
            name = next((n for n, f in self._functions.items() if f.body.start == number + 1), "")
            if name not in self._called:
                return None
            end = self._functions[name].body.stop + (not self._structure.is_open_ended)
            self._run_as_it_stands(number, end)
            return end
        if block.end is None or self._read_again > _MOST_READ_AGAIN:
            return None
        if step.keyword in {"for", "parfor"}:
            return self._run_turns(number, step, block, block.end)
        if step.keyword == "while":
            return self._run_while(number, step, block, block.end)
        if step.keyword in {"if", "switch"} and self._is_again:
            return self._run_branch(number, block, block.end)
        return None

    def _run_as_it_stands(self, first: int, last: int) -> None:
        self._as_it_stands = True
        self._run(first, last)
        self._as_it_stands = False

    def _run_turns(self, number: int, step: Step, block: Block, end: int) -> int | None:
        loop = _LOOP.match(self._code, step.start, step.end)
        if loop is None or not can_turn(self._steps[number + 1 : end]):
            return None
        values = turns(self._value_of(*self._loop_values(loop, step.end)))
        if values is None:
            return None
        is_again = self._begin_again(number, end)
        for value in values:
            self._run_turn(number, block, end, {loop[2]: (value, loop.start(2))})
        self._is_again = is_again
        self._builder.block = tuple(each.number for each in self._open)
        return end + 1

    def _begin_again(self, number: int, end: int) -> bool:
        """Read a loop as it stands; return whether that has been done before."""
        is_again = self._is_again
        if not is_again:
            before = self._names.copy()
            self._run_as_it_stands(number, end + 1)
            self._builder.names, self._is_again = before, True
        return is_again

    def _run_turn(
        self, number: int, block: Block, end: int, given: Mapping[str, tuple[Value, int]]
    ) -> None:
        self._open.append(_Open(block, self._names.copy(), next(self._numbers)))
        self._builder.block = tuple(each.number for each in self._open)
        for name, (value, column) in given.items():
            self._builder.give(name, value, column)
        self._run(number + 1, end)
        self._open.pop()

    def _run_while(self, number: int, step: Step, block: Block, end: int) -> int | None:
        """Read a loop turn by turn whose condition is known each time."""
        if not can_turn(self._steps[number + 1 : end]) or not truth(self._header_value(step)):
            return None
        before, is_again = self._names.copy(), self._begin_again(number, end)
        count, turn = len(self._builder.statements), 0
        while (holds := truth(self._header_value(step))) and turn < _MOST_TURNS:
            self._run_turn(number, block, end, {})
            turn += 1
        self._is_again = is_again
        self._builder.block = tuple(each.number for each in self._open)
        if holds is False:
            return end + 1
        del self._builder.statements[count:], self._origins[count:]
        self._builder.names = before
        if is_again:
            return None
        self._forget(block.bound)
        return end + 1

    def _loop_values(self, loop: re.Match[str], end: int) -> tuple[int, int]:
        """Where the values stand that a loop goes over."""
        close = self._outside.rfind(")", loop.end(), end) if loop[1] else end
        values = skeleton(self._code[loop.end() : close], MATLAB).split(",")[0]
        return loop.end(), loop.end() + len(values)

    def _run_branch(self, number: int, block: Block, end: int) -> int | None:
        """Read the branch that is certainly taken."""
        begins, subject = [number, *block.turns], self._header_value(self._steps[number])
        for begin, until in itertools.pairwise([*begins, end]):
            step = self._steps[begin]
            holds: bool | None = True
            if step.keyword in {"if", "elseif"}:
                holds = truth(self._header_value(step))
            elif step.keyword == "case":
                holds = is_case(subject, self._header_value(step))
            elif step.keyword == "switch":
                continue
            if holds is None:
                return None
            if holds:
                self._open.append(_Open(block, self._names.copy(), next(self._numbers)))
                self._builder.block = tuple(each.number for each in self._open)
                self._run(begin + 1, until)
                self._open.pop()
                break
        self._builder.block = tuple(each.number for each in self._open)
        return end + 1

    def _header_value(self, step: Step) -> Value:
        value = self._value_of(step.start, step.end)
        if isinstance(value, Call):
            given = (replace(each, value=self._known(each.value)) for each in value.arguments)
            return replace(value, arguments=tuple(given))
        return self._known(value)

    def _known(self, value: Value) -> Value:
        given = self._names.given.get(value.text) if isinstance(value, Name) else None
        return given if isinstance(given, str | bool | int | float) else value

    def _value_of(self, start: int, end: int) -> Value:
        """Read an expression that is no statement; nothing where it is not understood."""
        builder = self._builder
        count, builder.end = len(builder.statements), start
        try:
            self._statement(start, end)
        except SnippetError:
            return None
        finally:
            read = builder.statements[count:]
            del builder.statements[count:], self._origins[count:]
        return read[0].value if len(read) == 1 and read[0].target is None else None

    # Functions of the text.

    def follow(self, call: Call) -> tuple[Value, ...]:
        """Read a function with what a call gives it, and return what it gives back."""
        if (anonymous := self._anonymous_of(call)) is not None:
            return self._follow_anonymous(anonymous, call)
        function = self._functions.get(call.dotted)
        is_bounded = (
            function is not None
            and len(self._following) < _DEEPEST
            and self._read_again < _MOST_READ_AGAIN
            and call.dotted not in self._following
            and not self._is_inside(function, call)
        )
        if function is None or self._as_it_stands or not is_bounded:
            return ()
        builder = self._builder
        kept = builder.names, builder.block, builder.end, self._open
        again, named = self._is_again, self._given_by_name
        around, parameters = builder.names, dict(self._parameters)
        builder.names, is_again, builder.is_again = Names(), builder.is_again, True
        self._parameters.clear()
        self._open, self._is_again = [_Open(Block("function"), Names(), next(self._numbers))], True
        builder.block = (self._open[0].number,)
        self._following.append(function.name)
        try:
            self._bind(function, call, around)
            self._run(function.body.start, function.body.stop)
            can_return = can_turn(self._steps[n] for n in function.body)
            outputs = tuple(map(self._output, function.gives))
            self._fields = call.column, self._fields_of(function) if can_return else {}
            return outputs if can_return else ()
        finally:
            self._following.pop()
            builder.names, builder.block, builder.end, self._open = kept
            self._is_again, self._given_by_name = again, named
            builder.is_again = is_again
            self._parameters.clear()
            self._parameters |= parameters

    def fields(self, call: Call) -> Mapping[str, Value]:
        """Return what is known of the fields of the structure that the last call gives back."""
        place, fields = self._fields
        return fields if place == call.column else {}

    def _fields_of(self, function: Function) -> dict[str, Value]:
        """What is known of the fields of the structure that a function gives back."""
        name = f"{function.gives[0]}." if function.gives else "."
        given = self._names.given.items()
        return {
            path.removeprefix(name): each
            for path, each in given
            if path.startswith(name) and is_closed(each)
        }

    def is_anonymous(self, call: Call) -> bool:
        """Return whether an anonymous function of the text is called, which can be followed."""
        return self._anonymous_of(call) is not None

    def _anonymous_of(self, call: Call) -> _Anonymous | None:
        found = self._anonymous.get(call.dotted)
        is_same = found is not None and self._names.given.get(call.dotted) is found.value
        return found if is_same else None

    def _follow_anonymous(self, called: _Anonymous, call: Call) -> tuple[Value, ...]:
        """Read the body of an anonymous function with what a call gives it."""
        function, builder, value = called.function, self._builder, None
        length = called.body[1] - called.body[0] + len(called.around.given) + _COST
        is_bounded = self._read_again + length < _MOST_READ_AGAIN and (
            len(self._following) < _DEEPEST and function.name not in self._following
        )
        if is_bounded and len(call.positional) == len(function.takes) == len(call.arguments):
            kept, parameters = (builder.names, builder.end), dict(self._parameters)
            around, is_again = builder.names, builder.is_again
            builder.names, builder.is_again = called.around.copy(), True
            self._parameters.clear()
            self._read_again += length
            self._following.append(function.name)
            self._bind(function, call, around)
            value = self._value_of(*called.body)
            self._following.pop()
            (builder.names, builder.end), builder.is_again = kept, is_again
            self._parameters.clear()
            self._parameters |= parameters
        is_known = value is not None and (is_layers(value) or is_closed(value))
        (self._definitions if is_known else self._called_otherwise).add(called.start)
        return (value,) if is_known else ()

    def _is_inside(self, function: Function, call: Call) -> bool:
        """Whether a function calls itself."""
        body = [self._steps[number] for number in function.body]
        return bool(body) and body[0].start <= call.column < body[-1].end

    def _bind(self, function: Function, call: Call, around: Names) -> None:
        given, self._given_by_name = bind(function, call.arguments)
        for name in function.takes:
            self._hide([name] if name.isidentifier() else [], call.column)
        for name, value in given.items():
            if not isinstance(value, Name):
                self._builder.give(name, value, call.column)
            elif _can_stand_for(value, function):
                self._parameters[name] = value
                self._builder.give(name, value, call.column)
            if isinstance(value, Name) and value.text.isidentifier():
                for path, part in [*around.given.items()]:
                    if path.startswith(f"{value.text}."):
                        self._names.give(f"{name}{path.removeprefix(value.text)}", part)
        self._builder.give("nargin", len(call.positional), call.column)

    def _output(self, name: str) -> Value:
        """What a function gives back; ``None`` where it has variables of its own in it."""
        value = self._names.given.get(name)
        return value if is_layers(value) or is_closed(value) else None

    # Blocks.

    def _go_on(self, step: Step, block: Block | None) -> None:
        """Open, turn or close a block."""
        if block is not None:
            self._enter(block)
        elif step.keyword in TURNS | {"end", "until"} and not self._open:
            # What it belongs to begins before the text, and there may be more between.
            self._names.forget_all()
        elif step.keyword in TURNS:
            self._turn(step.keyword)
        elif step.keyword in {"end", "until"}:
            self._leave()
        self._builder.block = tuple(each.number for each in self._open)

    def _enter(self, block: Block) -> None:
        if block.keyword == "function" and self._structure.is_open_ended:
            self._open.clear()
        self._open.append(_Open(block, self._names.copy(), next(self._numbers)))
        if block.keyword in SCOPES:
            self._builder.names = Names()
        elif block.keyword in LOOPS:
            # Each time but the first it begins with what it left at the end.
            self._forget(block.bound)

    def _turn(self, keyword: str) -> None:
        inner = self._open[-1]
        inner.number = next(self._numbers)
        inner.ends.append(self._names)
        inner.is_exhaustive |= keyword in {"else", "otherwise"}
        self._builder.names = inner.before.copy()
        if inner.block.keyword in PROTECTED:
            self._forget(inner.block.bound)

    def _leave(self) -> None:
        inner = self._open.pop()
        keyword, ends = inner.block.keyword, [*inner.ends, self._names]
        if keyword in SCOPES:
            self._builder.names = inner.before.copy()
            return
        if keyword in DECLARING:
            return
        self._builder.names = agreed(ends if inner.is_exhaustive else [*ends, inner.before])
        if keyword in LOOPS | PROTECTED:
            self._forget(inner.block.bound)

    def _forget(self, names: Collection[str]) -> None:
        if ANY in names:
            self._names.forget_all()
        else:
            self._names.forget_given(names)

    # Statements.

    def _read(self, step: Step) -> None:
        """Read a step; if it is not understood, leave it out and forget its names."""
        shown = self._code[step.start : step.end]
        self._builder.end = step.start
        if self._is_again:
            self._read_again += step.end - step.start + len(self._names.given)
        parameters = {name for each in _PARAMETERS.findall(shown) for name in identifiers(each)}
        before = dict(self._names.given)
        self._hide(parameters, step.start)
        hidden = dict(self._names.given)
        try:
            self._understand(step, shown)
        except SnippetError as error:
            self.unread[step.start] = Unread(step.start, step.end, error)
            self._names.forget_given(identifiers(shown))
        else:
            # After an anonymous function, names that are its parameters' are again what they were.
            for name in parameters:
                if self._names.given[name] is hidden[name] and name in before:
                    self._names.give(name, before[name])
                elif self._names.given[name] is hidden[name]:
                    del self._names.given[name]
            self._note_anonymous(step, before)
        more = len(self._builder.statements) - len(self._origins)
        self._origins += more * [(step.start, self._as_it_stands)]
        if ANY in bound(step, self._code, self._outside):
            self._names.forget_all()
        self._names.forget_given(self._structure.shared)

    def _note_anonymous(self, step: Step, around: dict[str, Value]) -> None:
        header = None if step.keyword else _ANONYMOUS.match(self._code, step.start, step.end)
        if header is None:
            return
        name, takes = (
            header[1],
            tuple(each.strip() for each in header[2].split(",") if each.strip()),
        )
        if self._code[header.end() : step.end].strip() and all(map(str.isidentifier, takes)):
            names = self._names.copy()
            for parameter in takes:
                if parameter in around:
                    names.give(parameter, around[parameter])
            function = Function(name, range(0), takes, (), frozenset())
            value, body = self._names.given.get(name), (header.end(), step.end)
            self._anonymous[name] = _Anonymous(function, step.start, body, names, value)

    def _understand(self, step: Step, shown: str) -> None:
        keyword, start, end = step
        if keyword in {"for", "parfor"}:
            self._loop(start, end)
        elif keyword in CONDITIONS:
            self._header(start, end)
        elif keyword == "function":
            header = _FUNCTION.match(self._outside, start, end)
            close = header.end() if header else start
            words = identifiers(self._code[start:close])
            self._hide(words if header is None else {*words} - {header[1]}, start)
            self._plain(close, end)
        elif keyword == "catch" or _COMMAND.fullmatch(shown):
            self._forget(bound(step, self._code, self._outside))
            if keyword or _SHARING.match(shown):
                self._hide(identifiers(shown)[not keyword :], start)
            self._import(step, shown)
        elif keyword:
            pass
        elif self._open and self._open[-1].block.keyword in DECLARING:
            self._declaration(start, end)
        else:
            self._plain(start, end)

    def _hide(self, names: Iterable[str], start: int) -> None:
        """Let names stand for something that is not known, whatever they stood for."""
        for name in names:
            self._builder.give(name, Name(name, start), start)

    def _import(self, step: Step, shown: str) -> None:
        """Let names that are imported from packages be none of the toolbox's."""
        for path in _IMPORTED.findall(shown) if shown.startswith("import") else ():
            name = path.rpartition(".")[2]
            self._names.give(EVERYTHING if name == "*" else name, Name(path, step.start + 1))

    def _plain(self, start: int, end: int) -> None:
        """Read a statement; one that counts or adds up is the value that it adds."""
        if update := _UPDATE.match(self._code, start, end):
            self._names.forget_given(identifiers(update[0]))
            start = update.end()
        self._statement(start, end)

    def _statement(self, start: int, end: int) -> None:
        if self._code[start:end].strip():
            read_some("matlab", self._code[:end], start, self._builder, MATLAB)

    def _header(self, start: int, end: int) -> None:
        """Read a condition, and a statement that stands after it without a comma."""
        try:
            self._statement(start, end)
        except SnippetError as error:
            column = error.column or 0
            if not start < column < end:
                raise
            try:
                self._statement(start, column)
            except SnippetError:
                raise error from None
            self._plain(column, end)

    def _loop(self, start: int, end: int) -> None:
        loop = _LOOP.match(self._code, start, end)
        if loop is None:
            return self._header(start, end)
        close = self._outside.find(")", start, end) if loop[1] else -1
        if close < 0:
            self._header(loop.end(), end)
        else:
            # parfor (k = 1:3, workers)
            values = skeleton(self._code[loop.end() : close], MATLAB).split(",")[0]
            self._statement(loop.end(), loop.end() + len(values))
            self._plain(close + 1, end)
        self._names.give(loop[2], Name(loop[2], loop.start(2)))
        return None

    def _declaration(self, start: int, end: int) -> None:
        """Read the default in ``size (1, 1) double = 3``, which a caller may change."""
        declared = _DECLARED.match(self._outside, start, end)
        if declared is None or declared.end() == end:
            return
        name, between = declared.span(1)[1], declared.end()
        given = self._given_by_name.get(declared[1].rpartition(".")[2])
        if self._following and not self._as_it_stands:
            known = self._names.given.get(declared[1])
            if given is not None:
                self._builder.give(declared[1], given, start)
            is_open = known is None or (isinstance(known, Name) and known.text == declared[1])
            if given is not None or not is_open:
                return
        code = self._code[:name] + " " * (between - name) + self._code[between:end]
        read_some("matlab", code, start, self._builder, MATLAB)
        if not self._following or self._as_it_stands:
            self._names.forget_given(identifiers(declared[1]))
