"""The tree of a snippet in any language: statements, calls, literals and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, Self, TypeAlias

from harness.core.errors import InputError, Place

MAX_TEXT: Final = 2_000_000  # Characters
MAX_STATEMENT: Final = 20_000  # Of languages whose sums may be of any length: a sum holds its parts
MAX_DEPTH: Final = 60
# How the divisions of a sum are meant: each exactly, or not all of them.
Division: TypeAlias = Literal["", "exactly", "any"]
EXACTLY: Final = "exactly /"  # An operation: the division of languages without a type for integers
MAX_DIGITS: Final = 18
_DEPTH: Final = re.compile(r"[]()[{}]|\n(?=[^ \t)\]}])")  # Brackets, and lines that begin anew


@dataclass(frozen=True)
class Name:
    """A value that the text does not hold: a variable, an attribute, an expression with one.

    ``calls`` are those inside the expression: one of them may be meant.
    """

    text: str
    column: int
    calls: tuple[Call, ...] = ()


# Kinds of names.  Their text holds their parts, so a name's repr and equality serve: of their own
# they would slow every start.


@dataclass(frozen=True, repr=False, eq=False)
class UnaryOp(Name):
    """``-operand`` or ``+operand``."""

    operation: str = ""
    operand: Value = None
    divides: Division = ""


@dataclass(frozen=True, repr=False, eq=False)
class BinaryOp(Name):
    """``left operation right``."""

    left: Value = None
    operation: str = ""
    right: Value = None
    divides: Division = ""


@dataclass(frozen=True, repr=False, eq=False)
class Subscript(Name):
    """``owner[index]``; the index is a tuple where there are several."""

    owner: Value = None
    index: Value = None

    @property
    def places(self) -> tuple[Value, ...]:
        """The index for each axis."""
        return self.index if isinstance(self.index, tuple) else (self.index,)


@dataclass(frozen=True, repr=False, eq=False)
class Slice(Name):
    """``lower:upper:step`` of a subscript; ``None`` for what is left out."""

    lower: Value = None
    upper: Value = None
    step: Value = None

    @property
    def is_whole(self) -> bool:
        """Whether it is a bare colon."""
        return self.lower is None and self.upper is None and self.step is None


@dataclass(frozen=True, repr=False, eq=False)
class Starred(Name):
    """``*inner`` among the elements of a sequence."""

    inner: Value = None


@dataclass(frozen=True, repr=False, eq=False)
class Joined(Name):
    """A sequence with parts of unknown length."""

    elements: tuple[Value, ...] = ()


@dataclass(frozen=True, repr=False, eq=False)
class Comprehension(Name):
    """``[element for targets in over]``; no targets where it has conditions or several loops."""

    element: Value = None
    targets: tuple[str, ...] = ()
    over: Value = None


# What gives a name a meaning.


@dataclass(frozen=True, repr=False, eq=False)
class Reference(Name):
    """What is imported, or what an alias stands for: its text is the full name."""

    is_imported: bool = True
    written: str = ""  # What the text has in its place where it is called
    changed_by: str = ""  # A function of another file that is given it, and gives back another


@dataclass(frozen=True, repr=False, eq=False)
class Defined(Name):
    """A function or class that the text itself defines, at the column."""

    why: str = ""  # Why its calls are not followed
    code: object = None  # What its language follows its calls with


@dataclass(frozen=True, repr=False, eq=False)
class Passed(Name):
    """What a call of the text's own function gives a parameter, in the caller's words."""

    value: Value = None


class Setting(NamedTuple):
    """An attribute that an object has from the first, or by default."""

    name: str
    value: Value
    is_default: bool


@dataclass(frozen=True, repr=False, eq=False)
class Record(Name):
    """An object of which the text shows attributes, such as the result of ``parse_args()``."""

    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, repr=False, eq=False)
class Either(Name):
    """One of several meanings; ``None`` is the meaning that the text does not give."""

    options: tuple[Value, ...] = ()
    tied: frozenset[str] = frozenset()  # Other names that what chooses it gives something, too


class Heading(Name):
    """The calls in a test, or in whatever begins a block; its value is not used."""


@dataclass(frozen=True)
class Argument:
    """One argument of a call; ``name`` is ``None`` for a positional one."""

    name: str | None
    value: Value
    column: int


@dataclass(frozen=True)
class Call:
    """``function(arguments)``, or what means the same in the language."""

    function: Name | Call  # A dotted name as written, or the call whose result is called
    arguments: tuple[Argument, ...]
    column: int  # Offset of the call in the text, from 0
    # Names in it with the default value of the function that it stands in: ``stride=2``.
    assumed: tuple[str, ...] = ()
    # What the text lets the called name stand for; ``None`` where it does not say.
    owner: Value = field(default=None, compare=False, repr=False)
    # What it gives back, where the text's own function was followed; ``None`` where it was not.
    result: Value = field(default=None, compare=False, repr=False)

    @property
    def dotted(self) -> str:
        """The name that is called; empty where the result of another call is called."""
        return self.function.text if isinstance(self.function, Name) else ""

    @property
    def written(self) -> str:
        """The dotted name that the text itself calls."""
        return (
            self.function.written if isinstance(self.function, Reference) else ""
        ) or self.dotted

    @property
    def positional(self) -> list[Value]:
        """The arguments without a name."""
        return [argument.value for argument in self.arguments if argument.name is None]

    @property
    def named(self) -> dict[str, Value]:
        """The arguments with a name."""
        return {argument.name: argument.value for argument in self.arguments if argument.name}

    @property
    def parts(self) -> tuple[Value, ...]:
        """What is called, and all arguments."""
        return (self.function, *(argument.value for argument in self.arguments))


# Lists, tuples and matrices are tuples; MATLAB's [1 2; 3 4] is a tuple of tuples.
Value: TypeAlias = int | float | bool | str | tuple["Value", ...] | Name | Call | None


class WrittenTuple(tuple[Value, ...]):
    """A Python sequence that is known to be a tuple: ``isinstance(size, tuple)`` asks for it."""

    __slots__ = ()


class WrittenList(tuple[Value, ...]):
    """A Python sequence that is known to be a list."""

    __slots__ = ()


@dataclass(frozen=True, repr=False, eq=False)
class Followed:
    """A call of the text's own function or class, followed into what it does."""

    column: int  # Offset of the call in the text
    what: str  # The function or class, as the text defines it
    target: str = ""  # What the statement of the call gives something
    is_whole: bool = False  # Whether that is the call's result and nothing else
    makes_object: bool = False
    is_method: bool = False  # Of the object that ``self`` is where it is called
    passed: frozenset[str] = frozenset()  # Names of the caller's that it is given
    chosen_as: str = ""  # The name that may stand for another function, by what the text tests


@dataclass(frozen=True, repr=False)
class Statement:
    """One statement: a value and the name that it is given, if any."""

    target: str | None
    value: Value
    # What the names of its scope stand for there, the last assigned last; a ``Name`` where the text
    # does not hold it.
    assigned: Mapping[str, Value] = field(default_factory=dict, compare=False, repr=False)
    # Numbers of the functions, branches and loops around it, outermost first; negative for classes.
    block: tuple[int, ...] = field(default=(), compare=False)
    # The target, where it is an element or a slice of something.
    part: Subscript | None = field(default=None, compare=False)
    # The calls through which it is come to, innermost first; its function is read once for each.
    followed: tuple[Followed, ...] = field(default=(), compare=False, repr=False)


class NotFollowed(NamedTuple):
    """A call of the text's own function or class that is not followed."""

    start: int  # Offsets of the function in the text
    end: int
    column: int  # Of the call
    why: str


class Unread(NamedTuple):
    """A stretch of the text that is not understood and was left out."""

    start: int  # Offset in the text
    end: int
    error: SnippetError  # Why


@dataclass(frozen=True, repr=False, eq=False)
class Parsed:
    """All that was understood of a text, and what was not."""

    statements: tuple[Statement, ...]
    unread: tuple[Unread, ...] = ()
    # Full names of what it sets in modules and classes, each with the column.
    patched: tuple[tuple[str, int], ...] = ()
    not_followed: tuple[NotFollowed, ...] = ()
    # Layers' classes that it hands on, by the names to look for: each with the column.
    handed_on: Callable[[Collection[str]], Iterator[tuple[str, int]]] = lambda _: iter(())
    # For names of functions that the text chooses: what it compares with a class, and with which.
    deciding: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    # By the columns of calls of the text's own layers: the class that does more than the
    # framework's that it inherits from, and where.
    own_forward: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    # Calls of what the text does not define that are taken to call the class that they are given.
    supposed: Collection[int] = ()

    def all_understood(self) -> tuple[Statement, ...]:
        """Return the statements; raise the error of the first stretch that was left out."""
        if self.unread:
            raise self.unread[0].error
        return self.statements


class SnippetError(InputError):
    """A snippet that cannot be read: what is wrong, and the offset in the text, from 0."""

    def __init__(self, fact: str, column: int | None = None) -> None:
        super().__init__(fact)
        self.column = column

    def placed_in(self, text: str) -> Self:
        """Return the error with its place in a text: the line, and a mark at the column.

        >>> print(SnippetError("expected a number.", 4).placed_in("f(1,x)"))
        line 1, column 5: expected a number.
          f(1,x)
              ^
        """
        placed = type(self)(self.fact, self.column)
        if self.column is None:
            return placed
        column = min(self.column, len(text))
        start = text.rfind("\n", 0, column) + 1
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        offset = column - start
        # A window, so that a long line does not bury its mark.
        left = max(0, offset - 50)
        shown = line[left : left + 100].replace("\t", " ")
        number = text.count("\n", 0, column) + 1
        placed.place = Place(number, offset + 1, f"  {shown}\n  {' ' * (offset - left)}^")
        return placed


class OpenError(SnippetError):
    """A snippet that leaves sizes open, which the user can give: the roles of those."""

    def __init__(self, fact: str, column: int | None = None, roles: tuple[str, ...] = ()) -> None:
        super().__init__(fact, column)
        self.roles = roles
        self.sizes: Mapping[str, Value] = {}  # What the text calls some of them, by their roles

    def placed_in(self, text: str) -> Self:
        """Return the error with its place in a text."""
        placed = super().placed_in(text)
        placed.roles, placed.sizes = self.roles, self.sizes
        return placed


class UnknownValueError(SnippetError):
    """A parameter's argument whose value the text does not hold: a number, a truth or a word."""

    def __init__(
        self,
        fact: str,
        column: int | None = None,
        parameter: str = "",
        value: Value = None,
        kind: Literal["number", "truth", "word"] = "number",
        axes: int = 0,
        words: tuple[str, ...] = (),
    ) -> None:
        super().__init__(fact, column)
        self.parameter, self.value, self.kind = parameter, value, kind
        self.words = words  # All that it may be, where it can be nothing else
        self.axes = axes  # How many numbers it is, where one alone does not do

    def placed_in(self, text: str) -> Self:
        """Return the error with its place in a text."""
        placed = super().placed_in(text)
        placed.parameter, placed.value, placed.kind = self.parameter, self.value, self.kind
        placed.axes, placed.words = self.axes, self.words
        return placed


@contextmanager
def errors_placed_in(text: str) -> Iterator[None]:
    """Give errors their line of a text."""
    try:
        yield
    except SnippetError as error:
        raise error.placed_in(text) from None
    except RecursionError:
        raise SnippetError("the text is nested too deeply. Paste the call alone.") from None


def last_name(value: Value) -> str:
    """Return the last part of the dotted name that a call calls; empty for other values."""
    return value.dotted.rpartition(".")[2] if isinstance(value, Call) else ""


def meant(call: Call, name: str) -> Reference:
    """Return the name of what a call means, with what is written in its place."""
    return Reference(name, call.column, written=call.written)


def is_sequence(value: Value) -> bool:
    """Return whether a value that is not known is certainly one of several elements."""
    match value:
        case Joined() | Comprehension():
            return True
        case Subscript(index=Slice()):
            return True
        case Call(function=Name(text="tuple" | "list"), owner=None):
            return True
    return False


def names_in(value: Value) -> Iterator[Name]:
    """Yield all names inside a value; a name's text holds those inside it."""
    if isinstance(value, Name):
        yield value
    parts = value.parts if isinstance(value, Call) else value if isinstance(value, tuple) else ()
    for part in parts:
        yield from names_in(part)


def count_uses(value: Value, name: str) -> int:
    """Count how often a dotted name stands in a value."""
    pattern = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    return sum(len(pattern.findall(each.text)) for each in names_in(value))


def calls(value: Value) -> Iterator[Call]:
    """Yield all calls inside a value, outer ones first."""
    if isinstance(value, Call):
        yield value
        parts = value.parts
    elif isinstance(value, Name):
        parts = value.calls
    else:
        parts = value if isinstance(value, tuple) else ()
    for part in parts:
        yield from calls(part)


def check_text(text: str) -> None:
    """Refuse a text that can be no call, before any parser sees it."""
    if not text.strip():
        raise SnippetError("there is no text. Paste a call, such as nn.ConvTranspose2d(64, 32, 4).")
    if len(text) > MAX_TEXT:
        raise SnippetError(
            f"the text has {len(text)} characters; {MAX_TEXT} are allowed. Paste the call alone."
        )
    _check_depth(text)


def check_statements(text: str) -> None:
    """Refuse a statement that is too long: what ends at the end of a line outside of brackets."""
    depth = begin = 0
    for column, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "\n" and depth <= 0:
            depth, begin = 0, column
        elif column - begin > MAX_STATEMENT:
            fact = f"a statement has more than {MAX_STATEMENT} characters. Paste the call alone."
            raise SnippetError(fact, begin)


def _check_depth(text: str) -> None:
    """Refuse brackets that are nested too deeply; a line that is not indented begins anew.

    Brackets in the strings and comments of a whole file need not be balanced.
    """
    depth = 0
    for match in _DEPTH.finditer(text):
        if match[0] == "\n":
            depth = 0
        elif match[0] in "([{":
            depth += 1
            if depth > MAX_DEPTH:
                column = match.start()
                raise SnippetError(f"brackets are nested more than {MAX_DEPTH} deep.", column)
        else:
            depth -= 1


def with_fractions(value: Value) -> Value:
    """Return a value whose divisions need not give whole numbers, as in ``round(n / 2)``.

    Below anything but a sum and a sign none is exact any more.
    """
    sums: list[BinaryOp | UnaryOp] = []
    while isinstance(value, BinaryOp | UnaryOp) and value.divides == "exactly":
        if isinstance(value, BinaryOp) and value.operation not in {"+", "-"}:
            value = replace(value, operation="/", divides="any")
            break
        sums.append(value)
        value = value.left if isinstance(value, BinaryOp) else value.operand
    for each in reversed(sums):
        if isinstance(each, BinaryOp):
            right = with_fractions(each.right)
            value = replace(each, left=value, right=right, divides="any")
        else:
            value = replace(each, operand=value, divides="any")
    return value
