"""The look-up service as a whole: its settings, a dashboard next to it, look-ups that fail."""

from __future__ import annotations

import asyncio
import html
import sys
from pathlib import Path

import pytest
from asked_calls import PYTORCH
from starlette.testclient import TestClient
from starlette.types import Message

from harness.server import view, workers
from harness.server.app import create_app
from harness.server.settings import Settings, SettingsError, from_environment

FORKS = "import sys, time\nfrom harness.server.worker import fork_server\n"
HANGS = f"{FORKS}fork_server(lambda _: time.sleep(600))"


def test_a_built_dashboard_stands_beside_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "index.html").write_text("the dashboard")
    with TestClient(create_app(Settings(reports=folder)), base_url="http://localhost") as client:
        assert '<a href="reports/"' in client.get("/").text
        assert client.get("/reports/").text == "the dashboard"
        missing = client.get("/reports/%2e%2e/secret")
        assert missing.status_code == 404
        assert "secret" not in missing.text.replace("/secret", "")
        assert 'href="../style.css"' in client.get("/reports/nowhere").text


def test_a_dashboard_beside_the_page_leads_back_to_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the dashboard")
    (tmp_path / "service.css").write_text(".served { display: none; }")
    with TestClient(create_app(Settings(reports=tmp_path)), base_url="http://localhost") as client:
        assert "#ask-fastest" not in client.get("/").text
        assert ".unserved { display: none; }" in client.get("/reports/service.css").text
    (tmp_path / "benchmarks.html").write_text("times")
    with TestClient(create_app(Settings(reports=tmp_path)), base_url="http://localhost") as client:
        assert 'href="reports/#ask-fastest"' in client.get("/").text


def test_a_folder_without_a_dashboard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no index\.html: build it with"):
        from_environment({"DECONFORM_REPORTS": str(tmp_path)})


@pytest.mark.parametrize("number", ["0", "x", "257", "-1"])
@pytest.mark.parametrize(("name", "most"), [("LOOKUPS", 256), ("SECONDS", 50)])
def test_a_number_in_the_environment_is_checked(number: str, name: str, most: int) -> None:
    with pytest.raises(SettingsError, match=f"{name} is .*; expected a number from 1 to {most}"):
        from_environment({f"DECONFORM_{name}": number})


def test_a_slow_machine_may_have_more_time() -> None:
    assert from_environment({"DECONFORM_SECONDS": "20"}) == Settings(seconds=20)


def test_a_mistake_of_ours_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(view, "choices", broken)
    app = create_app(Settings(lookups=1))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        response = client.get("/", params={"text": PYTORCH})
    assert response.status_code == 500
    assert "The service has made a mistake" in response.text
    assert "inside" not in response.text
    assert "Traceback" not in response.text
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        (HANGS, 504, "took more than 0.05 s"),
        (f"{FORKS}fork_server(lambda _: sys.exit())", 500, "ended without an answer"),
        ("", 500, "ended without an answer"),
    ],
)
def test_a_look_up_without_an_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, program: str, status: int, said: str
) -> None:
    monkeypatch.setattr(workers, "_COMMAND", (sys.executable, "-c", program))
    app = create_app(Settings(lookups=1, seconds=0.05))
    with TestClient(app, base_url="http://localhost") as client:
        answered = client.get("/api/translate", params={"text": PYTORCH})
        shown = client.get("/", params={"text": PYTORCH})
    assert (answered.status_code, shown.status_code) == (status, status)
    assert said in answered.json()["error"]["message"]
    assert said in html.unescape(shown.text)


def test_a_look_up_ends_where_its_client_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_COMMAND", (sys.executable, "-c", HANGS))
    app = create_app(Settings(lookups=1, seconds=600))
    sent: list[Message] = []
    arriving = iter(["http.request", "http.disconnect"])

    async def receive() -> Message:
        await asyncio.sleep(0.05)
        return {"type": next(arriving)}

    async def send(message: Message) -> None:
        sent.append(message)

    with TestClient(app, base_url="http://localhost") as client:
        scope = client.build_request("GET", "/api/translate", params={"text": PYTORCH})
        assert client.portal
        client.portal.call(
            app,
            {
                "type": "http",
                "method": "GET",
                "path": "/api/translate",
                "query_string": scope.url.query,
                "headers": [(b"host", b"localhost")],
            },
            receive,
            send,
        )
    assert sent[0]["status"] == 499


def test_a_visitor_beyond_the_crowd_is_asked_to_come_again() -> None:
    with TestClient(
        create_app(Settings(lookups=1, waiting=-1)), base_url="http://localhost"
    ) as client:
        response = client.get("/api/translate", params={"text": PYTORCH})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "Try again in a moment." in response.json()["error"]["message"]


def test_a_client_that_goes_before_its_request_is_whole_is_no_error_of_ours() -> None:
    app = create_app(Settings(lookups=1))
    sent: list[Message] = []
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    arriving = iter(messages)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/translate",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        return next(arriving)

    async def send(message: Message) -> None:
        sent.append(message)

    async def scene() -> None:
        await app(scope, receive, send)

    asyncio.run(scene())
    assert sent[0]["status"] == 499
