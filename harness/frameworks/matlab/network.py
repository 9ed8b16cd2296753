"""Which channels and sizes come from the layers before one: in arrays of layers, and in graphs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from harness.convention.chains import MOST_LAYERS, Flow, after
from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import Workspace, function_of
from harness.frameworks.matlab.plain_layers import step
from harness.syntax.callsite import CallSite, Code
from harness.syntax.tree import Call, Name, Value, calls

_APPLYING: Final = {"dlnetwork", "initialize", "predict", "forward"}
# Set after a layer is made, they change what comes out of it.
_PROPERTIES: Final = {
    *("Stride", "FilterSize", "PaddingSize", "PaddingMode", "DilationFactor"),
    *("CroppingSize", "CroppingMode", "Cropping", "PoolSize", "Padding"),
}


@dataclass(frozen=True)
class Before:
    """What comes into a layer: its channels, and its canonical shape where that is known."""

    channels: int
    input: Sizes | None


@dataclass(frozen=True)
class _Network:
    """The layers of a text, by what stands before them."""

    arrays: tuple[tuple[Value, ...], ...]
    named: Mapping[str, Sequence[Call]]
    sources: Mapping[str, Sequence[Value]]  # Of ``connectLayers``, by the layer that they lead to
    places: Mapping[int, int]  # The statements in which layers stand first, by their ``id``
    changed: frozenset[str]  # Layers whose properties the text sets so that sizes change

    def before(self, layer: Call) -> list[tuple[Value, ...]]:
        """Return the paths that lead to a layer, one for each array that it stands in."""
        begins: dict[tuple[int, ...], tuple[Value, ...]] = {}
        for array in self.arrays:
            place = next((n for n, each in enumerate(array) if each is layer), None)
            if place is not None:
                begins[tuple(map(id, array[:place]))] = array[:place]
        return [self._back(path, layer) for path in begins.values()] or [self._back((), layer)]

    def _back(self, path: tuple[Value, ...], layer: Call) -> tuple[Value, ...]:
        """Follow the connections that lead to the first layer of an array."""
        seen = {id(layer)}
        while len(path) <= MOST_LAYERS:
            first = path[0] if path else layer
            name = _name(first) if isinstance(first, Call) else ""
            sources = self.sources.get(name, ()) if name else ()
            one = next(iter(self.named.get(str(sources[0]), ())), None) if sources else None
            if one is None or len({*sources}) > 1 or len(self.named[str(sources[0])]) > 1:
                break
            if id(one) in seen:
                break
            seen.add(id(one))
            inside = next((each for each in self.arrays if any(x is one for x in each)), (one,))
            place = next(n for n, each in enumerate(inside) if each is one)
            path = (*inside[: place + 1], *path)
        return path


@lru_cache(maxsize=2)
def _network(code: Code) -> _Network:
    arrays, named, places = list[tuple[Value, ...]](), dict[str, list[Call]](), dict[int, int]()
    sources: dict[str, list[Value]] = {}
    for number, statement in enumerate(code.statements):
        flat = (tuple(_flat(array)) for array in _arrays(statement.value))
        arrays += [array for array in flat if any(isinstance(each, Call) for each in array)]
        for call in calls(statement.value):
            places.setdefault(id(call), number)
            given = call.positional
            if call.dotted == "connectLayers" and len(given) == 3:
                sources.setdefault(str(given[2]).partition("/")[0], []).append(given[1])
            elif (name := _name(call)) and all(each is not call for each in named.get(name, ())):
                named.setdefault(name, []).append(call)
    targets = ((statement.target or "").rpartition(".") for statement in code.statements)
    changed = frozenset(owner for owner, _, name in targets if owner and name in _PROPERTIES)
    return _Network(tuple(arrays), named, sources, places, changed)


def _name(layer: Call) -> str:
    """The name that a layer is given."""
    if isinstance(name := layer.named.get("Name"), str):
        return name
    given = layer.positional
    pairs = itertools.pairwise(given)
    names = (each for option, each in pairs if isinstance(option, str) and option.lower() == "name")
    name = next(names, None)
    parts = name if isinstance(name, tuple) else (name,)
    return "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else ""


def layer_before(
    site: CallSite, workspace: Workspace, transposed: Callable[[Call, Flow], Flow | None]
) -> Before | None:
    """Follow ``[imageInputLayer([28 28 1]), …, transposedConv2dLayer(…)]`` back.

    ``transposed`` says what other transposed convolutions make of what they are given.
    """
    network, home = _network(site.code), site.place

    def through(layer: Value, flow: Flow) -> Flow | None:
        is_here = network.places.get(id(layer)) == home
        known = workspace.plain if is_here else _plain
        if isinstance(layer, Call) and function_of(layer).startswith("transposedConv"):
            return transposed(layer, flow)
        return step(layer, flow, known)

    flows = {_flow(path, through) for path in network.before(site.call)}
    channels = {flow.channels for flow in flows} - {None}
    # What two arrays say of one layer must be the same.
    if len(channels) != 1:
        return None
    (one,) = channels
    inputs = {flow.shape for flow in flows if flow.channels is not None}
    is_known = len(inputs) == 1 and not network.changed - {site.name}
    return Before(one or 0, inputs.pop() if is_known else None)


def _flow(path: Sequence[Value], through: Callable[[Value, Flow], Flow | None]) -> Flow:
    return Flow() if len(path) > MOST_LAYERS else after(path, through)


def _plain(value: Value) -> Value:
    """A number of another line, whose names may mean something else there."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _arrays(value: Value) -> Iterator[Value]:
    """The arrays of layers in a value, outer ones first."""
    if isinstance(value, tuple):
        yield value
    for call in calls(value):
        yield from (part for part in call.parts if isinstance(part, tuple))


def input_after(site: CallSite, rank: int, canonical: Mapping[str, Sizes | None]) -> Before | None:
    """Find what ``dlnetwork(layer, X)``, ``initialize(net, X)`` or ``predict(net, X)`` puts in."""
    nets, statements = {site.name}, site.code.statements
    for place in range(site.place, len(statements)):
        statement = statements[place]
        for call in calls(statement.value):
            first, *others = call.positional or [None]
            is_net = first is site.call or (isinstance(first, Name) and first.text in nets)
            if not is_net or function_of(call) not in _APPLYING:
                continue
            if call is statement.value and call.dotted in {"dlnetwork", "initialize"}:
                nets.add(statement.target)
            there = replace(site, place=place)
            array = Workspace.before(there, canonical).array(others[0]) if others else None
            if array is not None and array.shape and array.labelled("C"):
                sizes = [*array.labelled("S"), *array.labelled("T")]
                # Steps that no filter goes over are examples.
                batch = math.prod([*array.labelled("B"), *sizes[rank:]])
                (channels, *_) = array.labelled("C")
                return Before(channels, (batch, channels, *sizes[:rank]))
    return None


def _flat(value: Value) -> Iterator[Value]:
    if isinstance(value, tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value
