"""``.pdparams``: shapes and arrays are read of a pickle that nobody executes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reality

from harness.cli.main import main
from harness.weights.files import read
from harness.weights.layouts import WeightsError

W = np.arange(4 * 6 * 3 * 2, dtype="f4").reshape(4, 6, 3, 2)
B = np.arange(6, dtype="f8")


def saved(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


class Executed:
    """What would make a folder if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_are_read_as_they_are(tmp_path: Path, protocol: int) -> None:
    state = {
        "up.weight": W,
        "up.bias": B.astype(">f8"),
        "fortran": np.asfortranarray(W),
        "empty": np.zeros((0, 3), "i8"),
        "epoch": 3,
        "StructuredToParameterName@@": {"up.weight": "conv2d_transpose_0.w_0"},
        # As a tensor inside of another dictionary is saved.
        "inner": {"weight": ("conv2d_transpose_1.w_0", W)},
    }
    contents = read(saved(tmp_path / "net.pdparams", state, protocol))
    assert [*contents.arrays] == ["up.weight", "up.bias", "fortran", "empty", "inner.weight"]
    for name in ("up.weight", "fortran", "inner.weight"):
        np.testing.assert_array_equal(contents.arrays[name], W, strict=True)
    np.testing.assert_array_equal(contents.arrays["up.bias"], B)
    assert contents.arrays["empty"].shape == (0, 3)
    assert contents.left_out == ("epoch", "StructuredToParameterName@@.up.weight")


def test_nothing_of_it_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    path = saved(tmp_path / "net.pdparams", {"up.weight": W, "more": Executed(mark)})
    with pytest.raises(WeightsError, match="of which nothing was executed"):
        read(path)
    assert main(["translate", str(path)]) == 2
    assert not mark.exists()


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        ({"epoch": 3}, "holds no arrays"),
        ({"up.weight": np.array(["a"])}, "is not of numbers"),
        ({"up.weight": np.array([{}])}, "is not of numbers"),
        ({"a": {"b": W}, "a.b": W}, "two entries of the name a.b"),
    ],
)
def test_what_is_no_dictionary_of_arrays_is_refused(tmp_path: Path, value: Any, fact: str) -> None:
    with pytest.raises(WeightsError, match=fact):
        read(saved(tmp_path / "net.pdparams", value))


def test_an_array_with_other_elements_than_its_shape_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pdparams"
    whole = pickle.dumps({"up.weight": W}, 4)
    path.write_bytes(whole.replace(b"K\x04K\x06K\x03K\x02t", b"K\x04K\x06K\x03K\x05t"))
    assert path.read_bytes() != whole
    with pytest.raises(WeightsError, match=r"an array \[4, 6, 3, 5\] in it has 576 bytes"):
        read(path)
    path.write_bytes(whole[:-9])
    with pytest.raises(WeightsError, match=r"is no readable \.pdparams file"):
        read(path)


def test_a_look_up_lists_what_the_shapes_may_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "net.pdparams", {"up.weight": W, "up.bias": B})
    assert main(["translate", str(path)]) == 2
    error = capsys.readouterr().err
    assert "up.weight (4, 6, 3, 2): 4 -> 6 channels, kernel 3x2" in error
    assert "stride, padding and the like of its layers are not in it" in error


@pytest.mark.frameworks
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_paddle_saves_is_read(tmp_path: Path, protocol: int) -> None:
    path, nested = tmp_path / "net.pdparams", tmp_path / "nested.pdparams"
    text = (
        "import paddle\nnet = paddle.nn.Sequential(paddle.nn.Conv2DTranspose(4, 6, (3, 2)))\n"
        "net[0].weight.set_value(w)\nnet[0].bias.set_value(b)\n"
        f"paddle.save(net.state_dict(), '{path}', protocol={protocol})\n"
        f"paddle.save({{'net': net.state_dict(), 'epoch': 3}}, '{nested}', protocol={protocol})\n"
        "done = 1"
    )
    arrays = {"w": W.tolist(), "b": B.tolist()}
    (answer,) = reality.run("paddle", [reality.Job(text, ("done",), arrays)])
    assert answer == {"done": 1}
    for file, prefix in ((path, ""), (nested, "net.")):
        contents = read(file)
        np.testing.assert_array_equal(contents.arrays[f"{prefix}0.weight"], W, strict=True)
        np.testing.assert_array_equal(contents.arrays[f"{prefix}0.bias"], B)
