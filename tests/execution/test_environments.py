"""Where interpreters are found, and what is said when there are none."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.convention.registry import Convention, convention
from harness.engines.job import EngineUnavailableError
from harness.execution import environments


@pytest.fixture(autouse=True)
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path))
    return tmp_path


# What tox leaves: an interpreter, a script that names it, and what was installed.
BUILDS = """
import json, os, sys
from pathlib import Path
_, _, _, _, folder, _, name, _ = sys.argv[1:]
place = Path(folder, name)
(place / "bin").mkdir(parents=True)
(place / "bin" / "python").symlink_to(sys.executable)
(place / "bin" / "pip").write_text(f"#!{place}/bin/python\\n")
pins = PINS
state = {"PythonRun": {"deps": {"requirements": pins}}}
(place / ".tox-info.json").write_text(json.dumps(state))
"""
PINS = ["torch==2.13.0", "numpy==2.4.*", "threadpoolctl==3.*"]


def builds(pins: Sequence[str] = PINS) -> str:
    return BUILDS.replace("PINS", repr(list(pins)))


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


def variant(name: str) -> Convention:
    return replace(convention("pytorch"), name=name)


def test_a_variant_runs_in_its_frameworks_environment_by_any_choice_for_that(
    work_folder: Path,
) -> None:
    path = work_folder / "pytorch" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.touch()
    one = variant("pytorch:compiled")
    assert environments.environment_of(one) == "pytorch"
    assert environments.interpreter(one) == path
    nightly, own = work_folder / "nightly", work_folder / "own"
    nightly.touch()
    own.touch()
    assert environments.interpreter(one, {"pytorch": nightly}) == nightly
    assert environments.interpreter(one, {"pytorch": nightly, one.name: own}) == own


def test_a_variant_may_have_an_environment_of_its_own(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = work_folder / "tox.ini"
    pins.write_text("[testenv:pytorch]\n[testenv:pytorch-compiled]\n")
    monkeypatch.setattr(environments, "tox_ini", lambda: pins)
    one, other = variant("pytorch:compiled"), variant("pytorch:other")
    assert environments.has_environment(one)
    assert environments.environment_of(one) == "pytorch-compiled"
    assert environments.environment_of(other) == "pytorch"
    of_all = work_folder / "all"
    of_all.touch()
    assert environments.interpreter(other, {"pytorch": of_all}) == of_all
    with pytest.raises(EngineUnavailableError, match="deconform envs pytorch:compiled"):
        environments.interpreter(one, {"pytorch": of_all})
    (work_folder / "pytorch-compiled.failed.log").write_text("ERROR: no wheel\n")
    with pytest.raises(EngineUnavailableError, match="could not be built: ERROR: no wheel"):
        environments.interpreter(one)


def test_an_environment_that_cannot_be_built_says_why_until_it_is(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tox_that("print('ERROR: no wheel for torch'); print('bye'); exit(1)", monkeypatch)
    (built,) = environments.build(["pytorch"])
    assert (built.environment, built.ok) == ("pytorch", False)
    assert "no wheel for torch" in built.message
    with pytest.raises(
        EngineUnavailableError, match="could not be built: ERROR: no wheel for torch"
    ):
        environments.interpreter(convention("pytorch"))
    tox_that(builds(), monkeypatch)
    (built,) = environments.build(["pytorch"])
    assert built.ok
    python = environments.interpreter(convention("pytorch"))
    assert python == work_folder / "pytorch" / "bin" / "python"
    assert python.with_name("pip").read_text() == f"#!{python}\n"
    assert [file.name for file in work_folder.iterdir()] == ["pytorch"]


def test_building_is_asked_of_tox_for_one_environment_without_running_it(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOX_ENV_NAME", "conformance")
    asked = "print(*sys.argv[1:]); assert 'TOX_ENV_NAME' not in os.environ"
    tox_that(builds() + asked, monkeypatch)
    (built,) = environments.build(["pytorch"])
    assert built.ok
    place = rf"{re.escape(str(work_folder))}/\.pytorch-\w+"
    config = re.escape(str(environments.tox_ini()))
    assert re.fullmatch(rf"run -c {config} --workdir {place} -e pytorch --notest", built.message), (
        built.message
    )


def test_what_is_installed_is_not_built_again_until_its_pins_change(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tox_that(builds(["torch==2.12.0", *PINS[1:]]), monkeypatch)
    assert all(built.ok for built in environments.build(["pytorch"]))
    (work_folder / "pytorch" / "old").touch()
    tox_that(builds(), monkeypatch)
    assert all(built.ok for built in environments.build(["pytorch"]))
    assert not (work_folder / "pytorch" / "old").exists()
    tox_that("exit(1)", monkeypatch)
    assert all(built.ok for built in environments.build(["pytorch"]))


@pytest.mark.parametrize("how", ["exit(1)", "os.kill(os.getpid(), 9)"])
def test_a_build_that_fails_leaves_the_old_environment(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    tox_that(builds(["torch==2.12.0"]), monkeypatch)
    assert all(built.ok for built in environments.build(["pytorch"]))
    tox_that(f"{builds()}\n{how}", monkeypatch)
    assert not any(built.ok for built in environments.build(["pytorch"]))
    state = json.loads((work_folder / "pytorch" / ".tox-info.json").read_text())
    assert state["PythonRun"]["deps"]["requirements"] == ["torch==2.12.0"]
    left = {file.name for file in work_folder.iterdir()}
    assert left == {"pytorch", "pytorch.failed.log"}


def test_two_builds_at_once_both_succeed_and_build_once(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = work_folder.with_name("log")
    tox_that(f"{builds()}\nopen({str(log)!r}, 'a').write('built ')", monkeypatch)
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(list, environments.build(["pytorch"])) for _ in range(4)]
    assert [built.ok for future in both for built in future.result()] == [True] * 4
    assert log.read_text() == "built "
    assert (work_folder / "pytorch" / "bin" / "python").exists()


def test_what_a_killed_build_has_left_is_removed(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work_folder / ".pytorch-killed" / "pytorch").mkdir(parents=True)
    tox_that(builds(), monkeypatch)
    assert all(built.ok for built in environments.build(["pytorch"]))
    assert [file.name for file in work_folder.iterdir()] == ["pytorch"]


def test_an_interrupt_ends_the_builds(work_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = work_folder.with_name("begun")
    os.mkfifo(begun)
    tox_that(f"import signal; open({str(begun)!r}, 'w').close(); signal.pause()", monkeypatch)

    def interrupt(_futures: object) -> Iterator[Any]:
        begun.read_text()  # Once it has begun.
        raise KeyboardInterrupt

    monkeypatch.setattr(environments, "as_completed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(environments.build(["pytorch", "mxnet"], at_once=1))
    assert not list(work_folder.iterdir())


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
    built = {"chainer", "cupy", "keras", "mxnet", "onnxruntime", "openvino"}
    built |= {"pytorch", "tensorflow"}
    for name in (*built, "matlab", "numpy"):
        assert environments.has_environment(convention(name)) == (name in built)


def test_every_framework_has_a_pinned_environment() -> None:
    text = environments.tox_ini().read_text()
    names = ("pytorch", "tensorflow", "mxnet", "chainer", "cupy", "keras", "onnxruntime")
    for name in (*names, "openvino"):
        (section,) = re.findall(rf"^\[testenv:{name}\]\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
        assert re.search(
            rf"^    {convention(name).distribution}(\[ctk\])?==", section, re.MULTILINE
        )
