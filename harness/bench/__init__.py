"""Benchmarks: from samples to intervals, comparisons and what a machine can do at most."""

from typing import Final

# Seconds that one program may take: a large layer's first call, many calls in a turn.
TIMEOUT: Final = 300.0
