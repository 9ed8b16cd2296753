"""``deconform serve`` as a person starts it: its address, its end, a thousand visitors at once."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import pytest
from examples import slow
from saved_runs import benchmark
from serving import served, started

from harness.cli.exit_statuses import USAGE
from harness.cli.main import main
from harness.history import store

VISITORS = 1000


async def asked(address: str, text: str) -> tuple[int, bytes]:
    """Ask on a connection of its own."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    request = (
        f"GET /api/translate?to=matlab&text={quote(text)} HTTP/1.1\r\n"
        f"Host: {place.netloc}\r\nConnection: close\r\n\r\n"
    )
    writer.write(request.encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body


@pytest.mark.slow
def test_a_thousand_visitors_at_once_are_all_answered_with_their_own_answer() -> None:
    texts = [f"nn.ConvTranspose2d({number}, 2, 3)" for number in range(1, VISITORS + 1)]

    async def crowd(address: str) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(asked(address, text) for text in texts))

    with served() as address:
        answered = asyncio.run(crowd(address))
    assert [status for status, _ in answered] == [200] * VISITORS
    channels = [json.loads(body)["operator"]["in_channels"] for _, body in answered]
    assert channels == list(range(1, VISITORS + 1))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system lets fewer wait")
def test_who_connects_only_to_go_again_does_not_push_others_out() -> None:
    """As many as may wait connect at once: before they are seen to be gone, all look alike."""
    with started() as (address, process):
        place = urlsplit(address)
        host = (place.hostname, place.port)
        process.send_signal(signal.SIGSTOP)
        with socket.create_connection(host) as honest:
            honest.sendall(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % place.netloc.encode())
            for _ in range(2040):
                with socket.create_connection(host) as gone:
                    # Closing resets the connection instead of ending it in order.
                    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            process.send_signal(signal.SIGCONT)
            assert honest.recv(15) == b"HTTP/1.1 200 OK"
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate()
    assert (process.returncode, out, errors) == (0, "", "")


@pytest.mark.parametrize("number", [slow(signal.SIGINT), signal.SIGTERM])
@pytest.mark.slow
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with started() as (address, process):
        assert asyncio.run(asked(address, "nn.ConvTranspose2d(1, 2, 3)"))[0] == 200
        process.send_signal(number)
        out, errors = process.communicate()
    assert (process.returncode, out, errors) == (0, "", "")


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == USAGE
    said = capsys.readouterr().err
    assert f"error: 127.0.0.1, port {port}, cannot be listened on: " in said
    assert "Choose another --port." in said


def test_a_folder_without_a_dashboard_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", "0", "--reports", str(tmp_path)]) == USAGE
    assert f"error: {tmp_path} holds no index.html" in capsys.readouterr().err


@pytest.mark.slow
def test_the_dashboard_of_a_history_stands_beside_the_page(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/history.sqlite"
    for day in range(3):
        store.opened(database).save(benchmark(day, 0.01))
    with served("--database", database) as address:
        with urlopen(f"{address}/") as page:
            assert 'href="reports/"' in page.read().decode()
        with urlopen(f"{address}/reports/history.html") as page:
            assert "bench/a" in page.read().decode()


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_a_port_is_a_number(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--port", port])
    assert "is not a port from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "jinja2"])
def test_without_its_extra_it_names_the_extra(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith(("harness.server", missing))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["serve", "--port", "0"]) == USAGE
    assert "[serve]" in capsys.readouterr().err


def test_the_command_line_imports_nothing_of_it() -> None:
    code = "import sys, harness.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"uvicorn", "starlette", "jinja2", "harness.server"} & set(done.stdout.split())
