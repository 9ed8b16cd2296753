"""Which files of a project are looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.audit.layers import Unread
from harness.audit.walking import Source, walk
from harness.core.errors import InputError

SUFFIXES = (".py", ".m")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(*names: str, text: str = "") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(*paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    found = list(walk(paths or (".",), SUFFIXES, exclude))
    assert all(isinstance(each, Source) for each in found)
    return [each.path for each in found if isinstance(each, Source)]


def test_files_are_found_by_their_suffixes_in_the_order_of_their_names() -> None:
    made("b.py", "a/c.m", "a/B.PY", "a/d.txt", "a.py", "z/y/x.py")
    assert names() == ["a/B.PY", "a/c.m", "a.py", "b.py", "z/y/x.py"]


def test_a_path_begins_as_it_was_given() -> None:
    made("src/a.py")
    absolute = str(Path("src").absolute())
    assert names("src") == ["src/a.py"]
    assert names("./src/") == ["src/a.py"]
    assert names(absolute) == [f"{absolute}/a.py"]
    assert names("src/../src/a.py") == ["src/../src/a.py"]


def test_a_file_that_is_named_is_taken_whatever_its_name_and_once() -> None:
    made("notes.txt", "src/a.py")
    assert names("notes.txt", "src", "src/a.py", "src") == ["notes.txt", "src/a.py"]


def test_what_is_no_part_of_a_project_is_left_out() -> None:
    made(".git/a.py", "node_modules/a.py", "p/__pycache__/a.py", ".tox/a.py", "kept/a.py")
    made("env/pyvenv.cfg", "env/lib/a.py", ".hidden.py")
    assert names() == [".hidden.py", "kept/a.py"]
    assert names("env") == ["env/lib/a.py"]  # It was asked for


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("", ["a.py", "b/a.py", "b/c/d.py", "build/x.py"]),
        ("build/", ["a.py", "b/a.py", "b/c/d.py"]),
        ("a.py", ["b/c/d.py", "build/x.py"]),
        ("/a.py", ["b/a.py", "b/c/d.py", "build/x.py"]),
        ("a.py/", ["a.py", "b/a.py", "b/c/d.py", "build/x.py"]),
        ("*.py\n!d.py", ["b/c/d.py"]),
        ("b/*.py", ["a.py", "b/c/d.py", "build/x.py"]),
        ("**/c", ["a.py", "b/a.py", "build/x.py"]),
        ("b/**", ["a.py", "build/x.py"]),
        ("# a.py\n\n  \n[ab].py", ["b/c/d.py", "build/x.py"]),
        ("?.py", ["build/"][:0]),
        ("b/**/d.py", ["a.py", "b/a.py", "b/c/d.py", "build/x.py"]),  # Not understood
    ],
)
def test_what_git_ignores_is_left_out(rules: str, left: list[str]) -> None:
    made("a.py", "b/a.py", "b/c/d.py", "build/x.py")
    made(".gitignore", text=rules)
    assert names() == left
    Path(".gitignore").unlink()
    assert names(exclude=tuple(rules.splitlines())) == left


def test_rules_hold_below_their_own_folder() -> None:
    made("a/x.py", "a/b/x.py", "b/x.py", "x.py")
    made("a/.gitignore", text="/b/\n")
    assert names() == ["a/x.py", "b/x.py", "x.py"]


def test_links_are_not_followed() -> None:
    made("p/a.py", "away/b.py")
    Path("p/loop").symlink_to(".")
    Path("p/out").symlink_to("../away")
    Path("p/out.py").symlink_to("../away/b.py")
    Path("p/none.py").symlink_to("nothing")
    assert names("p") == ["p/a.py"]
    assert names("p/out", "p/out.py") == ["p/out/b.py", "p/out.py"]  # Given by name


def test_pipes_are_not_files() -> None:
    os.mkfifo("pipe.py")
    assert names() == []


def test_a_folder_that_cannot_be_listed_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    made("p/secret/a.py", "p/z.py")
    listed = os.scandir

    def refused(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("secret"):  # As for anybody but root
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert [*walk(["p"], SUFFIXES)] == [
        Unread("p/secret", None, "the folder cannot be read: Permission denied."),
        Source("p/z.py", is_given=False),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_closed_folder_closes_no_other() -> None:
    made("p/a.py", "p/closed/a.py", "p/open/a.py")
    Path("p/closed").chmod(0)
    try:
        found = [each.path for each in walk(["p"], SUFFIXES) if isinstance(each, Source)]
    finally:
        Path("p/closed").chmod(0o700)
    assert found == ["p/a.py", "p/open/a.py"]


@pytest.mark.parametrize("path", ["nothing", "a\0b", "x" * 5000])
def test_a_path_that_is_nothing_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="there is no file or folder"):
        names(path)


def test_patterns_of_stars_take_no_time() -> None:
    made("a" * 200 + ".py")
    made(".gitignore", text="*a" * 400 + "b\n" + "**/" * 2000 + "x\n" + "a\n" * 5000)
    assert names() == ["a" * 200 + ".py"]


def test_folders_as_deep_as_a_path_may_be() -> None:
    deep = "/".join(["d"] * 900)
    for end in range(1, len(deep) + 1, 2):
        os.mkdir(deep[:end])  # noqa: PTH102 -- pathlib would recurse, 900 times
    made(f"{deep}/a.py")
    assert names() == [f"{deep}/a.py"]
