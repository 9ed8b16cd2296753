"""ONNX models: the arrays that the onnx package wrote, and the layers that use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from spoiling import spoilt
from weight_samples import Array, canonical

from harness.cli.exit_statuses import OK
from harness.cli.main import main
from harness.weights.arrays import Layer, dtype_name
from harness.weights.conversion import convert_file
from harness.weights.files import read
from harness.weights.layouts import WeightsError

W, V = canonical(2, 1, "float32"), canonical(1, 2, "float32")
B = np.arange(5, dtype="float32")


def model(path: Path, *tensors: TensorProto, nodes: tuple[onnx.NodeProto, ...] = ()) -> Path:
    graph = helper.make_graph(list(nodes), "net", [], [], initializer=list(tensors))
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


def named(**arrays: Array) -> list[TensorProto]:
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


NODES = (
    helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2]),
    helper.make_node("Constant", [], ["v"], value=numpy_helper.from_array(V, "")),
    helper.make_node("ConvTranspose", ["y", "v"], ["z"], group=2),
    helper.make_node("ConvTranspose", ["z", "v"], ["u"], group=2),
    helper.make_node("ConvTranspose", ["u", "z", "y"], ["computed"]),
    helper.make_node("Conv", ["u", "c"], ["last"], group=4),
)


@pytest.mark.parametrize(
    "dtype",
    [
        *("float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32"),
        *("int64", "uint64", "bool", "complex64", "complex128"),
    ],
)
@pytest.mark.parametrize("is_raw", [True, False])
def test_types_raw_and_typed(dtype: str, is_raw: bool, tmp_path: Path) -> None:
    array = (np.arange(24) % 2 if dtype == "bool" else np.arange(24) - 12).reshape(2, 3, 4)
    array = array.astype(dtype)
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    values = array.tobytes() if is_raw else array.ravel()
    tensor = helper.make_tensor("w", kind, array.shape, values, raw=is_raw)
    (got,) = read(model(tmp_path / "net.onnx", tensor)).arrays.values()
    np.testing.assert_array_equal(got, array, strict=True)


@pytest.mark.parametrize("is_raw", [True, False])
def test_bfloat16(is_raw: bool, tmp_path: Path) -> None:
    bits = np.array([0x3F80, 0xBF80, 0x4000], "uint16")
    tensor = TensorProto(dims=[3], data_type=TensorProto.BFLOAT16, name="w")
    if is_raw:
        tensor.raw_data = bits.tobytes()
    else:
        tensor.int32_data.extend(map(int, bits))
    (got,) = read(model(tmp_path / "net.onnx", tensor)).arrays.values()
    assert dtype_name(got) == "BF16"
    np.testing.assert_array_equal(got["BF16"].view("uint16"), bits)


def test_layers_are_those_of_the_nodes(tmp_path: Path) -> None:
    path = model(tmp_path / "net.onnx", *named(c=W, w=W, b=B), nodes=NODES)
    contents = read(path)
    assert contents.layers == (Layer("w", "b"), Layer("v", None, 2, is_certain=True))
    assert [*contents.arrays] == ["v", "c", "w", "b"]
    np.testing.assert_array_equal(contents.arrays["v"], V, strict=True)


def test_weights_of_two_layers_that_are_not_alike_are_nobodys(tmp_path: Path) -> None:
    other = helper.make_node("ConvTranspose", ["y", "v"], ["z"], group=4)
    assert read(model(tmp_path / "net.onnx", *named(w=W, b=B), nodes=(*NODES, other))).layers == ()


def test_conversion_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = model(tmp_path / "net.onnx", *named(c=W, w=W, b=B), nodes=NODES), tmp_path / "o.npz"
    assert main(["weights", str(path), str(out), "--from", "IOHW", "--to", "matlab"]) == OK
    assert capsys.readouterr().out == (
        "w  IOHW -> HWOI          4x5x7x2 -> 7x2x5x4  float32\n"
        "b  O -> 1 1 O            5 -> 1x1x5  float32\n"
        "v  (G I) O W -> W O I G  8x5x7 -> 7x5x4x2  float32  2 groups\n"
        "copied as they are: c\n"
        "not converted, as weights of other layers have layouts of their own: c.\n"
        f"wrote {out}\n"
    )
    with pytest.raises(WeightsError, match=r"net.onnx: its weights are IOHW, not HWOI: give frame"):
        convert_file(path, out, "tensorflow", "matlab")
    # What is asked for by name is no matter of the nodes.
    done = convert_file(path, out, "IOHW", "matlab", patterns=["c"], rest="drop")
    assert [move.name for move in done.moves] == ["c"]
    assert np.load(out).files == ["c"]


def test_arrays_in_other_files_are_refused(tmp_path: Path) -> None:
    tensor = TensorProto(dims=[3], data_type=1, name="w", data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(WeightsError, match="w is kept in another file, which is not read; save"):
        read(model(tmp_path / "net.onnx", tensor))


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (TensorProto(dims=[4], data_type=1, name="w", raw_data=b"abcd"), r"\[4\] has 1 elements"),
        (TensorProto(dims=[-4], data_type=1, name="w"), r"w has the shape \[-4\]"),
        (TensorProto(dims=[1] * 40, data_type=1, name="w"), r"w has the shape"),
        (TensorProto(dims=[1 << 40, 1 << 40], data_type=1, name="w"), "too large for its file"),
        (TensorProto(dims=[1], data_type=1, name="w", int64_data=[1, 2]), "has 2 elements"),
        (TensorProto(dims=[1], data_type=1, name="w", raw_data=b"abc"), "buffer size must be"),
    ],
)
def test_damaged_tensors(tensor: TensorProto, message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"net.onnx is no readable \.onnx file: .*" + message):
        read(model(tmp_path / "net.onnx", tensor))


def test_what_is_no_model(tmp_path: Path) -> None:
    path = model(tmp_path / "net.onnx", *named(w=W), *named(w=W))
    with pytest.raises(WeightsError, match="w is there twice"):
        read(path)
    for content, message in [(b"", "it has 0 graphs"), (b"PK\x03\x04", "unknown kind|cut off")]:
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=message):
            read(path)
    tensor = TensorProto(dims=[1], data_type=8, name="text", string_data=[b"x"])
    assert read(model(path, *named(w=W), tensor)).left_out == ("text",)


def test_spoilt_files_are_read_or_refused(tmp_path: Path) -> None:
    tensors = named(w=W[:1, :1], b=B[:1])
    tensors.append(helper.make_tensor("i", TensorProto.INT64, [3], [1, -2, 300]))
    whole = model(tmp_path / "net.onnx", *tensors, nodes=NODES[:1]).read_bytes()
    refused = 0
    for content in spoilt(whole, 300):
        (tmp_path / "bad.onnx").write_bytes(content)
        try:
            read(tmp_path / "bad.onnx")
        except WeightsError as error:
            assert "\n" not in str(error)  # noqa: PT017 -- either will do
            refused += 1
    assert refused > 100
