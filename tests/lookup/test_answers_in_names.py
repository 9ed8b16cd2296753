"""What stays a name in the text stays one in the answer, and computes the same with any number."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import reality

from harness.cli.main import main
from harness.convention.reading import Supplied
from harness.convention.registry import convention
from harness.core.named_number import in_names
from harness.core.operators import Operator, OperatorError
from harness.core.program import Program, Unsupported
from harness.lookup.answer import LookUp, in_words
from harness.lookup.every import look_up_every
from harness.lookup.reading import read, supply
from harness.syntax.tree import SnippetError

# As real projects write them; each with numbers for its names that no trial is likely to use.
CALLS: Mapping[str, tuple[Mapping[str, int | tuple[int, ...]], ...]] = {
    "nn.ConvTranspose2d(in_ch, out_ch, 2, stride=2)": ({"in_ch": 3, "out_ch": 2},),
    "nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False)": ({"ngf": 1}, {"ngf": 2}),
    "nn.ConvTranspose1d(c, c // 2, k, u, padding=(k - u) // 2)": (
        {"c": 4, "k": 16, "u": 8},
        {"c": 2, "k": 4, "u": 2},
        {"c": 2, "k": 7, "u": 2},
        {"c": 2, "k": 11, "u": 5},
    ),
    "nn.ConvTranspose2d(c, c, 4, stride=2, padding=1, groups=c)": ({"c": 3}, {"c": 5}),
    "nn.ConvTranspose2d(c, d, (kh, kw), stride=(s, 1), padding=(p, 0))": (
        {"c": 2, "d": 3, "kh": 5, "kw": 2, "s": 3, "p": 2},
        {"c": 2, "d": 3, "kh": 3, "kw": 1, "s": 2, "p": 1},
    ),
    "nn.ConvTranspose2d(c, d, k, stride=s, padding=p, output_padding=s - 1)": (
        {"c": 2, "d": 3, "k": 3, "s": 2, "p": 1},
        {"c": 2, "d": 3, "k": 5, "s": 4, "p": 2},
    ),
    "nn.ConvTranspose2d(c, d, ks[2:], stride=st[-2:])": (
        {"c": 2, "d": 3, "ks": (2, 3, 4, 5), "st": (3, 2)},
        {"c": 2, "d": 3, "ks": (2, 3, 3, 1), "st": (7, 1, 2)},
    ),
    "nn.ConvTranspose2d(c, d, k, stride=s, padding=p, output_padding=q)": (
        {"c": 2, "d": 3, "k": 4, "s": 2, "p": 1, "q": 0},
        {"c": 2, "d": 3, "k": 3, "s": 2, "p": 1, "q": 1},
        {"c": 2, "d": 3, "k": 5, "s": 4, "p": 1, "q": 3},
    ),
    # Below a stride of 2 no numbers but 0 and 1 tell two output paddings apart.
    "nn.ConvTranspose2d(c, d, k, 2, padding=(p, q), output_padding=(u, v))": (
        {"c": 2, "d": 3, "k": 4, "p": 1, "q": 1, "u": 0, "v": 0},
        {"c": 2, "d": 3, "k": 5, "p": 2, "q": 1, "u": 1, "v": 0},
        {"c": 2, "d": 3, "k": 3, "p": 1, "q": 1, "u": 1, "v": 1},
    ),
    "nn.ConvTranspose1d(c, d, 3, dilation=r, padding=r)": ({"c": 2, "d": 3, "r": 3},),
    "nn.ConvTranspose1d(int(c / 2), max(c, 4), 2 ** k, int(k / 2), padding=int((k - 1) / 3))": (
        {"c": 3, "k": 2},
        {"c": 9, "k": 4},
    ),
    "tf.keras.layers.Conv2DTranspose(d, k, strides=s, input_shape=(None, None, c))": (
        {"c": 2, "d": 3, "k": 2, "s": 4},
        {"c": 2, "d": 3, "k": 5, "s": 4},
        {"c": 2, "d": 3, "k": 1, "s": 7},
    ),
    "nn.ConvTranspose1d(c, 2 * c, k, u, padding=u // 2 + u % 2, output_padding=u % 2)": (
        {"c": 2, "k": 8, "u": 4},
        {"c": 2, "k": 7, "u": 3},
        {"c": 3, "k": 4, "u": 2},
        {"c": 3, "k": 9, "u": 5},
    ),
    "tf.keras.layers.Conv1DTranspose(d, k, strides=s, padding='same', input_shape=(None, c))": (
        {"c": 2, "d": 3, "k": 4, "s": 2},
        {"c": 2, "d": 3, "k": 5, "s": 2},
        {"c": 2, "d": 3, "k": 2, "s": 4},
        {"c": 2, "d": 3, "k": 7, "s": 3},
    ),
    "nn.ConvTranspose2d(c, d, (k, 9), (u, 8), (u // 2 + u % 2, 7), (u % 2, 6))": (
        {"c": 2, "d": 3, "k": 8, "u": 4},
        {"c": 2, "d": 3, "k": 7, "u": 3},
    ),
    "nn.ConvTranspose1d(int(c // 2), min(c * 2 ** i, 6), 3)": ({"c": 5, "i": 1}, {"c": 2, "i": 0}),
}
FRAMEWORKS = ("numpy", "pytorch", "chainer", "mxnet", "tensorflow")


def only(text: str, *to: str, supplied: Supplied | None = None) -> LookUp:
    (found,) = look_up_every(text, to=to, supplied=supplied or supply())
    assert isinstance(found, LookUp), found
    return found


def call(found: LookUp, framework: str) -> str:
    written: str = found.to_json()["translations"][framework]["call"]
    return written


def jobs(framework: str) -> Iterator[tuple[Operator, reality.Job]]:
    """Yield what is answered for each call, after lines that give its names numbers."""
    generator = random.Random(5)
    for text, numbers in CALLS.items():
        answer = only(text, framework).to_json()["translations"][framework]
        if answer["support"] == "unsupported":
            assert "add set" in answer["reason"]
            continue
        for values in numbers:
            lines = [f"{name} = {number}" for name, number in values.items()]
            operator = read("\n".join([*lines, text])).operator
            size = next(n for n in range(2, 99) if min(operator.out_size((n,) * operator.rank)) > 0)
            shapes = {
                "x": (2, operator.in_channels, *(size,) * operator.rank),
                "w": operator.weight_shape,
                "b": (operator.out_channels,),
            }
            arrays = {name: reality.integers(shape, generator) for name, shape in shapes.items()}
            yield operator, reality.Job("\n".join([*lines, answer["program"]]), ("y",), arrays)


def wrong(framework: str) -> list[tuple[str, str]]:
    done = list(jobs(framework))
    assert len(done) > len(FRAMEWORKS)
    answers = reality.run(framework, [job for _, job in done])
    return [
        (job.text, answer.get("error", "other numbers"))
        for (operator, job), answer in zip(done, answers, strict=True)
        if answer.get("y") != reality.expected(operator, job.arrays)["y"].tolist()
    ]


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", FRAMEWORKS[1:])
def test_the_text_in_names_computes_the_operator_with_any_numbers(framework: str) -> None:
    assert wrong(framework) == []


def test_it_does_by_the_definition() -> None:
    for operator, job in jobs("numpy"):
        names = {name: np.array(array, "f4") for name, array in job.arrays.items()}
        exec(job.text, names)
        assert np.array_equal(names["y"], reality.expected(operator, job.arrays)["y"]), job.text


@pytest.mark.parametrize(
    ("text", "framework", "part"),
    [
        (
            "nn.ConvTranspose2d(in_ch, out_ch, 2, stride=2)",
            "wolfram",
            'DeconvolutionLayer[out_ch, {2, 2}, "Stride" -> 2, ',
        ),
        ("nn.ConvTranspose2d(c >> i, c << 1, 4)", "mxnet", "num_filter=c * 2, "),
        ("L.Deconvolution2D(16, 5)", "wolfram", "DeconvolutionLayer[16, {5, 5}, "),
        (
            "n = m*2.^(0:3); transposedConv2dLayer(2, n(j + 1))",
            "wolfram",
            "Layer[n[j + 1], {2, 2}, ",
        ),
        ("nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0)", "mxnet", "num_filter=ngf * 4, "),
        (
            "nn.ConvTranspose1d(c, c // 2, k, u, padding=(k - u) // 2)",
            "matlab",
            "'Stride', u, 'Cropping', floor((k - u) / 2)",
        ),
        (
            "nn.ConvTranspose1d(c, c // 2, k, u, padding=(k - u) // 2)",
            "wolfram",
            'DeconvolutionLayer[Quotient[c, 2], {k}, "Stride" -> u, '
            "PaddingSize -> Quotient[k - u, 2], ",
        ),
        ("Conv2DTranspose(32, 4, strides=2, padding='same')(h)", "mxnet", "num_filter=32, "),
        ("ConvTranspose2d(2 * c, c, 3)", "mxnet", "num_filter=c, "),
    ],
)
def test_names_are_written_as_the_language_writes_them(
    text: str, framework: str, part: str
) -> None:
    assert part in only(text, framework).to_json()["translations"][framework]["call"]


@pytest.mark.parametrize(
    ("channels", "written"),
    [("c*2^(n-2)", "c * (2 ** (n - 2))"), ("sz(3)", "sz(3)"), ("sz(3)*n", "sz(3) * n")],
)
def test_channels_that_a_matlab_function_is_given_stay_names(channels: str, written: str) -> None:
    text = (
        f"function layer = up(sz, c, n)\nlayer = transposedConv2dLayer(4, {channels}, 'Stride', 2);"
    )
    assert only(text, "numpy").to_json()["operator"]["out_channels"] == written


def test_json_has_names_and_no_descriptor() -> None:
    found = only("nn.ConvTranspose2d(in_ch, out_ch * 2, 2, groups=g)", "chainer").to_json()
    assert found["operator"] == {
        "in_channels": "in_ch",
        "out_channels": "out_ch * 2",
        "kernel": [2, 2],
        "stride": [1, 1],
        "dilation": [1, 1],
        "crop": [[0, 0], [0, 0]],
        "groups": "g",
        "bias": True,
    }
    assert found["descriptor"] is None
    assert (
        found["translations"]["chainer"]["call"] == "y_ = F.deconvolution_2d(x_, w_, b_, groups=g)"
    )
    assert "NaMeD" not in json.dumps(found)


def test_a_bias_that_is_not_known_is_answered_for_both() -> None:
    found = only("nn.ConvTranspose2d(4, 6, 2, bias=use_bias)", "chainer")
    answer = found.to_json()["translations"]["chainer"]
    assert answer["call"] == "y_ = F.deconvolution_2d(x_, w_, b_)"
    assert answer["without_bias"]["call"] == "y_ = F.deconvolution_2d(x_, w_)"


@pytest.mark.parametrize(("flag", "truth"), [("flag", "not flag"), ("not a.bias", "a.bias")])
def test_a_flag_for_no_bias_is_answered_for_both(flag: str, truth: str) -> None:
    found = only(f"L.Deconvolution2D(4, 6, 2, nobias={flag})", "chainer")
    answer = found.to_json()["translations"]["chainer"]
    assert answer["call"] == "y_ = F.deconvolution_2d(x_, w_, b_)"
    assert answer["without_bias"]["call"] == "y_ = F.deconvolution_2d(x_, w_)"
    assert (found.truth, found.reading.operator.bias) == (truth, True)


def test_which_flag_leaves_the_bias_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "L.Deconvolution2D(4, 6, 2, nobias=flag)", "--to", "mxnet"]) == 0
    assert "  without bias, if flag:\n" in capsys.readouterr().out
    assert main(["translate", "nn.ConvTranspose2d(4, 6, 2, bias=b)", "--to", "mxnet"]) == 0
    assert "  without bias, unless b:\n" in capsys.readouterr().out


def test_where_the_numbers_decide_the_answer_asks_for_them() -> None:
    text = "nn.ConvTranspose1d(4, 6, 9, stride=8, padding=p, output_padding=q)"
    answer = only(text, "matlab").translations[0].answer
    assert isinstance(answer, Unsupported)
    assert answer.reason.startswith("what is to be written depends on p, q: add set p=")
    known = only(text, "matlab", supplied=supply(values={"p": 3, "q": 2}))
    assert isinstance(known.translations[0].answer, Program)
    assert known.reading.operator == Operator.of(4, 6, (9,), stride=8, crop=((3, 1),))


@pytest.mark.parametrize("padding", [1, 2])
def test_an_output_padding_in_names_may_be_0(padding: int) -> None:
    """A crop (1, 1 - q) is on both sides of 0 with q."""
    text = f"nn.ConvTranspose2d(4, 6, k, stride=s, padding={padding}, output_padding=q)"
    pair = f"[{padding}, max({padding} - q, 0)]"
    explicit = f"padding=[[0, 0], {pair}, {pair}, [0, 0]]"
    assert explicit in call(only(text, "tensorflow"), "tensorflow")
    assert "adj=(q, q)" in call(only(text, "mxnet"), "mxnet")
    assert isinstance(only(text, "wolfram").translations[0].answer, Unsupported)


def test_what_is_0_whatever_is_tried_is_asked_for() -> None:
    (error,) = look_up_every("nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, output_padding=q)")
    assert isinstance(error, SnippetError)
    assert "output_padding is 'q'" in error.fact


@pytest.mark.parametrize(
    ("given", "crop", "note"),
    [
        ("k, s, 'same'", [["max(k - s, 0) // 2", "k - s - max(k - s, 0) // 2"]], ""),
        ("k, s", [[0, "-max(s - k, 0)"]], ""),
        ("k, 2", [[0, 0]], "max(2 - k, 0) is taken for 0."),
        ("5, s", [[0, 0]], "max(s - 5, 0) is taken for 0."),
        ("k, 1", [[0, 0]], ""),
        ("k, 1, 'same'", [["(k - 1) // 2", "k - (k - 1) // 2 - 1"]], ""),
        # A stride of 1 alone has more than 0 there.
        ("3, s, 'same'", [["max(3 - s, 0) // 2", "3 - s - max(3 - s, 0) // 2"]], ""),
    ],
)
def test_a_crop_by_a_word_is_read_in_names(
    given: str, crop: list[list[int | str]], note: str
) -> None:
    found = only(f"tf.keras.layers.Conv1DTranspose(6, {given})", "numpy")
    assert found.to_json()["operator"]["crop"] == crop
    assert [each for each in found.reading.notes if "taken" in each] == [note] * bool(note)


def test_different_names_are_shown_as_such_whatever_their_numbers() -> None:
    found = only("tf.keras.layers.Conv2DTranspose(6, k, (s, t), 'same')", "numpy")
    shown = in_names(in_words(found.reading.operator))
    assert "stride sxt, crop (max(k - s, 0) // 2, k - s - max(k - s, 0) // 2) (max(k - t" in shown


def test_a_crop_in_names_is_sliced_where_only_numbers_say_that_it_is_same() -> None:
    """``SAME`` and explicit paddings hold for some numbers; for which, the names do not say."""
    text = "nn.ConvTranspose1d(4, 6, k, stride=u, padding=(k - u) // 2)"
    calls = call(only(text, "tensorflow"), "tensorflow").splitlines()
    assert calls[0].endswith(
        "output_shape=(x_.shape[0], (x_.shape[1] - 1) * u + k, 6), strides=u, padding='VALID')"
    )
    assert calls[-1] == "y_ = y_[:, (k - u) // 2:(-((k - u) // 2)) or None, :]"


@pytest.mark.parametrize(
    ("text", "padding"),
    [
        ("nn.ConvTranspose2d(4, 6, 4, 2, p)", "[[0, 0], [p, p], [p, p], [0, 0]]"),
        ("nn.ConvTranspose2d(4, 6, k, s, p)", "[[0, 0], [p, p], [p, p], [0, 0]]"),
        ("nn.ConvTranspose2d(4, 6, s + 2 * p, s, p)", "'SAME'"),
        ("nn.ConvTranspose2d(4, 6, k, k)", "'VALID'"),
    ],
)
def test_a_padding_in_names_holds_for_all_numbers(text: str, padding: str) -> None:
    assert f"padding={padding})" in call(only(text, "tensorflow"), "tensorflow")


def test_a_name_of_a_word_is_asked_for_and_may_be_given() -> None:
    text = "tf.nn.conv2d_transpose(x, tf.zeros([3, 3, 4, 6]), [1, 8, 8, 4], 2, padding=opt.how)"
    (error,) = look_up_every(text)
    assert isinstance(error, SnippetError)
    assert error.fact.endswith("write it in its place, or add set opt.how=SAME.")
    text = "tf.keras.layers.Conv2DTranspose(4, 3, 2, padding=opt.how)"
    known = only(text, "numpy", supplied=supply(values={"opt.how": "same"}))
    assert known.reading.operator.crop == ((0, 1), (0, 1))


def test_values_may_be_given_to_some_names_only() -> None:
    found = only("nn.ConvTranspose2d(self.c, d, k)", "mxnet", supplied=supply(values={"k": 3}))
    assert found.names == ("self.c", "d")
    assert found.reading.operator.kernel == (3, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "mx.sym.Deconvolution(x, kernel=k, stride=(2, 2), pad=self.pad, num_filter=6)",
            "kernel=(k[0], k[1]), stride=(2, 2), pad=(self.pad[0], self.pad[1]), num_filter=6",
        ),
        (
            "mx.nd.Deconvolution(x, w, kernel=w.shape[-2:], layout='NCHW', num_filter=w.shape[1])",
            "kernel=(w.shape[-2], w.shape[-1]), num_filter=w.shape[1]",
        ),
        (
            "mx.nd.Deconvolution(x, w, kernel=(3, 3), stride=s, adj=adj, num_filter=6)",
            "kernel=(3, 3), stride=(s[0], s[1]), adj=(adj[0], adj[1]), num_filter=6",
        ),
        (
            "nn.ConvTranspose3d(4, 6, w.shape[2:])",
            "kernel=(w.shape[2], w.shape[3], w.shape[4]), num_filter=6, no_bias=False",
        ),
    ],
)
def test_a_sequence_is_written_by_its_elements(text: str, words: str) -> None:
    assert words in call(only(text, "mxnet"), "mxnet")


@pytest.mark.parametrize(
    "text",
    [
        "nn.ConvTranspose2d(4, 6, w.shape[1:4])",
        "nn.ConvTranspose2d(4, 6, w.shape[-3:])",
        "nn.ConvTranspose2d(4, 6, w.shape[::2])",
        "nn.ConvTranspose2d(4, 6, (2 * k)[2:])",
    ],
)
def test_a_sequence_of_another_length_or_none_is_no_number(text: str) -> None:
    (error,) = look_up_every(text)
    assert isinstance(error, SnippetError), error


@pytest.mark.parametrize(
    ("lines", "kernel", "is_taken"),
    [
        ("", ["k[0]", "k[1]"], True),
        ("p = mx.sym.Pooling(x, kernel=(3, 2), pool_type='max')", ["k[0]", "k[1]"], False),
        ("c = mx.sym.Convolution(x, kernel=(5,), num_filter=3)", ["k[0]"], False),
        ("c = mx.sym.Convolution(x, kernel=j, num_filter=3)", ["k[0]", "k[1]"], True),
    ],
)
def test_an_unknown_number_of_axes_is_that_of_other_layers_or_two(
    lines: str, kernel: list[str], *, is_taken: bool
) -> None:
    text = f"{lines}\ny = mx.sym.Deconvolution(x, kernel=k, stride=s, num_filter=6)"
    found = only(text, "numpy")
    assert found.to_json()["operator"]["kernel"] == kernel
    assert any("taken for one of two axes" in note for note in found.reading.notes) == is_taken


def test_a_sequence_is_asked_for_as_one() -> None:
    text = "mx.nd.Deconvolution(x, w, kernel=(3, 3), stride=(9, 9), pad=p, adj=q, num_filter=6)"
    answer = only(text, "matlab").translations[0].answer
    assert isinstance(answer, Unsupported)
    assert re.search(r"p, q: add set p=\[\d,\d\] set q=\[\d,\d\]", answer.reason or "")
    known = only(text, "matlab", supplied=supply(values={"p": (2, 1), "q": (1, 0)}))
    assert known.reading.operator.crop == ((2, 1), (1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "L.DeconvolutionND(n, 4, 6, 3)",
        "L.Deconvolution2D(4, 6, 3, pad=how())",
        "nn.ConvTranspose2d(4, 6, kernel())",
        "mx.nd.Deconvolution(x, w, no_bias=True, kernel=(3, 3), num_filter=4, target_shape=(8, 8))",
    ],
)
def test_what_is_no_size_is_still_asked_for(text: str) -> None:
    (error,) = look_up_every(text)
    assert isinstance(error, SnippetError)
    assert error.place is not None
    assert "NaMeD" not in str(error)


def test_numbers_that_are_not_possible_are_not_answered() -> None:
    (error,) = look_up_every("nn.ConvTranspose2d(c, 7, 3, groups=4)")
    assert isinstance(error, SnippetError)


@pytest.mark.parametrize("channels", ["m/2*4", "3*(m/2)", "m/2 + n/2", "m/2/2"])
def test_quotients_that_need_not_be_whole_are_asked_for(channels: str) -> None:
    (error,) = look_up_every(f"transposedConv2dLayer(2, {channels})")
    assert isinstance(error, SnippetError)
    assert "depends on m" in str(error)


def test_a_size_that_has_no_name_is_asked_for_with_the_weights() -> None:
    found = only("y = tf.nn.conv2d_transpose(x, w, [n, 14, 14, 6], 2)", "mxnet")
    (answer,) = found.translations
    assert isinstance(answer.answer, Unsupported)
    assert answer.answer.reason.endswith("on in_channels, kernel: add weight 64,32,4,4.")


def test_what_names_cannot_decide_is_asked_for_in_the_words_of_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["translate", 'f[n_, k_] := DeconvolutionLayer[n, k, "Stride" -> 2]']) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "sz k is one number, and nothing says of how many axes" in said
    assert "For one, add --input 1,64,16." in said


def test_set_takes_json(capsys: pytest.CaptureFixture[str]) -> None:
    call = "nn.ConvTranspose2d(c, opt.ngf, k, bias=b)"
    given = ["--set", "c=4", "--set", "opt.ngf=6", "--set", "k=[3, 2]", "--set", "b=false"]
    assert main(["translate", call, "--json", "--to", "numpy", *given]) == 0
    assert json.loads(capsys.readouterr().out)["descriptor"] == "ic4_oc6_k3x2"


@pytest.mark.parametrize("value", ["k", "=3", 'k={"a": 1}'])
def test_what_is_no_name_and_value_is_bad_usage(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["translate", "nn.ConvTranspose2d(4, 6, k)", "--set", value])
    assert "k=" in capsys.readouterr().err


def test_names_come_in_every_framework_that_can_be_read() -> None:
    texts = {
        "chainer": "L.Deconvolution2D(a, b, k, stride=2)",
        "mxnet": "gluon.nn.Conv2DTranspose(channels, kernel, strides=2)",
        "tensorflow": "tf.keras.layers.Conv2DTranspose(filters, 3, strides=2, padding='valid')",
        "matlab": "layer = transposedConv2dLayer(k, numFilters, 'Stride', 2);",
        "wolfram": 'DeconvolutionLayer[n, {k, k}, "Stride" -> 2]',
    }
    for framework, text in texts.items():
        found = only(text, "pytorch")
        assert found.reading.framework == convention(framework).name
        assert found.names
        assert found.translations[0].answer.support == "native", text


def test_no_operator_is_made_of_what_no_framework_takes() -> None:
    with pytest.raises(OperatorError):
        Operator.of(4, 6, (3,), groups=4)


def test_a_number_that_a_name_is_lost_in_is_no_answer() -> None:
    (refused,) = look_up_every("nn.ConvTranspose2d(4, round(c * 1.5), 3)")
    assert isinstance(refused, SnippetError)
    assert refused.fact == "what is to be written depends on c: add set c=64."


def test_a_condition_is_bracketed_in_a_sum() -> None:
    answer = only("nn.ConvTranspose1d(8, 4, 5, 2, padding=(k or 3) - 1)", "numpy").to_json()
    assert "crop=(k or 3) - 1" in answer["translations"]["numpy"]["call"]


@pytest.mark.parametrize("numbers", ["k, 7, 4", "k, u, 9", "20, u, 9"])
def test_the_numbers_of_the_call_decide_which_are_tried(numbers: str) -> None:
    (look,) = look_up_every(
        f"nn.ConvTranspose1d(8, 6, {numbers}, output_padding=q)", to=["tensorflow", "wolfram"]
    )
    assert isinstance(look, LookUp)
    assert all("depends on" in (one.answer.reason or "") for one in look.translations)


def test_an_end_that_no_number_has_extended_is_noted() -> None:
    (look,) = look_up_every("nn.ConvTranspose1d(8, 6, k, u, p, output_padding=1)")
    assert isinstance(look, LookUp)
    assert look.to_json()["notes"][-1] == "p - 1 is taken for 0 or more."
    (plain,) = look_up_every("nn.ConvTranspose1d(8, 6, k, u, p)")
    assert isinstance(plain, LookUp)
    assert plain.to_json()["notes"] == []


def test_a_crop_whose_ends_are_equal_for_all_numbers_is_not_taken_for_0() -> None:
    (look,) = look_up_every("Conv2DTranspose(8, f * 2, s * 4, 'same')", to=["mxnet"])
    assert isinstance(look, LookUp)
    assert not any("is taken for 0" in note for note in look.to_json()["notes"])
    (translation,) = look.translations
    assert "depends on s, f" in (translation.answer.reason or "")
