"""What the calls of JAX and of the libraries over it mean, held against the real ones."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import reality
from hypothesis import assume, given
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED
from harness.convention.text import permuted
from harness.core.operators import Operator, Sizes
from harness.core.program import Program
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("jax").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, None, **supplied)


# Parameters, by their names.

T = "jax.lax.conv_transpose(x, w, (2, 3){})"
G = "jax.lax.conv_general_dilated(x, w, (1, 1), [(2, 2), (1, 1)], (2, 3){})"
P = "jax.lax.conv_with_general_padding(x, w, (1, 1), [(1, 2), (0, 1)], (2, 3), {})"
L = "flax.linen.ConvTranspose(6, (3, 2){})"
N = "flax.nnx.ConvTranspose(4, 6, (3, 2){}, rngs=rngs)"
H = "hk.Conv2DTranspose(6, (3, 2){})"
E = "eqx.nn.ConvTranspose2d(4, 6, (3, 2), (2, 3){}, key=key)"
NCHW = "('NCHW', 'OIHW', 'NCHW')"

PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    (T.format(", 'SAME'"), {"stride": (2, 3), "crop": ((0, 1), (0, -1)), "bias": False}),
    (T.format(", padding='VALID'"), {"crop": ((0, 0), (0, -1))}),
    (T.format(", ((1, 0), (3, -1))"), {"crop": ((1, 2), (-2, 2))}),
    (T.format(", ((1, 0), (3, -1)), (2, 1)"), {"dilation": (2, 1), "crop": ((3, 4), (-2, 2))}),
    (
        T.format(", ((1, 0), (0, -1)), use_consistent_padding=True"),
        {"crop": ((1, 0), (0, -1)), "weights": "hwIO"},
    ),
    (T.format(", 'SAME', transpose_kernel=True"), {"weights": "", "channels_last": True}),
    (
        T.format(f", 'SAME', dimension_numbers={NCHW}"),
        {"weights": "OIhw", "channels_last": False, "kernel": (3, 2)},
    ),
    (
        T.format(f", 'SAME', dimension_numbers={NCHW}, transpose_kernel=True"),
        {"weights": "IOHW", "kernel": (3, 2)},
    ),
    (T.format(", 'VALID', precision=lax.Precision.HIGHEST"), {"kernel": (3, 2)}),
    (G.format(""), {"weights": "OIhw", "channels_last": False, "crop": ((0, 0), (0, 0))}),
    (G.format(", (2, 1)"), {"dilation": (2, 1), "crop": ((2, 2), (0, 0))}),
    (
        G.format(", dimension_numbers=('NHWC', 'HWIO', 'NHWC'), feature_group_count=2"),
        {"weights": "hwI(GO)", "channels_last": True, "groups": 2, "out_channels": 12},
    ),
    (G.format(", feature_group_count=2"), {"weights": "(GO)Ihw", "groups": 2}),
    (P.format("(1, 1)"), {"crop": ((1, 0), (1, 0)), "weights": "OIhw"}),
    (P.format("None"), {"dilation": (1, 1)}),
    (L.format(""), {"stride": (1, 1), "crop": ((1, 1), (0, 1)), "bias": True, "weights": "hwIO"}),
    (L.format(", 2, 'VALID'"), {"stride": (2, 2), "crop": ((0, 0), (0, 0))}),
    (L.format(", (2, 3), 0"), {"crop": ((2, 2), (1, 1))}),
    (L.format(", None, (1, 0)"), {"crop": ((1, 1), (1, 1))}),
    (L.format(", None, ((1, 0), 2)"), {"crop": ((1, 2), (-1, -1))}),
    (L.format(", padding=1, kernel_dilation=(2, 1)"), {"crop": ((3, 3), (0, 0))}),
    (L.format(", use_bias=False, transpose_kernel=True"), {"bias": False, "weights": ""}),
    (N.format(""), {"in_channels": 4, "crop": ((1, 1), (0, 1)), "weights": "hwIO"}),
    (N.format(", 2, padding='VALID', use_bias=False"), {"stride": (2, 2), "bias": False}),
    (H.format(""), {"crop": ((1, 1), (0, 1)), "weights": "hwOI", "bias": True}),
    (H.format(", 2, None, 'VALID', False"), {"stride": (2, 2), "bias": False}),
    (H.format(", [3], padding=((1, 1), (0, 0))"), {"stride": (3, 3), "crop": ((1, 1), (1, 1))}),
    (H.format(", (2, 3), (9, 20)"), {"crop": ((1, 1), (0, 0))}),
    (H.format(", (2, 3), (12, 22), 'VALID'"), {"crop": ((0, -1), (0, -2))}),
    (H.format(", data_format='NCHW'"), {"channels_last": False, "weights": "hwOI"}),
    (H.format(", data_format='N...C'"), {"channels_last": True}),
    ("hk.ConvNDTranspose(2, 6, (3, 2), 2, padding='VALID')", {"stride": (2, 2)}),
    (E.format(""), {"stride": (2, 3), "crop": ((0, 0), (0, 0)), "weights": "OIhw"}),
    (E.format(", (1, 2), (1, 0)"), {"crop": ((1, 0), (0, -2))}),
    (E.format(", padding=((1, 2), (0, 1)), dilation=(2, 1)"), {"crop": ((1, 2), (0, 1))}),
    (E.format(", padding='SAME', dilation=2"), {"crop": ((1, 2), (0, 0))}),
    (E.format(", padding='same_lower', dilation=2"), {"crop": ((2, 1), (0, 0))}),
    (E.format(", 1, 'SAME', dilation=2"), {"crop": ((2, 2), (0, 1))}),
    (E.format(", padding='VALID', use_bias=False"), {"crop": ((0, 0), (0, 0)), "bias": False}),
    (
        "eqx.nn.ConvTranspose2d(4, 6, (3, 2), groups=2, key=key)",
        {"groups": 2, "weights": "(GO)Ihw"},
    ),
    ("eqx.nn.ConvTranspose(2, 4, 6, (3, 2), 2, 1, 1, key=key)", {"crop": ((1, 0), (1, 0))}),
]


@pytest.mark.parametrize(("text", "fields"), PARAMETERS)
def test_parameter(text: str, fields: Mapping[str, Any]) -> None:
    found = reading(text, input=IN) if "4, 6" in text else reading(text, input=IN, weight=WEIGHT)
    assert found.framework == "jax"
    known = {**vars(found), **vars(found.operator)}
    assert {key: known[key] for key in fields} == fields


# Whose a name is.


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("from jax import lax\nlax.conv_transpose(x, w, (2, 2), 'SAME')", "jax.lax.conv_transpose"),
        ("from jax.lax import conv_transpose\nconv_transpose(x, w, (2, 2), 'SAME')",
         "jax.lax.conv_transpose"),
        ("lax.conv_transpose(x, w, (2, 2), 'SAME')", "jax.lax.conv_transpose"),
        ("conv_transpose(x, w, (2, 2), 'SAME', rhs_dilation=(1, 1))", "jax.lax.conv_transpose"),
        ("import flax.linen as nn\nnn.ConvTranspose(6, (3, 2))", "flax.linen.ConvTranspose"),
        ("from flax import linen as nn\nnn.ConvTranspose(6, (3, 2))", "flax.linen.ConvTranspose"),
        ("from flax.linen import ConvTranspose\nConvTranspose(6, (3, 2))",
         "flax.linen.ConvTranspose"),
        ("nn.ConvTranspose(6, (3, 2))", "flax.linen.ConvTranspose"),
        ("from flax import nnx\nnnx.ConvTranspose(4, 6, (3, 2), rngs=nnx.Rngs(0))",
         "flax.nnx.ConvTranspose"),
        ("nnx.ConvTranspose(4, 6, (3, 2))", "flax.nnx.ConvTranspose"),
        ("import haiku as hk\nhk.Conv2DTranspose(6, (3, 2))", "haiku.Conv2DTranspose"),
        ("from haiku import Conv2DTranspose\nConv2DTranspose(6, (3, 2))", "haiku.Conv2DTranspose"),
        ("import equinox as eqx\neqx.nn.ConvTranspose2d(4, 6, (3, 2), key=k)",
         "equinox.nn.ConvTranspose2d"),
        ("from equinox import nn\nnn.ConvTranspose2d(4, 6, (3, 2), key=k)",
         "equinox.nn.ConvTranspose2d"),
        ("import equinox.nn as nn\nnn.ConvTranspose2d(4, 6, (3, 2), key=k)",
         "equinox.nn.ConvTranspose2d"),
        ("nn.ConvTranspose2d(4, 6, (3, 2), key=k)\nimport jax", "equinox.nn.ConvTranspose2d"),
    ],
)  # fmt: skip
def test_calls_are_told_apart(text: str, form: str) -> None:
    found = reading(text, input=IN, weight=WEIGHT)
    assert (found.framework, found.form) == ("jax", form)


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("import jax, torch.nn as nn\nnn.ConvTranspose2d(4, 6, (3, 2))", "pytorch"),
        ("nn.ConvTranspose2d(4, 6, (3, 2))", "pytorch"),
        ("import jax\nnn.ConvTranspose2d(4, 6, (3, 2))", "pytorch"),
        ("import jax\nfrom keras.layers import Conv2DTranspose\nConv2DTranspose(6, (3, 2))",
         "tensorflow"),
        ("from keras import ops\nops.conv_transpose(x, w, 2)", "keras"),
    ],
)  # fmt: skip
def test_calls_of_others_stay_theirs(text: str, framework: str) -> None:
    assert reading(text, input=IN, weight=WEIGHT).framework == framework


# What is refused.


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (T.format(", 'same'"), "padding must be 'SAME' or 'VALID', found 'same'"),
        (T.format(", 1"), r"padding 1 does not fit 2 spatial axes: .* a pair \(low, high\)"),
        (T.format(", (1, 1)"), "does not fit 2 spatial axes"),
        (T.format(", 'SAME', 2"), r"rhs_dilation 2: JAX takes a number for each of 2 axes"),
        (T.format(", 'SAME', (2,)"), "rhs_dilation"),
        (T.format(", 'SAME', dimension_numbers=('NCHW', 'OIHW', 'NHWC')"), "transpose the arrays"),
        (T.format(", 'SAME', dimension_numbers=('CNHW', 'OIHW', 'CNHW')"), "transpose the arrays"),
        (T.format(", 'SAME', dimension_numbers=('NCHW', 'HIOW', 'NCHW')"), "transpose the arrays"),
        (T.format(", 'SAME', dimension_numbers=('NCHW', 'OIHX', 'NCHW')"), "must name N, C and"),
        (T.format(", 'SAME', dimension_numbers=dn"), r"dn, whose value the text does not hold"),
        (T.format(", 'SAME', groups=2"), "no parameter 'groups'"),
        ("jax.lax.conv_general_dilated(x, w, (2, 2), [(2, 2), (1, 1)], (2, 3))",
         r"window_strides \[2, 2\]: a convolution that steps"),
        ("jax.lax.conv_general_dilated(x, w, (1, 1), 'SAME', (2, 3))", "JAX takes no words"),
        (G.format(", batch_group_count=2"), "batch_group_count"),
        (L.format(", padding='CIRCULAR'"), "'CIRCULAR' adds what is beyond one end"),
        (L.format(", padding='CAUSAL'"), "padding must be 'SAME' or 'VALID'"),
        (L.format(", padding=[[1, 1], [1, 1]]"), "round brackets only"),
        (L.format(", mask=m"), "mask multiplies the weights"),
        (L.format(", (2,)"), "JAX takes one number that is in no list, or 2"),
        (N.format(", 2, 'SAME'"), "takes at most 4 arguments by position"),
        ("from flax.nnx import ConvTranspose\nConvTranspose(4, 6, (3, 2))", "needs rngs"),
        (H.format(", mask=m"), "mask multiplies the weights"),
        (H.format(", (2, 3), (12, 20)"), r"takes an input of \[6, 7\]; this one has \[5, 7\]"),
        (H.format(", 2, (10, 14), ((1, 1), (1, 1))"), "'SAME' or 'VALID' only"),
        ("from equinox import nn\nnn.ConvTranspose2d(4, 6, 3)", "needs key"),
        (E.format(", (2, 0)"), r"output_padding \[2, 0\] must be less than stride \[2, 3\]"),
        (E.format(", padding_mode='CIRCULAR'"), "only 'ZEROS' is a crop"),
        (E.format(", padding='FULL'"), "padding must be"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN, weight=WEIGHT)


def test_a_convolution_is_not_read() -> None:
    text = "y = lax.conv_general_dilated(x, w, (1, 1), 'SAME')\n"
    with pytest.raises(
        SnippetError,
        match=r"lax\.conv_general_dilated is a transposed convolution only where it is given lhs",
    ):
        reading(text, input=IN, weight=WEIGHT)
    both = text + "z = lax.conv_transpose(y, w, (2, 2), 'SAME')"
    assert reading(both, input=IN, weight=WEIGHT).line == 2


@pytest.mark.parametrize(
    "numbers",
    [
        "lax.conv_dimension_numbers(x.shape, w.shape, ('NHWC', 'HWIO', 'NHWC'))",
        "lax.ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), "
        "out_spec=(0, 3, 1, 2))",
    ],
)
def test_dimension_numbers_may_be_made_before(numbers: str) -> None:
    text = f"dn = {numbers}\ny = lax.conv_transpose(x, w, (2, 2), 'SAME', dimension_numbers=dn)"
    found = reading(text, input=IN, weight=WEIGHT)
    assert (found.weights, found.channels_last) == ("hwIO", True)


def test_arrays_of_the_text_give_sizes_and_channels() -> None:
    text = (
        "x = jnp.zeros((2, 5, 7, 4))\nw = jnp.ones((3, 2, 4, 6))\n"
        "y = lax.conv_transpose(x, w, (2, 2), 'SAME') + b[None, None, None, :]"
    )
    found = reading(text)
    assert found.input == (2, 4, 5, 7)
    assert found.operator == Operator.of(4, 6, (3, 2), stride=2, crop=((0, 1), (0, 0)))


# Round trips.


@given(sized_operators())
def test_program_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    program = render(wanted, "jax")
    assert isinstance(program, Program)
    # Without elements a call that is padded afterwards may have an output of less than nothing.
    assume(min(in_size) > 0)
    found = read(program.text, input=(2, wanted.in_channels, *in_size), weight=wanted.weight_shape)
    assert (found.framework, found.operator) == ("jax", wanted)
    assert found.weights == ("hwI(GO)" if wanted.groups > 1 else "")


# The real thing.


class Drawn(NamedTuple):
    """A call, and the layouts of its arrays."""

    text: str
    kernel: Sequence[int]
    data: str
    weights: str
    groups: int = 1


SETUP = "import jax, jax.numpy as jnp, numpy as np\nfrom jax import lax\n"
LETTERS = {1: "W", 2: "HW", 3: "DHW"}


class Geometry:
    """Numbers for each axis."""

    def __init__(self, generator: random.Random) -> None:
        self.draw = generator
        self.rank = generator.choice((1, 2, 2, 3))
        self.letters = LETTERS[self.rank]
        self.kernel = self.each(1, 4)
        self.stride = self.each(1, 4)
        self.dilation = tuple(generator.choice((1, 1, 2, 3)) for _ in range(self.rank))

    def each(self, least: int, most: int) -> Sizes:
        return tuple(self.draw.randint(least, most) for _ in range(self.rank))

    def pairs(self, least: int = -1, most: int = 4) -> str:
        return str(tuple(zip(self.each(least, most), self.each(least, most), strict=True)))

    def padding(self) -> str:
        return self.draw.choice(("'SAME'", "'VALID'", self.pairs()))


def of_lax(of: Geometry) -> Drawn:
    data = of.draw.choice((f"N{of.letters}C", f"NC{of.letters}"))
    weights = of.draw.choice((f"{of.letters}IO", f"OI{of.letters}", f"I{of.letters}O"))
    numbers: object = (data, weights, data)
    if of.draw.random() < 0.3:
        numbers, data, weights = None, f"N{of.letters}C", f"{of.letters}IO"
    transposed = of.draw.choice((True, False))
    swapped = weights.translate(str.maketrans("IO", "OI"))
    text = (
        f"y = lax.conv_transpose(x, w, {of.stride}, {of.padding()}, {of.dilation}, {numbers}, "
        f"{transposed}, use_consistent_padding={of.draw.choice((True, False))})"
    )
    return Drawn(text, of.kernel, data, swapped if transposed else _flipped(weights))


def of_dilated(of: Geometry) -> Drawn:
    data = of.draw.choice((f"N{of.letters}C", f"NC{of.letters}"))
    weights = of.draw.choice((f"{of.letters}IO", f"OI{of.letters}", f"I{of.letters}O"))
    groups = of.draw.choice((1, 1, 2, 3))
    text = (
        f"y = lax.conv_general_dilated(x, w, {(1,) * of.rank}, {of.pairs(-1, 6)}, {of.stride}, "
        f"{of.dilation}, {(data, weights, data)}, {groups})"
    )
    weights = weights.replace("O", "(GO)") if groups > 1 else weights
    return Drawn(text, of.kernel, data, _flipped(weights), groups)


def of_flax(of: Geometry, *, nnx: bool) -> Drawn:
    bias, transposed = (of.draw.choice((True, False)) for _ in range(2))
    padding = of.draw.choice((of.padding(), str(of.each(0, 3)), str(of.draw.randint(0, 3))))
    options = (
        f"{of.kernel}, {of.draw.choice((of.stride, of.stride, of.stride[0], None))}, "
        f"padding={padding}, kernel_dilation={of.draw.choice((of.dilation, None))}, "
        f"use_bias={bias}, transpose_kernel={transposed}"
    )
    if nnx:
        filled = "layer.kernel.value = w\n" + "layer.bias.value = b\n" * bias
        text = (
            f"from flax import nnx\nlayer = nnx.ConvTranspose(2, 3, {options}, rngs=nnx.Rngs(0))\n"
            f"{filled}y = layer(x)"
        )
    else:
        values = "{'kernel': w, 'bias': b}" if bias else "{'kernel': w}"
        text = (
            f"from flax import linen as nn\nlayer = nn.ConvTranspose(3, {options})\n"
            f"y = layer.apply({{'params': {values}}}, x)"
        )
    weights = f"{of.letters}OI" if transposed else _flipped(f"{of.letters}IO")
    return Drawn(text, of.kernel, f"N{of.letters}C", weights)


def of_haiku(of: Geometry) -> Drawn:
    first, bias = (of.draw.choice((True, False)) for _ in range(2))
    layout = of.draw.choice((f"NC{of.letters}", "channels_first", "NC..."))
    if not first:
        layout = of.draw.choice((f"N{of.letters}C", "channels_last", "N...C"))
    name = of.draw.choice((f"Conv{of.rank}DTranspose(", f"ConvNDTranspose({of.rank}, "))
    ones = (1,) * of.rank if first else ()
    values = f"{{'w': w, 'b': b.reshape({(-1, *ones)})}}" if bias else "{'w': w}"
    text = (
        "import haiku as hk\ndef net(x):\n"
        f"    return hk.{name}3, {of.kernel}, {of.stride}, padding={of.padding()}, "
        f"with_bias={bias}, data_format='{layout}')(x)\n"
        "net = hk.transform(net)\n(name,) = net.init(jax.random.PRNGKey(0), x)\n"
        f"y = net.apply({{name: {values}}}, None, x)"
    )
    data = f"NC{of.letters}" if first else f"N{of.letters}C"
    return Drawn(text, of.kernel, data, _flipped(f"{of.letters}OI"))


def of_equinox(of: Geometry) -> Drawn:
    bias, groups = of.draw.choice((True, False)), of.draw.choice((1, 1, 2, 3))
    words = ("'SAME'", "'same_lower'", "'VALID'")
    padding = of.draw.choice((*words, "2", str(of.each(-1, 3)), of.pairs(-1, 3)))
    extra = tuple(of.draw.randint(0, stride - 1) for stride in of.stride)
    if of.draw.random() < 0.1:
        extra = of.stride
    head, order = f"ConvTranspose({of.rank}, ", f"{padding}, {extra}"
    if of.draw.random() < 0.7:
        head, order = f"ConvTranspose{of.rank}d(", f"{extra}, {padding}"
    put = f"layer = eqx.tree_at(lambda l: l.bias, layer, b.reshape({(-1, *(1,) * of.rank)}))\n"
    text = (
        f"import equinox as eqx\nlayer = eqx.nn.{head}{2 * groups}, {3 * groups}, {of.kernel}, "
        f"{of.stride}, {order}, {of.dilation}, groups={groups}, use_bias={bias}, "
        "key=jax.random.PRNGKey(0))\nlayer = eqx.tree_at(lambda l: l.weight, layer, w)\n"
        f"{put * bias}y = jax.vmap(layer)(x)"
    )
    weights = f"(GO)I{of.letters}" if groups > 1 else f"OI{of.letters}"
    return Drawn(text, of.kernel, f"NC{of.letters}", _flipped(weights), groups)


def _flipped(weights: str) -> str:
    return re.sub("[DHW]", lambda letter: letter[0].lower(), weights)


KINDS: dict[str, Callable[[Geometry], Drawn]] = {
    "jax.lax.conv_transpose": of_lax,
    "jax.lax.conv_general_dilated": of_dilated,
    "flax.linen": lambda of: of_flax(of, nnx=False),
    "flax.nnx": lambda of: of_flax(of, nnx=True),
    "haiku": of_haiku,
    "equinox": of_equinox,
}


@pytest.mark.frameworks
@pytest.mark.parametrize("kind", KINDS)
def test_call_means_what_we_read(kind: str) -> None:
    """Its output, and the layout of its weights: nothing else gives the same integers."""
    library = kind.partition(".")[0]
    (there,) = reality.run("jax", [_has(library)])
    if not there["y"]:
        pytest.skip(f"{library} is not in JAX's environment")
    generator = random.Random(7)
    drawn = [KINDS[kind](Geometry(generator)) for _ in range(60)]
    jobs = [_job(each, generator) for each in drawn]
    wrong: list[Any] = []
    read_count = 0
    for each, job, real in zip(drawn, jobs, reality.run("jax", jobs), strict=True):
        x, w = (np.shape(job.arrays[name]) for name in ("x", "w"))
        try:
            found = read(each.text, "jax", x, w)
        except SnippetError as error:
            # JAX gives an output without elements where it would have less than none.
            if "error" not in real and np.size(real["y"]):
                wrong.append((each, str(error)))
            continue
        read_count += 1
        expected = reality.expected(found.operator, job.arrays)["y"].tolist()
        letters = (found.weights or "HWOI").replace("HW", LETTERS[found.operator.rank])
        letters = letters.replace("hw", LETTERS[found.operator.rank].lower())
        if real.get("y") != expected or letters != each.weights:
            wrong.append((each, found.operator.descriptor, letters, real.get("error")))
    assert wrong == []
    assert read_count > 30


def _has(library: str) -> reality.Job:
    text = f"import importlib.util\ny = importlib.util.find_spec({library!r}) is not None"
    return reality.Job(text, ("y",), {})


def _job(drawn: Drawn, generator: random.Random) -> reality.Job:
    rank = len(drawn.kernel)
    size = [generator.randint(2, 4) for _ in range(rank)]
    c_in, last = 2 * drawn.groups, drawn.data.endswith("C")
    arrays = {
        "x": reality.integers((2, c_in, *size), generator),
        "w": reality.integers((c_in, 3, *drawn.kernel), generator),
        "b": reality.integers((3 * drawn.groups,), generator),
    }
    weights = permuted("w", f"IO{LETTERS[rank]}", drawn.weights, drawn.groups)
    text = (
        f"{SETUP}w, b = jnp.asarray({weights}), jnp.asarray(b)\n"
        f"x = jnp.asarray({'np.moveaxis(x, 1, -1)' if last else 'x'})\n{drawn.text}\n"
        f"y = {'np.moveaxis(y, -1, 1)' if last else 'np.asarray(y)'}"
    )
    return reality.Job(text, ("y",), arrays)


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    names = [name for name in FORMS if name.startswith(("jax.", "flax."))]
    setup = "import jax, flax.linen, flax.nnx"
    for name, (real, defaults) in zip(names, reality.signatures("jax", setup, names), strict=True):
        ours = [p for p in FORMS[name].parameters if not p.keyword]
        # Of a class of Flax's, the parent stands before the name, at the end.
        assert [p.name for p in ours] == real
        for parameter, default in zip(ours, defaults, strict=True):
            # A function that draws has a word here; what it draws is tested with the layers.
            if parameter.ignored or default.startswith("<function"):
                continue
            value = REQUIRED if default == "-" else ast.literal_eval(default)
            assert parameter.default == value
