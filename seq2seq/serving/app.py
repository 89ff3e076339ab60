"""The web application of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from time import perf_counter

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq.errors import SeqxError
from seq2seq.serving import deepl, libretranslate, openai, own
from seq2seq.serving.errors import body, of_error
from seq2seq.serving.guard import Guard, refusal
from seq2seq.serving.metrics import Metrics
from seq2seq.serving.models import Models
from seq2seq.serving.server import Server
from seq2seq.serving.settings import ServerSettings

_PARTS = (libretranslate, deepl, openai, own)


def create_app(models: Models, settings: ServerSettings, metrics: Metrics) -> FastAPI:
    """The application that serves some models."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        models.close()

    app = FastAPI(
        title="seqx",
        version=version("seqx"),
        description="Translation, text generation and classification as LibreTranslate, DeepL and OpenAI do.",
        lifespan=lifespan,
        docs_url=None,  # these pages load scripts from other hosts
        redoc_url=None,
        exception_handlers={
            SeqxError: _refused,
            OSError: _refused,  # of a file that is gone, as of a run that was removed: what is in memory still answers
            ClientDisconnect: _left,
            HTTPException: _http_error,
            Exception: _failed,
        },
        redirect_slashes=False,
        generate_unique_id_function=lambda route: (
            f"{min(route.methods or {''}).lower()}_{route.name}_{route.path_format}"
        ),
    )
    app.state.server = Server(models, settings, metrics)
    for part in _PARTS:
        app.include_router(part.router)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts))
    app.add_middleware(Guard, settings=settings)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
        )
    app.add_middleware(_Counted, metrics=metrics)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SeqxError | OSError)
    return refusal(request.scope["path"], of_error(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path, headers = request.scope["path"], dict(error.headers or {})
    if error.status_code == 405:  # of which Starlette names the methods of the path's first route alone
        routes = [*request.app.routes, *(route for part in _PARTS for route in part.router.routes)]
        own = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
        headers["Allow"] = ", ".join(sorted({method for route in own for method in route.methods or ()}))
    return JSONResponse(body(path, error.status_code, str(error.detail)), error.status_code, headers)


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # which nobody reads


async def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse(body(request.scope["path"], 500, "internal error; the log of the server says more"), 500)


class _Counted:
    """Counts requests, and their time, by path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(path, status).inc()
            self._metrics.seconds.labels(path).observe(perf_counter() - begun)
