"""A worker at the other end of three pipes, and the frames that go to and fro.

Whatever bytes come back, they give the answer that was asked for, or one error: nothing that a
worker writes is believed before it is checked, and nothing is kept without a bound.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from harness.engines import protocol, worker
from harness.engines.bytecode import Bytecode
from harness.engines.kept import Kept
from harness.engines.lent_memory import LEAST, LentMemory
from harness.engines.request import Image, written

Message: TypeAlias = Mapping[str, Any]
Frame: TypeAlias = tuple[dict[str, Any], dict[str, Any]]

_MOST_LINE: Final = 2**20  # Bytes of a frame's first line, and of one read
_MOST_PARTS: Final = 64  # Of one call of the system, which takes 1,024
# While a worker has more requests than these, its answers are looked at only so often, in seconds:
# being woken by each would cost more than the answer and, on a busy machine, the worker's own core.
_PLENTY: Final = 16
_NAP: Final = 0.001
_END: Final = 2.0  # Seconds for a worker that has closed its output to end
_USUAL: Final = re.compile(worker.USUAL + rb" (\d{1,18})" * (1 + len(worker.SECTIONS)))
_LAST_WORDS: Final = 4000  # Bytes of the worker's output that are kept


class WorkerEndedError(Exception):
    """The worker ended or broke the protocol, and will not answer any more."""


class Channel:
    """A running worker: sends frames, receives frames with a time limit.

    No pipe blocks: requests to a busy worker are queued here, and written while waiting for its
    answers.  One thread does everything, because threads would switch at every frame.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        cores: Sequence[int] = (),  # To pin the worker to; all if empty
        memory: int = 0,  # Bytes that it may use, with all that it starts; 0 for no bound
        *,
        has_gpu: bool = False,
        folder: Path | None = None,  # Where it starts
        is_ours: bool = False,  # It is ``worker.py``, and can be lent memory.
    ) -> None:
        self._is_ours = is_ours
        self._lent: LentMemory | None = None
        if is_ours and hasattr(os, "memfd_create"):
            with suppress(OSError):
                self._lent = LentMemory()
        files = (self._lent.descriptor,) if self._lent else ()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._kept = Kept(
            command,
            environ,
            cores,
            memory,
            is_refused=not has_gpu,
            files=files,
            bufsize=0,
            cwd=folder,
            **pipes,
        )
        self._process = self._kept.process
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._streams = [stream for stream in streams if stream is not None]
        self._requests, self._answers, self._output = (each.fileno() for each in self._streams)
        for descriptor in (self._requests, self._answers, self._output):
            os.set_blocking(descriptor, False)
        if is_ours and hasattr(fcntl, "F_SETPIPE_SZ"):
            for descriptor in (self._answers, self._requests):
                with suppress(OSError):  # One user's pipes may have a limit together.
                    fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _MOST_LINE)
        self._outgoing: deque[memoryview] = deque()
        self._incoming = bytearray()
        # An answer whose line has been read, and what is missing of its arrays.
        self._frame: Frame | None = None
        self._arriving: deque[memoryview] = deque()
        self._last_words = bytearray()
        self._sent = 0
        self._borrows = False  # Whether the worker has found the memory that it is lent
        self._bytecode = Bytecode()
        # The requests without an answer yet: the number of each, what may answer it, and how the
        # arrays of its answer are described if they are right.
        self._awaited: deque[tuple[int, tuple[str, ...], list[dict[str, Any]]]] = deque()

    def send(self, message: Message, arrays: Message, room: int = 0) -> None:
        """Send a request, or queue it; failures show when receiving.

        The arrays are not copied: they must stay as they are until the answer is there.  Its own
        should have as many bytes as there is room for, if that is known.
        """
        self._sent += 1
        message = {**message, "id": self._sent}
        like = message.pop("like", {})
        expected = _described(like) if self._is_ours else []
        if expected:
            message["expected"] = [(each["dtype"], each["shape"]) for each in expected]
        self._awaited.append((self._sent, protocol.answers_to(message["op"]), expected))
        parts = self._to_ours(message, arrays, room) if self._is_ours else None
        self._outgoing.extend(map(memoryview, parts or worker.frame(message, arrays)))
        if len(self._awaited) <= _PLENTY or len(self._outgoing) >= _MOST_PARTS:
            self._write()

    def _to_ours(self, message: dict[str, Any], arrays: Message, room: int) -> list[Any]:
        """Write a request to our own worker, which is sent code and lent memory as well."""
        image = Image.of(arrays)
        if message["op"] == "run":
            message |= self._bytecode.of(message["sections"])
            if self._lent is not None and self._borrows:
                message |= self._lent.lend(self._sent, image, room)
        elif message["op"] == "start" and self._lent is not None:
            message["memory"] = self._lent.about
        return written(message, image)

    def receive(self, timeout: float, most_bytes: int = 0) -> Frame:
        """Wait for the next answer, whose arrays may have so many bytes together.

        Raises
        ------
        TimeoutError, WorkerEndedError
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                if (frame := self._next_frame(most_bytes)) is not None:
                    return frame
            except (ValueError, EOFError) as error:
                raise WorkerEndedError(
                    f"the worker broke the protocol: its answer cannot be read: {error}"
                ) from None
            left = deadline - time.monotonic()
            if left <= 0:  # However busy its pipes are.
                raise TimeoutError(f"no answer in {timeout:g} s")
            if len(self._awaited) > _PLENTY:
                self._write()
                time.sleep(_NAP)
            self._move(left)

    def finish(self, timeout: float) -> tuple[int | None, bytes]:
        """Close the worker's input and wait for its end.

        Return its exit status, or ``None`` where it still runs, and what it wrote besides answers.
        """
        self._outgoing.clear()
        self._streams[0].close()
        deadline = time.monotonic() + timeout
        with suppress(WorkerEndedError):
            while len(self._incoming) <= _MOST_LINE and (left := deadline - time.monotonic()) > 0:
                self._move(left)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
        return self._process.poll(), bytes(self._incoming)

    def _move(self, seconds: float) -> None:
        """Wait until a pipe is ready, and write and read what is possible."""
        waiting = select.poll()
        for descriptor in (self._answers, self._output):
            waiting.register(descriptor, select.POLLIN)
        if self._outgoing:
            waiting.register(self._requests, select.POLLOUT)
        ready = {descriptor for descriptor, _ in waiting.poll(seconds * 1000)}
        if self._requests in ready:
            self._write()
        if self._output in ready:
            self._read_output()
        if self._answers in ready:
            self._read()

    def _write(self) -> None:
        """Write as much as the pipe takes."""
        while self._outgoing:
            try:
                written = os.writev(self._requests, [*islice(self._outgoing, _MOST_PARTS)])
            except BlockingIOError:
                return
            except OSError:
                self._outgoing.clear()  # The worker has ended; receiving will report how.
                return
            _remove(self._outgoing, written)

    def _read(self) -> None:
        """Read what is available of the answers: of arrays, to where they belong."""
        with suppress(BlockingIOError):
            if self._arriving:
                count = os.readv(self._answers, [*islice(self._arriving, _MOST_PARTS)])
                _remove(self._arriving, count)
            else:
                chunk = os.read(self._answers, _MOST_LINE)
                count = len(chunk)
                self._incoming += chunk
            if not count:
                is_inside = self._incoming or self._frame
                what = "inside an answer" if is_inside else "without an answer"
                raise WorkerEndedError(self._describe_end(f"it ended {what}"))

    def _read_output(self) -> bool:
        """Read some of the worker's output, of which the end is kept; whether there may be more."""
        try:
            chunk = os.read(self._output, _MOST_LINE)
        except BlockingIOError:
            return False
        self._last_words = (self._last_words + chunk)[-_LAST_WORDS:]
        return bool(chunk)

    def _next_frame(self, most_bytes: int) -> Frame | None:
        """Remove a complete frame from what has been read, if there is one."""
        if self._frame is None and (line := self._next_line()) is not None:
            number, answers, expected = self._awaited[0]
            message, described = _usual(line, expected) or worker.read_head(line)
            _check(message, number, answers)
            nbytes = sum(each["nbytes"] for each in described)
            if nbytes > most_bytes:
                raise ValueError(
                    f"its arrays have {nbytes} bytes, more than the {most_bytes} possible"
                )
            if self._lent is not None and message.get("lent") is True:
                self._frame = message, self._lent.answered(message["id"], described)
            else:
                room = worker.allocated(described)
                self._frame = message, dict(room)
                self._arriving.extend(worker.bytes_of(array) for _, array in room if array.nbytes)
                self._take()
        if self._frame is None or self._arriving:
            return None
        (message, arrays), self._frame = self._frame, None
        request, *_ = self._awaited.popleft()
        if self._is_ours and message["op"] == "started":
            self._borrows = message.get("borrows") is True
            self._bytecode.started(message)
        if self._lent is not None:
            self._lent.take_back(request)
        return message, arrays

    def _next_line(self) -> bytes | None:
        """Remove a line from what has been read, if it is there to its end."""
        newline = self._incoming.find(b"\n")
        if newline < 0 and len(self._incoming) <= _MOST_LINE:
            return None
        if not 0 <= newline <= _MOST_LINE:
            raise ValueError(f"its first line is longer than {_MOST_LINE} bytes")
        line = bytes(self._incoming[:newline])
        del self._incoming[: newline + 1]
        return line

    def _take(self) -> None:
        """Move what has been read already to the arrays."""
        while self._arriving and self._incoming:
            count = min(len(self._arriving[0]), len(self._incoming))
            self._arriving[0][:count] = self._incoming[:count]
            del self._incoming[:count]
            _remove(self._arriving, count)

    def _describe_end(self, what: str) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        code = self._process.poll()
        if code is None:
            return f"the worker closed its output: {what}"
        how = _signal_name(-code) if code < 0 else f"exit status {code}"
        return f"the worker died ({how}): {what}{self._last_line()}"

    def _last_line(self) -> str:
        until = time.monotonic() + 1.0
        while self._read_output() and time.monotonic() < until:
            pass
        output = self._last_words.decode(errors="replace").strip()
        return f"; its last line was: {output.splitlines()[-1][:2000]}" if output else ""

    def kill(self) -> None:
        """End the worker and all that it has started; safe from any thread."""
        self._kept.end()

    def close(self) -> None:
        """End the worker and close its pipes."""
        self.kill()
        for stream in self._streams:
            stream.close()
        if self._lent is not None:
            self._lent.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # Real-time signals have no names.
        return f"signal {number}"


def _remove(parts: deque[memoryview], count: int) -> None:
    """Remove the first bytes of the parts."""
    while parts and count >= len(parts[0]):
        count -= len(parts.popleft())
    if count:
        parts[0] = parts[0][count:]


def _described(arrays: Message) -> list[dict[str, Any]]:
    """Describe small arrays like which those of an answer are expected to be."""
    if sum(array.nbytes for array in arrays.values()) >= LEAST:
        return []
    return [
        {
            "name": name,
            "dtype": worker.short_name(array.dtype),
            "shape": array.shape,
            "nbytes": array.nbytes,
        }
        for name, array in arrays.items()
    ]


def _usual(line: bytes, expected: list[dict[str, Any]]) -> tuple[dict[str, Any], Any] | None:
    """Read the line of a result that has what was expected, if it is one and something was."""
    numbers = _USUAL.fullmatch(line) if expected else None
    if numbers is None:
        return None
    number, *took = map(int, numbers.groups())
    seconds = {name: each / 1e9 for name, each in zip(worker.SECTIONS, took, strict=True)}
    return {"op": "result", "id": number, "seconds": seconds}, expected


def _check(message: Message, number: int, answers: Sequence[str]) -> None:
    """Refuse what is not an answer to the request of that number."""
    if message.get("id") != number:
        raise ValueError(f"it answers {message.get('id')!r:.60}, where {number} was next")
    protocol.check_answer(message, answers)
