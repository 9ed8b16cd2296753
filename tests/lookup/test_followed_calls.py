"""Calls of a text's own functions and classes, followed to the layers that they make."""

from __future__ import annotations

import pytest

from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.lookup.reading import find_every, supply
from harness.syntax.tree import SnippetError, Value

HEAD = "import torch.nn as nn\n"
BLOCK = (
    "class UpBlock(nn.Module):\n"
    "    def __init__(self, cin, cout, k=4):\n"
    "        super().__init__()\n"
    "        self.up = nn.ConvTranspose2d(cin, cout, k, 2, 1)\n"
    "    def forward(self, x):\n"
    "        return self.up(x)\n"
)


def answers(text: str, **values: Value) -> list[tuple[int, str, str]]:
    """The line, the name and the descriptor, or the operator in names, of every answer."""
    found = []
    for each in look_up_every(HEAD + text, to=["numpy"], supplied=supply(values=values)):
        assert isinstance(each, LookUp), each
        operator = each.to_json()["operator"]
        descriptor = each.to_json()["descriptor"]
        sizes = f"{operator['in_channels']} -> {operator['out_channels']}, {operator['kernel']}"
        found.append((each.reading.line, each.reading.name, descriptor or sizes))
    return found


def lines(text: str) -> list[tuple[int, str]]:
    """The line and the name of every answer."""
    return [(line, name) for line, name, _ in answers(text)]


FOLLOWED = {
    "what a function returns": (
        "def up(i, o): return nn.ConvTranspose2d(i, o, 4, 2, 1)\n"
        "self.u1 = up(64, 32); self.u2 = up(32, 16)",
        [
            (3, "self.u1", "ic64_oc32_k4x4_s2x2_c1.1x1.1_b"),
            (3, "self.u2", "ic32_oc16_k4x4_s2x2_c1.1x1.1_b"),
        ],
    ),
    "a sequence": (
        "def up(i, o, k=3):\n  return nn.Sequential(nn.ConvTranspose2d(i, o, k), nn.ReLU())\n"
        "u = up(o=6, i=4)\nv = up(6, 2, k=5)",
        [(4, "u", "ic4_oc6_k3x3_b"), (5, "v", "ic6_oc2_k5x5_b")],
    ),
    "a static method of a class": (
        "class Net:\n  @staticmethod\n  def up(i, o, k=3): return nn.ConvTranspose2d(i, o, k)\n"
        "u = Net.up(4, 6)\nv = Net.up(6, 2, k=5)",
        [(5, "u", "ic4_oc6_k3x3_b"), (6, "v", "ic6_oc2_k5x5_b")],
    ),
    "a list, and a branch that is known": (
        "def up(i, o, bn=True):\n  layers = [nn.ConvTranspose2d(i, o, 3, bias=not bn)]\n"
        "  if bn:\n    layers.append(nn.BatchNorm2d(o))\n  return layers\n"
        "m = nn.Sequential(*up(4, 6), *up(6, 8, bn=False))",
        [(7, "m", "ic4_oc6_k3x3"), (7, "m", "ic6_oc8_k3x3_b")],
    ),
    "a layer that has a name first": (
        "def up(i, o):\n  layer = nn.ConvTranspose2d(i, o, 3)\n  return layer\nself.u = up(4, 6)",
        [(5, "self.u", "ic4_oc6_k3x3_b")],
    ),
    "only the branch that is taken": (
        "def up(i, kind):\n  if kind == 'big':\n    return nn.ConvTranspose2d(i, 2, 5)\n"
        "  return nn.ConvTranspose2d(i, 2, 3)\na = up(4, 'big')\nb = up(6, 'small')",
        [(6, "a", "ic4_oc2_k5x5_b"), (7, "b", "ic6_oc2_k3x3_b")],
    ),
    "functions that call one another": (
        "def one(i, o): return nn.ConvTranspose2d(i, o, 3)\n"
        "def two(i): return nn.Sequential(one(i, 2 * i), one(2 * i, i))\nself.t = two(4)",
        [(4, "self.t", "ic4_oc8_k3x3_b"), (4, "self.t", "ic8_oc4_k3x3_b")],
    ),
    "what is defined below": (
        "class Net:\n  def __init__(self):\n    self.u = up(4, 6)\n"
        "def up(i, o): return nn.ConvTranspose2d(i, o, 3)",
        [(4, "self.u", "ic4_oc6_k3x3_b")],
    ),
    "a function in a function": (
        "def net(c):\n  def up(o): return nn.ConvTranspose2d(c, o, 3)\n"
        "  return [up(2), up(6)]\nlayers = net(4)",
        [(5, "layers", "ic4_oc2_k3x3_b"), (5, "layers", "ic4_oc6_k3x3_b")],
    ),
    "Keras's functional style": (
        "def block(x, n):\n  x = tf.keras.layers.Conv2DTranspose(n, 3, 2, padding='same')(x)\n"
        "  return x\nx = tf.keras.Input((8, 8, 4))\nx = block(x, 6)\nx = block(x, 2)",
        [(6, "x", "ic4_oc6_k3x3_s2x2_c0.1x0.1_b_n1_i8x8"), (7, "x", "in_channels -> 2, [3, 3]")],
    ),
    "the framework's function as an argument": (
        "def up(make, i): return make(i, 2, 3)\nu = up(nn.ConvTranspose2d, 4)",
        [(3, "u", "ic4_oc2_k3x3_b")],
    ),
    "a dictionary of arguments": (
        "def up(i, o, **more): return nn.ConvTranspose2d(i, o, 3, **more)\n"
        "u = up(4, 6, stride=2, bias=False)",
        [(3, "u", "ic4_oc6_k3x3_s2x2")],
    ),
    "a class": (
        BLOCK + "class Net:\n  def __init__(self):\n"
        "    self.up1 = UpBlock(512, 256)\n    self.up2 = UpBlock(256, 128, k=2)",
        [
            (10, "self.up1.up", "ic512_oc256_k4x4_s2x2_c1.1x1.1_b"),
            (11, "self.up2.up", "ic256_oc128_k2x2_s2x2_c1.1x1.1_b"),
        ],
    ),
    "a class among others": (
        BLOCK + "m = nn.Sequential(UpBlock(4, 6), UpBlock(6, 8))",
        [
            (8, "UpBlock.up", "ic4_oc6_k4x4_s2x2_c1.1x1.1_b"),
            (8, "UpBlock.up", "ic6_oc8_k4x4_s2x2_c1.1x1.1_b"),
        ],
    ),
    "a class that gives its base arguments": (
        BLOCK
        + "class Wide(UpBlock):\n  def __init__(self, c):\n    super().__init__(c, 2 * c, 3)\n"
        "w = Wide(4)",
        [(11, "w.up", "ic4_oc8_k3x3_s2x2_c1.1x1.1_b")],
    ),
    "attributes of self": (
        "class Up(nn.Module):\n  kernel = 3\n  def __init__(self, c):\n    self.c = c\n"
        "    self.make()\n  def make(self):\n"
        "    self.up = nn.ConvTranspose2d(self.c, self.c // 2, self.kernel)\nu = Up(4)",
        [(9, "u.up", "ic4_oc2_k3x3_b")],
    ),
    "a method with lists": (
        "class Pose(nn.Module):\n  def __init__(self):\n    self.inplanes = 8\n"
        "    self.deconv = self._make(2, [6, 4], [4, 3])\n"
        "  def _config(self, k):\n    if k == 4:\n      p, q = 1, 0\n"
        "    elif k == 3:\n      p, q = 1, 1\n    return k, p, q\n"
        "  def _make(self, n, filters, kernels):\n    layers = []\n    for i in range(n):\n"
        "      k, p, q = self._config(kernels[i])\n"
        "      layers.append(nn.ConvTranspose2d(self.inplanes, filters[i], k, 2, p, q))\n"
        "      self.inplanes = filters[i]\n    return nn.Sequential(*layers)",
        [
            (5, "self.deconv", "ic8_oc6_k4x4_s2x2_c1.1x1.1_b"),
            (5, "self.deconv", "ic6_oc4_k3x3_s2x2_c1.0x1.0_b"),
        ],
    ),
    "a static method": (
        "class Net:\n  def __init__(self):\n    self.u = self.up(4, 6)\n  @staticmethod\n"
        "  def up(i, o): return nn.ConvTranspose2d(i, o, 3)",
        [(4, "self.u", "ic4_oc6_k3x3_b")],
    ),
    "a function of numbers": (
        "def same(k, d): return (k * d - d) // 2\n"
        "u = nn.ConvTranspose2d(4, 6, 5, padding=same(5, 1))",
        [(3, "u", "ic4_oc6_k5x5_c2.2x2.2_b")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_call_is_followed(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert answers(text) == expected


CHOSEN = {
    "by a name": 'conv = getattr(nn, "ConvTranspose2d")\nu = conv(4, 6, 3)',
    "in the call": 'u = getattr(nn, "ConvTranspose2d")(4, 6, 3)',
    "by a condition": "conv = nn.ConvTranspose2d if 1 > 0 else nn.Conv2d\nu = conv(4, 6, 3)",
    "by a key": 'k = "up"\nu = {"up": nn.ConvTranspose2d, "down": nn.Conv2d}[k](4, 6, 3)',
    "by a key of a name": 'kinds = {"up": nn.ConvTranspose2d}\nu = kinds["up"](4, 6, 3)',
    "by a parameter": (
        "def make(up):\n  conv = nn.ConvTranspose2d if up else nn.Conv2d\n  return conv(4, 6, 3)\n"
        "u = make(True)\nv = make(False)"
    ),
    "by a name that is put together": (
        'def kind(rank):\n  return getattr(nn, f"ConvTranspose{rank}d")\n'
        "up = kind(2)\nu = up(4, 6, 3)"
    ),
    "in part": (
        "from functools import partial\nconv = partial(nn.ConvTranspose2d, kernel_size=3)\n"
        "def make(kind): return kind(4, 6)\nu = make(conv)"
    ),
}


@pytest.mark.parametrize("text", CHOSEN.values(), ids=CHOSEN)
def test_what_is_called_may_be_chosen(text: str) -> None:
    assert [(name, operator) for _, name, operator in answers(text)] == [("u", "ic4_oc6_k3x3_b")]


MATCHING = (
    "def rank_of(op):\n"
    "  if op == nn.Conv2d:\n    return 2\n  elif issubclass(op, nn.Conv3d):\n    return 3\n"
    "  else:\n    raise ValueError(op)\n"
    "def matching(op=None, rank=None):\n"
    "  if op is not None:\n    rank = rank_of(op)\n"
    "  if rank == 2:\n    return nn.ConvTranspose2d\n"
    "  elif rank == 3:\n    return nn.ConvTranspose3d\n"
    "class Decoder(nn.Module):\n  def __init__(self, encoder):\n"
    "    op = matching(op=encoder.conv_op)\n    self.up = op(4, 6, 3)\n"
)
BRANCHES = (
    "class Net(nn.Module):\n  def __init__(self, conv_op=nn.Conv3d):\n    self.conv_op = conv_op\n"
    "    if self.conv_op == nn.Conv2d:\n      transposed = nn.ConvTranspose2d\n"
    "    elif self.conv_op == nn.Conv3d:\n      transposed = nn.ConvTranspose3d\n"
    "    else:\n      raise ValueError(conv_op)\n"
    "    self.up = transposed(4, 6, 3)\n"
)


@pytest.mark.parametrize(
    ("text", "name"),
    [(MATCHING, "encoder.conv_op"), (BRANCHES, "conv_op"), (BRANCHES, "self.conv_op")],
)
def test_a_class_that_the_user_names_chooses(text: str, name: str) -> None:
    for rank, kernel in ((2, "3x3"), (3, "3x3x3")):
        values: dict[str, Value] = {name: f"nn.Conv{rank}d"}
        expected = [("self.up", f"ic4_oc6_k{kernel}_b")]
        assert [(name, operator) for _, name, operator in answers(text, **values)] == expected


def test_a_class_that_a_call_gives_chooses() -> None:
    text = BRANCHES + "net = Net(nn.Conv2d)"
    assert answers(text) == [(12, "net.up", "ic4_oc6_k3x3_b")]
    text = MATCHING + "kind = matching(rank=3)\nup = kind(4, 2, 5)"
    assert ("up", "ic4_oc2_k5x5x5_b") in [(name, operator) for _, name, operator in answers(text)]


def test_what_decides_the_class_is_asked_for() -> None:
    text = MATCHING.replace("op = matching", "transposed = matching").replace(
        "= op(", "= transposed("
    )
    with pytest.raises(SnippetError, match=r"which function transposed is: .*encoder.conv_op=nn"):
        answers(text)


def test_each_class_that_the_text_may_choose_is_answered() -> None:
    both = [(11, "self.up", f"ic4_oc6_k{kernel}_b") for kernel in ("3x3", "3x3x3")]
    assert answers(BRANCHES) == both
    for (*_, decides, choice), rank in zip(notes(BRANCHES), (2, 3), strict=True):
        assert decides.startswith("Which function transposed is depends on")
        assert f"it is taken for torch.nn.ConvTranspose{rank}d" in choice


def test_a_word_decides_the_class_that_a_function_gives_back() -> None:
    text = (
        "def layer(rank, up):\n  if rank == 2:\n"
        "    return nn.ConvTranspose2d if up else nn.Conv2d\n"
        "  else:\n    return nn.ConvTranspose3d if up else nn.Conv3d\n"
        "class Up(nn.Module):\n  def __init__(self, c, dim='3d'):\n"
        "    conv = layer(2 if dim == '2d' else 3, up=True)\n    self.up = conv(4, 6, 3)\n"
    )
    both = ["ic4_oc6_k3x3_b", "ic4_oc6_k3x3x3_b"]
    assert [operator for *_, operator in answers(text)] == both
    assert all("Which function conv is depends on dim." in each for each in notes(text))
    assert [operator for *_, operator in answers(text, dim="2d")] == ["ic4_oc6_k3x3_b"]
    assert [operator for *_, operator in answers(text, dim="3d")] == ["ic4_oc6_k3x3x3_b"]


def test_a_class_that_may_be_the_same_by_another_name_decides_nothing() -> None:
    text = BRANCHES.replace("nn.Conv2d", "nn.Lazy2d").replace("=nn.Conv3d", "=nn.Long2d")
    assert answers(text, conv_op="nn.Lazy2d") == [(11, "self.up", "ic4_oc6_k3x3_b")]
    assert len(answers(text + "net = Net(nn.Long2d)")) == 2


def test_a_choice_that_the_text_leaves_open_is_noted() -> None:
    text = "conv = nn.ConvTranspose2d if up else nn.Conv2d\nu = conv(4, 6, 3)"
    (found,) = notes(text)
    assert found[0].startswith("conv is nn.ConvTranspose2d if up else nn.Conv2d: it is taken for")


MAKERS = (
    "import torch.nn as nn\nfrom torch.nn import ConvTranspose2d, Upsample\n"
    "def learned(i, o, k): return ConvTranspose2d(i, o, k)\n"
    "def resized(i, o, k): return Upsample(k)\n"
)


@pytest.mark.parametrize(
    "choice",
    [
        "up = learned if mode else resized",
        "if mode:\n  up = learned\nelse:\n  up = resized",
        "up = resized if mode else learned",
        "up = learned if mode else Upsample",
    ],
)
def test_of_two_functions_the_one_that_makes_the_layer_is_followed(choice: str) -> None:
    (found,) = look_up_every(f"{MAKERS}{choice}\nu = up(4, 6, 3)", to=["numpy"])
    assert isinstance(found, LookUp)
    assert found.reading.operator.descriptor == "ic4_oc6_k3x3_b"
    assert "up may be another function: it is taken for learned." in found.reading.notes


CONSTANTS = (
    "class Net(nn.Module):\n  SIZES = [(4, 6), (6, 8)]\n  def __init__(self):\n"
    "    {}\n    for i, o in self.SIZES:\n      u = nn.ConvTranspose2d(i, o, 3)\n{}"
)


@pytest.mark.parametrize(
    ("before", "after", "is_known"),
    [
        ("n = len(self.SIZES)", "", True),
        ("n = self.SIZES[0][1]", "m = [*Net.SIZES, *zip(Net.SIZES)]", True),
        ("self.SIZES.append((8, 9))", "", False),
        ("s = self.SIZES", "", False),
        ("", "Net.SIZES.insert(0, (2, 4))", False),
        ("", "Net.SIZES[0] = (2, 4)", False),
        ("", "def f(net): net.SIZES += [(8, 9)]", False),
        ("", "def f(net): del net.SIZES[0]", False),
        ("", "change(Net.SIZES)", False),
        ("", "both = {'sizes': Net.SIZES}", False),
        ("", "class Other(Net): SIZES = [(1, 2)]", False),
    ],
)
def test_a_list_of_a_class_is_known_where_nothing_changes_it(
    before: str, after: str, *, is_known: bool
) -> None:
    found = [operator for *_, operator in answers(CONSTANTS.format(before or "pass", after))]
    assert (found == ["ic4_oc6_k3x3_b", "ic6_oc8_k3x3_b"]) is is_known


@pytest.mark.parametrize(
    "choice",
    ["up = learned if mode else other", "up = learned if mode else given[0]"],
)
def test_of_functions_that_may_make_another_layer_none_is_followed(choice: str) -> None:
    other = "def other(i, o, k): return ConvTranspose2d(o, i, k)\n"
    every = look_up_every(f"{MAKERS}{other}{choice}\nu = up(4, 6, 3)", to=["numpy"])
    descriptors = [x.reading.operator.descriptor for x in every if isinstance(x, LookUp)]
    assert "ic4_oc6_k3x3_b" not in descriptors


PARSER = "parser = argparse.ArgumentParser()\n"
SETTINGS = {
    "argparse": (
        PARSER + "parser.add_argument('--ngf', type=int, default=4)\nopt = parser.parse_args()\n"
        "u = nn.ConvTranspose2d(opt.ngf, 6, 3)",
        "opt.ngf=4: the default of a setting; a run may give another.",
    ),
    "argparse in a function": (
        "def options():\n  parser = argparse.ArgumentParser()\n"
        "  parser.add_argument('--n-gf', type=int, default=4)\n  return parser.parse_args()\n"
        "def net(opt): return nn.ConvTranspose2d(opt.n_gf, 6, 3)\nu = net(options())",
        "opt.n_gf=4: the default of a setting; a run may give another.",
    ),
    "a group of options": (
        PARSER + "group = parser.add_argument_group('net')\n"
        "group.add_argument('--ngf', dest='c', default=4)\nopt, _ = parser.parse_known_args()\n"
        "u = nn.ConvTranspose2d(opt.c, 6, 3)",
        "opt.c=4: the default of a setting; a run may give another.",
    ),
    "a dataclass": (
        "@dataclass\nclass Config:\n  ngf: int = 4\n  nc: int = field(default=8)\n"
        "cfg = Config(nc=6)\nu = nn.ConvTranspose2d(cfg.ngf, cfg.nc, 3)",
        "cfg.ngf=4: the default of a setting; a run may give another.",
    ),
    "a class of constants": (
        "class Config:\n  ngf = 4\nu = nn.ConvTranspose2d(Config.ngf, 6, 3)",
        None,
    ),
    "a dictionary": ("cfg = dict(ngf=4)\nu = nn.ConvTranspose2d(cfg['ngf'], 6, 3)", None),
    "an object that self has": (
        "class Net:\n  def __init__(self, opt):\n    self.opt = opt\n"
        "    self.up = nn.ConvTranspose2d(self.opt.ngf, 6, 3)\n"
        "net = Net(SimpleNamespace(ngf=4))",
        None,
    ),
}


@pytest.mark.parametrize(("text", "note"), SETTINGS.values(), ids=SETTINGS)
def test_settings_have_their_defaults(text: str, note: str | None) -> None:
    assert [operator for *_, operator in answers(text)] == ["ic4_oc6_k3x3_b"]
    said = [each for each in notes(text)[0] if "setting" in each]
    assert said == ([] if note is None else [note])


@pytest.mark.parametrize(
    "text",
    [
        PARSER + "parser.add_argument('--c', default='4', type=int)\nopt = parser.parse_args()\n",
        PARSER + "parser.add_argument('c')\nopt = parser.parse_args()\n",
        PARSER + "parser.add_argument('--c', default=4)\nopt = parser.parse_args()\nopt.c = more\n",
        PARSER + "if here:\n  parser.add_argument('--c', default=4)\nopt = parser.parse_args()\n",
        PARSER + "parser.add_argument('--c', default=4)\nparser.set_defaults(c=5)\n"
        "opt = parser.parse_args()\n",
        PARSER + "parser.add_argument('--c', default=4)\nopt = parser.parse_args()\n"
        "setattr(opt, name, 3)\n",
        "class opt:\n  c = 4\nopt.c = 5 if here else 6\n",
        "@dataclass\nclass Config:\n  c: int = 4\nopt = Config(*given)\n",
        "@dataclass\nclass Config:\n  c: int = 4\n  def __init__(self): f(self)\nopt = Config()\n",
    ],
)
def test_a_setting_that_is_not_certain_has_no_value(text: str) -> None:
    assert [operator for *_, operator in answers(text + "u = nn.ConvTranspose2d(opt.c, 6, 3)")] == [
        "opt.c -> 6, [3, 3]"
    ]


def test_a_value_that_the_user_gives_is_taken_in_place_of_a_default() -> None:
    text = SETTINGS["argparse"][0]
    assert [operator for *_, operator in answers(text, **{"opt.ngf": 8})] == ["ic8_oc6_k3x3_b"]


IN_NAMES = {
    "the caller's names": (
        BLOCK + "self.a = UpBlock(ngf * 8, ngf)\nself.b = UpBlock(ngf, opt.nc)",
        ["ngf * 8 -> ngf, [4, 4]", "ngf -> opt.nc, [4, 4]"],
    ),
    "an expression of the function's": (
        "def up(i): return nn.ConvTranspose2d(i * 2, i, 3)\nu = up(a + b)",
        ["a * 2 + b * 2 -> a + b, [3, 3]"],
    ),
    "an attribute of an object": (
        "class G:\n  def __init__(self, h):\n    self.u = nn.ConvTranspose2d(h.c, h.c // 2, 3)\n"
        "g = G(config)",
        ["config.c -> config.c // 2, [3, 3]"],
    ),
    # Not ``d -> d``: one is the caller's, the other the function's own.
    "two things of one name": (
        "def up(i):\n  d = load()\n  return nn.ConvTranspose2d(i, d, 3)\nu = up(d)",
        ["up.i -> d, [3, 3]"],
    ),
    "names that are exchanged": (
        "def up(i, o): return nn.ConvTranspose2d(i, o, 3)\nu = up(o, i)",
        ["up.i -> up.o, [3, 3]"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), IN_NAMES.values(), ids=IN_NAMES)
def test_what_the_caller_leaves_open_is_answered_in_its_names(
    text: str, expected: list[str]
) -> None:
    assert [operator for _, _, operator in answers(text)] == expected


MAKE = "def up(i, o): return nn.ConvTranspose2d(i, o, 3)\n"
NOT_FOLLOWED = {
    "nobody calls it": (MAKE, [(2, "")]),
    "another definition": (
        MAKE + "def up(i, o): return nn.Conv2d(i, o, 3)\nu = up(4, 6)",
        [(2, "")],
    ),
    "another value": (MAKE + "up = other(up)\nu = up(4, 6)", [(2, "")]),
    "a decorator": ("@mine\n" + MAKE + "u = up(4, 6)", [(3, "")]),
    "a branch": (f"if here:\n  {MAKE}u = up(4, 6)", [(3, "")]),
    "other defaults": (
        "def up(i, o=4): return nn.ConvTranspose2d(i, o, 3)\nup.__defaults__ = (9,)\nu = up(2)",
        [(2, "")],
    ),
    "globals": (MAKE + "globals()['up'] = other\nu = up(4, 6)", [(2, "")]),
    "a parameter of the name": (MAKE + "def net(up): return up(4, 6)", [(2, "")]),
    "a class with a decorator": ("@mine\n" + BLOCK + "u = UpBlock(4, 6)", [(6, "self.up")]),
    "a class with another metaclass": (
        BLOCK.replace("nn.Module", "nn.Module, metaclass=Mine") + "u = UpBlock(4, 6)",
        [(5, "self.up")],
    ),
    "a class that is changed": (
        BLOCK + "UpBlock.__init__ = mine\nu = UpBlock(4, 6)",
        [(5, "self.up")],
    ),
    "a method that a class below overrides": (
        "class A:\n  def __init__(self):\n    self.u = self.up(4)\n"
        "  def up(self, i): return nn.ConvTranspose2d(i, 2, 3)\n"
        "class B(A):\n  def up(self, i): return nn.ConvTranspose2d(i, 2, 5)",
        [(5, ""), (7, "")],
    ),
    "a method that is replaced": (
        "class A:\n  def __init__(self):\n    self.u = self.up(4)\n"
        "  def up(self, i): return nn.ConvTranspose2d(i, 2, 3)\nA.up = mine",
        [(5, "")],
    ),
    "a generator": (
        "def ups(i):\n  yield nn.ConvTranspose2d(i, 2, 3)\nu = [*ups(4)]",
        [(3, "")],
    ),
    "a function that calls itself": (
        "def up(i):\n  u = nn.ConvTranspose2d(i, 2, 3)\n  return [u, *up(i - 1)]",
        [(3, "u")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), NOT_FOLLOWED.values(), ids=NOT_FOLLOWED)
def test_what_may_be_something_else_is_not_followed(
    text: str, expected: list[tuple[int, str]]
) -> None:
    assert lines(text) == expected


def test_a_method_of_the_class_itself_is_followed_in_an_object_of_it() -> None:
    text = NOT_FOLLOWED["a method that a class below overrides"][0]
    assert (8, "b.u", "ic4_oc2_k5x5_b") in answers(text + "\nb = B()")


def notes(text: str) -> list[tuple[str, ...]]:
    found = look_up_every(HEAD + text, to=["numpy"])
    return [each.reading.notes if isinstance(each, LookUp) else (str(each),) for each in found]


OWN = (
    "class Up(nn.ConvTranspose1d):\n"
    "  def forward(self, x, squeeze=False):\n    x = {}\n    return torch.squeeze(x)\n"
    "u = Up(4, 6, 3)"
)


def test_a_layer_that_does_more_than_its_base_is_answered_with_a_note() -> None:
    text = OWN.format("super().forward(x if x.dim() == 3 else x[:, None])")
    assert answers(text) == [(6, "u", "ic4_oc6_k3_b")]
    assert notes(text) == [
        (
            "Up has a forward of its own, in line 3: what that does around the framework's is not "
            "in the answer.",
        )
    ]


@pytest.mark.parametrize(
    "made",
    [
        "other(x)",
        "super().forward(x, output_size=[9])",
        "super().forward(super().forward(x))",
        "super().forward(x); self.weight = other",
    ],
)
def test_a_layer_that_computes_something_else_is_refused(made: str) -> None:
    with pytest.raises(SnippetError, match="which has forward of its own"):
        answers(OWN.format(made))


def test_the_place_of_the_frameworks_call_is_noted() -> None:
    assert notes(BLOCK + "u = UpBlock(4, 6)") == [
        ("The framework's call stands in line 5, in UpBlock.",)
    ]


def test_what_cannot_be_followed_is_noted_with_its_line() -> None:
    text = MAKE + "u = up(4, 6)\nv = up(*sizes)\nw = up(4)"
    own, followed = notes(text)
    assert own == (
        "Line 4 calls what this stands in, which is given arguments that the text does not show: "
        "that is not followed.",
    )
    assert followed == ("The framework's call stands in line 2, in up.",)


REGISTRY = (
    "class Net(nn.Module):\n  def __init__(self, width=64, depth=2):\n"
    "    sizes = [width * 2**i for i in range(depth + 1)]\n"
    "    self.up = [nn.ConvTranspose2d(i, o, 4) for i, o in zip(sizes[1:], sizes)]\n"
)


@pytest.mark.parametrize(
    "text",
    [
        REGISTRY + "def make(kind, **more): return Net(**dict(CONFIGS[kind], **more))",
        REGISTRY + "nets = [Net(*each) for each in load()]",
        REGISTRY + "class Wide(Net): pass\nnet = Wide(**load())",
    ],
)
def test_a_default_is_no_value_where_a_call_that_is_not_followed_may_give_another(
    text: str,
) -> None:
    assert [operator for *_, operator in answers(REGISTRY)] == [
        "ic128_oc64_k4x4_b",
        "ic256_oc128_k4x4_b",
    ]
    assert [operator for *_, operator in answers(text)] == ["i -> o, [4, 4]"]


def test_a_default_of_who_calls_is_noted() -> None:
    text = "def net(c=8):\n  return up(c, 4)\n" + MAKE
    assert notes(text)[0][1:] == (
        "c=8: taken from the function's defaults; its caller may give others.",
    )


def test_a_default_in_an_expression_of_who_calls_is_noted() -> None:
    text = "def net(n, c=8):\n  return up(c + n, 4)\n" + MAKE
    assert "c=8: taken from the function's defaults; its caller may give others." in notes(text)[0]


def test_a_default_of_who_calls_is_noted_where_it_is_the_default_of_what_is_called_too() -> None:
    text = "def net(c=8):\n  return up(c, 5)\ndef up(i=8, o=4): return nn.ConvTranspose2d(i, o, 3)"
    assert notes(text)[0][1:] == (
        "c=8: taken from the function's defaults; its caller may give others.",
    )


def test_values_of_names_are_known_before_loops_are_read() -> None:
    text = (
        "for i, (u, k) in enumerate(zip(h.upsample_rates, h.upsample_kernel_sizes)):\n"
        "    self.ups.append(weight_norm(nn.ConvTranspose1d(h.initial // (2 ** i),\n"
        "        h.initial // (2 ** (i + 1)), k, u, padding=(k - u) // 2)))"
    )
    assert [operator for _, _, operator in answers(text)] == [
        "h.initial // (2 ** i) -> h.initial // (2 ** (i + 1)), ['k']"
    ]
    values: dict[str, Value] = {
        "h.upsample_rates": (8, 8, 2),
        "h.upsample_kernel_sizes": (16, 16, 4),
        "h.initial": 64,
    }
    assert [operator for _, _, operator in answers(text, **values)] == [
        "ic64_oc32_k16_s8_c4.4_b",
        "ic32_oc16_k16_s8_c4.4_b",
        "ic16_oc8_k4_s2_c1.1_b",
    ]


def test_a_value_reaches_a_class_by_the_names_of_its_caller() -> None:
    text = BLOCK + "self.a = UpBlock(ngf * 8, ngf)"
    assert answers(text, ngf=4) == [(8, "self.a.up", "ic32_oc4_k4x4_s2x2_c1.1x1.1_b")]


@pytest.mark.parametrize(
    "text",
    [
        "def up(i):\n  a = nn.ConvTranspose2d(i, 2, 3)\n" + "  b = 1\n" * 1000 + "  return a\n"
        "u = up(4)\n" * 10_000,
        "".join(
            f"def f{n}(i): return [f{n + 1}(i), f{n + 1}(i + 1), f{n + 1}(i + 2)]\n"
            for n in range(30)
        )
        + "def f30(i): return nn.ConvTranspose2d(i, 2, 3)\nu = f0(4)",
        "def a(i): return [nn.ConvTranspose2d(i, 2, 3), b(i)]\ndef b(i): return a(i)\nu = a(4)",
        "def up(i): return nn.ConvTranspose2d(i, 2, 3)\nu = " + "up(" * 50 + "4" + ")" * 50,
        "def up(i):\n  i = i + i\n  i = i + i\n  return nn.ConvTranspose2d(i, 2, 3)\n"
        "def two(j): return up(j + j + j + j)\nu = two(two(two(c)))",
    ],
    ids=["long", "wide", "in turns", "deep", "growing"],
)
def test_following_ends(text: str) -> None:
    found = find_every(HEAD + text)
    assert 1 <= len(found) <= 600
    assert not any(isinstance(each, SnippetError) for each in found)


def test_what_a_loop_computes_of_a_name_differs_from_turn_to_turn() -> None:
    text = (
        "def net(ngf, n=2):\n  layers = []\n  for i in range(n):\n    mult = 2 ** (n - i)\n"
        "    layers += [nn.ConvTranspose2d(ngf * mult, int(ngf * mult / 2), 3)]\n"
        "  return nn.Sequential(*layers)\nm = net(opt.ngf)"
    )
    assert [operator for _, _, operator in answers(text)] == [
        "opt.ngf * 4 -> opt.ngf * 2, [3, 3]",
        "opt.ngf * 2 -> opt.ngf, [3, 3]",
    ]


ARRAYS = """
import numpy as np
import tensorflow as tf

def filters_of(shape, name=None):
    initial = tf.truncated_normal(shape)
    if name is None:
        return tf.Variable(initial)
    return tf.get_variable(name, initializer=initial)

class Net:
    def up(self, x, size, name, stride=2):
        f_shape = [size, 3, 5, 7]
        w = {weights}
        return tf.nn.conv2d_transpose(x, w, [1, 64, 64, 5], stride)

    def get_deconv_filter(self, f_shape):
        line = np.zeros([f_shape[0], f_shape[1]])
        for n in range(f_shape[0]):
            line[n, 0] = abs(n - 2)
        weights = np.zeros(f_shape)
        for i in range(f_shape[2]):
            weights[:, :, i, i] = line
        init = tf.constant_initializer(value=weights)
        return tf.get_variable("filter", initializer=init, shape=weights.shape)

    def build(self, data, name):
        return self.up(data, 4, name)
"""


@pytest.mark.parametrize(
    "weights",
    ["self.get_deconv_filter(f_shape)", "filters_of(f_shape)", "filters_of(f_shape, name=name)"],
)
def test_the_sizes_of_an_array_that_a_function_gives_back_are_known(weights: str) -> None:
    (look,) = look_up_every(ARRAYS.format(weights=weights))
    assert isinstance(look, LookUp)
    assert look.reading.operator.descriptor == "ic7_oc5_k4x3_s2x2_c1.1x0.1"


def test_arrays_that_branches_make_of_other_sizes_are_not_known() -> None:
    text = ARRAYS.format(weights="filters_of(f_shape, name=name)")
    text = text.replace(
        "get_variable(name, initializer=initial)", "get_variable(name, [4, 4, 5, 7])"
    )
    (look,) = look_up_every(text)
    assert isinstance(look, LookUp)
    assert look.names
