"""Invented reports to save, benchmarks and conformance runs, and files of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness import Report
from harness.core.column_info import ColumnInfo
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Event, Footer, Header, Record
from harness.records.report_file import as_line
from harness.records.status import Status

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
MACHINE = {"fingerprint": "f00d", "cpu": "Abacus 9", "cores": "2", "memory": "8 GiB"}
DESCRIPTOR = "ic1_oc1_k2_n1_i3"


def engine(version: str = "1.0", **fields: str) -> ColumnInfo:
    usual = {"version": version, "engine": "python", "python": "3.11", "device": "cpu"}
    return ColumnInfo(**(usual | fields))


def header(day: int, frameworks: Mapping[str, ColumnInfo], **fields: Any) -> Header:
    """Return the header of a run on a day, at commit ``c<day>``."""
    started = (BEGAN + timedelta(days=day)).isoformat()
    return Header("0.1.0", started, frameworks, cases=1, **({"commit": f"c{day}"} | fields))


def measurement(case: str = "bench/a", **fields: Any) -> Measurement:
    usual: dict[str, Any] = {
        "suite": "bench",
        "descriptor": DESCRIPTOR,
        "framework": "numpy",
        "direction": "forward",
        "support": "native",
        "status": MEASURED,
        "dtype": "float32",
        "batch": 1,
        "multiply_adds": 6,
        "nbytes": 28,
        "calls": 100,
    }
    return Measurement(case, **(usual | fields))


def benchmark(
    day: int,
    seconds: float = 0.001,
    *,
    frameworks: Mapping[str, ColumnInfo] | None = None,
    machine: Mapping[str, str] = MACHINE,
    settings: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Report:
    """Return a benchmark of one program whose median time is ``seconds``."""
    samples = (seconds, seconds * 0.75, seconds * 1.5)
    about = header(
        day,
        frameworks or {"numpy": engine()},
        machine=machine,
        settings=settings or {"threads": 2, "rounds": 3},
        ceilings={"copy_bytes": 1e10},
    )
    return Report.of([about, measurement(samples=samples, **fields), Footer({}, 1.5)])


def record(check: str, status: Status, case: str = "edge/a", **fields: Any) -> Record:
    usual: dict[str, Any] = {
        "suite": "edge",
        "descriptor": DESCRIPTOR,
        "framework": "numpy",
        "support": "native",
        "reason": None if status == Status.PASSED else "it differs",
    }
    return Record(case, check=check, status=status, **(usual | fields))


def conformance(day: int, statuses: Sequence[Status], version: str = "1.0", **about: str) -> Report:
    """Return a conformance report of one case, with these statuses."""
    checks = zip(("shape", "value", "grad_x"), statuses, strict=False)
    records = (record(check, status) for check, status in checks)
    return Report.of([header(day, {"numpy": engine(version, **about)}), *records, Footer({}, 2.0)])


def written(path: Path, run: Report | Iterable[Event]) -> Path:
    """Write a report, or some events, and return the path."""
    if isinstance(run, Report):
        footers = () if run.footer is None else (run.footer,)
        run = (run.header, *run.records, *run.measurements, *footers)
    path.write_text("".join(map(as_line, run)))
    return path
