"""The machine, as far as times depend on it: processor, cores and memory."""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Final

# Libraries choose their kernels by these extensions.
_EXTENSIONS: Final = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_tile")
_GIB: Final = 2**30


def describe_machine() -> dict[str, str]:
    """Describe this machine; times can be compared where the ``fingerprint`` is the same.

    The fingerprint covers the processor, the number of its cores that we may use, and the memory in
    GiB; not what else runs on the machine.

    >>> machine = describe_machine()
    >>> sorted(machine)
    ['cores', 'cpu', 'fingerprint', 'flags', 'memory', 'os']
    >>> len(machine["fingerprint"])
    12
    """
    cpu, flags = _processor()
    cores = str(len(available_cores()))
    memory = f"{_memory() / _GIB:.0f} GiB"
    digest = hashlib.sha256(f"{cpu}\n{flags}\n{cores}\n{memory}".encode()).hexdigest()
    return {
        "cpu": cpu,
        "flags": flags,
        "cores": cores,
        "memory": memory,
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "fingerprint": digest[:12],
    }


def available_cores() -> list[int]:
    """List the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def memory_share() -> int:
    """Return the bytes that a worker may use: half of the memory, or of what we may use of it."""
    limits = [_memory()]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limits.append(int(Path(file).read_text(encoding="ascii")))
    return min(limits) // 2


def _processor() -> tuple[str, str]:
    """Name the processor and those of its extensions that matter."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown", ""
    fields = [line.partition(":") for line in lines]
    values = {name.strip(): value.strip() for name, _, value in reversed(fields)}
    present = values.get("flags", values.get("Features", "")).split()
    flags = " ".join(flag for flag in _EXTENSIONS if flag in present)
    return values.get("model name") or platform.processor() or "unknown", flags


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0
