"""Find the file that a command starts, as a shell does, but without a shell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.engines.job import EngineBrokenError


def executable(name: str, folder: Path, environ: Mapping[str, str]) -> str:
    """Find the file of a command's first word: a path, relative to the folder, or on ``PATH``.

    Raises
    ------
    EngineBrokenError
        If there is none that can be executed; with what to do.
    """
    name = os.path.expanduser(name)  # noqa: PTH111 -- leaves ~nobody as it is
    words = name.split()
    hint = f"; a command is a list: [{', '.join(words)}]" if len(words) > 1 else ""
    if "/" not in name:
        if (on_path := shutil.which(name, path=environ.get("PATH"))) is None:
            if (folder / name).exists():
                hint = f"; write ./{name} for the file in {folder}"
            raise EngineBrokenError(f"{name}: there is no such program on PATH{hint}")
        return os.path.abspath(on_path)  # noqa: PTH100 -- a link's name may be what it goes by
    file = Path(os.path.abspath(folder / name))  # noqa: PTH100
    if not file.exists():
        raise EngineBrokenError(f"{name}: there is no file {file}{hint}")
    if file.is_dir():
        raise EngineBrokenError(f"{name}: {file} is a folder, not a program")
    if not os.access(file, os.X_OK):
        raise EngineBrokenError(
            f"{name}: {file} is not executable: chmod +x it, or name what executes it before it, "
            f"such as python3 {name}"
        )
    return str(file)
