"""Run programs in worker processes, each an interpreter of one framework's own environment.

A process may also be a program of the user's own, in any language, that speaks the same frames
(``docs/protocol.md``): it is sent configurations instead of texts.

A worker that dies or hangs costs the check in flight.  The rest of the job runs once more in a
fresh process.  If that fails in the same way, the program is to blame, and the job's other checks
share the failure rather than cost a restart each.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness.core.column_info import ColumnInfo
from harness.engines import protocol, worker
from harness.engines.channel import Channel, Frame, Message, WorkerEndedError
from harness.engines.executable import executable
from harness.engines.job import (
    MISBEHAVIOUR,
    REFUSED,
    Arrays,
    Crashed,
    EngineBrokenError,
    EngineUnavailableError,
    Failure,
    Held,
    Job,
    Outcome,
    Raised,
    TimedOut,
    Timing,
)

# After so many time-outs in a row, or starts that failed, nothing more is tried.
MOST_IN_A_ROW: Final = 6
_MOST_TEXT: Final = 4000  # Characters of a message
_MOST_ABOUT: Final = 500  # Characters of each thing that a worker says of itself
_NO_MEMORY: Final = re.compile(r"MemoryError|bad_alloc|allocat|out of memory", re.IGNORECASE)
_MOST_CORES: Final = 4096
_UNTIMED: Final = 2.0  # Most seconds around those that are timed: warming up, waiting for threads
# Requests that a worker has at most, and has where they are small; of large ones it has two.  More
# are sent once it has half as many, several at a time.
_JOBS_AHEAD: Final = 32
_BYTES_AHEAD: Final = 2**26
_BYTES_AHEAD_OF_PROGRAM: Final = 2**23  # Of the user's own, which reads them when it likes

# These size the frameworks' thread pools: OpenMP and oneDNN (PyTorch, MXNet), NumPy's BLAS (impl,
# Chainer), MKL, and TensorFlow's own pool.
_THREAD_COUNTS: Final = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"),
)

# What a worker says that it computes with, besides its engine and its device.
_VERSIONS: Final = ("version", "python", "numpy", "blas", "compiler")


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
        # An interpreter and its arguments, up to the worker's file; or the user's own program.
        command: Sequence[str],
        module: str = "",  # What to import
        distribution: str = "",  # Whose version to report
        *,
        is_program: bool = False,  # Whether the command is the user's own program
        timeout: float,  # Seconds that one job may take, and the start
        # A file whose ``start`` and ``execute`` replace the worker's own, for programs in another
        # language than Python.
        language: Path | None = None,
        environ: Mapping[str, str] | None = None,  # Added to the environment of the processes
        advice: str = "",  # What to do about an interpreter that cannot be started
        # Packages of ours that programs import: the file to import each name from.
        packages: Mapping[str, str] | None = None,
        path: Sequence[str] = (),  # Folders that programs import from, besides the interpreter's
        setup: str = "",  # Python text that is executed once at the start, as programs' setups are
        folder: Path | None = None,  # Where the process starts; where we are if None
        # Python text that selects the device to compute on: it defines ``device``, or raises with
        # what is missing.  A program of the user's own is told a name.  Empty for the CPU.
        device: str = "",
        threads: int = 1,  # How many a call may use
        cores: Sequence[int] = (),  # To pin the processes to, if the system can; all if empty
        memory: int = 0,  # Bytes that a process may use; 0 for no bound
    ) -> None:
        self._is_program = is_program
        if is_program:
            self._command = tuple(command)
            self._start: dict[str, Any] = {"protocol": protocol.VERSION, "threads": threads}
        else:
            ours = [worker.__file__, *([str(language)] if language else [])]
            self._command = (*command, "-I", *ours)
            self._start = {"module": module, "distribution": distribution}
            self._start |= {"packages": packages or {}, "path": [*path], "setup": setup}
        self._start |= {"op": "start", "device": device or "cpu" * is_program}
        self._engine_name = Path(command[0]).name if is_program else "python"
        self._has_gpu = bool(device)
        self._environ = {**os.environ, **thread_counts(threads), **(environ or {})}
        self._folder = folder
        self._cores = cores if hasattr(os, "sched_setaffinity") else ()
        self._memory = memory
        self.timeout = timeout  # May be changed between two answers
        self._timeouts = 0  # In a row
        self._advice = f"; {advice}" if advice else ""
        self._process: Channel | None = None
        self._stopped = False
        self._failed_starts, self._start_error = 0, ""

    def start(self) -> ColumnInfo:
        """Start a worker and import the framework in it.

        Raises
        ------
        EngineUnavailableError
            If the device is missing.
        EngineBrokenError
            If the process does not start; with its error message.
        """
        try:
            try:
                answer = self._started()
            except WorkerEndedError:  # Once more: what ended it may have come from elsewhere.
                answer = self._started()
            if self._has_gpu and (answer.get("section") == "device" or answer["op"] == "refused"):
                # The message already says what to do; rebuilding the environment would not help.
                self._end_process()
                raise EngineUnavailableError(f"{self._command[0]}: {answer['message']}")
            if answer["op"] != "started":
                kind = f"{answer['type']}: " if "type" in answer else ""
                raise WorkerEndedError(kind + answer["message"])
        except (OSError, WorkerEndedError) as error:  # A TimeoutError is an OSError.
            self._end_process()
            self._timeouts += isinstance(error, TimeoutError)
            raise EngineBrokenError(f"{self._command[0]}: {error}{self._advice}") from None
        return ColumnInfo(
            engine=(answer.get("engine") or self._engine_name)[:_MOST_ABOUT],
            device=(answer.get("device") or "cpu")[:_MOST_ABOUT],
            **{name: (answer.get(name) or "")[:_MOST_ABOUT] for name in _VERSIONS},
            threads=self._environ["OMP_NUM_THREADS"],
            cores=",".join(map(str, self._cores)),
        )

    def _started(self) -> Message:
        """Start a process; return its answer, which may say why it cannot be used."""
        self._end_process()
        if self._stopped:
            raise WorkerEndedError("the run was stopped")
        command = self._command
        if self._is_program:
            first = executable(command[0], self._folder or Path.cwd(), self._environ)
            command = (first, *command[1:])
        self._process = process = Channel(
            command,
            self._environ,
            self._cores,
            self._memory,
            has_gpu=self._has_gpu,
            folder=self._folder,
            is_ours=not self._is_program,
        )
        if self._stopped:  # Meanwhile, by another thread that saw no process yet.
            raise WorkerEndedError("the run was stopped")
        process.send(self._start, {})
        answer, _ = process.receive(self.timeout)
        return answer

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
            failure = (job.key, job.direction, type(outcome))
            if failure == last_failure:
                yield job, outcome
                continue
            last_failure = failure
            yield replace(job, checks=job.checks[:1]), outcome
            if job.checks[1:]:
                to_rerun.appendleft(replace(job, checks=job.checks[1:]))

    def hold(self, held: Held) -> int | None | Failure:
        """Prepare a program to be timed; return the bytes that a call needs, if known."""
        message = {"op": "hold", "key": held.key, **_work(held)}
        answer = self._request(message, held.inputs)
        return answer if isinstance(answer, Failure) else answer.get("peak_bytes")

    def time(self, key: str, calls: int) -> Timing | Failure:
        """Time calls of a prepared program."""
        began = time.monotonic()
        answer = self._request({"op": "time", "key": key, "calls": calls}, {})
        if isinstance(answer, Failure):
            return answer
        passed = time.monotonic() - began
        seconds, cpu_s = answer["seconds"], answer.get("cpu_s", answer["seconds"])
        if max(seconds, cpu_s / _MOST_CORES) > self.timeout:
            self._end_process()
            return Crashed("the worker broke the protocol: it took longer than it was waited for")
        if passed > 2 * seconds + _UNTIMED:
            told = f"patches the clock: it tells {seconds:.3g} s of the {passed:.3g} s that passed"
            return Raised("call", MISBEHAVIOUR, told)
        return Timing(seconds / calls, cpu_s / calls)

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
        return self._raised(frame[0]) if frame[0]["op"] in protocol.ANY_TIME else frame[0]

    def _send_to_worker(self, message: Message, arrays: Message, room: int = 0) -> None:
        """Send one request, to a new process where there is none."""
        if self._process is None and not self._has_given_up:
            try:
                self.start()
                self._failed_starts = 0
            except EngineUnavailableError as error:
                self._failed_starts += 1
                self._start_error = str(error)
                return
        if self._process is not None:
            self._process.send(message, arrays, room)

    @property
    def _has_given_up(self) -> bool:
        return max(self._timeouts, self._failed_starts) >= MOST_IN_A_ROW

    def _receive(self, most_bytes: int = 0) -> Frame | Crashed | TimedOut:
        """Wait for the next answer; end the process if none comes."""
        if self._timeouts >= MOST_IN_A_ROW:
            return TimedOut(self.timeout, self._timeouts)
        if self._process is None:
            return Crashed(f"the worker died, and could not be started again: {self._start_error}")
        try:
            frame = self._process.receive(self.timeout, most_bytes)
        except TimeoutError:
            self._timeouts += 1
            failure: Crashed | TimedOut = TimedOut(self.timeout)
        except WorkerEndedError as ended:
            failure = Crashed(f"{ended}{self._bound(str(ended))}")
        else:
            self._timeouts = 0
            return frame
        self._end_process()
        return failure

    def _send(self, sent: deque[Job], to_rerun: deque[Job], source: Iterator[Job]) -> None:
        """Send jobs until enough are in flight, reruns first."""
        if len(sent) > _JOBS_AHEAD // 2:
            return
        most_bytes = _BYTES_AHEAD_OF_PROGRAM if self._is_program else _BYTES_AHEAD
        size = sum(_nbytes(job) for job in sent)
        while not sent or (
            not sent[-1].ends_worker
            and (len(sent) < 2 or (len(sent) < _JOBS_AHEAD and size < most_bytes))
        ):
            job = to_rerun.popleft() if to_rerun else next(source, None)
            if job is None:
                return
            sent.append(job)
            size += _nbytes(job)
            message = {"op": "run", "like": job.like, **_work(job)}
            self._send_to_worker(message, job.inputs, job.expected_bytes)
            if self._process is None:
                return

    def _answer(self, job: Job) -> Outcome:
        """Wait for the answer to the oldest job; end the process if none comes."""
        frame = self._receive(job.most_bytes)
        if isinstance(frame, Crashed | TimedOut):
            return frame
        answer, arrays = frame
        if answer["op"] != "result":
            return self._raised(answer)
        if missing := set(job.outputs) - set(arrays):
            lacking = ", ".join(sorted(missing))
            if self._is_program:  # A frame as it must be: what else it answers can be read too.
                return Raised("call", MISBEHAVIOUR, f"leaves {lacking} out of its result")
            self._end_process()
            return Crashed(f"the worker broke the protocol: its result lacks {lacking}")
        return Arrays(arrays, answer.get("seconds", {}), answer.get("misbehaviour", ""))

    def _raised(self, answer: Message) -> Raised:
        kind = REFUSED if answer["op"] == "refused" else "Error"
        answer = {"section": "call", "type": kind, "traceback": "", **answer}
        answer["section"] = "call" if self._is_program else answer["section"]
        names = ("section", "type", "message", "traceback")
        section, kind, message, traceback = (str(answer[name])[:_MOST_TEXT] for name in names)
        return Raised(section, kind, message + self._bound(f"{kind}: {message}"), traceback)

    def _bound(self, text: str) -> str:
        """Name the bound on the memory after a text that says that there is not enough."""
        is_short = self._memory and _NO_MEMORY.search(text)
        return f" (a worker may use {self._memory >> 20} MiB)" if is_short else ""

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


def _work(work: Job | Held) -> Message:
    """Write what is to be computed: a program's texts, or the configuration alone."""
    texts = ["sections", "outputs" if isinstance(work, Job) else "call"]
    names = texts if work.arguments is None else ["direction", "arguments", "outputs"]
    return {name: getattr(work, name) for name in names}


def _nbytes(job: Job) -> int:
    return sum(array.nbytes for array in job.inputs.values())
