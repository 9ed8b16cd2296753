"""What holds for all tests."""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings

from harness.bench import roofline
from harness.convention.registry import Convention, convention
from harness.execution import gpus
from harness.suite import specs
from harness.suite.case import Case
from harness.suite.yaml_fields import shown

# Examples of each Hypothesis test; support/examples.py has those that need more.  No deadline:
# a test must not fail because a machine is busy.
settings.register_profile("quick", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=30, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("ci")

_SPECS = specs.specs_root()
_READ: dict[tuple[Path, str], list[Case]] = {}


def _cases_of(
    file: Path, read: Callable[[Path], Iterator[Case]] = specs._cases_of
) -> Iterator[Case]:
    """Read a file of the default suite once: a hundred tests do, and it stays as it is."""
    if _SPECS not in file.parents:
        return read(file)
    key = (file, shown(file))  # Cases say where they stand, as seen from the current folder.
    if key not in _READ:
        _READ[key] = list(read(file))
    return iter(_READ[key])


specs._cases_of = _cases_of

# Of ``pytestmark = [pytest.mark.slow, pytest.mark.browser]``
_OF_A_FILE = re.compile(r"^pytestmark = (.*)$", re.MULTILINE)
_MARK = re.compile(r"pytest\.mark\.(\w+)")
_SCHEMATHESIS = "schemathesis.pytest.plugin"


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples where slow tests are left out, unless a profile was asked for."""
    if not _is_quick(config):
        # Blocked in pyproject.toml: importing it takes half a second in each process.
        config.pluginmanager.import_plugin(_SCHEMATHESIS)
        return
    # Compiling loops takes ten seconds on a new clone; without them, products serve.
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("quick")


def _is_quick(config: pytest.Config) -> bool:
    return "not slow" in config.option.markexpr


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of which no test is to run: importing them takes seconds."""
    if collection_path.suffix != ".py" or not (left_out := _left_out(config.option.markexpr)):
        return None
    marks = _OF_A_FILE.search(collection_path.read_text(encoding="utf-8"))
    named = set(_MARK.findall(marks[1])) if marks else set[str]()
    is_schema = collection_path == Path(__file__).parent / "server/test_schema.py"
    return True if named & left_out or (is_schema and _is_quick(config)) else None


def _left_out(expression: str) -> set[str]:
    """The marks that an expression leaves out, where it does nothing else."""
    words = [part.split() for part in expression.split(" and ")]
    is_plain = all(len(each) == 2 and each[0] == "not" for each in words)
    return {word for _, word in words} if is_plain else set()


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for doctests in our code alone: the tests have none, and looking takes a second."""
    collectors = yield
    return [each for each in collectors if not isinstance(each, DoctestModule)]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage meanwhile: next to nothing of what is imported and collected is."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what runs longest: mypy, and modules that start frameworks and browsers."""
    long = {
        item.path
        for item in items
        if item.get_closest_marker("frameworks")
        or item.get_closest_marker("browser")
        or item.path.name == "test_types.py"
    }
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Keep the collector from looking again and again at what stays: the tests and the modules."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what is marked ``gpu`` where there is none."""
    if item.get_closest_marker("gpu") and (reason := gpus.missing()):
        pytest.skip(reason)


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go by short names, which messages then begin with."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def small_probes() -> Iterator[None]:
    """Let the machine's ceilings be looked for where they are found quickly."""

    def small(framework: str) -> Convention:
        known = convention(framework)
        probes = {
            device: probe._replace(side=16, nbytes=1 << 10)
            for device, probe in known.probes.items()
        }
        return replace(known, probes=probes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roofline, "convention", small)
        yield


@pytest.fixture(name="can_be_interrupted")
def _can_be_interrupted() -> Iterator[None]:
    """Let children hear of SIGINT, which shells have the jobs ignore that they put behind."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
