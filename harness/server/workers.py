"""Processes for look-ups: copied when needed, shared fairly, ended when they take too long."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from harness.server.refusals import RefusedError

_COMMAND: Final = (sys.executable, "-P", "-m", "harness.server.worker")
_PACKAGES: Final = str(Path(__file__).parents[2])
_LONGEST_ANSWER: Final = 2**23
_START_SECONDS: Final = 20.0
# As many look-ups as there are processors begin; one that takes longer lets the next begin.
_QUICK_SECONDS: Final = 0.05
# The most that a look-up may take while others wait for a place.
_HURRIED_SECONDS: Final = 1.0


class Place:
    """A look-up that is answered, and the time that it has for that."""

    def __init__(self, client: str, seconds: float, when_slow: Callable[[], None]) -> None:
        self.client = client
        self.seconds = seconds
        self.is_quick = True
        self._when_slow = when_slow
        self._limit: asyncio.Timeout | None = None
        self._began = 0.0

    @asynccontextmanager
    async def limited(self) -> AsyncIterator[None]:
        """Raise ``TimeoutError`` where the block takes longer."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        slow = loop.call_later(_QUICK_SECONDS, self._is_slow)
        async with asyncio.timeout(self.seconds) as limit:
            self._limit = limit
            try:
                yield
            finally:
                self._limit = None
                slow.cancel()

    def hurry(self) -> None:
        """Let others have its place soon."""
        self.seconds = min(self.seconds, _HURRIED_SECONDS)
        if self._limit and not self._limit.expired():
            now = asyncio.get_running_loop().time()
            self._limit.reschedule(max(now, self._began + self.seconds))

    def _is_slow(self) -> None:
        self.is_quick = False
        self._when_slow()


class Source:
    """The process that workers are copies of, started when the first is needed."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def worker(self) -> Worker:
        """Return a new worker; raise ``EOFError`` where there is none."""
        async with self._starting:
            control = self._control or await self._start()
        try:
            reader, writer = await _connected(control)
            try:
                async with asyncio.timeout(_START_SECONDS):
                    return Worker(reader, writer, int(await reader.readline()))
            except BaseException:
                writer.close()
                raise
        except (OSError, ValueError):
            # A client that goes does not end it: others need it.
            if control is self._control:
                await self.end()
            raise EOFError from None

    async def _start(self) -> socket.socket:
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *_COMMAND,
                stdin=theirs.fileno(),
                stdout=DEVNULL,
                stderr=None if sys.stderr else DEVNULL,
                env={**os.environ, "PYTHONPATH": _PACKAGES},
            )
        return self._control

    async def end(self) -> None:
        """End the process; its copies go on."""
        process, self._process = self._process, None
        control, self._control = self._control, None
        if control:
            control.close()
        if process:
            if process.returncode is None:
                # Its own way would wait for it too, and asyncio complain of that.
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            await process.wait()


async def _connected(control: socket.socket) -> tuple[StreamReader, StreamWriter]:
    """Hand one end of a connection over, and open the other."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            socket.send_fds(control, [b"+"], [theirs.fileno()])
        ours.setblocking(False)
        return await asyncio.open_connection(sock=ours, limit=_LONGEST_ANSWER)
    except BaseException:
        ours.close()
        raise


class Worker:
    """One process."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, number: int) -> None:
        self._reader = reader
        self._writer = writer
        self._number = number

    async def ask(self, line: bytes) -> bytes:
        """Pass a query on and wait for its answer; raise ``EOFError`` where none comes."""
        self._writer.write(line)
        await self._writer.drain()
        answer = await self._reader.readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        return answer

    def end(self) -> None:
        """Kill the process, whatever it does."""
        if not self._reader.at_eof():
            with suppress(OSError):
                os.kill(self._number, signal.SIGKILL)
        self._writer.close()


class Workers:
    """Places for so many look-ups at the same time, each in its own process.

    The next place goes to whose client has the fewest.  Beyond so many ``waiting`` look-ups are
    refused at once, and none waits longer than its ``patience``.
    """

    def __init__(self, count: int, seconds: float, waiting: int, patience: float = 10.0) -> None:
        self._count = count
        self._processors = os.cpu_count() or 1
        self._seconds = seconds
        self._most_waiting = waiting
        self._patience = patience
        self._running: list[Place] = []
        self._waiting: dict[asyncio.Future[Place], str] = {}
        self._source = Source()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()

    async def prepare(self) -> None:
        """Have as many processes ready as look-ups begin at once."""
        with suppress(OSError, EOFError):
            for _ in range(min(self._processors, self._count)):
                worker = await self._source.worker()
                self._all.add(worker)
                self._idle.append(worker)

    async def ask(self, line: bytes, client: str = "") -> bytes:
        """Have a query answered; ask again where a process is lost."""
        async with self._place(client) as place:
            # Lost may be an idle process, the one that is copied, and then the copy.
            for _ in range(5):
                try:
                    return await self._asked(line, place)
                except TimeoutError:
                    why = " while others waited" if place.seconds < self._seconds else ""
                    raise RefusedError(
                        f"the look-up took more than {place.seconds:g} s{why} and was ended. Send "
                        "a part of the text, or the call alone.",
                        504,
                    ) from None
                except (OSError, ValueError, EOFError):
                    continue
        raise RefusedError(
            "the look-up ended without an answer. This is a mistake of deconform's: please report "
            "the text that you typed.",
            500,
        )

    async def _asked(self, line: bytes, place: Place) -> bytes:
        worker = self._idle.pop() if self._idle else await self._source.worker()
        self._all.add(worker)
        is_usable = False
        try:
            async with place.limited():
                answer = await worker.ask(line)
            is_usable = place.is_quick and len(self._idle) < self._processors
        finally:
            if is_usable:
                self._idle.append(worker)
            else:
                # An answer that nobody waits for must not be the next visitor's.
                self._all.discard(worker)
                worker.end()
        return answer

    @asynccontextmanager
    async def _place(self, client: str) -> AsyncIterator[Place]:
        asked = len(self._running) + len(self._waiting)
        if asked >= self._count + self._most_waiting:
            raise RefusedError(f"{asked} look-ups are waiting already. Try again in a moment.", 503)
        place = await self._waited_for(client)
        try:
            yield place
        finally:
            self._give_back(place)

    async def _waited_for(self, client: str) -> Place:
        turn: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = client
        self._give_places()
        try:
            async with asyncio.timeout(self._patience):
                return await turn
        except BaseException as error:
            self._waiting.pop(turn, None)
            if turn.done() and not turn.cancelled():
                self._give_back(turn.result())
            if not isinstance(error, TimeoutError):
                raise
            seconds = f"{self._patience:g} s"
            raise RefusedError(f"no place was free for {seconds}. Try again.", 503) from None

    def _give_back(self, place: Place) -> None:
        self._running.remove(place)
        self._give_places()

    def _give_places(self) -> None:
        """Let those begin who can: first whose client has the fewest places."""
        places = Counter(each.client for each in self._running)
        while self._waiting and self._has_place():
            turn = min(self._waiting, key=lambda each: places[self._waiting[each]])
            client = self._waiting.pop(turn)
            if not turn.done():
                place = Place(client, self._seconds, self._give_places)
                self._running.append(place)
                places[client] += 1
                turn.set_result(place)
        if len(self._running) == self._count:
            patient = [each for each in self._running if each.seconds == self._seconds]
            patient.sort(key=lambda each: -places[each.client])
            hurried = len(self._running) - len(patient)
            for place in patient[: max(len(self._waiting) - hurried, 0)]:
                place.hurry()

    def _has_place(self) -> bool:
        begun = sum(place.is_quick for place in self._running)
        return len(self._running) < self._count and begun < self._processors

    async def end(self) -> None:
        """End all processes."""
        for worker in self._all:
            worker.end()
        await self._source.end()
