"""JSON as pytest-benchmark saves it, for what reads that.

``pytest-benchmark compare`` does, github-action-benchmark (``tool: pytest``) and bencher (adapter
``python_pytest``).  A group is a case in one direction, so that frameworks stand side by side.  See
https://pytest-benchmark.readthedocs.io for the fields; the statistics are its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Header
from harness.records.report_file import Report
from harness.report.measurement_csv import rate_fields

_KEPT: Final = ("first_s", "to_native_s", "from_native_s", "cpus", "peak_bytes")
_FORMAT: Final = "5.0.0"  # Of pytest-benchmark; its fields are the same since 3.1.


def pytest_benchmark(report: Report) -> str:
    """Write the measured programs; the format has no word for those without a time."""
    measured = (one for one in report.measurements if one.status == MEASURED)
    saved = {
        "machine_info": _machine(report.header),
        "commit_info": _commit(report.header),
        "benchmarks": [_benchmark(one, report.header) for one in measured],
        "datetime": report.header.started,
        "version": _FORMAT,
    }
    return json.dumps(saved, indent=4) + "\n"


def _machine(header: Header) -> dict[str, Any]:
    """What is known of the machine, under pytest-benchmark's names where it has one."""
    machine = dict(header.machine)
    cpu = {"brand_raw": machine.pop("cpu", "unknown"), "flags": machine.pop("flags", "").split()}
    return {
        "node": machine.get("fingerprint", "unknown"),
        "processor": cpu["brand_raw"],
        "system": machine.pop("os", "unknown"),
        "cpu": cpu,
        **machine,
        "settings": dict(header.settings),
        "ceilings": dict(header.ceilings),
        "frameworks": {name: info.to_json() for name, info in header.frameworks.items()},
    }


def _commit(header: Header) -> dict[str, Any]:
    return {
        "id": header.commit.removesuffix("-dirty") or "unversioned",
        "time": None,
        "author_time": None,
        "dirty": header.commit.endswith("-dirty"),
        "project": "deconform",
        "branch": "(unknown)",
    }


def _benchmark(one: Measurement, header: Header) -> dict[str, Any]:
    return {
        "group": f"{one.case} {one.direction}",
        "name": one.framework,
        "fullname": f"{one.case}[{one.direction}-{one.framework}]",
        "params": {"case": one.case, "direction": one.direction, "framework": one.framework},
        "param": f"{one.direction}-{one.framework}",
        "extra_info": {
            **{name: getattr(one, name) for name in ("descriptor", "dtype", "batch")},
            **rate_fields(one, header),
            **{name: getattr(one, name) for name in _KEPT},
        },
        "options": {"disable_gc": True, "warmup": True},
        "stats": {**_stats(one.samples), "iterations": one.calls, "data": list(one.samples)},
    }


def _stats(samples: Sequence[float]) -> dict[str, Any]:
    from pytest_benchmark.stats import Stats  # noqa: PLC0415 -- an extra

    stats = Stats()
    for sample in samples:
        stats.update(sample)
    return dict(stats.as_dict())
