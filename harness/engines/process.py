"""Run programs in worker processes, each an interpreter of one framework's own environment.

A worker that dies or hangs costs the check in flight.  The rest of the job runs once more in a
fresh process.  If that fails in the same way, the program is to blame, and the job's other checks
share the failure rather than cost a restart each.
"""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeAlias

from harness.core.column_info import ColumnInfo
from harness.engines import worker
from harness.engines.job import (
    Arrays,
    Crashed,
    EngineUnavailableError,
    Failure,
    Held,
    Job,
    Outcome,
    Raised,
    TimedOut,
    Timing,
)

START_TIMEOUT = 180.0
_JOBS_AHEAD = 8
_BYTES_AHEAD = 32 * 2**20

# These size the frameworks' thread pools: OpenMP and oneDNN (PyTorch, MXNet), NumPy's BLAS (impl,
# Chainer), MKL, and TensorFlow's own pool.
_THREAD_COUNTS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"),
)

Message: TypeAlias = Mapping[str, Any]
_Frame: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


def thread_counts(threads: int) -> dict[str, str]:
    """Return the environment variables that limit a framework to a number of threads.

    >>> thread_counts(2)["OMP_NUM_THREADS"]
    '2'
    """
    return dict.fromkeys(_THREAD_COUNTS, str(threads))


class Engine:
    """Executes one framework's programs in one worker process after another."""

    def __init__(
        self,
        command: Sequence[str],  # An interpreter and its arguments, up to the worker's file
        module: str,  # What to import
        distribution: str,  # Whose version to report
        *,
        timeout: float,  # Seconds that one job may take
        # A file whose ``start`` and ``execute`` replace the worker's own, for programs in another
        # language than Python.
        language: Path | None = None,
        environ: Mapping[str, str] | None = None,  # Added to the environment of the processes
        advice: str = "",  # What to do about an interpreter that cannot be started
        # Packages of ours that programs import: the file to import each name from.
        packages: Mapping[str, str] | None = None,
        # Python text that selects the device to compute on: it defines ``device``, or raises with
        # what is missing.  Empty for the CPU.
        device: str = "",
        threads: int = 1,  # How many a call may use
        cores: Sequence[int] = (),  # To pin the processes to, if the system can; all if empty
    ) -> None:
        self._command = (*command, "-I", worker.__file__, *([str(language)] if language else []))
        self._start = {
            "op": "start",
            "module": module,
            "distribution": distribution,
            "packages": packages or {},
            "device": device,
        }
        self._environ = {**os.environ, **thread_counts(threads), **(environ or {})}
        self._cores = cores if hasattr(os, "sched_setaffinity") else ()
        self._timeout = timeout
        self._advice = f"; {advice}" if advice else ""
        self._process: _Process | None = None
        self._stopped = False
        self._start_error = ""

    def start(self) -> ColumnInfo:
        """Start a worker and import the framework in it.

        Raises
        ------
        EngineUnavailableError
            With the process's error message.
        """
        try:
            if self._stopped:
                raise _ProcessEndedError("the run was stopped")
            self._process = process = _Process(self._command, self._environ, self._cores)
            if self._stopped:  # Meanwhile, by another thread that saw no process yet.
                raise _ProcessEndedError("the run was stopped")
            process.send(self._start, {})
            answer, _ = process.receive(START_TIMEOUT)
            if answer.get("section") == "device":
                # The message already says what to do; rebuilding the environment would not help.
                self._end_process()
                raise EngineUnavailableError(f"{self._command[0]}: {answer['message']}")
            if answer["op"] != "started":
                raise _ProcessEndedError(f"{answer['type']}: {answer['message']}")
        except (OSError, _ProcessEndedError) as error:  # A TimeoutError is an OSError.
            self._end_process()
            raise EngineUnavailableError(f"{self._command[0]}: {error}{self._advice}") from None
        return ColumnInfo(
            engine=answer.get("engine", "python"),
            **{name: answer[name] for name in ("version", "python", "numpy", "device")},
            **{name: answer.get(name, "") for name in ("blas", "compiler")},
            threads=self._environ["OMP_NUM_THREADS"],
            cores=",".join(map(str, self._cores)),
        )

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Execute jobs in order; yield each with its outcome.

        Jobs are sent well ahead of their answers, so that the worker never waits for the next one.
        A job is yielded whole, or split by check if its worker died.
        """
        source = iter(jobs)
        to_rerun: deque[Job] = deque()
        sent: deque[Job] = deque()
        last_failure: tuple[Any, str, type[Outcome]] | None = None
        while not self._stopped:
            self._send(sent, to_rerun, source)
            if not sent:
                return
            outcome = self._answer(sent[0])
            job = sent.popleft()
            if job.ends_worker:
                self._end_process()
            if self._stopped:
                return
            if isinstance(outcome, Arrays | Raised):
                yield job, outcome
                continue
            to_rerun.extendleft(reversed(sent))
            sent.clear()
            failure = (job.key, job.section.call, type(outcome))
            if failure == last_failure:
                yield job, outcome
                continue
            last_failure = failure
            yield replace(job, checks=job.checks[:1]), outcome
            if job.checks[1:]:
                to_rerun.appendleft(replace(job, checks=job.checks[1:]))

    def hold(self, held: Held) -> int | None | Failure:
        """Prepare a program to be timed; return the bytes that a call needs, if known."""
        message = {"op": "hold", "key": held.key, "sections": held.sections, "call": held.call}
        answer = self._request(message, held.inputs)
        return answer if isinstance(answer, Failure) else answer["peak_bytes"]

    def time(self, key: str, calls: int) -> Timing | Failure:
        """Time calls of a prepared program."""
        answer = self._request({"op": "time", "key": key, "calls": calls}, {})
        if isinstance(answer, Failure):
            return answer
        return Timing(answer["seconds"] / calls, answer["cpu_s"] / calls)

    def drop(self, key: str) -> None:
        """Let the worker forget a prepared program."""
        if self._process is not None:
            self._request({"op": "drop", "key": key}, {})

    def _request(self, message: Message, arrays: Message) -> Message | Failure:
        """Send one request and wait for its answer; end the process if none comes."""
        self._send_to_worker(message, arrays)
        frame = self._receive()
        if isinstance(frame, Crashed | TimedOut):
            return frame
        return _raised(frame[0]) if frame[0]["op"] == "raised" else frame[0]

    def _send_to_worker(self, message: Message, arrays: Message) -> None:
        """Send one request, to a new process where there is none."""
        if self._process is None:
            try:
                self.start()
            except EngineUnavailableError as error:
                self._start_error = str(error)
                return
        if self._process is not None:
            self._process.send(message, arrays)

    def _receive(self) -> _Frame | Crashed | TimedOut:
        """Wait for the next answer; end the process if none comes."""
        if self._process is None:
            return Crashed(f"the worker died, and could not be started again: {self._start_error}")
        try:
            return self._process.receive(self._timeout)
        except TimeoutError:
            failure: Crashed | TimedOut = TimedOut(self._timeout)
        except _ProcessEndedError as ended:
            failure = Crashed(str(ended))
        self._end_process()
        return failure

    def _send(self, sent: deque[Job], to_rerun: deque[Job], source: Iterator[Job]) -> None:
        """Send jobs until enough are in flight, reruns first."""
        size = sum(_nbytes(job) for job in sent)
        while not sent or (
            len(sent) < _JOBS_AHEAD and size < _BYTES_AHEAD and not sent[-1].ends_worker
        ):
            job = to_rerun.popleft() if to_rerun else next(source, None)
            if job is None:
                return
            sent.append(job)
            size += _nbytes(job)
            message = {"op": "run", "sections": job.sections, "outputs": job.outputs}
            self._send_to_worker(message, job.inputs)
            if self._process is None:
                return

    def _answer(self, job: Job) -> Outcome:
        """Wait for the answer to the oldest job; end the process if none comes."""
        frame = self._receive()
        if isinstance(frame, Crashed | TimedOut):
            return frame
        answer, arrays = frame
        try:
            if answer["op"] != "result":
                return _raised(answer)
            if missing := set(job.outputs) - set(arrays):
                raise ValueError(f"its result lacks {', '.join(sorted(missing))}")
            return Arrays(arrays, answer["seconds"])
        except (KeyError, ValueError) as error:
            self._end_process()
            return Crashed(f"the worker broke the protocol: {error}")

    def stop(self) -> None:
        """End the worker for good, from any thread; this also ends a running :meth:`run`."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the worker for good and close its pipes; nothing else may be running."""
        self._stopped = True
        self._end_process()

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()


def _nbytes(job: Job) -> int:
    return sum(array.nbytes for array in job.inputs.values())


def _raised(answer: Message) -> Raised:
    return Raised(answer["section"], answer["type"], answer["message"], answer["traceback"])


class _ProcessEndedError(Exception):
    """The process ended or broke the protocol, and will not answer any more."""


class _Process:
    """A running worker: sends frames, receives frames with a time limit, and keeps its stderr.

    Neither pipe blocks: requests to a busy worker are queued here, and written while waiting for
    its answers.  One thread does everything, because threads would switch at every frame.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], cores: Sequence[int] = ()
    ) -> None:
        with ExitStack() as stack:
            self._stderr: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            # Workers are killed, so the parent removes their temporary files.
            scratch = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="deconform-", ignore_cleanup_errors=True)
            )
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env={**environ, "TMPDIR": scratch},
                start_new_session=True,  # Ctrl-C goes to the parent only, which ends its workers.
            )
            self._files = stack.pop_all()
        if cores:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(self._process.pid, cores)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._streams = (self._process.stdin, self._process.stdout)
        self._requests, self._answers = (stream.fileno() for stream in self._streams)
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        self._outgoing: deque[memoryview] = deque()
        self._incoming = bytearray()

    def send(self, message: Message, arrays: Message) -> None:
        """Send a request, or queue it; failures show when receiving."""
        frame = io.BytesIO()
        worker.write_frame(frame, message, arrays)
        self._outgoing.append(frame.getbuffer())
        self._write()

    def receive(self, timeout: float) -> _Frame:
        """Wait for the next answer; raise ``TimeoutError`` or ``_ProcessEndedError``."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                if (frame := self._next_frame()) is not None:
                    return frame
            except (ValueError, LookupError, TypeError) as error:
                raise _ProcessEndedError(
                    f"the worker broke the protocol: its answer cannot be read: {error}"
                ) from None
            waiting = select.poll()
            waiting.register(self._answers, select.POLLIN)
            if self._outgoing:
                waiting.register(self._requests, select.POLLOUT)
            ready = dict(waiting.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if not ready:
                raise TimeoutError(f"no answer in {timeout:g} s")
            if self._requests in ready:
                self._write()
            if self._answers in ready:
                self._read()

    def _write(self) -> None:
        """Write as much as the pipe takes."""
        while self._outgoing:
            try:
                written = os.write(self._requests, self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                self._outgoing.clear()  # The worker has ended; receiving will report how.
                return
            self._outgoing[0] = self._outgoing[0][written:]
            if not self._outgoing[0]:
                self._outgoing.popleft()

    def _read(self) -> None:
        """Read what is available of the answers."""
        with suppress(BlockingIOError):
            chunk = os.read(self._answers, 2**20)
            if not chunk:
                what = "inside an answer" if self._incoming else "without an answer"
                raise _ProcessEndedError(self._describe_end(f"it ended {what}"))
            self._incoming += chunk

    def _next_frame(self) -> _Frame | None:
        """Remove a complete frame from what has been read, if there is one."""
        size = worker.frame_size(self._incoming)
        if size is None or size > len(self._incoming):
            return None
        frame = worker.read_frame(io.BytesIO(self._incoming[:size]))
        del self._incoming[:size]
        return frame

    def _describe_end(self, what: str) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        code = self._process.poll()
        if code is None:
            return f"the worker closed its output: {what}"
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"the worker died ({how}): {what}{self._last_line()}"

    def _last_line(self) -> str:
        self._stderr.seek(0)
        output = self._stderr.read()[-2000:].decode(errors="replace").strip()
        return f"; its last line was: {output.splitlines()[-1]}" if output else ""

    def kill(self) -> None:
        """End the process; safe from any thread."""
        # The worker leads a session, so its children die too and hold no pipe open.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process and close its pipes."""
        self.kill()
        for stream in self._streams:
            stream.close()
        self._files.close()
