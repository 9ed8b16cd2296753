"""What is a framework, what it has natively, and what a look-up loads of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from examples import wrong
from hypothesis import given
from hypothesis import strategies as st
from programs import DTYPES, FRAMEWORKS, program
from strategies import cases, operators

from harness.convention.registry import (
    UnknownFrameworkError,
    canonical,
    convention,
    distinct_conventions,
    framework_names,
    is_framework,
    render,
    text_only_names,
)
from harness.core.operators import IllegalOperator, Operator
from harness.core.program import Program, Unsupported
from harness.execution.column import Column
from harness.frameworks import pytorch
from harness.lookup.reading import read
from harness.suite.case import Case
from harness.suite.limitations import load_limitations

# Which framework.


def test_the_frameworks_are_these_the_implementation_first() -> None:
    first, *others = framework_names()
    assert first == canonical().name == "numpy"
    assert others == sorted(others)
    known = {"chainer", "cupy", "jax", "matlab", "mxnet", "pytorch", "tensorflow", "wolfram"}
    assert known <= {*others}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_convention_goes_by_its_name(framework: str) -> None:
    result = convention(framework)
    assert result.name == framework
    assert program(Operator.of(1, 1, (3,)), framework).framework == framework
    assert all(isinstance(value, str) for value in result.environ.values())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pytorh", " Did you mean 'pytorch'?"),
        ("tensor-flow", " Did you mean 'tensorflow'?"),
        ("PyTorch", " Did you mean 'pytorch'?"),
        ("theano", ""),
        ("_convention", ""),
        ("", ""),
    ],
)
def test_an_unknown_framework_is_refused_with_what_is_known(name: str, hint: str) -> None:
    with pytest.raises(UnknownFrameworkError) as caught:
        render(Operator.of(1, 1, (3,)), name)
    assert str(caught.value) == (
        f"unknown framework {name!r}.{hint} Known: {', '.join(FRAMEWORKS)}; "
        f"as text only: {', '.join(text_only_names())}."
    )


# Variants.


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A variant of PyTorch, by its name."""
    name = "pytorch:compiled"
    own = replace(pytorch.CONVENTION, name=name, title="PyTorch (compiled)", environ={"A": "1"})
    monkeypatch.setattr(pytorch, "CONVENTION", replace(pytorch.CONVENTION, variants=(own,)))
    convention.cache_clear()
    yield name
    convention.cache_clear()


def test_a_variant_is_known_by_its_name_and_is_none_of_all_frameworks(compiled: str) -> None:
    variant = convention(compiled)
    assert (variant.name, variant.family, variant.title) == (
        compiled,
        "pytorch",
        "PyTorch (compiled)",
    )
    assert is_framework(compiled)
    assert compiled not in framework_names()
    assert compiled not in [each.name for each in distinct_conventions()]
    written = render(Operator.of(1, 1, (3,)), compiled)
    assert isinstance(written, Program)
    assert written.framework == compiled
    assert written.text == program(Operator.of(1, 1, (3,)), "pytorch").text
    assert [form.name for form in variant.forms] == [
        form.name for form in convention("pytorch").forms
    ]
    assert variant.model_format is convention("pytorch").model_format
    assert Column(compiled).environ["A"] == "1"
    assert "A" not in Column("pytorch").environ


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "pytorch:compild",
            "unknown variant 'pytorch:compild' of PyTorch. Did you mean 'pytorch:compiled'? "
            "Its variants: pytorch:compiled.",
        ),
        ("chainer:compiled", "unknown variant 'chainer:compiled' of Chainer. It has no variants."),
        ("pytorch:", "unknown variant 'pytorch:' of PyTorch."),
        ("pytorh:compiled", "unknown framework 'pytorh:compiled'. Did you mean 'pytorch'?"),
    ],
)
def test_an_unknown_variant_is_refused_with_what_is_known(
    compiled: str, name: str, message: str
) -> None:
    del compiled
    with pytest.raises(UnknownFrameworkError) as caught:
        convention(name)
    assert str(caught.value).startswith(message)
    assert not is_framework(name)


def test_a_limitation_of_a_variant_is_of_nothing_else(compiled: str, tmp_path: Path) -> None:
    file = tmp_path / "limitations.yaml"
    file.write_text(
        f"limitations:\n- {{id: one, framework: '{compiled}', cases: 'a/*', reason: It is so.}}\n"
    )
    (one,) = load_limitations(file)
    assert one.framework == compiled
    assert one.concerns("a/b", compiled, "value")
    assert not one.concerns("a/b", "pytorch", "value")


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
    ("cupy", "impl.cuda"): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(-3, 4), dilation=2, groups=2, rank=3, dtype="float16"),
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
        Row(REWRITTEN, stride=2, crop=(0, 1), documented=True),  # forbidden, not defective
    ],
    # Any pads that are not negative; output_padding below the stride, at the ends.
    ("onnxruntime", "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(1, 0)),
        Row(NATIVE, crop=(0, 1)),
        Row(NATIVE, crop=(5, 2), kernel=1),
        Row(NATIVE, stride=3, crop=(0, -2)),
        Row(NATIVE, stride=3, crop=(1, -2)),
        Row(REWRITTEN, stride=3, crop=(0, -3)),
        Row(REWRITTEN, crop=(0, -1), dilation=3),  # the dilation does not count
        Row(REWRITTEN, stride=2, crop=(0, -3), documented=True),
        Row(REWRITTEN, stride=2, crop=(-1, 0)),
        Row(NATIVE, rank=2, stride=2, crop=((0, 1), (2, -1)), dilation=2, groups=2),
        Row(REWRITTEN, rank=2, stride=2, crop=((0, 1), (-2, 1))),
        Row(NATIVE, rank=3, stride=2, crop=(1, 0), dilation=2, dtype="float16"),
    ],
    # What it says of others is "Could not find an implementation for ConvTranspose(22) node".
    ("onnxruntime", "https://github.com/microsoft/onnxruntime/blob/main/docs/OperatorKernels.md"): [
        Row(UNSUPPORTED, dtype="float64"),
        Row(UNSUPPORTED, dtype="float64", documented=True),
    ],
    # Valid: (0, -output_padding); same: kernel - kernel % 2 - output_padding in all, half of it at
    # the beginning; 0 <= output_padding < stride.  Without it the output of same is input * stride.
    ("keras", "https://keras.io/api/ops/nn/#conv_transpose-function"): [
        Row(NATIVE),
        Row(NATIVE, stride=3, crop=(0, -2)),
        Row(NATIVE, stride=2, crop=(0, 1)),
        Row(REWRITTEN, stride=2, crop=(1, 0)),
        Row(NATIVE, crop=(1, 1)),
        Row(NATIVE, crop=(1, 2), kernel=4),
        Row(NATIVE, crop=(2, 2), kernel=4),  # an output_padding of 0, which TensorFlow refuses
        Row(REWRITTEN, stride=3, crop=(0, -3)),
        Row(REWRITTEN, crop=(-1, 0)),
        Row(NATIVE, rank=3, stride=2, crop=(0, -1), dilation=2, kernel=3, dtype="float64"),
        Row(NATIVE, rank=2, stride=2, crop=((0, 1), (0, 1))),
        Row(REWRITTEN, rank=2, stride=2, crop=((0, 1), (1, 0))),
        Row(REWRITTEN, groups=2),
    ],
    # Nothing negative but, by output_padding, at the end.
    (
        "openvino",
        "https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets/"
        "operation-specs/convolution/convolution-backprop-data-1.html",
    ): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(1, 0)),
        Row(NATIVE, crop=(5, 9)),
        Row(NATIVE, crop=(0, -7), dilation=3),
        Row(NATIVE, crop=(3, -7)),
        Row(REWRITTEN, stride=2, crop=(-1, 0)),
        Row(NATIVE, rank=2, stride=2, crop=((0, 1), (2, -1)), dilation=2, groups=2),
        Row(REWRITTEN, rank=2, stride=2, crop=((0, 1), (-2, 1))),
        Row(NATIVE, rank=3, stride=2, crop=(1, 0), dilation=2, dtype="float16"),
        Row(UNSUPPORTED, dtype="float64"),
        Row(NATIVE, dtype="float64", documented=True),
        # Its pads are ignored.
        Row(REWRITTEN, kernel=1, crop=(1, -1)),
        Row(NATIVE, kernel=1, crop=(1, -1), documented=True),
        Row(REWRITTEN, stride=2, crop=(-1, 0), documented=True),
        Row(NATIVE, kernel=1),
        Row(NATIVE, kernel=1, crop=(1, 0)),
        Row(NATIVE, kernel=1, stride=2, crop=(1, -1)),
        Row(NATIVE, rank=2, kernel=1, crop=((1, -1), (0, 1))),
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
        Row(REWRITTEN, crop=(1, 0), documented=True),
    ],
    # Any crop, also a negative one; but no groups.
    ("jax", "https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html"): [
        Row(NATIVE),
        Row(NATIVE, stride=2, crop=(4, 1), dilation=2, rank=3, dtype="float64"),
        Row(NATIVE, rank=2, stride=2, crop=((1, 0), (-1, 2)), dtype="float16"),
        Row(NATIVE, crop=(-1, -3)),
        Row(REWRITTEN, groups=2),
        Row(REWRITTEN, groups=2, documented=True),
    ],
    # An axis that is not dilated, and paddings of which one is less than the other removes.
    ("jax", "https://github.com/openxla/xla/issues/48713"): [
        Row(REWRITTEN, kernel=2, crop=(2, 0)),
        Row(REWRITTEN, crop=(4, 0)),
        Row(REWRITTEN, stride=3, crop=(-1, 1)),
        Row(REWRITTEN, stride=2, crop=(-3, 3)),
        Row(REWRITTEN, rank=2, crop=((-2, 1), (0, 0))),
        Row(REWRITTEN, kernel=1, crop=(2, -2)),
        Row(NATIVE, kernel=1, crop=(2, -2), dtype="float64"),
        Row(NATIVE, kernel=1, crop=(2, -2), documented=True),
        Row(NATIVE, stride=3, crop=(-1, 2)),
        Row(NATIVE, stride=2, crop=(-1, 1), dilation=2),
        Row(NATIVE, crop=(3, 0)),
    ],
    # A stride of 2, and a crop of all that the kernel reaches further: an odd number of elements.
    ("jax", "algebraic_simplifier.cc: Window dimensions do not match RHS shape"): [
        Row(REWRITTEN, rank=2, kernel=2, stride=2, crop=(1, 1), dtype="float64"),
        Row(REWRITTEN, rank=2, kernel=4, stride=2, crop=((0, 0), (3, 3))),
        Row(NATIVE, rank=2, kernel=4, stride=2, crop=(1, 1)),
        Row(NATIVE, rank=2, stride=2, crop=(2, 2)),
        Row(NATIVE, kernel=2, stride=2, crop=(1, 1)),
        Row(NATIVE, rank=2, kernel=2, stride=2, crop=(1, 1), documented=True),
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
        Row(REWRITTEN, stride=2, crop=(0, 1), documented=True),  # forbidden, not defective
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


@pytest.mark.parametrize(("framework", "url"), TABLES)
def test_support_is_what_the_framework_documents(framework: str, url: str) -> None:
    def support(row: Row) -> tuple[str, bool]:
        rendered = render(row.operator, framework, row.dtype, documented=row.documented)
        return rendered.support, rendered.reason is None

    expected = {row: (row.support, row.support == NATIVE) for row in TABLES[framework, url]}
    assert wrong(expected, support) == {}, f"see {url}"


@given(operators(), DTYPES, st.booleans())
def test_what_is_not_native_says_why(operator: Operator, dtype: str, documented: bool) -> None:
    for framework in FRAMEWORKS:
        rendered = render(operator, framework, dtype, documented=documented)
        assert (rendered.support == "native") == (rendered.reason is None)
        assert (rendered.support == "unsupported") == isinstance(rendered, Unsupported)
        assert rendered.framework == framework


@given(operators(), DTYPES)
def test_the_documented_program_is_another_only_where_the_advised_one_goes_around_something(
    operator: Operator, dtype: str
) -> None:
    for framework in FRAMEWORKS:
        advised, documented = (
            render(operator, framework, dtype, documented=documented)
            for documented in (False, True)
        )
        if isinstance(advised, Program) and isinstance(documented, Program):
            assert advised.reason or documented == advised
            assert advised.text == documented.text or advised.reason != documented.reason


@pytest.mark.parametrize(
    ("framework", "words"),
    [
        ("pytorch", "padding=-1, output_padding=-3"),
        ("paddle", "padding=[-1, 2]"),
        ("onnxruntime", "pads=[-1, 2]"),
        ("openvino", "pads_begin=[-1], pads_end=[2]"),
    ],
)
def test_the_crop_of_an_illegal_operator_is_given_to_the_framework(
    framework: str, words: str
) -> None:
    """It is there to be refused, by the framework and not by lines of ours."""
    illegal = IllegalOperator.of(2, 2, (3,), stride=0, crop=((-1, 2),))
    program = render(illegal, framework, documented=True)
    assert isinstance(program, Program)
    assert words in program.forward.call + program.definition


HAVE_NAMES = [name for name in FRAMEWORKS if convention(name).named is not None]


@given(operators(), DTYPES)
def test_only_those_that_have_names_for_crops_write_them(operator: Operator, dtype: str) -> None:
    assert HAVE_NAMES
    for framework in FRAMEWORKS:
        advised, named = (
            render(operator, framework, dtype, named=named) for named in (False, True)
        )
        if framework not in HAVE_NAMES:
            assert named == advised
        assert isinstance(named, Unsupported) == isinstance(advised, Unsupported)


@pytest.mark.parametrize(
    ("framework", "crop", "words"),
    [
        ("onnxruntime", ((1, 2), (0, 1)), 'auto_pad="SAME_UPPER"'),
        ("onnxruntime", ((2, 1), (1, 0)), 'auto_pad="SAME_LOWER"'),
        ("onnxruntime", ((0, 0), (0, -1)), 'auto_pad="VALID", output_padding=[0, 1]'),
        ("onnxruntime", ((2, 2), (1, 0)), "output_shape=[(x.shape[2] - 1) * 1 + 0, "),
        ("onnxruntime", ((0, 1), (1, 1)), 'auto_pad="SAME_UPPER", output_shape='),
        ("onnxruntime", ((1, 2), (2, 1)), "pads=[1, 2, 2, 1]"),  # It has none.
        ("openvino", ((1, 2), (0, 1)), 'auto_pad="same_lower"'),
        ("openvino", ((2, 1), (1, 0)), 'auto_pad="same_upper"'),
        ("openvino", ((0, 0), (0, -1)), 'auto_pad="valid", output_padding=[0, 1]'),
        ("openvino", ((1, 2), (2, 1)), "pads_begin=[1, 2], pads_end=[2, 2], output_padding=[0, 1]"),
        ("jax", ((1, 2), (0, 1)), 'padding="SAME"'),
        ("jax", ((0, 0), (0, 0)), 'padding="VALID"'),
        ("jax", ((2, 1), (1, 0)), "padding=((2, 1), (1, 0))"),
    ],
)
def test_a_crop_that_has_a_name_is_asked_for_by_it(
    framework: str, crop: tuple[tuple[int, int], ...], words: str
) -> None:
    """The odd element of a SAME, and a size, are at the end that each of them documents."""
    operator = Operator.of(2, 2, (4, 3), stride=(1, 2), crop=crop)
    program = render(operator, framework, named=True)
    assert isinstance(program, Program)
    assert words in program.text
    assert not program.reason


@given(cases())
def test_a_name_is_read_as_the_crop_that_it_stands_for(case: Case) -> None:
    for framework in sorted({"onnxruntime", "openvino"} & {*HAVE_NAMES}):
        named = render(case.operator, framework, named=True)
        assert isinstance(named, Program)
        if not named.reason and min(case.out_shape) > 0:
            shape = case.shapes["x"]
            got = read(named.text, input=shape, weight=case.operator.weight_shape).operator
            assert got == case.operator


# Of which numbers of axes a framework lacks a type.
LACKING = {
    ("litert", "float64"): {1, 2, 3},
    ("mxnet", "float64"): {3},
    ("onnxruntime", "float64"): {1, 2, 3},
    ("openvino", "float64"): {1, 2, 3},
    ("wolfram", "float32"): {3},
    ("wolfram", "float64"): {3},
}


def test_nothing_else_is_lacking() -> None:
    for framework in FRAMEWORKS:
        for dtype in ("float32", "float64"):
            for rank in (1, 2, 3):
                rendered = render(Operator.of(4, 6, (3,) * rank, groups=2), framework, dtype)
                lacks = rank in LACKING.get((framework, dtype), ())
                assert isinstance(rendered, Unsupported) == lacks


# Nothing is imported.


def test_rendering_imports_no_framework_and_no_numpy() -> None:
    code = """
import sys
from harness.convention.registry import framework_names, render
from harness.core.operators import IllegalOperator, Operator
for framework in framework_names():
    for dtype in ("float16", "bfloat16", "float32", "float64"):
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
    frameworks = {"torch", "tensorflow", "mxnet", "chainer", "cupy", "jax", "flax", "keras"}
    runtimes = {"onnx", "onnxruntime", "openvino"}
    unwanted = {*frameworks, *runtimes, "numpy", "ml_dtypes", "yaml", "rich", "impl"}
    assert not roots & unwanted


@pytest.mark.parametrize("framework", [name for name in FRAMEWORKS if name != "numpy"])
def test_a_look_up_loads_a_framework_s_forms_for_their_names_only(framework: str) -> None:
    spoken = convention(framework)
    names = {name.rpartition(".")[2] for form in spoken.forms for name in form.names}
    assert {name for name in names if not re.fullmatch(spoken.calls, name)} == set()
    assert not re.fullmatch(spoken.calls, "Conv2d")
