"""Published results: what ``deconform publish`` writes and ``reports/published`` holds.

Two reports go in, a conformance run's and a benchmark's; out come both of them compressed, and what
a reader of the repository sees of them: tables, badges, a chart, pictures of some operators.  Each
number is read from the very files that are published.  Paths of the
machine that ran it are left out of them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.convention.registry import convention
from harness.core.errors import InputError
from harness.core.files import whole_folder, write_whole
from harness.drawing import draw_svg
from harness.execution import environments
from harness.records.record import Event
from harness.records.report_file import Report, as_line
from harness.report.badge import badges
from harness.report.benchmark import benchmark_markdown, conditions, ending
from harness.report.benchmark_chart import benchmark_chart
from harness.report.formats import Kind, kind_of
from harness.report.markdown import code, escaped, markdown, matrix
from harness.suite.case import case_from_descriptor

# What a reader meets first: an even overlap, a crop of one end, dilation, gaps, a large kernel.
DRAWINGS: Final = {
    "exact-doubling": "ic1_oc1_k4x4_s2x2_c1.1x1.1_n1_i4x4",
    "output-padding": "ic1_oc1_k3x3_s2x2_c1.0x1.0_n1_i4x4",
    "dilation": "ic1_oc1_k3x3_d2x2_n1_i4x4",
    "gaps": "ic1_oc1_k2x2_s3x3_c0.-1x0.-1_n1_i3x3",
    "fcn-32s": "ic1_oc1_k64x64_s32x32_c16.16x16.16_n1_i16x16",
}
_INTERPRETER: Final = re.compile(r"(?:/[\w.+~-]+)+/bin/(python[\w.]*)", re.ASCII)


def publish(conformance: Path, bench: Path, output: Path) -> list[str]:
    """Write everything that is published from two reports; return the files' names.

    Nothing is written where anything is wrong with either.

    Raises
    ------
    InputError
        If a report is of the other kind, or of a run that did not come to its end.
    """
    with whole_folder(output, stale=("badges/*.svg", "drawings/*.svg")) as folder:
        texts = _texts(
            _compressed(conformance, folder / "conformance.jsonl.gz"),
            _compressed(bench, folder / "bench.jsonl.gz"),
        )
        for name, text in texts.items():
            write_whole(folder / name, text)
    return ["bench.jsonl.gz", "conformance.jsonl.gz", *texts]


def _compressed(source: Path, target: Path) -> Report:
    """Compress a report without the paths of this machine, and read it back."""
    report = Report.read(source)
    wanted: Kind = "benchmark" if target.name.startswith("bench") else "conformance run"
    if report.footer is None:
        raise InputError(f"{source}: the run was interrupted; publish one that is whole.")
    if kind_of(report) != wanted or not (report.records or report.measurements):
        raise InputError(f"{source}: this is not a {wanted}'s report.")
    events: list[Event] = [report.header, *report.records, *report.measurements, report.footer]
    text = _INTERPRETER.sub(r"\1", "".join(map(as_line, events)))
    for folder in (Path.cwd(), environments.folder(), Path.home()):
        if len(folder.parts) > 1:
            text = re.sub(rf"(?<![\w./-]){re.escape(str(folder))}/", "", text)
    # No time stamp, so that the same report gives the same bytes.
    target.write_bytes(gzip.compress(text.encode(), mtime=0))
    return Report.read(target)


def _texts(conformance: Report, bench: Report) -> Mapping[str, str]:
    """Write each text that is published, by the name of its file."""
    measured = {one.framework for one in bench.measurements if one.samples}
    baseline = next((name for name in measured if convention(name).is_baseline), None)
    drawn = {f"badges/{name}": text for name, text in badges(conformance).items()}
    for name, descriptor in DRAWINGS.items():
        case = case_from_descriptor(descriptor)
        drawn[f"drawings/{name}.svg"] = draw_svg(case.operator, case.in_size)
    return {
        "conformance.md": markdown(conformance),
        "bench.md": benchmark_markdown(bench, baseline),
        "bench.svg": benchmark_chart(bench, baseline),
        **drawn,
        "README.md": "\n".join(_readme(conformance, bench, drawn)) + "\n",
    }


def _readme(conformance: Report, bench: Report, drawn: Iterable[str]) -> Iterator[str]:
    bad = sum(1 for _ in conformance.bad)
    verdict = f"{bad} of them bad" if bad else "nothing failed"
    checked = f"{conformance.header.cases} cases, {conformance.checks} checks: {verdict}."
    yield from ("# Published results", "")
    yield from (
        "Written by `deconform publish` from the last full runs: every number and",
        "every picture here comes from the two reports next to it, which `deconform report` shows.",
    )
    yield from ("", "## Conformance", "", f"{_run(conformance)} {checked}", "")
    yield from (f"![{Path(one).stem}]({one})" for one in drawn if one.startswith("badges/"))
    yield ""
    yield from matrix(conformance)
    yield from ("", "All of it: [conformance.md](conformance.md),")
    yield "[conformance.jsonl.gz](conformance.jsonl.gz)."
    yield from ("", "## Benchmark", "", f"{_run(bench)} {ending(bench)}", "")
    yield "![Times beside the baseline's, by suite](bench.svg)"
    yield from (
        "",
        "All of it: [bench.md](bench.md), [bench.jsonl.gz](bench.jsonl.gz). Measured with:",
    )
    yield ""
    yield from (f"- {escaped(line)}" for line in conditions(bench.header) if line)
    yield from ("", "## Geometry", "")
    for name, descriptor in DRAWINGS.items():
        yield from (
            f"`deconform draw {descriptor} -o FILE.svg`",
            "",
            f"![{name}](drawings/{name}.svg)",
            "",
        )


def _run(report: Report) -> str:
    header = report.header
    commit = f", commit {code(header.commit[:12])}" if header.commit else ""
    return f"{escaped(header.started)}, deconform {escaped(header.deconform)}{commit}."
