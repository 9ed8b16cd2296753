"""The fixture ``deconform_case``: the cases, for tests of an implementation of one's own."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from itertools import chain
from typing import Any, Final

import numpy as np
import pytest

from harness.conformance.assertion import assert_outputs, named_outputs
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.plugin.choice import Choice
from harness.suite.case import CLAIMED_DTYPES, Case
from harness.suite.expectations import expect_of
from harness.suite.mutants import options
from harness.suite.specs import load_cases, selected
from impl.geometry import Array

_GROUPS: Final = {"value": ("y",), "gradients": ("dx", "dw", "db")}


class CaseOfYours:
    """A case, to call an implementation with and to check what it returns.

    >>> import impl
    >>> from harness.suite.case import case_from_descriptor
    >>> mine = CaseOfYours(case_from_descriptor("ic2_oc3_k3_s2_b_n1_i5"))
    >>> sorted(mine.arguments)
    ['b', 'crop', 'dilation', 'groups', 'stride', 'w', 'x']
    >>> mine.check(impl.conv_transpose(**mine.arguments))
    """

    def __init__(self, case: Case, checks: Collection[str] = ()) -> None:
        self.case = case
        self._checks = checks

    def __repr__(self) -> str:
        return f"<{self.case.id}: {self.case.descriptor}>"

    @property
    def operator(self) -> Operator:
        """The configuration: channels, kernel, stride, dilation, crop, groups, bias."""
        return self.case.operator

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """What ``impl.conv_transpose`` takes: x, w, b, and the options with a value per axis."""
        data = self._data
        return {"x": data["x"], "w": data["w"], "b": data.get("b"), **options(self.operator)}

    @cached_property
    def gradient_arguments(self) -> dict[str, Any]:
        """What ``impl.conv_transpose_vjp`` takes: dy, x, w, and the options."""
        data = self._data
        return {"dy": data["dy"], "x": data["x"], "w": data["w"], **options(self.operator)}

    def check(self, got: Any, *, accumulate: str | None = None) -> None:
        """Hold what an implementation returned against the definition.

        Parameters
        ----------
        got : array or mapping of str to array
            ``y``, or any of ``y``, ``dx``, ``dw`` and ``db`` by name; arrays of any library.
        accumulate : str, optional
            The type in which the implementation adds up; see :func:`harness.assert_conforms`.

        Raises
        ------
        AssertionError
            With the first difference, and the mistake that gives the same numbers.
        """
        __tracebackhide__ = True
        outputs = named_outputs(got)
        if not self.operator.bias:
            outputs.pop("db", None)  # A gradient of nothing
        for name in (name for group in self._checks for name in _GROUPS[group]):
            if name not in outputs and (name != "db" or self.operator.bias):
                raise AssertionError(f"{name} is missing")
        for name, array in self.case.data().items():
            if not np.array_equal(self._data[name], array):
                raise AssertionError(f"changes {name}")
        expected = expect_of(self.case, self.case.data())
        assert_outputs(outputs, self.case, expected, accumulate, self.case.descriptor)

    @cached_property
    def _data(self) -> dict[str, Array]:
        return self.case.data()


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test the legal cases, or those that its marker and the options select."""
    try:
        cases, checks = _cases(metafunc)
    except (InputError, pytest.UsageError) as error:
        # Not here: a plugin that wraps the collection of functions may make a warning of it.
        metafunc.parametrize("deconform_case", [str(error)], indirect=True, ids=["mistake"])
        return
    metafunc.parametrize(
        "deconform_case",
        [CaseOfYours(case, checks) for case in cases],
        indirect=True,
        ids=[case.id for case in cases],
    )


def _cases(metafunc: pytest.Metafunc) -> tuple[list[Case], tuple[str, ...]]:
    """Return a test's cases, and what it promises to give."""
    marker = metafunc.definition.get_closest_marker("deconform")
    wanted = {"select": (), "checks": (), **(marker.kwargs if marker else {})}
    select, checks = _texts(wanted.pop("select")), _texts(wanted.pop("checks"))
    if unknown := [*wanted, *(check for check in checks if check not in _GROUPS)]:
        raise InputError(f"the marker deconform takes no {unknown[0]!r}.")
    stash = metafunc.config.stash
    if _LEGAL not in stash:
        choice = Choice.of(metafunc.config)
        every = chain(load_cases(), *map(load_cases, choice.specs))
        legal = (case for case in every if not case.rejected)
        stash[_LEGAL] = [case for case in legal if _is_selected(case, choice.select)]
        stash[_NAMED] = choice.select
    cases = [
        case
        for case in stash[_LEGAL]
        if _is_selected(case, select) and _is_expected(case, (*select, *stash[_NAMED]))
    ]
    for one in select if stash[_LEGAL] else ():
        if not any(selected(case.id, one) for case in cases):
            raise InputError(f"no legal case matches {one!r}.")
    return cases, checks


_LEGAL: Final = pytest.StashKey[list[Case]]()
_NAMED: Final = pytest.StashKey[Collection[str]]()  # What the options select


def _is_selected(case: Case, select: Collection[str]) -> bool:
    return not select or any(selected(case.id, one) for one in select)


def _is_expected(case: Case, select: Collection[str]) -> bool:
    """Whether a function that says nothing of dtypes takes this one, or it is asked for by name."""
    named = [one for one in select if case.dtype in one]
    return case.dtype in CLAIMED_DTYPES or any(selected(case.id, one) for one in named)


def _texts(value: str | Collection[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
