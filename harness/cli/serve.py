"""``deconform serve``: look-ups in a browser, on this machine."""

from __future__ import annotations

import argparse
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.cli.exit_statuses import OK, ended_by_sigterm
from harness.cli.options import UsageError, port

if TYPE_CHECKING:
    import uvicorn

# A long text in a permalink; h11 allows less by default.
_LONGEST_REQUEST_LINE: Final = 2**16
# Each connection is one, and each look-up.
_OPEN_FILES: Final = 4096
# Connections that the system lets wait, so that bursts queue instead of being refused, and those
# that are accepted at once.  asyncio has one number for both, but who connects only to go again
# must be noticed before many more come in: they would be taken for the connections of others.
_BACKLOG, _ACCEPTED_AT_ONCE = 2048, 100


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port, default=8000, metavar="N", help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="this machine alone")
    dashboard = parser.add_mutually_exclusive_group()
    dashboard.add_argument(
        "--reports", type=Path, metavar="DIR", help="what `report --html` built, shown beside it"
    )
    dashboard.add_argument(
        "--database", metavar="URL", help="a history, whose dashboard is built and shown beside it"
    )


def run(options: argparse.Namespace) -> int:
    with (
        _listening(options.host, options.port) as listener,
        _dashboard(options.reports, options.database) as reports,
    ):
        server = _server(_bracketed(options.host), reports)
        address, number = listener.getsockname()[:2]
        url = f"http://{_bracketed(address)}:{number}/"
        print(f"look-ups at {url} (Ctrl-C ends them)", flush=True)
        try:
            with ended_by_sigterm():
                server.run(sockets=[listener])
        except KeyboardInterrupt:
            # How a service ends, not something that went wrong.
            return OK
    return OK


def _server(host: str, reports: Path | None) -> uvicorn.Server:
    from dataclasses import replace

    try:
        import uvicorn

        from harness.server.app import create_app
        from harness.server.connections import TimedConnection
        from harness.server.settings import from_environment
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is missing: `python -m pip install 'deconform[serve]'`, or '.[serve]' "
            "in a clone."
        ) from None
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, most), most))
    settings = from_environment()
    hosts = (*settings.hosts, host)
    config = uvicorn.Config(
        create_app(replace(settings, hosts=hosts, reports=reports or settings.reports)),
        http=TimedConnection,
        backlog=_ACCEPTED_AT_ONCE,
        # A warning for each request that is no HTTP would let anybody fill the log.
        log_level="error",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=_LONGEST_REQUEST_LINE,
        timeout_graceful_shutdown=5,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for each in sockets or []:
                each.listen(_BACKLOG)

    return Server(config)


@contextmanager
def _dashboard(folder: Path | None, database: str | None) -> Iterator[Path | None]:
    """Yield a built dashboard: the one that is named, or one of the history as it is now."""
    if database is None:
        yield folder
        return
    from tempfile import TemporaryDirectory

    from harness import dashboard
    from harness.history import store

    with TemporaryDirectory(prefix="deconform-") as name:
        dashboard.build([], Path(name), store.opened(database, create=False))
        yield Path(name)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _listening(host: str, number: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, number), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{host}, port {number}, cannot be listened on: {reason}. Choose another --port."
        ) from None
