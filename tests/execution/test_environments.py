"""Where interpreters are found, and what is said when there are none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness.convention.registry import convention
from harness.engines.job import EngineUnavailableError
from harness.execution import environments


@pytest.fixture(autouse=True)
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path))
    return tmp_path


def tox_that(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "_tox", lambda: [sys.executable, "-c", text])


def test_our_own_implementation_needs_no_environment() -> None:
    assert environments.interpreter(convention("numpy")) == Path(sys.executable)


def test_the_interpreter_that_tox_built_is_found(work_folder: Path) -> None:
    path = work_folder / "mxnet" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.touch()
    assert environments.interpreter(convention("mxnet")) == path


def test_the_users_choice_comes_first(work_folder: Path) -> None:
    path = work_folder / "nightly"
    path.touch()
    assert environments.interpreter(convention("mxnet"), {"mxnet": path}) == path


def test_a_missing_environment_names_the_command_that_builds_it() -> None:
    with pytest.raises(EngineUnavailableError, match="deconform envs mxnet"):
        environments.interpreter(convention("mxnet"))


def test_an_environment_that_cannot_be_built_says_why_until_it_is(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tox_that("print('ERROR: no wheel for mxnet'); print('bye'); exit(1)", monkeypatch)
    (built,) = environments.build(["mxnet"])
    assert (built.framework, built.ok) == ("mxnet", False)
    assert "no wheel for mxnet" in built.message
    with pytest.raises(
        EngineUnavailableError, match="could not be built: ERROR: no wheel for mxnet"
    ):
        environments.interpreter(convention("mxnet"))
    tox_that("", monkeypatch)
    (built,) = environments.build(["mxnet"])
    assert built.ok
    with pytest.raises(EngineUnavailableError, match="no environment"):
        environments.interpreter(convention("mxnet"))
    assert not list(work_folder.iterdir())


def test_building_is_asked_of_tox_for_one_environment_without_running_it(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOX_ENV_NAME", "conformance")
    tox_that(
        "import os, sys; print(*sys.argv[1:]); assert 'TOX_ENV_NAME' not in os.environ", monkeypatch
    )
    (built,) = environments.build(["pytorch"])
    assert built.ok
    assert built.message == (
        f"run -c {environments.tox_ini()} --workdir {work_folder} -e pytorch --notest"
    )


def executable(folder: Path, name: str) -> Path:
    """Write an executable that is never run."""
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_matlab_is_taken_where_it_is_and_gnu_octave_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailableError, match="apt-get install octave"):
        environments.launch(convention("matlab"))
    for name in ("octave", "matlab"):  # Both, the second time.
        path = executable(tmp_path, name)
        found = environments.launch(convention("matlab"))
        assert (found.python, found.module) == (Path(sys.executable), str(path))


def test_the_users_matlab_comes_first(tmp_path: Path) -> None:
    path = executable(tmp_path, "octave-9")
    assert environments.launch(convention("matlab"), {"matlab": path}).module == str(path)
    with pytest.raises(EngineUnavailableError, match="chosen for matlab, is no file"):
        environments.launch(convention("matlab"), {"matlab": tmp_path / "none"})


def test_text_languages_are_executed_by_a_file_of_ours() -> None:
    language = environments.launch(convention("matlab"), {"matlab": Path(sys.executable)}).language
    assert language is not None
    assert language.name == "execute.py"
    assert language.is_file()


def test_frameworks_without_an_environment_are_not_built() -> None:
    built = {"chainer", "cupy", "mxnet", "pytorch", "tensorflow"}
    for name in (*built, "matlab", "numpy"):
        assert environments.has_environment(convention(name)) == (name in built)


def test_every_framework_has_a_pinned_environment() -> None:
    text = environments.tox_ini().read_text()
    for name in ("pytorch", "tensorflow", "mxnet", "chainer", "cupy"):
        (section,) = re.findall(rf"^\[testenv:{name}\]\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
        assert re.search(
            rf"^    {convention(name).distribution}(\[ctk\])?==", section, re.MULTILINE
        )
