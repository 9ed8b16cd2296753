"""``deconform translate`` of a model's file: answers under their nodes' names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.exit_statuses import OK, USAGE
from harness.cli.main import main

UP = {"kernel": "(4,)", "stride": "(2,)", "pad": "(1,)", "num_filter": "6", "no_bias": "False"}


def node(name: str, **attributes: str) -> Any:
    return {"op": "Deconvolution", "name": name, "attrs": UP | attributes, "inputs": [[0, 0, 0]]}


def model(folder: Path, *nodes: Any) -> str:
    data = {"op": "null", "name": "data", "attrs": {"__shape__": "(1, 4, 5)"}, "inputs": []}
    path = folder / "net-symbol.json"
    path.write_text(json.dumps({"nodes": [data, *nodes]}))
    return str(path)


def translated(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = OK) -> str:
    assert main(["translate", *arguments]) == status
    printed = capsys.readouterr()
    return printed.out if status == OK else printed.err


def test_answers_are_headed_by_file_and_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [node(name, num_group="5") for name in ("bad", "worse")]
    file = model(tmp_path, node("up1"), bad[0], node("up1/again"), bad[1])
    lines = translated(capsys, file, "--to", "pytorch").splitlines()
    table, lines = lines[:5], lines[6:]
    assert [row.split()[0] for row in table] == ["node", "up1", "bad", "up1/again", "worse"]
    assert lines[0] == f"{file}: up1, up1/again"
    assert lines[1].startswith("4 -> 6 channels, kernel 4, stride 2, crop 1, bias   MXNet")
    assert "    y_ = F.conv_transpose1d(x_, w_, b_, stride=2, padding=1)" in lines
    assert lines[-2] == f"{file}: bad, worse"
    assert lines[-1].startswith("groups 5 does not divide in_channels 4")


def test_more_than_three_have_a_table_of_nodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = model(tmp_path, *(node(f"up{n}", num_filter=str(n)) for n in range(1, 5)))
    lines = translated(capsys, file, "--to", "mxnet").splitlines()
    assert lines[0].split() == ["node", "operator", "input", "->", "output", "mxnet"]
    assert [line.split()[:4] for line in lines[1:5]] == [
        [f"up{n}", "4", "->", str(n)] for n in range(1, 5)
    ]


def test_json_has_the_node_in_the_place_of_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = model(tmp_path, node("up1"), node("bad", stride="(0,)"))
    whole = json.loads(translated(capsys, file, "--json"))
    (call,), (refused,) = whole["calls"], whole["refused"]
    assert (call["file"], call["node"], call["output"]) == (file, "up1", [1, 6, 10])
    assert "line" not in call
    assert refused["node"] == "bad"
    assert "stride [0] must be at least 1" in refused["error"]


def test_an_input_is_that_of_one_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = model(tmp_path, node("up1"))
    shape = ["--input", "2,4,7"]
    assert json.loads(translated(capsys, one, *shape, "--json"))["output"] == [2, 6, 14]
    two = model(tmp_path, node("up1"), node("up2"))
    assert translated(capsys, two, *shape, status=USAGE) == (
        f"error: {two} is a model with 2 transposed convolutions, and --input and --weight are "
        "those of one: pick it by --node NAME.\n"
    )
    picked = json.loads(translated(capsys, two, *shape, "--node", "up2", "--json"))
    assert (picked["node"], picked["output"]) == ("up2", [2, 6, 14])


@pytest.mark.parametrize(
    ("option", "fact"),
    [
        (["--line", "3"], "is a model, which has no lines: pick by --node NAME."),
        (["--from", "mxnet"], "is a model, and says itself whose it is: leave --from out."),
        (["--set", "k=3"], "is a model, which names no numbers: leave --set out."),
        (["--node", "up9"], "no transposed convolution is called up9; they are up1."),
    ],
)
def test_what_is_said_of_code_is_refused(
    option: list[str], fact: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = model(tmp_path, node("up1"))
    assert translated(capsys, file, *option, status=USAGE).endswith(f"{fact}\n")


def test_a_model_without_any_and_one_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = model(tmp_path)
    assert translated(capsys, file, status=USAGE) == (
        f"error: {file} is a model without a transposed convolution.\n"
    )
    file = model(tmp_path, node("up", num_filter="many"))
    assert translated(capsys, file, status=USAGE) == (
        "error: up: num_filter must be an integer, found 'many'.\n"
    )


def test_a_node_is_not_picked_in_code(capsys: pytest.CaptureFixture[str]) -> None:
    text = "nn.ConvTranspose1d(4, 6, 3)"
    assert translated(capsys, text, "--node", "up", status=USAGE) == (
        "error: --node up is for models: this is code; pick by --line.\n"
    )


def test_a_model_that_is_not_there_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert translated(capsys, "net.onnx", status=USAGE) == "error: there is no file net.onnx.\n"
