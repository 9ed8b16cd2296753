"""Where a layer that a text makes is called: at once, or later by the name that it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.syntax.tree import Call, Name, Statement, Value, calls, last_name

# What gives a layer back that is called like the one that it was given.
_SAME_LAYER: Final = {
    *("weight_norm", "spectral_norm", "SpectralNormalization", "WeightNorm", "apply", "compile"),
    *("cuda", "cpu", "to", "half", "float", "double", "eval", "train", "requires_grad_"),
    *("hybridize", "to_gpu", "to_cpu", "DataParallel", "script"),
    *("NetInitialize", "NetReplacePart"),
}
_CONTAINERS: Final = {"Sequential", "HybridSequential", "NetChain"}


def applications(statements: Sequence[Statement], home: Statement, layer: Call) -> list[Call]:
    """Find the calls of a layer, in the order of the text behind it.

    Parameters
    ----------
    statements : sequence of Statement
    home : Statement
        The one that makes the layer.
    layer : Call
        What makes it.

    Returns
    -------
    list of Call
        A model that holds the layer among others is not the layer.  Calls that the text has above
        the layer count where there are none below it: methods stand in any order.
    """
    place = next(n for n, statement in enumerate(statements) if statement is home)
    name = home.target if _is_layer(home.value, layer) else None
    own = [call for call in calls(home.value) if call.function is layer]
    behind = [*own, *_by_name(statements[place + 1 :], home, name, layer)]
    return behind or list(_by_name(statements[:place], home, name, layer))


def _by_name(
    statements: Sequence[Statement], home: Statement, name: str | None, layer: Call
) -> Iterator[Call]:
    for statement in statements:
        if name is None:
            return
        if _same_class(statement, home):
            yield from (call for call in calls(statement.value) if _is_call_of(call, name))
        if statement.target == name and not _is_layer(statement.value, layer, name):
            # In another branch it would be the other branch's layer.
            certain = home.block[: len(statement.block)] == statement.block
            name = None if certain and _same_class(statement, home) else name


def _is_call_of(call: Call, name: str) -> bool:
    return isinstance(call.function, Name) and call.function.text == name


def _same_class(one: Statement, other: Statement) -> bool:
    """Whether ``self`` is the same in both."""
    classes = [tuple(n for n in statement.block if n < 0) for statement in (one, other)]
    return classes[0] == classes[1]


def _is_layer(value: Value, layer: Call, name: str | None = None) -> bool:
    """Whether a value is the layer itself, or what is called as it would be."""
    if value is layer or (isinstance(value, Name) and value.text == name):
        return True
    if not isinstance(value, Call):
        return False
    given = [argument.value for argument in value.arguments]
    if isinstance(value.function, Name) and value.function.text.rpartition(".")[0] == name:
        return last_name(value) in _SAME_LAYER
    if last_name(value) in _CONTAINERS:
        inside = given[0] if isinstance(given[0], tuple) else given
        return len(inside) == 1 and _is_layer(inside[0], layer, name)
    return last_name(value) in _SAME_LAYER and given != [] and _is_layer(given[0], layer, name)
