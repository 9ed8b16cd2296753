"""Execute MATLAB text: a worker's language file.

MATLAB where there is one, else GNU Octave over definitions of the documented semantics
(``driver/definitions``).  One long-lived process reads commands from a pipe, as ``matlab
-nodesktop`` and ``octave`` both do, and prints a line when an answer is complete;
text and arrays travel in files.  The worker runs in deconform's own interpreter; it imports the
standard library and NumPy only.

It has not been tried with MATLAB itself: other programs have long driven MATLAB line by line over
pipes, and the same way is tested with GNU Octave in its place.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

FOLDER: Final = Path(__file__).with_name("driver")
DONE: Final = "deconform:done"
_MOST_LINE: Final = 2**16  # Characters that are read at a time
CLASSES: Final = {"float32": "single", "float64": "double"} | {
    name: name for name in ("int8", "int16", "int32", "int64")
}

# What a refusal must not be taken for: errors that are the program's own fault, by the names that
# Python has for them.
_FAULTS: Final = {
    "Octave:undefined-function": "NameError",
    "MATLAB:UndefinedFunction": "NameError",
    "MATLAB:undefinedVarOrClass": "NameError",
    "MATLAB:license:NoFeature": "ImportError",
    "Octave:out-of-memory": "MemoryError",
    "MATLAB:nomem": "MemoryError",
    "deconform:missing": "NameError",
}


class Interpreter:
    """A running MATLAB or Octave, one command and one answer at a time."""

    def __init__(self, executable: str) -> None:
        # What it says on stderr is passed on, and becomes its last words if it dies.  It stays in
        # this worker's session, and so dies with it.
        self._process = subprocess.Popen(
            command_of(executable), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._name = Path(executable).name
        self._asked = 0
        self.folder = Path(tempfile.mkdtemp(prefix="deconform-"))

    def ask(self, command: str) -> bytes:
        """Let it run one command of ours; return what it has written as its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked += 1
        # With the number, for a program may print anything, and an answer may be late.
        done = f"{DONE} {self._asked}\n"
        try:
            self._process.stdin.write(f"{command}; deconform_done({self._asked})\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It has died, which its output says next.
        tail = ""
        while line := self._process.stdout.readline(_MOST_LINE):
            # A prompt may stand before it.
            if (tail + line).endswith(done):
                return self._answer()
            tail = line[-len(done) :]
            sys.stderr.write(line)
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        sys.exit(f"{self._name} died ({how})")

    def _answer(self) -> bytes:
        try:
            return (self.folder / "answer").read_bytes()
        except OSError as error:
            sys.exit(f"{self._name} says that it is done, but left no answer: {error.strerror}")


_running: list[Interpreter] = []


def command_of(executable: str) -> list[str]:
    """Return the command that starts an interpreter which reads commands from a pipe.

    >>> command_of("/usr/bin/octave")[1:]
    ['--no-gui', '--quiet', '--norc']
    """
    if Path(executable).name.startswith("octave"):
        return [executable, "--no-gui", "--quiet", "--norc"]
    return [executable, "-nodesktop", "-nosplash", "-nodisplay", "-singleCompThread"]


def start(module: str, distribution: str) -> dict[str, Any]:
    """Start the executable ``module``; say what it is."""
    interpreter = Interpreter(module)
    where = f"addpath({_quoted(FOLDER)}); deconform_start({_quoted(interpreter.folder)})"
    version, engine, *_ = interpreter.ask(where).decode().splitlines()
    if not version:
        raise ImportError(f"{distribution}: {engine}")
    _running.append(interpreter)
    return {"version": version, "engine": engine}


def execute(
    sections: Sequence[tuple[str, str]], arrays: Mapping[str, Any], outputs: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the sections in one workspace; return the outputs, the seconds of each, or the error."""
    (interpreter,) = _running
    (interpreter.folder / "request").write_bytes(request(sections, arrays))
    lengths = {name: len(text.encode()) for name, text in sections}
    inputs = {name: (str(array.dtype), array.shape) for name, array in arrays.items()}
    arguments = run_arguments(lengths, inputs, outputs)
    answer = interpreter.ask(f"deconform_run({_quoted(interpreter.folder)}, {arguments})")
    ranks = {name: array.ndim for name, array in arrays.items()}
    return answered(answer, list(lengths), ranks)


def request(sections: Sequence[tuple[str, str]], arrays: Mapping[str, Any]) -> bytes:
    """Write what ``deconform_run.m`` reads: the texts, then the arrays, column by column."""
    texts = (text.encode() for _, text in sections)
    return b"".join([*texts, *(array.tobytes(order="F") for array in arrays.values())])


def run_arguments(
    lengths: Mapping[str, int],
    inputs: Mapping[str, tuple[str, Sequence[int]]],
    outputs: Sequence[str],
) -> str:
    """Write the arguments of ``deconform_run.m`` that follow the folder."""
    described = "; ".join(
        f"{_quoted(name)}, {_quoted(CLASSES[dtype])}, {_extent(shape)}"
        for name, (dtype, shape) in inputs.items()
    )
    sizes = _extent(list(lengths.values()))
    return f"{sizes}, {_cell(list(lengths))}, {{{described}}}, {_cell(outputs)}"


def answered(
    answer: bytes, names: Sequence[str], ranks: Mapping[str, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what ``deconform_run.m`` has written: a message as a worker's, and arrays."""
    kind, _, rest = answer.partition(b"\n")
    if kind == b"raised":
        return _raised(rest.decode(errors="replace")), {}
    return _result(rest, names, ranks)


def _raised(text: str) -> dict[str, Any]:
    section, identifier, message = text.split("\n", 2)
    is_syntax = message.lstrip().startswith("parse error")
    identifier = identifier or ("SyntaxError" if is_syntax else "error")
    return {
        "op": "raised",
        "section": section,
        "type": _FAULTS.get(identifier, identifier),
        "message": message.strip()[:2000],
        "traceback": "",
    }


def _result(
    answer: bytes, names: Sequence[str], ranks: Mapping[str, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    head, _, body = answer.partition(b"\n\n")
    seconds, *described = head.decode().splitlines()
    outputs = {}
    offset = 0
    for line in described:
        name, kind, *extent = line.split()
        dtype = {"single": "float32", "double": "float64"}.get(kind, kind)
        shape = tuple(map(int, extent))
        size = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(body, dtype, count=size, offset=offset).reshape(shape, order="F")
        offset += array.nbytes
        outputs[name] = with_rank(array, ranks.get(name.removeprefix("d"), ranks.get("x", 0)))
    times = dict(zip(names, map(float, seconds.split()), strict=True))
    return {"op": "result", "seconds": times}, outputs


def with_rank(array: Any, rank: int) -> Any:
    """Add the axes of length 1 that MATLAB drops at an array's end, or remove those it invents.

    An output has as many axes as the input that it belongs to: ``y`` as ``x``, ``dw`` as ``w``.

    >>> with_rank(np.zeros((2, 3)), 4).shape, with_rank(np.zeros((3, 1)), 1).shape
    ((2, 3, 1, 1), (3,))
    """
    shape = list(array.shape)
    while len(shape) > rank and shape[-1] == 1:
        shape.pop()
    return array.reshape(shape + [1] * (rank - len(shape)), order="F")


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _cell(names: Sequence[str]) -> str:
    return "{" + ", ".join(map(_quoted, names)) + "}"


def _extent(shape: Sequence[int]) -> str:
    """Write a shape as MATLAB has it: of two dimensions at least."""
    return "[" + " ".join(map(str, [*shape, *[1] * (2 - len(shape))])) + "]"
