"""Disturb one run after the other in every way that there is, and count what is lost: nothing.

``tox run -e soak`` starts ``deconform run``, ends it, its workers and their keepers at random by
signals of every kind, fills the disk, starts a second writer, and lets the framework itself crash,
hang, flood, lie and eat memory.  Then it resumes the run until that ends, and checks that each
record is there once, that none says FAILED, that no process and no folder is left, and that nobody
has seen a traceback.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support")]

import fakes  # noqa: E402 -- from the folder above

from harness import Report, load_cases  # noqa: E402

# What ends a process that does not expect it; the first of each kind comes from a person.
DEADLY: Final = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL),
    *(signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU, signal.SIGPIPE),
)
SUITE: Final = "grid/two-axes/sweep"
TIMEOUT: Final = 2.0  # Seconds that a program of the run may take
PATIENCE: Final = 30.0  # Seconds for what is to end
MOST_DELAY: Final = 3.0  # Seconds before a disturbance
MOST_DISTURBED: Final = 6  # Disturbances of one run, before it may end
# What a run says that did not end by itself; the rest is a traceback.
FORBIDDEN: Final = ("Traceback", "Exception ignored", "Fatal Python")


@dataclass
class Soak:
    """One soak: its folders, its figures, and what went wrong."""

    folder: Path
    randomly: random.Random
    figures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mark = f"DECONFORM_SOAK={secrets.token_hex(8)}"
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()
        self.report = self.folder / "run.jsonl"
        cases = list(load_cases(select=SUITE))
        self.expected = Counter((case.id, str(check)) for case in cases for check in case.checks)

    def run_once(self) -> None:
        """Start a run, disturb it until it may end, and check what it has left."""
        self.report.unlink(missing_ok=True)
        fault = self.randomly.random() < 0.5
        python = fakes.interpreter(self.folder / "fake", "has_any_fault" if fault else "correct")
        for number in range(MOST_DISTURBED):
            if not self._disturbed(python, last=number == MOST_DISTURBED - 1):
                break
        self.figures["runs"] += 1
        self._check_report(is_honest=not fault)

    def _disturbed(self, python: Path, *, last: bool) -> bool:
        """Go on with the run and disturb it, but for the ``last`` time; whether it must go on."""
        how = "" if last else self.randomly.choice(("parent", "worker", "keeper", "disk", "writer"))
        limit = self.randomly.randrange(100, 40_000) if how == "disk" else 0
        process = self._start(python, limit)
        self.figures["starts"] += 1
        if how in {"parent", "worker", "keeper"}:
            time.sleep(self.randomly.uniform(0, MOST_DELAY))
            self._kill(process, how)
        elif how == "writer":
            self._write_too(python, process)
        try:
            _, error = process.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            process.kill()
            _, error = process.communicate()
            self.wrong.append(f"a run did not end, disturbed by {how or 'nothing'}")
        if how == "disk":
            is_full = "File too large" in error
            self.figures["disk full" if is_full else "disk large enough"] += 1
        if any(word in error for word in FORBIDDEN):
            self.wrong.append(f"after {how or 'nothing'}: {error[-2000:]}")
        self._check_nothing_left(how)
        return process.returncode not in (0, 1) or self._is_begun()

    def _is_begun(self) -> bool:
        """Whether the report is one of a run that was interrupted."""
        part = self.report.with_name(self.report.name + ".part")
        return part.exists() or not self.report.exists() or Report.read(self.report).footer is None

    def _start(self, python: Path, limit: int) -> subprocess.Popen[str]:
        name, value = self.mark.split("=")
        # A full disk truncates the bytecode that Python writes, which every later start then reads.
        own = {name: value, "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [
            *(sys.executable, "-m", "harness", "run", "-k", SUITE, "-f", "numpy"),
            *(f"--python=numpy={python}", f"--timeout={TIMEOUT}", "--memory=1G"),
            *("-o", str(self.report), "--resume"),
        ]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=(lambda: _limit_files(limit)) if limit else None,  # noqa: PLW1509
        )

    def _kill(self, parent: subprocess.Popen[str], how: str) -> None:
        """Send a random signal to the parent, to a keeper, or to something that a keeper keeps."""
        number = self.randomly.choice(DEADLY)
        marked = dict(_marked(self.mark))
        keepers = [pid for pid, parent_pid in marked.items() if parent_pid == parent.pid]
        workers = [pid for pid in marked if pid not in {parent.pid, *keepers}]
        targets = {"parent": [parent.pid], "keeper": keepers, "worker": workers}[how]
        if not targets or parent.poll() is not None:
            self.figures[f"{how} gone before"] += 1
            return
        try:
            os.kill(self.randomly.choice(targets), number)
        except ProcessLookupError:
            self.figures[f"{how} gone before"] += 1
        else:
            self.figures[f"{how} {number.name}"] += 1

    def _write_too(self, python: Path, first: subprocess.Popen[str]) -> None:
        """Start a second writer of the report; one of both is to be refused, or to come later."""
        time.sleep(self.randomly.uniform(0, MOST_DELAY))
        with self._start(python, 0) as second:
            _, error = second.communicate(timeout=600)
        is_refused = "is being written by another process" in error
        if not is_refused and first.poll() is None:
            first.wait(600)  # It is the one that was refused.
        self.figures["second writer " + ("refused" if is_refused else "after the first")] += 1

    def _check_nothing_left(self, how: str) -> None:
        until = time.monotonic() + PATIENCE
        while (left := list(_marked(self.mark))) and time.monotonic() < until:
            time.sleep(0.01)
        if left:
            self.figures["processes left"] += len(left)
            self.wrong.append(f"after {how or 'nothing'}: {len(left)} processes are left")
            for pid, _ in left:
                os.kill(pid, signal.SIGKILL)
        if folders := [each.name for each in self.temporary.iterdir()]:
            self.figures["folders left"] += len(folders)
            self.wrong.append(f"after {how or 'nothing'}: folders are left: {folders[:3]}")
            for name in folders:
                shutil.rmtree(self.temporary / name, ignore_errors=True)

    def _check_report(self, *, is_honest: bool) -> None:
        """Each record is there once; a disturbance may have cost it, but nothing is wrong."""
        report = Report.read(self.report)
        found = Counter((record.case, record.check) for record in report.records)
        lost, twice = self.expected - found, found - self.expected
        self.figures["records"] += len(report.records)
        self.figures["records lost"] += lost.total()
        self.figures["records twice"] += twice.total()
        for record in report.records:
            self.figures[f"records {record.status}"] += 1
        allowed = {"PASSED", "CRASHED"} | (set() if is_honest else {"TIMEDOUT", "ERRORED"})
        statuses = {str(record.status) for record in report.records}
        if lost or twice or report.footer is None or statuses - allowed:
            self.wrong.append(f"a report has {statuses}, lost {len(lost)}, twice {len(twice)}")


def _limit_files(size: int) -> None:
    """Let no file become larger, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _marked(mark: str) -> Iterator[tuple[int, int]]:
    """Yield each process of ours that is running, with its parent."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
            state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if mark.encode() in environ and state != "Z":
            yield int(folder.name), int(parent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak for as long as asked, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (0)")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(Path(folder), random.Random(options.seed))  # noqa: S311 -- no secret
        soak.run_once()
        while time.monotonic() - began < options.minutes * 60:
            soak.run_once()
    for name, count in sorted(soak.figures.items()):
        print(f"{count:>8} {name}")
    for text in soak.wrong:
        print(f"WRONG: {text}")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes, {len(soak.wrong)} broken promises")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
