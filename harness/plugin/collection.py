"""What ``pytest --deconform`` collects besides pytest's own: the packaged suite, and your cases."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NoReturn, Self

import pytest

from harness.doors.implementation import Implementation
from harness.plugin.items import CaseTest, SpecFile
from harness.plugin.running import Running
from harness.plugin.timing import TimedFile
from harness.suite.limitations import unmatched
from harness.suite.specs import selected, spec_files, specs_root

# The packaged suite's files are named by this, wherever it is installed.
_PACKAGED: Final = "deconform"
_ENDING: Final = ".deconform.yaml"


class Collection:
    """The hooks that collect cases and end their columns."""

    def __init__(self, config: pytest.Config, named: Sequence[str] | None) -> None:
        self._running = Running(config)
        # What the command line names: files of the packaged suite; ``None`` where it names nothing.
        self._named = named

    @classmethod
    def of(cls, config: pytest.Config) -> Self:
        """Take what names the packaged suite out of pytest's arguments."""
        if config.args_source is not config.ArgsSource.ARGS:
            return cls(config, None)
        named = [arg for arg in config.args if _is_packaged(arg, config.invocation_params.dir)]
        config.args[:] = [arg for arg in config.args if arg not in named]
        return cls(config, named)

    def pytest_report_header(self) -> str:
        """Name the columns."""
        return f"deconform: {', '.join(self._running.names)}"

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SpecFile | None:
        """Collect what is named for it, never all YAML."""
        if file_path.name.endswith(_ENDING) or file_path in self._running.choice.specs:
            return _spec_file(parent, file_path, self._running)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add the packaged suite and the specs that the configuration names."""
        if self._named is None:
            seen = {item.path for item in items}
            items += self._of_files(session, spec_files(specs_root()))
            items += self._of_files(session, set(self._running.choice.specs) - seen)
        for arg in self._named or ():
            items += self._of_argument(session, arg)
        for fact in self._unmatched(items):
            items += session.genitems(Mistake.from_parent(session, name=fact))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep a column's tests in one process where groups are asked for."""
        if config.getoption("dist") != "loadgroup":
            return None
        from harness.plugin.spreading import ColumnScheduling  # noqa: PLC0415 -- of pytest-xdist

        return ColumnScheduling(config, log, self._running.names)

    def pytest_sessionfinish(self) -> None:
        """End the columns' processes."""
        self._running.close()

    def _of_files(self, session: pytest.Session, files: Iterable[Path]) -> Iterator[pytest.Item]:
        for file in sorted(files):
            yield from session.genitems(_spec_file(session, file, self._running))

    def _of_argument(self, session: pytest.Session, arg: str) -> Iterator[pytest.Item]:
        """Collect a file, folder or test of the packaged suite, as its node id names it."""
        path, _, name = arg.partition("::")
        root = specs_root() / path.removeprefix(_PACKAGED).lstrip("/")
        is_met = False
        for item in self._of_files(session, spec_files(root) if root.exists() else ()):
            if not name or item.nodeid == arg or item.nodeid.startswith(f"{arg}["):
                is_met = True
                yield item
        if not is_met:
            yield from session.genitems(Mistake.from_parent(session, name=f"not found: {arg}"))

    def _unmatched(self, items: Iterable[pytest.Item]) -> Iterator[str]:
        """Find what is likely to be misspelt, or to have rotted."""
        choice = self._running.choice
        cases = [item.case for item in items if isinstance(item, CaseTest)]
        ids = {case.id for case in cases}
        for wanted in choice.select if self._named is None or cases else ():
            if not any(selected(case_id, wanted) for case_id in ids):
                yield f"no case matches deconform_select {wanted!r}"
        if self._named is None and not choice.select and not self._running.is_timed:
            known = [one.known for one in choice.columns if isinstance(one, Implementation)]
            limitations = [*choice.conditions.limitations, *chain(*known)]
            for one in unmatched(limitations, list({case.id: case for case in cases}.values())):
                yield f"{one.file}:{one.line}: limitation {one.id!r} matches no case"


class Mistake(pytest.Collector):
    """What was asked for, and is not there; its name says that."""

    def collect(self) -> NoReturn:
        """Fail."""
        raise self.CollectError(self.name)


def _is_packaged(arg: str, folder: Path) -> bool:
    """Whether an argument names a part of the packaged suite."""
    path = arg.partition("::")[0]
    return path.split("/")[0] == _PACKAGED and not (folder / path).exists()


def _spec_file(parent: pytest.Collector, path: Path, running: Running) -> SpecFile:
    """Make the node of a file; where it is none of the user's its id is short and lasting."""
    keywords: dict[str, Any] = {}
    if path.is_relative_to(specs_root()):
        keywords["nodeid"] = f"{_PACKAGED}/{path.relative_to(specs_root()).as_posix()}"
    elif not path.is_relative_to(parent.config.rootpath):
        keywords["nodeid"] = Path(os.path.relpath(path, parent.config.rootpath)).as_posix()
    kind = TimedFile if running.is_timed else SpecFile
    return kind.from_parent(parent, path=path, running=running, **keywords)
