"""Programs that speak the protocol of workers, each wrong in one way.

They are what ``deconform init command`` writes, and a change to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).parents[2] / "harness/doors/templates/command/worker.py"

# ``changed`` may change the line and the bytes of an answer; ``number`` counts answers from 1.
_BETWEEN: Final = """
import io, os, re, signal
honest, out, number = write, sys.stdout.buffer, 0
class Kept:
    buffer = None
def changed(answer, line, blob):
    return line, blob
def write(answer, outputs, dtype):
    global number
    number += 1
    sys.stdout = Kept()
    sys.stdout.buffer = io.BytesIO()
    honest(answer, outputs, dtype)
    line, _, blob = sys.stdout.buffer.getvalue().partition(b"\\n")
    sys.stdout = sys.__stdout__
    out.write(b"".join(changed(answer, line + b"\\n", blob)))
    out.flush()
"""
_CHANGED: Final = "def changed(answer, line, blob):\n    "

# By what is wrong: the change, the check that finds it first, and a part of what is said.
WRONG: Final = {
    "another id": (
        _CHANGED + "return line.replace(b'\"id\": ', b'\"id\": 1'), blob",
        "start",
        "it answers 11, where 1 was next",
    ),
    "no id": (
        _CHANGED + "return line.replace(b'\"id\"', b'\"number\"'), blob",
        "start",
        "it answers None, where 1 was next",
    ),
    "more bytes than it says": (
        _CHANGED + "return line, blob + bytes(4) * bool(blob)",
        "run, 1 axis",
        "is no JSON",
    ),
    "fewer bytes than it says": (
        _CHANGED + "return re.sub(rb'(\"nbytes\": \\d+)', rb'\\g<1>4', line), blob",
        "run",
        "array 'y' claims shape (1, 6, 5, 5) of float32, 600 bytes, but carries 6004",
    ),
    "text before the first frame": (
        "out.write(b'Loading the model ...\\n')",
        "start",
        "its first line, b'Loading the model ...', is no JSON",
    ),
    "big-endian": (
        _CHANGED + "return line, b''.join(blob[i:i + 4][::-1] for i in range(0, len(blob), 4))",
        "run",
        "y is big-endian: bytes go out with the lowest first",
    ),
    "another dtype": (
        "first = honest\ndef honest(answer, outputs, dtype): first(answer, outputs, 'float64')",
        "run",
        "y is float64",
    ),
    "a dtype that nobody knows": (
        _CHANGED + "return line.replace(b'float32', b'float24'), blob",
        "run",
        "array 'y' has dtype 'float24', which is not transported",
    ),
    "another shape": (
        _CHANGED + "return line.replace(b'[1, 6, 5, 5]', b'[6, 5, 5]'), blob",
        "run",
        "y has shape (6, 5, 5)",
    ),
    "no version": (
        _CHANGED + "return line.replace(b'\"version\"', b'\"Version\"'), blob",
        "start",
        "it lacks 'version'",
    ),
    "a version that is a number": (
        _CHANGED + "return line.replace(b'\"1.0\"', b'1.0'), blob",
        "start",
        "version cannot be 1.0",
    ),
    "another answer": (
        _CHANGED + "return line.replace(b'started', b'ok'), blob",
        "start",
        "it is 'ok', not 'started'",
    ),
    "a second start ends it": (
        _CHANGED + "return (line, blob) if number == 1 else sys.exit('started already')",
        "start, a second time",
        "exit status 1): it ended without an answer; its last line was: started already",
    ),
    "no array": (
        _CHANGED + "return re.sub(rb'\"arrays\": .*', b'\"arrays\": []}', line), b''",
        "run",
        "result without y",
    ),
    "arrays without an element end it": (
        _CHANGED + "return (line, blob) if b'\"nbytes\": 0' not in line else 1 / 0",
        "run, a batch of 0",
        "its last line was: ZeroDivisionError: division by zero",
    ),
    "it needs a bias": (
        "def forward(arguments, x, w, b, had=forward): return had(arguments, x, w, b._replace())",
        "run, no bias",
        "raised: AttributeError: 'NoneType' object has no attribute '_replace'",
    ),
    "one axis is two": (
        "def forward(arguments, x, w, b, had=forward):\n    y = had(arguments, x, w, b)\n"
        "    return Array([*y.shape, 1], y.values) if len(y.shape) == 3 else y",
        "run, 1 axis",
        "y has shape (1, 6, 32, 1)",
    ),
    "always float32": (
        "LETTERS = dict.fromkeys(LETTERS, 'f')",
        "run, float64",
        "its last line was: struct.error: unpack requires a buffer of",
    ),
    "an unknown field is an error": (
        "def compute(message, arrays, had=compute):\n"
        "    assert len(message) == 6, 'too many fields'\n    return had(message, arrays)",
        "run, a field that is not known",
        "raised: AssertionError: too many fields",
    ),
    "an unknown request ends it": (
        _CHANGED + "return (line, blob) if answer['op'] != 'refused' else os._exit(7)",
        "a request that is not known",
        "exit status 7): it ended without an answer",
    ),
    "what is illegal ends it": (
        "def out_shape(arguments, x, w, had=out_shape):\n"
        "    return had(arguments, x, w) if x[1] % arguments['groups'] == 0 else os.abort()",
        "run, an illegal configuration",
        "SIGABRT",
    ),
    "it reads what a pipe holds": (
        "class In:\n    buffer = sys.stdin.buffer.raw\nsys.stdin = In",
        "run, large arrays",
        "its last line was: struct.error: unpack requires a buffer of 480000 bytes",
    ),
    "it answers twice": (
        _CHANGED + "return line, blob, line, blob",
        "start, a second time",
        "it answers 1, where 2 was next",
    ),
    "it closes its output": (
        _CHANGED + "return (line, blob) if number < 3 else os.close(1) or signal.pause()",
        "run",
        "the worker closed its output",
    ),
    "it does not flush": (
        """
import atexit
kept, real = [], out
class out:
    write = kept.append
    flush = staticmethod(lambda: None)
atexit.register(lambda: (real.write(b"".join(kept)), real.flush()))
""",
        "start",
        "no answer in 2 s, but one when its input ended: it must flush each answer",
    ),
    "it reads to the end first": (
        "class In:\n    buffer = io.BytesIO(sys.stdin.buffer.read())\nsys.stdin = In",
        "start",
        "no answer in 2 s, but one when its input ended",
    ),
    "it never answers": (
        "signal.pause()",
        "start",
        "no answer in 2 s",
    ),
    "it answers one request of several": (
        """
class In:
    class buffer:
        def readline():
            In.chunk = io.BytesIO(os.read(0, 2**22))
            return In.chunk.readline()
        def read(size):
            while len(In.chunk.getbuffer()) - In.chunk.tell() < size:
                at = In.chunk.tell()
                In.chunk = io.BytesIO(In.chunk.getvalue() + os.read(0, 2**22))
                In.chunk.seek(at)
            return In.chunk.read(size)
sys.stdin = In
""",
        "4 requests at once",
        "no answer in 2 s",
    ),
    "it floods its output": (
        "while True: out.write(b'x' * 2**16)",
        "start",
        "its first line is longer than 1048576 bytes",
    ),
    "it is killed": (
        _CHANGED + "return (line, blob) if number < 5 else os.kill(os.getpid(), 9)",
        "run, 2 axes",
        "the worker died (SIGKILL)",
    ),
    "all is refused": (
        "def compute(message, arrays): raise Refused('nothing is done yet')",
        "all",
        "no configuration was computed",
    ),
    "it says much": (
        "def compute(message, arrays): raise ValueError('a line\\n' * 10_000)",
        "run",
        "raised: ValueError: a line a line",
    ),
    "gradients are wrong": (
        "def gradient(*given, had=gradient): return had(*given)[:2]",
        "run, gradient",
        "result without db",
    ),
    "what is dropped is timed": (
        _CHANGED + "op = {2: b''}; line = line if answer['op'] != 'refused' or b'later' in line "
        'else re.sub(rb\'"op": "refused", "message": "it has no (\\w+)"\', lambda m: '
        "b'\"seconds\": 1, \"op\": \"%s\"' % {b'hold': b'held', b'time': b'timed', "
        "b'drop': b'dropped'}[m[1]], line); return line, blob",
        "time, after drop",
        "timed",
    ),
    "it goes on without an input": (
        "import atexit\natexit.register(signal.pause)",
        "the end of its input",
        "it still ran after 2 s",
    ),
    "it ends with an error": (
        "import atexit\natexit.register(lambda: os._exit(4))",
        "the end of its input",
        "exit status 4",
    ),
    "it says goodbye": (
        "import atexit\natexit.register(lambda: (out.write(b'bye\\n'), out.flush()))",
        "the end of its input",
        "4 more bytes: b'bye\\n'",
    ),
}


def write_worker(folder: Path, change: str = "") -> Path:
    """Write a program that is wrong as a change says, or right."""
    *body, end = TEMPLATE.read_text(encoding="utf-8").partition("\n\nif __name__")[::2]
    file = folder / "worker.py"
    file.write_text("".join([*body, _BETWEEN, change, "\n\nif __name__", end]), encoding="utf-8")
    return file
