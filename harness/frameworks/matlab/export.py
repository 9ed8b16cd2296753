"""MATLAB programs for a run elsewhere: a folder that MATLAB, or GNU Octave, runs by itself.

It holds the files by which programs run here, and a script in the place of the pipe.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.frameworks.matlab import execute

if TYPE_CHECKING:
    from harness.convention.exporter import Arrays

SCRIPT: Final = "deconform_export.m"

_HEAD: Final = """\
function deconform_export()
% Run the programs in jobs/ and leave what they gave in the file "deconform-result".
% Written by deconform {version}; needs the Deep Learning Toolbox, or GNU Octave.
  here = fileparts(mfilename('fullpath'));
  addpath(here);
  deconform_start(here);
  about = strsplit(fileread(fullfile(here, 'answer')), sprintf('\\n'));
  if isempty(about{{1}})
    error('deconform:start', '%s', about{{2}});
  end
  result = fopen(fullfile(here, 'deconform-result'), 'w', 'ieee-le');
  fprintf(result, 'deconform-result 1\\n');
  append(result, fullfile(here, 'manifest.json'));
  append(result, fullfile(here, 'answer'));
"""
_JOB: Final = """\
  one(result, fullfile(here, 'jobs', '{number}'), {arguments});
"""
_TAIL: Final = """\
  fclose(result);
  fprintf('\\n%d programs run; send back: %s\\n', {count}, fullfile(here, 'deconform-result'));
end

function one(result, folder, lengths, names, inputs, outputs)
  deconform_run(folder, lengths, names, inputs, outputs);
  fprintf('.');
  append(result, fullfile(folder, 'answer'));
end

function append(result, path)
  file = fopen(path, 'r');
  content = fread(file, Inf, '*uint8');
  fclose(file);
  fprintf(result, '%d\\n', numel(content));
  fwrite(result, content);
end
"""


def write_job(
    folder: Path, number: int, sections: Sequence[tuple[str, str]], inputs: Arrays
) -> None:
    """Write one program's text and arrays, as ``deconform_run.m`` reads them."""
    request = folder / "jobs" / str(number) / "request"
    request.parent.mkdir(parents=True)
    request.write_bytes(execute.request(sections, inputs))


def write_script(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> str:
    """Write the script and what it calls; return the command line for it there."""
    from importlib.metadata import version  # noqa: PLC0415

    for name in ("deconform_run.m", "deconform_start.m"):
        shutil.copy2(execute.FOLDER / name, folder / name)
    shutil.copytree(execute.FOLDER / "definitions", folder / "definitions")
    text = _HEAD.format(version=version("deconform"))
    for number, job in enumerate(jobs, 1):
        inputs = {name: (one["dtype"], one["shape"]) for name, one in job["inputs"].items()}
        arguments = execute.run_arguments(dict(job["sections"]), inputs, job["outputs"])
        text += _JOB.format(number=number, arguments=arguments)
    (folder / SCRIPT).write_text(text + _TAIL.format(count=len(jobs)), encoding="ascii")
    return f"matlab -batch deconform_export   (or: octave {SCRIPT})"


def read_about(text: str) -> tuple[str, str]:
    """Read what ran the script: version and engine."""
    product, engine, *_ = text.splitlines()
    return product, engine


def read_answer(answer: bytes, job: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what ``deconform_run.m`` wrote of one job."""
    ranks = {name: len(one["shape"]) for name, one in job["inputs"].items()}
    return execute.answered(answer, [name for name, _ in job["sections"]], ranks)
