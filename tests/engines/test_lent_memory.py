"""Large arrays reach a worker of ours, and come back, in memory that it is lent."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.program import Section
from harness.engines import lent_memory, worker
from harness.engines.job import Arrays, Crashed, Job
from harness.engines.lent_memory import LEAST, LentMemory
from harness.engines.process import Engine
from harness.engines.request import Image

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="this system has no files in memory"
)
NUMPY = "import numpy as np"
# The last is too small to be lent.
SIZES = (LEAST, 3 * LEAST + 5, LEAST, 2 * LEAST, 7)


def jobs() -> Iterator[Job]:
    for number, size in enumerate(SIZES):
        x = np.arange(size, dtype="i4") + number
        text = "lent = np.array([hasattr(x.base, 'madvise')], 'i1'); y = x + 1; x[:] = 0"
        outputs = ("y", "lent")
        section = Section("", text, "")
        yield Job(number, NUMPY, section, {"x": x}, outputs, (), expected_bytes=x.nbytes + 1)


def job(text: str, expected_bytes: int = LEAST, **inputs: Any) -> Job:
    section = Section("", text, "")
    return Job(0, NUMPY, section, inputs, ("y",), (), expected_bytes=expected_bytes)


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each answer whose arrays came in memory."""
    counts = []
    answered = LentMemory.answered

    def counted(memory: LentMemory, request: int, described: Sequence[Any]) -> dict[str, Any]:
        arrays = answered(memory, request, described)
        counts.append(sum(array.nbytes for array in arrays.values()))
        return arrays

    monkeypatch.setattr(LentMemory, "answered", counted)
    return counts


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


def test_large_arrays_are_lent_and_small_ones_written(came: list[int]) -> None:
    assert outcomes([sys.executable]) == [True] * 4 + [False]
    assert came == [4 * size + 1 for size in SIZES[:4]]


def test_a_worker_that_inherits_no_files_gets_all_by_its_pipe(
    tmp_path: Path, came: list[int]
) -> None:
    """As behind a wrapper that closes what it does not know."""
    wrapper = tmp_path / "python"
    wrapper.write_text(
        f"#!{sys.executable}\nimport os, sys\nos.closerange(3, 4096)\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
    )
    wrapper.chmod(0o755)
    assert outcomes([str(wrapper)]) == [False] * 5
    assert not came


@pytest.mark.parametrize("lacks", ["memory of this kind", "room in it"])
def test_what_cannot_be_lent_is_written(
    monkeypatch: pytest.MonkeyPatch, came: list[int], lacks: str
) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "pwritev" if lacks == "room in it" else "memfd_create", refuse)
    assert outcomes([sys.executable]) == [False] * 5
    assert bool(came) == (lacks == "room in it")


def test_what_is_too_large_to_stay_allocated_is_written(
    monkeypatch: pytest.MonkeyPatch, came: list[int]
) -> None:
    monkeypatch.setattr(lent_memory, "MOST", LEAST)
    assert outcomes([sys.executable]) == [False] * 5
    assert not came


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(Engine([sys.executable], "json", timeout=60)) as engine:
        engine.start()
        yield engine


@pytest.mark.parametrize(
    ("text", "is_lent"),
    [
        ("y = np.arange(LEAST, dtype='u1')", True),
        ("y = np.arange(LEAST // 8, dtype='>i8').reshape(2, -1).T", True),
        ("y = np.arange(LEAST // 4 - 9, dtype='f4')", True),
        ("y = np.arange(LEAST + 1, dtype='u1')", False),
        ("y = np.zeros((0, 3))", False),
        ("y = 3", True),
    ],
)
def test_whatever_an_answer_is_it_arrives(
    engine: Engine, came: list[int], text: str, is_lent: bool
) -> None:
    """In memory if there is room enough, whatever was expected."""
    text = text.replace("LEAST", str(LEAST)).replace("'u1'", "'i1'")
    ((_, outcome),) = engine.run([job(text)])
    assert isinstance(outcome, Arrays)
    expected: dict[str, Any] = {}
    exec(f"{NUMPY}\n{text}", expected)
    assert np.array_equal(outcome.outputs["y"], expected["y"])
    assert len(came) == is_lent


def test_an_answer_is_ours_once_it_is_here(engine: Engine) -> None:
    """Whatever the program writes to later: what it returned, or the memory that is lent."""
    keep = "y = np.full({size}, 3, 'i1'); import __main__; __main__.kept = y"
    spoil = (
        "import __main__, os; __main__.kept[:] = 7; [file] = __main__._lent\n"
        "os.pwrite(file, b'7' * os.fstat(file).st_size, 0); os.ftruncate(file, 0); y = x + 1"
    )
    x = np.arange(9)
    given = [job(keep.format(size=LEAST)), job(spoil, x=x), job("y = x + 2", x=x)]
    first, second, third = (outcome for each in given for _, outcome in engine.run([each]))
    assert isinstance(first, Arrays)
    assert isinstance(second, Arrays)
    assert isinstance(third, Arrays)
    assert first.outputs["y"].tolist() == [3] * LEAST
    assert second.outputs["y"].tolist() == [*range(1, 10)]
    assert third.outputs["y"].tolist() == [*range(2, 11)]


@pytest.mark.parametrize(
    ("text", "expected_bytes", "reason"),
    [
        ("main._room['size'] = 2**40; y = np.zeros({size} + 1, 'i1')", LEAST, "room for 262144"),
        ("main._room['size'] = 2**40; y = np.zeros({size} + 1, 'i1')", 0, "room for 0 was lent"),
        (
            "main.put = lambda arrays: os.ftruncate(main._lent[0], 0) or arrays; "
            "y = np.zeros({size})",
            8 * LEAST,
            "not where it was lent room",
        ),
    ],
)
def test_a_place_that_a_worker_was_not_lent_is_not_read(
    text: str, expected_bytes: int, reason: str
) -> None:
    text = "import os, __main__ as main; " + text.format(size=LEAST)
    with closing(Engine([sys.executable], "json", timeout=60)) as engine:
        *_, (_, outcome) = engine.run([job(text, expected_bytes)])
    assert isinstance(outcome, Crashed)
    assert "the worker broke the protocol: its answer cannot be read: " in outcome.reason
    assert reason in outcome.reason


def test_more_arrays_than_the_system_reads_at_once_are_not_there() -> None:
    with closing(LentMemory()) as memory:
        memory.lend(1, Image.of({}), LEAST)
        about = [{"name": str(n), "dtype": "int8", "shape": [0], "nbytes": 0} for n in range(9999)]
        with pytest.raises(ValueError, match="not where it was lent room"):
            memory.answered(1, about)


@given(st.lists(st.lists(st.integers(0, 9000), min_size=1, max_size=3), max_size=12), st.data())
def test_no_part_is_in_another_one(requests: list[list[int]], data: st.DataObject) -> None:
    """Whatever was lent and taken back before, each request finds its own arrays."""
    with pytest.MonkeyPatch.context() as patch, closing(LentMemory()) as memory:
        patch.setattr(lent_memory, "LEAST", 2000)
        kept: dict[int, Any] = {}
        for number, sizes in enumerate(requests):
            arrays = {str(n): np.full(size, number + n, "i1") for n, size in enumerate(sizes)}
            image = Image.of(arrays)
            told = memory.lend(number, image, data.draw(st.sampled_from([0, 2000, 5001])))
            assert ("lent" in told) == (sum(sizes) >= 2000)
            if "room" in told:
                room = [bytes([255 - number]) * told["room"]["size"]]
                os.pwritev(memory.descriptor, room, told["room"]["begin"])
            kept[number] = told, image, arrays
            if data.draw(st.booleans()):
                answered = data.draw(st.sampled_from(sorted(kept)))
                memory.take_back(answered)
                del kept[answered]
        assert worker.borrow(**memory.about)
        for number, (told, image, arrays) in kept.items():
            if "room" in told:
                size = told["room"]["size"]
                about = [{"name": "y", "dtype": "int8", "shape": [size], "nbytes": size}]
                assert memory.answered(number, about)["y"].tolist() == [~number] * size
            if "lent" in told:
                begin, size = told["lent"]
                found = worker.map_arrays(begin, size, image.layout)
                assert {name: array.tolist() for name, array in found.items()} == {
                    name: array.tolist() for name, array in arrays.items()
                }
