"""What kind of operator a case has, by parameters: the axes along which frameworks differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.core.operators import Operator, Sizes
from harness.dashboard.cases import CaseResults
from harness.dashboard.conformance import Conformance
from harness.dashboard.frame import title
from harness.pages import SUPPORTS
from harness.records.check import Check
from harness.records.status import Status
from harness.suite.case import Case

# Each parameter with its values, the plain one first.
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "rank": ("1-D", "2-D", "3-D"),
    "stride": ("1", "2", "3", "4 or more", "differs by axis"),
    "dilation": ("1", "2", "3 or more", "differs by axis"),
    "groups": ("1", "2", "3 or more", "depthwise"),
    "crop": ("none", "same at both ends", "ends differ", "beyond the kernel", "negative"),
    "overlap": ("taps overlap", "taps meet", "gaps"),
    "bias": ("with bias", "without bias"),
    "dtype": ("float32", "float16", "bfloat16", "float64"),
}
EXPLANATIONS: Final[Mapping[str, str]] = {
    "crop": "elements removed at each end of an axis; negative ones extend the output",
    "overlap": "whether the scattered kernels overlap: stride against dilation * (kernel - 1) + 1",
    "groups": "depthwise: as many groups as input channels",
}


def kinds(case: Case) -> Mapping[str, str]:
    """Return the value of every parameter.

    >>> from harness.suite.case import case_from_descriptor
    >>> values = kinds(case_from_descriptor("ic4_oc6_k3x3_s2x2_d2x2_c1.0x1.0_n1_i5x5"))
    >>> values["stride"], values["dilation"], values["crop"]
    ('2', '2', 'ends differ')
    """
    operator = case.operator
    return {
        "rank": f"{operator.rank}-D",
        "stride": _size(operator.stride, 4),
        "dilation": _size(operator.dilation, 3),
        "groups": _groups(operator),
        "crop": _crop(operator),
        "overlap": _overlap(operator),
        "bias": "with bias" if operator.bias else "without bias",
        "dtype": case.dtype,
    }


def _size(values: Sizes, many: int) -> str:
    if len(set(values)) > 1:
        return "differs by axis"
    return f"{many} or more" if values[0] >= many else str(values[0])


def _groups(operator: Operator) -> str:
    if operator.groups > 1 and operator.groups == operator.in_channels:
        return "depthwise"
    return "3 or more" if operator.groups >= 3 else str(operator.groups)


def _crop(operator: Operator) -> str:
    sides = [side for pair in operator.crop for side in pair]
    if min(sides) < 0:
        return "negative"
    if not any(sides):
        return "none"
    reach = zip(operator.crop, operator.effective_kernel, strict=True)
    if any(side >= extent for pair, extent in reach for side in pair):
        return "beyond the kernel"
    unequal = any(begin != end for begin, end in operator.crop)
    return "ends differ" if unequal else "same at both ends"


def _overlap(operator: Operator) -> str:
    """Where axes differ, the loosest one decides."""
    loose = [s - k for s, k in zip(operator.stride, operator.effective_kernel, strict=True)]
    if max(loose) > 0:
        return "gaps"
    return "taps meet" if max(loose) == 0 else "taps overlap"


def index(shown: Conformance) -> dict[str, Any]:
    """Return the index that scripts search: every case with its parameters and statuses."""
    frameworks = shown.report.frameworks
    numbers = {suite.name: number for number, suite in enumerate(shown.suites)}
    return {
        "frameworks": frameworks,
        "titles": [title(name) for name in frameworks],
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


_LETTERS: Final = dict(zip(SUPPORTS, "nruya", strict=True))


def _letters(each: CaseResults, framework: str) -> str:
    """Two letters: how a framework expresses a case, and the status."""
    result = each.results.get(framework)
    if result is None or result.legality not in _LETTERS:
        return "--"
    return _LETTERS[result.legality] + result.status.letter


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
    of_case = kinds(each.case)
    return [values.index(of_case[name]) for name, values in PARAMETERS.items()]


def legality(shown: Conformance) -> Sequence[dict[str, Any]]:
    """Count, for each value of each parameter, how frameworks express the cases."""
    counts: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    cases: Counter[tuple[str, str]] = Counter()
    for each in shown.cases:
        for key in _keys(each):
            cases[key] += 1
            row = counts.setdefault(key, {name: Counter() for name in shown.report.frameworks})
            for name, result in each.results.items():
                row[name][result.legality] += 1
    order = [(name, value) for name, values in PARAMETERS.items() for value in values]
    order += sorted(key for key in counts if key not in set(order))
    return [
        {
            "parameter": name,
            "value": value,
            "cases": cases[name, value],
            "counts": counts[name, value],
            "link": f"{name}={value}".replace(" ", "+") if name in PARAMETERS else "",
        }
        for name, value in order
        if (name, value) in counts
    ]


def _keys(each: CaseResults) -> list[tuple[str, str]]:
    if any(result.records[0].check == Check.REFUSAL for result in each.results.values()):
        return [("illegal", each.suite.removeprefix("rejects/"))]
    return [] if each.case is None or each.case.rejected else list(kinds(each.case).items())
