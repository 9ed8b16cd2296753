"""A page for each case; its programs and picture are in a file that several cases share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from harness.convention.device import Device
from harness.convention.registry import is_framework, render
from harness.core.operators import Operator, OperatorError, Sizes, sizes
from harness.core.program import Program, Unsupported
from harness.dashboard.cases import CaseResults
from harness.dashboard.conformance import Conformance, suite_address
from harness.dashboard.frame import Site, anchor, title
from harness.dashboard.parameters import kinds
from harness.drawing import draw_svg
from harness.lookup.answer import in_words
from harness.records.check import in_order
from harness.suite.case import Case

# This many cases share a file: it loads fast, and similar texts compress well.
_CHUNK: Final = 50


@dataclass(frozen=True)
class Chunk:
    """Cases whose pages share a file of programs and pictures."""

    site: Site
    number: int
    cases: tuple[CaseResults, ...]
    devices: Mapping[str, Device]  # Where each framework computed
    anchors: Mapping[str, str]  # Where on a page each framework's program is
    skipped: Mapping[str, str]  # The frameworks that were skipped, with the reason

    def write(self) -> dict[str, dict[str, Any]]:
        """Write the pages and their file; return the programs, by case and framework."""
        name = f"programs-{self.number}"
        texts = {each.id: self._texts(each) for each in self.cases if each.case}
        titles = {framework: title(framework) for framework in self.devices}
        address = self.site.data(name, {"titles": titles, "anchors": self.anchors, "cases": texts})
        for each in self.cases:
            self.site.page(
                "case.html",
                each.address,
                scripts=(address, "case.js"),
                chunk=name,
                anchors=self.anchors,
                skipped=self.skipped,
                **_facts(each),
            )
        return {name: text["programs"] for name, text in texts.items()}

    def _texts(self, each: CaseResults) -> dict[str, Any]:
        assert each.case is not None
        by_framework: dict[str, Any] = {}
        for name, device in self.devices.items():
            by_framework |= programs(each.case, [name], device)
        return {
            "programs": by_framework,
            "picture": picture(each.case),
            "geometry": in_words(each.case.operator),
            "descriptor": None if each.case.rejected else each.descriptor,
            "more": list(_more(each.case)),
        }


def chunks(site: Site, shown: Conformance) -> Iterator[Chunk]:
    """Divide the cases."""
    devices = {name: shown.device(name) for name in shown.report.frameworks}
    for number, first in enumerate(range(0, len(shown.cases), _CHUNK)):
        members = shown.cases[first : first + _CHUNK]
        yield Chunk(site, number, members, devices, shown.anchors, shown.report.skipped)


def _facts(each: CaseResults) -> dict[str, Any]:
    records = [record for result in each.results.values() for record in result.records]
    checks = dict.fromkeys(record.check for record in records)
    return {
        "case": each,
        "suite_address": suite_address(each.suite),
        "limitations": {r.limitation: anchor(r.limitation) for r in records if r.limitation},
        "checks": in_order(checks),
        "words": in_words(each.case.operator) if each.case else "",
        "shapes": _shapes(each),
    }


def _shapes(each: CaseResults) -> str:
    case = each.case
    if case is None:
        return ""
    text = f"x {sizes(case.shapes['x'])}, w {sizes(case.shapes['w'])}, {case.dtype}"
    return text if case.rejected else f"{text}, y {sizes(case.out_shape)}"


def _more(case: Case) -> Iterator[tuple[str, str]]:
    """Lead to the cases that share two parameters with this one; illegal ones have none."""
    if case.rejected:
        return
    values = kinds(case)
    for one, other in (("stride", "dilation"), ("groups", "crop")):
        query = f"{one}={values[one]}&{other}={values[other]}".replace(" ", "+")
        yield f"{one} {values[one]}, {other} {values[other]}", f"parameters.html?{query}"


# A hostile report could ask for any number of groups.
_MOST_GROUPS: Final = 4096


def programs(
    case: Case, frameworks: Iterable[str], device: Device = "cpu"
) -> dict[str, dict[str, Any]]:
    """Write a case in each known framework, as it was run and as people put it in a network.

    Each has a ``support`` and a ``reason``; a program also ``layer``, ``forward``, ``gradient`` and
    ``notes``.
    """
    if case.operator.groups > _MOST_GROUPS:
        return {}
    return {
        name: _program(
            case.operator, name, case.dtype, device, case.rejected, (case.documented, case.named)
        )
        for name in frameworks
        if is_framework(name)
    }


@cache
def _program(
    operator: Operator,
    framework: str,
    dtype: str,
    device: Device,
    rejected: bool,
    wording: tuple[bool, bool],
) -> dict[str, Any]:
    documented, named = wording
    program = render(operator, framework, dtype, documented=documented, named=named, device=device)
    if isinstance(program, Unsupported):
        return {"support": program.support, "reason": program.reason}
    layer = render(operator, framework, dtype, documented=documented, style="layer")
    return {
        "support": program.support,
        "reason": program.reason,
        "layer": layer.call if isinstance(layer, Program) else program.call,
        "forward": program.text,
        "gradient": None if rejected else program.gradient_text or None,
        "notes": list(program.notes),
    }


def picture(case: Case) -> str | None:
    """Draw a case's geometry; None of one that the definition forbids."""
    if case.rejected:
        return None
    operator = case.operator
    plain = Operator(
        1, 1, operator.kernel, operator.stride, operator.dilation, operator.crop, bias=False
    )
    try:
        return _drawn(plain, case.in_size)
    except OperatorError:
        return None


@cache
def _drawn(operator: Operator, in_size: Sizes) -> str:
    """Channels, groups and bias change nothing about it: many cases share a picture."""
    return draw_svg(operator, in_size)
