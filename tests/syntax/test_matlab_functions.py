"""MATLAB's loops, branches and functions, read for the values that the text gives them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from syntax_texts import given_to

from harness.syntax import matlab
from harness.syntax.tree import Call, Name, Value

# What the calls of ``f`` in a text are given, one after another.
TEXTS = {
    # Loops over what the text shows.
    "for i = 1:3, f(2^i), end": "2 4 8",
    "for i = 3:-1:1, f(i), end": "3 2 1",
    "n = [64 32]; for i = 1:numel(n), f(n(i)), end": "64 32",
    "n = [64 32 16]; for i = length(n)-1:-1:1\n f(n(i))\nend": "32 64",
    "for n = [64 32]\n for k = [3 5], f(n*k), end\nend": "192 320 96 160",
    "k = {3, [4 5]}; for i = 1:2, f(k{i}), end": "3 [4, 5]",
    "k = [3 4; 5 6]; for i = 1:2, f(k(i, :)), end": "[3, 4] [5, 6]",
    "for n = 2.^(1:3), f(n), end": "2 4 8",
    "for n = ['a' 'b'], f(n), end": "<n> <n>",
    "for i = 1:2, f(i); end; f(i)": "1 2 2",
    "c = 8; for i = 1:3, c = c/2; f(c), end": "4 2 1",
    "for i = 1:3\n if i == 2, break, end\n f(i)\nend": "<i>",
    "for i = 1:n, f(i), end": "<i>",
    "for i = 1:99, f(i), end": "<i>",
    "n = [m 2*m]; for i = 1:2, f(n(i)), end": "<n(1)> <n(2)>",
    "n = m*2.^(0:4); for i = 2:3, f(n(i + 1)), end": "<n(3)> <n(4)>",
    "n = m*2.^(0:4); f(n(j + 1), n(2))": "<n(j + 1)> <n(2)>",
    # Branches that are certain for a turn; where no turn comes to one, it is read as it stands.
    "for i = 1:3\n if i < 3, f(i), else, f(-i), end\nend": "1 2 -3",
    "for i = 1:2\n if i > 5\n f(i)\n end\n f(7)\nend": "<i> 7 7",
    "for i = 1:2\n if i == 1 && ~0, k = 3; elseif i ~= 1, k = 4; end\n f(k)\nend": "3 4",
    "for i = 1:2\n if x > i, k = 3; else, k = 4; end\n f(k)\nend": "<k> <k>",
    "for i = 1:3\n switch i\n case 1\n k = 3;\n case {2, 4}\n k = 5;\n otherwise\n k = 7;\n end\n"
    " f(k)\nend": "3 5 7",
    # Functions of the text, wherever they stand.
    "up(4, 3)\nfunction up(n, k)\n f(n*k)\nend": "12",
    "function up(n, k)\n f(n*k)\nend\nfunction all\n up(2, 3), up(4, 5)\nend": "6 20",
    "up(4)\nup(5)\nfunction up(n, k)\n if nargin < 2, k = 3; end\n f(n*k)\nend": "12 15",
    "up(4)\nup(4, k=5)\nfunction up(n, o)\n arguments\n n\n o.k (1,1) double = 3\n end\n"
    " f(n*o.k)\nend": "12 20",
    "up(4, 'k', 5)\nfunction up(n, varargin)\n f(n, varargin{2})\nend": "4 5",
    "up('a')\nup('b')\nfunction up(w)\n if strcmp(w, 'a'), k = 3; else, k = 4; end\n"
    " f(k)\nend": "3 4",
    "k = twice(3); f(k)\nfunction r = twice(n)\n r = 2*n;\nend": "6",
    "[a, b] = two(3); f(a, b)\nfunction [x, y] = two(n)\n x = n + 1;\n y = n + 2;\nend": "4 5",
    "[a, ~] = g(two(3)); f(a)\nfunction [x, y] = two(n)\n x = n; y = n;\nend": "<a>",
    "p.n = 4; up(p)\nfunction up(q)\n f(q.n)\nend": "4",
    "p = struct('n', 4, 'k', [2 3]); f(p.n, p.k(2))": "4 3",
    "for i = 1:2, up(i), end\nfunction up(n)\n for k = [3 4], f(n*k), end\nend": "3 4 6 8",
    "o = g(3); f(o.k, o.n)\nfunction r = g(n)\n r.k = 4; r.n = 2*n;\nend": "4 6",
    # Anonymous functions, with what names stood for where they were written.
    "g = @(n) 2*n; f(g(3), g(4))": "6 8",
    "k = 5; g = @(n) n*k; k = 3; f(g(2))": "10",
    "n = 5; g = @(n) n + 1; f(g(2), n)": "3 5",
    "g = @(n) 2*n; f(g(2)); g = @(n) 3*n; f(g(2))": "4 6",
    "g = @(n) 2*n; h = @(n, k) g(n) + k; f(h(3, 1))": "7",
    # Loops as long as a condition holds.
    "n = 64; while n > 16, n = n/2; f(n), end, f(n)": "32 16 16",
    "while n > 16, f(n), end": "<n>",
    "n = 1; while n > 0, n = n + 1; f(n), end": "<n>",
    "n = 9; while n > 16, f(n), end": "9",
    "n = 64; while n > 16, n = n/2; if n < 9, break, end, f(n), end": "<n>",
    # Arrays of structures.
    "c(1).k = 4; c(2).k = 3; for i = 1:numel(c), f(c(i).k), end": "4 3",
    "c(1).k = 4; c(1).k = 5; f(c(1).k)": "5",
    "c(1).k = 4; c(j).k = 5; f(c(1).k)": "<c(1).k>",
    "c(1).k = 4; c = g(1); f(c(1).k)": "<c(1).k>",
    "c(1).k = 4; if x, c(1).k = 5; end, f(c(1).k)": "<c(1).k>",
    "c(1).k = 4; c(end+1).k = 3; for i = 1:numel(c), f(c(i).k), end": "<c(i).k>",
    "c = struct('k', {4, 3}, 'n', 8); f(c(2).k, c(2).n)": "3 8",
    "c = struct('k', {4, 3}); f(c.k)": "<c.k>",
    "c(1).k = 4; c.k = 5; f(c(1).k)": "<c(1).k>",
    "c = struct('k', {{4, 3}}); f(c.k)": "[4, 3]",
    # Names go with it, unless the function means something else by them.
    "up(2*m)\nfunction up(n)\n f(n, n/2)\nend": "<2*m> <(2*m)/2>",
    "up(2*k)\nfunction up(n)\n k = 3; f(n, k)\nend": "<n> 3",
    "up(n + 1)\nfunction up(n)\n f(n)\nend": "<n>",
    "function up(n)\n f(n)\nend": "<n>",
    "function up(n)\n f(n)\n up(n - 1)\nend": "<n>",
    "up(3)\nfunction up(n)\n f(n)\n down(n)\nend\nfunction down(n)\n up(n - 1)\nend": "3",
    "up = 3; f(up)\nfunction r = up(n)\n r = n;\nend": "3",
}


def _written(value: Value) -> str:
    if isinstance(value, Name):
        return f"<{value.text}>"
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


@pytest.mark.parametrize("text", TEXTS)
def test_calls_are_read_for_every_value_that_they_have(text: str) -> None:
    assert " ".join(map(_written, given_to(matlab, text))) == TEXTS[text]


NAMES = {
    "for i = 1:2, f('up' + i), end": "<'up' + i> <'up' + i>",
    'for i = 1:2, f("up" + i), end': "'up1' 'up2'",
    'n = "up"; for i = 1:2, f(n + i + "_a"), end': "'up1_a' 'up2_a'",
    "for i = 1:2, f(sprintf('up_%d%%', i)), end": "'up_1%' 'up_2%'",
    "for i = 1:2, f(strcat('up', num2str(i))), end": "'up1' 'up2'",
    "for i = 1:2, f(sprintf('%5.2f', i)), end": "sprintf sprintf",
}


@pytest.mark.parametrize("text", NAMES)
def test_names_of_layers_are_put_together(text: str) -> None:
    values = given_to(matlab, text)
    shown = (value.dotted if isinstance(value, Call) else _written(value) for value in values)
    assert " ".join(shown) == NAMES[text]


def test_layers_that_are_added_one_by_one_are_an_array() -> None:
    text = (
        "layers = [aLayer(1)];\nfor i = 2:3\n layers = [layers; aLayer(i)];\nend\n"
        "layers(end+1) = aLayer(4);\nf([layers; block(5)])\n"
        "function b = block(n)\n b = [aLayer(n); reluLayer];\nend"
    )
    (value,) = given_to(matlab, text)
    assert [str(each) for each in _flat(value)] == ["1", "2", "3", "4", "5", "reluLayer"]


def _flat(value: Value) -> Iterator[Value]:
    if isinstance(value, tuple):
        for each in value:
            yield from _flat(each)
    elif isinstance(value, Call):
        yield value.positional[0]
    else:
        yield value.text if isinstance(value, Name) else value


def test_layers_are_read_where_an_anonymous_function_that_makes_them_is_called() -> None:
    text = "up = @(n) [aLayer(n); reluLayer];\nf([aLayer(3); up(4); up(5)]);\nup(6)"
    (value,) = given_to(matlab, text)
    assert [str(each) for each in _flat(value)] == ["3", "4", "reluLayer", "5", "reluLayer"]
    parsed = matlab.read(text)
    assert [each.target for each in parsed.statements] == [None, None]
    alone = matlab.read("up = @(n) aLayer(n);\nbuild(up)")
    assert [each.target for each in alone.statements] == ["up", None]


HOSTILE = {
    "anonymous": "g0 = @(n) n;\n"
    + "".join(f"g{k} = @(n) {'+'.join([f'g{k - 1}(n)'] * 60)};\n" for k in range(1, 9))
    + "f(g8(1))",
    "structures": "".join(f"c({k}).k = {k};\nf(numel(c))\n" for k in range(1, 500)),
    "a loop that never ends": "n = 1;\nwhile n > 0\nn = n + 1;\nf(n)\nend\n" * 50,
    "loops": "for a = 1:64\n" * 6 + "f(a)\n" + "end\n" * 6,
    "functions": "g1(n)\n"
    + "".join(f"function g{k}(n)\n{f'g{k + 1}(n);' * 60}\nend\n" for k in range(1, 9)),
    "names": "g1(n)\n"
    + "".join(
        f"function g{k}(n{k})\ng{k + 1}({'+'.join([f'n{k}'] * 99)})\nend\n" for k in range(1, 9)
    ),
    "layers": "a = aLayer(1);\n" + "a = [a a a a];\n" * 60,
    "many names": "".join(f"n{k} = {k};\n" for k in range(3_000)) + "for i = 1:64\nf(i)\nend\n" * 9,
    "lines": "\n" * 100_000 + "1",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_work_is_bounded(name: str) -> None:
    assert len(matlab.read(HOSTILE[name]).statements) < 40_000
