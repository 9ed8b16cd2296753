"""The page about the protocol: its tables, its examples and its program are true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from protocol_schema import documents

from harness.conformance.worker_check import Mark, check_worker
from harness.doors.implementation import load_implementation
from harness.engines import protocol

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(protocol.schema())


def test_what_is_written_from_the_table_is_up_to_date() -> None:
    # After a change of harness/engines/protocol.py: python tools/protocol_schema.py
    for path, content in documents(ROOT).items():
        assert path.read_text(encoding="utf-8") == content


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


def examples() -> list[dict[str, Any]]:
    lines = re.findall(r"^ *(?:[<>] )?(\{\"op\".*\})(?:\\n)?$", PAGE, re.MULTILINE)
    return [json.loads(line) for line in lines]


def test_the_examples_are_messages_of_every_kind() -> None:
    for example in examples():
        VALIDATOR.validate(example)
        if example["op"] in protocol.ANSWERS:
            protocol.check_answer(example, [example["op"]])
        else:
            protocol.check_fields(example, protocol.REQUESTS[example["op"]].fields)
    assert {each["op"] for each in examples()} == {*protocol.REQUESTS, *protocol.ANSWERS}


def test_the_session_says_how_many_bytes_follow() -> None:
    (session,) = re.findall(r"^```\n(> .*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    lines = session.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line[2] == "{":
            nbytes = sum(each["nbytes"] for each in json.loads(line[2:]).get("arrays", []))
            assert (following == f"{line[0]} {nbytes} bytes") == bool(nbytes)


@pytest.mark.parametrize(
    ("message", "is_right"),
    [
        ({"op": "started", "version": "1"}, True),
        ({"op": "started", "version": 1}, False),
        ({"op": "started"}, False),
        ({"op": "started", "version": "1", "later": []}, True),
        ({"op": "result", "seconds": {"call": 1}}, True),
        ({"op": "result", "seconds": {"call": -1}}, False),
        ({"op": "result", "seconds": None}, False),
        ({"op": "held", "peak_bytes": None}, True),
        ({"op": "held", "peak_bytes": True}, False),
        ({"op": "held", "peak_bytes": -1}, False),
        ({"op": "timed", "seconds": 0}, False),
        ({"op": "timed", "seconds": 1e10}, False),
        ({"op": "refused", "message": "no"}, True),
        ({"op": "refused"}, False),
        ({"op": "raised", "message": "no", "type": None}, False),
        ({"op": "ok"}, False),
    ],
)
def test_schema_and_checks_refuse_the_same(message: dict[str, Any], *, is_right: bool) -> None:
    assert VALIDATOR.is_valid(message | {"id": 1}) == is_right
    try:
        protocol.check_answer(message, protocol.ANSWERS)
    except ValueError:
        assert not is_right
    else:
        assert is_right


@pytest.mark.slow
def test_the_whole_program_speaks_the_protocol(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "worker.py").write_text(program)
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\ncommand: [{sys.executable}, worker.py]\nclaims: {{axes: [1]}}\n")
    findings = list(check_worker(load_implementation(file)))
    assert [finding for finding in findings if finding.mark == Mark.WRONG] == []
    marks = {finding.subject: finding.mark for finding in findings}
    assert marks["run, 1 axis"] == marks["4 requests at once"] == Mark.OK
    assert marks["run, 2 axes"] == marks["run, gradient"] == Mark.REFUSED
