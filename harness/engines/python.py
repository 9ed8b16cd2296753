"""Run Python programs in a worker process of the framework's own environment.

A worker that dies or hangs costs the check in flight.  The rest of the job is run once more in a
fresh process; if that fails in the same way, the failure belongs to the program and the job's
other checks share it, rather than costing a restart each.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeAlias

from harness.engines import worker
from harness.engines.job import (
    Arrays,
    Crashed,
    EngineInfo,
    EngineUnavailableError,
    Job,
    Outcome,
    Raised,
    TimedOut,
)

START_TIMEOUT = 180.0
_JOBS_AHEAD = 8
_BYTES_AHEAD = 32 * 2**20

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Message: TypeAlias = Mapping[str, Any]
_Frame: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


class PythonEngine:
    """One framework's interpreter and the worker processes it runs, one at a time.

    Parameters
    ----------
    command : sequence of str
        Starts a worker: ``[interpreter, "-I", ".../worker.py"]``.
    module, distribution : str
        What to import, and whose version to report.
    environ : mapping
        Added to the environment of the processes.
    timeout : float
        Seconds that one job may take.
    """

    def __init__(
        self,
        command: Sequence[str],
        module: str,
        distribution: str,
        *,
        environ: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._command = tuple(command)
        self._start = {"op": "start", "module": module, "distribution": distribution}
        self._environ = {**os.environ, **ONE_THREAD, **(environ or {})}
        self._timeout = timeout
        self._process: _Process | None = None
        self._stopped = False

    @classmethod
    def of(cls, interpreter: Path, module: str, distribution: str, **options: Any) -> PythonEngine:
        """Make the engine of an interpreter."""
        return cls([str(interpreter), "-I", worker.__file__], module, distribution, **options)

    def start(self) -> EngineInfo:
        """Start a worker and import the framework in it.

        Raises
        ------
        EngineUnavailableError
            With what the process said.
        """
        if self._stopped:
            raise EngineUnavailableError("the run was stopped")
        try:
            self._process = _Process(self._command, self._environ)
        except OSError as error:
            raise EngineUnavailableError(f"cannot start {self._command[0]}: {error}") from error
        try:
            process = self._process
            process.send(self._start, {})
            answer, _ = process.receive(START_TIMEOUT)
        except (_ProcessEndedError, TimeoutError) as error:
            self._end_process()
            raise EngineUnavailableError(f"{error}, while importing") from error
        if answer["op"] != "started":
            self._end_process()
            raise EngineUnavailableError(f"{answer['type']}: {answer['message']}")
        return EngineInfo(
            version=answer["version"],
            engine="python",
            python=answer["python"],
            numpy=answer["numpy"],
            device=answer["device"],
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

    def _send(self, sent: deque[Job], again: deque[Job], source: Iterator[Job]) -> None:
        """Send jobs until enough are on their way, those to be run again first."""
        size = sum(_nbytes(job) for job in sent)
        while not sent or (len(sent) < _JOBS_AHEAD and size < _BYTES_AHEAD):
            job = again.popleft() if again else next(source, None)
            if job is None:
                return
            sent.append(job)
            size += _nbytes(job)
            if self._process is None:
                try:
                    self.start()
                except EngineUnavailableError:
                    return  # _answer tells.
            if self._process is not None:
                message = {"op": "run", "sections": job.sections, "outputs": job.outputs}
                self._process.send(message, job.inputs)

    def _answer(self, job: Job) -> Outcome:
        """Wait for the answer to the oldest job; without one, the process is ended."""
        process = self._process
        if process is None:
            return Crashed("the worker died before, and could not be started again")
        try:
            return _outcome(process.receive(self._timeout), job.outputs)
        except TimeoutError:
            failure: Outcome = TimedOut(self._timeout)
        except _ProcessEndedError as ended:
            failure = Crashed(str(ended))
        self._end_process()
        return failure

    def stop(self) -> None:
        """End the worker for good; a :meth:`run` in another thread ends without an outcome."""
        self._stopped = True
        self._end_process()

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()


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
    """A running worker: frames out, frames in with a time limit, and what it said on stderr."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._chatter: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by kill()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._chatter,
            env=dict(environ),
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers itself.
        )
        self._requests: queue.SimpleQueue[tuple[Message, Message] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Frame | Exception] = queue.SimpleQueue()
        # A worker that is busy does not read, and a full pipe would block who writes.
        threading.Thread(target=self._write, daemon=True).start()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Message, arrays: Message) -> None:
        """Put a request on its way; what becomes of it shows in the answers."""
        self._requests.put((message, arrays))

    def receive(self, timeout: float) -> _Frame:
        """Wait for the next answer."""
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"no answer in {timeout:g} s") from None
        if isinstance(answer, EOFError):
            raise _ProcessEndedError(self._how_it_ended(str(answer)))
        if isinstance(answer, Exception):
            raise _ProcessEndedError(
                f"the worker broke the protocol: its answer cannot be read: {answer}"
            )
        return answer

    def _write(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # It ended, or was killed: the answers end too.
            while request := self._requests.get():
                worker.write_frame(self._process.stdin, *request)

    def _read(self) -> None:
        """Read frames as they come; an exception says why there are no more."""
        assert self._process.stdout is not None
        try:
            while frame := worker.read_frame(self._process.stdout):
                self._answers.put(frame)
            self._answers.put(EOFError("it ended without an answer"))
        except Exception as error:  # noqa: BLE001 -- whatever a broken worker sends
            self._answers.put(error)

    def _how_it_ended(self, what: str) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        code = self._process.poll()
        if code is None:
            return f"the worker closed its output: {what}"
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"the worker died ({how}): {what}{self._last_words()}"

    def _last_words(self) -> str:
        with suppress(ValueError, OSError):
            self._chatter.seek(0)
            said = self._chatter.read()[-2000:].decode(errors="replace").strip()
            return f"; its last line was: {said.splitlines()[-1]}" if said else ""
        return ""

    def kill(self) -> None:
        self._requests.put(None)
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._chatter.close()
