"""How many examples a Hypothesis test draws, in proportion to the profile that was chosen."""

from __future__ import annotations

from hypothesis import settings


def examples(times: float) -> settings:
    """Draw so many times as many examples as the profile says."""
    profile = settings.default
    assert profile is not None
    return settings(max_examples=round(times * profile.max_examples))
