"""What stands before every request: its size, its time, how many there are; and the headers of every response."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq.serving.errors import Refused, body, busy
from seq2seq.serving.settings import ServerSettings

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses requests that are too large, too slow to arrive, or too many at once."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = _Sent(send, self._settings.seconds)
        self._active += 1
        try:
            self._check(scope)
            await self._app(scope, _Limited(receive, self._settings), sent)
        except Refused as refused:
            if not sent.begun:
                await refusal(scope["path"], refused)(scope, receive, sent)
        except (TimeoutError, ClientDisconnect, RuntimeError):  # what Starlette makes of a client that does not read
            if not sent.late:
                raise
        finally:
            self._active -= 1

    def _check(self, scope: Scope) -> None:
        if self._active > self._settings.requests:
            raise busy()
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._settings.body:
            raise too_large(self._settings)


class _Limited:
    """Receives the body of a request within a size and a time; then only the end of the connection is awaited."""

    def __init__(self, receive: Receive, settings: ServerSettings) -> None:
        self._receive = receive
        self._settings = settings
        self._left = settings.body
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._settings.seconds):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "the request did not arrive in time") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise too_large(self._settings)
        self._complete = not message.get("more_body", False)
        return message


class _Sent:
    """Sends responses with the headers of all, to clients that take them in time."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self.begun = self.late = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:  # the client does not read: its place is for others
            self.late = True
            raise


def too_large(settings: ServerSettings) -> Refused:
    """The refusal of a body that is too large."""
    return Refused(413, f"the request is larger than {settings.body:,} bytes: send less text")


def refusal(path: str, refused: Refused) -> JSONResponse:
    """The response of a refused request."""
    headers: dict[str, Any] = {} if refused.again is None else {"Retry-After": str(refused.again)}
    return JSONResponse(body(path, refused.status, str(refused)), refused.status, headers)
