"""JUnit XML: one test per case, framework and check; one for a framework that was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from harness.conformance.judge import Status
from harness.records.record import BAD_STATUSES, Record
from harness.records.report_file import Report

_FAILURES: Final = frozenset({Status.FAILED, Status.MISTRUSTED, Status.FIXED})
# XML 1.0 forbids most control characters, which exception messages may hold.
_FORBIDDEN: Final = dict.fromkeys(
    {*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF} - {9, 10, 13}
)


def junit(report: Report) -> str:
    """Write a report as JUnit XML."""
    root = ET.Element("testsuites", name="deconform")
    for framework in report.columns:
        root.append(_suite(framework, [r for r in report.records if r.framework == framework]))
    for framework, reason in report.skipped.items():
        root.append(_skipped(framework, reason))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=True)
    return text.translate(_FORBIDDEN) + "\n"


def _suite(framework: str, records: Sequence[Record]) -> ET.Element:
    counts = Counter(record.status for record in records)
    failures = sum(counts[status] for status in _FAILURES)
    suite = ET.Element(
        "testsuite",
        name=framework,
        tests=str(len(records)),
        failures=str(failures),
        errors=str(sum(counts[status] for status in BAD_STATUSES) - failures),
        skipped=str(counts[Status.SKIPPED] + counts[Status.UNSUPPORTED] + counts[Status.KNOWN]),
    )
    suite.extend(map(_test, records))
    return suite


def _skipped(framework: str, reason: str) -> ET.Element:
    """Say once of a framework what holds for all of its tests."""
    suite = ET.Element(
        "testsuite", name=framework, tests="1", failures="0", errors="0", skipped="1"
    )
    test = ET.SubElement(suite, "testcase", classname=framework, name="all")
    ET.SubElement(test, "skipped", message=f"{Status.SKIPPED}: {reason}")
    return suite


def _test(record: Record) -> ET.Element:
    test = ET.Element(
        "testcase",
        classname=f"{record.framework}.{record.suite}",
        name=f"{record.case}:{record.check}",
        file=record.file,
        line=str(record.line),
    )
    if record.status != Status.PASSED:
        tag = "skipped"
        if record.status in BAD_STATUSES:
            tag = "failure" if record.status in _FAILURES else "error"
        message = f"{record.status}: {record.reason}"
        child = ET.SubElement(test, tag, message=message)
        if record.status in BAD_STATUSES:
            diagnosis = f"equals the mutant: {record.diagnosis}\n" if record.diagnosis else ""
            child.text = f"{diagnosis}{record.reproduce}"
    return test
