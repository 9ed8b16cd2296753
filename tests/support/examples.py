"""How many examples a test has: of Hypothesis in proportion to the profile, and for CI more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import settings


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
