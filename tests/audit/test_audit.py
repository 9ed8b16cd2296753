"""``deconform audit``: layers of a small project, what becomes of them, and what is unread."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.audit import auditing, reading
from harness.audit.auditing import audit
from harness.audit.layers import AuditedLayer
from harness.audit.reading import ReadFile, Wanted, read_file
from harness.audit.walking import Source
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.convention.registry import convention, known_names
from harness.suite.limitations import load_limitations

LAYERS = """\
import torch.nn as nn

class Up(nn.Module):
    def __init__(self, c, k, s):
        self.first = nn.ConvTranspose2d(32, 1, (3, 4), stride=2, bias=False)
        self.second = nn.ConvTranspose3d(c, 6, 2, groups=2)
        self.third = nn.ConvTranspose1d(8, 6, k, 7, 4, output_padding=s)
"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["# one"]},
        {"cell_type": "code", "source": ["import torch.nn as nn\n", "nn.ConvTranspose1d(4, 2, 3)"]},
    ]
}
UP = {"kernel": "(4,)", "stride": "(2,)", "pad": "(1,)", "num_filter": "6", "no_bias": "False"}
MODEL = {
    "nodes": [
        {"op": "null", "name": "data", "attrs": {"__shape__": "(1, 4, 5)"}, "inputs": []},
        {"op": "Deconvolution", "name": "up", "attrs": UP, "inputs": [[0, 0, 0]]},
        {
            "op": "Deconvolution",
            "name": "bad",
            "attrs": UP | {"num_group": "5"},
            "inputs": [[0, 0]],
        },
    ]
}
BROKEN = "class Up(:\n    x = nn.ConvTranspose2d(8, 4, 3, strides=2)\n"
NAMED = "import torch.nn as nn\n\nUPS = {2: nn.ConvTranspose2d}\n"
OPERATOR = {
    "in_channels": 32,
    "out_channels": 1,
    "kernel": [3, 4],
    "stride": [2, 2],
    "dilation": [1, 1],
    "crop": [[0, 0], [0, 0]],
    "groups": 1,
    "bias": False,
}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(
        {
            "p/layers.py": LAYERS,
            "p/notebook.ipynb": json.dumps(NOTEBOOK),
            "p/net-symbol.json": json.dumps(MODEL),
            "p/broken.py": BROKEN,
            "p/named.py": NAMED,
            "p/data.json": '{"a": 1}',
            "p/nothing.py": "import torch\n# nn.ConvTranspose2d\n",
            "p/binary.m": "\0transposedConv2dLayer(4, 8)",
            "p/README.txt": "nn.ConvTranspose2d(4, 8, 2)",
        }
    )
    Path("p/loop").symlink_to(".")


def made(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = OK) -> str:
    assert main(["audit", *arguments]) == status
    captured = capsys.readouterr()
    assert captured.err == "" or status == USAGE
    return captured.out + captured.err


def in_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(printed(capsys, *arguments, "--json"))


def test_json_is_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    whole = in_json(capsys, "p", "--to", "mxnet", "--to", "wolfram")
    assert list(whole) == ["layers", "unread"]
    first, second, third, cell, node = (
        whole["layers"][:3] + whole["layers"][4:] + [whole["layers"][3]]
    )
    assert first == {
        "file": "p/layers.py",
        "line": 5,
        "framework": "pytorch",
        "operator": OPERATOR,
        "descriptor": "ic32_oc1_k3x4_s2x2",
        "targets": {
            "mxnet": {
                "support": "native",
                "reason": None,
                "known": ["mxnet-one-output-channel-gradient"],
            },
            "wolfram": {"support": "native", "reason": None, "known": []},
        },
    }
    assert (second["operator"]["in_channels"], second["descriptor"]) == ("c", None)
    assert second["targets"]["wolfram"]["support"] == "unsupported"
    assert second["targets"]["wolfram"]["reason"].endswith("not 3 axes.")
    assert third["operator"]["kernel"] == ["k"]
    assert third["targets"]["mxnet"] == {"support": "native", "reason": None, "known": []}
    assert {key: cell[key] for key in ("file", "line", "cell", "descriptor")} == {
        "file": "p/notebook.ipynb",
        "line": 2,
        "cell": 2,
        "descriptor": "ic4_oc2_k3_b",
    }
    assert list(node) == ["file", "node", "framework", "operator", "descriptor", "targets"]
    assert (node["file"], node["node"], node["framework"]) == ("p/net-symbol.json", "up", "mxnet")


def test_a_model_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    onnx = pytest.importorskip("onnx")
    made_node = onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", strides=[2])
    shapes = {"x": [1, 4, 5], "w": [4, 6, 3], "y": None}
    x, w, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    graph = onnx.helper.make_graph([made_node], "g", [x, w], [y])
    onnx.save(onnx.helper.make_model(graph), "net.onnx")
    (layer,) = in_json(capsys, "net.onnx", "--to", "pytorch")["layers"]
    assert (layer["node"], layer["framework"], layer["descriptor"]) == (
        "up",
        "onnxruntime",
        "ic4_oc6_k3_s2",
    )


def test_what_could_not_be_read_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    unread = in_json(capsys, "p")["unread"]
    assert all(list(each) == ["file", "line", "error"] for each in unread)
    assert [(each["file"], each["line"]) for each in unread] == [
        ("p/binary.m", None),
        ("p/broken.py", 2),
        ("p/named.py", 3),
        ("p/net-symbol.json", None),
    ]
    binary, broken, named, node = (each["error"] for each in unread)
    assert binary.startswith("is no text")
    assert "has no parameter 'strides'. Did you mean 'stride'?" in broken
    assert named.startswith("nn.ConvTranspose2d is not called here, but handed on")
    assert node.startswith("bad: groups 5 does not divide in_channels 4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_unread() -> None:
    Path("p/layers.py").chmod(0)
    unread = audit(["p"], Wanted()).unread
    assert ("p/layers.py", None, "cannot be read: Permission denied.") in [
        (each.file, each.line, each.error) for each in unread
    ]


@pytest.mark.parametrize(
    "text",
    [
        "class ConvTranspose2d(Base):\n    pass\n",
        '"""\nnn.ConvTranspose2d(4, 2, 3)\n"""\nx = 1\n',
        "# nn.ConvTranspose2d(4, 2, 3)\nx = 1\n",
        "print 'old Python'\n# nn.ConvTranspose2d(4, 2, 3)\n",
    ],
)
def test_what_is_no_code_is_no_layer(text: str) -> None:
    made({"q/a.py": text})
    found = audit(["q"], Wanted())
    assert (found.layers, found.unread) == ((), ())


@pytest.mark.parametrize(
    "text",
    ["x = nn.ConvTranspose2d(4, 2, 3)\nprint 'x'\n", "print 'x', nn.ConvTranspose2d(4, 2, 3)"],
)
def test_broken_text_may_have_layers(text: str) -> None:
    made({"q/a.py": text})
    (layer,) = audit(["q"], Wanted()).layers
    assert (layer.line, layer.descriptor) == (1, "ic4_oc2_k3x3_b")


def test_a_file_says_once_what_it_names_and_does_not_call() -> None:
    names = ", ".join(f"nn.ConvTranspose{n}d, F.conv_transpose{n}d" for n in (1, 2, 3))
    made({"q/a.py": f"import x\nups = [{names}]\n"})
    (unread,) = audit(["q"], Wanted()).unread
    assert unread.line == 2
    assert unread.error.startswith(
        "nn.ConvTranspose1d, F.conv_transpose1d, nn.ConvTranspose2d and 3 more: named here,"
    )


def test_numbers_decide_and_are_asked_for_by_our_own_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    third = in_json(capsys, "p", "--to", "tensorflow")["layers"][2]["targets"]["tensorflow"]
    assert third["support"] is None
    assert third["reason"].startswith("asks: what is to be written depends on k, s: add --set k=")
    given = ["--set", "k=9", "--set", "s=2"]
    layer = in_json(capsys, "p", "--to", "tensorflow", *given)["layers"][2]
    assert layer["descriptor"] == "ic8_oc6_k9_s7_c4.2_b"
    assert layer["targets"]["tensorflow"]["support"] == "rewritten"


def test_the_targets_are_all_but_a_layers_own(capsys: pytest.CaptureFixture[str]) -> None:
    layers = in_json(capsys, "p")["layers"]
    names = {layer["framework"]: set(layer["targets"]) for layer in layers}
    assert names["pytorch"] ^ names["mxnet"] == {"pytorch", "mxnet"}
    (same,) = in_json(capsys, "p/notebook.ipynb", "--to", "pytorch")["layers"]
    assert same["targets"] == {"pytorch": {"support": "native", "reason": None, "known": []}}


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ((), ["mxnet-one-output-channel-gradient"]),
        (("--dtype", "float16"), ["mxnet-float16-cpu"]),
        (("--dtype", "float64"), []),
        (("--dtype", "bfloat16"), []),
        (("--device", "cuda"), []),
        (("--device", "cuda", "--dtype", "float16"), []),
    ],
)
def test_known_bugs_are_those_of_the_dtype_and_the_device(
    capsys: pytest.CaptureFixture[str], options: Sequence[str], known: list[str]
) -> None:
    layer = in_json(capsys, "p", "--to", "mxnet", *options)["layers"][0]
    assert layer["targets"]["mxnet"]["known"] == known


def test_the_dtype_decides_what_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    made({"q/dilated.py": "nn.ConvTranspose2d(4, 6, 3, dilation=2)"})
    supports = {
        dtype: in_json(capsys, "q", "--to", "tensorflow", "--dtype", dtype)["layers"][0]["targets"]
        for dtype in ("float32", "float64")
    }
    assert [each["tensorflow"]["support"] for each in supports.values()] == ["native", "rewritten"]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), OK),
        (("--to", "mxnet", "--fail-on", "unsupported"), OK),
        (("--to", "wolfram", "--fail-on", "unsupported"), BAD),
        (("--to", "wolfram", "--fail-on", "known", "--fail-on", "rewritten"), OK),
        (("--to", "mxnet", "--fail-on", "known"), BAD),
        (("--to", "mxnet", "--fail-on", "known", "--device", "cuda"), OK),
        (("--to", "mxnet", "--fail-on", "rewritten"), OK),
        (("--to", "tensorflow", "--fail-on", "rewritten"), BAD),
    ],
)
def test_a_layers_fate_fails_a_run_that_asks_for_it(
    capsys: pytest.CaptureFixture[str], options: Sequence[str], status: int
) -> None:
    printed(capsys, "p", *options, status=status)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "p", "--to", "mxnet", "--to", "wolfram", "--to", "tensorflow")
    table, *sections = lines.split("\n\n")
    rows = [re.split(r"  +", line) for line in table.splitlines()]
    assert rows[0] == ["place", "name", "operator", "mxnet", "tensorflow", "wolfram"]
    assert rows[1] == [
        *("p/layers.py:5", "self.first", "32 -> 1 channels, kernel 3x4, stride 2, no bias"),
        *("bug", "yes", "yes"),
    ]
    assert rows[2][-3:] == ["yes", "rewritten", "no"]
    assert rows[3][-3:] == ["yes", "asks", "asks"]
    assert rows[4][0] == "p/net-symbol.json:up"
    assert rows[5][0] == "p/notebook.ipynb:cell 2:2"
    no, bug, asks, rewritten, elsewhere, unread, summary = sections
    assert no.splitlines() == [
        "no: cannot be written",
        "  wolfram: DeconvolutionLayer has kernels {s} and {h, w} only: not 3 axes.",
        "    p/layers.py:6",
    ]
    assert bug.splitlines()[1].startswith(
        "  mxnet: mxnet-one-output-channel-gradient (ERRORED grad_x, grad_w, grad_b): With one"
    )
    assert asks.splitlines()[1].startswith(
        "  wolfram, tensorflow: what is to be written depends on"
    )
    assert rewritten.startswith("rewritten: takes more than one call\n  tensorflow: tf.nn's")
    assert "mxnet-float16-cpu (float16, cpu), 5 layers: MXNet has no half" in elsewhere
    assert unread.splitlines()[0] == "not read"
    assert len(unread.splitlines()) == 5
    assert summary == (
        "5 layers in 8 files, 3 targets, float32 on a CPU: 10 yes, 1 rewritten, 1 bug, 2 asks, "
        "1 no; 4 not read.\n"
    )


def test_alike_reasons_are_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    made({f"q/{n}.py": "nn.ConvTranspose3d(4, 6, 2)" for n in range(5)})
    lines = printed(capsys, "q", "--to", "wolfram").splitlines()
    assert sum("not 3 axes" in line for line in lines) == 1
    assert "    q/0.py:1, q/1.py:1, q/2.py:1 and 2 more" in lines


def test_a_project_without_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "p/nothing.py") == "0 layers in 1 file; 0 not read.\n"


def test_markdown_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    made({"p/a|<b>.py": "nn.ConvTranspose3d(4, 6, 2)"})
    printed(capsys, "p", "--to", "wolfram", "--markdown", "audit.md")
    text = Path("audit.md").read_text()
    lines = text.splitlines()
    assert lines[0] == "# Transposed convolutions in other frameworks"
    assert "| place | name | from | operator | wolfram |" in lines
    assert (
        "| `p/layers.py:5` | self.first | pytorch | 32 -> 1 channels, kernel 3x4, stride 2, no "
        "bias | yes |"
    ) in lines
    assert r"| `p/a\|<b>.py:1` |  | pytorch |" in text
    assert "## No: cannot be written" in lines
    assert "## Not read" in lines
    assert printed(capsys, "p", "--to", "wolfram", "--markdown", "-") == text


def test_sarif_has_a_result_for_each_layer_and_fate(capsys: pytest.CaptureFixture[str]) -> None:
    log = json.loads(printed(capsys, "p", "--to", "mxnet", "--to", "wolfram", "--sarif", "-"))
    (run,) = log["runs"]
    identifiers = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert identifiers == ["unsupported", "known", "undecided", "rewritten", "unread"]
    assert run["invocations"] == [{"executionSuccessful": True}]
    found = []
    for one in run["results"]:
        assert identifiers[one["ruleIndex"]] == one["ruleId"]
        place = one["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        uri, line = place["artifactLocation"]["uri"], place["region"]["startLine"]
        found.append((one["ruleId"], one["level"], uri, line))
    assert found == [
        ("known", "warning", "p/layers.py", 5),
        ("unsupported", "error", "p/layers.py", 6),
        ("undecided", "note", "p/layers.py", 7),
        ("unread", "warning", "p/binary.m", 1),
        ("unread", "warning", "p/broken.py", 2),
        ("unread", "warning", "p/named.py", 3),
        ("unread", "warning", "p/net-symbol.json", 1),
    ]
    texts = [one["message"]["text"] for one in run["results"]]
    assert texts[1].splitlines() == [
        "self.second: c -> 6 channels, kernel 2x2x2, stride 1, 2 groups, bias",
        "wolfram: DeconvolutionLayer has kernels {s} and {h, w} only: not 3 axes.",
    ]
    fingerprints = [one["partialFingerprints"]["deconform/v1"] for one in run["results"]]
    assert len(set(fingerprints)) == len(fingerprints)


def test_sarif_of_a_notebook_names_the_cell(capsys: pytest.CaptureFixture[str]) -> None:
    cell = {"cell_type": "code", "source": "\n\nnn.ConvTranspose3d(4, 2, 3)"}
    made({"q/n.ipynb": json.dumps({"cells": [cell]})})
    log = json.loads(printed(capsys, "q", "--to", "wolfram", "--sarif", "-"))
    (result,) = log["runs"][0]["results"]
    assert result["message"]["text"].startswith("In q/n.ipynb:cell 1:3. 4 -> 2 channels")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_fingerprints_stay_where_lines_move(capsys: pytest.CaptureFixture[str]) -> None:
    def fingerprints() -> list[str]:
        log = json.loads(printed(capsys, "q", "--to", "wolfram", "--sarif", "-"))
        return [one["partialFingerprints"]["deconform/v1"] for one in log["runs"][0]["results"]]

    two = "a = nn.ConvTranspose3d(4, 2, 3)\nb = nn.ConvTranspose3d(4, 2, 3)\n"
    made({"q/a.py": two})
    before = fingerprints()
    made({"q/a.py": f"# moved\n\n{two}"})
    assert fingerprints() == before
    assert len(set(before)) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "error: there is no file or folder nowhere."),
        (["p", "--to", "torch"], "unknown framework 'torch'. Did you mean 'pytorch'?"),
        (["p", "--to", "benchdnn"], "unknown framework 'benchdnn'"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], says: str
) -> None:
    assert says in printed(capsys, *arguments, status=USAGE)


@pytest.mark.slow
def test_two_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "_FEW_FILES", 1)
    known = load_limitations()
    one, two = (audit(["p"], Wanted(), known, processes=count) for count in (1, 2))
    assert one == two
    assert len(one.layers) == 5


def ends(source: Source, _wanted: Wanted) -> ReadFile:
    """Read a file in a process that one of the files ends."""
    if source.path.endswith("broken.py"):
        os._exit(3)
    return read_file(source, Wanted())


@pytest.mark.slow
def test_a_file_that_ends_its_process_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = audit(["p"], Wanted())
    monkeypatch.setattr(auditing, "_FEW_FILES", 1)
    monkeypatch.setattr(auditing, "read_file", ends)
    found = audit(["p"], Wanted(), processes=2)
    assert found.layers == expected.layers
    assert [each.error for each in found.unread if each.file == "p/broken.py"] == [
        "what read it ended: it may take more memory than there is."
    ]
    assert len(found.unread) == len(expected.unread)


def test_a_file_that_takes_too_long_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: Any, **__: Any) -> list[Any]:
        while True:
            pass

    monkeypatch.setattr(reading, "look_up_texts", hangs)
    found = audit(["p/layers.py", "p/net-symbol.json"], Wanted(seconds=0.2))
    assert [layer.file for layer in found.layers] == ["p/net-symbol.json"]
    assert found.unread[0].error == "it takes more than 0.2 s to read."


def test_progress_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(capsys, "p")  # Which asserts that nothing goes to stderr
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["audit", "p", "--to", "mxnet", "--json"]) == OK
    captured = capsys.readouterr()
    assert "reading" in captured.err
    assert len(json.loads(captured.out)["layers"]) == 5


def test_nothing_from_outside_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    made({"p/\x1b[2J.py": "nn.ConvTranspose2d(4, 6, 2, '\x1b[31m')"})
    assert "\x1b" not in printed(capsys, "p")


HOSTILE = {
    "deep.py": "nn.ConvTranspose2d(" + "(" * 100_000,
    "huge-number.py": f"nn.ConvTranspose2d({'9' * 5000}, 2, 3)",
    "comments.wl": "DeconvolutionLayer" + "(*" * 200_000,
    "quotes.m": "transposedConv2dLayer" + "'\n" * 100_000,
    "null.py": "nn.ConvTranspose2d(4, 2, 3)\n\0",
    "no.ipynb": '{"cells": [{"source": ["nn.ConvTranspose2d(4, 2, 3)"], "cell_type": 3}, 5]}',
    "long.py": "x = nn.ConvTranspose2d\n" * 90_000,
    "surrogate.py": "nn.ConvTranspose2d(4, 2, '\ud800')".encode("utf-8", "surrogatepass").decode(
        "latin-1"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_or_unread(name: str) -> None:
    made({f"q/{name}": HOSTILE[name]})
    found = audit(["q"], Wanted(), load_limitations())
    assert found.layers or found.unread


def test_known_limitations_name_their_framework_only() -> None:
    found = audit(["p"], Wanted(), load_limitations())
    for _, name, fate in found.fates():
        for id_ in (*fate.known, *fate.elsewhere):
            assert found.limitations[id_].framework == name


def layer_of(text: str) -> AuditedLayer:
    made({"q/x.py": text})
    (layer,) = audit(["q"], Wanted(), load_limitations()).layers
    return layer


def test_a_bias_that_depends_on_a_name_stays_one() -> None:
    layer = layer_of("def f(b):\n    return nn.ConvTranspose3d(4, 6, 2, bias=b)")
    assert (layer.shown["bias"], layer.descriptor) == ("b", None)
    assert layer.words.endswith(", bias where b")
    assert layer.targets["wolfram"].support == "unsupported"
    assert layer.targets["mxnet"].support == "native"


# A call that other operators have too is one of ours only in a text with another name.
NEXT_TO: Mapping[str, str] = {
    "ai_edge_litert.schema_py_generated.Conv3DOptionsT": "BuiltinOperator.CONV_3D_TRANSPOSE"
}


@pytest.mark.parametrize("framework", known_names())
def test_a_file_with_any_call_is_read(framework: str, tmp_path: Path) -> None:
    file = tmp_path / "text"
    for form in convention(framework).forms:
        file.write_text(f"{form.name}({form.makes!r}) {NEXT_TO.get(form.name, '')}")
        assert reading.may_hold_layers(Source(str(file), is_given=False))
