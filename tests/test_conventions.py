"""What is written for each framework: its native range, its text, and nothing but text."""

# ruff: noqa: E501 -- the programs written out here have lines as long as they are

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, keywords, operators

from harness.case import Case
from harness.conventions import UnknownFrameworkError, convention, framework_names, render
from harness.operator import IllegalOperator, Operator
from harness.program import Program, Unsupported
from impl.reference import conv_transpose, conv_transpose_vjp

FRAMEWORKS = ("numpy", "chainer", "matlab", "mxnet", "pytorch", "tensorflow", "wolfram")
PYTHON = tuple(name for name in FRAMEWORKS if convention(name).language == "python")
DTYPES = st.sampled_from(["float32", "float64", "float16"])


def program(
    operator: Operator, framework: str, dtype: str = "float32", *, documented: bool = False
) -> Program:
    rendered = render(operator, framework, dtype, documented=documented)
    assert isinstance(rendered, Program)
    return rendered


# Which framework.


def test_the_frameworks_are_these_the_implementation_first() -> None:
    assert framework_names() == FRAMEWORKS


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_convention_goes_by_its_name(framework: str) -> None:
    found = convention(framework)
    assert found.name == framework
    assert program(Operator.of(1, 1, (3,)), framework).framework == framework
    assert all(isinstance(value, str) for value in found.environ.values())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pytorh", " Did you mean 'pytorch'?"),
        ("tensor-flow", " Did you mean 'tensorflow'?"),
        ("PyTorch", " Did you mean 'pytorch'?"),
        ("caffe", ""),
        ("_convention", ""),
        ("", ""),
    ],
)
def test_an_unknown_framework_is_refused_with_what_is_known(name: str, hint: str) -> None:
    with pytest.raises(UnknownFrameworkError) as caught:
        render(Operator.of(1, 1, (3,)), name)
    assert str(caught.value) == (
        f"unknown framework {name!r}.{hint} Known: {', '.join(FRAMEWORKS)}."
    )


# What is native.


@dataclass(frozen=True)
class Row:
    """One configuration on axes that are all alike; ``crop`` may say another for each."""

    support: str
    stride: int = 1
    crop: tuple[Any, ...] = (0, 0)
    dilation: int = 1
    kernel: int = 3
    rank: int = 1
    groups: int = 1
    dtype: str = "float32"
    documented: bool = False

    @property
    def operator(self) -> Operator:
        crop = self.crop if isinstance(self.crop[0], tuple) else (self.crop,) * self.rank
        return Operator.of(
            *(4, 6, (self.kernel,) * self.rank),
            stride=self.stride,
            dilation=self.dilation,
            crop=crop,
            groups=self.groups,
        )


NATIVE, REWRITTEN, UNSUPPORTED = "native", "rewritten", "unsupported"

TABLES = {
    # Everything.
    ("numpy", "impl.reference"): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(-3, 4), dilation=2, groups=2, rank=3),
    ],
    # The crop is (padding, padding - output_padding); 0 <= output_padding < max(stride, dilation).
    (
        "pytorch",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html",
    ): [
        Row(NATIVE),
        Row(NATIVE, crop=(1, 1)),
        Row(NATIVE, stride=2, crop=(1, 0)),
        Row(NATIVE, stride=3, crop=(0, -2)),
        Row(REWRITTEN, stride=3, crop=(0, -3)),
        Row(REWRITTEN, stride=2, crop=(1, -1)),
        Row(NATIVE, stride=2, crop=(1, -1), dilation=3),  # below the dilation is enough
        Row(NATIVE, crop=(0, -1), dilation=2),
        Row(REWRITTEN, crop=(0, -1)),
        Row(REWRITTEN, stride=2, crop=(0, 1)),
        Row(REWRITTEN, stride=2, crop=(-1, -1)),
        Row(REWRITTEN, stride=2, crop=(-1, -2)),
        Row(NATIVE, crop=(4, 4), kernel=1),
        Row(NATIVE, rank=2, stride=2, crop=((1, 0), (2, 2)), groups=2),
        Row(REWRITTEN, rank=2, stride=2, crop=((1, 0), (0, 1))),
        Row(NATIVE, rank=3, stride=2, crop=(1, 0), dilation=2, dtype="float64"),
        Row(NATIVE, stride=2, crop=(0, 1), documented=True),
    ],
    # |outsize - natural| < stride; outsize - natural is begin - end, of one sign on all axes.
    (
        "chainer",
        "https://docs.chainer.org/en/stable/reference/generated/chainer.functions.deconvolution_2d.html",
    ): [
        Row(NATIVE),
        Row(NATIVE, crop=(1, 1)),
        Row(NATIVE, stride=2, crop=(1, 0)),
        Row(NATIVE, stride=2, crop=(0, 1)),  # outsize may also be less
        Row(NATIVE, stride=3, crop=(0, -2)),
        Row(NATIVE, stride=3, crop=(0, 2)),
        Row(REWRITTEN, stride=3, crop=(0, 3)),
        Row(REWRITTEN, stride=2, crop=(0, -2)),
        Row(REWRITTEN, crop=(1, 0)),
        Row(REWRITTEN, crop=(0, -1), dilation=3),  # the dilation does not count
        Row(REWRITTEN, stride=2, crop=(-1, -1)),
        Row(NATIVE, rank=2, stride=2, crop=((1, 0), (2, 1)), groups=2),
        Row(NATIVE, rank=2, stride=2, crop=((0, 1), (2, 2))),
        Row(REWRITTEN, rank=2, stride=2, crop=((1, 0), (0, 1))),
        Row(NATIVE, rank=3, stride=2, crop=(1, 0), dilation=2, dtype="float64"),
        Row(NATIVE, crop=(1, 0), documented=True),
    ],
    # The crop is (pad, pad - adj); 0 <= adj < stride.
    (
        "mxnet",
        "https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/legacy/ndarray/ndarray.html",
    ): [
        Row(NATIVE),
        Row(NATIVE, crop=(1, 1)),
        Row(NATIVE, stride=2, crop=(1, 0)),
        Row(NATIVE, stride=3, crop=(0, -2)),
        Row(REWRITTEN, stride=3, crop=(0, -3)),
        Row(REWRITTEN, crop=(0, -1), dilation=3),  # the dilation does not count
        Row(REWRITTEN, stride=2, crop=(0, 1)),
        Row(REWRITTEN, stride=2, crop=(-1, -1)),
        Row(NATIVE, rank=2, stride=2, crop=((1, 0), (2, 2)), groups=2),
        Row(NATIVE, rank=3, stride=2, crop=(1, 0)),
        Row(NATIVE, stride=2, crop=(0, 1), documented=True),
    ],
    ("mxnet", "https://github.com/apache/mxnet/issues/11629"): [
        Row(NATIVE, stride=2, dilation=2),
        Row(REWRITTEN, stride=2, dilation=2, dtype="float64"),
        Row(NATIVE, stride=2, dilation=2, dtype="float64", documented=True),
        Row(NATIVE, stride=2, dtype="float64"),
        Row(NATIVE, dilation=2, dtype="float64"),
        Row(NATIVE, stride=2, dilation=2, kernel=1, dtype="float64"),
    ],
    ("mxnet", "https://github.com/apache/mxnet/issues/19904"): [
        Row(UNSUPPORTED, rank=3, dtype="float64"),
        Row(NATIVE, rank=3, dtype="float64", documented=True),
        Row(REWRITTEN, rank=3, dilation=2),
        Row(NATIVE, rank=3, dilation=2, documented=True),
    ],
    # Everything but what Cropping must not be: negative.
    (
        "matlab",
        "https://www.mathworks.com/help/deeplearning/ref/dlarray.dltranspconv.html",
    ): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(4, 1), dilation=2, groups=2, rank=3, dtype="float64"),
        Row(NATIVE, rank=2, crop=((1, 0), (2, 2))),
        Row(REWRITTEN, crop=(0, -1)),
        Row(REWRITTEN, rank=2, crop=((0, 0), (-3, 5)), groups=2),
        Row(UNSUPPORTED, dtype="float16"),
    ],
    # Everything but what PaddingSize must not be, negative, and what a kernel has no form for.
    ("wolfram", "https://reference.wolfram.com/language/ref/DeconvolutionLayer.html"): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(4, 1), dilation=2, groups=2, dtype="float64"),
        Row(NATIVE, rank=2, crop=((1, 0), (2, 2))),
        Row(REWRITTEN, crop=(0, -1)),
        Row(REWRITTEN, rank=2, crop=((0, 0), (-3, 5)), groups=2),
        Row(UNSUPPORTED, rank=3),
        Row(UNSUPPORTED, dtype="float16"),
    ],
    # VALID: nothing at the begin, the end extended by less than the stride.
    # SAME: ceil(output / stride) == input, the odd element at the end.
    ("tensorflow", "https://www.tensorflow.org/api_docs/python/tf/nn/conv1d_transpose"): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(0, -1)),
        Row(REWRITTEN, stride=2, crop=(0, -2)),
        Row(REWRITTEN, crop=(0, -1)),
        Row(NATIVE, crop=(1, 1)),
        Row(NATIVE, stride=2, crop=(0, 1)),
        Row(REWRITTEN, stride=2, crop=(1, 0)),
        Row(NATIVE, stride=2, crop=(1, 1), kernel=4),
        Row(NATIVE, stride=2, crop=(1, 2), kernel=4),
        Row(REWRITTEN, stride=2, crop=(2, 2), kernel=4),
        Row(REWRITTEN, crop=(0, 1)),
        Row(NATIVE, crop=(2, 2), dilation=2),
        Row(REWRITTEN, crop=(-1, 0)),
    ],
    # Explicit paddings: two axes, nothing negative at the begin, no dilation on a CPU.
    ("tensorflow", "https://www.tensorflow.org/api_docs/python/tf/nn/conv2d_transpose"): [
        Row(NATIVE, rank=2, stride=2, crop=(1, 0)),
        Row(NATIVE, rank=2, stride=2, crop=((1, -1), (5, 2))),
        Row(REWRITTEN, rank=2, stride=2, crop=((1, -2), (0, 0))),
        Row(REWRITTEN, rank=2, stride=2, crop=((-1, 0), (0, 0))),
        Row(REWRITTEN, rank=2, stride=2, crop=(1, 0), dilation=2),
        Row(NATIVE, rank=2, dilation=2, crop=(2, 2)),
        Row(REWRITTEN, rank=2, groups=2),
    ],
    ("tensorflow", "https://www.tensorflow.org/api_docs/python/tf/nn/conv3d_transpose"): [
        Row(NATIVE, rank=3, stride=2, crop=(0, 1)),
        Row(REWRITTEN, rank=3, stride=2, crop=(1, 0)),
    ],
    ("tensorflow", "https://github.com/tensorflow/tensorflow/issues/69103"): [
        Row(NATIVE, dilation=2),
        Row(REWRITTEN, dilation=2, dtype="float64"),
        Row(NATIVE, dilation=2, dtype="float64", documented=True),
    ],
}


@pytest.mark.parametrize(
    ("framework", "url", "row"),
    [(framework, url, row) for (framework, url), rows in TABLES.items() for row in rows],
    ids=lambda value: "" if str(value).startswith("https") else None,
)
def test_support_is_what_the_framework_documents(framework: str, url: str, row: Row) -> None:
    rendered = render(row.operator, framework, row.dtype, documented=row.documented)
    assert rendered.support == row.support, f"see {url}"
    assert (rendered.reason is None) == (row.support == NATIVE)


@given(operators(), DTYPES, st.booleans())
def test_what_is_not_native_says_why(operator: Operator, dtype: str, documented: bool) -> None:
    for framework in FRAMEWORKS:
        rendered = render(operator, framework, dtype, documented=documented)
        assert (rendered.support == "native") == (rendered.reason is None)
        assert (rendered.support == "unsupported") == isinstance(rendered, Unsupported)
        assert rendered.framework == framework


def test_only_mxnet_and_wolfram_lack_anything_and_only_with_three_axes() -> None:
    for framework in FRAMEWORKS:
        for dtype in ("float32", "float64"):
            for rank in (1, 2, 3):
                rendered = render(Operator.of(4, 6, (3,) * rank, groups=2), framework, dtype)
                lacks = rank == 3 and (framework, dtype) in {
                    ("mxnet", "float64"),
                    ("wolfram", "float32"),
                    ("wolfram", "float64"),
                }
                assert isinstance(rendered, Unsupported) == lacks


# Whole programs.

GROUPED = Operator.of(4, 6, (3, 2), stride=(2, 3), crop=((1, 0), (0, -1)), groups=2)
SHIFTED = Operator.of(2, 3, (3,), crop=((2, -1),))
DILATED = Operator.of(2, 3, (2, 2, 3), dilation=(1, 2, 2), bias=False)

FORWARD = {
    ("numpy", GROUPED): """\
import impl
y = impl.conv_transpose(x, w, b, stride=(2, 3), crop=((1, 0), (0, -1)), groups=2)
""",
    ("pytorch", GROUPED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x)
w_ = torch.from_numpy(w)
b_ = torch.from_numpy(b)
y_ = F.conv_transpose2d(x_, w_, b_, stride=(2, 3), padding=(1, 0), output_padding=1, groups=2)
y = y_.numpy()
""",
    ("pytorch", SHIFTED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x)
w_ = torch.from_numpy(w)
b_ = torch.from_numpy(b)
y_ = F.conv_transpose1d(x_, w_)
y_ = F.pad(y_, (0, 1))
y_ = y_[:, :, 2:]
y_ = y_ + b_.reshape((-1, 1))
y = y_.numpy()
""",
    ("pytorch", DILATED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x)
w_ = torch.from_numpy(w)
y_ = F.conv_transpose3d(x_, w_, dilation=(1, 2, 2))
y = y_.numpy()
""",
    ("chainer", GROUPED): """\
import chainer
import chainer.functions as F
x_ = chainer.Variable(x)
w_ = chainer.Variable(w)
b_ = chainer.Variable(b)
y_ = F.deconvolution_2d(x_, w_, b_, stride=(2, 3), pad=(1, 0), outsize=((x_.shape[2] - 1) * 2 + 2, (x_.shape[3] - 1) * 3 + 3), groups=2)
y = y_.array
""",
    ("chainer", SHIFTED): """\
import chainer
import chainer.functions as F
x_ = chainer.Variable(x)
w_ = chainer.Variable(w)
b_ = chainer.Variable(b)
y_ = F.deconvolution_1d(x_, w_)
y_ = F.pad(y_, ((0, 0), (0, 0), (0, 1)), 'constant')
y_ = y_[:, :, 2:]
y_ = F.bias(y_, b_)
y = y_.array
""",
    ("mxnet", GROUPED): """\
import mxnet as mx
x_ = mx.nd.array(x, dtype=x.dtype)
w_ = mx.nd.array(w, dtype=x.dtype)
b_ = mx.nd.array(b, dtype=x.dtype)
y_ = mx.nd.Deconvolution(x_, w_, b_, kernel=(3, 2), stride=(2, 3), pad=(1, 0), adj=(1, 1), num_filter=6, num_group=2, no_bias=False)
y_.wait_to_read()
y = y_.asnumpy()
""",
    ("mxnet", SHIFTED): """\
import mxnet as mx
x_ = mx.nd.array(x, dtype=x.dtype)
w_ = mx.nd.array(w, dtype=x.dtype)
b_ = mx.nd.array(b, dtype=x.dtype)
y_ = mx.nd.Deconvolution(x_, w_, kernel=(3,), num_filter=3, no_bias=True)
y_ = mx.nd.pad(y_.expand_dims(2), mode='constant', pad_width=(0, 0, 0, 0, 0, 0, 0, 1)).squeeze(axis=2)
y_ = y_[:, :, 2:]
y_ = mx.nd.broadcast_add(y_, b_.reshape((1, -1, 1)))
y_.wait_to_read()
y = y_.asnumpy()
""",
    ("mxnet", DILATED): """\
import mxnet as mx
import numpy as np
w_dilated = np.zeros(w.shape[:2] + (2, 3, 5), w.dtype)
w_dilated[:, :, :, ::2, ::2] = w
x_ = mx.nd.array(x, dtype=x.dtype)
w_ = mx.nd.array(w_dilated, dtype=x.dtype)
y_ = mx.nd.Deconvolution(x_, w_, kernel=(2, 3, 5), num_filter=3, no_bias=True)
y_.wait_to_read()
y = y_.asnumpy()
""",
    ("matlab", GROUPED): """\
x_ = dlarray(permute(x, [3 4 2 1]), 'SSCB');
w_ = zeros([3 3 3 2 2], 'like', w);
w_(1:3, 1:2, :, :, :) = permute(reshape(w, [], 2, 3, 3, 2), [4 5 3 1 2]);
w_ = dlarray(w_);
b_ = dlarray(b);
y_ = dltranspconv(x_, w_, b_, 'Stride', [2 3], 'Cropping', [1 0; 0 0]);
y = permute(extractdata(y_), [4 3 1 2]);
""",
    ("matlab", SHIFTED): """\
x_ = dlarray(permute(x, [3 2 1]), 'SCB');
w_ = zeros([4 3 2], 'like', w);
w_(1:3, :, :) = permute(w, [3 2 1]);
w_ = dlarray(w_);
b_ = dlarray(b);
y_ = dltranspconv(x_, w_, b_, 'Cropping', [2; 0]);
y = permute(extractdata(y_), [3 2 1]);
""",
    ("matlab", DILATED): """\
x_ = dlarray(permute(x, [3 4 5 2 1]), 'SSSCB');
w_ = dlarray(permute(w, [3 4 5 2 1]));
y_ = dltranspconv(x_, w_, 0, 'DilationFactor', [1 2 2]);
y = permute(extractdata(y_), [5 4 1 2 3]);
""",
    ("tensorflow", GROUPED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = tf.constant(b)
x_groups = tf.split(x_, 2, axis=-1)
w_groups = tf.split(w_, 2, axis=-1)
y_ = tf.concat([
    tf.nn.conv2d_transpose(x_group, w_group, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 2 + 2, (x_.shape[2] - 1) * 3 + 3, 3), strides=(2, 3), padding=[[0, 0], [1, 0], [0, 0], [0, 0]])
    for x_group, w_group in zip(x_groups, w_groups)
], axis=-1)
y_ = tf.nn.bias_add(y_, b_)
y = np.moveaxis(y_.numpy(), -1, 1)
""",
    ("tensorflow", SHIFTED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = tf.constant(b)
y_ = tf.nn.conv1d_transpose(x_, w_, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 1 + 3, 3), strides=1, padding='VALID')
y_ = tf.pad(y_, [(0, 0), (0, 1), (0, 0)])
y_ = y_[:, 2:, :]
y_ = tf.nn.bias_add(y_, b_)
y = np.moveaxis(y_.numpy(), -1, 1)
""",
    ("tensorflow", DILATED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
y_ = tf.nn.conv3d_transpose(x_, w_, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 1 + 2, (x_.shape[2] - 1) * 1 + 3, (x_.shape[3] - 1) * 1 + 5, 3), strides=1, padding='VALID', dilations=(1, 2, 2))
y = np.moveaxis(y_.numpy(), -1, 1)
""",
}

GRADIENT = {
    ("numpy", GROUPED): """\
import impl
dx, dw, db = impl.conv_transpose_vjp(dy, x, w, stride=(2, 3), crop=((1, 0), (0, -1)), groups=2)
""",
    ("numpy", DILATED): """\
import impl
dx, dw, _ = impl.conv_transpose_vjp(dy, x, w, dilation=(1, 2, 2))
""",
    ("pytorch", GROUPED): """\
import torch
import torch.nn.functional as F
x_ = torch.from_numpy(x).requires_grad_()
w_ = torch.from_numpy(w).requires_grad_()
b_ = torch.from_numpy(b).requires_grad_()
dy_ = torch.from_numpy(dy)
y_ = F.conv_transpose2d(x_, w_, b_, stride=(2, 3), padding=(1, 0), output_padding=1, groups=2)
dx_, dw_, db_ = torch.autograd.grad(y_, (x_, w_, b_), dy_)
dx = dx_.numpy()
dw = dw_.numpy()
db = db_.numpy()
""",
    ("chainer", DILATED): """\
import chainer
import chainer.functions as F
x_ = chainer.Variable(x)
w_ = chainer.Variable(w)
dy_ = chainer.Variable(dy)
y_ = F.deconvolution_3d(x_, w_, dilate=(1, 2, 2))
dx_, dw_ = chainer.grad([y_], [x_, w_], [dy_])
dx = dx_.array
dw = dw_.array
""",
    ("mxnet", DILATED): """\
import mxnet as mx
import numpy as np
w_dilated = np.zeros(w.shape[:2] + (2, 3, 5), w.dtype)
w_dilated[:, :, :, ::2, ::2] = w
x_ = mx.nd.array(x, dtype=x.dtype)
w_ = mx.nd.array(w_dilated, dtype=x.dtype)
dy_ = mx.nd.array(dy, dtype=x.dtype)
x_.attach_grad()
w_.attach_grad()
with mx.autograd.record():
    y_ = mx.nd.Deconvolution(x_, w_, kernel=(2, 3, 5), num_filter=3, no_bias=True)
y_.backward(dy_)
mx.nd.waitall()
dx = x_.grad.asnumpy()
dw = w_.grad.asnumpy()[:, :, :, ::2, ::2]
""",
    ("matlab", GROUPED): """\
x_ = dlarray(permute(x, [3 4 2 1]), 'SSCB');
w_ = zeros([3 3 3 2 2], 'like', w);
w_(1:3, 1:2, :, :, :) = permute(reshape(w, [], 2, 3, 3, 2), [4 5 3 1 2]);
w_ = dlarray(w_);
b_ = dlarray(b);
dy_ = dlarray(permute(dy, [3 4 2 1]), 'SSCB');
loss = @(x, w, b) sum(dltranspconv(x, w, b, 'Stride', [2 3], 'Cropping', [1 0; 0 0]) .* dy_, 'all');
[dx_, dw_, db_] = dlfeval(@(x, w, b) dlgradient(loss(x, w, b), x, w, b), x_, w_, b_);
dx = permute(extractdata(dx_), [4 3 1 2]);
dw_ = extractdata(dw_);
dw = reshape(permute(dw_(1:3, 1:2, :, :, :), [4 5 3 1 2]), 4, 3, 3, 2);
db = extractdata(db_);
""",
    ("matlab", DILATED): """\
x_ = dlarray(permute(x, [3 4 5 2 1]), 'SSSCB');
w_ = dlarray(permute(w, [3 4 5 2 1]));
dy_ = dlarray(permute(dy, [3 4 5 2 1]), 'SSSCB');
loss = @(x, w) sum(dltranspconv(x, w, 0, 'DilationFactor', [1 2 2]) .* dy_, 'all');
[dx_, dw_] = dlfeval(@(x, w) dlgradient(loss(x, w), x, w), x_, w_);
dx = permute(extractdata(dx_), [5 4 1 2 3]);
dw = permute(extractdata(dw_), [5 4 1 2 3]);
""",
    ("tensorflow", SHIFTED): """\
import numpy as np
import tensorflow as tf
x_ = tf.constant(np.moveaxis(x, 1, -1))
w_ = tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
b_ = tf.constant(b)
dy_ = tf.constant(np.moveaxis(dy, 1, -1))
with tf.GradientTape() as tape:
    tape.watch((x_, w_, b_))
    y_ = tf.nn.conv1d_transpose(x_, w_, output_shape=(x_.shape[0], (x_.shape[1] - 1) * 1 + 3, 3), strides=1, padding='VALID')
    y_ = tf.pad(y_, [(0, 0), (0, 1), (0, 0)])
    y_ = y_[:, 2:, :]
    y_ = tf.nn.bias_add(y_, b_)
dx_, dw_, db_ = tape.gradient(y_, (x_, w_, b_), output_gradients=dy_)
dx = np.moveaxis(dx_.numpy(), -1, 1)
dw = np.moveaxis(dw_.numpy(), (-1, -2), (0, 1))
db = db_.numpy()
""",
}


def _id(value: Any) -> str | None:
    return value.descriptor if isinstance(value, Operator) else None


@pytest.mark.parametrize(
    ("framework", "operator", "text"),
    [(*key, text) for key, text in FORWARD.items()],
    ids=lambda value: _id(value) or (value if len(value) < 20 else ""),
)
def test_the_forward_program_is_this(framework: str, operator: Operator, text: str) -> None:
    assert program(operator, framework).text == text


@pytest.mark.parametrize(
    ("framework", "operator", "text"),
    [(*key, text) for key, text in GRADIENT.items()],
    ids=lambda value: _id(value) or (value if len(value) < 20 else ""),
)
def test_the_gradient_program_is_this(framework: str, operator: Operator, text: str) -> None:
    assert program(operator, framework).gradient_text == text


@given(operators())
def test_a_text_is_its_sections_and_the_call_is_one_of_them(operator: Operator) -> None:
    for framework in FRAMEWORKS:
        written = render(operator, framework)
        if isinstance(written, Unsupported):
            continue
        sections = (written.setup, *vars(written.forward).values())
        assert written.text == "\n".join(filter(None, sections)) + "\n"
        assert written.call == written.forward.call
        assert written.call in written.text


# Nothing but the framework's own calls.

CALLS = {
    "numpy": {"impl.conv_transpose", "impl.conv_transpose_vjp"},
    "pytorch": {
        *("torch.from_numpy", "torch.autograd.grad", "F.pad"),
        *(f"F.conv_transpose{rank}d" for rank in (1, 2, 3)),
        *(".numpy", ".requires_grad_", ".reshape"),
    },
    "chainer": {
        *("chainer.Variable", "chainer.grad", "F.pad", "F.bias"),
        *(f"F.deconvolution_{rank}d" for rank in (1, 2, 3)),
    },
    "mxnet": {
        *("mx.nd.array", "mx.nd.Deconvolution", "mx.nd.pad", "mx.nd.broadcast_add"),
        *("mx.nd.waitall", "mx.autograd.record", "np.zeros"),
        *(".asnumpy", ".attach_grad", ".backward", ".wait_to_read"),
        *(".expand_dims", ".reshape", ".squeeze"),
    },
    "tensorflow": {
        *("tf.constant", "tf.split", "tf.concat", "tf.pad", "tf.nn.bias_add", "tf.GradientTape"),
        *(f"tf.nn.conv{rank}d_transpose" for rank in (1, 2, 3)),
        *("np.moveaxis", "np.zeros", "zip", ".numpy", ".watch", ".gradient"),
    },
}
IMPORTS = {
    "numpy": {"impl": "impl"},
    "pytorch": {"torch": "torch", "F": "torch.nn.functional"},
    "chainer": {"chainer": "chainer", "F": "chainer.functions"},
    "mxnet": {"mx": "mxnet", "np": "numpy"},
    "tensorflow": {"tf": "tensorflow", "np": "numpy"},
}
STATEMENTS = (ast.Import, ast.Assign, ast.Expr, ast.With)


def imports(tree: ast.Module) -> dict[str, str]:
    """Names that a program imports, each with what it means."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def callee(call: ast.Call, modules: set[str]) -> str:
    """Write a module's function as ``np.zeros``, a method as ``.reshape``."""
    text = ast.unparse(call.func)
    if isinstance(call.func, ast.Attribute) and not re.match(
        rf"({'|'.join(modules)})[.\w]*$", text
    ):
        return f".{call.func.attr}"
    return text


def names(tree: ast.Module, kind: type[ast.expr_context]) -> set[str]:
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, kind)
    }


@given(operators(), DTYPES, st.booleans())
def test_programs_are_python_that_calls_nothing_unexpected(
    operator: Operator,
    dtype: str,
    documented: bool,
) -> None:
    inputs = {"x", "w", "b"} if operator.bias else {"x", "w"}
    results = {"dx", "dw", "db"} if operator.bias else {"dx", "dw"}
    for framework in PYTHON:
        written = render(operator, framework, dtype, documented=documented)
        if isinstance(written, Unsupported):
            continue
        for text, given_names, left in (
            (written.text, inputs, {"y"}),
            (written.gradient_text, inputs | {"dy"}, results),
        ):
            tree = ast.parse(text)
            modules = imports(tree)
            assert modules.items() <= IMPORTS[framework].items()
            assert all(isinstance(node, STATEMENTS) for node in tree.body)
            calls = {
                callee(node, set(modules)) for node in ast.walk(tree) if isinstance(node, ast.Call)
            }
            assert calls <= CALLS[framework]
            assigned = names(tree, ast.Store)
            assert names(tree, ast.Load) <= given_names | assigned | set(modules) | {"zip"}
            assert left <= assigned
            assert ("db" in assigned) == ("db" in left)


def test_every_expected_call_is_written_for_some_operator() -> None:
    crops = ((0, 0), (1, 0), (0, 1), (2, -1), (-1, -1))
    found: dict[str, set[str]] = {framework: set() for framework in PYTHON}
    for framework in PYTHON:
        for rank in (1, 2, 3):
            for crop in crops:
                operator = Operator.of(4, 6, (3,) * rank, dilation=2, crop=[crop] * rank, groups=2)
                written = render(operator, framework, "float64" if rank < 3 else "float32")
                assert isinstance(written, Program)
                for text in (written.text, written.gradient_text):
                    tree = ast.parse(text)
                    found[framework] |= {
                        callee(node, set(imports(tree)))
                        for node in ast.walk(tree)
                        if isinstance(node, ast.Call)
                    }
    assert found == CALLS


@pytest.mark.parametrize(
    "operator",
    [
        IllegalOperator.of(4, 6, (3, 3), groups=0),
        IllegalOperator.of(4, 6, (3, 3), groups=3, stride=-1, dilation=0),
        IllegalOperator.of(4, 6, (0, 3), crop=((-9, 99), (0, 0))),
        IllegalOperator.of(4, 6, (3,), groups=-2),
    ],
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_illegal_operator_is_written_too_so_that_it_can_be_refused(
    framework: str, operator: IllegalOperator
) -> None:
    written = program(operator, framework, documented=True)
    if framework in PYTHON:
        ast.parse(written.text)
        ast.parse(written.gradient_text)


# The one program that can be run here.


@given(cases())
def test_the_numpy_program_leaves_what_the_implementation_computes(case: Case) -> None:
    written, data, options = program(case.operator, "numpy"), case.data(), keywords(case.operator)
    forward = dict(data)
    del forward["dy"]
    exec(written.text, forward)
    y = conv_transpose(data["x"], data["w"], data.get("b"), **options)
    np.testing.assert_array_equal(forward["y"], y, strict=True)
    gradient = dict(data)
    exec(written.gradient_text, gradient)
    expected = conv_transpose_vjp(data["dy"], data["x"], data["w"], **options)
    for name, array in zip(("dx", "dw", "db"), expected, strict=True):
        if name != "db" or case.operator.bias:
            np.testing.assert_array_equal(gradient[name], array, strict=True)


# Nothing is imported.


def test_rendering_imports_no_framework_and_no_numpy() -> None:
    code = """
import sys
from harness.conventions import framework_names, render
from harness.operator import Operator
for framework in framework_names():
    for dtype in ("float16", "float32", "float64"):
        for rank in (1, 2, 3):
            for documented in (False, True):
                operator = Operator.of(
                    4, 6, (3,) * rank, stride=2, dilation=2, crop=((2, -1),) * rank, groups=2
                )
                render(operator, framework, dtype, documented=documented)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {name.split(".")[0] for name in done.stdout.split()}
    unwanted = {"torch", "tensorflow", "mxnet", "chainer", "cupy", "numpy", "yaml", "rich", "impl"}
    assert not roots & unwanted


@pytest.mark.parametrize("framework", [name for name in FRAMEWORKS if name != "numpy"])
def test_a_look_up_loads_a_framework_s_forms_for_their_names_only(framework: str) -> None:
    spoken = convention(framework)
    names = {name.rpartition(".")[2] for form in spoken.forms for name in form.names}
    assert {name for name in names if not re.fullmatch(spoken.calls, name)} == set()
    assert not re.fullmatch(spoken.calls, "Conv2d")
