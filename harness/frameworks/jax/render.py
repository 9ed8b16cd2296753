"""JAX: ``jax.lax.conv_transpose``, and ``jax.lax.conv_general_dilated`` for groups.

https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.convention import text
from harness.convention.device import Device
from harness.convention.spoken import Layout, Spoken
from harness.core.operators import Operator
from harness.core.program import Program, Section
from harness.frameworks.jax.naming import name_of

_NO_GROUPS: Final = (
    "lax.conv_transpose has no groups: lax.conv_general_dilated convolves the dilated input with "
    "the flipped kernel of each group."
)
X64: Final = "JAX computes float64 as float32 unless jax_enable_x64 is set, as the text does."


def render(operator: Operator, dtype: str, documented: bool, _device: Device) -> Program:
    """Write an operator as a program, whose function is compiled as users' own are."""
    return _program(operator, dtype, documented=documented)


def render_named(operator: Operator, dtype: str, documented: bool, _device: Device) -> Program:
    """Write an operator as a program whose crop has a name, where it has one."""
    name = name_of(operator) if crop_defect(operator, dtype) is None else None
    return _program(operator, dtype, documented=documented, name=name)


def _program(
    operator: Operator, dtype: str, *, documented: bool, name: str | None = None
) -> Program:
    split, defect = crop_split(operator, "" if documented else dtype)
    grouped = operator.groups != 1
    names = ", ".join(f"{name}_" for name in text.inputs_of(operator))
    weights = _grouped_weights(operator) if grouped else ""
    definition = text.lines(
        "@jax.jit",
        f"def conv_transpose({names}):",
        text.indented(
            text.lines(
                f"y_ = {_grouped_call(split) if grouped else _call(split, name)}",
                after(split),
                f"return {_with_bias(operator)}" if split.own_bias else "return y_",
            )
        ),
    )
    to_native = text.lines(
        array("x", "np.moveaxis(x, 1, -1)"),
        weights,
        array("w", "w_" if grouped else "np.moveaxis(w, (0, 1), (-1, -2))"),
        array("b") if operator.bias else None,
        definition,
    )
    gradients = ", ".join(f"d{name}_" for name in text.inputs_of(operator))
    dw = "np.asarray(dw_)"
    return Program(
        setup=setup(dtype, "import jax", "import numpy as np", "from jax import lax"),
        reason=" ".join(text.because(_NO_GROUPS if grouped else None, defect)) or None,
        notes=notes(dtype),
        forward=Section(to_native, f"y_ = jax.block_until_ready(conv_transpose({names}))", RESULT),
        gradient=Section(
            text.lines(
                to_native,
                array("dy", "np.moveaxis(dy, 1, -1)"),
                "@jax.jit",
                f"def gradients({names}, dy_):",
                text.indented(
                    f"y_, pull = jax.vjp(conv_transpose, {names})\nreturn pull(dy_)",
                ),
            ),
            f"{gradients} = jax.block_until_ready(gradients({names}, dy_))",
            text.lines(
                "dx = np.moveaxis(np.asarray(dx_), -1, 1)",
                f"dw = {_ungrouped(operator, dw) if grouped else from_kernel(dw)}",
                "db = np.asarray(db_)" if operator.bias else None,
            ),
        ),
        weights=weights,
        definition=definition,
        # What is compiled returns no y, and so computes none.
        gradient_alone=True,
    )


RESULT: Final = "y = np.moveaxis(np.asarray(y_), -1, 1)"


def from_kernel(dw: str) -> str:
    """Write the way from HWOI back to ours."""
    return f"np.moveaxis({dw}, (-1, -2), (0, 1))"


def setup(dtype: str, *imports: str) -> str:
    """Write the imports, and what a dtype needs."""
    x64 = 'jax.config.update("jax_enable_x64", True)' if dtype == "float64" else None
    return text.lines(*imports, x64)


def notes(dtype: str) -> tuple[str, ...]:
    """Note what a reader must know of a dtype."""
    return (X64,) if dtype == "float64" else ()


def array(name: str, source: str = "") -> str:
    """Write the line that hands an array of NumPy's to JAX.

    jax.numpy.asarray would compile a program for each shape.
    """
    return f"{name}_ = jax.device_put({source or name})"


def crop_defect(operator: Operator, dtype: str) -> str | None:
    """Why a crop is not given to XLA's convolution for the CPU, if it must not be.

    Neither y nor gradients may be wrong, whatever the input's size.
    """
    axes = list(
        zip(operator.kernel, operator.stride, operator.dilation, operator.crop, strict=True)
    )
    # Where a window of 2 slides over an axis that is dilated by 2 and not padded, and another axis'
    # window is longer than its input, XLA ends the process: "Window dimensions do not match RHS
    # shape" in its algebraic_simplifier.cc.  The window is the kernel, or of dw the output.
    for kernel, stride, dilation, crop in axes:
        whole = dilation * (kernel - 1)
        if operator.rank > 1 and stride == 2 and crop == (whole, whole) and whole % 2:
            return (
                f"XLA ends the process for some input sizes where crop {operator.crop} is an "
                "argument: all is computed, and sliced."
            )
    # https://github.com/openxla/xla/issues/48713
    if dtype != "float64" and any(
        (stride == 1 and _reads_beyond(d * (k - 1) - crop[0], d * (k - 1) - crop[1]))
        or (d == 1 and _reads_beyond(*crop))
        for k, stride, d, crop in axes
    ):
        return (
            f"XLA reads foreign memory where crop {operator.crop} is an argument, in the output or "
            "a gradient: all is computed, and sliced or padded."
        )
    return None


def _reads_beyond(low: int, high: int) -> bool:
    """Whether XLA's convolution is wrong with these paddings of an axis that it does not dilate."""
    return low < 0 < high <= -low


def crop_split(operator: Operator, dtype: str) -> tuple[text.CropSplit, str | None]:
    """Divide a crop between the call and the lines after it, all of it in one, and say why.

    Without a dtype the call gets it, whatever XLA computes.
    """
    defect = crop_defect(operator, dtype) if dtype else None
    rest = operator.crop if defect else ((0, 0),) * operator.rank
    return text.CropSplit(operator, rest), defect


def in_call(split: text.CropSplit) -> text.Crops:
    """Return the crop that the call removes."""
    none = ((0, 0),) * split.operator.rank
    return none if split.has_rest else split.operator.crop


def after(split: text.CropSplit) -> str:
    """Write the lines after the call for what is left of the crop."""
    widths = [(0, 0), *text.extended(split.rest), (0, 0)]
    late_bias = f"y_ = {_with_bias(split.operator)}"
    return split.after(f"y_ = jax.numpy.pad(y_, {widths})", late_bias, channels_last=True)


def _with_bias(operator: Operator) -> str:
    # What is added without its axes may be another output, such as a residual connection's.
    return f"y_ + b_.reshape({'1, ' * (operator.rank + 1)}-1)"


def raw_padding(split: text.CropSplit) -> list[tuple[int, int]]:
    """Return what is laid around the dilated input, which is what flax takes.

    >>> operator = Operator.of(1, 1, (3, 2), crop=((1, 0), (0, -1)))
    >>> raw_padding(text.CropSplit(operator, ((0, 0), (0, 0))))
    [(1, 2), (1, 2)]
    """
    effective = split.operator.effective_kernel
    pairs = zip(effective, in_call(split), strict=True)
    return [(extent - 1 - begin, extent - 1 - end) for extent, (begin, end) in pairs]


def _words(split: text.CropSplit) -> dict[str, str | None]:
    operator = split.operator
    return {
        "strides": text.tuple_of(operator.stride),
        "padding": text.tuple_of(in_call(split)),
        "rhs_dilation": text.tuple_of(operator.dilation),
        "transpose_kernel": "True",
        "use_consistent_padding": "True",
    }


def _call(split: text.CropSplit, name: str | None) -> str:
    words = _words(split)
    if name is not None:
        words |= {"padding": f'"{name}"', "use_consistent_padding": None}
    if set(split.operator.dilation) == {1}:
        words["rhs_dilation"] = None
    return f"lax.conv_transpose(x_, w_{text.arguments(**words)})"


def _grouped_call(split: text.CropSplit) -> str:
    operator = split.operator
    letters = "DHW"[3 - operator.rank :]
    layout = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    options = text.arguments(
        window_strides=text.tuple_of((1,) * operator.rank),
        padding=text.tuple_of(raw_padding(split)),
        lhs_dilation=text.tuple_of(operator.stride),
        rhs_dilation=text.tuple_of(operator.dilation) if set(operator.dilation) != {1} else None,
        dimension_numbers=str(layout).replace("'", '"'),
        feature_group_count=str(operator.groups),
    )
    return f"lax.conv_general_dilated(x_, w_{options})"


def _grouped_weights(operator: Operator) -> str:
    """Write the kernel of a forward convolution: flipped, its groups along the output channels."""
    rank = operator.rank
    flipped = f"np.flip(w, {text.tuple_of(range(2, 2 + rank))})"
    if not _has_legal_groups(operator):
        return f"w_ = np.moveaxis({flipped}, (0, 1), (-2, -1))"
    groups, ins = operator.groups, operator.in_channels // operator.groups
    outs = operator.out_channels // groups
    apart = text.tuple_of((groups, ins, outs, *operator.kernel))
    axes = text.tuple_of((*range(3, 3 + rank), 1, 0, 2))
    whole = text.tuple_of((*operator.kernel, ins, operator.out_channels))
    return f"w_ = {flipped}.reshape({apart[1:-1]}).transpose({axes[1:-1]}).reshape({whole[1:-1]})"


def _ungrouped(operator: Operator, dw: str) -> str:
    """Write the way back, for the gradient."""
    rank = operator.rank
    spatial = text.tuple_of(range(2, 2 + rank))
    if not _has_legal_groups(operator):
        return f"np.flip(np.moveaxis({dw}, (-2, -1), (0, 1)), {spatial})"
    groups, ins = operator.groups, operator.in_channels // operator.groups
    outs = operator.out_channels // groups
    apart = ", ".join(map(str, (*operator.kernel, ins, groups, outs)))
    axes = ", ".join(map(str, (rank + 1, rank, rank + 2, *range(rank))))
    whole = ", ".join(map(str, operator.weight_shape))
    return f"np.flip({dw}.reshape({apart}).transpose({axes}).reshape({whole}), {spatial})"


def _has_legal_groups(operator: Operator) -> bool:
    groups = operator.groups
    return groups > 0 and not (operator.in_channels % groups or operator.out_channels % groups)


def spoken(operator: Operator, dtype: str) -> Spoken:
    """Write the arguments of ``jax.lax.conv_transpose`` after the arrays.

    What XLA computes of them is another matter.
    """
    del dtype
    split, _ = crop_split(operator, "")
    spatial = range(2, 2 + operator.rank)
    words: Mapping[str, str | None] = _words(split)
    return Spoken(
        split,
        {name: value for name, value in words.items() if value is not None},
        reason="lax.conv_transpose has no groups: split and concatenated."
        if operator.groups != 1
        else None,
        no_bias="",
        layout=Layout.of((0, *spatial, 1), (*spatial, 1, 0)),
        calls=max(operator.groups, 1),
    )
