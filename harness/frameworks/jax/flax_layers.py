"""The meaning of Flax's layers: ``ConvTranspose`` of ``flax.linen`` and of ``flax.nnx``.

https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.frameworks.jax.crops import WORDS, cropped, padding_of, per_axis, with_weights
from harness.frameworks.jax.incoming import incoming
from harness.frameworks.jax.training import read_training
from harness.syntax.callsite import Application, CallSite

_KERNEL: Final = Parameter(
    "kernel_size",
    "kernel; how many numbers it has is the number of spatial axes",
    pitfall="One number is a kernel of one axis.",
    role="kernel",
)
_STRIDES: Final = Parameter("strides", "stride; None is 1", None)
_OUT: Final = "output channels"
_DTYPE: Final = Parameter("dtype", "the type of the computation", None, ignored=True)
_PARAM_DTYPE: Final = Parameter("param_dtype", "the type of the weights", "float32", ignored=True)
_PRECISION: Final = Parameter("precision", "how exactly the device multiplies", None, ignored=True)
_PROMOTE: Final = Parameter("promote_dtype", "a function of types", None, ignored=True)
_ELEMENT: Final = Parameter("preferred_element_type", "the type of the output", None, ignored=True)
_GEOMETRY: Final = (
    Parameter(
        "padding",
        f"{WORDS}; numbers are laid around the dilated input: crop dilation * (kernel - 1) - pad",
        "SAME",
        pitfall="Numbers are no crop: 0 crops dilation * (kernel - 1) at both ends. 'CIRCULAR' is "
        "no crop at all.",
    ),
    Parameter("kernel_dilation", "dilation; None is 1", None),
    Parameter("use_bias", "whether there is a bias", True, assumable=True),
    Parameter("mask", "multiplies the weights", None),
)
_INITIALIZERS: Final = (
    Parameter(
        "kernel_init",
        "how the weights are drawn",
        "lecun_normal",
        pitfall="With transpose_kernel=True its fan_in counts the output channels.",
    ),
    Parameter("bias_init", "how the bias is drawn", "zeros"),
)
_TRANSPOSE: Final = Parameter(
    "transpose_kernel",
    "False: the weights are HWIO and not flipped, which is flipped against ours; True: HWOI, as "
    "ours",
    False,
)


def _keywords(*parameters: Parameter) -> tuple[Parameter, ...]:
    return tuple(replace(each, keyword=True) for each in parameters)


_LINEN: Final = (
    Parameter("features", _OUT, role="out_channels"),
    _KERNEL,
    _STRIDES,
    *_GEOMETRY,
    _DTYPE,
    _PARAM_DTYPE,
    _PRECISION,
    *_INITIALIZERS,
    _TRANSPOSE,
    _PROMOTE,
    _ELEMENT,
    Parameter("parent", "the module that it is in", None, ignored=True),
    naming("layer"),
)
_NNX: Final = (
    Parameter("in_features", "input channels", role="in_channels"),
    Parameter("out_features", _OUT, role="out_channels"),
    _KERNEL,
    _STRIDES,
    *_keywords(
        *_GEOMETRY,
        _DTYPE,
        _PARAM_DTYPE,
        _PRECISION,
        *_INITIALIZERS,
        _TRANSPOSE,
        _PROMOTE,
        _ELEMENT,
        Parameter("rngs", "from where the weights are drawn", ignored=True),
        Parameter("kernel_metadata", "what else is kept with the weights", None, ignored=True),
        Parameter("bias_metadata", "what else is kept with the bias", None, ignored=True),
    ),
)


def _read(given: Arguments) -> Reading:
    is_nnx = given.form.parameter("rngs") is not None
    if is_nnx and "rngs" not in given.given and "nnx" not in given.site.function:
        given.value("rngs")
    given = given.with_input_in_text(channels_last=True)
    channels = given.open_integer("in_features") if is_nnx else None
    flow = incoming(given, "NNX" if is_nnx else "LINEN", channels)
    complete = given.channels_and_kernel(
        channels or flow.channels,
        given.open_integer("out_features" if is_nnx else "features"),
        given.open_per_axis("kernel_size"),
        1,
    )
    rank = len(complete[2])
    if given.has("mask"):
        raise given.error(
            "mask multiplies the weights, which is no part of the operator: multiply the weights "
            "by it once, and leave it out.",
            "mask",
        )
    transposed = given.flag("transpose_kernel")
    training, notes = read_training(given, transposed=transposed)
    reading = given.reading(
        complete,
        stride=per_axis(given, "strides", rank),
        dilation=per_axis(given, "kernel_dilation", rank),
        crop=None,
        bias=given.flag("use_bias"),
        input=flow.shape if flow.size and len(flow.size) == rank else None,
        training=training,
        notes=notes,
        channels_last=True,
    )
    reading = cropped(given, reading, padding_of(given, rank, pairs_only=False))
    return with_weights(reading, "HWOI" if transposed else "hwIO", "HWOI")


def _output(site: CallSite) -> Application | None:
    """Find ``layer.apply({"params": ...}, x)``."""
    name = site.name
    for statement, call in site.code.naming("apply") if name else ():
        if call.dotted == f"{name}.apply":
            return Application(call, statement)
    return None


FORMS: Final = (
    Form(
        "flax.linen.ConvTranspose",
        ("nn.ConvTranspose", "linen.ConvTranspose", "flax.linen.linear.ConvTranspose"),
        "layer",
        None,
        _LINEN,
        "https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html",
        _read,
        _output,
    ),
    Form(
        "flax.nnx.ConvTranspose",
        ("nnx.ConvTranspose", "flax.experimental.nnx.ConvTranspose"),
        "layer",
        None,
        _NNX,
        "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/linear.html",
        _read,
    ),
)
