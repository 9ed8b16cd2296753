"""Every reader of what others write, in one table: how it is called, and what it can read.

A reader may raise :class:`harness.core.errors.InputError` and nothing else.  The tests hold them to
that with seeds that Hypothesis spoils, ``fuzz_parsers.py`` with many more.
"""

from __future__ import annotations

import asyncio
import atexit
import gzip
import io
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock
from urllib.parse import unquote

import numpy as np
import sqlalchemy
import yaml
from rich.console import Console
from starlette.types import ASGIApp, Message

from harness.conformance.difference import difference
from harness.conformance.export import (
    MAGIC,
    MANIFEST,
    ImportedColumn,
    check_known,
    export,
    imported,
)
from harness.conformance.pipeline import run_columns
from harness.convention.signature import Style
from harness.core.column_info import ColumnInfo
from harness.core.errors import InputError
from harness.doors.onnx_model import write_model
from harness.engines.worker import read_frame, write_frame
from harness.execution.column import Conditions
from harness.history.console import print_history
from harness.history.store import Selection, opened
from harness.lookup.answer import look_up
from harness.lookup.models import is_model, read_model
from harness.records.measurement import Measurement
from harness.records.record import Event, Footer, Header, Record
from harness.records.report_file import Report, as_line
from harness.records.status import Status
from harness.report.benchmark import print_benchmark
from harness.report.console import print_report
from harness.report.difference import print_difference
from harness.report.formats import formats, kind_of
from harness.server import worker
from harness.server.app import create_app
from harness.server.settings import Settings
from harness.suite.case import case_from_descriptor
from harness.suite.limitations import load_limitations
from harness.suite.specs import load_cases
from harness.weights import reader
from harness.weights.arrays import Contents
from harness.weights.files import read, write

SEEDS: Final = Path(__file__).with_name("seeds")
SPECS: Final = Path(__file__).parents[1] / "specs"
BETWEEN: Final = "=====\n"


class Reader(NamedTuple):
    """How a reader is called, and what it is given that it can read."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="deconform-readers-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _written(name: str, content: bytes) -> Path:
    path = _folder() / f"{os.getpid()}-{name}"
    path.write_bytes(content)
    return path


def _of_file(name: str, read_file: Callable[[Path], object]) -> Callable[[bytes], object]:
    return lambda content: read_file(_written(name, content))


def texts(name: str) -> list[bytes]:
    """Return the seeds of a file."""
    return [each.encode() for each in (SEEDS / f"{name}.txt").read_text("utf-8").split(BETWEEN)]


def calls(*documents: str) -> list[bytes]:
    """Return the calls that the specs have from the frameworks' documents."""
    suites = [yaml.safe_load((SPECS / f"documents/{name}.yaml").read_text()) for name in documents]
    cases = (case for suite in suites for case in suite["cases"])
    return [case["call"].encode() for case in cases if "call" in case]


def looked_up(content: bytes) -> object:
    """Look a text up for every framework, in both styles; answer what it asks for."""
    text, shapes = content.decode(errors="surrogateescape"), dict[str, Any]()
    styles: tuple[Style, ...] = ("function", "layer")
    while True:
        try:
            return json.dumps([look_up(text, style=style, **shapes).to_json() for style in styles])
        except InputError as error:
            if not isinstance(error.example, tuple) or error.asks in shapes:
                raise
            shapes[str(error.asks)] = error.example


def shown_report(path: Path) -> object:
    """Read a report and write it in every format of its kind, and as it differs from itself."""
    report, console = Report.read(path), Console(file=io.StringIO(), width=120)
    if report.measurements:
        print_benchmark(report, console, detail=True)
    else:
        print_report(report, console)
        print_difference(difference(report, report), console)
    return [one.written(report) for one in formats(kind_of(report)) if not one.missing]


def _reports() -> list[bytes]:
    ran, missing = ColumnInfo("2.4", "python", "3.11", "2.4", "cpu"), ColumnInfo(unavailable="no.")
    header = Header("0.1.0", "2026-01-02T03:04:05+00:00", {"numpy": ran, "mxnet": missing}, cases=1)
    case: dict[str, Any] = {"suite": "grid", "descriptor": "ic1_oc1_k2_n1_i3", "support": "native"}
    failed: dict[str, Any] = {"reason": "it differs", "diagnosis": "flipped", "evidence": {"of": 4}}
    times: dict[str, Any] = {"samples": (0.001, 0.002, 0.0015), "calls": 100, "peak_bytes": 10}
    sizes: dict[str, Any] = {"dtype": "float32", "batch": 1, "multiply_adds": 6, "nbytes": 28}

    def record(framework: str, check: str, status: Status, **fields: Any) -> Record:
        return Record("a", framework=framework, check=check, status=status, **case, **fields)

    def measured(direction: str) -> Measurement:
        given = case | sizes | times
        return Measurement("a", framework="numpy", direction=direction, status="MEASURED", **given)

    run: list[Event] = [
        *(header, record("numpy", "shape", Status.PASSED)),
        *(record("numpy", "value", Status.FAILED, **failed), record("mxnet", "y", Status.SKIPPED)),
    ]
    benchmark: list[Event] = [header, measured("forward"), measured("gradient"), Footer({}, 2.0)]
    return [_lines([*run, Footer({"PASSED": 1}, 1.25)]), _lines(benchmark), _lines(run)]


def _lines(events: Sequence[Event]) -> bytes:
    return "".join(map(as_line, events)).encode()


CASES: Final = [case_from_descriptor(word) for word in ("ic1_oc1_k2_n1_i3", "ic1_oc1_k2_b_n1_i2")]


def imported_result(path: Path) -> object:
    """Judge what programs left that ran elsewhere."""
    result = imported(path)
    return list(run_columns(check_known(result, CASES), [ImportedColumn(result, Conditions())]))


def _results() -> list[bytes]:
    """Results of exported programs, as the scripts of MATLAB and Wolfram write them."""
    answers = {
        "matlab": (
            b"R2026a\nMATLAB",
            b"result\n0.5 0 0 0\ny single 1 1 4\n\n" + np.ones(4, "float32").tobytes(),
            b"result\n0.5 0 0 0\ndx single 1 1 3\ndw single 1 1 2\n\n" + bytes(20),
            b"raised\ncall\nan:error\nit is wrong",
        ),
        "wolfram": (
            *(b'{"14.2", "Wolfram"}', b"result\ny {{{1., 2., 3., 4*^-1}}}"),
            *(b"result\ndx {{{1, 2, 3}}}\ndw {{{1, 2}}}", b"raised\ncall"),
        ),
    }
    results = []
    for framework, chunks in answers.items():
        with tempfile.TemporaryDirectory(dir=_folder()) as folder:
            export(CASES, framework, Path(folder))
            every = ((Path(folder) / MANIFEST).read_bytes(), *chunks)
        results.append(MAGIC + b"".join(b"%d\n%s" % (len(chunk), chunk) for chunk in every))
    return results


def _weights(suffix: str) -> list[bytes]:
    path, w = _folder() / f"seed{suffix}", np.arange(96, dtype="float32").reshape(4, 6, 2, 2)
    bias = {} if suffix == ".npy" else {"bias": np.arange(6.0)}
    write(path, Contents({"weight": w, **bias}))
    return [path.read_bytes()]


def _onnx() -> list[bytes]:
    x, w = np.zeros((1, 4, 5, 5), "float32"), np.arange(96, dtype="float32").reshape(4, 6, 2, 2)
    shape: dict[str, Any] = {"stride": (2, 2), "dilation": (1, 1), "crop": ((1, 0), (0, 1))}
    return [write_model(x, w, w[0, :, 0, 0], **shape, groups=1, initializers=True)]


def modelled(path: Path) -> object:
    """Look up every layer of a model."""
    return read_model(path, path.name, ["pytorch"]) if is_model(path) else None


def wxf(path: Path) -> object:
    """Read a file as its own process does, but in this one, where what runs is seen."""
    out = io.BytesIO()
    reader.main(path, out, lambda: None)
    about = json.loads(out.getvalue().partition(b"\n")[0])
    if "arrays" not in about:
        raise InputError(str(about))
    return about


def _frame(content: bytes) -> object:
    """Read a frame of a worker's answer, whose errors cost that worker its record."""
    try:
        return read_frame(io.BytesIO(content))
    except (ValueError, EOFError) as error:
        raise InputError(str(error)) from None


def _frames() -> list[bytes]:
    arrays = {"y": np.arange(6.0).reshape(1, 2, 3), "dx": np.zeros((2, 0), "float32")}
    stream = io.BytesIO()
    write_frame(stream, {"op": "result", "id": 1, "seconds": {"call": 0.5}}, arrays)
    return [stream.getvalue()]


async def _answer(_: object, line: bytes, _client: str) -> bytes:
    return json.dumps(worker.answer(json.loads(line))).encode()


@cache
def _service() -> tuple[asyncio.AbstractEventLoop, ASGIApp, object]:
    """Return a running service that looks up in this process."""
    mock.patch("harness.server.workers.Workers.ask", _answer).start()
    loop, app = asyncio.new_event_loop(), create_app(Settings())
    started, ended = loop.create_future(), loop.create_future()

    async def receive() -> Message:
        return {"type": "lifespan.startup"} if not started.done() else await ended

    async def send(message: Message) -> None:
        started.set_result(message)

    life = app({"type": "lifespan"}, receive, send)
    task: object = loop.create_task(life)  # type: ignore[arg-type]
    loop.run_until_complete(started)
    return loop, app, task


def requested(content: bytes) -> object:
    """Send a request: method and target, headers, and after an empty line its body."""
    head, _, body = content.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    if not head.isascii():
        return None  # No server passes that on.
    method, _, target = first.partition(b" ")
    path, _, query = target.partition(b"?")
    pairs = (line.partition(b":") for line in lines)
    headers = [(name.lower(), value.strip()) for name, _, value in pairs]
    scope = {
        "type": "http",
        "method": method.decode("latin-1"),
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
    }
    loop, app, _ = _service()
    arriving, sent, gone = [body], list[Message](), loop.create_future()

    async def receive() -> Message:
        return {"type": "http.request", "body": arriving.pop()} if arriving else await gone

    async def send(message: Message) -> None:
        sent.append(message)

    loop.run_until_complete(app(scope, receive, send))
    assert sent[0]["status"] < 500, sent[0]
    return sent


@cache
def _history() -> tuple[bytes, list[tuple[str, str]]]:
    """Return the database of a few runs, and its columns."""
    path = _folder() / "history.sqlite"
    store = opened(f"sqlite:///{path}")
    for content in _reports()[:2]:
        store.save(Report.read(_written("run.jsonl", content)))
    inspector = sqlalchemy.inspect(store.database.engine)
    tables = inspector.get_table_names()
    columns = [(table, each["name"]) for table in tables for each in inspector.get_columns(table)]
    return path.read_bytes(), columns


def edited_history(content: bytes) -> object:
    """Show a history in which one column has another value: the first byte chooses the column."""
    database, columns = _history()
    table, column = columns[next(iter(content), 0) % len(columns)]
    path = _written("edited.sqlite", database)
    with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.Error, OverflowError):
        connection.execute(f'UPDATE "{table}" SET "{column}" = ?', (_value(content[1:]),))  # noqa: S608
        connection.commit()
    store = opened(f"sqlite:///{path}", create=False)
    times, histories = store.times(Selection()), store.case_histories(Selection())
    print_history(times, histories, Console(file=io.StringIO(), width=120), has_choice=True)
    return None


def _value(text: bytes) -> str | bytes | float:
    for kind in (int, float, bytes.decode):
        with suppress(ValueError):
            return kind(text)
    return text


def _edits() -> list[bytes]:
    return [bytes([number]) for number in range(len(_history()[1]))]


def _suites() -> list[bytes]:
    suites = (path.read_bytes() for path in sorted(SPECS.glob("*/*.yaml")))
    return [*texts("suite"), *(suite for suite in suites if len(suite) < 2000)]


READERS: Final[dict[str, Reader]] = {
    "python": Reader(looked_up, lambda: [*texts("python"), *calls("chainer", "mxnet")]),
    "matlab": Reader(looked_up, lambda: [*texts("matlab"), *calls("matlab")]),
    "wolfram": Reader(looked_up, lambda: [*texts("wolfram"), *calls("wolfram", "wolfram-older")]),
    "onnx": Reader(looked_up, lambda: [*texts("onnx"), *calls("onnx")]),
    "problems": Reader(looked_up, lambda: texts("problems")),
    "suites": Reader(_of_file("suite.yaml", lambda path: list(load_cases(path))), _suites),
    "limitations": Reader(
        _of_file("limitations.yaml", load_limitations), lambda: texts("limitations")
    ),
    "reports": Reader(_of_file("report.jsonl", shown_report), _reports),
    "gzip": Reader(
        _of_file("report.jsonl.gz", shown_report), lambda: [*map(gzip.compress, _reports())]
    ),
    "results": Reader(_of_file("deconform-result", imported_result), _results),
    **{
        suffix: Reader(_of_file(f"weights{suffix}", read), partial(_weights, suffix))
        for suffix in (".npy", ".npz", ".safetensors", ".mat", ".pt", ".params")
    },
    ".wxf": Reader(_of_file("weights.wxf", wxf), partial(_weights, ".wxf")),
    ".onnx": Reader(_of_file("weights.onnx", read), _onnx),
    **{
        f"model{suffix}": Reader(_of_file(f"model{suffix}", modelled), seeds)
        for suffix, seeds in (
            (".onnx", _onnx),
            (".json", lambda: texts("models")),
            (".prototxt", lambda: texts("prototxt")),
            (".xml", lambda: texts("xml")),
        )
    },
    "frames": Reader(_frame, _frames),
    "requests": Reader(requested, lambda: texts("requests")),
    "history": Reader(edited_history, _edits),
}
