"""One call in a text, and what the text says around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.syntax.tree import Call, Statement, calls


@dataclass(frozen=True)
class Application:
    """A call of the layer that a call makes, and the statement that holds it."""

    call: Call
    statement: Statement


@dataclass(frozen=True)
class CallSite:
    """A call where it stands."""

    call: Call
    line: int  # Of the text, from 1; so is the column
    column: int
    statement: Statement  # The one that holds the call
    before: tuple[Statement, ...] = ()  # All statements above it
    after: tuple[Statement, ...] = ()  # All statements below it
    # The calls of the layer that the call makes, in the order of the text after it.
    applications: tuple[Application, ...] = ()
    # What the Python around it does to its weights: it splits them into so many groups, with a call
    # for each, and writes the zeros of such a dilation into the kernel.
    groups: int = 1
    steps: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()  # On lines that may change what is called

    @property
    def function(self) -> str:
        """The dotted name that is called."""
        return self.call.dotted

    @property
    def stands_alone(self) -> bool:
        """Whether the text is this call and nothing else."""
        return not (self.before or self.after) and self.statement.value is self.call

    @property
    def name(self) -> str | None:
        """What the statement gives the call's result to, where it does nothing else to it."""
        return self.statement.target if self.statement.value is self.call else None

    @property
    def applied(self) -> Application | None:
        """The first call of the layer that the call makes."""
        return self.applications[0] if self.applications else None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The whole text."""
        return (*self.before, self.statement, *self.after)

    @property
    def around(self) -> Iterator[Call]:
        """Every call in the text, such as those of ``with`` statements."""
        return (each for statement in self.statements for each in calls(statement.value))

    def always_after(self, statement: Statement) -> bool:
        """Whether a statement is carried out before the call, wherever the call is."""
        block = statement.block
        if self.statement.block[: len(block)] != block:
            return False
        return any(each is statement for each in self.before)
