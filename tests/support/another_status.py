"""A row is added to the table of statuses, before anything reads it; every reader's answer.

Run by itself: ``python another_status.py FOLDER`` prints JSON and leaves a dashboard in the folder.
"""

# ruff: noqa: PLC0415 -- what reads the table is imported once the row is added
from __future__ import annotations

import io
import json
import sys
import types
from pathlib import Path
from typing import Any

import harness.records

VALUES = '"TAINTED", 10, True, True, "Q", "bold red", "bad", "error", "ran on bad memory"'
ROW = f"    TAINTED = {VALUES}\n"


def add_row() -> None:
    """Let the module hold one more line than its file."""
    path = Path(harness.records.__file__).with_name("status.py")
    source = path.read_text(encoding="utf-8")
    module = types.ModuleType("harness.records.status")
    sys.modules[module.__name__] = module
    exec(
        compile(source.replace("    # fmt: on\n", f"{ROW}    # fmt: on\n"), str(path), "exec"),
        vars(module),
    )


def answers(folder: Path) -> dict[str, Any]:
    """Let every reader show a report with the new status."""
    from dashboards import conformance, record
    from rich.console import Console
    from spec_schema import schema

    from harness import dashboard
    from harness.conformance.difference import difference
    from harness.history.streaks import worst
    from harness.records.record import from_json, to_json
    from harness.records.status import Status
    from harness.report import difference as difference_formats
    from harness.report.console import print_report
    from harness.report.formats import formats

    tainted = Status("TAINTED")

    def report(status: Status) -> Any:
        fields = {"status": status, "reason": "why"}
        records = [
            record("grid/a", "ic1_oc1_k2_n1_i3", "numpy", "shape"),
            record("grid/a", "ic1_oc1_k2_n1_i3", "numpy", "value", **fields),
        ]
        return conformance(records)

    found = report(tainted)
    written = {one.name: one.written(found) for one in formats("conformance run")}
    stream = io.StringIO()
    console = Console(file=stream, width=120)
    print_report(found, console)
    difference_formats.print_difference(difference(report(Status.PASSED), found), console)
    dashboard.build([found], folder)
    checks = {"shape": (Status.CRASHED, "signal"), "value": (tainted, "why")}
    return {
        **written,
        "console": stream.getvalue(),
        "ok": found.ok,
        "read again": from_json(to_json(found.records[1])) == found.records[1],
        "worst of a case": worst(None, checks).status,  # type: ignore[arg-type]
        "declarable": json.dumps(schema()),
    }


if __name__ == "__main__":
    add_row()
    sys.stdout.write(json.dumps(answers(Path(sys.argv[1]))))
