"""What every request and answer passes: the check of the host's name, and safe headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.server.refusals import RefusedError

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z._-]+)(?::[0-9]{1,5})?", re.ASCII)
# The refusal page needs them, and they reveal nothing.
_ALWAYS: Final = ("/style.css", "/icon.svg")

_Refuse = Callable[[Request, RefusedError], Response]


class KnownHosts:
    """An application that answers to its own names alone, so that DNS rebinding cannot reach it.

    A host is a name, ``*.example.org`` for all below one, or ``*`` for every name.  ``refuse``
    gives the answer to a request for another name.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], refuse: _Refuse) -> None:
        self._app = app
        self._hosts = [host.lower() for host in hosts]
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        answer = self._app
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] == "http" and path not in _ALWAYS:
            host = Headers(scope=scope).get("host", "")
            if not self._knows(host):
                answer = self._refuse(Request(scope), RefusedError(_refusal(host), 400))
        await answer(scope, receive, send)

    def _knows(self, header: str) -> bool:
        name = _name(header)
        return name is not None and any(
            host in {"*", name} or (host.startswith("*.") and name.endswith(host[1:]))
            for host in self._hosts
        )


def _name(header: str) -> str | None:
    match = _HOST.fullmatch(header.lower())
    return match[1] if match else None


def _refusal(header: str) -> str:
    name = (_name(header) or "look.example.org")[:100]
    return (
        f"This service does not answer to the name {header[:100]!r}. Whoever runs it says by which "
        f"names it is called, as in DECONFORM_HOSTS={name} deconform serve."
    )


# The hash is that of an empty style element, which plotly.js adds and fills by its rules.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # The address contains the look-up's text, which is private.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-cache",
}


class SafeHeaders:
    """An application whose answers allow no script, frame or style but its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
