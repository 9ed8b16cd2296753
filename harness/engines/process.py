"""Run programs in worker processes, each the interpreter of one framework's own environment.

A worker that dies or hangs costs the check in flight.  The rest of the job is run once more in a
fresh process; if that fails in the same way, the failure belongs to the program and the job's
other checks share it, rather than costing a restart each.
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

from harness.engines import worker
from harness.engines.job import (
    Arrays,
    Crashed,
    EngineInfo,
    EngineUnavailableError,
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

# What each framework's pool of threads obeys: OpenMP and oneDNN (PyTorch, MXNet), the BLAS of NumPy
# (impl, Chainer), MKL, and TensorFlow's own pool.
_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)

Message: TypeAlias = Mapping[str, Any]
_Frame: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


def thread_counts(threads: int) -> dict[str, str]:
    """Give the environment variables that limit a framework to a number of threads.

    >>> thread_counts(2)["OMP_NUM_THREADS"]
    '2'
    """
    return dict.fromkeys(_THREAD_COUNTS, str(threads))


class Engine:
    """What executes one framework's programs: a worker process after the other.

    Parameters
    ----------
    command : sequence of str
        Starts a worker: an interpreter and its arguments, up to the worker's file.
    module, distribution : str
        What to import, and whose version to report.
    language : path, optional
        A file whose ``start`` and ``execute`` take the place of the worker's own: how programs
        in another language than Python are executed.
    environ : mapping
        Added to the environment of the processes.
    timeout : float
        Seconds that one job may take.
    advice : str
        What to do about an interpreter that cannot be started.
    packages : mapping
        Packages of ours that programs import, by name, each with the file to import it from.
    device : str
        Text for the worker's interpreter that finds the device that it is to compute on: it leaves
        ``device``, or raises with what is missing; nothing where that is the CPU.
    threads : int
        How many threads a call may use.
    cores : sequence of int
        The cores that the processes are held to, where the system can; all where there are none.
    """

    def __init__(
        self,
        command: Sequence[str],
        module: str,
        distribution: str,
        *,
        language: Path | None = None,
        environ: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        advice: str = "",
        packages: Mapping[str, str] | None = None,
        device: str = "",
        threads: int = 1,
        cores: Sequence[int] = (),
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
        self._why_not = ""

    def start(self) -> EngineInfo:
        """Start a worker and import the framework in it.

        Raises
        ------
        EngineUnavailableError
            With what the process said.
        """
        try:
            if self._stopped:
                raise _ProcessEndedError("the run was stopped")
            self._process = process = _Process(self._command, self._environ, self._cores)
            if self._stopped:  # In the meantime, by another thread that saw no process.
                raise _ProcessEndedError("the run was stopped")
            process.send(self._start, {})
            answer, _ = process.receive(START_TIMEOUT)
            if answer.get("section") == "device":
                # It says itself what to do; building the environment again would not help.
                self._end_process()
                raise EngineUnavailableError(f"{self._command[0]}: {answer['message']}")
            if answer["op"] != "started":
                raise _ProcessEndedError(f"{answer['type']}: {answer['message']}")
        except (OSError, _ProcessEndedError) as error:  # A TimeoutError is an OSError.
            self._end_process()
            raise EngineUnavailableError(f"{self._command[0]}: {error}{self._advice}") from None
        return EngineInfo(
            version=answer["version"],
            engine=answer.get("engine", "python"),
            python=answer["python"],
            numpy=answer["numpy"],
            device=answer["device"],
            blas=answer.get("blas", ""),
            compiler=answer.get("compiler", ""),
            threads=self._environ["OMP_NUM_THREADS"],
            cores=",".join(map(str, self._cores)),
        )

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Execute jobs in order; yield each with its outcome.

        Jobs are sent well ahead of their answers, so that the worker never waits for the next.
        A job comes back whole, or in parts by check when its worker died under it.
        """
        source = iter(jobs)
        again: deque[Job] = deque()
        sent: deque[Job] = deque()
        failed_before: tuple[Any, str, type[Outcome]] | None = None
        while not self._stopped:
            self._send(sent, again, source)
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
            again.extendleft(reversed(sent))
            sent.clear()
            failure = (job.key, job.section.call, type(outcome))
            if failure == failed_before:
                yield job, outcome
                continue
            failed_before = failure
            yield replace(job, checks=job.checks[:1]), outcome
            if job.checks[1:]:
                again.appendleft(replace(job, checks=job.checks[1:]))

    def hold(self, held: Held) -> int | None | Raised | Crashed | TimedOut:
        """Make a program ready to be timed; return the bytes that a call needs, where they show."""
        message = {"op": "hold", "key": held.key, "sections": held.sections, "call": held.call}
        answer = self._asked(message, held.inputs)
        if isinstance(answer, Raised | Crashed | TimedOut):
            return answer
        peak: int | None = answer["peak_bytes"]
        return peak

    def time(self, key: str, calls: int) -> Timing | Raised | Crashed | TimedOut:
        """Time calls of a program that is held."""
        answer = self._asked({"op": "time", "key": key, "calls": calls}, {})
        if isinstance(answer, Raised | Crashed | TimedOut):
            return answer
        return Timing(answer["seconds"] / calls, answer["cpu_s"] / calls)

    def drop(self, key: str) -> None:
        """Let the worker forget a program that is held."""
        if self._process is not None:
            self._asked({"op": "drop", "key": key}, {})

    def _asked(
        self, message: Message, arrays: Message
    ) -> Mapping[str, Any] | Raised | Crashed | TimedOut:
        """Send one request and wait for its answer; without one, the process is ended."""
        if self._process is None:
            try:
                self.start()
            except EngineUnavailableError as error:
                return Crashed(f"the worker died, and could not be started again: {error}")
        assert self._process is not None
        self._process.send(message, arrays)
        try:
            answer, _ = self._process.receive(self._timeout)
        except TimeoutError:
            self._end_process()
            return TimedOut(self._timeout)
        except _ProcessEndedError as ended:
            self._end_process()
            return Crashed(str(ended))
        if answer["op"] == "raised":
            return Raised(answer["section"], answer["type"], answer["message"], answer["traceback"])
        return answer

    def _send(self, sent: deque[Job], again: deque[Job], source: Iterator[Job]) -> None:
        """Send jobs until enough are on their way, those to be run again first."""
        size = sum(_nbytes(job) for job in sent)
        while not sent or (
            len(sent) < _JOBS_AHEAD and size < _BYTES_AHEAD and not sent[-1].ends_worker
        ):
            job = again.popleft() if again else next(source, None)
            if job is None:
                return
            sent.append(job)
            size += _nbytes(job)
            if self._process is None:
                try:
                    self.start()
                except EngineUnavailableError as error:
                    self._why_not = str(error)
                    return
            if self._process is not None:
                message = {"op": "run", "sections": job.sections, "outputs": job.outputs}
                self._process.send(message, job.inputs)

    def _answer(self, job: Job) -> Outcome:
        """Wait for the answer to the oldest job; without one, the process is ended."""
        process = self._process
        if process is None:
            return Crashed(f"the worker died, and could not be started again: {self._why_not}")
        try:
            return _outcome(process.receive(self._timeout), job.outputs)
        except TimeoutError:
            failure: Outcome = TimedOut(self._timeout)
        except _ProcessEndedError as ended:
            failure = Crashed(str(ended))
        self._end_process()
        return failure

    def stop(self) -> None:
        """End the worker for good, from any thread; a :meth:`run` elsewhere then ends too."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the worker for good and let its pipes go; nothing else may be running."""
        self._stopped = True
        self._end_process()

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()


def _nbytes(job: Job) -> int:
    return sum(array.nbytes for array in job.inputs.values())


def _outcome(frame: _Frame, outputs: Sequence[str]) -> Outcome:
    answer, arrays = frame
    try:
        if answer["op"] != "result":
            return Raised(answer["section"], answer["type"], answer["message"], answer["traceback"])
        if missing := set(outputs) - set(arrays):
            raise ValueError(f"its result lacks {', '.join(sorted(missing))}")
        return Arrays(arrays, answer["seconds"])
    except (KeyError, ValueError) as error:
        raise _ProcessEndedError(f"the worker broke the protocol: {error}") from None


class _ProcessEndedError(Exception):
    """The process ended or broke the protocol: nothing more is to be had from it."""


class _Process:
    """A running worker: frames out, frames in with a time limit, and what it said on stderr.

    Neither pipe blocks: what a busy worker does not take yet waits here, and goes out while its
    answers are waited for.  One thread does it all, since threads would take turns at every frame.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], cores: Sequence[int] = ()
    ) -> None:
        with ExitStack() as stack:
            self._chatter: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            # A worker is ended by force: what it leaves in files goes when it has gone.
            scratch = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="deconform-", ignore_cleanup_errors=True)
            )
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._chatter,
                env={**environ, "TMPDIR": scratch},
                start_new_session=True,  # Ctrl-C is for the parent, which ends its workers itself.
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
        """Put a request on its way; what becomes of it shows in the answers."""
        frame = io.BytesIO()
        worker.write_frame(frame, message, arrays)
        self._outgoing.append(frame.getbuffer())
        self._write()

    def receive(self, timeout: float) -> _Frame:
        """Wait for the next answer.

        Raises
        ------
        TimeoutError
        _ProcessEndedError
        """
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
        """Write as much as the worker takes."""
        while self._outgoing:
            try:
                written = os.write(self._requests, self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                self._outgoing.clear()  # It has ended: the answers end too, and say how.
                return
            self._outgoing[0] = self._outgoing[0][written:]
            if not self._outgoing[0]:
                self._outgoing.popleft()

    def _read(self) -> None:
        """Read what there is of the answers."""
        with suppress(BlockingIOError):
            chunk = os.read(self._answers, 2**20)
            if not chunk:
                what = "inside an answer" if self._incoming else "without an answer"
                raise _ProcessEndedError(self._how_it_ended(f"it ended {what}"))
            self._incoming += chunk

    def _next_frame(self) -> _Frame | None:
        """Take a whole frame off what has been read."""
        size = worker.frame_size(self._incoming)
        if size is None or size > len(self._incoming):
            return None
        frame = worker.read_frame(io.BytesIO(self._incoming[:size]))
        del self._incoming[:size]
        return frame

    def _how_it_ended(self, what: str) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        code = self._process.poll()
        if code is None:
            return f"the worker closed its output: {what}"
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"the worker died ({how}): {what}{self._last_words()}"

    def _last_words(self) -> str:
        self._chatter.seek(0)
        said = self._chatter.read()[-2000:].decode(errors="replace").strip()
        return f"; its last line was: {said.splitlines()[-1]}" if said else ""

    def kill(self) -> None:
        """End the process; safe from any thread."""
        # The worker leads a session: what it has started goes with it, and holds no pipe open.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process and let its pipes go."""
        self.kill()
        for stream in self._streams:
            stream.close()
        self._files.close()
