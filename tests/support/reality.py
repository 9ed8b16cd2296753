"""Run texts in the real frameworks and compare with our readings of them."""

from __future__ import annotations

import atexit
import itertools
import json
import math
import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import impl
from harness.conformance.judge import judge
from harness.convention.registry import convention, render
from harness.core.operators import Operator, OperatorError, Sizes
from harness.core.program import Program, Section, Unsupported
from harness.core.training import SILENT, Initializer, Training
from harness.engines.job import Job as EngineJob
from harness.engines.job import Outcome
from harness.engines.process import Engine, thread_counts
from harness.execution.column import Column, Conditions
from harness.execution.environments import interpreter
from harness.lookup.reading import read
from harness.records.record import Verdict
from harness.suite.case import Case
from harness.suite.expectations import expect
from harness.syntax.tree import SnippetError

Array: TypeAlias = np.ndarray[Any, Any]

# Runs in the interpreter, which imports the framework once: a copy of the process runs each line's
# jobs, so that none sees what other lines' jobs have changed.  A job is a text, the arrays it needs
# and the names it defines.
_SERVER = """
import gc, importlib, json, os, sys
import numpy as np

def answer(job):
    names = {name: np.array(array, job["dtype"]) for name, array in job["arrays"].items()}
    try:
        exec(job["text"], names)
        return {name: np.asarray(names[name]).tolist() for name in job["leaves"]}
    except Exception as error:
        return {"error": type(error).__name__ + ": " + str(error)[:400]}

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
gc.disable()
for name in sys.argv[1:]:
    importlib.import_module(name)
getattr(gc, "freeze", gc.collect)()
for line in sys.stdin:
    copy = os.fork()
    if not copy:
        gc.enable()
        print(json.dumps([answer(job) for job in json.loads(line)]), file=answers, flush=True)
        os._exit(0)
    status = os.waitpid(copy, 0)[1]
    if status:
        print(json.dumps("died with the wait status %d" % status), file=answers, flush=True)
"""
# What most texts use; TensorFlow's own module imports Keras when it is first asked for.
_IMPORTED: Mapping[str, Sequence[str]] = {"tensorflow": ["tensorflow.keras.layers"]}


# For MXNet's arrays and Chainer's variables; PyTorch's tensors need no conversion.
_IN_NUMPY = "y = y.asnumpy() if hasattr(y, 'asnumpy') else getattr(y, 'array', y)"


@dataclass(frozen=True)
class Job:
    """A text for an interpreter."""

    text: str
    leaves: tuple[str, ...]
    arrays: Mapping[str, Any]
    dtype: str = "float32"


def run(
    framework: str, jobs: Sequence[Job], environ: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Run all jobs in one process of the real framework, by default with our variables.

    With others the process imports the framework only when a text does.
    """
    about = convention(framework)
    if environ is None:
        server = _server(framework, about.environ, _IMPORTED.get(framework, [about.module]))
    else:
        server = _server(framework, environ, [])
    assert server.stdin is not None
    assert server.stdout is not None
    print(json.dumps([vars(job) for job in jobs]), file=server.stdin, flush=True)
    answers: list[dict[str, Any]] = json.loads(server.stdout.readline())
    assert isinstance(answers, list), answers
    return answers


_servers: dict[tuple[str, ...], subprocess.Popen[str]] = {}


def _server(
    framework: str, environ: Mapping[str, str], modules: Sequence[str]
) -> subprocess.Popen[str]:
    """Start an interpreter that serves all tests of this process, or find it."""
    key = (framework, *modules, *itertools.chain(*sorted(environ.items())))
    if key not in _servers:
        python = str(interpreter(convention(framework)))
        _servers[key] = server = subprocess.Popen(
            [python, "-W", "ignore", "-I", "-c", _SERVER, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**thread_counts(1), **environ},
        )
        atexit.register(server.communicate)
    return _servers[key]


def integers(shape: Sequence[int], generator: random.Random) -> list[Any]:
    """Return small random integers as nested lists."""
    flat = [generator.randint(-4, 4) for _ in range(math.prod(shape))]
    nested: list[Any] = np.array(flat).reshape(shape).tolist()
    return nested


def expected(wanted: Operator, arrays: Mapping[str, Any]) -> dict[str, Array]:
    """Return the operator's output, and its gradients if there is a ``dy``."""
    x, w, b = (np.array(arrays[name], "float64") for name in ("x", "w", "b"))
    keywords: dict[str, Any] = {
        "stride": wanted.stride,
        "dilation": wanted.dilation,
        "crop": wanted.crop,
        "groups": wanted.groups,
    }
    results = {"y": impl.conv_transpose(x, w, b if wanted.bias else None, **keywords)}
    if "dy" in arrays:
        dy = np.array(arrays["dy"], "float64")
        results |= zip(
            ("dx", "dw", "db"), impl.conv_transpose_vjp(dy, x, w, **keywords), strict=True
        )
    return results


@dataclass(frozen=True)
class WrittenCall:
    """A call as people write it, and its arguments' shapes."""

    text: str
    input: Sizes
    weight: Sizes
    groups: int = 1
    dtype: str = "float32"


def disagreements(
    framework: str, setup: str, calls: Sequence[WrittenCall], least: int, finish: str = _IN_NUMPY
) -> list[Any]:
    """Run calls as written and as we read them; both must refuse, or agree.

    ``setup`` converts the arrays ``x``, ``w`` and ``b`` to what the calls need; ``finish`` converts
    ``y`` to our layout.
    """
    generator = random.Random(3)
    jobs = [
        Job(
            f"{setup}\n{call.text}\n{finish}",
            ("y",),
            {
                "x": integers(call.input, generator),
                "w": integers(call.weight, generator),
                "b": integers((call.weight[1] * call.groups,), generator),
            },
            call.dtype,
        )
        for call in calls
    ]
    wrong: list[Any] = []
    agreed = refused = 0
    for call, job, real in zip(calls, jobs, run(framework, jobs), strict=True):
        try:
            wanted = read(call.text, framework, call.input, call.weight).operator
        except SnippetError as error:
            refused += 1
            if "error" not in real:
                wrong.append((call, "we refuse", str(error)))
            continue
        agreed += 1
        if "error" in real:
            wrong.append((call, wanted.descriptor, real["error"]))
        elif real["y"] != expected(wanted, job.arrays)["y"].tolist():
            wrong.append((call, wanted.descriptor, "different output"))
    assert min(agreed, refused) >= least, (agreed, refused)
    return wrong


def random_operators(count: int, seed: int) -> list[tuple[Operator, Sizes]]:
    """Draw valid operators and input sizes; half have crops that padding arguments can express."""
    generator = random.Random(seed)
    drawn: list[tuple[Operator, Sizes]] = []
    while len(drawn) < count:
        rank = generator.choice((1, 2, 2, 3))
        groups = generator.choice((1, 1, 2, 3))
        stride = [generator.randint(1, 4) for _ in range(rank)]
        crop = [(generator.randint(-2, 3), generator.randint(-2, 3)) for _ in range(rank)]
        if generator.random() < 0.5:
            crop = [
                (abs(b), abs(b) - generator.randint(0, s - 1))
                for (b, _), s in zip(crop, stride, strict=True)
            ]
        try:
            wanted = Operator.of(
                groups * generator.randint(1, 3),
                groups * generator.randint(1, 3),
                [generator.randint(1, 4) for _ in range(rank)],
                stride=stride,
                dilation=[generator.choice((1, 1, 2, 3)) for _ in range(rank)],
                crop=crop,
                groups=groups,
                bias=generator.random() < 0.6,
            )
        except OperatorError:
            continue
        in_size = tuple(generator.randint(1, 5) for _ in range(rank))
        if min(wanted.out_size(in_size)) > 0:
            drawn.append((wanted, in_size))
    return drawn


def layers_that_differ(
    framework: str, drawn: Sequence[tuple[Operator, Sizes]], training: Training = SILENT
) -> list[Any]:
    """Run layer-style programs forward and backward; return those that differ from the operator."""
    generator = random.Random(7)
    done: list[tuple[Operator, Program, Job]] = []
    for place, (wanted, in_size) in enumerate(drawn):
        dtype = "float64" if place % 4 == 3 else "float32"
        program = render(wanted, framework, dtype, style="layer", training=training)
        if isinstance(program, Unsupported):
            continue
        every = ("y", "dx", "dw", "db")
        leaves = every[: 1 if program.forward_only else 4 if wanted.bias else 3]
        shapes = {
            "x": (2, wanted.in_channels, *in_size),
            "w": wanted.weight_shape,
            "b": (wanted.out_channels,),
            "dy": (2, wanted.out_channels, *wanted.out_size(in_size)),
        }
        arrays = {name: integers(shape, generator) for name, shape in shapes.items()}
        types = f"assert {{str(array.dtype) for array in ({', '.join(leaves)},)}} == {{{dtype!r}}}"
        text = f"{program.text}{program.gradient_text}{types}"
        done.append((wanted, program, Job(text, leaves, arrays, dtype)))
    supports = [program.support for _, program, _ in done]
    assert min(supports.count("native"), supports.count("rewritten")) > len(drawn) // 5
    wrong: list[Any] = []
    for (wanted, _, job), real in zip(done, run(framework, [job for *_, job in done]), strict=True):
        right = expected(wanted, job.arrays)
        if "error" in real:
            wrong.append((wanted.descriptor, real["error"]))
        else:
            wrong += [
                (wanted.descriptor, job.dtype, name)
                for name in job.leaves
                if real[name] != right[name].tolist()
            ]
    return wrong


def signatures(
    framework: str, setup: str, names: Sequence[str]
) -> list[tuple[list[str], list[str]]]:
    """Return the names and defaults, as text, of positional parameters of functions and classes.

    A parameter without a default has ``-``.
    """
    jobs = [Job(_SIGNATURE.format(setup, name), ("parameters",), {}) for name in names]
    listed = [answer["parameters"] for answer in run(framework, jobs)]
    return [([name for name, _ in each], [value for _, value in each]) for each in listed]


_SIGNATURE = """
{}
import inspect
function = {}
function = function.__init__ if isinstance(function, type) else function
parameters = [
    [p.name, "-" if p.default is p.empty else repr(p.default)]
    for p in inspect.signature(function).parameters.values()
    if p.name != "self" and p.kind == p.POSITIONAL_OR_KEYWORD
]
"""


def check_drawn(drawn: Sequence[float], wanted: Initializer, of: Operator) -> None:
    """Check the mean, variance and largest of some ten thousand drawn elements."""
    mean, variance, largest = drawn
    if wanted.distribution == "constant":
        assert (mean, variance) == (wanted.scale, 0)
        return
    deviation = wanted.deviation(of)
    assert abs(mean) < 0.03 * deviation
    # For 30,000 elements the standard deviation of the variance is 0.8 %.
    assert variance == pytest.approx(wanted.variance(of), rel=0.05)
    if wanted.distribution == "uniform":
        assert 0.999 < largest / wanted.bound(of) < 1.00001
    elif wanted.distribution == "truncated_normal":
        assert 1.99 < largest / deviation * 0.87962566103423978 < 2.00001
    else:
        assert largest > 3 * deviation


# The engines of MATLAB's and Wolfram's language.


@contextmanager
def running(framework: str, path: Path, **conditions: Any) -> Iterator[Engine]:
    """Run a framework's engine, started from a path."""
    with closing(Column(framework, Conditions({framework: path}, **conditions))) as column:
        column.start()
        yield column.engine


def engine_job(text: str, outputs: Sequence[str] = ("y",), **arrays: Array) -> EngineJob:
    """Return a job that runs a text on arrays."""
    return EngineJob(text, "", Section("", text, ""), arrays, tuple(outputs), ("value",))


def outcome(engine: Engine, text: str, outputs: Sequence[str] = ("y",), **arrays: Array) -> Outcome:
    """Run a text in an engine."""
    ((_, result),) = engine.run([engine_job(text, outputs, **arrays)])
    return result


def without_end(engine: Engine, jobs: Sequence[EngineJob]) -> list[Outcome]:
    """Run jobs of which the second has no end; only that is waited for a second."""
    results, patient = [], engine.timeout
    for _, result in engine.run(jobs):
        results.append(result)
        engine.timeout = 1 if len(results) == 1 else patient
    return results


def verdicts(engine: Engine, case: Case, program: Program) -> dict[str, Verdict]:
    """Run a case's program in an engine, and judge each check."""
    jobs = Column(program.framework).jobs(case, program, case.data())
    return {
        check: judge(case, expect(case), check, answer)
        for wanted, answer in engine.run(jobs)
        for check in wanted.checks
    }
