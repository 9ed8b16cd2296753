"""Wolfram Language programs for a run elsewhere: a folder with one script for ``wolframscript``.

There was no kernel to try this with: it uses what every version has, and is tested with Mathics3 in
the kernel's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.frameworks.wolfram.kernel import NAMES, about, literal, raised, read_outputs

if TYPE_CHECKING:
    from harness.convention.exporter import Arrays

SCRIPT: Final = "deconform_export.wl"

_HEAD: Final = """\
(* Runs the programs in jobs/ and leaves what they gave in the file "deconform-result".
   Written by deconform {version}; run it in this folder: wolframscript -file {script} *)
deconformResult = OpenWrite["deconform-result"];
deconformAppend[text_] :=
  WriteString[deconformResult, ToString[StringLength[text]] <> "\\n" <> text];
WriteString[deconformResult, "deconform-result 1\\n"];
deconformAppend[{manifest}];
deconformAppend[$Version];
"""
_JOB: Final = """\
deconformRaised = ""; ClearAll[{names}]; Get["jobs/{number}.wl"];
deconformAppend[If[deconformRaised =!= "", "raised\\n" <> deconformRaised,
  "result\\n" <> {outputs}]];
"""
_TAIL: Final = """\
Close[deconformResult];
Print["{count} programs run; send back the file deconform-result"];
"""
# A message makes the section the one that raised; what follows it is not run.
_SECTION: Final = """\
If[deconformRaised === "", If[Check[({text}
"ok"), "failed"] =!= "ok", deconformRaised = "{name}"]];
"""
_OUTPUT: Final = '"{name} " <> ToString[Normal[{name}], InputForm] <> "\\n"'


def write_job(
    folder: Path, number: int, sections: Sequence[tuple[str, str]], inputs: Arrays
) -> None:
    """Write one program's arrays and text."""
    given = [f"{name} = {literal(array)};\n" for name, array in inputs.items()]
    texts = [_SECTION.format(name=name, text=text.rstrip()) for name, text in sections]
    path = folder / "jobs" / f"{number}.wl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join([*given, *texts]), encoding="ascii")


def write_script(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> str:
    """Write the script; return the command line for it there."""
    from importlib.metadata import version  # noqa: PLC0415

    manifest = (folder / "manifest.json").read_text(encoding="ascii")
    quoted = '"' + manifest.replace("\\", "\\\\").replace('"', '\\"') + '"'
    head = _HEAD.format(version=version("deconform"), script=SCRIPT, manifest=quoted)
    calls = (
        _JOB.format(
            number=number,
            names=", ".join(NAMES),
            outputs=" <> ".join(_OUTPUT.format(name=name) for name in job["outputs"]),
        )
        for number, job in enumerate(jobs, 1)
    )
    text = head + "".join(calls) + _TAIL.format(count=len(jobs))
    (folder / SCRIPT).write_text(text, encoding="ascii")
    return f"wolframscript -file {SCRIPT}"


def read_about(text: str) -> tuple[str, str]:
    """Read what ran the script: version and engine."""
    return about(text)


def read_answer(answer: bytes, job: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what the script wrote of one job."""
    kind, *lines = answer.decode().splitlines()
    if kind == "raised":
        return raised(lines[0], "Message", "a message, which the script has printed there")
    texts = ((name, value) for name, _, value in (line.partition(" ") for line in lines))
    return read_outputs(texts, job["inputs"]["x"]["dtype"])
