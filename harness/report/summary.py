"""A short summary of a run, as Markdown for the summary page of a GitHub Actions job.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status, count_bad
from harness.report.markdown import FAILURE_HEAD, code, escaped, failure_row, folded, matrix, table
from harness.report.words import alike, claims, describe_engine

# GitHub drops a larger summary altogether.
MOST_BYTES: Final = 2**20
# Room for the end of the folded parts and the note on what was left out.
_RESERVE: Final = 500
_LONGEST_REASON: Final = 300
_GOOD: Final = tuple(status for status in Status if not status.is_bad)


def summary(report: Report, most: int = MOST_BYTES) -> str:
    """Summarize a run: a line for each framework, with suites and bad records folded.

    What does not fit into ``most`` bytes is left out and counted.
    """
    groups = list(alike(report.bad))
    left = most - _RESERVE
    text = ""
    suites = "\n".join(folded(f"{len(report.matrix)} suites", matrix(report))) + "\n"
    for block in (*_head(report, groups), *([suites] if report.columns else ())):
        if (size := len(block.encode(errors="replace"))) <= left:
            text += block
            left -= size
    return text + _bad(groups, left)


def _head(report: Report, groups: Sequence[Sequence[Record]]) -> Iterator[str]:
    header, footer = report.header, report.footer
    checks = sum(map(len, groups))
    verdict = f"{checks} checks are bad" if checks else "nothing failed"
    if footer is None:
        verdict += ", but the run was interrupted"
    took = f" in {footer.elapsed_s:.1f} s" if footer else ""
    commit = f", commit {code(header.commit[:12])}" if header.commit else ""
    yield f"### Conformance: {verdict}\n\n"
    origin = f"deconform {escaped(header.deconform)}, {escaped(header.started)}{commit}"
    yield f"{header.cases} cases, {report.checks} checks{took}; {origin}.\n\n"
    head = ("framework", "version", "engine", *(status.lower() for status in _GOOD), "bad")
    yield "\n".join(table(head, (_counts(report, name) for name in report.frameworks))) + "\n"
    yield from (f"\n{escaped(claim)}\n" for claim in claims(report))


def _counts(report: Report, framework: str) -> tuple[str, ...]:
    counts = report.counts[framework]
    bad = count_bad(counts)
    engine = (framework, *describe_engine(report.header.frameworks[framework]))
    if framework in report.skipped:
        return (*engine, *[""] * (len(_GOOD) + 1))
    good = (f"{counts[status] or ''}" for status in _GOOD)
    return (*engine, *good, f"**{bad}**" if bad else "")


def _bad(groups: Sequence[Sequence[Record]], left: int) -> str:
    """Fold the bad records, as many as fit."""
    if not groups:
        return ""
    lines = list(table(FAILURE_HEAD, (failure_row(group, _LONGEST_REASON) for group in groups)))
    kept = []
    for line in lines:
        left -= len(line.encode(errors="replace")) + 1
        if left < 0:
            break
        kept.append(line)
    more = len(lines) - len(kept)
    # A table needs its first two lines.
    kept = kept if len(kept) > 2 else []
    rest = f"\n{min(more, len(groups))} more do not fit here; the report has them all.\n"
    body = "".join(f"{line}\n" for line in kept) + rest * bool(more)
    return f"\n<details>\n<summary>What went wrong</summary>\n\n{body}\n</details>\n"
