"""The meaning of TensorFlow's calls: ``tf.nn.conv{1,2,3}d_transpose``, and Keras's layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from harness.convention.arguments import Arguments, Form, output_crop
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, naming
from harness.convention.values import (
    integers,
    shown,
    to_channels_first,
)
from harness.core.errors import Ask, asked, named
from harness.core.named_number import at_least_0
from harness.core.operators import Operator, Sizes
from harness.frameworks.tensorflow.layer_calls import layer_forms
from harness.frameworks.tensorflow.open_output import usual_crop, with_strides_of_axes
from harness.frameworks.tensorflow.version_1 import backend_form, keras_1_form, slim_form
from harness.syntax.tree import Call, Joined, Name, SnippetError, Value, last_name

_LAYOUTS: Final = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}
_OF_SIZES: Final = {"stack", "constant", "convert_to_tensor", "TensorShape"}  # Given as a list
_ONE_OR_ALL: Final = "one number, one per spatial axis, or one per axis with 1 for n and c"
_BEFORE: Final = (
    Parameter("input", "x, in the layout data_format", aliases=("value",)),
    Parameter(
        "filters",
        "w, HWOI: (*kernel, c_out, c_in)",
        aliases=("filter",),
        pitfall="Output channels before input channels, whatever data_format is.",
    ),
    Parameter(
        "output_shape",
        "the shape of the whole output: chooses the crop",
        pitfall="Some CPU kernels accept a multiple of the filters' channels, and compute groups "
        "that nobody asked for.",
    ),
    Parameter("strides", f"stride: {_ONE_OR_ALL}"),
    Parameter(
        "padding",
        "'VALID': crop at the end only, -strides < crop <= 0; 'SAME': total crop "
        "kernel - strides to kernel - 1, of which an odd element is taken from the end; in two "
        "dimensions also explicit pairs, crop begin as given, the end by output_shape",
        "SAME",
        pitfall="In capitals. The default differs from the layer's.",
    ),
)
_DILATIONS: Final = Parameter(
    "dilations",
    f"dilation: {_ONE_OR_ALL}",
    None,
    pitfall="More than 1 is refused in float64 on a CPU.",
)
# Channels and sizes of inputs that have nothing in common.
_SAMPLES: Final = ((10_007, 7, 11, 13), (10_009, 16, 9, 20), (10_037, 53, 40, 31))
_SQUARES: Final = ((10_007, 7, 7, 7), (10_009, 16, 16, 16), (10_037, 53, 53, 53))
_ONLY_SQUARES: Final = (
    "output_shape has the same size along every axis: TensorFlow refuses inputs that have not."
)
_NAME: Final = naming("operation")


def _parameters(rank: int | None, *, version: int = 2) -> tuple[Parameter, ...]:
    layouts = _LAYOUTS[rank] if rank else ("channels last",)
    shown, default = " or ".join(layouts), layouts[0] if rank else None
    data_format = Parameter("data_format", f"layout of x and y: {shown}", default, assumable=True)
    if version == 1:
        return (*_BEFORE, data_format, _NAME, _DILATIONS)
    return (*_BEFORE, data_format, _DILATIONS, _NAME)


def _read(given: Arguments) -> Reading:
    given = _unpacked(_decoded(given))
    rank = given.form.rank or _rank(given)
    channels_first = _is_channels_first(given, rank)
    given = with_strides_of_axes(given, rank, channels_first=channels_first)
    given = _completed(given, rank, channels_first=channels_first)
    weight = _weight(given, rank)
    of_weight = weight or given.supplied.weight
    if given.supplied.input is None and of_weight is not None:
        given = _with_only_input(given, of_weight, channels_first=channels_first)
    samples = _any_input(given, rank, channels_first=channels_first)
    if not samples and _is_open(given, rank, channels_first=channels_first):
        return _read_open(given, rank, channels_first=channels_first)
    outputs = [_output(each, rank, channels_first=channels_first) for each in samples or [given]]
    out_channels = outputs[0][0]
    if any(channels != out_channels for channels, _ in outputs):
        given.in_size("output_shape")
    reading = _uncropped(given, rank, out_channels, channels_first=channels_first)

    def crops(
        inputs: Sequence[Arguments], outputs: Iterable[tuple[int | None, Sizes]]
    ) -> Iterator[tuple[tuple[int, int], ...]]:
        for each, (_, size) in zip(inputs, outputs, strict=True):
            yield _crop(each, reading.operator, size, channels_first=channels_first)

    notes: tuple[str, ...] = ()
    try:
        chosen = {*crops(samples or [given], outputs)}
    except SnippetError:
        if not samples:
            raise
        # [n, 2 * height, 2 * height, c]: TensorFlow refuses an input that is not a square.
        squares = _any_input(given, rank, _SQUARES, channels_first=channels_first)
        try:
            of_squares = (_output(each, rank, channels_first=channels_first) for each in squares)
            chosen = {*crops(squares, of_squares)}
        except SnippetError:
            given.in_size("output_shape")
            raise
        notes = (_ONLY_SQUARES,)
    if len(chosen) != 1:
        given.in_size("output_shape")
    return given.cropped(reading, chosen.pop(), *notes)


def _any_input(
    given: Arguments,
    rank: int,
    inputs: Sequence[Sequence[int]] = _SAMPLES,
    *,
    channels_first: bool,
) -> list[Arguments]:
    """Read the call with several inputs, where its shape is not known, but decides nothing.

    ``x.shape[1] * 2`` with a stride of 2 asks for the same crop from any input, and of padding
    ``SAME`` the output's size alone says which size the input has.
    """
    value = given.value("output_shape")
    if given.supplied.input is not None or not isinstance(value, tuple | Name | Call):
        return []
    batch = value[0] if isinstance(value, tuple) and value else None
    n = batch if type(batch) is int and batch >= 0 else 1
    before = _spatial_of(given, rank, channels_first=channels_first)
    only: Sizes | None = None
    if before and all(isinstance(size, int) for size in before):
        if given.known("padding", "SAME") != "SAME":
            return []
        out_size = integers("output_shape", before, given.given["output_shape"].column)
        stride = _spatial(given, "strides", rank, channels_first=channels_first)
        only = tuple((size - 1) // step + 1 for size, step in zip(out_size, stride, strict=True))
    samples = []
    for channels, *sizes in inputs:
        supplied = replace(given.supplied, input=(n, channels, *(only or sizes[:rank])))
        with_input = replace(given, supplied=supplied)
        sample = _completed(with_input, rank, channels_first=channels_first)
        after = _spatial_of(sample, rank, channels_first=channels_first)
        if not after or not all(isinstance(size, int) for size in after):
            return []
        samples.append(sample)
    return samples


def _spatial_of(given: Arguments, rank: int, *, channels_first: bool) -> tuple[Value, ...]:
    """The spatial sizes in output_shape, if it shows them."""
    value = given.value("output_shape")
    if not isinstance(value, tuple) or len(value) != rank + 2:
        return ()
    return tuple((value if channels_first else to_channels_first(value))[2:])


def _uncropped(
    given: Arguments, rank: int, out_channels: int | None, *, channels_first: bool
) -> Reading:
    """The reading but for its crop."""
    weight = _weight(given, rank)
    of_weight = weight or given.supplied.weight
    if out_channels and of_weight and out_channels != of_weight[1]:
        raise given.error(
            f"output_shape has {out_channels} channels, the filters have {of_weight[1]}: "
            "TensorFlow refuses it, or takes it for groups on some devices.",
            "output_shape",
        )
    in_part = () if of_weight else _weight_in_part(given, rank)
    # A bias that is added after the call is read there.
    return given.reading(
        given.channels_and_kernel(None, out_channels, None, 1, weight, in_part),
        stride=_spatial(given, "strides", rank, channels_first=channels_first),
        dilation=_spatial(given, "dilations", rank, channels_first=channels_first),
        bias=False,
        channels_last=not channels_first,
    )


def _read_open(given: Arguments, rank: int, *, channels_first: bool) -> Reading:
    """Read a call whose output_shape is open as one of the size that is meant as a rule."""
    value = given.value("output_shape")
    is_whole = isinstance(value, tuple) and len(value) == rank + 2
    channels = value[1 if channels_first else -1] if isinstance(value, tuple) and is_whole else None
    out_channels = channels if isinstance(channels, int) else None
    reading = _uncropped(given, rank, out_channels, channels_first=channels_first)
    sizes = _spatial_of(given, rank, channels_first=channels_first)
    padding = given.known("padding", "SAME")
    # One with a part such as *shape[:3] does not even show which sizes are meant.
    is_joined = isinstance(value, Joined) and "*" in value.text
    is_shown = is_whole or not (is_joined or isinstance(value, tuple))
    usual = usual_crop(given, reading.operator, sizes, padding) if is_shown else None
    if usual is None:
        given.in_size("output_shape")
        raise _not_in_the_text(given)
    return given.cropped(reading, *usual)


def _is_open(given: Arguments, rank: int, *, channels_first: bool) -> bool:
    """Whether the text leaves a size of the output open."""
    value = given.value("output_shape")
    sizes = _spatial_of(given, rank, channels_first=channels_first)
    return isinstance(value, Name | Call) or not all(isinstance(size, int) for size in sizes)


def _not_in_the_text(given: Arguments) -> SnippetError:
    return given.error(
        f"output_shape is {shown(given.value('output_shape'))}, whose value the text does not "
        "hold: write the numbers in its place.",
        "output_shape",
    )


def _unpacked(given: Arguments) -> Arguments:
    """Read ``output_shape=tf.stack([n, 28, 28, 1])`` as the list."""
    argument = given.given.get("output_shape")
    if argument is None or last_name(argument.value) not in _OF_SIZES:
        return given
    assert isinstance(argument.value, Call)
    value = next(iter(argument.value.positional), argument.value.named.get("values"))
    if isinstance(value, Name):
        value = given.assigned.get(value.text)
    if not isinstance(value, tuple):
        return given
    return replace(given, given={**given.given, "output_shape": replace(argument, value=value)})


def _decoded(given: Arguments) -> Arguments:
    """Read ``padding=b"SAME"``, which TensorFlow takes too."""
    padding = given.given.get("padding")
    text = padding.value.text if padding and isinstance(padding.value, Name) else ""
    if padding is None or not (match := re.fullmatch(r"""b(["'])(\w+)\1""", text)):
        return given
    return replace(given, given={**given.given, "padding": replace(padding, value=match[2])})


def _rank(given: Arguments) -> int:
    """Rank of ``tf.nn.conv_transpose``, which goes by the length of output_shape."""
    value = given.value("output_shape")
    if isinstance(value, tuple) and len(value) - 2 in _LAYOUTS:
        return len(value) - 2
    shape = given.supplied.input or given.supplied.weight
    if shape is None:
        raise given.error(
            f"output_shape {shown(value)} does not show the number of axes: "
            + asked(Ask.INPUT_SHAPE)
            + ", such as "
            + named(Ask.INPUT_SHAPE, (1, 64, 16, 16))
            + ".",
            "output_shape",
        )
    return len(shape) - 2


def _is_channels_first(given: Arguments, rank: int) -> bool:
    last, first = _LAYOUTS[rank]
    return given.known("data_format") is not None and (
        given.choice("data_format", last, first) == first
    )


def _completed(given: Arguments, rank: int, *, channels_first: bool) -> Arguments:
    """Take the input's shape from the text, and compute what depends on shapes."""
    supplied, native = given.supplied, given.array_shape("input")
    if native is not None and len(native) == rank + 2:
        canonical = native if channels_first else to_channels_first(native)
        if supplied.input not in (None, canonical):
            raise given.error(
                f"the input is {list(canonical)} in the text and {list(supplied.input or ())} in "
                + named(Ask.INPUT_SHAPE)
                + "; they must agree.",
                "input",
            )
        supplied = replace(supplied, input=canonical)
    weight = _weight(given, rank) or supplied.weight
    shapes = {}
    if supplied.input is not None:
        n, c, *size = supplied.input
        shapes["input"] = (n, c, *size) if channels_first else (n, *size, c)
    if weight is not None:
        shapes["filters"] = (*weight[2:], weight[1], weight[0])
    for name, parameter in zip(_split(given), ("input", "filters"), strict=False):
        if parameter in shapes:
            shapes[name] = shapes[parameter]
    return replace(given.with_shapes(shapes), supplied=supplied)


def _split(given: Arguments) -> list[str]:
    """Names of the arrays that the text splits into groups, the input first."""
    if given.site.groups == 1:
        return []
    return [
        call.arguments[0].value.text
        for call in given.assigned.values()
        if isinstance(call, Call) and last_name(call) == "split"
        if call.arguments and isinstance(call.arguments[0].value, Name)
    ]


def _weight(given: Arguments, rank: int) -> Sizes | None:
    """The canonical shape of the weights, where the text shows how they are created."""
    native = given.array_shape("filters")
    if native is None:
        return None
    if len(native) != rank + 2:
        raise given.error(
            f"filters {list(native)} has {len(native)} axes; {given.form.name} takes {rank + 2}: "
            "(*kernel, c_out, c_in).",
            "filters",
        )
    return (native[-1], native[-2], *native[:-2])


def _weight_in_part(given: Arguments, rank: int) -> tuple[Value, ...]:
    """What the text shows of the weights' shape, in the canonical order."""
    shape = given.array_shape_in_part("filters")
    return (shape[-1], shape[-2], *shape[:-2]) if len(shape) == rank + 2 else ()


def _output(given: Arguments, rank: int, *, channels_first: bool) -> tuple[int | None, Sizes]:
    """Return the channels in output_shape, if it has them, and its spatial sizes."""
    value = given.value("output_shape")
    if not isinstance(value, tuple):
        given.in_size("output_shape")
        raise _not_in_the_text(given)
    is_whole = len(value) == rank + 2
    if not is_whole and (rank != 2 or len(value) != rank):
        raise given.error(
            f"output_shape has {len(value)} numbers; {rank + 2} are needed, batch and channels "
            "included.",
            "output_shape",
        )
    in_size = given.in_size("output_shape")
    if len(in_size) != rank:
        raise given.error(f"the input has {len(in_size)} spatial axes; there must be {rank}.")
    batch, channels, *spatial = (
        value if channels_first or not is_whole else to_channels_first(value)
    )
    if is_whole:
        _check_batch(given, batch)
    else:
        channels, spatial = None, list(value)
    sizes = integers("output_shape", tuple(spatial), given.given["output_shape"].column)
    if isinstance(channels, int) and channels < 1:
        # -1 ends the process on a CPU; the batch may be -1.
        raise given.error(f"output_shape asks for {channels} channels.", "output_shape")
    return channels if isinstance(channels, int) else None, sizes


def _with_only_input(given: Arguments, weight: Sizes, *, channels_first: bool) -> Arguments:
    """Supply the only input that an output_shape in numbers allows; see ``_check_size``."""
    padding, value = given.known("padding", "SAME"), given.value("output_shape")
    rank = len(weight) - 2
    if not isinstance(value, tuple) or len(value) != rank + 2 or padding not in {"SAME", "VALID"}:
        return given
    batch, _, *spatial = value if channels_first else to_channels_first(value)
    if not all(type(size) is int and size > 0 for size in spatial):
        return given
    out_size = integers("output_shape", tuple(spatial), given.given["output_shape"].column)
    stride = _spatial(given, "strides", rank, channels_first=channels_first)
    dilation = _spatial(given, "dilations", rank, channels_first=channels_first)
    spans = [
        d * (k - 1) + 1 if padding == "VALID" else 1
        for k, d in zip(weight[2:], dilation, strict=True)
    ]
    in_size = [(o - span) // s + 1 for o, span, s in zip(out_size, spans, stride, strict=True)]
    n = batch if type(batch) is int and batch >= 0 else 1
    if min(in_size) < 1:
        return given
    supplied = replace(given.supplied, input=(n, weight[0], *in_size), is_in_text=True)
    return replace(given, supplied=supplied)


def _check_batch(given: Arguments, batch: Value) -> None:
    """Refuse a batch that is not the input's, as TensorFlow does; it may be -1 or unknown."""
    shape = given.supplied.input
    known = type(batch) is int and batch >= 0
    if known and shape is not None and batch != shape[0]:
        raise given.error(
            f"output_shape has a batch of {batch}, the input one of {shape[0]}; they must agree.",
            "output_shape",
        )


def _spatial(given: Arguments, name: str, rank: int, *, channels_first: bool) -> Sizes:
    value: Value = given.value(name)
    if value is None and name == "dilations":
        return (1,) * rank
    if not isinstance(value, tuple) or len(value) != rank + 2:
        return given.per_axis(name, rank)
    numbers = integers(name, value, given.given[name].column)
    numbers = numbers if channels_first else to_channels_first(numbers)
    if numbers[:2] != (1, 1) or min(numbers) < 1:
        raise given.error(
            f"{name} {list(value)} must be at least 1, and 1 for batch and channels.", name
        )
    return numbers[2:]


def _crop(
    given: Arguments, operator: Operator, out_size: Sizes, *, channels_first: bool
) -> tuple[tuple[int, int], ...]:
    """Return the crop that padding and output_shape choose together."""
    padding = given.known("padding", "SAME")
    ends: tuple[tuple[int, int], ...] | None = None
    if isinstance(padding, tuple) and operator.rank == 2:
        ends = _explicit(given, padding, channels_first=channels_first)
    elif padding not in {"SAME", "VALID"}:
        explicit = ", or explicit pairs for each axis," if operator.rank == 2 else ""
        raise given.error(
            f"padding must be 'SAME' or 'VALID'{explicit} in capitals; found {shown(padding)}.",
            "padding",
        )
    elif padding == "VALID":
        ends = ((0, 0),) * operator.rank
    _check_size(given, operator, out_size, ends)
    return output_crop(
        given,
        operator,
        out_size,
        lambda axis, total: at_least_0(total) // 2 if ends is None else ends[axis][0],
    )


def _check_size(
    given: Arguments, operator: Operator, out_size: Sizes, ends: tuple[tuple[int, int], ...] | None
) -> None:
    """Refuse an output size that the forward convolution would not bring back to the input's."""
    in_size = given.in_size("output_shape")
    if ends is None:
        most = [size * stride for size, stride in zip(in_size, operator.stride, strict=True)]
        least = [high - stride + 1 for high, stride in zip(most, operator.stride, strict=True)]
    else:
        full = operator.full_size(in_size)
        least = [size - sum(pair) for size, pair in zip(full, ends, strict=True)]
        most = [low + stride - 1 for low, stride in zip(least, operator.stride, strict=True)]
    if any(not a <= size <= b for a, size, b in zip(least, out_size, most, strict=True)):
        raise given.error(
            f"output_shape asks for {list(out_size)}: with padding "
            f"{shown(given.value('padding'))} the input {list(in_size)} allows {least} to {most}.",
            "output_shape",
        )


def _explicit(
    given: Arguments, padding: tuple[Value, ...], *, channels_first: bool
) -> tuple[tuple[int, int], ...]:
    column = given.given["padding"].column
    pairs = tuple(integers("padding", pair, column) for pair in padding)
    if len(pairs) != 4 or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise given.error(
            f"explicit padding {shown(padding)} must be four (begin, end) pairs of numbers that "
            "are not negative, batch and channels included.",
            "padding",
        )
    *others, height, width = pairs if channels_first else to_channels_first(pairs)
    if any(map(any, others)):
        raise given.error("padding of batch and channels must be 0.", "padding")
    return tuple((begin, end) for begin, end in (height, width))


_DOCS: Final = "https://www.tensorflow.org/api_docs/python/tf/"
_ANY: Final = "conv_transpose"


def _forms(rank: int) -> tuple[Form, ...]:
    name = f"conv{rank}d_transpose"
    old = f"tf.compat.v1.nn.{name}"
    new = Form(f"tf.nn.{name}", (), "function", rank, _parameters(rank), f"{_DOCS}nn/{name}", _read)
    if rank == 1:
        return (replace(new, aliases=(old,)),)
    parameters = _parameters(rank, version=1)
    of_version_1 = Form(old, (), "function", rank, parameters, f"{_DOCS}compat/v1/nn/{name}", _read)
    return new, of_version_1


FORMS: Final = (
    *(form for rank in (2, 1, 3) for form in _forms(rank)),
    Form(f"tf.nn.{_ANY}", (), "function", None, _parameters(None), f"{_DOCS}nn/{_ANY}", _read),
    keras_1_form(_forms(2)[0], layer_forms(2)[0]),
    *(form for rank in (2, 1, 3) for form in layer_forms(rank)),
    *(slim_form(layer_forms(rank)[-1]) for rank in (2, 3)),
    *(backend_form(_forms(rank)[0], _LAYOUTS[rank]) for rank in (2, 3)),
)
