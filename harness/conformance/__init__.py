"""Conformance: cases through frameworks, judged against the definition."""
