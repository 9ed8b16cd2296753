"""PyTorch's files: exported programs, TorchScript, and modules or weights that were saved whole.

Nothing of them is executed: an exported program is JSON, TorchScript's code is parsed, and of a
pickle only its structure is read.

https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from harness.convention.layers import Found, Layer, as_value, check_weights
from harness.core.archives import archive, member
from harness.core.bounded import MIB, from_json, head_of, size_of
from harness.core.errors import InputError
from harness.core.operators import Sizes
from harness.core.pickles import Made, PickleError, unpickled
from harness.frameworks.pytorch import exported_programs, torchscript
from harness.frameworks.pytorch.calls import FORMS
from harness.frameworks.pytorch.tensors import shape_of_tensor
from harness.syntax.tree import Value

_MOST_BYTES: Final = 65536 * MIB
_MOST_JSON: Final = 16 * MIB
_MOST_PICKLE: Final = 64 * MIB
_MAGIC: Final = 0x1950A86A20F9469CFC6C  # What a file before PyTorch 1.6 begins with, as a pickle
_DEEPEST: Final = 60  # Modules in modules
_MOST_VISITS: Final = 500_000
_EXPORTED: Final = re.compile(r"(?:.*/)?(?:models/[^/]*|serialized_exported_program)\.json")
_FORMS: Final = {form.rank: form for form in FORMS if form.name.startswith("torch.nn.ConvT")}
# A layer's own attributes, which are what it was made with.
_SETTINGS: Final = (
    *("in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding"),
    *("groups", "dilation", "padding_mode"),
)


def is_model(path: Path) -> bool:
    """Whether a file begins as one that PyTorch writes: an archive, or a pickle before 1.6."""
    if _is_safetensors(path):
        return head_of(path, 9)[8:] == b"{"
    return head_of(path, 4).startswith((b"PK\x03\x04", b"\x80\x02"))


def layers(path: Path) -> Iterator[Found]:
    """Yield the transposed convolutions of a model."""
    try:
        if _is_safetensors(path):
            check_weights(path.name, _of_safetensors(path))
        elif head_of(path, 2) == b"PK":
            with archive(path, _MOST_BYTES) as opened:
                yield from _of_archive(path.name, opened)
        else:
            size_of(path, _MOST_BYTES)
            yield from _of_value(path.name, _legacy(path))
    except InputError:
        raise
    except ValueError as error:  # PickleError, and what the bytes of numbers or names are not
        raise InputError(f"{path.name} cannot be read: {error}") from None


def _is_safetensors(path: Path) -> bool:
    return path.suffix.lower() == ".safetensors"


def _of_safetensors(path: Path) -> dict[str, Sizes]:
    """Return the shapes that a file's head says, which is JSON after its length."""
    size_of(path, _MOST_BYTES)
    head = head_of(path, 8 + _MOST_JSON)
    length = int.from_bytes(head[:8], "little")
    if length > len(head) - 8:
        raise InputError(f"{path.name} is cut off, or its head is longer than is read.")
    about = from_json(head[8 : 8 + length], f"the head of {path.name}")
    every = about.items() if isinstance(about, dict) else ()
    listed = {name: each.get("shape") for name, each in every if isinstance(each, dict)}
    return {
        name: tuple(shape)
        for name, shape in listed.items()
        if isinstance(shape, list) and all(type(size) is int for size in shape)
    }


def _of_archive(name: str, opened: zipfile.ZipFile) -> Iterator[Found]:
    names = opened.namelist()
    programs = [each for each in names if _EXPORTED.fullmatch(each)]
    for program in programs:
        content = from_json(member(opened, program, _MOST_JSON), f"{program} of {name}")
        yield from exported_programs.layers(content)
    if programs:
        return
    roots = [each.removesuffix("data.pkl") for each in names if each.endswith("/data.pkl")]
    if not roots:
        raise InputError(f"{name} is an archive, but none that PyTorch writes.")
    root = min(roots, key=len)
    value = _unpickled(member(opened, f"{root}data.pkl", _MOST_PICKLE))
    if f"{root}constants.pkl" in names:
        constants = _unpickled(member(opened, f"{root}constants.pkl", _MOST_PICKLE))
        yield from torchscript.layers(opened, root, value, constants)
    else:
        yield from _of_value(name, value)


def _unpickled(content: bytes) -> Any:
    return unpickled(io.BytesIO(content), any_name=True)


def _legacy(path: Path) -> Any:
    """Return what a file before PyTorch 1.6 holds: after three pickles, the next."""
    with path.open("rb") as stream:
        if unpickled(stream, any_name=True) != _MAGIC:
            raise InputError(f"{path.name} is a pickle, but none that PyTorch writes.")
        for _ in range(2):
            unpickled(stream, any_name=True)
        return unpickled(stream, any_name=True)


def _of_value(name: str, value: Any) -> Iterator[Found]:
    """Yield the layers of modules that were saved whole; of weights alone, raise what is known."""
    walk = _Walk()
    walk.visit(value, "", 0)
    if not (walk.layers or walk.has_modules):
        check_weights(name, walk.shapes)
    yield from walk.layers


class _Walk:
    """What is found in a structure of dictionaries and modules."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.shapes: dict[str, Sizes] = {}
        self.has_modules = False
        self._left = _MOST_VISITS

    def visit(self, value: Any, name: str, depth: int) -> None:
        """Visit a value by the name that it has in the whole."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise PickleError(f"it holds more than {_MOST_VISITS} values, or {_DEEPEST} in others.")
        if isinstance(value, Made):
            if shape := shape_of_tensor(value):
                self.shapes.setdefault(name, shape)
            elif isinstance(value.state, Mapping):
                self._module(value, value.state, name, depth)
        elif isinstance(value, Mapping):
            for key, each in value.items():
                self.visit(each, f"{name}.{key}" if name else str(key), depth + 1)

    def _module(self, module: Made, state: Mapping[str, Any], name: str, depth: int) -> None:
        parts = [state.get(part) for part in ("_modules", "_parameters", "_buffers")]
        inner, parameters, _ = (part if isinstance(part, Mapping) else {} for part in parts)
        self.has_modules |= isinstance(state.get("_modules"), Mapping)
        if state.get("transposed") is True and "output_padding" in state:
            self.layers.append(_layer(module, state, parameters, name))
        self.visit(inner or {}, name, depth + 1)
        # Such as a trainer's own object, which has the model among its attributes.
        for key, each in state.items():
            if isinstance(each, Made) and key not in {"_modules", "_parameters", "_buffers"}:
                self.visit(each, f"{name}.{key}" if name else key, depth + 1)


def _layer(
    module: Made, state: Mapping[str, Any], parameters: Mapping[str, Any], name: str
) -> Layer:
    arguments: dict[str, Value] = {
        key: _value(state[key]) for key in _SETTINGS if state.get(key) is not None
    }
    arguments["bias"] = parameters.get("bias") is not None
    kernel = arguments.get("kernel_size")
    rank = len(kernel) if isinstance(kernel, tuple) else 0
    notes = []
    if not module.by.name.startswith("torch.nn."):
        notes.append(f"{module.by.name:.100} is a class of its project, which may compute more.")
    return Layer(name or module.by.last, _FORMS.get(rank, _FORMS[2]), arguments, tuple(notes))


def _value(value: Any) -> Value:
    return tuple(map(_value, value)) if isinstance(value, tuple) else as_value(value)
