"""What holds for the tests of weights."""

from __future__ import annotations

import io
import subprocess
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.weights import files, reader


@pytest.fixture
def files_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read ``.mat`` and ``.wxf`` files in this process: another takes 0.2 s to start."""

    def here(command: Sequence[str], **_: object) -> nullcontext[SimpleNamespace]:
        arrays = io.BytesIO()
        with warnings.catch_warnings():
            reader.main(Path(command[3]), arrays, lambda: None)
        arrays.seek(0)
        return nullcontext(SimpleNamespace(stdout=arrays))

    started = SimpleNamespace(Popen=here, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(files, "subprocess", started)
