"""Measure what our own code costs: a run of the default suite, against bare loops over its calls.

Each round measures, one after another,

alone      a bare loop over the suite's programs, one framework at a time;
together   the same loops, all started at the same moment, as in a run;
run        what ``deconform run`` does, without its start-up: from the last import to the end;
           with all frameworks at once, and with only the slowest of them.

On the same cores, the run does what *together* does, and also generates data and expectations and
compares: its ratio to the slowest of those loops is the cost of our own code.  *alone* is what one
framework needs by itself.

The python door is measured with the same implementation that NumPy's column has: the calls as its
guarded worker times them, and all that goes on until their outcomes are here, against a bare loop
over the same calls; for the default suite and for the layers that are benchmarked.  The time on the
processor of the worker and of this process, against the loop's, says the same on a busy machine,
together with the time that the worker waited for its next request, against the loop's on the wall:
where nothing else runs, what goes on takes as long as both of the worker's together.

Of both, the start counts as start-up, and so does what an implementation loads at its first calls,
and memory that is got once and then kept: the largest of each 16 programs runs before.  All arrays
are there before, as they must be in any loop over these calls.  What the loop leaves out and the
door does not: it has compiled the texts before, its arrays never move, nothing is compared, and no
result leaves the process.

    python benchmarks/overhead.py [--rounds 5] [--only-door]
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np

from harness.conformance.pipeline import execute
from harness.convention.registry import convention, framework_names
from harness.core.program import Program
from harness.doors.implementation import load_implementation
from harness.engines.job import Arrays, Job
from harness.engines.process import thread_counts
from harness.execution.column import Column
from harness.execution.environments import interpreter
from harness.records.record import Header
from harness.suite.case import Case
from harness.suite.specs import load_cases, specs_root

_LAYERS = 8  # One in so many of those that are benchmarked: they are large
_WARM_UP = 16  # Where the door is measured, the largest of so many programs only runs before.
# These programs crash their process, and a bare loop with it.
_DEADLY = "rejects/groups/zero"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only-door", action="store_true")
    options = parser.parse_args()
    rounds = options.rounds
    cases = [case for case in load_cases() if not case.id.startswith(_DEADLY)]
    # Those that a bare Python loop can run on the CPU.
    conventions = [convention(name) for name in framework_names()]
    frameworks = [each.name for each in conventions if each.language == "python" and each.cpu]
    frameworks = [] if options.only_door else frameworks
    rows: dict[str, list[float]] = {}

    def note(row: str, seconds: float) -> None:
        rows.setdefault(row, []).append(seconds)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in frameworks:
            _store(folder / name, cases, Column(name))
        doors = [_Door(folder, "suite", cases)]
        layers = list(load_cases(specs_root() / "bench"))[::_LAYERS]
        doors += [_Door(folder, "layers", layers)]
        for number in range(rounds):
            for door in doors:
                for row, ratio in door.ratios().items():
                    note(f"RATIO door, {door.name}: {row}", ratio)
            if options.only_door:
                continue
            alone = {name: _bare_loops(folder, [name])[name] for name in frameworks}
            together = _bare_loops(folder, frameworks)
            slowest = max(frameworks, key=lambda name: alone[name])
            _, run_of_slowest = _run(cases, [slowest])
            startup, run = _run(cases, frameworks)
            for name in frameworks:
                note(f"alone: {name}", alone[name])
            note("alone: all, added up", sum(alone.values()))
            note("together: the slowest", max(together.values()))
            note("run: start-up", startup)
            note("run: the rest", run)
            note("run: of the slowest, alone", run_of_slowest)
            note("RATIO slowest: run / alone", run_of_slowest / alone[slowest])
            note("RATIO run / slowest together", run / max(together.values()))
            note("RATIO run / slowest alone", run / max(alone.values()))
            print(f"round {number + 1} of {rounds} done", flush=True)
    print(f"{len(cases)} cases; median, minimum and maximum of {rounds} rounds; seconds, or ratios")
    for row, times in rows.items():
        print(f"{row:<38} {statistics.median(times):6.2f} {min(times):6.2f} {max(times):6.2f}")


class _Door:
    """The cases of an implementation that is reached through the python door."""

    def __init__(self, folder: Path, name: str, cases: Sequence[Case]) -> None:
        self.name, self._folder = name, folder / f"door-{name}"
        file = folder / f"{name}.yaml"
        functions = ("python: impl:conv_transpose", "gradient: impl:conv_transpose_vjp")
        file.write_text("\n".join([f"name: {name}", *functions]))
        self._implementation = load_implementation(file)
        self._cases = [case for case in cases if not case.rejected]
        _store(self._folder, self._cases, Column(self._implementation), _warming_up)

    def ratios(self) -> dict[str, float]:
        """Run all calls, in a bare loop and through the door, and compare the seconds."""
        command = [sys.executable, "-I", str(Path(__file__).with_name("bare_loop.py"))]
        bare = subprocess.run(
            [*command, str(self._folder), "impl"],
            env={**os.environ, **thread_counts(1)},
            input="\n",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        alone, alone_cpu = map(float, bare.stdout.splitlines()[-1].split())
        calls = 0.0
        with closing(Column(self._implementation)) as column:
            column.start()
            jobs = [
                job
                for case in self._cases
                if isinstance(program := column.render(case), Program)
                for job in column.jobs(case, program, case.data())
            ]
            warming_up = _warming_up(jobs)
            for _ in column.run([jobs[number] for number in sorted(warming_up)]):
                pass
            jobs = [job for number, job in enumerate(jobs) if number not in warming_up]
            gc.freeze()  # A run does not hold all jobs at once, for collections to look at.
            (worker_cpu, queued), own_cpu = _worker_seconds(), time.process_time()
            began = time.perf_counter()
            for _, outcome in column.run(jobs):
                assert isinstance(outcome, Arrays)
                calls += outcome.seconds["call"]
            elapsed = time.perf_counter() - began
            own_cpu = time.process_time() - own_cpu
            worker_cpu, queued = (
                now - before
                for now, before in zip(_worker_seconds(), (worker_cpu, queued), strict=True)
            )
            gc.unfreeze()
        return {
            "calls / bare": calls / alone,
            "all / bare": elapsed / alone,
            "CPU, worker / bare": worker_cpu / alone_cpu,
            "waiting / bare": (elapsed - worker_cpu - queued) / alone,
            "CPU, ours / bare": own_cpu / alone_cpu,
        }


def _worker_seconds() -> tuple[float, float]:
    """Return the seconds of the worker, which a keeper of ours has started, on the processor.

    And those that it could have used one and was not given any.
    https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
    """
    (keeper,) = _children(os.getpid())
    (worker,) = _children(keeper)
    running, queued, _ = map(int, Path(f"/proc/{worker}/schedstat").read_text().split())
    return running / 1e9, queued / 1e9


def _children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for each in threads for child in (each / "children").read_text().split()]


def _warming_up(jobs: Sequence[Job]) -> set[int]:
    """Return the numbers of the jobs that only run before."""
    sizes = [sum(array.nbytes for array in job.inputs.values()) for job in jobs]
    groups = (range(len(jobs))[begin : begin + _WARM_UP] for begin in range(0, len(jobs), _WARM_UP))
    return {max(group, key=sizes.__getitem__) for group in groups}


def _store(
    folder: Path,
    cases: Sequence[Case],
    column: Column,
    not_timed: Callable[[Sequence[Job]], set[int]] = lambda _: set(),
) -> None:
    """Write a column's programs and data for ``bare_loop.py``, and which are not timed there."""
    programs: list[dict[str, Any]] = []
    jobs: list[Job] = []
    arrays: dict[str, Any] = {}
    for number, case in enumerate(cases):
        program = column.render(case)
        if not isinstance(program, Program):
            continue
        data = case.data()
        arrays.update({f"{number}.{name}": array for name, array in data.items()})
        for job in column.jobs(case, program, data):
            text = "\n".join(text for _, text in job.sections)
            inputs = {name: f"{number}.{name}" for name in job.inputs}
            programs.append({"text": text, "inputs": inputs, "is_timed": True})
            jobs.append(job)
    for number in not_timed(jobs):
        programs[number]["is_timed"] = False
    folder.mkdir()
    (folder / "programs.json").write_text(json.dumps(programs))
    np.savez(folder / "arrays.npz", **arrays)


def _bare_loops(folder: Path, frameworks: Sequence[str]) -> dict[str, float]:
    """Start bare loops at the same moment; return the seconds of each."""
    script = Path(__file__).with_name("bare_loop.py")
    with ExitStack() as stack:
        processes = {}
        for name in frameworks:
            framework = convention(name)
            processes[name] = stack.enter_context(
                subprocess.Popen(
                    [
                        str(interpreter(framework)),
                        "-I",
                        str(script),
                        str(folder / name),
                        framework.module,
                    ],
                    env={**os.environ, **thread_counts(1), **framework.environ},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
        for process in processes.values():
            assert process.stdout is not None
            while process.stdout.readline().strip() != "ready":
                pass  # Skip what a framework prints on import.
        for process in processes.values():
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return {name: float(_last_line(each).split()[0]) for name, each in processes.items()}


def _last_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read().splitlines()[-1]


def _run(cases: Sequence[Case], frameworks: Sequence[str]) -> tuple[float, float]:
    began = time.perf_counter()
    started = began
    for event in execute(cases, frameworks):
        if isinstance(event, Header):
            started = time.perf_counter()
    return started - began, time.perf_counter() - started


if __name__ == "__main__":
    main()
