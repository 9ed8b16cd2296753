"""Execute Wolfram Language text in a Wolfram kernel: a worker's language file.

One long-lived ``wolframscript`` runs ``driver/serve.wl``, which evaluates a file for every line of
its standard input.  Arrays go in and come out as nested lists in the files' and the answers' text,
which every version reads, with as many digits as a number needs.  The worker runs in deconform's
own interpreter; it imports the standard library and NumPy only.

There was no kernel to try this with: it follows the pages on scripts and on ``InputString``
(https://reference.wolfram.com/language/tutorial/WolframLanguageScripts.html), and its way is tested
with Mathics3 in the kernel's place.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

FOLDER: Final = Path(__file__).with_name("driver")
DONE: Final = "deconform:done"
_MOST_LINES: Final = 50  # Of what a program prints
ANSWER: Final = "deconform:answer"
NAMES: Final = ("x", "w", "b", "dy", "y", "dx", "dw", "db", "layer", "weights", "given")


class Kernel:
    """A running kernel, one file and one answer at a time."""

    def __init__(self, executable: str) -> None:
        # It stays in this worker's session, and so dies with it.
        self._process = subprocess.Popen(
            [executable, "-file", str(FOLDER / "serve.wl")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._file = Path(tempfile.mkdtemp(prefix="deconform-")) / "program.wl"
        self._asked = 0

    @property
    def mark(self) -> str:
        """What begins the answers to the next text; a program may print anything else."""
        return f"{ANSWER} {self._asked + 1} "

    def evaluate(self, text: str) -> tuple[list[str], str]:
        """Let it evaluate a text; return the answers in it, and what else was printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        mark = self.mark
        self._asked += 1
        done = f"{DONE} {self._asked}"
        self._file.write_text(f'{text}\nPrint["{done}"];\n', encoding="utf-8")
        print(self._file, file=self._process.stdin, flush=True)
        answers: list[str] = []
        chatter: deque[str] = deque(maxlen=_MOST_LINES)
        for line in self._process.stdout:
            if line.strip() == done:
                return answers, "\n".join(chatter)
            if line.startswith(mark):
                answers.append(line.removeprefix(mark).strip())
            elif line.strip():
                chatter.append(line.rstrip())
        sys.exit("; ".join(chatter) or "the kernel ended without any output")


_kernel: list[Kernel] = []


def start(module: str, _distribution: str) -> dict[str, Any]:
    """Start the kernel, the executable ``module``; say what it is."""
    _kernel.append(kernel := Kernel(module))
    (version,), _ = kernel.evaluate(f'Print["{kernel.mark}", $Version];')
    brief, engine = about(version)
    return {"version": brief, "engine": engine}


def about(version: str) -> tuple[str, str]:
    """Return the version and the engine that ``$Version`` tells of.

    Only a kernel's own layer is Wolfram's; in Mathics3 it is ours.

    >>> about("14.3.0 for Linux x86 (64-bit)")
    ('14.3.0', 'Wolfram kernel')
    >>> about("Mathics3 10.0.1 Running on linux")
    ('Mathics3 10.0.1', 'documented semantics (Mathics3 10.0.1)')
    """
    brief = version.split(" for ", maxsplit=1)[0].split(" Running", maxsplit=1)[0]
    is_own = not version.startswith("Mathics")
    return brief, "Wolfram kernel" if is_own else f"documented semantics ({brief})"


def execute(
    sections: Sequence[tuple[str, str]], arrays: Mapping[str, Any], outputs: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluate the sections; return the outputs, or what was printed and what did not evaluate."""
    (kernel,) = _kernel
    given = [f"{name} = {literal(array)};" for name, array in arrays.items()]
    kernel.evaluate("\n".join([f"ClearAll[{', '.join(NAMES)}];", *given]))
    for name, text in sections:
        (verdict,), printed = kernel.evaluate(checked(text, kernel.mark))
        if verdict != "ok":
            return raised(name, "Message", printed or "a message")
    mark = kernel.mark
    wanted = "\n".join(f'Print["{mark}", ToString[Normal[{n}], InputForm]];' for n in outputs)
    answers, printed = kernel.evaluate(wanted)
    return read_outputs(zip(outputs, answers, strict=True), arrays["x"].dtype, f" {printed}")


def read_outputs(
    texts: Iterable[tuple[str, str]], dtype: Any, printed: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read arrays from their texts; what is no array is an error."""
    outputs = {}
    for name, text in texts:
        try:
            outputs[name] = np.array(numbers(text), dtype)
        except ValueError:
            return raised("from_native", "Unevaluated", f"{name} is {text[:500]}{printed}")
    # The kernel does not say how long a section took, and the pipe's time is not the program's.
    return {"op": "result", "seconds": {}}, outputs


def checked(text: str, mark: str) -> str:
    """Write what answers ``ok``, after a mark, where ``text`` emits no message.

    >>> print(checked("y = x;", "deconform:answer 1 "))
    Print["deconform:answer 1 ", Check[(y = x;
    "ok"), "failed"]];
    """
    return f'Print["{mark}", Check[({text.rstrip()}\n"ok"), "failed"]];'


def literal(array: Any) -> str:
    """Write an array as nested lists, in full.

    >>> literal(np.array([[1, -2.5e-20]]))
    '{{1.0, -2.5*^-20}}'
    """
    if array.ndim:
        return "{" + ", ".join(map(literal, array)) + "}"
    return repr(float(array)).replace("e", "*^")


def numbers(text: str) -> Any:
    """Read nested lists of numbers as ``InputForm`` writes them.

    >>> numbers("{{1., -2.5*^-20}, {3, 0.25`}}")
    [[1.0, -2.5e-20], [3, 0.25]]
    """
    plain = text.translate(str.maketrans("{}", "[]")).replace("*^", "e")
    return json.loads(re.sub(r"\.(?!\d)", ".0", re.sub(r"`[\d.]*", "", plain)))


def raised(section: str, kind: str, message: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Answer that a section raised an error."""
    answer = {"op": "raised", "section": section, "type": kind, "traceback": ""}
    return {**answer, "message": message[:2000]}, {}
