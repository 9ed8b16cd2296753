"""The ASGI application: the page, the API, and a built dashboard next to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from harness import pages
from harness.server import openapi, view
from harness.server.answers import Answer, Answers
from harness.server.middleware import KnownHosts, SafeHeaders
from harness.server.query import from_fields, from_form, from_json
from harness.server.refusals import RefusedError
from harness.server.schema import Query
from harness.server.settings import Settings, from_environment
from harness.server.workers import Workers

_FILES: Final = ("style.css", "lookup.css", "lookup.js", "icon.svg")
_LARGEST_BODY: Final = 2**17
_MOST_FIELDS: Final = 32


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Make the application.

    Settings that are left out come from the environment, so that any ASGI server can make it:
    ``uvicorn --factory harness.server.app:create_app``.
    """
    service = _Service(settings or from_environment())
    app = Starlette(
        routes=service.routes(),
        middleware=[Middleware(KnownHosts, service.settings.hosts, service.elsewhere)],
        exception_handlers={
            RefusedError: service.refused,
            HTTPException: service.http_error,
            Exception: service.broken,
        },
        lifespan=service.lifespan,
    )
    # Outermost, so that no answer goes without, not even the one to an error of ours.
    return SafeHeaders(app)


class _Service:
    """The endpoints, and what they share: the workers and the templates."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._answers: Answers
        self._templates = pages.environment("serve")
        reports = settings.reports
        links = [("reports/", "Reports")] if reports else []
        # A page is at the top, and links are relative: the service may live below any path.
        self._templates.globals |= {
            "root": "",
            "pages": [("./", "Look up"), ("api", "API"), *links],
            "has_times": reports is not None and (reports / "benchmarks.html").is_file(),
        }

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Have workers while requests are answered."""
        workers = Workers(self.settings.lookups, self.settings.seconds, self.settings.waiting)
        self._answers = Answers(workers)
        preparing = asyncio.create_task(workers.prepare())
        try:
            yield
        finally:
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
            await workers.end()

    def routes(self) -> list[BaseRoute]:
        """Every address that is answered."""
        routes: list[BaseRoute] = [
            Route("/", self._page("lookup.html"), methods=["GET", "POST"]),
            Route("/index.html", self._page("lookup.html")),
            # The page's part below the form, as it is shown while somebody types.
            Route("/answer", self._page("answer.html"), methods=["GET", "POST"]),
            Route("/api", self._api),
            Route("/api/openapi.json", lambda _: JSONResponse(openapi.document())),
            Route("/api/translate", self._translate, methods=["GET", "POST"]),
            *(_file(name, name) for name in _FILES),
        ]
        if self.settings.reports is not None:
            folder = StaticFiles(directory=self.settings.reports, html=True)
            # In place of the folder's own: here its pages lead to the look-up.
            routes.append(_file("reports/service.css", "served.css"))
            routes.append(Mount("/reports", folder))
        return routes

    def _page(self, template: str) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            status, values = await self._look_up(request)
            return self._filled_in(template, status, **values)

        return endpoint

    async def _look_up(self, request: Request) -> tuple[int, dict[str, Any]]:
        fields = await _fields(request)
        values: dict[str, Any] = {
            "current": "./",
            "form": view.EMPTY | {name: text for name, text in fields if name in view.EMPTY},
            "choices": view.choices(),
            "examples": [(each, view.permalink(each), about) for each, about in view.EXAMPLES],
            "longest": view.LONGEST,
            "marks": pages.SUPPORTS,
            "error": None,
            "answer": None,
        }
        if not any(text.strip() for name, text in fields if name == "text"):
            return 200, values
        try:
            query = from_form(fields)
            answer = await self._answer(request, query)
        except RefusedError as refusal:
            # To a person who is typing, a text that cannot be read yet is no failure of the page.
            status = 200 if refusal.status < 500 else refusal.status
            return status, values | {"error": refusal}
        function = msgspec.structs.replace(query, style="function")
        return 200, values | {
            "answer": answer,
            "cards": view.cards(answer.page or answer.look_up),
            "notes": (answer.page or answer.look_up)["notes"],
            "origin": view.origin(answer.look_up),
            "permalink": view.permalink(query),
            "as_function": view.permalink(function) if query.style == "layer" else None,
        }

    async def _translate(self, request: Request) -> Response:
        """Answer with exactly what ``deconform translate`` prints as JSON."""
        answer = await self._answer(request, await _query(request))
        return JSONResponse(answer.look_up)

    async def _answer(self, request: Request, query: Query) -> Answer:
        """Answer a query, unless its client goes before that."""
        asked = asyncio.ensure_future(self._answers.to(query, _client(request)))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise _nobody_waits()
            return asked.result()
        finally:
            asked.cancel()
            gone.cancel()
            await asyncio.gather(asked, gone, return_exceptions=True)

    async def _api(self, request: Request) -> Response:
        host = str(request.base_url).rstrip("/")
        return self._filled_in("api.html", current="api", api=openapi.document(), host=host)

    async def refused(self, request: Request, error: Exception) -> Response:
        """Answer a request that cannot be answered."""
        assert isinstance(error, RefusedError)
        headers = {"retry-after": "1"} if error.status == 503 else {}
        return self._problem(request, error, headers)

    async def http_error(self, request: Request, error: Exception) -> Response:
        """Answer a request for an address or a method that does not exist."""
        assert isinstance(error, HTTPException)
        missing = error.status_code == 404
        message = "There is no such page." if missing else f"{error.detail}."
        return self._problem(request, RefusedError(message, error.status_code), error.headers)

    async def broken(self, request: Request, _: Exception) -> Response:
        """Answer a request that met an error of ours."""
        message = "The service has made a mistake. It is in the log of who runs it."
        return self._problem(request, RefusedError(message, 500))

    def elsewhere(self, request: Request, refusal: RefusedError) -> Response:
        """Answer a request to a host name that is not the service's."""
        return self._problem(request, refusal, pages=[])

    def _problem(
        self,
        request: Request,
        refusal: RefusedError,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse(refusal.to_json(), refusal.status, headers)
        values = {"root": _way_up(request), "current": "", "error": refusal, **values}
        response = self._filled_in("problem.html", refusal.status, **values)
        response.headers.update(headers or {})
        return response

    def _filled_in(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        html = self._templates.get_template(template).render(values)
        return HTMLResponse(html.encode(errors="replace"), status)


_Endpoint = Callable[[Request], Awaitable[Response]]


def _file(address: str, name: str) -> Route:
    return Route(f"/{address}", lambda _: FileResponse(pages.FOLDER / name))


async def _fields(request: Request) -> list[tuple[str, str]]:
    text = request.url.query
    if request.method == "POST":
        text = (await _body(request)).decode("ascii", errors="replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise RefusedError(f"more than {_MOST_FIELDS} fields.", 400) from None


async def _query(request: Request) -> Query:
    if request.method != "POST":
        return from_fields(await _fields(request))
    if request.url.query:
        raise RefusedError("the query goes into the body, and nothing of it into the address.", 400)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError("the body is not application/json.", 415)
    body = await _body(request)
    try:
        values = json.loads(body, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"the body is no JSON: {error}", 400) from None
    return from_json(values)


async def _body(request: Request) -> bytes:
    read = b""
    try:
        async for chunk in request.stream():
            read += chunk
            if len(read) > _LARGEST_BODY:
                raise RefusedError(f"more than {_LARGEST_BODY} bytes were sent.", 413)
    except ClientDisconnect:
        raise _nobody_waits() from None
    return read


def _nobody_waits() -> RefusedError:
    return RefusedError("nobody waits for the answer.", 499)


async def _gone(request: Request) -> None:
    """Wait until nobody waits for the answer."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _client(request: Request) -> str:
    """Who asks, by address."""
    return subscriber(request.client.host if request.client else "")


def subscriber(host: str) -> str:
    """Return an address of IPv4, or of IPv6 the network that one subscriber has.

    >>> subscriber("2001:db8:0:1:2::3"), subscriber("::ffff:192.0.2.7")
    ('2001:db8:0:1::/64', '192.0.2.7')
    """
    if ":" not in host:
        return host
    address = IPv6Address(host)
    mapped = address.ipv4_mapped  # What a socket for both calls a visitor by IPv4
    return str(mapped or IPv6Network((int(address), 64), strict=False))


def _number(text: str) -> float:
    """A whole number may be written 64.0."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _way_up(request: Request) -> str:
    """The way from any address to the page's, below whatever path the service lives."""
    top: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return "../" * (request.url.path.removeprefix(top).count("/") - 1)
