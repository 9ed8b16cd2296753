"""JUnit XML: one test per case, framework and check."""

from __future__ import annotations

from collections import Counter
from typing import Final
from xml.etree import ElementTree as ET

from harness.compare import Status
from harness.record import BAD_STATUSES, Record
from harness.report.jsonl import Report

_FAILURES: Final = frozenset({Status.FAILED, Status.MISTRUSTED, Status.FIXED})
# XML 1.0 forbids most control characters, which exception messages may hold.
_FORBIDDEN: Final = dict.fromkeys(
    {*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF} - {9, 10, 13}
)


def junit(report: Report) -> str:
    """Write a report as JUnit XML."""
    root = ET.Element("testsuites", name="deconform")
    for framework in report.frameworks:
        records = [record for record in report.records if record.framework == framework]
        counts = Counter(record.status for record in records)
        failures = sum(counts[status] for status in _FAILURES)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=framework,
            tests=str(len(records)),
            failures=str(failures),
            errors=str(sum(counts[status] for status in BAD_STATUSES) - failures),
            skipped=str(counts[Status.SKIPPED] + counts[Status.UNSUPPORTED] + counts[Status.KNOWN]),
        )
        for record in records:
            suite.append(_test(record))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=True)
    return text.translate(_FORBIDDEN) + "\n"


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
