"""GPU detection through the driver, and runs with and without a GPU."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fakes
import pytest

from harness import Report
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.cli.wording import in_options
from harness.conformance.pipeline import execute
from harness.convention.device import ANOTHER_INTERPRETER
from harness.convention.registry import convention, framework_names
from harness.core.column_info import ColumnInfo
from harness.core.operators import Operator
from harness.engines.job import EngineUnavailableError
from harness.engines.process import Engine
from harness.execution import gpus
from harness.execution.column import Column, Conditions
from harness.execution.environments import Built, has_environment
from harness.records.record import Header, Record
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.limitations import Limitation

BUILT = {name for name in framework_names() if has_environment(convention(name))}
NO_DRIVER = "no NVIDIA driver here (libcuda.so.1)"


@pytest.fixture(autouse=True)
def _uncached() -> Iterator[None]:
    gpus.names.cache_clear()
    yield
    gpus.names.cache_clear()


@pytest.fixture
def _no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the driver on machines that have one."""

    def not_found(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", not_found)


class Driver:
    """A fake ``libcuda.so.1`` with some GPUs."""

    def __init__(self, *names: bytes, status: int = 0) -> None:
        self.names, self.status = names, status

    def cuInit(self, _flags: int) -> int:  # noqa: N802 -- the driver's names
        return self.status

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = len(self.names)
        return 0

    def cuDeviceGet(self, device: Any, number: int) -> int:  # noqa: N802
        device._obj.value = number + 10
        return 0

    def cuDeviceGetName(self, name: Any, length: int, device: Any) -> int:  # noqa: N802
        assert length == ctypes.sizeof(name)
        name.value = self.names[device.value - 10]
        return 0

    def cuGetErrorName(self, status: int, name: Any) -> int:  # noqa: N802
        name._obj.value = b"CUDA_ERROR_NO_DEVICE" if status == 100 else None
        return 0


@pytest.mark.parametrize(
    ("driver", "names", "missing"),
    [
        (Driver(b"NVIDIA H200"), ("NVIDIA H200",), None),
        (Driver(b"NVIDIA A100", b"NVIDIA T4"), ("NVIDIA A100", "NVIDIA T4"), None),
        (Driver(), (), "the NVIDIA driver offers no GPU here"),
        (Driver(status=100), (), "the NVIDIA driver offers no GPU here: CUDA_ERROR_NO_DEVICE"),
        (Driver(status=7), (), "the NVIDIA driver offers no GPU here: error 7"),
    ],
)
def test_gpus_come_from_the_driver(
    driver: Driver, names: tuple[str, ...], missing: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    assert gpus.missing() == missing
    if missing is None:
        assert gpus.names() == names


@pytest.mark.usefixtures("_no_driver")
def test_a_machine_without_the_driver_says_so() -> None:
    assert gpus.missing() == NO_DRIVER


# A run.


def some_cases(suite: str = "sample", count: int = 2) -> list[Case]:
    return [
        Case(
            id=f"{suite}/{number}",
            suite=suite,
            operator=Operator.of(2, 3, (3, 2), stride=2, crop=((1, 0), (0, number))),
            batch=2,
            in_size=(3, 4),
        )
        for number in range(count)
    ]


def run(
    framework: str, conditions: Conditions, cases: Sequence[Case] = tuple(some_cases())
) -> tuple[ColumnInfo, list[Record]]:
    header, *events = execute(cases, [framework], conditions)
    assert isinstance(header, Header)
    records = [event for event in events if isinstance(event, Record)]
    return header.frameworks[framework], records


DEVICES = ("any", "cuda", "cpu")


@pytest.fixture(scope="module")
def on_a_gpu(tmp_path_factory: pytest.TempPathFactory) -> tuple[ColumnInfo, list[Record]]:
    """Run some cases, and some for which each device has a limitation."""
    pythons = {"cupy": fakes.interpreter(tmp_path_factory.mktemp("fake"), "has_a_gpu")}
    declared = tuple(
        Limitation(
            *("sample", "cupy", (f"{device}/*",), ("value",), "FAILED", "because", "", "", "f", 1),
            device,
        )
        for device in DEVICES
    )
    cases = [case for suite in ("sample", *DEVICES) for case in some_cases(suite)]
    return run("cupy", Conditions(pythons=pythons, limitations=declared), cases)


def test_cupy_runs_in_the_interpreter_given(on_a_gpu: tuple[ColumnInfo, list[Record]]) -> None:
    about, records = on_a_gpu
    assert about.device == "cuda: NVIDIA H300, ieee"
    records = [record for record in records if record.suite == "sample"]
    assert len(records) == 10
    assert {record.status for record in records} == {Status.PASSED}
    assert records[0].reproduce.endswith(" -f cupy")


@pytest.mark.parametrize(
    ("device", "status"),
    [("any", Status.FIXED), ("cuda", Status.FIXED), ("cpu", Status.PASSED)],
)
def test_a_limitation_applies_to_its_device_only(
    device: str, status: Status, on_a_gpu: tuple[ColumnInfo, list[Record]]
) -> None:
    values = {
        record.status
        for record in on_a_gpu[1]
        if record.suite == device and record.check == "value"
    }
    assert values == {status}


def test_an_interpreter_without_a_gpu_is_skipped_with_its_own_message(tmp_path: Path) -> None:
    python = fakes.interpreter(tmp_path, "has_no_gpu")
    about, records = run("cupy", Conditions(pythons={"cupy": python}))
    words = f"{python}: cudaErrorNoDevice: no CUDA-capable device is detected"
    assert about == ColumnInfo(unavailable=words)
    assert {(record.status, record.reason) for record in records} == {(Status.SKIPPED, words)}


@pytest.mark.slow
def test_a_lost_gpu_costs_only_the_program_that_lost_it(tmp_path: Path) -> None:
    pythons = {"cupy": fakes.interpreter(tmp_path, "has_a_gpu_that_is_lost")}
    _, records = run("cupy", Conditions(pythons=pythons))
    # Each process loses it in its first program, so every program crashes by its own fault.
    assert {record.status for record in records} == {Status.CRASHED}
    assert "cudaErrorNoDevice" in (records[0].reason or "")


def test_an_interpreter_without_cuda_says_how_another_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cannot(_: Column) -> Engine:
        raise EngineUnavailableError(f"torch 2 is built without CUDA; {ANOTHER_INTERPRETER}")

    monkeypatch.setattr(Column, "_found", cannot)
    reason = "torch 2 is built without CUDA; choose another interpreter with "
    terminal = Column("pytorch", Conditions(words=in_options)).start()
    assert terminal.unavailable == f"{reason}--python pytorch=PATH"
    assert Column("pytorch").start().unavailable == f"{reason}interpreter pytorch=PATH"


@pytest.mark.usefixtures("_no_driver")
@pytest.mark.parametrize(
    ("framework", "device", "reason"),
    [
        ("cupy", "cpu", NO_DRIVER),
        ("cupy", "cuda", NO_DRIVER),
        ("pytorch", "cuda", NO_DRIVER),
        ("numpy", "cuda", "NumPy (impl) is run on the CPU only; leave --device cuda out for it"),
        ("matlab", "cuda", "MATLAB is run on the CPU only; leave --device cuda out for it"),
    ],
)
def test_nothing_is_started_without_a_gpu(framework: str, device: Any, reason: str) -> None:
    about, records = run(framework, Conditions(device=device, words=in_options))
    assert about == ColumnInfo(unavailable=reason)
    assert {(record.status, record.reason) for record in records} == {(Status.SKIPPED, reason)}
    expected = "" if device == "cpu" else " --device cuda"
    assert all(record.reproduce.endswith(f" -f {framework}{expected}") for record in records)


# The command line.

SPEC = "suite: sample\ncases:\n  - {name: one, input: [1, 1, 2], out_channels: 1, kernel: 2}\n"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "sample.yaml"
    path.write_text(SPEC)
    return str(path)


@pytest.mark.usefixtures("_no_driver")
def test_a_column_without_a_gpu_is_a_line_in_every_report(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.jsonl"
    options = ["-o", str(out), "--junit", f"{out}.xml", "--markdown", f"{out}.md"]
    assert main(["run", spec, "-f", "numpy", "-f", "cupy", *options]) == OK
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if "cupy" in line] == [
        f"cupy: - ({NO_DRIVER})",
        f"  cupy was skipped: {NO_DRIVER}",
    ]
    assert printed[-1].startswith("1 cases, 5 checks in ")
    assert [line for line in Path(f"{out}.md").read_text().splitlines() if "cupy" in line] == [
        f"| cupy | - | {NO_DRIVER} |"
    ]
    assert Path(f"{out}.xml").read_text().count("<skipped ") == 1
    # The report itself has every record.
    assert Report.read(out).counts["cupy"] == {Status.SKIPPED: 5}


@pytest.mark.usefixtures("_no_driver")
def test_a_gpu_may_be_required(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", spec, "-f", "cupy", "--require", "cupy"]) == BAD
    assert "cupy is required, but was not run" in capsys.readouterr().out


@pytest.mark.usefixtures("_no_driver")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "-f", "pytorch", "--math", "tf32"],
            "error: --math tf32 is for GPUs: add --device cuda.\n",
        ),
        (
            ["reproduce", "ic1_oc1_k2_n1_i2", "-f", "numpy", "--device", "cuda"],
            "error: numpy cannot be run: NumPy (impl) is run on the CPU only; "
            "leave --device cuda out for it\n",
        ),
        (
            ["reproduce", "ic1_oc1_k2_n1_i2", "-f", "cupy"],
            f"error: cupy cannot be run: {NO_DRIVER}\n",
        ),
    ],
)
def test_impossible_options_give_one_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("option", [["--device", "tpu"], ["--math", "bf16"]])
def test_unknown_devices_and_precisions_are_refused(option: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", *option])
    assert stopped.value.code == USAGE


def test_reproduce_shows_the_gpu_program_and_names_the_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = fakes.interpreter(tmp_path, "has_a_gpu")
    descriptor = "ic1_oc1_k2_s2_b_n1_i2"
    assert main(["reproduce", descriptor, "-f", "cupy", f"--python=cupy={python}"]) == OK
    out = capsys.readouterr().out
    assert out.splitlines()[0].endswith(", native, cuda: NVIDIA H300, ieee")
    assert "x_ = cupy.asarray(x)\n" in out


@pytest.mark.usefixtures("_no_driver")
@pytest.mark.slow
def test_doctor_reports_the_gpu(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # Octave takes half a second to start.
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path))
    assert main(["doctor"]) == OK
    out = capsys.readouterr().out.splitlines()
    assert f"-- gpu          {NO_DRIVER}" in out
    assert f"-- cupy         {NO_DRIVER}" in out
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(b"NVIDIA H200", b"NVIDIA T4"))
    assert main(["doctor"]) == OK
    out = capsys.readouterr().out.splitlines()
    assert "ok gpu          NVIDIA H200, NVIDIA T4" in out
    assert "-- cupy         no environment; build it with: deconform envs cupy" in out


@pytest.mark.parametrize(
    ("names", "here", "built"),
    [
        ([], False, BUILT - {"cupy"}),
        ([], True, BUILT),
        (["cupy"], False, {"cupy"}),
    ],
)
def test_envs_builds_cupy_by_default_only_with_a_gpu(
    names: list[str],
    here: bool,
    built: set[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def build(frameworks: list[str], _at_once: int) -> Iterator[Built]:
        asked.extend(frameworks)
        return iter(())

    driver = Driver(b"NVIDIA H200") if here else Driver()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    monkeypatch.setattr("harness.execution.environments.build", build)
    assert main(["envs", *names]) == OK
    assert set(asked) == built
    left_out = "cupy: left out, the NVIDIA driver offers no GPU here" in capsys.readouterr().out
    assert left_out == (not names and not here)
