"""Trees written as one line of text, and texts to parse."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from hypothesis import strategies as st

from harness.syntax.tree import MAX_DIGITS, Call, Name, Parsed, Statement, Value, calls


def shown(value: Value) -> str:
    """Write a tree in one line, without columns: names in <>, calls with (), tuples with []."""
    if isinstance(value, Name):
        return f"<{value.text}>"
    if isinstance(value, Call):
        function = value.function
        name = function.text if isinstance(function, Name) else shown(function)
        arguments = [
            (f"{each.name}=" if each.name else "") + shown(each.value) for each in value.arguments
        ]
        return f"{name}({', '.join(arguments)})"
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    return repr(value)


def summary(statements: tuple[Statement, ...]) -> str:
    return "; ".join(
        (f"{each.target} := " if each.target else "") + shown(each.value) for each in statements
    )


def parse(language: ModuleType, text: str) -> tuple[Statement, ...]:
    """Read a text all of which must be understood."""
    parsed: Parsed = language.read(text)
    return parsed.all_understood()


def given_to(language: ModuleType, text: str, name: str = "f") -> Iterator[Value]:
    """Yield what the calls of a function in a text are given, one after another."""
    for statement in language.read(text).statements:
        for call in calls(statement.value):
            if call.dotted == name:
                yield from call.positional


def first(language: ModuleType, text: str) -> Value:
    return parse(language, text)[0].value


SCALARS = (
    st.integers(1 - 10**MAX_DIGITS, 10**MAX_DIGITS - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)


def trees(text: st.SearchStrategy[str], *constants: Value) -> st.SearchStrategy[Value]:
    leaves: st.SearchStrategy[Value] = SCALARS | text | st.sampled_from((True, *constants))
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=20)


_FRAGMENTS = (
    "[ ] { } ( ) <| |> , ; : = := -> // @ @@ /@ & # ' \" `` % %{ %} (* *) ... + - * / ^ . .* ~ == "
    "f x True true 1 2.5 1e3 1*^2 0x \\ \\[Rule] é \u2192 >>"
)
FRAGMENTS = st.sampled_from([*_FRAGMENTS.split(), " ", "\n", "\t", "\r"])
