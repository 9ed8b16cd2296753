"""Bodies of requests, read within bounds: of one request, and of all that are read at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from harness.server.limits import (
    MAX_BODY,
    MAX_FIELDS,
    MAX_FILE,
    MAX_FILE_NAME,
    MAX_LINKED,
    MAX_PLAIN_BODY,
    MAX_TEXT,
)
from harness.server.refusals import RefusedError, nobody_waits
from harness.syntax.tree import MAX_DIGITS

# Every connection may send a body of this size; larger ones share so many bytes.
_SMALL: Final = 2**17
_ROOM: Final = 2**26
_PATIENCE: Final = 5.0  # Seconds for which a large body waits; its connection waits 10 for it

MULTIPART: Final = "multipart/form-data"
JSON: Final = "application/json"


@dataclass(frozen=True)
class Upload:
    """A file that a form sends."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """What a form sends."""

    fields: list[tuple[str, str]]
    upload: Upload | None = None


class Room:
    """Memory for large bodies, which they have until they are answered: a client for one of them.

    Whoever sends slowly takes room from nobody but those that send large bodies too.
    """

    def __init__(self, size: int = _ROOM, patience: float = _PATIENCE) -> None:
        self._free = size
        self._patience = patience
        self._clients = set[str]()
        self._waiting: dict[asyncio.Future[None], tuple[int, str]] = {}

    @asynccontextmanager
    async def taken(self, request: Request, client: str) -> AsyncIterator[None]:
        """Wait until there is room for a request's body; refuse one that is too large."""
        most = MAX_BODY if content_type(request) == MULTIPART else MAX_PLAIN_BODY
        size = _announced(request, most)
        if size > most:
            raise _too_large(most)
        if size <= _SMALL:
            yield
            return
        await self._waited_for(size, client)
        try:
            yield
        finally:
            self._give_back(size, client)

    async def _waited_for(self, size: int, client: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = size, client
        self._let_in()
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            self._waiting.pop(turn, None)
            if turn.done() and not turn.cancelled():
                self._give_back(size, client)
            if not isinstance(error, TimeoutError):
                raise
            fact = "too many large texts or files are being read. Try again in a moment."
            raise RefusedError(fact, 503) from None

    def _give_back(self, size: int, client: str) -> None:
        self._free += size
        self._clients.remove(client)
        self._let_in()

    def _let_in(self) -> None:
        for turn, (size, client) in [*self._waiting.items()]:
            if size <= self._free and client not in self._clients:
                del self._waiting[turn]
                if not turn.done():
                    self._free -= size
                    self._clients.add(client)
                    turn.set_result(None)


def content_type(request: Request) -> str:
    """Return what a body says that it is."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _announced(request: Request, most: int) -> int:
    """Return how many bytes a body may have: as many as are allowed, where it does not say."""
    if request.method != "POST":
        return 0
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isdecimal() and length.isascii() else most


def _too_large(most: int) -> RefusedError:
    return RefusedError(
        f"the request has more than {most} bytes. A text may have {MAX_TEXT} characters, and a "
        f"file, sent as {MULTIPART}, {MAX_FILE >> 20} MiB.",
        413,
    )


async def _chunks(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            yield chunk
    except ClientDisconnect:
        raise nobody_waits() from None


async def _read(request: Request) -> bytes:
    return b"".join([chunk async for chunk in _chunks(request, MAX_PLAIN_BODY)])


async def read_json(request: Request) -> Any:
    """Read a body of JSON."""
    body = await _read(request)
    try:
        return json.loads(body, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"the body is no JSON: {error}", 400) from None


async def read_form(request: Request) -> Form:
    """Read the fields of a form, from an address or a body, and the file that it may send."""
    if request.method != "POST":
        fields = _fields(request.url.query)
        if any(len(text) > MAX_LINKED for _, text in fields):
            fact = f"a text in an address may have {MAX_LINKED} characters: send it by POST."
            raise RefusedError(fact, 400)
        return Form(fields)
    if content_type(request) == MULTIPART:
        return await _read_parts(request)
    return Form(_fields((await _read(request)).decode("ascii", errors="replace")))


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise RefusedError(f"more than {MAX_FIELDS} fields.", 400) from None


class _PartsInMemory(MultiPartParser):
    spool_max_size = MAX_BODY + 1  # Nothing that visitors send is written to a disk.


async def _read_parts(request: Request) -> Form:
    parser = _PartsInMemory(
        request.headers,
        _chunks(request, MAX_BODY),
        max_files=1,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_PLAIN_BODY,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusedError(f"the body is no {MULTIPART}: {error.message}", 400) from None
    try:
        return await _as_form(form)
    finally:
        await form.close()


async def _as_form(form: FormData) -> Form:
    fields: list[tuple[str, str]] = []
    upload = None
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields.append((name, value))
        elif value.filename:  # A form sends an empty one where no file is chosen.
            upload = await _uploaded(name, value)
    return Form(fields, upload)


async def _uploaded(field: str, file: UploadFile) -> Upload:
    name, content = file.filename or "", await file.read()
    if field != "file":
        raise RefusedError(f"a file is sent as {field[:50]!r}; the field for it is 'file'.", 400)
    if len(name) > MAX_FILE_NAME:
        raise RefusedError(f"the file's name has more than {MAX_FILE_NAME} characters.", 400)
    if len(content) > MAX_FILE:
        raise RefusedError(
            f"{name} has {len(content)} bytes; {MAX_FILE >> 20} MiB are allowed. Send the part "
            "with the calls.",
            413,
        )
    return Upload(name, content)


def _number(text: str) -> float:
    """A whole number may be written 64.0."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 10**MAX_DIGITS else number
