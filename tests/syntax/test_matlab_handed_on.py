"""What MATLAB text evaluates, or hands on by its name or its handle, is named at its line."""

from __future__ import annotations

import pytest

from harness.core.errors import InputError
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every

CALLED = "transposedConv2dLayer(4, 8);\n"


@pytest.mark.parametrize(
    "line",
    [
        "up = eval(sprintf('transposedConv2dLayer(%d, 64)', n));",
        "up = feval('transposedConv2dLayer', 4, 64);",
        "up = feval(@transposedConv2dLayer, 4, 64);",
        "make = str2func('transposedConv2dLayer');",
        "ups = [first, cellfun(@transposedConv2dLayer, sizes, channels)];",
    ],
)
def test_what_is_handed_on_is_refused_at_its_line(line: str) -> None:
    called, handed_on = look_up_every(f"up = {CALLED}{line}\n", to=["numpy"])
    assert isinstance(called, LookUp)
    assert isinstance(handed_on, InputError)
    assert "transposedConv2dLayer is not called here, but handed on" in str(handed_on)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name = 'eval(transposedConv2dLayer)';",
        "n = eval('4'); % transposedConv2dLayer",
        "n = eval('4');\ndisp('transposedConv2dLayer')",
    ],
)
def test_what_is_not_handed_on_is_passed_over(line: str) -> None:
    assert len([*look_up_every(f"up = {CALLED}{line}\n", to=["numpy"])]) == 1


def test_a_call_in_a_function_that_is_handed_on_is_read_once() -> None:
    text = "ups = cellfun(@(c) transposedConv2dLayer(4, c), {8, 16});\n"
    assert len([*look_up_every(text, to=["numpy"])]) == 1
