"""What holds for the tests of weights."""

from __future__ import annotations

import io
import subprocess
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from harness.weights import files, mat_reader


@pytest.fixture
def mat_files_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read ``.mat`` files in this process: they are whole, and each process takes 0.2 s."""

    def here(command: Sequence[str], **_: object) -> nullcontext[SimpleNamespace]:
        arrays = io.BytesIO()
        with warnings.catch_warnings():
            mat_reader.main(command[-1], arrays)
        arrays.seek(0)
        return nullcontext(SimpleNamespace(stdout=arrays))

    started = SimpleNamespace(Popen=here, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(files, "subprocess", started)
