"""Models that a framework saves itself, with what each of their layers computes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import impl
from harness.convention.registry import convention
from harness.execution.environments import interpreter
from harness.lookup.answer import LookUp
from harness.lookup.models import is_model, read_model

Array: TypeAlias = np.ndarray[Any, Any]

# Integers whose sums are exact, in an order that tells every axis and side apart.
_BEFORE: str = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

kept = {}

def fill(*shape):
    size = int(np.prod(shape))
    return (np.arange(size) * 7 % 11 - 4).reshape(shape).astype(np.float32)

def keep(name, **arrays):
    kept.update({f"{name}:{key}": np.asarray(each) for key, each in arrays.items()})
"""
_AFTER: str = '\nnp.savez("kept.npz", **kept)\n'


def saved(framework: str, text: str, folder: Path) -> Mapping[str, Array]:
    """Run a text that saves models in a folder; return what it keeps of their layers.

    It calls ``keep(name, x=..., w=..., y=...)`` for a layer, with canonical arrays, b where there
    is one.
    """
    python = str(interpreter(convention(framework)))
    # TorchScript looks for the source of what it compiles.
    (folder / "save.py").write_text(f"{_BEFORE}{text}{_AFTER}")
    command = [python, "-I", "-W", "ignore", "save.py"]
    environ = os.environ | convention(framework).environment("cpu")
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "kept.npz") as kept:
        return dict(kept)


def looked_up(path: Path, to: Sequence[str] = ("pytorch",)) -> list[LookUp]:
    """Return the answers to a model's layers, all of which must be read."""
    assert is_model(path)
    every = read_model(path, path.name, to)
    looks = [each for each in every if isinstance(each, LookUp)]
    assert looks == every, [str(each) for each in every if not isinstance(each, LookUp)]
    return looks


def assert_computes(look: LookUp, kept: Mapping[str, Array], name: str) -> None:
    """Hold what was read against what the framework computed with the layer."""
    x, w, y = (kept[f"{name}:{key}"] for key in "xwy")
    b, operator = kept.get(f"{name}:b"), look.reading.operator
    assert operator.bias == (b is not None)
    if look.reading.input is not None:
        assert look.reading.input == x.shape
        assert look.output == y.shape
    got = impl.conv_transpose(
        x,
        w,
        b,
        stride=operator.stride,
        dilation=operator.dilation,
        crop=operator.crop,
        groups=operator.groups,
    )
    assert operator.weight_shape == w.shape
    assert np.array_equal(got, y)
