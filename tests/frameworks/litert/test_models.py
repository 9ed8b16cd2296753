"""LiteRT's tables, written by FlatBuffers' own library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from model_samples import tflite_model

from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model


def read(folder: Path, **settings: Any) -> Any:
    path = folder / "net.tflite"
    path.write_bytes(tflite_model(**settings))
    assert is_model(path)
    (look,) = read_model(path, "net.tflite", ["pytorch"])
    return look


@pytest.mark.parametrize(
    ("settings", "crop"),
    [
        ({}, ((0, 0), (0, -1))),
        ({"padding": 0, "output_shape": (1, 8, 15, 6)}, ((0, 1), (0, 1))),
        ({"padding": 0, "output_shape": (1, 7, 13, 6)}, ((1, 1), (1, 2))),
    ],
)
def test_the_crop_is_that_of_the_output(
    settings: dict[str, Any], crop: tuple[tuple[int, int], ...], tmp_path: Path
) -> None:
    look = read(tmp_path, **settings)
    assert isinstance(look, LookUp), look
    assert (look.reading.name, look.reading.framework) == ("up", "litert")
    expected = Operator.of(4, 6, (3, 4), stride=(2, 3), crop=crop, bias=False)
    assert look.reading.operator == expected
    assert look.translations[0].weights.pattern == "OHWI -> IOHW"


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        (
            {"output_shape": (1, 9, 19, 6)},
            "output_shape: an input of 5 does not give 19 with stride 3, kernel 4 and padding VALI",
        ),
        ({"padding": 2}, "padding must be 'SAME' or 'VALID', found '2'."),
        ({"weights": (6, 3, 4)}, "its tensors do not have 4 axes."),
        (
            {"weights": (6, 3, 4, 5)},
            "in_channels is 5 in the text's weights and 4 in its input; they must agree.",
        ),
        ({"output_shape": ()}, "output_shape is computed when the model runs: convert it with a"),
        (
            {"custom": "Convolution2DTransposeBias"},
            "Convolution2DTransposeBias is an operator of its own, which is not read.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, Any], fact: str, tmp_path: Path) -> None:
    refused = read(tmp_path, **settings)
    assert isinstance(refused, NodeError)
    assert str(refused).startswith(f"up: {fact}")
