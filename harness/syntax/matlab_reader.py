"""Reading MATLAB text step by step, with what its names stand for from block to block."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
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
from harness.syntax.names import EVERYTHING, Names, agreed, identifiers
from harness.syntax.tree import Defined, Name, SnippetError, Unread

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
_PARAMETERS: Final = re.compile(r"@\s*\(([^()]*)\)")


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
    """

    def __init__(self, code: str, outside: str, steps: Sequence[Step], builder: Builder) -> None:
        self.unread: list[Unread] = []
        self._code, self._outside, self._builder = code, outside, builder
        self._structure = structure(code, outside, steps)
        self._open: list[_Open] = []
        self._numbers = itertools.count(1)
        for step in steps:
            header = _FUNCTION.match(outside, step.start, step.end)
            if step.keyword in {"function", "classdef"} and header:
                builder.defined[header[1]] = Defined(header[1], step.start)
        for index, step in enumerate(steps):
            self._go_on(step, self._structure.blocks.get(index))
            self._read(step)

    @property
    def _names(self) -> Names:
        return self._builder.names

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
        parameters = {name for each in _PARAMETERS.findall(shown) for name in identifiers(each)}
        before = dict(self._names.given)
        self._hide(parameters, step.start)
        hidden = dict(self._names.given)
        try:
            self._understand(step, shown)
        except SnippetError as error:
            self.unread.append(Unread(step.start, step.end, error))
            self._names.forget_given(identifiers(shown))
        else:
            # After an anonymous function, names that are its parameters' are again what they were.
            for name in parameters:
                if self._names.given[name] is hidden[name] and name in before:
                    self._names.give(name, before[name])
                elif self._names.given[name] is hidden[name]:
                    del self._names.given[name]
        if ANY in bound(step, self._code, self._outside):
            self._names.forget_all()
        self._names.forget_given(self._structure.shared)

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
        code = self._code[:name] + " " * (between - name) + self._code[between:end]
        read_some("matlab", code, start, self._builder, MATLAB)
        self._names.forget_given(identifiers(declared[1]))
