"""MATLAB's programs in GNU Octave, over our definitions of the documented semantics."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, assume, given, settings
from reality import engine_job, outcome, running, verdicts, without_end
from strategies import cases

from harness import translate
from harness.conformance.pipeline import execute
from harness.convention.registry import render
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.core.training import SILENT
from harness.engines.job import (
    Arrays,
    Crashed,
    EngineUnavailableError,
    Job,
    Outcome,
    Raised,
    TimedOut,
)
from harness.engines.process import Engine
from harness.execution.column import Column, Conditions
from harness.frameworks.matlab import CONVENTION
from harness.records.record import Header, Record
from harness.records.status import Status
from harness.report.words import describe_engine
from harness.suite.case import Case
from harness.suite.specs import load_cases

pytestmark = pytest.mark.frameworks

DEFINITIONS = Path(__file__).parents[3] / "harness/frameworks/matlab/driver/definitions"


@pytest.fixture(scope="module")
def octave() -> Path:
    """GNU Octave, which these tests are about: without it they fail rather than pass unseen."""
    found = shutil.which("octave")
    assert found, "there is no octave: apt-get install octave"
    return Path(found)


@pytest.fixture(scope="module")
def engine(octave: Path) -> Iterator[Engine]:
    with running("matlab", octave) as found:
        yield found


def left(engine: Engine, text: str, *outputs: str, **arrays: Any) -> list[npt.NDArray[Any]]:
    """Run a text; give what it leaves."""
    given_arrays = {name: np.array(value, "float64") for name, value in arrays.items()}
    found = outcome(engine, text, outputs, **given_arrays)
    assert isinstance(found, Arrays), found
    return [found.outputs[name] for name in outputs]


def raised(engine: Engine, text: str, **arrays: Any) -> Raised:
    given_arrays = {name: np.array(value, "float64") for name, value in arrays.items()}
    found = outcome(engine, text, ("y",), **given_arrays)
    assert isinstance(found, Raised), found
    return found


def check_all(engine: Engine, case: Case, program: Program) -> None:
    found = verdicts(engine, case, program)
    assert set(found) == set(case.checks)
    wrong = {
        check: verdict.reason
        for check, verdict in found.items()
        if verdict.status not in {Status.PASSED, Status.MISTRUSTED}
    }
    assert wrong == {}


# Programs.


@given(cases())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_functions_compute_what_the_implementation_computes(engine: Engine, case: Case) -> None:
    assume(min(case.operator.out_size(case.in_size)) > 0)
    program = translate(case, "matlab")
    if not isinstance(program, Unsupported):
        check_all(engine, case, program)


LAYERS = {
    "one axis": (Operator.of(2, 3, (4,), stride=3, crop=((1, 2),)), (5,)),
    "two axes": (Operator.of(3, 2, (3, 4), stride=(2, 3), crop=((0, 1), (2, 1))), (4, 3)),
    "three axes": (
        Operator.of(2, 3, (3, 2, 4), stride=(2, 1, 3), crop=((1, 0), (0, 1), (2, 1))),
        (3, 4, 2),
    ),
    "cropped alike": (Operator.of(3, 2, (3, 3), stride=2, crop=1), (3, 4)),
    "cropped by axis": (Operator.of(2, 2, (4, 3, 5), crop=((1, 1), (0, 0), (2, 2))), (2, 3, 2)),
    "extended": (Operator.of(2, 3, (3, 2), stride=2, crop=((-1, 1), (0, -2))), (3, 4)),
    "without a bias": (Operator.of(2, 3, (3, 2), stride=2, bias=False), (3, 4)),
    "one of everything": (Operator.of(1, 1, (1, 1)), (1, 1)),
}


@pytest.mark.parametrize(("operator", "in_size"), LAYERS.values(), ids=LAYERS)
def test_layers_compute_what_the_implementation_computes(
    engine: Engine, operator: Operator, in_size: tuple[int, ...]
) -> None:
    case = Case(id="a/layer", suite="a", operator=operator, batch=2, in_size=in_size)
    program = render(operator, "matlab", style="layer")
    assert isinstance(program, Program)
    assert f"transposedConv{operator.rank}dLayer(" in program.call
    check_all(engine, case, program)


@pytest.mark.parametrize(
    ("operator", "dtype", "reason"),
    [
        (Operator.of(4, 4, (3, 3), groups=2), "float32", "no groups. dltranspconv takes them"),
        (Operator.of(4, 4, (3,), dilation=2), "float32", "no dilation. dltranspconv takes them"),
        (Operator.of(1, 1, (3,)), "float64", "single; dltranspconv keeps double"),
        (Operator.of(1, 1, (3,)), "float16", "float16 is neither"),
    ],
)
def test_what_a_layer_lacks(operator: Operator, dtype: str, reason: str) -> None:
    assert CONVENTION.layer is not None
    found = CONVENTION.layer(operator, dtype, SILENT)
    assert isinstance(found, Unsupported)
    assert reason in found.reason


def test_whole_text_pasted_into_octave_gives_the_same_numbers(octave: Path) -> None:
    program = translate(Operator.of(1, 1, (3,), stride=2, crop=((1, 0),)), "matlab")
    assert isinstance(program, Program)
    script = (
        f"addpath('{DEFINITIONS}'); x = reshape([1 10], 1, 1, 2); w = reshape(1:3, 1, 1, 3);\n"
        f"b = 100;\n{program.text}\nprintf('y is %s', mat2str(squeeze(y)'));"
    )
    command = [str(octave), "--no-gui", "--quiet", "--norc", "--eval", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "y is [102 113 120 130]"


# Definitions.


def test_each_input_is_scattered_through_the_filter(engine: Engine) -> None:
    text = "y = extractdata(dltranspconv(dlarray(x, 'SC'), w, 100, 'Stride', 2));"
    (y,) = left(engine, text, "y", x=[[1], [10]], w=[[1], [2], [3]])
    assert y[:, 0].tolist() == [101, 102, 113, 120, 130]


@pytest.mark.parametrize(
    ("size", "stride", "expected"),
    [
        (3, 1, [12, 123, 230]),  # nothing odd
        (4, 1, [12, 123, 234]),  # 3 to crop: 1 at the beginning, 2 at the end
        (3, 2, [1, 2, 13, 20, 130, 200]),  # 1 to crop: at the end
        (1, 2, [1, 0, 10, 0, 100, 0]),  # the stride is larger: extended at the end
    ],
)
def test_same_gives_size_times_stride(
    engine: Engine, size: int, stride: int, expected: list[int]
) -> None:
    taps = [[1], [2], [3], [4]][:size]
    text = f"""
x_ = dlarray([1; 10; 100], 'SC');
y = extractdata(dltranspconv(x_, w, 0, 'Stride', {stride}, 'Cropping', 'same'));
layer = transposedConv1dLayer({size}, 1, 'Stride', {stride}, 'Cropping', 'same', 'Weights', w);
z = double(extractdata(predict(dlnetwork(layer, x_), x_)));
"""
    y, z = left(engine, text, "y", "z", x=[[0]], w=taps)
    assert y[:, 0].tolist() == expected
    assert z.tolist() == y.tolist()


def test_dimensions_go_by_their_labels(engine: Engine) -> None:
    text = """
y = extractdata(dltranspconv(dlarray(permute(x, [3 2 1]), 'SCB'), w, [5; 7], 'stride', 2));
f = extractdata(dltranspconv(dlarray(x, 'BCS'), w, [5; 7], 'STRIDE', 2));
u = dltranspconv(dlarray(x), w, [5; 7], 'Stride', 2, 'DataFormat', 'BCS');
named = double([dims(dlarray(x, 'BCS')) dims(u)]);
u = extractdata(u);
"""
    x = np.arange(12).reshape(2, 3, 2)
    w = np.arange(12).reshape(2, 2, 3)
    y, f, u, named = left(engine, text, "y", "f", "u", "named", x=x, w=w)
    assert y.shape == (5 - 1, 2, 2)
    assert f.tolist() == y.tolist()
    assert u.tolist() == y.transpose(2, 1, 0).tolist()
    assert bytes(named[0, :, 0].astype("uint8")) == b"SCB"


def test_gradients_add_up_over_a_graph(engine: Engine) -> None:
    text = """
f = @(x, w) sum(dltranspconv(x, w, 0) .* dltranspconv(x, w, 0), 'all');
[a, b] = dlfeval(@(x, w) dlgradient(f(x, w), x, w), dlarray(x, 'SC'), dlarray(w));
dx = extractdata(a); dw = extractdata(b);
"""
    dx, dw = left(engine, text, "dx", "dw", x=[[2], [3]], w=[[5], [7]])
    # y is 10, 29, 21; the loss is the sum of their squares.
    assert dx.tolist() == [[2 * (10 * 5 + 29 * 7)], [2 * (29 * 5 + 21 * 7)]]
    assert dw.tolist() == [[2 * (10 * 2 + 29 * 3)], [2 * (29 * 2 + 21 * 3)]]


CALL = "y = dltranspconv(dlarray(x, 'SSC'), w, {});"
REFUSED = {
    "0, 'Stride', 0": "Stride must be a positive integer or a vector of 2 positive integers",
    "0, 'Stride', [1 2 3]": "not [1 2 3]",
    "0, 'Stride', 1.5": "not 1.5",
    "0, 'DilationFactor', -1": "DilationFactor must be a positive integer",
    "0, 'Cropping', -1": "Cropping must be 'same' or nonnegative integers",
    "0, 'Cropping', [0 0 0 1]": "or a 2-by-2 matrix; not [0 0 0 1]",
    "0, 'Cropping', 'some'": "not 'some'",
    "0, 'Stride', 'same'": "not 'same'",
    "0, 'Cropping', 3": "the output would be -1-by-0: what that means is not documented",
    "[1 2 3]": "bias has 3 elements: it must have one, or one for each of the 2 filters",
    "0, 'Padding', 1": "'Padding' is none of: Stride",
    "0, 'Stride'": "names and values must come in pairs",
}


@pytest.mark.parametrize(("options", "said"), REFUSED.items(), ids=REFUSED)
def test_what_is_not_documented_is_refused(engine: Engine, options: str, said: str) -> None:
    x, w = np.ones((3, 4, 2)), np.ones((3, 3, 2, 2))
    found = raised(engine, CALL.format(options), x=x, w=w)
    assert found.kind.startswith("deconform:dltranspconv:")
    assert said in found.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y = dltranspconv(dlarray(x), w, 0);", "X has no format"),
        ("y = dltranspconv(dlarray(x, 'SCT'), w, 0);", "format 'SCT'"),
        ("y = dlarray(x, 'SQ');", "format 'SQ'"),
        ("y = dlarray(int8(x));", "this one is int8"),
        ("y = dltranspconv(dlarray(x, 'SC'), ones(2, 1, 3), 0);", "2 channels, but weights are"),
        ("y = dlgradient(dlarray(1), dlarray(1));", "a traced dlarray scalar"),
        ("transposedConv2dLayer([3 -3], 2);", "filterSize must be 2 positive integers"),
        ("transposedConv2dLayer(3, 2, 'Cropping', -1);", "nonnegative integers"),
        ("transposedConv2dLayer(3, 2, 'Cropping', [1 2 3]);", "cannot be [1 2 3]"),
        ("transposedConv2dLayer(3, 2, 'NumGroups', 2);", "no option 'NumGroups'"),
        ("transposedConv2dLayer(3, 2, 'BiasL2Factor', -2);", "a nonnegative scalar"),
        ("dlnetwork(transposedConv2dLayer(3, 2), dlarray(x, 'SC'));", "1 spatial dimensions"),
        (
            "dlnetwork(transposedConv1dLayer(3, 2, 'NumChannels', 3), dlarray(x, 'SC'));",
            "NumChannels is 3, but the input has 2",
        ),
        (
            "dlnetwork(transposedConv1dLayer(3, 2, 'Weights', ones(3, 2)), dlarray(x, 'SC'));",
            "Weights is [3 2], but must be [3 2 2]",
        ),
    ],
)
def test_misuse_is_refused(engine: Engine, text: str, said: str) -> None:
    assert said in raised(engine, text, x=np.ones((5, 2)), w=np.ones((3, 1))).message


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        ("glorot", 2 / (9 * 40 + 9 * 60)),
        ("he", 2 / (9 * 40)),
        ("narrow-normal", 1e-4),
    ],
)
def test_initializers_have_the_documented_variance(
    engine: Engine, initializer: str, variance: float
) -> None:
    text = f"""
rand('twister', 1); randn('twister', 1);
layer = transposedConv2dLayer(3, 60, 'WeightsInitializer', '{initializer}');
net = dlnetwork(layer, dlarray(zeros(5, 5, 40), 'SSC'));
w = double(extractdata(net.Learnables.Value{{1}}));
"""
    (w,) = left(engine, text, "w", x=[0])
    assert w.shape == (3, 3, 60, 40)
    # Five standard deviations of the estimates.
    assert abs(w.mean()) < 0.035 * variance**0.5
    assert abs(w.var() / variance - 1) < 0.05


# The engine.


@pytest.mark.parametrize(
    "shape", [(2, 3, 1, 1), (1, 1, 1, 1), (1, 1, 1), (0, 2, 3), (2, 3, 4, 5, 1), (5,), (1,)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_arrays_come_back_as_they_went(engine: Engine, shape: tuple[int, ...], dtype: str) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    found = outcome(engine, "y = x;", x=x)
    assert isinstance(found, Arrays)
    np.testing.assert_array_equal(found.outputs["y"], x, strict=True)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("y = nosuch(x);", "call NameError", "'nosuch' undefined"),
        ("y = (x;", "call SyntaxError", "parse error"),
        ("error('a:b', '50%% of\\n%s', 'it');", "call a:b", "50% of\nit"),
        ("error('plain');", "call error", "plain"),
        ("z = x;", "from_native NameError", "the program left no y"),
        ("y = 'text';", "from_native deconform:output", "y is char, no real numeric array"),
        ("y = dlarray(x);", "from_native deconform:output", "y is dlarray"),
        ("y = x + 1i;", "from_native deconform:output", "no real numeric array"),
    ],
)
def test_an_error_is_an_answer(engine: Engine, text: str, kind: str, said: str) -> None:
    found = raised(engine, text, x=[1, 2])
    assert f"{found.section} {found.kind}" == kind
    assert said in found.message


def test_what_a_text_prints_does_not_disturb(engine: Engine) -> None:
    text = "x, disp('a line'), printf('no end of line'), fprintf(2, 'a warning'); y = x;"
    (y,) = left(engine, text, "y", x=[3])
    assert y.tolist() == [3]


def test_a_text_leaves_no_variables_to_the_next(engine: Engine) -> None:
    left(engine, "kept = 1; y = x;", "y", x=[3])
    assert raised(engine, "y = kept;", x=[3]).kind == "NameError"


FAULTS = {
    "killed": ("kill(getpid(), 9);", Crashed, "octave died (SIGKILL)"),
    "a fault of its own": ("kill(getpid(), 11);", Crashed, "octave died (SIGSEGV)"),
    "an exit": ("exit(3);", Crashed, "octave died (exit status 3)"),
    "an exit without a word": ("quit", Crashed, "octave died (exit status 0)"),
    "no functions left": ("clear all; y = x;", Crashed, "octave died"),
    "a flood": ("for i = 1:1e5, disp('flood of lines'); end, y = 2 * x;", Arrays, "[[2., 2.]]"),
    "a flood of errors": (
        "for i = 1:1e5, fputs(stderr, 'flood of lines'); end, y = 2 * x;",
        Arrays,
        "[[2., 2.]]",
    ),
    "a long line": ("fputs(stdout, repmat('a', 1, 5e7)); y = 2 * x;", Arrays, "[[2., 2.]]"),
    # It would be given the answer of the program before.
    "what ends an answer": ("disp('deconform:done'); y = 2 * x;", Arrays, "[[2., 2.]]"),
    "what ends an earlier answer": ("disp('deconform:done 1'); y = 2 * x;", Arrays, "[[2., 2.]]"),
    "a process left": ("system('sleep 1000 &'); y = 2 * x;", Arrays, "[[2., 2.]]"),
    "a cell": ("y = {1, 2};", Raised, "y is cell, no real numeric array"),
    "a structure": ("y.a = 1;", Raised, "y is struct"),
    "a function": ("y = @sin;", Raised, "y is function_handle"),
    "a truth value": ("y = true;", Raised, "y is logical"),
    "a sparse array": ("y = sparse(x);", Raised, "no real numeric array"),
    "a class that is not transported": ("y = uint64(x);", Raised, "y is uint64"),
    "more than memory": ("y = zeros(1e6, 1e6);", Raised, "out of memory"),
    "a message of bytes": ("error(char([0 10 200 255]));", Raised, "error"),
    "a long message": ("error(repmat('e', 1, 1e6));", Raised, "eee"),
}


@pytest.mark.parametrize(("text", "kind", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_costs_that_record_alone(
    engine: Engine, text: str, kind: type[Outcome], said: str
) -> None:
    before, found, after = [answer for _, answer in engine.run(between_others(text))]
    assert isinstance(found, kind)
    assert said in str(found)
    assert len(str(found)) < 10_000
    check_others(before, after)


def between_others(text: str) -> list[Job]:
    return [engine_job(each, x=np.ones((1, 2))) for each in ("y = 3 * x;", text, "y = 4 * x;")]


def check_others(before: Outcome, after: Outcome) -> None:
    for answer, value in ((before, 3), (after, 4)):
        assert isinstance(answer, Arrays)
        assert answer.outputs["y"].tolist() == [[value, value]]


# The pauses leave processor time to others.
ENDLESS = {
    "a hang": "pause(1000);",
    "a wait for input": "z = input('name? '); y = x;",
    "requests that are read": "fgetl(stdin); y = x;",
    "an endless flood": 'while true, puts(repmat("lines\\n", 1, 1e3)); pause(.01); end',
    "an endless line": "s = repmat('a', 1, 1e6); while true, fputs(stdout, s); pause(.1); end",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_program_without_an_end_costs_that_record_alone(engine: Engine, text: str) -> None:
    before, found, after = without_end(engine, between_others(text))
    assert found == TimedOut(1)
    check_others(before, after)


def error_at_start(folder: Path, script: str) -> str:
    """Start what stands in for Octave; return the error."""
    path = folder / "octave"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    with (
        pytest.raises(EngineUnavailableError) as caught,
        running("matlab", path, timeout=2),
    ):
        pass
    assert len(str(caught.value)) < 10_000
    return str(caught.value)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "died (exit status 3)"),
        ("echo no licence >&2; exit 1", "died (exit status 1)"),
        ("kill -9 $$", "died (SIGKILL)"),
        # It lies.
        ("yes 'deconform:done 1'", "octave says that it is done, but left no answer"),
        ("read line; echo 'deconform:done 1'; sleep 1000", "left no answer"),
    ],
)
def test_a_start_that_fails_is_an_error_in_words(tmp_path: Path, script: str, said: str) -> None:
    assert said in error_at_start(tmp_path, script)


def test_a_start_without_an_end_is_an_error_in_words(tmp_path: Path) -> None:
    scripts = {
        "silence": "sleep 1000",
        "requests that are read": "cat > /dev/null",
        "a flood": "while echo flood; do sleep .01; done",
        "a line": "while printf flood; do sleep .01; done",
    }
    with ThreadPoolExecutor(len(scripts)) as pool:
        for name in scripts:
            (tmp_path / name).mkdir()
        folders = [tmp_path / name for name in scripts]
        for error in pool.map(error_at_start, folders, scripts.values()):
            assert "no answer in 2 s" in error


def children_of(folder: Path) -> list[str]:
    """Find processes that have this folder for temporary files, by their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


def test_an_octave_that_hangs_ends_with_its_worker(
    octave: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with running("matlab", octave) as engine:
        (scratch,) = tmp_path.iterdir()
        assert len(children_of(scratch)) == 2
        engine.timeout = 1
        found = outcome(engine, "while true, end", x=np.ones(1))
        assert found == TimedOut(1)
        assert children_of(scratch) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_octave_has_started_ends_with_it(octave: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    start = f"system('setsid sh -c \"echo $$ > {pid}; exec sleep 600\" &');"
    with running("matlab", octave, timeout=30) as engine:
        outcome(engine, f"{start} while !exist('{pid}', 'file'), end, y = x;", x=np.ones(1))
    assert not Path(f"/proc/{int(pid.read_text())}").exists()


def test_a_column_says_that_octave_ran_documented_semantics() -> None:
    header = next(iter(execute([], ["matlab"])))
    assert isinstance(header, Header)
    version, about = describe_engine(header.frameworks["matlab"])
    assert version.startswith("GNU Octave ")
    assert about.startswith(f"documented semantics ({version})")
    assert "MATLAB" not in version + about


def test_matlab_on_the_path_is_started_as_matlab(
    octave: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GNU Octave stands in: it prompts as MATLAB does, and says what it really is."""
    started = tmp_path / "started"
    stand_in = tmp_path / "matlab"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >> {started}\n'
        "echo '                  < M A T L A B (R) >'\nprintf '\\n>> '\n"
        f"exec {octave} --no-gui --quiet --norc\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    events = list(execute(list(load_cases(select="documents/matlab/")), ["matlab"]))
    assert started.read_text() == "-nodesktop -nosplash -nodisplay -singleCompThread\n"
    assert {event.status for event in events if isinstance(event, Record)} == {Status.PASSED}
    assert isinstance(events[0], Header)
    assert "GNU Octave" in events[0].frameworks["matlab"].engine


def posing_as_matlab(octave: Path, folder: Path, toolbox: str) -> Path:
    """Write a GNU Octave that gives MATLAB's answers to who asks what it is."""
    functions = {
        # Asked last by what says that an answer is complete, and MATLAB needs no flush.
        "exist": "function answer = exist(varargin)\nfflush(stdout);\nanswer = 0;",
        "ver": f"function found = ver(name)\nfound = {toolbox};",
        "version": "function found = version()\nfound = '9.9 (R2099a)';",
    }
    for name, text in functions.items():
        (folder / f"{name}.m").write_text(f"{text}\nend\n")
    path = folder / "matlab"
    path.write_text(f"#!/bin/sh\nexec {octave} --no-gui --quiet --norc --path {folder}\n")
    path.chmod(0o755)
    return path


def test_a_matlab_without_the_toolbox_is_not_available(octave: Path, tmp_path: Path) -> None:
    matlab = posing_as_matlab(octave, tmp_path, "[]")
    header = next(iter(execute([], ["matlab"], Conditions(pythons={"matlab": matlab}))))
    assert isinstance(header, Header)
    reason = header.frameworks["matlab"].unavailable
    assert "MATLAB 9.9 (R2099a) has no Deep Learning Toolbox." in reason


def test_matlab_is_not_given_our_definitions(octave: Path, tmp_path: Path) -> None:
    matlab = posing_as_matlab(octave, tmp_path, "struct('Version', '99.1')")
    with closing(Column("matlab", Conditions({"matlab": matlab}))) as column:
        info = column.start()
        found = outcome(column.engine, "y = dlarray(x);", x=np.ones(1))
    assert info.version == "9.9 (R2099a), Deep Learning Toolbox 99.1"
    assert info.engine == "MATLAB"
    assert isinstance(found, Raised)
    assert found.kind == "NameError"
