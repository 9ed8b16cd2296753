"""A graph of ONNX's ``ConvTranspose``, and what runs it.

https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from harness.convention import text
from harness.convention.device import Device
from harness.convention.registry import Renderer
from harness.convention.spoken import Spoken
from harness.core.named_number import Named
from harness.core.operators import IllegalOperator, Operator
from harness.core.program import Program, Section, Unsupported
from harness.frameworks.onnxruntime.naming import name_of

# ConvTranspose has had these attributes since opset 1; the newest change, of its types, is 22's.
_VERSIONS: Final = 'opset_imports=[helper.make_opsetid("", 22)], ir_version=10'
_TYPES: Final = {
    "float16": "FLOAT16",
    "bfloat16": "BFLOAT16",
    "float32": "FLOAT",
    "float64": "DOUBLE",
}
_LARGEST: Final = 2**63 - 1
_IMPORTS: Final = "from onnx import TensorProto, helper, numpy_helper"
_LIMITS: Final = (
    "pads are not negative, and output_padding extends at the end only, by less than the stride"
)


class Runner(NamedTuple):
    """What runs a graph."""

    imports: str  # Besides those that build the graph
    settings: str  # What follows the imports
    session: str  # What prepares to run ``model``
    forward_only: str  # Why there are no gradients
    lacks: Mapping[str, str]  # By type, what it says of one that it does not compute
    takes_negative_pads: bool = True  # Whether its node Pad removes, as the standard has it
    no_groups: str = ""  # Why it runs no more than one group, if it does not


def renderer(runner: Runner, *, named: bool = False) -> Renderer:
    """Return what writes programs for a runner: crops as pads or, where they have one, by name."""

    def render(
        operator: Operator, dtype: str, documented: bool, _device: Device
    ) -> Program | Unsupported:
        if dtype in runner.lacks:
            return Unsupported(runner.lacks[dtype])
        if runner.no_groups and operator.groups > 1 and not documented:
            return Unsupported(runner.no_groups)
        name = name_of(operator) if named else None
        split = split_crop(operator)
        if name is not None:
            split = text.CropSplit(operator, ((0, 0),) * operator.rank)
        return _program(runner, split, _TYPES[dtype], name)

    return render


def _program(runner: Runner, split: text.CropSplit, kind: str, name: str | None = None) -> Program:
    nodes, constants = _nodes(split, name, only_adds=not runner.takes_negative_pads)
    if len(nodes) == 1:
        definition, made = f"node = {nodes[0]}", "[node]"
    else:
        listed = [f"    {node}," for node in nodes]
        definition, made = text.lines("nodes = [", *listed, "]", *constants.values()), "nodes"
    return Program(
        setup=text.lines(runner.imports, _IMPORTS, runner.settings),
        reason=split.reason(_LIMITS),
        forward=Section(
            text.lines(definition, *_model(split, made, kind, constants), runner.session),
            'y = session.run(None, {"x": x})[0]',
            "",
        ),
        definition=definition,
        forward_only=runner.forward_only,
    )


def _model(
    split: text.CropSplit, nodes: str, kind: str, constants: Collection[str]
) -> Iterator[str]:
    bias = f"b.reshape({', '.join(['-1', *'1' * len(split.rest)])})" if split.late_bias else "b"
    held = ['numpy_helper.from_array(w, "w")']
    held += [f'numpy_helper.from_array({bias}, "b")'] * split.operator.bias
    kind = f"TensorProto.{kind}"
    yield f'inputs = [helper.make_tensor_value_info("x", {kind}, x.shape)]'
    yield f'outputs = [helper.make_tensor_value_info("y", {kind}, None)]'
    yield f"initializers = [{', '.join([*held, *constants])}]"
    yield f'graph = helper.make_graph({nodes}, "layer", inputs, outputs, initializers)'
    yield f"model = helper.make_model(graph, {_VERSIONS})"


def split_crop(operator: Operator) -> text.CropSplit:
    """Put the crop of each axis in the attributes if they can say it, else in a node after them.

    >>> split = split_crop(Operator.of(1, 1, (3, 3), stride=2, crop=((2, -1), (-1, 1))))
    >>> split.pad, split.back, split.rest
    ((2, 0, 0, 0), (1, 0), ((0, 0), (-1, 1)))
    """
    is_illegal = isinstance(operator, IllegalOperator)  # It is there to be refused.
    begins, ends, back, rest = [], [], [], []
    for (begin, end), stride in zip(operator.crop, operator.stride, strict=True):
        # output_padding must be less than the stride: https://github.com/onnx/onnx/issues/8035
        is_native = is_illegal or (begin >= 0 and -end < max(stride, 1))
        rest.append((0, 0) if is_native else (begin, end))
        if not is_native:
            begin = end = 0  # noqa: PLW2901 -- what is left for the attributes
        # In names the end is that of PyTorch's two numbers, which are ONNX's too.
        taken = begin if isinstance(end, Named) and 0 <= begin - end < stride else max(end, 0)
        begins.append(begin)
        ends.append(taken)
        back.append(taken - end)
    return text.CropSplit(operator, tuple(rest), (*begins, *ends), tuple(back))


def _nodes(
    split: text.CropSplit, name: str | None, *, only_adds: bool
) -> tuple[list[str], dict[str, str]]:
    """Write the nodes from ``x`` to ``y``, and the constants that they take."""
    attributes = _attributes(split.operator, _crop_attributes(split) if name is None else name)
    steps = [("ConvTranspose", ["w", "b"] if split.own_bias else ["w"], attributes)]
    constants: dict[str, str] = {}
    added = text.extended(split.rest) if only_adds else [(-b, -e) for b, e in split.rest]
    if any(map(any, added)):
        steps.append(("Pad", ["pads"], ""))
        begins, after = zip(*added, strict=True)
        constants["pads"] = _constant("pads", [0, 0, *begins, 0, 0, *after])
    axes = [axis for axis, pair in enumerate(split.rest) if max(pair) > 0] if only_adds else []
    if axes:
        steps.append(("Slice", ["starts", "ends", "axes"], ""))
        starts = [max(split.rest[axis][0], 0) for axis in axes]
        # The largest number stands for the end itself.
        ends = [-split.rest[axis][1] if split.rest[axis][1] > 0 else _LARGEST for axis in axes]
        values = {"starts": starts, "ends": ends, "axes": [axis + 2 for axis in axes]}
        constants |= {name: _constant(name, value) for name, value in values.items()}
    if split.late_bias:
        steps.append(("Add", ["b"], ""))
    names = {"ConvTranspose": "full", "Pad": "padded", "Slice": "kept"}
    values_between = [names[kind] for kind, *_ in steps[:-1]]
    nodes = [
        f'helper.make_node("{kind}", {_names([before, *more])}, {_names([after])}{attributes})'
        for (kind, more, attributes), before, after in zip(
            steps, ["x", *values_between], [*values_between, "y"], strict=True
        )
    ]
    return nodes, constants


def _names(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _constant(name: str, values: Sequence[int]) -> str:
    size = f"[{len(values)}]"
    return f'{name} = helper.make_tensor("{name}", TensorProto.INT64, {size}, {[*values]})'


def _attributes(operator: Operator, crop: str) -> str:
    before = text.arguments(
        kernel_shape=str([*operator.kernel]),
        strides=_unless_all(operator.stride, 1),
        dilations=_unless_all(operator.dilation, 1),
    )
    groups = text.arguments(group=str(operator.groups) if operator.groups != 1 else None)
    return before + crop + groups


def _crop_attributes(split: text.CropSplit) -> str:
    return text.arguments(pads=_unless_all(split.pad, 0), output_padding=_unless_all(split.back, 0))


def _unless_all(values: Sequence[int], default: int) -> str | None:
    """Write one number for each axis, unless all are what ONNX takes without the attribute."""
    is_default = all(value == default and not isinstance(value, Named) for value in values)
    return None if is_default else str([*values])


def spoken(operator: Operator, _dtype: str) -> Spoken:
    """Write the attributes of ``ConvTranspose``, for a function of its inputs."""
    split = split_crop(operator)
    return Spoken(
        split,
        {
            "kernel_shape": str([*operator.kernel]),
            "strides": str([*operator.stride]),
            "dilations": str([*operator.dilation]),
            "pads": str([*split.pad]),
            "output_padding": str([*split.back]),
            "group": str(operator.groups),
        },
        reason=split.reason(_LIMITS),
    )
