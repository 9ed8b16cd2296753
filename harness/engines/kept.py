"""A process with a keeper, so that nothing is left of it and of what it starts."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from harness.engines import keeper

PATIENCE: Final = 20.0  # Seconds for a keeper to end what it keeps


class Kept:
    """A command that runs in a session and a temporary folder of its own, until it is ended."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        cores: Sequence[int] = (),  # To pin it to; all if empty
        memory: int = 0,  # Bytes that it may use, with all that it starts; 0 for no bound
        # Whether the kernel refuses it more: not of what maps the memory of a GPU as if it were its
        # own, which is ended once it uses more.
        *,
        is_refused: bool = True,
        files: Sequence[int] = (),  # Descriptors that it inherits, by the same numbers
        **popen: Any,  # What else the standard library is to do with it
    ) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"deconform-{secrets.token_hex(8)}"
        life, life_end = os.pipe()
        self._life = os.fdopen(life_end, "wb", buffering=0)
        order = {
            "command": list(command),
            "life": life,
            "folder": str(self.folder),
            "cores": list(cores),
            "memory": memory,
            "is_refused": is_refused,
        }
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__],
                env={**environ, "DECONFORM_KEEPER": json.dumps(order)},
                pass_fds=(life, *files),
                start_new_session=True,  # Ctrl-C goes to the parent only.
                **popen,
            )
        except BaseException:
            self._life.close()
            raise
        finally:
            os.close(life)

    def end(self) -> None:
        """End it, and all that it has started; safe from any thread."""
        self._life.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.folder.exists():  # Its keeper was killed, and has ended only the worker itself.
            _end_all_of(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)


def _end_all_of(folder: Path) -> None:
    """End the processes that have a folder for temporary files, where the system names them."""
    mark = b"TMPDIR=" + bytes(folder)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # It is another's, or has ended.
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
