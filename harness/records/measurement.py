"""Measurements: times of one program in one direction, a line of a benchmark report."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.operators import Operator, Sizes
from harness.records.status import Status

MEASURED: Final = "MEASURED"


@dataclass(frozen=True)
class Measurement:
    """One program's times in one direction, or why there are none."""

    # As in a record.
    case: str
    suite: str
    descriptor: str
    framework: str
    direction: str  # ``gradient`` is what a training step needs: the forward pass and all gradients
    support: str
    status: str  # ``MEASURED``, or the status of a record, with its ``reason``
    dtype: str
    batch: int  # Entries, or images, of one call
    # Useful multiply-adds of one call, and the bytes of all arrays that it must touch once; a
    # gradient counts those of the forward pass three times, for y, dx and dw.
    multiply_adds: int
    nbytes: int
    reason: str | None = None
    calls: int = 0  # Calls in one sample
    # Seconds a call, one for each round, in the order of the rounds: samples of two frameworks with
    # the same index were taken next to each other.
    samples: tuple[float, ...] = ()
    # Seconds of the first call: just-in-time compilation, choice of kernels, graph building.
    first_s: float = 0.0
    # Seconds of the conversions, which ``samples`` do not hold.
    to_native_s: float = 0.0
    from_native_s: float = 0.0
    cpus: float = 0.0  # CPU time by wall-clock time: how many cores the calls kept busy
    peak_bytes: int | None = None  # Peak memory of the calls, beyond what was in use before them
    file: str = ""
    line: int = 0

    @property
    def is_bad(self) -> bool:
        """Whether a run with it fails."""
        return self.status != MEASURED and Status(self.status).is_bad

    @property
    def seconds(self) -> float:
        """The median of the samples; ``StatisticsError`` if there are none."""
        return statistics.median(self.samples)


def multiply_adds(operator: Operator, batch: int, in_size: Sizes) -> int:
    """Count the multiply-adds of the forward pass whose results the crop leaves.

    >>> multiply_adds(Operator.of(2, 3, (3,), stride=2), batch=1, in_size=(4,))
    72
    >>> multiply_adds(Operator.of(2, 3, (3,), stride=2, crop=1), batch=1, in_size=(4,))
    60
    """
    by_axis = (operator.kernel, operator.stride, operator.dilation, operator.crop)
    axes = zip(in_size, operator.out_size(in_size), *by_axis, strict=True)
    met = 1
    for size, out, kernel, stride, dilation, (begin, _) in axes:
        at = np.add.outer(np.arange(size) * stride, np.arange(kernel) * dilation) - begin
        met *= int(np.count_nonzero((at >= 0) & (at < out)))
    channels = operator.in_channels * operator.out_channels // operator.groups
    return batch * channels * met


def touched_bytes(operator: Operator, batch: int, in_size: Sizes, dtype: str) -> int:
    """Count the bytes of input, weights, bias and output, each once.

    >>> touched_bytes(Operator.of(2, 3, (3,), bias=False), batch=1, in_size=(4,), dtype="float32")
    176
    """
    elements = batch * operator.in_channels * math.prod(in_size)
    elements += batch * operator.out_channels * math.prod(operator.out_size(in_size))
    elements += math.prod(operator.weight_shape) + operator.bias * operator.out_channels
    bits = int(dtype[-2:])  # NumPy may not know bfloat16.
    return elements * bits // 8
