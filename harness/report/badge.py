"""Badges: two words in a small picture, flat, as readmes show them."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from harness.records.report_file import Report, ReportError
from harness.records.status import Status, count_bad

GREEN: Final = "#2e8540"
RED: Final = "#c5362b"
GREY: Final = "#6b7280"
# Widths of Verdana's characters at 11 px; textLength makes every font keep to the sum.
_WIDTHS: Final = {
    **dict.fromkeys("fijlrtI.,:;'|!()[] /-", 4.6),
    **dict.fromkeys("mwMW%@", 10.6),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ+=<>", 7.8),
}
_WIDTH: Final = 6.8
_HEIGHT: Final = 20
_PAD: Final = 6
_LONGEST: Final = 80


def badge(label: str, text: str, colour: str) -> str:
    """Draw a badge, as a whole SVG document: the subject left, and the statement right on a colour.

    Each is on one line, and shortened if too long.

    Raises
    ------
    ValueError
        If that is no colour.

    Examples
    --------
    >>> "<title>tensorflow 2.21: 2886 passed</title>" in badge(
    ...     "tensorflow 2.21", "2886 passed", GREEN
    ... )
    True
    """
    if not re.fullmatch("#[0-9a-f]{6}", colour):
        raise ValueError(f"{colour!r} is not a colour such as {GREEN}.")
    label, text = _one_line(label), _one_line(text)
    left, right = _width(label) + 2 * _PAD, _width(text) + 2 * _PAD
    width = left + right
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
            f'viewBox="0 0 {width} {_HEIGHT}" role="img">',
            f"<title>{escape(label)}: {escape(text)}</title>",
            f'<path fill="#3b4450" d="M3 0H{left}V20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z"/>',
            f'<path fill="{colour}" d="M{left} 0H{width - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3'
            f'H{left}z"/>',
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">',
            _words(label, _PAD),
            _words(text, left + _PAD),
            "</g>",
            "</svg>\n",
        )
    )


def badges(report: Report) -> dict[str, str]:
    """Draw a badge for each framework of a conformance run, by the name of its file.

    Raises
    ------
    ReportError
        If a framework's name can be no file's.
    """
    files = {}
    for framework in report.frameworks:
        name = framework.replace(":", "-")  # Of a variant
        if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name, re.ASCII):
            raise ReportError(f"the framework {framework!r} can name no file.")
        files[f"{name}.svg"] = badge(_label(report, framework), *_statement(report, framework))
    return files


def _label(report: Report, framework: str) -> str:
    info = report.header.frameworks[framework]
    if info.is_documented:
        return f"{framework}: {info.engine}"
    version = re.match(r"\d+\.\d+", info.version)
    return f"{framework} {version[0]}" if version else framework


def _statement(report: Report, framework: str) -> tuple[str, str]:
    counts = report.counts[framework]
    bad = count_bad(counts)
    named = {"bad": bad} | {one.lower(): counts[one] for one in Status if not one.is_bad}
    counted = ", ".join(f"{count} {name}" for name, count in named.items() if count)
    if framework in report.skipped:
        return "not run", GREY
    if report.footer is None:
        return f"interrupted: {counted}", RED
    return counted or "no checks", RED if bad else GREEN if counts[Status.PASSED] else GREY


def _one_line(text: str) -> str:
    # XML has no control characters, whatever a version is called.
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f"{line[:_LONGEST]}..." if len(line) > _LONGEST else line


def _width(text: str) -> int:
    return round(sum(_WIDTHS.get(char, _WIDTH) for char in text))


def _words(text: str, x: int) -> str:
    return f'<text x="{x}" y="14" textLength="{_width(text)}">{escape(text)}</text>'
