"""How fast ``impl`` is beside the frameworks: the layers of ``specs/bench``, forward and gradients.

Each framework executes the programs that a look-up prints, in its own interpreter, with the same
number of threads.  Rounds take all frameworks in turn, so that what else the machine does meets all
of them; what is printed are ratios of ``impl``'s time to each framework's, medians over the rounds.

The frameworks' gradient text runs the forward pass, too; so does ``impl``'s here.

    python benchmarks/implementation.py [-f pytorch] [-f chainer] [-k SELECT] [--rounds 5]
"""

import argparse
import fnmatch
import json
import math
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from harness.case import Case
from harness.conventions import convention, render
from harness.environments import interpreter
from harness.program import Program
from harness.spec import load_cases

Worker: TypeAlias = "subprocess.Popen[str]"
Times: TypeAlias = dict[str, list[float]]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Seconds: what calls of one turn fill, and how long the threads of the turn before may still spin.
_FILLED = 0.05
_CALM = 0.05


def main() -> None:
    """Measure and print."""
    options = _options()
    cases = [case for case in load_cases("specs/bench") if fnmatch.fnmatch(case.id, options.select)]
    ratios: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(_worker(name, options.threads))
            for name in ("numpy", *options.frameworks)
        }
        for case in cases:
            for direction, times in _measured(case, workers, options.rounds):
                for name, ratio in _printed(case, direction, times).items():
                    ratios.setdefault((direction, name), []).append(ratio)
    print(f"\nimpl's time to the framework's, {len(cases)} layers, {options.threads} threads:")
    for (direction, name), found in ratios.items():
        mean = math.exp(statistics.fmean(map(math.log, found)))
        print(
            f"{direction:<9} {name:<10} geometric mean {mean:.2f}, from {min(found):.2f} to "
            f"{max(found):.2f}; above 1: {sum(ratio > 1 for ratio in found)}, "
            f"above 1.5: {sum(ratio > 1.5 for ratio in found)}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-f", "--framework", dest="frameworks", action="append")
    parser.add_argument("-k", "--select", default="*", help="pattern of case names")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    options.frameworks = options.frameworks or ["pytorch", "chainer"]
    return options


@contextmanager
def _worker(framework: str, threads: int) -> Iterator[Worker]:
    found = convention(framework)
    script = Path(__file__).with_name("timed_calls.py")
    with subprocess.Popen(
        [str(interpreter(found)), "-I", str(script), found.module],
        env={**os.environ, **found.environ, **dict.fromkeys(_THREADS, str(threads))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        while process.stdout.readline().strip() not in {"ready", ""}:
            pass  # What a framework prints on import.
        yield process
        process.stdin.close()


def _measured(
    case: Case, workers: Mapping[str, Worker], rounds: int
) -> Iterator[tuple[str, Times]]:
    """Give each framework's seconds per round; a round is as many calls as fill a while."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "arrays.npz"
        arrays: dict[str, Any] = dict(case.data())
        np.savez(stored, **arrays)
        for direction in ("forward", "backward"):
            parts = {name: _parts(case, name, direction, stored) for name in workers}
            # The first calls start threads and take memory; a framework's threads wait for more.
            warm = {name: _seconds(workers[name], parts[name], 3) for name in workers}
            calls = max(3, min(20, int(_FILLED / max(warm.values()))))
            times: Times = {name: [] for name in workers}
            for _ in range(rounds):
                for name, worker in workers.items():
                    time.sleep(_CALM)
                    times[name].append(_seconds(worker, parts[name], calls))
            yield direction, times


def _parts(case: Case, framework: str, direction: str, stored: Path) -> list[dict[str, Any]]:
    """The programs that make a direction: ``impl``'s gradients do not run the forward pass."""
    program = render(case.operator, framework, case.dtype)
    assert isinstance(program, Program), f"{framework} has no program for {case.id}"
    sections = {"forward": [program.forward], "backward": [program.gradient]}[direction]
    if (framework, direction) == ("numpy", "backward"):
        sections = [program.forward, program.gradient]
    names = ["x", "w", *(["b"] if case.operator.bias else [])]
    return [
        {
            "setup": f"{program.setup}\n{section.to_native}",
            "call": section.call,
            "arrays": str(stored),
            "inputs": names if section is program.forward else [*names, "dy"],
        }
        for section in sections
    ]


def _seconds(worker: Worker, parts: Sequence[Mapping[str, Any]], calls: int) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    total = 0.0
    for part in parts:
        worker.stdin.write(json.dumps({**part, "calls": calls}) + "\n")
        worker.stdin.flush()
        total += float(worker.stdout.readline())
    return total


def _printed(case: Case, direction: str, times: Times) -> dict[str, float]:
    own = statistics.median(times["numpy"])
    ratios = {
        name: own / statistics.median(each) for name, each in times.items() if name != "numpy"
    }
    shown = "  ".join(f"{name} {ratio:6.2f}" for name, ratio in ratios.items())
    print(
        f"{direction:<9}{case.id.removeprefix('bench/'):<46}{own * 1e3:9.2f} ms  {shown}",
        flush=True,
    )
    return ratios


if __name__ == "__main__":
    main()
