"""How many examples a test has: of Hypothesis in proportion to the profile, and for CI more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings


def examples(times: float) -> settings:
    """Draw so many times as many examples as the profile says."""
    profile = settings.default
    assert profile is not None
    return settings(max_examples=round(times * profile.max_examples))


def slow(*values: Any) -> Any:
    """Leave an example of ``parametrize`` to CI, where another one takes the same way."""
    return pytest.param(*values, marks=pytest.mark.slow)
