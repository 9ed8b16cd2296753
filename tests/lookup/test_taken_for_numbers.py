"""Names that may be tuples where they are read as numbers: one line says so."""

from __future__ import annotations

import pytest

from harness.lookup.answer import LookUp
from harness.lookup.every import look_up_every

NET = """
class Up(nn.Module):
    def __init__(self, i, o, {}):
        {}
        self.up = nn.ConvTranspose2d(i, o, {})
"""


def notes(text: str) -> list[str]:
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    return [each for each in found.reading.notes if "taken for" in each]


@pytest.mark.parametrize(
    ("given", "line", "arguments", "shown"),
    [
        (
            "k, s",
            "",
            "k, s",
            "k, s: taken for numbers; where they are tuples, index them per axis.",
        ),
        ("k, s: int", "", "k, s", "k: taken for a number; where it is a tuple, index it per axis."),
        ("sizes", "", "sizes[i], 2", "sizes[i]: taken for a number; where it is a tuple, index it"),
        ("k: int | None, s", "p = s // 2", "k, s", "k: taken for a number"),
        ("k", "", "k, stride=2, padding=(k - 2) // 2", ""),
        ("k", "p = (k - 1) // 2", "k, 2, p", ""),
        ("k: int, s: int", "", "k, s", ""),
        ("k", "", "(k, k), 2", ""),
    ],
)
def test_what_may_be_a_tuple_is_told(given: str, line: str, arguments: str, shown: str) -> None:
    found = notes(NET.format(given, line or "pass", arguments))
    assert [each[: len(shown)] for each in found] == [shown] * bool(shown)


@pytest.mark.parametrize(
    "text",
    [
        "nn.ConvTranspose1d(8, 4, k, s)",
        "DeconvolutionLayer[4, {k, k}]",
        "nn.ConvTranspose2d(c, c * 2, 4, 2)",
    ],
)
def test_what_is_no_tuple_anywhere_is_not(text: str) -> None:
    assert notes(text) == []
