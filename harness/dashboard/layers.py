"""The page of layers: the operators of a report as they are written in each framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.convention.registry import distinct_conventions
from harness.dashboard.case_pages import programs as written
from harness.dashboard.cases import CaseResults
from harness.dashboard.conformance import Conformance
from harness.dashboard.frame import Site, title
from harness.lookup.answer import in_words

# Suites of known networks come first: that is what people look for.
_KNOWN: Final = ("models/", "documents/", "bench/")


def write_layers(
    site: Site, shown: Conformance, programs: Mapping[str, Mapping[str, dict[str, Any]]]
) -> None:
    """Write the page of layers: every different operator with its cases, and its texts.

    Each framework's texts are in a file of their own, and a page loads two of them.  ``programs``
    are those of each case by its id, in each framework.
    """
    names, ran = writers(shown), shown.report.columns
    ordered = sorted(shown.cases, key=_rank)
    by_operator: dict[str, list[int]] = {}
    for number, each in enumerate(ordered):
        if (
            each.case
            and not each.case.rejected
            and not each.case.documented
            and not each.case.named
        ):
            by_operator.setdefault(each.case.operator.descriptor, []).append(number)
    firsts = [ordered[members[0]] for members in by_operator.values()]
    index = {
        "frameworks": names,
        "titles": [title(name) for name in names],
        # Of those that did not run a case's page shows nothing.
        "anchors": [shown.anchors[name] if name in ran else "" for name in names],
        "cases": [(each.id, each.address) for each in ordered],
        "layers": [
            {"w": in_words(first.case.operator) if first.case else "", "i": members}
            for first, members in zip(firsts, by_operator.values(), strict=True)
        ],
        "texts": [
            site.data(f"layers-{n}", [_program(first, name, programs) for first in firsts])
            for n, name in enumerate(names)
        ],
    }
    scripts = (site.data("layers", index), "layers.js")
    titled = [(name, title(name)) for name in names]
    shown_for = {"writers": titled, "pair": usual_pair(), **shown.frame()}
    site.page("layers.html", scripts=scripts, **shown_for)


def writers(shown: Conformance) -> list[str]:
    """Name the frameworks that layers are written in: those that ran, and then all others."""
    ran = shown.report.columns
    own = [each.name for each in distinct_conventions()]
    return [*ran, *(name for name in own if name not in ran)]


def usual_pair() -> tuple[str, str]:
    """Name what most people translate: from the best known framework to one of another language."""
    every = distinct_conventions()
    known = next(each.name for each in every if each.is_baseline)
    return known, next(each.name for each in every if each.language != "python")


def _program(
    each: CaseResults, framework: str, programs: Mapping[str, Mapping[str, dict[str, Any]]]
) -> dict[str, Any] | None:
    """A case's support, reason and layer, also in a framework that did not run."""
    program = programs[each.id].get(framework)
    if program is None and each.case is not None:
        program = written(each.case, [framework]).get(framework)
    return program and {"s": program["support"], "r": program["reason"], "t": program.get("layer")}


def _rank(each: CaseResults) -> int:
    return next((n for n, prefix in enumerate(_KNOWN) if each.suite.startswith(prefix)), 9)
