"""A call that is cut out of what no parser reads."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syntax_texts import FRAGMENTS, parse, shown

from harness.syntax import matlab, python, wolfram
from harness.syntax.cut import alone, cut
from harness.syntax.tree import MAX_TEXT, Call


@given(
    st.lists(FRAGMENTS | st.sampled_from(["f(", "a.f(", "f["]), max_size=25).map("".join),
    st.sampled_from(["python", "matlab", "wolfram"]),
)
def test_what_is_cut_out_of_any_text_begins_with_the_name(text: str, language: str) -> None:
    for piece in cut(text, {"f"}, language):
        inside = text[piece.start : piece.end]
        assert inside[-1] in ")]"
        assert "f" in inside.replace("[", "(").split("(")[0]


# Calls in the middle of something else.

CUT = [
    ("python", "8, nn.f(64, (2, 3)), ]", "nn.f(64, (2, 3))"),
    ("python", "self.x = torch.nn.f(1)(y)  # f(2)", "torch.nn.f(1)(y)"),
    ("python", "# f(1)\nif x: f( ')' , '''\n)''')", "f( ')' , '''\n)''')"),
    ("python", "g(f(f(1)), (", "f(f(1))"),
    ("python", "f (1", None),
    ("python", "ff(1) f_(2) f[3]", None),
    ("python", "I can't see why f(1, 2) isn't", "f(1, 2)"),
    ("python", "[f(1}, f(2)]", "f(2)"),
    ("matlab", "'name', f(W', 'a)b')'; x(", "f(W', 'a)b')"),
    ("matlab", "for i=1:3 % f(1)\n y = f( ... )\n 1); end", "f( ... )\n 1)"),
    ("wolfram", 'Plot[f[1, "]", (* ] *) 2][x], ', 'f[1, "]", (* ] *) 2][x]'),
    ("wolfram", "the layer NN`f[1] is (", "NN`f[1]"),
    ("wolfram", "f(1)", None),
    ("python", "f(1) " * MAX_TEXT, None),
]


@pytest.mark.parametrize(("language", "text", "expected"), CUT)
def test_a_balanced_call_is_cut_out(language: str, text: str, expected: str | None) -> None:
    found = [text[piece.start : piece.end] for piece in cut(text, {"f"}, language)]
    assert found == ([] if expected is None else [expected])


def test_all_separate_calls_are_cut_out() -> None:
    text = "- f(1)\n+ g(f(2), f(f(3))"
    found = [text[piece.start : piece.end] for piece in cut(text, {"f"}, "python")]
    assert found == ["f(1)", "f(2)", "f(f(3))"]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (python, "x = 'open\n    y = f(1, # one\n  2)\n", "f(1, 2)"),
        (matlab, "x = 'open\n    y = f([1 % one\n  2]) end", "f([[1], [2]])"),
        (wolfram, "]\n    y = f[1, (* one *)\n  2])", "f(1, 2)"),
    ],
)
def test_what_is_cut_out_is_read_alone_with_its_columns(
    language: ModuleType, text: str, expected: str
) -> None:
    name = language.__name__.rsplit(".", 1)[-1]
    (piece,) = cut(text, {"f"}, name)
    (statement,) = parse(language, alone(text, piece, name))
    assert shown(statement.value) == expected
    assert isinstance(statement.value, Call)
    assert statement.value.column == text.index("f")
