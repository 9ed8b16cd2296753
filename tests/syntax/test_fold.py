"""Expressions that speak of an array's shape, computed once the shape is known."""

from __future__ import annotations

import pytest
from syntax_texts import parse

from harness.syntax import python
from harness.syntax.shapes import fold
from harness.syntax.tree import Call, Name, SnippetError, Value, calls

SHAPES = {"x": (2, 5, 7, 64), "self.w": (4, 3, 32, 64)}


def folded(text: str) -> Value:
    *before, last = text.split("\n")
    statement = parse(python, "\n".join([*before, f"f({last})"]))[-1]
    assert isinstance(statement.value, Call)
    return fold(statement.value.arguments[0].value, SHAPES, statement.assigned)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x.shape", (2, 5, 7, 64)),
        ("x.shape[1]", 5),
        ("x.shape[-1] // 2", 32),
        ("x.shape[1:3]", (5, 7)),
        ("x.shape[:1] + (1,)", (2, 1)),
        ("[x.shape[0], (x.shape[1] - 1) * 2 + 3, 9]", (2, 11, 9)),
        ("tf.shape(x)[2] * 2", 14),
        ("tf.shape(input=x)[2]", 7),
        ("K.int_shape(x)[1]", 5),
        ("x.get_shape()[1]", 5),
        ("x.get_shape().as_list()[2]", 7),
        ("x.shape.as_list()", (2, 5, 7, 64)),
        ("tf.stack([tf.shape(x)[0], 9, self.w.shape[2]])", (2, 9, 32)),
        ("x.size(1)", 5),
        ("x.size()[2:]", (7, 64)),
        ("int(x.shape[1]) * 2", 10),
        ("h = tf.shape(x)[1]\nw = h + 1\n(h * 2, w * 2)", (10, 12)),
        ("b, h, w, c = x.shape\n(b, h * 2, w * 3)", (2, 10, 21)),
        ("k = [3, 5]\nk[1]", 5),
        ("s = x.shape\ns[1] *= 2\ns[-1] = 9\ns", (2, 10, 7, 9)),
        ("-x.shape[0] + 3", 1),
    ],
)
def test_shape_is_computed(text: str, value: Value) -> None:
    assert folded(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "y.shape[1]",
        "x.shape[n]",
        "tf.shape(y)[1] * 2",
        "f(x)[1]",
        "x.shape[1].value()",
        "x.shape[None]",
        "s = x.shape\ns[n] = 9\ns[1]",
        "s = x.shape\ns[1] *= 2\ns[1] *= 2\ns[1]",
        "s = x.get_shape().as_list()\ns.append(9)\ns[1]",
        "n = x.shape[1]\nx = other\nn",
        "n = x.shape[1]\nx.transpose_(1, 2)\nn",
        "if a:\n  n = x.shape[1]\nelse:\n  n = x.shape[2]\nn",
    ],
)
def test_what_is_not_known_stays_as_it_was(text: str) -> None:
    assert isinstance(folded(text), Name | Call)


def test_unknown_parts_stay_beside_known_ones() -> None:
    assert folded("(batch, x.shape[1])") == (Name("batch", 3), 5)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("x.shape[4]", "of 4 elements"),
        ("x.shape[1] // 0", "by zero"),
        ("x.shape[-1] * 99999999999999999", "more than 18 digits"),
        ("x.shape[1] ** 999999999", "more than 18 digits"),
    ],
)
def test_what_cannot_be_computed_is_an_error_at_its_place(text: str, fact: str) -> None:
    with pytest.raises(SnippetError, match=fact) as raised:
        folded(f"(1,  {text})")
    assert raised.value.column == 7


def test_calls_inside_an_expression_are_found() -> None:
    value = parse(python, "y = a + f(b) * g(c)[0]")[0].value
    assert [call.function.text for call in calls(value) if isinstance(call.function, Name)] == [
        "f",
        "g",
    ]


def test_calls_nested_in_expressions_take_no_time() -> None:
    """Each level around a call used to read it twice: 2**28 times here."""
    depth = 28
    value = parse(python, "f(1 + " * depth + "x" + ")" * depth)[0].value
    assert isinstance(value, Call)
    assert len(list(calls(value))) == depth
