"""Requests as values: JSON or a form, checked by a pydantic model; the client that waits, and its key."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from seq2seq.serving.errors import Refused
from seq2seq.serving.settings import Settings

_MOST_CLIENTS = 10_000  # whose requests are counted
_MINUTE = 60.0

Body = TypeVar("Body", bound="RequestBody")
Value = TypeVar("Value")


class RequestBody(BaseModel):
    """What a request says. An unknown key is an error: no option is ignored silently."""

    model_config = ConfigDict(extra="forbid")


async def read(request: Request, model: type[Body]) -> Body:
    """The body of a request: JSON, or a form where its type says so. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        values = await form(request)
    else:
        try:
            values = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"Invalid request: the body is not JSON ({error})") from None
        if not isinstance(values, dict):
            raise Refused(400, "Invalid request: the body is not a JSON object")
    return checked(model, values)


class File(NamedTuple):
    """A file of a form."""

    name: str
    content: bytes


async def form(request: Request) -> dict[str, Any]:
    """The fields of a form; one that is given several times is a list, a file is a File. Raises Refused."""
    several: dict[str, list[str | File]] = {}
    try:
        async with request.form(max_files=1, max_fields=2000) as fields:
            for key, value in fields.multi_items():
                field = value if isinstance(value, str) else File(value.filename or "", await value.read())
                several.setdefault(key, []).append(field)
    except (HTTPException, UnicodeError, ValueError) as error:
        raise Refused(400, f"Invalid request: the form cannot be read ({getattr(error, 'detail', error)})") from None
    return {key: values[0] if len(values) == 1 else values for key, values in several.items()}


def checked(model: type[Body], values: dict[str, Any]) -> Body:
    """Values as a model of a request. Raises Refused with the first that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"][:3])) or "body"
        if first["type"] == "missing":
            raise Refused(400, f"Invalid request: missing {name} parameter") from None
        if isinstance(first["input"], File):
            raise Refused(400, f"Invalid request: {name} is a file") from None
        if first["type"] == "extra_forbidden":
            raise Refused(400, f"Invalid request: {name} is not supported here; leave it out") from None
        raise Refused(400, f"Invalid request: {name}: {first['msg']}") from None


async def while_connected(request: Request, work: Coroutine[Any, Any, Value], seconds: float) -> Value:
    """The result of work for a client, which is cancelled when the client leaves or the time is up. Raises Refused."""
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if leaving.done():
            raise Refused(499, "the client left")
        raise Refused(503, f"the answer took more than {seconds:g} seconds: send less text", again=1)
    finally:
        for each in (task, leaving):
            if not each.done():
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Admission:
    """Who may send requests: clients with a key where keys are needed, and no more than so many a minute."""

    def __init__(self, settings: Settings) -> None:
        self._keys = [key.encode() for key in settings.keys]
        self._per_minute = settings.per_minute
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()  # by client: since when, how many

    @property
    def needs_key(self) -> bool:
        """Whether requests need a key."""
        return bool(self._keys)

    def check(self, request: Request, key: str | None = None) -> None:
        """Raise Refused where a request may not be answered. `key` is one that its body has; else the headers'."""
        given = (key or _header_key(request)).encode()
        # Compared with every key, so that the time tells nothing.
        if self._keys and not sum(secrets.compare_digest(given, own) for own in self._keys):
            if not given:
                raise Refused(401 if request.url.path.startswith("/v1/") else 403, "an API key is needed: send api_key")
            raise Refused(403, "Invalid API key")
        if self._per_minute:
            self._count(given.decode() or (request.client.host if request.client else ""))

    def _count(self, client: str) -> None:
        now = monotonic()
        since, count = self._counts.pop(client, (now, 0))
        if now - since >= _MINUTE:
            since, count = now, 0
        self._counts[client] = since, count + 1
        if len(self._counts) > _MOST_CLIENTS:
            self._counts.popitem(last=False)
        if count >= self._per_minute:
            again = max(1, round(_MINUTE - (now - since)))
            raise Refused(429, f"more than {self._per_minute} requests a minute: slow down", again=again)


def _header_key(request: Request) -> str:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() in ("bearer", "deepl-auth-key") else request.headers.get("x-api-key", "")
