"""Write a transposed convolution as an ONNX model with its inputs, and have somebody run it.

Programs of the ONNX door import it as ``deconform_onnx`` in a worker, so it may import the standard
library and NumPy only, and uses only syntax that old interpreters accept.  The ``onnx`` package is
needed for a back end that is given a ``ModelProto``, by that back end.

https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 (the numbers of the fields)
"""

from __future__ import annotations

import importlib
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# ConvTranspose is version 11 there; what newer versions add are types.
OPSET, IR_VERSION = 17, 8
# The first with bfloat16: https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
_OPSET_OF_BFLOAT16, _IR_VERSION_OF_BFLOAT16 = 22, 10
_TYPES = {"float32": 1, "float16": 10, "float64": 11, "int64": 7, "bfloat16": 16}
_MOST_WORDS = 2000  # Bytes of a command's output that are shown
_LEAST_BYTES = 1 << 26  # An output may have so many, and 64 times those of the inputs


class Form:
    """How ONNX says a crop: as attributes of ConvTranspose, or as nodes after it.

    Attributes
    ----------
    pads : list of int
        Begins, then ends: what ConvTranspose crops.
    output_padding : list of int
        What it adds at the ends, each less than the stride.
    added : list of (int, int)
        By axis, what a Pad node adds, if the attributes cannot say it.
    cropped : list of (int, int)
        What a Slice node crops after that; ConvTranspose then crops nothing.
    """

    def __init__(self, stride: Sequence[int], crop: Sequence[Sequence[int]]) -> None:
        none = [(0, 0)] * len(crop)
        self.added, self.cropped = none, none
        if any(begin < 0 or -end >= max(s, 1) for s, (begin, end) in zip(stride, crop)):
            self.added = [(max(-begin, 0), max(-end, 0)) for begin, end in crop]
            self.cropped = [(max(begin, 0), max(end, 0)) for begin, end in crop]
            crop = none
        self.pads = [begin for begin, _ in crop] + [max(end, 0) for _, end in crop]
        self.output_padding = [max(-end, 0) for _, end in crop]

    @property
    def reason(self) -> str | None:
        """Why it takes more than one node."""
        if not any(map(any, self.added)):
            return None
        nodes = "a Pad and a Slice node" if any(map(any, self.cropped)) else "a Pad node"
        return (
            "ConvTranspose extends by less than the stride, and only at the end: "
            "the full output goes through %s, and the bias is added after that" % nodes
        )


def write_model(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
    crop: Sequence[Sequence[int]],
    groups: int,
    initializers: bool = False,
) -> bytes:
    """Return a ``ModelProto`` that computes ``y`` from ``x``, ``w`` and, if not None, ``b``.

    With ``initializers`` the model holds the weights and the bias; else they are inputs too.
    """
    form = Form(stride, crop)
    kernel = w.shape[2:]
    attributes = [("kernel_shape", kernel), ("strides", stride), ("dilations", dilation)]
    attributes.append(("pads", form.pads))
    if any(form.output_padding):
        attributes.append(("output_padding", form.output_padding))
    described = [_ints(name, values) for name, values in attributes]
    if groups != 1:
        described.append(_message((1, "group"), (3, groups), (20, 2)))
    axes = zip(x.shape[2:], kernel, stride, dilation, crop)
    size = [(i - 1) * s + d * (k - 1) + 1 - sum(c) for i, k, s, d, c in axes]
    out_channels = w.shape[1] * max(groups, 1) if b is None else b.shape[0]
    nodes, constants = _nodes(form, size, b is not None, described)
    given = {"x": x, "w": w} if b is None else {"x": x, "w": w, "b": b}
    held = [name for name in given if initializers and name != "x"]
    stored = [*((name, given[name]) for name in held), *constants.items()]
    inputs = [_value(name, a.dtype, a.shape) for name, a in given.items() if name not in held]
    graph = _message(
        *((1, node) for node in nodes),
        (2, "conv_transpose"),
        *((5, tensor(array, name)) for name, array in stored),
        *((11, value) for value in inputs),
        (12, _value("y", x.dtype, (x.shape[0], out_channels, *size))),
    )
    is_bfloat16 = x.dtype.name == "bfloat16"
    number = _OPSET_OF_BFLOAT16 if is_bfloat16 else OPSET
    version = _IR_VERSION_OF_BFLOAT16 if is_bfloat16 else IR_VERSION
    opset = _message((1, ""), (2, number))
    return _message((1, version), (2, "deconform"), (7, graph), (8, opset))


def _nodes(
    form: Form, size: Sequence[int], has_bias: bool, attributes: Sequence[bytes]
) -> tuple[list[bytes], dict[str, Any]]:
    """Return the nodes from ``x`` to ``y``, and the constants that they use."""
    steps: list[tuple[str, list[str]]] = []
    constants: dict[str, Any] = {}
    if form.reason is None:
        steps.append(("ConvTranspose", ["x", "w", "b"] if has_bias else ["x", "w"]))
    else:
        begins, ends = zip(*form.added)
        constants["added"] = np.array([0, 0, *begins, 0, 0, *ends])
        steps += [("ConvTranspose", ["x", "w"]), ("Pad", ["added"])]
        if any(map(any, form.cropped)):
            starts = np.array([begin for begin, _ in form.cropped])
            constants.update(starts=starts, ends=starts + size, axes=np.arange(len(size)) + 2)
            steps.append(("Slice", ["starts", "ends", "axes"]))
        if has_bias:
            constants["bias_shape"] = np.array([1, -1] + [1] * len(size))
            steps.append(("Add", ["b_reshaped"]))
    nodes = []
    if "bias_shape" in constants:
        nodes.append(_node("Reshape", ["b", "bias_shape"], "b_reshaped", []))
    previous: list[str] = []
    for number, (kind, names) in enumerate(steps):
        name = "y" if number == len(steps) - 1 else "y_%d" % number
        nodes.append(_node(kind, previous + names, name, attributes if number == 0 else []))
        previous = [name]
    return nodes, {name: array.astype(np.int64) for name, array in constants.items()}


def _node(kind: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes]) -> bytes:
    names = [(1, name) for name in inputs]
    return _message(*names, (2, output), (3, output), (4, kind), *((5, a) for a in attributes))


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _message((1, name), *((8, int(value)) for value in values), (20, 7))


def _value(name: str, dtype: Any, shape: Sequence[int]) -> bytes:
    """Describe an input or output; a size that cannot be is left out."""
    sizes = [_message((1, int(size))) if size >= 0 else b"" for size in shape]
    tensor_type = _message((1, _TYPES[dtype.name]), (2, _message(*((1, size) for size in sizes))))
    return _message((1, name), (2, _message((1, tensor_type))))


def tensor(array: Any, name: str) -> bytes:
    """Return an array as a ``TensorProto``."""
    sizes = [(1, int(size)) for size in array.shape]
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return _message(*sizes, (2, _TYPES[array.dtype.name]), (8, name), (9, data))


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """Return the bytes of a message: each field with its number."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts += [_varint(number << 3), _varint(value)]
            continue
        data = value.encode() if isinstance(value, str) else value
        parts += [_varint(number << 3 | 2), _varint(len(data)), data]
    return b"".join(parts)


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


_FIXED = {1: 8, 5: 4}  # Bytes of a value, by the kind of its field


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a message: numbers of varints, and the bytes of all others."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        value: Any
        if key & 7 in _FIXED:
            size = _FIXED[key & 7]
        else:
            size, place = _read_varint(data, place)
        if key & 7 == 0:
            value = size
        else:
            value, place = data[place : place + size], place + size
        if key & 7 not in {0, 1, 2, 5} or place > len(data):
            raise ValueError("it is no message")
        yield key >> 3, value


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("it is no number")


# By type, the fields that may hold the values, other than the raw bytes.
_STORED = {1: (4, "<f4"), 10: (5, ""), 11: (10, "<f8"), 16: (5, "")}


def read_tensor(data: bytes) -> Any:
    """Read a ``TensorProto`` of floats.

    Raises
    ------
    ValueError
        If it is none, with the reason.
    """
    fields: dict[int, list[Any]] = {}
    try:
        for number, value in _fields(data):
            fields.setdefault(number, []).append(value)
        shape = [size for value in fields.get(1, ()) for size in _integers(value)]
        (kind,) = fields[2]
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError("it is no TensorProto") from None
    names = {number: name for name, number in _TYPES.items() if name != "int64"}
    if kind not in names:
        raise ValueError("its element type is %.20s; %s can be read" % (kind, names))
    if fields.get(14, [0]) != [0] or 13 in fields:
        raise ValueError("its data is in another file")
    try:
        dtype = np.dtype(names[kind]).newbyteorder("<")
        array = _elements(fields, kind, dtype)
        return array.astype(names[kind]).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("shape %.100s does not fit its data: %s" % (shape, error)) from None


def _elements(fields: Mapping[int, Sequence[Any]], kind: int, dtype: Any) -> Any:
    if 9 in fields:
        return np.frombuffer(fields[9][-1], dtype)
    number, stored = _STORED[kind]
    values = fields.get(number, ())
    if stored:
        return np.frombuffer(b"".join(values), stored)
    # The bits of a half are stored as an integer.
    return np.array([each for value in values for each in _integers(value)], "<u2").view(dtype)


def _integers(value: Any) -> list[int]:
    """Return the integers of a field: one, or several that are packed."""
    if isinstance(value, int):
        return [value]
    integers, place = [], 0
    while place < len(value):
        integer, place = _read_varint(value, place)
        integers.append(integer)
    return integers


class Runner:
    """Somebody's own way to run an ONNX model.

    Parameters
    ----------
    target : list of str or str
        A command, in whose words ``{model}``, ``{inputs}`` and ``{outputs}`` stand for the model's
        file and for folders; or ``module:name`` of a function or of an ONNX back end.
    folder : str
        Where the command runs, and where the module is looked for.
    initializers : bool
        Whether the model holds the weights; else they are inputs.
    """

    def __init__(self, target: Any, folder: str, *, initializers: bool = False) -> None:
        self._initializers = initializers
        self._prepare = (
            _prepare_module(target, folder)
            if isinstance(target, str)
            else _prepare_command(list(target), folder)
        )

    def model(self, x: Any, w: Any, b: Any = None, **operator: Any) -> Model:
        """Write a model and its inputs, and prepare to run it."""
        content = write_model(x, w, b, initializers=self._initializers, **operator)
        inputs = {"x": x}
        if not self._initializers:
            inputs.update({"w": w} if b is None else {"w": w, "b": b})
        return Model(content, inputs, self._prepare)


class Model:
    """A model with its inputs, in a folder of its own: a benchmark times :meth:`run` alone."""

    def __init__(self, content: bytes, inputs: Mapping[str, Any], prepare: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deconform-"))
        self.path = self.folder / "model.onnx"
        self.inputs, self.outputs = self.folder / "inputs", self.folder / "outputs"
        self.arrays = inputs
        self.path.write_bytes(content)
        self._run = prepare(self)
        self._result: Any = None

    def write_inputs(self) -> None:
        """Write each input in two formats, and make the folder of the outputs."""
        for folder in (self.inputs, self.outputs):
            folder.mkdir()
        for number, (name, array) in enumerate(self.arrays.items()):
            np.save(self.inputs / (name + ".npy"), array)
            (self.inputs / ("input_%d.pb" % number)).write_bytes(tensor(array, name))

    def run(self) -> None:
        """Run the model."""
        try:
            self._result = self._run()
        except BaseException:
            self._remove()
            raise

    def output(self) -> Any:
        """Return ``y``, and remove the folder."""
        try:
            return self._result()
        finally:
            self._remove()

    def _remove(self) -> None:
        shutil.rmtree(str(self.folder), ignore_errors=True)


def _prepare_command(words: list[str], folder: str) -> Any:
    """Return what prepares the runs of a command."""
    program = str(Path(folder, words[0])) if "/" in words[0] else words[0]
    if shutil.which(program) is None:
        raise FileNotFoundError("%s is no program that can be started" % program)

    def prepare(model: Model) -> Any:
        model.write_inputs()
        paths = {"model": model.path, "inputs": model.inputs, "outputs": model.outputs}
        command = [_filled(word, paths) for word in words]
        return lambda: _run_command(command, folder, model)

    return prepare


def _filled(word: str, paths: Mapping[str, Path]) -> str:
    for name, path in paths.items():
        word = word.replace("{%s}" % name, str(path))
    return word


def _run_command(command: Sequence[str], folder: str, model: Model) -> Any:
    shutil.rmtree(str(model.outputs))
    model.outputs.mkdir()
    status, words = _call(command, folder)
    if status:
        text = words.decode("utf-8", "replace").strip()
        raise RuntimeError("the command %s%s" % (_ended(status), ": " + text if text else ""))
    return lambda: _read_output(model)


def _call(command: Sequence[str], folder: str) -> tuple[int, bytes]:
    """Run a command; return its status and the last of what it wrote."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            # The worker's own standard input is where its requests come from.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise RuntimeError(
            "the command cannot be started: %s: %s" % (command[0], error.strerror)
        ) from None
    words = b""
    output: Any = process.stdout
    with process, output:
        for chunk in iter(lambda: output.read1(65536), b""):
            words = (words + chunk)[-_MOST_WORDS:]
    return process.returncode, words


def _ended(status: int) -> str:
    if status > 0:
        return "ended with status %d" % status
    try:
        return "was ended by " + signal.Signals(-status).name
    except ValueError:
        return "was ended by signal %d" % -status


def _read_output(model: Model) -> Any:
    """Read what a command left."""
    most = _LEAST_BYTES + 64 * sum(array.nbytes for array in model.arrays.values())
    for name, read in (("y.npy", _read_npy), ("output_0.pb", _read_pb)):
        file = model.outputs / name
        if not file.is_file():
            continue
        if file.stat().st_size > most:
            raise ValueError("%s is too large: %d bytes" % (name, file.stat().st_size))
        try:
            return read(file)
        except (ValueError, EOFError, OSError, MemoryError) as error:
            raise ValueError("%s cannot be read: %s" % (name, error)) from None
    left = ", ".join(sorted(file.name for file in model.outputs.iterdir())[:5])
    raise FileNotFoundError(
        "the command left neither y.npy nor output_0.pb in {outputs}, but %s" % (left or "nothing")
    )


def _read_npy(file: Path) -> Any:
    return np.load(str(file), allow_pickle=False)


def _read_pb(file: Path) -> Any:
    return read_tensor(file.read_bytes())


def _prepare_module(target: str, folder: str) -> Any:
    """Return what prepares the runs of a function, or of an ONNX back end."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module, _, name = target.partition(":")
    subject = getattr(importlib.import_module(module), name, None)
    if subject is None:
        raise ImportError("module %s has no %s" % (module, name))
    if hasattr(subject, "prepare"):
        return lambda model: _prepared(subject, model)
    if hasattr(subject, "run_model"):
        return lambda model: _run_whole(subject, model)
    if not callable(subject):
        raise TypeError("%s is no function, and has neither prepare nor run_model" % target)
    return lambda model: lambda: _first(subject(str(model.path), dict(model.arrays)))


def _prepared(backend: Any, model: Model) -> Any:
    prepared = backend.prepare(_proto(model), "CPU")
    return lambda: _first(prepared.run(list(model.arrays.values())))


def _run_whole(backend: Any, model: Model) -> Any:
    proto = _proto(model)
    return lambda: _first(backend.run_model(proto, list(model.arrays.values()), "CPU"))


def _proto(model: Model) -> Any:
    try:
        onnx = importlib.import_module("onnx")
    except ImportError:
        raise ImportError(
            "an ONNX back end is given a ModelProto, which takes the package onnx: "
            "install it for %s" % sys.executable
        ) from None
    return onnx.load(str(model.path))


def _first(outputs: Any) -> Any:
    """Return what gives the first output of several, of one by name, or the only one."""
    if hasattr(outputs, "keys"):
        outputs = list(outputs.values())
    if isinstance(outputs, (list, tuple)):
        if not outputs:
            raise ValueError("it returned no output")
        outputs = outputs[0]
    return lambda: outputs
