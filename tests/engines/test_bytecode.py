"""Texts that are compiled for a worker mean what they mean where it compiles them itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from harness.core.program import Section
from harness.engines import bytecode, channel
from harness.engines.bytecode import Bytecode
from harness.engines.job import Arrays, Job, Outcome, Raised
from harness.engines.process import Engine
from harness.engines.request import Image, written

X = np.arange(1, 4)


@pytest.fixture(params=["compiled here", "by itself"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    if request.param == "by itself":
        monkeypatch.setattr(bytecode, "_VERSION", "that of another Python")
    with closing(Engine([sys.executable], "json", timeout=60)) as engine:
        engine.start()
        yield engine


def run(engine: Engine, *texts: str) -> list[Outcome]:
    jobs = [Job(n, "k = 2", Section("", t, ""), {"x": X}, ("y",), ()) for n, t in enumerate(texts)]
    return [outcome for _, outcome in engine.run(jobs)]


def test_a_text_is_executed_as_it_stands_each_time(engine: Engine) -> None:
    texts = ["y = x * k", "y = x * (k + 1)", "y = x * k", "def f(x: no.such): return x\ny = f(x)"]
    results = run(engine, *texts)
    assert all(isinstance(each, Arrays) for each in results)
    values = [each.outputs["y"].tolist() for each in results if isinstance(each, Arrays)]
    assert values == [[2, 4, 6], [3, 6, 9], [2, 4, 6], [1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("y = (", "SyntaxError", "<call>"),
        ("y = x\nraise KeyError('k')", "KeyError", 'File "<call>", line 2'),
        ("y = '\0'", ("SyntaxError", "ValueError"), "null bytes"),
    ],
)
def test_what_cannot_be_executed_is_told_by_the_worker(
    engine: Engine, text: str, kind: str | Sequence[str], told: str
) -> None:
    for outcome in run(engine, text, text):
        assert isinstance(outcome, Raised)
        assert outcome.section == "call"
        assert outcome.kind in ((kind,) if isinstance(kind, str) else kind)
        assert told in outcome.message + outcome.traceback


def test_a_text_is_sent_as_code_once_to_each_worker_of_this_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[Any] = []

    def noted(message: Any, image: Image) -> list[Any]:
        requests.append(message)
        return written(message, image)

    monkeypatch.setattr(channel, "written", noted)
    for _ in range(2):
        requests.clear()
        with closing(Engine([sys.executable], "json", timeout=60)) as engine:
            run(engine, "y = x * k", "y = x")
        codes = [request["code"] for request in requests if request["op"] == "run"]
        lengths = [[bool(each) for each in code] for code in codes]
        assert lengths == [[True, False, True, False], [False, False, True, False]]


def test_a_worker_of_another_python_is_sent_none() -> None:
    for answer in ({}, {"bytecode": "cb0d0d0b"}, {"bytecode": None}):
        ours = Bytecode()
        ours.started(answer)
        assert ours.of([("call", "y = x")]) == {}
