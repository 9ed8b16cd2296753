"""The ASGI application: the page, the API, and a built dashboard beside them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from harness import pages
from harness.server import openapi, view
from harness.server.answers import Answers
from harness.server.headers import SafeHeaders
from harness.server.hosts import KnownHosts
from harness.server.query import Query, from_fields, from_form, from_json
from harness.server.refusals import (
    BusyError,
    MediaTypeError,
    QueryError,
    RefusedError,
    TooLargeError,
)
from harness.server.settings import Settings, from_environment
from harness.server.workers import Workers

_FILES: Final = ("style.css", "lookup.css", "lookup.js", "icon.svg")
_LARGEST_BODY: Final = 2**17
_MOST_FIELDS: Final = 32
_API: Final = "/api/"

_Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Make the application.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment where they are left out, so that any ASGI server can make it:
        ``uvicorn --factory harness.server.app:create_app``.
    """
    chosen = settings or from_environment()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        workers = Workers(chosen.lookups, chosen.seconds, chosen.waiting)
        try:
            yield {"answers": Answers(workers)}
        finally:
            await workers.end()

    app = Starlette(
        routes=_routes(chosen),
        middleware=[Middleware(KnownHosts, chosen.hosts, _elsewhere)],
        exception_handlers={RefusedError: _refused, HTTPException: _http_error, Exception: _broken},
        lifespan=lifespan,
    )
    app.state.pages = _Pages(chosen.reports)
    # Outermost, so that no answer goes without, not even that to a mistake of ours.
    return SafeHeaders(app)


def _routes(settings: Settings) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route("/", _page, methods=["GET", "POST"]),
        Route("/index.html", _page),
        Route("/answer", _answer, methods=["GET", "POST"]),
        Route("/api", _api_page),
        Route("/api/openapi.json", _openapi),
        Route("/api/translate", _translate, methods=["GET", "POST"]),
        *(Route(f"/{name}", _file(pages.FOLDER / name)) for name in _FILES),
    ]
    if settings.reports is not None:
        folder = StaticFiles(directory=settings.reports, html=True)
        # In place of the folder's own: here its pages lead to the look-up.
        routes.append(Route("/reports/service.css", _file(pages.FOLDER / "served.css")))
        routes.append(Mount("/reports", folder))
    return routes


class _Pages:
    """The templates, and what all of them show."""

    def __init__(self, reports: Path | None) -> None:
        self._environment = pages.environment("serve")
        self._environment.filters["for_page"] = view.for_page
        shown = [("reports/", "Reports")] if reports else []
        # A page stands at the top, and links are relative: the service may live below any path.
        self._always = {
            "root": "",
            "pages": [("./", "Look up"), ("api", "API"), *shown],
            "has_times": reports is not None and (reports / "benchmarks.html").is_file(),
        }

    def shown(self, name: str, status: int = 200, **values: object) -> HTMLResponse:
        """Fill a template in."""
        html = self._environment.get_template(name).render(self._always | values)
        return HTMLResponse(html.encode(errors="replace"), status)


def _pages(request: Request) -> _Pages:
    templates = request.app.state.pages
    assert isinstance(templates, _Pages)
    return templates


def _answers(request: Request) -> Answers:
    answers = request.state.answers
    assert isinstance(answers, Answers)
    return answers


async def _page(request: Request) -> Response:
    """The whole page, for a visitor without a text or without JavaScript too."""
    status, values = await _looked_up(request)
    return _pages(request).shown("lookup.html", status, **values)


async def _answer(request: Request) -> Response:
    """The page's part below the form, as it is shown while somebody types."""
    status, values = await _looked_up(request)
    return _pages(request).shown("answer.html", status, **values)


async def _looked_up(request: Request) -> tuple[int, dict[str, Any]]:
    fields = await _fields(request)
    values: dict[str, Any] = {
        "current": "./",
        "form": view.EMPTY | {name: text for name, text in fields if name in view.EMPTY},
        "choices": view.choices(),
        "examples": [(each, view.permalink(each), about) for each, about in view.EXAMPLES],
        "longest": view.LONGEST,
        "marks": view.MARKS,
        "error": None,
        "answer": None,
    }
    if not any(text.strip() for name, text in fields if name == "text"):
        return 200, values
    try:
        query = from_form(fields)
        answer = await _answers(request).to(query)
    except RefusedError as refusal:
        # To a person who is typing, a text that cannot be read yet is no failure of the page's.
        status = 200 if refusal.status < 500 else refusal.status
        return status, values | {"error": refusal}
    return 200, values | {
        "answer": answer,
        "cards": view.cards(answer),
        "origin": view.origin(answer),
        "permalink": view.permalink(query),
        "as_function": view.permalink(replace(query, style="function"))
        if query.style == "layer"
        else None,
    }


async def _fields(request: Request) -> list[tuple[str, str]]:
    text = request.url.query
    if request.method == "POST":
        text = (await _body(request)).decode("ascii", errors="replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise QueryError(f"more than {_MOST_FIELDS} fields.") from None


async def _body(request: Request) -> bytes:
    read = b""
    async for chunk in request.stream():
        read += chunk
        if len(read) > _LARGEST_BODY:
            raise TooLargeError(f"more than {_LARGEST_BODY} bytes were sent.")
    return read


async def _translate(request: Request) -> Response:
    """Answer with exactly what ``deconform translate --json`` prints."""
    answer = await _answers(request).to(await _query(request))
    return JSONResponse(answer.found)


async def _query(request: Request) -> Query:
    if request.method != "POST":
        return from_fields(await _fields(request))
    if request.url.query:
        raise QueryError("the query goes into the body, and nothing of it into the address.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise MediaTypeError("the body is not application/json.")
    body = await _body(request)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"the body is no JSON: {error}") from None
    return from_json(said)


async def _openapi(_: Request) -> Response:
    return JSONResponse(openapi.document())


async def _api_page(request: Request) -> Response:
    host = str(request.base_url).rstrip("/")
    return _pages(request).shown("api.html", current="api", api=openapi.document(), host=host)


def _file(path: Path) -> _Endpoint:
    async def endpoint(_: Request) -> Response:
        return FileResponse(path)

    return endpoint


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    headers = {"retry-after": "1"} if isinstance(error, BusyError) else {}
    return _error(request, error, error.status, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    missing = error.status_code == 404
    refusal = RefusedError("There is no such page." if missing else f"{error.detail}.")
    return _error(request, refusal, error.status_code, error.headers or {})


def _elsewhere(request: Request, refusal: RefusedError) -> Response:
    return _error(request, refusal, refusal.status, {}, pages=[])


async def _broken(request: Request, _: Exception) -> Response:
    refusal = RefusedError("The service has made a mistake. It is in the log of who runs it.")
    return _error(request, refusal, 500, {})


def _error(
    request: Request,
    refusal: RefusedError,
    status: int,
    headers: Mapping[str, str],
    **shown: object,
) -> Response:
    if request.url.path.startswith(_API):
        return JSONResponse(refusal.to_json(), status, headers)
    values = {"root": _way_up(request), "current": "", "missing": status == 404, **shown}
    response = _pages(request).shown("problem.html", status, error=refusal, **values)
    response.headers.update(headers)
    return response


def _way_up(request: Request) -> str:
    """The way from any address to the page's, below whatever path the service lives."""
    top: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return "../" * (request.url.path.removeprefix(top).count("/") - 1)
