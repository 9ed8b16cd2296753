"""What a machine can do at most: the rate of a large matrix product, and of a large copy.

Both are measured in the run that they are held against, with as many threads as its programs have,
on the device that they have (S. Williams, A. Waterman and D. Patterson, *Roofline*, CACM 52, 2009).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harness.convention.device import CUPY_WAIT, Device
from harness.engines import Engine, Held, Timing

_TIMES: Final = 7


@dataclass(frozen=True)
class _Probe:
    """How a framework multiplies and copies: text, and sizes that are large for its device."""

    product_setup: str
    product: str
    copy_setup: str
    copy: str
    dtypes: tuple[str, ...]
    side: int
    nbytes: int


_PROBES: Final[Mapping[tuple[str, Device], _Probe]] = {
    # NumPy copies with one thread: the array is dealt to as many as programs have.
    ("numpy", "cpu"): _Probe(
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
    ),
    ("cupy", "cuda"): _Probe(
        """\
import cupy
a, b = (cupy.ones(({side}, {side}), "{dtype}") for _ in range(2))
c = cupy.empty_like(a)""",
        f"cupy.matmul(a, b, out=c)\n{CUPY_WAIT}",
        """\
import cupy
source, target = (cupy.ones({nbytes}, "u1") for _ in range(2))""",
        f"target[...] = source\n{CUPY_WAIT}",
        ("float16", "float32", "float64"),
        side=8192,
        nbytes=1 << 30,
    ),
    ("pytorch", "cuda"): _Probe(
        """\
import torch
a, b = (torch.ones({side}, {side}, dtype=torch.{dtype}, device="cuda") for _ in range(2))
c = torch.empty_like(a)""",
        "torch.matmul(a, b, out=c)\ntorch.cuda.synchronize()",
        """\
import torch
source, target = (torch.ones({nbytes}, dtype=torch.uint8, device="cuda") for _ in range(2))""",
        "target.copy_(source)\ntorch.cuda.synchronize()",
        ("float16", "float32", "float64"),
        side=8192,
        nbytes=1 << 30,
    ),
}


def ceilings(engines: Mapping[str, Engine], device: Device, threads: int) -> dict[str, float]:
    """Measure ``gemm_flops:DTYPE``, operations a second, and ``copy_bytes``, read and written.

    Parameters
    ----------
    engines : mapping of str to Engine
        The frameworks that are here; where none of them can tell, nothing is known.
    device : {"cpu", "cuda"}
    threads : int

    Returns
    -------
    dict
        The best of a few times: what else the machine does can only lower it.
    """
    found: dict[str, float] = {}
    for (framework, where), probe in _PROBES.items():
        if where != device or framework not in engines or found:
            continue
        for held, amount in _programs(probe, threads):
            if (seconds := _fastest(engines[framework], held)) is None:
                return found
            found[held.key] = amount / seconds
    return found


def _fastest(engine: Engine, held: Held) -> float | None:
    """The seconds of the fastest call; None where it cannot be executed."""
    if not isinstance(engine.hold(held), int | None):
        return None
    found = []
    for _ in range(_TIMES):
        timing = engine.time(held.key, 1)
        if not isinstance(timing, Timing):
            return None
        found.append(timing.seconds)
    engine.drop(held.key)
    return min(found)


def _programs(probe: _Probe, threads: int) -> Iterator[tuple[Held, float]]:
    """Programs, each with how much one call does of what its key names."""
    for dtype in probe.dtypes:
        setup = probe.product_setup.format(side=probe.side, dtype=dtype)
        held = Held(f"gemm_flops:{dtype}", [("setup", setup)], probe.product, {})
        yield held, 2.0 * probe.side**3
    setup = probe.copy_setup.format(nbytes=probe.nbytes, threads=threads)
    yield Held("copy_bytes", [("setup", setup)], probe.copy, {}), 2.0 * probe.nbytes
