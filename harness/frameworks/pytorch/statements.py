"""Notes on lines after a layer that initialise, freeze or regroup its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from harness.convention.arguments import Arguments
from harness.convention.values import shown
from harness.syntax.callsite import CallSite, Code
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
    changes = _changes(given.site)
    if not changes:
        return []
    return [f"{', '.join(changes)}: done to the layer once it is made, and not carried over."]


@lru_cache(maxsize=1)  # A call is read again and again where its sizes are names.
def _changes(site: CallSite) -> tuple[str, ...]:
    """What is done to a layer's parameters, each once."""
    in_place = [each for each in calls(site.statement.value) if each.dotted == "requires_grad_"]
    return tuple(dict.fromkeys([*(each.dotted for each in in_place), *_changes_after(site)]))


def _changes_after(site: CallSite) -> Iterator[str]:
    code, layer = site.code, site.statement.target or ""
    anew = len(code.statements)  # Where the name becomes another layer's
    for place in code.showing(layer) if layer else ():
        each = code.statements[place]
        if place > site.place and each.target == layer and not _keeps(each.value, layer):
            anew = place
            break
    for place, change, changed in _changing(code):
        if not site.place < place < anew:
            continue
        if isinstance(changed, Call) and not _is_group(changed, layer):
            continue
        whose = layer if isinstance(changed, Call) else changed
        value = code.statements[place].assigned.get(whose)
        owner = value.text if isinstance(value, Name) else whose
        owner = match[1] if (match := _PARAMETER.fullmatch(owner)) else owner
        is_unknown = owner.isidentifier() and owner not in code.given
        if is_unknown or (layer and re.match(rf"{re.escape(layer)}(\W|$)", owner)):
            yield change


@lru_cache(maxsize=1)
def _changing(code: Code) -> list[tuple[int, str, str | Call]]:
    """What a text does to parameters: the statements' places, and whose those are."""
    every = enumerate(code.statements)
    return [(place, *change) for place, statement in every for change in _changed(statement)]


def _keeps(value: Value, layer: str) -> bool:
    owner, _, verb = value.dotted.rpartition(".") if isinstance(value, Call) else ("", "", "")
    return owner == layer and verb in _KEEPS_THE_LAYER


def _changed(statement: Statement) -> Iterator[tuple[str, str | Call]]:
    """Yield what a statement does to parameters, and whose they are, or in which group."""
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
        elif verb == "dict":
            yield "the optimizer's parameter groups", call


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
