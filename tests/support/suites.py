"""Suites and limitations as text: valid ones to break, loaded or refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from harness.suite.case import Case
from harness.suite.limitations import Limitation, load_limitations
from harness.suite.specs import load_cases
from harness.suite.yaml_fields import SpecError


def load(text: str, file: str = "suite.yaml") -> list[Case]:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return list(load_cases(path))


def case(*lines: str) -> str:
    """Return a suite of one valid case, with more lines from line 7 on."""
    return "\n".join(
        [
            "suite: s",
            "cases:",
            "  - name: a",
            "    input: [1, 2, 3]",
            "    out_channels: 4",
            "    kernel: 3",
            *(f"    {line}" for line in lines),
        ]
    )


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(text)
    return str(caught.value)


LIMITATIONS = """\
limitations:
  - id: first
    framework: mxnet
    cases: ["edge/*", rejects/groups/zero-1d]
    checks: [shape, value]
    status: CRASHED
    reason: It dies.
    upstream: https://example.org/1
    depends_on: a processor
  - id: second
    framework: chainer
    cases: grid/one
    reason: It is wrong.
"""


def limitations(text: str) -> tuple[Limitation, ...]:
    Path("limitations.yaml").write_text(text)
    return load_limitations(Path("limitations.yaml"))
