"""Times, rates, ratios and their intervals as text."""

from __future__ import annotations

import math

from harness.bench.intervals import Interval

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def three_digits(value: float) -> str:
    """Write three significant digits.

    >>> [three_digits(value) for value in (0.01234, 1.2, 99.96, 1234.5)]
    ['0.0123', '1.20', '100', '1234']
    """
    if not value or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(float(f"{value:.2e}"))))
    return f"{value:.{min(max(digits, 0), 12)}f}"


def seconds(value: float) -> str:
    """Write a time.

    >>> [seconds(value) for value in (0.0123, 0.9999e-3, 4.2e-6, 75.0)]
    ['12.3 ms', '1.00 ms', '4.20 us', '75.0 s']
    """
    return _in_units(value, _TIMES)


def size(nbytes: int | None) -> str:
    """Write a number of bytes.

    >>> size(12_300_000), size(None)
    ('12.3 MB', '?')
    """
    if nbytes is None:
        return "?"
    return _in_units(nbytes, _SIZES) if nbytes >= 1000 else f"{nbytes} B"


def spread(interval: Interval) -> str:
    """Write the distance of an interval's farther end from the estimate.

    >>> spread(Interval(2.0, 1.99, 2.03)), spread(Interval(1.0, 0.999, 1.004))
    ('±2%', '±0.4%')
    >>> spread(Interval(1.0, 0.0, math.inf))
    '±?'
    """
    if not interval.is_bounded or interval.spread >= 9.995:
        return "±?" if not interval.is_bounded else "±>999%"
    percent = 100 * interval.spread
    return f"±{percent:.1f}%" if percent < 0.95 else f"±{percent:.0f}%"


def time(interval: Interval) -> str:
    """Write a median time with its interval.

    >>> time(Interval(0.0123, 0.0121, 0.0124))
    '12.3 ms ±2%'
    """
    return f"{seconds(interval.value)} {spread(interval)}"


def ratio(interval: Interval) -> str:
    """Write a ratio with its interval.

    >>> ratio(Interval(0.532, 0.53, 0.54))
    'x0.532 ±2%'
    """
    return f"x{three_digits(interval.value)} {spread(interval)}"


def factor(value: float) -> str:
    """Write a ratio near 1, with as many decimals as its neighbours.

    >>> factor(1.0), factor(0.9871), factor(12.34)
    ('1.000', '0.987', '12.3')
    """
    return f"{value:.3f}" if value < 9.9995 else three_digits(value)


def bounds(interval: Interval) -> str:
    """Write both ends of a ratio's interval.

    >>> bounds(Interval(1.0, 0.987, 1.04)), bounds(Interval(1.0, 0.0, math.inf))
    ('[0.987, 1.040]', '[none]')
    """
    if not interval.is_bounded:
        return "[none]"
    return f"[{factor(interval.low)}, {factor(interval.high)}]"


def _in_units(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """Write a value in the largest unit in which, once rounded, it is at least 1."""
    rounded = float(f"{value:.2e}")
    scale, name = next((unit for unit in units if rounded >= unit[0]), units[-1])
    return f"{three_digits(value / scale)} {name}"
