"""A comparison as Markdown: whatever a framework said stays a text on its line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_benchmarks import header, measurement, report

from harness.bench.comparison import compare_reports
from harness.core.column_info import ColumnInfo
from harness.report.comparison import comparison_markdown

HOSTILE = {
    "a heading": "no\n# Approved",
    "a list": "no\r\n- [x] reviewed",
    "the end of a cell": "no | yes \\\\| maybe",
    "code": "a ``` b ` c",
    "HTML": "<script>alert(1)</script></details>",
    "a link": "[here](https://example.org) ![](https://example.org/i.png)",
    "half a character": "no \ud800",
}


def comment(reason: str) -> str:
    """Compare benchmarks of which a program crashed, a framework is gone, and a version is odd."""
    times = [1e-3, 1.1e-3] * 20
    names = ("numpy", "pytorch", "mxnet")
    old = report([measurement(name, times) for name in names], header(names))
    crashed = measurement("pytorch", status="CRASHED", reason=reason)
    about = header(("numpy", "pytorch"))
    columns = {
        "numpy": replace(about.frameworks["numpy"], version=reason),
        "pytorch": about.frameworks["pytorch"],
        "mxnet": ColumnInfo(unavailable=reason),
    }
    new = report([measurement("numpy", times), crashed], replace(about, frameworks=columns))
    return comparison_markdown(compare_reports(old, new))


@pytest.mark.parametrize("reason", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_reason_stays_on_its_line_and_is_no_markup(reason: str) -> None:
    plain, text = comment("no"), comment(reason)
    assert [line[:2] for line in text.splitlines()] == [line[:2] for line in plain.splitlines()]
    assert text.count("<") == plain.count("<")
    assert "](" not in text
    # Said of the program that crashed, of the framework that is gone, and of the version.
    assert text.count(reason.rsplit(maxsplit=1)[-1].replace("](", "]\\(").replace("<", "&lt;")) >= 3
    for line, other in zip(text.splitlines(), plain.splitlines(), strict=True):
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == other.count("|")
