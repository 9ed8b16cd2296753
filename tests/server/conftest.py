"""The look-up service, asked in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from harness.server.app import create_app
from harness.server.settings import LOOPBACK, Settings


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    app = create_app(Settings(lookups=1, hosts=LOOPBACK))
    with TestClient(app, base_url="http://localhost:8000") as made:
        yield made
