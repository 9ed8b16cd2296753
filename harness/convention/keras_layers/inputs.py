"""The shape and the layout of a Keras layer's input, as the text around the layer shows them."""

from __future__ import annotations

import itertools
from typing import Final, TypeAlias

from harness.convention.arguments import Arguments, Form
from harness.convention.values import shape_of, shown, to_channels_first
from harness.core.operators import Sizes
from harness.syntax.callsite import CallSite
from harness.syntax.tree import Call, Name, Statement, Value, count_uses, last_name

Shape: TypeAlias = tuple[int | None, ...]

# Layers whose output's shape is an argument, and that argument's names.
_SHAPED: Final = {
    "Reshape": ("target_shape",),
    "Input": ("shape",),
    "InputLayer": ("shape", "input_shape"),
}
_WITH_BATCH: Final = {"batch_shape", "batch_input_shape"}


def input_of(given: Arguments, rank: int, *, channels_first: bool) -> Shape | None:
    """Return the input's canonical shape as far as the text shows it; it seldom shows the batch."""
    if given.form.parameter("input_dim") is not None and given.has("input_dim"):
        return (None, given.integer("input_dim"), *(None,) * rank)
    shape = _own(given) or _shape(input_source(given))
    if shape is None and given.supplied.input is None and not given.site.stands_alone:
        # Other look-ups start faster without it.
        from harness.convention.keras_layers.plain import plain  # noqa: PLC0415
        from harness.convention.python_flows import flow_into  # noqa: PLC0415

        forms = [given.form] if isinstance(given.form, Form) else []
        flow = flow_into(given.site, plain(channels_first=channels_first), forms)
        if flow.channels is None or (flow.size is not None and len(flow.size) != rank):
            return None
        return (None, flow.channels, *(flow.size or (None,) * rank))
    if shape is None:
        return None
    if len(shape) != rank + 2:
        raise given.error(
            f"the input {list(shape)}, batch included, has {len(shape)} axes; {given.form.name} "
            f"takes {rank + 2}."
        )
    return shape if channels_first else to_channels_first(shape)


def with_batch(shape: Shape | None, batch: int) -> Sizes | None:
    """Return the input's shape, if nothing but its batch is unknown; ``batch`` replaces that."""
    if shape is None or None in shape[1:]:
        return None
    return tuple(size or batch for size in shape)


def input_source(given: Arguments) -> Value:
    """Return the layer or the array that goes into a layer without arguments for its input."""
    if _own(given) is not None:
        return None
    applied_to = _applied_to(given)
    return _before(given) if _shape(applied_to) is None else applied_to


def _shape(source: Value) -> Shape | None:
    return _given_by(source) if last_name(source) in _SHAPED else shape_of(source)


def _own(given: Arguments) -> Shape | None:
    """The input's shape from the layer's own arguments."""
    for name in ("batch_input_shape", "input_shape"):
        if given.form.parameter(name) is not None and given.has(name):
            shape = _sizes(given.value(name))
            return shape if shape is None or name in _WITH_BATCH else (None, *shape)
    return None


def _sizes(value: Value) -> Shape | None:
    if not isinstance(value, tuple):
        return None
    return tuple(item if type(item) is int and item > 0 else None for item in value)


def _applied_to(given: Arguments) -> Value:
    """What the layer is called with, or the layer whose output that is."""
    value: Value = None
    if given.form.parameter("inputs") is not None and "inputs" in given.given:
        value = given.given["inputs"].value
    elif given.application:
        value = given.application[0].value
    if isinstance(value, Name):
        # Names may have other values where the layer is called than where it is created.
        applied = given.site.applied
        value = (applied.statement.assigned if applied else given.assigned).get(value.text)
    if isinstance(value, Call) and isinstance(value.function, Call):
        # A layer that is called at once, such as a Reshape.
        return value.function
    return value


def _before(given: Arguments) -> Value:
    """The layer right before, in a ``Sequential`` of layers or by ``model.add``."""
    for _, call in given.site.code.naming("Sequential"):
        layers = call.arguments[0].value if call.arguments else None
        if not isinstance(layers, tuple):
            continue
        for before, layer in itertools.pairwise(layers):
            if layer is given.call:
                return before
    return _added_before(given.site)


def _added_before(site: CallSite) -> Value:
    """Follow ``model.add(Reshape((7, 7, 256)))`` to ``model.add(layer)`` in the same block."""
    model, layer = _addition(site.statement)
    if layer is not site.call:
        return None
    # Whatever else has to do with the model may add layers to it.
    uses = [
        each for each in site.before if count_uses((Name(each.target or "", 0), each.value), model)
    ]
    if not uses or uses[-1].block != site.statement.block:
        return None
    other, before = _addition(uses[-1])
    return before if other == model else None


def _addition(statement: Statement) -> tuple[str, Value]:
    """The model to which a statement adds a layer, and the layer."""
    call = statement.value
    if not isinstance(call, Call) or not call.dotted.endswith(".add"):
        return "", None
    return call.dotted.removesuffix(".add"), call.arguments[0].value if call.arguments else None


def _given_by(layer: Value) -> Shape | None:
    """The output's shape, where it is an argument of the layer."""
    names = _SHAPED.get(last_name(layer), ())
    for place, argument in enumerate(layer.arguments if isinstance(layer, Call) else ()):
        if argument.name in names or (names and argument.name is None and place == 0):
            inner = _sizes(argument.value)
            return None if inner is None else (None, *inner)
        if names and argument.name in _WITH_BATCH:
            return _sizes(argument.value)
    return None


_LAYOUTS: Final = {
    "set_image_data_format": {"channels_first": "channels_first", "channels_last": "channels_last"},
    "set_image_dim_ordering": {"th": "channels_first", "tf": "channels_last"},
}


def configured_layout(given: Arguments, name: str) -> str | None:
    """Return what ``K.set_image_data_format("channels_first")`` before a layer sets.

    Where it is not certain that the setting holds for the layer, an error asks for the argument
    ``name``, which sets it for one layer.
    """
    layout = None
    for statement, call in given.site.code.naming(*_LAYOUTS):
        function = last_name(call)
        value = call.arguments[0].value if call.arguments else None
        layout = _LAYOUTS[function].get(value) if isinstance(value, str) else None
        if layout is None or not given.site.always_after(statement):
            raise given.error(
                f"the text calls {function}({shown(value)}), and it is not certain what holds "
                f"for this layer: add {name} to the call."
            )
    return layout


def activation_notes(given: Arguments) -> list[str]:
    """Note an activation that is not the identity."""
    activation = given.value("activation")
    if activation in {None, "linear"}:
        return []
    return [
        f"activation {shown(activation)} is applied to the output: keep it after the operator; "
        "it is not part of it."
    ]
