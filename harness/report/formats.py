"""The table of formats that a report can be written in.

Options, refusals and what is written all come from it.  Reading it imports no writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from harness.records.report_file import Report

Kind: TypeAlias = Literal["conformance run", "benchmark"]
Target: TypeAlias = Literal["file", "folder", "stdout", "job"]


@dataclass(frozen=True)
class Format:
    """One way to write a report."""

    name: str  # What it is called, and the option that asks for it
    kind: Kind  # Whose report can be written so
    help: str  # What it is for, in a few words
    # ``module.function`` of ``harness.report``: takes the report and returns its text, or for a
    # folder the texts by the names of their files.
    writer: str
    # Where it goes; ``job`` is a file, or the summary of the job that runs us.
    target: Target = "file"
    has_baseline: bool = False  # Whether the writer takes the name of a framework to compare with
    library: str = ""  # A distribution that the writer imports, and the extra that installs it

    @property
    def missing(self) -> str:
        """What to install first; empty if nothing."""
        if not self.library or find_spec(self.library.replace("-", "_")):
            return ""
        return f'{self.library} is missing: pip install "deconform[{self.library}]"'

    def written(self, report: Report, baseline: str | None = None) -> Any:
        """Write a report: a text, or for a folder a mapping of texts."""
        module, function = self.writer.split(".")
        write = getattr(import_module(f"harness.report.{module}"), function)
        return write(report, baseline) if self.has_baseline else write(report)


_RUN: Final = "conformance run"
# fmt: off
FORMATS: Final = (
    Format("junit", _RUN, "write JUnit XML", "junit.junit"),
    Format("markdown", _RUN, "write the matrix as Markdown", "markdown.markdown"),
    Format("sarif", _RUN, "write what is bad as SARIF", "sarif.sarif"),
    Format("summary", _RUN,
           "write it in short as Markdown (after what $GITHUB_STEP_SUMMARY holds)",
           "summary.summary", "job"),
    Format("annotations", _RUN, "print what is bad as annotations of GitHub Actions",
           "annotations.github_annotations", "stdout"),
    Format("badges", _RUN, "draw one for each framework", "badge.badges", "folder"),
    Format("markdown", "benchmark", "write the table as Markdown", "benchmark.benchmark_markdown",
           has_baseline=True),
    Format("csv", "benchmark", "write a benchmark's table", "measurement_csv.measurement_csv"),
    Format("pytest-benchmark", "benchmark", "write a benchmark as it saves them",
           "pytest_benchmark.pytest_benchmark", library="pytest-benchmark"),
)
# fmt: on


def formats(kind: Kind, *names: str) -> list[Format]:
    """Return the formats of one kind of report, all of them or those that are named.

    >>> [one.name for one in formats("benchmark")]
    ['markdown', 'csv', 'pytest-benchmark']
    """
    return [one for one in FORMATS if one.kind == kind and (not names or one.name in names)]


def kind_of(report: Report) -> Kind:
    """Return what kind of run a report is of."""
    return "benchmark" if report.measurements else "conformance run"


# What a conformance run can write as it ends; badges are for a report that is kept.
RUN_FORMATS: Final = formats(_RUN, "junit", "markdown", "sarif", "summary", "annotations")
