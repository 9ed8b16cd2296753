"""What ``Deconvolution2D`` of Keras 1 means: its kernel is two numbers, its output is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import reality
from reality import WrittenCall

from harness.convention.reading import Reading
from harness.convention.registry import convention
from harness.core.operators import Operator
from harness.lookup.answer import look_up
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

FORMS = {form.name: form for form in convention("tensorflow").forms}
IN = (1, 3, 5, 7)


def reading(text: str, **supplied: Sequence[int]) -> Reading:
    return read(text, "tensorflow", **supplied)


def operator(text: str, **supplied: Sequence[int]) -> Operator:
    return reading(text, **supplied).operator


LAYER = "Deconvolution2D(6, 3, 2, output_shape=(None, 7, 8, 6){})"
TWICE = "Deconvolution2D(6, 3, 2, (None, {}), subsample=(2, 2), border_mode='same')"
SMALL = "Deconvolution2D(6, 3, 2, output_shape=(None, 7, 8, 6), {})"
PARAMETERS: list[tuple[str, str, dict[str, Any]]] = [
    ("nb_filter", LAYER.format(""), {"out_channels": 6}),
    ("nb_row", LAYER.format(""), {"kernel": (3, 2), "stride": (1, 1)}),
    ("nb_col", "Deconvolution2D(nb_filter=6, nb_row=3, nb_col=2, output_shape=(None, 7, 8, 6))",
     {"kernel": (3, 2)}),
    ("output_shape", TWICE.format("10, 14, 6"), {"crop": ((0, 1), (0, 0))}),
    ("output_shape", TWICE.format("9, 13, 6"), {"crop": ((1, 1), (0, 1))}),
    ("output_shape", "Deconvolution2D(6, 3, 2, (1, 12, 15, 6), subsample=(2, 2))",
     {"crop": ((0, -1), (0, -1))}),
    ("init", SMALL.format("init='he_normal'"), {"kernel": (3, 2)}),
    ("activation", SMALL.format("activation='relu'"), {"bias": True}),
    ("weights", SMALL.format("weights=[w, b]"), {"kernel": (3, 2)}),
    ("border_mode", TWICE.format("10, 14, 6"), {"stride": (2, 2)}),
    ("subsample", "Deconvolution2D(6, 3, 2, (None, 11, 20, 6), subsample=(2, 3))",
     {"stride": (2, 3), "crop": ((0, 0), (0, 0))}),
    ("dim_ordering", "Deconvolution2D(6, 3, 2, (None, 6, 7, 8), dim_ordering='th')",
     {"crop": ((0, 0), (0, 0))}),
    ("W_regularizer", SMALL.format("W_regularizer=l2(0.5)"), {}),
    ("b_regularizer", SMALL.format("b_regularizer=l2(0.5)"), {}),
    ("activity_regularizer", SMALL.format("activity_regularizer=l2(0.5)"), {}),
    ("W_constraint", SMALL.format("W_constraint=maxnorm(2)"), {}),
    ("b_constraint", SMALL.format("b_constraint=maxnorm(2)"), {}),
    ("bias", SMALL.format("bias=False"), {"bias": False}),
    ("input_shape", SMALL.format("input_shape=(5, 7, 3)"), {"in_channels": 3}),
    ("batch_input_shape", SMALL.format("batch_input_shape=(4, 5, 7, 3)"), {"in_channels": 3}),
    ("input_dtype", SMALL.format("input_dtype='float32'"), {}),
    ("name", SMALL.format("name='up'"), {}),
    ("trainable", SMALL.format("trainable=False"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields"), PARAMETERS)
def test_parameter_of_the_layer(name: str, text: str, fields: Mapping[str, Any]) -> None:
    assert FORMS["keras.layers.Deconvolution2D"].parameter(name) is not None
    result = reading(text, **({} if "input_shape" in text else {"input": IN}))
    assert result.form == "keras.layers.Deconvolution2D"
    assert {key: getattr(result.operator, key) for key in fields} == fields


def test_every_parameter_has_a_test_by_its_name() -> None:
    form = FORMS["keras.layers.Deconvolution2D"]
    assert {name for name, *_ in PARAMETERS} == {p.name for p in form.parameters}


def test_example_of_the_document() -> None:
    result = reading(
        "model.add(Deconvolution2D(3, 3, 3, output_shape=(None, 3, 25, 25), subsample=(2, 2), "
        "border_mode='valid', dim_ordering='th', input_shape=(3, 12, 12)))"
    )
    assert (result.operator.descriptor, result.input) == ("ic3_oc3_k3x3_s2x2_b", (1, 3, 12, 12))


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("Deconvolution2D(6, 3, 2, (None, 7, 8, 6))", "HWIO"),
        ("Deconvolution2D(6, 3, 2, (None, 6, 7, 8))", "OIHW"),
        ("Deconvolution2D(6, 3, 2, (None, 7, 8, 6), dim_ordering='tf')", "HWIO"),
        ("Deconvolution2D(6, 3, 2, (None, 6, 7, 8), dim_ordering='th')", "OIHW"),
    ],
)
def test_output_shape_shows_where_the_channels_are_and_so_the_weights(
    text: str, layout: str
) -> None:
    result = look_up(text, "tensorflow", ["pytorch"], input=IN)
    assert result.reading.operator.descriptor == "ic3_oc6_k3x2_b"
    assert result.translations[0].weights.before == layout


def test_batch_is_the_output_s_where_the_input_s_is_not_said() -> None:
    text = "Deconvolution2D(6, 3, 2, (16, 7, 8, 6), input_shape=(5, 7, 3))"
    assert reading(text).input == (16, 3, 5, 7)


def test_layer_before_says_the_input() -> None:
    text = f"model.add(Reshape((5, 7, 3)))\nmodel.add({LAYER.format('')})"
    assert reading(text).input == IN


def test_kernel_that_the_text_does_not_hold_is_taken_from_the_weights() -> None:
    text = "Deconvolution2D(nf, k, k, output_shape=(None, 7, 8, 6), dim_ordering='tf')"
    assert operator(text, input=IN, weight=(3, 6, 3, 2)).kernel == (3, 2)
    with pytest.raises(SnippetError, match="leaves out_channels and kernel open: add weight"):
        reading(text, input=IN)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (LAYER.format(""), "On Theano Keras 1 flips the kernel"),
        (LAYER.format(", activation='relu'"), "activation 'relu' is applied to the output"),
        (LAYER.format(", init='he_normal'"), "init: how the weights are drawn; not part"),
        ("Deconvolution2D(6, 3, 2)", "no output_shape, which Keras 1 requires"),
    ],
)
def test_what_is_not_the_operator_is_noted(text: str, note: str) -> None:
    assert any(note in each for each in reading(text, input=IN).notes)


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        # https://github.com/keras-team/keras/blob/2.2.0/keras/legacy/interfaces.py
        ("Deconvolution2D(6, 3, 2)", "ic3_oc6_k3x2_b"),
        (
            "Deconvolution2D(6, 3, 2, subsample=(2, 2), border_mode='same', bias=False)",
            "ic3_oc6_k3x2_s2x2_c0.1x0.0",
        ),
        ("Deconvolution2D(6, (3, 2), strides=(2, 2))", "ic3_oc6_k3x2_s2x2_b"),
        ("Deconvolution2D(6, (3, 2), (2, 2), 'same')", "ic3_oc6_k3x2_s2x2_c0.1x0.0_b"),
        ("keras.layers.Deconvolution2D(6, 3, strides=2)", "ic3_oc6_k3x3_s2x2_b"),
    ],
)
def test_same_name_in_keras_2(text: str, descriptor: str) -> None:
    assert operator(text, input=IN).descriptor == descriptor


def test_two_numbers_by_position_are_the_kernel_and_the_other_meaning_is_said() -> None:
    result = reading("Deconvolution2D(6, 3, 3)", input=IN)
    assert result.operator == Operator.of(3, 6, (3, 3))
    assert "tf.keras.layers.Conv2DTranspose would mean ic3_oc6_k3x3_s3x3_b" in result.notes[0]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (LAYER.format(", subsample=2"), r"subsample is 2; .* two numbers: \(2, 2\)"),
        (LAYER.format(", border_mode='full'"), "'full' is of Theano alone"),
        (LAYER.format(", dim_ordering='NHWC'"), "dim_ordering must be 'tf' or 'th'"),
        ("Deconvolution2D(6, 3, 2, (None, 9, 9, 6))", r"allows \[7, 8\] to \[7, 8\]"),
        ("Deconvolution2D(6, 3, 2, (None, 6, 8, 6))", "add dim_ordering='tf' or dim_ordering"),
        ("Deconvolution2D(6, 3, 2, (None, 7, 8, 5))", "add dim_ordering='tf' or dim_ordering"),
        ("Deconvolution2D(6, 3, 2, (None, 7, 8, 5), dim_ordering='tf')", "has 5 channels, the"),
        ("Deconvolution2D(6, 3, 2, (9, 7, 8, 6))", "a batch of 9, the input one of 1"),
        ("Deconvolution2D(6, 3, 2, shape)", "add dim_ordering"),
        ("Deconvolution2D(6, 3, k, (None, 7, 8, 6))", "nb_col is 'k', whose value"),
        ("Deconvolution2D(6, 3, 0, (None, 7, 8, 6))", "must be at least 1"),
        ("Deconvolution2D(6, 3, (3, 2), (None, 7, 8, 6))", "nb_col must be an integer"),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        reading(text, input=IN)


def test_input_is_asked_for() -> None:
    with pytest.raises(SnippetError, match="leaves in_channels open: add input"):
        reading(LAYER.format(""))


def test_mxnet_s_deconvolution_is_another_thing() -> None:
    result = read("Deconvolution(x, w, kernel=(3, 2), num_filter=6)", input=IN)
    assert result.framework == "mxnet"


# Keras 1 is no longer to be had; what its layer calls is.
# https://github.com/keras-team/keras/blob/1.2.2/keras/backend/tensorflow_backend.py

SETUP = """
import numpy as np
import tensorflow as tf
x = tf.constant(np.moveaxis(x, 1, -1))
w = tf.constant(np.moveaxis(w, (0, 1), (-2, -1)))

def Deconvolution2D(nb_filter, nb_row, nb_col, output_shape, border_mode, subsample):
    kernel = tf.transpose(w, (0, 1, 3, 2))
    shape = (x.shape[0], *output_shape[1:])
    strides = (1, *subsample, 1)
    return tf.nn.conv2d_transpose(x, kernel, shape, strides, border_mode.upper()) + b
"""


@pytest.mark.frameworks
def test_tensorflow_gives_what_we_read() -> None:
    calls = [
        WrittenCall(
            f"y = Deconvolution2D(6, 3, 2, output_shape=(None, {rows}, {columns}, 6), "
            f"border_mode='{mode}', subsample=(2, 3))",
            (2, 3, 4, 3),
            (3, 6, 3, 2),
        )
        for mode in ("valid", "same")
        for rows in (7, 8, 9, 10)
        for columns in (7, 8, 9, 10)
    ]
    finish = "y = np.moveaxis(np.array(y), -1, 1)"
    assert reality.disagreements("tensorflow", SETUP, calls, 8, finish) == []


@pytest.mark.parametrize(
    ("ordering", "own", "weights"), [("th", (8, 5, 5), "OIHW"), ("tf", (5, 5, 8), "HWIO")]
)
def test_ordering_of_the_configuration(ordering: str, own: tuple[int, ...], weights: str) -> None:
    text = (
        f"K.set_image_dim_ordering('{ordering}')\n"
        f"Deconvolution2D(6, 2, 2, (None, 6, 6, 6), input_shape={own})"
    )
    result = read(text, "tensorflow")
    assert (result.input, result.weights) == ((1, 8, 5, 5), weights)
