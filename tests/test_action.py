"""``action.yml``, step by step as GitHub's runner would: bash, the environment, the files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from harness.doors.scaffold import write_scaffold
from harness.records.report_file import Report

ROOT: Final = Path(__file__).parent.parent
ACTION: Final[dict[str, Any]] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: Final[list[dict[str, Any]]] = ACTION["runs"]["steps"]
SUITE: Final = """\
suite: some
cases:
  - {name: plain, input: [1, 2, 3], out_channels: 2, kernel: 2}
  - {name: grouped, input: [1, 4, 3], out_channels: 2, kernel: 2, groups: 2}
"""
# ``python -m venv`` makes a folder in which this checkout is installed; pip does nothing.
PYTHON: Final = f"""\
#!/bin/sh
echo "python $*" >> "$CALLS"
[ "$2" = venv ] || exit 0
mkdir -p "$4/bin"
printf '#!/bin/sh\\n[ "$2" = pip ] || exec {sys.executable} "$@"\\n' > "$4/bin/python"
printf '#!/bin/sh\\nexec {sys.executable} -m harness "$@"\\n' > "$4/bin/deconform"
chmod +x "$4/bin/python" "$4/bin/deconform"
"""
# The comments of a pull request as files of a folder, each named by its number.
GH: Final = """\
#!/bin/sh
echo "gh $*" >> "$CALLS"
[ -z "$REFUSED" ] || exit 1
case "$*" in
  *--jq*) case "$MARKER" in "$(head -n 1 "$COMMENTS/7" 2> /dev/null)") echo 7;; esac;;
  *"--method POST repos/me/mine/issues/3/comments"*) cp "${7#body=@}" "$COMMENTS/7";;
  *"--method PATCH repos/me/mine/issues/comments/7"*) cp "${7#body=@}" "$COMMENTS/7";;
  *) exit 1;;
esac
"""


@dataclass
class Job:
    """A job of one step, which uses the action."""

    folder: Path
    event: str = "pull_request"
    environ: dict[str, str] = field(default_factory=dict)
    printed: str = ""
    status: int = 0
    outputs: dict[str, str] = field(default_factory=dict)

    def uses(self, **inputs: str) -> Job:
        """Run the steps in turn, until one fails."""
        known = {name: one["default"] for name, one in ACTION["inputs"].items()}
        assert inputs.keys() <= known.keys()
        contexts: dict[str, Any] = {
            "inputs": known | inputs,
            "github": {
                "action_path": str(ROOT),
                "token": "a token",
                "event_name": self.event,
                "event": {"pull_request": {"number": "3"}},
            },
            "steps": {},
        }
        self.status, self.printed = 0, ""
        for step in STEPS:
            if self._is_left_out(step, contexts):
                continue
            self.status = self._run(step, contexts)
            if self.status:
                break
        self.outputs = {
            name: expanded(one["value"], contexts) for name, one in ACTION["outputs"].items()
        }
        return self

    def _is_left_out(self, step: Mapping[str, Any], contexts: Mapping[str, Any]) -> bool:
        if "if" not in step:
            return False
        left, right = str(step["if"]).split(" == ")
        return f"'{looked_up(left, contexts)}'" != right

    def _run(self, step: Mapping[str, Any], contexts: dict[str, Any]) -> int:
        assert step["shell"] == "bash"
        script, output = self.folder / "step.sh", self.folder / "output"
        script.write_text(step["run"], encoding="utf-8")
        output.write_text("")
        environ = {name: expanded(text, contexts) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder / "work",
            env=os.environ | self.environ | environ | {"GITHUB_OUTPUT": str(output)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed += done.stdout
        lines = output.read_text(encoding="utf-8").splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        contexts["steps"][step.get("id", "")] = {"outputs": outputs}
        return done.returncode

    @property
    def summary(self) -> str:
        return (self.folder / "summary").read_text(encoding="utf-8")

    @property
    def comment(self) -> str:
        return (self.folder / "comments" / "7").read_text(encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()


def looked_up(path: str, contexts: Mapping[str, Any]) -> str:
    value: Any = contexts
    for name in path.split("."):
        value = value.get(name, {})
    return value if isinstance(value, str) else ""


def expanded(text: str, contexts: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda match: looked_up(match[1], contexts), text)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    for name in ("work", "temp", "bin", "comments"):
        (tmp_path / name).mkdir()
    for name, text in (("python", PYTHON), ("gh", GH)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    work = tmp_path / "work"
    (work / "some.yaml").write_text(SUITE)
    write_scaffold("python", work / "mine")
    environ = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_REPOSITORY": "me/mine",
        "CALLS": str(tmp_path / "calls"),
        "COMMENTS": str(tmp_path / "comments"),
    }
    return Job(tmp_path, environ=environ)


MINE: Final = {"implementation": "mine/mine.yaml", "arguments": "some.yaml"}


def obeyed(printed: str) -> str:
    """Return what GitHub reads commands from."""
    return re.sub(r"::stop-commands::(\w+)\n.*?\n::\1::\n", "", printed, flags=re.DOTALL)


def break_the_bias(job: Job) -> None:
    kernels = job.folder / "work/mine/kernels.py"
    text = kernels.read_text(encoding="utf-8")
    assert "if b is not None" in text
    kernels.write_text(text.replace("if b is not None", "if False"), encoding="utf-8")


def test_no_input_becomes_a_part_of_a_script() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for step in STEPS:
        assert "${{" not in step["run"], step["name"]
    given = {text for step in STEPS for text in step.get("env", {}).values()}
    assert {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]} <= given


def test_the_adopter_s_workflow_is_short_and_fits() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(name: conformance\n.*?)```", readme, re.DOTALL)
    assert len(text.splitlines()) <= 12
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    *_, last = workflow["jobs"]["deconform"]["steps"]
    assert last["with"].keys() <= ACTION["inputs"].keys()


@pytest.mark.slow
def test_an_implementation_and_a_framework_pass(job: Job) -> None:
    job.event = "push"
    job.uses(**MINE, frameworks="numpy", select="plain *grouped*")
    assert job.status == 0, job.printed
    counts = json.loads(job.outputs["counts"])
    assert counts == {"mine": {"PASSED": 10}, "numpy": {"PASSED": 10}}
    assert {one.case for one in Report.read(job.outputs["report"]).records} == {
        "some/plain",
        "some/grouped",
    }
    assert "<title>mine: 10 passed</title>" in Path(job.outputs["badge"]).read_text(
        encoding="utf-8"
    )
    assert "### Conformance: nothing failed" in job.summary
    assert [call.split()[:3] for call in job.calls] == [["python", "-m", "venv"]]


@pytest.mark.slow
def test_a_failure_is_annotated_and_is_one_comment_until_it_is_mended(job: Job) -> None:
    whole = job.uses(**MINE).outputs["report"]
    assert "### Conformance: nothing failed" in job.comment
    kernels = (job.folder / "work/mine/kernels.py").read_text(encoding="utf-8")
    break_the_bias(job)

    job.uses(**MINE, baseline=whole)
    assert job.status == 1
    assert "bias ignored" in job.comment
    assert "newly failing" in job.comment
    assert "bias ignored" in job.summary
    assert json.loads(job.outputs["counts"])["mine"]["FAILED"] > 0
    assert "\n::error " in job.printed.rpartition("::stop-commands::")[2]

    (job.folder / "work/mine/kernels.py").write_text(kernels, encoding="utf-8")
    assert job.uses(**MINE).status == 0
    assert job.outputs["report"] != whole
    assert "bias ignored" not in job.comment
    assert sum(call.startswith("python") for call in job.calls) == 1
    methods = [call.split()[4] for call in job.calls if "--method" in call]
    assert methods == ["POST", "PATCH", "PATCH"]


@pytest.mark.slow
def test_known_failures_are_no_failures(job: Job) -> None:
    break_the_bias(job)
    assert job.uses(**MINE | {"arguments": "some.yaml --update-known known.yaml"}).status == 1
    assert job.uses(**MINE, known="known.yaml").status == 0
    assert "KNOWN" in json.loads(job.outputs["counts"])["mine"]


@pytest.mark.slow
def test_who_may_not_comment_is_warned_and_judged_alike(job: Job) -> None:
    job.environ["REFUSED"] = "yes"
    assert job.uses(**MINE).status == 0
    assert "::warning::deconform cannot comment" in job.printed


def test_something_is_to_be_named(job: Job) -> None:
    assert job.uses(arguments="some.yaml").status == 2
    assert "::error::deconform: name an implementation, or frameworks." in job.printed


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ACTION["inputs"]))
def test_an_input_is_a_text_whatever_it_says(job: Job, name: str) -> None:
    hostile = "$(touch hacked);`touch hacked`;touch hacked\n::error::forged\n' \"; touch hacked #"
    job.uses(**MINE | {name: hostile})
    assert job.status in {1, 2}, job.printed
    assert not list(job.folder.rglob("hacked"))
    assert "\n::error::forged" not in obeyed(job.printed)


@pytest.mark.slow
def test_what_an_implementation_prints_is_no_command(job: Job) -> None:
    kernels = job.folder / "work/mine/kernels.py"
    text = kernels.read_text(encoding="utf-8")
    forged = "raise ValueError('x\\n::error::forged\\n::set-output name=counts::{}')"
    kernels.write_text(text.replace("if b is not None:", f"if b is not None: {forged}\n    if 0:"))
    assert job.uses(**MINE).status == 1
    assert "forged" in obeyed(job.printed)
    assert not re.search(r"^\s*::(error::forged|set-output)", obeyed(job.printed), re.MULTILINE)
