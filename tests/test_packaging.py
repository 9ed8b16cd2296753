"""The wheel holds exactly our two packages, with the suites and the frameworks' pins."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def test_wheel_has_our_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == {"harness", "impl"}
    assert {
        "harness/specs/limitations.yaml",
        "harness/specs/schema.json",
        "harness/specs/models/dcgan.yaml",
        "harness/tox.ini",
        "harness/frameworks/matlab/driver/deconform_run.m",
        "harness/frameworks/matlab/driver/definitions/@dlarray/private/patches.m",
        "harness/frameworks/matlab/driver/definitions/dlnetwork.m",
        "harness/frameworks/wolfram/driver/deconvolution.wl",
        "harness/frameworks/wolfram/driver/definition.py",
        "harness/frameworks/wolfram/driver/serve.wl",
        "harness/doors/templates/command/NAME.yaml",
        "harness/doors/templates/command/worker.py",
        "harness/engines/worker.py",
        "harness/pages/base.html",
        "harness/pages/dashboard.js",
        "harness/pages/lookup.css",
        "harness/pages/lookup.html",
        "harness/pages/lookup.js",
        "harness/py.typed",
        "harness/history/migrations/env.py",
        "harness/history/migrations/versions/v0001_runs.py",
        "impl/py.typed",
    } <= set(names)


@pytest.mark.slow
def test_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "import harness; print(harness.__file__, len(list(harness.load_cases(select='edge/'))))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    file, count = done.stdout.split()
    assert file.startswith(str(tmp_path))
    assert int(count) > 20
