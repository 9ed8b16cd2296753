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
    name = "benchmarks" + address.removeprefix("benchmarks").removesuffix(".html")
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
    """Return for each case and direction which framework is the fastest."""
    where = _where(report)
    return [
        {
            "case": row.case,
            "direction": row.direction,
            "text": verdict(row),
            "page": page,
            "where": where,
        }
        for row in SideBySide.of(report).rows
        if row.times
    ]


def _where(report: Report) -> str:
    """Describe the machine."""
    machine = report.header.machine
    cores = f"{machine['cores']} cores" if machine.get("cores") else ""
    where = ", ".join(word for word in (machine.get("cpu", ""), cores) if word)
    return f"Measured {report.header.started[:10]}{f' on {where}' * bool(where)}."


def verdict(row: Row) -> str:
    """Name the fastest, and those that cannot be distinguished from it.

    A benchmark that has nothing to compare with has no fastest.
    """
    best = _best(row)
    time = _sentence_time(row.times[best])
    if len(row.times) == 1:
        return f"only {title(best)} was measured, {time}."
    ratios = _ratios(row, best)
    level = _level(ratios)
    if level:
        names = ", ".join(title(name) for name in level)
        return f"{title(best)} in {time}, but these rounds cannot tell it from {names}."
    second = min(ratios, key=lambda name: ratios[name].value)
    factor = quantities.three_digits(ratios[second].value)
    return f"{title(best)} in {time}; next is {title(second)}, which takes {factor} times as long."


def _sentence_time(interval: Interval) -> str:
    """Write a time for a sentence, without the signs that only tables explain."""
    if interval.is_bounded:
        return quantities.time(interval)
    return f"about {quantities.seconds(interval.value)}"


def _briefly(row: Row) -> str:
    """Name the fastest, and count those that cannot be distinguished from it."""
    best = _best(row)
    level = len(_level(_ratios(row, best)))
    if not level:
        return title(best)
    return f"{title(best)} or {level} other{'s' * (level > 1)}"


def _ratios(row: Row, best: str) -> dict[str, Interval]:
    return {name: _ratio(row, name, best) for name in row.times if name != best}


def _level(ratios: Mapping[str, Interval]) -> list[str]:
    """Return those that may be as fast."""
    return [name for name, ratio in ratios.items() if change(ratio) != Change.SLOWER]


def _best(row: Row) -> str:
    return min(row.times, key=lambda name: row.times[name].value)


def _ratio(row: Row, framework: str, best: str) -> Interval:
    measured = row.measurements
    return paired_ratio(measured[framework].samples, measured[best].samples)


def _cells(row: Row, frameworks: tuple[str, ...]) -> dict[str, Any]:
    best = _best(row) if row.times else ""
    return {
        "case": row.case,
        "direction": row.direction,
        "fastest": _briefly(row) if row.times else "",
        "verdict": verdict(row) if row.times else "",
        "cells": {name: _cell(row, name, best) for name in frameworks},
    }


def _cell(row: Row, framework: str, best: str) -> tuple[str, str]:
    """A time, and its ratio to the fastest."""
    text, _ = row.cell(framework)
    if framework == best or framework not in row.times:
        return text.lower(), ""
    return text, quantities.ratio(_ratio(row, framework, best))


def _figures(report: Report, table: SideBySide) -> dict[str, Any]:
    """Return the numbers that charts are drawn from."""
    ceiling = report.header.ceilings
    copy = ceiling.get("copy_bytes")
    flops = {
        name.removeprefix("gemm_flops:"): value
        for name, value in ceiling.items()
        if name.startswith("gemm_flops:")
    }
    used = {one.dtype for one in report.measurements if one.status == MEASURED}
    return {
        "frameworks": table.frameworks,
        "titles": [title(name) for name in table.frameworks],
        "copy": copy,
        "roofs": {
            dtype: {"flops": top, "ridge": top / copy}
            for dtype, top in flops.items()
            if copy and dtype in used
        },
        "rows": [_row(row, table.frameworks) for row in table.rows if row.times],
    }


def _row(row: Row, frameworks: tuple[str, ...]) -> dict[str, Any]:
    one = next(iter(row.measurements.values()))
    return {
        "case": row.case,
        "direction": row.direction,
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
