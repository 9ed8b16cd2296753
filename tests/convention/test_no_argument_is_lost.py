"""Every argument that a call can have changes what is read of it, or is noted, or is refused."""

from __future__ import annotations

import pytest
from programs import PYTHON

from harness.convention.arguments import Form
from harness.convention.reading import Reading
from harness.convention.registry import convention, text_only_names
from harness.convention.signature import REQUIRED
from harness.lookup.reading import read
from harness.syntax.tree import SnippetError

pytestmark = pytest.mark.slow

FORMS = [
    pytest.param(name, form, id=form.name)
    for name in (*PYTHON, *text_only_names())
    for form in convention(name).forms
    if form.rank != 1
]
# Each parameter takes some of them.
VALUES = (
    *("2", "(2, 2)", "1", "(1, 1)", "False", "True", "None", "'relu'", "'up'", "'same'", "'SAME'"),
    *("'NCHW'", "'NHWC'", "'NDHWC'", "'VALID'", "'channels_first'", "'channels_last'", "'th'"),
    *("'off'", "'ones'", "mx.init.One()", "chainer.initializers.One()", "L2(0.5)", "lambda y: y"),
    *("(16, 16)", "(9, 9)", "(9, 9, 4)", "(1, 9, 9, 4)", "(9, 9, 9, 4)", "(1, 9, 9, 9, 4)"),
    *("[1, 16, 16, 6]", "{}", "(3, 3)", "(3, 3, 3)"),
)
# What some take instead of the usual.
OWN = {
    "ai_edge_litert.schema_py_generated.TransposeConvOptionsT": {"strideH": "2", "strideW": "2"},
    "ai_edge_litert.schema_py_generated.Conv3DOptionsT": {
        "strideD": "2",
        "strideH": "2",
        "strideW": "2",
    },
    "onnx.helper.make_node": {
        "op_type": "'ConvTranspose'",
        "inputs": "['x', 'w']",
        "outputs": "['y']",
    },
    "jax.lax.conv_transpose": {"strides": "(2, 2)", "padding": "((2, 2), (2, 2))"},
    "jax.lax.conv_general_dilated": {
        "window_strides": "(1, 1)",
        "padding": "((2, 2), (2, 2))",
        "lhs_dilation": "(2, 2)",
    },
    "jax.lax.conv_with_general_padding": {
        "window_strides": "(1, 1)",
        "padding": "((2, 2), (2, 2))",
        "lhs_dilation": "(2, 2)",
        "rhs_dilation": "None",
    },
    "haiku.ConvNDTranspose": {"num_spatial_dims": "2"},
    "equinox.nn.ConvTranspose": {"num_spatial_dims": "2"},
    "openvino.opset13.convolution_backprop_data": {"strides": "[2, 2]"},
    "openvino.opset13.group_convolution_backprop_data": {
        "strides": "[2, 2]",
        "filters": "np.zeros((2, 2, 6, 3, 3))",
    },
    "caffe.layers.Deconvolution": {"convolution_param": "dict(num_output=6, kernel_size=3)"},
    "tvm.topi.nn.conv2d_transpose_nchw": {"padding": "0", "output_padding": "0"},
    "tvm.topi.nn.group_conv2d_transpose_nchw": {
        "padding": "0",
        "output_padding": "0",
        "groups": "1",
    },
    "tvm.topi.nn.conv3d_transpose_ncdhw": {"padding": "0", "output_padding": "0"},
}


def call(form: Form, **arguments: str) -> str:
    written = ", ".join(f"{name}={value}" for name, value in arguments.items())
    # Options of a model; its output's shape stands elsewhere in it.
    before = (
        f"output_shape = {[1, *(16,) * (form.rank or 2), 6]}\n" if "schema" in form.name else ""
    )
    return f"{before}{form.name}({written})"


def needed(form: Form, rank: int) -> dict[str, str]:
    """The arguments without which the form cannot be read, or others would have no effect."""
    strides = form.parameter("strides")
    size = 16 if strides is not None and strides.default is REQUIRED else 10
    sizes = {
        "in_channels": "4",
        "out_channels": "6",
        "kernel": f"({', '.join('3' * rank)})",
        "output_shape": str([1, *(size,) * rank, 6]),
        "strides": "2",
        "ndim": str(rank),
        "nb_row": "3",
        "nb_col": "3",
    }
    required = {
        parameter.name: sizes.get(parameter.name, sizes.get(parameter.role or "", "x"))
        if parameter.role or parameter.name in {"output_shape", "strides", "ndim"}
        else "x"
        for parameter in form.parameters
        if parameter.default is REQUIRED or parameter.role == "kernel"
    }
    return required | OWN.get(form.name, {})


def reading(text: str, framework: str, rank: int) -> Reading | None:
    """What a call is read as, unless it is refused."""
    try:
        return read(text, framework, (1, 4, *(8,) * rank), (4, 6, *(3,) * rank))
    except SnippetError:
        return None


@pytest.mark.parametrize(("framework", "form"), FORMS)
def test_no_argument_is_lost(framework: str, form: Form) -> None:
    rank = form.rank or 2
    given = needed(form, rank)
    without = reading(call(form, **given), framework, rank)
    assert without is not None
    lost = []
    for parameter in form.parameters:
        if parameter.name in {*given, "data", "weight"}:
            continue
        texts = [call(form, **given, **{parameter.name: value}) for value in VALUES]
        readings = [reading(text, framework, rank) for text in texts]
        accepted = [each for each in readings if each is not None]
        # A default may be written in several ways.
        if len(accepted) > 4 and all(each == without for each in accepted):
            lost.append(parameter.name)
    assert lost == []
