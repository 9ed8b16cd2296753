"""Runs of pytest with the plugin, in a folder of their own."""

from __future__ import annotations

import textwrap

import pytest

# What a run in this process imports, it forgets at its end; yaml cannot be imported twice.
import harness.plugin.adopters
import harness.plugin.collection  # noqa: F401

# As strict as anybody's, and without the plugins that have no part in it.
STRICT = (
    *("--strict-markers", "--strict-config", "-W", "error"),
    *("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest"),
)
SPEC = """\
suite: mine
cases:
  - name: decoder
    input: [1, 2, 5]
    out_channels: 3
    kernel: 3
    stride: 2
  - name: grouped
    input: [1, 4, 3, 2]
    out_channels: 4
    kernel: [3, 2]
    groups: 2
    bias: false
"""


def write(pytester: pytest.Pytester, name: str, text: str) -> None:
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def run(pytester: pytest.Pytester, *args: object, frameworks: str = "numpy") -> pytest.RunResult:
    """Run pytest with the plugin in this process."""
    columns = [f"--deconform-framework={name}" for name in frameworks.split()]
    return pytester.runpytest_inprocess("--deconform", *STRICT, *columns, *map(str, args))


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    return {name: count for name, count in result.parseoutcomes().items() if name != "warnings"}


def node_ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]
