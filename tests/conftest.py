"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# A test must not fail because a machine is busy.
settings.register_profile("deconform", deadline=None)
settings.load_profile("deconform")


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go by short names, which messages then begin with."""
    monkeypatch.chdir(tmp_path)
