"""Keras 3: ``keras.ops.conv_transpose``.

https://keras.io/api/ops/nn/#conv_transpose-function
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.keras_layers.crops import chosen_crop
from harness.convention.spoken import Layout, Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.frameworks.keras.backends import TORCH, Backend

_GROUPS: Final = "Keras's transposed convolutions take no groups: split and concatenated."


def render(
    operator: Operator,
    dtype: str,
    documented: bool,
    _device: Device,
    *,
    backend: Backend = TORCH,
) -> Program:
    """Write an operator as a program."""
    # https://github.com/tensorflow/tensorflow/issues/69103
    is_refused = backend.is_tensorflow and dtype != "float32" and max(operator.dilation) > 1
    zeros = (
        f"TensorFlow refuses dilations > 1 in {dtype} on a CPU: the kernel gets the zeros written "
        "in."
        if is_refused and not documented
        else None
    )
    spelled = text.undilated(operator) if zeros else operator
    options, split = _spelled(spelled, backend)
    names = {name: f"{name}_" for name in text.inputs_of(operator)}
    weights = "w_dilated" if zeros else "w"
    dw = "np.moveaxis(keras.ops.convert_to_numpy(dw_), (-1, -2), (0, 1))"
    return program(
        backend,
        {
            "x": "np.moveaxis(x, 1, -1)",
            "w": f"np.moveaxis({weights}, (0, 1), (-1, -2))",
            **({"b": "b"} if operator.bias else {}),
        },
        text.lines(
            _conv_transpose(spelled, options),
            added_bias(split) if split.own_bias else None,
            after(split),
        ),
        names,
        before=text.zero_inserted(operator) if zeros else None,
        dw=text.zeros_removed(operator, dw) if zeros else dw,
        reason=" ".join(text.because(zeros, _rewriting(split))) or None,
    )


def program(
    backend: Backend,
    arrays: Mapping[str, str],
    call: str,
    leaves: Mapping[str, str],
    *,
    reason: str | None,
    before: str | None = None,
    layer: str = "",
    of_variables: str | None = None,
    dw: str = "np.moveaxis(keras.ops.convert_to_numpy(dw_), (-1, -2), (0, 1))",
    setup: str = "",
    training: str = "",
) -> Program:
    """Make the program of a call that takes ``arrays`` and is differentiated by ``leaves``.

    ``of_variables`` is the call to differentiate where it is written in another way.
    """
    made = {name: (backend.array(a), backend.array(a, is_leaf=True)) for name, a in arrays.items()}
    dy = backend.array("np.moveaxis(dy, 1, -1)")
    return Program(
        setup=text.lines(
            "import os",
            f'os.environ["KERAS_BACKEND"] = "{backend.name}"',
            "import keras",
            "import numpy as np",
            backend.imports,
            setup,
        ),
        reason=reason,
        forward=Section(
            text.lines(before, *(f"{name}_ = {plain}" for name, (plain, _) in made.items())),
            text.lines(layer, call, backend.waits("y_")),
            "y = np.moveaxis(keras.ops.convert_to_numpy(y_), -1, 1)",
        ),
        gradient=Section(
            text.lines(
                before,
                *(f"{name}_ = {leaf}" for name, (_, leaf) in made.items()),
                f"dy_ = {dy}",
            ),
            text.lines(
                layer,
                backend.differentiated(
                    of_variables or call, leaves, [f"{name}_" for name in arrays]
                ),
            ),
            text.lines(
                "dx = np.moveaxis(keras.ops.convert_to_numpy(dx_), -1, 1)",
                f"dw = {dw}",
                "db = keras.ops.convert_to_numpy(db_)" if "b" in leaves else None,
            ),
        ),
        training=training,
    )


def after(split: text.CropSplit) -> str:
    """Write the lines after the call for what is left of the crop."""
    return split.after(
        f"y_ = keras.ops.pad(y_, {[(0, 0), *text.extended(split.rest), (0, 0)]})",
        added_bias(split),
        channels_last=True,
    )


def added_bias(split: text.CropSplit) -> str:
    """Write the line that adds the bias, along the last axis."""
    shape = text.tuple_of((*(1,) * (split.operator.rank + 1), -1))
    return f"y_ = y_ + keras.ops.reshape(b_, {shape})"


def _spelled(operator: Operator, backend: Backend) -> tuple[dict[str, str | None], text.CropSplit]:
    """Return the arguments after the arrays, and what is left of the crop."""
    padding, extra, rest = chosen_crop(operator, on_tensorflow=backend.is_tensorflow)
    options = {
        "strides": text.per_axis(operator.stride, default=1),
        "padding": padding,
        "output_padding": None if extra is None else text.per_axis(extra),
        "dilation_rate": text.per_axis(operator.dilation, default=1),
    }
    return options, text.CropSplit(operator, rest)


def _rewriting(split: text.CropSplit) -> str | None:
    operator = split.operator
    cropped = (
        f"crop {operator.crop} is none that padding and output_padding give: sliced or padded."
    )
    reasons = text.because(
        _GROUPS if operator.groups != 1 else None, cropped if split.has_rest else None
    )
    return " ".join(reasons) or None


def _conv_transpose(operator: Operator, options: Mapping[str, str | None]) -> str:
    written = text.arguments(**options)
    if operator.groups == 1:
        return f"y_ = keras.ops.conv_transpose(x_, w_{written})"
    return text.lines(
        f"x_groups = keras.ops.split(x_, {operator.groups}, axis=-1)",
        f"w_groups = keras.ops.split(w_, {operator.groups}, axis=-1)",
        "y_ = keras.ops.concatenate([",
        f"    keras.ops.conv_transpose(x_group, w_group{written})",
        "    for x_group, w_group in zip(x_groups, w_groups)",
        "], axis=-1)",
    )


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the arguments of ``keras.ops.conv_transpose`` after the arrays."""
    padding, extra, rest = chosen_crop(operator, on_tensorflow=False)
    split = text.CropSplit(operator, rest)
    spatial = range(2, 2 + operator.rank)
    return Spoken(
        split,
        {
            "strides": text.tuple_of(operator.stride),
            "padding": padding or '"valid"',
            "output_padding": "None" if extra is None else text.tuple_of(extra),
            "dilation_rate": text.tuple_of(operator.dilation),
        },
        reason=_rewriting(split),
        no_bias="",
        layout=Layout.of((0, *spatial, 1), (*spatial, 1, 0)),
        calls=max(operator.groups, 1),
    )
