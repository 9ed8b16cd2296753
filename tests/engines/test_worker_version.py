"""The version of what a worker imports, without importing what reads all of its metadata."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

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


def test_a_file_is_told_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    package, kernels = tmp_path / "mine" / "__init__.py", tmp_path / "mine" / "kernels.py"
    package.write_bytes(b"")
    kernels.write_bytes(b"abc")
    assert worker.file_version(kernels) == "kernels.py ba7816bf"
    assert worker.file_version(package) == "mine/__init__.py e3b0c442"
    monkeypatch.setattr(worker, "_MOST_HASHED", 2)
    os.utime(kernels, (86400, 86400))
    assert worker.file_version(kernels) == "kernels.py of 1970-01-02"


@pytest.mark.parametrize("path", ["none.py", ".", "", "x" * 999, "nul\0", "/dev/zero"])
def test_what_is_no_file_is_not_told(tmp_path: Path, path: str) -> None:
    assert not worker.file_version(tmp_path / path)


@pytest.mark.parametrize(
    ("of_package", "of_module", "expected"),
    [
        ({"__version__": "2.1"}, {"__version__": "2.2"}, "2.2"),
        ({"__version__": "2.1"}, {}, "2.1"),
        ({}, {"__file__": None}, ""),
        ({}, {"__file__": 7}, ""),
        ({}, {}, "kernels.py ba7816bf"),
    ],
)
def test_a_module_that_nobody_installed_says_what_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of_package: dict[str, object],
    of_module: dict[str, object],
    expected: str,
) -> None:
    file = tmp_path / "kernels.py"
    file.write_bytes(b"abc")
    for name, said in (("mine", of_package), ("mine.kernels", {"__file__": str(file)} | of_module)):
        module = ModuleType(name)
        vars(module).update(said)
        monkeypatch.setitem(sys.modules, name, module)
    assert worker.own_version("mine.kernels") == expected
