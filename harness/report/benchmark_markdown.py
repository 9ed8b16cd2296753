"""A benchmark as Markdown: the same tables as in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.records.check import DIRECTIONS
from harness.records.record import Header
from harness.records.report_file import Report
from harness.report import quantities
from harness.report.benchmark import conditions, ending, explanation, missing, rate_cells
from harness.report.markdown import folded, table
from harness.report.side_by_side import Row, SideBySide

_FIGURES: Final = (
    *("case", "direction", "framework", "median", "images/s", "GFLOP/s", "GB/s"),
    *("of ceiling", "first call", "in", "out", "peak memory", "samples"),
)


def benchmark_markdown(report: Report, baseline: str | None = None) -> str:
    """Write a benchmark: times side by side, means, and every figure in folded details.

    Raises
    ------
    InputError
        If the baseline was not measured.
    """
    return "\n".join(_lines(report, SideBySide.of(report, baseline))) + "\n"


def _lines(report: Report, shown: SideBySide) -> Iterator[str]:
    yield from ("# Benchmark of transposed convolutions", "", ending(report))
    if shown.baseline:
        yield ""
        cells = (
            (row.case, row.direction, *(_cell(row, name) for name in shown.frameworks))
            for row in shown.rows
        )
        yield from table(("case", "direction", *shown.frameworks), cells)
        yield from ("", " ".join(explanation(shown)), "", "## Geometric means of the ratios", "")
        yield from table(("direction", *shown.frameworks), _means(shown))
        figures = (
            (row.case, row.direction, name, *_figures(row, name, report.header))
            for row in shown.rows
            for name in row.times
        )
        yield from folded("Every figure of each program", table(_FIGURES, figures))
    if untimed := list(missing(report.measurements)):
        yield from ("", "## Without a time", "")
        yield from (f"- {line}" for line in untimed)
    yield from ("", "## Measured with", "")
    yield from (f"- {line}" for line in conditions(report.header) if line)


def _cell(row: Row, framework: str) -> str:
    text, ratio = row.cell(framework)
    return f"{text} ({quantities.ratio(ratio)})" if ratio else text


def _means(shown: SideBySide) -> Iterator[tuple[str, ...]]:
    for direction in DIRECTIONS:
        means = (shown.means.get((direction, name)) for name in shown.frameworks)
        cells = [f"{quantities.ratio(m[0])} of {m[1]}" if m else "" for m in means]
        if any(cells):
            yield direction, *cells


def _figures(row: Row, framework: str, header: Header) -> tuple[str, ...]:
    one = row.measurements[framework]
    return (
        quantities.time(row.times[framework]),
        *rate_cells(one, header),
        *map(quantities.seconds, (one.first_s, one.to_native_s, one.from_native_s)),
        quantities.size(one.peak_bytes),
        f"{len(one.samples)} x {one.calls}",
    )
