"""The frameworks' environments: where their interpreters are, and how tox builds them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path

from harness.conventions import Convention
from harness.engines import EngineUnavailableError

_interrupted = threading.Event()


@dataclass(frozen=True)
class Built:
    """How building one environment ended."""

    framework: str
    ok: bool
    seconds: float
    message: str


def tox_ini() -> Path:
    """Return the file that holds the frameworks' pins: the checkout's, else the installed one."""
    checkout = Path(__file__).parent.parent / "tox.ini"
    return checkout if checkout.is_file() else Path(str(resources.files("harness"))) / "tox.ini"


def folder() -> Path:
    """Return the folder that holds the environments, tox's work directory."""
    if chosen := os.environ.get("TOX_WORK_DIR"):
        return Path(chosen)
    if tox_ini().parent.name == "harness":
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "deconform" / "tox"
    return tox_ini().parent / ".tox"


def is_own(convention: Convention) -> bool:
    """Whether a framework is this project itself, which needs no environment but its own."""
    return convention.distribution == metadata("deconform")["Name"]


def interpreter(convention: Convention, chosen: Mapping[str, Path] | None = None) -> Path:
    """Find a framework's interpreter: the user's choice, our own, or the one that tox built.

    Raises
    ------
    EngineUnavailableError
        With the command that builds the environment.
    """
    if path := (chosen or {}).get(convention.name):
        if not path.is_file():
            raise EngineUnavailableError(f"{path}, chosen for {convention.name}, is no file")
        return path
    if is_own(convention):
        return Path(sys.executable)
    path = folder() / convention.name / "bin" / "python"
    if failure := _failure(convention.name):
        raise EngineUnavailableError(f"its environment could not be built: {failure}")
    if path.is_file():
        return path
    raise EngineUnavailableError(f"no environment; {how_to_build(convention.name)}")


def _log(framework: str) -> Path:
    """Where a build that failed leaves what it said."""
    return folder() / f"{framework}.failed.log"


def _failure(framework: str) -> str | None:
    """Give the line that says why the last build failed, and where the others are."""
    try:
        lines = _log(framework).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    errors = [line for line in lines if "error" in line.lower()] or lines[-1:]
    return f"{errors[-1].strip() if errors else 'it said nothing'} (all of it: {_log(framework)})"


def how_to_build(framework: str) -> str:
    """Say what builds a framework's environment."""
    return f"build it with: deconform envs {framework}"


def build(frameworks: Sequence[str], at_once: int = 2) -> Iterator[Built]:
    """Build environments through tox, ``at_once`` at a time; yield each as it ends.

    Raises
    ------
    EngineUnavailableError
        If there is no tox.
    """
    command = _tox()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        pending = [pool.submit(_build, command, framework) for framework in frameworks]
        try:
            for future in as_completed(pending):
                yield future.result()
        except BaseException:
            _interrupted.set()
            pool.shutdown(cancel_futures=True)
            raise


def _tox() -> list[str]:
    if find_spec("tox") is not None:
        return [sys.executable, "-m", "tox"]
    if found := shutil.which("tox"):
        return [found]
    raise EngineUnavailableError("there is no tox; install it: python -m pip install tox")


def _build(tox: Sequence[str], framework: str) -> Built:
    began = time.monotonic()
    # A tox started by tox must not inherit which environment it is in.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TOX_")} | {"NO_COLOR": "1"}
    done = subprocess.run(
        [
            *tox,
            "run",
            "-c",
            str(tox_ini()),
            "--workdir",
            str(folder()),
            "-e",
            framework,
            "--notest",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        check=False,
    )
    said = done.stdout.decode(errors="replace").strip()
    log = _log(framework)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    if done.returncode and not _interrupted.is_set():
        log.write_text(said, encoding="utf-8")
    return Built(framework, done.returncode == 0, time.monotonic() - began, said)
