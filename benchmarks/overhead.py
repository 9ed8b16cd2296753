"""What our own code costs: a whole run beside the same calls in a bare loop.

Each round takes, one after another, a bare loop over the suite's programs in every framework, and
a run of the suite in all of them.  The figure is the ratio of the run, less its start-up (until the
last framework is imported), to the slowest framework's loop.

    python benchmarks/overhead.py [--rounds 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.case import Case
from harness.conventions import convention, framework_names, render
from harness.engines.python import ONE_THREAD
from harness.environments import interpreter
from harness.pipeline import execute, jobs_of
from harness.program import Program
from harness.record import Header
from harness.spec import load_cases

# Where a program ends its process, a bare loop ends with it.
_DEADLY = "rejects/groups/zero"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    cases = [case for case in load_cases() if not case.id.startswith(_DEADLY)]
    frameworks = framework_names()
    loops: dict[str, list[float]] = {name: [] for name in frameworks}
    startups, runs, ratios = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in frameworks:
            _store(Path(folder) / name, cases, name)
        for number in range(rounds):
            for name in frameworks:
                loops[name].append(_bare_loop(Path(folder) / name, name))
            startup, rest = _run(cases, frameworks)
            startups.append(startup)
            runs.append(rest)
            ratios.append(rest / max(times[-1] for times in loops.values()))
            print(f"round {number + 1}: ratio {ratios[-1]:.2f}", flush=True)
    for name, times in loops.items():
        print(f"bare loop {name:<12} {statistics.median(times):6.2f} s")
    print(f"start-up of the run    {statistics.median(startups):6.2f} s")
    print(f"the run without it     {statistics.median(runs):6.2f} s, {len(cases)} cases")
    print(
        f"ratio to the slowest   {statistics.median(ratios):6.2f} "
        f"(median of {rounds}; {min(ratios):.2f} to {max(ratios):.2f})"
    )


def _store(folder: Path, cases: Sequence[Case], framework: str) -> None:
    """Write a framework's programs and data for ``bare_loop.py``."""
    programs: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for number, case in enumerate(cases):
        program = render(case.operator, framework, case.dtype, documented=case.documented)
        if not isinstance(program, Program):
            continue
        data = case.data()
        arrays.update({f"{number}.{name}": array for name, array in data.items()})
        for job in jobs_of(case, program, data):
            text = "\n".join(text for _, text in job.sections)
            programs.append(
                {"text": text, "inputs": {name: f"{number}.{name}" for name in job.inputs}}
            )
    folder.mkdir()
    (folder / "programs.json").write_text(json.dumps(programs))
    np.savez(folder / "arrays.npz", **arrays)


def _bare_loop(folder: Path, framework: str) -> float:
    found = convention(framework)
    script = Path(__file__).with_name("bare_loop.py")
    done = subprocess.run(
        [str(interpreter(found)), "-I", str(script), str(folder), found.module],
        env={**os.environ, **ONE_THREAD, **found.environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def _run(cases: Sequence[Case], frameworks: Sequence[str]) -> tuple[float, float]:
    began = time.perf_counter()
    started = began
    for event in execute(cases, frameworks):
        if isinstance(event, Header):
            started = time.perf_counter()
    return started - began, time.perf_counter() - started


if __name__ == "__main__":
    main()
