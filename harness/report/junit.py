"""JUnit XML: one test per case, framework and check; one for a framework that was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status

# XML 1.0 forbids most control characters, which exception messages may contain.
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
    counts = Counter(record.status.junit for record in records)
    suite = ET.Element(
        "testsuite",
        name=framework,
        tests=str(len(records)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
    )
    suite.extend(map(_test, records))
    return suite


def _skipped(framework: str, reason: str) -> ET.Element:
    """Write one test in place of all tests of a skipped framework."""
    suite = ET.Element(
        "testsuite", name=framework, tests="1", failures="0", errors="0", skipped="1"
    )
    test = ET.SubElement(suite, "testcase", classname=framework, name="all")
    ET.SubElement(test, Status.SKIPPED.junit, message=f"{Status.SKIPPED}: {reason}")
    return suite


def _test(record: Record) -> ET.Element:
    test = ET.Element(
        "testcase",
        classname=f"{record.framework}.{record.suite}",
        name=f"{record.case}:{record.check}",
        file=record.file,
        line=str(record.line),
    )
    if record.status.junit:
        message = f"{record.status}: {record.reason}"
        child = ET.SubElement(test, record.status.junit, message=message)
        if record.status.is_bad:
            diagnosis = f"equals the mutant: {record.diagnosis}\n" if record.diagnosis else ""
            child.text = f"{diagnosis}{record.reproduce}"
    return test
