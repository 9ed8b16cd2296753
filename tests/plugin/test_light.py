"""A run of pytest that does not use the plugin hardly notices it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pytest_runs import STRICT


def test_the_entry_point_imports_next_to_nothing() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import harness.plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["harness", "harness.plugin"]


@pytest.mark.slow
def test_a_run_without_it_imports_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            ours = {name for name in sys.modules if name.split(".")[0] in ("harness", "impl")}
            assert ours == {"harness", "harness.plugin"}
            assert not {"numpy", "yaml", "rich"} & set(sys.modules)
        """
    )
    done = pytester.runpytest_subprocess(*STRICT)
    assert done.parseoutcomes() == {"passed": 1}
