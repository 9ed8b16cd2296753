"""From a text to what it means: which call is read, what completes it, and how errors look."""

from __future__ import annotations

import textwrap

import pytest
from examples import wrong

from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

UP = Operator.of(64, 32, (4, 4))


def dedented(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


# Which call is meant, and what stands around it in real code.

SURROUNDED = {
    "alone": "nn.ConvTranspose2d(64, 32, 4)",
    "without its module": "ConvTranspose2d(64, 32, 4)",
    "with its whole module": "torch.nn.ConvTranspose2d(64, 32, 4)",
    "with the module that defines it": "torch.nn.modules.conv.ConvTranspose2d(64, 32, 4)",
    "an assignment": "up = nn.ConvTranspose2d(64, 32, 4)",
    "an assignment to an attribute": "self.up = nn.ConvTranspose2d(64, 32, 4)",
    "an annotation": "up: nn.Module = nn.ConvTranspose2d(64, 32, 4)",
    "a comma": "nn.ConvTranspose2d(64, 32, 4),",
    "a semicolon": "nn.ConvTranspose2d(64, 32, 4);",
    "a comment": "nn.ConvTranspose2d(64, 32, 4)  # (64, 8, 8) -> (32, 11, 11)",
    "a comma and a comment": "    nn.ConvTranspose2d(64, 32, 4), # state size (ngf) x 64",
    "a blank before the bracket": "nn.ConvTranspose2d (64, 32, 4)",
    "indentation": "\t\tnn.ConvTranspose2d(64, 32, 4)",
    "Windows' line ends": "a = 1\r\nnn.ConvTranspose2d(64, 32, 4)\r\n",
    "several lines": "nn.ConvTranspose2d(\n    64,  # in\n    32,\n    kernel_size=4,\n)",
    "a backslash": "up = \\\n  nn.ConvTranspose2d(64, 32, 4)",
    "prompts": ">>> up = nn.ConvTranspose2d(64,\n...                         32, 4)",
    "a notebook's prompt": "In [12]: nn.ConvTranspose2d(64, 32, 4)",
    "return": "    return nn.ConvTranspose2d(64, 32, 4)",
    "a function": "def up():\n    return nn.ConvTranspose2d(64, 32, 4)",
    "a condition": "nn.ConvTranspose2d(64, 32, 4) if learned else nn.Upsample(2)",
    "a branch": "if learned:\n    up = nn.ConvTranspose2d(64, 32, 4)\nelse:\n    up = None",
    "a list": "[nn.ConvTranspose2d(64, 32, 4), nn.ReLU(True)]",
    "a list that is appended to": "layers += [nn.ConvTranspose2d(64, 32, 4), nn.ReLU(True)]",
    "a list that is used twice": (
        "layers = [nn.ConvTranspose2d(64, 32, 4)]\nlayers = layers + [nn.ReLU()]\nprint(layers)"
    ),
    "append": "layers.append(nn.ConvTranspose2d(64, 32, 4))",
    "a pair": "('up', nn.ConvTranspose2d(64, 32, 4)),",
    "a dictionary": "{'up': nn.ConvTranspose2d(64, 32, 4)}",
    "a starred list": "nn.Sequential(*[nn.ConvTranspose2d(64, 32, 4), nn.ReLU()])",
    "a lambda": "lambda x: nn.ConvTranspose2d(64, 32, 4)(x)",
    "its application": "y = nn.ConvTranspose2d(64, 32, 4)(x)",
    "a method": "nn.ConvTranspose2d(64, 32, 4).cuda()",
    "methods and its application": "nn.ConvTranspose2d(64, 32, 4).to('cuda').eval()(x).mean()",
    "a layer around it": "nn.Sequential(\n  nn.ConvTranspose2d(64, 32, 4),\n  nn.ReLU(True),\n)",
    "what a module prints": "(0): ConvTranspose2d(64, 32, kernel_size=(4, 4), stride=(1, 1))",
    "a list that is cut off": "nn.ConvTranspose2d(64, 32, 4), nn.BatchNorm2d(32), nn.ReLU(",
    "the beginning cut off": "ngf), nn.ConvTranspose2d(64, 32, 4), nn.ReLU()",
    "words": "I wrote nn.ConvTranspose2d(64, 32, 4) but it doesn't work!",
    "a class": """
        class Generator(nn.Module):
            def __init__(self):
                super().__init__()
                self.up = nn.ConvTranspose2d(64, 32, 4)

            def forward(self, x):
                return torch.sigmoid(self.up(x))
    """,
}


def test_a_call_is_found_in() -> None:
    def found(name: str) -> tuple[str, Operator, tuple[str, ...]]:
        reading = read(textwrap.dedent(SURROUNDED[name]))
        return reading.framework, reading.operator, reading.notes

    assert wrong(dict.fromkeys(SURROUNDED, ("pytorch", UP, ())), found) == {}


VALUES = {
    "arithmetic": "nn.ConvTranspose2d(8 * 8, 2**5, (2 + 2, 9 // 2), bias=True)",
    "a constant": "ngf = 32\nnn.ConvTranspose2d(ngf * 2, ngf, 4)",
    "constants at once": "i, o, k = 64, 32, 4\nnn.ConvTranspose2d(i, o, k)",
    "a constant of an object": "self.ngf = 32\nnn.ConvTranspose2d(self.ngf * 2, self.ngf, 4)",
    "a constant that is added to": "c = 60\nc += 4\nnn.ConvTranspose2d(c, 32, 4)",
    "an element": "sizes = [16, 32, 64]\nnn.ConvTranspose2d(sizes[-1], sizes[1], 4)",
    "int": "nn.ConvTranspose2d(64, int(64 / 2), 4)",
    "a repeated list": "nn.ConvTranspose2d(64, 32, [4] * 2)",
    "a flag": "use_bias = True\nnn.ConvTranspose2d(64, 32, 4, bias=use_bias)",
}


@pytest.mark.parametrize("text", VALUES.values(), ids=VALUES)
def test_values_are_computed(text: str) -> None:
    assert read(text).operator == UP


# Which framework.


def test_an_unknown_module_is_taken_for_the_framework_that_has_the_name() -> None:
    found = read("myns.ConvTranspose2d(64, 32, 4)")
    assert found.operator == UP
    assert found.notes == ("myns.ConvTranspose2d is taken for torch.nn.ConvTranspose2d.",)


def test_a_framework_that_is_named_is_the_one_that_is_asked() -> None:
    assert read("nn.ConvTranspose2d(64, 32, 4)", "pytorch").operator == UP


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("oneflow.nn.ConvTranspose2d(4, 6, 3)", "OneFlow"),
        ("snt.Conv2DTranspose(6, 3)", "Sonnet"),
        ("mindspore.nn.Conv2dTranspose(4, 6, 3)", "MindSpore"),
        ("tl.layers.conv2d_transpose(x, 6, 3)", "TensorLayer"),
    ],
)
def test_a_framework_that_is_not_read_is_named(text: str, whose: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text)
    name = text.partition("(")[0]
    assert str(refused.value) == (
        f"line 1, column 1: {name} is a call of {whose}, which is not read here.\n  {text}\n  ^"
    )


def test_a_name_of_two_frameworks_is_read_as_people_import_it_where_both_mean_the_same() -> None:
    found = read("Conv2DTranspose(32, 4)", input=(1, 64, 5, 5))
    assert (found.framework, found.operator) == ("tensorflow", UP)
    (note,) = found.notes
    assert note == (
        "Conv2DTranspose is a name in mxnet too, where the same text means the same operator: "
        "add framework mxnet if it is that."
    )
    assert read("Conv2DTranspose(32, 4)", "mxnet", (1, 64, 5, 5)).notes == ()


def test_a_name_of_two_frameworks_that_mean_different_operators_asks_which_one() -> None:
    # With a stride larger than the kernel, Keras fills the last stride.
    text, x = "Conv2DTranspose(32, 2, strides=3)", (1, 64, 5, 5)
    with pytest.raises(InputError) as refused:
        read(text, input=x)
    assert str(refused.value).splitlines()[0] == (
        "line 1, column 1: Conv2DTranspose is a name in 2 frameworks: add framework mxnet or "
        "framework tensorflow, or paste the line that imports it."
    )
    assert read(text, "mxnet", x).operator.crop == ((0, 0), (0, 0))
    assert read(text, "tensorflow", x).operator.crop == ((0, -1), (0, -1))


# Errors: the fact, the line, the mark below the column.

ERRORS = {
    "": "there is no text. Paste a call, such as nn.ConvTranspose2d(64, 32, 4).",
    " \n\t": "there is no text. Paste a call, such as nn.ConvTranspose2d(64, 32, 4).",
    "nn.ConvTranspose2D(64, 32, 4)": """
        line 1, column 1: 'ConvTranspose2D' is no call of a framework that is known here. \
Did you mean 'ConvTranspose2d'?
          nn.ConvTranspose2D(64, 32, 4)
          ^""",
    "up = nn.ConvTranspose2d(64, 32, 4, strides=2)": """
        line 1, column 36: torch.nn.ConvTranspose2d has no parameter 'strides'. Did you mean \
'stride'? Known: in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, \
bias, dilation, padding_mode, device, dtype.
          up = nn.ConvTranspose2d(64, 32, 4, strides=2)
                                             ^""",
    "nn.ConvTranspose2d(64, 32, 4, kernel_size=3)": """
        line 1, column 31: kernel_size is given twice.
          nn.ConvTranspose2d(64, 32, 4, kernel_size=3)
                                        ^""",
    "nn.ConvTranspose2d(64, 32, 4, 1, 0, 0, 1, True, 1, 'zeros', None, None, 3)": """
        line 1, column 73: torch.nn.ConvTranspose2d takes at most 12 arguments by position.
           32, 4, 1, 0, 0, 1, True, 1, 'zeros', None, None, 3)
                                                            ^""",
    "a = 1\nnn.ConvTranspose2d(\n    64, 32,\n    'four')": """
        line 4, column 5: kernel_size must be an integer, found 'four'.
              'four')
              ^""",
    "    é = nn.ConvTranspose2d(64, 32, 4.0)": """
        line 1, column 36: kernel_size must be an integer, found 4.0: write 4.
              é = nn.ConvTranspose2d(64, 32, 4.0)
                                             ^""",
    ">>> nn.ConvTranspose2d(64, 32, True)": """
        line 1, column 32: kernel_size must be an integer, found True.
          >>> nn.ConvTranspose2d(64, 32, True)
                                         ^""",
    "nn.ConvTranspose2d(64, 32, (3, 3, 3))": """
        line 1, column 28: kernel_size [3, 3, 3] has 3 numbers; there are 2 spatial axes: give \
one number, or 2.
          nn.ConvTranspose2d(64, 32, (3, 3, 3))
                                     ^""",
    "nn.ConvTranspose2d(64, 32, 4, stride=s)": """
        line 1, column 38: stride is 's', whose value the text does not hold: write the number \
in its place.
          nn.ConvTranspose2d(64, 32, 4, stride=s)
                                               ^""",
    "nn.ConvTranspose2d(64, 32, 4, bias=7)": """
        line 1, column 31: bias must be True or False, found 7.
          nn.ConvTranspose2d(64, 32, 4, bias=7)
                                        ^""",
    "nn.ConvTranspose2d(64, 33, 4, groups=2)": """
        line 1, column 1: groups 2 does not divide out_channels 33 (33 = 16*2 + 1).
          nn.ConvTranspose2d(64, 33, 4, groups=2)
          ^""",
    "nn.ConvTranspose2d(64, 32, 4": """
        line 1, column 19: this is not Python: '(' was never closed.
          nn.ConvTranspose2d(64, 32, 4
                            ^""",
    "nn.ConvTranspose2d(64, 32, 1 / 0)": """
        line 1, column 28: division by zero.
          nn.ConvTranspose2d(64, 32, 1 / 0)
                                     ^""",
    "up = nn.ConvTranspose2d(1, 2, 3)\nout = nn.ConvTranspose2d(2, 1, 3)": """
        the text holds 2 transposed convolutions: paste one at a time.
          line 1: up = nn.ConvTranspose2d(1, 2, 3)
          line 2: out = nn.ConvTranspose2d(2, 1, 3)""",
}


@pytest.mark.parametrize(("text", "said"), ERRORS.items(), ids=[repr(text) for text in ERRORS])
def test_an_error_says_what_is_wrong_and_where(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text)
    assert str(refused.value) == dedented(said)


def test_a_text_of_nothing_known_names_what_is_known() -> None:
    with pytest.raises(InputError) as refused:
        read("nn.Conv2d(64, 32, 4)", "pytorch")
    assert str(refused.value) == (
        "the text holds no transposed convolution that is known here, such as "
        "torch.nn.ConvTranspose2d."
    )


@pytest.mark.parametrize(("framework", "title"), [("mxnet", "MXNet"), ("chainer", "Chainer")])
def test_a_call_of_another_framework_names_it(framework: str, title: str) -> None:
    with pytest.raises(InputError) as refused:
        read("nn.ConvTranspose2d(64, 32, 4)", framework)
    assert str(refused.value) == (
        f"this is a call of PyTorch, not of {title}: leave framework out, or give framework "
        "pytorch."
    )


def test_an_unknown_framework_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown framework 'pytroch'\. Did you mean 'pytorch'\?"):
        read("nn.ConvTranspose2d(64, 32, 4)", "pytroch")


# What the shapes of input and weights complete.

COMPLETED = {
    "channels by the input": ("nn.ConvTranspose2d(c, 32, 4)", (1, 64, 8, 8), None),
    "channels by the weights": ("nn.ConvTranspose2d(ngf * 2, ngf, 4)", None, (64, 32, 4, 4)),
    "a call as a channel": ("nn.ConvTranspose2d(64, int(c / 2), 4)", None, (64, 32, 4, 4)),
    "a kernel": ("nn.ConvTranspose2d(64, 32, k)", None, (64, 32, 4, 4)),
    "all of a lazy layer's": ("nn.LazyConvTranspose2d(32, 4)", (3, 64, 8, 8), None),
    "a function": ("F.conv_transpose2d(x, w, b)", None, (64, 32, 4, 4)),
    "both, which agree": ("F.conv_transpose2d(x, w, b)", (1, 64, 8, 8), (64, 32, 4, 4)),
    "what is known already": ("nn.ConvTranspose2d(64, 32, 4)", (1, 64, 8, 8), (64, 32, 4, 4)),
    "weights that the text makes": (
        "w = torch.randn(64, 32, 4, 4)\nF.conv_transpose2d(x, w, b)\nw = torch.randn(1, 1, 1, 1)",
        None,
        None,
    ),
}


@pytest.mark.parametrize(("text", "x", "w"), COMPLETED.values(), ids=COMPLETED)
def test_what_is_open_is_completed_by(
    text: str, x: tuple[int, ...] | None, w: tuple[int, ...] | None
) -> None:
    found = read(text, input=x, weight=w)
    assert found.operator == UP
    assert x is None or found.input == x


OPEN = {
    "nn.LazyConvTranspose2d(32, 4)": (
        "the text leaves in_channels open: add input 1,64,16,16 with your input's shape, "
        "(n, c_in, height, width)."
    ),
    "nn.LazyConvTranspose3d(32, 4)": (
        "the text leaves in_channels open: add input 1,64,16,16,16 with your input's shape, "
        "(n, c_in, depth, height, width)."
    ),
    "nn.ConvTranspose1d(i, 12, 5)": (
        "the text leaves in_channels open: add input 1,64,16 with your input's shape, "
        "(n, c_in, length), or write i = ... above it."
    ),
    "nn.ConvTranspose2d(8, o, (5, 3))": (
        "the text leaves out_channels open: add weight 8,32,5,3 with your weights' shape, "
        "(c_in, c_out/groups, height, width), or write o = ... above it."
    ),
    "F.conv_transpose2d(x, w)": (
        "the text leaves in_channels and out_channels and kernel open: add weight 64,32,4,4 "
        "with your weights' shape, (c_in, c_out/groups, height, width)."
    ),
}


@pytest.mark.parametrize(("text", "said"), OPEN.items(), ids=OPEN)
def test_what_stays_open_is_asked_for(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text)
    assert str(refused.value).splitlines()[0] == f"line 1, column 1: {said}"


CONFLICTS = [
    ((1, 3, 8, 8), None, "in_channels is 64 in the text and 3 in input; they must agree."),
    (None, (3, 32, 4, 4), "in_channels is 64 in the text and 3 in weight; they must agree."),
    (None, (64, 3, 4, 4), "out_channels is 32 in the text and 3 in weight; they must agree."),
    (None, (64, 32, 4, 5), "kernel is (4, 4) in the text and (4, 5) in weight; they must agree."),
    (
        None,
        (64, 32, 4),
        "weight has weights [64, 32, 4] of 3 axes; torch.nn.ConvTranspose2d takes 4: (c_in, ",
    ),
    (
        (1, 64, 8),
        None,
        "the input [1, 64, 8] has 3 axes; 4 are needed: (n, c_in, height, width).",
    ),
]


@pytest.mark.parametrize(("x", "w", "said"), CONFLICTS)
def test_shapes_that_contradict_the_text_are_refused(
    x: tuple[int, ...] | None, w: tuple[int, ...] | None, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        read("nn.ConvTranspose2d(64, 32, 4)", input=x, weight=w)
    assert str(refused.value).startswith(f"line 1, column 1: {said}")


@pytest.mark.parametrize(
    ("x", "w", "said"),
    [
        ((64,), None, "input 64 is no shape of three to five axes, such as input 1,64,16,16."),
        ((1, -1, 3), None, "input 1,-1,3 is no shape of"),
        ((), None, "input is no shape of"),
        (None, (1, 0, 3), "weight 1,0,3 is no shape of three to five axes, such as weight 64,"),
        (None, (1,) * 6, "weight 1,1,1,1,1,1 is no shape of"),
        ((1, 10**18, 3), None, "input 1,1000000000000000000,3 is no shape of"),
    ],
)
def test_shapes_that_are_none_are_refused(
    x: tuple[int, ...] | None, w: tuple[int, ...] | None, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        read("nn.ConvTranspose1d(64, 32, 4)", input=x, weight=w)
    assert str(refused.value).startswith(said)


def test_an_input_that_is_too_small_is_refused_with_the_arithmetic() -> None:
    with pytest.raises(InputError) as refused:
        read("nn.ConvTranspose2d(1, 1, 3, padding=2)", input=(1, 1, 1, 5))
    assert "output height would be -1.\n  full height 3 = (1-1)*1 + 1*(3-1) + 1; crop" in str(
        refused.value
    )


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_any_end_of_line_is_one(end: str) -> None:
    assert read(f"nn.ConvTranspose2d(1,{end} 2, 3)").operator.out_channels == 2


@pytest.mark.parametrize(
    "text",
    [
        "from mindspore.nn import Dense, Conv2DTranspose\nConv2DTranspose(64, 32, 4, 2, 1)",
        "import mindspore.nn as nn\nnn.Conv2DTranspose(64, 32, 4, 2, 1)",
    ],
)
def test_what_is_imported_from_a_framework_that_is_not_read_is_refused(text: str) -> None:
    with pytest.raises(SnippetError, match="is a call of MindSpore"):
        read(text, input=(1, 64, 8, 8))


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("from mine import ConvTranspose2d\n", ("ConvTranspose2d", "mine")),
        (
            "from mine.layers import (Linear,\n  ConvTranspose2d)\n",
            ("ConvTranspose2d", "mine.layers"),
        ),
        ("from torch.nn import ConvTranspose2d\n", None),
        ("from mine import Linear\n", None),
    ],
)
def test_a_module_that_is_not_known_is_named(text: str, notes: tuple[str, str] | None) -> None:
    found = read(f"{text}ConvTranspose2d(64, 32, 4)")
    assert found.operator == UP
    expected = (
        "{} is imported from {}, which is not known here: it is taken for torch.nn.ConvTranspose2d."
    )
    assert found.notes == ((expected.format(*notes),) if notes else ())


@pytest.mark.parametrize(
    ("line", "is_noted"),
    [
        ("up.stride = (2, 2)", True),
        ("up.bias = None", True),
        ("up.weight.data = w", False),
        ("up.bias = nn.Parameter(b)", False),
        ("up.name = 'up'", False),
        ("down.stride = (2, 2)", False),
        ("up.weight[0] = w", False),
        ("up.stride = stride", True),
        ("same = up; same.stride = (2, 2)", True),
        ("same = down; same.stride = (2, 2)", False),
    ],
)
def test_what_is_set_behind_the_layer_is_noted(line: str, *, is_noted: bool) -> None:
    found = read(
        f"down = nn.Conv2d(1, 1, 1)\nup = nn.ConvTranspose2d(64, 32, 4)\n{line}\ny = up(x)"
    )
    target = line.rpartition("; ")[2].partition(" =")[0]
    note = f"{target} = ... is not in the answer: give it where the layer is made."
    assert (found.operator, found.notes) == (UP, (note,) if is_noted else ())


@pytest.mark.parametrize(
    ("call", "note"),
    [
        ('setattr(up, "stride", 2)', "up.stride = ... is not in the answer: give it where"),
        ('up.__setattr__("stride", 2)', "up.stride = ... is not in the answer: give it where"),
        ('object.__setattr__(up, "groups", 2)', "up.groups = ... is not in the answer: give it"),
        ('setattr(up, "forward", mine)', "up.forward = ... is not in the answer, and may change"),
        ("setattr(up, name, 2)", "up.<name> = ... is not in the answer, and may change"),
        ('up.__dict__["stride"] = 2', "up.__dict__['stride'] = ... is not in the answer, and may"),
        ('setattr(up, "name", "up")', None),
        ('setattr(down, "stride", 2)', None),
        ('setattr(up, "stride")', None),
    ],
)
def test_what_is_set_by_a_function_is_noted(call: str, note: str | None) -> None:
    found = read(
        f"down = nn.Conv2d(1, 1, 1)\nup = nn.ConvTranspose2d(64, 32, 4)\n{call}\ny = up(x)"
    )
    assert found.operator == UP
    assert [each.startswith(note) for each in found.notes if note] == [True] * bool(note)
    assert note or not found.notes


@pytest.mark.parametrize(
    ("test", "line", "is_noted"),
    [
        ("nn.ConvTranspose2d", "m.output_padding = 1", True),
        ("(nn.Conv2d, nn.ConvTranspose2d)", "m.stride = s", True),
        ("ConvTranspose2d", "setattr(m, 'stride', 2)", True),
        ("nn.Conv2d", "m.stride = 2", False),
        ("nn.ConvTranspose2d", "m.bias = nn.Parameter(b)", False),
        ("nn.ConvTranspose2d", "m.name = 1", False),
        ("nn.ConvTranspose2d", "self.stride = 2", False),
    ],
)
def test_what_is_set_of_all_such_layers_is_noted(test: str, line: str, *, is_noted: bool) -> None:
    found = read(
        f"def set_(net):\n  for m in net.modules():\n    if isinstance(m, {test}):\n      {line}\n"
        "up = nn.ConvTranspose2d(64, 32, 4)"
    )
    attribute = "output_padding" if "output" in line else "stride"
    note = f"m.{attribute} = ... is not in the answer, and changes it where m is this layer."
    assert (found.operator, found.notes) == (UP, (note,) if is_noted else ())


@pytest.mark.parametrize("method", ["forward", "hybrid_forward", "call", "__call__"])
def test_another_computation_of_the_layer_is_noted(method: str) -> None:
    found = read(f"up = nn.ConvTranspose2d(64, 32, 4)\nup.{method} = mine\ny = up(x)")
    note = f"up.{method} = ... is not in the answer, and may change what it computes."
    assert (found.operator, found.notes) == (UP, (note,))


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("from keras.layers import Deconvolution2D\nDeconvolution2D(64, 3, 3)", "tensorflow"),
        ("from chainer.links import Deconvolution2D\nDeconvolution2D(64, 3, 3)", "chainer"),
        ("import chainer.links as nn\nnn.Deconvolution2D(64, 3, 3)", "chainer"),
        ("from mxnet.gluon import nn\nnn.Conv2DTranspose(64, 3)", "mxnet"),
        ("from keras import layers as nn\nnn.Conv2DTranspose(64, 3)", "tensorflow"),
    ],
)
def test_the_import_says_whose_name_it_is(text: str, framework: str) -> None:
    assert read(text, input=(1, 64, 8, 8)).framework == framework


def test_a_framework_that_would_have_to_be_told_more_is_not_passed_over() -> None:
    with pytest.raises(SnippetError, match="is a name in 2 frameworks: add framework "):
        read("Deconvolution2D(64, 3, 3)")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("ConvTransposed", "ConvTranspose2d"), ("ConvTranspose3D", "ConvTranspose3d")],
)
def test_the_name_that_is_meant_is_offered(name: str, meant: str) -> None:
    with pytest.raises(SnippetError, match=f"Did you mean '{meant}'"):
        read(f"nn.{name}(64, 32, 4)")
