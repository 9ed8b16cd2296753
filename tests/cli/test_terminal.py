"""Nothing from outside is obeyed by a terminal: it is shown."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text
from saved_runs import benchmark, conformance, record, written

from harness.cli.consoles import ShownConsole
from harness.cli.exit_statuses import BAD, OK, USAGE
from harness.cli.main import main
from harness.cli.terminal import shown
from harness.records.record import Footer
from harness.records.status import Status
from harness.report.console import followed

# Erase the screen, name the window, a C1 escape, a return, a bell, a change of direction.
HOSTILE = "\x1b[2J\x1b]0;mine\x07\x9b31m\rover\x00\u202e"
SHOWN = "\\x1b[2J\\x1b]0;mine\\x07\\x9b31m\\rover\\x00\\u202e"


def hostile_report(folder: Path) -> Path:
    """Return a report with escapes wherever there is a text."""
    run = conformance(0, [Status.FAILED], HOSTILE, engine=HOSTILE, device=HOSTILE)
    bad = record("value", Status.FAILED, f"edge/{HOSTILE}", reason=HOSTILE, diagnosis=HOSTILE)
    return written(folder / "run.jsonl", [run.header, bad, Footer({}, 1.0)])


def test_what_a_terminal_obeys_is_shown() -> None:
    assert shown(HOSTILE) == SHOWN
    assert shown("a\tb\n\N{SNOWMAN}\u00a0é") == "a\tb\n\N{SNOWMAN}\u00a0é"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_console_obeys_its_own_styles_alone(*, is_terminal: bool) -> None:
    stream = io.StringIO()
    console = ShownConsole(
        file=stream,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
    )
    table = Table(HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    console.print(table)
    console.print(Text(HOSTILE, "red"), soft_wrap=True)
    text = stream.getvalue()
    assert text.count("\\x1b[2J") == 3
    assert "\x1b[2J" not in text
    assert not set("\x07\x9b\r\0\u202e") & set(text)
    assert ("\x1b[31m" in text) == is_terminal


@pytest.mark.parametrize(
    "command",
    [
        ["report", "{}"],
        ["report", "{}", "--annotations"],
        ["report", "{}", "{}x\x1b[2J"],
        ["diff", "{}", "{}"],
        ["diff", "{}", "{}", "--markdown", "-"],
        ["translate", "nn.ConvTranspose2d(4, 6, 3, \x1b[2J=1)"],
        ["translate", "nn.ConvTranspose2d(4, 6, 3, stride='\x1b[2J')"],
        ["reproduce", "edge/\x1b[2J", "-f", "numpy"],
        ["run", "\x1b[2J.yaml"],
        ["run", "--device", "\x1b[2J"],
        ["weights", "\x1b[2J.npz", "b.npz", "--from", "pytorch", "--to", "\x1b[2J"],
        ["import", "\x1b[2J"],
        ["history", "--database", "sqlite:////\x1b[2J"],
    ],
)
def test_no_command_prints_an_escape(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = str(hostile_report(tmp_path))
    with suppress(SystemExit):
        assert main([word.replace("{}", report) for word in command]) in {OK, BAD, USAGE}
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert not set("\x1b\x07\x9b\r\0\u202e") & set(text)
    assert text


def test_a_benchmark_prints_no_escape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(written(tmp_path / "bench.jsonl", benchmark(0, case=HOSTILE, suite=HOSTILE)))
    for command in (["report", path], ["report", path, "--detail"], ["compare", path, path]):
        main(command)
    out = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\r\0\u202e") & set(out)
    assert "\\x1b[2J" in out


def test_in_a_terminal_only_our_own_colours_are_obeyed(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "harness", "report", str(hostile_report(tmp_path))]
    environment = {**os.environ, "TERM": "xterm"}
    subprocess.run(command, stdout=follower, stderr=follower, env=environment, check=False)
    os.close(follower)
    printed = b""
    while chunk := _read(leader):
        printed += chunk
    os.close(leader)
    assert b"\x1b[1;31m" in printed
    assert b"\\x1b[2J" in printed
    assert b"\x1b[2J" not in printed
    assert b"\x07" not in printed


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Nobody writes to it any more.
        return b""


def test_a_version_that_looks_like_markup_is_text() -> None:
    stream = io.StringIO()
    console = ShownConsole(file=stream, force_terminal=True, width=200)
    run = conformance(0, [Status.PASSED], "[/red]1.0")
    assert len(list(followed([run.header, *run.records], console, 1, ["numpy"]))) == 2
    assert "[/red]1.0" in stream.getvalue()
