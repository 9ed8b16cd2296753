"""Readers and writers of records; none of them knows how a record came about."""

from harness.records.report_file import Report, ReportError

__all__ = ["Report", "ReportError"]
