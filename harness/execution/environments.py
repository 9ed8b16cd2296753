"""The frameworks' environments: where their interpreters are, and how tox builds them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from configparser import ConfigParser
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from harness.convention.device import Device
from harness.convention.registry import Convention
from harness.core import files
from harness.core.errors import Ask, named
from harness.engines.job import EngineUnavailableError
from harness.engines.kept import Kept
from harness.execution import gpus

_TURN: Final = 0.2  # Seconds between two looks whether somebody else has built it


@dataclass(frozen=True)
class Built:
    """How building one environment ended."""

    environment: str
    ok: bool
    seconds: float
    message: str


@dataclass(frozen=True)
class Launch:
    """How to start what executes a framework's programs."""

    python: Path  # The interpreter that the worker runs in
    # What the worker imports; with a ``language``, the executable that its programs run in.
    module: str
    # The file that tells a worker how programs in another language than Python are executed.
    language: Path | None = None
    advice: str = ""  # What to do where it cannot be started
    # Packages of ours that its programs import, each with its file.
    packages: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()  # Folders that its programs import from, besides the interpreter's
    folder: Path | None = None  # Where the worker starts; where we are if None
    # The words of a program that is the worker itself; ``python`` is not used then.
    program: tuple[str, ...] = ()

    @property
    def imports(self) -> str:
        """Python text after which any interpreter can import what the programs import.

        >>> print(Launch(Path("python3"), "kernels", path=("mine",)).imports)
        import sys
        sys.path[:0] = ['mine']
        >>> Launch(Path("python3"), "torch").imports
        ''
        """
        if not self.packages and not self.path:
            return ""
        lines = ["import sys"]
        lines += ["from importlib.util import module_from_spec, spec_from_file_location"] * bool(
            self.packages
        )
        lines += [f"sys.path[:0] = {[*self.path]}"] * bool(self.path)
        for name, file in self.packages.items():
            lines += [
                f"spec = spec_from_file_location({name!r}, {file!r})",
                "sys.modules[spec.name] = module_from_spec(spec)",
                "spec.loader.exec_module(sys.modules[spec.name])",
            ]
        return "\n".join(lines)


def launch(
    convention: Convention, chosen: Mapping[str, Path] | None = None, device: Device = "cpu"
) -> Launch:
    """Find what executes a framework's programs: the user's choice, or what is here.

    Raises
    ------
    EngineUnavailableError
        With the command that installs it, or with what is missing for the device.
    """
    chosen = chosen or {}
    if reason := lacks_device(convention, device, chosen):
        raise EngineUnavailableError(reason)
    wanted = convention.interpreter
    if wanted is None:
        return _launch_python(convention, chosen)
    on_path = (path for name in wanted.executables if (path := shutil.which(name)))
    executable = _choice(convention, chosen) or next(map(Path, on_path), None)
    if executable is not None and wanted.takes(executable):
        return Launch(Path(sys.executable), str(executable), wanted.worker, wanted.advice)
    if wanted.in_python is not None:
        return replace(_launch_python(convention, chosen), language=wanted.in_python)
    names = " nor ".join(wanted.executables)
    raise EngineUnavailableError(f"neither {names} is on the PATH; {wanted.advice}")


def lacks_device(
    convention: Convention, asked: Device = "cpu", chosen: Mapping[str, Path] | None = None
) -> str | None:
    """Return why a framework cannot compute on a device; ``None`` if it can.

    A user's own interpreter checks its device itself.
    """
    device = convention.device(asked)
    if asked == "cuda" and device == "cpu":
        cuda = named(Ask.DEVICE, "cuda")
        return f"{convention.title} is run on the CPU only; leave " + cuda + " out for it"
    if device == "cpu" or _chosen_for(convention, chosen or {}):
        return None
    return gpus.missing()


def tox_ini() -> Path:
    """Return the file that holds the frameworks' pins: the checkout's, else the installed one."""
    checkout = Path(__file__).parents[2] / "tox.ini"
    return checkout if checkout.is_file() else Path(str(resources.files("harness"))) / "tox.ini"


def folder() -> Path:
    """Return the folder that holds the environments, tox's work directory."""
    if chosen := os.environ.get("TOX_WORK_DIR"):
        return Path(chosen)
    if tox_ini().parent.name == "harness":
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "deconform" / "tox"
    return tox_ini().parent / ".tox"


def has_environment(convention: Convention) -> bool:
    """Whether ``deconform envs`` builds an environment for a framework: ``tox.ini`` names it."""
    return _is_named(environment_of(convention))


def environment_of(convention: Convention) -> str:
    """Return the name of a framework's environment; a variant may have one of its own."""
    own = convention.name.replace(":", "-")
    return own if _is_named(own) else convention.family


def _is_named(environment: str) -> bool:
    return f"[testenv:{environment}]\n" in tox_ini().read_text(encoding="utf-8")


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
    if path := _choice(convention, chosen or {}):
        return path
    if is_own(convention):
        return Path(sys.executable)
    environment = environment_of(convention)
    path = folder() / environment / "bin" / "python"
    if failure := _failure(environment):
        raise EngineUnavailableError(f"its environment could not be built: {failure}")
    if path.is_file():
        return path
    raise EngineUnavailableError(f"no environment; {how_to_build(convention.name)}")


def _choice(convention: Convention, chosen: Mapping[str, Path]) -> Path | None:
    path = _chosen_for(convention, chosen)
    if path and not path.is_file():
        raise EngineUnavailableError(f"{path}, chosen for {convention.name}, is no file")
    return path


def _chosen_for(convention: Convention, chosen: Mapping[str, Path]) -> Path | None:
    """Return the user's choice for a framework, which holds for variants in its environment."""
    return chosen.get(convention.name) or chosen.get(environment_of(convention))


def _launch_python(convention: Convention, chosen: Mapping[str, Path]) -> Launch:
    advice = "" if _chosen_for(convention, chosen) else how_to_build(convention.name)
    packages = {name: _file_of(name) for name in convention.packages}
    python = interpreter(convention, chosen)
    return Launch(python, convention.module, advice=advice, packages=packages)


def _file_of(package: str) -> str:
    """Return a package's file without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def _log(environment: str) -> Path:
    """Return the log file of a build that failed."""
    return folder() / f"{environment}.failed.log"


def _failure(environment: str) -> str | None:
    """Return the line that says why the last build failed, and the path of the log."""
    try:
        lines = _log(environment).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    errors = [line for line in lines if "error" in line.lower()] or lines[-1:]
    return f"{errors[-1].strip() if errors else 'it said nothing'} (all of it: {_log(environment)})"


def how_to_build(framework: str) -> str:
    """Return the advice that builds a framework's environment."""
    return f"build it with: deconform envs {framework}"


def build(environments: Sequence[str], at_once: int = 2) -> Iterator[Built]:
    """Build environments through tox, ``at_once`` at a time; yield each as it ends.

    Raises
    ------
    EngineUnavailableError
        If there is no tox.
    """
    command = _tox()
    running = _Running()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        pending = [pool.submit(_build, command, name, running) for name in environments]
        try:
            for future in as_completed(pending):
                yield future.result()
        finally:
            running.stop()
            pool.shutdown(cancel_futures=True)


class _Running:
    """The builds of one command, which end together."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._kept: list[Kept] = []

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
        """Run a command to its end; return its exit code and its output."""
        kept = Kept(
            command,
            environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._kept.append(kept)
        if self.stopped.is_set():
            kept.end()
        text, _ = kept.process.communicate()
        kept.end()
        return kept.process.returncode, text.decode(errors="replace").strip()

    def stop(self) -> None:
        self.stopped.set()
        for kept in self._kept:
            kept.end()


def _tox() -> list[str]:
    if find_spec("tox") is not None:
        return [sys.executable, "-m", "tox"]
    if path := shutil.which("tox"):
        return [path]
    raise EngineUnavailableError("there is no tox; install it: python -m pip install tox")


def _build(tox: Sequence[str], environment: str, running: _Running) -> Built:
    """Build an environment next to its place, and put it there when it is whole."""
    began = time.monotonic()
    place, log = folder() / environment, _log(environment)
    code, output = 0, ""
    with ExitStack() as stack:
        _take_turn(stack, place, running)
        if not _is_current(place):
            for killed in folder().glob(f".{environment}-*"):
                shutil.rmtree(killed, ignore_errors=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{environment}-", dir=folder()))
            stack.callback(shutil.rmtree, aside, ignore_errors=True)
            where = ("-c", str(tox_ini()), "--workdir", str(aside))
            command = [*tox, "run", *where, "-e", environment, "--notest"]
            code, output = running.run(command, _environ())
            if code == 0:
                _put(aside / environment, place)
        log.unlink(missing_ok=True)
        if code and not running.stopped.is_set():
            log.write_text(output, encoding="utf-8")
    return Built(environment, code == 0, time.monotonic() - began, output)


def _environ() -> dict[str, str]:
    """Return the environment without what a tox around this one says: which one it is in."""
    return {k: v for k, v in os.environ.items() if not k.startswith("TOX_")} | {"NO_COLOR": "1"}


def _take_turn(stack: ExitStack, place: Path, running: _Running) -> None:
    """Wait until nobody else builds an environment; then it is ours until the stack ends."""
    while True:
        try:
            stack.enter_context(files.locked(place))
        except files.WriteError:
            if running.stopped.wait(_TURN):
                raise
        else:
            return


def _is_current(place: Path) -> bool:
    """Whether all is installed that ``tox.ini`` asks for, by what tox wrote down after that."""
    pins = ConfigParser(interpolation=None)
    pins.read(tox_ini(), encoding="utf-8")
    wanted = pins.get(f"testenv:{place.name}", "deps", fallback="").split("\n")
    try:
        state = json.loads((place / ".tox-info.json").read_text(encoding="utf-8"))
        installed = state["PythonRun"]["deps"]["requirements"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    is_there = (place / "bin" / "python").exists()
    return is_there and sorted(installed) == sorted(filter(None, map(str.strip, wanted)))


def _put(built: Path, place: Path) -> None:
    """Move an environment to its place; its scripts name their interpreter there."""
    for script in (built / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            text = script.read_bytes()
            script.write_bytes(text.replace(bytes(built), bytes(place)))
    if place.exists():
        place.rename(built.with_name("replaced"))
    built.rename(place)
