"""Pickles are read as structures; nothing that they name is imported or called."""

from __future__ import annotations

import io
import os
import pickle
import random
from collections import OrderedDict
from typing import Any

import pytest

from harness.core.pickles import Made, PickleError, unpickled


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made-by-a-pickle",)


def structure(value: Any, protocol: int = 2, *, any_name: bool = False) -> Any:
    return unpickled(io.BytesIO(pickle.dumps(value, protocol)), any_name=any_name)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_themselves(protocol: int) -> None:
    value = {
        "a": [1, -2.5, None, True],
        "b": OrderedDict(c=(1, 2, 3, 4)),
        "e": "\u00e9",
        "f": 2**80,
    }
    value["again"] = value["a"]
    assert structure(value, protocol) == value


@pytest.mark.parametrize("any_name", [False, True])
def test_nothing_is_called(any_name: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if any_name:
        made = structure(Evil(), any_name=True)
        assert isinstance(made, Made)
        assert (made.by.last, made.arguments) == ("mkdir", ("made-by-a-pickle",))
    else:
        with pytest.raises(PickleError, match=r"it asks for posix\.mkdir, of which nothing was"):
            structure(Evil())
    assert not any(tmp_path.iterdir())


def test_any_bytes_are_one_kind_of_error() -> None:
    numbers, sample = random.Random(1), pickle.dumps({"a": [(1, 2), "x" * 20], "b": 2.5}, 4)
    for _ in range(300):
        content = bytearray(sample)
        for _ in range(numbers.randrange(1, 4)):
            content[numbers.randrange(len(content))] = numbers.randrange(256)
        try:
            unpickled(io.BytesIO(bytes(content[: numbers.randrange(len(content) + 1)])))
        except ValueError as error:
            assert str(error)  # noqa: PT017 -- either will do
