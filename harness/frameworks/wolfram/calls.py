"""Wolfram's ``DeconvolutionLayer``: what it takes, and what it means.

https://reference.wolfram.com/language/ref/DeconvolutionLayer.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from harness.convention.arguments import Arguments, Form
from harness.convention.reading import Reading
from harness.convention.signature import Parameter
from harness.convention.values import (
    Pairs,
    crop_without_margins,
    integers,
    same_crop,
    shown,
    with_margins,
    without_margins,
)
from harness.core.errors import Ask, asked, named
from harness.core.operators import Operator, Sizes
from harness.frameworks.wolfram.arrays import dimensions, margins, resolved
from harness.frameworks.wolfram.network import Before, chain_before, changed_elsewhere, vertex_name
from harness.frameworks.wolfram.ports import Port, braces, port
from harness.frameworks.wolfram.render import ASSUMED_WEIGHTS
from harness.frameworks.wolfram.training import read_training
from harness.syntax.tree import Call, Name, SnippetError

_option: Final = partial(Parameter, keyword=True)
_AUTOMATIC: Final = Name("Automatic", 0)
_USUAL_RANK: Final = 2
_PARAMETERS: Final = (
    Parameter(
        "n", "output channels; left out where Weights is an array", None, role="out_channels"
    ),
    Parameter(
        "sz",
        "kernel: {s}, {h, w}, or one number for all axes",
        None,
        pitfall="One number does not say how many axes there are: the input does.",
        role="kernel",
    ),
    _option("Biases", "b, {n}; None is no bias, Automatic is one", _AUTOMATIC),
    _option(
        "ChannelGroups",
        "groups",
        1,
        pitfall='The text of an earlier edition calls it "GroupNumber", its table does not.',
        aliases=("GroupNumber",),
    ),
    _option("Dilation", "dilation; one number for all axes", 1),
    _option(
        "Interleaving", "whether the channels of data are last; those of the weights are not", False
    ),
    _option(
        "LearningRateMultipliers",
        'factors of the learning rate: a number, or {"Weights" -> 2, "Biases" -> 0}; 0 freezes',
        _AUTOMATIC,
    ),
    _option(
        "PaddingSize",
        'crop: n, {n1, n2} for both ends of each axis, {{n1, m1}, {n2, m2}} or "Same", whose '
        "output is the input times the stride",
        0,
        pitfall="{1, 2} is 1 at both ends of the first axis and 2 of the second.",
    ),
    _option("Stride", "stride; one number for all axes", 1),
    _option("Weights", "w, IOHW: {c_in, n/groups, h, w}; Automatic is none yet", _AUTOMATIC),
    _option("Input", "size of x without the batch, {c, h, w}, or an encoder", _AUTOMATIC),
    _option("Output", "size of y without the batch, or a decoder", _AUTOMATIC),
)


def _read(given: Arguments) -> Reading:
    last, before = given.flag("Interleaving"), chain_before(given)
    given = _with_chain(given, before, last=last)
    source, output = port(given, "Input", last=last), port(given, "Output", last=last)
    weights = dimensions(given.value("Weights"), given.assigned)
    rank, of_rank = _rank(given, source, output, weights, before.rank)
    around = margins(given.value("Weights"), given.assigned, rank)
    groups = given.integer("ChannelGroups")
    source, batch = _applied(given, source, rank, last=last)
    complete = given.channels_and_kernel(
        source.channels if source.channels is not None else before.channels,
        None if given.is_open("n") else given.integer("n"),
        without_margins(_per_axis(given, "sz", rank), around) if not given.is_open("sz") else None,
        groups,
        None if weights is None else (*weights[:2], *without_margins(weights[2:], around)),
    )
    stride, dilation = _per_axis(given, "Stride", rank), _per_axis(given, "Dilation", rank)
    crop, of_crop = _crop(given, with_margins(complete[2], around), stride, dilation)
    plain = given.reading(
        complete,
        stride=stride,
        dilation=dilation,
        crop=crop_without_margins(crop, around, dilation),
        groups=groups,
        bias=_has_bias(given, complete[1]),
        input=(batch, complete[0], *source.size) if source.size else None,
        channels_last=last,
    )
    _check_output(given, plain.operator, source.size or (plain.input or ())[2:], output)
    training, of_training = read_training(given, plain.operator)
    notes = [
        *of_rank,
        *source.notes,
        *output.notes,
        *of_crop,
        *_notes(given, plain, source),
        *of_training,
    ]
    notes += [*changed_elsewhere(given), *plain.notes, ASSUMED_WEIGHTS]
    return replace(plain, training=training, notes=tuple(notes), name=vertex_name(given))


# The number of axes.


def _rank(
    given: Arguments, source: Port, output: Port, weights: Sizes | None, around: int | None
) -> tuple[int, list[str]]:
    """How many spatial axes there are: what says so must agree.  With a note where nothing does."""
    kernel = given.value("sz")
    ranks = [("the kernel", len(kernel))] if isinstance(kernel, tuple) else []
    ranks += [('"Weights"', len(weights) - 2)] if weights is not None else []
    ranks += [
        (f'"{name}"', each.rank)
        for name, each in (("Input", source), ("Output", output))
        if each.rank is not None
    ]
    supplied = (
        (named(Ask.WEIGHT_SHAPE), given.supplied.weight),
        (named(Ask.INPUT_SHAPE), given.supplied.input),
    )
    ranks += [(who, len(shape) - 2) for who, shape in supplied if shape is not None]
    for name in ("Stride", "Dilation", "PaddingSize"):
        value = given.value(name)
        ranks += [(f'"{name}"', len(value))] if isinstance(value, tuple) else []
    if not ranks and around is not None:
        ranks = [("the chain around it", around)]
    if not ranks and isinstance(kernel, int):
        note = f"sz {kernel} is one number, and nothing says of how many axes: taken for two. "
        return _USUAL_RANK, [note + "For one, " + asked(Ask.INPUT_SHAPE, (1, 64, 16)) + "."]
    if not ranks:
        given.open_per_axis("sz")  # An error that asks for the input's shape, where sz is there.
        given.channels_and_kernel(None, None, None, 1)
    who, rank = ranks[0]
    for other, axes in ranks[1:]:
        if axes != rank:
            fact = f" has {rank} spatial {_axes(rank)}, " + other + f" has {axes}; they must agree."
            raise given.error(who + fact)
    if not 1 <= rank <= 2:
        raise given.error(
            who + f" has {rank} spatial axes; DeconvolutionLayer has one or two: {{s}} or {{h, w}}."
        )
    return rank, []


def _axes(count: int) -> str:
    return "axis" if count == 1 else "axes"


# Sizes.


def _per_axis(given: Arguments, name: str, rank: int, *, least: int = 1) -> Sizes:
    """One number for all axes or one for each; a list of one is for one axis only."""
    value = given.value(name)
    if isinstance(value, tuple) and len(value) != rank:
        raise given.error(
            f"{name} {braces(value)} has {len(value)} numbers; there are {rank} spatial axes.",
            name,
        )
    return given.per_axis(name, rank, least=least)


def _crop(
    given: Arguments, kernel: Sequence[int], stride: Sizes, dilation: Sizes
) -> tuple[Pairs, list[str]]:
    value, rank = given.value("PaddingSize"), len(kernel)
    if isinstance(value, str):
        if value != "Same":
            raise given.error(
                f'PaddingSize "{value}": the only word that it takes is "Same".', "PaddingSize"
            )
        return _same([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)], stride)
    pairs = [side for side in value if isinstance(side, tuple)] if isinstance(value, tuple) else []
    if not pairs:
        sides = _per_axis(given, "PaddingSize", rank, least=0)
        return tuple((side, side) for side in sides), []
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise given.error(
            f"PaddingSize {shown(value)}: of {rank} spatial {_axes(rank)} each needs a pair of "
            "beginning and end.",
            "PaddingSize",
        )
    column = given.given["PaddingSize"].column
    crop = tuple(integers("PaddingSize", pair, column) for pair in pairs)
    if min(min(pair) for pair in crop) < 0:
        raise given.error(f"PaddingSize {list(crop)} must not be negative.", "PaddingSize")
    note = (
        "PaddingSize with a beginning and an end: an earlier edition of the document crops both "
        "ends alike only."
    )
    uneven = any(begin != end for begin, end in crop)
    return tuple((begin, end) for begin, end in crop), [note] if uneven else []


def _same(effective: Sequence[int], stride: Sizes) -> tuple[Pairs, list[str]]:
    """What ``"Same"`` removes; where the document leaves it open, the end is taken, with a note."""
    crop, notes = same_crop(
        effective,
        stride,
        odd='PaddingSize "Same" with an odd total: the document does not say from which end the '
        "odd element goes; the end is assumed. Write {{begin, end}, ...} to be sure.",
        missing='PaddingSize "Same" with a stride above the kernel: the document does not say '
        "where what is missing is added; the end is assumed.",
    )
    return crop, ['PaddingSize "Same": not in an earlier edition of the document.', *notes]


# What is put in and comes out.


def _with_chain(given: Arguments, before: Before, *, last: bool) -> Arguments:
    """Take in the chain's ``"Input"``; one of the layer's own must agree with it."""
    of_chain = Port(before.channels)
    if before.input is not None:
        inherited = replace(given, given={**given.given, "Input": before.input})
        if "Input" not in given.given:
            return inherited
        of_chain = port(inherited, "Input", last=last)
    own = port(given, "Input", last=last)
    for what, ours, theirs in (
        ("channels", own.channels, of_chain.channels),
        ("sizes", own.size, of_chain.size),
    ):
        if None not in (ours, theirs) and ours != theirs:
            raise given.error(
                f'{what}: {shown(ours)} in the layer\'s own "Input" and {shown(theirs)} by the '
                "chain around it; they must agree.",
                "Input",
            )
    return given


def _applied(given: Arguments, source: Port, rank: int, *, last: bool) -> tuple[Port, int]:
    """Add what the layer is applied to: one array, or a list of them."""
    if not given.application or given.site.applied is None:
        return source, 1
    assigned = given.site.applied.statement.assigned
    value = resolved(given.application[0].value, assigned)
    if isinstance(value, Call) and "Input" in value.named:
        value = value.named["Input"]
    count = len(value) if isinstance(value, tuple) else 1
    if source.is_image:
        return source, count
    shape = dimensions(value, assigned)
    if shape is None or len(shape) not in (rank + 1, rank + 2):
        if not isinstance(value, tuple):
            return source, 1
        if source.channels not in (None, count):
            return source, count
        note = (
            f"The layer is applied to a list of {count}: taken for the channels of one input, "
            f"but where they are inputs, there are {count}."
        )
        return replace(source, notes=(*source.notes, note)), 1
    batch = shape[0] if len(shape) == rank + 2 else 1
    sizes = shape[-rank - 1 :]
    channels, size = (sizes[-1], sizes[:-1]) if last else (sizes[0], sizes[1:])
    for ours, theirs in ((source.channels, channels), (source.size, size)):
        if ours not in (None, theirs):
            raise SnippetError(
                f"the layer is applied to an array of dimensions {list(sizes)}, which its "
                '"Input" does not allow.',
                given.application[0].column,
            )
    return replace(source, channels=channels, size=size), batch


def _check_output(given: Arguments, operator: Operator, in_size: Sizes, output: Port) -> None:
    if output.channels not in (None, operator.out_channels):
        raise given.error(
            f'"Output" has {output.channels} channels; the layer has {operator.out_channels}.',
            "Output",
        )
    if not in_size or output.size is None:
        return
    size = operator.out_size(in_size)
    if size != output.size:
        full = operator.full_size(in_size)
        raise given.error(
            f'"Output" has the sizes {list(output.size)}, but the input {list(in_size)} gives '
            f"{list(size)}: full size {list(full)} less crop "
            f"{[list(pair) for pair in operator.crop]}.",
            "Output",
        )


def _has_bias(given: Arguments, channels: int) -> bool:
    if "Biases" not in given.given:
        return True
    value = given.value("Biases")
    if isinstance(value, Call) and value.dotted in {"If", "Which", "Switch"}:
        given.flag("Biases")  # Which refuses what may be a truth that the text does not hold
    shape = dimensions(value, given.assigned)
    if shape is not None and shape != (channels,):
        raise given.error(
            f'"Biases" has the dimensions {list(shape)}; {{{channels}}} is needed.', "Biases"
        )
    return value is not None


def _notes(given: Arguments, plain: Reading, source: Port) -> list[str]:
    notes = []
    groups = given.given.get("ChannelGroups")
    if groups is not None and groups.name == "GroupNumber":
        notes.append(
            '"GroupNumber" is what the text of an earlier edition of the document calls '
            '"ChannelGroups", as its table of options has it: read as that.'
        )
    if given.flag("Interleaving"):
        notes.append("Interleaving -> True: the channels of data are last, the weights unchanged.")
    shape = plain.input
    if shape is not None and source.size is not None and shape[2:] != source.size:
        notes.append(
            f'"Input" has the sizes {list(source.size)}; the answer is for those of '
            + named(Ask.INPUT_SHAPE)
            + "."
        )
    if shape is not None and 0 in plain.operator.out_size(shape[2:]):
        notes.append("The output has no elements: the language refuses that.")
    return notes


FORMS: Final = (
    Form(
        "DeconvolutionLayer",
        (),
        "layer",
        None,
        _PARAMETERS,
        "https://reference.wolfram.com/language/ref/DeconvolutionLayer.html",
        _read,
    ),
)
