"""Weights in all frameworks' layouts and file formats, written without our own code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import scipy.io
from numpy.typing import NDArray
from wolframclient.serializers import export

Array = NDArray[Any]
PYTHON = ("numpy", "pytorch", "tensorflow", "mxnet", "chainer", "openvino", "paddle", "jax")
FRAMEWORKS = (*PYTHON, "matlab", "wolfram")
GROUPED = {"matlab": "HWOIG", "openvino": "GIOHW", "jax": "hwI(GO)"}
# Of texts that say which axis is which, and of the libraries over JAX, by whether they have groups.
LAYOUTS = {"hwIO": False, "hwOI": False, "OIhw": False, "(GO)Ihw": True, "hwI(GO)": True}
KERNELS: dict[int, tuple[int, ...]] = {1: (7,), 2: (7, 2), 3: (7, 2, 3)}
SUFFIXES = (".npy", ".npz", ".safetensors", ".mat", ".wxf")


def canonical(rank: int, groups: int, dtype: str = "int32") -> Array:
    """Return weights with distinct numbers and a different size on every axis."""
    shape = (4 * groups, 5, *KERNELS[rank])
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def native(w: Array, framework: str, groups: int) -> Array:
    """Convert canonical weights to a framework's layout, element by element."""
    c_in, c_out, *kernel = w.shape
    each = c_in // groups
    letters = layout_of(framework, groups)
    sizes = {
        "O": [c_out],
        "I": [c_in],
        "G": [groups],
        "(GO)": [c_out * groups],
        "HW": kernel,
        "hw": kernel,
    }
    if "G" in letters:
        sizes["I"] = [each]
    parts = re.findall(r"\(GO\)|HW|hw|.", letters)
    out = np.empty([size for part in parts for size in sizes[part]], w.dtype)
    for i, o, *k in np.ndindex(*w.shape):
        backwards = [size - 1 - at for size, at in zip(kernel, k, strict=True)]
        places = {"O": [o], "G": [i // each], "(GO)": [i // each * c_out + o], "HW": k}
        places |= {"I": [i % each if "G" in letters else i], "hw": backwards}
        out[tuple(at for part in parts for at in places[part])] = w[(i, o, *k)]
    return out


def layout_of(framework: str, groups: int) -> str:
    """The layout as written in each framework's manual; a layout is its own."""
    if "HW" in framework.upper():
        return framework
    if groups > 1 and framework in GROUPED:
        return GROUPED[framework]
    return "HWOI" if framework in {"tensorflow", "matlab", "jax"} else "IOHW"


def biases(count: int, framework: str, rank: int, groups: int) -> Array:
    ones = (1,) * rank if framework == "matlab" and groups == 1 else ()
    return np.arange(count).reshape(*ones, count)


def saved(path: Path, arrays: Mapping[str, Array]) -> Path:
    """Write a file with the format's own library."""
    match path.suffix:
        case ".npy":
            (array,) = arrays.values()
            np.save(path, array)
        case ".npz":
            np.savez(path, allow_pickle=False, **arrays)
        case ".safetensors":
            safetensors.numpy.save_file(dict(arrays), path, metadata={"format": "pt"})
        case ".mat":
            scipy.io.savemat(path, dict(arrays))
        case ".wxf":
            export(dict(arrays), str(path), target_format="wxf")
    return path


def loaded(path: Path) -> dict[str, Array]:
    """Read a file with the format's own library."""
    match path.suffix:
        case ".npy":
            return {"weight": np.load(path)}
        case ".npz":
            return dict(np.load(path))
        case ".safetensors":
            return dict(safetensors.numpy.load_file(path))
        case ".mat":
            variables = scipy.io.loadmat(str(path))
            return {name: array for name, array in variables.items() if name[0] != "_"}
    from wolframclient.deserializers import binary_deserialize  # noqa: PLC0415

    return dict(binary_deserialize(path.read_bytes()))
