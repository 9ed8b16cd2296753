"""The corpus of ONNX models: what ONNX's own loader and ONNX Runtime make of it, and its bytes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness import load_cases
from harness.cli.exit_statuses import INTERRUPTED, OK, TERMINATED, USAGE
from harness.cli.main import main
from harness.conformance import corpus
from harness.conformance.corpus import KIND, Corpus, write_corpus
from harness.core.files import WriteError
from harness.suite.case import Case, case_from_descriptor
from harness.suite.expectations import expect
from impl import reference

# With Pad and Slice nodes, in random data, in half precision, of three axes, refused.
SMALL = [
    *("edge/sizes/batch-0", "edge/sizes/crop-to-nothing", "edge/channels/bias-only-border"),
    *("grid/one-axis/crop/c4.-3-s2", "grid/two-axes/random/float64-s2x3-g2-d2"),
    *("models/pix2pix/up-2-to-4", "grid/*-ax?s/float16/*", "rejects/stride/zero-*"),
    *("documents/wolfram/dilation-2-impulse", "grid/three-axes/extension/*"),
]
# To be changed only where the suite, the format or the version of deconform has.
SHA256_OF_SMALL = "0860dd8dcebca42666cfb43800c76b245f964e420a340937c07faf0cf3eaaff9"


def written(folder: Path, *selects: str) -> Corpus:
    return write_corpus(load_cases(select=selects), folder)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@dataclass(frozen=True)
class Written:
    """A corpus, and the cases that it is of."""

    folder: Path
    manifest: Mapping[str, Any]
    cases: Mapping[str, Case]


@pytest.fixture(scope="module", params=["small", pytest.param("whole", marks=pytest.mark.slow)])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A corpus of the default suite, or of a part of it."""
    folder = tmp_path_factory.mktemp("corpus") / "o"
    selects = SMALL if request.param == "small" else [None]
    options = [word for each in selects if each for word in ("-k", each)]
    assert main(["export", "--to", "onnx", "-o", str(folder), *options]) == OK
    cases = {case.id: case for case in load_cases(select=SMALL if options else None)}
    return Written(folder, json.loads((folder / "manifest.json").read_text()), cases)


def loaded(file: Path) -> NDArray[Any]:
    onnx = pytest.importorskip("onnx")
    return np.asarray(onnx.numpy_helper.to_array(onnx.load_tensor(str(file))))


def test_every_case_is_there_or_left_out_with_its_reason(suite: Written) -> None:
    there = [entry["case"] for entry in suite.manifest["cases"]]
    left_out = {entry["case"]: entry["reason"] for entry in suite.manifest["left_out"]}
    out = {n for n, case in suite.cases.items() if case.rejected or case.dtype == "bfloat16"}
    assert there == [name for name in suite.cases if name not in out]
    assert list(left_out) == [name for name in suite.cases if name in out]
    assert left_out["rejects/stride/zero-1d"] == (
        "it has no output to compare: stride [0] must be at least 1 on every axis."
    )
    assert all(len(reason) > len("it has no output to compare: ") for reason in left_out.values())


def test_bfloat16_is_left_out_with_its_reason(tmp_path: Path) -> None:
    corpus = written(tmp_path / "o", "grid/bfloat16/to-nearest")
    (left_out,) = json.loads((tmp_path / "o" / "manifest.json").read_text())["left_out"]
    assert (corpus.written, corpus.left_out) == (0, 1)
    assert left_out["reason"] == "NumPy's files, which hold the gradients, have no bfloat16"


def test_the_manifest_names_every_file_by_its_digest(suite: Written) -> None:
    named = {
        f"{entry['folder']}/{name}": digest
        for entry in suite.manifest["cases"]
        for name, digest in entry["sha256"].items()
    }
    contents = files(suite.folder)
    del contents["manifest.json"]
    assert named == {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


def test_the_manifest_says_what_each_case_is(suite: Written) -> None:
    for entry in suite.manifest["cases"]:
        case = suite.cases[entry["case"]]
        assert (entry["descriptor"], entry["source"]) == (case.descriptor, case.source)
        assert list(entry["checks"]) == list(case.checks)
        assert entry["checks"]["shape"] == list(case.out_shape)
        assert (entry["support"] == "rewritten") == bool(entry["reason"])
    supports = [entry["support"] for entry in suite.manifest["cases"]]
    assert {"native", "rewritten"} == set(supports)


def test_onnx_reads_it_with_its_own_loader(suite: Written) -> None:
    loader = pytest.importorskip("onnx.backend.test.loader")
    tests = {test.name: test for test in loader.load_model_tests(str(suite.folder), KIND)}
    assert set(tests) == {
        entry["folder"].removeprefix(f"{KIND}/") for entry in suite.manifest["cases"]
    }
    for entry in suite.manifest["cases"]:
        test = tests[Path(entry["folder"]).name]
        value = entry["checks"]["value"]
        assert (test.rtol, test.atol) == (value["rtol"], value["atol"])


def test_onnx_finds_no_fault_with_the_models(suite: Written) -> None:
    onnx = pytest.importorskip("onnx")
    for entry in suite.manifest["cases"]:
        onnx.checker.check_model(
            str(suite.folder / entry["folder"] / "model.onnx"), full_check=True
        )


def test_what_onnx_reads_is_what_the_definition_says(suite: Written) -> None:
    pytest.importorskip("onnx")
    for entry in suite.manifest["cases"]:
        case, folder = suite.cases[entry["case"]], suite.folder / entry["folder"]
        expected = expect(case, fast=True)
        for number, name in enumerate(name for name in expected.data if name != "dy"):
            got = loaded(folder / "test_data_set_0" / f"input_{number}.pb")
            assert_same(got, expected.data[name])
        assert_same(np.load(folder / "gradients" / "dy.npy"), expected.data["dy"])
        for name in expected.outputs:
            check = next(check for check in case.checks[1:] if check.output == name)
            file = folder / entry["checks"][check]["file"]
            got = loaded(file) if name == "y" else np.load(file)
            if case.fill == "random":
                assert str(got.dtype) == case.dtype
                unit = np.finfo(got.dtype).eps * np.abs(expected.outputs[name]) + 1e-14
                assert np.all(np.abs(got - expected.outputs[name]) <= unit)
            else:
                assert_same(got, expected.outputs[name])


def assert_same(got: NDArray[Any], want: NDArray[Any]) -> None:
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(got, want)


# What ONNX Runtime refuses on a CPU, by a part of its words.
REFUSALS: Mapping[str, Callable[[Case], bool]] = {
    "Could not find an implementation for ConvTranspose": lambda case: case.dtype == "float64",
    "Computed output dimension is <= 0": lambda case: 0 in case.out_shape[2:],
}


def test_onnx_runtime_computes_what_is_expected(
    suite: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    runtime = pytest.importorskip("onnxruntime")
    runtime.set_default_logger_severity(4)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    ran = 0

    def run(folder: Path) -> NDArray[Any]:
        model = str(folder / "model.onnx")
        session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        inputs = {
            each.name: loaded(folder / "test_data_set_0" / f"input_{number}.pb")
            for number, each in enumerate(session.get_inputs())
        }
        (y,) = session.run(None, inputs)
        return np.asarray(y)

    for entry in suite.manifest["cases"]:
        folder = suite.folder / entry["folder"]
        if words := [words for words, of in REFUSALS.items() if of(suite.cases[entry["case"]])]:
            with pytest.raises(Exception, match=words[0]):
                run(folder)
            continue
        got, want = run(folder), loaded(folder / "test_data_set_0" / "output_0.pb")
        tolerances = json.loads((folder / "data.json").read_text())
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(got, want, **tolerances, err_msg=entry["case"])
        ran += 1
    assert ran > 0.75 * len(suite.cases)


def test_integers_are_to_be_equal_and_random_data_has_the_bounds_of_conformance(
    suite: Written,
) -> None:
    for entry in suite.manifest["cases"]:
        checks = {name: each for name, each in entry["checks"].items() if name != "shape"}
        tolerances = {(each["rtol"], each["atol"]) for each in checks.values()}
        is_random = suite.cases[entry["case"]].fill == "random"
        assert (tolerances == {(0.0, 0.0)}) != is_random
        for rtol, atol in tolerances if is_random else ():
            assert 0 < rtol <= 2.0**-24
            assert 0 < atol < (0.1 if entry["dtype"] == "float32" else 1e-10)


def test_random_data_is_summed_exactly_and_rounded_once(tmp_path: Path) -> None:
    case = case_from_descriptor("ic3_oc2_k2_s2_c1.-1_b_n1_i3_f64_random")
    write_corpus([case], tmp_path / "o")
    (folder,) = (tmp_path / "o" / KIND).iterdir()
    exact = {
        name: np.vectorize(Fraction, otypes=[object])(array) for name, array in case.data().items()
    }
    operator: dict[str, Any] = {"stride": 2, "crop": ((1, -1),)}
    gradients = reference.conv_transpose_vjp(exact["dy"], exact["x"], exact["w"], **operator)
    for name, want in zip(("dx", "dw", "db"), gradients, strict=True):
        assert_same(np.load(folder / "gradients" / f"{name}.npy"), want.astype(np.float64))
    y = reference.conv_transpose(exact["x"], exact["w"], exact["b"], **operator)
    assert_same(loaded(folder / "test_data_set_0" / "output_0.pb"), y.astype(np.float64))


def test_the_same_cases_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = (written(tmp_path / name, *SMALL) for name in ("one", "two"))
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert first.sha256 == second.sha256
    assert (first.written, first.left_out) == (25, 4)


def test_the_bytes_are_the_ones_that_were_pinned(tmp_path: Path) -> None:
    assert written(tmp_path / "o", *SMALL).sha256 == SHA256_OF_SMALL
    content = (tmp_path / "o" / "manifest.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256_OF_SMALL


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64"])
@pytest.mark.parametrize("shape", [(3,), (0,), (2, 3), (1, 0, 2), (2, 1, 2, 2, 3), (1,) * 40])
def test_numpy_reads_our_npy_files(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    if len(shape) > 32 and int(np.__version__.split(".")[0]) < 2:
        pytest.skip("NumPy 1 has no arrays of so many axes")
    array = np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
    data = corpus._npy(array.astype(array.dtype.newbyteorder(">")))
    (tmp_path / "a.npy").write_bytes(data)
    assert_same(np.load(tmp_path / "a.npy"), array)
    assert len(data) % 64 == array.nbytes % 64


def test_names_are_apart_on_every_file_system(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "suite: s\ncases:\n"
        + "".join(
            f"  - {{name: {name!r}, input: [1, 1, 2], out_channels: 1, kernel: 1, stride: {n}}}\n"
            for n, name in enumerate(("a b", "a-b", "A.B", "a_b_2", "../ü", "x" * 300), 1)
        )
    )
    write_corpus(load_cases(tmp_path / "s.yaml"), tmp_path / "o")
    assert sorted(each.name for each in (tmp_path / "o" / KIND).iterdir()) == sorted(
        [
            *("test_s_a_b", "test_s_a_b_2", "test_s_A_B_3", "test_s_a_b_2_2"),
            *("test_s_____", "test_s_" + "x" * 198),
        ]
    )


def test_what_was_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "o"
    selection = ["-k", "rejects/stride/zero-3d", "-k", "edge/sizes/batch-0"]
    assert main(["export", "--to", "onnx", "-o", str(folder), *selection]) == OK
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert capsys.readouterr().out.splitlines() == [
        f"1 models in {folder}/{KIND}; left out: 1",
        f"sha256 of {folder}/manifest.json: {digest}",
    ]


def test_a_folder_in_use_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert main(["export", "--to", "onnx", "-o", str(tmp_path), "-k", "edge/sizes"]) == USAGE
    assert "is not empty: give a new folder" in capsys.readouterr().err
    assert files(tmp_path) == {"thesis.tex": b"mine"}


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    folder = tmp_path / "o"
    if exists:
        folder.mkdir()
    whole_write = Path.write_bytes

    def until_full(path: Path, data: bytes) -> int:
        if path.name == "output_0.pb":
            raise OSError(number, os.strerror(number), str(path))
        return whole_write(path, data)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(WriteError, match=r"o cannot be written: (No space|Disk quota)[a-z ]*\.$"):
        written(folder, "edge/sizes/*")
    assert [path.name for path in tmp_path.rglob("*")] == ["o"] * exists


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)]
)
def test_an_interrupt_leaves_nothing(
    number: signal.Signals, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = corpus._content

    def interrupted(case: Case) -> Any:
        if case.id == "edge/sizes/batch-0":
            os.kill(os.getpid(), number)
        return contents(case)

    monkeypatch.setattr(corpus, "_content", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        options = ["--to", "onnx", "-o", str(tmp_path / "o"), "-k", "edge/*"]
        assert main(["export", *options]) == status
    finally:
        signal.signal(signal.SIGINT, before)
    assert not list(tmp_path.iterdir())


README = Path(__file__).parents[2] / "reports" / "corpus" / "README.md"


def test_the_readmes_test_runs_the_corpus(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (example,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "test_mine.py").write_text(example)
    written(tmp_path / "corpus", "grid/one-axis/crop/c4*", "grid/two-axes/random/float64-s1-g1*")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    environ = os.environ | {"ORT_DISABLE_TELEMETRY": "1"}
    ran = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert "2 failed, 3 passed" in ran.stdout, ran.stdout
    assert "Could not find an implementation for ConvTranspose" in ran.stdout


def test_the_readme_names_what_is_there(suite: Written) -> None:
    for name in re.findall(
        r"\b\w+\.(?:json|onnx|pb|npy)\b", README.read_text().split("## With")[0]
    ):
        assert any(file.name == name for file in suite.folder.rglob("*")), name
    assert f"opset {suite.manifest['opset']}, IR version {suite.manifest['ir_version']}" in (
        README.read_text()
    )
