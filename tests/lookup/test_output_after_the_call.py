"""What the Python around a call adds to its operator, and what must not be taken for that."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from examples import slow, wrong
from hypothesis import assume, given
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, framework_names, render
from harness.convention.signature import Style
from harness.core.errors import InputError
from harness.core.operators import Operator, Sizes
from harness.core.program import Program
from harness.lookup.reading import read
from harness.suite.case import Case
from harness.suite.specs import load_cases

LAYER = "up = nn.ConvTranspose2d(6, 4, (3, 5), stride=2)\n"
NO_BIAS = "up = nn.ConvTranspose2d(6, 4, (3, 5), stride=2, bias=False)\n"
WITH = Operator.of(6, 4, (3, 5), stride=2)
WITHOUT = Operator.of(6, 4, (3, 5), stride=2, bias=False)
INPUT: Sizes = (1, 6, 4, 7)  # The output is 9 by 17.
NOT_IN = "What the text does with the output is not in the answer: "


def operator(text: str, shape: Sequence[int] | None = None) -> Operator:
    found = read(text, input=shape)
    if (found.operator.crop, found.operator.bias) != (((0, 0), (0, 0)), "bias=" not in text):
        assert any("in the answer, as" in note for note in found.notes)
    assert [note for note in found.notes if note.startswith(NOT_IN)] == []
    return found.operator


def cropped(plain: Operator, *crop: tuple[int, int]) -> Operator:
    return Operator(**{**vars(plain), "crop": crop})


# Slices.

SLICES = {
    "of the call": ("y = up(x)[:, :, 1:, :-2]", ((1, 0), (0, 2))),
    "with names": ("p = 2\ny = up(x)[:, :, 1:, :-p]", ((1, 0), (0, 2))),
    "both ends": ("y = up(x)[:, :, 1:-1, 2:-3]", ((1, 1), (2, 3))),
    "from 0": ("y = up(x)[0:, 0:, 1:, 0:]", ((1, 0), (0, 0))),
    "fewer axes": ("y = up(x)[:, :, 1:]", ((1, 0), (0, 0))),
    "an ellipsis": ("y = up(x)[..., 1:-1]", ((0, 0), (1, 1))),
    "an ellipsis between": ("y = up(x)[:, ..., 3:, 1:]", ((3, 0), (1, 0))),
    "of a name": ("y = up(x)\ny = y[:, :, 1:, :-2]", ((1, 0), (0, 2))),
    "under another name": ("y = up(x)\nz = y[:, :, 1:]\nout = z[..., :-2]", ((1, 0), (0, 2))),
    "one after the other": ("y = up(x)[:, :, 1:][:, :, :-1]", ((1, 1), (0, 0))),
    "inside of what is made of it": ("y = torch.relu(up(x)[:, :, 1:])", ((1, 0), (0, 0))),
    "contiguous": ("y = up(x)[:, :, 1:].contiguous()", ((1, 0), (0, 0))),
    "after what only looks": ("y = up(x)\nprint(y[:, :, :2])\ny = y[:, :, 1:]", ((1, 0), (0, 0))),
    "returned": ("def f(x):\n  x = up(x)\n  return x[:, :, 1:]", ((1, 0), (0, 0))),
    "with it in a branch": ("if odd:\n  y = up(x)\n  y = y[:, :, 1:]", ((1, 0), (0, 0))),
    "beside another function": (
        "def f(x):\n  return up(x)[:, :, 1:]\ndef g(y):\n  return y[..., 3:]",
        ((1, 0), (0, 0)),
    ),
    "of a name that is given anew": (
        "y = up(x)\nz = y[:, :, 1:]\ny = relu(z)",
        ((1, 0), (0, 0)),
    ),
}


@pytest.mark.parametrize(("text", "crop"), SLICES.values(), ids=SLICES)
def test_slice(text: str, crop: tuple[tuple[int, int], ...]) -> None:
    assert operator(LAYER + text) == cropped(WITH, *crop)


WITH_INPUT = {
    "to a size": ("y = up(x)[:, :, :8, :8]", ((0, 1), (0, 9))),
    "a middle": ("y = up(x)[:, :, 2:6, 3:10]", ((2, 3), (3, 7))),
    "the last ones": ("y = up(x)[..., -3:]", ((0, 0), (14, 0))),
    "from the end to an index": ("y = up(x)[..., -10:12]", ((0, 0), (7, 5))),
    "to more than there is": ("y = up(x)[:, :, :99]", ((0, 0), (0, 0))),
    "from behind the end": ("y = up(x)[:, :, 99:]", ((9, 0), (0, 0))),
    "nothing": ("y = up(x)[:, :, 5:2]", ((5, 4), (0, 0))),
    "of what is sliced": ("y = up(x)[:, :, 2:][:, :, :3]", ((2, 4), (0, 0))),
}


@pytest.mark.parametrize(("text", "crop"), WITH_INPUT.values(), ids=WITH_INPUT)
def test_slice_that_needs_the_input(text: str, crop: tuple[tuple[int, int], ...]) -> None:
    found = operator(LAYER + text, INPUT)
    assert found.out_size((4, 7)) == cropped(WITH, *crop).out_size((4, 7))
    assert [begin for begin, _ in found.crop] == [begin for begin, _ in crop]


def test_method_of_the_layer_does_not_hide_its_output() -> None:
    text = "up = nn.ConvTranspose2d(6, 4, (3, 5), stride=2).cuda()\ny = up(x)[:, :, 1:]"
    assert operator(text) == cropped(WITH, (1, 0), (0, 0))


def test_class() -> None:
    text = (
        "class Up(nn.Module):\n"
        "    def __init__(self):\n"
        "        self.up = nn.ConvTranspose2d(6, 4, (3, 5), stride=2)\n"
        "    def forward(self, x):\n"
        "        x = self.up(x)\n"
        "        return x[:, :, 1:, 1:]\n"
    )
    assert operator(text) == cropped(WITH, (1, 0), (1, 0))


# Pads and late biases.

PADS = {
    "of PyTorch": ("y = F.pad(up(x), (1, 0, 2, 3))", ((-2, -3), (-1, 0))),
    "of the last axis": ("y = F.pad(up(x), (1, 0))", ((0, 0), (-1, 0))),
    "in words": ("y = F.pad(up(x), pad=(1, 0), mode='constant', value=0)", ((0, 0), (-1, 0))),
    "by position": ("y = nn.functional.pad(up(x), [1, 0], 'constant', 0.0)", ((0, 0), (-1, 0))),
    "negative": ("y = F.pad(up(x), (-1, 2))", ((0, 0), (1, -2))),
    "along channels by nothing": ("y = F.pad(up(x), (1, 0, 2, 0, 0, 0))", ((-2, 0), (-1, 0))),
    "and a slice": ("y = up(x)\ny = F.pad(y, (0, 1))\ny = y[:, :, 1:]", ((1, 0), (0, -1))),
    "and a slice of it": ("y = F.pad(up(x), (0, 3))[..., :-1]", ((0, 0), (0, -2))),
}


@pytest.mark.parametrize(("text", "crop"), PADS.values(), ids=PADS)
def test_pad(text: str, crop: tuple[tuple[int, int], ...]) -> None:
    assert operator(NO_BIAS + text) == cropped(WITHOUT, *crop)
    assert operator(f"{NO_BIAS}{text}\nz = y + b.view(1, -1, 1, 1)") == cropped(WITH, *crop)


@pytest.mark.parametrize(
    "text",
    [
        "y = up(x) + b.view(1, -1, 1, 1)",
        "y = b.view(1, -1, 1, 1) + up(x)",
        "y = up(x)\ny = y + b.reshape((-1, 1, 1))",
        "y = up(x)\ny += self.bias.view(1, 4, 1, 1)",
        "y = up(x)\ny = y + b[:, None, None]",
        "y = up(x)\ny = y + b[None, :, None, None]",
        "y = up(x) + torch.reshape(b, (4, 1, 1))",
    ],
)
def test_late_bias(text: str) -> None:
    assert operator(NO_BIAS + text) == WITH


# What is something else: no word of it, or a note, and the call's own operator.

ANOTHER = {
    "a residual": "y = up(x) + skip\nz = y[..., :-2]",
    "a residual before": "y = skip + up(x)\nz = y[..., :-2]",
    "a residual of a name": "y = up(x)\nz = y + skip\nz = z[..., :-2]",
    "a residual added in place": "y = up(x)\ny += skip\ny = y[..., :-2]",
    "a residual in a shape": "y = up(x) + skip.reshape(1, 4, 1, 64)",
    "a residual in a shape of names": "y = up(x) + skip.view(n, 1, h, w)",
    "a position's embedding": "y = up(x) + embedding.view(1, 1, 9, 17)",
    "a row that is added": "y = up(x) + row[None, None, None, :]",
    "a vector along the width": "y = up(x) + v.view(1, 1, 1, -1)",
    "a vector along the height": "y = up(x) + v[:, None]",
    "a product": "y = up(x) * 2\ny = y[..., 1:]",
    "a negative": "y = -up(x)\ny = y[..., 1:]",
    "a sum of outputs": "y = up(x)\ny = y + y\ny = y[..., 1:]",
    "an activation": "y = torch.relu(up(x))[:, :, 1:]",
    "an activation by name": "y = up(x)\ny = torch.relu(y)\ny = y[:, :, 1:]",
    "a method": "y = up(x).relu()\ny = y[:, :, 1:]",
    "another layer": "y = conv(up(x))\ny = y[:, :, 1:]",
    "a layer around it": "m = nn.Sequential(up, conv)\ny = m(x)[:, :, 1:]",
    "a model under its name": "up = nn.Sequential(up, conv)\ny = up(x)[:, :, 1:]",
    "a layer under its name": "up = nn.Conv2d(4, 4, 3)\ny = up(x)[:, :, 1:]",
    "a decoder around it": "m = Decoder(up)\ny = m(x)[:, :, 1:]",
    "transposed": "y = up(x)\ny = y.transpose(2, 3)\ny = y[..., 1:]",
    "permuted": "y = up(x).permute(0, 2, 3, 1)\ny = y[:, 1:, 2:]",
    "squeezed": "y = up(x).squeeze(0)\ny = y[:, :, 1:]",
    "squeezed by name": "y = up(x)\ny = y.squeeze(0)\ny = y[:, :, 1:]",
    "concatenated": "y = torch.cat([up(x), skip], 1)\ny = y[..., 1:]",
    "concatenated by name": "y = up(x)\ny = torch.cat([y, skip], 1)\ny = y[..., 1:]",
    "a slice of another": "y = up(x)\nz = other[:, :, 1:]",
    "a slice of the input": "x = x[:, :, 1:]\ny = up(x)",
    "a slice in the call": "y = up(x[:, :, 1:])",
    "a pad of the input": "x = F.pad(x, (1, 1, 1, 1))\ny = up(x)",
    "a pad of another": "y = up(x)\nz = F.pad(skip, (1, 1, 1, 1))",
    "a slice that is printed": "y = up(x)\nprint(y[:, :, 1:])",
    "a name given anew": "y = up(x)\ny = other(z)\ny = y[:, :, 1:]",
    "a name given a number": "y = up(x)\ny = 3\nz = y[:, :, 1:]",
    "an element that is set": "y = up(x)\ny[:, :, 0] = 1\ny = y[:, :, 1:]",
    "two names at once": "y, z = up(x), other(x)\ny = y[:, :, 1:]",
}


def test_what_is_something_else_is_not_taken_in() -> None:
    expected = dict.fromkeys(ANOTHER, WITHOUT)
    assert wrong(expected, lambda name: operator(NO_BIAS + ANOTHER[name], INPUT)) == {}


NOTED = {
    "a layer that crops": ("y = up(x)\ny = Cropping2D(1)(y)", "Cropping2D is not read here."),
    "a function that crops": ("y = tf.slice(up(x), a, b)", "slice is not read here."),
    "a step": (
        "y = up(x)[:, :, ::2]",
        "[::2] of the output is no slice from one index to another.",
    ),
    "an index": ("y = up(x)[0]", "[0] of the output is no slice from one index to another."),
    "a new axis": ("y = up(x)[:, :, None]", "[None] of the output is no slice from one index to"),
    "channels": ("y = up(x)[:, :3]", "the output is sliced along batch or channels, or has fewer"),
    "batch": ("y = up(x)[1:, :, 2:]", "the output is sliced along batch or channels, or has fewer"),
    "too many axes": ("y = up(x)[:, :, 1:, 1:, 1:]", "the output is sliced along batch or channel"),
    "a name": (
        "y = up(x)[:, :, n:]",
        "the output is sliced at n, whose value the text does not hold: write the number in its",
    ),
    "a size of another": (
        "y = up(x)[:, :, :skip.size(2)]",
        "the output is sliced at skip.size(2), whose value the text does not hold: write the",
    ),
    "a slice in a branch": (
        "y = up(x)\nif odd:\n  y = y[:, :, 1:]",
        "it is done inside a branch, a loop or a function of its own.",
    ),
    "a slice in a loop": (
        "y = up(x)\nfor _ in range(3):\n  y = y[:, :, 1:]",
        "it is done inside a branch, a loop or a function of its own.",
    ),
    "a slice behind its branch": (
        "if odd:\n  y = up(x)\nelse:\n  y = x\ny = y[:, :, 1:]",
        "it is done inside a branch, a loop or a function of its own.",
    ),
    "a slice in a loss": (
        "y = up(x)\nloss = mse(y[:, :, 1:], target)\nreturn loss, y",
        "y itself is used after it, too.",
    ),
    "a slice under another name": (
        "y = up(x)\nz = y[:, :, 1:]\nw = y + z",
        "y itself is used after it, too.",
    ),
    "a vector under another name": (
        "y = up(x)\nz = y + v.view(1, -1, 1, 1)\nout = y * z",
        "y itself is used after it, too.",
    ),
    "a difference of slices": (
        "y = up(x)\nz = mse(y[:, :, 1:], y[:, :, :-1])",
        "y is there more than once in what it makes of it.",
    ),
    "an index without an input": (
        "y = up(x)[:, :, :8]",
        "the output is sliced at an index counted from the other end: add input with your",
    ),
    "a pad after the bias": (
        "y = up(x) + b.view(-1, 1, 1)\ny = F.pad(y, (1, 0))",
        "it pads after the bias, so that the new elements hold 0: no transposed convolution does",
    ),
    "a pad after a bias in place": (
        "y = up(x)\ny += b.view(-1, 1, 1)\ny = F.pad(y, (1, 0))",
        "it pads after the bias, so that the new elements hold 0: no transposed convolution does",
    ),
    "a pad of what was cropped": (
        "y = up(x)[..., 1:]\ny = F.pad(y, (1, 0))",
        "it pads where the output has been cropped, so that zeros stand where the operator would",
    ),
    "a reflection": (
        "y = F.pad(up(x), (1, 0), mode='reflect')",
        "it pads with other values than zeros.",
    ),
    "a reflection by position": (
        "y = F.pad(up(x), (1, 0), 'replicate')",
        "it pads with other values than zeros.",
    ),
    "a mode that is not known": (
        "y = F.pad(up(x), (1, 0), mode=mode)",
        "it pads with other values than zeros.",
    ),
    "ones": ("y = F.pad(up(x), (1, 0), value=1)", "it pads with other values than zeros."),
    "ones by position": (
        "y = F.pad(up(x), (1, 0), 'constant', 1)",
        "it pads with other values than zeros.",
    ),
    "a pad along channels": (
        "y = F.pad(up(x), (0, 0, 0, 0, 1, 1))",
        "the output is padded along batch or channels.",
    ),
    "widths in a name": ("y = F.pad(up(x), p)", "the widths of a pad of the output are not in the"),
    "half a pair": ("y = F.pad(up(x), (1, 2, 3))", "the widths of a pad of the output are not in"),
    "widths that are computed": (
        "d = skip.size(2) - y.size(2)\ny = up(x)\ny = F.pad(y, [d // 2, d - d // 2])",
        "the widths of a pad of the output are not in the text.",
    ),
}


@pytest.mark.parametrize(("text", "note"), NOTED.values(), ids=NOTED)
def test_what_cannot_be_followed_is_noted(text: str, note: str) -> None:
    found = read(NO_BIAS + text)
    assert (found.operator.kernel, found.operator.stride) == ((3, 5), (2, 2))
    assert min(side for pair in found.operator.crop for side in pair) >= 0
    *taken, said = found.notes
    assert all("is in the answer, as" in before for before in taken)
    assert said.startswith(NOT_IN + note)


def test_pad_after_the_padding_of_the_call_is_noted() -> None:
    text = "up = nn.ConvTranspose2d(6, 4, 3, padding=1, bias=False)\ny = F.pad(up(x), (1, 0, 1, 0))"
    found = read(text)
    assert found.operator == Operator.of(6, 4, (3, 3), crop=1, bias=False)
    assert "it pads where the output has been cropped" in found.notes[0]


# Groups by split and concatenate, and zeros written into a kernel.

PIECES = Operator.of(6, 4, (3, 3), bias=False)
JOINED = "y = torch.cat([F.conv_transpose2d(a, v) for a, v in zip({}, {})], 1)"
GROUPS = {
    "torch.chunk": (JOINED.format("torch.chunk(x, 2, 1)", "torch.chunk(w, 2)"), 2),
    "methods": (JOINED.format("x.chunk(3, dim=1)", "w.chunk(3)"), 3),
    "names": (f"xs = x.chunk(3, 1)\nws = w.chunk(3, 0)\n{JOINED.format('xs', 'ws')}", 3),
    "TensorFlow's": (
        JOINED.replace("1)", "-1)").format(
            "tf.split(x, 2, -1)", "tf.split(axis=3, num_or_size_splits=2, value=w)"
        ),
        2,
    ),
    "MXNet's": (JOINED.format("mx.nd.split(x, num_outputs=2)", "mx.nd.split(w, 2, axis=0)"), 2),
    "sizes": (JOINED.format("torch.split(x, 2, 1)", "torch.split(w, 2)"), 1),
    "sizes by a method": (JOINED.format("x.split(2, 1)", "w.split(2)"), 1),
    "lists of sizes": (JOINED.format("tf.split(x, [3, 3])", "tf.split(w, [3, 3])"), 1),
    "different counts": (JOINED.format("x.chunk(2)", "w.chunk(3)"), 1),
    "another function": (JOINED.format("f(x, 2)", "f(w, 2)"), 1),
    "unknown names": (JOINED.format("xs", "ws"), 1),
    "only the input is split": (
        "y = torch.cat([F.conv_transpose2d(a, w) for a in torch.chunk(x, 2)])",
        1,
    ),
    "another is split": (
        "a, b = torch.chunk(z, 2)\ny = torch.cat([F.conv_transpose2d(x, w), a], 1)",
        1,
    ),
    "split in another function": (
        f"def f(x, w):\n  xs, ws = x.chunk(3, 1), w.chunk(3, 0)\n{JOINED.format('xs', 'ws')}",
        1,
    ),
    "what is not called with": (
        "y = torch.cat([F.conv_transpose2d(x, w) for a, b in zip(x.chunk(2, 1), w.chunk(2))])",
        1,
    ),
    "joined along the batch": (
        JOINED.replace("], 1)", "])").format("x.chunk(2, 1)", "w.chunk(2, 0)"),
        1,
    ),
    "joined along the height": (
        JOINED.replace("], 1)", "], axis=2)").format("x.chunk(2, 1)", "w.chunk(2, 0)"),
        1,
    ),
    "some of them": (
        JOINED.replace("], 1)", " if a], 1)").format("x.chunk(2, 1)", "w.chunk(2, 0)"),
        1,
    ),
    "not joined": ("y = [F.conv_transpose2d(a, v) for a, v in zip(x.chunk(2), w.chunk(2))]", 1),
}


@pytest.mark.parametrize(("text", "groups"), GROUPS.values(), ids=GROUPS)
def test_groups(text: str, groups: int) -> None:
    found = read(text, weight=(6, 4, 3, 3))
    wanted = Operator.of(6, 4 * groups, (3, 3), groups=groups, bias=False)
    notes = (f"The {groups} groups that the text splits off are in the answer.",)
    assert (found.operator, found.notes) == (wanted, notes if groups > 1 else ())


INSERTED = {
    "a kernel": ("w_[:, :, ::2, ::3] = w\ny = F.conv_transpose2d(x, w_)", (2, 3)),
    "one axis": ("w_[:, :, ::2, :] = w\ny = F.conv_transpose2d(x, weight=w_)", (2, 1)),
    "by way of another name": (
        "w_[:, :, ::2, ::3] = w\nv = torch.from_numpy(w_)\ny = F.conv_transpose2d(x, v)",
        (2, 3),
    ),
    "the input": ("x_[:, :, ::2, ::3] = x\ny = F.conv_transpose2d(x_, w)", (1, 1)),
    "an array that is not used": ("z[:, :, ::2, ::3] = w\ny = F.conv_transpose2d(x, w)", (1, 1)),
    "from another place": ("w_[:, :, 1::2, ::3] = w\ny = F.conv_transpose2d(x, w_)", (1, 1)),
    "backwards": ("w_[:, :, ::-1, ::3] = w\ny = F.conv_transpose2d(x, w_)", (1, 1)),
    "channels": ("w_[::2, :, ::2, ::3] = w\ny = F.conv_transpose2d(x, w_)", (1, 1)),
    "an unknown step": ("w_[:, :, ::s, ::3] = w\ny = F.conv_transpose2d(x, w_)", (1, 1)),
    "no step": ("w_[:, :, ::0, ::3] = w\ny = F.conv_transpose2d(x, w_)", (1, 1)),
}


@pytest.mark.parametrize(("text", "dilation"), INSERTED.values(), ids=INSERTED)
def test_zeros_written_into_a_kernel(text: str, dilation: Sizes) -> None:
    found = read(f"w_ = x_ = z = np.zeros(shape)\n{text}", weight=(6, 4, 3, 3))
    note = "The zeros that the text puts between taps are in the answer, as a dilation."
    assert found.operator == Operator(**{**vars(PIECES), "dilation": dilation})
    assert found.notes == ((note,) if dilation != (1, 1) else ())


@pytest.mark.parametrize("made", ["", "w_ = np.ones(shape)\n", "w_ = np.zeros(n)\nw_ = f(w_)\n"])
def test_what_is_not_seen_to_be_zero_is_no_dilation(made: str) -> None:
    text = f"{made}w_[:, :, ::2, ::3] = w\ny = F.conv_transpose2d(x, w_)"
    assert read(text, weight=(6, 4, 3, 3)).operator == PIECES


# What we write, read back: every form in the default suite, and operators of which nobody thought.

SPOKEN: list[tuple[str, Style]] = [
    (name, style)
    for name in framework_names()
    if convention(name).forms
    for style in (("function", "layer") if convention(name).layer else ("function",))
]
CASES = [case for case in load_cases() if not case.rejected]


def back(program: Program, case: Case | tuple[Operator, Sizes]) -> Reading:
    if isinstance(case, Case):
        operator, shape = case.operator, (case.batch, case.operator.in_channels, *case.in_size)
    else:
        operator, shape = case[0], (2, case[0].in_channels, *case[1])
    return read(program.text, program.framework, shape, operator.weight_shape)


def written(framework: str, style: Style, cases: list[Case]) -> list[tuple[Case, Program]]:
    """Write every case that the framework can say."""
    programs = (
        render(case.operator, framework, case.dtype, documented=case.documented, style=style)
        for case in cases
    )
    pairs = zip(cases, programs, strict=True)
    return [
        (case, program)
        for case, program in pairs
        if isinstance(program, Program)
        # What makes tensors of bits is a function of the text's own, which is not looked into.
        and (framework, case.dtype) != ("openvino", "bfloat16")
    ]


def each_form(pairs: list[tuple[Case, Program]], most: int) -> list[tuple[Case, Program]]:
    """Leave out programs that differ in numbers only: the drawn operators vary the numbers."""
    forms = dict[str, list[tuple[Case, Program]]]()
    for case, program in pairs:
        forms.setdefault(re.sub(r"\d+", "0", program.text), []).append((case, program))
    return [pair for form in forms.values() for pair in form[:most]]


@pytest.mark.parametrize(("step", "most"), [(7, 1), slow(1, 2)], ids=["some", "every"])
@pytest.mark.parametrize(("framework", "style"), SPOKEN)
def test_every_form_comes_back(framework: str, style: Style, step: int, most: int) -> None:
    cases = CASES[::step]
    everything = written(framework, style, cases)
    pairs = each_form(everything, most)
    wrong, came_back = [], 0
    for case, program in pairs:
        try:
            found = back(program, case)
        except InputError as error:
            # Some cases try what a framework documents but refuses, and outputs without elements.
            if not case.documented and 0 not in case.out_shape:
                wrong.append((case.id, str(error)))
            continue
        came_back += 1
        missed = [note for note in found.notes if note.startswith(NOT_IN)]
        if found.operator != case.operator or missed:
            wrong.append((case.id, found.operator.descriptor))
    assert wrong == []
    assert came_back > len(pairs) // 2
    assert len(everything) > len(cases) // 4


@pytest.mark.parametrize(("framework", "style"), SPOKEN)
@given(sized_operators())
def test_any_program_comes_back(
    framework: str, style: Style, drawn: tuple[Operator, Sizes]
) -> None:
    operator, in_size = drawn
    assume(min(in_size) > 0 and min(operator.out_size(in_size)) > 0)
    program = render(operator, framework, style=style)
    if isinstance(program, Program):
        assert back(program, drawn).operator == operator


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        (
            "w = torch.zeros(4, 5, 5, 5)\nw[:, :, ::2, ::2] = torch.randn(4, 5, 3, 3)\n"
            "F.conv_transpose2d(x, w)",
            "ic4_oc5_k3x3_d2x2",
        ),
        (
            "w = torch.randn(4, 5, 5, 5)\nw[:, :, ::2, ::2] = 0\nF.conv_transpose2d(x, w)",
            "ic4_oc5_k5x5",
        ),
        (
            "w = torch.randn(4, 5, 5, 5)\nw[:, :, ::2, ::2] = v\nF.conv_transpose2d(x, w)",
            "ic4_oc5_k5x5",
        ),
        (
            "w = torch.randn(4, 5, 3, 3)\n"
            "torch.cat([F.conv_transpose2d(a, w) for a, k in zip(x.chunk(2), w.chunk(2, 1))])",
            "ic4_oc5_k3x3",
        ),
    ],
)
def test_only_a_dilation_and_groups_of_channels_are_taken_in(text: str, descriptor: str) -> None:
    assert read(text).operator.descriptor == descriptor
