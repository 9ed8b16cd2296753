"""``deconform serve``: look-ups in a browser, on this machine."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.cli.main import OK, ended_by_sigterm
from harness.cli.options import UsageError

if TYPE_CHECKING:
    import uvicorn

# A long text in a permalink; what h11 takes by itself is less.
_LONGEST_REQUEST_LINE = 2**16


def serve(options: argparse.Namespace) -> int:
    """Serve the page and the API until Ctrl-C."""
    with (
        _listening(options.host, options.port) as listener,
        _dashboard(options.reports, options.database) as reports,
    ):
        server = _server(_bracketed(options.host), reports)
        address, port = listener.getsockname()[:2]
        url = f"http://{_bracketed(address)}:{port}/"
        print(f"look-ups at {url} (Ctrl-C ends them)", flush=True)  # noqa: T201
        try:
            with ended_by_sigterm():
                server.run(sockets=[listener])
        except KeyboardInterrupt:
            # The way in which a service ends, not something that went wrong.
            return OK
    return OK


def _server(host: str, reports: Path | None) -> uvicorn.Server:
    try:
        import uvicorn  # noqa: PLC0415 -- an extra

        from harness.server.app import create_app  # noqa: PLC0415 -- likewise
        from harness.server.settings import from_environment  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is missing: `python -m pip install 'deconform[serve]'`, or '.[serve]' "
            "in a clone."
        ) from None
    settings = from_environment()
    hosts = (*settings.hosts, host)
    config = uvicorn.Config(
        create_app(replace(settings, hosts=hosts, reports=reports or settings.reports)),
        log_level="warning",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=_LONGEST_REQUEST_LINE,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


@contextmanager
def _dashboard(folder: Path | None, database: str | None) -> Iterator[Path | None]:
    """Give a built dashboard: the one that is named, or one of the history as it is now."""
    if database is None:
        yield folder
        return
    from harness import dashboard  # noqa: PLC0415 -- extras
    from harness import history as store  # noqa: PLC0415 -- extras

    with TemporaryDirectory(prefix="deconform-") as name:
        dashboard.build([], Path(name), store.opened(database, create=False))
        yield Path(name)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Visitors who come all at once wait here, not before a closed door.
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{host}, port {port}, cannot be listened on: {reason}. Choose another --port."
        ) from None
