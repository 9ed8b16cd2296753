"""Keep one worker: end it, all that it has started and its folder, whatever ends the parent.

It is started by path, needs the standard library only, and stands between deconform and a worker.
When its parent is gone, or closes its end of a pipe, the keeper ends the worker; the kernel closes
that end even for a parent that was killed.  On Linux the keeper adopts whatever the worker leaves
running, in a session of its own too, and bounds the memory of all together; elsewhere it ends the
worker's process group, and memory has no bound.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

# https://man7.org/linux/man-pages/man2/prctl.2.html
_PDEATHSIG, _CHILD_SUBREAPER = 1, 36
_IS_LINUX: Final = sys.platform == "linux"
_PAGE: Final = resource.getpagesize()
_WATCH: Final = 0.5  # Seconds between two looks at the memory
_PATIENCE: Final = 10.0  # Seconds for what was killed to end
_ENDING: Final = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU),
)


def main() -> None:
    """Start the worker, wait for its end or the parent's, and leave nothing of it."""
    order = json.loads(os.environ.pop("DECONFORM_KEEPER"))
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_ENDING):
        signal.signal(number, lambda *_: None)
    _prctl(_CHILD_SUBREAPER, 1)
    os.set_inheritable(order["life"], False)
    if order["cores"]:  # They are the worker's own, if there are others.
        os.sched_setaffinity(0, os.sched_getaffinity(0) - set(order["cores"]) or order["cores"])
    os.mkdir(order["folder"], 0o700)
    worker = os.fork()
    if not worker:
        _become_worker(order)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)  # Only the worker's end of the pipes is to count.
    os.dup2(nothing, 1)
    status = _watched(worker, order["life"], woken, order["memory"])
    _end_all(worker)
    try:
        os.rmdir(order["folder"])  # As a rule nothing is in it.
    except OSError:
        _remove(order["folder"])
    if status < 0 and -status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-status, signal.SIG_DFL)
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), -status)
    os._exit(status)


def _remove(folder: str) -> None:
    """Remove a folder with what is in it."""
    import shutil  # Late: importing it takes as long as much of a start.

    for above, names, _ in os.walk(folder):
        for name in names:  # What cannot be entered cannot be removed either.
            _quietly(os.chmod, os.path.join(above, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _become_worker(order: Any) -> None:
    """Replace this process by the worker, in a session of its own."""
    signal.set_wakeup_fd(-1)
    keeper = os.getppid()
    os.setsid()
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)
    for number in (*_ENDING, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if order["memory"] and order["is_refused"] and _IS_LINUX:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = order["memory"] if hard == resource.RLIM_INFINITY else min(order["memory"], hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if order["cores"]:
        os.sched_setaffinity(0, order["cores"])
    os.environ["TMPDIR"] = order["folder"]
    try:
        os.execv(order["command"][0], order["command"])
    except OSError as error:
        os.write(2, str(error).encode(errors="replace"))
        os._exit(127)


def _watched(worker: int, life: int, woken: int, memory: int) -> int:
    """Wait until something ends the worker; return its exit code, of a signal the negative."""
    while True:
        ready, _, _ = select.select([life, woken], [], [], _WATCH if memory else None)
        if life in ready or (woken in ready and set(os.read(woken, 4096)) & set(_ENDING)):
            return -signal.SIGKILL
        if (status := _reaped(worker)) is not None:
            return status
        if memory and _memory("statm") > memory and _memory("smaps_rollup") > memory:
            os.write(2, b"\nit used more than the %d MiB of memory allowed\n" % (memory >> 20))
            return -signal.SIGKILL


def _reaped(worker: int) -> int | None:
    """Reap what has ended; return the worker's exit code if it is among them."""
    code = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if not ended:
            return code
        if ended == worker:
            code = os.waitstatus_to_exitcode(status)


def _end_all(worker: int) -> None:
    """End the worker's group and, as they become ours, the children of whatever ends."""
    _quietly(os.killpg, worker, signal.SIGKILL)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        for child in _children(os.getpid()) if _IS_LINUX else [worker]:
            _quietly(os.kill, child, signal.SIGKILL)
        _reaped(worker)
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        time.sleep(0.001)


def _quietly(call: Any, *arguments: Any) -> None:
    """Do something to what may have ended, or gone, meanwhile."""
    try:
        call(*arguments)
    except OSError:
        pass


def _memory(file: str) -> int:
    """Return the bytes that all descendants use; the quick file counts shared pages repeatedly."""
    return sum(_memory_of(process, file) for process in _descendants(os.getpid()))


def _memory_of(process: int, file: str) -> int:
    try:
        with open(f"/proc/{process}/{file}", encoding="ascii", errors="replace") as stream:
            if file == "statm":
                return int(stream.read().split()[1]) * _PAGE
            return next(int(line.split()[1]) for line in stream if line.startswith("Pss:")) << 10
    except (OSError, StopIteration, IndexError):
        return 0  # It has ended.


def _descendants(process: int) -> Iterator[int]:
    for child in _children(process):
        yield child
        yield from _descendants(child)


def _children(process: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as stream:
                found += map(int, stream.read().split())
    except OSError:
        pass  # It has ended.
    return found


def _prctl(option: int, value: int) -> None:
    if _IS_LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
