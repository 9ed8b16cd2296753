"""Which commit is checked out, and on which branch: git says it, or whoever starts a run."""

from __future__ import annotations

import os
import shutil
import subprocess


def commit() -> str:
    """Name the current folder's commit, ``-dirty`` if files differ from it; empty if unknown.

    ``DECONFORM_COMMIT`` goes first; without git and it, ``GITHUB_SHA``.
    """
    asked = "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"
    return _stated("DECONFORM_COMMIT") or _git(*asked) or _stated("GITHUB_SHA")


def branch() -> str:
    """Name the current folder's branch; empty if unknown."""
    current = _git("branch", "--show-current")
    return current or _stated("GITHUB_HEAD_REF") or _stated("GITHUB_REF_NAME")


def _stated(name: str) -> str:
    return os.environ.get(name, "").strip()


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    # Looking must not take a lock that a person's own git wants.
    environ = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            [git, *arguments], env=environ, capture_output=True, text=True, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
