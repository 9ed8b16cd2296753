"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from harness import gpu

# A test must not fail because a machine is busy.
settings.register_profile("deconform", deadline=None)
settings.load_profile("deconform")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what is marked ``gpu`` where there is none."""
    if item.get_closest_marker("gpu") and (reason := gpu.missing()):
        pytest.skip(reason)


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go by short names, which messages then begin with."""
    monkeypatch.chdir(tmp_path)
