"""Look-ups: what is printed, the JSON that other programs read, and how bad input ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.convention.registry import convention, framework_names, render
from harness.core.operators import Operator
from harness.core.program import Program
from harness.lookup.answer import look_up

DCGAN = "nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False),  # state size 8x8"
GROUPED = "up = nn.ConvTranspose2d(4, 6, (3, 2), stride=2, output_padding=(1, 0), groups=2)"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["translate", *arguments]) == OK
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def dedented(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


# The answer for people.  A line that changes here changes what people read: look at it.

GOLDENS: dict[str, tuple[list[str], str]] = {
    "functions of two frameworks": (
        [DCGAN, "--to", "tensorflow", "--to", "chainer", "--input", "1,512,4,4"],
        """
        512 -> 256 channels, kernel 4x4, stride 2, crop 1, no bias   PyTorch \
torch.nn.ConvTranspose2d
        size     (1, 512, 4, 4) -> (1, 256, 8, 8); out = 2*in
        operator ic512_oc256_k4x4_s2x2_c1.1x1.1_n1_i4x4

        TensorFlow  native
            y_ = tf.nn.conv2d_transpose(x_, w_, output_shape=(x_.shape[0], \
(x_.shape[1] - 1) * 2 + 2, (x_.shape[2] - 1) * 2 + 2, 256), strides=2, padding='SAME')
          weights  IOHW -> HWOI: w.transpose(2, 3, 1, 0)

        Chainer  native
            y_ = F.deconvolution_2d(x_, w_, stride=2, pad=1)
          weights  IOHW, as they are

        run any of them and compare: deconform reproduce \
ic512_oc256_k4x4_s2x2_c1.1x1.1_n1_i4x4 -f NAME
        """,
    ),
    "layers, one of which there is not": (
        [GROUPED, "--to", "mxnet", "--to", "tensorflow", "--style", "layer"],
        """
        4 -> 6 channels, kernel 3x2, stride 2, crop (0, -1) (0, 0), 2 groups, bias   PyTorch \
torch.nn.ConvTranspose2d
        size     height 2*in + 2, width 2*in
        operator ic4_oc6_k3x2_s2x2_c0.-1x0.0_g2_b

        MXNet  native
            layer = nn.Conv2DTranspose(6, (3, 2), strides=2, output_padding=(1, 0), groups=2, \
in_channels=4)
            layer.initialize()
            layer.weight.set_data(mx.nd.array(w, dtype=w.dtype))
            layer.bias.set_data(mx.nd.array(b, dtype=b.dtype))
            y_ = layer(x_)
            y_.wait_to_read()
          weights  IOHW, as they are

        TensorFlow  unsupported
          Keras's transposed convolutions have no groups; 2 are asked for: use one layer for each \
group between Split and Concatenate, or the function style.

        run any of them and compare: deconform reproduce \
ic4_oc6_k3x2_s2x2_c0.-1x0.0_g2_b_n1_i8x8 -f NAME
        """,
    ),
    "a descriptor and a rewritten call": (
        ["ic2_oc3_k3_c1.0_b_n2_i5_f64", "--to", "pytorch"],
        """
        2 -> 3 channels, kernel 3, stride 1, crop (1, 0), bias
        size     (2, 2, 5) -> (2, 3, 6); out = in + 1
        operator ic2_oc3_k3_c1.0_b_n2_i5

        PyTorch  rewritten
          padding crops both ends alike and output_padding gives back at the end only, less than \
max(stride, dilation): crop ((1, 0),) needs a slice or a pad.
            y_ = F.conv_transpose1d(x_, w_, b_)
            y_ = y_[:, :, 1:]
          weights  IOW, as they are

        run any of them and compare: deconform reproduce ic2_oc3_k3_c1.0_b_n2_i5 -f NAME
        """,
    ),
    "training and notes": (
        [
            "L.Deconvolution2D(None, 4, 3, initialW=chainer.initializers.HeNormal())",
            *("--to", "pytorch", "--style", "layer", "--input", "2,8,5,7"),
        ],
        """
        8 -> 4 channels, kernel 3x3, stride 1, bias   Chainer chainer.links.Deconvolution2D
        size     (2, 8, 5, 7) -> (2, 4, 7, 9); out = in + 2
        operator ic8_oc4_k3x3_b_n2_i5x7

        PyTorch  native
            layer = nn.ConvTranspose2d(8, 4, 3)
            layer.weight = nn.Parameter(torch.from_numpy(w))
            layer.bias = nn.Parameter(torch.from_numpy(b))
            y_ = layer(x_)
          weights  IOHW, as they are
          training nn.init.kaiming_normal_(layer.weight, mode='fan_in', nonlinearity='relu')

        run any of them and compare: deconform reproduce ic8_oc4_k3x3_b_n2_i5x7 -f NAME
        """,
    ),
}


@pytest.mark.parametrize(("arguments", "golden"), GOLDENS.values(), ids=GOLDENS)
def test_answer(arguments: list[str], golden: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, *arguments) == dedented(golden)


def titles(out: str) -> list[str]:
    return [
        line.rpartition("  ")[0]
        for line in out.splitlines()
        if line.endswith(("  native", "  rewritten", "  unsupported"))
    ]


def test_without_to_every_other_framework_answers(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, DCGAN)
    # NumPy's call is CuPy's, too.
    assert len(titles(out)) == len(framework_names()) - 2
    everyone = [convention(name).title for name in framework_names()]
    assert titles(out).count("PyTorch") == everyone.count("PyTorch") - 1
    # A descriptor is no framework's.
    assert len(titles(printed(capsys, "ic1_oc1_k3"))) == len(framework_names()) - 1


def test_cupy_answers_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, DCGAN, "--to", "cupy")
    assert titles(out) == ["CuPy (impl)"]
    assert "    y_ = impl.conv_transpose(x_, w_, " in out


def test_to_may_name_the_framework_itself(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, DCGAN, "--to", "pytorch", "--to", "mxnet")
    assert titles(out) == ["PyTorch", "MXNet"]


def test_program_prints_what_is_executed(capsys: pytest.CaptureFixture[str]) -> None:
    program = render(Operator.of(1, 2, (3, 3)), "chainer")
    assert isinstance(program, Program)
    out = printed(capsys, "nn.ConvTranspose2d(1, 2, 3)", "--to", "chainer", "--program")
    shown = [line.removeprefix("    ") for line in out.splitlines() if line.startswith("    ")]
    assert shown == program.text.splitlines()


def test_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    text = "my.ConvTranspose2d(1, 2, 3, device='cuda')"
    out = printed(capsys, text, "--to", "numpy")
    assert [line for line in out.splitlines() if line.startswith("note ")] == [
        "note     my.ConvTranspose2d is taken for torch.nn.ConvTranspose2d.",
        "note     device: where the arrays live; not part of the operator.",
    ]


def test_what_the_text_leaves_open_comes_from_options(capsys: pytest.CaptureFixture[str]) -> None:
    text = "F.conv_transpose2d(x, w, b)"
    out = printed(capsys, text, "--weight", "4,6,3,2", "--input", "1x4x5x7", "--to", "numpy")
    assert "size     (1, 4, 5, 7) -> (1, 6, 7, 8); height in + 2, width in + 1\n" in out


def test_a_dash_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"ngf = 64\n{DCGAN}\n"))
    assert printed(capsys, "-", "--to", "chainer") == printed(capsys, DCGAN, "--to", "chainer")


def test_nothing_is_coloured_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in printed(capsys, DCGAN)


def test_the_last_line_can_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    # An input of 8 would give no output.
    out = printed(capsys, "nn.ConvTranspose2d(1, 2, 3, padding=9)", "--to", "numpy")
    command = out.splitlines()[-1].partition(": deconform ")[2].replace("NAME", "numpy").split()
    assert command[1] == "ic1_oc2_k3x3_c9.9x9.9_b_n1_i32x32"
    assert main(command) == OK


# The JSON: other programs rely on every word of it.


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--json"))
    return found


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, GROUPED, "--to", "tensorflow", "--to", "numpy", "--input", "1,4,5,7")
    tensorflow = found["translations"].pop("tensorflow")
    assert found == {
        "operator": {
            "in_channels": 4,
            "out_channels": 6,
            "kernel": [3, 2],
            "stride": [2, 2],
            "dilation": [1, 1],
            "crop": [[0, -1], [0, 0]],
            "groups": 2,
            "bias": True,
        },
        "descriptor": "ic4_oc6_k3x2_s2x2_c0.-1x0.0_g2_b_n1_i5x7",
        "input": [1, 4, 5, 7],
        "output": [1, 6, 12, 14],
        "framework": "pytorch",
        "form": "torch.nn.ConvTranspose2d",
        "notes": [],
        "file": None,
        "line": 1,
        "column": 6,
        "translations": {
            "numpy": {
                "support": "native",
                "reason": None,
                "call": (
                    "y = impl.conv_transpose(x, w, b, stride=2, crop=((0, -1), (0, 0)), groups=2)"
                ),
                "program": (
                    "import impl\n"
                    "y = impl.conv_transpose(x, w, b, stride=2, crop=((0, -1), (0, 0)), groups=2)\n"
                ),
                "gradient": (
                    "import impl\ndx, dw, db = impl.conv_transpose_vjp(dy, x, w, stride=2, "
                    "crop=((0, -1), (0, 0)), groups=2)\n"
                ),
                "training": None,
                "weights": {
                    "from": "IOHW",
                    "to": "IOHW",
                    "code": "w",
                    "bias_code": None,
                    "source": {"from": "IOHW", "code": "w", "bias_code": None},
                },
                "notes": [],
            }
        },
    }
    assert tensorflow["support"] == "rewritten"
    assert tensorflow["reason"]
    assert tensorflow["call"] in tensorflow["program"]
    assert (tensorflow["weights"]["from"], tensorflow["weights"]["to"]) == ("IOHW", "HWOI")


def test_json_of_what_is_unsupported(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, GROUPED, "--to", "tensorflow", "--style", "layer")
    assert (found["input"], found["output"]) == (None, None)
    translation = found["translations"]["tensorflow"]
    assert translation.pop("reason").startswith("Keras's transposed convolutions have no groups")
    assert translation.pop("weights")["to"] == "HWOI"
    assert translation == {
        "support": "unsupported",
        "call": None,
        "program": None,
        "gradient": None,
        "training": None,
        "notes": [],
    }


def test_json_of_a_descriptor(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, "ic4_oc6_k3x2_g2", "--to", "numpy")
    assert (found["framework"], found["form"]) == (None, "descriptor")
    assert found["descriptor"] == "ic4_oc6_k3x2_g2"


def test_json_says_the_weights_of_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    text = "tf.keras.layers.Conv2DTranspose(32, 4)"
    found = answered(capsys, text, "--input", "1,64,8,8", "--to", "pytorch")
    weights = found["translations"]["pytorch"]["weights"]
    assert (weights["from"], weights["to"], weights["code"]) == ("IOHW", "IOHW", "w")
    assert weights["source"] == {
        "from": "HWOI",
        "code": "w.transpose(3, 2, 0, 1)",
        "bias_code": None,
    }


def test_json_holds_every_framework(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, DCGAN)
    assert list(found["translations"]) == [
        name
        for name in framework_names()
        if name != "pytorch" and not convention(name).same_call_as
    ]
    for translation in found["translations"].values():
        assert set(translation) == {
            *("support", "reason", "call", "program", "gradient", "training", "weights", "notes")
        }
        assert set(translation["weights"]) == {"from", "to", "code", "bias_code", "source"}


# Descriptors.


@pytest.mark.parametrize(
    "text",
    [
        "ic4_oc6_k3x2_s2x2_c1.0x0.-2_g2_b",
        " ic4_oc6_k3x2_s2x2_c1.0x0.-2_g2_b_n2_i5x7\n",
        "ic4_oc6_k3x2_s2x2_c1.0x0.-2_g2_b_n2_i5x7_f64_random_documented",
    ],
)
def test_descriptor(text: str) -> None:
    found = look_up(text, to=["numpy"])
    assert found.reading.operator == Operator.of(
        4, 6, (3, 2), stride=2, crop=((1, 0), (0, -2)), groups=2
    )
    assert found.output == (None if "_n2" not in text else (2, 6, 10, 16))


def test_descriptor_takes_an_input() -> None:
    assert look_up("ic4_oc6_k3", to=["numpy"], input=(3, 4, 5)).output == (3, 6, 7)


# Bad input: one error, status 2, no traceback.

BAD = {
    "nothing": ([""], "there is no text."),
    "nonsense": (["zzz"], "the text holds no transposed convolution that is known here, such as"),
    "an unknown word": (["ic1_oc1_k3_zz"], "descriptor word 'zz' is unknown, repeated or has no v"),
    "a word of two numbers": (["ic1_oc1_k3_c9"], "descriptor word 'c9' is unknown, repeated or"),
    "an illegal descriptor": (["ic1_oc1_k3_s0"], "stride [0] must be at least 1 on every axis."),
    "four axes": (["ic1_oc1_k3x3x3x3"], "kernel [3, 3, 3, 3] has 4 axes; 1 to 3 are possible."),
    "other axes": (["ic1_oc1_k3_n1_i3x3"], "input [1, 1, 3, 3] does not fit 1 spatial axes and 1"),
    "a small input": (["ic1_oc1_k1_c1.1_n1_i1"], "output length would be -1."),
    "a huge size": ([f"ic1_oc1_k3_n1_i{'9' * 5000}"], "descriptor word 'i999"),
    "a huge channel": ([f"ic{'9' * 5000}_oc1_k3"], "descriptor word 'ic999"),
    "an unknown framework": ([DCGAN, "--to", "pytroch"], "unknown framework 'pytroch'. Did you"),
    "an unknown source": ([DCGAN, "--from", "pytroch"], "unknown framework 'pytroch'. Did you"),
    "another's source": ([DCGAN, "--from", "mxnet"], "this is a call of PyTorch, not of MXNet"),
    "an input of two axes": ([DCGAN, "--input", "1,2"], "--input 1,2 is no shape of three to fiv"),
    "another input": ([DCGAN, "--input", "1,3,4,4"], "line 1, column 1: in_channels is 512 in"),
    "something open": (["L.DeconvolutionND(n, 4, 6, 3)"], "line 1, column 19: ndim is 'n', whose "),
    "the system": (
        ["nn.ConvTranspose2d(4, 4, __import__('os').system('id').x + 1, stride=f())"],
        "line 1, column 1: the text leaves kernel open: add --weight 4,4,4,4",
    ),
    "a null character": (["nn.ConvTranspose2d(1, 1, \0"], "line 1, column "),
}


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_one_error_and_status_2(
    arguments: list[str], said: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", *arguments, *options]) == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {said}")
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("option", ["--input", "--weight"])
@pytest.mark.parametrize("shape", ["1,a", "1.5,2,3", "-1,2,3", f"1,1,{'9' * 5000}"])
def test_an_option_that_is_no_shape_is_bad_usage(
    option: str, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["translate", DCGAN, f"{option}={shape}"])
    assert stopped.value.code == USAGE
    assert "is not a shape such as 1,64,16,16" in capsys.readouterr().err


def test_bytes_that_are_no_text_are_refused_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "translate", "-"],
        input=b"nn.ConvTranspose2d(\xff\xfe, 1, 1)\x00",
        capture_output=True,
        check=False,
    )
    assert done.returncode == USAGE
    assert done.stdout == b""
    assert done.stderr.startswith(b"error: ")
    assert b"Traceback" not in done.stderr


# A look-up starts at once: what only a run needs is not imported.

HEAVY = {
    *("numpy", "rich", "yaml", "scipy", "impl", "asyncio", "multiprocessing", "lark"),
    *(
        "harness.engines",
        "harness.suite.case",
        "harness.suite.specs",
        "harness.conformance.pipeline",
        "harness.cli.output",
    ),
    *("importlib.metadata", "concurrent.futures", "subprocess"),
}


def test_look_ups_import_nothing_heavy() -> None:
    texts = [
        DCGAN,
        "tf.keras.layers.Conv2DTranspose(256, 4, strides=2, padding='same')",
        "transposedConv2dLayer(4, 256, Stride=2, Cropping='same', NumChannels=512)",
        'DeconvolutionLayer[256, {4, 4}, "Stride" -> 2, "Input" -> {512, 4, 4}]',
        "ic512_oc256_k4x4_s2x2_c1.1x1.1",
    ]
    script = (
        "import sys\nfrom harness.cli.main import main\n"
        f"for text in {texts!r}:\n"
        "    assert main(['translate', text, '--input', '1,512,4,4']) == 0\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr == "[]\n"
