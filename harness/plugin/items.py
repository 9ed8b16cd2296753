"""Cases as tests: one item for each case, column and direction."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, Self

import pytest

from harness.conformance.pipeline import records_of
from harness.core.errors import InputError
from harness.plugin.running import Running
from harness.plugin.settling import CaseFailed, KnownFailure, settle
from harness.records.check import DIRECTIONS, Check, Direction
from harness.suite.case import Case
from harness.suite.specs import load_cases

GROUPS: Final = {"forward": "value", "gradient": "gradients"}


class SpecFile(pytest.File):
    """A file of cases."""

    def __init__(self, *, running: Running, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.running = running

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the tests case by case, so that what columns share is made once."""
        for case in load_cases(self.path, self.running.choice.select or None):
            for column in self.running.names:
                for direction in DIRECTIONS:
                    if any(check.direction == direction for check in case.checks):
                        yield from self.tests(case, column, direction)

    def tests(self, case: Case, column: str, direction: Direction) -> Iterator[pytest.Item]:
        """Yield the test of one direction."""
        yield CaseTest.of(self, case, column, direction)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ARG002 -- of items alone
    ) -> Any:
        """Say what is wrong with the file."""
        if isinstance(excinfo.value, InputError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class CaseTest(pytest.Item):
    """One direction of one case in one column."""

    case: Case
    column: str
    direction: Direction
    running: Running

    @classmethod
    def of(
        cls, parent: SpecFile, case: Case, column: str, direction: Direction, **keywords: Any
    ) -> Self:
        """Make a test, named ``case[column-group]``."""
        name = case.id.removeprefix(f"{case.suite}/").encode("unicode_escape").decode()
        test = cls.from_parent(
            parent, name=f"{name}[{column}-{cls.group(case, direction)}]", **keywords
        )
        test.case, test.column, test.direction = case, column, direction
        test.running = parent.running
        if test.config.pluginmanager.hasplugin("xdist"):
            # A column's cases run in one process, so that its framework is imported once.
            test.add_marker(pytest.mark.xdist_group(column))
        return test

    @staticmethod
    def group(case: Case, direction: Direction) -> str:
        """Name the checks that a test makes."""
        return Check.REFUSAL if case.rejected else GROUPS[direction]

    def settle(self) -> None:
        """Run the program and judge what it computes; return if that is right."""
        column = self.running.column(self.column)
        expected = partial(self.running.expected, self.case)
        settle(self, column, list(records_of(column, self.case, self.direction, expected)))

    def runtest(self) -> None:
        """Run the program, and judge what it computes."""
        self.settle()

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ARG002 -- not of functions
    ) -> Any:
        """Say what went wrong in our words; only an error of the plugin itself has a traceback."""
        if isinstance(excinfo.value, CaseFailed | KnownFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int, str]:
        """Return the place of the case in its file, and its name."""
        return self.path, max(self.case.line - 1, 0), self.name
