"""Worker processes of the look-up service: time limits, deaths, crowds, and what is remembered."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from harness.server import workers
from harness.server.answers import Answers
from harness.server.asked import Asked
from harness.server.refusals import RefusedError
from harness.server.schema import Query
from harness.server.workers import Workers

pytestmark = pytest.mark.slow

# Answers a line with its own number and the line; says nothing to "hang", dozes at "doze", and ends
# at "die".
FAKE = """
import os, sys, time
from harness.server.worker import fork_server
def answered(line):
    while line == b"hang\\n":
        pass
    if line == b"doze\\n":
        print(os.getpid(), file=open(os.environ["DOZING"], "a"), flush=True)
        time.sleep(0.5)
    if line == b"die\\n":
        sys.exit(3)
    return b"%d %s" % (os.getpid(), line.strip())
fork_server(answered)
"""
PATIENT, IMPATIENT = 60.0, 0.05


@pytest.fixture
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_COMMAND", (sys.executable, "-c", FAKE))


@asynccontextmanager
async def some(
    count: int = 1, seconds: float = PATIENT, waiting: int = 0, patience: float = PATIENT
) -> AsyncIterator[Workers]:
    made = Workers(count, seconds, waiting, patience)
    try:
        yield made
    finally:
        await made.end()


async def who(made: Workers) -> int:
    return int((await made.ask(b"who\n")).split()[0])


def is_alive(process: int) -> bool:
    """Whether a process goes on; its end may take a while on a busy machine."""
    for _ in range(6000):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True


@pytest.mark.usefixtures("_fake")
def test_a_worker_answers_one_after_the_other_and_ends_with_the_service() -> None:
    async def scene() -> tuple[int, int]:
        async with some() as made:
            return await who(made), await who(made)

    first, second = asyncio.run(scene())
    assert first == second
    assert not is_alive(first)


def test_a_process_whose_asker_goes_ends_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        source = subprocess.Popen(
            [sys.executable, "-c", FAKE], stdin=theirs.fileno(), stderr=subprocess.PIPE, text=True
        )
        asker, asked = socket.socketpair()
        with asked:
            socket.send_fds(ours, [b"+"], [asked.fileno()])
        # What nobody has read makes the end of a connection a reset.
        assert select.select([asker], [], [], PATIENT)[0]
        asker.close()
        ours.shutdown(socket.SHUT_RDWR)
    # The pipe ends with the last process that has it.
    assert source.communicate()[1] == ""


@pytest.mark.usefixtures("_fake")
@pytest.mark.parametrize(
    ("line", "seconds", "status", "message"),
    [
        (b"hang\n", IMPATIENT, 504, r"took more than 0\.05 s and was ended"),
        (b"die\n", PATIENT, 500, "ended without an answer"),
    ],
)
def test_what_does_not_answer_is_ended_and_the_next_is_answered(
    line: bytes, seconds: float, status: int, message: str
) -> None:
    async def scene() -> tuple[int, int]:
        async with some() as made:
            before = await who(made)
            made._seconds = seconds
            with pytest.raises(RefusedError, match=message) as refused:
                await made.ask(line)
            assert refused.value.status == status
            made._seconds = PATIENT
            assert not is_alive(before)
            return before, await who(made)

    before, after = asyncio.run(scene())
    assert before != after


@pytest.mark.usefixtures("_fake")
def test_an_answer_that_nobody_waits_for_is_not_the_next_visitors() -> None:
    async def scene() -> None:
        async with some() as made:
            before = await who(made)
            given_up = asyncio.create_task(made.ask(b"left behind\n"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert (await made.ask(b"mine\n")).split()[1] == b"mine"
            assert not is_alive(before)

    asyncio.run(scene())


@pytest.mark.usefixtures("_fake")
def test_those_beyond_the_crowd_that_may_wait_are_refused_at_once() -> None:
    async def scene() -> list[object]:
        async with some(count=1, waiting=1) as made:
            asked = [made.ask(b"%d\n" % number) for number in range(4)]
            return await asyncio.gather(*asked, return_exceptions=True)

    answered = asyncio.run(scene())
    said = [each.split()[1] for each in answered if isinstance(each, bytes)]
    assert said == [b"0", b"1"]
    assert [each.status for each in answered[2:] if isinstance(each, RefusedError)] == [503, 503]


@pytest.mark.usefixtures("_fake")
def test_all_that_wait_are_answered_with_their_own_answer() -> None:
    async def scene() -> list[bytes]:
        async with some(count=2, waiting=100) as made:
            return await asyncio.gather(*(made.ask(b"%d\n" % number) for number in range(50)))

    assert [int(answer.split()[1]) for answer in asyncio.run(scene())] == list(range(50))


@pytest.mark.usefixtures("_fake")
def test_slow_look_ups_do_not_hold_others() -> None:
    async def scene() -> bool:
        async with some(count=12) as made:
            slow = [asyncio.create_task(made.ask(b"hang\n")) for _ in range(8)]
            await asyncio.sleep(0)
            await asyncio.gather(*(made.ask(b"%d\n" % number) for number in range(4)))
            are_held = any(each.done() for each in slow)
            for each in slow:
                each.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            return are_held

    assert not asyncio.run(scene())


@pytest.mark.usefixtures("_fake")
def test_the_next_place_is_of_who_has_the_fewest() -> None:
    order: list[str] = []

    async def scene() -> None:
        async with some(count=2, waiting=9, seconds=0.4) as made:

            async def ask(line: bytes, client: str) -> None:
                with suppress(RefusedError):
                    await made.ask(line, client)
                order.append(client)

            await asyncio.gather(*(ask(b"hang\n", "many") for _ in range(5)), ask(b"mine\n", "one"))

    asyncio.run(scene())
    assert order.index("one") <= 2


@pytest.mark.usefixtures("_fake")
def test_nobody_waits_for_ever() -> None:
    async def scene() -> None:
        async with some(waiting=1, patience=0.1) as made:
            slow = asyncio.create_task(made.ask(b"hang\\n"))
            await asyncio.sleep(0)
            with pytest.raises(RefusedError, match=r"no place was free for 0\.1 s") as refused:
                await made.ask(b"mine\n")
            assert refused.value.status == 503
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)

    asyncio.run(scene())


@pytest.mark.usefixtures("_fake")
def test_a_slow_look_up_gives_way_to_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_HURRIED_SECONDS", 0.1)

    async def scene() -> None:
        async with some(waiting=1) as made:
            slow = asyncio.create_task(made.ask(b"hang\\n"))
            await asyncio.sleep(0)
            assert (await made.ask(b"mine\n")).split()[1] == b"mine"
            with pytest.raises(RefusedError, match=r"more than 0\.1 s while others waited"):
                await slow

    asyncio.run(scene())


@pytest.mark.usefixtures("_fake")
def test_a_look_up_whose_process_is_killed_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dozing = tmp_path / "dozing"
    dozing.touch()
    monkeypatch.setenv("DOZING", str(dozing))

    async def scene() -> int:
        async with some() as made:
            asked = asyncio.create_task(made.ask(b"doze\n"))
            while not (processes := dozing.read_text().split()):  # noqa: ASYNC110 -- another process writes it
                await asyncio.sleep(0.01)
            os.kill(int(processes[0]), signal.SIGKILL)
            answering = int((await asked).split()[0])
            assert answering != int(processes[0])
            return answering

    assert asyncio.run(scene())


class Counting(Workers):
    """Workers that count what they are asked."""

    def __init__(self) -> None:
        super().__init__(1, PATIENT, 0)
        self.asked = 0

    async def ask(self, line: bytes, client: str = "") -> bytes:
        self.asked += 1
        return await super().ask(line, client)


def test_what_was_asked_lately_is_not_looked_up_again() -> None:
    def asking(text: str = "nn.ConvTranspose2d(1, 1, 2)", **options: Any) -> Asked:
        return Asked.about(Query(text=text, **options))

    others = [asking(to=("matlab",)), asking(style="layer")]

    async def scene() -> int:
        made = Counting()
        try:
            answers = Answers(made)
            first = await answers.to(asking())
            assert await answers.to(asking()) == first
            assert made.asked == 1
            for asked in (*others, *others):
                assert await answers.to(asked) != first
            for _ in range(2):
                with pytest.raises(RefusedError, match="holds no transposed convolution"):
                    await answers.to(asking("f(1)"))
        finally:
            await made.end()
        return made.asked

    assert asyncio.run(scene()) == 4


@pytest.mark.usefixtures("_fake")
def test_the_process_that_workers_are_copies_of_is_replaced() -> None:
    async def scene() -> None:
        async with some() as made:
            before = await who(made)
            source = made._source._process
            assert source
            os.kill(source.pid, signal.SIGKILL)
            assert await who(made) == before
            os.kill(before, signal.SIGKILL)
            assert await who(made) != before
            assert made._source._process is not source

    asyncio.run(scene())


SERVICE = """
import asyncio, sys
from harness.server import workers
workers._COMMAND = (sys.executable, "-c", sys.argv[1])
async def main():
    made = workers.Workers(1, 60, 0)
    asking = asyncio.create_task(made.ask(b"hang\\n"))
    while not made._all:
        await asyncio.sleep(0.01)
    print(*(each._number for each in made._all), flush=True)
    await asking
asyncio.run(main())
"""


def test_no_look_up_outlives_a_service_that_is_killed() -> None:
    hangs = (
        "import time; from harness.server import worker; worker._LONGEST_SECONDS = 1; "
        "worker.fork_server(lambda _: time.sleep(600))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE, hangs], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        number = int(process.stdout.readline())
        process.kill()
    assert not is_alive(number)


@pytest.mark.usefixtures("_fake")
def test_a_slow_look_up_has_a_low_priority() -> None:
    async def scene() -> None:
        async with some() as made:
            slow = asyncio.create_task(made.ask(b"hang\n"))
            while not any(priority(each._number) == 10 for each in made._all):  # noqa: ASYNC110 -- another process sets it
                await asyncio.sleep(0.01)
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), PATIENT / 2))


def priority(process: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, process)


@pytest.mark.usefixtures("_fake")
def test_a_client_that_goes_while_a_process_is_copied_ends_nothing_that_others_need() -> None:
    async def scene() -> None:
        async with some() as made:
            await who(made)
            source = made._source._process
            for _ in range(20):
                gone = asyncio.create_task(made._source.worker())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                gone.cancel()
                await asyncio.gather(gone, return_exceptions=True)
            assert made._source._process is source
            (await made._source.worker()).end()

    asyncio.run(scene())
