"""What the programs call: nothing but the framework's own, and the implementation's result."""

from __future__ import annotations

import ast
import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import DTYPES, FRAMEWORKS, PYTHON, program
from strategies import cases, keywords, operators

from harness.convention.registry import render
from harness.core.operators import IllegalOperator, Operator
from harness.core.program import Unsupported
from harness.suite.case import Case
from impl import conv_transpose, conv_transpose_vjp

# Nothing but the framework's own calls.

CALLS = {
    "numpy": {"impl.conv_transpose", "impl.conv_transpose_vjp"},
    "cupy": {"impl.conv_transpose", "impl.conv_transpose_vjp", "cupy.asarray", "cupy.asnumpy"},
    "litert": {
        *(f"schema.{name}T" for name in ("TransposeConvOptions", "Conv3DOptions", "OperatorCode")),
        *(f"schema.{name}T" for name in ("SplitOptions", "ConcatenationOptions", "Operator")),
        *(f"schema.{name}T" for name in ("Buffer", "Tensor", "SubGraph", "Model")),
        *("flatbuffers.Builder", "litert.Interpreter", "os.environ.get", "bytes", "int"),
        *("np.array", "np.moveaxis", "np.pad", "np.split", "np.squeeze", "np.zeros"),
        *("enumerate", "list", "range", ".Finish", ".Output", ".Pack", ".allocate_tensors"),
        *(".get_tensor", ".invoke", ".ravel", ".reshape", ".set_tensor", ".view"),
    },
    "onnxruntime": {
        *("helper.make_node", "helper.make_tensor", "helper.make_tensor_value_info"),
        *("helper.make_graph", "helper.make_model", "helper.make_opsetid"),
        *("numpy_helper.from_array", "ort.SessionOptions", "ort.InferenceSession"),
        *("os.environ.get", "int", ".reshape", ".run", ".SerializeToString"),
    },
    "keras": {
        *("keras.ops.convert_to_tensor", "keras.ops.convert_to_numpy", "keras.ops.conv_transpose"),
        *("keras.ops.split", "keras.ops.concatenate", "keras.ops.pad", "keras.ops.reshape"),
        *("np.moveaxis", "zip", "torch.autograd.grad", ".requires_grad_"),
    },
    "paddle": {
        *("paddle.to_tensor", "paddle.grad", "F.pad", ".numpy", ".reshape"),
        *(f"F.conv{rank}d_transpose" for rank in (1, 2, 3)),
    },
    "openvino": {
        *("ops.parameter", "ops.convolution_backprop_data", "ops.group_convolution_backprop_data"),
        *("ops.pad", "ops.add"),
        *("ov.Model", "ov.compile_model", "model", "os.environ.get", "int", ".reshape"),
    },
    "pytorch": {
        *("torch.from_numpy", "torch.autograd.grad", "F.pad"),
        *(f"F.conv_transpose{rank}d" for rank in (1, 2, 3)),
        *(".numpy", ".requires_grad_", ".reshape"),
    },
    "chainer": {
        *("chainer.Variable", "chainer.grad", "F.pad", "F.bias"),
        *(f"F.deconvolution_{rank}d" for rank in (1, 2, 3)),
    },
    "jax": {
        *(
            "jax.device_put",
            "jax.numpy.pad",
            "jax.vjp",
            "jax.config.update",
            "jax.block_until_ready",
        ),
        *("lax.conv_transpose", "lax.conv_general_dilated"),
        *("np.asarray", "np.moveaxis", "np.flip", ".reshape", ".transpose"),
        *("conv_transpose", "gradients", "pull"),
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
    "cupy": {"impl": "impl", "cupy": "cupy"},
    "litert": {
        "litert": "ai_edge_litert.interpreter",
        "schema": "ai_edge_litert.schema_py_generated",
        **{name: name for name in ("flatbuffers", "os")},
        "np": "numpy",
    },
    "onnxruntime": {
        "os": "os",
        "ort": "onnxruntime",
        **{name: f"onnx.{name}" for name in ("TensorProto", "helper", "numpy_helper")},
    },
    "keras": {"keras": "keras", "torch": "torch", "np": "numpy", "os": "os"},
    "paddle": {"paddle": "paddle", "F": "paddle.nn.functional"},
    "openvino": {"os": "os", "ov": "openvino", "ops": "openvino.opset13"},
    "pytorch": {"torch": "torch", "F": "torch.nn.functional"},
    "chainer": {"chainer": "chainer", "F": "chainer.functions"},
    "jax": {"jax": "jax", "lax": "jax.lax", "np": "numpy"},
    "mxnet": {"mx": "mxnet", "np": "numpy"},
    "tensorflow": {"tf": "tensorflow", "np": "numpy", "os": "os"},
}
BUILTINS = {"bytes", "enumerate", "int", "list", "range", "zip"}
STATEMENTS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Assign, ast.Expr, ast.With)


def imports(tree: ast.Module) -> dict[str, str]:
    """Names that a program imports, each with what it means."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        if isinstance(node, ast.ImportFrom)
        else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
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
    for framework, allowed in CALLS.items():
        written = render(operator, framework, dtype, documented=documented)
        if isinstance(written, Unsupported):
            continue
        for text, given_names, left in (
            (written.text, inputs, {"y"}),
            (written.gradient_text, inputs | {"dy"}, results),
        ):
            if written.forward_only and left == results:
                assert text == ""
                continue
            tree = ast.parse(text)
            modules = imports(tree)
            assert modules.items() <= IMPORTS[framework].items()
            assert all(isinstance(node, STATEMENTS) for node in tree.body)
            calls = {
                callee(node, set(modules)) for node in ast.walk(tree) if isinstance(node, ast.Call)
            }
            assert calls <= allowed
            assigned = names(tree, ast.Store) | {
                node.name for node in tree.body if isinstance(node, ast.FunctionDef)
            }
            assert names(tree, ast.Load) <= given_names | assigned | set(modules) | BUILTINS
            assert left <= assigned
            assert ("db" in assigned) == ("db" in left)


def test_every_expected_call_is_written_for_some_operator() -> None:
    crops = ((0, 0), (1, 0), (0, 1), (2, -1), (-1, -1))
    result: dict[str, set[str]] = {framework: set() for framework in CALLS}
    for framework in CALLS:
        for rank, groups in itertools.product((1, 2, 3), (1, 2)):
            # JAX pads where a crop is not safe, which depends on the dilation.
            for dilation, crop in (*((2, crop) for crop in crops), (1, (-1, 1))):
                crop_of_each = [crop] * rank
                operator = Operator.of(
                    4, 6, (3,) * rank, dilation=dilation, crop=crop_of_each, groups=groups
                )
                written = render(operator, framework, "float64" if rank < 3 else "float32")
                if isinstance(written, Unsupported):
                    written = program(operator, framework)
                for text in (written.text, written.gradient_text):
                    tree = ast.parse(text)
                    result[framework] |= {
                        callee(node, set(imports(tree)))
                        for node in ast.walk(tree)
                        if isinstance(node, ast.Call)
                    }
    assert result == CALLS


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
