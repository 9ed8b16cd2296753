"""Execute program text in one framework's own interpreter.

It is started by path, as ``python -I worker.py``, inside that framework's environment.  So it may
import the standard library and NumPy only, and uses only syntax that old interpreters accept.  It
executes text that deconform's own renderers wrote, and nothing else.  A further argument may name a
file whose ``start(module, distribution)`` and ``execute(sections, arrays, outputs)`` replace those
here, to execute programs in other languages than Python; so may its ``hold`` and ``take_time``, and
``received`` and ``map_arrays``, which say where a request's arrays are.

A request is what takes least time to read here, where each moment counts: the sizes of its two
parts, a message in Python's own format, and the bytes of its arrays as they are to lie in memory,
with guards around them.  An answer is a frame, because nothing that comes from here is trusted: one
line of JSON, then the bytes of the arrays that the line lists.  Large arrays of a ``run`` are in
memory that we are lent, where the message says, and so are those of its answer where there is room.
Requests are answered one by one, in order, each with its ``id``:

``start``   makes deconform's own packages importable, imports the framework, executes the text that
            selects the device, and answers with versions, including that of the compiler if the
            framework has a ``compiled_by()``, as ``impl`` does;
``run``     executes the sections of one program on the arrays of the frame and answers
            ``result`` with the requested arrays, or ``raised``; ``code`` has the sections compiled,
            for a worker of the same version of Python;
``hold``    executes all of a program but its call, keeps the namespace, and answers with the
            additional bytes that the call needs;
``time``    executes the call of a held program a number of times, and answers with the seconds;
``drop``    forgets a held program.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import json
import marshal
import mmap
import os
import platform
import runpy
import stat
import struct
import sys
import time
import timeit
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import BufferedIOBase
    from types import CodeType

_BUFFER = 1 << 16  # Bytes: of most answers all, and of several requests
# What guards are: NaN in every floating-point format, with all bits set, which no arithmetic on
# finite numbers gives.
POISON = 0xFF
ALIGN = 64  # Bytes, of a cache line; arrays do not all begin at the same place of a page
_ITEM_SIZES = {"float16": 2, "float32": 4, "float64": 8}
_ITEM_SIZES.update({"bfloat16": 2, "int8": 1, "int16": 2, "int32": 4, "int64": 8})
DTYPES = tuple(_ITEM_SIZES)
# What NumPy has by the package ml_dtypes alone: where that is not installed, arrays of it are those
# of its bits, the upper half of a float32's.
BFLOAT16, BITS = "bfloat16", "uint16"
# By NumPy's short names, because ``str`` of a dtype takes longer than most of what is done here.
_DTYPE_NAMES = {
    ("<" if size > 1 else "|") + name[0] + str(size): name for name, size in _ITEM_SIZES.items()
}
# ``json.dumps`` also looks for circles, and takes twice as long.
_json = json.JSONEncoder(check_circular=False).encode


def array_type(name: str) -> Any:
    """Return the type that arrays of a dtype have here.

    >>> str(array_type("<f4"))
    'float32'
    """
    import numpy as np

    if name != BFLOAT16:
        return np.dtype(name)
    try:
        return np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    except ImportError:
        return np.dtype(BITS)


def short_name(dtype: Any) -> str:
    """Return what :func:`array_type` reads: NumPy's short name, of a type of its own."""
    return str(dtype.name if dtype.kind == "V" else dtype.str)


def name_bits(arrays: Mapping[str, Any]) -> None:
    """Call 16 bits what they are in an answer: of bfloat16 where that was given, or else a number.

    Programs of a framework without ml_dtypes leave them.
    """
    is_given = any(str(each.dtype) in (BITS, BFLOAT16) for each in arrays.values())
    _DTYPE_NAMES["<u2"] = BFLOAT16 if is_given else BITS


def write_frame(
    stream: BufferedIOBase, message: Mapping[str, Any], arrays: Mapping[str, Any] | None = None
) -> None:
    """Write a message and its arrays."""
    stream.writelines(frame(message, arrays or {}))
    stream.flush()


def frame(message: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[Any]:
    """Return the line of a frame, and the bytes of its arrays, unless these are elsewhere."""
    ready = {name: ordered(value) for name, value in arrays.items()}
    line = _json(dict(message, arrays=descriptions(ready))).encode("ascii") + b"\n"
    return [line] if message.get("lent") is True else [line, *map(bytes_of, ready.values())]


# Of a program, in the order in which they are executed
SECTIONS = ("setup", "to_native", "call", "from_native")
USUAL = b"usual"


def usual_line(answer: Mapping[str, Any], number: int) -> bytes:
    """Return the line of a result that has nothing to say but its seconds, or nothing.

    It has the number of the request and, in nanoseconds, what each section took: JSON took several
    times as long to write.  The arrays that follow it are as the request expected them.
    """
    try:
        if len(answer) > 2 or tuple(answer["seconds"]) != SECTIONS:
            return b""
        took = [each * 1e9 for each in answer["seconds"].values()]
        return USUAL + b" %d %d %d %d %d\n" % (number, *took)
    except Exception:  # It is no result, or these are no numbers.
        return b""


_expected: list[Any] = [None]  # The dtypes and shapes of the arrays of the next answer, if known


def taken(arrays: Sequence[Any]) -> bytes:
    """Return the bytes of an answer's arrays if they are as expected; nothing if they are not."""
    try:
        if [(each.dtype.str, each.shape) for each in arrays] == _expected[0]:
            return b"".join(arrays)
    except Exception:  # They are no arrays of NumPy's, or not in order.
        return b""
    return b""


def ordered(value: Any) -> Any:
    """Return an array that is C-ordered and little-endian."""
    import numpy as np

    array = np.asarray(value, order="C")
    return array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array


def descriptions(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe arrays, as the line of a frame does."""
    return [
        {
            "name": name,
            "dtype": _DTYPE_NAMES.get(each.dtype.str) or str(each.dtype),
            "shape": each.shape,
            "nbytes": each.nbytes,
        }
        for name, each in arrays.items()
    ]


def bytes_of(array: Any) -> Any:
    """Return the memory of a C-ordered array."""
    return array.reshape(-1).view("uint8").data


def read_frame(stream: BufferedIOBase) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Read a message and its arrays; ``None`` at a clean end of the stream."""
    line = stream.readline()
    if not line:
        return None
    message, described = read_head(line)
    arrays = dict(allocated(described))
    for name, array in arrays.items():
        read_into(stream, bytes_of(array), "array %r" % name)
    return message, arrays


SIZES = struct.Struct("<IQ")  # Of a request: the bytes of its message, and of its arrays


def read_request(
    stream: BufferedIOBase, language: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Read a request and its arrays, which the language places; ``None`` at a clean end."""
    sizes = stream.read(SIZES.size)
    if not sizes:
        return None
    size, size_of_arrays = SIZES.unpack(sizes)
    message = marshal.loads(read_all(stream, size))  # noqa: S302 -- it is ours
    layout = message.pop("layout")
    if not layout:
        return message, {}
    if "lent" in message:
        return message, language["map_arrays"](*message["lent"], layout)
    return message, language["received"](stream, layout, size_of_arrays)


def received(stream: BufferedIOBase, layout: Sequence[Any], size: int) -> dict[str, Any]:
    """Read the arrays of a request."""
    import numpy as np

    memory = np.empty(size, np.uint8)
    read_into(stream, memory.data, "the arrays")
    return views(memory, layout)


def read_all(stream: BufferedIOBase, size: int) -> bytes:
    """Read so many bytes."""
    content = stream.read(size)
    if len(content) < size:
        raise EOFError("the stream ended inside a request")
    return content


def read_into(stream: BufferedIOBase, memory: Any, what: str) -> None:
    """Fill memory with what comes."""
    if stream.readinto(memory) != len(memory):
        raise EOFError("the stream ended inside " + what)


def read_head(line: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read a frame's line: its message, and what it says of each array.

    Raises
    ------
    ValueError
        If it is no such line, whatever its bytes are.
    """
    try:
        message = json.loads(line.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        raise ValueError("its first line, %.60r, is no JSON: %s" % (line, error)) from None
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object, not %.60r" % (message,))
    described = message.pop("arrays", [])
    if not isinstance(described, list):
        raise ValueError("its arrays cannot be %.60r" % (described,))
    for each in described:
        _check_description(each)
    return message, described


def _check_description(each: Any) -> None:
    if not isinstance(each, dict) or not isinstance(each.get("name"), str):
        raise ValueError("an array cannot be %.60r" % (each,))
    name, dtype, shape = each["name"], each.get("dtype"), each.get("shape")  # type: Any, Any, Any
    size = _ITEM_SIZES.get(dtype) if isinstance(dtype, str) else None
    if size is None:
        raise ValueError("array %.60r has dtype %.60r, which is not transported" % (name, dtype))
    if not isinstance(shape, list) or len(shape) > 32:
        raise ValueError("array %.60r cannot have the shape %.60r" % (name, shape))
    for extent in shape:
        if type(extent) is not int or not 0 <= extent < 2**63:
            raise ValueError("array %.60r cannot have the shape %.60r" % (name, shape))
        size *= extent
    if type(each.get("nbytes")) is not int or size != each["nbytes"]:
        raise ValueError(
            "array %.60r claims shape %r of %s, %d bytes, but carries %.60r"
            % (name, tuple(shape), dtype, size, each.get("nbytes"))
        )


def allocated(described: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Return room for the arrays that a frame's line describes."""
    import numpy as np

    return [
        (each["name"], np.empty(each["shape"], array_type(each["dtype"]))) for each in described
    ]


def views(memory: Any, layout: Sequence[Any]) -> dict[str, Any]:
    """Return arrays that are in memory: of each its name, dtype, shape and place."""
    import numpy as np

    return {
        name: np.ndarray(shape, array_type(dtype) if dtype == BFLOAT16 else dtype, memory, place)
        for name, dtype, shape, place, _ in layout
    }


_lent: list[int] = []  # The file in memory that large arrays come and go in, if there is one
_NO_ROOM = {"begin": 0, "size": 0}
_room = dict(_NO_ROOM)  # What of it is for the arrays of the next answer
_pwritev: Any = getattr(os, "pwritev", None)  # Before anything can replace it


def borrow(descriptor: int, inode: int) -> bool:
    """Remember the file that large arrays come in; whether it reached us."""
    try:
        reached = os.fstat(descriptor).st_ino == inode
    except OSError:
        reached = False
    _lent[:] = [descriptor] if reached else []
    return reached


def mapped(begin: int, size: int, is_private: bool) -> mmap.mmap:
    """Map a part of the lent file: as it is, or such that what is written to it stays here."""
    flags = mmap.MAP_PRIVATE if is_private else mmap.MAP_SHARED
    access = mmap.PROT_READ | (mmap.PROT_WRITE if is_private else 0)
    return mmap.mmap(_lent[0], size, flags, access, offset=begin)


def map_arrays(begin: int, size: int, layout: Sequence[Any]) -> dict[str, Any]:
    """Return the arrays that are lent."""
    return views(mapped(begin, size, True), layout)


def put(arrays: Sequence[Any]) -> list[Any]:
    """Write the arrays of an answer to where there is room; return them, or none if they follow."""
    if not _room["size"]:
        return []
    ready = [ordered(array) for array in arrays]
    nbytes = sum(array.nbytes for array in ready)
    if not 0 < nbytes <= _room["size"]:
        return []
    try:
        written = _pwritev(_lent[0], [bytes_of(array) for array in ready], _room["begin"])
    except OSError:
        return []
    return ready if written == nbytes else []


def execute(
    sections: Sequence[tuple[str, str]], arrays: Mapping[str, Any], outputs: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the sections in one namespace; return seconds and outputs, or the error."""
    namespace: dict[str, Any] = dict(arrays)
    seconds = {}
    for name, text in sections:
        began = time.perf_counter()
        try:
            exec(compiled(text, name), namespace)
        except Exception as error:
            return raised(name, error), {}
        seconds[name] = time.perf_counter() - began
    missing = [name for name in outputs if name not in namespace]
    if missing:
        return raised("from_native", NameError("the program left no " + ", ".join(missing))), {}
    return {"op": "result", "seconds": seconds}, {name: namespace[name] for name in outputs}


def raised(section: str, error: Exception) -> dict[str, Any]:
    """Answer with what an exception says, and where it was raised."""
    return {
        "op": "raised",
        "section": section,
        "type": type(error).__name__,
        "message": str(error)[:2000],
        "traceback": traceback.format_exc(limit=-3)[-4000:] if error.__traceback__ else "",
    }


_code: dict[str, CodeType] = {}


def compiled(text: str, name: str) -> CodeType:
    """Compile a section's text, or remember its code."""
    if text not in _code:
        if len(_code) > 10000:
            _code.clear()
        _code[text] = compile(text, "<%s>" % name, "exec")
    return _code[text]


def remember(sections: Sequence[tuple[str, str]], code: Sequence[bytes]) -> None:
    """Take over the code of texts that were compiled for us, by the same version of Python."""
    for (_, text), dumped in zip(sections, code):
        if dumped:
            _code[text] = marshal.loads(dumped)  # noqa: S302 -- it is ours


_held: dict[str, timeit.Timer] = {}
# Seconds: after other programs' turns, caches and branch predictors are cold.
_WARM_UP = 0.006
_THREADS = Path("/proc/self/task")  # Linux only
# Seconds: fallback wait where thread states are unknown, and upper bound on spinning.
_IDLE_FALLBACK, _IDLE_LIMIT = 0.01, 0.5


def hold(
    key: str, sections: Sequence[tuple[str, str]], call: str, arrays: Mapping[str, Any]
) -> dict[str, Any]:
    """Prepare a program to be timed by the standard library's own loop."""
    keep_freed_memory()
    namespace: dict[str, Any] = dict(arrays)
    for name, text in sections:
        exec(compiled(text, name), namespace)
    _held[key] = timer = timeit.Timer(call, globals=namespace)
    return {"op": "held", "peak_bytes": _peak(timer)}


def keep_freed_memory() -> None:
    """Bring the allocator into the state of a process that has run for a while.

    When more than twice the largest block so far is free, glibc returns memory to the system, which
    clears the pages again for the next call.  Depending on what ran before, that was a factor of
    nine.
    https://man7.org/linux/man-pages/man3/mallopt.3.html (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)
    """
    import numpy as np

    # Blocks count up to 32 MiB, including the allocator's overhead.
    np.empty(31 << 20, np.uint8)


def take_time(key: str, calls: int) -> dict[str, Any]:
    """Time a number of calls; if several, warm up threads and caches first."""
    timer = _held[key]
    if calls > 1:
        _warm_up(timer)
    cpu = time.process_time()
    seconds = timer.timeit(calls)
    cpu = time.process_time() - cpu
    _wait_for_idle_threads()
    return {"op": "timed", "seconds": seconds, "cpu_s": cpu}


def _warm_up(timer: timeit.Timer) -> None:
    until = time.perf_counter() + _WARM_UP
    timer.timeit(1)
    while time.perf_counter() < until:
        timer.timeit(1)


def _wait_for_idle_threads() -> None:
    """Wait until the other threads of this process are asleep.

    After a call, OpenBLAS's and OpenMP's threads spin for some milliseconds, on a core that the
    next process to be timed needs.
    https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
    """
    if not _THREADS.is_dir():
        time.sleep(_IDLE_FALLBACK)
        return
    until = time.perf_counter() + _IDLE_LIMIT
    while any(map(_is_busy, _THREADS.iterdir())) and time.perf_counter() < until:
        time.sleep(0.0005)


def _is_busy(thread: Path) -> bool:
    """Whether another thread is running or spinning."""
    try:
        state = (thread / "stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False  # The thread has ended.
    return state == b"R" and thread.name != str(os.getpid())


def _peak(timer: timeit.Timer) -> int | None:
    """Return the most additional memory that a call takes; None if Linux does not report it."""
    gc.collect()
    try:
        # Free memory left in the heap by earlier calls would hide what this one needs.
        ctypes.CDLL(None).malloc_trim(0)
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        timer.timeit(1)
        return max(0, _memory("VmHWM") - before)
    except (OSError, AttributeError, StopIteration):
        return None


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in status if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024


def start(module: str, distribution: str) -> dict[str, Any]:
    """Import the framework; return what is running here."""
    importlib.import_module(module)
    try:
        installed = installed_version(distribution)
    except Exception:
        installed = own_version(module)
    compiled_by = getattr(sys.modules[module], "compiled_by", str)
    return {
        "version": installed,
        "blas": pools(),
        "compiler": compiled_by(),
    }


def installed_version(distribution: str) -> str:
    """Return a distribution's version, as the folder of its metadata is called.

    To import ``importlib.metadata``, and with it what reads mails and archives, takes a tenth of
    the time of a start.
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    for folder in map(Path, sys.path):
        for each in folder.glob("*.dist-info") if distribution else ():
            name, _, version = each.stem.partition("-")
            if _normalized(name) == _normalized(distribution) and version and "_" not in version:
                return version
    from importlib.metadata import version as recorded_version

    return recorded_version(distribution)


def own_version(module: str) -> str:
    """Return what a module that nobody installed says of itself, or else which file it is."""
    for name in (module, module.partition(".")[0]):
        stated = getattr(sys.modules[name], "__version__", None)
        if stated is not None:
            return str(stated)
    file = getattr(sys.modules[module], "__file__", None)
    return file_version(Path(file)) if isinstance(file, str) else ""


def file_version(file: Path) -> str:
    """Tell a file from others of its name: the first digits of its content's SHA-256, or its date.

    Empty where there is no such file.
    """
    import hashlib

    digest = hashlib.sha256()
    name = file.parent.name + "/" + file.name if file.stem == "__init__" else file.name
    try:
        about = file.stat()
        if not stat.S_ISREG(about.st_mode):
            return ""
        if about.st_size > _MOST_HASHED:
            return "%s of %s" % (name, time.strftime("%Y-%m-%d", time.gmtime(about.st_mtime)))
        with file.open("rb") as content:
            for part in iter(lambda: content.read(_BUFFER), b""):
                digest.update(part)
    except (OSError, ValueError):
        return ""
    return "%s %s" % (name, digest.hexdigest()[:8])


_MOST_HASHED = 1 << 28  # Bytes, which take about a second


def _normalized(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()


def pools() -> str:
    """Return the libraries here with thread pools of their own, if threadpoolctl is installed."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ""
    return ", ".join(sorted(set(map(_pool, threadpool_info()))))


def _pool(about: Mapping[str, Any]) -> str:
    """Describe a pool, e.g. ``openblas 0.3.31 Haswell of numpy``; TensorFlow's is not listed."""
    words = [about["internal_api"], about.get("version"), about.get("architecture")]
    package = about["filepath"].rpartition("site-packages/")[2].split("/")[0]
    library = " ".join(word for word in words if word)
    return "%s of %s" % (library, package.replace(".libs", "")) if package else library


def provide(name: str, path: str) -> None:
    """Import a package from its file, because it need not be installed here."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("%s is not a package" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def find_device(text: str) -> str:
    """Execute the text that selects a framework's device; return the device's name."""
    namespace: dict[str, Any] = {}
    exec(compiled(text, "device"), namespace)
    return str(namespace["device"])


def started(start: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    """Start a language as requested; answer what is running, or what failed and where."""
    answer: dict[str, Any] = {"op": "started", "python": platform.python_version()}
    answer["device"] = "cpu"
    section = "setup"
    gc.disable()  # Next to nothing of what is imported is garbage.
    try:
        import numpy as np

        sys.path[:0] = message["path"]
        for name, path in message["packages"].items():
            provide(name, path)
        answer.update(start(message["module"], message["distribution"]), numpy=np.__version__)
        answer["borrows"] = "memory" in message and borrow(**message["memory"])
        answer["bytecode"] = importlib.util.MAGIC_NUMBER.hex()
        exec(compiled(message["setup"], "setup"), {})
        section = "device"
        if message["device"]:
            answer["device"] = find_device(message["device"])
    except Exception as error:
        return raised(section, error)
    collect_less(0)
    gc.set_threshold(_MANY_OBJECTS)
    gc.enable()
    return answer


_MANY_OBJECTS = 10000
_MANY_MODULES = 50
_MANY_BYTES = 1 << 26
_since = {"modules": 0, "bytes": 0}


def collect_less(nbytes: int) -> None:
    """Collect garbage once large arrays came and went, rather than for every few objects.

    Collections took a sixth of the time of small calls.  What is imported, at the start or by the
    first call that needs it, stays and is not looked at again.
    """
    _since["bytes"] += nbytes
    if _since["bytes"] > _MANY_BYTES:
        _since["bytes"] = 0
        gc.collect(1)
    if len(sys.modules) > _since["modules"] + _MANY_MODULES:
        _since["modules"] = len(sys.modules)
        if hasattr(gc, "freeze"):
            gc.freeze()


def main() -> None:
    """Answer requests from standard input until it ends."""
    # Frameworks print to stdout: send that to stderr, to keep it out of the frames.
    answers: Any = os.fdopen(os.dup(1), "wb", _BUFFER)
    os.dup2(2, 1)
    requests: Any = os.fdopen(os.dup(0), "rb", _BUFFER)
    language = dict(globals(), **(runpy.run_path(sys.argv[1]) if len(sys.argv) > 1 else {}))
    device = ""
    while True:
        request = read_request(requests, language)
        if request is None:
            return
        message, arrays = request
        _room.update(message.get("room", _NO_ROOM))
        _expected[0] = message.get("expected")
        outputs: dict[str, Any] = {}
        content = b""
        if message["op"] == "start":
            device = message["device"]
            answer = started(language["start"], message)
        elif message["op"] == "run":
            remember(message["sections"], message.get("code", ()))
            answer, outputs = language["execute"](message["sections"], arrays, message["outputs"])
            if device and answer["op"] == "raised":
                # A GPU error may persist; if it does, this raises and ends the process here.
                find_device(device)
            if "taken" in answer:
                content = answer.pop("taken")
            elif "lent" not in answer:
                lent = put([*outputs.values()])
                if lent:
                    answer, outputs = dict(answer, lent=True), dict(zip(outputs, lent))
                else:
                    content = taken([*outputs.values()])
        else:
            answer = _timing(language, message, arrays)
        line = usual_line(answer, message["id"]) if content else b""
        if line:
            answers.writelines((line, content))
            answers.flush()
        else:
            name_bits(arrays)
            write_frame(answers, dict(answer, id=message["id"]), outputs)
        size = len(content) or sum([getattr(each, "nbytes", 0) for each in outputs.values()])
        collect_less(message["size"] + size)


def _timing(
    language: Mapping[str, Any], message: Mapping[str, Any], arrays: Mapping[str, Any]
) -> dict[str, Any]:
    answer: dict[str, Any]
    key = message["key"]
    try:
        if message["op"] == "hold":
            answer = language["hold"](key, message["sections"], message["call"], arrays)
            return answer
        if message["op"] == "time":
            answer = language["take_time"](key, message["calls"])
            return answer
        return {"op": "dropped", "key": _held.pop(key, None) and key}
    except Exception as error:
        return raised("call", error)


if __name__ == "__main__":
    main()
