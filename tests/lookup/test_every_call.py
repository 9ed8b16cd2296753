"""Files and texts with several calls: each is answered where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main
from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.every import line_of, look_up_every, look_up_one
from harness.lookup.reading import supply
from harness.syntax.tree import SnippetError, Value

GENERATOR = """\
import torch.nn as nn

def half(c):
    return c // 2

class Generator(nn.Module):
    def __init__(self, c=512):
        super().__init__()
        self.first = nn.ConvTranspose1d(c, 256, 16, 8, padding=4)
        self.same = nn.ConvTranspose1d(c, 256, 16, 8, padding=4)
        self.ups = nn.ModuleList()
        for u, k in [(8, 16), (2, 4)]:
            self.ups.append(nn.ConvTranspose1d(c, c, k, u, padding=(k - u) // 2))
        self.bad = nn.ConvTranspose1d(4, 6, 3, stride=0)

    def forward(self, x):
        return self.first(x)
"""


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("generator.py").write_text(GENERATOR)
    return "generator.py"


def translated(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["translate", *arguments]) == OK
    return capsys.readouterr().out


def test_every_call_of_a_file_is_answered(
    generator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = translated(capsys, generator, "--to", "mxnet").splitlines()
    assert [line.split() for line in lines[:6]] == [
        ["line", "name", "operator", "input", "->", "output", "mxnet"],
        *(
            [str(line), *name, *f"{operator} channels, kernel {rest}, bias yes".split()]
            for line, name, operator, rest in [
                (9, ["self.first"], "512 -> 256", "16, stride 8, crop 4"),
                (10, ["self.same"], "512 -> 256", "16, stride 8, crop 4"),
                (13, [], "512 -> 512", "16, stride 8, crop 4"),
                (13, [], "512 -> 512", "4, stride 2, crop 1"),
            ]
        ),
        ["14", "not", "read:", "stride", "is", "0;", "it", "must", "be", "at", "least", "1."],
    ]
    # Alike ones once, with their places.
    assert "generator.py:9, generator.py:10  self.first, self.same" in lines
    assert sum("pad=(4,)" in line for line in lines) == 2


def test_json_has_all_calls_and_what_is_refused(
    generator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(translated(capsys, generator, "--json", "--to", "numpy"))
    assert [(each["file"], each["line"], each["column"]) for each in found["calls"]] == [
        (generator, 9, 22),
        (generator, 10, 21),
        (generator, 13, 29),
        (generator, 13, 29),
    ]
    assert found["refused"] == [
        {
            "file": generator,
            "line": 14,
            "column": 48,
            "error": "stride is 0; it must be at least 1.",
        }
    ]


def test_a_line_is_picked(generator: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(translated(capsys, generator, "--json", "--line", "9"))
    assert (found["line"], found["descriptor"]) == (9, "ic512_oc256_k16_s8_c4.4_b")
    assert main(["translate", generator, "--line", "3"]) == USAGE
    assert "begins in line 3; they do in 9, 10, 13, 14" in capsys.readouterr().err


def test_a_line_of_the_frameworks_call_picks_those_that_come_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "def up(i):\n    return nn.ConvTranspose2d(i, 2, 3)\n\n\n"
        "a = up(4)\nb = up(6)\nc = nn.ConvTranspose2d(8, 2, 3)\n"
    )
    found = json.loads(translated(capsys, str(file), "--json", "--line", "2"))
    assert [each["descriptor"] for each in found["calls"]] == ["ic4_oc2_k3x3_b", "ic6_oc2_k3x3_b"]
    found = json.loads(translated(capsys, str(file), "--json", "--line", "6"))
    assert found["descriptor"] == "ic6_oc2_k3x3_b"
    assert main(["translate", str(file), "--line", "3"]) == USAGE
    assert "begins in line 3; they do in 5, 6, 7" in capsys.readouterr().err


def test_a_text_with_several_calls_is_answered_like_a_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "a = nn.ConvTranspose2d(4, 6, 2)\nb = nn.ConvTranspose2d(6, 4, 3)"
    lines = translated(capsys, text, "--to", "numpy").splitlines()
    assert [line for line in lines if line.startswith("line ")] == ["line 1  a", "line 2  b"]


def test_a_notebook_is_read_by_its_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["nn.ConvTranspose2d(1, 1, 1) in words"]},
        {
            "cell_type": "code",
            "source": ["%matplotlib inline\n", "from torch import nn\n", "k = 4"],
        },
        {"cell_type": "code", "source": "\nup = nn.ConvTranspose2d(8, 4, k, 2, 1)"},
    ]
    path = tmp_path / "model.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    found = json.loads(translated(capsys, str(path), "--json"))
    assert (found["cell"], found["line"]) == (3, 2)
    assert found["descriptor"] == "ic8_oc4_k4x4_s2x2_c1.1x1.1_b"
    assert f"{path}:cell 3:2  up" in translated(capsys, str(path))


def of_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> Any:
    path = tmp_path / "README.md"
    path.write_text(text)
    return json.loads(translated(capsys, str(path), "--json"))


def test_of_markdown_the_blocks_of_code_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = of_readme(
        tmp_path,
        capsys,
        "Use nn.ConvTranspose2d(9, 9, 9), or:\n\n- so\n\n  ```python\n  k = 3\n"
        "  up = nn.ConvTranspose2d(8, 4, k)\n  ```\n\n```bash\nnn.ConvTranspose2d(1, 2, 3)\n```\n",
    )
    assert (found["line"], found["descriptor"]) == (7, "ic8_oc4_k3x3_b")


def test_of_markdown_fences_in_other_languages_begin_no_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = of_readme(
        tmp_path,
        capsys,
        "```sh\npip install it\n```\nThe layer nn.ConvTranspose2d(9, 9, 9) is\n"
        "```py\nup = nn.ConvTranspose2d(8, 4, 3)\n```\nand no other.\n```yaml\nk: 3\n```\nEnd.\n",
    )
    assert (found["line"], found["descriptor"]) == (6, "ic8_oc4_k3x3_b")


def test_of_markdown_the_blocks_of_each_language_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = of_readme(
        tmp_path,
        capsys,
        "```matlab\nup = [\n  transposedConv1dLayer(2, 3, Stride=2)\n];\n```\n"
        "```python\nk = 3\n```\n"
        "```\nup = nn.ConvTranspose2d(8, 4, k)\n```\n"
        '```wl\nup = DeconvolutionLayer[6, {5}, "Input" -> {7, 9}]\n```\n'
        "```matlab\nsize(up)\n```\n",
    )
    assert not found["refused"]
    calls = [
        (call["line"], call["framework"], call["operator"]["kernel"]) for call in found["calls"]
    ]
    assert calls == [(3, "matlab", [2]), (10, "pytorch", [3, 3]), (13, "wolfram", [5])]


_UP_OF_ONE_TAB = (
    "class Up({module}):\n    def __init__(self, a, k=4):\n"
    "        super().__init__()\n        self.up = {layer}\n"
)


def test_of_markdown_a_class_is_that_of_the_calls_own_tab(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in https://d2l.ai, where each framework has its own block under the same names."""
    path = tmp_path / "gan.md"
    classes = {
        "pytorch": _UP_OF_ONE_TAB.format(
            module="nn.Module", layer="nn.ConvTranspose2d(a, 6, k, 2, bias=False)"
        ),
        "tensorflow": _UP_OF_ONE_TAB.format(
            module="tf.keras.Model",
            layer="tf.keras.layers.Conv2DTranspose(a, k, 3, 'same')",
        ),
    }
    blocks = [f"#@tab {tab}\n{text}" for tab, text in classes.items()]
    blocks += ["#@tab pytorch\nnet = Up(3, k=5)\n", "#@tab tensorflow\nnet = Up(7)\n"]
    blocks += ["end = nn.ConvTranspose2d(8, 9, 2)\n"]
    path.write_text("".join(f"```python\n{each}```\n" for each in blocks))
    found = json.loads(translated(capsys, str(path), "--json"))
    assert not found["refused"]
    calls = [
        (call["line"], call["operator"]["out_channels"], call["operator"]["kernel"])
        for call in found["calls"]
    ]
    assert calls == [(17, 6, [5, 5]), (21, 7, [4, 4]), (24, 9, [2, 2])]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.py", None, "there is no file none.py"),
        ("model.bin", b"\x00\x01", "is no text"),
        ("book.ipynb", b"{", "is no notebook"),
        ("book.ipynb", b"[1]", "is no notebook"),
        ("empty.py", b"", "there is no text"),
        ("nothing.py", b"x = 1\n", "holds no transposed convolution"),
    ],
)
def test_a_file_that_cannot_be_answered_is_one_error(
    name: str,
    content: bytes | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    assert main(["translate", name]) == USAGE
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((".",), "error: . is a folder: deconform audit reads all that is in one."),
        (("nn.ConvTranspose1d(c, 4, k)", "--set", "kk=3"), "error: --set kk: the text has no kk."),
        (
            ("nn.Conv2DTranspose(4, 3, strides=2)", "--from", "mxnet", "--check"),
            "error: a program in names is not run: give each a number, such as --input 1,64,16,16.",
        ),
    ],
)
def test_what_cannot_be_meant_is_said(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", *arguments]) == USAGE
    assert capsys.readouterr().err.splitlines()[0] == said


def test_a_loop_over_what_is_not_known_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = "for i in range(n):\n  ups.append(nn.ConvTranspose1d(c, c, 4, 2, 1))\n"
    assert json.loads(translated(capsys, text, "--json"))["operator"]["in_channels"] == "c"


def test_a_loop_that_may_end_early_is_not_unrolled(capsys: pytest.CaptureFixture[str]) -> None:
    text = "for k in (2, 3):\n  ups.append(nn.ConvTranspose1d(4, 6, k))\n  if done(): break\n"
    assert json.loads(translated(capsys, text, "--json"))["operator"]["kernel"] == ["k"]


OWN = """\
class ConvTranspose2d(Base):
    def __init__(self, c):
        self.c = c
one = ConvTranspose2d(3)
up = nn.ConvTranspose2d(8, 4, 3)
"""


def test_the_one_call_that_is_the_frameworks_is_answered_beside_the_texts_own() -> None:
    assert look_up_one(OWN).reading.operator == Operator.of(8, 4, (3, 3))
    own, found = look_up_every(OWN)
    assert isinstance(own, SnippetError)
    assert isinstance(found, LookUp)


def test_one_of_several_calls_is_not_answered_in_the_place_of_all() -> None:
    with pytest.raises(SnippetError, match="holds 2 transposed convolutions"):
        look_up_one("nn.ConvTranspose2d(8, 4, 3)\nnn.ConvTranspose2d(4, 2, 3)")


def test_what_was_left_out_of_a_text_is_said_once() -> None:
    text = "print 'up'\nup = nn.ConvTranspose2d(8, 4, 3)\nmore = nn.ConvTranspose2d(4, 2, 3)"
    first, second = look_up_every(text)
    assert isinstance(first, LookUp)
    assert isinstance(second, LookUp)
    assert [note.partition(" was")[0] for note in first.reading.notes] == ["Line 1"]
    assert second.reading.notes == ()


def test_beyond_the_most_calls_one_error_says_where_to_go_on() -> None:
    text = "".join(f"up{n} = nn.ConvTranspose2d({n}, 2, 3)\n" for n in range(1, 8))
    *answered, rest = look_up_every(text, to=["wolfram"], most=3)
    assert [each.reading.line for each in answered if isinstance(each, LookUp)] == [1, 2, 3]
    assert isinstance(rest, SnippetError)
    assert rest.place is not None
    assert rest.place.line == 4
    assert rest.fact.startswith("the first 3 calls are answered, and 4 are not: give the text from")
    assert len(look_up_every(text, to=["wolfram"], most=7)) == 7


def test_those_with_numbers_are_run_and_of_others_is_said_what_they_lack(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "a = nn.ConvTranspose1d(8, 4, 2)\nb = nn.ConvTranspose1d(8, 2 * nf, 2)"
    printed = translated(capsys, text, "--to", "numpy", "--check")
    assert printed.count("run just now") == printed.count("numpy       PASSED shape, value") == 1
    assert printed.endswith("is not run: give each a number, such as --set nf=4.\n")
    assert main(["translate", text.replace("4, 2", "2 * nf, 2"), "--check"]) == USAGE
    assert "--set nf=4" in capsys.readouterr().err


DECODER = """\
from torch import nn
from elsewhere import matching

class Decoder(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        transpconv_op = matching(encoder.conv_op)
        self.ups = nn.ModuleList()
        for s in range(1, len(encoder.channels)):
            below, skip = encoder.channels[-s], encoder.channels[-(s + 1)]
            stride = encoder.strides[-s]
            self.ups.append(transpconv_op(below, skip, stride, stride))
"""


def test_a_function_that_the_text_does_not_hold_is_asked_for_and_given() -> None:
    with pytest.raises(SnippetError, match="which function transpconv_op is: add set transpconv"):
        look_up_every(DECODER)
    # Also where it is seen what it may be.
    matching = "def matching(op):\n    return KINDS[op] if op else nn.ConvTranspose2d\n"
    whole = DECODER.replace("from elsewhere import matching\n", matching)
    with pytest.raises(SnippetError, match="which function transpconv_op is: add set transpconv"):
        look_up_every(whole)
    values: dict[str, Value] = {"transpconv_op": "nn.ConvTranspose3d"}
    assert len(look_up_every(whole, supplied=supply(values=values))) == 1
    (in_names,) = look_up_every(DECODER, supplied=supply(values=values))
    assert isinstance(in_names, LookUp)
    assert in_names.names == ("below", "skip", "stride")
    values |= {"encoder.channels": (8, 16, 32), "encoder.strides": (1, (1, 2, 3), 2)}
    every = look_up_every(DECODER, supplied=supply(values=values))
    assert [each.reading.operator.descriptor for each in every if isinstance(each, LookUp)] == [
        "ic32_oc16_k2x2x2_s2x2x2_b",
        "ic16_oc8_k1x2x3_s1x2x3_b",
    ]


def test_a_class_that_is_handed_on_is_refused_in_its_line() -> None:
    text = (
        "import torch.nn as nn\n"
        "up = nn.ConvTranspose2d(8, 4, 2)\n"
        "OPS = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}\n"
        "def build(rank):\n"
        "    return make(OPS, rank)(9, 3, 4)\n"
    )
    answered, *refused = look_up_every(text, to=["numpy"])
    assert isinstance(answered, LookUp)
    assert [str(each).partition(":")[0] for each in refused] == [
        "line 3, column 11",
        "line 3, column 34",
    ]


def test_defaults_that_loops_and_comprehensions_go_over_are_noted() -> None:
    text = (
        "class Decoder(nn.Module):\n"
        "    def __init__(self, depth=2, widths=(8, 4)):\n"
        "        all_widths = [3 * 2**i for i in range(depth)]\n"
        "        self.a = [nn.ConvTranspose1d(i, 5, 2) for i in all_widths]\n"
        "        for n, width in enumerate(widths):\n"
        "            self.b = nn.ConvTranspose1d(width, n + 7, 3)\n"
    )
    every = look_up_every(text, to=["numpy"])
    assert [
        (each.reading.operator.in_channels, each.reading.notes[-1].partition(":")[0])
        for each in every
        if isinstance(each, LookUp)
    ] == [
        (3, "depth=2"),
        (6, "depth=2"),
        (8, "widths=(8, 4)"),
        (4, "widths=(8, 4)"),
    ]


def test_a_benchmarks_model_is_made_with_the_arguments_that_the_file_gives_it() -> None:
    text = (
        "import torch.nn as nn\n"
        "class Model(nn.Module):\n"
        "    def __init__(self, ci, co, k, stride=1, padding=0, groups=1):\n"
        "        super().__init__()\n"
        "        self.up = nn.ConvTranspose2d(ci, co, k, stride, padding, groups=groups)\n"
        "ci, co, k = 12, 9, (3, 5)\n"
        "def get_inputs():\n"
        "    return [torch.rand(1, ci, 8, 8)]\n"
        "def get_init_inputs():\n"
        "    return [ci, co, k, (2, 3), (1, 2), 3]\n"
    )
    (found,) = look_up_every(text, to=["numpy"])
    assert isinstance(found, LookUp)
    assert found.reading.operator.descriptor == "ic12_oc9_k3x5_s2x3_c1.1x2.2_g3_b"
    assert found.reading.line == 9
    # Where the file makes one itself, that one counts.
    (found,) = look_up_every(f"{text}model = Model(4, 6, 2)\n", to=["numpy"])
    assert isinstance(found, LookUp)
    assert found.reading.operator.descriptor == "ic4_oc6_k2x2_b"


def test_what_a_dictionary_gets_is_known_until_it_may_change() -> None:
    text = (
        "cfg = {'k': 4}\n"
        "a = nn.ConvTranspose1d(8, 6, cfg.get('k', 9), cfg.get('stride', 3))\n"
        "cfg['stride'] = 2\n"
        "b = nn.ConvTranspose1d(8, 6, cfg.get('k'), cfg.get('stride', 3))\n"
        "change(cfg)\n"
        "c = nn.ConvTranspose1d(8, 6, 4, cfg.get('stride', 3))\n"
    )
    first, second, third = look_up_every(text, to=["numpy"])
    assert isinstance(first, LookUp)
    assert isinstance(second, LookUp)
    assert first.reading.operator.descriptor == "ic8_oc6_k4_s3_b"
    assert second.reading.operator.descriptor == "ic8_oc6_k4_s2_b"
    assert isinstance(third, SnippetError)


def test_settings_of_a_whole_project_are_followed() -> None:
    blocks = [(16 * n, n, n) for n in range(2, 22)]
    text = (
        "from keras import layers\n"
        f"NETS = {{'small': {{'blocks': [(8, 3, 2)]}}, 'large': {{'blocks': {blocks}}}}}\n"
        "net = NETS['large']\n"
        "for filters, kernel, stride in net['blocks']:\n"
        "    x = layers.Conv2DTranspose(filters, kernel, stride)(x)\n"
    )
    every = look_up_every(text)
    found = [each.reading.operator for each in every if isinstance(each, LookUp)]
    assert [(one.out_channels, one.kernel[0], one.stride[1]) for one in found] == blocks


def test_what_callers_leave_empty_is_nothing() -> None:
    """As SoundStream does, whose constructor also keeps a copy of what it was given."""
    text = (
        "class Up(nn.Module):\n"
        "    def __init__(self, a, b, k, stride, **kwargs):\n"
        "        super().__init__()\n"
        "        self.up = nn.ConvTranspose1d(a, b, k, stride, **kwargs)\n"
        "def block(a, b, stride):\n"
        "    return nn.Sequential(Up(a, b, 2 * stride, stride=stride), nn.ELU())\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, more):\n"
        "        super().__init__()\n"
        "        given = locals()\n"
        "        given.pop('self', None)\n"
        "        self.first = block(16, 8, 5)\n"
        "        self.last = Up(8, 3, 7, 2, bias=False)\n"
        "        self.open = Up(8, 3, 7, 2, **more)\n"
    )
    first, second, third = sorted(look_up_every(text), key=line_of)
    assert isinstance(first, SnippetError)
    assert "** holds arguments that the text does not show" in first.fact
    assert isinstance(second, LookUp)
    assert second.reading.operator.descriptor == "ic16_oc8_k10_s5_b"
    assert isinstance(third, LookUp)
    assert third.reading.operator.descriptor == "ic8_oc3_k7_s2"


def test_what_a_constructor_pops_is_not_handed_on() -> None:
    text = (
        "class Up(nn.Module):\n"
        "    def __init__(self, a, **kwargs):\n"
        "        super().__init__()\n"
        "        k = kwargs.pop('k', 4)\n"
        "        self.up = nn.ConvTranspose1d(a, 2 * a, k, **kwargs)\n"
        "first = Up(3)\n"
        "second = Up(5, k=7, stride=2)\n"
    )
    answers = [each for each in look_up_every(text) if isinstance(each, LookUp)]
    found = [each.reading.operator.descriptor for each in answers]
    assert found == ["ic3_oc6_k4_b", "ic5_oc10_k7_s2_b"]


CHANGED = """
import torch.nn as nn
from tools import change_defaults
class Net(nn.Module):
    def __init__(self, c, flat):
        if flat:
            Up = change_defaults(bias=False)(nn.ConvTranspose2d)
        else:
            Up = change_defaults(bias=True)(nn.ConvTranspose2d)
        self.a = Up(c, 4, 3, stride=2)
        self.b = changed(nn.ConvTranspose1d)(c, 5, 2, bias=True)
"""


def test_a_class_that_another_file_changes_is_answered_with_what_is_not_known() -> None:
    first, second = look_up_every(CHANGED, to=["numpy"])
    assert isinstance(first, LookUp)
    assert isinstance(second, LookUp)
    assert first.truth == "change_defaults.bias"
    assert first.reading.operator.kernel == (3, 3)
    assert first.reading.notes == (
        "change_defaults is not in the text: what it changes of torch.nn.ConvTranspose2d is not in "
        "the answer.",
    )
    assert (second.truth, second.reading.operator.bias) == ("", True)
    assert second.reading.notes[0].startswith("changed is not in the text: ")


@pytest.mark.parametrize(
    "line", ["type(nn.ConvTranspose2d)(4, 6, 3)", "def Up(c): f()\nUp(nn.ConvTranspose2d)(4, 6, 3)"]
)
def test_what_is_no_changed_class_is_not_answered(line: str) -> None:
    assert not any(isinstance(each, LookUp) for each in _every(f"import torch.nn as nn\n{line}"))


def _every(text: str) -> list[LookUp | SnippetError]:
    try:
        return look_up_every(text)
    except SnippetError as error:
        return [error]


def test_a_call_is_answered_for_each_word_that_branches_give_its_padding() -> None:
    text = (
        "from keras.layers import Conv2DTranspose\nif n % 8:\n    p = 'same'\nelse:\n"
        "    p = 'valid'\ny = Conv2DTranspose(6, 5, strides=2, padding=p)(x)"
    )
    every = [each for each in look_up_every(text, to=["numpy"]) if isinstance(each, LookUp)]
    assert [each.reading.operator.crop[0] for each in every] == [(1, 2), (0, 0)]
    assert every[0].reading.notes[0] == "padding is 'same' here: the text may give p another word."
    (error,) = look_up_every(text.replace("'same'", "words[0]"))
    assert isinstance(error, SnippetError)


def test_a_padding_that_the_text_does_not_hold_is_answered_for_each_word_that_it_can_be() -> None:
    text = "import keras\ndef up(x, f, p):\n"
    text += "    return keras.layers.Conv2DTranspose(f, 5, strides=2, padding=p)(x)"
    every = [each for each in look_up_every(text, to=["numpy"]) if isinstance(each, LookUp)]
    assert [each.reading.operator.crop[0] for each in every] == [(1, 2), (0, 0)]
    assert every[0].reading.notes[0] == (
        "padding is 'same' here, which the text leaves open: add set p=same for this answer alone."
    )
