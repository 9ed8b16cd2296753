"""Chainer's calls: the parameters of its functions and links, and their meaning.

https://docs.chainer.org/en/stable/reference/generated/chainer.functions.deconvolution_2d.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, Pairs
from harness.convention.assumptions import bias_notes
from harness.convention.initializers import assigned_value, read_initializers
from harness.convention.reading import Reading
from harness.convention.signature import REQUIRED, Parameter, Style
from harness.convention.values import integer, shown
from harness.core.operators import Sizes, axis_name
from harness.core.training import SILENT, Training
from harness.frameworks.chainer.training import read_initializer

_STRIDE: Final = Parameter("stride", "stride", 1)
_PAD: Final = Parameter(
    "pad",
    "crop at both ends of each axis",
    0,
    pitfall="It removes output. A negative one gives garbage silently, and is refused here.",
)
_OUTSIZE: Final = Parameter(
    "outsize",
    "size of the output, less than a stride away from the natural one either way, at the end of "
    "each axis: crop (pad, pad - (outsize - natural))",
    None,
    pitfall="The backward pass fails where it grows one axis and shrinks another.",
)
_REFUSED: Final = Parameter(
    "deterministic", "refused since Chainer 2, which has a configuration for it", None, keyword=True
)


def _of_chainer_1(name: str, meaning: str, default: object) -> Parameter:
    meaning = f"{meaning}; Chainer 2 refuses it"
    return Parameter(name, meaning, default, ignored=True, keyword=True)


_USE_CUDNN: Final = _of_chainer_1("use_cudnn", "whether Chainer 1 used cuDNN", True)


def _late(rank: int | None) -> tuple[Parameter, Parameter]:
    """The parameters that were added last, in two dimensions by keyword only."""
    return (
        Parameter("dilate", "dilation", 1, keyword=rank == 2),
        Parameter("groups", "groups", 1, keyword=rank == 2),
    )


def _function_parameters(rank: int | None) -> tuple[Parameter, ...]:
    return (
        Parameter("x", "x, NCHW"),
        Parameter("W", "w, IOHW: (c_in, c_out // groups, *kernel)"),
        Parameter("b", "b; None is no bias", None),
        _STRIDE,
        _PAD,
        _OUTSIZE,
        *_late(rank),
        _REFUSED,
        _USE_CUDNN,
    )


def _link_parameters(rank: int | None) -> tuple[Parameter, ...]:
    return (
        *((Parameter("ndim", "the number of spatial axes"),) if rank is None else ()),
        Parameter(
            "in_channels", "input channels; None leaves them to the input", role="in_channels"
        ),
        Parameter("out_channels", "output channels", role="out_channels"),
        Parameter(
            "ksize",
            "kernel",
            REQUIRED if rank in {1, 3} else None,
            pitfall="Without it the two numbers before it are out_channels and ksize.",
            role="kernel",
        ),
        _STRIDE,
        _PAD,
        Parameter("nobias", "whether there is no bias", False, assumable=True),
        _OUTSIZE,
        Parameter("initialW", "how w is drawn, or w; None is LeCunNormal()", None),
        Parameter("initial_bias", "how b is drawn, or b; None is 0", None),
        *_late(rank),
        _REFUSED,
        _USE_CUDNN,
        _of_chainer_1("wscale", "factor of Chainer 1's initial weights", 1),
        _of_chainer_1("bias", "Chainer 1's initial bias", 0),
    )


def _read_function(given: Arguments) -> Reading:
    _check_deterministic(given)
    given = _with_input(given.with_input_in_text())
    groups = given.integer("groups")
    weight = given.array_shape("W")
    in_part = () if weight else given.array_shape_in_part("W")
    complete = given.channels_and_kernel(None, None, None, groups, weight, in_part)
    return _read_geometry(given, complete, (*bias_notes(given, "b"),), bias=given.has("b"))


def _read_link(given: Arguments) -> Reading:
    _check_deterministic(given)
    if given.form.rank is None:
        rank = given.integer("ndim")
        given = replace(given, form=replace(given.form, rank=rank))
    given = given.with_input_in_text()
    names: tuple[str | None, str, str] = ("in_channels", "out_channels", "ksize")
    if given.value("ksize") is None:
        # L.Deconvolution2D(64, 4) leaves in_channels out.
        names = (None, "in_channels", "out_channels")
    inputs, outputs, kernel = names
    if given.value(outputs) is None or given.value(kernel) is None:
        raise given.error(
            f"{given.form.name} needs out_channels and ksize: without a third size the first two "
            "are these."
        )
    # Checked before open sizes, to refuse the layer of Keras 1 of the same name first.
    for name, least in (("stride", 1), ("pad", 0), ("dilate", 1)):
        _sizes(given, name, given.form.rank or 2, least)
    complete = given.channels_and_kernel(
        given.open_integer(inputs) if inputs else None,
        given.open_integer(outputs),
        None if given.is_open(kernel) else _sizes(given, kernel, given.form.rank or 2, 1),
        given.integer("groups"),
        given.array_shape("initialW"),
    )
    training, notes = _read_training(given)
    has_bias = not given.flag("nobias")
    return _read_geometry(given, complete, notes, bias=has_bias, training=training)


def _check_deterministic(given: Arguments) -> None:
    if "deterministic" in given.given:
        raise given.error(
            "deterministic argument is not supported anymore since Chainer 2. Instead, use "
            "chainer.using_config('cudnn_deterministic', value), where value is True or False.",
            "deterministic",
        )


def _read_geometry(
    given: Arguments,
    complete: tuple[int, int, Sizes],
    notes: tuple[str, ...],
    *,
    bias: bool,
    training: Training = SILENT,
) -> Reading:
    rank = len(complete[2])
    pad = _sizes(given, "pad", rank, 0)
    reading = given.reading(
        complete,
        stride=_sizes(given, "stride", rank, 1),
        dilation=_sizes(given, "dilate", rank, 1),
        groups=given.integer("groups"),
        bias=bias,
        training=training,
        notes=(*notes, *_configuration(given)),
    )
    natural = tuple((p, p) for p in pad)
    # Of sizes less than the stride away from the natural one, a stride of 1 leaves that alone.
    is_natural = reading.input is None and set(reading.operator.stride) == {1}
    if given.has("outsize") and not is_natural:
        return _with_outsize(given, reading, natural)
    reading = given.cropped(reading, natural)
    size = reading.operator.out_size(reading.input[2:]) if reading.input else ()
    if 0 in size:
        raise given.error(
            f"output {axis_name(size.index(0), rank)} would be 0, which Chainer refuses: its "
            "natural size must be positive."
        )
    return reading


def _sizes(given: Arguments, name: str, rank: int, least: int) -> Sizes:
    takes = f"Chainer takes one integer, or a tuple of {rank}"
    return given.per_axis(name, rank, least=least, takes=takes)


def _with_outsize(given: Arguments, reading: Reading, natural: Pairs) -> Reading:
    """Read the crop from outsize: it differs from the natural size at the end.

    https://github.com/chainer/chainer/blob/v7.8.1/chainer/utils/conv.py (get_conv_outsize)
    """
    rank, in_size = len(natural), given.in_size("outsize")
    operator = replace(reading.operator, crop=natural)
    value = _with_input(given).value("outsize")
    if not isinstance(value, tuple) or len(value) != rank:
        raise given.error(
            f"outsize {shown(value)}: Chainer takes a tuple of as many integers as there are "
            f"spatial axes, {rank}.",
            "outsize",
        )
    sizes = operator.out_size(in_size)
    column = given.given["outsize"].column
    growth = []
    for axis, (asked, size, stride) in enumerate(zip(value, sizes, operator.stride, strict=True)):
        # The two-dimensional function takes None for the natural size.
        wanted = size if asked is None and rank == 2 else integer("outsize", asked, column)
        if wanted < 0 or abs(wanted - size) >= stride:
            raise given.error(
                f"outsize {shown(value)}: {axis_name(axis, rank)} {wanted} is not less than the "
                f"stride {stride} away from the natural size {size}, so Chainer refuses it; this "
                f"input allows {max(0, size - stride + 1)} to {size + stride - 1}.",
                "outsize",
            )
        growth.append(wanted - size)
    crop = tuple((pad, pad - more) for (pad, _), more in zip(natural, growth, strict=True))
    note = "outsize grows one axis and shrinks another: Chainer's backward pass fails."
    return given.cropped(reading, crop, *((note,) if min(growth) < 0 < max(growth) else ()))


def _with_input(given: Arguments) -> Arguments:
    """Compute ``x.shape[2] * 2``; a link's ``x`` is its argument when it is called."""
    shape = given.supplied.input
    if shape is None:
        return given
    if given.form.style == "layer":
        applied = {"x": given.application[0]} if given.application else {}
        given = replace(given, given={**given.given, **applied})
    return given.with_shapes({"x": shape})


_CONFIGURATION: Final = {
    "autotune": "cuDNN tries its algorithms and keeps the fastest",
    "cudnn_deterministic": "cuDNN uses a deterministic algorithm",
    "deterministic": "cuDNN uses a deterministic algorithm",
    "use_cudnn": "when cuDNN is used",
    "use_cudnn_tensor_core": "when cuDNN uses tensor cores",
    "use_ideep": "when iDeep is used on a CPU",
}


def _configuration(given: Arguments) -> Iterator[str]:
    """Note the configuration that the text sets around the call."""
    named = [
        call.arguments[0].value
        for _, call in given.site.code.naming("using_config")
        if call.arguments
    ]
    assigned = [
        target.rpartition(".")[2]
        for target in given.assigned
        if "config." in target
        and target.rpartition(".")[0].split(".")[-1] in {"config", "global_config"}
    ]
    for setting in dict.fromkeys([*named, *assigned]):
        if isinstance(setting, str) and setting in _CONFIGURATION:
            yield f"configuration {setting}: {_CONFIGURATION[setting]}; not part of the operator."


def _read_training(given: Arguments) -> tuple[Training, tuple[str, ...]]:
    names = ("initialW", "initial_bias")
    for name in names:
        value = given.value(name)
        if isinstance(assigned_value(value, given.assigned), str):
            takes = "Chainer takes an initialiser, an array or a number"
            raise given.error(f"{name} {shown(value)}: {takes}.", name)
    refusal = "Chainer refuses it, since a vector has no fans"
    return read_initializers(given, refusal, names, read_initializer)


_DOCS: Final = "https://docs.chainer.org/en/stable/reference/generated/"


def _form(
    name: str,
    style: Style,
    rank: int | None,
    parameters: tuple[Parameter, ...],
    read: Callable[[Arguments], Reading],
) -> Form:
    module, short = ("functions", "F") if style == "function" else ("links", "L")
    return Form(
        f"chainer.{module}.{name}",
        (f"{short}.{name}", f"chainer.{short}.{name}"),
        style,
        rank,
        parameters,
        f"{_DOCS}chainer.{module}.{name}.html",
        read,
    )


def _forms(rank: int | None) -> Iterator[Form]:
    suffix = f"{rank}d" if rank else "nd"
    function, link = f"deconvolution_{suffix}", f"Deconvolution{suffix.upper()}"
    yield _form(link, "layer", rank, _link_parameters(rank), _read_link)
    yield _form(function, "function", rank, _function_parameters(rank), _read_function)


FORMS: Final = tuple(form for rank in (2, 1, 3, None) for form in _forms(rank))
