"""Large arrays reach a worker of ours in memory that it is lent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.program import Section
from harness.engines import channel, worker
from harness.engines.job import Arrays, Job
from harness.engines.lent_memory import LEAST, LentMemory
from harness.engines.process import Engine

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="this system has no files in memory"
)
# The last is too small to be lent.
SIZES = (LEAST, 3 * LEAST + 5, LEAST, 2 * LEAST, 7)


def jobs() -> Iterator[Job]:
    for number, size in enumerate(SIZES):
        x = np.arange(size, dtype="i4") + number
        text = "lent = np.array([hasattr(x.base, 'madvise')], 'i1'); y = x + 1; x[:] = 0"
        yield Job(number, "import numpy as np", Section("", text, ""), {"x": x}, ("y", "lent"), ())


def outcomes(command: list[str]) -> list[bool]:
    """Run jobs, all at once; return which arrays were lent."""
    lent = []
    with closing(Engine(command, "json", timeout=60)) as engine:
        engine.start()
        for job, outcome in engine.run(jobs()):
            assert isinstance(outcome, Arrays)
            assert np.array_equal(outcome.outputs["y"], job.inputs["x"] + 1)
            assert job.inputs["x"][-1] == SIZES[job.key] - 1 + job.key
            lent.append(bool(outcome.outputs["lent"][0]))
    return lent


def test_large_arrays_are_lent_and_small_ones_written() -> None:
    assert outcomes([sys.executable]) == [True] * 4 + [False]


def test_a_worker_that_inherits_no_files_gets_all_by_its_pipe(tmp_path: Path) -> None:
    """As behind a wrapper that closes what it does not know."""
    wrapper = tmp_path / "python"
    wrapper.write_text(
        f"#!{sys.executable}\nimport os, sys\nos.closerange(3, 4096)\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
    )
    wrapper.chmod(0o755)
    assert outcomes([str(wrapper)]) == [False] * 5


def test_what_is_too_large_to_stay_allocated_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MOST", LEAST)
    assert outcomes([sys.executable]) == [False] * 5


@given(st.lists(st.lists(st.integers(0, 9000), min_size=1, max_size=3), max_size=12), st.data())
def test_no_part_is_in_another_one(requests: list[list[int]], data: st.DataObject) -> None:
    """Whatever was lent and taken back before, each request finds its own arrays."""
    with closing(LentMemory()) as memory:
        kept: dict[int, Any] = {}
        for number, sizes in enumerate(requests):
            arrays = {str(n): np.full(size, number + n, "u1") for n, size in enumerate(sizes)}
            kept[number] = memory.lend(number, arrays), arrays
            if data.draw(st.booleans()):
                answered = data.draw(st.sampled_from(sorted(kept)))
                memory.take_back(answered)
                del kept[answered]
        assert worker.borrow(**memory.about)
        for told, arrays in kept.values():
            found = dict(worker.map_arrays(**told))
            assert {name: array.tolist() for name, array in found.items()} == {
                name: array.tolist() for name, array in arrays.items()
            }
