"""How the service is set up: by ``deconform serve``, or by the environment of an ASGI server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.core.errors import Ask, InputError, named

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


class SettingsError(InputError):
    """An invalid setting."""


@dataclass(frozen=True)
class Settings:
    """The configuration of the application."""

    # A folder that ``deconform report`` has built, shown below ``/reports/``.
    reports: Path | None = None
    # Names by which the service may be called; any other ``Host`` is refused.
    hosts: tuple[str, ...] = LOOPBACK
    lookups: int = 32  # Look-ups at the same time: each has a process, started when it is needed
    seconds: float = 5.0  # The most that a look-up may take
    waiting: int = 2000  # Look-ups that may wait

    def __post_init__(self) -> None:
        if self.reports is not None and not (self.reports / "index.html").is_file():
            raise SettingsError(
                f"{self.reports} holds no index.html: build it with `deconform report FILE "
                + named(Ask.DASHBOARD, str(self.reports))
                + "`."
            )


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read ``DECONFORM_REPORTS``, ``_HOSTS``, ``_LOOKUPS`` and ``_SECONDS``.

    >>> from_environment({"DECONFORM_HOSTS": "look.example.org, example.org"}).hosts
    ('look.example.org', 'example.org')
    """
    reports = environment.get("DECONFORM_REPORTS")
    hosts = environment.get("DECONFORM_HOSTS", "").replace(",", " ").split()
    return Settings(
        reports=Path(reports) if reports else None,
        hosts=tuple(hosts) or LOOPBACK,
        lookups=_number(environment, "DECONFORM_LOOKUPS", 256, Settings.lookups),
        # Less than the time after which a connection is closed.
        seconds=_number(environment, "DECONFORM_SECONDS", 50, int(Settings.seconds)),
    )


def _number(environment: Mapping[str, str], name: str, most: int, default: int) -> int:
    word = environment.get(name, str(default))
    if not word.isdecimal() or not 1 <= int(word) <= most:
        raise SettingsError(f"{name} is {word!r}; expected a number from 1 to {most}.")
    return int(word)
