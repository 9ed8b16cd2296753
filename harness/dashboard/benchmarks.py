"""The pages of a benchmark: which framework is the fastest, by how much, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.bench.intervals import CONFIDENCE, Change, Interval, change, paired_ratio
from harness.bench.roofline import rates
from harness.dashboard.frame import Site, title
from harness.records.measurement import MEASURED, Measurement
from harness.records.report_file import Report
from harness.report import quantities
from harness.report.benchmark import ceilings, conditions, ending, missing
from harness.report.side_by_side import Row, SideBySide
from harness.report.words import describe_machine

_EXPLANATION: Final = (
    f"Median time of a call and the farther end of its {CONFIDENCE:.0%} interval; below it the "
    "ratio to the fastest of the row, of times that were taken in the same rounds. Nobody is "
    "called the fastest where these ratios cannot tell: others may be. ±? is an interval without "
    "an end: there were too few rounds."
)


def write_benchmark(
    site: Site, report: Report, address: str, others: list[tuple[str, str]]
) -> None:
    """Write a benchmark's page."""
    table = SideBySide.of(report)
    timed = [row for row in table.rows if row.times]
    name = address.removesuffix(".html")
    scripts: tuple[str, ...] = ()
    if timed:
        site.data(name, _figures(report, table))
        scripts = (f"data/{name}.js", "charts.js", "benchmarks.js")
    site.page(
        "benchmarks.html",
        address,
        scripts=scripts,
        data=name,
        plotly_style=site.plotly_style,
        summary=ending(report),
        conditions=[line for line in conditions(report.header) if line],
        ceilings=", ".join(ceilings(report.header.ceilings)),
        others=others,
        cases=list(dict.fromkeys(row.case for row in timed)),
        confidence=f"{CONFIDENCE:.0%}",
        explanation=_EXPLANATION,
        measured=table.frameworks,
        rows=[_cells(row, table.frameworks) for row in table.rows],
        missing=list(missing(report.measurements)),
    )


def fastest(report: Report, page: str) -> list[dict[str, str]]:
    """Return for each case and direction which framework is the fastest, and on which machine."""
    where = describe_machine(report.header.machine, "cpu", "cores")
    where = f"Measured {report.header.started[:10]}{f' on {where}' * bool(where)}."
    rows = (row for row in SideBySide.of(report).rows if row.times)
    return [{**_named(row), "text": verdict(row), "page": page, "where": where} for row in rows]


def _named(row: Row) -> dict[str, str]:
    return {"case": row.case, "direction": row.direction}


def verdict(row: Row) -> str:
    """Name the fastest, and those that cannot be distinguished from it.

    A benchmark that has nothing to compare with has no fastest.
    """
    best = _best(row)
    time = row.times[best]
    # A sentence has none of the signs that only tables explain.
    took = quantities.time(time) if time.is_bounded else f"about {quantities.seconds(time.value)}"
    if len(row.times) == 1:
        return f"only {title(best)} was measured, {took}."
    ratios = _ratios(row, best)
    if level := _level(ratios):
        names = ", ".join(title(name) for name in level)
        return f"{title(best)} in {took}, but these rounds cannot tell it from {names}."
    second = min(ratios, key=lambda name: ratios[name].value)
    factor = quantities.three_digits(ratios[second].value)
    return f"{title(best)} in {took}; next is {title(second)}, which takes {factor} times as long."


def _briefly(row: Row) -> str:
    """Name the fastest, and count those that cannot be distinguished from it."""
    best = _best(row)
    level = len(_level(_ratios(row, best)))
    if not level:
        return title(best)
    return f"{title(best)} or {level} other{'s' * (level > 1)}"


def _ratios(row: Row, best: str) -> dict[str, Interval]:
    samples = {name: row.measurements[name].samples for name in row.times}
    return {
        name: paired_ratio(each, samples[best]) for name, each in samples.items() if name != best
    }


def _level(ratios: Mapping[str, Interval]) -> list[str]:
    """Return those that may be as fast."""
    return [name for name, ratio in ratios.items() if change(ratio) != Change.SLOWER]


def _best(row: Row) -> str:
    return min(row.times, key=lambda name: row.times[name].value)


def _cells(row: Row, frameworks: tuple[str, ...]) -> dict[str, Any]:
    ratios = _ratios(row, _best(row)) if row.times else {}
    cells = {name: row.cell(name)[0] for name in frameworks}
    return {
        **_named(row),
        "fastest": _briefly(row) if row.times else "",
        "verdict": verdict(row) if row.times else "",
        "cells": {
            name: (text, quantities.ratio(ratios[name])) if name in ratios else (text.lower(), "")
            for name, text in cells.items()
        },
    }


def _figures(report: Report, table: SideBySide) -> dict[str, Any]:
    copy = report.header.ceilings.get("copy_bytes")
    used = {one.dtype for one in report.measurements if one.status == MEASURED}
    roofs = {}
    for name, top in report.header.ceilings.items():
        kind, _, dtype = name.partition(":")
        if kind == "gemm_flops" and copy and dtype in used:
            roofs[dtype] = {"flops": top, "ridge": top / copy}
    return {
        "frameworks": table.frameworks,
        "titles": [title(name) for name in table.frameworks],
        "copy": copy,
        "roofs": roofs,
        "rows": [_row(row, table.frameworks) for row in table.rows if row.times],
    }


def _row(row: Row, frameworks: tuple[str, ...]) -> dict[str, Any]:
    one = next(iter(row.measurements.values()))
    return {
        **_named(row),
        "fastest": verdict(row),
        "about": f"{one.descriptor}, {one.dtype}, {one.batch} a call",
        "entries": [_entry(row, name, frameworks.index(name)) for name in row.times],
    }


def _entry(row: Row, framework: str, number: int) -> Mapping[str, Any]:
    one: Measurement = row.measurements[framework]
    time = row.times[framework]
    return {
        "framework": number,
        "median": time.value,
        "low": time.low if time.is_bounded else None,
        "high": time.high if time.is_bounded else None,
        "label": quantities.time(time),
        "first": one.first_s,
        "in": one.to_native_s,
        "out": one.from_native_s,
        "intensity": 2 * one.multiply_adds / one.nbytes if one.nbytes else None,
        "rate": rates(one).operations,
    }
