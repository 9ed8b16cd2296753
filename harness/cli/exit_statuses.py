"""What a command's exit status means, and how a signal ends a command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

OK, BAD, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


class Terminated(KeyboardInterrupt):
    """SIGTERM, where it ends a command as Ctrl-C does."""


def status_of(interrupt: KeyboardInterrupt) -> int:
    """Return the exit status that a shell gives to the signal."""
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise :class:`Terminated` inside, so that workers end with their parent."""
    is_ours = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    try:
        if is_ours:
            signal.signal(signal.SIGTERM, _terminate)
    except ValueError:  # Only the main thread is told of signals.
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # A second one would cut the clean-up short.
    raise Terminated
