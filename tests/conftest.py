"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A test must not fail because a machine is busy.
settings.register_profile("deconform", deadline=None)
settings.load_profile("deconform")
