"""The schema, which editors use, against the loader, which decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from spec_schema import documents
from suites import LIMITATIONS, case, limitations, load, refusal

from harness.suite.yaml_fields import SpecError

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SPECS / "schema.json").read_text()))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(validator().schema)


@pytest.mark.parametrize(
    "name",
    [
        *("specs/schema.json", "specs/implementation.json"),
        *("CONTRIBUTING.md", "docs/implementations.md"),
    ],
)
def test_what_is_written_from_the_table_of_keys_is_up_to_date(name: str) -> None:
    # After a change of harness/suite/keys.py: python tools/spec_schema.py
    root = SPECS.parent
    assert (root / name).read_text(encoding="utf-8") == documents(root)[root / name]


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def test_the_schema_describes_every_key_and_knows_no_other() -> None:
    schema = json.loads((SPECS / "schema.json").read_text())
    found = list(objects(schema))
    assert len(found) == 6  # suite, case, matrix, limitations, limitation and its conditions
    for one in found:
        assert one["additionalProperties"] is False
        for key, value in one["properties"].items():
            target = schema["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {})
            assert (value | target).get("description"), key


@pytest.mark.parametrize(
    "file", sorted(SPECS.rglob("*.yaml")), ids=lambda file: str(file.relative_to(SPECS))
)
def test_every_spec_fits_the_schema_and_names_it(file: Path) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    validator().validate(yaml.load(file.read_text(), loader))
    first = file.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (file.parent / first.partition("=")[2]).resolve() == SPECS / "schema.json"


FITS_NEITHER: dict[str, str] = {
    "unknown key": case("strid: 2"),
    "unknown key of the suite": "suite: s\nsorce: here\ncases: []",
    "no cases": "suite: s",
    "no suite": "cases: []",
    "no name": case().replace("name: a", "note: a"),
    "no input": case().replace("    input: [1, 2, 3]", ""),
    "no out_channels": case().replace("    out_channels: 4", ""),
    "no kernel": case().replace("    kernel: 3", ""),
    "no kernel, with a matrix": case("matrix: {stride: [1]}").replace("    kernel: 3", ""),
    "input of two": case().replace("[1, 2, 3]", "[1, 2]"),
    "input negative": case().replace("[1, 2, 3]", "[1, 2, -3]"),
    "input a number": case().replace("[1, 2, 3]", "3"),
    "kernel a float": case().replace("kernel: 3", "kernel: 3.5"),
    "kernel a boolean": case().replace("kernel: 3", "kernel: true"),
    "out_channels a list": case().replace("out_channels: 4", "out_channels: [4]"),
    "stride a text": case("stride: two"),
    "stride a boolean": case("stride: true"),
    "stride too deep": case("stride: [[2]]"),
    "dilation nothing": case("dilation:"),
    "crop of three sides": case("crop: [[1, 0, 2]]"),
    "crop of one side": case("crop: [[1]]"),
    "crop a float": case("crop: [[0.5, 0]]"),
    "groups a list": case("groups: [1]"),
    "bias an integer": case("bias: 1"),
    "dtype unknown": case("dtype: float8"),
    "fill unknown": case("fill: zeros"),
    "program unknown": case("program: both"),
    "output negative": case("output: [1, 4, -5]"),
    "x a number": case("x: 1"),
    "x of texts": case("x: [[[u, v, w], [x, y, z]]]"),
    "b of booleans": case("b: [true, true, false, true]"),
    "rejected an integer": case("groups: 3", "rejected: 1"),
    "rejected with an output": case("groups: 3", "rejected: true", "output: [1, 4, 5]"),
    "rejected with a program": case("groups: 3", "rejected: true", "program: documented"),
    "says without rejected": case("says: {pytorch: no way}"),
    "says with rejected: false": case("rejected: false", "says: {pytorch: no way}"),
    "says a number": case("groups: 3", "rejected: true", "says: {pytorch: 3}"),
    "matrix a list": case("matrix: [1]"),
    "matrix of names": case("matrix: {name: [b]}"),
    "matrix of no lists": case("matrix: {stride: 2}"),
    "matrix without values": case("matrix: {stride: []}"),
    "matrix of another kind": case("matrix: {stride: [two]}"),
    "a list": "[]",
    "a limitation in a suite": case() + "\nlimitations: []",
}


@pytest.mark.parametrize("text", FITS_NEITHER.values(), ids=FITS_NEITHER)
def test_schema_and_loader_refuse_the_same_suites(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(yaml.safe_load(text))
    refusal(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("framework: mxnet", ""),
        ("cases: grid/one", "case: grid/one"),
        ("cases: grid/one", "cases: [3]"),
        ("cases: grid/one", "cases:"),
        ("CRASHED", "BROKEN"),
        ("reason: It dies.", "reason: 3"),
        ("limitations:", "note: n\nlimitations:"),
        ("limitations:", "limitation:"),
    ],
)
def test_schema_and_loader_refuse_the_same_limitations(old: str, new: str) -> None:
    text = LIMITATIONS.replace(old, new, 1)
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(yaml.safe_load(text))
    with pytest.raises(SpecError):
        limitations(text)


@pytest.mark.parametrize(
    "text",
    [
        case(),
        case("stride: 2", "crop: [[1, 0]]", "output: [1, 4, 6]"),
        case("groups: 3", "rejected: true", "says: {pytorch: divisible}"),
        case("matrix: {stride: [1, [2]], crop: [0, [1], [[1, 0]]]}"),
        case("matrix: {kernel: [1, [2]]}").replace("    kernel: 3", ""),
        case("b: [1, 2.5, -3, 1.0e+2]"),
        "suite: s\ncases: []",
    ],
)
def test_schema_and_loader_take_the_same_suites(text: str) -> None:
    validator().validate(yaml.safe_load(text))
    load(text)
