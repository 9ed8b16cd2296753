"""The real frameworks, in the environments that ``deconform envs`` has built."""

from __future__ import annotations

import math
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import reality

from harness import translate
from harness.bench.rounds import Sampling, benchmark
from harness.cli.exit_statuses import BAD, OK
from harness.cli.main import main
from harness.conformance.pipeline import execute
from harness.convention.device import Device
from harness.convention.registry import convention, framework_names
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.execution.column import Conditions
from harness.execution.environments import has_environment, interpreter, lacks_device
from harness.frameworks import pytorch
from harness.records.check import DIRECTIONS, Check
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Header, Record
from harness.records.report_file import Report
from harness.records.status import Status
from harness.suite.case import Case, case_from_descriptor
from harness.suite.limitations import load_limitations
from harness.suite.specs import load_cases

pytestmark = pytest.mark.frameworks
HERE = [name for name in framework_names() if not lacks_device(convention(name))]
REAL = [name for name in HERE if has_environment(convention(name))]
PYTHON = [name for name in HERE if convention(name).language == "python" and convention(name).cpu]


# The whole suite runs as pytest's tests: the environment ``suite`` in tox.ini.  Here a case of each
# limitation, as those that end a framework's process cost a start each.
CERTAIN = [
    limitation
    for limitation in load_limitations()
    if not limitation.depends_on and limitation.framework in framework_names()
]
KNOWN = sorted({limitation.cases[0].replace("?", "1") for limitation in CERTAIN})
# Variants run where somebody asks for them: those of which something is declared.
VARIANTS = sorted({each.framework for each in CERTAIN} - {*framework_names()})
COLUMNS = (*framework_names(), *VARIANTS)


@pytest.fixture(scope="module")
def conformance(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Report]:
    """What goes wrong in each way, through every framework, by the command itself."""
    out = tmp_path_factory.mktemp("run") / "conformance.jsonl"
    select = [word for glob in KNOWN for word in ("-k", glob)]
    select += [word for name in COLUMNS for word in ("-f", name)]
    return main(["run", *select, "-o", str(out)]), Report.read(out)


def test_known_failures_are_all_that_goes_wrong(conformance: tuple[int, Report]) -> None:
    status, report = conformance
    assert [(r.case, r.framework, r.check, r.reason) for r in report.bad] == []
    assert status == OK
    assert set(report.frameworks) == set(COLUMNS)
    assert {name: reason for name, reason in report.skipped.items() if name in HERE} == {}


def test_every_case_framework_and_check_is_accounted_for_once(
    conformance: tuple[int, Report],
) -> None:
    _, report = conformance
    expected = {
        (case.id, framework, check)
        for case in load_cases(select=KNOWN)
        for framework in COLUMNS
        for check in case.checks
    }
    counts = Counter((r.case, r.framework, r.check) for r in report.records)
    assert set(counts) == expected
    assert set(counts.values()) == {1}
    assert report.footer is not None
    assert sum(report.footer.counts.values()) == len(report.records)


def test_columns_are_filled_by_the_pinned_versions(conformance: tuple[int, Report]) -> None:
    _, report = conformance
    pins = (Path(__file__).parents[2] / "tox.ini").read_text()
    for name in REAL:
        about = report.header.frameworks[name]
        assert f"{convention(name).distribution}=={about.version.split('+')[0]}\n" in pins


def test_every_limitation_reproduced(conformance: tuple[int, Report]) -> None:
    _, report = conformance
    seen = {record.limitation for record in report.records if record.status == Status.KNOWN}
    assert {limitation.id for limitation in CERTAIN} <= seen


def random_cases(count: int) -> list[Case]:
    """Legal operators of which nobody thought, the same in every run."""
    dtypes = ("float32", "float32", "float64")
    return [
        Case(f"random/{n}", "random", operator, 1 + n % 2, in_size, dtypes[n % 3])
        for n, (operator, in_size) in enumerate(reality.random_operators(count, seed=20260102))
    ]


# The first is one that every framework has a program for.
PLAIN = case_from_descriptor("ic2_oc3_k2_s2_b_n1_i3")


def ways(framework: str) -> tuple[str, ...]:
    """What a framework computes: gradients only where it has some."""
    program = convention(framework).write(PLAIN.operator, PLAIN.dtype)
    assert isinstance(program, Program)
    return DIRECTIONS[:1] if program.forward_only else DIRECTIONS


CASES = [PLAIN, *random_cases(60)]


@pytest.fixture(scope="module")
def killed() -> list[Record]:
    """What is left of a run in every framework if its worker is killed before it has begun."""
    records = []
    with pytest.MonkeyPatch.context() as patch:
        # Half a second each is what layers evaluated in Wolfram Language take: the smallest only.
        patch.setenv("DECONFORM_WOLFRAM_LIMIT", "12")
        for event in execute(CASES, HERE):
            if isinstance(event, Header):
                for name in REAL:
                    _kill_worker(interpreter(convention(name)))
            elif isinstance(event, Record):
                records.append(event)
    return records


@pytest.mark.parametrize("framework", REAL)
def test_killing_the_worker_costs_one_record(killed: list[Record], framework: str) -> None:
    own = [record for record in killed if record.framework == framework]
    checks = [(case.descriptor, check) for case in CASES for check in case.checks]
    assert sorted((record.descriptor, record.check) for record in own) == sorted(checks)
    (lost,) = (record for record in own if record.status == Status.CRASHED)
    assert "SIGKILL" in (lost.reason or "")
    others = [each for each in own if each.case == PLAIN.id and each is not lost]
    computed = [each.status for each in others if Check(each.check).direction in ways(framework)]
    assert set(computed) == {Status.PASSED}


def has_gradients(framework: str) -> bool:
    program = translate(PLAIN.operator, framework)
    assert isinstance(program, Program)
    return not program.forward_only


def test_random_operators_agree_in_every_framework(killed: list[Record]) -> None:
    wrong = [
        (record.framework, record.descriptor, record.check, record.reason)
        for record in killed
        if record.case != PLAIN.id
        and record.status not in {Status.PASSED, Status.UNSUPPORTED, Status.MISTRUSTED}
    ]
    assert wrong == []


def _kill_worker(path: Path) -> None:
    """Kill the worker of ours that this interpreter runs: the child of a child."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if (
                command[0] == str(path).encode()
                and _parent(_parent(int(process.name))) == os.getpid()
            ):
                os.kill(int(process.name), signal.SIGKILL)
                return
        except OSError:
            continue
    raise AssertionError(f"no worker of {path} is running")


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def test_broken_convention_fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crop_sides_swapped(
        operator: Operator, dtype: str, documented: bool, device: Device
    ) -> Program | Unsupported:
        swapped = replace(operator, crop=tuple((end, begin) for begin, end in operator.crop))
        return right(swapped, dtype, documented, device)

    right = pytorch.CONVENTION.render
    broken = replace(pytorch.CONVENTION, render=crop_sides_swapped)
    monkeypatch.setattr(pytorch, "CONVENTION", broken)
    convention.cache_clear()
    try:
        status = main(["run", "-f", "pytorch", "-k", "grid/two-axes/sweep/s2-*"])
    finally:
        convention.cache_clear()
    assert status == BAD
    assert "equals the mutant: crop sides swapped" in capsys.readouterr().out


@pytest.mark.parametrize("framework", PYTHON)
def test_whole_text_pasted_into_the_interpreter_gives_the_same_numbers(framework: str) -> None:
    """A program's text is whole: it needs no worker and nothing of ours."""
    program = translate(Operator.of(1, 1, (3,), stride=2, crop=((1, 0),)), framework)
    assert isinstance(program, Program)
    arrays = {"x": [[[1, 10]]], "w": [[[1, 2, 3]]], "b": [100]}
    (answer,) = reality.run(framework, [reality.Job(program.text, ("y",), arrays)])
    assert answer == {"y": [[[102.0, 113.0, 120.0, 130.0]]]}


@pytest.mark.parametrize("threads", [1, 2])
def test_a_benchmark_measures_every_framework_with_the_threads_it_is_given(threads: int) -> None:
    """Processor time tells whether a framework obeys: idle or spinning threads count as well."""
    case = case_from_descriptor("ic32_oc32_k4x4_s2x2_c1.1x1.1_b_n1_i24x24")
    # Linux adds up what other threads have used at each tick (4 to 10 ms): calls fill many ticks.
    sampling = Sampling(rounds=1, seconds=0.2)
    header, *measurements, _ = benchmark([case], PYTHON, sampling, Conditions(threads=threads))
    assert isinstance(header, Header)
    assert {info.threads for info in header.frameworks.values()} == {str(threads)}
    result = [one for one in measurements if isinstance(one, Measurement)]
    assert [(one.framework, one.status) for one in result] == [
        (name, MEASURED if direction in ways(name) else Status.UNSUPPORTED)
        for direction in DIRECTIONS
        for name in PYTHON
    ]
    # Where all cores may be used there is no more to take: what is beyond them is accounting.
    most = threads + 0.2 if threads < (os.cpu_count() or 1) else math.inf
    timed = [one for one in result if one.status == MEASURED]
    assert [one for one in timed if not 0 < one.cpus < most] == []
