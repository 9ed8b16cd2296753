"""From the first timed call on, a worker's memory is like that of a long-running process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engines import worker

# Variables that tune the allocator from outside.
_TUNED = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")
# Blocks of 2 MB: below the size from which NumPy requests huge pages.
_CALLS = """
import ctypes, resource, sys
# PR_SET_THP_DISABLE: with transparent huge pages there would be too few pages to count.
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)
sys.path.insert(0, sys.argv[1])
import worker
{before}
setup = [("setup", "import numpy as np")]
worker.hold("key", setup, "[np.full(1 << 18, 1.0) for _ in range(8)]", {{}})
worker.take_time("key", 5)
began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
worker.take_time("key", 50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began)
"""


def cleared_pages(before: str) -> int:
    """Count the pages that the system cleared for 50 calls that need 16 MB each."""
    folder = str(Path(worker.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", _CALLS.format(before=before), folder],
        capture_output=True,
        env={name: os.environ[name] for name in os.environ if not name.startswith(_TUNED)},
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="specific to the GNU C library")
def test_memory_that_calls_free_is_kept_for_the_next() -> None:
    assert cleared_pages("") < 2000
    assert cleared_pages("worker.keep_freed_memory = lambda: None") > 20000
