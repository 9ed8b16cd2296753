"""How programs for a GPU are written, and how a framework finds one; no GPU is needed for that."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from programs import FRAMEWORKS, PYTHON, program
from strategies import operators

import impl
from harness.convention.registry import convention, render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.engines import worker
from harness.execution.environments import launch

ON_GPU = [name for name in PYTHON if convention(name).cuda]

# Programs.


@given(operators())
def test_on_a_gpu_the_call_is_the_same_and_the_arrays_go_there_and_back(
    operator: Operator,
) -> None:
    for framework in ON_GPU:
        here, there = (render(operator, framework, device=device) for device in ("cpu", "cuda"))
        assert isinstance(here, Program)
        assert isinstance(there, Program)
        for text in (there.text, there.gradient_text):
            compile(text, framework, "exec")
        assert there.forward.call == here.forward.call
        assert there.gradient.call == here.gradient.call
        assert there.reason == here.reason


MOVES = {
    "cupy": ("cupy.asarray({})", "cupy.asnumpy(y_)"),
    "pytorch": ("torch.from_numpy({}).cuda()", "y_.cpu().numpy()"),
    "chainer": ("chainer.Variable(cupy.asarray({}))", "cupy.asnumpy(y_.array)"),
    "mxnet": ("mx.nd.array({0}, dtype={0}.dtype, ctx=mx.gpu())", "y_.asnumpy()"),
    "tensorflow": ("tf.constant(np.moveaxis({}, 1, -1))", "np.moveaxis(y_.numpy(), -1, 1)"),
}


@pytest.mark.parametrize("framework", MOVES)
def test_arrays_are_moved_in_the_sections_for_that(framework: str) -> None:
    written = render(Operator.of(2, 3, (3,), stride=2), framework, device="cuda")
    assert isinstance(written, Program)
    there, back = MOVES[framework]
    assert written.forward.to_native.count("\n") == 2
    assert f"x_ = {there.format('x')}" in written.forward.to_native
    assert written.forward.from_native == f"y = {back}"
    for name in ("x", "dy"):
        assert f"{name}_ = {there.format(name)}" in written.gradient.to_native
    if framework not in {"tensorflow", "cupy"}:
        for name in ("w", "b"):
            assert f"{name}_ = {there.format(name)}" in written.gradient.to_native
    to_host = back.partition("y_")[0]
    for name in ("dx", "dw", "db"):
        assert re.search(rf"^{name} = ", written.gradient.from_native, re.MULTILINE)
        assert framework == "tensorflow" or f"{name} = {to_host}" in written.gradient.from_native


@pytest.mark.parametrize("framework", ["numpy", "matlab", "wolfram"])
def test_what_has_no_gpu_is_written_as_ever(framework: str) -> None:
    operator = Operator.of(2, 3, (3, 2), stride=2)
    assert render(operator, framework, device="cuda") == program(operator, framework)


# Environments of processes.


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_cpu_is_without_a_gpu_and_a_gpu_without_tf32(framework: str) -> None:
    spoken = convention(framework)
    if spoken.cpu:
        assert spoken.environment("cpu")["CUDA_VISIBLE_DEVICES"] == "-1"
    if spoken.cuda is None:
        return
    ieee, tf32 = (spoken.environment("cuda", math) for math in ("ieee", "tf32"))
    assert spoken.environ.items() <= ieee.items()
    assert "CUDA_VISIBLE_DEVICES" not in ieee
    # Our own code must be IEEE without help; whoever cannot be told to use TF32 never does.
    assert ("NVIDIA_TF32_OVERRIDE" in ieee) == (not spoken.cuda.is_own)
    assert ieee.get("NVIDIA_TF32_OVERRIDE", "0") == "0"
    assert ("NVIDIA_TF32_OVERRIDE" in tf32) == (not spoken.cuda.allow_tf32)


# What a framework's own interpreter finds.


def raises(message: str) -> Any:
    def raising(*_: Any, **__: Any) -> None:
        raise RuntimeError(message)

    return raising


class Array:
    """Stands for an array that is where it is asked to be."""

    device = "/job:localhost/replica:0/task:0/device:GPU:0"

    def __add__(self, _: int) -> Array:
        return self

    def cuda(self) -> Array:
        return self

    cpu = asnumpy = cuda


def torch(cuda: str | None = "13.0", **changed: Any) -> SimpleNamespace:
    return SimpleNamespace(
        __version__="2.11.0",
        version=SimpleNamespace(cuda=cuda),
        zeros=changed.get("zeros", lambda _: Array()),
        cuda=SimpleNamespace(get_device_name=lambda: "NVIDIA H200"),
        backends=SimpleNamespace(
            cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=False)),
            cudnn=SimpleNamespace(allow_tf32=False),
        ),
    )


def tensorflow(gpus: int = 1, *, built: bool = True) -> SimpleNamespace:
    details = {"device_name": "NVIDIA H200"}
    return SimpleNamespace(
        __version__="2.21.0",
        test=SimpleNamespace(is_built_with_cuda=lambda: built),
        ones=lambda _: Array(),
        config=SimpleNamespace(
            list_physical_devices=lambda kind: [kind] * gpus,
            experimental=SimpleNamespace(
                get_device_details=lambda _: details,
                enable_tensor_float_32_execution=lambda _: None,
            ),
        ),
    )


def mxnet(*, built: bool = True) -> SimpleNamespace:
    features = SimpleNamespace(is_enabled=lambda name: built and name == "CUDA")
    return SimpleNamespace(
        __version__="1.9.1",
        runtime=SimpleNamespace(Features=lambda: features),
        gpu=lambda: "gpu(0)",
        nd=SimpleNamespace(ones=lambda _, ctx: Array() if ctx == "gpu(0)" else None),
    )


def cupy(**changed: Any) -> SimpleNamespace:
    properties = SimpleNamespace(
        getDeviceProperties=lambda number: {"name": b"NVIDIA H%d" % number}
    )
    return SimpleNamespace(
        zeros=changed.get("zeros", lambda _: Array()),
        asnumpy=lambda array: array.asnumpy(),
        cuda=SimpleNamespace(runtime=properties, Device=lambda: SimpleNamespace(id=200)),
    )


def chainer(check: Any = lambda: None) -> SimpleNamespace:
    return SimpleNamespace(
        __version__="7.8.1",
        backends=SimpleNamespace(cuda=SimpleNamespace(check_cuda_available=check)),
    )


def found_by(
    framework: str, monkeypatch: pytest.MonkeyPatch, math: Any = "ieee", **modules: Any
) -> str:
    """Execute a framework's check with other modules in the framework's place."""
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
        if name == "chainer":
            monkeypatch.setitem(sys.modules, "chainer.backends", module.backends)
    namespace: dict[str, Any] = {}
    exec(convention(framework).device_check("cuda", math), namespace)
    return str(namespace["device"])


SEES: dict[str, dict[str, Any]] = {
    "pytorch": {"torch": torch()},
    "tensorflow": {"tensorflow": tensorflow()},
    "mxnet": {"mxnet": mxnet()},
    "chainer": {"chainer": chainer(), "cupy": cupy()},
    "cupy": {"cupy": cupy()},
}


@pytest.mark.parametrize("framework", SEES)
def test_a_framework_that_sees_a_gpu_names_it(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "GPU 0" if framework == "mxnet" else "NVIDIA H200"
    assert found_by(framework, monkeypatch, **SEES[framework]) == f"cuda: {name}, ieee"


@pytest.mark.parametrize("framework", SEES)
def test_tf32_is_asked_for_where_that_is_possible_and_named(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUPY_TF32", "0")
    result = found_by(framework, monkeypatch, "tf32", **SEES[framework])
    has_it = framework in {"pytorch", "tensorflow", "cupy"}
    assert result.endswith(", tf32" if has_it else ", ieee")
    if has_it:
        monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
        with pytest.raises(RuntimeError, match="NVIDIA_TF32_OVERRIDE is set"):
            found_by(framework, monkeypatch, "tf32", **SEES[framework])


BLIND: list[tuple[str, dict[str, Any], str]] = [
    (
        "pytorch",
        {"torch": torch(cuda=None)},
        "torch 2.11.0 is built without CUDA; choose another interpreter",
    ),
    ("pytorch", {"torch": torch(zeros=raises("Found no NVIDIA driver"))}, "Found no NVIDIA driver"),
    (
        "tensorflow",
        {"tensorflow": tensorflow(built=False)},
        "tensorflow 2.21.0 is built without CUDA; choose another interpreter",
    ),
    (
        "tensorflow",
        {"tensorflow": tensorflow(gpus=0)},
        "tensorflow 2.21.0 finds no GPU that it can use",
    ),
    (
        "mxnet",
        {"mxnet": mxnet(built=False)},
        "mxnet 1.9.1 is built without CUDA; choose another interpreter",
    ),
    (
        "chainer",
        {"chainer": chainer(raises("CUDA environment is not\ncorrectly set up"))},
        "chainer 7.8.1 has no CuPy that works (CUDA environment is not correctly set up); "
        "choose another interpreter",
    ),
    ("cupy", {"cupy": cupy(zeros=raises("cudaErrorNoDevice"))}, "cudaErrorNoDevice"),
    (
        "cupy",
        {"cupy": cupy(zeros=raises("cudaErrorInsufficientDriver: CUDA driver version"))},
        "no NVIDIA driver here, or one that is too old: "
        "cudaErrorInsufficientDriver: CUDA driver version",
    ),
]


@pytest.mark.parametrize(
    ("framework", "modules", "reason"),
    BLIND,
    ids=lambda value: value if isinstance(value, str) and value in SEES else "",
)
def test_a_framework_that_sees_no_gpu_says_what_to_do(
    framework: str, modules: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError) as caught:
        found_by(framework, monkeypatch, **modules)
    assert str(caught.value) == reason


def test_our_packages_need_not_be_installed_where_programs_import_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "ours"
    package.mkdir()
    (package / "__init__.py").write_text("from ours.inside import ANSWER")
    (package / "inside.py").write_text("ANSWER = 42")
    for name in ("ours", "ours.inside"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # taken away again afterwards
        del sys.modules[name]
    worker.provide("ours", str(package / "__init__.py"))
    namespace: dict[str, Any] = {}
    exec("import ours; answer = ours.ANSWER", namespace)
    assert namespace["answer"] == 42
    result = launch(convention("cupy"), {"cupy": Path(sys.executable)})
    assert result.packages == {"impl": impl.__file__}


def test_a_convention_for_gpus_only_needs_no_cpu() -> None:
    spoken = convention("cupy")
    assert (spoken.device("cpu"), spoken.device("cuda")) == ("cuda", "cuda")
    assert not isinstance(sys.modules.get("cupy"), ModuleType), "rendering imports no framework"
