"""The fuzzer keeps what a reader should have refused, and counts all that it tries."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import fuzz_parsers
import pytest
from fuzz_parsers import Watch, kept, main, spoilt
from readers import READERS, Reader

from harness.core.errors import InputError


def read(content: bytes) -> None:
    if content.startswith(b"refused"):
        raise InputError("no.")
    if content.startswith(b"broken"):
        raise KeyError(content)


def test_findings_are_kept_by_their_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 2.0] * 4 + [2.0, 4.1])  # Before and after each; only the last is slow
    monkeypatch.setattr(fuzz_parsers, "time", SimpleNamespace(process_time=lambda: next(seconds)))
    watch = Watch("made", read, tmp_path)
    for content in (b"fine", b"refused", b"broken 1", b"broken 2", b"slow"):
        watch.give(content)
    assert (watch.inputs, watch.refused) == (5, 1)
    broken, slow = kept("made", tmp_path)
    assert Path(broken).read_bytes() == b"broken 1"
    assert Path(slow).read_bytes() == b"slow"
    assert "KeyError-test_fuzz_parsers-" in broken
    (figures,) = tmp_path.glob("made-*.json")
    assert json.loads(figures.read_text())["inputs"] == 5


def test_what_fills_the_memory_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = iter([900, 1400, 1901])  # What the tests before have used does not count
    monkeypatch.setattr(fuzz_parsers, "most_memory", lambda: next(most))
    watch = Watch("made", read, tmp_path)
    for content in (b"first", b"500 MiB", b"501 MiB"):
        watch.give(content)
    assert [Path(path).read_bytes() for path in kept("made", tmp_path)] == [b"501 MiB"]


def test_texts_are_spoilt_in_many_ways_but_the_same_ones_again() -> None:
    def ways(seed: int) -> list[str]:
        rng = random.Random(seed)
        return [spoilt("f(a, 2)\ng()\n", "h[1];\n", rng) for _ in range(200)]

    assert ways(1) == ways(1) != ways(2)
    assert len(set(ways(1))) > 190


@pytest.mark.parametrize(("fault", "status"), [(None, 0), (KeyError("x"), 1)])
def test_the_command_fails_where_there_is_a_finding(
    fault: Exception | None,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def one(_: bytes) -> None:
        if fault:
            raise fault

    for name in fuzz_parsers._LANGUAGES:
        monkeypatch.setitem(READERS, name, Reader(one, lambda: [b"f(1)"]))
    monkeypatch.setattr(sys, "argv", ["", "--mutants", "60", "--output", str(tmp_path)])
    assert main() == status
    *_, last = capsys.readouterr().out.splitlines()
    assert last == f"60 inputs, {3 * status} findings"
