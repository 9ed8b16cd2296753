"""What continuous integration runs goes on whoever runs it, as root or not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "run"
RECORDED = 'echo "$(basename "$0") $*" >> "$CALLS"\n'
STUBS = {
    "id": 'echo "$USER_ID"\n',
    "apt-get": RECORDED,
    "sudo": RECORDED + 'shift; [ -n "$SUDOER" ] && "$@"\n',
    "python3": RECORDED + "mkdir -p .venv/bin && touch .venv/bin/activate\n",
    "python": RECORDED,
    "tox": RECORDED,
    "octave": "",
    "postgres": "",
    "pg_ctlcluster": "",
    "chromium": "",
    "cc": "",
    "c++": "",
    "make": "",
    "node": "",
}
REAL = ("bash", "basename", "dirname", "env", "mkdir", "touch", "true")
TOX = ["python3 -m venv .venv", "python -m pip install --quiet tox", "tox run"]
UPDATE = "apt-get update -qq"
INSTALL = "apt-get install -y -qq --no-install-recommends"
SERVER = {"postgres", "pg_ctlcluster"}


def run(folder: Path, without: set[str], user: int, sudoer: str = "") -> tuple[list[str], str]:
    """Run the script with stubs; return what it called and what it said."""
    for name in ("bin", ".ci"):
        (folder / name).mkdir()
    shutil.copy(SCRIPT, folder / ".ci")
    for name in REAL:
        (folder / "bin" / name).symlink_to(shutil.which(name) or "nowhere")
    for name, text in STUBS.items():
        if name not in without:
            (folder / "bin" / name).write_text(f"#!/usr/bin/env bash\n{text}")
            (folder / "bin" / name).chmod(0o755)
    environ = {
        "PATH": str(folder / "bin"),
        "CALLS": str(folder / "calls"),
        "USER_ID": str(user),
        "SUDOER": sudoer,
    }
    command = [str(folder / ".ci" / "run")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return (folder / "calls").read_text().splitlines(), done.stderr


@pytest.mark.parametrize("without", [set(), {"postgres"}, {"pg_ctlcluster"}])
def test_nothing_is_installed_where_all_is_there(without: set[str], tmp_path: Path) -> None:
    assert run(tmp_path, without, user=1000) == (TOX, "")


@pytest.mark.parametrize(
    ("without", "packages"),
    [
        ({"octave"}, "octave"),
        (SERVER, "postgresql"),
        ({"chromium"}, "chromium"),
        ({"make"}, "build-essential"),
        ({"node"}, "nodejs"),
        ({"octave", *SERVER, "chromium", "cc"}, "octave postgresql chromium build-essential"),
    ],
)
def test_root_installs_what_is_missing(without: set[str], packages: str, tmp_path: Path) -> None:
    apt = [UPDATE, f"{INSTALL} {packages}"]
    assert run(tmp_path, {*without, "sudo"}, user=0) == ([*apt, *TOX], "")


def test_who_may_become_root_installs_it(tmp_path: Path) -> None:
    calls, said = run(tmp_path, {"octave"}, user=1000, sudoer="yes")
    without_sudo = [call for call in calls if not call.startswith("sudo")]
    assert without_sudo == [UPDATE, f"{INSTALL} octave", *TOX]
    assert said == ""


@pytest.mark.parametrize("without", [{"sudo"}, {"apt-get"}, set()])
def test_who_may_not_is_told_what_to_install_and_the_tests_run(
    without: set[str], tmp_path: Path
) -> None:
    calls, said = run(tmp_path, {"octave", *SERVER, *without}, user=1000)
    assert [call for call in calls if not call.startswith("sudo")] == TOX
    assert said.startswith(
        "Missing, and could not be installed; as root: apt-get install octave postgresql\n"
    )
