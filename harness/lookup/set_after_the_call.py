"""Attributes of a layer that the text sets once the layer is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from harness.convention.arguments import Form
from harness.syntax.callsite import CallSite
from harness.syntax.tree import Call, Name, Statement, Value

# The methods that frameworks compute a layer's output with.
_COMPUTING: Final = {"forward", "hybrid_forward", "call", "__call__"}
_SETTERS: Final = {"setattr", "__setattr__"}
_ANY: Final = "<name>"  # An attribute whose name the text does not hold


def notes_on_attributes(site: CallSite, form: Form) -> Iterator[str]:
    """Name the layer's own attributes that the text sets once the layer is made."""
    own = {site.statement.target}
    for target, value in _attributes_set(site, (site.statement, *site.after), own):
        attribute = target.rpartition(".")[2].partition("[")[0]
        if attribute in {*_COMPUTING, "__dict__", _ANY}:
            yield f"{target} = ... is not in the answer, and may change what it computes."
        elif _is_number(form, attribute, value):
            yield f"{target} = ... is not in the answer: give it where the layer is made."
    # Loops over all layers come anywhere: for f in layers: if isinstance(f, Conv2DTranspose): ...
    others = {*_tested(site, form)}.difference(own)
    for target, value in _attributes_set(site, site.code.statements, others) if others else ():
        layer, _, attribute = target.rpartition(".")
        if _is_number(form, attribute, value):
            changes = f"and changes it where {layer} is this layer."
            yield f"{target} = ... is not in the answer, {changes}"


def _is_number(form: Form, attribute: str, value: Value) -> bool:
    """Whether what an attribute is set to is one of the operator's, not an array."""
    is_array = attribute == "bias" and isinstance(value, Name | Call)
    return form.parameter(attribute) is not None and not is_array


def _tested(site: CallSite, form: Form) -> Iterator[str]:
    """Yield the names of which the text asks whether they are layers of the form."""
    lasts = {name.rpartition(".")[2] for name in form.names}
    for _, call in site.code.naming("isinstance"):
        match call.positional:
            case [Name(text=name), kinds]:
                parts = kinds if isinstance(kinds, tuple) else (kinds,)
                if any(isinstance(p, Name) and p.text.rpartition(".")[2] in lasts for p in parts):
                    yield name


def _attributes_set(
    site: CallSite, statements: Sequence[Statement], named: Collection[str | None]
) -> Iterator[tuple[str, Value]]:
    """Yield what statements set of a layer, or of what is the same object, and to what."""
    layers = {*named}
    for statement in statements:
        target, value = statement.target or "", statement.value
        if isinstance(value, Name) and value.text in layers:
            layers.add(statement.target)
        if target.rpartition(".")[0] in layers:
            yield target, value
    setting = site.code.naming(*_SETTERS)
    known = {id(each) for each in statements} if setting else set()
    for statement, call in setting:
        owner, _, function = call.dotted.rpartition(".")
        given = call.positional
        if function == "__setattr__" and len(given) == 2:
            given = [Name(owner, call.column), *given]
        if function in _SETTERS and len(given) == 3 and id(statement) in known:
            layer, attribute, value = given
            if isinstance(layer, Name) and layer.text in layers:
                name = attribute if isinstance(attribute, str) else _ANY
                yield f"{layer.text}.{name}", value
