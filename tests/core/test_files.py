"""What is written is written whole, by one at a time; the old one stays until then."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from harness.core import files

OTHER = """
import sys, time
from pathlib import Path
from harness.core import files
with files.{what}(Path(sys.argv[1])) as opened:
    print("writing", flush=True)
    time.sleep(60)
"""


def writer(what: str, path: Path) -> subprocess.Popen[str]:
    """Start a process that writes, and wait until it does."""
    command = [sys.executable, "-c", OTHER.format(what=what), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    return process


def given_up(descriptor: int) -> None:
    os.write(descriptor, b"new")
    raise RuntimeError


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.md"
    files.write_whole(path, "old")
    path.chmod(0o640)
    with files.whole_file(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["report.md"]


def test_a_file_that_is_given_up_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.whole_file(path) as stream:
        given_up(stream.fileno())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("what", ["whole_file", "whole_folder"])
def test_a_second_writer_is_told_and_the_first_may_be_killed(tmp_path: Path, what: str) -> None:
    path = tmp_path / "place"
    write: Callable[[Path], AbstractContextManager[object]] = getattr(files, what)
    process = writer(what, path)
    try:
        with pytest.raises(files.WriteError, match="place is being written by another process"):
            write(path).__enter__()
    finally:
        kill(process)
    with write(path):
        pass
    assert path.exists()
    assert [each.name for each in tmp_path.rglob("*")] == ["place"]


def test_a_folder_that_is_given_up_or_whose_writer_is_killed_stays(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with files.whole_folder(folder) as part:
        (part / "index.html").write_text("old")
    with pytest.raises(RuntimeError), files.whole_folder(folder, ["*"]) as part:
        given_up(os.open(part / "index.html", os.O_CREAT | os.O_WRONLY))
    kill(writer("whole_folder", folder))
    assert [each.name for each in files.contents(folder)] == ["index.html"]
    assert (folder / "index.html").read_text() == "old"


def test_of_a_folder_only_what_is_stale_goes(tmp_path: Path) -> None:
    for name in ("gone.html", "mine.txt", "badges/gone.svg", "badges/mine.txt"):
        files.write_whole(tmp_path / name, "old")
    with files.whole_folder(tmp_path, ("*.html", "badges/*.svg")) as part:
        (part / "badges").mkdir()
        (part / "badges" / "new.svg").write_text("new")
        (part / "index.html").write_text("new")
    names = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file()}
    assert names == {"index.html", "mine.txt", "badges/new.svg", "badges/mine.txt"}


def test_a_folder_that_was_not_there_is_not_there_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), files.whole_folder(tmp_path / "site"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    files.write_whole(tmp_path / "a.md", "text")
    assert [each.name for each in tmp_path.iterdir()] == ["a.md"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real/report.md")
    for text in ("first", "second"):
        files.write_whole(link, text)
        assert link.is_symlink()
        assert (tmp_path / "real" / "report.md").read_text() == text


def test_what_lies_where_the_part_is_written_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "a.part").symlink_to(victim)
    os.mkfifo(tmp_path / "b.part")
    for name in ("a", "b"):
        files.write_whole(tmp_path / name, "text")
        assert (tmp_path / name).read_text() == "text"
    assert victim.read_text() == "mine"


def test_a_pipe_without_a_reader_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(files.WriteError, match="pipe cannot be written"):
        files.write_whole(tmp_path / "pipe", "text")


def test_a_terminal_or_a_null_device_is_written_to() -> None:
    files.write_whole(Path(os.devnull), "text")
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("what", ["whole_file", "whole_folder"])
def test_what_cannot_be_written_is_one_line(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").write_text("")
    write: Callable[[Path], AbstractContextManager[object]] = getattr(files, what)
    with pytest.raises(files.WriteError, match="file/below cannot be written: "):
        write(tmp_path / "file" / "below").__enter__()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(files.WriteError, match=r"report.md cannot be written: File too large"):
            files.write_whole(path, "x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
