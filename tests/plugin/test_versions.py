"""The plugin in the versions of pytest that there are, with others' plugins and without."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import venv
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from pytest_runs import SPEC

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
# What deconform needs, taken from here; its distributions, and so their plugins, are left behind.
NEEDED = ("numpy", "yaml", "rich", "lark", "pygments", "markdown_it", "mdurl")
# Installed once for each pytest; an environment has those of the plugins that it names.
INSTALLED = {
    "oldest": ["pytest==7.4.*", "pytest-xdist==3.5.*", "pytest-benchmark==4.*"],
    "newest": ["pytest==9.*", "pytest-xdist==3.*", "pytest-benchmark==5.*", "pytest-codspeed==5.*"],
}
PLUGINS = {"xdist", "benchmark", "codspeed"}
PYTESTS = {
    "oldest": set[str](),
    "oldest with plugins": {"xdist", "benchmark"},
    "newest": set[str](),
    "newest with codspeed": {"xdist", "codspeed"},
    "newest with both": {"benchmark", "codspeed"},
}
TESTS = """
    import impl
    import pytest

    @pytest.mark.deconform(select="models/dcgan/up-8-to-16")
    def test_mine(deconform_case):
        deconform_case.check(impl.conv_transpose(**deconform_case.arguments))
    """
STRICT = ("-W", "error", "--strict-markers", "-p", "no:cacheprovider")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build deconform as people install it, and unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Install a pytest with all plugins, once."""

    @cache
    def installed(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
        command = [*pip, "--target", str(folder), *INSTALLED[name]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{name} cannot be installed: {done.stderr.splitlines()[-1]}")
        return folder

    return installed


@pytest.fixture(params=PYTESTS)
def python(
    request: pytest.FixtureRequest, ours: Path, theirs: Callable[[str], Path], tmp_path: Path
) -> Path:
    """Make an environment with deconform, a pytest, and the plugins that a parameter names."""
    venv.create(tmp_path / "venv", symlinks=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    hidden = PLUGINS - PYTESTS[request.param]
    for source in (*ours.iterdir(), *theirs(request.param.split()[0]).iterdir()):
        # Such as xdist, and pytest_xdist-3.8.0.dist-info, which has its entry point.
        if source.name.partition("-")[0].removeprefix("pytest_") not in hidden:
            (packages / source.name).symlink_to(source)
    for name in NEEDED:
        folder = Path(import_module(name).__file__ or "").parent
        for source in (folder, folder.with_name("_yaml"), folder.with_name("numpy.libs")):
            if source.exists() and not (packages / source.name).exists():
                (packages / source.name).symlink_to(source)
    return tmp_path / "venv" / "bin" / "python"


def has(python: Path, module: str) -> bool:
    return any(python.parents[1].glob(f"lib/python*/site-packages/{module}"))


def run(python: Path, *args: str) -> str:
    """Run pytest in the environment's folder; return what it says."""
    files = ("mine.deconform.yaml", "test_mine.py")
    command = [str(python), "-m", "pytest", "--deconform", "--deconform-framework=numpy"]
    folder = python.parents[2]
    (folder / "mine.deconform.yaml").write_text(SPEC)
    (folder / "test_mine.py").write_text(textwrap.dedent(TESTS))
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [*command, *STRICT, *files, *args], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def summary(text: str) -> Sequence[str]:
    return text.splitlines()[-1].strip("= ").rpartition(" in ")[0].split(", ")


def test_cases_run_in_it(python: Path) -> None:
    if not has(python, "xdist"):
        assert summary(run(python)) == ["5 passed"]
    else:
        # It warns where others run tests in several processes, and here that is an error.
        quiet = ["--benchmark-disable"] if has(python, "pytest_benchmark") else []
        assert summary(run(python, "-n2", *quiet)) == ["5 passed"]
    if has(python, "pytest_benchmark"):
        text = run(python, "--benchmark-only", "--benchmark-max-time=0.01")
        assert summary(text) == ["4 passed", "1 skipped"], text
        assert "benchmark 'mine/decoder forward': 1 tests" in text
    if has(python, "pytest_codspeed"):
        text = run(python, "--codspeed", "--codspeed-mode=walltime")
        assert summary(text) == ["4 passed", "1 deselected"], text
        (path,) = python.parents[2].glob(".codspeed/results_*.json")
        assert len(json.loads(path.read_text())["benchmarks"]) == 4
    if has(python, "pytest_codspeed") and has(python, "pytest_benchmark"):
        text = run(python, "--codspeed", "--codspeed-mode=simulation", "-rs")
        assert "pytest-codspeed looks at its own process, and programs run in others" in text
