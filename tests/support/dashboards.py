"""Invented reports to build dashboards from, and readers of the pages."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from made_benchmarks import interleaved, measurement
from made_benchmarks import report as benchmark
from saved_runs import engine

from harness.core.column_info import ColumnInfo
from harness.records.record import Footer, Header, Record
from harness.records.report_file import Report
from harness.records.status import Status

CHECKS = ("shape", "value", "grad_x", "grad_w", "grad_b")
STRIDED = "ic4_oc6_k3x3_s2x2_d2x2_b_n1_i4x5"
GROUPED = "ic4_oc6_k3x3_s2x2_d2x2_g2_b_n1_i4x5"
DCGAN = "ic16_oc8_k4x4_s2x2_c1.1x1.1_b_n1_i4x4"
ILLEGAL = "ic2_oc3_k2_s0_n1_i3_documented"


def record(case: str, descriptor: str, framework: str, check: str, **fields: Any) -> Record:
    usual: dict[str, Any] = {
        "suite": case.rpartition("/")[0],
        "support": "native",
        "status": Status.PASSED,
        "file": "specs/made.yaml",
        "line": 7,
        "reproduce": f"deconform reproduce {descriptor} -f {framework}",
    }
    return Record(case, descriptor=descriptor, framework=framework, check=check, **(usual | fields))


def case(case_id: str, descriptor: str, framework: str, **fields: Any) -> Iterator[Record]:
    """Yield records of all checks of a case, equal but for the check."""
    return (record(case_id, descriptor, framework, check, **fields) for check in CHECKS)


def conformance(
    records: Iterable[Record], frameworks: Mapping[str, ColumnInfo] | None = None
) -> Report:
    """Return a complete conformance report."""
    events = list(records)
    about = frameworks or {name: engine() for name in dict.fromkeys(r.framework for r in events)}
    started = "2026-01-02T03:04:05+00:00"
    header = Header("0.1.0", started, about, cases=len({r.case for r in events}), commit="c0ffee")
    return Report.of([header, *events, Footer({}, 1.5)])


def usual() -> Report:
    """Return a report of PyTorch and TensorFlow with a variety of statuses."""
    failed = {"status": Status.FAILED, "reason": "y: 3 of 9 elements differ"}
    known = {
        "status": Status.KNOWN,
        "reason": "refused [call raised]",
        "limitation": "tensorflow-float64-dilation",
    }
    return conformance(
        [
            *case("grid/strided", STRIDED, "pytorch"),
            *case("grid/strided", STRIDED, "tensorflow"),
            *case("grid/grouped", GROUPED, "pytorch"),
            *case("grid/grouped", GROUPED, "tensorflow", support="rewritten"),
            *case("grid/float64", f"{STRIDED}_f64", "pytorch"),
            *case("grid/float64", f"{STRIDED}_f64", "tensorflow", **known),
            *case("models/dcgan/up", DCGAN, "pytorch"),
            *case("models/dcgan/up", DCGAN, "tensorflow", diagnosis="kernel flipped", **failed),
            record("rejects/stride/zero", ILLEGAL, "pytorch", "refusal"),
            record("rejects/stride/zero", ILLEGAL, "tensorflow", "refusal", **known),
        ]
    )


def timed() -> Report:
    """Return a benchmark of two layers in which PyTorch is clearly faster."""
    quick, slow = interleaved(3, 40)
    return benchmark(
        [
            measurement(
                name, times * factor, case=f"bench/segmentation/{layer}", direction=direction
            )
            for layer in ("fcn32s-upscore", "fcn16s-upscore2")
            for direction in ("forward", "gradient")
            for name, times, factor in (("pytorch", quick, 1), ("tensorflow", slow, 3))
        ]
    )


def unpacked(file: Path) -> Any:
    """Return the data in a script."""
    data = file.read_text().split('", "')[1].removesuffix('");\n')
    return json.loads(gzip.decompress(base64.b64decode(data)))


class Page(HTMLParser):
    """The elements and texts of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts.append(" ")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def root(self) -> str:
        """The relative path up to the site's root."""
        (sheet,) = [link for link in self.links if link.endswith("style.css")]
        return sheet.removesuffix("style.css")

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def links(self) -> list[str]:
        return [a[key] for _, a in self.elements for key in ("href", "src") if key in a]

    @property
    def ids(self) -> set[str]:
        return {a["id"] for _, a in self.elements if "id" in a}
