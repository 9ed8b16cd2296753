"""An engine whose processes are programs of the user's own: configurations go in, arrays come out.

The programs here are scripts of a few lines, each honest or wrong in one way.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from harness.core.program import Section
from harness.engines import protocol
from harness.engines.executable import executable
from harness.engines.job import (
    MISBEHAVIOUR,
    REFUSED,
    Arrays,
    Crashed,
    EngineBrokenError,
    EngineUnavailableError,
    Held,
    Job,
    Raised,
    TimedOut,
    Timing,
)
from harness.engines.process import Engine

ARGUMENTS = {"stride": (2,), "dilation": (1,), "crop": ((0, 1),), "groups": 1}
X = np.arange(3, dtype=np.float32).reshape(1, 1, 3)

# Reads a request, keeps its line in a file, and answers what ANSWERS says of its `op`; an array
# `y` is the input `x` as it came.
SCRIPT = """
import json, os, signal, sys, time
ANSWERS = {
    "start": {"op": "started", "version": "1.0"},
    "run": {"op": "result"},
    "hold": {"op": "held"},
    "time": {"op": "timed", "seconds": 0.5},
    "drop": {"op": "dropped"},
}
class Refusal(Exception): pass
def before(message, blobs): pass
def after(message, blobs): pass
#
while line := sys.stdin.buffer.readline():
    message = json.loads(line)
    with open("requests.jsonl", "ab") as file:
        file.write(line)
    read = sys.stdin.buffer.read
    blobs = {each["name"]: (each, read(each["nbytes"])) for each in message["arrays"]}
    before(message, blobs)
    answer = {**ANSWERS[message["op"]], "id": message["id"]}
    blob = b""
    if answer["op"] == "result":
        about, blob = blobs["x"]
        answer["arrays"] = [{**about, "name": "y"}]
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\\n" + blob)
    sys.stdout.buffer.flush()
    after(message, blobs)
"""


def program(folder: Path, lie: str = "", **options: Any) -> Engine:
    (folder / "program.py").write_text(SCRIPT.replace("\n#\n", f"\n{lie}\n"))
    command = [sys.executable, "-I", "-S", "program.py"]
    return Engine(
        command, is_program=True, timeout=options.pop("timeout", 60), folder=folder, **options
    )


def job(key: str = "a", x: Any = X, checks: tuple[str, ...] = ("shape", "value")) -> Job:
    return Job(key, "", Section("", "", ""), {"x": x}, ("y",), checks, arguments=ARGUMENTS)


def outcomes(engine: Engine, *jobs: Job) -> list[Any]:
    with closing(engine):
        return [outcome for _, outcome in engine.run(jobs)]


def requests(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]


def test_it_is_sent_configurations_that_fit_the_schema(tmp_path: Path) -> None:
    with closing(program(tmp_path, threads=2)) as engine:
        info = engine.start()
        ((_, outcome),) = engine.run([job()])
        gradient = Job("a", "", Section("", "", ""), {"x": X, "dy": X}, ("dx",), (), arguments={})
        ((_, lacking),) = engine.run([gradient])
        held = Held("forward", [], "", {"x": X}, arguments=ARGUMENTS, outputs=("y",))
        assert engine.hold(held) is None
        assert engine.time("forward", 2) == Timing(0.25, 0.25)
        engine.drop("forward")
    assert (info.version, info.engine, info.device) == ("1.0", Path(sys.executable).name, "cpu")
    assert isinstance(outcome, Arrays)
    np.testing.assert_array_equal(outcome.outputs["y"], X)
    assert lacking == Raised("call", MISBEHAVIOUR, "leaves dx out of its result")
    sent = requests(tmp_path)
    assert [each["op"] for each in sent] == ["start", "run", "run", "hold", "time", "drop"]
    start, run, backward, hold, *_ = sent
    assert start == {
        "op": "start",
        "id": 1,
        "protocol": 1,
        "device": "cpu",
        "threads": 2,
        "arrays": [],
    }
    canonical = {"stride": [2], "dilation": [1], "crop": [[0, 1]], "groups": 1}
    assert (run["direction"], run["arguments"], run["outputs"]) == ("forward", canonical, ["y"])
    assert backward["direction"] == "gradient"
    assert (hold["key"], hold["arguments"]) == ("forward", canonical)
    validator = Draft202012Validator(protocol.schema())
    assert [each for each in sent if not validator.is_valid(each)] == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"op": "refused", "message": "no groups"}, Raised("call", REFUSED, "no groups")),
        ({"op": "raised", "message": "é"}, Raised("call", "Error", "é")),
        (
            {"op": "raised", "message": "no", "type": "E", "section": "s", "traceback": "t"},
            Raised("call", "E", "no", "t"),
        ),
    ],
)
def test_it_may_refuse_or_raise(tmp_path: Path, answer: dict[str, str], outcome: Raised) -> None:
    engine = program(tmp_path, f"ANSWERS['run'] = ANSWERS['hold'] = {answer}")
    assert outcomes(engine, job()) == [outcome]


def test_what_it_says_of_itself_has_a_bound(tmp_path: Path) -> None:
    with closing(program(tmp_path, "ANSWERS['start']['engine'] = 'x' * 500_000")) as engine:
        assert engine.start().engine == "x" * 500


def test_one_that_does_not_hold_is_not_timed(tmp_path: Path) -> None:
    lie = "ANSWERS['hold'] = {'op': 'refused', 'message': 'it cannot be timed'}"
    with closing(program(tmp_path, lie)) as engine:
        held = Held("forward", [], "", {"x": X}, arguments=ARGUMENTS)
        assert engine.hold(held) == Raised("call", REFUSED, "it cannot be timed")


def test_a_device_that_it_refuses_is_missing(tmp_path: Path) -> None:
    lie = "ANSWERS['start'] = {'op': 'refused', 'message': 'no such GPU'}"
    with closing(program(tmp_path, lie, device="cuda")) as engine:
        with pytest.raises(EngineUnavailableError, match="no such GPU") as error:
            engine.start()
        assert not isinstance(error.value, EngineBrokenError)
    assert requests(tmp_path)[0]["device"] == "cuda"
    with closing(program(tmp_path, lie)) as engine, pytest.raises(EngineBrokenError):
        engine.start()


# What it does wrong in its first process; the second is honest.
ONCE = "if os.path.exists('was'): return\n    if message['op'] == 'run': open('was', 'w').close(); "
WRONG = {
    "prints": ("before", "print('hello', flush=True)", "b'hello.*is no JSON"),
    "answers twice": (
        "after",
        "print(json.dumps({**answer, 'arrays': []}), flush=True)",
        "answers 2",
    ),
    "closes its output": ("before", "os.close(1); time.sleep(60)", "closed its output"),
    "is killed": ("before", "os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "ends": ("before", "sys.exit('no\\nmore')", r"exit status 1\).*its last line was: more"),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_what_it_does_wrong_costs_the_check_in_flight(tmp_path: Path, wrong: str) -> None:
    where, deed, reason = WRONG[wrong]
    lie = f"def {where}(message, blobs):\n    {ONCE}{deed}"
    results = outcomes(program(tmp_path, lie), job("a"), job("b"), job("c"))
    (crash,) = [each for each in results if not isinstance(each, Arrays)]
    assert isinstance(crash, Crashed)
    assert re.search(reason, crash.reason, re.DOTALL)
    assert len(results) == 4


@pytest.mark.slow
def test_one_that_never_answers_is_late(tmp_path: Path) -> None:
    lie = f"def before(message, blobs):\n    {ONCE}time.sleep(60)"
    with closing(program(tmp_path, lie)) as engine:
        engine.start()
        engine.timeout = 1.0
        results = engine.run([job("a"), job("b")])
        _, late = next(results)
        engine.timeout = 60  # However long another takes to start
        others = [outcome for _, outcome in results]
    assert late == TimedOut(1.0)
    assert [type(each) for each in others] == [Arrays, Arrays]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with files that cannot be started."""
    (tmp_path / "text").write_text("#!/bin/sh\n")
    (tmp_path / "nothing").write_text("#!/no/such/interpreter\n")
    (tmp_path / "nothing").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("./missing", "./missing: there is no file .*/missing"),
        ("./text", "is not executable: chmod [+]x it, or name what executes it before it"),
        ("../", "is a folder, not a program"),
        ("text", "no such program on PATH; write ./text for the file in "),
        ("python3 x.py", r"no such program on PATH; a command is a list: \[python3, x.py\]"),
        ("no-such-program", "no such program on PATH$"),
        ("./nothing", "No such file or directory"),
    ],
)
def test_a_command_that_cannot_be_started_says_why(folder: Path, first: str, reason: str) -> None:
    engine = Engine([first], is_program=True, timeout=60, folder=folder)
    with closing(engine), pytest.raises(EngineBrokenError, match=reason):
        engine.start()


def test_a_program_may_be_in_ones_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "worker").touch(0o755)
    assert executable("~/worker", Path("/"), {}) == str(tmp_path / "worker")


def test_a_command_is_no_text_for_a_shell(tmp_path: Path) -> None:
    """Its file is relative to the folder, and its arguments arrive as they are."""
    file = tmp_path / "a program"
    says_words = "ANSWERS['start']['engine'] = repr(sys.argv[1:])"
    file.write_text(f"#!{sys.executable}\n" + SCRIPT.replace("\n#\n", f"\n{says_words}\n"))
    file.chmod(0o755)
    words = ["a b", "$HOME", ";", "*", "'\""]
    with closing(
        Engine(["./a program", *words], is_program=True, timeout=60, folder=tmp_path)
    ) as engine:
        assert engine.start().engine == repr(words)
