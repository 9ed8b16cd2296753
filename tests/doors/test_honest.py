"""No alarm about what is honest: the frameworks' own functions through a door, and every column."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import honest_plugins
import pytest

from harness.conformance import pipeline, recheck
from harness.conformance.recheck import Watch
from harness.convention.registry import convention, framework_names
from harness.doors.implementation import load_implementation
from harness.execution.column import Column, Conditions
from harness.execution.environments import interpreter
from harness.records.record import Header, Record
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.limitations import load_limitations
from harness.suite.specs import load_cases

pytestmark = [pytest.mark.frameworks, pytest.mark.slow]


@pytest.fixture(scope="module")
def suite() -> list[Case]:
    """Some cases of every kind; to look at all of them, leave out the steps.

    From the fifth on there is no case that ends a framework's process, again with each recheck.
    """
    return list(load_cases())[4::15]


@pytest.fixture(autouse=True)
def _rechecks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rechecks as 170 cases have: an alarm comes from them."""
    monkeypatch.setattr(recheck, "_EVERY", 8)


def bad(column: Column, suite: list[Case]) -> list[tuple[str, str, str | None]]:
    header, *records, _ = pipeline.run_columns(suite, [column])
    assert isinstance(header, Header)
    if reason := header.frameworks[column.framework].unavailable:
        pytest.skip(reason)
    found = [each for each in records if isinstance(each, Record)]
    assert any(each.status == Status.PASSED for each in found)
    return [(each.case, each.check, each.reason) for each in found if each.status.is_bad]


@pytest.mark.parametrize("framework", ["numpy", *honest_plugins.PLUGINS])
def test_a_frameworks_own_function_through_the_python_door(
    tmp_path: Path, suite: list[Case], framework: str
) -> None:
    lines = ["name: mine"]
    if framework == "numpy":
        lines += ["python: impl:conv_transpose", "gradient: impl:conv_transpose_vjp"]
    else:
        (tmp_path / "mine.py").write_text(honest_plugins.module(framework))
        python = interpreter(convention(framework))
        lines += ["python: mine:conv_transpose", f"interpreter: {python}"]
        lines += [honest_plugins.PLUGINS[framework][1]]
    (tmp_path / "mine.yaml").write_text("\n".join(lines))
    assert not [
        each
        for each in bad(Column(load_implementation(tmp_path / "mine.yaml")), suite)
        if each[0] not in honest_plugins.REFUSED.get(framework, ())
    ]


@pytest.mark.parametrize("framework", framework_names())
def test_the_rechecks_of_every_column(
    monkeypatch: pytest.MonkeyPatch, suite: list[Case], framework: str
) -> None:
    """Its data is exact in every framework: what passes the suite passes the rechecks."""
    monkeypatch.setattr(pipeline, "Watch", partial(Watch, is_suspect=True))
    conditions = Conditions(limitations=tuple(load_limitations()))
    assert not bad(Column(framework, conditions), suite)
