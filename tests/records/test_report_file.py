"""Reports: what is written is what is read, and what is wrong with a file is said."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness import Report
from harness.cli.exit_statuses import BAD, USAGE
from harness.cli.main import main
from harness.core.column_info import ColumnInfo
from harness.records.record import Event, Footer, Header, Record, to_json
from harness.records.report_file import ReportError, as_line
from harness.records.status import Status
from harness.report.console import followed, print_report
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.words import describe_engine

ENGINE = ColumnInfo("2.13.0", "python", "3.11.7", "2.4.6", "cpu")
HEADER = Header(
    deconform="0.1.0",
    started="2026-01-02T03:04:05+00:00",
    frameworks={"numpy": ENGINE, "mxnet": ColumnInfo(unavailable="no environment; build it")},
    cases=1,
)


def record(check: str, status: Status, framework: str = "numpy", **fields: str) -> Record:
    return Record(
        case="grid/a",
        suite="grid",
        descriptor="ic1_oc1_k2_n1_i3",
        framework=framework,
        check=check,
        support="native",
        status=status,
        file="specs/grid/a.yaml",
        line=7,
        reproduce=f"deconform reproduce ic1_oc1_k2_n1_i3 -f {framework}",
        **fields,  # type: ignore[arg-type]
    )


FLIPPED = {"reason": "y: 2 of 4\nelements | differ \x00", "diagnosis": "kernel flipped"}
EVENTS: list[Event] = [
    HEADER,
    record("shape", Status.PASSED),
    record("value", Status.FAILED, **FLIPPED),
    record("grad_x", Status.FAILED, **FLIPPED),
    record("grad_w", Status.KNOWN, reason="declared [seen]", limitation="numpy-made-up"),
    record("shape", Status.SKIPPED, "mxnet", reason="no environment; build it"),
    record("value", Status.UNSUPPORTED, "mxnet", reason="no float64"),
    Footer({"PASSED": 1, "FAILED": 2, "KNOWN": 1, "SKIPPED": 1, "UNSUPPORTED": 1}, 1.25),
]


def test_an_engine_of_documented_semantics_is_named_instead_of_a_python() -> None:
    assert describe_engine(ENGINE) == ("2.13.0", "Python 3.11.7, NumPy 2.4.6, cpu")
    octave = replace(ENGINE, version="GNU Octave 9", engine="documented semantics (GNU Octave 9)")
    assert describe_engine(octave) == ("GNU Octave 9", "documented semantics (GNU Octave 9), cpu")
    assert describe_engine(ColumnInfo(unavailable="none here")) == ("-", "none here")


def written(events: list[Event]) -> str:
    return "".join(map(as_line, events))


def spoilt(event: Event, **fields: object) -> str:
    """Write the report with other values in the line of one event."""
    lines = written(EVENTS).splitlines(keepends=True)
    number = EVENTS.index(event)
    lines[number] = json.dumps(json.loads(lines[number]) | fields) + "\n"
    return "".join(lines)


def read(tmp_path: Path, text: str) -> Report:
    path = tmp_path / "report.jsonl"
    path.write_text(text)
    return Report.read(path)


def shown(report: Report, **options: bool) -> str:
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=120, **options))  # type: ignore[arg-type]
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def progress(*, terminal: bool = False) -> str:
    """Print what is shown while the events come, which come out as they are."""
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=terminal)
    assert list(followed(iter(EVENTS), console, 4, ["numpy", "mxnet"])) == EVENTS
    return stream.getvalue()


def test_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    report = read(tmp_path, written(EVENTS))
    assert report == Report.of(EVENTS)
    assert not report.ok
    assert report.counts["numpy"] == {Status.PASSED: 1, Status.FAILED: 2, Status.KNOWN: 1}


@pytest.mark.parametrize("name", ["report.jsonl.gz", "report.jsonl"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_report_is_read_gzipped_or_plain_whatever_its_name(
    packed: Callable[[bytes], bytes], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(packed(written(EVENTS).encode()))
    assert Report.read(path) == Report.of(EVENTS)


def test_lines_hold_the_contract() -> None:
    header, first, *_, footer = map(json.loads, written(EVENTS).splitlines())
    assert (header["kind"], header["schema"]) == ("header", 1)
    assert set(header["frameworks"]["numpy"]) >= {"version", "engine", "python", "device"}
    keys = ("kind", "case", "descriptor", "framework", "check", "support", "status", "reason")
    assert set(keys) <= set(first)
    assert footer == {"kind": "footer", "counts": EVENTS[-1].counts, "elapsed_s": 1.25}  # type: ignore[union-attr]


def test_report_without_footer_is_an_interrupted_run(tmp_path: Path) -> None:
    report = read(tmp_path, written(EVENTS[:-1]))
    assert report.footer is None
    assert not report.ok
    assert "interrupted" in shown(report)
    assert "interrupted" in markdown(report)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r": the report is empty"),
        ("nonsense\n", r":1: not a line"),
        ("[]\n", r":1: not a line"),
        ('{"kind":"egg"}\n', r":1: not a line"),
        (written(EVENTS[1:]), r":1: the header must be the first line"),
        (written([HEADER, HEADER]), r":2: the header must be the first line"),
        (written([HEADER, EVENTS[1], EVENTS[1]]), r":3: a second record of grid/a / numpy / shape"),
        (written([*EVENTS, EVENTS[1]]), r":9: the report goes on after its footer"),
        (
            written([HEADER, record("shape", Status.PASSED, "jax")]),
            r":2: the header has no framework 'jax'",
        ),
        (written(EVENTS).replace('"schema":1', '"schema":2'), r":1: schema 2 is not 1"),
        (written(EVENTS).replace('"PASSED",', '"PASSABLE",'), r":2: .*PASSABLE"),
        (spoilt(HEADER, frameworks=["numpy"]), r":1: not a line: frameworks cannot be \['num"),
        (spoilt(HEADER, frameworks={"numpy": []}), r":1: not a line: frameworks cannot"),
        (spoilt(HEADER, frameworks={"numpy": {"version": 2}}), r":1: not a line: fram"),
        (
            spoilt(HEADER, frameworks={"numpy": {}}),
            r":1: the header's framework 'numpy' has no 've",
        ),
        (
            spoilt(HEADER, frameworks={"mxnet": {"unavailable": ""}}),
            r":1: the header's framework 'mxnet' has no 'version'\.",
        ),
        (spoilt(HEADER, cases=True), r":1: not a line: cases cannot be True"),
        (spoilt(HEADER, started=None), r":1: not a line: started cannot be "),
        (spoilt(EVENTS[1], suite=3), r":2: not a line: suite cannot be 3"),
        (spoilt(EVENTS[1], framework=[]), r":2: not a line: framework cannot be \[\]"),
        (spoilt(EVENTS[1], status=["PASSED"]), r":2: not a line: "),
        (spoilt(EVENTS[1], reason={"a": 1}), r":2: not a line: reason cannot be {'a'"),
        (spoilt(EVENTS[1], evidence="none"), r":2: not a line: evidence cannot be 'n"),
        (spoilt(EVENTS[1], line="seven"), r":2: not a line: line cannot be 'seven'"),
        (spoilt(EVENTS[1], colour="red"), r":2: not a line: .*colour"),
        (spoilt(EVENTS[-1], elapsed_s="long"), r":8: not a line: elapsed_s cannot be"),
        (spoilt(EVENTS[-1], counts={"PASSED": "1"}), r":8: not a line: counts cannot"),
        (written([HEADER]) + "[" * 100_000 + "\n", r":2: not a line: nested too deep"),
        (written(EVENTS) + '{"kind":"rec', r":9: the report goes on after its footer\."),
        (written([HEADER])[:-9], r":1: not a line: "),
        (written(EVENTS)[:-9].replace("grad_w", 'grad"w'), r":5: not a line"),
    ],
)
def test_broken_report_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    message = message.replace("not a line", "not a line of a report")
    with pytest.raises(ReportError, match=rf"report\.jsonl{message}"):
        read(tmp_path, text)


def test_a_last_line_that_is_incomplete_is_left_out(tmp_path: Path) -> None:
    whole, last = written(EVENTS[:2]), written(EVENTS[2:3])
    for left in range(1, len(last) - 1):
        report = read(tmp_path, whole + last[:left])
        assert report.incomplete == f"{tmp_path}/report.jsonl:3"
        assert replace(report, incomplete="") == Report.of(EVENTS[:2])


def test_a_last_line_without_its_end_is_read_if_it_is_whole(tmp_path: Path) -> None:
    report = read(tmp_path, written(EVENTS).rstrip("\n"))
    assert report == Report.of(EVENTS)
    assert report.incomplete == ""


def test_the_report_of_a_killed_run_is_shown_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text(written(EVENTS)[:-9])
    assert main(["report", str(path)]) == BAD
    captured = capsys.readouterr()
    assert "The run was interrupted: this is not all of it." in captured.out
    assert captured.err == (
        f"warning: {path}:8: the last line is incomplete, and left out; the run was killed.\n"
    )


def test_a_damaged_report_is_one_error_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text(spoilt(EVENTS[1], suite=3))
    assert main(["report", str(path)]) == USAGE
    assert capsys.readouterr().err == (
        f"error: {path}:2: not a line of a report: suite cannot be 3\n"
    )


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "1e999", "9" * 400, "-" + "9" * 19 + "9" * 300]
)
@pytest.mark.parametrize("field", ["elapsed_s", "cases", "line"])
def test_a_number_that_nothing_can_hold_is_refused(field: str, value: str, tmp_path: Path) -> None:
    event = next(event for event in EVENTS if field in to_json(event))
    text = spoilt(event, **{field: 987654}).replace("987654", value)
    with pytest.raises(ReportError, match=rf"\d: .*{field} (cannot be|is) "):
        read(tmp_path, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.data())
def test_a_report_with_any_value_is_refused_or_shown(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    field = data.draw(st.sampled_from(sorted(to_json(event))))
    text = spoilt(event, **{field: data.draw(JSON)})
    try:
        report = read(tmp_path_factory.getbasetemp(), text)
    except ReportError as error:
        assert re.search(r"report\.jsonl(:\d+)?: ", str(error))  # noqa: PT017 -- either will do
    else:
        assert shown(report)
        assert markdown(report)
        assert ET.fromstring(junit(report)) is not None


def test_what_no_encoding_has_does_not_stop_a_report(tmp_path: Path) -> None:
    path, out = tmp_path / "report.jsonl", tmp_path / "report.md"
    path.write_text(spoilt(EVENTS[2], reason="half a \ud800 character"))
    assert main(["report", str(path), "--markdown", str(out)]) == BAD
    assert "half a ? character" in out.read_text()


def test_an_engine_without_numpy_is_described_without_it() -> None:
    assert describe_engine(replace(ENGINE, numpy="")) == ("2.13.0", "Python 3.11.7, cpu")


def test_missing_and_truncated_files_are_report_errors(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        Report.read(tmp_path / "none.jsonl")
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(written(EVENTS).encode())[:-20])
    with pytest.raises(ReportError, match="cannot be read"):
        Report.read(path)


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_a_name_that_no_file_can_have_is_one_error(name: str) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        Report.read(name)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(ReportError, match="it is a pipe or a device, not a file"):
        Report.read(tmp_path / "pipe.jsonl")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(5 << 20), r":2: the line is longer than 4 MiB\."),
        ((b"[" * 9999 + b"\n") * 500, r":2: not a line of a report: nested too deep"),
    ],
)
def test_a_small_file_that_unpacks_to_much_is_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(written([HEADER]).encode() + content))
    with pytest.raises(ReportError, match=message):
        Report.read(path)


def test_a_report_larger_than_any_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as stream:
        stream.truncate((1 << 30) + 1)  # Sparse
    with pytest.raises(ReportError, match="it is larger than 128 MiB, the most that is read"):
        Report.read(path)


def test_a_report_that_unpacks_to_more_than_any_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.jsonl.gz"
    path.write_bytes(gzip.compress(written(EVENTS).encode()))
    monkeypatch.setattr("harness.records.report_file._MOST", len(written(EVENTS)))
    assert Report.read(path) == Report.of(EVENTS)
    monkeypatch.setattr("harness.records.report_file._MOST", len(written(EVENTS)) - 1)
    with pytest.raises(ReportError, match=r":8: the report is longer than 0 MiB\."):
        Report.read(path)


def test_a_last_line_that_is_nested_deeply_is_left_out(tmp_path: Path) -> None:
    report = read(tmp_path, written([HEADER]) + "[" * 100_000)
    assert report.incomplete == f"{tmp_path}/report.jsonl:2"


def test_junit_has_one_test_per_record() -> None:
    root = ET.fromstring(junit(Report.of(EVENTS)))
    numpy, mxnet = root.findall("testsuite")
    counts = [numpy.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["4", "2", "0", "1"]
    assert (mxnet.get("tests"), mxnet.get("skipped")) == ("2", "2")
    failure = numpy.find("testcase[@name='grid/a:value']/failure")
    assert failure is not None
    assert "kernel flipped" in (failure.text or "")
    assert "\x00" not in (failure.get("message") or "")


def test_junit_is_well_formed_whatever_a_case_is_called() -> None:
    odd = replace(record("shape", Status.PASSED), case="grid/\x01\ud800<&>")
    root = ET.fromstring(junit(Report.of([HEADER, odd])))
    assert root.find(".//testcase[@name='grid/<&>:shape']") is not None


def test_markup_in_a_suites_name_is_text() -> None:
    odd = replace(record("shape", Status.PASSED), suite="a[/b]c")
    assert "a[/b]c" in shown(Report.of([HEADER, odd]), markup=False, highlight=False)


def test_console_shows_matrix_failures_and_how_to_reproduce() -> None:
    assert (
        shown(Report.of(EVENTS))
        == """\
suite  numpy        mxnet
grid   ✓ 1 K 1 F 2  U 1 S 1
all    ✓ 1 K 1 F 2  U 1 S 1
  ✓ passed  K known  U unsupported  S skipped  F failed
  mxnet was skipped: no environment; build it

FAILED numpy grid/a: value, grad_x
  y: 2 of 4 elements | differ \x00
  equals the mutant: kernel flipped
  specs/grid/a.yaml:7
  deconform reproduce ic1_oc1_k2_n1_i3 -f numpy

1 cases, 6 checks in 1.2 s: 2 of them bad."""
    )


def test_markdown_shows_the_same_and_escapes_cells() -> None:
    text = markdown(Report.of(EVENTS))
    assert "| grid | ✓ 1 K 1 F 2 | U 1 S 1 |" in text
    assert (
        "| grid/a: value, grad_x | numpy | FAILED | y: 2 of 4 elements \\| differ \x00 "
        "| kernel flipped | `deconform reproduce ic1_oc1_k2_n1_i3 -f numpy` |"
    ) in text
    assert "| numpy | numpy-made-up | 1 | declared |" in text
    assert "| mxnet | 1 | no float64 |" in text


def test_progress_passes_events_on_unchanged() -> None:
    for terminal in (True, False):
        assert "numpy" in progress(terminal=terminal)


def test_plain_progress_is_a_line_when_a_column_starts_and_ends() -> None:
    assert progress().splitlines() == [
        "numpy: 2.13.0 (Python 3.11.7, NumPy 2.4.6, cpu)",
        "mxnet: - (no environment; build it)",
        "numpy: done, 2 FAILED, 1 KNOWN, 1 PASSED",
    ]


def test_a_column_of_documented_semantics_is_no_products() -> None:
    octave = replace(ENGINE, version="GNU Octave 9", engine="documented semantics (GNU Octave 9)")
    assert octave.is_documented
    assert not ENGINE.is_documented
    assert not ColumnInfo(unavailable="no octave").is_documented


def test_a_run_of_which_nothing_was_run_says_so() -> None:
    skipped = record("shape", Status.SKIPPED, "mxnet")
    events: list[Event] = [HEADER, skipped, Footer({"SKIPPED": 1}, 0.1)]
    console = Console(width=200, record=True, file=io.StringIO())
    print_report(Report.of(events), console)
    text = console.export_text()
    assert "1 cases, 0 checks in 0.1 s: nothing was run." in text
