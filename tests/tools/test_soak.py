"""``tox run -e soak``: a short one, and what it would notice."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools")]
soak = pytest.importorskip("soak")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it looks at /proc")
def test_a_short_soak_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one run, whose disk is full, whose process is ended, and whose framework hangs."""
    monkeypatch.setattr(soak, "TIMEOUT", 0.5)
    assert soak.main(["--minutes", "0", "--seed", "1"]) == 0
    output = capsys.readouterr().out
    assert "       0 records lost\n" in output
    assert "0 broken promises" in output
    assert "       1 runs\n" in output


@pytest.mark.skipif(sys.platform != "linux", reason="it looks at /proc")
def test_what_is_left_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "PATIENCE", 0.0)
    one: Any = soak.Soak(tmp_path, random.Random(0))
    (one.temporary / "deconform-left").mkdir()
    name, value = one.mark.split("=")
    with subprocess.Popen(
        [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"],
        env={name: value},
        stdout=subprocess.PIPE,
    ) as left:
        assert left.stdout is not None
        left.stdout.readline()
        one._check_nothing_left("a test")
    assert one.figures == {"processes left": 1, "folders left": 1}
    assert len(one.wrong) == 2
