"""What a process of pytest keeps from one test to the next: columns, and what cases expect."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import replace
from functools import cached_property
from typing import Final

import pytest

from harness.bench import TIMEOUT
from harness.bench.rounds import pinned, timed_frameworks
from harness.doors.implementation import Implementation, name_of
from harness.execution.column import Column
from harness.plugin.choice import Choice
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect

_MOST_BYTES: Final = 2**28  # Of expectations that are kept: the default suite's are a sixth of it


class Running:
    """Columns that are started when the first test needs them, and end with the session."""

    def __init__(self, config: pytest.Config) -> None:
        self.choice = Choice.of(config)
        self.is_codspeed = config.pluginmanager.hasplugin("codspeed") and bool(
            config.getoption("codspeed", False) or "CODSPEED_ENV" in os.environ
        )
        self.is_timed = self.is_codspeed or bool(config.getoption("benchmark_only", False))
        self._columns: dict[str, Column] = {}
        self._expected: OrderedDict[str, Expected] = OrderedDict()
        self._bytes = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns: of those that are timed, if times are asked for."""
        whole = self.choice.columns
        return tuple(
            name_of(one)
            for one in whole
            if not self.is_timed or isinstance(one, Implementation) or one in timed_frameworks()
        )

    def column(self, name: str) -> Column:
        """Return a column that has started, or that says why it has not."""
        if name not in self._columns:
            subject = next(one for one in self.choice.columns if name_of(one) == name)
            conditions = self.choice.conditions
            if self.is_timed:
                conditions = pinned(replace(conditions, timeout=max(conditions.timeout, TIMEOUT)))
            self._columns[name] = Column(subject, conditions)
            self._columns[name].start()
        return self._columns[name]

    def expected(self, case: Case) -> Expected:
        """Return what a case expects, computed once for all columns while there is room."""
        key = f"{case.file}:{case.id}"
        if key not in self._expected:
            self._expected[key] = expect(case, fast=self.is_timed)
            self._bytes += _nbytes(self._expected[key])
            while self._bytes > _MOST_BYTES and len(self._expected) > 1:
                self._bytes -= _nbytes(self._expected.popitem(last=False)[1])
        return self._expected[key]

    def close(self) -> None:
        """End the columns' processes."""
        for column in self._columns.values():
            column.close()
        self._columns.clear()


def _nbytes(expected: Expected) -> int:
    groups = (expected.data, expected.outputs, expected.bounds)
    return sum(array.nbytes for arrays in groups for array in arrays.values())
