"""Malicious, large and random text: one clear error, or a reading, soon."""

from __future__ import annotations

import cProfile
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.convention.reading import Reading
from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.reading import read

pytestmark = pytest.mark.slow

UP = Operator.of(64, 32, (4, 4))

# Malicious text.  What it costs is counted in calls of Python functions: more than anything needs
# whose effort does not grow faster than the text, or its square.

MOST_CALLS = 4_000_000
# Where it grows so fast that the calls would not be counted to their end.
MOST_SECONDS = 60


@contextmanager
def little_effort() -> Iterator[None]:
    """Let no more functions be called than that."""
    profile = cProfile.Profile(builtins=False)
    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        with profile:
            yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert sum(entry.callcount for entry in profile.getstats()) <= MOST_CALLS


def give_up(_number: int, _frame: object) -> None:
    raise AssertionError(f"more than {MOST_SECONDS} s")


MALICIOUS = {
    "a call of the system": "nn.ConvTranspose2d(__import__('os').system('id'), 1, 1)",
    "a method": "nn.ConvTranspose2d(().__class__.__bases__[0].__subclasses__(), 1, 1)",
    "keyword arguments": "nn.ConvTranspose2d(**kwargs)",
    "arguments": "nn.ConvTranspose2d(*args)",
    "a starred list": "nn.ConvTranspose2d(*[1, 1, *more])",
    "nested calls": "nn.ConvTranspose2d(" * 500 + ")" * 500,
    "nested calls, never closed": "nn.ConvTranspose2d(" * 500,
    "a megabyte of brackets": "(" * 1_000_000,
    "a megabyte of brackets behind a call": "nn.ConvTranspose2d(1, 1, 1)" + "[" * 1_000_000,
    "a megabyte of quotes": "nn.ConvTranspose2d(1, 1, 1" + "'" * 1_000_000,
    "a huge integer": f"nn.ConvTranspose2d({'9' * 9_000}, 1, 1)",
    "a large integer": f"nn.ConvTranspose2d({'9' * 19}, 1, 1)",
    "a huge hexadecimal": f"nn.ConvTranspose2d(0x{'f' * 9_000}, 1, 1)",
    "a power": "nn.ConvTranspose2d(9**9**9**9, 1, 1)",
    "a large power": "nn.ConvTranspose2d(10**100, 1, 1)",
    "a shift": "nn.ConvTranspose2d(1 << 10**15, 1, 1)",
    "a huge product": "nn.ConvTranspose2d(" + "*".join(["99999999"] * 500) + ", 1, 1)",
    "a huge list": "nn.ConvTranspose2d(1, 1, [1] * 10**12)",
    "a huge text": "nn.ConvTranspose2d(1, 1, '1' * 10**12)",
    "a long sum": "nn.ConvTranspose2d(c" + " + c" * 4_000 + ", 1, 1)",
    "a long chain": "nn.ConvTranspose2d(c" + ".c" * 9_000 + ", 1, 1)",
    "many signs": "nn.ConvTranspose2d(" + "-" * 15_000 + "1, 1, 1)",
    "many nots": "nn.ConvTranspose2d(" + "not " * 4_000 + "1, 1, 1)",
    "a doubling list": "a = (1, 1)\n" + "a = (a, a)\n" * 1_000 + "nn.ConvTranspose2d(1, 1, a)",
    "a doubling product": "a = 9\n" + "a *= a\n" * 1_000 + "nn.ConvTranspose2d(1, 1, a)",
    "an infinity": "nn.ConvTranspose2d(1, 1, 1e999)",
    "no number": "nn.ConvTranspose2d(1, 1, int(1e999))",
    "a negative root": "nn.ConvTranspose2d(1, 1, (-8)**0.5)",
    "a null character": "nn.ConvTranspose2d(1, 1, \0)",
    "half a character": "nn.ConvTranspose2d(1, 1, '\ud800')",
    "many names": "nn.ConvTranspose2d " * 1_000,
}


@pytest.mark.parametrize("text", MALICIOUS.values(), ids=MALICIOUS)
def test_malicious_text_gives_one_error_soon(text: str) -> None:
    with pytest.raises(InputError) as refused, little_effort():
        read(text)
    said = str(refused.value)
    assert len(said) < 1000
    assert len(said.splitlines()) <= 3


def test_many_calls_are_found_soon() -> None:
    with pytest.raises(InputError, match="holds 500 transposed convolutions"), little_effort():
        read("nn.ConvTranspose2d(1, 1, 1)\n" * 500)


AFTER = "nn.ConvTranspose2d(64, 32, 4)"
LONG = {
    "sums": "y = nn.ConvTranspose2d(64, 32, 4)(x)" + " + x" * 300,
    "sums of reshaped arrays": "y = nn.ConvTranspose2d(64, 32, 4)(x)" + " + x.view(2, 2)" * 200,
    "methods": "y = nn.ConvTranspose2d(64, 32, 4)(x)" + ".relu()" * 200,
    "attributes": "y = nn.ConvTranspose2d(64, 32, 4)" + ".x" * 300,
    "applications": "nn.ConvTranspose2d(64, 32, 4)" + "(x)" * 50,
    "calls around it": "f(a, b, " * 50 + "nn.ConvTranspose2d(64, 32, 4)" + ")" * 50,
    "a doubling list": "a = [nn.ConvTranspose2d(64, 32, 4)]\n" + "a = (a, a)\n" * 200,
    "handlers": "try:\n"
    + "".join(f" a{n} = f({n})\n" for n in range(250))
    + "".join(f"except E{n}: b = {n}\n" for n in range(250))
    + AFTER,
    "imports": "".join(f"if a{n}: import a{n} as nn\n" for n in range(300)) + AFTER,
    "stars": "".join(f"from a{n} import *\n" for n in range(400)) + AFTER,
    "functions": "".join(f"def f{n}(a): return nn.x(a)\n" for n in range(300)) + AFTER,
    "classes of one name": "class A(A): pass\n" * 300 + "A(1, 2)\n" + AFTER,
    "classes that make one another": "class C0(nn.X):\n pass\n"
    + "".join(
        f"class C{n}(C{n - 1}):\n"
        f" def __init__(self, a):\n  super().__init__(C{n - 1}(a), C{n - 1}(a))\n"
        for n in range(1, 80)
    )
    + "C79(4)\n"
    + AFTER,
    "a partial of itself": "A = partial(A, 3)\n" * 300 + "A(6, 4)\n" + AFTER,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_much_around_a_call_takes_little_time(text: str) -> None:
    with little_effort():
        found = read(text)
    assert found.operator == UP


PIECES = st.sampled_from(
    [
        *(
            "nn.ConvTranspose2d(",
            "F.conv_transpose2d(",
            "tf.nn.conv2d_transpose(",
            "L.Deconvolution",
        ),
        *(
            "mx.nd.Deconvolution(",
            "F.pad(",
            "up = ",
            "y = up(x)\n",
            "64, 32, 4",
            "(1, 2)",
            "stride=2",
        ),
        *(
            "y[:, :, 1:-1]",
            "\n",
            "    ",
            ")",
            "(",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "'",
            '"',
            "#",
            "\\",
        ),
        *(
            "*",
            "**",
            "-1",
            "0",
            "10**9",
            "None",
            "x",
            "lambda: ",
            "for x in y",
            ">>> ",
            "%",
            "\0",
            "é",
        ),
        *("DeconvolutionLayer[", "transposedConv2dLayer(", "->", "{2, 2}", "'Stride', 2", "..."),
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_any_text_gives_a_reading_or_an_input_error(text: str) -> None:
    try:
        found: object = read(text, input=(1, 64, 5, 7), weight=(64, 32, 4, 4))
    except InputError as error:
        found = error
    assert isinstance(found, Reading | InputError)
