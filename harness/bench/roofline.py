"""The peak rates of a machine, and how near a measured program comes to them.

The roofline: no program is faster than its operations at the machine's highest rate, nor than its
bytes at the machine's highest bandwidth (S. Williams, A. Waterman and D. Patterson, "Roofline: An
Insightful Visual Performance Model for Multicore Architectures", CACM 52, 2009).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harness.convention.device import Device, Probe
from harness.convention.registry import convention, framework_names
from harness.engines.job import Held, Timing
from harness.engines.process import Engine
from harness.records.measurement import Measurement

_TIMES: Final = 7


def ceilings(engines: Mapping[str, Engine], device: Device, threads: int) -> dict[str, float]:
    """Measure ``gemm_flops:DTYPE``, operations a second, and ``copy_bytes``, read and written.

    Both in the same run as the programs, with as many threads, on the same device.  Each is the
    best of a few times, as other load on the machine can only lower it.  Nothing is measured unless
    a suitable framework runs.
    """
    rates: dict[str, float] = {}
    for framework in framework_names():
        probe = convention(framework).probes.get(device)
        if probe is None or framework not in engines or rates:
            continue
        for held, amount in _programs(probe, threads):
            if (seconds := _fastest(engines[framework], held)) is None:
                return rates
            rates[held.key] = amount / seconds
    return rates


def _fastest(engine: Engine, held: Held) -> float | None:
    """Return the seconds of the fastest call; None if it cannot be executed."""
    if not isinstance(engine.hold(held), int | None):
        return None
    seconds = []
    for _ in range(_TIMES):
        timing = engine.time(held.key, 1)
        if not isinstance(timing, Timing):
            return None
        seconds.append(timing.seconds)
    engine.drop(held.key)
    return min(seconds)


def _programs(probe: Probe, threads: int) -> Iterator[tuple[Held, float]]:
    """Yield programs, each with the amount of work of one call, in the unit that its key names."""
    for dtype in probe.dtypes:
        setup = probe.product_setup.format(side=probe.side, dtype=dtype)
        held = Held(f"gemm_flops:{dtype}", [("setup", setup)], probe.product, {})
        yield held, 2.0 * probe.side**3
    setup = probe.copy_setup.format(nbytes=probe.nbytes, threads=threads)
    yield Held("copy_bytes", [("setup", setup)], probe.copy, {}), 2.0 * probe.nbytes


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
