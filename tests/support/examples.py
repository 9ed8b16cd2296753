"""How many examples a test has: of Hypothesis in proportion to the profile, and for CI more."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import settings

T = TypeVar("T", bound=Hashable)


def examples(times: float) -> settings:
    """Draw so many times as many examples as the profile says."""
    profile = settings.default
    assert profile is not None
    return settings(max_examples=round(times * profile.max_examples))


def most_slow(values: Sequence[Any]) -> list[Any]:
    """Leave to CI all examples but every sixth."""
    return [slow(each) if number % 6 else each for number, each in enumerate(values)]


def slow(*values: Any) -> Any:
    """Leave an example of ``parametrize`` to CI, where another one takes the same way."""
    return pytest.param(*values, marks=pytest.mark.slow)


def wrong(expected: Mapping[T, object], result: Callable[[T], object]) -> dict[T, object]:
    """Return the examples whose result is not what is expected, with what it is or raises.

    A table of many small examples is one test so: a test of its own costs more than most of them.
    """
    found: dict[T, object] = {}
    for example, value in expected.items():
        try:
            got = result(example)
        except Exception as error:  # noqa: BLE001 -- it is among what is wrong
            got = error
        if got != value:
            found[example] = got
    return found
