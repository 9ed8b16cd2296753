"""How pytest-xdist spreads a column's tests where it is asked for groups."""

from __future__ import annotations

import re

import pytest
from pytest_runs import SPEC, run, write


@pytest.mark.slow
def test_a_column_runs_in_one_process_whatever_file_its_cases_are_in(
    pytester: pytest.Pytester,
) -> None:
    for name in ("mine", "other"):
        write(pytester, f"{name}.deconform.yaml", SPEC.replace("mine", name))
    columns = [f"--deconform-python={name}=/missing" for name in ("pytorch", "chainer")]
    result = run(
        pytester,
        *("-n2", "--dist=loadgroup", "-v", "."),
        *columns,
        frameworks="pytorch chainer",
    )
    text = result.stdout.str()
    workers: dict[str, set[str]] = {}
    for worker, column in re.findall(r"\[(gw\d)\].*\[(pytorch|chainer)-", text):
        workers.setdefault(column, set()).add(worker)
    assert {column: len(names) for column, names in workers.items()} == {
        "pytorch": 1,
        "chainer": 1,
    }
    assert workers["pytorch"] != workers["chainer"]
