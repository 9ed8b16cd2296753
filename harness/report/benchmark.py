"""A benchmark in the terminal and as Markdown: times side by side, every figure of each program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from harness.bench.intervals import CONFIDENCE, Change, Interval, change
from harness.bench.roofline import rates, share
from harness.records.check import DIRECTIONS
from harness.records.measurement import MEASURED, Measurement
from harness.records.record import Header
from harness.records.report_file import Report
from harness.report import quantities
from harness.report.grid import Cell, GridRow, grid
from harness.report.markdown import escaped, folded, table
from harness.report.side_by_side import Row, SideBySide
from harness.report.words import describe_engine, describe_machine

STYLES: Mapping[Change, str] = {Change.FASTER: "green", Change.SLOWER: "red"}
_FIGURES: Final = (
    *("case", "direction", "framework", "median", "images/s", "GFLOP/s", "GB/s"),
    *("of ceiling", "first call", "in", "out", "peak memory", "samples"),
)


def print_benchmark(
    report: Report, console: Console, baseline: str | None = None, *, detail: bool = False
) -> None:
    """Print a benchmark: times side by side, means, and the programs without a time.

    Ratios refer to the first framework that was measured, or to ``baseline``.  In ``detail``, each
    program's rates, share of the machine's ceilings, first call, conversions and memory come first.
    """
    table = SideBySide.of(report, baseline)
    lines: list[Text] = []
    if table.baseline:
        rows, means = _overview(table)
        lines += (Text(text, "dim") for text in explanation(table))
        lines += _detail(table, report.header) if detail else ()
        lines += grid(table.frameworks, means if detail else [*rows, *means], console.width)
    lines += map(Text, (*conditions(report.header), *missing(report.measurements), ""))
    lines.append(Text(ending(report), "bold green" if report.ok else "bold red"))
    for line in lines:
        console.print(line, soft_wrap=True)


def conditions(header: Header) -> Iterator[str]:
    """Describe engines, machine, settings and ceilings."""
    yield ""
    for name, info in header.frameworks.items():
        version, engine = describe_engine(info)
        count = info.threads
        threads = f", {count} thread{'s' * (count != '1')}" if count else ""
        libraries = "".join(f", {each}" for each in (info.blas, info.compiler) if each)
        yield f"{name} {version} ({engine}{libraries}{threads})"
    if machine := describe_machine(header.machine, "cpu", "cores", "memory", "os"):
        yield f"machine: {machine}"
    if header.settings:
        settings = (
            f"{key} {' '.join(map(str, value)) if isinstance(value, list) else value}"
            for key, value in header.settings.items()
        )
        yield "settings: " + ", ".join(settings)
    if header.ceilings:
        yield "ceilings: " + ", ".join(ceilings(header.ceilings))
    commit = f", commit {header.commit}" if header.commit else ""
    yield f"deconform {header.deconform}, {header.started}{commit}"


def ceilings(measured: Mapping[str, float]) -> Iterator[str]:
    """Write the rates that a machine reached, of operations and of bytes."""
    for name, value in measured.items():
        kind, _, dtype = name.partition(":")
        billions = quantities.three_digits(value / 1e9)
        yield {
            "gemm_flops": f"{billions} GFLOP/s {dtype} (matrix product)",
            "copy_bytes": f"{billions} GB/s (copy)",
        }.get(kind, f"{name} {value:g}")


def missing(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Explain why programs have no time, once for each reason."""
    cases_by_reason: dict[tuple[str, str, str], list[str]] = {}
    for one in measurements:
        if one.status != MEASURED:
            reason = " ".join((one.reason or "no reason is given").split())
            cases_by_reason.setdefault((one.framework, one.status, reason), []).append(one.case)
    for (framework, status, reason), cases in cases_by_reason.items():
        names = list(dict.fromkeys(cases))
        more = f" and {len(names) - 3} more cases" if len(names) > 3 else ""
        yield f"{status} {framework}: {reason} ({', '.join(names[:3])}{more})"


def ending(report: Report) -> str:
    """Describe how many programs were measured, and whether the run is complete."""
    measured = sum(one.status == MEASURED for one in report.measurements)
    text = f"{measured} of {len(report.measurements)} programs measured"
    if report.footer is None:
        return f"{text}; the run was interrupted: this is not all of it."
    bad = sum(one.is_bad for one in report.measurements)
    wrong = f"; {bad} went wrong" if bad else ""
    return f"{text} in {report.footer.elapsed_s:.1f} s{wrong}."


def explanation(table: SideBySide) -> tuple[str, ...]:
    """Explain the figures."""
    return (
        f"Time of a call: median, and the farther end of its {CONFIDENCE:.0%} interval.",
        f"x: ratio to {table.baseline}'s time in the same rounds; below 1 is less time.",
        "±?: too few rounds, or too much alike from one to the next, for an interval.",
    )


def _overview(table: SideBySide) -> tuple[list[GridRow], list[GridRow]]:
    names = table.frameworks
    rows = [
        GridRow(row.case, row.direction, [_cell(row, name) for name in names]) for row in table.rows
    ]
    heading = "geometric mean of the ratios, and of how many cases"
    means = [
        GridRow(heading, direction, [_mean(table, direction, name) for name in names])
        for direction in DIRECTIONS
        if any(key[0] == direction for key in table.means)
    ]
    return rows, means


def _cell(row: Row, framework: str) -> Cell:
    text, ratio = row.cell(framework)
    return Cell(text, quantities.ratio(ratio), _style(ratio)) if ratio else Cell(text)


def _mean(table: SideBySide, direction: str, framework: str) -> Cell:
    if (direction, framework) not in table.means:
        return Cell()
    mean, count = table.means[direction, framework]
    return Cell(quantities.ratio(mean), f"of {count}", _style(mean))


def _style(ratio: Interval) -> str:
    return STYLES.get(change(ratio), "")


def _detail(table: SideBySide, header: Header) -> Iterator[Text]:
    """Yield each program's figures in one line, and below it what is not steady state."""
    head = f"  {'':<11}{'median':>13}{'ratio':>12}{'images/s':>10}{'GFLOP/s':>9}{'GB/s':>7}"
    for row in table.rows:
        one = next(iter(row.measurements.values()))
        yield Text()
        yield Text.assemble((f"{row.case}, {row.direction}", "bold"))
        yield Text(f"  {one.descriptor}, {one.dtype}, {one.batch} a call", "dim")
        yield Text(f"{head}  of ceiling", "bold")
        for framework in table.frameworks:
            if framework in row.measurements:
                yield from _program(row, framework, header)


def _program(row: Row, framework: str, header: Header) -> Iterator[Text]:
    one = row.measurements[framework]
    if one.status != MEASURED:
        yield Text(f"  {framework:<11}{one.status}")
        return
    time, *speeds, reached, first, into, out, peak, samples = _figures(row, framework, header)
    ratio = row.cell(framework)[1]
    yield Text.assemble(
        f"  {framework:<11}{time:>13}",
        (f"{quantities.ratio(ratio) if ratio else '':>12}", _style(ratio) if ratio else ""),
        "{:>10}{:>9}{:>7}  {}".format(*speeds, reached),
    )
    # What a median leaves out.
    text = f"first call {first}; in {into}, out {out}; peak {peak}; {samples} calls"
    yield Text(f"    {text}", "dim")


def _figures(row: Row, framework: str, header: Header) -> tuple[str, ...]:
    """Write the figures below ``_FIGURES``."""
    one = row.measurements[framework]
    rate, reached = rates(one), share(one, header.ceilings)
    per_second = (rate.images, rate.operations / 1e9, rate.nbytes / 1e9)
    return (
        quantities.time(row.times[framework]),
        *map(quantities.three_digits, per_second),
        f"{reached.part:.0%} {reached.bound}" if reached else "?",
        *map(quantities.seconds, (one.first_s, one.to_native_s, one.from_native_s)),
        quantities.size(one.peak_bytes),
        f"{len(one.samples)} x {one.calls}",
    )


def benchmark_markdown(report: Report, baseline: str | None = None) -> str:
    """Write a benchmark: times side by side, means, and every figure in folded details.

    Raises
    ------
    InputError
        If the baseline was not measured.
    """
    return "\n".join(_markdown(report, SideBySide.of(report, baseline))) + "\n"


def _markdown(report: Report, shown: SideBySide) -> Iterator[str]:
    yield from ("# Benchmark of transposed convolutions", "", ending(report))
    if shown.baseline:
        yield ""
        rows, means = _overview(shown)
        times = ((row.heading, row.label, *_joined(row, "{} ({})")) for row in rows)
        yield from table(("case", "direction", *shown.frameworks), times)
        yield from (
            "",
            escaped(" ".join(explanation(shown))),
            "",
            "## Geometric means of the ratios",
            "",
        )
        ratios = ((row.label, *_joined(row, "{} {}")) for row in means)
        yield from table(("direction", *shown.frameworks), ratios)
        figures = (
            (row.case, row.direction, name, *_figures(row, name, report.header))
            for row in shown.rows
            for name in row.times
        )
        yield from folded("Every figure of each program", table(_FIGURES, figures))
    if untimed := list(missing(report.measurements)):
        yield from ("", "## Without a time", "")
        yield from (f"- {escaped(line)}" for line in untimed)
    yield from ("", "## Measured with", "")
    yield from (f"- {escaped(line)}" for line in conditions(report.header) if line)


def _joined(row: GridRow, both: str) -> list[str]:
    """Write a row's cells, those of two parts as ``both``."""
    return [both.format(one.first, one.second) if one.second else one.first for one in row.cells]
