"""Invented benchmarks: times as on a shared machine, and reports of given times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.column_info import ColumnInfo
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Footer, Header
from harness.records.report_file import Report

ENGINE = ColumnInfo("2.0", "python", "3.11.7", "2.4", "cpu")
MACHINE = {"cpu": "Fast 9000", "cores": "2", "memory": "16 GB", "fingerprint": "ab12"}


def interleaved(
    seed: int,
    rounds: int,
    programs: int = 2,
    noise: float = 0.01,
    drift: float = 0.02,
    swing: float = 0.15,
) -> npt.NDArray[np.float64]:
    """Simulate the interleaved times of equal programs on a busy machine, one row per program.

    A common component drifts at random and swings by 15 %.  Each program's own noise has heavy
    tails (Student's t with 3 degrees of freedom) and an autocorrelation of 0.3; one sample in
    twelve is an outlier of 1.5 to 2 times the time.
    """
    rng = np.random.default_rng(seed)
    turns = np.arange(rounds * programs)
    common = np.cumsum(rng.normal(0, drift, turns.size)) + swing * np.sin(turns / 7 + seed)
    own = rng.standard_t(3, (programs, rounds)) * noise
    for i in range(1, rounds):
        own[:, i] = 0.3 * own[:, i - 1] + (1 - 0.3**2) ** 0.5 * own[:, i]
    hit = rng.random(own.shape) < 1 / 12
    outliers: npt.NDArray[np.float64] = 1 + hit * rng.uniform(0.5, 1, own.shape)
    return 0.01 * np.exp(common.reshape(rounds, programs).T + own) * outliers


def measurement(
    framework: str, samples: Iterable[float] = (), case: str = "made/one", **fields: Any
) -> Measurement:
    """Return the measurement of a program."""
    return replace(
        Measurement(
            case=case,
            suite=case.partition("/")[0],
            descriptor="ic2_oc3_k4_n8_i5",
            framework=framework,
            direction="forward",
            support="native",
            status=MEASURED,
            dtype="float32",
            batch=8,
            multiply_adds=500_000,
            nbytes=1_000_000,
            samples=tuple(map(float, samples)),
            calls=4,
            first_s=0.5,
            to_native_s=0.002,
            from_native_s=0.001,
            peak_bytes=3_000_000,
        ),
        **fields,
    )


def header(names: Sequence[str], **fields: Any) -> Header:
    """Return the header of a benchmark."""
    about: Mapping[str, Any] = {
        "deconform": "0.2.0",
        "started": "2026-01-02T03:04:05+00:00",
        "frameworks": dict.fromkeys(names, ENGINE),
        "cases": 1,
        "commit": "0123abc",
        "machine": MACHINE,
        "settings": {"threads": 2},
        "ceilings": {"gemm_flops:float32": 2e9, "copy_bytes": 4e9},
    }
    return Header(**{**about, **fields})


def report(measurements: Sequence[Measurement], about: Header | None = None) -> Report:
    """Return a complete report."""
    names = tuple(dict.fromkeys(one.framework for one in measurements))
    return Report.of([about or header(names), *measurements, Footer({}, 12.5)])
