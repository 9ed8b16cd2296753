"""What a call gets does not depend on those before it, whatever their options are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import odd_calls
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from odd_calls import CALLS, FORWARD, NO_INTEGERS, OPTIONS, B, W, X

from impl.geometry import Array

pytestmark = pytest.mark.slow

ORDERS = st.lists(st.integers(0, len(CALLS) - 1), max_size=60)


@pytest.fixture(scope="module")
def alone() -> list[str]:
    """What each call gets that is the first of its process."""
    command = [sys.executable, str(odd_calls.__file__)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, check=True, env=os.environ | threads)
    verdicts: list[str] = json.loads(done.stdout)
    return verdicts


@examples(4)
@given(order=ORDERS)
def test_calls_do_not_depend_on_those_before_them(alone: list[str], order: list[int]) -> None:
    # Geometries are cached by value, and 1.0 equals 1 as (2.0, 2) equals (2, 2).
    assert [odd_calls.verdict(number) for number in order] == [alone[number] for number in order]


def test_each_call_is_the_same_before_and_after_every_other(alone: list[str]) -> None:
    numbers = range(len(CALLS))
    assert [odd_calls.verdict(number) for number in numbers] == alone
    assert [odd_calls.verdict(number) for number in reversed(numbers)] == alone[::-1]


def test_what_is_wrong_with_a_call_is_a_type_or_a_value(alone: list[str]) -> None:
    kinds = {verdict.partition(":")[0] for verdict in alone if ":" in verdict}
    assert kinds == {"ValueError", "TypeError", "UFuncTypeError"}


@pytest.mark.parametrize("call", FORWARD)
@pytest.mark.parametrize("name", OPTIONS)
def test_integers_of_any_kind_are_taken_and_nothing_else(
    name: str, call: Callable[..., Array]
) -> None:
    for one in (True, np.int8(1), np.array(1)):
        assert call(X, W, **{name: one}).tolist() == call(X, W, **{name: 1}).tolist()
    for value in NO_INTEGERS:
        with pytest.raises(TypeError, match="integer"):
            call(X, W, **{name: value})


@pytest.mark.parametrize("call", FORWARD)
@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_an_array_that_is_none_is_named(name: str, call: Callable[..., Array]) -> None:
    arrays: dict[str, Any] = {"x": X, "w": W, "b": B} | {name: [[1.0]]}
    with pytest.raises(TypeError, match=f"^{name} must be an array, not list.$"):
        call(**arrays)
