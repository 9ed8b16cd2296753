"""What Keras's layers mean and the layers that we write, against the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import reality
from examples import examples
from hypothesis import assume, given
from reality import Job, WrittenCall
from strategies import sized_operators

from harness.convention.reading import Reading
from harness.convention.registry import convention, render
from harness.core.operators import Operator, Sizes
from harness.core.program import Program, Unsupported
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("tensorflow").forms}
IN = (1, 4, 5, 7)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "tensorflow", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


# Parameters, by their names.

LAYER = "layers.Conv2DTranspose(6, (3, 2){})"
LAYERS: list[tuple[str, str, dict[str, Any]]] = [
    ("filters", "layers.Conv2DTranspose(filters=6, kernel_size=3)", {"out_channels": 6}),
    ("kernel_size", "layers.Conv2DTranspose(6, 3)", {"kernel": (3, 3)}),
    ("kernel_size", LAYER.format(""), {"kernel": (3, 2)}),
    ("strides", LAYER.format(", (2, 1)"), {"stride": (2, 1), "crop": ((0, 0), (0, 0))}),
    ("strides", LAYER.format(", strides=5"), {"crop": ((0, -2), (0, -3))}),
    ("padding", LAYER.format(", 2, 'same'"), {"crop": ((0, 1), (0, 0))}),
    ("padding", LAYER.format(", padding='SAME'"), {"crop": ((1, 1), (0, 1))}),
    ("padding", LAYER.format(", strides=5, padding='same'"), {"crop": ((0, -2), (0, -3))}),
    ("output_padding", LAYER.format(", 3, output_padding=(1, 2)"), {"crop": ((0, -1), (0, -2))}),
    ("output_padding", LAYER.format(", 3, output_padding=0"), {"crop": ((0, 0), (0, 0))}),
    ("output_padding", LAYER.format(", 3, 'same', 1"), {"crop": ((0, 1), (0, 1))}),
    ("data_format", LAYER.format(", data_format='channels_first', input_shape=(4, 5, 7)"),
     {"in_channels": 4}),
    ("data_format", ("layers.Conv3DTranspose(6, 3, 2, 'same', 'channels_last', 1, "
     "input_shape=(2, 2, 2, 4))"), {"crop": ((0, 1),) * 3}),
    ("dilation_rate", LAYER.format(", dilation_rate=(2, 3)"), {"dilation": (2, 3)}),
    ("activation", LAYER.format(", activation='relu'"), {"bias": True}),
    ("use_bias", LAYER.format(", use_bias=False"), {"bias": False}),
    ("kernel_initializer", LAYER.format(", kernel_initializer='he_normal'"), {}),
    ("bias_initializer", LAYER.format(", bias_initializer='ones'"), {}),
    ("kernel_regularizer", LAYER.format(", kernel_regularizer=l2(0.5)"), {}),
    ("bias_regularizer", LAYER.format(", bias_regularizer='l2'"), {}),
    ("activity_regularizer", LAYER.format(", activity_regularizer='l2'"), {}),
    ("kernel_constraint", LAYER.format(", kernel_constraint=max_norm(2)"), {}),
    ("bias_constraint", LAYER.format(", bias_constraint=None"), {}),
    ("name", LAYER.format(", name='up'"), {}),
    ("trainable", LAYER.format(", trainable=False"), {}),
    ("dtype", LAYER.format(", dtype='float64'"), {}),
    ("autocast", LAYER.format(", autocast=False"), {}),
    ("input_shape", LAYER.format(", input_shape=(5, 7, 4)"), {"in_channels": 4}),
    ("batch_input_shape", LAYER.format(", batch_input_shape=(None, 5, 7, 4)"),
     {"in_channels": 4}),
    ("input_dim", LAYER.format(", input_dim=4"), {"in_channels": 4}),
    ("groups", LAYER.format(", groups=1"), {"groups": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), LAYERS)
def test_parameter_of_the_layer(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["tf.keras.layers.Conv2DTranspose"].parameter(name) is not None
    open_channels = {} if "input_" in text else {"input": IN}
    result = operator(text, **open_channels)
    assert {key: getattr(result, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    tested = {name for name, *_ in LAYERS}
    assert tested == {p.name for p in FORMS["tf.keras.layers.Conv2DTranspose"].parameters}


@pytest.mark.parametrize(
    ("text", "descriptor", "shape"),
    [
        (
            # The DCGAN tutorial of TensorFlow.
            (
                "model.add(layers.Conv2DTranspose(128, (5, 5), strides=(1, 1), padding='same', "
                "use_bias=False, input_shape=(7, 7, 256)))"
            ),
            "ic256_oc128_k5x5_c2.2x2.2",
            (1, 256, 7, 7),
        ),
        (
            (
                "inputs = keras.Input(shape=(14, 14, 128))\n"
                "x = layers.Conv2DTranspose(64, 4, strides=2, padding='same')(inputs)"
            ),
            "ic128_oc64_k4x4_s2x2_c1.1x1.1_b",
            (1, 128, 14, 14),
        ),
        (
            "up = tf.keras.layers.Conv1DTranspose(8, 5, strides=2, input_shape=(None, 3))",
            "ic3_oc8_k5_s2_b",
            None,
        ),
        (
            (
                "net = tf.layers.conv2d_transpose(tf.zeros([2, 4, 4, 32]), 16, [5, 5], "
                "strides=(2, 2), padding='SAME', activation=None)"
            ),
            "ic32_oc16_k5x5_s2x2_c1.2x1.2_b",
            (2, 32, 4, 4),
        ),
    ],
)
def test_snippet(text: str, descriptor: str, shape: Sizes | None) -> None:
    result = reading(text)
    assert (result.operator.descriptor, result.input) == (descriptor, shape)


def test_function_of_three_axes_reads_data_format_before_output_padding() -> None:
    two = operator("layers.Conv2DTranspose(6, 3, 2, 'same', 1, 'channels_last')", input=IN)
    assert two.crop == ((0, 1), (0, 1))
    with pytest.raises(SnippetError, match="data_format must be"):
        reading("layers.Conv3DTranspose(6, 3, 2, 'same', 1)", input=(1, 4, 2, 2, 2))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (LAYER.format(", strides=[2]"), "one number that is no list, or 2"),
        (LAYER.format(", 2, dilation_rate=2"), "refuses strides .* together with dilation_rate"),
        (LAYER.format(", 2, output_padding=2"), "less than strides"),
        (LAYER.format(", 2, 'same', 0"), "even kernel 2 is refused"),
        (LAYER.format(", padding='causal'"), "must be 'same' or 'valid'"),
        (LAYER.format(", groups=2"), "no groups"),
        (LAYER.format(", data_format='NHWC'"), "'channels_last' or 'channels_first'"),
        (LAYER.format(", stride=2"), "Did you mean 'strides'"),
        ("layers.Conv2DTranspose(6, 3, input_shape=(7, 4))", "has 3 axes"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, **({} if "input_shape" in text else {"input": IN}))


def test_channels_that_nothing_says_are_asked_for() -> None:
    with pytest.raises(SnippetError, match="leaves in_channels open: add input"):
        reading("layers.Conv2DTranspose(6, 3)")


# What comes into the layer.

UP = "layers.Conv2DTranspose(6, 3)"
BEFORE: list[tuple[str, Sizes | None]] = [
    (
        f"model = keras.Sequential([keras.Input((10,)), layers.Dense(140), "
        f"layers.Reshape((5, 7, 4)), {UP}])",
        (1, 4, 5, 7),
    ),
    (f"model = keras.Sequential([keras.Input(shape=(5, 7, 4)), {UP}])", (1, 4, 5, 7)),
    (f"model = keras.Sequential([layers.Input((5, 7, 4)), {UP}])", (1, 4, 5, 7)),
    (f"model = keras.Sequential([keras.Input(batch_shape=(2, 5, 7, 4)), {UP}])", (2, 4, 5, 7)),
    (f"model = keras.Sequential([layers.InputLayer((5, 7, 4)), {UP}])", (1, 4, 5, 7)),
    (f"model = keras.Sequential([keras.Input((None, None, 4)), {UP}])", None),
    (
        f"model = keras.Sequential([keras.Input((140,)), layers.Reshape((-1, 7, 4)), {UP}])",
        None,
    ),
    (
        "model = keras.Sequential()\nmodel.add(keras.Input((140,)))\n"
        "model.add(layers.Reshape(target_shape=(5, 7, 4)))\n"
        f"assert model.output_shape == (None, 5, 7, 4)\nmodel.add({UP})",
        (1, 4, 5, 7),
    ),
    (
        "i = keras.Input((140,))\nx = layers.Reshape((5, 7, 4))(i)\n"
        f"model = keras.Model(i, {UP}(x))",
        (1, 4, 5, 7),
    ),
    (
        f"up = {UP}\ni = keras.Input((140,))\nx = layers.Reshape((5, 7, 4))(i)\n"
        "model = keras.Model(i, up(x))",
        (1, 4, 5, 7),
    ),
    (
        f"i = keras.Input((140,))\nmodel = keras.Model(i, {UP}(layers.Reshape((5, 7, 4))(i)))",
        (1, 4, 5, 7),
    ),
]


@pytest.mark.parametrize(("text", "shape"), BEFORE)
def test_input_is_what_the_layer_right_before_gives(text: str, shape: Sizes | None) -> None:
    result = reading(text)
    assert (result.operator.in_channels, result.input) == (4, shape)


def test_layer_before_is_laid_out_as_the_layer_is() -> None:
    text = "Sequential([Reshape((4, 5, 7)), {}])".format(
        "layers.Conv2DTranspose(6, 3, data_format='channels_first')"
    )
    assert reading(text).input == (1, 4, 5, 7)


RESHAPE = "layers.Reshape((5, 7, 4))"


@pytest.mark.parametrize(
    "text",
    [
        f"Sequential([{RESHAPE}, layers.Conv2D(n, 3), {UP}])",
        f"Sequential([{RESHAPE}, f(), {UP}])",
        f"Sequential([{UP}, {RESHAPE}])",
        f"f([{RESHAPE}, {UP}])",
        f"x = {RESHAPE}(x)\nx = f(x)\nx = {UP}(x)",
        f"x = {RESHAPE}(x)\nif wide:\n    x = f(x)\nx = {UP}(x)",
        f"x = {RESHAPE}(x)\nfor _ in range(n):\n    x = {UP}(x)",
        f"x = {RESHAPE}(x)\nup = {UP}\nx = f(x)\nx = up(x)",
        f"y = {RESHAPE}(x)\nx = {UP}(x)",
        f"model.add({RESHAPE})\nmodel.add(f())\nmodel.add({UP})",
        f"model.add({RESHAPE})\nif wide:\n    model.add(f())\nmodel.add({UP})",
        f"model.add({RESHAPE})\nfor _ in range(n):\n    model.add({UP})",
        f"model.add({RESHAPE})\nblock(model)\nmodel.add({UP})",
        f"model.add({RESHAPE})\nmodel.pop()\nmodel.add({UP})",
        f"model.add({RESHAPE})\nmodel = Sequential()\nmodel.add({UP})",
        f"model.add({RESHAPE})\ndef more(model):\n    model.add({UP})",
        f"other.add({RESHAPE})\nmodel.add({UP})",
    ],
)
def test_input_that_another_layer_may_give_is_asked_for(text: str) -> None:
    with pytest.raises(SnippetError, match="leaves in_channels open: add input"):
        reading(text)


def test_layer_before_of_other_channels_than_the_input_is_refused() -> None:
    with pytest.raises(SnippetError, match=r"in_channels is 4 in .* and 3 in input"):
        reading(f"Sequential([{RESHAPE}, {UP}])", input=(1, 3, 5, 7))


def test_other_sizes_than_the_text_s_are_taken_and_said() -> None:
    result = reading(f"Sequential([{RESHAPE}, {UP}])", input=(2, 4, 9, 9))
    assert result.input == (2, 4, 9, 9)
    assert result.notes == (
        "The text's input has the sizes [5, 7]; the answer is for those of input.",
    )


# Round trips.


@given(sized_operators())
@examples(3)
def test_layer_comes_back(drawn: tuple[Operator, Sizes]) -> None:
    wanted, in_size = drawn
    # Nearly all others would be drawn in vain: Keras has no groups, and no dilation with a stride.
    wanted = replace(wanted, groups=1)
    if max(wanted.stride) > 1:
        wanted = replace(wanted, dilation=(1,) * wanted.rank)
    in_size = tuple(max(size, 1) for size in in_size)
    program = render(wanted, "tensorflow", style="layer")
    assume(not wanted.explain(in_size) and isinstance(program, Program))
    assert isinstance(program, Program)
    result = reading(program.text, input=(2, wanted.in_channels, *in_size))
    assert result.operator == wanted


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Operator.of(4, 6, (3, 2), groups=2), "no groups; 2 are asked for"),
        (Operator.of(4, 6, (3, 2), stride=(2, 1), dilation=(1, 2)), "together with dilation_rate"),
    ],
)
def test_layer_that_keras_cannot_have_is_unsupported(wanted: Operator, reason: str) -> None:
    program = render(wanted, "tensorflow", style="layer")
    assert isinstance(program, Unsupported)
    assert reason in program.reason


def test_dilated_layer_is_unsupported_where_tensorflow_refuses_its_type() -> None:
    dilated = Operator.of(4, 6, (3, 2), dilation=2)
    assert isinstance(render(dilated, "tensorflow", style="layer"), Program)
    program = render(dilated, "tensorflow", "float64", style="layer")
    assert isinstance(program, Unsupported)
    assert "float64" in program.reason


# The real thing.

SETUP = """
import keras, numpy as np, tensorflow as tf
from keras import layers
x = tf.constant(np.moveaxis(x, 1, -1))
w = np.moveaxis(w, (0, 1), (-1, -2))
"""
CANONICAL = "y = np.moveaxis(np.array(y), -1, 1)"


@pytest.mark.frameworks
def test_keras_sees_the_same_input() -> None:
    texts = [text for text, _ in BEFORE]
    leaves = "shape = [n or 0 for n in model.layers[-1].input.shape]"
    arrays = {"x": [[0]], "w": [[0]], "b": [0]}
    jobs = [Job(f"{SETUP}\n{text}\n{leaves}", ("shape",), arrays) for text in texts]
    for (text, shape), real in zip(BEFORE, reality.run("tensorflow", jobs), strict=True):
        _, *size, channels = real["shape"]
        assert channels == 4, text
        assert shape is None or shape[2:] == tuple(size), text


def random_layers(count: int) -> list[WrittenCall]:
    generator = random.Random(12)
    calls = []
    for _ in range(count):
        rank = generator.choice((1, 2, 2, 3))
        stride = [generator.randint(1, 4) for _ in range(rank)]
        dilation = [1] * rank
        if generator.random() < 0.3:
            dilation = [generator.randint(1, 3) for _ in range(rank)]
            stride = [1] * rank if generator.random() < 0.8 else stride
        kernel = [generator.randint(1, 5) for _ in range(rank)]
        extra = ""
        if generator.random() < 0.5:
            most = generator.choice((0, 0, 0, 1))
            extra = f", output_padding={[generator.randint(0, s - 1 + most) for s in stride]}"
        padding = generator.choice(("same", "SAME", "valid"))
        text = (
            f"layer = layers.Conv{rank}DTranspose(3, {kernel}, {stride}, {padding!r}{extra}, "
            f"dilation_rate={dilation})\nlayer.build(x.shape)\nlayer.set_weights([w, b])\n"
            "y = layer(x)"
        )
        # An output that is refused may be empty for an input of one, and then is not.
        size = [generator.randint(2 if extra else 1, 4) for _ in range(rank)]
        calls.append(WrittenCall(text, (2, 2, *size), (2, 3, *kernel)))
    return calls


@pytest.mark.frameworks
def test_layer_crops_as_we_read_it() -> None:
    calls = random_layers(160)
    assert reality.disagreements("tensorflow", SETUP, calls, 16, CANONICAL) == []


def random_operators(count: int) -> list[tuple[Operator, Sizes]]:
    generator = random.Random(13)
    drawn: list[tuple[Operator, Sizes]] = []
    while len(drawn) < count:
        rank = generator.choice((1, 2, 2, 3))
        strided = generator.random() < 0.7
        wanted = Operator.of(
            generator.randint(1, 3),
            generator.randint(1, 3),
            [generator.randint(1, 4) for _ in range(rank)],
            stride=[generator.randint(1, 4) if strided else 1 for _ in range(rank)],
            dilation=[1 if strided else generator.randint(1, 3) for _ in range(rank)],
            crop=[(generator.randint(-2, 2), generator.randint(-2, 2)) for _ in range(rank)],
            bias=generator.random() < 0.6,
        )
        in_size = tuple(generator.randint(1, 4) for _ in range(rank))
        if min(wanted.out_size(in_size)) > 0:
            drawn.append((wanted, in_size))
    return drawn


def native_operators() -> list[tuple[Operator, Sizes]]:
    """What people write in networks: every padding and output_padding of a few kernels."""
    result: list[tuple[Operator, Sizes]] = []
    for kernel, stride, shape in (((5, 4), (2, 3), (3, 4)), ((2, 3), (3, 4), (2, 3))):
        for padding in ("same", "valid"):
            for extra in ("", ", output_padding=1", f", output_padding={[s - 1 for s in stride]}"):
                text = f"layers.Conv2DTranspose(3, {kernel}, {stride}, '{padding}'{extra})"
                result.append((operator(text, input=(1, 2, *shape)), shape))
    return result


@pytest.mark.frameworks
def test_layer_style_programs_are_the_operator() -> None:
    drawn = random_operators(50) + 2 * native_operators()
    assert reality.layers_that_differ("tensorflow", drawn) == []


def test_native_layers_are_written_as_one_call() -> None:
    supports = [
        program.support
        for wanted, _ in native_operators()
        for program in [render(wanted, "tensorflow", style="layer")]
    ]
    assert supports == ["native"] * len(supports)


# The configuration's layout.

SHAPED = "layers.Conv2DTranspose(6, (3, 2), input_shape=(4, 5, 7){})"


@pytest.mark.parametrize(
    ("setting", "more", "shape"),
    [
        ("K.set_image_data_format('channels_first')", "", (1, 4, 5, 7)),
        ("tf.keras.backend.set_image_data_format('channels_last')", "", (1, 7, 4, 5)),
        ("K.set_image_dim_ordering('th')", "", (1, 4, 5, 7)),
        ("K.set_image_dim_ordering('tf')", "", (1, 7, 4, 5)),
        (
            "K.set_image_data_format('channels_first')",
            ", data_format='channels_last'",
            (1, 7, 4, 5),
        ),
        ("K.set_image_data_format(fmt)", ", data_format='channels_first'", (1, 4, 5, 7)),
    ],
)
def test_layout_of_the_configuration(setting: str, more: str, shape: Sizes) -> None:
    result = reading(f"{setting}\nup = {SHAPED.format(more)}")
    assert (result.input, result.channels_last) == (shape, shape[1] == 7)


@pytest.mark.parametrize(
    "text",
    [
        "K.set_image_data_format(fmt)\n{}",
        "if theano:\n  K.set_image_data_format('channels_first')\n{}",
        "def build():\n  return {}\nK.set_image_data_format('channels_first')\nbuild()",
    ],
)
def test_layout_that_may_hold_for_the_layer_is_asked_for(text: str) -> None:
    with pytest.raises(SnippetError, match=r"not certain what holds .*: add data_format to the"):
        reading(text.format(SHAPED.format("")))


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_words_for_padding_tell_keras_from_gluon(padding: str) -> None:
    text = f"x = Input((16, 16, 64))\nu = Conv2DTranspose(32, (2, 2), padding='{padding}')(x)"
    result = read(text)
    assert (result.framework, result.operator.in_channels) == ("tensorflow", 64)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        # PaddlePaddle has a stride there.
        ("32, 3, 2, 1", "framework paddle"),
        ("32, 3, strides=(2, 2), padding=1", "leaves in_channels open: add input"),
    ],
)
def test_numbers_for_padding_tell_gluon_from_keras(arguments: str, error: str) -> None:
    assert read(f"Conv2DTranspose({arguments})", input=(1, 4, 5, 7)).framework == "mxnet"
    with pytest.raises(SnippetError, match=error):
        read(f"Conv2DTranspose({arguments})")
