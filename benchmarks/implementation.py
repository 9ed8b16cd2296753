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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.case import Case
from harness.conventions import convention, render
from harness.environments import interpreter
from harness.program import Program, Section
from harness.spec import load_cases

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Measure and print."""
    options = _options()
    cases = [case for case in load_cases("specs/bench") if fnmatch.fnmatch(case.id, options.select)]
    frameworks = ["numpy", *options.frameworks]
    ratios: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        for case in cases:
            folder = Path(temporary) / str(cases.index(case))
            workers = {
                name: stack.enter_context(_worker(folder / name, case, name, options.threads))
                for name in frameworks
            }
            for direction in ("forward", "backward"):
                times = _times(workers, direction, options.rounds)
                _print(case, direction, times)
                for name in options.frameworks:
                    medians = (statistics.median(times[each]) for each in ("numpy", name))
                    ratios.setdefault((name, direction), []).append(next(medians) / next(medians))
            stack.close()
    print(f"\nimpl's time to the framework's, {len(cases)} layers, {options.threads} threads:")
    for (name, direction), found in ratios.items():
        mean = math.exp(statistics.fmean(map(math.log, found)))
        slower = sum(ratio > 1 for ratio in found)
        print(
            f"{direction:<9} {name:<10} geometric mean {mean:.2f}, largest {max(found):.2f}, "
            f"smallest {min(found):.2f}; {slower} above 1"
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


def _times(workers: dict[str, Any], direction: str, rounds: int) -> dict[str, list[float]]:
    """Give each framework's seconds per round; a round is as many calls as fill a while."""
    parts = {"forward": ["forward"], "backward": ["backward"]}[direction]
    times: dict[str, list[float]] = {name: [] for name in workers}
    for name, worker in workers.items():
        # impl's gradients do not need the forward pass, which the frameworks' texts run.
        asked = ["forward", "backward"] if (name, direction) == ("numpy", "backward") else parts
        times[name] = [sum(_ask(worker, part, 1) for part in asked)]
    calls = max(1, min(20, int(0.05 / max(min(min(each) for each in times.values()), 1e-6))))
    times = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            asked = ["forward", "backward"] if (name, direction) == ("numpy", "backward") else parts
            times[name].append(sum(_ask(worker, part, calls) for part in asked))
    return times


def _ask(worker: "subprocess.Popen[str]", part: str, calls: int) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{0 if part == 'forward' else 1} {calls}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline() or "nan")


def _print(case: Case, direction: str, times: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(each) for name, each in times.items()}
    others = "  ".join(
        f"{name} {medians['numpy'] / seconds:6.2f}"
        for name, seconds in medians.items()
        if name != "numpy"
    )
    shown = case.id.removeprefix("bench/")
    print(f"{direction:<9}{shown:<46}{medians['numpy'] * 1e3:9.2f} ms  {others}", flush=True)


@contextmanager
def _worker(
    folder: Path, case: Case, framework: str, threads: int
) -> Iterator["subprocess.Popen[str]"]:
    _store(folder, case, framework)
    found = convention(framework)
    script = Path(__file__).with_name("timed_calls.py")
    limits = dict.fromkeys(_THREADS, str(threads))
    with subprocess.Popen(
        [str(interpreter(found)), "-I", str(script), str(folder), found.module],
        env={**os.environ, **found.environ, **limits},
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


def _store(folder: Path, case: Case, framework: str) -> None:
    """Write the two programs of a case, and its data, for ``timed_calls.py``."""
    program = render(case.operator, framework, case.dtype)
    assert isinstance(program, Program), f"{framework} has no program for {case.id}"
    data = case.data()
    folder.mkdir(parents=True)
    sections: Sequence[tuple[Section, list[str]]] = [
        (program.forward, [name for name in data if name != "dy"]),
        (program.gradient, list(data)),
    ]
    programs = [
        {
            "setup": f"{program.setup}\n{section.to_native}",
            "call": section.call,
            "inputs": {name: name for name in names},
        }
        for section, names in sections
    ]
    (folder / "programs.json").write_text(json.dumps(programs))
    arrays: dict[str, Any] = dict(data)
    np.savez(folder / "arrays.npz", **arrays)


if __name__ == "__main__":
    main()
