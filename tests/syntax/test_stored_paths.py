"""Where a model keeps its layers, as PyTorch, Gluon, Chainer and Keras would name them."""

from __future__ import annotations

import pytest

from harness.syntax.stored_paths import stored_paths
from harness.syntax.tree import SnippetError


def paths(text: str, function: str = "Up") -> list[str]:
    return [each.path for each in stored_paths(text) if each.function == function]


def inside(lines: str) -> str:
    body = "".join(f"        {line}\n" for line in lines.splitlines())
    return f"class G(nn.Module):\n    def __init__(self, n):\n{body}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("self.up = nn.Up(4)", ["up"]),
        ("self.up: nn.Module = nn.Up(4)", ["up"]),
        ("self.up = weight_norm(nn.Up(4), dim=0)", ["up"]),
        ("self.up = nn.Sequential(nn.Conv(4), nn.Up(4))", ["up.1"]),
        ("self.up = Sequential(Sequential(A(), Up(4)), weight_norm(Up()))", ["up.0.1", "up.1"]),
        ("self.up = nn.Sequential(*[A(), Up()])", ["up.1"]),
        ("self.up = nn.ModuleList([A(), Up()])", ["up.1"]),
        ("self.up = nn.ModuleList([Up(c) for c in n])", ["up.#"]),
        ("self.up = nn.ModuleList([Up()] + [Up() for c in n])", ["up.0", "up.#"]),
        ('self.up = nn.ModuleDict({"a": A(), "b": Up()})', ["up.b"]),
        ('self.up = nn.Sequential(OrderedDict([("a", A()), ("b", Up())]))', ["up.b"]),
        ("self.up = Up() if n else nn.Upsample()", ["up"]),
        ("if n:\n    self.up = A()\nelse:\n    self.up = Up()", ["up"]),
        ("self.ups = nn.ModuleList()\nfor i in n:\n    self.ups.append(Up(i))", ["ups.#"]),
        ("self.ups = nn.ModuleList()\nself.ups.append(A())\nself.ups.append(Up(i))", ["ups.1"]),
        ("self.u = ModuleList()\nif n:\n    self.u.append(A())\nself.u.append(Up())", ["u.#"]),
        ("l = []\nl.append(A())\nl += [B(), Up()]\nself.m = nn.Sequential(*l)", ["m.2"]),
        ("for i in n:\n    l += [Up(), A()]\nl += [Up()]\nself.m = Sequential(*l)", ["m.#"] * 2),
        ("self.m = nn.Sequential()\nself.m.add_module('up', Up())", ["m.up"]),
        ("self.add_module('up', Up())", ["up"]),
        ("for i in n:\n    setattr(self, f'up{i}', Up())", ["up#"]),
        ("for i in n:\n    self.add_module('up%d' % i, Up())", ["up#"]),
        ("with self.init_scope():\n    self.up = L.Up(4)", ["up"]),
        ("super().__init__(up=L.Up(3), other=L.A())", ["up"]),
        ("self.n = HybridSequential()\nself.n.add(A())\nself.n.add(Up(), Up())", ["n.1", "n.2"]),
        ("x = nn.Up(4)\nself.up = nn.Sequential(A(), x)", ["up.1"]),
    ],
)  # fmt: skip
def test_places_in_a_class(lines: str, expected: list[str]) -> None:
    assert paths(inside(lines)) == expected


def test_classes_inside_classes_and_functions_that_return_layers() -> None:
    text = """
def block(i, norm=True):
    layers = [nn.Up(i)]
    if norm:
        layers.append(nn.Norm(i))
    return nn.Sequential(*layers)
class Unet(nn.Module):
    def __init__(self):
        self.inner = Level(Level(None))
        self.last = block(3)
class Level(nn.Module):
    def __init__(self, sub):
        self.conv = nn.Conv2d(3, 3)
        self.up = nn.Up(4)
class Free(nn.Module):
    def __init__(self):
        self.up = nn.Up(4)
net = nn.Sequential(nn.Conv2d(3, 3), nn.Up(4))
layer = nn.Up(3)
model = Unet()
"""
    found = {(each.root, each.path) for each in stored_paths(text) if each.function == "Up"}
    assert found == {
        ("Unet", "inner.up"),
        ("Unet", "last.0"),
        ("Free", "up"),
        ("=net", "1"),
        ("=layer", ""),
    }


def test_layers_that_have_names_of_their_own() -> None:
    text = 'def make():\n    x = layers.Up(3, name="dec1")(x)\n    return Up(x, name="dec%d" % 2)'
    assert sorted(paths(text)) == ["dec#", "dec1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_are_those_of_the_calls(end: str) -> None:
    text = inside("é = 'é'; self.é = nn.Sequential(\n    nn.Up('é', 'SEPARATOR'))")
    text = text.replace("SEPARATOR", "\N{LINE SEPARATOR}").replace("\n", end)
    (each,) = stored_paths(text)
    assert (each.path, each.line) == ("é.0", 4)
    assert text[each.offset :].startswith("nn.Up(")


def test_what_a_layer_is_made_through() -> None:
    text = inside("self.a = A(1)\nself.b = A(2)") + "class A:\n  def f(self):\n    self.up = Up()\n"
    first, second = stored_paths(text)
    assert (first.path, second.path) == ("a.up", "b.up")
    assert [text[place:][:4] for each in (first, second) for place in each.through] == [
        "A(1)",
        "A(2)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("class A(", "\0", "(" * 1000 + ")" * 1000, "self.a = " + "f(" * 500 + ")" * 500),
        *("x = " + "-" * 50000 + "1", "x = " + "a." * 50000 + "b"),
    ],
)
def test_what_is_no_python_is_one_error_or_nothing(text: str) -> None:
    try:
        stored_paths(text)
    except SnippetError as error:
        assert "\n" not in error.fact  # noqa: PT017 -- either will do


def test_classes_that_hold_each_other_end() -> None:
    text = "class A:\n def f(self):\n  self.b, self.c = 1, 2\n  self.b = B()\n  self.d = B()\n"
    text += "class B:\n def f(self):\n  self.a = A()\n  self.e = A()\n  self.up = Up()\nx = A()\n"
    assert stored_paths(text) == []
    assert len(stored_paths(text + "class C:\n def f(self):\n  self.a = A()\n")) == 5000


@pytest.mark.parametrize(
    "line",
    [
        "def f{0}():\n  return nn.Sequential({1})\n",
        "class f{0}:\n def f(self):\n  self.a = L({1})\n",
    ],
)
def test_what_multiplies_is_refused(line: str) -> None:
    text = "".join(
        line.format(each, ", ".join([f"f{each + 1}()"] * 20)).replace("L(", "nn.Sequential(")
        for each in range(10)
    )
    with pytest.raises(SnippetError, match="hold too many of each other to follow"):
        stored_paths(text + "class f10: pass\nclass N:\n def f(self):\n  self.n = f0()\n")
