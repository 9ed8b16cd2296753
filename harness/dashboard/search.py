"""The cases by their parameters: what scripts search, and the legality map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from harness.dashboard.cases import CaseResults
from harness.dashboard.conformance import Conformance
from harness.dashboard.parameters import PARAMETERS, kinds
from harness.records.check import Check
from harness.records.status import Status


def index(shown: Conformance) -> dict[str, Any]:
    """Give what scripts search: every case with its parameters and what became of it."""
    frameworks = shown.report.frameworks
    numbers = {suite.name: number for number, suite in enumerate(shown.suites)}
    return {
        "frameworks": frameworks,
        "titles": [shown.titles[name] for name in frameworks],
        "anchors": [shown.anchors[name] for name in frameworks],
        "ran": [frameworks.index(name) for name in shown.report.columns],
        "statuses": {status: (status.css_class, status.letter) for status in Status},
        "suites": [suite.name for suite in shown.suites],
        "parameters": PARAMETERS,
        "parameterNames": list(PARAMETERS),
        "cases": [
            {
                "i": each.id,
                "a": each.address,
                "s": numbers[each.suite],
                "p": _numbers(each),
                "r": "".join(_letters(each, name) for name in frameworks),
                "k": _known(each, frameworks),
            }
            for each in shown.cases
        ],
    }


_SUPPORTS: Final = {
    "native": "n",
    "rewritten": "r",
    "unsupported": "u",
    "rejected": "y",
    "accepted": "a",
}


def _letters(each: CaseResults, framework: str) -> str:
    """Two letters for what a framework made of a case."""
    result = each.results.get(framework)
    if result is None or result.legality not in _SUPPORTS:
        return "--"
    return _SUPPORTS[result.legality] + result.status.letter


def _known(each: CaseResults, frameworks: Sequence[str]) -> dict[int, str]:
    """Name the known limitation that was met, by the framework's number."""
    return {
        frameworks.index(name): record.limitation
        for name, result in each.results.items()
        for record in result.records
        if record.limitation
    }


def _numbers(each: CaseResults) -> list[int] | None:
    """The values of the parameters, each by its number; none of an illegal operator."""
    if each.case is None or each.case.rejected:
        return None
    found = kinds(each.case)
    return [values.index(found[name]) for name, values in PARAMETERS.items()]


def legality(shown: Conformance) -> Sequence[dict[str, Any]]:
    """Count for each value of each parameter how frameworks say it."""
    found: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    cases: Counter[tuple[str, str]] = Counter()
    for each in shown.cases:
        for key in _keys(each):
            cases[key] += 1
            row = found.setdefault(key, {name: Counter() for name in shown.report.frameworks})
            for name, result in each.results.items():
                row[name][result.legality] += 1
    order = [(name, value) for name, values in PARAMETERS.items() for value in values]
    order += sorted(key for key in found if key not in set(order))
    rows, previous = [], ""
    for key in order:
        if key in found:
            name, value = key
            link = f"{name}={value}".replace(" ", "+") if name in PARAMETERS else ""
            rows.append(
                {
                    "parameter": name,
                    "value": value,
                    "first": name != previous,
                    "cases": cases[key],
                    "counts": found[key],
                    "link": link,
                }
            )
            previous = name
    return rows


def _keys(each: CaseResults) -> list[tuple[str, str]]:
    if any(result.records[0].check == Check.REFUSAL for result in each.results.values()):
        return [("illegal", each.suite.removeprefix("rejects/"))]
    return [] if each.case is None or each.case.rejected else list(kinds(each.case).items())
