"""Names of calls that a file has and does not call."""

from __future__ import annotations

import re

import pytest

from harness.audit.named_only import named_only

NAMES = re.compile("Up|up_2d")


@pytest.mark.parametrize(
    ("text", "suffix", "found"),
    [
        ("a = nn.Up", ".py", [("nn.Up", 1)]),
        ("\nups = {1: nn.Up, 2: other.Up, 3: nn.Up}", ".py", [("nn.Up", 2), ("other.Up", 2)]),
        ("class Mine(nn.Up):\n    pass", ".py", [("nn.Up", 1)]),
        ("f = getattr(x, 'a')().Up", ".py", [("Up", 1)]),
        ("import Up\nfrom nn import Up", ".py", []),
        ("isinstance(x, (nn.Up, int)) and issubclass(x, Up)", ".py", []),
        ("def f(x: nn.Up, *, y: Up = 1) -> nn.Up:\n    z: Up = 3", ".py", []),
        ("# Up\n'Up'\nnn.Upper", ".py", []),
        ("Up = 3\nnn.Up = 4", ".py", []),
        ("print 'a', Up", ".py", []),  # No Python that can be read
        ("f = @up_2d;", ".m", [("up_2d", 1)]),
        ("% up_2d\nx = 'up_2d';\ny = \"up_2d\";\n\nz = up_2d", ".m", [("up_2d", 5)]),
        ('(* Up *)\nf = Up /@ {1}; "Up"', ".wl", [("Up", 2)]),
        ("(* Up", ".wl", []),
        ('"Up', ".wl", []),
    ],
)
def test_names_in_code(text: str, suffix: str, found: list[tuple[str, int]]) -> None:
    assert [*map(tuple, named_only(text, suffix, NAMES))] == found
