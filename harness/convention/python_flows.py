"""What comes into a layer of Python code: by the containers it is in, and what those are given.

``Sequential`` and its like, layers that are added one by one, and lines such as ``x = self.up(x)``
are followed back to an array, a reshape or an input whose shape the text shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from harness.convention.arguments import Arguments, Form, bind
from harness.convention.chains import Flow
from harness.convention.reading import Supplied
from harness.convention.values import shape_of, sizes_of
from harness.core.operators import OperatorError, Sizes
from harness.syntax.callsite import CallSite, Code
from harness.syntax.tree import (
    Argument,
    Call,
    Defined,
    Either,
    Name,
    Reference,
    SnippetError,
    Statement,
    Value,
    last_name,
)

_CONTAINERS: Final = {"Sequential", "HybridSequential"}
_DEEPEST: Final = 120  # Steps back from one value to another
_MOST_STEPS: Final = 20_000  # Of a text
# As people write modules that they leave out importing.
_MODULES: Final = {
    *("F", "torch", "nn.functional", "nn.F", "functional", "tf", "tf.nn", "K"),
    *("nn", "nnx", "jnp", "jax.nn", "jax.numpy", "jax.image"),
}
_HARMLESS: Final = {"summary", "build", "eval", "train", "to", "cuda", "cpu", "parameters"}


@dataclass(frozen=True)
class Given:
    """What a layer, or a function beside its input, is given."""

    positional: Sequence[Value]
    named: Mapping[str, Value]

    def value(self, place: int, name: str, default: Value = None) -> Value:
        """Return an argument by its place or its name."""
        if place < len(self.positional):
            return self.positional[place]
        return self.named.get(name, default)

    def integer(self, place: int, name: str, default: Value = None) -> int | None:
        """Return a positive integer; ``None`` for anything else."""
        value = _whole(self.value(place, name, default))
        return value if type(value) is int and value > 0 else None

    def per_axis(
        self, place: int, name: str, default: Value, rank: int, least: int = 1
    ) -> Sizes | None:
        """Return one integer for each axis."""
        value = self.value(place, name, default)
        values = value if isinstance(value, tuple) else (value,) * rank
        sizes = [_whole(each) for each in (values * rank if len(values) == 1 else values)]
        known = tuple(each for each in sizes if type(each) is int and each >= least)
        return known if len(known) == len(sizes) == rank else None


def _whole(value: Value) -> Value:
    """Return 2 for 2.0, as scale factors are written."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Change = Callable[[Given, Flow], "Flow | None"]


@dataclass(frozen=True, eq=False)
class PlainLayers:
    """What a framework's plain layers and functions make of what comes into them, by last names."""

    layers: Mapping[str, Change]
    functions: Mapping[str, Change]  # Which are given their input first
    inputs: Mapping[str, Change] = field(default_factory=dict)  # Which stand for an input
    of_shape: Callable[[Sizes], Flow] = field(default=lambda shape: Flow(shape[1], shape[2:]))
    modules: frozenset[str] = frozenset()  # That their names are imported from

    def means(self, call: Call) -> bool:
        """Whether a call's name may be the framework's: the text gives it no other meaning."""
        owner = call.owner
        is_ours = isinstance(owner, Reference) and owner.text.partition(".")[0] in self.modules
        return is_ours or not isinstance(owner, Reference | Defined | Either)


def with_input_of_chain(
    given: Arguments, plain: PlainLayers, forms: Sequence[Form], in_channels: int | None
) -> Arguments:
    """Return the same with the input that follows from the layers before, if it has the channels.

    One that has others is not what comes in: something between is not understood.
    """
    if given.supplied.input is not None or given.site.stands_alone:
        return given
    shape = flow_into(given.site, plain, forms).shape
    rank = given.form.rank
    if shape is None or len(shape) - 2 != rank or in_channels not in (None, shape[1]):
        return given
    return replace(given, supplied=replace(given.supplied, input=shape, is_in_text=True))


def flow_into(site: CallSite, plain: PlainLayers, forms: Sequence[Form]) -> Flow:
    """Return what comes into the layer that a call makes, as far as the text shows it.

    ``forms`` are those of transposed convolutions, which may stand before the layer.
    """
    walk = _walk(site.code, plain)
    walk.forms = {form.name.rpartition(".")[2]: form for form in reversed(forms)}
    return walk.into(site)


@lru_cache(maxsize=2)
def _walk(code: Code, plain: PlainLayers) -> _Walk:
    return _Walk(code, plain)


class _Walk:
    """Follows the arrays of one text; what was found once is kept."""

    def __init__(self, code: Code, plain: PlainLayers) -> None:
        self._code, self._plain = code, plain
        self.forms: Mapping[str, Form] = {}
        self._homes: dict[int, Statement] = {}
        for statement in code.statements:
            if isinstance(statement.value, Call):
                self._homes.setdefault(id(statement.value), statement)
        self._known: dict[int, Flow] = {}
        self._steps = 0

    def into(self, site: CallSite) -> Flow:
        statement, call = site.statement, site.call
        before = _path(statement.value, call)
        if before is not None:
            containers, layers = before
            flow = self._into_container(containers[0], statement)
        elif (added := self._added_before(site)) is not None:
            layers, flow = added, Flow()
        elif site.applied is not None and site.applied.call.arguments:
            inside = site.applied.call.arguments[0].value
            return self._flow(inside, site.applied.statement, 0)
        else:
            return Flow()
        for layer in layers:
            flow = self._through(layer, flow, statement, 0)
        return flow

    def _into_container(self, container: Call, home: Statement) -> Flow:
        """What the model that holds the layer is called with, the first time."""
        name = home.target if home.value is container else None
        classes = _classes(home)
        for statement, call in self._code.naming(*(name or "").rpartition(".")[2:]):
            is_meant = call.dotted == name and _classes(statement) == classes
            if is_meant and statement is not home and call.arguments:
                return self._flow(call.arguments[0].value, statement, 0)
        return Flow()

    def _added_before(self, site: CallSite) -> list[Value] | None:
        """The layers that ``model.add`` adds before one, since the model is made."""
        call = site.statement.value
        if not isinstance(call, Call) or not call.dotted.endswith(".add"):
            return None
        model, layers = call.dotted.removesuffix(".add"), list[Value]()
        for statement in (*site.before, site.statement):
            value = statement.value
            if statement.target == model:
                is_container = isinstance(value, Call) and last_name(value) in _CONTAINERS
                layers = [value] if is_container else [None]
            elif isinstance(value, Call) and value.dotted.startswith(f"{model}."):
                method = value.dotted.removeprefix(f"{model}.")
                given = [each for each in value.positional if each is not site.call]
                is_here = statement is site.statement
                if method == "add" and (is_here or statement.block == site.statement.block):
                    layers += (
                        value.positional[: value.positional.index(site.call)]
                        if (is_here and any(each is site.call for each in value.positional))
                        else given
                    )
                elif method not in _HARMLESS:
                    layers = [None]
            elif isinstance(value, Call) and any(_is_name(each, model) for each in value.parts):
                layers = [None]
        return layers

    def _flow(self, value: Value, statement: Statement, depth: int) -> Flow:
        """Return what an expression stands for where a statement has it."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            return Flow()
        if isinstance(value, Name):
            source = statement.assigned.get(value.text)
            home = self._homes.get(id(source))
            if source is None or isinstance(source, Name):
                return Flow()
            return self._flow(source, home or statement, depth + 1)
        if not isinstance(value, Call):
            shape = shape_of(value)
            return self._plain.of_shape(shape) if shape and len(shape) > 1 else Flow()
        if id(value) not in self._known:
            self._known[id(value)] = Flow()  # While it is followed: it may lead back to itself.
            self._known[id(value)] = self._of_call(value, statement, depth)
        return self._known[id(value)]

    def _of_call(self, call: Call, statement: Statement, depth: int) -> Flow:
        given = call.arguments[0].value if call.arguments else None
        if isinstance(call.function, Call):
            flow = self._flow(given, statement, depth + 1)
            return self._through(call.function, flow, statement, depth + 1)
        layer = statement.assigned.get(call.dotted)
        if isinstance(layer, Call):
            flow = self._flow(given, statement, depth + 1)
            return self._through(layer, flow, self._homes.get(id(layer), statement), depth + 1)
        name, (owner, _, _) = last_name(call), call.dotted.rpartition(".")
        is_method = owner and owner not in _MODULES and not isinstance(call.owner, Reference)
        if not is_method and not self._plain.means(call):
            return Flow()
        if name in self._plain.inputs:
            return self._plain.inputs[name](_given(call.arguments), Flow()) or Flow()
        shape = shape_of(call)
        if shape is not None:
            return self._plain.of_shape(shape) if len(shape) > 1 else Flow()
        change = self._plain.functions.get(name)
        if change is None:
            return Flow()
        if is_method:
            flow = self._flow(Name(owner, call.column), statement, depth + 1)
            return change(_given(call.arguments), flow) or Flow()
        flow = self._flow(given, statement, depth + 1)
        return change(_given(call.arguments[1:]), flow) or Flow()

    def _through(self, layer: Value, flow: Flow, statement: Statement, depth: int) -> Flow:
        """Return what comes out of a layer, or of a container of layers."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            return Flow()
        if isinstance(layer, Name):
            if self._plain.functions.get(layer.text.rpartition(".")[2]) is keep:
                return flow  # As in Sequential([layer, jax.nn.relu])
            layer = statement.assigned.get(layer.text)
        if not isinstance(layer, Call):
            return Flow()
        name = last_name(layer)
        if name in _CONTAINERS and not isinstance(layer.owner, Defined):
            for inner in _layers(layer):
                flow = self._through(inner, flow, statement, depth + 1)
            return flow
        if not self._plain.means(layer):
            return Flow()
        change = self._plain.layers.get(name)
        if change is not None:
            return change(_given(layer.arguments), flow) or Flow()
        return self._transposed(layer, flow)

    def _transposed(self, layer: Call, flow: Flow) -> Flow:
        form, shape = self.forms.get(last_name(layer)), flow.shape
        if form is None or shape is None:
            return Flow()
        site = CallSite(layer, 0, 0, Code((Statement(None, layer),)), 0)
        try:
            reading = form.read(bind(form, site, Supplied(shape)))
        except (SnippetError, OperatorError):
            return Flow()
        out = reading.operator.out_size(shape[2:])
        return Flow(reading.operator.out_channels, out if min(out) > 0 else None)


def _path(value: Value, layer: Call) -> tuple[list[Call], list[Value]] | None:
    """The containers around a layer in an expression, and all layers before it in them."""
    if not isinstance(value, Call):
        return None
    parts = [*value.arguments, Argument(None, value.function, 0)]
    for place, part in enumerate(_layers(value) if last_name(value) in _CONTAINERS else ()):
        before = [*_layers(value)][:place]
        if part is layer:
            return [value], before
        inner = _path(part, layer)
        if inner is not None:
            return [value, *inner[0]], [*before, *inner[1]]
    if last_name(value) in _CONTAINERS:
        return None
    return next((path for each in parts if (path := _path(each.value, layer))), None)


def _layers(container: Call) -> Iterator[Value]:
    """The layers of ``Sequential(a, b)``, ``Sequential([a, b])`` or of an ``OrderedDict``."""
    given = [each for each in container.arguments if each.name in {None, "*", "layers"}]
    first = given[0].value if len(given) == 1 else None
    if isinstance(first, Call) and last_name(first) == "OrderedDict" and first.positional:
        pairs = first.positional[0] if isinstance(first.positional[0], tuple) else ()
        yield from (
            each[1] if isinstance(each, tuple) and len(each) == 2 else None for each in pairs
        )
    elif isinstance(first, tuple):
        yield from first
    else:
        for each in given:
            # What a star stands for may be any number of layers.
            is_list = each.name == "*" and isinstance(each.value, tuple)
            yield from (
                each.value
                if is_list and isinstance(each.value, tuple)
                else [None if each.name == "*" else each.value]
            )


def _given(arguments: Sequence[Argument]) -> Given:
    positional = [each.value for each in arguments if each.name is None]
    return Given(positional, {each.name: each.value for each in arguments if each.name})


def _classes(statement: Statement) -> tuple[int, ...]:
    return tuple(number for number in statement.block if number < 0)


def _is_name(value: Value, name: str) -> bool:
    return isinstance(value, Name) and value.text == name


# What several frameworks share.


def keep(given: Given, flow: Flow) -> Flow:
    """Return what comes in."""
    del given
    return flow


def flattened(given: Given, flow: Flow) -> Flow:
    """Return a vector of all elements."""
    del given
    if flow.channels is None or flow.size is None:
        return Flow(None, ())
    elements = flow.channels
    for size in flow.size:
        elements *= size
    return Flow(elements, ())


def reshaped(sizes: Sequence[Value]) -> Flow | None:
    """Return what ``(batch, channels, *sizes)`` makes of anything, where those are known."""
    known = sizes_of(sizes[1:])
    return Flow(known[0], known[1:]) if known else None


# What PyTorch's layers and those that follow them share.


def adaptive(rank: int) -> Change:
    """Return what a pooling makes whose output's size it is given."""

    def change(given: Given, flow: Flow) -> Flow:
        return Flow(flow.channels, given.per_axis(0, "output_size", None, rank))

    return change


def upsampled(given: Given, flow: Flow) -> Flow:
    """Return what a size, or factors, make of it."""
    rank = len(flow.size or ())
    if given.value(0, "size") is not None:
        return Flow(flow.channels, given.per_axis(0, "size", None, rank) if rank else None)
    factors = given.per_axis(1, "scale_factor", None, rank)
    return Flow(flow.channels) if factors is None else flow.scaled(factors)


def shuffled(given: Given, flow: Flow) -> Flow:
    """Return what has the elements of channels next to each other."""
    factor = given.integer(0, "upscale_factor")
    if factor is None or flow.channels is None or flow.size is None or flow.channels % factor**2:
        return Flow()
    return Flow(flow.channels // factor**2, flow.size).scaled((factor,) * len(flow.size))


def linear(given: Given, flow: Flow) -> Flow | None:
    """Return what goes over the last axis, which is that of channels in a vector only."""
    return None if flow.size else Flow(given.integer(1, "out_features"), ())


def viewed(given: Given, flow: Flow) -> Flow | None:
    """Return what ``x.view(-1, 64, 8, 8)`` makes of anything; its first size is the batch."""
    del flow
    first = given.positional[0] if given.positional else given.named.get("shape")
    return reshaped(first if isinstance(first, tuple) else tuple(given.positional))


def unsqueezed(name: str) -> Change:
    """Return what a new axis makes of it, whose place has a name, where it is the last."""

    def change(given: Given, flow: Flow) -> Flow | None:
        place = given.value(0, name)
        is_last = flow.size is not None and place in (-1, len(flow.size) + 2)
        return Flow(flow.channels, (*(flow.size or ()), 1)) if is_last else None

    return change
