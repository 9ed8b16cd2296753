"""An output_shape whose sizes the text does not hold: what is taken for it, and what is not."""

from __future__ import annotations

import pytest

from harness.convention.reading import Supplied
from harness.core.named_number import in_names
from harness.core.operators import Operator
from harness.lookup.answer import LookUp, in_words
from harness.lookup.every import look_up_one
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

WEIGHTS = "w = tf.zeros([5, 3, 6, 4])\n"
CALL = WEIGHTS + "y = tf.nn.conv2d_transpose(x, w, {}, [1, 2, 3, 1]{})"


def notes(text: str) -> list[str]:
    return [each for each in read(text).notes if "as padding" in each]


@pytest.mark.parametrize(
    "shape",
    [
        *("out", "[n, h, w, 6]", "tf.shape(skip)", "tf.stack([n, h * 2, w * 3, 6])"),
        *("[n, 12, w, 6]", "tf.concat([[n], sizes, [6]], 0)", "[n, h // 4, w // 4, 6]"),
    ],
)
def test_same_is_taken_for_as_many_elements_as_there_are_steps(shape: str) -> None:
    found = read(CALL.format(shape, ""))
    assert found.operator == Operator.of(4, 6, (5, 3), stride=(2, 3), crop=((1, 2), 0), bias=False)
    assert len(notes(CALL.format(shape, ""))) == 1


def test_valid_is_taken_for_all_elements() -> None:
    (note,) = notes(CALL.format("out", ", 'VALID'"))
    assert read(CALL.format("out", ", 'VALID'")).operator.crop == ((0, 0), (0, 0))
    assert note.startswith("output_shape out: taken for (in - 1) * stride + kernel, as padding VAL")
    assert "input 1,64,16,16 and set out=[1,31,31,32]" in note


@pytest.mark.parametrize(
    "call",
    [
        CALL.format("[n, h * 2 - 1, w, 6]", ""),
        CALL.format("[n, 13, w, 6]", ""),
        CALL.format("[n, h * 2, 7, 6]", ""),
        CALL.format("[n, h + w, 9, 6]", ""),
        CALL.format("[n, (h - 1) * 2 + 6, w, 6]", ", 'VALID'"),
        # A kernel of 3 and steps of 4 leave a gap that both have.
        "y = tf.nn.conv1d_transpose(x, tf.zeros([3, 6, 4]), out, 4, 'VALID')",
    ],
)
def test_what_a_text_says_otherwise_in_part_is_asked_for(call: str) -> None:
    with pytest.raises(SnippetError, match="output_shape chooses the output's size"):
        read(call)


def test_arithmetic_of_the_input_s_size_is_no_contradiction() -> None:
    text = CALL.format("[n, (h - 1) * 2 + 5, w, 6]", ", 'VALID'")
    assert read(text).operator.crop == ((0, 0), (0, 0))


def test_sizes_that_are_given_are_computed() -> None:
    supplied = Supplied(input=(1, 4, 5, 7), values={"out": (1, 9, 20, 6)})
    found = look_up_one(CALL.format("out", ""), to=["numpy"], supplied=supplied)
    assert found.reading.operator.crop == ((2, 2), (0, 1))
    assert not any("as padding" in each for each in found.reading.notes)


LAYER = """
class Up(tf.keras.layers.Layer):
    def __init__(self, i, o, k, strides):
        self.strides = strides
        self.kernel = self._made(i, o, k)
    def _made(self, i, o, k):
        shape = [k, k, o, i]
        kernel = self.add_weight(name='kernel', shape=shape)
        return kernel
    def call(self, x):
        s = tf.shape(x)
        shape = [s[0], s[1] * self.strides[1], s[2] * self.strides[2], self.kernel.shape[2]]
        return tf.nn.conv2d_transpose(x, self.kernel, shape, self.strides)
"""


def shown(found: LookUp) -> str:
    return in_names(in_words(found.reading.operator))


def test_steps_and_weights_in_names_are_followed_through_a_layer() -> None:
    found = look_up_one(LAYER, to=["numpy"])
    assert shown(found).startswith(
        "i -> o channels, kernel k x k, stride self.strides[1]xself.strides[2], "
        "crop (max(k - self.strides[1], 0) // 2, "
    )
    assert found.reading.notes == ()


def test_elements_of_steps_without_batch_begin_with_the_first() -> None:
    shape = "[n, x.shape[1] * s[0], x.shape[2] * s[1], 6]"
    text = f"{WEIGHTS}def f(x, s):\n    return tf.nn.conv2d_transpose(x, w, {shape}, s)"
    assert ", stride s[0]xs[1], crop (max(5 - s[0], 0) // 2, " in shown(look_up_one(text))


def test_weights_of_some_known_sizes_are_named_by_the_others() -> None:
    lines = "def f(x, c, out):\n    w = tf.get_variable('w', [5, 3, c, x.shape[-1]])\n"
    text = lines + "    return tf.nn.conv2d_transpose(x, w, out, [1, 2, 3, 1])"
    found = look_up_one(text, to=["numpy"])
    assert shown(found).startswith("in_channels -> c channels, kernel 5x3, stride 2x3, crop (1, 2)")
    assert found.unnamed == ("in_channels",)
