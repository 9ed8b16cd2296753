"""A running ``deconform serve``, started as a user would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "harness", "serve", "--port", "0")


@contextmanager
def started(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the service on a free port; yield its address and its process."""
    # On a busy machine a look-up may take longer, and is not wrong for that.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DECONFORM_SECONDS": "50"}
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("look-ups at http://"), process.communicate()
            yield line.split()[2].rstrip("/"), process
        finally:
            process.kill()


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Yield the address of a running service; fail if it prints an error or exits badly."""
    with started(*arguments) as (address, process):
        yield address
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        assert (errors, process.returncode) == ("", 0)
