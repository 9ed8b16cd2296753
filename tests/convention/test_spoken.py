"""A framework's words, for a function of NumPy arrays that has its documented semantics."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pytest
import reality
from hypothesis import assume, given
from reality import Job
from strategies import cases

import impl
from harness.convention.registry import convention, framework_names, render
from harness.convention.spoken import Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.suite.case import Case
from harness.suite.expectations import Expected, expect
from harness.suite.mutants import Array
from harness.suite.specs import load_cases

ROOT: Final = Path(__file__).parents[2]
Sizes: TypeAlias = Sequence[int]
Layout: TypeAlias = Callable[[Array], Array]


def full_sizes(x: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> list[int]:
    axes = zip(x, kernel, stride, dilation, strict=True)
    return [(n - 1) * s + d * (k - 1) + 1 for n, k, s, d in axes]


def pytorch(_x: Array, _w: Array, *words: Any) -> dict[str, Any]:
    """https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html."""
    stride, padding, output_padding, groups, dilation = words
    assert min(*padding, *output_padding) >= 0
    axes = zip(output_padding, stride, dilation, strict=True)
    assert all(back < max(s, d) for back, s, d in axes)
    crop = [(pad, pad - back) for pad, back in zip(padding, output_padding, strict=True)]
    return {"stride": stride, "dilation": dilation, "crop": crop, "groups": groups}


def tensorflow(
    x: Array, w: Array, *, output_shape: Sizes, strides: Sizes, padding: Any, dilations: Sizes
) -> dict[str, Any]:
    """https://www.tensorflow.org/api_docs/python/tf/nn/conv2d_transpose: gradient of conv2d."""
    batch, *sizes, channels = x.shape
    assert (output_shape[0], output_shape[-1]) == (batch, w.shape[-2])
    assert w.shape[-1] == channels
    crop = []
    fulls = full_sizes(sizes, w.shape[:-2], strides, dilations)
    rows = enumerate(zip(sizes, output_shape[1:-1], fulls, strides, strict=True))
    for axis, (n, size, full, stride) in rows:
        effective = full - (n - 1) * stride
        if padding == "SAME":
            assert n == -(-size // stride)
            begin = max(full - size, 0) // 2
        else:
            begin, end = (0, 0) if padding == "VALID" else padding[1 + axis]
            assert n == (size + begin + end - effective) // stride + 1
        crop.append((begin, full - size - begin))
    return {"stride": strides, "dilation": dilations, "crop": crop}


def keras(
    x: Array,
    w: Array,
    *,
    strides: Sizes,
    padding: str,
    output_padding: Sizes | None,
    dilation_rate: Sizes,
) -> dict[str, Any]:
    """https://keras.io/api/ops/nn/#conv_transpose-function: the output's size, and its odd side."""
    assert w.shape[-1] == x.shape[-1]
    assert padding in {"valid", "same"}
    assert output_padding is None or all(
        0 <= more < s for more, s in zip(output_padding, strides, strict=True)
    )
    crop = []
    for axis, (n, s, d) in enumerate(zip(x.shape[1:-1], strides, dilation_rate, strict=True)):
        kernel = d * (w.shape[axis] - 1) + 1
        full = (n - 1) * s + kernel
        if padding == "valid":
            out = full + (max(s - kernel, 0) if output_padding is None else output_padding[axis])
            begin = 0
        elif output_padding is None:
            out, begin = n * s, max(kernel - s, 0) // 2
        else:
            out = (n - 1) * s + kernel % 2 + output_padding[axis]
            begin = max(full - out, 0) // 2
        crop.append((begin, full - out - begin))
    return {"stride": strides, "dilation": dilation_rate, "crop": crop}


def mxnet(
    x: Array,
    w: Array,
    *,
    kernel: Sizes,
    stride: Sizes,
    dilate: Sizes,
    pad: Sizes,
    adj: Sizes,
    num_filter: int,
    num_group: int,
    **_no_bias: bool,
) -> dict[str, Any]:
    """https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/legacy/ndarray/ndarray.html."""
    assert w.shape == (x.shape[1], num_filter // num_group, *kernel)
    assert all(0 <= back < s for back, s in zip(adj, stride, strict=True))
    assert min(pad) >= 0
    crop = [(side, side - back) for side, back in zip(pad, adj, strict=True)]
    return {"stride": stride, "dilation": dilate, "crop": crop, "groups": num_group}


def chainer(
    x: Array, w: Array, *, stride: Sizes, pad: Sizes, outsize: Any, dilate: Sizes, groups: int
) -> dict[str, Any]:
    """https://docs.chainer.org/en/stable/reference/generated/chainer.functions.deconvolution_nd."""
    fulls = full_sizes(x.shape[2:], w.shape[2:], stride, dilate)
    natural = [full - 2 * side for full, side in zip(fulls, pad, strict=True)]
    rows = list(zip(fulls, pad, outsize or natural, natural, stride, strict=True))
    assert all(side >= 0 and abs(size - usual) < s for _, side, size, usual, s in rows)
    crop = [(side, full - size - side) for full, side, size, _, _ in rows]
    return {"stride": stride, "dilation": dilate, "crop": crop, "groups": groups}


def paddle(
    _x: Array,
    _w: Array,
    *,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> dict[str, Any]:
    """https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/conv2d_transpose_en.html."""
    rank = len(stride)
    assert len(padding) in {rank, 2 * rank}
    assert min(*padding, *output_padding) >= 0
    assert all(back < s for back, s in zip(output_padding, stride, strict=True))
    pairs = np.reshape(padding, (rank, -1)).tolist()
    sides = [(pair[0], pair[-1]) for pair in pairs]
    crop = [(b, e - back) for (b, e), back in zip(sides, output_padding, strict=True)]
    return {"stride": stride, "dilation": dilation, "crop": crop, "groups": groups}


def openvino(
    _x: Array,
    w: Array,
    *,
    strides: Sizes,
    pads_begin: Sizes,
    pads_end: Sizes,
    dilations: Sizes,
    output_padding: Sizes,
) -> dict[str, Any]:
    """https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets.html."""
    assert min(*pads_begin, *pads_end, *output_padding) >= 0
    ends = [end - more for end, more in zip(pads_end, output_padding, strict=True)]
    crop = list(zip(pads_begin, ends, strict=True))
    groups = w.shape[0] if w.ndim == len(strides) + 3 else 1
    return {"stride": strides, "dilation": dilations, "crop": crop, "groups": groups}


def matlab(x: Array, w: Array, **words: Any) -> dict[str, Any]:
    """https://www.mathworks.com/help/deeplearning/ref/dlarray.dltranspconv.html."""
    stride, dilation, (begins, ends) = map(words.pop, ("Stride", "DilationFactor", "Cropping"))
    assert not words
    assert min(*begins, *ends) >= 0
    groups = w.shape[-1] if w.ndim > x.ndim else 1
    crop = list(zip(begins, ends, strict=True))
    return {"stride": stride, "dilation": dilation, "crop": crop, "groups": groups}


def onnxruntime(_x: Array, w: Array, **words: Any) -> dict[str, Any]:
    """https://onnx.ai/onnx/operators/onnx__ConvTranspose.html."""
    kernel, strides, dilations, pads, output_padding, group = words.values()
    assert tuple(kernel) == w.shape[2:]
    assert min(*pads, *output_padding) >= 0
    assert all(more < stride for more, stride in zip(output_padding, strides, strict=True))
    rows = zip(pads[: len(kernel)], pads[len(kernel) :], output_padding, strict=True)
    crop = [(begin, end - more) for begin, end, more in rows]
    return {"stride": strides, "dilation": dilations, "crop": crop, "groups": group}


def jax(
    _x: Array,
    _w: Array,
    *,
    strides: Sizes,
    padding: Sequence[tuple[int, int]],
    rhs_dilation: Sizes,
    transpose_kernel: bool,
    use_consistent_padding: bool,
) -> dict[str, Any]:
    """https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html."""
    assert transpose_kernel
    assert use_consistent_padding
    return {"stride": strides, "dilation": rhs_dilation, "crop": padding}


def numpy(_x: Array, _w: Array, **words: Any) -> dict[str, Any]:
    return words


@dataclass
class Meant:
    """A framework's documented semantics, as functions of arrays in its layout."""

    options: Callable[..., dict[str, Any]]  # What its words mean to impl
    takes_bias: bool = True
    # From its layout to ours, and back: of x, y and their gradients, and of w and dw.
    x: tuple[Layout, Layout] = (np.asarray, np.asarray)
    w: Callable[[int], tuple[Layout, Layout]] = lambda _groups: (np.asarray, np.asarray)
    received: list[Any] = field(default_factory=list)  # The words of the last call

    def function(self, x: Array, w: Array, *words: Any, **named: Any) -> Array:
        given = words[: int(self.takes_bias)]
        words = words[len(given) :]
        self.received = [*words, *named.values()]
        options = self.options(x, w, *words, **named)
        ours, _ = self.w(options.get("groups", 1))
        b = given[0] if given and isinstance(given[0], np.ndarray) else None
        return self.x[1](impl.conv_transpose(self.x[0](x), ours(w), b, **options))

    def gradient(self, dy: Array, x: Array, w: Array, *words: Any, **named: Any) -> Any:
        self.received = [*words, *named.values()]
        options = self.options(x, w, *words, **named)
        ours, back = self.w(options.get("groups", 1))
        dx, dw, db = impl.conv_transpose_vjp(self.x[0](dy), self.x[0](x), ours(w), **options)
        gradients = (self.x[1](dx), back(dw), db)
        return gradients if self.takes_bias else gradients[:2]


def moved(axes: Any, to: Any) -> tuple[Layout, Layout]:
    return (lambda a: np.moveaxis(a, axes, to), lambda a: np.moveaxis(a, to, axes))


def of_matlab(groups: int) -> tuple[Layout, Layout]:
    """Weights of height, width, filters, channels and, if there are some, groups."""

    def ours(w: Array) -> Array:
        by_group = w if groups > 1 else w[..., np.newaxis]
        parts = [np.moveaxis(by_group[..., n], (-1, -2), (0, 1)) for n in range(groups)]
        return np.concatenate(parts)

    def back(w: Array) -> Array:
        parts = [np.moveaxis(part, (0, 1), (-1, -2)) for part in np.split(w, groups)]
        return np.stack(parts, axis=-1) if groups > 1 else parts[0]

    return ours, back


def of_openvino(groups: int) -> tuple[Layout, Layout]:
    """Weights with an axis for groups before all others, if there are some."""
    if groups == 1:
        return np.asarray, np.asarray
    return (
        lambda w: w.reshape(-1, *w.shape[2:]),
        lambda w: w.reshape(groups, -1, *w.shape[1:]),
    )


MEANT: Final = {
    "numpy": Meant(numpy),
    "pytorch": Meant(pytorch),
    "tensorflow": Meant(
        tensorflow, takes_bias=False, x=moved(-1, 1), w=lambda _groups: moved((-1, -2), (0, 1))
    ),
    "keras": Meant(
        keras, takes_bias=False, x=moved(-1, 1), w=lambda _groups: moved((-1, -2), (0, 1))
    ),
    "jax": Meant(jax, takes_bias=False, x=moved(-1, 1), w=lambda _groups: moved((-1, -2), (0, 1))),
    "mxnet": Meant(mxnet),
    "chainer": Meant(chainer),
    "onnxruntime": Meant(onnxruntime),
    "paddle": Meant(paddle),
    "openvino": Meant(openvino, takes_bias=False, w=of_openvino),
    "matlab": Meant(matlab, x=moved((-1, -2), (0, 1)), w=of_matlab),
}
SPEAKING: Final = {name for name in framework_names() if convention(name).spoken}


def spoken(framework: str, operator: Operator, dtype: str = "float32") -> Spoken | Unsupported:
    speaker = convention(framework).spoken
    assert speaker is not None
    return speaker(operator, dtype)


def executed(
    program: Program, given: Mapping[str, Array], names: Mapping[str, Any]
) -> dict[str, Array]:
    """Execute both texts in turn, each with names of its own."""
    forward: dict[str, Any] = {**given, **names}
    backward = dict(forward)
    exec(program.text, forward)
    exec(program.gradient_text, backward)
    return {"y": forward["y"]} | {n: backward[n] for n in ("dx", "dw", "db") if n in backward}


def check(framework: str, case: Case, expected: Expected) -> None:
    """Hold the documented semantics, called in the framework's words, against the definition."""
    words, meant = spoken(framework, case.operator, case.dtype), MEANT[framework]
    if isinstance(words, Unsupported):
        assert render(case.operator, framework, case.dtype).support == "unsupported"
        return
    names = {"f": meant.function, "g": meant.gradient}
    got = executed(words.program("f", "g"), expected.data, names)
    for name, want in expected.outputs.items():
        assert got[name].dtype == want.dtype, (framework, case.id, name)
        assert np.array_equal(got[name], want), (framework, case.id, name)


def test_every_framework_that_speaks_is_checked() -> None:
    assert set(MEANT) == SPEAKING


@pytest.mark.parametrize("framework", MEANT)
@given(case=cases(fills=["integer"]))
def test_the_documented_semantics_in_its_words_is_the_definition(
    framework: str, case: Case
) -> None:
    # An empty input may leave less than nothing, which only a negative crop makes up for.
    assume(min(case.operator.full_size(case.in_size)) >= 0)
    check(framework, case, expect(case, fast=True))


MOST_ELEMENTS: Final = 10**6


@pytest.mark.slow
def test_so_it_is_for_the_default_suite() -> None:
    for case in load_cases():
        # The words are the same for smaller images.
        is_small = math.prod(case.out_shape) < MOST_ELEMENTS
        if not case.rejected and case.fill == "integer" and is_small:
            expected = expect(case, fast=True)
            for framework in MEANT:
                check(framework, case, expected)


def test_what_a_call_has_for_json_is_what_it_is_given() -> None:
    operator = Operator.of(4, 6, (3, 2), stride=(2, 3), crop=((1, 0), (0, 0)))
    data = Case("drawn/case", "drawn", operator, 2, (4, 5)).data()
    for framework, meant in MEANT.items():
        words = spoken(framework, operator)
        assert isinstance(words, Spoken)
        executed(words.program("f", "g"), data, {"f": meant.function, "g": meant.gradient})
        shape = data["x"].shape if meant.x[0] is np.asarray else meant.x[1](data["x"]).shape
        assert list(words.values(shape).values()) == json.loads(json.dumps(meant.received))


@pytest.mark.parametrize("framework", [name for name in MEANT if name != "numpy"])
def test_the_document_says_how_a_function_is_called(framework: str) -> None:
    words = spoken(framework, Operator.of(1, 1, (3, 3)))
    assert isinstance(words, Spoken)
    bias = ["b"] if words.no_bias else []
    names = [name if words.by_position else f"{name}=" for name in words.words]
    text = (ROOT / "docs/implementations.md").read_text(encoding="utf-8")
    assert f"| `{framework}` | `f({', '.join(['x', 'w', *bias, *names])})`" in text


@pytest.mark.parametrize(
    ("framework", "operator", "reason"),
    [
        ("pytorch", Operator.of(1, 1, (3,), crop=((0, 1),)), "padding crops both ends alike"),
        ("tensorflow", Operator.of(1, 1, (3,)), "another layout"),
        ("chainer", Operator.of(1, 1, (3,), stride=2, crop=((1, 0),)), "the output's size"),
    ],
)
def test_what_words_alone_cannot_say_is_not_sent(
    framework: str, operator: Operator, reason: str
) -> None:
    words = spoken(framework, operator)
    assert isinstance(words, Spoken)
    refusal = words.sent()
    assert isinstance(refusal, Unsupported)
    assert reason in refusal.reason


@pytest.mark.parametrize("ignored", [0, 1, 2, 4])  # All but groups, without which b has no shape
def test_a_function_that_ignores_a_word_is_caught(ignored: int) -> None:
    operator = Operator.of(4, 6, (3, 2), stride=2, dilation=3, crop=((2, 1), (1, 0)), groups=2)
    words = spoken("pytorch", operator)
    assert isinstance(words, Spoken)
    data = Case("drawn/case", "drawn", operator, 2, (4, 5)).data()
    defaults = [(1, 1), (0, 0), (0, 0), 1, (1, 1)]

    def function(x: Array, w: Array, b: Array, *words: Any) -> Array:
        partly = [*words[:ignored], defaults[ignored], *words[ignored + 1 :]]
        return impl.conv_transpose(x, w, b, **pytorch(x, w, *partly))

    got: dict[str, Any] = {**data, "f": function}
    exec(words.program("f").text, got)
    assert got["y"].shape != (2, 6, *operator.out_size((4, 5)))


# What is called by its own words, on arrays of its own.
REAL: Final = {
    "pytorch": """
import torch
def f(x, w, b, *words):
    function = getattr(torch.nn.functional, "conv_transpose%dd" % (x.ndim - 2))
    x, w, b = (each if each is None else torch.from_numpy(each) for each in (x, w, b))
    return function(x, w, b, *words).numpy()
""",
    "tensorflow": """
import tensorflow as tf
def f(x, w, **words):
    return getattr(tf.nn, "conv%dd_transpose" % (x.ndim - 2))(x, w, **words).numpy()
""",
    "jax": """
from jax import lax
def f(x, w, **words):
    return lax.conv_transpose(x, w, **words)
""",
    "mxnet": """
import mxnet as mx
def f(x, w, b, **words):
    x, w, b = (each if each is None else mx.nd.array(each) for each in (x, w, b))
    return mx.nd.Deconvolution(x, w, b, **words).asnumpy()
""",
    "paddle": """
import paddle
import paddle.nn.functional as F
def f(x, w, b, **words):
    arrays = (each if each is None else paddle.to_tensor(each) for each in (x, w, b))
    return getattr(F, "conv%dd_transpose" % (x.ndim - 2))(*arrays, **words).numpy()
""",
    "chainer": """
import chainer.functions as F
def f(x, w, b, **words):
    return F.deconvolution_nd(x, w, b, **words).array
""",
    "onnxruntime": """
import onnxruntime
from onnx import TensorProto, helper
def f(x, w, b, **words):
    arrays = {"x": x, "w": w} if b is None else {"x": x, "w": w, "b": b}
    node = helper.make_node("ConvTranspose", list(arrays), ["y"], **words)
    of = helper.make_tensor_value_info
    inputs = [of(name, TensorProto.FLOAT, array.shape) for name, array in arrays.items()]
    outputs = [of("y", TensorProto.FLOAT, None)]
    model = helper.make_model(helper.make_graph([node], "g", inputs, outputs), ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, arrays)[0]
""",
}
REAL_OPERATORS: Final = [
    Operator.of(2, 3, (3,), stride=2, crop=((1, 0),)),
    Operator.of(2, 3, (3,), dilation=2, crop=((1, -2),), bias=False),
    Operator.of(4, 6, (3, 2), stride=2, crop=((1, 1), (0, -1)), groups=2),
    Operator.of(4, 2, (4, 3), stride=(2, 3), crop=((1, 1), (1, 2)), bias=False),
    Operator.of(2, 3, (3, 3), dilation=(2, 1), crop=((2, 0), (-1, 1))),
    Operator.of(2, 4, (1, 2, 3), stride=2, crop=((0, -1), (0, 0), (1, 1)), groups=2),
]


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", REAL)
def test_the_framework_itself_takes_these_words(framework: str) -> None:
    sizes = (4, 5, 3)
    jobs, outputs = [], []
    for operator in REAL_OPERATORS:
        words = spoken(framework, operator)
        assert isinstance(words, Spoken)
        case = Case("drawn/case", "drawn", operator, 2, sizes[: operator.rank])
        outputs.append(expect(case).outputs["y"].tolist())
        arrays = {name: array.tolist() for name, array in case.data().items()}
        jobs.append(Job(REAL[framework] + words.program("f").text, ("y",), arrays))
    assert reality.run(framework, jobs) == [{"y": output} for output in outputs]
