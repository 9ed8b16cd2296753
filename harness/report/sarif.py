"""SARIF 2.1.0: a result for each bad record, at the line of the spec that defines the case.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from harness.records.record import Record
from harness.records.report_file import Report
from harness.records.status import Status
from harness.report.words import headline

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
# GitHub refuses a file with more results.
# https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning
_MOST: Final = 25_000


def sarif(report: Report) -> str:
    """Write what is bad in a report as SARIF."""
    bad = list(report.bad)
    rules = sorted({_rule_id(record) for record in bad[:_MOST]})
    warnings = {
        "The run was interrupted: this is not all of it.": report.footer is None,
        f"{len(bad) - _MOST} more records are bad; the report has them all.": len(bad) > _MOST,
    }
    return sarif_log(
        report.header.deconform,
        [_rule(rule) for rule in rules],
        [_result(record, rules) for record in bad[:_MOST]],
        [warning for warning, holds in warnings.items() if holds],
        is_whole=report.footer is not None,
    )


def sarif_log(
    version: str,
    rules: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    warnings: Sequence[str] = (),
    *,
    is_whole: bool = True,
) -> str:
    """Write a log of one run of this version; of too many results, the first."""
    if (more := len(results) - _MOST) > 0:
        warnings = (*warnings, f"{more} more results are left out.")
    shown = [{"level": "warning", "message": {"text": text}} for text in warnings]
    notifications = {"toolExecutionNotifications": shown} if shown else {}
    run = {
        "tool": {"driver": {"name": "deconform", "version": version, "rules": list(rules)}},
        "invocations": [{"executionSuccessful": is_whole, **notifications}],
        "results": list(results[:_MOST]),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule_id(record: Record) -> str:
    return f"{record.status}/{record.check}"


def _rule(rule: str) -> Mapping[str, Any]:
    status, _, check = rule.partition("/")
    return {
        "id": rule,
        "shortDescription": {"text": f"{check}: {Status(status).meaning}"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(record: Record, rules: list[str]) -> Mapping[str, Any]:
    rule = _rule_id(record)
    key = f"{record.case}/{record.framework}/{record.check}"
    kept = ("case", "descriptor", "framework", "check", "status")
    result = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": "error",
        "message": {"text": _message(record)},
        "partialFingerprints": {"deconform/v1": key},
        "properties": {name: getattr(record, name) for name in kept},
    }
    return {**result, "locations": [location(record.file, record.line)]} if record.file else result


def _message(record: Record) -> str:
    diagnosis = f"equals the mutant: {record.diagnosis}" if record.diagnosis else ""
    parts = (headline([record]), record.reason, diagnosis)
    return "\n".join((*filter(None, parts), record.reproduce))


def location(file: str, line: int) -> Mapping[str, Any]:
    """Return where a result is; line 0 stands for the whole file."""
    path = PurePath(file)
    # Lone surrogates cannot be encoded.
    uri = quote(path.as_posix(), errors="replace")
    in_the_clone = {"uri": uri, "uriBaseId": "%SRCROOT%"}
    artifact = {"uri": f"file://{uri}"} if path.is_absolute() else in_the_clone
    region = {"startLine": max(line, 1)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}
