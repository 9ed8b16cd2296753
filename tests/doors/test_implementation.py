"""The file of an implementation under test: what it says, and what is wrong with it where."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from harness.core.operators import Crop, Operator
from harness.core.program import Program, Unsupported
from harness.doors.implementation import Claims, is_file, load_implementation
from harness.doors.rendering import convention_of
from harness.records.check import Check
from harness.suite.case import Case
from harness.suite.yaml_fields import SpecError

OPERATOR = Operator.of(4, 6, (3, 2), stride=(2, 3), dilation=(1, 2), crop=((1, 0), (0, -1)))


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def program_of(folder: Path, text: str, operator: Operator = OPERATOR) -> Program | Unsupported:
    implementation = load_implementation(written(folder, text))
    return convention_of(implementation).write(operator, "float32")


def test_two_lines_are_enough(tmp_path: Path) -> None:
    mine = load_implementation(written(tmp_path, "name: mine\npython: my.kernels:convolve\n"))
    assert (mine.name, mine.door, mine.target) == ("mine", "python", ("my.kernels:convolve",))
    assert (mine.module, mine.interpreter) == ("my.kernels", Path(sys.executable))
    assert (mine.speaks, mine.folder) == ("canonical", tmp_path)
    assert mine.claims == Claims(gradients=False)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "python").touch()
    text = "name: mine\nlibrary: ./libmine.so\ninterpreter: ./python\n"
    mine = load_implementation(written(tmp_path / "sub", text))
    assert mine.target == (f"{tmp_path}/sub/libmine.so",)
    assert mine.interpreter == tmp_path / "sub" / "python"


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("library: libmine.so", "libmine.so"),
        ("command: ./run", "run"),
        ("command: [sh, run, -v]", "run"),
        ("onnx: [./run, '{model}', '{outputs}']", "run"),
        ("command: [run-nowhere, -v]", None),
        (f"command: [run-nowhere, {'x' * 999}]", None),
        ("python: run:run", None),
        ("onnx: run:run", None),
    ],
)
def test_the_file_of_what_is_no_module_is_known(
    tmp_path: Path, text: str, file: str | None
) -> None:
    for name in ("libmine.so", "run"):
        (tmp_path / name).touch()
    mine = load_implementation(written(tmp_path, f"name: mine\n{text}\n"))
    assert mine.program == (tmp_path / file if file else None)


def test_a_program_on_the_path_is_known(tmp_path: Path) -> None:
    mine = load_implementation(written(tmp_path, "name: mine\ncommand: [sh, -c, exit]\n"))
    assert mine.program == Path(shutil.which("sh") or "")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: mine", 1, "exactly one of python, library, command, onnx is needed, found none"),
        ("name: a\npython: m:f\nlibrary: l.so", 1, "found python and library"),
        ("name: pytorch\npython: m:f", 1, "no framework's name, found 'pytorch'"),
        ("name: a b\npython: m:f", 1, "name must be letters, digits"),
        ("python: m:f", 1, "'name' is missing"),
        ("name: a\npython: m.f", 2, "python must be module:function, such as"),
        ("name: a\npython: 'm:f; import os'", 2, "python must be module:function"),
        ("name: a\npython: 'class:f'", 2, "python must be module:function"),
        ("name: a\npython: m:f\ngradient: g", 3, "gradient must be module:function"),
        ("name: a\npython: m:f\ninterpreter: ./no", 3, "no is no file"),
        ("name: a\ncommand: ./w\ninterpreter: ./p", 3, "'interpreter' is for the other doors"),
        ("name: a\npython: m:f\nspeaks: pytorhc", 3, "Did you mean 'pytorch'? Known: canonical"),
        ("name: a\nlibrary: l.so\nspeaks: pytorch", 3, "has words of its own: leave 'speaks' out"),
        ("name: a\nonnx: m:f\ngradient: m:g", 3, "ONNX has no gradients"),
        ("name: a\ncommand: []", 2, "must be text or a list of texts, the first not empty"),
        ("name: a\ncommand: [1]", 2, "must be text or a list of texts, the first not empty"),
        ("name: a\ncommand: 5", 2, "must be text or a list of texts, the first not empty"),
        ("name: a\ncommand: ''", 2, "must be text or a list of texts, the first not empty"),
        ("name: a\ncommand: ['', a]", 2, "must be text or a list of texts, the first not empty"),
        ('name: a\ncommand: [a, "\\0"]', 2, "must be text or a list of texts, the first not empty"),
        ("name: a\npython: m:f\nweights: inputs", 3, "'weights' is for the door 'onnx'"),
        ("name: a\nonnx: ./run", 2, "{model} and {outputs} is lacking"),
        ("name: a\nonnx: './run {model} {outputs}'", 2, "must be module:name, or a list of words"),
        ("name: a\nonnx: [./run, '{model}']", 2, ": {outputs} is lacking"),
        ("name: a\nonnx: m:f\nweights: both", 3, "weights 'both' must be one of inputs"),
        ("name: a\npython: m:f\nclaim: {}", 3, "unknown key 'claim'. Did you mean 'claims'?"),
        ("name: a\npython: m:f\nclaims: [1]", 3, "expected a mapping"),
        ("name: a\npython: m:f\nclaims:\n  axes: [4]", 4, "axes must be a list of 1, 2 and 3"),
        ("name: a\npython: m:f\nclaims:\n  dtypes: [int8]", 4, "dtypes must be a list of float16"),
        ("name: a\npython: m:f\nclaims:\n  crop: some", 4, "crop 'some' must be one of none"),
        ("name: a\npython: m:f\nclaims:\n  groups: no thanks", 4, "must be true or false"),
        ("name: a\npython: m:f\nclaims:\n  gradients: true", 4, "but 'gradient' names none"),
        ("name: a\npython: m:f\nknown: no.yaml", 1, "no.yaml:1: cannot be read"),
    ],
)
def test_an_error_names_the_line_and_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as error:
        load_implementation(written(tmp_path, text))
    assert words in str(error.value)
    assert f".yaml:{line}: " in str(error.value)


def test_a_known_failure_is_of_this_implementation(tmp_path: Path) -> None:
    entry = "limitations:\n- {id: a, cases: ['edge/*'], reason: r%s}\n"
    known = tmp_path / "known.yaml"
    text = "name: mine\npython: m:f\nknown: known.yaml\n"
    known.write_text(entry % "")
    (limitation,) = load_implementation(written(tmp_path, text)).known
    assert (limitation.framework, limitation.status) == ("mine", "FAILED")
    known.write_text(entry % ", framework: mine")
    assert load_implementation(written(tmp_path, text)).known[0].framework == "mine"
    known.write_text(entry % ", framework: pytorch")
    with pytest.raises(SpecError, match=r"known\.yaml:2: framework is 'pytorch'; the implement"):
        load_implementation(written(tmp_path, text))


def test_the_program_is_what_the_contract_says(tmp_path: Path) -> None:
    program = program_of(tmp_path, "name: mine\npython: a.b:f\ngradient: c:g\n")
    assert isinstance(program, Program)
    words = "stride=(2, 3), dilation=(1, 2), crop=((1, 0), (0, -1)), groups=1"
    imports = "from a.b import f\nfrom c import g\n"
    assert program.text == f"{imports}y = f(x, w, b, {words})\n"
    assert program.gradient_text == f"{imports}dx, dw, db = g(dy, x, w, {words})\n"
    assert (program.framework, program.support) == ("mine", "native")


def test_without_bias_there_is_none(tmp_path: Path) -> None:
    operator = Operator.of(2, 2, (3,), bias=False)
    program = program_of(tmp_path, "name: mine\npython: m:f\ngradient: m:g\n", operator)
    assert isinstance(program, Program)
    assert "y = f(x, w, None, stride=(1,)" in program.text
    assert "dx, dw, _ = g(dy, x, w, stride=(1,)" in program.gradient_text


def test_a_frameworks_words_are_followed_by_what_they_cannot_say(tmp_path: Path) -> None:
    text = "name: mine\npython: m:f\nspeaks: pytorch\n"
    native = program_of(tmp_path, text)
    assert isinstance(native, Program)
    assert native.forward.call == "y = f(x, w, b, (2, 3), (1, 0), (1, 1), 1, (1, 2))"
    program = program_of(tmp_path, text, Operator.of(2, 3, (3,), crop=((0, 2),)))
    assert isinstance(program, Program)
    assert program.forward.call == "y = f(x, w, b, (1,), (0,), (0,), 1, (1,))"
    assert program.forward.from_native == "y = np.asarray(y)[:, :, :-2]"
    assert program.support == "rewritten"
    assert "padding crops both ends alike" in (program.reason or "")


def test_a_program_is_sent_the_operator_itself(tmp_path: Path) -> None:
    program = program_of(tmp_path, "name: mine\ncommand: ./w\n")
    assert isinstance(program, Program)
    assert program.arguments == {
        "stride": (2, 3),
        "dilation": (1, 2),
        "crop": ((1, 0), (0, -1)),
        "groups": 1,
    }


LACKING = (
    (Claims(axes=(1, 3)), "axes: 2"),
    (Claims(dtypes=("float64",)), "dtypes: float32"),
    (Claims(stride=False), "stride"),
    (Claims(dilation=False), "dilation"),
    (Claims(groups=False), "groups"),
    (Claims(bias=False), "bias"),
    (Claims(crop="none"), "crop: none only"),
    (Claims(crop="symmetric"), "crop: symmetric only"),
    (Claims(crop="positive"), "crop: positive only"),
)


@pytest.mark.parametrize(("claims", "lacking"), LACKING)
def test_what_is_not_claimed_is_named(claims: Claims, lacking: str) -> None:
    operator = Operator.of(
        4, 6, (3, 2), stride=(2, 3), dilation=(1, 2), crop=((1, 0), (0, -1)), groups=2
    )
    case = Case("s/a", "s", operator, batch=1, in_size=(4, 5))
    plain = Case("s/b", "s", Operator.of(4, 6, (3,), bias=False), batch=1, in_size=(4,))
    assert claims.lacks(case, Check.VALUE) == lacking
    if lacking not in ("axes: 2", "dtypes: float32"):
        assert claims.lacks(plain, Check.VALUE) is None
    assert Claims().lacks(case, Check.VALUE) is None


def test_crops_from_none_to_any() -> None:
    crops: dict[str, Crop] = {"none": 0, "symmetric": 1, "positive": ((2, 1),), "any": ((2, -1),)}
    operators = [Operator.of(1, 1, (4,), stride=2, crop=crop) for crop in crops.values()]
    for place, kind in enumerate(crops):
        cases = [Case("s/a", "s", operator, batch=1, in_size=(4,)) for operator in operators]
        claimed = [Claims(crop=kind).lacks(case, Check.VALUE) is None for case in cases]
        assert claimed == [number <= place for number in range(4)]


def test_gradients_and_refusals_are_claims_of_their_own() -> None:
    case = Case("s/a", "s", Operator.of(2, 3, (3,)), batch=1, in_size=(4,))
    forward_only = Claims(gradients=False)
    assert forward_only.lacks(case, Check.VALUE) is None
    assert forward_only.lacks(case, Check.GRAD_W) == "gradients"
    assert Claims().lacks(case, Check.REFUSAL) == "rejects"
    assert Claims(rejects=True).lacks(case, Check.REFUSAL) is None


def test_a_file_is_told_from_a_framework() -> None:
    assert [is_file(name) for name in ("a.yaml", "a.yml", "./a", "pytorch", "keras:jax")] == [
        *(True, True, True),
        *(False, False),
    ]
