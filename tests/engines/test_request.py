"""Requests to our own worker, and its short answer where all is as expected."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from harness.core.program import Section
from harness.engines import channel, worker
from harness.engines.channel import Channel, WorkerEndedError
from harness.engines.job import Arrays, Crashed, Job
from harness.engines.process import Engine
from harness.engines.request import Image, written

NUMPY = "import numpy as np"
X = np.arange(1, 7, dtype="f4").reshape(2, 3)
DTYPES = st.sampled_from(["<f2", ">f4", "<f4", "<f8", "i1"])
LANGUAGE = vars(worker)


def read(request: bytes) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    read = worker.read_request(io.BytesIO(request), LANGUAGE)
    assert read is not None
    return read


@given(st.lists(st_np.arrays(DTYPES, st_np.array_shapes(min_dims=0, min_side=0)), max_size=4))
def test_what_is_read_is_what_was_written(arrays: list[Any]) -> None:
    named = {str(n): array for n, array in enumerate(arrays)}
    image = Image.of(named)
    message, got = read(b"".join(map(bytes, written({"op": "run", "id": 7}, image))))
    assert (message["op"], message["id"], message["size"]) == ("run", 7, image.size)
    assert got.keys() == named.keys()
    for name, array in named.items():
        assert got[name].dtype == array.dtype.newbyteorder("<")
        assert got[name].shape == array.shape
        assert got[name].tobytes() == worker.ordered(array).tobytes()
        assert got[name].flags.writeable


def test_each_array_has_guards_on_both_sides() -> None:
    image = Image.of({"x": np.zeros(5, "f4"), "w": np.zeros(100_000, "i1")})
    content = b"".join(map(bytes, image.parts))
    assert len(content) == image.size
    begin = 0
    for *_, place, nbytes in image.layout:
        assert set(content[begin:place]) == {worker.POISON}
        assert place - begin >= 1024
        assert not any(content[place : place + nbytes])
        begin = place + nbytes
    assert content[begin:] == bytes([worker.POISON]) * 1024


@pytest.mark.parametrize("cut", [1, 15, 40, -1])
def test_a_request_that_ends_too_early_is_an_error(cut: int) -> None:
    request = b"".join(map(bytes, written({"op": "run", "id": 7}, Image.of({"x": X}))))
    with pytest.raises(Exception, match=r"ended inside|requires a buffer"):
        read(request[:cut])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(Engine([sys.executable], "json", timeout=60)) as engine:
        engine.start()
        yield engine


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each line that comes is that of an answer as expected."""
    seen = []
    read_line = channel._usual

    def noted(line: bytes, expected: Any) -> Any:
        read = read_line(line, expected)
        seen.append(read is not None)
        return read

    monkeypatch.setattr(channel, "_usual", noted)
    return seen


@pytest.mark.parametrize(
    ("text", "is_usual"),
    [
        ("y = x * 2", True),
        ("y = np.asfortranarray(x * 2)", False),
        ("y = np.repeat(x, 2, 1)[:, ::2]", False),
        ("y = (x * 2).astype('>f4')", False),
        ("y = (x * 2).astype('f8')", False),
        ("y = (x * 2).T", False),
        ("y = (x * 2)[:, :0]", False),
        ("y = (x * 2).tolist()", False),
        ("y = 3", False),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_whatever_an_answer_is_it_arrives(
    engine: Engine, usual: list[bool], text: str, is_usual: bool, is_known: bool
) -> None:
    """Without its description if it is what was expected, and only then."""
    like = {"y": X} if is_known else {}
    job = Job(0, NUMPY, Section("", text, ""), {"x": X}, ("y",), (), like=like)
    ((_, outcome),) = engine.run([job])
    expected: dict[str, Any] = {"x": X}
    exec(f"{NUMPY}\n{text}", expected)
    assert isinstance(outcome, Arrays)
    got, want = outcome.outputs["y"], np.asarray(expected["y"])
    assert (got.dtype, got.shape) == (want.dtype.newbyteorder("<"), want.shape)
    assert got.tolist() == want.tolist()
    assert list(outcome.seconds) == [*worker.SECTIONS]
    assert 0 < outcome.seconds["call"] < 60
    assert usual == [is_usual and is_known]


@pytest.mark.parametrize(
    "end", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.write(os.dup(3), b'x' * 99); os._exit(0)"]
)
def test_one_that_ends_among_many_under_way_is_named(end: str) -> None:
    """And the others are computed, each with its own result."""
    texts = {70: f"import os; {end}"}
    jobs = [
        Job(n, "", Section("", texts.get(n, f"y = x + {n}"), ""), {"x": X}, ("y",), ("value",))
        for n in range(150)
    ]
    with closing(Engine([sys.executable], "json", timeout=60)) as engine:
        outcomes = {job.key: outcome for job, outcome in engine.run(jobs)}
    assert [*outcomes] == [*range(150)]
    assert [n for n, outcome in outcomes.items() if isinstance(outcome, Crashed)] == [70]
    for n, outcome in outcomes.items():
        if isinstance(outcome, Arrays):
            assert np.array_equal(outcome.outputs["y"], X + n)


def receive(answer: bytes, like: Mapping[str, Any], *, is_ours: bool = True) -> Any:
    """Receive the answer to a run, of a worker that says this and ends."""
    script = f"import sys; sys.stdout.buffer.write({answer!r})"
    started = Channel([sys.executable, "-I", "-S", "-c", script], os.environ, is_ours=is_ours)
    with closing(started):
        started.send({"op": "run", "sections": [], "outputs": ["y"], "like": like}, {})
        return started.receive(60, 1000)


HONEST = b"usual 1 10 0 2000 30\n" + X.tobytes()


def test_an_answer_as_expected_is_taken() -> None:
    message, arrays = receive(HONEST, {"y": X})
    assert message["seconds"] == {"setup": 1e-8, "to_native": 0, "call": 2e-6, "from_native": 3e-8}
    assert np.array_equal(arrays["y"], X)


@pytest.mark.parametrize(
    ("answer", "like", "reason"),
    [
        (HONEST, {}, "no JSON"),
        (HONEST, {"y": np.zeros(251, "f4")}, "more than the 1000 possible"),
        (HONEST.replace(b"1 10", b"2 10", 1), {"y": X}, "it answers 2, where 1 was next"),
        (HONEST.replace(b" 10", b"", 1), {"y": X}, "no JSON"),
        (HONEST.replace(b" 10", b" -10", 1), {"y": X}, "no JSON"),
        (HONEST.replace(b" 10", b" nan", 1), {"y": X}, "no JSON"),
        (HONEST.replace(b" 10", b" " + b"9" * 19, 1), {"y": X}, "no JSON"),
        (HONEST.replace(b" 10", b" 10 10", 1), {"y": X}, "no JSON"),
        (HONEST[:-1], {"y": X}, "inside an answer"),
        (b"usual 1 10 0", {"y": X}, "inside an answer"),
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_is_an_error(answer: bytes, like: Any, reason: str) -> None:
    with pytest.raises(WorkerEndedError, match=reason):
        receive(answer, like)


def test_a_program_of_the_users_own_answers_in_full() -> None:
    with pytest.raises(WorkerEndedError, match="no JSON"):
        receive(HONEST, {"y": X}, is_ours=False)
