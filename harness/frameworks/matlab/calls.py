"""MATLAB's calls: what ``dltranspconv`` and ``transposedConv{1,2,3}dLayer`` take and mean.

https://www.mathworks.com/help/deeplearning/ref/dlarray.dltranspconv.html
https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.transposedconvolution2dlayer.html
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final

from harness.convention.arguments import Arguments, Form, bind
from harness.convention.chains import Flow
from harness.convention.reading import Reading
from harness.convention.signature import Parameter, Style
from harness.convention.values import (
    Pairs,
    crop_without_margins,
    shown,
    with_margins,
    without_margins,
)
from harness.core.errors import Ask, asked
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import Array, Workspace, field_of_its_name, written
from harness.frameworks.matlab.cropping import read_crop
from harness.frameworks.matlab.network import Before, input_after, layer_before
from harness.frameworks.matlab.training import read_training, setter_note
from harness.syntax.tree import Argument, Call, Name, SnippetError, calls


class _NamedForm(Form):
    """A form whose names may be written in any case, as ``inputParser`` takes them."""

    def parameter(self, name: str) -> Parameter | None:
        return next((each for each in self.parameters if each.name.lower() == name.lower()), None)


_option: Final = partial(Parameter, keyword=True)
_SAME: Final = (
    "'same' makes the output inputSize .* Stride: with t = filter size - stride, floor(t/2) goes "
    "at the beginning and ceil(t/2) at the end"
)
_STRIDE: Final = _option("Stride", "stride; one number for all axes", 1)
_FUNCTION: Final = (
    Parameter("X", "x, in the dimensions that its format, such as SSCB, names"),
    Parameter(
        "weights",
        "w, HWOI: [h w c_out/groups c_in/groups groups]",
        pitfall="Their last dimension is the number of groups; a format puts C for filters.",
    ),
    Parameter("bias", "b, of as many elements as there are filters; 0 is no bias"),
    _STRIDE,
    _option("DilationFactor", "dilation; one number for all axes", 1),
    _option(
        "Cropping",
        "crop: one number, one for both ends of each axis, a row of beginnings over a row of "
        f"ends, or 'same'. {_SAME}",
        0,
        pitfall="[a b] is symmetric; for one axis, begin and end are [a; b].",
    ),
    _option("DataFormat", "labels of X's dimensions, where X has none", ""),
    _option(
        "WeightsFormat",
        "labels of the weights' dimensions: S, C for filters, U for channels, U for groups",
        "",
    ),
    _option("BiasFormat", "labels of the bias's dimensions", "", ignored=True),
)
_LAYER: Final = (
    Parameter("filterSize", "kernel: [h w], or one number for all axes", role="kernel"),
    Parameter("numFilters", "output channels", role="out_channels"),
    _STRIDE,
    _option(
        "Cropping",
        "crop: one number; [l r] for one axis; [a b] or [t b l r] for two; [a b c] or "
        f"[t l f; b r bk] for three; or 'same'. {_SAME}",
        0,
        pitfall="[a b] is a at top and bottom, b at left and right; [t b l r] goes axis by axis.",
    ),
    _option(
        "NumChannels", "input channels; 'auto' leaves them to the input", "auto", role="in_channels"
    ),
    _option(
        "WeightsInitializer",
        "'glorot' (uniform), 'he' (normal), 'narrow-normal', 'zeros', 'ones' or a function",
        "glorot",
        pitfall="'he' has variance 2/(c_in*h*w); others count c_out. Before R2019a the default was "
        "'narrow-normal'.",
    ),
    _option("BiasInitializer", "'zeros', 'narrow-normal', 'ones' or a function", "zeros"),
    _option("Weights", "w, HWOI: [h w c_out c_in]", ()),
    _option(
        "Bias",
        "b, 1x1xc_out",
        (),
        pitfall="There is always one: a zero bias with BiasLearnRateFactor 0 is none.",
    ),
    _option("WeightLearnRateFactor", "factor of the weights' learning rate", 1),
    _option("BiasLearnRateFactor", "factor of the bias's learning rate", 1),
    _option("WeightL2Factor", "factor of the weights' L2 regularisation", 1),
    _option("BiasL2Factor", "factor of the bias's L2 regularisation", 0),
    _option("Name", "the layer's name", "", ignored=True),
    _option("CroppingMode", "'manual' or 'same': property that Cropping sets", "manual"),
    _option("CroppingSize", "crop, [t b l r]: property that Cropping sets", (0, 0, 0, 0)),
    _option("NumInputs", "always 1, read-only", 1, ignored=True),
    _option("InputNames", "always {'in'}, read-only", ("in",), ignored=True),
    _option("NumOutputs", "always 1, read-only", 1, ignored=True),
    _option("OutputNames", "always {'out'}, read-only", ("out",), ignored=True),
)
# Such as layers(2).WeightL2Factor.
_PART: Final = re.compile(r"\w+\(.+\)\.(\w+)")
_READ_ONLY: Final = {"numFilters", "NumChannels"}
_CROPPING: Final = (
    "{}.Cropping: the property is going to be removed, and CroppingSize is to be used instead; two "
    "numbers are for top and bottom, left and right."
)


# What both read.


def _plain(given: Arguments) -> tuple[Arguments, Workspace]:
    """Read numbers whatever their class, and follow what the text makes before the call."""
    shapes = {"x": given.supplied.input, "w": given.supplied.weight}
    workspace = Workspace.before(given.site, shapes)
    arguments = {
        name: replace(each, value=workspace.plain(each.value)) for name, each in given.given.items()
    }
    for name in ("filterSize", "Stride", "DilationFactor"):
        value = arguments[name].value if name in arguments else ()
        if isinstance(value, tuple) and any(isinstance(row, tuple) for row in value):
            row = written(tuple(chain.from_iterable(r for r in value if isinstance(r, tuple))))
            raise given.error(f"{name} {written(value)} is no row: write {row}.", name)
    return replace(given, given=arguments), workspace


def _without_margins(array: Array | None, rank: int) -> Pairs:
    """The zeros that the text lays around a filter, which no operator counts to its kernel."""
    if array is None or not array.margins:
        return ((0, 0),) * rank
    spatial = [place for place, label in enumerate(array.labels) if label in "ST"] or range(rank)
    pairs = dict(enumerate(array.margins))
    return tuple(pairs.get(place, (0, 0)) for place in spatial)


# dltranspconv.


def _read_function(given: Arguments) -> Reading:
    given, workspace = _plain(given)
    given, taken = _with_fields(given, workspace)
    x = _formatted(given, workspace, "X", "DataFormat")
    weights = _formatted(given, workspace, "weights", "WeightsFormat")
    rank = _rank(given, x, weights)
    if rank is None:
        given.channels_and_kernel(None, None, None, 1)
        raise given.error("nothing says how many spatial axes there are.")
    # What is supplied must have as many axes.
    given = replace(given, form=replace(given.form, rank=rank))
    shape, groups = _weights(given, weights, rank)
    margins = _without_margins(weights, rank)
    if shape is not None:
        shape = (*shape[:2], *without_margins(shape[2:], margins))
    source = _input_shape(given, x, rank)
    complete = given.channels_and_kernel(source[1] if source else None, None, None, groups, shape)
    stride, dilation = given.per_axis("Stride", rank), given.per_axis("DilationFactor", rank)
    crop, notes = read_crop(given, with_margins(complete[2], margins), stride, dilation)
    if shape is None:
        notes.append(
            "groups: taken for 1; they are the last dimension of weights, whose size the text "
            "does not show."
        )
    elif not (weights and weights.labels) and _rank(given, x, None) is None:
        notes.append(
            f"spatial axes: {rank}, by the dimensions of weights; the format of X decides, which "
            "the text does not show: " + asked(Ask.INPUT_SHAPE) + " to be sure."
        )
    if x is not None and "T" in x.labels and not _is_spatial("T", x, weights):
        steps = (f"its {n} steps" for n in x.labelled("T") if x.shape)
        notes.append(
            f"The format {x.labels} has T, and no filter goes over it: "
            f"{next(steps, 'its steps')} count as examples, each for itself."
        )
    bias, of_bias = _function_bias(given, workspace, complete[1])
    plain = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=crop_without_margins(crop, margins, dilation),
        groups=groups,
        bias=bias,
        input=source,
        notes=(*taken, *notes, *of_bias),
    )
    return replace(plain, notes=(*plain.notes, *_index_notes(given)))


def _with_fields(given: Arguments, workspace: Workspace) -> tuple[Arguments, list[str]]:
    """Put in what makes the weights and the bias, where they are fields of another structure."""
    arguments, notes = dict(given.given), []
    for name in ("weights", "bias"):
        value = given.value(name)
        made = field_of_its_name(value, given.site) if workspace.array(value) is None else None
        if made is not None and workspace.array(made.value) is not None:
            arguments[name] = replace(arguments[name], value=made.value)
            notes.append(f"{name}: {shown(value)} is taken for {made.target}, alone of its name.")
    return replace(given, given=arguments), notes


def _formatted(given: Arguments, workspace: Workspace, name: str, option: str) -> Array | None:
    """An array with its labels; where only these are known its shape is empty."""
    array = workspace.array(given.value(name))
    labels = given.value(option)
    if not isinstance(labels, str):
        raise given.error(
            f"{option} must be a text such as 'SSCB', found {written(labels)}.", option
        )
    if strange := sorted(set(labels.upper()) - set("SCBTU")):
        raise given.error(
            f"{option} {labels!r} has {', '.join(strange)}; the labels are S, C, B, T and U.",
            option,
        )
    if labels and (array is None or not array.labels):
        array = replace(array or Array(()), labels=labels.upper())
    if array is not None and array.labels and len(array.labels) < len(array.shape):
        raise given.error(
            f"{name} has {len(array.shape)} dimensions, {list(array.shape)}, and the format "
            f"{array.labels!r} names {len(array.labels)}.",
            name,
        )
    return array


def _is_spatial(label: str, x: Array | None, weights: Array | None) -> bool:
    """Whether an axis of this label is convolved over: time where the weights have it."""
    over_time = "T" in (weights.labels if weights else "")
    only_time = x is not None and "T" in x.labels and "S" not in x.labels
    return label == "S" or (label == "T" and (over_time or only_time))


def _rank(given: Arguments, x: Array | None, weights: Array | None) -> int | None:
    """How many spatial axes the formats, the given shapes or the options show."""
    if x is not None and x.labels:
        axes = sum(_is_spatial(label, x, weights) for label in x.labels)
        if axes == 0:
            raise given.error(f"the format {x.labels!r} of X has no spatial axis, S.", "X")
        return axes
    for shape in (given.supplied.weight, given.supplied.input):
        if shape is not None:
            return len(shape) - 2
    for name in ("Stride", "DilationFactor", "Cropping"):
        value = given.value(name)
        if isinstance(value, tuple) and value:
            return len(value[0]) if isinstance(value[0], tuple) else len(value)
    if weights is not None and weights.labels:
        return sum(label in "ST" for label in weights.labels)
    # A matrix of filters for one axis and one channel has lost its last dimension.
    return max(1, len(weights.shape) - 2) if weights is not None and weights.shape else None


def _weights(given: Arguments, weights: Array | None, rank: int) -> tuple[Sizes | None, int]:
    """The canonical shape of the weights, and the groups."""
    if weights is None or not weights.shape:
        return None, 1
    if not weights.labels:
        kernel = [weights.size(axis) for axis in range(rank)]
        filters, channels, groups = (weights.size(rank + place) for place in range(3))
    else:
        kernel = [weights.size(p) for p, label in enumerate(weights.labels) if label in "ST"]
        filters = next(iter(weights.labelled("C")), 1)
        channels, groups = (*weights.labelled("U"), 1, 1)[:2]
    if len(kernel) != rank:
        raise given.error(
            f"the weights' format {weights.labels!r} has {len(kernel)} spatial axes, X has {rank}.",
            "weights",
        )
    return (channels * groups, filters, *kernel), groups


def _input_shape(given: Arguments, x: Array | None, rank: int) -> Sizes | None:
    if x is None or not x.labels or not x.shape:
        return given.supplied.input
    batch, channels = ((*x.labelled(label), 1)[0] for label in "BC")
    over_time = rank - len(x.labelled("S"))
    size = [*x.labelled("S"), *x.labelled("T")[:over_time]]
    return (batch * math.prod(x.labelled("T")[over_time:]), channels, *size)


def _function_bias(given: Arguments, workspace: Workspace, filters: int) -> tuple[bool, list[str]]:
    value = given.value("bias")
    if value == ():
        return False, []
    array = workspace.array(value)
    if array is None:
        return True, []
    elements = math.prod(array.shape)
    if elements == 1:
        note = "bias: one number, which every filter gets."
        return not array.is_zero, [note] if filters > 1 and not array.is_zero else []
    if elements != filters:
        raise given.error(f"bias has {elements} elements; there are {filters} filters.", "bias")
    return True, []


# Layers.


def _read_layer(given: Arguments) -> Reading:
    given, notes = _with_properties(given)
    given, workspace = _plain(given)
    # A call that gives a number, which the text does not hold, is like a name.
    opened = {
        name: replace(each, value=Name(shown(each.value), each.column))
        for name, each in given.given.items()
        if isinstance(each.value, Call) and name not in _ARRAYS
    }
    given = replace(given, given={**given.given, **opened})
    rank = given.form.rank
    assert rank is not None
    before = layer_before(given.site, workspace, partial(_through, given))
    if before is not None and before.input is not None and len(before.input) != rank + 2:
        before = replace(before, input=None)
    before = before or input_after(given.site, rank, workspace.canonical)
    weights = workspace.array(given.value("Weights"))
    margins = _without_margins(weights, rank)
    complete = _layer_channels(given, rank, weights, before, margins)
    stride, ones = given.per_axis("Stride", rank), (1,) * rank
    crop, of_crop = read_crop(given, with_margins(complete[2], margins), stride, ones)
    bias, of_bias = _layer_bias(given, workspace, complete[1])
    plain = given.reading(
        complete,
        stride=stride,
        crop=crop_without_margins(crop, margins, ones),
        bias=bias,
        input=before.input if before else None,
    )
    training, of_training = read_training(given, plain.operator)
    notes += [*of_crop, *of_bias, *of_training]
    notes += [*plain.notes, *_index_notes(given)]
    return replace(plain, training=training, notes=tuple(notes), name=_name(given))


def _through(given: Arguments, layer: Call, flow: Flow) -> Flow | None:
    """What another transposed convolution of the text makes of what comes into it."""
    form = next((each for each in FORMS if each.name == layer.dotted), None)
    if form is None or form.rank is None:
        return None
    try:
        other = bind(form, replace(given.site, call=layer), given.supplied)
        channels = other.open_integer("numFilters")
        kernel, stride = (other.per_axis(name, form.rank) for name in ("filterSize", "Stride"))
        crop, _ = read_crop(other, kernel, stride, (1,) * form.rank)
    except SnippetError:
        return None
    return flow.transposed(channels, kernel, stride, crop)


def _name(given: Arguments) -> str:
    """The layer's name, where the text shows it: ``['up' '1']`` joins its texts."""
    name = given.value("Name")
    parts = [
        given.assigned.get(part.text) if isinstance(part, Name) else part
        for part in (name if isinstance(name, tuple) else (name,))
    ]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else ""


_ARRAYS: Final = {"Weights", "Bias", "WeightsInitializer", "BiasInitializer"}


def _with_properties(given: Arguments) -> tuple[Arguments, list[str]]:
    """Add what the text sets after the call: ``layer.WeightLearnRateFactor = 2``."""
    arguments, notes = dict(given.given), list[str]()
    # Where the layer is a part of an array, that has the name.
    layer, block = given.site.name, given.site.statement.block
    for statement in given.site.after:
        target = statement.target or ""
        if note := setter_note(statement):
            notes.append(note)
        elif layer and target == layer:
            layer = None
        elif layer and target.startswith(f"{layer}."):
            if statement.block != block:
                notes.append(f"{target} is set in a branch or a loop: it is not in the answer.")
            elif "(" in target:
                _property(given, layer, target.partition("(")[0])
                notes.append(f"{target} is a part of an array, which is not read here: keep it.")
            else:
                name = _property(given, layer, target)
                arguments[name] = Argument(name, statement.value, given.call.column)
                notes += [_CROPPING.format(layer)] if name == "Cropping" else []
        elif (part := _PART.fullmatch(target)) and given.form.parameter(part[1]):
            notes.append(f"{target} is not read here: where it is this layer's, keep it.")
    notes += [
        f"{name} is a property of the layer; the function's own word is Cropping."
        for name in ("CroppingMode", "CroppingSize")
        if name in arguments
    ]
    return replace(given, given=arguments), list(dict.fromkeys(notes))


def _property(given: Arguments, layer: str, target: str) -> str:
    name = target.removeprefix(f"{layer}.")
    parameter = given.form.parameter(name)
    if parameter is None:
        raise given.error(f"the layer has no property {name!r}.")
    if parameter.name in _READ_ONLY:
        raise given.error(f"{target} is read-only: give it in the call.")
    return parameter.name


def _layer_channels(
    given: Arguments, rank: int, weights: Array | None, before: Before | None, margins: Pairs
) -> tuple[int, int, Sizes]:
    channels = given.value("NumChannels")
    auto = isinstance(channels, str) and channels.lower() == "auto"
    if isinstance(channels, str) and not auto:
        raise given.error(f"NumChannels {channels!r}: give 'auto' or a number.", "NumChannels")
    kernel = given.open_per_axis("filterSize")
    shape = None
    if weights is not None and weights.shape[0] > 0:
        sizes = [weights.size(axis) for axis in range(rank + 2)]
        shape = (sizes[rank + 1], sizes[rank], *without_margins(sizes[:rank], margins))
    stated = None if auto else given.open_integer("NumChannels")
    if before is not None and stated not in (None, before.channels):
        raise given.error(
            f"NumChannels is {stated}, and what comes in has {before.channels}.", "NumChannels"
        )
    return given.channels_and_kernel(
        before.channels if before is not None else stated,
        given.open_integer("numFilters"),
        None if kernel is None else without_margins(kernel, margins),
        1,
        shape,
    )


def _layer_bias(given: Arguments, workspace: Workspace, filters: int) -> tuple[bool, list[str]]:
    value = given.value("Bias")
    array = None if value == () else workspace.array(value)
    if array is not None and math.prod(array.shape) != filters:
        raise given.error(
            f"Bias has {math.prod(array.shape)} elements; there are {filters} filters.", "Bias"
        )
    starts_at_zero = array.is_zero if array is not None else value == ()
    if value == () and given.value("BiasInitializer") != "zeros":
        starts_at_zero = False
    if starts_at_zero and given.value("BiasLearnRateFactor") == 0:
        return False, ["Bias starts at zero and does not learn: it is read as none."]
    return True, []


def _index_notes(given: Arguments) -> list[str]:
    r"""Note that a text indexes its output, which is not followed.

    >>> from harness.lookup.reading import read
    >>> read("Y = dltranspconv(X, zeros(4, 4, 3, 2), b);\nY = Y(2:end-1, :, :);").notes[-1]
    'What the text does with Y(...) is not in the answer: it is indexed.'
    """
    home = given.site.statement
    name = home.target or ""
    later = (statement.value for statement in (home, *given.site.after))
    for call in chain.from_iterable(map(calls, later)):
        parts = [a.value.text for a in call.arguments if isinstance(a.value, Name)]
        if call.dotted == name and any(":" in part for part in parts):
            return [f"What the text does with {name}(...) is not in the answer: it is indexed."]
    return []


_HINTS: Final = {
    "DilationFactor": "dltranspconv has it.",
    "Padding": "Cropping removes from the output what padding removes elsewhere.",
    **dict.fromkeys(
        ("Groups", "NumGroups"), "dltranspconv takes groups: as weights' last dimension."
    ),
}
_DOCS: Final = "https://www.mathworks.com/help/deeplearning/ref/"


def _form(name: str, style: Style, rank: int | None, page: str) -> Form:
    parameters, read = (_LAYER, _read_layer) if rank else (_FUNCTION, _read_function)
    hints = _HINTS if rank else {"Groups": "They are the last dimension of weights."}
    document = _DOCS + page
    return _NamedForm(
        name, (), style, rank, parameters, document, read, named_pairs=True, hints=hints
    )


FORMS: Final[tuple[Form, ...]] = (
    _form("transposedConv1dLayer", "layer", 1, "transposedconv1dlayer.html"),
    _form("transposedConv2dLayer", "layer", 2, "nnet.cnn.layer.transposedconvolution2dlayer.html"),
    _form("transposedConv3dLayer", "layer", 3, "transposedconv3dlayer.html"),
    _form("dltranspconv", "function", None, "dlarray.dltranspconv.html"),
)
