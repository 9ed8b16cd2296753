"""The ONNX door: the models that we write, and what may become of them."""

from __future__ import annotations

import importlib
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import slow
from hypothesis import example, given
from hypothesis import strategies as st

import impl
from harness.doors.onnx_model import Form, Model, Runner, read_tensor, tensor, write_model
from harness.suite.case import Case, case_from_descriptor
from harness.suite.specs import load_cases


@pytest.fixture(autouse=True)
def _folders_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "models"))


CASE = case_from_descriptor("ic2_oc4_k3x2_s2x3_d1x2_c1.0x0.-2_g2_b_n2_i3x4")
REWRITTEN = case_from_descriptor("ic2_oc3_k3x2_s2x1_c-1.2x0.-3_b_n1_i3x4")


def operator(case: Case) -> dict[str, Any]:
    names = ("stride", "dilation", "crop", "groups")
    return {name: getattr(case.operator, name) for name in names}


def arrays(case: Case) -> dict[str, Any]:
    return {name: array for name, array in case.data().items() if name != "dy"}


def expected(case: Case) -> Any:
    return impl.conv_transpose(**arrays(case), **operator(case))


@pytest.mark.parametrize(
    ("stride", "crop", "pads", "output_padding"),
    [
        ((2,), ((1, 0),), [1, 0], [0]),
        ((2,), ((9, 7),), [9, 7], [0]),
        ((2,), ((0, -1),), [0, 0], [1]),
        ((3, 1), ((1, -2), (0, 2)), [1, 0, 0, 2], [2, 0]),
        ((0,), ((0, 0),), [0, 0], [0]),
    ],
)
def test_what_attributes_say(
    stride: tuple[int, ...],
    crop: tuple[tuple[int, int], ...],
    pads: list[int],
    output_padding: list[int],
) -> None:
    form = Form(stride, crop)
    assert (form.pads, form.output_padding, form.reason) == (pads, output_padding, None)


@pytest.mark.parametrize(
    ("stride", "crop", "added", "cropped"),
    [
        ((1,), ((0, -1),), [(0, 1)], [(0, 0)]),
        ((2,), ((0, -2),), [(0, 2)], [(0, 0)]),
        ((3,), ((-1, 0),), [(1, 0)], [(0, 0)]),
        ((3, 3), ((-1, 2), (1, -2)), [(1, 0), (0, 2)], [(0, 2), (1, 0)]),
    ],
)
def test_what_takes_more_nodes(
    stride: tuple[int, ...],
    crop: tuple[tuple[int, int], ...],
    added: list[tuple[int, int]],
    cropped: list[tuple[int, int]],
) -> None:
    form = Form(stride, crop)
    assert (form.added, form.cropped) == (added, cropped)
    assert not any(form.pads + form.output_padding)
    assert ("Slice" in (form.reason or "")) == any(map(any, cropped))


def test_every_form_says_the_whole_crop_in_legal_values() -> None:
    for stride, begin, end in product(range(1, 4), range(-4, 5), range(-4, 5)):
        form = Form((stride,), ((begin, end),))
        (before, after), (first, last) = form.added[0], form.cropped[0]
        assert (form.pads[0] + first - before, form.pads[1] + last - after) == (
            begin,
            end + form.output_padding[0],
        )
        assert min(form.pads + list(form.added[0]) + list(form.cropped[0])) >= 0
        assert 0 <= form.output_padding[0] < stride


ILLEGAL = case_from_descriptor("ic2_oc3_k9_s-1_n1_i4")


@pytest.mark.parametrize("initializers", [False, True])
@pytest.mark.parametrize("case", [CASE, REWRITTEN, ILLEGAL], ids=lambda case: case.descriptor)
def test_a_model_is_what_the_onnx_package_writes(case: Case, *, initializers: bool) -> None:
    onnx = pytest.importorskip("onnx")
    data = write_model(**arrays(case), **operator(case), initializers=initializers)
    model = onnx.load_model_from_string(data)
    assert model.SerializeToString() == data
    if not case.rejected:
        onnx.checker.check_model(model, full_check=True)
    attributes = {
        each.name: onnx.helper.get_attribute_value(each) for each in model.graph.node[-1].attribute
    }
    if case is not REWRITTEN:
        assert attributes["strides"] == list(case.operator.stride)
        assert attributes["kernel_shape"] == list(case.operator.kernel)


def legal_cases() -> Iterator[tuple[int, Case, dict[str, Any]]]:
    """Cases of the default suite, numbered, with their arrays; none is large."""
    for number, case in enumerate(load_cases()):
        if not case.rejected and math.prod(case.out_shape) < 10**6:
            yield number, case, arrays(case)


@pytest.mark.slow
def test_the_models_are_what_the_onnx_package_writes() -> None:
    onnx = pytest.importorskip("onnx")
    for number, case, inputs in legal_cases():
        data = write_model(**inputs, **operator(case), initializers=number % 2 == 0)
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model, full_check=True)  # It infers the size of y, too.
        assert model.SerializeToString() == data


@pytest.mark.slow
def test_onnx_runtime_computes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    runtime = pytest.importorskip("onnxruntime")
    runtime.set_default_logger_severity(4)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    right = 0
    for number, case, inputs in legal_cases():
        # ONNX Runtime has no ConvTranspose in these types, and none without output.
        if case.dtype in {"float64", "bfloat16"} or 0 in case.out_shape[2:]:
            continue
        initializers = number % 3 == 0
        data = write_model(**inputs, **operator(case), initializers=initializers)
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        assert names == (["x"] if initializers else list(inputs))
        (y,) = session.run(None, {name: inputs[name] for name in names})
        if case.fill != "random":
            want = impl.conv_transpose(**inputs, **operator(case))
            np.testing.assert_array_equal(y, want, strict=True)
            right += 1
    assert right > 500


def test_floats_may_be_stored_one_by_one() -> None:
    two = b"".join(b"\x25" + np.float32(value).tobytes() for value in (1.5, -2))
    array = read_tensor(b"\x08\x02\x10\x01" + two)
    np.testing.assert_array_equal(array, np.array([1.5, -2], "f4"), strict=True)


def test_tensors_are_what_the_onnx_package_writes() -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("ml_dtypes")
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        array = (np.arange(6) - 2.5).astype(dtype).reshape(1, 2, 3)
        written = onnx.numpy_helper.from_array(array, "x").SerializeToString()
        assert tensor(array, "x") == written
        np.testing.assert_array_equal(read_tensor(written), array, strict=True)
        kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        listed = onnx.helper.make_tensor("x", kind, [1, 2, 3], array.ravel().tolist())
        assert not listed.raw_data
        np.testing.assert_array_equal(read_tensor(listed.SerializeToString()), array, strict=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is no TensorProto"),
        (b"P5\n2 2\n255\n", "it is no TensorProto"),
        (tensor(np.ones(3, "f4"), "y")[:-1], "it is no TensorProto"),
        (tensor(np.ones(3, "i8"), "y"), "its element type is 7; "),
        (tensor(np.ones(3, "f4"), "y") + b"\x08\x02", "does not fit its data"),
        (tensor(np.ones(3, "f4"), "y") + b"\x70\x01", "its data is in another file"),
        (tensor(np.ones(3, "f4"), "y") + b"\x6a\x00", "its data is in another file"),
        (b"\x08" + b"\xff" * 9 + b"\x7f\x10\x01", "does not fit its data"),
    ],
)
def test_what_is_no_tensor_of_floats_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_tensor(data)


@given(
    st.binary(max_size=60) | st.lists(st.sampled_from(b"\x08\x10\x4a\x22\x2a\x52\x01")).map(bytes)
)
@example(b"\x10\x01")
def test_any_bytes_are_a_tensor_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(read_tensor(data), np.ndarray)


SCRIPT = (
    "import os, pathlib, sys, time\nimport numpy as np\nmodel, inputs, outputs = sys.argv[1:4]\n"
)


def outcome(target: Any, folder: Path, case: Case = CASE, **options: Any) -> Any:
    model = Runner(target, str(folder), **options).model(**arrays(case), **operator(case))
    model.run()
    return model.output()


def command(folder: Path, text: str) -> list[str]:
    (folder / "run.py").write_text(SCRIPT + text)
    return [sys.executable, "run.py", "{model}", "{inputs}", "{outputs}"]


@pytest.mark.parametrize("name", ["y.npy", "output_0.pb"])
def test_a_command_leaves_its_output_as_a_file(tmp_path: Path, name: str) -> None:
    y = expected(CASE)
    np.save(tmp_path / "answer.npy", y)
    (tmp_path / "answer.pb").write_bytes(tensor(y, "whatever"))
    answer = f"answer{Path(name).suffix}"
    text = f"os.link({answer!r}, os.path.join(outputs, {name!r}))"
    np.testing.assert_array_equal(outcome(command(tmp_path, text), tmp_path), y, strict=True)


def test_what_a_command_is_given(tmp_path: Path) -> None:
    """Find the model, and each input in two formats; no shell reads its words."""
    words = [*command(tmp_path, "np.save(outputs + '/y.npy', np.float32(len(sys.argv[4])))")]
    model = Runner([*words, "a; rm *"], str(tmp_path)).model(**arrays(CASE), **operator(CASE))
    assert model.path.read_bytes() == write_model(**arrays(CASE), **operator(CASE))
    names = ["b.npy", "input_0.pb", "input_1.pb", "input_2.pb", "w.npy", "x.npy"]
    assert sorted(file.name for file in model.inputs.iterdir()) == names
    for number, (name, array) in enumerate(arrays(CASE).items()):
        np.testing.assert_array_equal(np.load(model.inputs / f"{name}.npy"), array, strict=True)
        read = read_tensor((model.inputs / f"input_{number}.pb").read_bytes())
        np.testing.assert_array_equal(read, array, strict=True)
    model.run()
    assert model.output() == len("a; rm *")
    assert not model.folder.exists()


def test_weights_can_be_in_the_model(tmp_path: Path) -> None:
    runner = Runner([sys.executable, "-c", "pass"], str(tmp_path), initializers=True)
    model = runner.model(**arrays(CASE), **operator(CASE))
    assert sorted(file.name for file in model.inputs.iterdir()) == ["input_0.pb", "x.npy"]
    assert arrays(CASE)["w"].tobytes() in model.path.read_bytes()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"left neither y.npy nor output_0.pb in \{outputs\}, but nothing"),
        slow("os.makedirs(outputs + '/y.npy/deep')", r"in \{outputs\}, but y.npy"),
        slow("np.save(outputs + '/z.npy', 1)", r"in \{outputs\}, but z.npy"),
        ("sys.exit('no kernel for this')", "the command ended with status 1: no kernel for this"),
        ("os.kill(os.getpid(), 11)", "the command was ended by SIGSEGV"),
        ("open(outputs + '/y.npy', 'w').write('7')", "y.npy cannot be read: "),
        slow("np.save(outputs + '/y.npy', [None])", "y.npy cannot be read: Object arrays"),
        ("open(outputs + '/output_0.pb', 'w').write('7')", "it is no TensorProto"),
        slow(
            "open(outputs + '/y.npy', 'w').truncate(1 << 40)", "y.npy is too large: 1099511627776"
        ),
        slow(
            "print('x' * 10**6); sys.exit(sys.stdin.read() + 'end')", "status 1: x{1000,2000}\nend"
        ),
    ],
)
def test_what_a_command_does_not_do_is_one_sentence(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises((RuntimeError, ValueError, FileNotFoundError), match=reason):
        outcome(command(tmp_path, text), tmp_path)
    assert not list((tmp_path / "models").iterdir())


def test_an_array_that_claims_to_be_endless_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.ones((1, 1), "f4"))
    small = (tmp_path / "small.npy").read_bytes()
    endless = small.replace(b"(1, 1), }          ", b"(1, 1000000000000)}")
    assert endless != small
    (tmp_path / "endless.npy").write_bytes(endless)
    with pytest.raises(ValueError, match=r"y\.npy cannot be read"):
        outcome(command(tmp_path, "os.link('endless.npy', outputs + '/y.npy')"), tmp_path)


def test_an_earlier_output_is_not_taken_for_the_next(tmp_path: Path) -> None:
    text = "if not os.path.exists('once'):\n np.save(outputs + '/y.npy', 1)\nopen('once', 'w')"
    runner = Runner(command(tmp_path, text), str(tmp_path))
    model = runner.model(**arrays(CASE), **operator(CASE))
    model.run()
    model.run()
    with pytest.raises(FileNotFoundError, match="left neither"):
        model.output()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("./none", "/none is no program that can be started"),
        ("./text", "/text is no program that can be started"),
        ("./bad", "the command cannot be started: ./bad: Exec format error"),
        ("there-is-no-such-program", "^there-is-no-such-program is no program"),
    ],
)
def test_a_command_that_cannot_be_started(tmp_path: Path, word: str, reason: str) -> None:
    for name, mode in ("text", 0o644), ("bad", 0o755):
        (tmp_path / name).write_text("no program")
        (tmp_path / name).chmod(mode)
    with pytest.raises((FileNotFoundError, RuntimeError), match=reason):
        outcome([word], tmp_path)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what writes a module and names something in it; its name is new each time."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    number = iter(range(99))

    def write(text: str, name: str = "run") -> tuple[str, Path]:
        module = f"{tmp_path.name.replace('-', '_')}_{next(number)}"
        (tmp_path / f"{module}.py").write_text("import numpy as np\n" + text)
        importlib.invalidate_caches()
        return f"{module}:{name}", tmp_path

    return write


TEMPLATE = Path(__file__).parents[2] / "harness" / "doors" / "templates" / "onnx" / "runner.py"


@pytest.mark.parametrize("case", [CASE, REWRITTEN], ids=lambda case: case.descriptor)
@pytest.mark.parametrize("initializers", [False, True])
def test_the_example_is_right(module: Any, case: Case, *, initializers: bool) -> None:
    target, folder = module(TEMPLATE.read_text())
    y = outcome(target, folder, case, initializers=initializers)
    np.testing.assert_array_equal(y, expected(case), strict=True)


@pytest.mark.parametrize("returned", ["[y]", "(y, 2)", "{'y': y}", "y"])
def test_a_function_returns_outputs_or_the_only_one(module: Any, returned: str) -> None:
    text = f"def run(model, inputs):\n y = inputs['x'] + 1\n return {returned}"
    np.testing.assert_array_equal(outcome(*module(text)), arrays(CASE)["x"] + 1)


BACKEND = """
class Backend:
    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        assert model == "proto" and device == "CPU"
        return cls()
    def run(self, inputs, **kwargs):
        return tuple(each + 1 for each in inputs)
class Whole:
    @staticmethod
    def run_model(model, inputs, device="CPU", **kwargs):
        return [inputs[1]]
"""


class _Onnx:
    """A stand-in for the onnx package."""

    @staticmethod
    def load(path: str) -> str:
        assert Path(path).is_file()
        return "proto"


def test_a_back_end_is_given_a_model_and_a_list(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", _Onnx)
    x, w = (arrays(CASE)[name] for name in ("x", "w"))
    np.testing.assert_array_equal(outcome(*module(BACKEND, "Backend")), x + 1)
    np.testing.assert_array_equal(outcome(*module(BACKEND, "Whole")), w)


def test_a_back_end_without_the_package_is_told_what_to_install(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="takes the package onnx: install it for"):
        outcome(*module(BACKEND, "Backend"))


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        ("", ImportError, "has no run"),
        ("run = 7", TypeError, "is no function, and has neither prepare nor run_model"),
        ("def run(*_): return []", ValueError, "it returned no output"),
    ],
)
def test_what_a_module_lacks(module: Any, text: str, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        outcome(*module(text))


def test_inputs_reach_a_function_as_they_are(module: Any) -> None:
    """Copies would hide that a function changes its inputs."""
    target, folder = module("def run(model, inputs):\n inputs['w'][...] = 0\n return inputs['x']")
    data: Mapping[str, Any] = arrays(CASE)
    model: Model = Runner(target, str(folder)).model(**data, **operator(CASE))
    model.run()
    assert not data["w"].any()
