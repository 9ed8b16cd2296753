"""Ready examples of implementations under test: one folder of templates for each kind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.core.errors import InputError
from harness.core.files import whole_folder
from harness.suite.keys import COLUMN_NAME

_TEMPLATES: Final = Path(__file__).parent / "templates"
_NAME: Final = "NAME"  # In the templates' texts and in the names of their files


class ScaffoldError(InputError):
    """A folder that no example can be written to."""


@dataclass(frozen=True)
class Scaffold:
    """An example that was written: its folder and files, and the file that describes it."""

    folder: Path
    files: tuple[Path, ...]
    implementation: Path


def kinds() -> tuple[str, ...]:
    """Return the kinds of examples."""
    return tuple(sorted(file.parent.name for file in _TEMPLATES.glob(f"*/{_NAME}.yaml")))


def write_scaffold(kind: str, folder: Path) -> Scaffold:
    """Write an example into a folder, whose name is the implementation's.

    Raises
    ------
    ScaffoldError
        If something is there already, or if an implementation cannot be called so.
    """
    try:
        name = COLUMN_NAME.read("name", Path(os.path.abspath(folder)).name)  # noqa: PTH100 -- ..
    except ValueError as error:
        raise ScaffoldError(f"{folder}: the folder's name is the column's: {error}") from None
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldError(f"{folder}: something is there already: name a new folder.")
    templates = [each for each in (_TEMPLATES / kind).rglob("*") if _is_template(each)]
    texts = {
        Path(_named(str(each.relative_to(_TEMPLATES / kind)), name)): _named(
            each.read_text(encoding="utf-8"), name
        )
        for each in sorted(templates)
    }
    with whole_folder(folder) as part:
        for path, text in texts.items():
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_text(text, encoding="utf-8")
    return Scaffold(folder, tuple(texts), folder / f"{name}.yaml")


def _is_template(path: Path) -> bool:
    """Whether it is a file of ours, not one that an interpreter has left."""
    return path.is_file() and "__pycache__" not in path.parts


def _named(text: str, name: str) -> str:
    return text.replace(_NAME, name)
