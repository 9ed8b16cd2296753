"""Dictionaries that one function fills, and that another one takes its weights from."""

from __future__ import annotations

import pytest

from harness.core.errors import InputError
from harness.lookup.reading import read

MADE = "import tensorflow as tf\nweights, biases = {}, {}\nk = 4\n"
FILLED = (
    "def fill():\n"
    "    global weights\n"
    "    init = xavier()\n"
    "    weights['a'] = tf.get_variable('a', [k, 3, 5, 7], initializer=init)\n"
    "    weights['b'] = tf.Variable(tf.random_normal([2, 2, 5, 7]))\n"
    "    return weights\n"
)
CALL = (
    "def net(x):\n"
    "    x = tf.nn.bias_add(x, biases['a'])\n"
    "    return tf.nn.conv2d_transpose(x, weights['{}'], [1, 8, 8, 5], 2)\n"
)
TEXT = MADE + FILLED + CALL.format("a")


@pytest.mark.parametrize(
    ("text", "descriptor"),
    [
        (TEXT, "ic7_oc5_k4x3_s2x2_c1.1x0.1"),
        (MADE + CALL.format("a") + FILLED, "ic7_oc5_k4x3_s2x2_c1.1x0.1"),
        (MADE + FILLED + CALL.format("b"), "ic7_oc5_k2x2_s2x2"),
        (TEXT + "def main():\n    weights, biases = fill(), 3\n", "ic7_oc5_k4x3_s2x2_c1.1x0.1"),
        (
            TEXT + "def main():\n    weights = fill()\n    weights['z'] = 3\n",
            "ic7_oc5_k4x3_s2x2_c1.1x0.1",
        ),
    ],
)
def test_weights_that_another_function_keeps_are_found(text: str, descriptor: str) -> None:
    assert read(text).operator.descriptor == descriptor


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("weights, biases = {}, {}", "weights = load()\nbiases = {}"),
        TEXT + "weights = load()\n",
        TEXT + "load(weights)\n",
        TEXT + "weights['a'] = other\n",
        TEXT + "def other():\n    weights['a'] = load()\n",
        TEXT + "def main():\n    weights = fill()\n    weights['a'] = load()\n",
        TEXT + "def other():\n    global weights\n    weights = load()\n",
        TEXT + "def other():\n    weights.update(load())\n",
        TEXT + "def other():\n    del weights['a']\n",
        TEXT + "def other(weights):\n    weights['c'] = 3\n",
        TEXT.replace("    init = xavier()\n", "    k = size()\n"),
        TEXT.replace("    weights['a'] =", "    if old:\n      weights['a'] ="),
        TEXT.replace("def net(x)", "def net(x, weights)"),
        TEXT.replace("weights['a'], [1", "weights['c'], [1"),
        TEXT.replace("    x = tf.nn.b", "    weights = load()\n    x = tf.nn.b"),
    ],
)
def test_weights_that_may_be_others_are_asked_for(text: str) -> None:
    with pytest.raises(InputError, match="leaves in_channels and kernel open"):
        read(text)
