"""Sizes in names that a text shows to be sequences: one name for each axis."""

from __future__ import annotations

import pytest

from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.syntax.tree import SnippetError

HEAD = "import torch.nn as nn\n"
UP = "    return nn.ConvTranspose2d(4, 6, k, stride=s)\n"


def sizes(text: str) -> list[tuple[object, object]]:
    """The kernel and the stride of each call."""
    looks = [each for each in look_up_every(text) if isinstance(each, LookUp)]
    operators = [each.to_json()["operator"] for each in looks]
    return [(each["kernel"], each["stride"]) for each in operators]


@pytest.mark.parametrize(
    "function",
    [
        f"def up(k: tuple[int, int], s: 'Optional[List[int]]'):\n{UP}",
        f"def up(k, s):\n    pad = [(each - 1) // 2 for each in k], s[0]\n{UP}",
        f"def up(k, s):\n    k, s = _pair(k), to_2tuple(s)\n{UP}",
        f"def up(k, s):\n    k, s = tuple(k), list(s)\n{UP}",
        f"def up(k, s):\n    k, s = longer(k), longer(s)\n{UP}"
        "def longer(sizes):\n    sizes = [*sizes]\n    sizes[0] = other()\n    return sizes\n",
        f"class Up:\n  def up(self, k=(3, 4), s=[2, 3]):\n{UP}"
        "class More(Up):\n  def up(self, *given):\n    return super().up(*given)\n"
        "def all(up, given): return up.up(3, given)\n",
    ],
)
def test_what_is_a_sequence_has_a_size_for_each_axis(function: str) -> None:
    assert sizes(HEAD + function) == [(["k[0]", "k[1]"], ["s[0]", "s[1]"])]


def test_a_forward_layer_has_a_size_for_each_axis() -> None:
    text = "for m in layers:\n  if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)) and m.bias:\n"
    call = "nn.ConvTranspose2d(4, 6, m.kernel_size, m.stride)\n"
    assert sizes(f"{HEAD}{text}    up = {call}  else:\n    up = {call}") == [
        (["m.kernel_size[0]", "m.kernel_size[1]"], ["m.stride[0]", "m.stride[1]"]),
        (["m.kernel_size", "m.kernel_size"], ["m.stride", "m.stride"]),
    ]


@pytest.mark.parametrize(
    "function",
    [
        f"def up(k: int | tuple[int, int], s):\n{UP}",
        f"def up(k, s):\n    if isinstance(s, tuple): s = s[0]\n    s = int(s)\n{UP}",
        f"def up(k: int, s: Optional[int]):\n    print(k.real)\n{UP}",
    ],
)
def test_what_is_not_certainly_a_sequence_has_one_size(function: str) -> None:
    ((kernel, _),) = sizes(HEAD + function)
    assert kernel == ["k", "k"]


def test_a_number_for_one_axis_or_for_all_is_chosen_for_each() -> None:
    text = HEAD + "def up(k, flat):\n    s = (1, 3) if flat else 3\n" + UP
    assert sizes(text) == [(["k", "k"], ["1 if flat else 3", 3])]


@pytest.mark.parametrize(
    ("settings", "default"),
    [
        ("  k = [5, 1]\n  s = (4, 1)\n", "Settings()"),
        ("  k = (5, 1)\n  s = (4, 1)\n", "Settings"),
        ("  def __init__(self, k=(5, 1)):\n    self.k = k\n    self.s = (4, 1)\n", "Settings()"),
        (
            "  k = (5, 2)\n  s = (4, 1)\n  def __init__(self, **given):\n"
            "    for name, value in given.items():\n      setattr(self, name, value)\n",
            "Settings(k=(5, 1))",
        ),
    ],
)
def test_settings_that_are_a_default_have_their_values(settings: str, default: str) -> None:
    text = (
        f"{HEAD}class Settings:\n{settings}class Up(nn.Module):\n"
        f"  def __init__(self, settings={default}):\n    self.k = settings.k\n"
        "    self.up = nn.ConvTranspose2d(4, 6, self.k, stride=settings.s)\n"
    )
    assert sizes(text) == [([5, 1], [4, 1])]


def test_settings_by_their_annotation_show_what_is_a_sequence() -> None:
    text = (
        f"{HEAD}class Settings:\n  k = (5, 1)\n  s = 2\nclass Up(nn.Module):\n"
        "  def __init__(self, settings: Settings):\n"
        "    self.up = nn.ConvTranspose2d(4, 6, settings.k, stride=settings.s)\n"
    )
    both = ["settings.k[0]", "settings.k[1]"], ["settings.s", "settings.s"]
    assert sizes(text) == [both]


def test_an_option_with_several_values_is_a_sequence() -> None:
    text = (
        f"{HEAD}import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--k', type=int, nargs=2)\nargs = parser.parse_args()\n"
        "up = nn.ConvTranspose2d(4, 6, args.k)\n"
    )
    assert sizes(text) == [(["args.k[0]", "args.k[1]"], [1, 1])]


def test_a_layer_has_its_own_sizes_for_each_axis() -> None:
    text = (
        f"{HEAD}import torch.nn.functional as F\nclass Up(nn.ConvTranspose2d):\n"
        "  def forward(self, x):\n"
        "    return F.conv_transpose2d(x, self.weight, stride=self.stride)\n"
    )
    ((_, stride),) = sizes(text)
    assert stride == ["self.stride[0]", "self.stride[1]"]


def test_a_crop_that_only_a_stride_of_1_has_stays_in_names() -> None:
    text = "tf.keras.layers.Conv1DTranspose(6, {}, s, 'same')"
    (look,) = look_up_every(text.format(3), to=["numpy", "chainer"])
    assert isinstance(look, LookUp)
    begin = "max(3 - s, 0) // 2"
    assert look.to_json()["operator"]["crop"] == [[begin, f"3 - s - {begin}"]]
    assert not [each for each in look.reading.notes if "taken" in each]
    written, asked = look.to_json()["translations"].values()
    assert f"crop=(({begin}, 3 - s - {begin}),)" in written["call"]
    assert asked["support"] == "unsupported"
    (look,) = look_up_every(text.format(2), to=["numpy"])
    assert isinstance(look, LookUp)
    assert look.to_json()["operator"]["crop"] == [[0, "2 - s"]]


@pytest.mark.parametrize(
    "base", ["super().__init__(", "super(Up, self).__init__(", "nn.ConvTranspose2d.__init__(self, "]
)
def test_a_layer_that_the_text_defines_and_does_not_make_is_answered(base: str) -> None:
    text = (
        f"{HEAD}class Up(nn.ConvTranspose2d):\n  def __init__(self, c, k):\n    {base}c, 6, k, 2)\n"
    )
    assert sizes(text) == [(["k", "k"], [2, 2])]
    assert sizes(f"{text}up = Up(4, 5)\n") == [([5, 5], [2, 2])]


def test_a_default_that_makes_no_layer_asks_for_another() -> None:
    (refused,) = look_up_every(
        f"{HEAD}def up(i, k, stride=1):\n"
        "    return nn.ConvTranspose2d(i, 8, k, stride, output_padding=1)\n"
    )
    assert isinstance(refused, SnippetError)
    assert refused.fact.endswith(
        "stride=1 is a default of the text's own: where others are meant, add set stride=2."
    )
