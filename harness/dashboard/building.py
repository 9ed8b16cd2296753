"""From reports to the whole folder."""

from __future__ import annotations

import multiprocessing
from collections import ChainMap, Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import InputError
from harness.core.parent import end_with_parent
from harness.dashboard.benchmarks import fastest, write_benchmark
from harness.dashboard.case_pages import Chunk, chunks
from harness.dashboard.conformance import STATES, Conformance, limitations, summary, write_matrix
from harness.dashboard.frame import Site, dashboard_folder, title
from harness.dashboard.history import write_history
from harness.dashboard.layers import usual_pair, write_layers, writers
from harness.dashboard.parameters import EXPLANATIONS, PARAMETERS, index, legality
from harness.records.report_file import Report
from harness.report.badge import badges
from harness.report.words import alike, describe_machine

if TYPE_CHECKING:
    from harness.history.store import Store

# The start page shows this many failures.
_MOST_BAD: Final = 30
_FEW_CHUNKS: Final = 8


@dataclass(frozen=True)
class Built:
    """A dashboard that was written."""

    start: Path
    pages: int

    @property
    def text(self) -> str:
        """The line to print."""
        return f"{self.pages} pages; open {self.start}"


def build(
    reports: Sequence[Report], folder: Path, store: Store | None = None, *, processes: int = 1
) -> Built:
    """Write a dashboard of one conformance report at most, any number of benchmarks, and a history.

    The folder is new, empty, or an earlier dashboard's, which is replaced.  Several ``processes``
    share the work of a large report.

    Raises
    ------
    InputError
        If there are two conformance reports, the folder holds something else, or a library is not
        installed.
    """
    timed = [report for report in reports if report.measurements]
    tried = [report for report in reports if not report.measurements]
    if len(tried) > 1:
        raise InputError("a dashboard shows one conformance report; more were given.")
    conformance = Conformance(tried[0]) if tried else None
    benches = {f"benchmarks{n or ''}.html": report for n, report in enumerate(timed)}
    # The pages that each page links to.
    names = ["Conformance", "Parameters", "Layers", "Limitations"] if conformance else []
    names += ["Benchmarks"] * bool(benches) + ["History"] * bool(store)
    pages = [("index.html", "Start"), *((f"{name.lower()}.html", name) for name in names)]
    with dashboard_folder(folder, charts=bool(timed) or store is not None) as new:
        site = Site(new, in_short(reports), pages)
        for address, report in benches.items():
            others = [(_label(one), other) for other, one in benches.items() if other != address]
            write_benchmark(site, report, address, others)
        if conformance:
            _write_conformance(site, conformance, processes)
        if store:
            addresses = {each.id: each.address for each in conformance.cases} if conformance else {}
            write_history(site, store, addresses)
        _write_start(site, conformance, benches, " | ".join(map(_whole, reports)))
        return Built(folder / "index.html", sum(1 for _ in new.rglob("*.html")))


def _label(report: Report) -> str:
    suites = dict.fromkeys(one.suite for one in report.measurements)
    return f"{', '.join(islice(suites, 3))} ({report.header.started[:10]})"


def _write_cases(site: Site, shown: Conformance, processes: int) -> dict[str, dict[str, Any]]:
    """Write the cases' pages, most of the work; return the programs, by case and framework."""
    parts = list(chunks(site, shown))
    # A process needs a second to start.
    if processes == 1 or len(parts) < _FEW_CHUNKS:
        return dict(ChainMap(*map(Chunk.write, parts)))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, end_with_parent) as pool:
        return dict(ChainMap(*pool.map(Chunk.write, parts)))


def _write_conformance(site: Site, shown: Conformance, processes: int) -> None:
    for name, drawn in badges(shown.report).items():
        site.write(f"badges/{name}", drawn)
    write_matrix(site, shown)
    write_layers(site, shown, _write_cases(site, shown, processes))
    indexed = site.data("index", index(shown))
    site.page(
        "parameters.html",
        scripts=(indexed, "index_of_cases.js", "parameters.js"),
        parameters=PARAMETERS,
        explanations=EXPLANATIONS,
        suites=shown.suites,
        legality=legality(shown),
        usual=_most_rewritten(shown),
        **shown.frame(),
    )
    site.page("limitations.html", limitations=limitations(shown), states=STATES)


def _write_start(
    site: Site, shown: Conformance | None, benches: dict[str, Report], origin: str
) -> None:
    scripts = ["start.js"]
    quickest = [row for page, report in benches.items() for row in fastest(report, page)]
    if quickest:
        scripts.insert(0, site.data("fastest", quickest))
    if shown:
        scripts = ["data/index.js", "index_of_cases.js", *scripts]
    timed = list(dict.fromkeys(row["case"] for row in quickest))
    site.page(
        "index.html",
        scripts=scripts,
        whole_origin=origin,
        conformance=shown is not None,
        fastest=bool(quickest),
        timed=timed,
        known_layer=any("fcn32s" in case for case in timed),
        fastest_page="benchmarks.html",
        parameters=PARAMETERS,
        **({"summary": "Times of transposed convolutions."} | (_start_of(shown) if shown else {})),
    )


def _start_of(shown: Conformance) -> dict[str, Any]:
    addresses = {each.id: each.address for each in shown.cases}
    wrong = [(group, addresses[group[0].case]) for group in alike(shown.report.bad)]
    return {
        "summary": f"{summary(shown.report)} {shown.report.header.started[:10]}.",
        "frameworks": shown.report.frameworks,
        "first": _most_rewritten(shown),
        "writers": [(name, title(name)) for name in writers(shown)],
        "pair": usual_pair(),
        "supports": _supports(shown),
        "bad": wrong[:_MOST_BAD],
        "bad_left": len(wrong[_MOST_BAD:]),
        **shown.frame(),
    }


def _most_rewritten(shown: Conformance) -> str:
    counts = _supports(shown)
    return max(shown.report.columns, key=lambda name: counts[name]["rewritten"], default="")


def _supports(shown: Conformance) -> dict[str, dict[str, int]]:
    """Count for each framework how it expresses the cases."""
    kinds = ("native", "rewritten", "unsupported")
    met = Counter(
        (name, one.legality) for each in shown.cases for name, one in each.results.items()
    )
    names = shown.report.frameworks
    return {name: {kind: met[name, kind] for kind in kinds} for name in names}


def in_short(reports: Sequence[Report]) -> str:
    """Describe them in a line for every page's footer, by one report: conformance if given."""
    if not reports:
        return ""
    first = min(reports, key=lambda report: bool(report.measurements))
    words = [f"{_kind(first).capitalize()} of {first.header.started[:10]}", _commit(first)]
    if left := len(reports) - 1:
        words.append(f"and {left} more report{'s' * (left > 1)}")
    return f"{', '.join(word for word in words if word)}."


def _whole(report: Report) -> str:
    """Describe a report by its whole header; one page shows it."""
    header = report.header
    words = [f"{_kind(report)} of {header.started}", f"deconform {header.deconform}"]
    words += [_commit(report), describe_machine(header.machine, "cpu", "cores", "os")]
    return ", ".join(word for word in words if word)


def _kind(report: Report) -> str:
    return "benchmark" if report.measurements else "conformance"


def _commit(report: Report) -> str:
    commit = report.header.commit
    return f"commit {commit[:10]}{'-dirty' * commit.endswith('-dirty')}" if commit else ""
