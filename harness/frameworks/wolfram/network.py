"""What comes into a layer of a ``NetChain``: by the layers before it, or the chain's input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.chains import MOST_LAYERS, Flow, after
from harness.frameworks.wolfram.arrays import resolved
from harness.frameworks.wolfram.plain_layers import keeps_rank, name_of, rank_shown, step
from harness.frameworks.wolfram.ports import port, rules
from harness.syntax.callsite import Code
from harness.syntax.names import identifiers
from harness.syntax.tree import Argument, Call, Name, SnippetError, Value, names_in

_REPLACING: Final = {"ReplaceAll", "ReplaceRepeated", "ReplacePart"}
# Functions and their options that change layers which they are given.
_CHANGING: Final = {
    "NetInitialize": "Method",
    **dict.fromkeys(("NetTrain", "NetChain", "NetGraph"), "LearningRateMultipliers"),
}
_REPLACED: Final = "{} is not read here: keep what it does to this layer."
_INPUT: Final = "Input"
_DEEPEST: Final = 60


@dataclass(frozen=True)
class Before:
    """What a chain says: channels, and its own ``"Input"`` or what the layers make of that.

    ``rank`` is the number of spatial axes that the layers next to it have.
    """

    channels: int | None = None
    input: Argument | None = None
    rank: int | None = None


def chain_before(given: Arguments) -> Before:
    """Follow ``NetChain[{ConvolutionLayer[8, 3], Ramp, …}, "Input" -> …]`` back."""
    assigned = _at_the_chain(given)
    for call, names in assigned:
        layers = _layers(call.positional[0], names) if call.positional else {}
        if call.dotted == "NetGraph":
            path = _path(layers, _edges(call.positional[1:2]), given.call)
            below: tuple[Value, ...] = ()
        else:
            flat = tuple(_flat(layers.values(), names))
            path = _up_to(flat, given.call)
            below = flat[len(path) + 1 :] if path is not None else ()
        if path is not None:
            before = _walked(given, path, call, names)
            return replace(before, rank=_rank_around(given, path, below, call, names))
    return Before()


def _rank_around(
    given: Arguments,
    above: Sequence[Value],
    below: Sequence[Value],
    chain: Call,
    assigned: Mapping[str, Value],
) -> int | None:
    """How many axes the layers next to one have, and the chain's input: all that say so agree."""

    def near(layers: Sequence[Value]) -> Sequence[Value]:
        return tuple(takewhile(lambda each: keeps_rank(each, assigned), layers))

    ranks = {rank_shown(each, assigned) for each in (*near(above[::-1]), *near(below))}
    if len(near(above)) == len(above):
        own = next((each for each in chain.arguments if each.name == _INPUT), None)
        size = None if own is None else _begin(given, own).size
        ranks.add(len(size) if size else None)
    known = ranks - {None}
    return known.pop() if len(known) == 1 else None


def _at_the_chain(given: Arguments) -> list[tuple[Call, Mapping[str, Value]]]:
    """The chains and graphs of a text, each with what names stand for there."""
    return _chains(given.site.code)


@lru_cache(maxsize=1)  # Every call of a text asks, again and again where its sizes are names.
def _chains(code: Code) -> list[tuple[Call, Mapping[str, Value]]]:
    return [
        (call, statement.assigned)
        for statement, call in code.naming("NetChain", "NetGraph")
        if call.dotted in {"NetChain", "NetGraph"}
    ]


def vertex_name(given: Arguments) -> str:
    """Return the name of the vertex that a layer is, with those around it: ``dec_1/up``."""
    return "/".join(_keys(given.site.statement.value, given.call, _DEEPEST) or ())


def _keys(value: Value, layer: Call, depth: int) -> tuple[str, ...] | None:
    if value is layer:
        return ()
    if depth == 0 or not isinstance(value, Call | tuple):
        return None
    parts = (
        [(None, each) for each in value]
        if isinstance(value, tuple)
        else [(each.name, each.value) for each in value.arguments]
    )
    if isinstance(value, Call) and value.dotted == "Rule" and len(parts) == 2:
        parts = [(key if isinstance(key := parts[0][1], str) else None, parts[1][1])]
    for key, part in parts:
        inner = _keys(part, layer, depth - 1)
        if inner is not None:
            return inner if key is None else (key, *inner)
    return None


def _flat(layers: Iterable[Value], assigned: Mapping[str, Value]) -> Iterator[Value]:
    """Yield the layers of a chain, with those of the chains in it."""
    pending = [*layers][::-1]
    while pending:
        layer = resolved(pending.pop(), assigned)
        if isinstance(layer, Call) and layer.dotted == "NetChain" and layer.positional:
            pending += [*_layers(layer.positional[0], assigned).values()][::-1]
        elif isinstance(layer, tuple):
            pending += layer[::-1]
        else:
            yield layer


def _up_to(layers: Iterable[Value], layer: Call) -> tuple[Value, ...] | None:
    """The layers before one, or ``None`` where it is not among them."""
    before = tuple(takewhile(lambda each: each is not layer, layers := tuple(layers)))
    return None if len(before) == len(layers) else before


def _path(
    vertices: Mapping[Value, Value], edges: Sequence[tuple[Value, Value]] | None, layer: Call
) -> tuple[Value, ...] | None:
    """Follow a graph from a layer to its input, as long as one vertex leads to the next."""
    lists = {key: each if isinstance(each, tuple) else (each,) for key, each in vertices.items()}
    here = next((key for key, each in lists.items() if _up_to(each, layer) is not None), None)
    if here is None:
        return None
    path = _up_to(lists[here], layer) or ()
    unknown: tuple[Value, ...] = (None,)
    if edges is None:
        return unknown
    for _ in lists:
        sources = {left for left, right in edges if right == here} or {_INPUT}
        here = sources.pop()
        if sources or here not in {*lists, _INPUT}:
            break
        if here == _INPUT:
            return path
        path = (*lists[here], *path)
    return unknown


def _edges(arguments: Sequence[Value]) -> list[tuple[Value, Value]] | None:
    """The pairs of ``{1 -> 2 -> 3, {NetPort["Input"], "a"} -> "b"}``, where all are known."""
    pairs, pending = list[tuple[Value, Value]](), list[Value]()
    for argument in arguments:
        pending += argument if isinstance(argument, tuple) else [argument]
    while pending:
        edge = pending.pop()
        if not isinstance(edge, Call) or edge.dotted != "Rule":
            return None
        left, right = (each.value for each in edge.arguments)
        if isinstance(right, Call) and right.dotted == "Rule":
            pending.append(right)
            right = right.arguments[0].value
        pairs += [
            (_port(one), _port(right)) for one in (left if isinstance(left, tuple) else (left,))
        ]
    return pairs


def _port(value: Value) -> Value:
    """The vertex of ``NetPort["Input"]`` and of ``NetPort[{"a", "Output"}]``."""
    if isinstance(value, Call) and value.arguments:
        first = value.arguments[0].value
        return first[0] if isinstance(first, tuple) and first else first
    return value.text if isinstance(value, Name) else value


def changed_elsewhere(given: Arguments) -> list[str]:
    """Name what the text does to the layer, or to all such layers, outside of its call."""
    layers = {given.site.name}
    notes = []
    for call in _changing(given.site.code):
        name, first = call.dotted, call.arguments[0].value if call.arguments else None
        if (option := _CHANGING.get(name)) in call.named:
            notes.append(f"{name}'s {option} is not read here: keep what it does.")
        if name == "SetOptions" and name_of(first) == given.call.dotted:
            notes.append(
                "SetOptions changes the defaults of the layer, which is not read here: write the "
                "options in the call."
            )
        is_layer = first is given.call or (isinstance(first, Name) and first.text in layers)
        if name == "NetReplacePart" or (name in _REPLACING and is_layer):
            notes.append(_REPLACED.format(name))
    if not {*layers, given.call.dotted}.isdisjoint(_replaced_words(given.site.code)):
        notes.append(_REPLACED.format("/."))
    return list(dict.fromkeys(notes))


@lru_cache(maxsize=1)  # Every call of a text asks, again and again where its sizes are names.
def _changing(code: Code) -> tuple[Call, ...]:
    """The calls of a text that may change layers."""
    words = {*_REPLACING, "SetOptions", "NetReplacePart"}
    return tuple(
        call
        for call in code.calls
        if call.dotted in words or _CHANGING.get(call.dotted) in call.named
    )


@lru_cache(maxsize=1)
def _replaced_words(code: Code) -> frozenset[str]:
    """The words of all that has parts of it replaced: ``net /. Ramp -> Tanh``."""
    texts = (name.text for each in code.statements for name in names_in(each.value))
    owners = (text.partition("/.")[0] for text in texts if "/." in text)
    return frozenset(word for owner in owners for word in identifiers(owner))


def _layers(value: Value, assigned: Mapping[str, Value]) -> Mapping[Value, Value]:
    """The layers of ``{a, b}``, ``{"a" -> a, "b" -> b}`` or an association, by their names."""
    value = resolved(value, assigned)
    pairs = rules(value, {})
    named = pairs if pairs or not isinstance(value, tuple) else enumerate(value, 1)
    return {name: resolved(layer, assigned) for name, layer in named}


def _walked(
    given: Arguments, layers: tuple[Value, ...], chain: Call, assigned: Mapping[str, Value]
) -> Before:
    own = next((each for each in chain.arguments if each.name == "Input"), None)
    begin = Flow()
    if own is not None:
        if all(step(layer, begin, assigned) is begin for layer in layers):
            return Before(input=own)
        begin = _begin(given, own)
    if len(layers) > MOST_LAYERS:
        return Before()
    flow = after(layers, lambda layer, so_far: step(layer, so_far, assigned), begin)
    if flow.size == ():  # A vector, which the layer does not take
        return Before()
    if flow.channels is None or flow.size is None:
        return Before(flow.channels)
    return Before(input=Argument("Input", (flow.channels, *flow.size), given.call.column))


def _begin(given: Arguments, own: Argument) -> Flow:
    """What goes into a chain, by its own ``"Input"``."""
    try:
        source = port(replace(given, given={**given.given, "Input": own}), "Input", last=False)
    except SnippetError:  # It is no array that the layer itself would take.
        return Flow()
    return Flow(source.channels, source.size)
