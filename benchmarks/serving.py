"""Measure how long look-ups take in a running service: one by one, all at once, among hostile ones.

Hostile look-ups never end by themselves, and hostile connections never send their request.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from statistics import quantiles
from typing import Final
from urllib.parse import quote, urlsplit

# Complete answers, for all frameworks; all different, so that none comes from the cache.
_TEXT = "nn.ConvTranspose2d({}, 32, 4, stride=2, padding=1)"

_HOSTILE: Final = "# hostile"
# A service with a look-up that never ends by itself.
_WORKER: Final = f"""
from harness.server import worker
look_up = worker.look_up
def hostile(asked):
    while asked.text.startswith({_HOSTILE!r}):
        pass
    return look_up(asked)
worker.look_up = hostile
worker.main()
"""
_SERVICE: Final = f"""
import sys
from harness.cli.main import main
from harness.server import workers
workers._COMMAND = (sys.executable, "-c", {_WORKER!r})
main(["serve", "--port", "0"])
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--hostile", type=int, default=0, help="look-ups, and ten times connections"
    )
    options = parser.parse_args()
    command = [sys.executable, "-m", "harness", "serve", "--port", "0"]
    if options.hostile:
        command = [sys.executable, "-c", _SERVICE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2].rstrip("/")
        try:
            if options.hostile:
                asyncio.run(_among(address, options.hostile, options.visitors, options.rounds))
            else:
                asyncio.run(_measure(address, options.visitors, options.rounds))
        finally:
            process.terminate()


async def _measure(address: str, visitors: int, rounds: int) -> None:
    numbers = iter(range(1, 10**9))

    async def new() -> float:
        return await _seconds(address, _TEXT.format(next(numbers)))

    print(f"{os.cpu_count()} processors, {visitors} visitors, {rounds} rounds")
    await asyncio.gather(*(new() for _ in range(2 * (os.cpu_count() or 1))))
    _print("one by one, all new", [await new() for _ in range(visitors)])
    repeated = _TEXT.format(next(numbers))
    _print("one by one, cached", [await _seconds(address, repeated) for _ in range(visitors)])
    for _ in range(rounds):
        began = time.perf_counter()
        times = await asyncio.gather(*(new() for _ in range(visitors)))
        rate = visitors / (time.perf_counter() - began)
        _print(f"all at once, all new ({rate:.0f} a second)", times)


async def _among(address: str, hostile: int, visitors: int, rounds: int) -> None:
    """Time look-ups while as many hostile ones as are given are asked again and again."""
    place = urlsplit(address)
    numbers = iter(range(1, 10**9))
    slow = [await asyncio.open_connection(place.hostname, place.port) for _ in range(10 * hostile)]

    async def attack() -> None:
        while True:
            with suppress(SystemExit, OSError):
                await _seconds(address, f"{_HOSTILE} {next(numbers)}")

    attacks = [asyncio.create_task(attack()) for _ in range(hostile)]
    print(f"{os.cpu_count()} processors, {visitors} visitors beside {hostile} hostile look-ups")
    for _ in range(rounds):
        await asyncio.sleep(1)
        texts = [_TEXT.format(next(numbers)) for _ in range(visitors)]
        _print("all at once", await asyncio.gather(*(_seconds(address, text) for text in texts)))
        texts = [_TEXT.format(next(numbers)) for _ in range(visitors)]
        _print("one by one", [await _seconds(address, text) for text in texts])
    for task in attacks:
        task.cancel()
    await asyncio.gather(*attacks, return_exceptions=True)
    for _, writer in slow:
        writer.close()


async def _seconds(address: str, text: str) -> float:
    """Time one look-up on its own connection; fail without an answer."""
    place = urlsplit(address)
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"GET /api/translate?text={quote(text)} HTTP/1.1\r\nHost: {place.netloc}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    seconds = time.perf_counter() - began
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"}"):
        raise SystemExit(f"a look-up was lost: {answer[:200]!r}")
    return seconds


def _print(name: str, times: Sequence[float]) -> None:
    hundredths = quantiles(times, n=100)
    p50, p99 = hundredths[49] * 1e3, hundredths[98] * 1e3
    print(f"{name:<40} p50 {p50:8.1f} ms  p99 {p99:8.1f} ms  most {max(times) * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
