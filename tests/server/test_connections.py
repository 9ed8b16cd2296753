"""Connections that say nothing, little or never read: none holds the service."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from harness.server import connections
from harness.server.connections import TimedConnection

pytestmark = pytest.mark.slow

MOST = 20
# Seconds: longer than a client waits here, on a machine however busy.
PATIENT, WAITING = 600.0, 60.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer everything, at /large with more than any buffer holds."""
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse("x" * (2**26 if scope["path"] == "/large" else 1))(scope, receive, send)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "_ARRIVE_SECONDS", PATIENT)
    monkeypatch.setattr(connections, "_ANSWER_SECONDS", PATIENT)
    monkeypatch.setattr(connections, "_MOST", MOST)
    config = uvicorn.Config(app, port=0, http=TimedConnection, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def connected(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=WAITING)
    connection.sendall(sent)
    return connection


def dribble(connection: socket.socket) -> None:
    for _ in range(int(WAITING / 0.05)):
        connection.sendall(b"x: y\r\n")
        time.sleep(0.05)


def is_answered(port: int) -> bool:
    with connected(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") as connection:
        return connection.recv(100).startswith(b"HTTP/1.1 200")


def is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(2**20):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


BODY = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx"
LARGE = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"
IDLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def test_a_request_must_arrive_in_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_ARRIVE_SECONDS", 0.5)
    with ExitStack() as stack:
        late = {
            sent: stack.enter_context(connected(port, sent))
            for sent in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nx: y\r\n", BODY, IDLE)
        }
        assert [sent for sent, connection in late.items() if not is_closed(connection)] == []


def test_who_sends_byte_by_byte_is_closed_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_ARRIVE_SECONDS", 0.5)
    with connected(port, b"GET / HTTP/1.1\r\n") as connection, pytest.raises(ConnectionError):
        dribble(connection)


def test_who_does_not_read_the_answer_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()
    abort = TimedConnection.abort

    def noted(connection: TimedConnection) -> None:
        abort(connection)
        closed.set()

    monkeypatch.setattr(TimedConnection, "abort", noted)
    with monkeypatch.context() as patch:
        patch.setattr(connections, "_ARRIVE_SECONDS", 1.0)
        patch.setattr(connections, "_ANSWER_SECONDS", 1.0)
        with connected(port, LARGE) as connection:
            assert closed.wait(WAITING)
            assert is_closed(connection)
    assert is_answered(port)


def test_beyond_the_most_connections_the_slowest_is_closed(port: int) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(port, b"GET")) for _ in range(MOST)]
        assert is_answered(port)
        assert is_closed(slow[0])
        slow[-1].settimeout(0.05)
        assert not is_closed(slow[-1])


@pytest.mark.parametrize("path", [b"/", b"/large"])
def test_what_is_no_http_after_a_request_is_no_error_of_ours(
    port: int, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        with connected(
            port, b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n\0\xff\r\n\r\n"
        ) as connection:
            assert is_closed(connection)
    assert is_answered(port)
    assert not caplog.records
