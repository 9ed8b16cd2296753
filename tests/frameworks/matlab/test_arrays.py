"""What MATLAB text says of its arrays where a call stands: only what it certainly says."""

from __future__ import annotations

import pytest

from harness.core.operators import Sizes
from harness.frameworks.matlab.arrays import Array, Workspace
from harness.syntax.find_call import find_call

SHAPES = {
    "w = rand(3, 2, 6, 4); f(w)": (3, 2, 6, 4),
    "w = rand(3, 2); w = rand(5, 4); f(w)": (5, 4),
    "w = rand(3, 2); v = w; w = rand(5, 4); f(v)": (3, 2),
    "w = rand(3, 2); w = permute(w, [2 1]); f(w)": (2, 3),
    "w = rand(3, 2); w = g(w); f(w)": None,
    "w = rand(3, 2); [w, v] = g(1); f(w)": None,
    "n = 3; w = rand(n, 2); n = 4; f(w)": (3, 2),
    "n = uint8(3); w = rand(n, 2); f(w)": (3, 2),
    "n = uint8(3); if x, n = 4; end, w = rand(n, 2); f(w)": None,
    # A number and an array.
    "w = 0.1*randn(3, 2, 6, 4); f(w)": (3, 2, 6, 4),
    "w = -rand(3, 2) ./ 5 + 1; f(w)": (3, 2),
    "w = rand(3, 2) * rand(2, 4); f(w)": None,
    "w = g(2) * rand(3, 2); f(w)": None,
    # Blocks.
    "w = rand(3, 2); if x, w = rand(5, 4); end, f(w)": None,
    "w = rand(3, 2); if x, w = rand(5, 4); else, f(w), end": (3, 2),
    "w = rand(3, 2); if x, w = rand(5, 4); f(w), end": (5, 4),
    "w = rand(3, 2); for i = 1:n, f(w), w = [w w]; end": None,
    "w = rand(3, 2); function g(x), f(w), end": None,
    "w = rand(3, 2); clear w; f(w)": None,
    # Parts.
    "w = zeros(5, 4); w(2:4, 1:2) = v; f(w)": (5, 4),
    "w = zeros(5, 4); w(2:4, 1:2) = v; k = 3; f(w)": (5, 4),
    "w = zeros(5, 4); w(2:4, 1:9) = v; f(w)": None,
    "w = rand(5, 4); w(1, 1) = 2; f(w)": None,
    "w = zeros(5, 4); if x, w(2:4, 1:2) = v; end, f(w)": None,
    "w = zeros(5, 4); w(2:4, :) = 1; if x, w = zeros(9, 4); w(2:4, :) = 1; else, f(w), end": (5, 4),
    # Shapes that are given for x serve only where the text does not make x.
    "y = permute(x, [2 1 3]); f(y)": (2, 1, 3),
    "x = g(1); y = permute(x, [2 1 3]); f(y)": None,
}


def array_of_the_call(text: str) -> Array | None:
    site, _ = find_call(text, "matlab", {"f"})
    workspace = Workspace.before(site, {"x": (1, 2, 3)})
    return workspace.array(site.call.arguments[0].value)


@pytest.mark.parametrize(("text", "shape"), SHAPES.items())
def test_shape_is_what_the_text_certainly_says(text: str, shape: Sizes | None) -> None:
    array = array_of_the_call(text)
    assert (array and array.shape) == shape


def test_zeros_around_a_part_are_counted() -> None:
    array = array_of_the_call("w = zeros(5, 4); w(2:4, 1:2) = v; w = single(w); f(w)")
    assert array is not None
    assert array.margins == ((1, 1), (0, 2))
