"""A benchmark in one picture: each framework's time relative to the baseline, by suite."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.bench.intervals import Interval
from harness.core.errors import InputError
from harness.records.check import DIRECTIONS
from harness.records.report_file import Report
from harness.report.side_by_side import SideBySide

_TITLES: Final = {"forward": "forward", "gradient": "forward and gradients"}
# Distinct for colour-blind readers (Okabe & Ito), and in shape.
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")
_MARKS: Final = tuple(zip(_COLOURS, "os^DvPX", strict=True))
_STYLE: Final = {
    "svg.hashsalt": "deconform",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def benchmark_chart(report: Report, baseline: str | None = None) -> str:
    """Draw the geometric means of a benchmark's ratios, by suite and framework, as SVG.

    Ratios refer to the first framework that was measured, or to ``baseline``.  The document is
    reproducible for one report and version of Matplotlib.

    Raises
    ------
    InputError
        If Matplotlib is missing, the baseline was not measured, or nothing else was.
    """
    table = SideBySide.of(report, baseline)
    means = means_by_suite(table)
    if not means:
        raise InputError("a chart needs a baseline and another framework, measured side by side.")
    try:
        from matplotlib import rc_context  # noqa: PLC0415 -- an extra
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "a chart needs Matplotlib: python -m pip install 'deconform[publish]'"
        ) from None
    directions = [one for one in DIRECTIONS if any(key[0] == one for key in means)]
    suites = list(dict.fromkeys(suite for _, suite, _ in means))
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 1.5 + 0.42 * len(suites)), layout="constrained")
        panels = figure.subplots(1, len(directions), sharey=True, squeeze=False)[0]
        for panel, direction in zip(panels, directions, strict=True):
            of = {key[1:]: mean for key, mean in means.items() if key[0] == direction}
            _draw(panel, of, suites, table)
            panel.set_title(_TITLES[direction], fontsize=11)
        _label(figure, panels[0], suites, table.baseline)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def means_by_suite(table: SideBySide) -> Mapping[tuple[str, str, str], Interval]:
    """Return the geometric means of the ratios by direction, suite and framework."""
    by_key = table.means_by(lambda row, name: (row.direction, row.measurements[name].suite, name))
    return {key: mean for key, (mean, _) in by_key.items()}


def _draw(
    panel: Any, means: Mapping[tuple[str, str], Interval], suites: Sequence[str], table: SideBySide
) -> None:
    """Draw a row for each suite, with a mark and its interval for each framework."""
    others = [name for name in table.frameworks if name != table.baseline]
    for i, framework in enumerate(others):
        points = {
            row: means[suite, framework]
            for row, suite in enumerate(suites)
            if (suite, framework) in means
        }
        of = points.values()
        shift = 0.5 * ((i + 0.5) / len(others) - 0.5)
        colour, marker = _MARKS[i % len(_MARKS)]
        panel.errorbar(
            [mean.value for mean in of],
            [row + shift for row in points],
            xerr=([mean.value - mean.low for mean in of], [mean.high - mean.value for mean in of]),
            fmt=marker,
            color=colour,
            markersize=6,
            elinewidth=1.2,
            label=framework,
        )
    panel.axvline(1, color="#333333", linewidth=1)
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter(lambda value, _: f"x{value:g}")
    panel.grid(axis="x", color="#dddddd", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(axis="y", length=0)


def _label(figure: Any, panel: Any, suites: Sequence[str], baseline: str) -> None:
    panel.set_yticks(range(len(suites)), [suite.removeprefix("bench/") for suite in suites])
    panel.invert_yaxis()
    figure.supxlabel(
        f"time as a multiple of {baseline}'s, geometric mean over the suite; left is faster",
        fontsize=10,
    )
    figure.legend(
        *panel.get_legend_handles_labels(), loc="outside upper center", ncols=7, frameon=False
    )
