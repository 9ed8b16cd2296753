"""MATLAB: ``dltranspconv`` and ``transposedConv{1,2,3}dLayer`` of the Deep Learning Toolbox.

https://www.mathworks.com/help/deeplearning/ref/dlarray.dltranspconv.html
https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.transposedconvolution2dlayer.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from harness.convention.device import Device
from harness.convention.spoken import Layout, Spoken
from harness.convention.text import (
    because,
    divided_at,
    extends,
    layout_axes,
    lines,
    opened,
    per_axis,
    split_crop,
    tuple_of,
    unflipped,
    with_zeros_around,
    zeros_around,
    zeros_learn,
)
from harness.core.operators import Operator
from harness.core.program import Program, Section, Unsupported
from harness.core.training import (
    GLOROT,
    ONES,
    TRUNCATED_DEVIATION,
    ZEROS,
    Initializer,
    Training,
)

# Its numIn counts NumChannels, our "in".
INITIALIZERS: Final = {
    "glorot": GLOROT,
    "he": Initializer("normal", 2.0, "in"),
    "narrow-normal": Initializer("normal", 0.0001),
    "zeros": ZEROS,
    "ones": ONES,
}
BIAS_INITIALIZERS: Final = ("zeros", "narrow-normal", "ones")

_CLASSES: Final = {"float32": "single", "float64": "double"}


class _Spelled(NamedTuple):
    """An operator in MATLAB's dimensions; a negative crop puts zeros around the filter."""

    operator: Operator

    @property
    def format(self) -> str:
        return "S" * self.operator.rank + "CB"

    @property
    def reason(self) -> str | None:
        if not extends(self.operator.crop):
            return None
        return (
            "Cropping must be nonnegative: zeros around the filter give what crop "
            f"{self.operator.crop} adds."
        )

    def native(self, array: str) -> str:
        """Bring ``x``-like arrays from NCHW to SSCB."""
        axes = range(3, 3 + self.operator.rank)
        return f"permute({array}, {_vector([*axes, 2, 1])})"

    def canonical(self, array: str) -> str:
        """Bring them back."""
        rank = self.operator.rank
        return f"permute({array}, {_vector([rank + 2, rank + 1, *range(1, rank + 1)])})"

    def filters(self, template: str) -> str:
        """Write what makes the filters ``w_`` of ``w``; ``template`` is put around them."""
        if extends(self.operator.crop):
            return lines(f"w_ = {self._native_weights()};", self.padding(template))
        return f"w_ = {template.format(self._native_weights())};"

    def padding(self, template: str) -> str:
        """Write what puts zeros around the filters ``w_``."""
        operator = self.operator
        channels = [operator.in_channels // max(operator.groups, 1), operator.groups]
        shape = [*with_zeros_around(operator).kernel, operator.weight_shape[1], *channels]
        shape = shape[:-1] if operator.groups == 1 else shape
        return lines(
            f"padded = zeros({_vector(shape)}, 'like', w_);",
            f"padded{self.inside} = w_;",
            f"w_ = {template.format('padded')};",
        )

    def weights_gradient(self, array: str) -> str:
        """Write what makes ``dw`` of the gradient by the filters."""
        operator, rank = self.operator, self.operator.rank
        first = None
        if extends(operator.crop):
            first, array = f"dw_ = {array};", f"dw_{self.inside}"
        if operator.groups == 1:
            return lines(first, f"dw = {self.canonical(array)};")
        order = _vector([rank + 2, rank + 3, rank + 1, *range(1, rank + 1)])
        shape = ", ".join(map(str, operator.weight_shape))
        return lines(first, f"dw = reshape(permute({array}, {order}), {shape});")

    def _native_weights(self) -> str:
        """From IOHW to [h w filters channels], then groups."""
        operator, rank = self.operator, self.operator.rank
        if operator.groups == 1:
            return self.native("w")
        shape = ", ".join(map(str, [operator.groups, *operator.weight_shape[1:]]))
        order = _vector([*range(4, 4 + rank), 3, 1, 2])
        return f"permute(reshape(w, [], {shape}), {order})"

    @property
    def inside(self) -> str:
        """Index the filters' own elements, where zeros are around them."""
        if not extends(self.operator.crop):
            return ""
        spans = [
            f"{before + 1}:{before + k}"
            for k, (before, _) in zip(
                self.operator.kernel, zeros_around(self.operator), strict=True
            )
        ]
        rest = [":"] * (2 if self.operator.groups == 1 else 3)
        return f"({', '.join([*spans, *rest])})"


def render(
    operator: Operator, dtype: str, _documented: bool, _device: Device
) -> Program | Unsupported:
    """Write an operator as a program."""
    if dtype not in _CLASSES:
        return _lacks(dtype)
    spelled = _Spelled(operator)
    inputs = ("x", "w", "b") if operator.bias else ("x", "w")
    bias = "b" if operator.bias else "0"
    begins, ends = zip(*with_zeros_around(operator).crop, strict=True)
    options = _name_values(
        Stride=per_axis(operator.stride, 1, _vector),
        DilationFactor=per_axis(operator.dilation, 1, _vector),
        Cropping=per_axis(begins, 0, _vector) if begins == ends else _matrix(begins, ends),
    )
    call = f"dltranspconv({{x}}, {{w}}, {{b}}{options})"
    names, natives = ", ".join(inputs), ", ".join(f"{name}_" for name in inputs)
    return _program(
        spelled,
        filters="dlarray({})",
        bias="dlarray(b)",
        call=f"y_ = {call.format(x='x_', w='w_', b='b_' if operator.bias else '0')};",
        derived=lines(
            f"loss = @({names}) sum({call.format(x='x', w='w', b=bias)} .* dy_, 'all');",
            f"[{', '.join(f'd{name}_' for name in inputs)}] = "
            f"dlfeval(@({names}) dlgradient(loss({names}), {names}), {natives});",
        ),
        dw="dw_",
        db="extractdata(db_)",
    )


def _program(
    spelled: _Spelled,
    *,
    filters: str,
    bias: str,
    call: str,
    derived: str,
    dw: str,
    db: str,
    training: str = "",
    notes: tuple[str, ...] = (),
) -> Program:
    """Make the program of a call that leaves ``y_``, and is ``derived`` to ``dx_`` and others."""
    has_bias = spelled.operator.bias
    to_native = lines(
        f"x_ = dlarray({spelled.native('x')}, '{spelled.format}');",
        spelled.filters(filters),
        f"b_ = {bias};" if has_bias else None,
    )
    return Program(
        language="matlab",
        reason=spelled.reason,
        forward=Section(to_native, call, f"y = {spelled.canonical('extractdata(y_)')};"),
        gradient=Section(
            lines(to_native, f"dy_ = dlarray({spelled.native('dy')}, '{spelled.format}');"),
            derived,
            lines(
                f"dx = {spelled.canonical('extractdata(dx_)')};",
                spelled.weights_gradient(f"extractdata({dw})"),
                f"db = {db};" if has_bias else None,
            ),
        ),
        weights=spelled.padding(filters) if extends(spelled.operator.crop) else "",
        training=training,
        notes=(f"x_ and y_ are dlarrays of the format {spelled.format!r}.", *notes),
    )


def spoken(operator: Operator, dtype: str) -> Spoken | Unsupported:
    """Write the arguments of ``dltranspconv`` after the arrays.

    They are unformatted, in its order of dimensions; ``Cropping`` is the beginnings over the ends.
    """
    if dtype not in _CLASSES:
        return _lacks(dtype)
    split = split_crop(operator, native=not extends(operator.crop))
    ends = [pad - back for pad, back in zip(split.pad, split.back, strict=True)]
    return Spoken(
        split,
        {
            "Stride": tuple_of(operator.stride),
            "DilationFactor": tuple_of(operator.dilation),
            "Cropping": tuple_of([tuple_of(split.pad), tuple_of(ends)]),
        },
        reason=split.reason("Cropping must be nonnegative"),
        no_bias="0",
        layout=_numpy_layout(operator),
    )


def _numpy_layout(operator: Operator) -> Layout:
    order = (*range(2, 2 + operator.rank), 1, 0)
    if operator.groups == 1:
        return Layout.of(order, order)
    shape = operator.weight_shape
    by_group = tuple_of([operator.groups, -1, *shape[1:]])
    # From GIOHW to HWOIG.
    grouped = Layout.of(order, (*range(3, 3 + operator.rank), 2, 1, 0))
    there = grouped.w.format(f"{{}}.reshape{by_group}")
    return grouped._replace(w=there, w_back=f"{grouped.w_back}.reshape{tuple_of(shape)}")


def _lacks(dtype: str) -> Unsupported:
    return Unsupported(
        f"the Deep Learning Toolbox computes in single and double; {dtype} is neither."
    )


def layer(operator: Operator, dtype: str, training: Training) -> Program | Unsupported:
    """Write an operator as a layer of a network."""
    rank, spelled, wider = operator.rank, _Spelled(operator), with_zeros_around(operator)
    lacks = because(
        f"transposedConv{rank}dLayer has no groups." if operator.groups != 1 else None,
        f"transposedConv{rank}dLayer has no dilation." if set(operator.dilation) != {1} else None,
    )
    if lacks:
        return Unsupported(f"{' '.join(lacks)} dltranspconv takes them.")
    if dtype != "float32":
        reason = "a dlnetwork's learnable parameters are single; dltranspconv keeps double."
        return Unsupported(reason) if dtype in _CLASSES else _lacks(dtype)
    ones = ", ".join(["1"] * rank)
    options = _name_values(
        Stride=per_axis(operator.stride, 1, _vector),
        Cropping=_layer_cropping(wider.crop),
        NumChannels=str(operator.in_channels),
        Weights="w_",
        Bias="b_" if operator.bias else f"zeros({ones}, {operator.out_channels})",
        **_factors(operator, training),
    )
    size = per_axis(wider.kernel, several=_vector)
    net = lines(
        f"layer = transposedConv{rank}dLayer({size}, {operator.out_channels}{options});",
        "net = dlnetwork(layer, x_);",
    )
    no_bias = "A layer cannot do without a bias: these are zeros that do not learn."
    return _program(
        spelled,
        filters="{}",
        bias=f"reshape(b, {ones}, [])",
        call=lines(net, "y_ = predict(net, x_);"),
        derived=lines(
            net,
            "loss = @(net, x) sum(predict(net, x) .* dy_, 'all');",
            "[dx_, learned] = "
            "dlfeval(@(net, x) dlgradient(loss(net, x), x, net.Learnables), net, x_);",
        ),
        dw="learned.Value{1}",
        db="reshape(extractdata(learned.Value{2}), [], 1)",
        training=_drawn_text(operator, training, spelled.inside),
        notes=(
            *because(None if operator.bias else no_bias),
            *zeros_learn(training, in_kernel=extends(operator.crop)),
        ),
    )


def _layer_cropping(crop: Sequence[tuple[int, int]]) -> str | None:
    """Write what the layers take: [l r], [t b l r], or [t l f; b r bk]."""
    sides = [side for pair in crop for side in pair]
    if len(set(sides)) == 1:
        return str(sides[0]) if sides[0] else None
    return _matrix(*zip(*crop, strict=True)) if len(crop) == 3 else _vector(sides)


def _name_values(**values: str | None) -> str:
    return "".join(f", '{name}', {value}" for name, value in values.items() if value is not None)


def _vector(values: Sequence[int]) -> str:
    return f"[{' '.join(map(str, values))}]"


def _matrix(*rows: Sequence[int]) -> str:
    return f"[{'; '.join(' '.join(map(str, row)) for row in rows)}]"


def _factors(operator: Operator, training: Training) -> dict[str, str | None]:
    """Return the layer's arguments for factors.

    >>> arguments = _factors(Operator.of(3, 5, (7, 7)), Training(weights_decay=0.5))
    >>> {name: value for name, value in arguments.items() if value}
    {'WeightL2Factor': '0.5', 'BiasL2Factor': '1.0'}
    """
    bias_decay = training.bias_decay
    if training.has_decay and bias_decay is None:
        # Elsewhere a decay is one of weights and bias; MATLAB's default of this factor is 0.
        bias_decay = 1.0
    arguments = {
        "WeightLearnRateFactor": training.weights_rate,
        # What learns would become a bias.
        "BiasLearnRateFactor": training.bias_rate if operator.bias else 0,
        "WeightL2Factor": training.weights_decay,
        "BiasL2Factor": bias_decay if operator.bias else None,
    }
    return {name: None if value is None else repr(value) for name, value in arguments.items()}


def _drawn_text(operator: Operator, training: Training, inside: str) -> str:
    """Write what draws a layer's first weights and bias.

    ``inside`` is the index of the filters' own elements where they have zeros around them.
    """
    weights, bias = training.weights, training.bias
    if weights and inside:
        shape = [*operator.kernel, operator.out_channels, operator.in_channels]
        drawn = f"layer.Weights{inside} = draw({_vector(shape)});"
        of_weights = lines(f"draw = {_function(weights, operator)};", drawn)
    else:
        of_weights = _emptied("Weights", weights, tuple(INITIALIZERS), operator)
    drawn = lines(of_weights, _emptied("Bias", bias, BIAS_INITIALIZERS, operator))
    return lines(drawn, "net = dlnetwork(layer, x_);") if drawn else ""


def _emptied(
    parameter: str, wanted: Initializer | None, words: Sequence[str], operator: Operator
) -> str:
    """The layer draws where the parameter itself is empty."""
    if wanted is None:
        return ""
    word = next((f"'{word}'" for word in words if INITIALIZERS[word] == wanted), None)
    drawn = word or _function(wanted, operator)
    return lines(f"layer.{parameter} = [];", f"layer.{parameter}Initializer = {drawn};")


def _function(wanted: Initializer, operator: Operator) -> str:
    """Write a function that draws an array of a size."""
    deviation = wanted.deviation(operator)
    match wanted.distribution:
        case "constant":
            return f"@(sz) {wanted.scale!r} * ones(sz)"
        case "uniform":
            return f"@(sz) {wanted.bound(operator)!r} * (2 * rand(sz) - 1)"
        case "truncated_normal":
            sigma = deviation / TRUNCATED_DEVIATION
            # The inverse of the distribution function, between its values at -2 and 2.
            return f"@(sz) {sigma!r} * sqrt(2) * erfinv(erf(sqrt(2)) * (2 * rand(sz) - 1))"
    return f"@(sz) {deviation!r} * randn(sz)"


# Weights and biases of other frameworks.


def permuted(name: str, before: str, after: str, groups: int) -> str:
    """Write the permutation of an array, whose groups get an axis of their own.

    >>> permuted("w", "hwIO", "HWOI", 1)
    'permute(flip(flip(w, 1), 2), [1 2 4 3])'
    """
    source, parts = layout_axes(before), opened(before, after)[0]
    written = name
    if parts != source:
        # reshape is column-major: the channel within its group runs faster, so it stands first.
        at = divided_at(source, parts)
        parts[at], parts[at + 1] = parts[at + 1], parts[at]
        sizes = (
            f"[], {groups}" if axis == at else f"size({name}, {axis + 1})"
            for axis in range(len(source))
        )
        written = f"reshape({name}, {', '.join(sizes)})"
    parts, flips = unflipped(parts, after)
    for axis in flips:
        written = f"flip({written}, {axis + 1})"
    return f"permute({written}, [{' '.join(str(parts.index(each) + 1) for each in after)}])"


def bias_reshaped(name: str, _before: int, after: int) -> str:
    """Write a bias as a layer keeps it, 1-by-1-by-n, or as a column."""
    return f"reshape({name}, {'1, ' * after}[])" if after else f"{name}(:)"
