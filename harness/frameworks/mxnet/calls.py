"""MXNet's calls: the parameters of ``Deconvolution`` and Gluon's layers, and their meaning.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/legacy/ndarray/ndarray.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from harness.convention.arguments import Arguments, Form, output_crop
from harness.convention.assumptions import bias_notes
from harness.convention.initializers import assigned_value, read_initializers
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.convention.values import (
    comma,
    integers,
    shown,
    to_channels_first,
    unknown,
)
from harness.core.errors import Ask, asked
from harness.core.named_number import Named
from harness.core.operators import Operator, Sizes
from harness.core.training import Training
from harness.frameworks.mxnet.training import read_initializer
from harness.syntax.tree import (
    Call,
    Name,
    SnippetError,
    UnknownValueError,
    Value,
    last_name,
)

_OPERATOR: Final = (
    Parameter("data", "x, NCHW", None),
    Parameter("weight", "w, IOHW: (c_in, num_filter // num_group, *kernel)", None),
    Parameter("bias", "b, where no_bias is False", None),
    Parameter(
        "kernel",
        "kernel; how many numbers it has is the number of spatial axes",
        pitfall="kernel=3 is a kernel of one axis.",
        role="kernel",
    ),
    Parameter(
        "stride", "stride; () is 1", (), pitfall="One number per axis: stride=2 serves 1-D only."
    ),
    Parameter(
        "dilate",
        "dilation; () is 1",
        (),
        pitfall="Refused with three axes; with stride > 1 silently wrong in float64 on a CPU.",
    ),
    Parameter(
        "pad",
        "crop at both ends of each axis; () is 0",
        (),
        pitfall="It removes output, and target_shape replaces it.",
    ),
    Parameter(
        "adj",
        "given back at the end of each axis: crop (pad, pad - adj); () is 0",
        (),
        pitfall="Less than the stride, else refused.",
    ),
    Parameter(
        "target_shape",
        "spatial size of the output, in place of pad and adj: crop (ceil(t/2), floor(t/2)) "
        "where t = full size - target",
        (),
        pitfall="In float32 on a CPU (oneDNN) pad is used all the same.",
    ),
    Parameter("num_filter", "output channels", role="out_channels"),
    Parameter("num_group", "groups", 1),
    Parameter("workspace", "the memory in MB that may be used", 512, ignored=True),
    Parameter(
        "no_bias",
        "whether there is no bias",
        True,
        pitfall="A bias without no_bias=False is refused.",
    ),
    Parameter("cudnn_tune", "how cuDNN's algorithm is chosen", None, ignored=True, assumable=True),
    Parameter("cudnn_off", "whether cuDNN is not used", False, ignored=True),
    Parameter(
        "layout",
        "layout of data and output; NHWC has the weights as "
        "(c_in, *kernel, num_filter // num_group)",
        None,
        pitfall="Channels-last on a GPU only.",
        assumable=True,
    ),
    Parameter("out", "the array for the result", None, keyword=True, ignored=True),
    naming("symbol", keyword=True),
    Parameter("attr", "attributes of the symbol", None, keyword=True, ignored=True),
)
_PER_AXIS: Final = ("stride", "dilate", "pad", "adj", "target_shape")
_USUAL_RANK: Final = 2
_LIKE: Final = ("Convolution", "Pooling", "Deconvolution", "Convolution_v1", "Pooling_v1")
_TUNING: Final = (None, "fastest", "limited_workspace", "off")
_LAYOUTS: Final = {1: ("NCW",), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


def unquoted(value: Value) -> Value:
    """Return what a string stands for: symbols that are saved as JSON hold nothing else.

    >>> unquoted("(2L, 2L)"), unquoted("True"), unquoted("NCHW")
    ((2, 2), True, 'NCHW')
    """
    text = value.strip() if isinstance(value, str) else ""
    if text in {"None", "()", "[]"}:
        return None if text == "None" else ()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if re.fullmatch(r"\+?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[(\[]\s*\d{1,18}L?\s*(,\s*\d{1,18}L?\s*)*,?\s*[)\]]", text):
        return tuple(map(int, re.findall(r"\d+", text)))
    return value


def _with_values(given: Arguments) -> Arguments:
    """Read quoted values; refuse ``None`` where MXNet does."""
    arguments = {
        name: replace(argument, value=unquoted(argument.value))
        for name, argument in given.given.items()
    }
    for name in ("stride", "dilate", "pad", "adj"):
        if name in arguments and arguments[name].value is None:
            raise given.error(f"{name} is None, which MXNet refuses: leave it out.", name)
    return replace(given, given=arguments)


def _read_operator(given: Arguments) -> Reading:
    given = _with_values(given)
    no_bias = given.flag("no_bias")
    if no_bias and given.has("bias"):
        # https://github.com/apache/mxnet/issues/7461
        raise given.error(
            "there is a bias, but no_bias is True, which is its default: MXNet refuses it "
            '("Operator Deconvolution expects 2 inputs, but got 3 instead"). Add no_bias=False.',
            "bias",
        )
    return _read_deconvolution(given, bias=not no_bias)


def _read_numpy_extension(given: Arguments) -> Reading:
    given = _with_values(given)
    if "no_bias" in given.given or not given.has("bias"):
        return _read_operator(given)
    reading = _read_deconvolution(given, bias=True)
    note = "MXNet 1 needs no_bias=False where there is a bias; from MXNet 2 it is the default."
    return replace(reading, notes=(*reading.notes, note, *bias_notes(given, "bias")))


def _read_deconvolution(given: Arguments, *, bias: bool) -> Reading:
    tuning = given.value("cudnn_tune")
    if tuning not in _TUNING:
        raise given.error(
            f"cudnn_tune {shown(tuning)}: MXNet takes None, 'fastest', 'limited_workspace' or "
            "'off'.",
            "cudnn_tune",
        )
    last = str(given.value("layout")).endswith("C")
    given = given.with_input_in_text(channels_last=last)
    if given.supplied.input:
        n, c, *size = given.supplied.input
        given = given.with_shapes({"data": (n, *size, c) if last else (n, c, *size)})
    groups = given.integer("num_group")
    lone, _ = given.value("kernel"), given.value("num_filter")  # Neither has a default.
    weight = given.array_shape("weight")
    if weight and last:
        weight = to_channels_first(weight)
    if isinstance(lone, Name | Call) and not (weight or given.supplied.weight):
        raise _unknown_per_axis("kernel", lone, _shown_rank(given) or _USUAL_RANK)
    kernel = None if given.is_open("kernel") else _whole(given, "kernel", None, 1)
    complete = given.channels_and_kernel(
        None, given.open_integer("num_filter"), kernel, groups, weight
    )
    rank = len(complete[2])
    training, notes = _read_variables(given)
    notes = (*_rank_notes(given), *_layout_notes(given, rank), *notes)
    dilation = _whole(given, "dilate", rank, 1)
    reading = given.reading(
        complete,
        stride=_whole(given, "stride", rank, 1),
        dilation=dilation,
        crop=None,
        groups=groups,
        bias=bias,
        training=training,
        notes=notes,
        channels_last=last,
    )
    target = given.value("target_shape")
    if target is not None and any(_whole(given, "target_shape", rank, 0)):
        return _with_target(given, reading, dilation)
    pad, adj = _whole(given, "pad", rank, 0), _whole(given, "adj", rank, 0)
    return _cropped(given, reading, dilation, pad, adj)


def _whole(given: Arguments, name: str, rank: int | None, least: int) -> Sizes:
    """One integer for each axis, as the operator takes them."""
    value = given.value(name)
    if value in ((), None) and rank is not None:
        return (least,) * rank
    if isinstance(value, Name | Call):
        raise _unknown_per_axis(name, value, rank or _USUAL_RANK)
    column = given.given[name].column if name in given.given else given.call.column
    sizes = integers(name, value, column)
    if rank is not None and len(sizes) != rank:
        raise given.error(
            f"{name} {shown(value)} has {len(sizes)} number{'s' * (len(sizes) > 1)} and the kernel "
            f"{rank}: MXNet takes as many of them as the kernel has.",
            name,
        )
    if not sizes or min(sizes) < least:
        raise given.error(f"{name} {list(sizes)} must be at least {least} on every axis.", name)
    return sizes


def _shown_rank(given: Arguments) -> int | None:
    """Return how many spatial axes other arguments have, or the layers next to it."""
    if shape := given.supplied.input:
        return len(shape) - 2
    written = given.written  # Without numbers for names
    sequences = (written[name].value for name in _PER_AXIS if name in written)
    if lengths := [len(each) for each in sequences if isinstance(each, tuple) and each]:
        return lengths[0]
    layout = given.value("layout")
    of_layout = next((rank for rank, known in _LAYOUTS.items() if layout in known), None)
    return of_layout or _rank_of_others(given)


def _rank_of_others(given: Arguments) -> int | None:
    """How many axes all other layers of the text have whose kernel it shows."""
    others = (call for _, call in given.site.code.naming(*_LIKE) if call is not given.call)
    kernels = (unquoted(call.named.get("kernel")) for call in others)
    ranks = {len(each) for each in kernels if isinstance(each, tuple)}
    ranks |= {int(rank) for rank in _LAYOUTS if given.site.code.naming(f"Conv{rank}D")}
    return ranks.pop() if len(ranks) == 1 else None


def _rank_notes(given: Arguments) -> list[str]:
    """Note that the number of axes is the usual one, which nothing in the text shows."""
    value = given.written["kernel"].value
    sizes = given.value("kernel")
    is_named = isinstance(sizes, tuple) and any(isinstance(each, Named) for each in sizes)
    if not isinstance(value, Name) or not is_named or _shown_rank(given):
        return []
    request = asked(Ask.WEIGHT_SHAPE, (64, 32, 4), "give") + " with your weights' shape."
    return [f"kernel {value.text}: taken for one of two axes. For another number, " + request]


def _unknown_per_axis(name: str, value: Name | Call, rank: int) -> SnippetError:
    """Return the error for a value that the text does not hold, of one number for each axis."""
    fact = unknown(name, value, "the numbers")
    return UnknownValueError(fact, value.column, name, value, axes=rank)


def _with_target(given: Arguments, reading: Reading, dilation: Sizes) -> Reading:
    """Read the crop from target_shape: the odd element goes from the beginning.

    https://github.com/apache/mxnet/blob/v1.9.x/src/operator/nn/deconvolution-inl.h (InferPad)
    """
    operator = reading.operator
    target = _whole(given, "target_shape", operator.rank, 1)
    given, notes = _with_usual_input(given, operator, target)
    in_size = given.in_size("target_shape")
    crop = output_crop(given, operator, target, lambda _, total: (total + 1) // 2)
    if any(end < 0 for _, end in crop):
        raise given.error(
            f"target_shape {list(target)} is more than the full size "
            f'{list(operator.full_size(in_size))}: MXNet refuses it ("too big target shape").',
            "target_shape",
        )
    pad = tuple(begin for begin, _ in crop)
    adj = tuple(begin - end for begin, end in crop)
    note = (
        f"target_shape: read as documented, pad {comma(pad)} and adj {comma(adj)}; MXNet 1.9.1 in "
        "float32 on a CPU (oneDNN) keeps the pad of the call, and refuses it or crops otherwise."
    )
    notes += [note] if pad != _whole(given, "pad", operator.rank, 0) else []
    return _cropped(given, reading, dilation, pad, adj, *notes, asked_by="target_shape")


def _with_usual_input(
    given: Arguments, operator: Operator, target: Sizes
) -> tuple[Arguments, list[str]]:
    """Add the input whose size times the stride is the target, where nothing says what comes in."""
    stride = operator.stride
    is_usual = min(stride) > 1 and not any(t % s for t, s in zip(target, stride, strict=True))
    if given.supplied.input is not None or not is_usual:
        return given, []
    size = tuple(t // s for t, s in zip(target, stride, strict=True))
    channels = 64 if isinstance(operator.in_channels, Named) else operator.in_channels
    asks = asked(Ask.INPUT_SHAPE, (1, channels, *(n + 1 for n in size)), "give")
    note = f"target_shape {list(target)}: taken for in * stride, so for an input of {comma(size)}. "
    supplied = replace(given.supplied, input=(1, operator.in_channels, *size))
    return replace(given, supplied=supplied), [note + "For another one, " + asks + "."]


def _cropped(
    given: Arguments,
    reading: Reading,
    dilation: Sizes,
    pad: Sizes,
    adj: Sizes,
    *notes: str,
    asked_by: str = "adj",
) -> Reading:
    """Return the reading with its crop, unless MXNet refuses the call with its ``dilation``."""
    stride, kernel = reading.operator.stride, reading.operator.kernel
    if any(a >= s for a, s in zip(adj, stride, strict=True)):
        what = f"{asked_by} makes adj" if asked_by == "target_shape" else asked_by
        raise given.error(
            f"{what} {list(adj)}, which must be less than the stride {list(stride)} on every "
            "axis, else MXNet refuses it.",
            asked_by,
        )
    if len(kernel) == 3 and set(dilation) != {1}:
        raise given.error(
            f"dilation {list(dilation)}: MXNet refuses it with three spatial axes "
            '("Dilate is not supported in 3d deconvolution").'
        )
    if max(dilation) > 1 and max(stride) > 1 and max(kernel) > 1:
        wrong = "stride > 1 with dilate > 1 wrongly in float64 on a CPU (apache/mxnet#11629)"
        notes = (*notes, f"MXNet 1.9.1 computes {wrong}.")
    crop = tuple((p, p - a) for p, a in zip(pad, adj, strict=True))
    reading = given.cropped(reading, crop, *notes)
    return replace(reading, weights="IHWO") if reading.channels_last else reading


def _layout_notes(given: Arguments, rank: int) -> tuple[str, ...]:
    """Refuse a layout that MXNet does not know; note one that it computes on a GPU only."""
    layout = given.value("layout")
    known = _LAYOUTS.get(rank, ())
    # The operator takes None for channels first; Gluon's layers do not.
    if layout not in known and (layout is not None or given.form.style == "layer"):
        takes = " or ".join(known)
        raise given.error(
            f"layout {shown(layout)}: MXNet takes {takes} with {rank} spatial axes.", "layout"
        )
    is_last = str(layout).endswith("C")
    return (f"layout {shown(layout)}: MXNet 1.9.1 computes it on a GPU only.",) if is_last else ()


def _gluon_parameters(rank: int) -> tuple[Parameter, ...]:
    def alike(value: int) -> int | Sizes:
        return value if rank == 1 else (value,) * rank

    last = "".join(
        f"; {layout} has the weights as (in_channels, *kernel, channels // groups)"
        for layout in _LAYOUTS[rank][1:]
    )
    return (
        Parameter(
            "channels",
            "output channels",
            pitfall="They come first and the input channels last; PaddlePaddle's layer of this "
            "name begins with the input channels.",
            role="out_channels",
        ),
        Parameter("kernel_size", "kernel", role="kernel"),
        Parameter("strides", "stride", alike(1)),
        Parameter("padding", "crop at both ends of each axis", alike(0)),
        Parameter(
            "output_padding",
            "given back at the end of each axis: crop (padding, padding - output_padding)",
            alike(0),
            pitfall="Less than the stride, else refused when the layer is called.",
        ),
        Parameter("dilation", "dilation", alike(1), pitfall="Refused with three axes."),
        Parameter("groups", "groups", 1, pitfall="More than one needs in_channels."),
        Parameter("layout", f"layout of data and output{last}", _LAYOUTS[rank][0], assumable=True),
        Parameter("activation", "applied to the output; not part of the operator", None),
        Parameter("use_bias", "whether there is a bias", True, assumable=True),
        Parameter("weight_initializer", "how w is drawn; None is Uniform(0.07)", None),
        Parameter("bias_initializer", "how b is drawn", "zeros"),
        Parameter(
            "in_channels", "input channels; 0 leaves them to the input", 0, role="in_channels"
        ),
        Parameter("prefix", "prefix of the parameters' names", None, keyword=True, ignored=True),
        Parameter("params", "whose parameters are shared", None, keyword=True, ignored=True),
    )


def _read_gluon(given: Arguments) -> Reading:
    rank = given.form.rank or 2
    groups, inputs = given.integer("groups"), given.value("in_channels")
    if groups > 1 and inputs == 0:
        raise given.error(
            f"groups is {groups} and in_channels is not given: MXNet refuses the layer when it is "
            'called ("input num_filter must divide group size"). Add in_channels.',
            "groups",
        )
    # Checked before open sizes, to refuse another framework's layer of the same name first.
    layout_notes = _layout_notes(given, rank)
    given = given.with_input_in_text(channels_last=str(given.value("layout")).endswith("C"))
    stride, dilation, pad, adj = (
        _of_layer(given, name, rank, least)
        for name, least in (("strides", 1), ("dilation", 1), ("padding", 0), ("output_padding", 0))
    )
    complete = given.channels_and_kernel(
        None if inputs == 0 else given.open_integer("in_channels"),
        given.open_integer("channels"),
        None if given.is_open("kernel_size") else _of_layer(given, "kernel_size", rank, 1),
        groups,
    )
    names = ("weight_initializer", "bias_initializer")
    refusal = 'MXNet refuses it ("Xavier initializer cannot be applied to vector")'
    training, notes = read_initializers(given, refusal, names, read_initializer)
    if given.has("activation"):
        notes = (*notes, f"activation {shown(given.value('activation'))} follows the operator.")
    reading = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=None,
        groups=groups,
        bias=given.flag("use_bias"),
        training=_read_factors(given, training),
        notes=(*layout_notes, *notes),
        channels_last=str(given.value("layout")).endswith("C"),
    )
    return _cropped(given, reading, dilation, pad, adj, asked_by="output_padding")


def _of_layer(given: Arguments, name: str, rank: int, least: int) -> Sizes:
    takes = f"MXNet takes one number, or as many as the kernel has, {rank}"
    return given.per_axis(name, rank, least=least, takes=takes)


def _read_factors(given: Arguments, training: Training) -> Training:
    """Read lines about the layer such as ``layer.weight.lr_mult = 2``."""
    assigned, layer = given.site.code.given, given.site.statement.target
    if assigned[layer][-1] is not given.site.statement.value:
        return training
    factors = {
        field: assigned.get(f"{layer}.{name}", (None,))[-1] for field, name in _FACTORS.items()
    }
    return replace(training, **_numbers(factors))


_FACTORS: Final = {
    "weights_rate": "weight.lr_mult",
    "weights_decay": "weight.wd_mult",
    "bias_rate": "bias.lr_mult",
    "bias_decay": "bias.wd_mult",
}


def _numbers(values: Mapping[str, Value]) -> dict[str, Any]:
    return {
        field: float(value)
        for field, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _read_variables(given: Arguments) -> tuple[Training, tuple[str, ...]]:
    """Read ``weight=mx.sym.Variable('w', lr_mult=0, init=mx.init.Xavier())``."""
    settings: dict[str, Any] = {}
    notes = []
    for name, of in (("weight", "weights"), ("bias", "bias")):
        variable = assigned_value(given.value(name), given.assigned)
        is_variable = last_name(variable) in {"Variable", "var"}
        options = variable.named if isinstance(variable, Call) and is_variable else {}
        init = assigned_value(options.get("init"), given.assigned)
        factors = {f"{of}_rate": options.get("lr_mult"), f"{of}_decay": options.get("wd_mult")}
        settings |= _numbers(factors) | {of: read_initializer(init)}
        if isinstance(init, Call | str) and settings[of] is None:
            notes.append(f"init {shown(init)} of {name} is not translated.")
    if settings.get("weights_decay") is not None and not given.flag("no_bias"):
        # By default a symbol's optimizer decays what is named *_weight or *_gamma only:
        # https://github.com/apache/mxnet/blob/v1.9.x/python/mxnet/optimizer/optimizer.py
        settings.setdefault("bias_decay", 0.0)
    return Training(**settings), tuple(notes)


_DOCS: Final = "https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/"
_ARRAYS: Final = ("mx.nd", "mx.ndarray", "mxnet.nd")
_SYMBOLS: Final = ("mx.sym", "mx.symbol", "mxnet.sym", "mxnet.symbol", "F")
_EXTENSIONS: Final = ("mx.npx", "F.npx", "mx.np", "mxnet.np", "mxnet.numpy_extension")


def _gluon(rank: int) -> Form:
    layer = f"gluon.nn.Conv{rank}DTranspose"
    page = f"{_DOCS}gluon/nn/index.html#mxnet.{layer}"
    parameters = _gluon_parameters(rank)
    return Form(f"mxnet.{layer}", (f"mx.{layer}",), "layer", rank, parameters, page, _read_gluon)


FORMS: Final = (
    *(_gluon(rank) for rank in (2, 1, 3)),
    Form(
        "mxnet.ndarray.Deconvolution",
        tuple(f"{module}.Deconvolution" for module in (*_ARRAYS, *_SYMBOLS)),
        "function",
        None,
        _OPERATOR,
        f"{_DOCS}legacy/ndarray/ndarray.html#mxnet.ndarray.Deconvolution",
        _read_operator,
    ),
    Form(
        "mxnet.npx.deconvolution",
        tuple(f"{module}.deconvolution" for module in _EXTENSIONS),
        "function",
        None,
        _OPERATOR,
        f"{_DOCS}npx/generated/mxnet.npx.deconvolution.html",
        _read_numpy_extension,
    ),
)
