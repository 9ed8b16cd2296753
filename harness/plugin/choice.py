"""What pytest's options and configuration file choose: cases, columns, and how they are run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, get_args

import pytest

from harness.convention.device import Device, Math
from harness.convention.registry import framework_names, that_is_run
from harness.core.errors import Ask, InputError, Mention
from harness.doors.implementation import Implementation, is_file, load_implementation, name_of
from harness.execution import TIMEOUT
from harness.execution.column import Conditions
from harness.suite.limitations import Limitation, load_known, load_limitations
from harness.suite.specs import spec_files

_A_DAY: Final = 86400.0  # seconds


@dataclass(frozen=True)
class Choice:
    """What is collected, and what runs it."""

    select: tuple[str, ...]
    specs: tuple[Path, ...]  # Files
    columns: tuple[str | Implementation, ...]
    conditions: Conditions

    @classmethod
    def of(cls, config: pytest.Config) -> Choice:
        """Read what is chosen; raise ``pytest.UsageError`` where that cannot be used."""
        try:
            columns = tuple(_columns(config))
            return cls(
                tuple(listed(config, "select")),
                _specs(config),
                columns,
                _conditions(config, columns),
            )
        except InputError as error:
            raise pytest.UsageError(error.worded(in_options)) from None


def in_options(mention: Mention) -> str:
    """Word a mention as an option of pytest's.

    >>> in_options(Mention(Ask.INTERPRETER, "mxnet=PATH"))
    '--deconform-python mxnet=PATH'
    """
    return mention.naming(f"--deconform-{_NAMES.get(mention.ask, mention.ask)}")


_NAMES: Final = {Ask.INTERPRETER: "python"}


def listed(config: pytest.Config, name: str) -> list[str]:
    """Return the values of an option, else those of the configuration file."""
    given: list[str] = config.getoption(f"deconform_{name}") or config.getini(f"deconform_{name}")
    return given


def _paths(config: pytest.Config, name: str) -> Iterator[Path]:
    """Return paths, which an option has relative to where pytest was started."""
    home = config.inipath.parent if config.inipath else config.rootpath
    base = config.invocation_params.dir if config.getoption(f"deconform_{name}") else home
    yield from (base / text for text in listed(config, name))


def _specs(config: pytest.Config) -> tuple[Path, ...]:
    return tuple(file.resolve() for path in _paths(config, "specs") for file in spec_files(path))


def _columns(config: pytest.Config) -> Iterator[str | Implementation]:
    names = listed(config, "framework")
    if not names:
        yield from framework_names()
    taken = set()
    for name, path in zip(names, _paths(config, "framework"), strict=True):
        one = load_implementation(path) if is_file(name) else that_is_run(name).name
        if name_of(one) in taken:
            raise InputError(f"the column {name_of(one)!r} is given twice.")
        taken.add(name_of(one))
        yield one


def _conditions(config: pytest.Config, columns: tuple[str | Implementation, ...]) -> Conditions:
    return Conditions(
        dict(_python(text) for text in listed(config, "python")),
        timeout=_timeout(_value(config, "timeout")),
        limitations=(*_known(config, columns), *load_limitations()),
        device=cast(Device, _one_of(config, "device", get_args(Device))),
        math=cast(Math, _one_of(config, "math", get_args(Math))),
        words=in_options,
    )


def _value(config: pytest.Config, name: str) -> str:
    text: str = config.getoption(f"deconform_{name}") or config.getini(f"deconform_{name}")
    return text


def _one_of(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    text = _value(config, name) or choices[0]
    if text not in choices:
        raise InputError(f"deconform_{name} is {text!r}; it is one of {', '.join(choices)}.")
    return text


def _timeout(text: str) -> float:
    try:
        seconds = float(text or TIMEOUT)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _A_DAY:
        raise InputError(f"deconform_timeout is {text!r}; it is a number of seconds, such as 60.")
    return seconds


def _python(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals:
        raise InputError(f"deconform_python is {text!r}; it is NAME=PATH, a framework and a file.")
    return that_is_run(name).name, Path(path).expanduser()


def _known(
    config: pytest.Config, columns: tuple[str | Implementation, ...]
) -> Iterator[Limitation]:
    """Read known failures: of the one implementation, or of the frameworks that they name."""
    for path in _paths(config, "known"):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file of known failures.")
        if len(columns) == 1 and isinstance(columns[0], Implementation):
            yield from load_known(path, columns[0].name)
        else:
            yield from load_limitations(path)
