"""Layers' classes that a text hands on are named where no call shows."""

from __future__ import annotations

import ast

import pytest

from harness.syntax.python_handed_on import handed_on

IMPORTS = "import torch\nimport torch.nn as nn\nfrom torch.nn import ConvTranspose1d as Up\n"
NAMES = {"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Up", "conv_transpose2d"}


def found(text: str) -> list[str]:
    whole = IMPORTS + text
    return [name for name, _ in handed_on(ast.parse(whole), NAMES, whole.split("\n"))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("op = nn.ConvTranspose2d if flat else nn.ConvTranspose3d", 2),
        ("OPS = {2: (nn.Conv2d, nn.ConvTranspose2d)}", 1),
        ("def op(n):\n    return nn.ConvTranspose3d", 1),
        ("def op(n):\n    up = nn.ConvTranspose3d\n    make(up)", 1),
        ("def make(op=nn.ConvTranspose2d): ...", 1),
        ("make(Up, op=torch.nn.ConvTranspose2d)", 2),
        ("op = getattr(nn, f'ConvTranspose{rank}d')", 1),
        ("op = getattr(nn, 'ConvTranspose' + str(rank) + 'd')", 1),
        ("op = eval('nn.ConvTranspose%dd' % rank)", 1),
        ("up = eval('nn.ConvTranspose2d(8, 4, 2)')", 1),
        ("y = table(nn.ConvTranspose2d)[0](8, 4, 2)", 1),
        ("c = {'_target_': 'torch.nn.ConvTranspose2d', 'stride': 2}", 1),
        ("c = ['nn.ConvTranspose2d', ('x', 'torch.nn.ConvTranspose1d')]\nd = 'nn.Up'", 3),
        ("layer = make('torch.nn.ConvTranspose2d', 8, 4, 2)", 1),
    ],
)
def test_what_is_handed_on_is_named(text: str, names: int) -> None:
    assert len(found(text)) == names


@pytest.mark.parametrize(
    "text",
    [
        "up = nn.ConvTranspose2d(8, 4, 2)",
        "up = getattr(nn, 'ConvTranspose2d')(8, 4, 2)",
        "up = eval('nn.ConvTranspose2d')(8, 4, 2)",
        "op = eval(f'nn.Conv{rank}d')",
        "op = getattr(nn, f'Conv{rank}d')",
        "if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)): ...",
        "if op == nn.ConvTranspose2d or type(m) is Up: ...",
        "class Same(nn.ConvTranspose2d): ...",
        "def init(m: nn.ConvTranspose2d) -> Up: ...",
        "up: nn.ConvTranspose2d",
        "nn.ConvTranspose2d.forward = forward",
        "pad = self.conv_transpose2d",
        "y = f(conv_transpose2d)",
        "'nn.ConvTranspose2d'",
        "m = 'ConvTranspose2d'; n = 'see nn.ConvTranspose2d'; o = {'nn.ConvTranspose2d': 1}",
        "if name == 'torch.nn.ConvTranspose2d' or x in ('nn.Up',): ...",
        "m = 'tf.ConvTranspose2d'",
        "def op(n):\n    up = nn.ConvTranspose3d\n    return nn.Conv3d(n, n, 2)",
        "match m:\n    case nn.ConvTranspose2d(): ...",
    ],
)
def test_what_is_called_or_only_tested_is_not(text: str) -> None:
    assert found(text) == []
