"""Write cases as ONNX models with their inputs and outputs, for test suites that are not ours.

Each case is a folder as ONNX's own loader reads it (``onnx.backend.test.loader``): ``model.onnx``
and ``test_data_set_0``, with ``data.json`` for the tolerances, and the gradients as ``.npy`` files
next to them.  A manifest names every case of the selection, those that were left out too.

The bytes are the same on every machine and with every version of NumPy, so that a corpus can be
pinned by the digest of its manifest.  Therefore nothing is written by a library that may change its
mind: protobuf messages and ``.npy`` headers are ours, and sums that rounding could make depend on
their order are sums of integers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.conformance.export import MANIFEST, ExportError
from harness.conformance.judge import allowance
from harness.core.files import contents, whole_folder
from harness.doors.onnx_model import IR_VERSION, OPSET, Form, tensor, write_model
from harness.records.check import Check
from harness.suite.case import SIGNIFICANT_BITS, Case
from harness.suite.expectations import computed
from harness.suite.mutants import Array, Data, options

TARGET: Final = "onnx"
FORMAT: Final = 1
# ONNX's loader reads the cases of DIR/KIND.  Its own kinds, such as "node", it does not look for.
KIND: Final = "conv_transpose"
_DATA: Final = "test_data_set_0"
_GRADIENTS: Final = "gradients"
_LONGEST_NAME: Final = 200  # Characters of a folder's name, so that file systems take it
_NPY_ALIGNMENT: Final = 64


@dataclass(frozen=True)
class Corpus:
    """What was written: its cases, those that were left out, and the digest that pins it all."""

    folder: Path
    written: int
    left_out: int
    sha256: str


def write_corpus(cases: Iterable[Case], folder: Path) -> Corpus:
    """Write cases as ONNX models with data, and their manifest, into an empty folder.

    Raises
    ------
    ExportError
        If the folder is in use.
    WriteError
        If it cannot be written.
    """
    if folder.is_dir() and contents(folder):
        raise ExportError(f"{folder} is not empty: give a new folder, so that no corpora mix.")
    described: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    names: set[str] = set()
    with whole_folder(folder) as part:
        for case in cases:
            if reason := _reason_to_leave_out(case):
                left_out.append({"case": case.id, "descriptor": case.descriptor, "reason": reason})
                continue
            place = f"{KIND}/{_folder_name(case.id, names)}"
            files, entry = _content(case)
            for name, content in files.items():
                file = part / place / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            digests = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
            described.append({"folder": place, **entry, "sha256": digests})
        manifest = _manifest(described, left_out)
        (part / MANIFEST).write_bytes(manifest)
    return Corpus(folder, len(described), len(left_out), hashlib.sha256(manifest).hexdigest())


def _manifest(described: Sequence[Mapping[str, Any]], left_out: Sequence[Any]) -> bytes:
    manifest = {
        "corpus": FORMAT,
        "deconform": version("deconform"),
        "kind": KIND,
        "opset": OPSET,
        "ir_version": IR_VERSION,
        "cases": described,
        "left_out": left_out,
    }
    return (json.dumps(manifest, indent=1) + "\n").encode("ascii")


def _reason_to_leave_out(case: Case) -> str | None:
    if case.dtype == "bfloat16":
        return "NumPy's files, which hold the gradients, have no bfloat16"
    if not case.rejected:
        return None
    facts = " ".join(case.operator.violations()) or case.operator.explain(case.in_size) or ""
    return f"it has no output to compare: {' '.join(facts.split())}"


def _folder_name(case_id: str, taken: set[str]) -> str:
    """Return a name of letters, digits and ``_`` that no case has had, as ONNX's tests have.

    >>> taken = set()
    >>> _folder_name("models/fcn-8s", taken), _folder_name("models/fcn/8s", taken)
    ('test_models_fcn_8s', 'test_models_fcn_8s_2')
    """
    stem = "test_" + re.sub(r"[^A-Za-z0-9]", "_", case_id)[:_LONGEST_NAME]
    name, number = stem, 1
    # Some file systems take names for one that differ in upper and lower case only.
    while name.lower() in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.lower())
    return name


def _content(case: Case) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return a case's files, and what the manifest says of it."""
    data = case.data()
    expected = _Expected(case, data)
    outputs = expected.outputs
    inputs = {name: array for name, array in data.items() if name != "dy"}
    model = write_model(data["x"], data["w"], data.get("b"), **options(case.operator))
    files = {"model.onnx": model, f"{_DATA}/output_0.pb": tensor(outputs["y"], "y")}
    for number, (name, array) in enumerate(inputs.items()):
        files[f"{_DATA}/input_{number}.pb"] = tensor(array, name)
    checks: dict[str, Any] = {}
    for check in case.checks:
        name = check.output
        if check == Check.SHAPE:
            checks[str(check)] = list(outputs[name].shape)
            continue
        file = f"{_DATA}/output_0.pb" if check == Check.VALUE else f"{_GRADIENTS}/{name}.npy"
        checks[str(check)] = {"file": file, **expected.tolerances(name)}
    gradients = {name: array for name, array in outputs.items() if name != "y"}
    for name, array in ({"dy": data["dy"]} | gradients).items():
        files[f"{_GRADIENTS}/{name}.npy"] = _npy(array)
    files["data.json"] = (json.dumps(expected.tolerances("y")) + "\n").encode("ascii")
    reason = Form(case.operator.stride, case.operator.crop).reason
    entry = {
        "case": case.id,
        "descriptor": case.descriptor,
        "source": case.source,
        "note": case.note,
        "dtype": case.dtype,
        "fill": case.fill,
        "support": "rewritten" if reason else "native",
        "reason": reason or "",
        "checks": checks,
    }
    return files, entry


class _Expected:
    """What a case should give, down to the last bit, and how far from that an output may be."""

    def __init__(self, case: Case, data: Data) -> None:
        self._case = case
        self._bounds: Mapping[str, Array] = {}
        # Of our integers every sum is exact in any order; what a source gives may be anything.
        if case.fill == "random" or case.given:
            outputs = _rounded_once(case, data)
            if case.fill == "random":
                wide = {name: np.abs(array.astype(np.float64)) for name, array in data.items()}
                self._bounds = _rounded_once(case, wide)
        else:
            outputs = computed(case, data)
        if "y" in case.given:
            outputs = {**outputs, "y": case.given["y"]}
        self.outputs = {name: array.astype(case.dtype) for name, array in outputs.items()}

    def tolerances(self, name: str) -> dict[str, float]:
        """Return how far an output may be from the expected one.

        For random data it is what the rule of :mod:`harness.conformance.judge` allows the element
        that it allows most, and the rounding of what is expected.
        """
        if self._case.fill != "random":
            return {"rtol": 0.0, "atol": 0.0}
        most = allowance(self._case, name, self._bounds[name]).max(initial=0.0)
        return {"rtol": 2.0 ** -SIGNIFICANT_BITS[self._case.dtype], "atol": float(most)}


def _rounded_once(case: Case, data: Data) -> dict[str, Array]:
    """Compute the outputs exactly, in integers, and round each to float64 in the end."""
    fractions = {
        name: [Fraction(value) for value in array.astype(np.float64).ravel().tolist()]
        for name, array in data.items()
    }
    # Floats have powers of two as denominators, so the largest is a multiple of all.
    unit = max((each.denominator for values in fractions.values() for each in values), default=1)
    integers = {
        name: _objects((int(each * unit) for each in values), data[name].shape)
        for name, values in fractions.items()
    }
    if "b" in integers:  # It is added to products.
        integers["b"] = integers["b"] * unit
    units = dict.fromkeys(("y", "dx", "dw"), unit * unit) | {"db": unit}
    return {
        name: _quotients(array, units[name]) for name, array in computed(case, integers).items()
    }


def _quotients(integers: Array, unit: int) -> Array:
    """Return the float64 that is nearest to each quotient: Python divides integers so."""
    values = [value / unit for value in integers.ravel().tolist()]
    return np.array(values, np.float64).reshape(integers.shape)


def _objects(values: Iterator[int], shape: Sequence[int]) -> Array:
    array = np.empty(int(np.prod(shape)), object)
    array[:] = list(values)
    return array.reshape(shape)


def _npy(array: Array) -> bytes:
    """Return an array as a ``.npy`` file, whose padding has changed between versions of NumPy.

    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    dtype = array.dtype.newbyteorder("<")
    shape = f"({', '.join(map(str, array.shape))}{',' if array.ndim == 1 else ''})"
    header = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    start = 10  # Bytes: the magic number, the version, and the length of the header
    size = -(-(start + len(header) + 1) // _NPY_ALIGNMENT) * _NPY_ALIGNMENT - start
    head = b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little")
    return head + header.encode().ljust(size - 1) + b"\n" + array.astype(dtype).tobytes()
