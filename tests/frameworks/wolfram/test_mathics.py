"""Wolfram Language programs, and both definitions of the layer that execute them in Mathics3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from reality import engine_job, outcome, verdicts, without_end

from harness.conformance.judge import judge
from harness.convention.registry import convention, render
from harness.core.operators import Operator
from harness.core.program import Program, Unsupported
from harness.engines.job import Arrays, Crashed, Job, Outcome, Raised, TimedOut
from harness.engines.process import Engine
from harness.execution import TIMEOUT
from harness.execution.column import Column
from harness.execution.environments import launch
from harness.frameworks.wolfram.render import ASSUMED_WEIGHTS
from harness.records.status import Status
from harness.suite.case import Case
from harness.suite.expectations import expect

EVERYTHING, NOTHING = "1000000000", "0"


def program(operator: Operator, dtype: str = "float32") -> Program:
    rendered = render(operator, "wolfram", dtype)
    assert isinstance(rendered, Program)
    return rendered


# Text.


@pytest.mark.parametrize(
    ("operator", "options"),
    [
        (Operator.of(4, 6, (3, 3)), "{3, 3}"),
        (
            Operator.of(4, 6, (3,), stride=2, dilation=3, crop=1),
            '{3}, "Stride" -> 2, "Dilation" -> 3, PaddingSize -> 1',
        ),
        (
            Operator.of(4, 6, (3, 2), stride=(2, 3), crop=(1, 2), groups=2),
            '{3, 2}, "Stride" -> {2, 3}, PaddingSize -> {1, 2}, "ChannelGroups" -> 2',
        ),
        (
            Operator.of(4, 6, (3, 2), dilation=(1, 2), crop=((1, 0), (2, 2))),
            '{3, 2}, "Dilation" -> {1, 2}, PaddingSize -> {{1, 0}, {2, 2}}',
        ),
    ],
)
def test_a_crop_that_is_not_negative_is_one_layer(operator: Operator, options: str) -> None:
    data = '"Weights" -> w, "Biases" -> b, "Input" -> Rest[Dimensions[x]]'
    rendered = program(operator)
    assert rendered.support == "native"
    assert rendered.text == f"layer = DeconvolutionLayer[6, {options}, {data}];\ny = layer[x];\n"
    unbiased = program(replace(operator, bias=False)).text
    assert unbiased == rendered.text.replace('"Biases" -> b', '"Biases" -> None')


def test_a_negative_crop_puts_zeros_around_the_kernel() -> None:
    rendered = program(Operator.of(4, 6, (3, 2), dilation=(2, 1), crop=((-3, 1), (0, -2))))
    assert rendered.support == "rewritten"
    assert "crop ((-3, 1), (0, -2))" in (rendered.reason or "")
    assert rendered.text == (
        "weights = ArrayPad[Normal[w], {{0, 0}, {0, 0}, {2, 0}, {0, 2}}];\n"
        'layer = DeconvolutionLayer[6, {5, 4}, "Dilation" -> {2, 1}, '
        'PaddingSize -> {1, 0}, "Weights" -> weights, "Biases" -> b, '
        '"Input" -> Rest[Dimensions[x]]];\n'
        "y = layer[x];\n"
    )
    assert rendered.gradient_text.endswith(
        'db = layer[given, NetPortGradient["Biases"]];\n'
        "dw = ArrayPad[Normal[dw], {{0, 0}, {0, 0}, {-2, 0}, {0, -2}}];\n"
    )


def test_gradients_are_asked_for_at_the_ports() -> None:
    text = program(Operator.of(1, 1, (3,), bias=False), "float64").gradient_text
    assert text.splitlines()[0] == 'given = <|"Input" -> x, NetPortGradient["Output"] -> dy|>;'
    assert text.splitlines()[2:] == [
        'dx = layer[given, NetPortGradient["Input"], WorkingPrecision -> "Real64"];',
        'dw = layer[given, NetPortGradient["Weights"], WorkingPrecision -> "Real64"];',
    ]


@pytest.mark.parametrize(
    ("rank", "dtype", "why"), [(3, "float32", "not 3 axes"), (2, "float16", "no float16")]
)
def test_what_a_layer_lacks_is_said(rank: int, dtype: str, why: str) -> None:
    rendered = render(Operator.of(1, 1, (2,) * rank), "wolfram", dtype)
    assert isinstance(rendered, Unsupported)
    assert why in rendered.reason


def test_what_editions_differ_in_is_noted() -> None:
    notes = program(Operator.of(2, 2, (3,), crop=((1, 0),), groups=2), "float64").notes
    assert ["edition" in note for note in notes] == [True, True, False, False]
    assert program(Operator.of(1, 1, (3,), crop=1)).notes == (ASSUMED_WEIGHTS,)


# Execution.


def engine(limit: str) -> Engine:
    found = convention("wolfram")
    start = launch(found)
    return Engine(
        [str(start.python)],
        start.module,
        found.distribution,
        language=start.language,
        environ={"DECONFORM_WOLFRAM_LIMIT": limit},
        advice=start.advice,
        timeout=TIMEOUT,
    )


@pytest.fixture(scope="module")
def definition() -> Iterator[Engine]:
    """The definition in Wolfram Language alone."""
    with closing(engine(EVERYTHING)) as started:
        info = started.start()
        assert info.engine.startswith(f"documented semantics (Mathics3 {info.version}")
        yield started


@pytest.fixture(scope="module")
def in_numpy() -> Iterator[Engine]:
    """The definition in NumPy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DECONFORM_WOLFRAM_LIMIT", NOTHING)
        column = Column("wolfram")
        column.start()
    with closing(column):
        yield column.engine


@pytest.fixture(params=["definition", "in_numpy"], ids=["wl", "numpy"])
def either(request: pytest.FixtureRequest) -> Engine:
    """The definition in Wolfram Language, and that in NumPy."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def singles(**arrays: Any) -> dict[str, Any]:
    return {name: np.array(array, "float32") for name, array in {"x": 0, **arrays}.items()}


def y(engine: Engine, text: str, **arrays: Any) -> Any:
    found = outcome(engine, text, **singles(**arrays))
    assert isinstance(found, Arrays), found
    return found.outputs["y"].tolist()


def refusal(engine: Engine, text: str, **arrays: Any) -> str:
    found = outcome(engine, text, **singles(**arrays))
    assert isinstance(found, Raised), found
    return found.kind


CASES = [
    (Operator.of(2, 3, (3,), stride=2, crop=((0, 2),)), (1, (2,)), "float32"),
    (Operator.of(1, 2, (2,), dilation=3, crop=((-4, 3),)), (2, (3,)), "float64"),
    (Operator.of(2, 4, (1, 2), stride=(1, 2), groups=2), (1, (2, 2)), "float32"),
    (Operator.of(2, 1, (2, 2), dilation=(1, 2), crop=((1, 0), (0, 2))), (1, (2, 3)), "float32"),
    (Operator.of(1, 1, (1, 1), stride=(1, 3), bias=False), (1, (1, 2)), "float64"),
]


@pytest.mark.frameworks
@pytest.mark.parametrize(("operator", "data", "dtype"), CASES)
def test_both_definitions_give_values_and_gradients(
    either: Engine, operator: Operator, data: tuple[int, tuple[int, ...]], dtype: str
) -> None:
    case = Case("test", "test", operator, *data, dtype)
    found = verdicts(either, case, program(operator, dtype))
    assert set(found) == set(case.checks)
    assert {c: v.reason for c, v in found.items() if v.status != Status.PASSED} == {}


@pytest.mark.frameworks
def test_a_spoilt_program_fails(either: Engine) -> None:
    case = Case("test", "test", Operator.of(1, 1, (3,), stride=2), 1, (2,))
    expected = expect(case)
    right = program(case.operator)
    call = right.forward.call.replace('"Stride" -> 2', '"Stride" -> 2, PaddingSize -> {{0, 1}}')
    spoilt = replace(right, forward=replace(right.forward, call=call))
    job, _ = Column("wolfram").jobs(case, spoilt, expected.data)
    ((_, found),) = either.run([job])
    assert judge(case, expected, "shape", found).status == Status.FAILED


X, W = [[1, 10, 100]], [[[1, 2, 3]]]
LAYER = 'DeconvolutionLayer["Weights" -> w, "Biases" -> None'
FULL = [1, 12, 123, 230, 300]


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('DeconvolutionLayer["Weights" -> {{{1, 2, 3}}}, "Biases" -> None]', FULL),
        ('DeconvolutionLayer[1, 3, "Weights" -> w, "Biases" -> None]', FULL),
        (
            'DeconvolutionLayer[1, {3}, "Weights" -> w, "Biases" -> {1000}]',
            [n + 1000 for n in FULL],
        ),
        (f"{LAYER}, LearningRateMultipliers -> 0]", FULL),
        (f'{LAYER}, "Input" -> {{1, 3}}, "Output" -> {{1, 5}}]', FULL),
        (f"{LAYER}, PaddingSize -> 1]", FULL[1:-1]),
        (f"{LAYER}, PaddingSize -> {{1}}]", FULL[1:-1]),
        (f"{LAYER}, PaddingSize -> {{{{2, 1}}}}]", FULL[2:-1]),
        (f'{LAYER}, PaddingSize -> "Same"]', FULL[1:-1]),
        (f'{LAYER}, "Stride" -> 2]', [1, 2, 13, 20, 130, 200, 300]),
        (f'{LAYER}, "Stride" -> 2, PaddingSize -> "Same"]', [1, 2, 13, 20, 130, 200]),
        (f'{LAYER}, "Dilation" -> {{2}}]', [1, 10, 102, 20, 203, 30, 300]),
    ],
)
def test_every_form_of_the_page_on_one_axis(
    definition: Engine, text: str, expected: list[int]
) -> None:
    assert y(definition, f"y = {text}[x];", x=X, w=W) == [expected]


@pytest.mark.frameworks
def test_one_number_is_a_square_kernel_and_a_pair_means_axes(definition: Engine) -> None:
    text = (
        'layer = DeconvolutionLayer[1, 2, "Input" -> {1, 2, 3}, PaddingSize -> {0, 1}, '
        '"Weights" -> {{{{1, 2}, {3, 4}}}}, "Biases" -> None];\ny = layer[x];'
    )
    # full: 1 12 34 | 3 ... of x = {{1, 10, 100}, {0, 0, 1000}}
    found = y(definition, text, x=[[[1, 10, 100], [0, 0, 1000]]])
    assert found == [[[12, 120], [34, 1340], [0, 3000]]]


@pytest.mark.frameworks
def test_interleaving_has_the_channels_last_and_weights_as_ever(definition: Engine) -> None:
    x, w = np.arange(6.0).reshape(2, 1, 3), np.arange(1.0, 5).reshape(2, 1, 2, 1)
    options = '"Weights" -> w, "Biases" -> {7}'
    plain = y(definition, f"y = DeconvolutionLayer[1, {{2, 1}}, {options}][x];", x=x, w=w)
    text = f"y = DeconvolutionLayer[1, {{2, 1}}, {options}, Interleaving -> True][x];"
    found = y(definition, text, x=np.moveaxis(x, 0, -1), w=w)
    assert np.moveaxis(np.array(found), -1, 0).tolist() == plain
    assert np.array(plain).shape == (1, 2, 3)


@pytest.mark.frameworks
def test_a_list_of_inputs_gives_a_list_of_outputs(either: Engine) -> None:
    text = f'y = {LAYER}, "Input" -> {{1, 3}}][x];'
    assert y(either, text, x=[X, X], w=W) == [[FULL], [FULL]]


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('y = {Information[layer, "OutputPorts"]["Output"]};', [[1, 5]]),
        ('y = {NetExtract[layer, "Biases"]};', [[0]]),
        ('y = {Dimensions[NetExtract[layer, "Weights"]]};', [[1, 1, 3]]),
    ],
)
def test_layers_are_initialised_and_taken_apart(
    definition: Engine, text: str, expected: list[list[int]]
) -> None:
    layer = 'layer = NetInitialize@DeconvolutionLayer[1, {3}, "Input" -> {1, 3}];\n'
    assert y(definition, layer + text) == expected


REFUSED: Mapping[str, str] = {
    'DeconvolutionLayer[3, {3}, "ChannelGroups" -> 2, "Input" -> {4, 3}]': "groups",
    'DeconvolutionLayer[4, {3}, "ChannelGroups" -> 2, "Input" -> {3, 3}]': "groups",
    'DeconvolutionLayer[1, {3}, "ChannelGroups" -> 0]': "argument",
    'DeconvolutionLayer[1, {3}, "Stride" -> 0]': "argument",
    'DeconvolutionLayer[1, {3}, "Stride" -> {1, 2}]': "argument",
    'DeconvolutionLayer[1, {3}, "Dilation" -> -1]': "argument",
    "DeconvolutionLayer[1, {3, 0}]": "argument",
    "DeconvolutionLayer[1, {3, 3, 3}]": "rank",
    "DeconvolutionLayer[1]": "argument",
    'DeconvolutionLayer[1, {3}, PaddingSize -> -1, "Input" -> {1, 3}]': "argument",
    'DeconvolutionLayer[1, {3}, PaddingSize -> 3, "Input" -> {1, 3}]': "output",
    'DeconvolutionLayer[1, {3}, PaddingSize -> "Full"]': "argument",
    'DeconvolutionLayer[1, {3}, "Kernel" -> 3]': "option",
    'DeconvolutionLayer[1, {3}, "Input" -> {1, 3}, "Output" -> {1, 4}]': "port",
    'DeconvolutionLayer[1, {3}, "Input" -> {1, 3}, "Weights" -> {{{1, 2}}}]': "weights",
    'DeconvolutionLayer[1, {3}, "Input" -> {1, 3}, "Biases" -> {1, 2}]': "biases",
    "DeconvolutionLayer[1, {3}]": "uninitialized",
    f'{LAYER}, "Input" -> {{1, 4}}]': "input",
    "DeconvolutionLayer[1, {3}": "",
}


@pytest.mark.frameworks
def test_the_page_s_output_size_holds(definition: Engine) -> None:
    """Its example call outputSize[{256, 120}, 5, 3, 2] beside the layer that it compares."""
    text = (
        'y = {Information[DeconvolutionLayer[11, 5, "Input" -> {11, 256, 120}, "Stride" -> 3, '
        '"PaddingSize" -> 2], "OutputPorts"]["Output"]};'
    )
    assert y(definition, text) == [[11, 3 * 255 + 5 - 4, 3 * 119 + 5 - 4]]


@pytest.mark.frameworks
@pytest.mark.parametrize("text", REFUSED)
def test_what_the_page_forbids_is_refused(definition: Engine, text: str) -> None:
    kind = refusal(definition, f"y = {text}[x];", x=X, w=W)
    tag = REFUSED[text]
    assert kind == f"DeconvolutionLayer::{tag}" if tag else "::" in kind


@pytest.mark.frameworks
def test_a_failed_evaluation_is_an_error_and_leaves_no_definitions(definition: Engine) -> None:
    assert refusal(definition, "y = ConvolutionLayer[1, 3][x]; z = 1;", x=X) == "Unevaluated"
    assert refusal(definition, "y = z;", x=X) == "Unevaluated"
    assert refusal(definition, "y = 1/0;", x=X) == "Power::infy"
    assert y(definition, f"y = {LAYER}][x];", x=X, w=W) == [FULL]


# A kernel of its own: Mathics3 stands in for one that reads the files that it is told to.

KERNEL = """#!{python}
import gc, sys
from runpy import run_path

gc.disable()
session = run_path({language!r})["Session"]()
gc.freeze()
gc.enable()
assert sys.argv[1] == "-file"
for line in sys.stdin:
    evaluation = session._session.evaluation
    for query in session.parsed(open(line.strip()).read()):
        evaluation.out.clear()
        query.evaluate(evaluation)
        for said in evaluation.out:
            print(said.text, flush=True)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    found = convention("wolfram")
    mathics = launch(found)
    path = tmp_path_factory.mktemp("kernel") / "wolframscript"
    path.write_text(KERNEL.format(python=mathics.python, language=str(mathics.language)))
    path.chmod(0o755)
    start = launch(found, {"wolfram": path})
    with closing(
        Engine([str(start.python)], start.module, "", language=start.language, timeout=TIMEOUT)
    ) as started:
        info = started.start()
        assert info.engine == f"documented semantics ({info.version})"
        assert info.version.startswith("Mathics3 ")
        yield started


# Both types, a kernel with zeros around it, groups, no bias: what differs in a kernel's arrays.
@pytest.mark.frameworks
@pytest.mark.parametrize(("operator", "data", "dtype"), [CASES[1], CASES[2], CASES[4]])
def test_a_kernel_on_the_path_evaluates_the_same_text(
    kernel: Engine, operator: Operator, data: tuple[int, tuple[int, ...]], dtype: str
) -> None:
    test_both_definitions_give_values_and_gradients(kernel, operator, data, dtype)


@pytest.mark.frameworks
def test_a_kernel_s_messages_and_unevaluated_results_are_errors(kernel: Engine) -> None:
    assert refusal(kernel, "y = 1/0;", x=X) == "Message"
    assert refusal(kernel, "y = z;", x=X) == "Unevaluated"
    text = 'y = DeconvolutionLayer[1, {3}, "Stride" -> 0][x];'
    found = outcome(kernel, text, **singles(x=X))
    assert isinstance(found, Raised)
    assert '0 is not a possible value of "Stride"' in found.message
    assert y(kernel, f"y = {LAYER}][x];", x=X, w=W) == [FULL]


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("Exit[3]; y = x;", Crashed, "the kernel ended without any output"),
        # Mathics3 takes what is printed for messages.
        ('Print["deconform:done"]; Print["deconform:done 1"]; y = x;', Raised, "deconform:done 1"),
        ('Print["deconform:answer ok"]; y = {2.};', Raised, "deconform:answer ok"),
        ('Do[Print["flood of lines"], {1000}]; y = x;', Raised, "flood of lines"),
        ("y = {{1, 2}, {3}};", Raised, "y is {{1, 2}, {3}}"),
        ("y = {True};", Raised, "y is {True}"),
        ('y = "abc";', Raised, "y is "),
        ("y = {1 + I};", Raised, "y is {1 + I}"),
    ],
)
def test_a_fault_of_a_kernel_costs_that_record_alone(
    kernel: Engine, text: str, kind: type[Outcome], said: str
) -> None:
    check_fault(kernel, text, kind, said)


# Faults.


FAULTS = {
    "an exit": ("Exit[3]; y = x;", Crashed, "exit status 3"),
    "a flood": ('Do[Print["flood of lines"], {1000}]; y = {2.};', Arrays, "2."),
    "what ends an answer": ('Print["deconform:done"]; y = {2.};', Arrays, "2."),
    "rows of two lengths": ("y = {{1, 2}, {3}};", Raised, "y is no array of numbers"),
    "a string": ('y = "abc";', Raised, 'y is no array of numbers but "abc"'),
    "a symbol": ("y = other;", Raised, "no array of numbers but Global`other"),
    "what is not evaluated": ("y = f[x];", Raised, "no array of numbers"),
    "a truth value": ("y = {True};", Raised, "no array of numbers but {System`True}"),
    "nothing": ("y = {Null};", Raised, "no array of numbers"),
    "a complex number": ("y = {1 + I};", Raised, "no array of numbers"),
    "a number that is too large": ("y = {10^400};", Raised, "no array of numbers"),
    "no number": ("y = {Indeterminate};", Raised, "no array of numbers"),
    "an endless recursion": ("f[n_] := f[n + 1]; y = f[1];", Raised, "call"),
    "what nobody catches": ("Throw[1]; y = x;", Raised, "call"),
    "an abort": ("Abort[]; y = x;", Raised, "call"),
    "a deep list": ("y = Nest[List, 1, 5000];", Raised, "recursion"),
    "a long string": ('y = StringJoin[ConstantArray["a", 10^5]];', Raised, "no array of numbers"),
    "another meaning of Plus": ("Unprotect[Plus]; Plus[a_, b_] := 3; y = {2.};", Arrays, "2."),
    "another context": ('Begin["mine`"]; y = {2.};', Arrays, "2."),
}


@pytest.mark.frameworks
@pytest.mark.parametrize(("text", "kind", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_costs_that_record_alone(
    in_numpy: Engine, text: str, kind: type[Outcome], said: str
) -> None:
    check_fault(in_numpy, text, kind, said)


def check_fault(engine: Engine, text: str, kind: type[Outcome], said: str) -> None:
    """Run a text between two others, which must not be touched by it."""
    before, found, after = [answer for _, answer in engine.run(between_others(text))]
    assert isinstance(found, kind)
    assert said in str(found)
    assert len(str(found)) < 10_000
    check_others(before, after)


@pytest.mark.frameworks
def test_a_hang_costs_that_record_alone(in_numpy: Engine) -> None:
    before, found, after = without_end(in_numpy, between_others("While[True, 1]; y = x;"))
    assert found == TimedOut(1)
    check_others(before, after)


def between_others(text: str) -> list[Job]:
    return [engine_job(each, x=np.ones((1, 2))) for each in ("y = x;", text, "y = Normal[x] + 1;")]


def check_others(before: Outcome, after: Outcome) -> None:
    for answer, value in ((before, 1), (after, 2)):
        assert isinstance(answer, Arrays)
        assert answer.outputs["y"].tolist() == [[value, value]]
