"""Problems of oneDNN's benchdnn: its own lines read, ours written, and what neither can say.

The lines are facts from https://github.com/uxlfoundation/oneDNN/tree/main/tests/benchdnn/inputs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import sized_operators

import harness
from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.cli.wording import in_options
from harness.core.errors import InputError, worded
from harness.core.operators import IllegalOperator, Operator, Sizes
from harness.core.program import Unsupported
from harness.lookup import is_benchdnn
from harness.lookup.answer import look_up
from harness.lookup.benchdnn import DIRECTIONS, BenchdnnError, Problem, read_problem, write_problem
from harness.suite.case import Case
from harness.suite.specs import load_cases
from harness.weights.layouts import LayoutChange

# Lines of benchdnn's input files: the case that each is, as our descriptor, and its output.

LINES = {
    'mb9_ic1oc1_ih1oh1kh1sh1dh0ph0_iw55ow55kw3sw1dw0pw1n"pytorch_unittest"': (
        ("ic1_oc1_k1x3_c0.0x1.1_b_n9_i1x55", (1, 55))
    ),
    "ic8iw5oc8ow2kw3pw3dw2n": ("ic8_oc8_k3_d3_c3.6_b_n2_i5", (2,)),
    "g1mb256oc3ow227ic96iw55kw11sw4pw0n": ("ic96_oc3_k11_s4_b_n256_i55", (227,)),
    "g1mb96ic64iw112oc3ow224kw7sw2pw3n": ("ic64_oc3_k7_s2_c3.2_b_n96_i112", (224,)),
    "mb1_g1oc3ic64_ow1030iw512kw7sw2dw0pw0_n": ("ic64_oc3_k7_s2_c0.-1_b_n1_i512", (1030,)),
    "g1mb50ic256iw28oc512ow56kw1sw2pw0n": ("ic256_oc512_k1_s2_c0.-1_b_n50_i28", (56,)),
    "g17oc17ic17_ow5iw5kw3pw1_n": ("ic17_oc17_k3_c1.1_g17_b_n2_i5", (5,)),
    "g4oc20ic16_oh5ih5kh3ph1_n": ("ic16_oc20_k3x3_c1.1x1.1_g4_b_n2_i5x5", (5, 5)),
    "g1oc16ic16_oh5ih8kh3ph3_n": ("ic16_oc16_k3x3_c3.2x3.2_b_n2_i8x8", (5, 5)),
    "oc16ic17_od5id8kd3pd3_n": ("ic17_oc16_k3x3x3_c3.2x3.2x3.2_b_n2_i8x8x8", (5, 5, 5)),
    "ic8ih5iw1oc8oh2ow1kh3kw1ph3pw0dh2dw0n": ("ic8_oc8_k3x1_d3x1_c3.6x0.0_b_n2_i5x1", (2, 1)),
    "g2mb256oc384oh13ic384ih9kh3ph1dh2n": (
        ("ic384_oc384_k3x3_d3x3_c1.1x1.1_g2_b_n256_i9x9", (13, 13))
    ),
    "g1mb1ic512ih7iw7id6oc256oh11ow11od10kh3kw3kd3sh1sw1sd1ph0pw0dh1dw1dd1n": (
        ("ic512_oc256_k3x3x3_d2x2x2_b_n1_i6x7x7", (10, 11, 11))
    ),
    "mb1_ic16oc16_kh2kw1_ih1iw1_oh2ow1_sh1sw1_ph1pw0_dh1dw0n": (
        ("ic16_oc16_k2x1_d2x1_c1.0x0.0_b_n1_i1x1", (2, 1))
    ),
    "mb28_ic16oc16_id10od10kd3": ("ic16_oc16_k3x3x3_c1.1x1.1x1.1_b_n28_i10x10x10", (10,) * 3),
    "mb1_ic64oc32_id112od224kd2sd2dd0pd0_ih112oh224kh2sh2dh0ph0_iw80ow160kw2sw2dw0pw0": (
        ("ic64_oc32_k2x2x2_s2x2x2_b_n1_i112x112x80", (224, 224, 160))
    ),
}


@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=LINES)
def test_lines_of_benchdnn(line: str, expected: tuple[str, Sizes]) -> None:
    found = look_up(line, to=["numpy"])
    assert found.descriptor == expected[0]
    assert found.reading.operator.out_size(read_problem(line).in_size) == expected[1]


DEFAULTS = {
    "no output": ("mb1ic1oc1ih5kh3sh2ph1", "ic1_oc1_k3x3_s2x2_c1.1x1.1_b"),
    "neither output nor padding": ("mb1ic1oc1ih5kh3sh2", "ic1_oc1_k3x3_s2x2_b"),
    "no padding, an even rest": ("mb1ic1oc1iw5ow9kw3sw2", "ic1_oc1_k3_s2_c1.1_b"),
    "no padding, an odd rest": ("mb1ic1oc1iw5ow10kw3sw2", "ic1_oc1_k3_s2_c0.1_b"),
    # C divides towards 0: -1 / 2 is 0.
    "no padding, a rest of -1": ("mb1ic1oc1iw5ow12kw3sw2", "ic1_oc1_k3_s2_c0.-1_b"),
    "a value of 0": ("mb1ic1oc1id0ih0iw5ow0od0kw3", "ic1_oc1_k3_b"),
    "defaults of a silent width": ("mb1ic1oc1ih5kh3sw1dw0pw0", "ic1_oc1_k3x3_b"),
    "said twice alike": ("mb1ic1oc1iw5iw5kw3", "ic1_oc1_k3_b"),
}


@pytest.mark.parametrize(("line", "descriptor"), DEFAULTS.values(), ids=DEFAULTS)
def test_what_a_descriptor_leaves_out(line: str, descriptor: str) -> None:
    assert read_problem(line).operator.descriptor == descriptor


# Options.

SHORT = "mb3ic1oc1ih5kh3"
SMALL = Operator.of(1, 1, (3, 3))
BARE = replace(SMALL, bias=False)

OPTIONS = {
    SHORT: Problem(SMALL, 3, (5, 5)),
    f"./build/benchdnn --deconv {SHORT}": Problem(SMALL, 3, (5, 5)),
    f"OMP_NUM_THREADS=4 numactl -l ./benchdnn --deconv \\\n  {SHORT}": Problem(SMALL, 3, (5, 5)),
    f"--dir=fwd_i {SHORT}": Problem(BARE, 3, (5, 5), direction="FWD_I"),
    f"--dir=BWD_WB {SHORT}": Problem(SMALL, 3, (5, 5), direction="BWD_WB"),
    f"--dir=BWD_D {SHORT}": Problem(BARE, 3, (5, 5), direction="BWD_D"),
    f"--dir=BWD_D --dir=BWD_W {SHORT}": Problem(BARE, 3, (5, 5), direction="BWD_W"),
    f"--dir=BWD_W --reset {SHORT}": Problem(SMALL, 3, (5, 5)),
    f"--mb=7 {SHORT}": Problem(SMALL, 7, (5, 5)),
    f"--mb=0 {SHORT}": Problem(SMALL, 3, (5, 5)),
    "--mb=0 mb0ic1oc1ih5kh3": Problem(SMALL, 0, (5, 5)),
    f"--dt=f64 {SHORT}": Problem(SMALL, 3, (5, 5), "float64"),
    f"--dt=f16:f16:f16 {SHORT}": Problem(SMALL, 3, (5, 5), "float16"),
    f"--dt=u8:s8:f32 {SHORT}": Problem(SMALL, 3, (5, 5), "u8:s8:f32"),
    f"--cfg=u8s8f32 {SHORT}": Problem(SMALL, 3, (5, 5), "u8:s8:f32"),
    f"--cfg=bf16bf16bf16 {SHORT}": Problem(SMALL, 3, (5, 5), "bfloat16"),
    f"--cfg=f32_full {SHORT}": Problem(SMALL, 3, (5, 5)),
    f"{SHORT}n'a/b:c'": Problem(SMALL, 3, (5, 5), name="a/b:c"),
    f'{SHORT}_n"mb2"': Problem(SMALL, 3, (5, 5), name="mb2"),
}


@pytest.mark.parametrize(("text", "problem"), OPTIONS.items(), ids=OPTIONS)
def test_options_and_names(text: str, problem: Problem) -> None:
    assert read_problem(text) == problem


def test_what_is_filled_in_or_left_aside_is_said() -> None:
    text = "--dt=u8:s8:u8 --stag=axb -v1 --attr-post-ops='sum:1.5;relu' --attr-scales= ic1oc1ih5kh3"
    assert look_up(text, to=["numpy"]).reading.notes == (
        "without --dir benchdnn takes FWD_B: the forward pass, with a bias.",
        "without mb benchdnn takes a batch of 2.",
        "--dt=u8:s8:u8: only the operator is translated, not its arithmetic.",
        "--attr-post-ops=sum:1.5;relu: not part of the operator, and not translated.",
        "--stag=axb -v1: how benchdnn runs it; not part of the operator.",
    )
    assert read_problem(f"--dir=FWD_D {SHORT}").notes == ()
    assert "leaves open whether there is a bias" in read_problem(f"--dir=BWD_D {SHORT}").notes[0]


# Refusals: the value, the arithmetic, what to do.

REFUSED = {
    "a larger output": (
        "mb1ic1oc1ih5oh13kh3sh2ph0",
        "oh13 contradicts the rest: full 11 = (5-1)*2 + 1*(3-1) + 1 leaves a padding of 0 and, on "
        "the right, -2 = 11 - 13 - 0; oneDNN takes none below 0 and, on the right, none below -1. "
        "Use ph0 with at most oh12.",
    ),
    "a much larger output": ("ic1oc1iw5ow20kw3", "ow20 contradicts the rest: full 7 = (5-1)*1 + 1"),
    "an output of nothing": ("ic1oc1iw1kw1pw1", "without ow it would be -1: full 1 = (1-1)*1 + 1*"),
    "a negative padding": ("ic1oc1iw5kw3pw-1", "pw is followed by '-1': give it a number of 1 to"),
    "no number": ("ic1oc1iw5kw", "kw is followed by ''"),
    "many digits": (f"ic1oc1ih{'9' * 5000}kh3", "ih is followed by '9999999999999999999999999999"),
    "other digits": ("ic1oc1ih\u0665kh3", "ih is followed by '\u0665kh3'"),
    "an unknown key": ("ic1oc1ih5kx3", "'kx3' in the problem descriptor is unknown: use g mb ic"),
    "two underscores": ("ic1__oc1_ih5kh3", "'_oc1_ih5kh3' in the problem descriptor is unknown"),
    "given twice": ("ic1oc1ih5ih6kh3", "ih is given twice, 5 and 6: keep one."),
    "no channels": ("mb2oc1ih5kh3", "ic is missing in the problem descriptor: give ic, at least 1"),
    "zero channels": ("ic1oc0ih5kh3", "oc is 0 in the problem descriptor: give oc, at least 1."),
    "no kernel": ("ic1oc1ih5oh5", "kh is missing in the problem descriptor: give kh, at least 1."),
    "no input": ("ic1oc1oh5kh3", "ih is missing"),
    "a stride of 0": ("ic1oc1ih5kh3sh0", "sh is 0 in the problem descriptor"),
    "no groups": ("g0ic1oc1ih5kh3", "groups is 0; it must be at least 1."),
    "other groups": ("g2ic4oc3ih5kh3", "groups 2 does not divide out_channels 3 (3 = 1*2 + 1)."),
    "no axis": ("mb2ic1oc1", "the problem descriptor has no spatial axis"),
    "two of three axes": (
        "ic1oc1id5kd3ih5kh3",
        "the problem descriptor says d and h of d, h and w",
    ),
    "a lost default": (
        "ic1oc1ih5kh3ph1pw0",
        "pw0 is given without iw and kw, so benchdnn makes w like h, with pw1: give iw and kw, or",
    ),
    "a lost stride": ("ic1oc1id5kd3sd2sw1", "sw1 is given without iw and kw"),
    "another driver": (f"--conv {SHORT}", "'--conv' is no option with a value, and no driver that"),
    "a file": ("--deconv --batch=shapes_ci", "'--batch=shapes_ci' names a file of problems: give"),
    "no descriptor": ("--deconv --dir=FWD_B", "the text has no problem descriptor, such as mb1_"),
    "two descriptors": (f"{SHORT} {SHORT}", "'mb3ic1oc1ih5kh3' is a second problem descriptor"),
    "a late option": (f"{SHORT} --dir=BWD_D", "'--dir=BWD_D' is after the problem descriptor"),
    "several directions": (f"--dir=FWD_B,BWD_D {SHORT}", "--dir='FWD_B,BWD_D' makes 2 problems of"),
    "no direction": (f"--dir=UP {SHORT}", "--dir='UP' is no direction of a deconvolution: use one"),
    "no type": (f"--dt=f33 {SHORT}", "data type 'f33' is unknown: use one of bf16, f8_e5m2"),
    "two types": (f"--dt=f32:f32 {SHORT}", "data type 'f32:f32' is unknown"),
    "no configuration": (f"--cfg=zzf32 {SHORT}", "data type 'zzf32' is unknown"),
    "no batch": (f"--mb=-1 {SHORT}", "--mb='-1' is no number of at most 18 digits."),
    "a huge batch": (f"--mb={'9' * 5000} {SHORT}", "--mb='9999"),
    "a name with a quote": (f"{SHORT}n'a\"b'", "the name 'a\"b' has a blank, a quote or a backsl"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_bad_problems_are_one_line_and_status_2(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", "--from", "benchdnn", "--", text]) == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {said}")
    assert captured.err.count("\n") == 1
    assert len(captured.err) < 500


@given(st.text("gmbicodhwkspn_0129-= \"'\\\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    is_benchdnn(text)
    try:
        problem = read_problem(text)
    except InputError:
        return
    assert read_problem(write_problem(problem)) == problem


# Writing, and reading back.


def sayable(operator: Operator, in_size: Sizes) -> bool:
    """Say by oneDNN's own rules whether it has the problem."""
    return (
        min(in_size) > 0
        and min(operator.out_size(in_size)) > 0
        and all(begin >= 0 for begin, _ in operator.crop)
        and all(end + s > 0 for (_, end), s in zip(operator.crop, operator.stride, strict=True))
    )


def held(problem: Problem) -> None:
    """Hold a problem to being read back, or to being refused where oneDNN refuses it."""
    if sayable(problem.operator, problem.in_size):
        assert read_problem(write_problem(problem)) == problem
        assert is_benchdnn(write_problem(problem))
    else:
        with pytest.raises(BenchdnnError):
            write_problem(problem)


@cache
def legal_cases() -> tuple[Case, ...]:
    return tuple(case for case in load_cases() if not case.rejected)


def test_every_case_of_the_suite_comes_back() -> None:
    for case in legal_cases():
        held(Problem.of(case.operator, case.batch, case.in_size, case.dtype, case.id))


def test_most_of_the_suite_can_be_said() -> None:
    said = [case for case in legal_cases() if sayable(case.operator, case.in_size)]
    assert len(said) > len(legal_cases()) / 2


@given(sized_operators(), st.integers(0, 3), st.sampled_from([*DIRECTIONS, None]))
def test_every_operator_comes_back(
    drawn: tuple[Operator, Sizes], batch: int, direction: str | None
) -> None:
    operator, in_size = drawn
    held(Problem.of(operator, batch, in_size, "bfloat16", "a/b", direction))


def test_the_line_is_canonical() -> None:
    operator = Operator.of(
        16, 32, (3, 2, 1), stride=(2, 1, 1), dilation=(1, 3, 1), crop=((1, -1), 0, 0), groups=2
    )
    assert write_problem(Problem.of(operator, 1, (5, 7, 9), "float64", "suite/case", "BWD_WB")) == (
        "--deconv --dir=BWD_WB --dt=f64 g2mb1ic16id5ih7iw9oc32od11oh10ow9kd3kh2kw1sd2sh1sw1"
        'pd1ph0pw0dd0dh2dw0n"suite/case"'
    )


UNSAYABLE = {
    "an extension before": (
        Problem(Operator.of(1, 1, (3,), crop=((-1, 0),)), 1, (5,)),
        "the crop begins with -1, and pw cannot be negative: extend the output of a problem with",
    ),
    "a long extension behind": (
        Problem(Operator.of(1, 1, (3,), stride=2, crop=((0, -2),)), 1, (5,)),
        "the crop ends with -2, and oneDNN takes no right padding below -1 with sw2: extend the",
    ),
    "no input": (
        Problem(Operator.of(1, 1, (3, 3)), 1, (5, 0)),
        "iw would be 0, and benchdnn has no word for less than 1.",
    ),
    "no output": (
        Problem(Operator.of(1, 1, (1,), crop=((1, 0),)), 1, (1,)),
        "ow would be 0, and benchdnn has no word for less than 1.",
    ),
    "a bias that the direction has not": (
        Problem(SMALL, 1, (5, 5), direction="FWD_D"),
        "direction 'FWD_D' does not fit an operator with bias: use one of FWD_B, FWD_D, FWD_I",
    ),
    "a direction of another kind": (
        Problem(BARE, 1, (5, 5), direction="BWD_DW"),
        "direction 'BWD_DW' does not fit",
    ),
    "a name with a blank": (Problem(SMALL, 1, (5, 5), name="a b"), "the name 'a b' has a blank"),
    "an illegal operator": (
        Problem(IllegalOperator.of(3, 2, (3,), groups=2), 1, (5,)),
        "groups 2 does not divide in_channels 3",
    ),
}


@pytest.mark.parametrize(("problem", "said"), UNSAYABLE.values(), ids=UNSAYABLE)
def test_what_benchdnn_cannot_say(problem: Problem, said: str) -> None:
    with pytest.raises(BenchdnnError) as caught:
        write_problem(problem)
    assert str(caught.value).startswith(said)


# In ``deconform translate``.


@pytest.mark.parametrize("text", [*LINES, *OPTIONS])
def test_a_problem_is_recognised(text: str) -> None:
    recognised = is_benchdnn(text)
    assert recognised != text.startswith("OMP_NUM_THREADS")


@pytest.mark.parametrize(
    "text",
    [
        *("", "zzz", "ic1_oc1_k3", "ic4_oc6_k3x2_s2x2_c1.0x0.-2_g2_b_n2_i5x7_f64"),
        *("nn.ConvTranspose2d(1, 2, 3)  # benchdnn --deconv", "ic1 = oc1 = 3", "ih5iw7 = f(x)"),
        *("-x", "benchdnn_layer(x)"),
    ],
)
def test_other_texts_are_not(text: str) -> None:
    assert not is_benchdnn(text)


def test_a_problem_is_translated(capsys: pytest.CaptureFixture[str]) -> None:
    line = '--deconv --dir=FWD_D --dt=s8 mb1ic8ih5oc4oh9kh3sh2n"up"'
    assert main(["translate", line, "--to", "pytorch", "--to", "benchdnn"]) == OK
    assert capsys.readouterr().out.splitlines() == [
        "8 -> 4 channels, kernel 3x3, stride 2, crop 1, no bias",
        "size     (1, 8, 5, 5) -> (1, 4, 9, 9); out = 2*in - 1",
        "operator ic8_oc4_k3x3_s2x2_c1.1x1.1_n1_i5x5",
        "note     --dt=s8: only the operator is translated, not its arithmetic.",
        "",
        "PyTorch  native",
        "    y_ = F.conv_transpose2d(x_, w_, stride=2, padding=1)",
        "  weights  OIHW -> IOHW: w.transpose(1, 0, 2, 3)",
        "",
        "oneDNN benchdnn  native",
        '    --deconv --dir=FWD_D --dt=s8 mb1ic8ih5iw5oc4oh9ow9kh3kw3sh2sw2ph1pw1dh0dw0n"up"',
        "",
        "run any of them and compare: deconform reproduce ic8_oc4_k3x3_s2x2_c1.1x1.1_n1_i5x5 "
        "-f NAME",
    ]


def test_a_call_becomes_a_problem() -> None:
    text = "nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, bias=False)"
    found = look_up(text, to=["benchdnn"], input=(1, 4, 5, 7))
    assert found.translations == ()
    assert found.problem == (
        "--deconv --dir=FWD_D --dt=f32 mb1ic4ih5iw7oc6oh10ow14kh3kw3sh2sw2ph1pw1dh0dw0"
    )


def test_another_input_is_written_as_well() -> None:
    found = look_up("--dir=BWD_W mb1ic1oc1iw5kw3", to=["benchdnn"], input=(2, 1, 8))
    assert found.problem == "--deconv --dir=BWD_W --dt=f32 mb2ic1iw8oc1ow10kw3sw1pw0dw0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nn.ConvTranspose2d(1, 2, 3)", "a problem holds the sizes: add --input with your input"),
        ("ic1_oc1_k3_c-1.0_n1_i5", "the crop begins with -1, and pw cannot be negative"),
    ],
)
def test_what_cannot_be_said_is_unsupported(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", text, "--to", "benchdnn"]) == OK
    assert f"oneDNN benchdnn  unsupported\n  {said}" in capsys.readouterr().out
    problem = look_up(text, to=["benchdnn"]).problem
    assert isinstance(problem, Unsupported)
    assert main(["translate", text, "--to", "benchdnn", "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["benchdnn"] == {
        "support": "unsupported",
        "reason": worded(problem.reason, in_options),
        "problem": None,
    }


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", SHORT, "--to", "benchdnn", "--to", "numpy", "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert (found["framework"], found["form"], list(found["translations"])) == (
        *(None, "benchdnn"),
        ["numpy"],
    )
    line = "--deconv --dir=FWD_B --dt=f32 mb3ic1ih5iw5oc1oh7ow7kh3kw3sh1sw1ph0pw0dh0dw0"
    assert found["benchdnn"] == {"support": "native", "reason": None, "problem": line}


def test_check_runs_the_frameworks_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", SHORT, "--to", "benchdnn", "--to", "numpy", "--check"]) == OK
    assert "numpy       PASSED shape, value" in capsys.readouterr().out
    assert main(["translate", SHORT, "--to", "benchdnn", "--check"]) == OK
    assert "PASSED" not in capsys.readouterr().out


@pytest.mark.parametrize("groups", [1, 2])
def test_the_primitives_weights_become_ours(groups: int) -> None:
    # (g, oc / g, ic / g, kh, kw), the first axis only with groups.
    reading = look_up(f"g{groups}mb1ic4oc6ih5kh3kw2iw7", to=["numpy"]).reading
    shape = (*([2] if groups == 2 else []), 6 // groups, 4 // groups, 3, 2)
    array = np.arange(np.prod(shape)).reshape(shape)
    moved = LayoutChange(reading.weights, "numpy", 2, groups).converted(array)
    assert moved.shape == reading.operator.weight_shape
    grouped = array.reshape(groups, *shape[-4:])
    for i, o in np.ndindex(4, 6 // groups):
        per_group = 4 // groups
        assert np.array_equal(moved[i, o], grouped[i // per_group, o, i % per_group])


def test_the_interface_reads_what_the_command_does() -> None:
    operator = harness.parse("--deconv mb1_ic3oc4_ih5oh7kh3")
    assert operator == harness.parse("ic3_oc4_k3x3_b") == Operator.of(3, 4, (3, 3))
