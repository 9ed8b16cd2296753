"""Who may ask the look-up service, and what no answer goes without."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from asked_calls import PYTORCH
from starlette.testclient import TestClient

from harness.server.app import create_app
from harness.server.settings import Settings

ADDRESSES = ["/", "/answer", "/api", "/api/translate", "/style.css", "/nowhere", "/api/nowhere"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_answer_has_safe_headers_and_no_cookie(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "'unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers


def test_no_page_has_script_or_style_inside(client: TestClient) -> None:
    for path in ("/", "/?" + urlencode({"text": PYTORCH}), "/api", "/nowhere"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("127.0.0.1.evil.example:8000", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(client: TestClient, host: str, status: int) -> None:
    response = client.get("/", headers={"host": host})
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (("look.example.org",), "look.example.org:443", 200),
        (("look.example.org",), "localhost", 400),
        (("*.example.org",), "look.example.org", 200),
        (("*.example.org",), "example.org", 400),
        (("*",), "any.where", 200),
        (("*",), "any where", 400),
    ],
)
def test_other_names_are_allowed_by_a_setting(
    hosts: tuple[str, ...], host: str, status: int
) -> None:
    with TestClient(create_app(Settings(lookups=1, hosts=hosts))) as client:
        assert client.get("/style.css", headers={"host": host}).status_code == 200
        assert client.get("/", headers={"host": host}).status_code == status


def test_another_name_is_refused_with_what_to_do(client: TestClient) -> None:
    headers = {"host": "look.example.org:8000"}
    said = "DECONFORM_HOSTS=look.example.org"
    page = client.get("/", headers=headers)
    assert page.headers["content-type"].startswith("text/html")
    assert said in page.text
    assert 'href="style.css"' in page.text
    assert "Look up" not in page.text
    refused = client.get("/api/translate", params={"text": PYTORCH}, headers=headers)
    assert said in refused.json()["error"]["message"]
    assert refused.status_code == 400
    hostile = client.get("/", headers={"host": "<script>alert(1)</script>"})
    assert hostile.status_code == 400
    assert "<script>" not in hostile.text


@pytest.mark.parametrize("path", ["/lookup.html", "/%2e%2e/pyproject.toml", "/__init__.py"])
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "There is no such page." in response.text
