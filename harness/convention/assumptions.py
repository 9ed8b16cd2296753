"""Notes on the assumptions of a reading: a bias that may be ``None``, defaults, stored weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from harness.convention.binding import BoundCall
from harness.convention.values import creates_array, shape_in_part, shape_of, shown
from harness.syntax.callsite import Code
from harness.syntax.tree import Call, Name, Reference, Value, calls

# Functions, layers and hooks of several frameworks.
_RECOMPUTE: Final = {
    *("weight_norm", "spectral_norm", "register_parametrization", "orthogonal"),
    *("SpectralNormalization", "SpectralNorm", "WeightNormalization", "WeightNorm"),
    "WeightStandardization",
}
_REGISTERING: Final = ("register_parameter", "register_buffer")
_PLAIN: Final = re.compile(r"[\w.]+(?:\[[^][]*\])*")


def bias_notes(given: BoundCall, name: str) -> list[str]:
    """Note that a bias is assumed, if the text does not show that ``name`` is not ``None``."""
    if not given.has(name) or _is_there(given, given.given[name].value):
        return []
    return [
        f"The bias is taken to be there: where {shown(given.value(name))} is None, leave it out of "
        "the call."
    ]


def _is_there(given: BoundCall, value: Value) -> bool:
    """Whether the text shows an array, or gives a name no value at all."""
    seen: set[str] = set()
    while isinstance(value, Name) and value.text in given.assigned and value.text not in seen:
        seen.add(value.text)
        if not _always_given(given, value.text):
            return False
        value = given.assigned[value.text]
    if isinstance(value, Name):
        is_new = value.text not in seen and _PLAIN.fullmatch(value.text) is not None
        return is_new and _always_given(given, value.text)
    return creates_array(value) if isinstance(value, Call) else value is not None


def _always_given(given: BoundCall, name: str) -> bool:
    """Whether no line sets a name to ``None``, as many layers do without bias."""
    code = given.site.code
    set_to_none = any(value is None for value in code.given.get(name, ()))
    registering = (call for _, call in code.naming(*_REGISTERING))
    return not set_to_none and not any(_registers_none(call, name) for call in registering)


def _registers_none(call: Call, name: str) -> bool:
    """Whether a call such as ``self.register_parameter("bias", None)`` sets a name to ``None``."""
    owner, _, attribute = name.rpartition(".")
    is_register = call.dotted in {f"{owner}.{function}" for function in _REGISTERING}
    return is_register and call.parts[1:3] == (attribute, None)


def recomputed_notes(given: BoundCall) -> list[str]:
    """Note what computes a layer's weights from other arrays, such as ``weight_norm(layer)``."""
    wrappers = [each.name for each in _wrappings(given.site.code) if each.may_be_about(given)]
    if not wrappers:
        return []
    return [recomputed(", ".join(dict.fromkeys(wrappers)))]


def recomputed(by: str) -> str:
    """Note that something computes a layer's weights."""
    return (
        f"{by}: the layer computes its weights from other arrays at every call. Take what comes "
        "out; deconform weights computes it from a file."
    )


class _Wrapping(NamedTuple):
    """A call that makes a layer compute its weights, and what it is given."""

    name: str
    names: tuple[str, ...]
    calls: frozenset[int]  # By their identities

    def may_be_about(self, given: BoundCall) -> bool:
        """Whether it is given the layer, or nothing that is known to be something else."""
        assigned, ever_given = given.assigned, given.site.code.given
        is_about = id(given.call) in self.calls or any(
            name == given.site.statement.target or not (name in assigned or name in ever_given)
            for name in self.names
        )
        return is_about or not (self.names or self.calls)


@lru_cache(maxsize=1)  # Every call of a text asks, again and again where its sizes are names.
def _wrappings(code: Code) -> tuple[_Wrapping, ...]:
    found = []
    for _, call in code.naming(*_RECOMPUTE, "prune"):
        name = _function(call)
        if name in _RECOMPUTE or "prune" in call.dotted.split(".")[:-1]:
            values = [value for value in call.positional if isinstance(value, Name | Call)]
            names = tuple(value.text for value in values if isinstance(value, Name))
            inner = (value for value in values if isinstance(value, Call))
            ids = frozenset(id(each) for value in inner for each in calls(value))
            found.append(_Wrapping(name, names, ids))
    return tuple(found)


def _function(call: Call) -> str:
    """The last part of a function's name where it comes from, whatever the text calls it."""
    imported = call.owner.text if isinstance(call.owner, Reference) else call.dotted
    return imported.rpartition(".")[2]


def assumed_notes(given: BoundCall, sources: Sequence[Value] = ()) -> list[str]:
    """Note the defaults of functions that a reading uses through lines other than the call's.

    ``sources`` are other values that the reading used.
    """
    values = dict.fromkeys(
        assumed
        for value in (*_arrays(given), *sources)
        for call in calls(value)
        for assumed in call.assumed
        if assumed not in given.call.assumed
    )
    return defaults_notes([*values])


def defaults_notes(values: Sequence[str]) -> list[str]:
    """Note the defaults of parameters, and of settings, that a reading uses.

    >>> defaults_notes(["k=3", "opt.ngf=64"])[1]
    'opt.ngf=64: the default of a setting; a run may give another.'
    """
    settings = [each for each in values if "." in each.partition("=")[0]]
    parameters = [each for each in values if each not in settings]
    notes = []
    if parameters:
        shown = ", ".join(parameters)
        notes.append(f"{shown}: taken from the function's defaults; its caller may give others.")
    if settings:
        shown, which = ", ".join(settings), "a setting" if len(settings) == 1 else "settings"
        other = "another" if len(settings) == 1 else "others"
        what = "default" if len(settings) == 1 else "defaults"
        notes.append(f"{shown}: the {what} of {which}; a run may give {other}.")
    return notes


def _arrays(given: BoundCall) -> Iterator[Value]:
    """Yield the arrays whose shapes were used, and the call of the layer."""
    for argument in given.given.values():
        value = argument.value
        if isinstance(value, Name):
            value = given.assigned.get(value.text)
        if shape_of(value) is not None or shape_in_part(value):
            yield value
    if given.site.applied and given.application:
        yield given.site.applied.call
    if shape_of(given.input_in_text) is not None:
        yield given.input_in_text
