"""Requests as values: JSON or a form, checked by a pydantic model; the client that waits, and its key."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import suppress
from time import monotonic
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, FailFast, ValidationError
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import Request

from seq2seq.serving.errors import Refused
from seq2seq.serving.settings import ServerSettings

_URL_ENCODED = "application/x-www-form-urlencoded"
_MOST_CLIENTS = 10_000  # whose requests are counted
_MINUTE = 60.0
_MOST_FIELDS = 2_000  # of a form
_SHOWN = 80  # characters of a name in a message

Body = TypeVar("Body", bound="RequestBody")
Value = TypeVar("Value")


class First(FailFast):
    """Ends the check of a list at its first wrong item: a body may have a million. It can be part of a union."""

    __hash__ = object.__hash__


TextList = Annotated[list[str], First()]


class RequestBody(BaseModel):
    """What a request says. An unknown key is an error: no option is ignored silently."""

    model_config = ConfigDict(extra="forbid")


async def read(request: Request, model: type[Body]) -> Body:
    """The body of a request: JSON, or a form where its type says so. Raises Refused."""
    if media_type(request) in (_URL_ENCODED, "multipart/form-data"):
        values = await form(request)
        if name := next((name for name, value in values.items() if _has_file(value)), ""):
            raise Refused(400, f"Invalid request: {name[:_SHOWN]} is a file")
        return checked(model, values)
    try:
        values = from_json(await request.body(), allow_inf_nan=False)
    except ValueError as error:
        raise Refused(400, f"Invalid request: the body is not JSON ({error})") from None
    if not isinstance(values, dict):
        raise Refused(400, "Invalid request: the body is not a JSON object")
    return checked(model, values, strict=True)


def media_type(request: Request) -> str:
    """The type of a body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class File(NamedTuple):
    """A file of a form."""

    name: str
    content: bytes


async def form(request: Request) -> dict[str, Any]:
    """The fields of a form; one that is given several times is a list, a file is a File. Raises Refused."""
    several: dict[str, list[str | File]] = {}
    try:
        for key, value in await _fields(request):
            several.setdefault(key, []).append(value)
            f"{key}{value[0] if isinstance(value, File) else value}".encode()  # some encodings give half characters
    except (HTTPException, ValueError) as error:
        raise Refused(400, f"Invalid request: the form cannot be read ({getattr(error, 'detail', error)})") from None
    return {key: values[0] if len(values) == 1 else values for key, values in several.items()}


async def _fields(request: Request) -> list[tuple[str, str | File]]:
    if media_type(request) == _URL_ENCODED:
        text = (await request.body()).decode()
        return [*parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)]
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as fields:
        return [
            (key, value if isinstance(value, str) else File(value.filename or "", await value.read()))
            for key, value in fields.multi_items()
        ]


def _has_file(value: Any) -> bool:
    return isinstance(value, File) or (isinstance(value, list) and any(isinstance(each, File) for each in value))


def checked(model: type[Body], values: dict[str, Any], *, strict: bool = False) -> Body:
    """Values as a model of a request; those of forms are texts, which stand for numbers too, unless `strict`. Raises
    Refused with the first that is wrong."""
    if unknown := next((name for name in values if name not in model.model_fields), None):
        raise Refused(400, f"Invalid request: {unknown[:_SHOWN]} is not supported here; leave it out")
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"][:3]))[:_SHOWN] or "body"
        if first["type"] == "missing":
            raise Refused(400, f"Invalid request: missing {name} parameter") from None
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

    def __init__(self, settings: ServerSettings) -> None:
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
                raise Refused(
                    401 if request.scope["path"].startswith("/v1/") else 403, "an API key is needed: send api_key"
                )
            raise Refused(403, "Invalid API key")
        if self._per_minute:
            # Only a key that was checked names a client: one that is made up would be a new client each time.
            host = request.client.host if request.client else ""
            self._count(given.decode() if self._keys else host)

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
