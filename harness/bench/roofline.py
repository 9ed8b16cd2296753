"""Rates of a measured program, and how near they come to what the machine can do.

The roofline: no program is faster than its operations at the machine's highest rate, nor than its
bytes at the machine's highest bandwidth (Williams, Waterman & Patterson, "Roofline: An Insightful
Visual Performance Model for Multicore Architectures", CACM 52, 2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.measurement import Measurement


@dataclass(frozen=True)
class Rates:
    """The work that a measured program does per second, by its median time.

    A multiply-add is two operations.
    """

    images: float
    operations: float
    nbytes: float


@dataclass(frozen=True)
class Share:
    """The part of a ceiling that a program reaches, and which ceiling: ``compute`` or ``memory``.

    Above 1 if the arrays stay in a cache that is faster than the memory of the ceiling.
    """

    part: float
    bound: str


def rates(measurement: Measurement) -> Rates:
    """Return the rates of a measured program."""
    seconds = measurement.seconds
    return Rates(
        measurement.batch / seconds,
        2 * measurement.multiply_adds / seconds,
        measurement.nbytes / seconds,
    )


def share(measurement: Measurement, ceilings: Mapping[str, float]) -> Share | None:
    """Return the part of the ceiling that a measured program reaches.

    None if a ceiling was not measured for this dtype.
    """
    operations = ceilings.get(f"gemm_flops:{measurement.dtype}")
    bandwidth = ceilings.get("copy_bytes")
    if not operations or not bandwidth:
        return None
    compute = 2 * measurement.multiply_adds / operations
    memory = measurement.nbytes / bandwidth
    bound = "compute" if compute >= memory else "memory"
    return Share(max(compute, memory) / measurement.seconds, bound)
