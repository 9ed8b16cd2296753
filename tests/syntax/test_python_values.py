"""Values that Python text computes from literals.  Python itself gave the expected ones."""

from __future__ import annotations

import pytest
from syntax_texts import parse, shown

from harness.syntax import python
from harness.syntax.tree import Call

COMPUTED = {
    "math.ceil(5 / 2) + math.floor(2.7)": "5",
    "max(1, 3 // 2)": "1",
    "min((3, 2))": "2",
    "round(1 / 0.5)": "2",
    "round(2.5)": "2",
    "abs(-2)": "2",
    "len([1, 2]) + sum([1, 2])": "5",
    "math.prod((2, 2))": "4",
    "int(math.log2(8))": "3",
    "range(3)[2]": "2",
    "sorted((3, 1, 2))": "[1, 2, 3]",
    "2 if True else x": "2",
    "x if 0 else 3": "3",
    "3 if 2 > 1 else x": "3",
    "3 if 'up' == 'up' else 1": "3",
    "None is None": "True",
    "not True": "False",
    "0 or 4": "4",
    "[2 for _ in range(2)]": "[2, 2]",
    "[(k - 1) // 2 for k in (3, 5)]": "[1, 2]",
    "[a * b for a, b in zip((1, 2), (3, 4))]": "[3, 8]",
    "tuple(k // 2 for k in (3, 5))": "[1, 2]",
    "max(k for k in (3, 5))": "5",
    "64 >> 1": "32",
    "3 << 2": "12",
    "-5 >> 1": "-3",
}
OPEN = [
    "max(x, 1)",
    "max(1, *more)",
    "2 if x else 3",
    "x > 1",
    "x or 4",
    "not x",
    "[k for k in x]",
    "[k + x for k in (3, 5)]",
    "[k for k in (3, 5) if k > 3]",
    "mine.ceil(2.5)",
    "math.log2(0)",
    "math.ceil(1e999)",
    "int('3')",
    "range(10 ** 9)",
    "'a' < 3",
    "~1",
    "1.5 << 2",
    "2 >> -1",
    "1 << 99",
]


def last_call(text: str) -> Call:
    value = parse(python, text)[-1].value
    assert isinstance(value, Call)
    return value


@pytest.mark.parametrize(("text", "value"), COMPUTED.items(), ids=COMPUTED)
def test_a_value_is_computed(text: str, value: str) -> None:
    assert shown(last_call(f"f({text})").arguments[0].value) == value


@pytest.mark.parametrize("text", OPEN)
def test_what_is_not_certain_has_no_value(text: str) -> None:
    value = shown(last_call(f"f({text})").arguments[0].value)
    assert not value.lstrip("-").replace(".", "").isdigit()
    assert value not in {"True", "False"}
    assert not value.startswith("[")


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("from math import ceil", "ceil(2.5)"),
        ("import math as m", "m.ceil(2.5)"),
    ],
)
def test_a_function_is_known_by_its_import(lines: str, value: str) -> None:
    assert shown(last_call(f"{lines}\nf({value})").arguments[0].value) == "3"


@pytest.mark.parametrize(
    "lines",
    ["max = mine()", "def max(*a):\n  return 7", "from mine import max", "from mine import *"],
)
def test_a_name_of_the_texts_own_is_not_pythons(lines: str) -> None:
    assert shown(last_call(f"{lines}\nf(max(2, 1))").arguments[-1].value) != "2"


@pytest.mark.parametrize(
    "lines",
    [
        "kw = dict(dict(k=1, s=2), k=3)",
        "kw = dict(k=1, s=2)\nkw.update(k=3)",
        "kw = {'k': 1, 's': 2}\nkw.update({'k': 3})",
        "kw = {}\nkw.update(k=3, s=2)",
    ],
)
def test_a_dictionary_is_followed(lines: str) -> None:
    call = last_call(f"{lines}\nf(**kw)")
    assert {each.name: each.value for each in call.arguments} == {"k": 3, "s": 2}


def test_a_list_is_followed() -> None:
    call = last_call("s = [1]\ns.append(2)\nf(s)")
    assert call.arguments[0].value == (1, 2)
