"""A benchmark as CSV: one row per measurement, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Final

from harness.bench.intervals import median_interval
from harness.bench.roofline import rates, share
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Header
from harness.records.report_file import Report

COLUMNS: Final[Mapping[str, str]] = {
    "started": "when the run began",
    "commit": "what was checked out",
    "machine": "the machine's fingerprint",
    "case": "",
    "suite": "",
    "descriptor": "",
    "framework": "",
    "version": "of the framework",
    "device": "where it ran",
    "direction": "forward or gradient",
    "support": "native or rewritten",
    "status": "MEASURED, or what became of it",
    "reason": "why there is no time",
    "dtype": "",
    "batch": "images a call",
    "multiply_adds": "useful ones of a call",
    "nbytes": "that a call must touch",
    "samples": "how many; the report's JSON lines hold them",
    "calls": "in a sample",
    "median_s": "seconds a call",
    "low_s": "lower end of the median's 99 % interval; empty if there is none",
    "high_s": "upper end",
    "min_s": "least sample",
    "images_per_s": "",
    "gflop_per_s": "a multiply-add is two",
    "gb_per_s": "",
    "ceiling_share": "of what this machine can do; empty if it was not measured",
    "bound": "compute or memory: which ceiling",
    "first_s": "seconds of the first call",
    "to_native_s": "seconds of the conversion into the framework",
    "from_native_s": "seconds of the conversion back",
    "cpus": "processors kept busy",
    "peak_bytes": "of memory",
}


def measurement_csv(report: Report) -> str:
    """Write one row per measurement; ``COLUMNS`` describes the columns.

    A program without a time has its status and its reason, and empty figures.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(COLUMNS), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(report, one) for one in report.measurements)
    return stream.getvalue()


def _row(report: Report, one: Measurement) -> dict[str, object]:
    info = report.header.frameworks[one.framework]
    row: dict[str, object] = {
        "started": report.header.started,
        "commit": report.header.commit,
        "machine": report.header.machine.get("fingerprint", ""),
        "version": info.version,
        "device": info.device,
        "samples": len(one.samples),
    }
    same = COLUMNS.keys() & vars(one).keys() - row.keys()
    row |= {name: value for name in same if (value := getattr(one, name)) is not None}
    return row | _figures(report, one) if one.status == MEASURED else row


def _figures(report: Report, one: Measurement) -> dict[str, object]:
    time = median_interval(one.samples)
    return {
        "median_s": time.value,
        "low_s": time.low or "",
        "high_s": time.high if math.isfinite(time.high) else "",
        "min_s": min(one.samples),
        **rate_fields(one, report.header),
    }


def rate_fields(one: Measurement, header: Header) -> dict[str, object]:
    """Return the rates of a measurement, and the part of which ceiling they are, if known."""
    rate, reached = rates(one), share(one, header.ceilings)
    return {
        "images_per_s": rate.images,
        "gflop_per_s": rate.operations / 1e9,
        "gb_per_s": rate.nbytes / 1e9,
        "ceiling_share": reached.part if reached else None,
        "bound": reached.bound if reached else None,
    }
