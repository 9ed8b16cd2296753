"""Compare ``deconform bench``'s times with those of the standard library's plain ``timeit``.

For each framework, one layer is timed by a worker, as in a benchmark, and in turns with it by
``timeit`` in a separate process with the program's text pasted in.  This prints the ratio of the
two with its interval: the project promises 2 %.

    python benchmarks/raw_timeit.py [-f pytorch] [--rounds 2000] [DESCRIPTOR]
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.bench.intervals import paired_ratio
from harness.bench.rounds import Sampling, held, pinned
from harness.convention.registry import convention, render
from harness.core.program import Program
from harness.engines.job import Held, Timing
from harness.engines.process import thread_counts
from harness.execution.column import Column, Conditions
from harness.execution.environments import interpreter
from harness.suite.case import case_from_descriptor

# Its output is too small for the allocator to request from the system, and return, on every call.
_LAYER = "ic64_oc16_k4x4_s2x2_c1.1x1.1_b_n1_i16x16"
_SCRIPT = """\
import sys, timeit
import numpy as np
namespace = dict(np.load({arrays!r}))
for text in {texts!r}:
    exec(text, namespace)
timer = timeit.Timer({call!r}, globals=namespace)
for line in iter(sys.stdin.readline, ""):
    timer.timeit(int(line))
    print(timer.timeit(int(line)), flush=True)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-f", "--framework", dest="frameworks", action="append")
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("layer", nargs="?", default=_LAYER)
    options = parser.parse_args()
    every = ["numpy", "pytorch", "tensorflow", "mxnet", "chainer"]
    for framework in options.frameworks or every:
        ratio = _compare(framework, options.layer, options.rounds)
        print(f"{framework:<12} {ratio}", flush=True)


def _compare(framework: str, layer: str, rounds: int) -> str:
    case = case_from_descriptor(layer)
    program = render(case.operator, framework, case.dtype)
    assert isinstance(program, Program)
    timed = held(program, "forward", case.data())
    conditions = pinned(Conditions())
    ours, raw = [], []
    with ExitStack() as stack:
        column = stack.enter_context(closing(Column(framework, conditions)))
        column.start()
        engine = column.engine
        engine.hold(timed)
        process = stack.enter_context(_raw(framework, timed, conditions.threads, conditions.cores))
        first = engine.time(timed.key, 3)
        assert isinstance(first, Timing)
        # At least two: before several calls the worker makes others that are not timed.
        calls = max(2, round(Sampling().seconds / first.seconds))
        for turn in range(rounds):
            for is_ours in (turn % 2 == 0, turn % 2 == 1):
                if is_ours:
                    sample = engine.time(timed.key, calls)
                    assert isinstance(sample, Timing)
                    ours.append(sample.seconds)
                else:
                    raw.append(_seconds(process, calls) / calls)
    ratio = paired_ratio(ours, raw)
    return f"{ratio.value - 1:+.2%}, between {ratio.low - 1:+.2%} and {ratio.high - 1:+.2%}"


@contextmanager
def _raw(
    framework: str, timed: Held, threads: int, cores: Sequence[int]
) -> Iterator["subprocess.Popen[str]"]:
    """Run a plain process of the framework's interpreter that answers with timeit's seconds."""
    about = convention(framework)
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "arrays.npz"
        inputs: dict[str, Any] = dict(timed.inputs)
        np.savez(arrays, **inputs)
        script = _SCRIPT.format(
            arrays=str(arrays), texts=[text for _, text in timed.sections], call=timed.call
        )
        with subprocess.Popen(
            [str(interpreter(about)), "-c", script],
            env={**os.environ, **thread_counts(threads), **about.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            os.sched_setaffinity(process.pid, cores)
            yield process
            assert process.stdin is not None
            process.stdin.close()


def _seconds(process: "subprocess.Popen[str]", calls: int) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{calls}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


if __name__ == "__main__":
    main()
