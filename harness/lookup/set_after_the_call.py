"""Attributes of a layer that the text sets once the layer is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from harness.convention.arguments import Form
from harness.syntax.callsite import CallSite, Code
from harness.syntax.tree import Call, Name, Statement, Value, last_name

# The methods that frameworks compute a layer's output with.
_COMPUTING: Final = {"forward", "hybrid_forward", "call", "__call__"}
_SETTERS: Final = {"setattr", "__setattr__"}
_ANY: Final = "<name>"  # An attribute whose name the text does not hold


def notes_on_attributes(site: CallSite, form: Form) -> Iterator[str]:
    """Name the layer's own attributes that the text sets once the layer is made."""
    own = frozenset(filter(None, [site.statement.target]))
    for target, value in _attributes_set(site.code, site.place, own):
        attribute = target.rpartition(".")[2].partition("[")[0]
        if attribute in {*_COMPUTING, "__dict__", _ANY}:
            yield f"{target} = ... is not in the answer, and may change what it computes."
        elif _is_number(form, attribute, value):
            yield f"{target} = ... is not in the answer: give it where the layer is made."
    # Loops over all layers come anywhere: for f in layers: if isinstance(f, Conv2DTranspose): ...
    others = _tested(site.code, tuple(form.names)) - own
    for target, value in _attributes_set(site.code, 0, others):
        layer, _, attribute = target.rpartition(".")
        if _is_number(form, attribute, value):
            changes = f"and changes it where {layer} is this layer."
            yield f"{target} = ... is not in the answer, {changes}"


def _is_number(form: Form, attribute: str, value: Value) -> bool:
    """Whether what an attribute is set to is one of the operator's, not an array."""
    is_array = attribute == "bias" and isinstance(value, Name | Call)
    return form.parameter(attribute) is not None and not is_array


@lru_cache(maxsize=8)  # A call is read again and again where its sizes are names.
def _tested(code: Code, classes: tuple[str, ...]) -> frozenset[str]:
    """Names of which the text asks whether they are objects of classes."""
    lasts = {name.rpartition(".")[2] for name in classes}
    names = set[str]()
    for _, call in code.naming("isinstance"):
        match call.positional:
            case [Name(text=name), kinds]:
                parts = kinds if isinstance(kinds, tuple) else (kinds,)
                if any(isinstance(p, Name) and p.text.rpartition(".")[2] in lasts for p in parts):
                    names.add(name)
    return frozenset(names)


@lru_cache(maxsize=4)  # A call is read again and again where its sizes are names.
def _attributes_set(code: Code, first: int, named: frozenset[str]) -> tuple[tuple[str, Value], ...]:
    """What a text sets, from a statement on, of a layer or the same object, and to what."""
    return tuple(_set_after(code, first, named)) if named else ()


def _set_after(code: Code, first: int, named: frozenset[str]) -> Iterator[tuple[str, Value]]:
    layers = {*named}
    for place, statement, setters in _setting(code):
        if place < first:
            continue
        target, value = statement.target, statement.value
        if target and isinstance(value, Name) and value.text in layers:
            layers.add(target)
        if target and target.rpartition(".")[0] in layers:
            yield target, value
        for call in setters:
            owner, _, function = call.dotted.rpartition(".")
            given = call.positional
            if function == "__setattr__" and len(given) == 2:
                given = [Name(owner, call.column), *given]
            if len(given) == 3:
                layer, attribute, value = given
                if isinstance(layer, Name) and layer.text in layers:
                    name = attribute if isinstance(attribute, str) else _ANY
                    yield f"{layer.text}.{name}", value


@lru_cache(maxsize=1)
def _setting(code: Code) -> list[tuple[int, Statement, list[Call]]]:
    """The statements that may set attributes or make names the same, and the calls that do."""
    setters = defaultdict[int, list[Call]](list)
    for statement, call in code.naming(*_SETTERS):
        if last_name(call) in _SETTERS:
            setters[code.place_of(statement)].append(call)
    return [
        (place, each, setters.get(place, []))
        for place, each in enumerate(code.statements)
        if place in setters or "." in (each.target or "") or isinstance(each.value, Name)
    ]
