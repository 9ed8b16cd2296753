"""What a worker may do at the other end of its pipes: any bytes, any flood, any end."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from harness.engines import kept
from harness.engines.channel import Channel, WorkerEndedError

pytestmark = pytest.mark.slow

RUN = {"op": "run", "sections": [], "outputs": ["y"]}
RESULT: dict[str, Any] = {"op": "result", "id": 1, "seconds": {"call": 0.1}, "arrays": []}
LIMIT = 1000


@contextmanager
def worker(script: str, *, memory: int = 0, has_gpu: bool = False) -> Iterator[Channel]:
    """Start a worker that is a script, which may use what is imported here, and ask it to run."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(f"import json, os, signal, sys\n{script}")
        file.flush()
        command = [sys.executable, "-I", "-S", file.name]
        channel = Channel(command, os.environ, memory=memory, has_gpu=has_gpu)
        try:
            channel.send(RUN, {})
            yield channel
        finally:
            channel.close()


def saying(answer: bytes) -> str:
    return f"sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); sys.stdin.read()"


def frame(**changes: Any) -> bytes:
    return json.dumps(RESULT | changes).encode() + b"\n"


def array(**changes: Any) -> bytes:
    honest = {"name": "y", "dtype": "float32", "shape": [2], "nbytes": 8}
    return frame(arrays=[honest | changes]) + bytes(8)


@pytest.mark.parametrize("name", ["version", "device", "engine", "blas", "compiler"])
def test_what_a_worker_says_of_itself_is_text(name: str) -> None:
    about = {"version": "1", "python": "3", "numpy": "2", "device": "cpu", "op": "started"}
    with worker(saying(frame(**{**about, name: ["x"]}))) as channel:
        channel._awaited[0] = 1, ("started", "refused", "raised"), []
        with pytest.raises(WorkerEndedError, match=f"{name} cannot be"):
            channel.receive(60, LIMIT)


def test_an_honest_answer_is_taken() -> None:
    with worker(saying(array())) as channel:
        message, arrays = channel.receive(60, LIMIT)
    assert message["seconds"] == {"call": 0.1}
    assert arrays["y"].tolist() == [0, 0]


LIES = {
    "a list": b"[]\n",
    "null": b"null\n",
    "a number": b"1\n",
    "a text": b'"x"\n',
    "nothing": b"\n",
    "no JSON": b"Segmentation fault, but not really\n",
    "no ASCII": b"\xff\xfe\x00\n",
    "nested": b"[" * 20_000 + b"\n",
    "nested objects": b'{"a":' * 20_000 + b"\n",
    "digits": b'{"id": ' + b"9" * 5000 + b"}\n",
    "an endless line": b"x" * (2**20 + 1),
    "an endless line with an end": b"{" + b" " * 2**20 + b"}\n",
    "no arrays": frame(arrays=None),
    "arrays of another kind": frame(arrays={}),
    "an array of another kind": frame(arrays=[1]),
    "arrays in arrays": frame(arrays=[[]]),
    "no name": array(name=None),
    "an unknown dtype": array(dtype="object"),
    "a dtype of another kind": array(dtype=["float32"]),
    "a negative shape": array(shape=[-1, -2]),
    "a fractional shape": array(shape=[2.0]),
    "a shape of truths": array(shape=[True, True], nbytes=4),
    "no shape": array(shape=None),
    "too many axes": array(shape=[1] * 65, nbytes=4),
    "an overflowing shape": array(shape=[2**62] * 40),
    "negative bytes": array(nbytes=-4),
    "infinite bytes": array(nbytes=float("inf")),
    "fractional bytes": array(nbytes=8.0),
    "other bytes": array(nbytes=4),
    "more bytes than there can be": array(shape=[LIMIT], nbytes=4 * LIMIT),
    "bytes for ever": array(shape=[2**40], nbytes=2**42) + bytes(2**20),
    "another operation": frame(op="held"),
    "no operation": frame(op=None),
    "an operation of another kind": frame(op=["result"]),
    "another number": frame(id=2),
    "no number": frame(id=None),
    "no seconds": frame(seconds=None),
    "a list of seconds": frame(seconds=[1]),
    "seconds in words": frame(seconds={"call": "long"}),
    "negative seconds": frame(seconds={"call": -1}),
    "seconds that are no number": frame(seconds={"call": float("nan")}),
    "infinite seconds": frame(seconds={"call": float("inf")}),
    "an error without words": frame(op="raised"),
    "an error of another kind": frame(op="raised", section=1, type=2, message=3, traceback=4),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_one_error(lie: str) -> None:
    with worker(saying(LIES[lie])) as channel, pytest.raises(WorkerEndedError, match="protocol"):
        channel.receive(60, LIMIT)


@pytest.mark.parametrize("answer", [frame()[:-1], array()[:-1], b"{", b""])
def test_an_answer_that_ends_too_early_is_an_end(answer: bytes) -> None:
    script = f"sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); os._exit(3)"
    with worker(script) as channel, pytest.raises(WorkerEndedError, match="exit status 3"):
        channel.receive(60, LIMIT)


def test_a_second_answer_is_not_taken_for_that_to_the_next_request() -> None:
    with worker(saying(array() * 2)) as channel:
        channel.receive(60, LIMIT)
        channel.send(RUN, {})
        with pytest.raises(WorkerEndedError, match="it answers 1, where 2 was next"):
            channel.receive(60, LIMIT)


@pytest.mark.parametrize("line", [b"", b"\n"])
@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_flood_ends_with_the_time_or_the_limit(descriptor: int, line: bytes) -> None:
    """Whatever it writes without end, without a pause, and wherever."""
    flood = f"while True: os.write({descriptor}, b'x' * 4096 + {line!r})"
    with worker(flood) as channel, pytest.raises((TimeoutError, WorkerEndedError)):
        channel.receive(0.5, LIMIT)
    assert len(channel._last_words) <= 4000
    assert len(channel._incoming) <= 2**21


def test_much_output_costs_nothing_and_its_end_is_kept() -> None:
    script = f"os.write(2, b'x' * 2**22); os.write(2, b'the end'); {saying(frame())}"
    with worker(script) as channel:
        assert channel.receive(60, LIMIT)[0]["op"] == "result"
    assert channel._last_words.endswith(b"the end")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no pinning here")
def test_a_worker_has_its_core_alone() -> None:
    core, *others = os.sched_getaffinity(0)
    script = f"os.write(2, repr(os.sched_getaffinity(0)).encode()); {saying(frame())}"
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(f"import os, sys\n{script}")
        file.flush()
        channel = Channel([sys.executable, "-I", "-S", file.name], os.environ, [core])
        channel.send(RUN, {})
        channel.receive(60, LIMIT)
        keeper = os.sched_getaffinity(channel._process.pid)
        channel.close()
    assert channel._last_words == repr({core}).encode()
    assert keeper == set(others or [core])


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_named(number: signal.Signals) -> None:
    script = f"os.kill(os.getpid(), {int(number)})"
    with worker(script) as channel, pytest.raises(WorkerEndedError, match=number.name):
        channel.receive(60)


def test_a_signal_without_a_name_has_its_number() -> None:
    with worker("os.kill(os.getpid(), 40)") as channel, pytest.raises(WorkerEndedError) as error:
        channel.receive(60)
    assert "signal 40" in str(error.value)


def test_what_cannot_be_executed_says_so(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.touch()
    channel = Channel([str(file)], os.environ)
    with pytest.raises(WorkerEndedError, match="Permission denied"):
        channel.receive(60)
    channel.close()


# What is left when it has ended.

# A process in a session of its own, whose parent has ended, and which ignores what can be ignored.
ORPHAN = """
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.write(writer, str(os.getpid()).encode())
        signal.pause()
    os._exit(0)
os.wait()
with open(PATH, "wb") as stream:
    stream.write(os.read(reader, 20))
"""


def leaving_an_orphan(tmp_path: Path, then: str) -> str:
    return f"PATH = {str(tmp_path / 'orphan')!r}\n{ORPHAN}\n{then}"


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing adopts orphans")
@pytest.mark.parametrize("then", ["sys.exit(3)", saying(array()), "os.kill(os.getpid(), 9)"])
def test_orphans_in_sessions_of_their_own_end_with_the_worker(tmp_path: Path, then: str) -> None:
    with worker(leaving_an_orphan(tmp_path, then)) as channel:
        with suppress(WorkerEndedError):
            channel.receive(60, LIMIT)
        orphan = int((tmp_path / "orphan").read_text())
    assert not is_running(orphan)
    assert not channel._kept.folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing adopts orphans")
@pytest.mark.parametrize("end", ["SIGKILL", "SIGSEGV", "SIGTERM", "SIGUSR1", "SIGSTOP"])
def test_whatever_ends_a_keeper_nothing_is_left(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 0.5)  # Of one that is stopped.
    with worker(leaving_an_orphan(tmp_path, saying(array()))) as channel:
        channel.receive(60, LIMIT)
        channel._process.send_signal(signal.Signals[end])
    orphan = int((tmp_path / "orphan").read_text())
    with suppress(ProcessLookupError), os.fdopen(os.pidfd_open(orphan)) as ended:
        assert select.select([ended], [], [], 60)[0]
    assert not channel._kept.folder.exists()


PARENT = """
import os, sys
from harness.engines.channel import Channel
channel = Channel([sys.executable, "-I", "-S", sys.argv[1]], os.environ)
channel.send({"op": "run"}, {})
channel.receive(60, 1000)
print(channel._process.pid, channel._kept.folder, flush=True)
if sys.argv[2] == "raise":
    raise RuntimeError("an exception")
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing adopts orphans")
@pytest.mark.parametrize("end", ["SIGKILL", "SIGHUP", "SIGQUIT", "SIGTERM", "SIGINT", "raise"])
def test_whatever_ends_the_parent_nothing_is_left(tmp_path: Path, end: str) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import os, signal, sys\n" + leaving_an_orphan(tmp_path, saying(array())))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(script), end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        keeper, folder = parent.stdout.readline().split()
        if end != "raise":
            parent.send_signal(signal.Signals[end])
    with suppress(ProcessLookupError), os.fdopen(os.pidfd_open(int(keeper))) as ended:
        assert select.select([ended], [], [], 60)[0]
    assert not is_running(int((tmp_path / "orphan").read_text()))
    assert not Path(folder).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no bound")
def test_memory_has_a_bound() -> None:
    script = "x = bytearray(2**29)"
    with worker(script, memory=2**28) as channel, pytest.raises(WorkerEndedError) as error:
        channel.receive(60)
    assert "MemoryError" in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no bound")
def test_memory_beside_a_gpu_has_a_bound_on_what_is_used() -> None:
    mapped = "import mmap; m = mmap.mmap(-1, 2**33, flags=mmap.MAP_PRIVATE)"
    with worker(f"{mapped}; {saying(frame())}", memory=2**28, has_gpu=True) as channel:
        assert channel.receive(60)[0]["op"] == "result"
    script = "x = [os.urandom(2**20) for _ in range(2000)]; signal.pause()"
    with (
        worker(script, memory=2**28, has_gpu=True) as channel,
        pytest.raises(WorkerEndedError, match="more than the 256 MiB of memory allowed"),
    ):
        channel.receive(60)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no bound")
def test_memory_is_that_of_all_that_it_starts() -> None:
    script = """
for _ in range(4):
    if os.fork() == 0:
        x = bytearray(os.urandom(2**20)) * 100
        signal.pause()
signal.pause()
"""
    with worker(script, memory=2**28) as channel, pytest.raises(WorkerEndedError) as error:
        channel.receive(60)
    assert "more than the 256 MiB of memory allowed" in str(error.value)
