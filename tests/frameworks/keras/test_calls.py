"""What Keras 3's calls mean, and the texts that we write, held against the real ones."""

from __future__ import annotations

import ast
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import reality
from examples import examples
from hypothesis import assume, given
from reality import WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.convention.signature import REQUIRED
from harness.core.operators import Operator, Sizes
from harness.core.program import Program, Unsupported
from harness.core.training import Initializer, Training
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("keras").forms}
IN, WEIGHT = (1, 4, 5, 7), (4, 6, 3, 2)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "keras", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

CALL = "keras.ops.conv_transpose(x, w{})"
PARAMETERS: list[tuple[str, str, dict[str, Any]]] = [
    ("inputs", "keras.ops.conv_transpose(inputs=x, kernel=w)", {"bias": False}),
    ("kernel", "keras.ops.conv_transpose(x, np.zeros((3, 2, 6, 4)))",
     {"kernel": (3, 2), "in_channels": 4, "out_channels": 6}),
    ("strides", CALL.format(", (2, 3)"), {"stride": (2, 3), "crop": ((0, 0), (0, -1))}),
    ("strides", CALL.format(", strides=2"), {"stride": (2, 2), "crop": ((0, 0), (0, 0))}),
    ("padding", CALL.format(", 2, 'same'"), {"crop": ((0, 1), (0, 0))}),
    ("padding", CALL.format(", padding='SAME'"), {"crop": ((1, 1), (0, 1))}),
    ("output_padding", CALL.format(", 2, 'valid', 1"), {"crop": ((0, -1), (0, -1))}),
    ("output_padding", CALL.format(", 2, 'same', (1, 0)"), {"crop": ((0, 1), (1, 1))}),
    ("output_padding", CALL.format(", 2, 'same', output_padding=None"), {"crop": ((0, 1), (0, 0))}),
    ("data_format", CALL.format(", 1, 'valid', None, 'channels_first'"), {"kernel": (3, 2)}),
    ("dilation_rate", CALL.format(", dilation_rate=(1, 3)"), {"dilation": (1, 3)}),
    ("dilation_rate", CALL.format(", 2, dilation_rate=2"), {"stride": (2, 2), "dilation": (2, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), PARAMETERS)
def test_parameter_of_the_function(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["keras.ops.conv_transpose"].parameter(name) is not None
    result = operator(text, input=IN, weight=WEIGHT)
    assert {key: getattr(result, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    names = {parameter.name for parameter in FORMS["keras.ops.conv_transpose"].parameters}
    assert names == {name for name, _, _ in PARAMETERS}


@pytest.mark.parametrize(
    "text",
    [
        "import keras\nkeras.ops.conv_transpose(x, w, 2, padding='same')",
        "from keras import ops\nops.conv_transpose(x, w, 2, padding='same')",
        "from keras.ops import conv_transpose\nconv_transpose(x, w, 2, padding='same')",
        "import keras.ops as K\nK.conv_transpose(x, w, 2, padding='same')",
        "keras.ops.conv_transpose(x, w, 2, padding='same')",
    ],
)
def test_the_function_is_keras_s_under_all_its_names(text: str) -> None:
    found = read(text, input=IN, weight=WEIGHT)
    assert (found.framework, found.form) == ("keras", "keras.ops.conv_transpose")
    assert found.operator.descriptor == "ic4_oc6_k3x2_s2x2_c0.1x0.0"


def test_arrays_of_the_text_give_sizes_and_channels() -> None:
    text = (
        "x = keras.ops.zeros((2, 5, 7, 4))\nw = np.zeros((3, 2, 6, 4))\n"
        "y = keras.ops.conv_transpose(x, w, strides=2) + b[None, None, None, :]"
    )
    found = reading(text)
    assert (found.operator.in_channels, found.operator.out_channels) == (4, 6)
    assert found.operator.bias


def test_a_bias_after_the_call_is_read() -> None:
    text = (
        "y = keras.ops.conv_transpose(x, w, strides=2)\ny = y + keras.ops.reshape(b, (1, 1, 1, -1))"
    )
    assert operator(text, weight=WEIGHT).bias


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (CALL.format(", padding=1"), "padding"),
        (CALL.format(", 2, 'full'"), "padding"),
        (CALL.format(", groups=2"), "no parameter 'groups'"),
        (CALL.format(", (2, 2, 2)"), "has 3 axes, the kernel has 2"),
        (CALL.format(", 0"), "strides"),
        (CALL.format(", 2, 'same', -1"), "output_padding"),
        (CALL.format(", output_shape=s"), "no parameter 'output_shape'"),
        ("keras.ops.conv_transpose(x)", "needs kernel"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN, weight=WEIGHT)


def test_number_of_axes_is_asked_for() -> None:
    with pytest.raises(
        SnippetError, match=r"does not show the number of axes: add input, such as input 1,64,16"
    ):
        reading(CALL.format(", 2"))
    with pytest.raises(SnippetError, match="leaves in_channels and out_channels and kernel open"):
        reading(CALL.format(", (2, 2)"))


def test_an_output_padding_beyond_what_is_documented_is_said() -> None:
    found = reading(CALL.format(", 2, 'valid', 3"), weight=WEIGHT)
    assert found.operator.crop == ((0, -3), (0, -3))
    assert any("not less than strides [2, 2]" in note for note in found.notes)


# Layers: TensorFlow's too, and taken for them unless Keras is asked for.

LAYER = "keras.layers.Conv2DTranspose(6, (3, 2), strides=2, padding='same')"


@pytest.mark.parametrize(
    "text", [LAYER, LAYER.removeprefix("keras.layers."), f"import keras\n{LAYER}"]
)
def test_a_layer_is_read_as_tensorflow_s_unless_keras_is_asked_for(text: str) -> None:
    anyone, asked = read(text, input=IN), reading(text, input=IN)
    assert (anyone.framework, asked.framework) == ("tensorflow", "keras")
    assert asked.form == "keras.layers.Conv2DTranspose"
    assert (
        anyone.operator
        == asked.operator
        == Operator.of(4, 6, (3, 2), stride=2, crop=((0, 1), (0, 0)))
    )


def test_what_tensorflow_alone_refuses_is_read() -> None:
    text = "keras.layers.Conv2DTranspose(6, 4, padding='same', output_padding=0{})"
    even = Operator.of(4, 6, (4, 4), stride=2, crop=2)
    assert operator(text.format(", strides=2"), input=IN) == even
    with pytest.raises(SnippetError, match="refused by TensorFlow"):
        read(text.format(", strides=2"), input=IN)
    written = render(even, "keras", style="layer")
    assert isinstance(written, Program)
    assert written.support == "native"
    on_tensorflow = render(even, "keras:tensorflow", style="layer")
    assert isinstance(on_tensorflow, Program)
    assert on_tensorflow.support == "rewritten"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Operator.of(4, 6, (3,), groups=2), "have no groups; 2 are asked for"),
        (Operator.of(4, 6, (3,), stride=2, dilation=2), "conv_transpose takes them"),
    ],
)
def test_layer_that_keras_cannot_have_is_unsupported(wanted: Operator, reason: str) -> None:
    written = render(wanted, "keras", style="layer")
    assert isinstance(written, Unsupported)
    assert reason in written.reason
    assert isinstance(render(wanted, "keras"), Program)


@pytest.mark.parametrize(
    ("wanted", "dtype", "has_gradient"),
    [
        (Operator.of(1, 3, (4,)), "float64", False),
        (Operator.of(1, 2, (1, 2)), "float64", False),
        (Operator.of(1, 3, (4,)), "float32", True),
        (Operator.of(1, 1, (4,)), "float64", True),
        (Operator.of(2, 3, (4,)), "float64", True),
        (Operator.of(1, 3, (1, 1)), "float64", True),
        (Operator.of(1, 3, (2, 2, 2)), "float64", True),
    ],
)
def test_what_pytorch_refuses_the_gradient_of_is_forward_only(
    wanted: Operator, dtype: str, *, has_gradient: bool
) -> None:
    written = render(wanted, "keras", dtype, style="layer")
    assert isinstance(written, Program)
    assert bool(written.gradient_text) == has_gradient == (not written.forward_only)
    on_jax, function = (
        render(wanted, "keras:jax", dtype, style="layer"),
        render(wanted, "keras", dtype),
    )
    for other in (on_jax, function):
        assert isinstance(other, Program)
        assert other.gradient_text


# Round trips.


@given(sized_operators())
def test_program_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    program = render(wanted, "keras")
    assert isinstance(program, Program)
    # Without elements a call that is padded afterwards may have an output of less than nothing.
    assume(min(in_size) > 0)
    shape = (2, wanted.in_channels, *in_size)
    found = read(program.text, input=shape, weight=wanted.weight_shape)
    assert (found.framework, found.operator) == ("keras", wanted)


@given(sized_operators())
@examples(3)
def test_layer_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    # Nearly all others would be drawn in vain: the layers have no groups, and no dilation with a
    # stride.
    wanted = replace(wanted, groups=1)
    if max(wanted.stride) > 1:
        wanted = replace(wanted, dilation=(1,) * wanted.rank)
    in_size = tuple(max(size, 1) for size in in_size)
    program = render(wanted, "keras", style="layer")
    assume(not wanted.explain(in_size) and isinstance(program, Program))
    assert isinstance(program, Program)
    found = reading(program.text, input=(2, wanted.in_channels, *in_size))
    assert found.operator == wanted


@pytest.mark.parametrize("name", ["keras:jax", "keras:tensorflow", "keras:torch"])
def test_a_variant_writes_the_same_call_with_its_own_gradient(name: str) -> None:
    wanted = Operator.of(4, 6, (3, 2), stride=2, crop=((0, 1), (1, 0)))
    own, plain = render(wanted, name), render(wanted, "keras")
    assert isinstance(own, Program)
    assert isinstance(plain, Program)
    backend = name.partition(":")[2]
    waits = "\njax.block_until_ready([y_])" if backend == "jax" else ""
    assert own.call == plain.call + waits
    assert f'os.environ["KERAS_BACKEND"] = "{backend}"' in own.setup
    means = {"jax": "jax.vjp", "tensorflow": "tf.GradientTape", "torch": "torch.autograd.grad"}
    assert means[backend] in own.gradient.call
    assert convention(name).environ["KERAS_BACKEND"] == backend
    assert convention(name).environ["KERAS_HOME"] == "/dev/null"


# The real thing.

SETUP = """
import keras, numpy as np
x = np.moveaxis(x, 1, -1)
w = np.moveaxis(w, (0, 1), (-1, -2))
"""
CANONICAL = "y = np.moveaxis(keras.ops.convert_to_numpy(y), -1, 1)"
TRAINED = Training(weights=Initializer("uniform", 1.0, "in"), bias=Initializer("uniform", 0.5))


def random_calls(count: int, *, layer: bool) -> list[WrittenCall]:
    """Calls with every padding; a layer's are often legal, sometimes not."""
    generator = random.Random(41)
    calls = []
    for _ in range(count):
        rank = generator.choice((1, 2, 2, 3))
        stride = [generator.randint(1, 4) for _ in range(rank)]
        dilation = [generator.choice((1, 1, 2)) for _ in range(rank)]
        if layer and generator.random() < 0.9:
            dilation = [1] * rank
        kernel = [generator.randint(1, 5) for _ in range(rank)]
        extra = None
        if generator.random() < 0.5:
            most = generator.choice((0, 0, 0, 1))
            extra = [generator.randint(0, s - 1 + most) for s in stride]
        padding = generator.choice(("same", "SAME", "valid"))
        options = (
            f"{tuple(stride)}, {padding!r}, output_padding={extra and tuple(extra)}, "
            f"dilation_rate={tuple(dilation)}"
        )
        text = f"y = keras.ops.conv_transpose(x, w, {options})"
        if layer:
            text = (
                f"layer = keras.layers.Conv{rank}DTranspose(3, {kernel}, {options})\n"
                "layer.build(x.shape)\nlayer.set_weights([w, b])\ny = layer(x)"
            )
        size = [generator.randint(2 if extra else 1, 4) for _ in range(rank)]
        calls.append(WrittenCall(text, (2, 2, *size), (2, 3, *kernel)))
    return calls


@pytest.mark.frameworks
@pytest.mark.parametrize("layer", [False, True])
def test_call_crops_as_we_read_it(layer: bool) -> None:
    calls = random_calls(160, layer=layer)
    least = 8 if layer else 0
    assert reality.disagreements("keras", SETUP, calls, least, CANONICAL) == []


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    rewritten = [
        (wanted, size)
        for wanted, size in reality.random_operators(300, seed=43)
        if isinstance(render(wanted, "keras", style="layer"), Program)
    ]
    assert len(rewritten) > 20
    drawn = rewritten[:30] + native_operators()
    assert reality.layers_that_differ("keras", drawn, TRAINED) == []


def native_operators() -> list[tuple[Operator, Sizes]]:
    """What people write in networks: every padding and output_padding of a few kernels."""
    result: list[tuple[Operator, Sizes]] = []
    for kernel, stride, shape in (((5, 4), (2, 3), (3, 4)), ((2, 3), (3, 4), (2, 3))):
        for padding in ("same", "valid"):
            for extra in ("None", "0", "1", f"{[s - 1 for s in stride]}"):
                text = (
                    f"keras.layers.Conv2DTranspose(3, {kernel}, {stride}, '{padding}', "
                    f"output_padding={extra})"
                )
                result.append((operator(text, input=(1, 2, *shape)), shape))
    return result


def test_native_layers_are_written_as_one_call() -> None:
    supports = [
        program.support
        for wanted, _ in native_operators()
        for program in [render(wanted, "keras", style="layer")]
    ]
    assert supports == ["native"] * 16


@pytest.mark.frameworks
def test_pytorch_refuses_the_gradient_that_is_left_out() -> None:
    text = """
import keras, torch
layer = keras.layers.Conv{}DTranspose(3, 2, dtype="float64")
x = keras.ops.ones({}, "float64").requires_grad_()
layer.build(x.shape)
try:
    torch.autograd.grad(layer(x).sum(), (x, layer.kernel.value))
    said = ""
except RuntimeError as error:
    said = str(error)
if said != "grad_weight needs to be contiguous": raise AssertionError(said)
y = 1
"""
    jobs = [reality.Job(text.format(rank, (2, *(4,) * rank, 1)), ("y",), {}) for rank in (1, 2)]
    assert reality.run("keras", jobs) == [{"y": 1}] * 2


@pytest.mark.frameworks
def test_tables_are_the_real_signatures() -> None:
    result = reality.signatures("keras", "import keras", list(FORMS))
    for form, (names, defaults) in zip(FORMS.values(), result, strict=True):
        ours = [p for p in form.parameters if not p.keyword]
        assert [p.name for p in ours] == names
        for parameter, default in zip(ours, defaults, strict=True):
            value = REQUIRED if default == "-" else ast.literal_eval(default)
            assert parameter.default == (value[0] if isinstance(value, tuple) else value)
