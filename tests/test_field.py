"""Calls as they stand in public code: what surrounds them, and what is left to be said.

Every text is our own, written in the manner of what people paste.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from harness.lookup.reading import read
from harness.syntax.tree import SnippetError


class Pasted(NamedTuple):
    """A text, what it means, and beginnings of its notes."""

    framework: str
    text: str
    means: str
    notes: tuple[str, ...] = ()
    input: Sequence[int] | None = None
    weight: Sequence[int] | None = None


NAMES = {
    "an element of a list": Pasted(
        "pytorch", "k = [5, 5]\nk[1] = 3\nup = nn.ConvTranspose2d(6, 4, k)", "ic6_oc4_k5x3_b"
    ),
    "a shape, doubled": Pasted(
        "tensorflow",
        """
        def up(x, W, b, shape=None, step=2):
            if shape is None:
                shape = x.get_shape().as_list()
                shape[1] *= 2
                shape[2] *= 2
                shape[3] = W.get_shape().as_list()[2]
            y = tf.nn.conv2d_transpose(x, W, shape, strides=[1, step, step, 1], padding="SAME")
            return tf.nn.bias_add(y, b)
        """,
        "ic6_oc4_k5x4_s2x2_c1.2x1.1_b",
        ("shape=None, step=2: taken from the function's defaults",),
        (1, 6, 5, 7),
        (6, 4, 5, 4),
    ),
    "branches that agree": Pasted(
        "pytorch",
        "if wide:\n    s = 2\nelse:\n    s = 2\nup = nn.ConvTranspose2d(6, 4, 3, s)",
        "ic6_oc4_k3x3_s2x2_b",
    ),
    "defaults of a module": Pasted(
        "pytorch",
        """
        class Up(nn.Module):
            def __init__(self, cin, cout, k=3, stride=2, padding=1, *, bias=False):
                super().__init__()
                stride = 3
                self.up = nn.ConvTranspose2d(cin, cout, k, stride, padding, bias=bias)
        """,
        "ic6_oc4_k3x3_s3x3_c1.1x1.1",
        ("k=3, padding=1, bias=False: taken",),
        weight=(6, 4, 3, 3),
    ),
    "None for an array": Pasted(
        "pytorch", "b = None\nF.conv_transpose1d(x, w, b, 2)", "ic6_oc4_k3_s2", weight=(6, 4, 3)
    ),
    "a text for a name": Pasted(
        "tensorflow",
        "pad = 'same'\nlayers.Conv2DTranspose(4, 3, strides=2, padding=pad, use_bias=False)",
        "ic6_oc4_k3x3_s2x2_c0.1x0.1",
        input=(1, 6, 5, 7),
    ),
    "groups of the input": Pasted(
        "pytorch",
        "c = x.shape[1]\ny = F.conv_transpose2d(x, k, stride=2, groups=c)",
        "ic6_oc6_k3x2_s2x2_g6",
        input=(1, 6, 5, 7),
        weight=(6, 1, 3, 2),
    ),
    "groups of the data": Pasted(
        "mxnet",
        "y = mx.nd.Deconvolution(x, w, kernel=(3, 2), num_filter=x.shape[1], num_group=x.shape[1])",
        "ic6_oc6_k3x2_g6",
        input=(1, 6, 5, 7),
    ),
    "groups of x": Pasted(
        "chainer",
        "y = F.deconvolution_2d(x, W, groups=x.shape[1])",
        "ic6_oc6_k3x2_g6",
        input=(1, 6, 5, 7),
        weight=(6, 1, 3, 2),
    ),
    "a kernel of names": Pasted(
        "mxnet",
        "mx.sym.Deconvolution(x, kernel=(k, k), stride=(2, 3), num_filter=n, name='%s_up' % p)",
        "ic6_oc4_k5x4_s2x3",
        ("name: the symbol's name",),
        weight=(6, 4, 5, 4),
    ),
    "keyword arguments": Pasted(
        "pytorch",
        "opts = dict(kernel_size=4, stride=2)\nup = nn.ConvTranspose2d(6, 4, **opts)",
        "ic6_oc4_k4x4_s2x2_b",
    ),
    "a dictionary": Pasted(
        "chainer",
        "cfg = {'ksize': (4, 3), 'stride': 2}\nlink = L.Deconvolution2D(6, 4, **cfg)",
        "ic6_oc4_k4x3_s2x2_b",
    ),
    "arguments": Pasted(
        "pytorch",
        "shape = (6, 4, 3)\nup = nn.ConvTranspose1d(*shape, stride=2)",
        "ic6_oc4_k3_s2_b",
    ),
    "a starred list": Pasted(
        "tensorflow",
        "s = [1, 10]\ny = tf.nn.conv1d_transpose(x, tf.zeros([3, 4, 6]), [*s, 4], 2)",
        "ic6_oc4_k3_s2_c0.1",
        input=(1, 6, 5),
    ),
    "variables": Pasted(
        "tensorflow",
        "x = tf.Variable(tf.random_normal([2, 5, 7, 6]))\n"
        "w = tf.get_variable('w', initializer=tf.truncated_normal([3, 2, 4, 6], stddev=0.1))\n"
        "y = tf.nn.conv2d_transpose(x, w, [2, 5, 7, 4], [1, 1, 1, 1])",
        "ic6_oc4_k3x2_c1.1x0.1",
    ),
    "weights in groups": Pasted(
        "matlab",
        "X = dlarray(A, 'SSCB');\nW = rand(4, 3, 2, 3, 4);\ny = dltranspconv(X, W, 0);",
        "ic12_oc8_k4x3_g4",
    ),
}

PLACES = {
    "a comment": Pasted(
        "pytorch",
        "# up = nn.ConvTranspose2d(6, 4, 3, stride=2),  # was bilinear",
        "ic6_oc4_k3x3_s2x2_b",
    ),
    "a comment of MATLAB": Pasted(
        "matlab",
        "%   transposedConv2dLayer([4 3],4,'Stride',2,'Cropping',[1 0])\n%   reluLayer",
        "ic6_oc4_k4x3_s2x2_c1.1x0.0_b",
        input=(1, 6, 5, 7),
    ),
    "a command": Pasted(
        "chainer",
        'python -c "import chainer; chainer.links.Deconvolution2D(6, 4, 3)(x)"',
        "ic6_oc4_k3x3_b",
    ),
    "two lines in one of a session": Pasted(
        "chainer",
        "        >>> y = F.deconvolution_2d(x, W, stride=2, \\\npad=1)",
        "ic6_oc4_k3x2_s2x2_c1.1x1.1",
        weight=(6, 4, 3, 2),
    ),
    "a line of Python 2": Pasted(
        "tensorflow",
        "print 'up', tf.layers.conv2d_transpose(net, 4, [3, 2], 2, 'SAME')",
        "ic6_oc4_k3x2_s2x2_c0.1x0.0_b",
        input=(1, 6, 5, 7),
    ),
    "two statements on a line": Pasted(
        "tensorflow",
        "x = Conv2DTranspose(4, (2, 2), strides=(2, 2))(x)x = Dropout(0.5)(x)",
        "ic6_oc4_k2x2_s2x2_b",
        ("Conv2DTranspose is a name in mxnet too",),
        (1, 6, 5, 7),
    ),
}

# Names that stand for other arguments, or another padding, than those that they look like.
OLD = {
    "slim": Pasted(
        "tensorflow",
        "net = slim.conv2d_transpose(net, 4, [4, 3], stride=2, activation_fn=None)",
        "ic6_oc4_k4x3_s2x2_c1.1x0.1_b",
        input=(1, 6, 5, 7),
    ),
    "slim, normalised": Pasted(
        "tensorflow",
        "tf.contrib.layers.conv2d_transpose(x, 4, 4, 2, 'VALID', normalizer_fn=batch_norm)",
        "ic6_oc4_k4x4_s2x2",
        ("normalizer_fn batch_norm is applied in the bias's place", "activation 'relu'"),
        (1, 6, 5, 7),
    ),
    "slim in three dimensions, without bias": Pasted(
        "tensorflow",
        "tf.contrib.layers.conv3d_transpose(x, 4, 2, 2, biases_initializer=None, "
        "activation_fn=None, data_format='NCDHW')",
        "ic6_oc4_k2x2x2_s2x2x2",
        input=(1, 6, 5, 7, 4),
    ),
    "either": Pasted(
        "tensorflow",
        "layers.conv2d_transpose(x, 4, 4, 2)",
        "ic6_oc4_k4x4_s2x2_b",
        ("layers.conv2d_transpose is taken for tf.layers.conv2d_transpose; tf.contrib",),
        (1, 6, 5, 7),
    ),
    "the backend's default": Pasted(
        "tensorflow",
        "K.conv2d_transpose(x, kernel, (None, 11, 14, 4), (2, 2))",
        "ic6_oc4_k3x2_s2x2",
        input=(1, 6, 5, 7),
        weight=(6, 4, 3, 2),
    ),
    "the backend's own words": Pasted(
        "tensorflow",
        "K.conv2d_transpose(x, w, (1, 5, 7, 4), padding='same', dilation_rate=(2, 2), "
        "data_format='channels_last')",
        "ic6_oc4_k3x2_d2x2_c2.2x1.1",
        input=(1, 6, 5, 7),
        weight=(6, 4, 3, 2),
    ),
    "the backend in three dimensions": Pasted(
        "tensorflow",
        "K.conv3d_transpose(x, w, (1, 10, 14, 8, 4), strides=(2, 2, 2), padding='same')",
        "ic6_oc4_k3x2x2_s2x2x2_c0.1x0.0x0.0",
        input=(1, 6, 5, 7, 4),
        weight=(6, 4, 3, 2, 2),
    ),
    "Keras 2": Pasted(
        "tensorflow",
        "keras.layers.Deconvolution2D(4, 3, strides=2)(x)",
        "ic6_oc4_k3x3_s2x2_b",
        input=(1, 6, 5, 7),
    ),
}


@pytest.mark.parametrize("pasted", [*NAMES.values(), *PLACES.values(), *OLD.values()])
def test_pasted_code_means_one_operator(pasted: Pasted) -> None:
    reading = read(pasted.text, None, pasted.input, pasted.weight)
    assert (reading.framework, reading.operator.descriptor) == (pasted.framework, pasted.means)
    for start in pasted.notes:
        assert any(note.startswith(start) for note in reading.notes), reading.notes
    if not pasted.notes:
        assert reading.notes == ()


REFUSED = {
    "branches that disagree": (
        "if bilinear:\n    s = 1\nelse:\n    s = 2\nup = nn.ConvTranspose2d(6, 4, 2, s)",
        "stride is 's', whose value the text does not hold",
    ),
    "a branch that computes": (
        "s = 2\nif odd:\n    s = step()\nup = nn.ConvTranspose2d(6, 4, 2, s)",
        "stride is 's', whose value",
    ),
    "a list that a method changes": (
        "s = [2]\ns.insert(i, 3)\nup = nn.ConvTranspose2d(6, 4, 2, s)",
        "stride is 's', whose value",
    ),
    "options that are changed": (
        "o = dict(stride=2)\no[s] = 3\nup = nn.ConvTranspose2d(6, 4, 2, **o)",
        r"\*\* holds arguments that the text does not show",
    ),
    "a shape from before a view": (
        """
        n, c, h, w = x.shape
        x = x.view(1, n * c, h, w)
        y = F.conv_transpose2d(x, k, stride=2, groups=n)
        """,
        "groups is 'n', whose value",
    ),
    "a shape, starred": (
        "tf.nn.conv2d_transpose(x, k, [*x_shape[:3], 4], 2)",
        r"output_shape is \[\*x_shape\[:3\], 4\], whose value",
    ),
    "a flag": (
        "mx.sym.Deconvolution(x, kernel=(3, 2), num_filter=4, no_bias=no_bias)",
        "no_bias must be True or False, found no_bias, whose value the text does not hold",
    ),
    "a padding": (
        "Conv2DTranspose(4, 3, padding=border)(x)",
        "padding is 'border', whose value the text does not hold",
    ),
    "a division": ("nn.ConvTranspose2d(12 / 2, 4, 3)", "found 6.0: write 6"),
    "Keras, by a bare name": (
        "Conv2DTranspose(filters=4, size=3)",
        r"tf\.keras\.layers\.Conv2DTranspose has no parameter 'size'",
    ),
    "Gluon, by a bare name": (
        "Conv2DTranspose(channels=4, kernel_size=3, stride=2)",
        r"mxnet\.gluon\.nn\.Conv2DTranspose has no parameter 'stride'",
    ),
    "Keras 2, by a bare name": (
        "Deconvolution2D(4, kernel_size=(4, 4), strides=2, padding=border)",
        "padding is 'border'",
    ),
    "the backend's padding in capitals": (
        "K.conv2d_transpose(x, w, (1, 5, 7, 4), padding='SAME')",
        "padding must be 'same' or 'valid', found 'SAME'",
    ),
}


@pytest.mark.parametrize(("text", "fact"), REFUSED.values(), ids=REFUSED)
def test_what_the_text_does_not_say_is_asked_for(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact):
        read(text, None, (1, 6, 5, 7), (6, 4, 3, 2) if "k, " in text or "w, " in text else None)
