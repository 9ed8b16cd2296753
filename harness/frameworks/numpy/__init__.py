"""NumPy (impl): every fact about it."""

from __future__ import annotations

from typing import Final

from harness.convention.device import Probe
from harness.convention.registry import Convention, Example, late

# NumPy copies with one thread, so the array is split among as many threads as programs have.
_PROBE: Final = Probe(
    """\
import numpy as np
a, b = (np.ones(({side}, {side}), "{dtype}") for _ in range(2))
c = np.empty_like(a)""",
    "np.matmul(a, b, out=c)",
    """\
from concurrent.futures import ThreadPoolExecutor
import numpy as np
pool = ThreadPoolExecutor({threads})
sources = np.array_split(np.ones({nbytes}, "u1"), {threads})
targets = np.array_split(np.zeros({nbytes}, "u1"), {threads})""",
    "list(pool.map(np.copyto, targets, sources))",
    ("float32", "float64"),
    side=1024,
    nbytes=64 << 20,
)

CONVENTION: Final = Convention(
    name="numpy",
    title="NumPy (impl)",
    distribution="deconform",
    module="impl",
    weights="IOHW",
    render=late(__name__, "render"),
    no_bfloat16="",  # ml_dtypes adds it to NumPy
    spoken=late(__name__, "spoken"),
    is_canonical=True,
    examples=(
        Example("An operator's descriptor, with the input's size", "ic4_oc6_k3x3_s2x2_b_n1_i5x5"),
    ),
    probes={"cpu": _PROBE},
)
