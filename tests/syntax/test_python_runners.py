"""Tests that are parametrized are read as the test runner calls them."""

from __future__ import annotations

import ast

import pytest

from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.syntax.python_runners import add_calls


def added(text: str) -> list[str]:
    module = ast.parse(text)
    count = len(module.body)
    add_calls(module, text.split("\n"))
    return [ast.unparse(each) for each in module.body[count:]]


def found(text: str) -> list[tuple[int, tuple[int, ...], str]]:
    answers = look_up_every(text, to=["numpy"], only_code=True)
    assert all(isinstance(each, LookUp) for each in answers), answers
    looks = [each for each in answers if isinstance(each, LookUp)]
    return [
        (one.reading.line, one.reading.within, one.descriptor or ",".join(one.names))
        for one in looks
    ]


@pytest.mark.parametrize(
    ("decorators", "calls"),
    [
        (
            '@pytest.mark.parametrize("k, s", [(4, 2), pytest.param(3, 1, id="odd")])',
            ["test_up(k=4, s=2, c=c)", "test_up(k=3, s=1, c=c)"],
        ),
        (
            '@pytest.mark.parametrize(["k", "s"], ((4, 2),))\n@mark.parametrize("c", [6, 5])',
            ["test_up(k=4, s=2, c=6)", "test_up(k=4, s=2, c=5)"],
        ),
        ('@pytest.mark.parametrize("k, s", [(4, 2), case])', []),
        ('@pytest.mark.parametrize("k, s", cases())', []),
        ('@pytest.mark.parametrize("c", [*range(9)])', []),
        ('@pytest.mark.parametrize("c", [' + "1, " * 65 + "])", []),
        ("@pytest.mark.slow", []),
        ('@parametrize("c", [1])', []),
    ],
)
def test_each_case_is_a_call(decorators: str, calls: list[str]) -> None:
    assert added(f"{decorators}\ndef test_up(c, k, s):\n    deconv(k)") == calls


def test_a_method_is_called_of_an_object() -> None:
    text = 'class TestUp:\n @pytest.mark.parametrize("k", [3])\n def test_up(self, k):\n  deconv(k)'
    assert added(text) == ["TestUp().test_up(k=3)"]


def test_each_case_is_answered_at_its_line() -> None:
    text = """
@use_np
@pytest.mark.parametrize("kernel, pad", [
    ((5,), (1,)),
    ((3, 4), (1, 0)),
])
def test_deconvolution(kernel, pad):
    class Net(mx.gluon.HybridBlock):
        def forward(self, x):
            return mx.npx.deconvolution(x, w, None, kernel, pad=pad, num_filter=6)
    net = Net()
"""
    shapes = [
        (one.reading.line, one.reading.within, one.reading.operator.kernel, one.names)
        for one in look_up_every(text, to=["numpy"])
        if isinstance(one, LookUp)
    ]
    assert shapes == [(4, (10,), (5,), ("in_channels",)), (5, (10,), (3, 4), ("in_channels",))]


def test_what_no_case_gives_stays_a_name() -> None:
    text = """
@pytest.mark.parametrize("k", [3, 5])
def test_up(k, channels):
    up = nn.ConvTranspose2d(4, channels, k)
"""
    assert found(text) == [(2, (4,), "channels"), (2, (4,), "channels")]


def test_loops_go_over_classes_and_dictionaries() -> None:
    text = """
from torch import nn
for layer, name in [(nn.Conv2d, "down"), (nn.ConvTranspose2d, "up")]:
    cases = [{"kernel_size": 3, "stride": 2}, {"kernel_size": (4, 5), "padding": 1}]
    for case in cases:
        made = layer(4, 6, **case)
"""
    operators = [
        Operator.of(4, 6, (3, 3), stride=2),
        Operator.of(4, 6, (4, 5), crop=1),
    ]
    assert found(text) == [(6, (), each.descriptor) for each in operators]


def test_a_class_may_be_one_of_several_of_its_name() -> None:
    text = """
from torch import nn
from layers import *
for layer in (nn.Conv1d, nn.ConvTranspose1d):
    made = layer(4, 6, 3)
"""
    assert found(text) == [(5, (), Operator.of(4, 6, (3,)).descriptor)]


@pytest.mark.parametrize(
    ("body", "descriptors"),
    [
        ("for j in c:\n        break", ["ic4_oc6_k2_b", "ic4_oc6_k3_b"]),
        ("def inner():\n        return 1", ["ic4_oc6_k2_b", "ic4_oc6_k3_b"]),
        ("if c:\n        break", ["k"]),
        ("if c:\n        continue", ["k"]),
        ("while c:\n        return", ["k"]),
    ],
)
def test_a_loop_that_may_end_early_is_not_read_by_turns(body: str, descriptors: list[str]) -> None:
    loop = f"for k in (2, 3):\n    {body}\n    up = nn.ConvTranspose1d(4, 6, k)"
    text = "def f(c):\n    " + loop.replace("\n", "\n    ")
    assert [shown for _, _, shown in found(text)] == descriptors


def test_a_text_of_many_tests_is_bounded() -> None:
    cases = ", ".join(map(str, range(60)))
    test = f'@pytest.mark.parametrize("k", [{cases}])\ndef test_{{}}(k):\n    deconv(k)\n'
    assert len(added("".join(map(test.format, range(9))))) == 300


def test_only_tests_that_may_make_layers_are_read_case_by_case() -> None:
    test = '@pytest.mark.parametrize("k", [4, 2])\ndef test_{0}(k):\n    {0}(k)\n'
    assert added(test.format("pool") + test.format("deconv")) == [
        "test_deconv(k=4)",
        "test_deconv(k=2)",
    ]
