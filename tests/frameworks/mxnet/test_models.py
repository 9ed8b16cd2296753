"""Symbols that MXNet saves are read as what was called to make them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InputError
from harness.core.operators import Operator
from harness.lookup.answer import LookUp
from harness.lookup.models import NodeError, is_model, read_model
from harness.lookup.reading import supply

# What Gluon 1.9.1 exports, without what no reader looks at.
NODES: Any = [
    {"op": "null", "name": "data", "inputs": []},
    {"op": "null", "name": "conv0_weight", "attrs": {"__shape__": "(16, 0, 3, 3)"}, "inputs": []},
    {
        "op": "Convolution",
        "name": "conv0_fwd",
        "attrs": {"kernel": "(3, 3)", "layout": "NCHW", "num_filter": "16"},
        "inputs": [[0, 0, 0], [1, 0, 0]],
    },
    {"op": "Activation", "name": "relu", "attrs": {"act_type": "relu"}, "inputs": [[2, 0, 0]]},
    {"op": "null", "name": "conv1_weight", "attrs": {"__shape__": "(0, 3, 3, 5)"}, "inputs": []},
    {
        "op": "Deconvolution",
        "name": "conv1_fwd",
        "attrs": {
            "adj": "(1, 2)",
            "dilate": "(1, 1)",
            "kernel": "(3, 5)",
            "layout": "NCHW",
            "no_bias": "True",
            "num_filter": "3",
            "num_group": "1",
            "pad": "(1, 2)",
            "stride": "(2, 3)",
            "__ctx_group__": "dev1",
        },
        "inputs": [[3, 0, 0], [4, 0, 0]],
    },
]


def saved(folder: Path, nodes: Any = NODES, name: str = "net-symbol.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"nodes": nodes, "arg_nodes": [0], "heads": [[5, 0, 0]]}))
    return path


def test_a_node_is_read_as_the_call_that_made_it(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert is_model(path)
    (look,) = read_model(path, "net-symbol.json", ["pytorch"])
    assert isinstance(look, LookUp)
    assert look.reading.name == "conv1_fwd"
    assert look.reading.line == 0
    assert look.reading.framework == "mxnet"
    crop = ((1, 0), (2, 0))
    operator = Operator.of(16, 3, (3, 5), stride=(2, 3), crop=crop, bias=False)
    assert look.reading.operator == operator  # The channels are those of conv0_fwd
    assert [each.framework for each in look.translations] == ["pytorch"]


@pytest.mark.parametrize("key", ["attr", "param"])
def test_older_versions_have_other_names_for_attributes(tmp_path: Path, key: str) -> None:
    nodes = [{key: node.get("attrs", {}), **node} for node in NODES]
    for node in nodes:
        node.pop("attrs", None)
    (look,) = read_model(saved(tmp_path, nodes), "old")
    assert isinstance(look, LookUp)
    assert look.descriptor == "ic16_oc3_k3x5_s2x3_c1.0x2.0"


def test_unknown_channels_stay_a_name(tmp_path: Path) -> None:
    nodes = [*NODES[:3], {**NODES[3], "op": "Reshape"}, *NODES[4:]]
    (look,) = read_model(saved(tmp_path, nodes), "net")
    assert isinstance(look, LookUp)
    assert look.names == ("in_channels",)


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"input": (1, 8, 5, 5)}, "and input 1,8,5,5 has 8; they must agree."),
        ({"weight": (8, 3, 3, 5)}, "and weight 8,3,3,5 has 8; they must agree."),
    ],
)
def test_shapes_that_contradict_the_model_are_refused(
    given: Any, fact: str, tmp_path: Path
) -> None:
    (refused,) = read_model(saved(tmp_path), "net", supplied=supply(**given))
    assert str(refused) == f"conv1_fwd: the model gives 16 channels to conv1_fwd, {fact}"


def test_a_node_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    bad = {**NODES[5], "name": "bad", "attrs": {"kernel": "(3, 5)", "num_filter": "zero"}}
    refused, look = read_model(saved(tmp_path, [*NODES[:5], bad, NODES[5]]), "net")
    assert isinstance(refused, NodeError)
    assert refused.name == "bad"
    assert refused.fact == "num_filter must be an integer, found 'zero'."
    assert isinstance(look, LookUp)


def test_a_symbol_without_any_has_no_answers(tmp_path: Path) -> None:
    assert read_model(saved(tmp_path, NODES[:4]), "net") == []


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ('{"nodes": [{"op": ', "net-symbol.json is no JSON: Expecting value"),
        ('{"nodes": [{"op": 3}]}', "net-symbol.json is no symbol of MXNet: it has no list"),
        ('{"nodes": [{"op": "null"}' + ', {"a":[' + "[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_no_symbol_is_refused(tmp_path: Path, content: str, fact: str) -> None:
    path = tmp_path / "net-symbol.json"
    path.write_text(content)
    assert is_model(path)
    with pytest.raises(InputError) as caught:
        read_model(path, path.name)
    assert fact in str(caught.value)


def test_other_json_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "package.json"
    path.write_text('{"name": "nodes", "op": 1}')
    assert not is_model(path)
    with pytest.raises(
        InputError, match=r"package\.json is no \.json model that is known here: its 26 bytes"
    ):
        read_model(path, path.name)
