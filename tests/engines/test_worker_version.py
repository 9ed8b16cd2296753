"""The version of what a worker imports, without importing what reads all of its metadata."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from harness.engines import worker


@pytest.mark.parametrize("name", ["numpy", "PyYAML", "Hypothesis", "pytest-xdist", "deconform"])
def test_it_is_the_recorded_one(name: str) -> None:
    assert worker.installed_version(name) == metadata.version(name)


@pytest.mark.parametrize(
    ("folder", "distribution", "expected"),
    [
        ("made-2.13.0+cpu.dist-info", "made", "2.13.0+cpu"),
        ("Made_by.hand-1.0rc1.dist-info", "made-by-hand", "1.0rc1"),
        ("made-1_beta.dist-info", "made", "1-beta"),  # Not what its folder is called
        ("made-3.egg-info", "made", "1-beta"),
    ],
)
def test_folders_of_metadata_tell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, distribution: str, expected: str
) -> None:
    (tmp_path / "made_up-1.dist-info").mkdir()
    (tmp_path / folder).mkdir()
    about = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1-beta\n"
    for file in ("METADATA", "PKG-INFO"):
        (tmp_path / folder / file).write_text(about)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "missing"), str(tmp_path)])
    assert worker.installed_version(distribution) == expected


@pytest.mark.parametrize("distribution", ["", "no-such-distribution"])
def test_what_is_not_installed_has_none(distribution: str) -> None:
    with pytest.raises((metadata.PackageNotFoundError, ValueError)):
        worker.installed_version(distribution)
