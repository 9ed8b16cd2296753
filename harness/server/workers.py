"""Worker processes for look-ups: as many as are wanted, each ended when it takes too long."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from harness.server.refusals import RefusedError

_COMMAND: Final = (sys.executable, "-P", "-m", "harness.server.worker")
_PACKAGES: Final = str(Path(__file__).parents[2])
_LONGEST_ANSWER: Final = 2**23
_START_SECONDS: Final = 60.0


class Worker:
    """One process, started when it is first asked and again after it was ended."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def ask(self, line: bytes, seconds: float) -> bytes:
        """Pass a query on and wait for its answer; end the process where none comes."""
        try:
            process = self._process or await self._started()
            async with asyncio.timeout(seconds):
                return await _exchange(process, line)
        except TimeoutError:
            await self.end()
            raise RefusedError(
                f"the look-up took more than {seconds:g} s and was ended. Paste the call alone.",
                504,
            ) from None
        except (OSError, ValueError, EOFError):
            await self.end()
            raise RefusedError(
                "the look-up ended without an answer. This is a mistake of deconform's: please "
                "report the text that you typed.",
                500,
            ) from None
        except BaseException:
            # An answer that nobody waits for must not be the next visitor's.
            await self.end()
            raise

    async def _started(self) -> Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=PIPE,
            stdout=PIPE,
            stderr=None if sys.stderr else DEVNULL,
            env={**os.environ, "PYTHONPATH": _PACKAGES},
            limit=_LONGEST_ANSWER,
        )
        async with asyncio.timeout(_START_SECONDS):
            await _exchange(process, b"")
        return process

    async def end(self) -> None:
        """Kill the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin:
            process.stdin.close()
        await process.wait()


async def _exchange(process: Process, line: bytes) -> bytes:
    assert process.stdin
    assert process.stdout
    process.stdin.write(line)
    await process.stdin.drain()
    answer = await process.stdout.readline()
    if not answer.endswith(b"\n"):
        raise EOFError
    return answer


class Workers:
    """A fixed number of workers, one for each look-up at the same time.

    A look-up may take so many seconds; those beyond ``waiting`` are refused at once.
    """

    def __init__(self, count: int, seconds: float, waiting: int) -> None:
        self._seconds = seconds
        self._most = count + waiting
        self._asked = 0
        self._all = [Worker() for _ in range(count)]
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for worker in self._all:
            self._idle.put_nowait(worker)

    async def ask(self, line: bytes) -> bytes:
        """Have a query answered, as soon as a worker is idle."""
        if self._asked >= self._most:
            raise RefusedError(
                f"{self._asked} look-ups are waiting already. Try again in a moment.", 503
            )
        self._asked += 1
        try:
            worker = await self._idle.get()
            try:
                return await worker.ask(line, self._seconds)
            finally:
                self._idle.put_nowait(worker)
        finally:
            self._asked -= 1

    async def end(self) -> None:
        """End all processes."""
        for worker in self._all:
            await worker.end()
