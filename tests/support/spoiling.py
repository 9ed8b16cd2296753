"""Files that something has damaged, the same ones each time."""

from __future__ import annotations

import random
from collections.abc import Iterator


def spoilt(whole: bytes, count: int) -> Iterator[bytes]:
    """Yield a file with a byte or a bit changed, a piece cut out, or its end missing."""
    numbers = random.Random(1)
    for _ in range(count):
        at, more = numbers.randrange(len(whole)), numbers.randrange(1, 9)
        content = bytearray(whole)
        match numbers.randrange(4):
            case 0:
                content[at] ^= 1 << numbers.randrange(8)
            case 1:
                content[at] = numbers.randrange(256)
            case 2:
                del content[at : at + more]
            case _:
                del content[at:]
        yield bytes(content)
