"""Notes on lines after a layer that initialise, freeze or regroup its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.syntax.callsite import CallSite
from harness.syntax.tree import Call, Name, Statement, Value, calls

_PARAMETER: Final = re.compile(r"(.+)\.(?:weight|bias)(?:\.data)?")
_FROZEN: Final = re.compile(r"(.+?)(?:\.(?:weight|bias))?\.requires_grad")
# Methods that return the same layer: up = up.cuda().
_KEEPS_THE_LAYER: Final = {
    *("cuda", "cpu", "to", "half", "float", "double", "bfloat16", "train", "eval", "type"),
    "requires_grad_",
}


def notes_on_training(given: Arguments) -> list[str]:
    """Note what the text does to the parameters of a layer once it exists.

    https://docs.pytorch.org/docs/stable/nn.init.html
    https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
    """
    changes = dict.fromkeys(_changes(given.site))
    if not changes:
        return []
    return [f"{', '.join(changes)}: done to the layer once it is made, and not carried over."]


def _changes(site: CallSite) -> Iterator[str]:
    for call in calls(site.statement.value):
        if call.dotted == "requires_grad_":
            yield "requires_grad_"
    layer, targets = site.statement.target or "", site.code.given
    for statement in site.after:
        if layer and statement.target == layer and not _keeps(statement.value, layer):
            return  # From here on the name is another layer's.
        for change, changed in _changed(statement, layer):
            value = statement.assigned.get(changed)
            owner = value.text if isinstance(value, Name) else changed
            owner = match[1] if (match := _PARAMETER.fullmatch(owner)) else owner
            is_unknown = owner.isidentifier() and owner not in targets
            if is_unknown or (layer and re.match(rf"{re.escape(layer)}(\W|$)", owner)):
                yield change


def _keeps(value: Value, layer: str) -> bool:
    owner, _, verb = value.dotted.rpartition(".") if isinstance(value, Call) else ("", "", "")
    return owner == layer and verb in _KEEPS_THE_LAYER


def _changed(statement: Statement, layer: str) -> Iterator[tuple[str, str]]:
    """Yield what a statement does to parameters, and whose they are."""
    if match := _FROZEN.fullmatch(statement.target or ""):
        yield "requires_grad", match[1]
    for call in calls(statement.value):
        owner, _, verb = call.dotted.rpartition(".")
        first = call.arguments[0].value if call.arguments else None
        is_init = owner.split(".")[-1] == "init" or (not owner and verb.endswith("_"))
        if is_init and isinstance(first, Name):
            yield f"init.{verb}", first.text
        elif owner and (
            verb in {"requires_grad_", "apply"}
            or (verb.endswith("_") and _PARAMETER.fullmatch(owner))
        ):
            yield verb, owner
        elif verb == "dict" and _is_group(call, layer):
            yield "the optimizer's parameter groups", layer


def _is_group(call: Call, layer: str) -> bool:
    """Whether ``{"params": up.weight, "lr": 2 * lr}`` may be about the layer."""
    given = call.named
    last = re.escape(layer.rpartition(".")[2])
    is_named = re.search(rf"(?:^|\W){last}(?:\W|$)", _written(given.get("params")))
    return bool(last and is_named) and bool({"lr", "weight_decay"} & given.keys())


def _written(value: Value) -> str:
    if isinstance(value, Call) and value.dotted:
        return value.dotted
    return " ".join(map(_written, value)) if isinstance(value, tuple) else shown(value)
