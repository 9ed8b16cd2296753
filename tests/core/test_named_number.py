"""Numbers that are written as names compute as numbers do, and write what they computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.named_number import Named, in_names, plain
from harness.syntax.written_names import writer

NAMES = {"k": 7, "s": 2, "p": 3, "groups": 4}
LEAVES = st.one_of(st.integers(-4, 4), st.sampled_from(sorted(NAMES)))
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b if int(b) else a,
    "%": lambda a, b: a % b if int(b) else b,
    "neg": lambda a, _: -a,
    "abs": lambda a, _: abs(a),
}
TREES = st.recursive(
    LEAVES, lambda inner: st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner), max_leaves=8
)


def computed(tree: Any, names: dict[str, int]) -> int:
    if isinstance(tree, tuple):
        result: int = OPERATIONS[tree[0]](*(computed(each, names) for each in tree[1:]))
        return result
    return names[tree] if isinstance(tree, str) else tree


@given(TREES)
def test_what_is_written_is_what_was_computed(tree: Any) -> None:
    """Whatever the operations: the text evaluates to the number."""
    number = computed(tree, {name: Named.of(name, value) for name, value in NAMES.items()})
    assert number == computed(tree, NAMES)
    assert eval(in_names(f"{number}"), dict(NAMES)) == number
    assert eval(in_names(f"1 - {number} * 2"), dict(NAMES)) == 1 - int(number) * 2
    assert eval(in_names(f"max({number}, [{number}][0])"), dict(NAMES)) == number


@given(TREES)
@example(("//", "groups", ("*", 2, "groups")))
@example(("//", -2, ("*", -2, "groups")))
def test_it_is_what_matlab_and_wolfram_language_compute(tree: Any) -> None:
    """By their functions' own definitions, in Python's grammar."""
    number = computed(tree, {name: Named.of(name, value) for name, value in NAMES.items()})
    if not isinstance(number, Named) or "**" in number.expression:
        return
    wolfram = writer("wolfram")(number.expression).replace("[", "(").replace("]", ")")
    functions: dict[str, Any] = {"Quotient": lambda a, b: a // b, "Mod": lambda a, b: a % b}
    assert eval(wolfram, {**NAMES, **functions}) == number
    matlab = writer("matlab")(number.expression)
    functions = {"floor": lambda a: int(a // 1), "mod": lambda a, b: a % b}
    assert eval(matlab, {**NAMES, **functions}) == number


@pytest.mark.parametrize(
    ("computation", "expected"),
    [
        (lambda k, s: k - (k - s), "s"),
        (lambda k, _: k - 1 + 1, "k"),
        (lambda k, _: k * 2 // 2, "k"),
        (lambda k, _: k // k, "1"),
        (lambda k, _: k - k, "0"),
        (lambda k, s: (k - s) // 2, "(k - s) // 2"),
        (lambda k, s: k - (k - s) // 2 * 2, "k - (k - s) // 2 * 2"),
        (lambda k, _: 1 - k, "1 - k"),
        (lambda k, _: -(k // 3), "-(k // 3)"),
    ],
)
def test_it_is_written_as_people_do(computation: Any, expected: str) -> None:
    assert in_names(str(computation(Named.of("k", 7), Named.of("s", 2)))) == expected


def test_json_has_the_expression() -> None:
    assert plain({"a": [Named.of("k", 3) + 1, (2,)], "b": None}) == {"a": ["k + 1", [2]], "b": None}
