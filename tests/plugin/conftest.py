"""What holds for runs of pytest within a test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide that the test itself may run in one of several, where nothing is timed."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
