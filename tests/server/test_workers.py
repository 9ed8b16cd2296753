"""Worker processes of the look-up service: time limits, deaths, crowds, and what is remembered."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.server import workers
from harness.server.answers import Answers
from harness.server.refusals import RefusedError
from harness.server.schema import Query
from harness.server.workers import Workers

# Answers a line with its own number and the line; says nothing to "hang", and ends at "die".
FAKE = """
import os, sys
print("ready", flush=True)
for line in sys.stdin:
    while line == "hang\\n":
        pass
    if line == "die\\n":
        sys.exit(3)
    print(os.getpid(), line.strip(), flush=True)
"""
PATIENT, IMPATIENT = 60.0, 0.05


@pytest.fixture
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_COMMAND", (sys.executable, "-c", FAKE))


@asynccontextmanager
async def some(
    count: int = 1, seconds: float = PATIENT, waiting: int = 0
) -> AsyncIterator[Workers]:
    made = Workers(count, seconds, waiting)
    try:
        yield made
    finally:
        await made.end()


async def who(made: Workers) -> int:
    return int((await made.ask(b"who\n")).split()[0])


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("_fake")
def test_a_worker_answers_one_after_the_other_and_ends_with_the_service() -> None:
    async def scene() -> tuple[int, int]:
        async with some() as made:
            return await who(made), await who(made)

    first, second = asyncio.run(scene())
    assert first == second
    assert not is_alive(first)


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


class Counting(Workers):
    """Workers that count what they are asked."""

    def __init__(self) -> None:
        super().__init__(1, PATIENT, 0)
        self.asked = 0

    async def ask(self, line: bytes) -> bytes:
        self.asked += 1
        return await super().ask(line)


def test_what_was_asked_lately_is_not_looked_up_again() -> None:
    known = Query("nn.ConvTranspose2d(1, 1, 2)")
    others = [Query(known.text, to=("matlab",)), Query(known.text, style="layer")]

    async def scene() -> int:
        made = Counting()
        try:
            answers = Answers(made)
            first = await answers.to(known)
            assert await answers.to(Query(known.text)) == first
            assert made.asked == 1
            for query in (*others, *others):
                assert await answers.to(query) != first
            for _ in range(2):
                with pytest.raises(RefusedError, match="holds no transposed convolution"):
                    await answers.to(Query("f(1)"))
        finally:
            await made.end()
        return made.asked

    assert asyncio.run(scene()) == 4
