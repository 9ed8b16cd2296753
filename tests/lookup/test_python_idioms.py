"""Idioms of real PyTorch projects: they are computed, or said to be open, and never guessed."""

from __future__ import annotations

import pytest

from harness.core.errors import InputError
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every

HEAD = "import torch\nimport torch.nn as nn\n"


def answers(text: str) -> list[str]:
    """The place and the operator of every answer, or the place and what is wrong."""
    shown = []
    for each in look_up_every(HEAD + text, to=["numpy"]):
        if isinstance(each, LookUp):
            answer = each.to_json()
            sizes = answer["operator"]
            channels = f"{sizes['in_channels']} -> {sizes['out_channels']}"
            rest = [f"{key} {sizes[key]}" for key in ("kernel", "stride", "crop")]
            operator = answer["descriptor"] or ", ".join([channels, *rest])
            shown.append(f"{each.reading.line}: {operator}")
        else:
            assert isinstance(each, InputError)
            assert each.place is not None
            shown.append(f"{each.place.line}: {each.fact}")
    return shown


def notes(text: str) -> str:
    """What is noted with all answers."""
    every = [each for each in look_up_every(HEAD + text, to=["numpy"]) if isinstance(each, LookUp)]
    return "\n".join(note for each in every for note in each.reading.notes)


@pytest.mark.parametrize(
    ("test", "in_body", "in_else"),
    [
        ("up > 1", "up", 1),
        ("up == 1", 1, "up"),
        ("not bias and up > 1", "up", 1),
        ("is_known(up)", 1, 1),
    ],
)
def test_a_default_is_none_in_a_branch_that_it_decides_against(
    test: str, in_body: object, in_else: object
) -> None:
    text = (
        "def resample(x, w, up=1, bias=False):\n  step = up\n"
        f"  if {test}: return nn.ConvTranspose2d(6, 4, 3, up)(x)\n"
        "  return nn.ConvTranspose1d(6, 4, 3, up)(x)\n"
    ).replace("  return nn.ConvTranspose1d", "  else: return nn.ConvTranspose1d")
    strides = []
    for each in look_up_every(HEAD + text, to=["numpy"]):
        assert isinstance(each, LookUp)
        strides.append(each.to_json()["operator"]["stride"])
    assert strides == [[in_body] * 2, [in_else]]


def test_what_was_computed_from_such_a_default_is_open_too() -> None:
    text = (
        "class Up(nn.Module):\n  def __init__(self, scale=1, k=4):\n    stride = scale * 2\n"
        "    if scale != 1: self.up = nn.ConvTranspose2d(6, 4, k, stride)\n"
    )
    assert answers(text) == [
        "6: 6 -> 4, kernel [4, 4], stride ['stride', 'stride'], crop [[0, 0], [0, 0]]"
    ]
    assert "k=4: taken from the function's defaults" in notes(text)
    assert "scale=1" not in notes(text)


def test_defaults_are_none_where_a_later_import_may_replace_what_is_called() -> None:
    block = (
        "class Block(nn.Module):\n  def __init__(self, i, k=4, s=2):\n"
        "    self.up = nn.ConvTranspose2d(i, i, k, s)\n"
    )
    text = block + "from others import *\nup = Block(8, 6, 3)"
    assert answers(text) == [
        "5: i -> i, kernel ['k', 'k'], stride ['s', 's'], crop [[0, 0], [0, 0]]"
    ]
    assert "Line 7 calls what this stands in, which may be something else there" in notes(text)


COMPUTED = {
    "defaults of keywords": (
        "def up(i, **kw):\n  kw.setdefault('kernel_size', 4)\n  kw.setdefault('stride', 2)\n"
        "  return nn.ConvTranspose2d(i, 2, **kw)\na = up(6)\nb = up(5, stride=3, padding=1)",
        ["7: ic6_oc2_k4x4_s2x2_b", "8: ic5_oc2_k4x4_s3x3_c1.1x1.1_b"],
    ),
    "dictionaries that are joined": (
        "a = dict(kernel_size=4, stride=2)\nu = nn.ConvTranspose2d(6, 2, **(a | {'stride': 3}))\n"
        "a |= {'padding': 1}\nv = nn.ConvTranspose2d(5, 2, **a)",
        ["4: ic6_oc2_k4x4_s3x3_b", "6: ic5_oc2_k4x4_s2x2_c1.1x1.1_b"],
    ),
    "pairs of neighbours": (
        "from itertools import pairwise\n"
        "m = [nn.ConvTranspose1d(i, o, 3) for i, o in pairwise([8, 6, 5])]",
        ["4: ic8_oc6_k3_b", "4: ic6_oc5_k3_b"],
    ),
    "a dictionary's pairs": (
        "m = nn.ModuleDict()\nfor name, (i, o) in {'a': (8, 6), 'b': (5, 4)}.items():\n"
        "  m[name] = nn.ConvTranspose1d(i, o, 3)",
        ["5: ic8_oc6_k3_b", "5: ic5_oc4_k3_b"],
    ),
    "a dictionary of layers": (
        "m = nn.ModuleDict({f'up{i}': nn.ConvTranspose1d(2 ** i, 7, 3) for i in (3, 2)})",
        ["3: ic8_oc7_k3_b", "3: ic4_oc7_k3_b"],
    ),
    "a lambda": (
        "k = 4\nup = lambda i, o, s=2: nn.Sequential(nn.ConvTranspose1d(i, o, k, s), nn.ReLU())\n"
        "a = up(8, 6)\nb = up(6, 5, s=3)",
        ["5: ic8_oc6_k4_s2_b", "6: ic6_oc5_k4_s3_b"],
    ),
    "a loop that halves": (
        "def net(c, last):\n  m = []\n  while c > last:\n"
        "    m += [nn.ConvTranspose1d(c, c // 2, 3)]\n    c //= 2\n  return nn.Sequential(*m)\n"
        "g = net(32, 8)",
        ["9: ic32_oc16_k3_b", "9: ic16_oc8_k3_b"],
    ),
    "a loop as long as there is something": (
        "c = [8, 6, 5]\nwhile len(c) > 1:\n  m = nn.ConvTranspose1d(c[0], c[1], 3)\n  c = c[1:]",
        ["5: ic8_oc6_k3_b", "5: ic6_oc5_k3_b"],
    ),
    "a function whose results are kept": (
        "import functools\n@functools.lru_cache(maxsize=None)\n"
        "def up(i, o=4): return nn.ConvTranspose1d(i, o, 3)\na = up(6)",
        ["6: ic6_oc4_k3_b"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), COMPUTED.values(), ids=COMPUTED)
def test_what_python_makes_of_literals_is_computed(text: str, expected: list[str]) -> None:
    assert answers(text) == expected


@pytest.mark.parametrize(
    "lines",
    [
        "while c > 0:\n  m = nn.ConvTranspose1d(c, 4, 3)\n  c += 1",
        "while True:\n  m = nn.ConvTranspose1d(c, 4, 3)\n  c += 1\n  if c > 9: break",
        "while more(c):\n  m = nn.ConvTranspose1d(c, 4, 3)\n  c += 1",
    ],
)
def test_a_loop_whose_turns_are_not_known_leaves_names(lines: str) -> None:
    (found,) = answers(f"c = 8\n{lines}")
    assert found.startswith("5: c -> 4")


CHOSEN = {
    "a case of a match": (
        "from enum import Enum\nclass Mode(str, Enum):\n  UP = 'up'\n  FLAT = 'flat'\n"
        "def make(mode, i, k=4):\n  match mode:\n    case Mode.FLAT: return nn.Conv2d(i, 2, 3)\n"
        "    case 'up' | 'transpose': return nn.ConvTranspose2d(i, 2, k)\n"
        "    case None: return nn.ConvTranspose2d(i, 8, 5)\n"
        "    case _: return nn.ConvTranspose3d(i, 2, k)\n"
        "a = make(Mode.UP, 6)\nb = make(Mode.FLAT, 6)\nc = make('other', 5)\nd = make(None, 7)",
        ["13: ic6_oc2_k4x4_b", "15: ic5_oc2_k4x4x4_b", "16: ic7_oc8_k5x5_b"],
    ),
    "a test of bits": (
        "def tail(scale, n):\n  if (scale & (scale - 1)) == 0:\n"
        "    return nn.ConvTranspose2d(n, n, 4, 2, 1)\n"
        "  return nn.ConvTranspose2d(n, n, 5, 3, 1 | 2)\na = tail(4, 6)\nb = tail(3, 7)",
        ["7: ic6_oc6_k4x4_s2x2_c1.1x1.1_b", "8: ic7_oc7_k5x5_s3x3_c3.3x3.3_b"],
    ),
    "a dictionary with numbers for keys": (
        "KSP = {2: (4, 2, 1), 3: (5, 3, 1), -1: (7, 5, 2)}\n"
        "def up(i, scale):\n  k, s, p = KSP[scale]\n  return nn.ConvTranspose2d(i, 2, k, s, p)\n"
        "a = up(6, 3)\nb = up(5, -1)\nc = nn.ConvTranspose1d(4, 2, *KSP.get(9, (8, 3)))",
        [
            "7: ic6_oc2_k5x5_s3x3_c1.1x1.1_b",
            "8: ic5_oc2_k7x7_s5x5_c2.2x2.2_b",
            "9: ic4_oc2_k8_s3_b",
        ],
    ),
    "classes by numbers and by classes": (
        "UPS = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}\na = UPS[2](6, 4, 3)\n"
        "def net(op):\n  up = {nn.Conv1d: nn.ConvTranspose1d, nn.Conv3d: nn.ConvTranspose3d}[op]\n"
        "  return up(5, 2, 4)\nb = net(nn.Conv3d)",
        ["4: ic6_oc4_k3x3_b", "8: ic5_oc2_k4x4x4_b"],
    ),
    "a nested dictionary of more than sixteen values": (
        "C = {'enc': {'ch': [8, 16, 24, 32, 40, 48, 56, 64], 'k': 3, 's': (2, 2, 2, 2, 2)},\n"
        "     'dec': {'up': {'kernel_size': 6, 'stride': 4, 'padding': 1}}, 'lr': 0.1}\n"
        "class D(nn.Module):\n  def __init__(self, cfg):\n    up = cfg['dec']['up']\n"
        "    self.up = nn.ConvTranspose2d(cfg['enc']['ch'][-1], 5, **up, bias=False)\nd = D(C)",
        ["9: ic64_oc5_k6x6_s4x4_c1.1x1.1"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_what_the_text_chooses_is_computed(text: str, expected: list[str]) -> None:
    answered = [each for each in answers(text) if "handed on" not in each]
    assert answered == expected


def test_a_list_that_only_layers_and_the_texts_own_functions_are_given_stays_known() -> None:
    text = (
        "def size(x, k): return (x - k) // 2 + 1\n"
        "def sizes(shape, k): return tuple(size(x, k) for x in shape)\n"
        "class D(nn.Module):\n  def __init__(self, op, chans, strides):\n"
        "    a = sizes((64, 33), 6)\n    b = sizes(a, 4)\n    ups, heads = [], []\n"
        "    for i in range(1, len(chans)):\n      st = strides[-i]\n"
        "      ups.append(op(chans[-i], chans[-i - 1], st, st))\n"
        "      heads.append(nn.Conv2d(chans[-i - 1], 3, 1))\n"
        "    self.last = nn.ConvTranspose2d(chans[0], 2, a, b)\n"
        "d = D(nn.ConvTranspose2d, [5, 6, 7], [(1, 2), (2, 3), (4, 5)])"
    )
    assert answers(text) == [
        "15: ic7_oc6_k4x5_s4x5_b",
        "15: ic6_oc5_k2x3_s2x3_b",
        "15: ic5_oc2_k30x14_s14x6_b",
    ]


def test_a_list_that_a_function_may_change_is_not_known_after_it() -> None:
    text = (
        "def longer(c): return c.append(9) or c\ndef handed(c): return longer(c)\n"
        "def first(c): return c[0]\nk = [3, 4]\n"
        "first(k)\na = nn.ConvTranspose2d(6, 4, k)\nhanded(k)\nb = nn.ConvTranspose2d(6, 4, k)"
    )
    assert answers(text) == [
        "8: ic6_oc4_k3x4_b",
        "10: 6 -> 4, kernel ['k[0]', 'k[1]'], stride [1, 1], crop [[0, 0], [0, 0]]",
    ]


def test_a_size_of_0_is_no_default_of_an_option() -> None:
    text = (
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--classes', default=0, type=int)\np.add_argument('-k', default=3)\n"
        "args = p.parse_args()\nup = nn.ConvTranspose2d(args.classes, 4, args.k)"
    )
    expected = "8: args.classes -> 4, kernel [3, 3], stride [1, 1], crop [[0, 0], [0, 0]]"
    assert answers(text) == [expected]


CAUSAL = (
    "class Up(nn.ConvTranspose1d):\n  gain = 2\n"
    "  def __init__(self, i, o, k, s=2):\n    super().__init__(i, o, k, stride=s)\n"
    "    self.trim = k - s\n"
    "  def forward(self, x):\n    return super().forward(x)[..., : -self.trim]\n"
    "up = Up(6, 4, 8, s=3)"
)


def test_a_layer_may_keep_more_than_its_base() -> None:
    assert answers(CAUSAL) == ["10: ic6_oc4_k8_s3_b"]
    assert "Up has a forward of its own, in line 8" in notes(CAUSAL)


@pytest.mark.parametrize(
    ("kept", "instead"),
    [
        ("self.trim = k - s", "self.stride = (k - s,)"),
        ("self.trim = k - s", "self.trim = k - s; self._pads = 3"),
        ("gain = 2", "output_padding = (1,)"),
        ("gain = 2", "forward = other"),
    ],
)
def test_a_layer_that_changes_its_base_is_refused(kept: str, instead: str) -> None:
    text = CAUSAL.replace(kept, instead)
    with pytest.raises(InputError, match=r"Up is the text's own, defined in line 3, which"):
        answers(text)


def test_a_flag_that_decides_the_class_is_asked_for() -> None:
    text = (
        "def up(i, kernel, freq):\n  op = nn.ConvTranspose1d\n"
        "  if freq:\n    kernel = [kernel, 1]\n    op = nn.ConvTranspose2d\n"
        "  return op(i, 4, kernel)\n"
    )
    with pytest.raises(InputError, match=r"which function op is: add set freq=true\.") as error:
        answers(text)
    assert error.value.place is not None
    assert error.value.place.line == 8


@pytest.mark.parametrize(
    "lines",
    [
        "self.__dict__['c'] = 8",
        "d = self.__dict__\nself.c = 3\nd['c'] = 8",
        "d = vars(self)\nself.c = 3\nd['c'] = 8",
        "d = self.__dict__\nd.update(c=8)",
        "d = self.__dict__\nchange(d)",
        "vars(self).update(c=8)",
        "self.__dict__ = d",
        "e = self.__dict__\nd = e\nd['c'] += 1",
    ],
)
def test_attributes_that_are_set_as_a_dictionary_are_not_known(lines: str) -> None:
    body = "\n        ".join([*lines.split("\n"), "self.up = nn.ConvTranspose1d(self.c, 4, 2)"])
    text = f"class Net(nn.Module):\n    c = 3\n    def __init__(self, d):\n        {body}"
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert found.names == ("self.c",)


def test_a_framework_s_function_keeps_nothing_of_what_it_is_given() -> None:
    text = """
from mxnet import npx
def net(kernel):
    def other(x):
        return npx.convolution(x, w, kernel=kernel)
    class Up(nn.Module):
        def __init__(self):
            self.up = nn.ConvTranspose2d(3, 4, kernel)
    return Up()
net((3, 2))
"""
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert (found.reading.operator.kernel, found.reading.line) == ((3, 2), 10)


def test_an_import_of_what_stands_above_is_left_out() -> None:
    text = """
import torch.nn as nn
def up(c):
    return nn.ConvTranspose1d(c, 4, 2)
from blocks import up, down
layer = up(3)
"""
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert (found.reading.line, found.descriptor) == (6, "ic3_oc4_k2_b")
    note = "Line 5 was left out: it imports up, which the text itself defines."
    assert note in found.reading.notes


@pytest.mark.parametrize("line", ["from torch.nn import up", "from blocks import up as up_"])
def test_an_import_of_something_else_is_not(line: str) -> None:
    text = f"def up(c):\n    return nn.ConvTranspose1d(c, 4, 2)\n{line}\nlayer = up(3)"
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert not any("left out" in note for note in found.reading.notes)


def test_a_choice_between_tuples_is_one_number_for_each_axis() -> None:
    text = (
        "class Up(nn.Module):\n  def __init__(self, stride, p):\n"
        "    extra = (p, 1) if flat else (2, 1)\n"
        "    self.up = nn.ConvTranspose2d(6, 4, 5, 3, extra)\n"
    )
    crop = "[['p if flat else 2', 'p if flat else 2'], [1, 1]]"
    assert answers(text) == [f"6: 6 -> 4, kernel [5, 5], stride [3, 3], crop {crop}"]


@pytest.mark.parametrize(
    ("size", "kinds", "expected"),
    [
        ("5", "tuple", "k5x5"),
        ("5", "(tuple, list)", "k5x5"),
        ("5", "collections.abc.Iterable", "k5x5"),
        ("(5, 3)", "(tuple, list)", "k5x3"),
        ("[5, 3]", "Sequence", "k5x3"),
        ("(5, 3)", "tuple", "k5x3"),
        ("[5, 3]", "list", "k5x3"),
        ("tuple([5, 3])", "tuple", "k5x3"),
        ("list((5, 3))", "list", "k5x3"),
        ("[n for n in (5, 3)]", "list", "k5x3"),
        ("(*[5], 3)", "tuple", "k5x3"),
        ("(5,) + (3,)", "tuple", "k5x3"),
        ("(7, 5, 3)[1:]", "tuple", "k5x3"),
        ("5", "numbers.Integral", "k5x5"),
        # Nothing says which of both it is.
        ("(5,) + given", "tuple", "['k', 'k']"),
        ("5", "Mine", "['k', 'k']"),
    ],
)
def test_a_pair_is_made_of_a_number(size: str, kinds: str, expected: str) -> None:
    text = (
        f"def pair(x): return x if isinstance(x, {kinds}) else (x, x)\n"
        f"k = pair({size})\nup = nn.ConvTranspose2d(6, 4, k)"
    )
    (answer,) = answers(text)
    assert expected in answer


@pytest.mark.parametrize(
    ("size", "test", "expected"),
    [
        ("(5, 3)", "type(x) is tuple", "k5x3"),
        ("[5, 3]", "type(x) == list", "k5x3"),
        ("5", "type(x) != int", "k5x5"),
        ("(5, 3)", "type(x) is not int", "k5x3"),
        ("5", "type(x) is Mine", "['k', 'k']"),
    ],
)
def test_a_pair_is_made_of_what_has_the_type_of_a_number(
    size: str, test: str, expected: str
) -> None:
    text = (
        f"def pair(x): return x if {test} else (x, x)\n"
        f"k = pair({size})\nup = nn.ConvTranspose2d(6, 4, k)"
    )
    (answer,) = answers(text)
    assert expected in answer


def test_a_tuple_among_the_defaults_is_the_same_at_every_call() -> None:
    text = (
        "def pair(x):\n  if isinstance(x, tuple):\n    return x\n  return (x, x)\n"
        "class Up(nn.Module):\n  def __init__(self, k=(5, 3)):\n    k = pair(k)\n"
        "    self.up = nn.ConvTranspose2d(6, 4, k)\nnet = Up()"
    )
    (answer,) = answers(text)
    assert "k5x3" in answer


def test_defaults_of_a_method_are_none_where_the_text_calls_it_of_an_object() -> None:
    text = (
        "class Builder:\n  def up(self, c, factor=2):\n"
        "    self.layers.append(nn.ConvTranspose2d(6, 4, 2 * factor, factor))\n"
        "    return self\n"
        "{} = Builder().up(8){}"
    )
    expected = "5: 6 -> 4, kernel ['factor * 2', 'factor * 2'], stride ['factor', 'factor']"
    assert answers(text.format("net", "")) == ["5: ic6_oc4_k4x4_s2x2_b"]
    (answer,) = answers(text.format("net", ".up(4, factor=3)"))
    assert answer.startswith(expected)
    assert "Line 7 calls what this stands in, as a method of an object" in notes(
        text.format("net", ".up(4, factor=3)")
    )


def test_settings_are_replaced() -> None:
    text = (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n  k: int = 4\n  s: int = 2\n"
        "def up(c): return nn.ConvTranspose2d(6, 4, c.k, c.s)\n"
        "base = C(s=3)\na = up(dataclasses.replace(base, k=5))\n"
        "b = up(dataclasses.replace(C(), s=1))"
    )
    assert answers(text) == ["10: ic6_oc4_k5x5_s3x3_b", "11: ic6_oc4_k4x4_b"]
    assert "c.k=4: the default of a setting" in notes(text)


def test_prose_that_looks_like_a_call_hides_no_layer() -> None:
    text = CAUSAL.replace("  gain = 2\n", '  """Also a deconvolution (of a kind)."""\n')
    assert answers(text) == ["10: ic6_oc4_k8_s3_b"]


@pytest.mark.parametrize("more", ["more", "(more, 1)", "(1, more)"])
def test_a_name_that_can_be_one_number_only_is_asked_for(more: str) -> None:
    (answer,) = answers(f"up = nn.ConvTranspose2d(6, 4, 3, 2, 2, {more})")
    if more == "more":
        assert answer.endswith("crop [[2, '2 - more'], [2, '2 - more']]")
    else:
        assert "output_padding is 'more', whose value the text does not hold" in answer


@pytest.mark.parametrize("stride", range(4, 7))
def test_a_name_for_one_axis_is_never_written_for_both(stride: int) -> None:
    text = f"up = nn.ConvTranspose2d(6, 4, 3, {stride}, 2, (more, 1))"
    (found,) = look_up_every(HEAD + text, to=["pytorch"])
    assert isinstance(found, LookUp)
    answer = found.to_json()["translations"]["pytorch"]
    # What is written for more = 1 would be another text, so its number is asked for.
    assert answer["call"] is None
    assert "depends on more" in answer["reason"]


CLASS_ATTRIBUTE = """
class Net(nn.Module):
    up_class = {own}
    def __init__(self):
        self.up = self.up_class(3, 4, (2, 5))
"""


def test_a_class_that_an_attribute_of_the_class_names_is_followed() -> None:
    text = CLASS_ATTRIBUTE.format(own="nn.ConvTranspose2d")
    assert answers(text) == ["7: ic3_oc4_k2x5_b"]
    of_a_base = CLASS_ATTRIBUTE.format(own="None")
    inherits = "class Up(Net):\n    up_class = nn.ConvTranspose2d\nup = Up()\n"
    assert answers(of_a_base + inherits) == ["10: ic3_oc4_k2x5_b"]


@pytest.mark.parametrize(
    "other",
    ["Net.up_class = nn.Conv2d\n", "class Down(Net):\n    up_class = nn.Conv2d\ndown = Down()\n"],
)
def test_a_class_that_something_else_replaces_is_not(other: str) -> None:
    text = HEAD + CLASS_ATTRIBUTE.format(own="nn.ConvTranspose2d") + other
    with pytest.raises(InputError, match="handed on"):
        look_up_every(text, to=["numpy"])


def test_a_sequence_of_unknown_length_is_named_by_its_elements() -> None:
    text = (
        "class Up(nn.Module):\n  def __init__(self, kernel, stride):\n"
        "    pad = {}\n    self.more = [s - 1 for s in stride]\n"
        "    self.up = nn.ConvTranspose2d(6, 4, 5, 3, pad, self.more)\n"
    )
    crop = "[['pad[0]', 'pad[0] - self.more[0]'], ['pad[1]', 'pad[1] - self.more[1]']]"
    expected = [f"7: 6 -> 4, kernel [5, 5], stride [3, 3], crop {crop}"]
    assert answers(text.format("tuple((k - 1) // 2 for k in kernel)")) == expected
    assert answers(text.format("[k // 2 for k in kernel]")) == expected


def test_a_sequence_without_a_name_is_asked_for() -> None:
    (answer,) = answers("up = nn.ConvTranspose2d(i, o, 3, 2, [k // 2 for k in kernel])")
    assert answer.startswith("3: padding is '[k // 2 for k in kernel]', whose value")


@pytest.mark.parametrize(
    ("branch", "stride"),
    [
        ("if up > 1: x = nn.Conv1d(2, 3, 4)(x)", "3"),
        ("if up < 1: x = nn.Conv1d(2, 3, 4)(x)", "3"),
        ("if up < 1: return x", "3"),
        ("if up > 1: return x", "up"),
        ("if up < 1: up = 5", "up"),
    ],
)
def test_a_default_is_one_again_after_the_branches(branch: str, stride: str) -> None:
    text = f"def f(x, up=3):\n  {branch}\n  return nn.ConvTranspose1d(6, 4, 7, up)(x)\n"
    (found,) = look_up_every(HEAD + text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert [str(each) for each in found.to_json()["operator"]["stride"]] == [stride]


INHERITED = (
    "from tools import Module\nclass Up(Module):\n  def __call__(self, x):\n"
    "    kwargs = dict(stride=3)\n    x = {}\n    return x\n"
)


def test_a_class_and_its_arguments_are_given_to_a_method_that_another_file_defines() -> None:
    text = INHERITED.format("self.get('a', nn.ConvTranspose2d, 6, 4, (3, 5), **kwargs)(x)")
    assert answers(text) == ["7: ic6_oc4_k3x5_s3x3_b"]
    assert (
        "self.get is not in the text: it is taken to make nn.ConvTranspose2d of what it is given"
        in notes(text)
    )


@pytest.mark.parametrize(
    "call",
    [
        "self.get('a', nn.ConvTranspose2d, 6, 4, 3)",  # What comes of it is not called
        "self.get(nn.ConvTranspose2d, 6, 4, 3)(x)",  # No name before the class
        "make('a', nn.ConvTranspose2d, 6, 4, 3)(x)",
        "self.get('a', nn.ConvTranspose2d)(x)",
    ],
)
def test_another_call_that_is_given_a_class_is_refused_at_its_line(call: str) -> None:
    text = INHERITED.format(f"{call}\n    x = {call}")
    refused = "nn.ConvTranspose2d is not called here, but handed on"
    first, second = answers(text)
    assert first.startswith(f"7: {refused}")
    assert second.startswith(f"8: {refused}")


def test_a_method_of_the_texts_own_is_not_taken_for_one_that_makes_layers() -> None:
    text = INHERITED.format("self.get('a', nn.ConvTranspose2d, 6, 4, 3)(x)")
    with pytest.raises(InputError, match="handed on"):
        answers(text + "  def get(self, name, up, k, *sizes):\n    return registry(up, k)\n")


SKIPPING = (
    "class Net(nn.Module):\n"
    "    def __init__(self, rates=(8, 2), kernels=(16, 5), skips=True):\n"
    "        for i, (u, k) in enumerate(zip({})):\n"
    "            if {}:\n"
    "                {}\n"
    "            self.ups.append(nn.ConvTranspose1d(64 // 2**i, 7, k, u))\n"
    "            if not skips:\n"
    "                continue\n"
    "            self.noises.append(f(i))\n"
)
LITERAL, DEFAULT = "(8, 2), (16, 5)", "rates, kernels"
IN_NAMES = ["8: 64 // (2 ** i) -> 7, kernel ['k'], stride ['u'], crop [[0, 0]]"]


@pytest.mark.parametrize(
    ("over", "test", "body", "shown"),
    [
        (DEFAULT, "skips", "pass", ["8: ic64_oc7_k16_s8_b", "8: ic32_oc7_k5_s2_b"]),
        (LITERAL, "skips", "pass", ["8: ic64_oc7_k16_s8_b", "8: ic32_oc7_k5_s2_b"]),
        (LITERAL, "f()", "h = 3; continue", IN_NAMES),
        (LITERAL, "i == 1", "continue", IN_NAMES),
        (LITERAL, "f(u)", "continue", IN_NAMES),
        (LITERAL, "f()", "break", IN_NAMES),
    ],
)
def test_a_turn_that_ends_early_is_read_as_its_else(
    over: str, test: str, body: str, shown: list[str]
) -> None:
    assert answers(SKIPPING.format(over, test, body)) == shown


def test_turns_over_defaults_are_noted() -> None:
    assert "rates=(8, 2), kernels=(16, 5)" in notes(SKIPPING.format(DEFAULT, "skips", "pass"))


def test_a_class_of_an_imported_base_is_followed_whatever_else_a_star_may_import() -> None:
    text = (
        "from params import *\nclass Up(nn.Module):\n  def __init__(self, i, o, k):\n"
        "    self.up = nn.ConvTranspose2d(i, o, k, 2)\n"
        "class Net(nn.Module):\n  def __init__(self):\n"
        "    layers = [Up(8, 6, 3)]\n    layers += [Up(6, 4, 5)]\n"
    )
    assert answers(text) == ["9: ic8_oc6_k3x3_s2x2_b", "10: ic6_oc4_k5x5_s2x2_b"]


SLIM = """\
slim = tf.contrib.slim
@slim.add_arg_scope
def deconv(x, c, stride=1):
  return slim.conv2d_transpose(x, c, [4, 4], stride=stride)
"""


@pytest.mark.parametrize(
    ("scope", "stride"),
    [("[deconv]", "stride"), ("(slim.conv2d, deconv)", "stride"), ("[slim.conv2d]", "1")],
)
def test_a_default_that_a_scope_may_replace_stays_a_name(scope: str, stride: str) -> None:
    text = f"{SLIM}with slim.arg_scope({scope}, stride=2):\n  y = deconv(x, 64)\n"
    assert f"stride ['{stride}', '{stride}']".replace("'1'", "1") in answers(text)[0]


@pytest.mark.parametrize("kind", ["type[nn.ConvTranspose2d | nn.ConvTranspose3d]", "type"])
def test_a_class_with_an_annotation_is_the_class_that_it_is_given(kind: str) -> None:
    text = f"layer: {kind} = nn.ConvTranspose2d\nup = layer(64, 32, 2, 2)\n"
    assert answers(text) == ["4: ic64_oc32_k2x2_s2x2_b"]


@pytest.mark.parametrize("module", ["keras.src.utils.module_utils", ".compat", "mine.compat"])
def test_a_framework_by_way_of_another_module_is_no_function_of_the_same_name(module: str) -> None:
    text = (
        f"from {module} import tensorflow as tf\ndef conv2d_transpose(x):\n"
        "  return tf.nn.conv2d_transpose(x, tf.ones([4, 4, 32, 64]), [1, 16, 16, 32], 2, 'SAME')\n"
    )
    assert answers(text) == ["5: ic64_oc32_k4x4_s2x2_c1.1x1.1_n1_i8x8"]
