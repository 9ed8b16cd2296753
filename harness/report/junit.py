"""JUnit XML: one test per case, framework and check; one for a framework that was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
        records = [record for record in report.records if record.framework == framework]
        counts = Counter(record.status.junit for record in records)
        root.append(_suite(framework, list(map(_test, records)), counts))
    for framework, reason in report.skipped.items():
        # One test in place of all.
        test = ET.Element("testcase", classname=framework, name="all")
        ET.SubElement(test, Status.SKIPPED.junit, message=f"{Status.SKIPPED}: {reason}")
        root.append(_suite(framework, [test], {Status.SKIPPED.junit: 1}))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=True)
    return text.translate(_FORBIDDEN) + "\n"


def _suite(framework: str, tests: Sequence[ET.Element], counts: Mapping[str, int]) -> ET.Element:
    plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    counted = {name: f"{counts.get(kind, 0)}" for kind, name in plural.items()}
    suite = ET.Element("testsuite", {"name": framework, "tests": f"{len(tests)}", **counted})
    suite.extend(tests)
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
