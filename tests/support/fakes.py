"""Fake interpreters: workers that lie, crash, hang and print, to test the harness itself.

``interpreter(folder, behaviour)`` writes an executable that replaces a framework's Python; it runs
the real worker with one fault.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engines import channel

# A fake CuPy: NumPy's arrays, and a GPU with a name.
_CUPY = """
import numpy, types
def lost(array):
    raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
class Gpu:
    asarray = staticmethod(numpy.asarray)
    asnumpy = staticmethod(numpy.asarray)
    zeros = staticmethod(numpy.zeros)
    class cuda:
        class Device:
            id = 3
        class runtime:
            getDeviceProperties = staticmethod(lambda number: {"name": b"NVIDIA H%d00" % number})
sys.modules["cupy"] = Gpu
"""

BEHAVIOURS = {
    "correct": "",
    "always_wrong": """
def execute(sections, arrays, outputs):
    answer, results = real_execute(sections, arrays, outputs)
    return answer, {name: array + 1 for name, array in results.items()}
""",
    "flips_kernel": """
def execute(sections, arrays, outputs):
    w = arrays["w"]
    arrays["w"] = w[(slice(None), slice(None)) + (slice(None, None, -1),) * (w.ndim - 2)]
    answer, results = real_execute(sections, arrays, outputs)
    if "dw" in results:
        results["dw"] = results["dw"][(slice(None),) * 2 + (slice(None, None, -1),) * (w.ndim - 2)]
    return answer, results
""",
    "wrong_dtype": """
def execute(sections, arrays, outputs):
    answer, results = real_execute(sections, arrays, outputs)
    return answer, {name: array.astype("float64") for name, array in results.items()}
""",
    "wrong_shape": """
def execute(sections, arrays, outputs):
    answer, results = real_execute(sections, arrays, outputs)
    return answer, {name: array[..., :-1] for name, array in results.items()}
""",
    "raises": """
def execute(sections, arrays, outputs):
    return real_execute([("call", "raise RuntimeError('no such layer')")], arrays, outputs)
""",
    "defines_nothing": """
def execute(sections, arrays, outputs):
    return real_execute([("call", "pass")], {}, outputs)
""",
    "crashes_always": """
def execute(sections, arrays, outputs):
    os.kill(os.getpid(), signal.SIGSEGV)
""",
    "crashes_once": """
def execute(sections, arrays, outputs):
    calls.append(1)
    if len(calls) == 5 and not marker.exists():
        marker.write_text("crashed")
        os.kill(os.getpid(), signal.SIGKILL)
    return real_execute(sections, arrays, outputs)
""",
    "crashes_at_first": """
def execute(sections, arrays, outputs):
    if not marker.exists():
        marker.write_text("crashed")
        os.kill(os.getpid(), signal.SIGKILL)
    return real_execute(sections, arrays, outputs)
""",
    "eats_memory": """
def execute(sections, arrays, outputs):
    return real_execute([("call", "whole = bytearray(2**40)")], arrays, outputs)
""",
    "has_any_fault": """
import random

def dies():
    numbers = set(signal.Signals) - {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    os.kill(os.getpid(), random.choice(sorted(numbers)))

def leaves_an_orphan():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.wait()

def floods():
    while True:
        os.write(random.choice((1, 2)), b"x" * 65536)

def eats_memory():
    eaten = []
    while True:
        eaten.append(os.urandom(2**24))

FAULTS = [dies, leaves_an_orphan, floods, eats_memory, signal.pause, sys.exit, lambda: 1 / 0]

def execute(sections, arrays, outputs):
    if random.random() < 0.03:
        random.choice(FAULTS)()
    return real_execute(sections, arrays, outputs)

def write_frame(stream, message, arrays=None):
    if not arrays or random.random() > 0.02:
        return real_write_frame(stream, message, arrays)
    lie = random.choice([b"[]\\n", b"null\\n", b"{}\\n", b"[" * 20000 + b"\\n", os.urandom(99)])
    while True:
        stream.write(lie)
        stream.flush()
""",
    "hangs_once": """
def execute(sections, arrays, outputs):
    calls.append(1)
    if len(calls) == 5 and not marker.exists():
        marker.write_text("hung")
        hang()
    return real_execute(sections, arrays, outputs)
""",
    "hangs_always": """
def execute(sections, arrays, outputs):
    hang()
""",
    "prints_on_stdout": """
def execute(sections, arrays, outputs):
    print("a progress bar, a banner, a warning", flush=True)
    os.write(1, b'{"op": "result"}\\n' * 1000)
    subprocess.run(["echo", "and so do its children"])
    return real_execute(sections, arrays, outputs)
""",
    "lies_about_shape": """
def write_frame(stream, message, arrays=None):
    if not arrays:
        return real_write_frame(stream, message, arrays)
    described = [
        {"name": name, "dtype": str(a.dtype), "shape": [2, *a.shape], "nbytes": a.nbytes}
        for name, a in arrays.items()
    ]
    stream.write(json.dumps(dict(message, arrays=described)).encode() + b"\\n")
    for array in arrays.values():
        stream.write(array.tobytes())
    stream.flush()
""",
    "sends_objects": """
def write_frame(stream, message, arrays=None):
    if arrays:
        described = [{"name": "y", "dtype": "object", "shape": [1], "nbytes": 8}]
        stream.write(json.dumps(dict(message, arrays=described)).encode() + b"\\n" + bytes(8))
        return stream.flush()
    real_write_frame(stream, message, arrays)
""",
    "answers_nonsense": """
def write_frame(stream, message, arrays=None):
    if arrays:
        stream.write(b"Segmentation fault, but not really\\n")
        return stream.flush()
    real_write_frame(stream, message, arrays)
""",
    "dies_halfway_through_an_answer": """
def write_frame(stream, message, arrays=None):
    if not arrays or marker.exists():
        return real_write_frame(stream, message, arrays)
    calls.append(1)
    if len(calls) < 4:
        return real_write_frame(stream, message, arrays)
    marker.write_text("died")
    whole = io.BytesIO()
    real_write_frame(whole, message, arrays)
    stream.write(whole.getvalue()[:-3])
    stream.flush()
    os._exit(3)
""",
    "corrupted_by_gradients": """
def execute(sections, arrays, outputs):
    if calls:
        os.abort()
    if "dx" in outputs:
        calls.append(1)
    return real_execute(sections, arrays, outputs)
""",
    "has_a_gpu": _CUPY,
    "has_a_gpu_that_is_lost": _CUPY
    + """
def execute(sections, arrays, outputs):
    if len(calls) == 0:
        calls.append(1)
        Gpu.asnumpy = staticmethod(lost)
        return real_execute([("call", "raise RuntimeError('illegal memory access')")], {}, outputs)
    return real_execute(sections, arrays, outputs)
""",
    "has_no_gpu": _CUPY + "Gpu.asnumpy = staticmethod(lost)",
    "dies_when_held": """
def hold(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "dies_when_timed": """
def take_time(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "hangs_when_timed": """
def take_time(*arguments):
    hang()
""",
    "wrong_once_timed": """
def take_time(key, number):
    calls.append(1)
    return real_take_time(key, number)

def execute(sections, arrays, outputs):
    answer, results = real_execute(sections, arrays, outputs)
    return answer, {name: array + bool(calls) for name, array in results.items()}
""",
    "takes_a_second": """
def take_time(key, calls):
    return dict(real_take_time(key, 1), seconds=1.0 * calls)
""",
    "logs_its_turns": """
import impl

def execute(sections, arrays, outputs):
    x, w, b, dy = (arrays.get(name) for name in ("x", "w", "b", "dy"))
    results = {"y": impl.conv_transpose(x, w, b, stride=2)}
    if dy is not None:
        results = dict(zip(("dx", "dw", "db"), impl.conv_transpose_vjp(dy, x, w, stride=2)))
    return {"op": "result", "seconds": {}}, results

def hold(key, sections, call, arrays):
    return real_hold(key, [], "pass", arrays)

def take_time(key, calls):
    if key in ("forward", "gradient"):
        with log_file.open("a") as log:
            log.write(marker.parent.name + " ")
    return real_take_time(key, calls)
""",
    "reports_its_threads": """
def start(module, distribution):
    names = ("OMP", "OPENBLAS", "MKL", "TF_NUM_INTRAOP")
    counts = [os.environ[n + ("_THREADS" if n[:2] == "TF" else "_NUM_THREADS")] for n in names]
    return dict(real_start("numpy", "numpy"), version=" ".join(counts))
""",
    "cannot_import": """
def start(module, distribution):
    raise ImportError("libfake.so.1: cannot open shared object file")
""",
    "dies_on_import": """
def start(module, distribution):
    print("Illegal instruction (this build needs AVX9000)", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGILL)
""",
}

# Workers with one of these faults live on, so one process can have them all: which it has with an
# input is said by the input's batch.
BY_BATCH = (
    *("correct", "always_wrong", "flips_kernel", "wrong_dtype", "wrong_shape"),
    *("raises", "defines_nothing", "prints_on_stdout"),
)
BEHAVIOURS["by_batch"] = (
    "\n".join(BEHAVIOURS[name].replace("def execute(", f"def {name}(") for name in BY_BATCH)
    + f"""
correct = real_execute
def execute(sections, arrays, outputs):
    return globals()[{BY_BATCH}[len(arrays["x"]) - 1]](sections, arrays, outputs)
"""
)

_SCRIPT = """#!{python}
import io, json, os, pathlib, signal, subprocess, sys
from harness.engines import worker
calls = []
marker, log_file = pathlib.Path({marker!r}), pathlib.Path({log_file!r})
real_execute, real_write_frame = worker.execute, worker.write_frame
real_start, real_hold, real_take_time = worker.start, worker.hold, worker.take_time
worker.start = lambda module, distribution: real_start("numpy", "numpy")
def hang():
    (marker.parent / f"{{os.getpid()}}.hangs").touch()
    signal.pause()
{behaviour}
for name in ("execute", "write_frame", "start", "hold", "take_time"):
    if name in globals():
        setattr(worker, name, globals()[name])
if "write_frame" in globals():
    worker.usual_line = lambda *_: b""
sys.argv = sys.argv[2:]  # as in a real interpreter started with "-I worker.py"
worker.main()
"""


def batch_of(behaviour: str) -> int:
    """Return the batch with which a worker that is wrong ``by_batch`` behaves so."""
    return BY_BATCH.index(behaviour) + 1


def interpreter(folder: Path, behaviour: str, log_file: Path | None = None) -> Path:
    """Write a fake interpreter and return its path; it may write to ``log_file``."""
    folder.mkdir(exist_ok=True)
    path = folder / behaviour
    text = _SCRIPT.format(
        python=sys.executable,
        marker=str(folder / f"{behaviour}.marker"),
        log_file=str(log_file),
        behaviour=BEHAVIOURS[behaviour],
    )
    path.write_text(text)
    path.chmod(0o755)
    return path


def let_time_pass_for_hangs_alone(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Stop the clock of time-outs but while a fake of this folder hangs, however busy we are."""
    last, passed = time.monotonic(), 0.0

    def monotonic() -> float:
        nonlocal last, passed
        before, last = last, time.monotonic()
        if any(Path("/proc", file.stem).exists() for file in folder.glob("*.hangs")):
            passed += last - before
        return passed

    patch.setattr(channel, "time", SimpleNamespace(monotonic=monotonic))
