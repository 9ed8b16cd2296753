"""Functions that cannot reach a transposed convolution are passed over, and no others."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import harness
from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every
from harness.syntax.find_call import find_calls
from harness.syntax.python import read
from harness.syntax.python_reach import LIKE, SETTING, passed_over

UP = "nn.ConvTranspose2d(8, 4, 2)"
# Methods that apply something else, in a function, a method, and a class of their own.
OTHERS = (
    "def other(x):\n    y = x + 1\n    return y\n"
    "class Other(nn.Module):\n"
    "    def __init__(self):\n        self.conv = nn.Conv2d(8, 4, 3)\n"
    "    def forward(self, x):\n        return self.conv(x)\n"
)


def read_in(text: str, *given: str) -> list[str]:
    """Names of the functions that are read, in the order of the text."""
    module = ast.parse(text)
    left = passed_over(module, text.split("\n"), given)
    every = [each for each in ast.walk(module) if isinstance(each, ast.FunctionDef)]
    return [each.name for each in every if each not in left and each.col_offset < 5]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (OTHERS, []),
        (f"def up():\n    return {UP}\n{OTHERS}", ["up"]),
        # What makes it, by whatever name.
        (f"def up():\n    return {UP}\ndef net():\n    return up()\n{OTHERS}", ["up", "net"]),
        (f"from nn import ConvTranspose2d as T\ndef up():\n    return T(8)\n{OTHERS}", ["up"]),
        (f"T = nn.ConvTranspose2d\ndef up():\n    return T(8)\n{OTHERS}", ["up"]),
        (f"for T in [nn.ConvTranspose2d]:\n    pass\ndef up():\n    return T(8)\n{OTHERS}", ["up"]),
        (f"class T(nn.ConvTranspose2d): ...\ndef up():\n    return T(8)\n{OTHERS}", ["up"]),
        # Its own names hide those of the text.
        (f"T = nn.ConvTranspose2d\ndef up(T):\n    return T\n{OTHERS}", []),
        # What a text calls a layer of elsewhere.
        (f"up = {UP}\ndef f(x):\n    return up(x)\n{OTHERS}", ["f"]),
        (f"def f():\n    up = {UP}\ndef g(up, x):\n    return up(x)\n{OTHERS}", ["f", "g"]),
        (f"def f():\n    up = {UP}\ndef g(x):\n    up = nn.Up(2)\n    return up(x)", ["f"]),
        # What changes layers, or wraps them.
        (f"def f(m):\n    nn.init.normal_(m.weight)\n{OTHERS}", ["f"]),
        (f"def f(m):\n    xavier_uniform_(m.weight)\n{OTHERS}", ["f"]),
        (f"def f(m):\n    m.apply(g)\n{OTHERS}", ["f"]),
        (f"def f(m):\n    m.weight.requires_grad = False\n{OTHERS}", ["f"]),
        (f"def f(m):\n    return Adam([dict(params=m.weight, lr=1)])\n{OTHERS}", ["f"]),
        (f"from nn.utils import spectral_norm as s\ndef f(m):\n    s(m)\n{OTHERS}", ["f"]),
        # What changes what is not its own.
        (f"def f():\n    global k\n    k = 3\n{OTHERS}", ["f"]),
        (f"def f():\n    config.k = 3\n{OTHERS}", ["f"]),
        (f"def f():\n    sizes.append(3)\n{OTHERS}", ["f"]),
        (f"def f():\n    sizes = []\n    sizes.append(3)\n{OTHERS}", []),
        # What may say how many axes it has.
        (
            "def f():\n    return mx.sym.Deconvolution(kernel=k)\n"
            "def g():\n    return mx.sym.Pooling(kernel=(2, 2))\n",
            ["f", "g"],
        ),
        # What a function is documented with is no code.
        (f'def f():\n    """Like {UP}."""\n    return 1\n{OTHERS}', []),
    ],
)
def test_a_function_is_read_where_a_word_leads_to_a_layer(text: str, names: list[str]) -> None:
    assert read_in(text) == names


def test_a_method_is_read_where_it_has_what_others_keep() -> None:
    text = (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        self.size = 4\n"
        f"        layers = [{UP}]\n"
        "        self.up = nn.Sequential(*layers)\n"
        "        self.down = nn.Conv2d(8, 4, 3)\n"
        "    def set(self):\n        self.size = 3\n"
        "    def forward(self, x):\n        return self.up(x)\n"
        "    def encode(self, x):\n        return self.down(x)\n"
        "    def more(self, x):\n        return self.forward(x)\n"
        "class Wide(Net):\n"
        "    def twice(self, x):\n        return self.up(self.up(x))\n"
        "    def half(self, x):\n        return self.down(x)\n"
    )
    assert read_in(text) == ["__init__", "set", "forward", "more", "twice"]


def test_a_call_that_gives_a_method_more_than_its_defaults_is_read() -> None:
    text = (
        "class Net:\n"
        "    def up(self, k=4):\n        return nn.ConvTranspose2d(8, 4, k)\n"
        "def f(net):\n    net.up(3)\n"
        "def g(net):\n    net.up()\n"
    )
    assert read_in(text) == ["f", "up"]


def test_words_that_are_given_lead_somewhere_too() -> None:
    text = "def f(op):\n    up = op(8)\ndef g():\n    return 1\n"
    assert read_in(text) == []
    assert read_in(text, "op") == ["f"]


def test_a_function_that_is_passed_over_is_followed_and_its_names_are_given() -> None:
    text = (
        f"def size(n):\n    twice = 2 * n\n    bias = None\n    return twice\nup = {UP}\n".replace(
            "8", "size(4)"
        )
    )
    assert read_in(text) == []
    (site,) = find_calls(text, "python", {"ConvTranspose2d"}).sites
    assert site.call.positional == [8, 4, 2]
    assert site.code.given["bias"] == (None,)
    assert site.code.given.keys() >= {"twice", "bias", "up"}
    # Nobody has said what is looked for, so all is read.
    assert [each.value for each in read(OTHERS).statements] != []


def test_answers_are_those_of_the_text_without_what_is_passed_over() -> None:
    alone = f"class Net(nn.Module):\n    def __init__(self):\n        self.up = {UP}\n"
    (one,), (among,) = look_up_every(alone), look_up_every(OTHERS + alone + OTHERS)
    assert isinstance(one, LookUp)
    assert isinstance(among, LookUp)
    assert among.to_json()["translations"] == one.to_json()["translations"]
    assert among.reading.line == one.reading.line + OTHERS.count("\n")


def test_what_is_asked_of_all_calls_of_a_text_leads_to_them() -> None:
    """Whoever adds ``code.naming("word")`` adds the word to what is read."""
    asked = set[str]()
    for path in Path(harness.__file__).parent.rglob("*.py"):
        if ".naming(" not in (source := path.read_text()) or "matlab" in str(path):
            continue
        name = ".".join(["harness", *path.relative_to(Path(harness.__file__).parent).parts])
        module = import_module(name.removesuffix(".py"))
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(ast.Attribute(attr="naming"), arguments):
                    for each in arguments:
                        if isinstance(each, ast.Constant):
                            asked.add(str(each.value))
                        elif isinstance(each, ast.Starred) and isinstance(each.value, ast.Name):
                            asked.update(getattr(module, each.value.id, ()))
    # These are asked for with the layer's name, or its class's, in the call.
    assert asked - SETTING - LIKE == {
        *("isinstance", "Sequential", "NetChain", "NetGraph", "apply"),
    }
