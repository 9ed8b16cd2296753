"""The ASGI application: the page, the API, and a built dashboard next to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from harness import pages
from harness.lookup import SUFFIXES
from harness.lookup.models import model_suffixes
from harness.server import bodies, limits, openapi, view
from harness.server.answers import Answer, Answers
from harness.server.asked import Asked
from harness.server.bodies import Form, Room
from harness.server.middleware import KnownHosts, SafeHeaders
from harness.server.query import from_fields, from_form, from_json, names_in
from harness.server.refusals import RefusedError, nobody_waits
from harness.server.schema import Options, Query
from harness.server.settings import Settings, from_environment
from harness.server.workers import Workers

_FILES: Final = ("style.css", "lookup.css", "lookup.js", "icon.svg")


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
        self._room = Room()
        self._templates = pages.environment("serve")
        reports = settings.reports
        links = [("reports/", "Reports")] if reports else []
        # A page is at the top, and links are relative: the service may live below any path.
        self._templates.globals |= {
            "root": "",
            "pages": [("./", "Look up"), ("api", "API"), *links],
        }
        self._has_times = reports is not None and (reports / "benchmarks.html").is_file()

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
            Route("/answer", self._page("fragment.html"), methods=["GET", "POST"]),
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
        async with self._room.taken(request, _client(request)):
            form = await bodies.read_form(request)
            return await self._looked_up(request, form)

    async def _looked_up(self, request: Request, form: Form) -> tuple[int, dict[str, Any]]:
        typed = {name: text for name, text in form.fields if name in view.EMPTY}
        values: dict[str, Any] = {
            "current": "./",
            "form": view.EMPTY | typed,
            "choices": view.choices(),
            "limits": limits,
            "seconds": self.settings.seconds,
            "suffixes": ",".join([*SUFFIXES, *model_suffixes()]),
            "title": "",
            "answer": "",
            "kept": None,
        }
        if form.upload is None and not typed.get("text", "").strip():
            examples = [(each, view.permalink(each), about) for each, about in view.EXAMPLES]
            start = {"examples": examples, "has_times": self._has_times}
            return 200, values | {"answer": view.rendered(start)}
        status = 200
        kept: Mapping[str, str] | None = None
        try:
            answer = await self._answer(request, _asked(form, Query, from_form))
            kept = answer.kept
            values |= {"answer": answer.html, "title": answer.title}
        except RefusedError as refusal:
            # To a person who is typing, a text that cannot be read yet is no failure of the page.
            status, kept = 200 if refusal.status < 500 else refusal.status, refusal.kept
            given = names_in(form.fields)
            values |= {"answer": view.refused(refusal, given), "title": "No answer"}
        values["form"] |= dict(kept or {})
        return status, values | {"kept": kept}

    async def _translate(self, request: Request) -> Response:
        """Answer with exactly what ``deconform translate`` prints as JSON."""
        async with self._room.taken(request, _client(request)):
            answer = await self._answer(request, await _api_question(request))
            return Response(answer.body, media_type=bodies.JSON)

    async def _answer(self, request: Request, question: Asked) -> Answer:
        """Answer a question, unless its client goes before that."""
        asked = asyncio.ensure_future(self._answers.to(question, _client(request)))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise nobody_waits()
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


def _asked(form: Form, kind: type[Query], read: Callable[..., Any]) -> Asked:
    """What a form asks: about the file that it sends, or else about its text."""
    for_page = read is from_form
    if form.upload is None:
        return Asked.about(read(form.fields, kind), for_page=for_page)
    others = [(name, text) for name, text in form.fields if name not in {"text", "file"}]
    options = read(others, Options)
    return Asked(options, "", form.upload.name, form.upload.content, for_page)


async def _api_question(request: Request) -> Asked:
    if request.method != "POST":
        return _asked(await bodies.read_form(request), Query, from_fields)
    if request.url.query:
        raise RefusedError("the query goes into the body, and nothing of it into the address.", 400)
    match bodies.content_type(request):
        case bodies.JSON:
            return Asked.about(from_json(await bodies.read_json(request), Query))
        case bodies.MULTIPART:
            return _asked(await bodies.read_form(request), Query, from_fields)
    raise RefusedError(f"the body is neither {bodies.JSON} nor {bodies.MULTIPART}.", 415)


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


def _way_up(request: Request) -> str:
    """The way from any address to the page's, below whatever path the service lives."""
    top: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return "../" * (request.url.path.removeprefix(top).count("/") - 1)
