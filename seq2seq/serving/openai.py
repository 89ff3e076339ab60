"""OpenAI's contract of completions and chat completions, streamed or not (its errors are `{"error": {...}}`)."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import MaxLen, MinLen
from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from seq2seq.decoding.options import GenerationOptions, Sampling
from seq2seq.errors import SeqxError
from seq2seq.serving import server
from seq2seq.serving.described import TEXT, WHOLE, gives, record, refuses, rows, takes
from seq2seq.serving.errors import Refused, body, of_error
from seq2seq.serving.models import ServedGenerator
from seq2seq.serving.requests import First, RequestBody, TextList
from seq2seq.serving.server import Server

if TYPE_CHECKING:
    from seq2seq.decoding.generation.generator import Generated

ERROR = {
    "type": "object",
    "properties": {"error": {"type": "object", "properties": {"message": {"type": "string"}}}},
    "required": ["error"],
}
_ANSWER = record(
    {
        "id": TEXT,
        "object": TEXT,
        "created": WHOLE,
        "model": TEXT,
        "choices": rows({"type": "object", "required": ["index", "finish_reason"]}),
        "usage": record({f"{name}_tokens": WHOLE for name in ("prompt", "completion", "total")}),
    }
)
router = APIRouter(prefix="/v1", responses=refuses(ERROR), tags=["OpenAI"])

Messages = Annotated[list[dict[str, Any]], First()]
Stop = Annotated[str, MinLen(1), MaxLen(1_000)]
Stops = Annotated[list[Stop], First(), MaxLen(16)]

_LARGEST = 2**31 - 1
_UNBUFFERED = {"X-Accel-Buffering": "no"}  # by nginx


class SamplingRequest(RequestBody):
    """How a text is drawn. Of OpenAI's other options those that seqx does not have are refused; `user` is ignored as it
    changes nothing there either. `top_k`, `min_p` and `repetition_penalty` are seqx's own."""

    model: str | None = None
    n: int = Field(1, ge=1, le=128)
    temperature: float = Field(1.0, ge=0, le=100)
    top_p: float = Field(1.0, ge=1e-6, le=1)
    top_k: int = Field(0, ge=0, le=_LARGEST)
    min_p: float = Field(0.0, ge=0, le=1)
    repetition_penalty: float = Field(1.0, gt=0, le=100)
    stop: Stop | Stops | None = None
    seed: int | None = Field(None, ge=0, lt=2**63)
    stream: bool = False
    stream_options: dict[Literal["include_usage"], bool] | None = None
    user: str | None = None

    def options(self, max_tokens: int) -> GenerationOptions:
        """The options of the first text; text i has the i-th seed after its seed."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        seed = secrets.randbelow(2**31) if self.seed is None else self.seed
        sampling = Sampling(self.temperature, self.top_k, self.top_p, seed, self.min_p, self.repetition_penalty)
        return GenerationOptions(sampling, max_tokens, tuple(stop))


class Completions(SamplingRequest):
    """A request to continue a prompt, or several."""

    prompt: str | TextList = ""
    max_tokens: int | None = Field(16, ge=1, le=_LARGEST)
    echo: bool = False


class ChatCompletions(SamplingRequest):
    """A request to answer the last message of a conversation."""

    messages: Messages
    max_tokens: int | None = Field(None, ge=1, le=_LARGEST)
    max_completion_tokens: int | None = Field(None, ge=1, le=_LARGEST)


@dataclass(frozen=True)
class _Job:
    """One text to generate: choice `index` of an answer."""

    index: int
    prompt: str | Sequence[Mapping[str, str]]
    options: GenerationOptions
    echo: str = ""  # text before it


@router.get("/models", responses=gives(record({"object": TEXT, "data": rows({"type": "object"})})))
async def models(request: Request) -> JSONResponse:
    """The runs that are served."""
    own = server.of(request)
    own.admission.check(request)
    rows = [
        {"id": each.name, "object": "model", "created": each.created, "owned_by": "seqx"} for each in own.models.all
    ]
    return JSONResponse({"object": "list", "data": rows})


@router.post("/completions", responses=gives(_ANSWER, "text/event-stream"), openapi_extra=takes(Completions))
async def completions(request: Request) -> Response:
    """Continue a prompt, or several."""
    own = server.of(request)
    asked = await own.read(request, Completions)
    model = _model(own, asked.model, talks=False)
    prompts = [asked.prompt] if isinstance(asked.prompt, str) else asked.prompt or [""]
    own.check_size(prompts)
    options = asked.options(asked.max_tokens or 16)
    _check_tokens(own, len(prompts) * asked.n * options.max_tokens)
    jobs = [
        _Job(index, prompt, _seeded(options, index), prompt if asked.echo else "")
        for index, prompt in enumerate(prompt for prompt in prompts for _ in range(asked.n))
    ]
    return await _respond(request, _Completions(model.name), asked, model, jobs)


@router.post("/chat/completions", responses=gives(_ANSWER, "text/event-stream"), openapi_extra=takes(ChatCompletions))
async def chat_completions(request: Request) -> Response:
    """Answer the last message of a conversation."""
    own = server.of(request)
    asked = await own.read(request, ChatCompletions)
    model = _model(own, asked.model, talks=True)
    messages = [_message(message) for message in asked.messages]
    own.check_size([message["content"] for message in messages])
    options = asked.options(asked.max_completion_tokens or asked.max_tokens or 200)
    _check_tokens(own, asked.n * options.max_tokens)
    jobs = [_Job(index, messages, _seeded(options, index)) for index in range(asked.n)]
    return await _respond(request, _Chat(model.name), asked, model, jobs)


class _Completions:
    """How text completions are written."""

    kind, chunk, prefix = "text_completion", "text_completion", "cmpl"

    def __init__(self, model: str) -> None:
        self._head = {"id": f"{self.prefix}-{secrets.token_hex(12)}", "created": int(time.time()), "model": model}

    def head(self, *, chunk: bool) -> dict[str, Any]:
        """The first keys of an answer, or of a part of one."""
        return {**self._head, "object": self.chunk if chunk else self.kind}

    def choice(self, index: int, text: str, finish: str | None, *, chunk: bool) -> dict[str, Any]:
        """One text, or a piece of it."""
        return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


class _Chat(_Completions):
    """How chat completions are written."""

    kind, chunk, prefix = "chat.completion", "chat.completion.chunk", "chatcmpl"

    def choice(self, index: int, text: str, finish: str | None, *, chunk: bool) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        return {"index": index, "delta" if chunk else "message": message, "logprobs": None, "finish_reason": finish}


async def _respond(
    request: Request, writing: _Completions, asked: SamplingRequest, model: ServedGenerator, jobs: list[_Job]
) -> Response:
    own = server.of(request)
    read = sum(model.length(job.prompt, job.options.max_tokens) for job in jobs[:: asked.n])
    if asked.stream:
        usage = (asked.stream_options or {}).get("include_usage", False)
        events = _events(own, writing, model, jobs, read, usage=usage)
        first: str = await own.answered(request, events.__anext__())  # what is refused at once has a status of its own
        return StreamingResponse(_after(first, events), media_type="text/event-stream", headers=_UNBUFFERED)
    texts = await own.answered(request, _texts(own, model, jobs))
    choices = [
        writing.choice(job.index, job.echo + text.text, _finish(text), chunk=False) for job, text in zip(jobs, texts)
    ]
    written = sum(len(text.tokens) for text in texts)
    return JSONResponse({**writing.head(chunk=False), "choices": choices, "usage": _usage(read, written)})


async def _texts(own: Server, model: ServedGenerator, jobs: Sequence[_Job]) -> list[Generated]:
    """The texts of an answer, as many at once as the model takes."""

    async def text(job: _Job) -> Generated:
        async for piece in model.stream(job.prompt, job.options):
            whole = piece
        assert not isinstance(whole, str), "a stream ends with the whole text"
        own.metrics.tokens.labels(model.name).inc(len(whole.tokens))
        return whole

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(text(job)) for job in jobs]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


async def _events(
    own: Server, writing: _Completions, model: ServedGenerator, jobs: Sequence[_Job], read: int, *, usage: bool
) -> AsyncGenerator[str]:
    """An answer in server-sent events, one text after another, ended by [DONE]. An error after the beginning is an
    event, too."""
    written, begun = 0, False
    try:
        for job in jobs:
            if job.echo:
                begun = True
                yield _event(writing, [writing.choice(job.index, job.echo, None, chunk=True)])
            async for piece in model.stream(job.prompt, job.options):
                text, finish = (piece, None) if isinstance(piece, str) else ("", _finish(piece))
                begun = True
                yield _event(writing, [writing.choice(job.index, text, finish, chunk=True)])
                if not isinstance(piece, str):
                    written += len(piece.tokens)
                    own.metrics.tokens.labels(model.name).inc(len(piece.tokens))
    except (SeqxError, OSError) as error:
        if not begun:
            raise
        refused = of_error(error)
        yield f"data: {json.dumps(body('/v1/', refused.status, str(refused)))}\n\n"
    if usage:
        yield _event(writing, [], usage=_usage(read, written))
    yield "data: [DONE]\n\n"


async def _after(first: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for event in events:
        yield event


def _event(writing: _Completions, choices: list[dict[str, Any]], **more: Any) -> str:
    return f"data: {json.dumps({**writing.head(chunk=True), 'choices': choices, **more}, ensure_ascii=False)}\n\n"


def _check_tokens(own: Server, total: int) -> None:
    if total > own.settings.tokens:
        raise Refused(400, f"max_tokens: {total:,} tokens of all texts are more than {own.settings.tokens:,}: ask less")


def _usage(read: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _finish(text: Generated) -> Literal["length", "stop"]:
    return "length" if text.ended == "length" else "stop"


def _seeded(options: GenerationOptions, index: int) -> GenerationOptions:
    return replace(options, sampling=replace(options.sampling, seed=(options.sampling.seed + index) % 2**63))


def _model(own: Server, name: str | None, *, talks: bool) -> ServedGenerator:
    """The model of a request. Raises Refused where there is none that can answer it."""
    able = [each for each in own.models.generators if each.talks or not talks]
    chosen = next((each for each in able if name in (None, each.name)), None)
    if chosen is not None:
        return chosen
    offered = ", ".join(each.name for each in able) or "none here"
    if name in [each.name for each in own.models.all]:
        raise Refused(400, f"{name} does not {'chat' if talks else 'continue text'}; models that do: {offered}")
    raise Refused(404, f"The model {(name or '')[:80]!r} does not exist; models that do: {offered}")


def _message(message: Mapping[str, Any]) -> dict[str, str]:
    """A message with its content as one text. Raises Refused for content other than text."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [
            part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content
        ]
        content = "".join(map(str, parts)) if None not in parts else None
    role = {"developer": "system"}.get(str(message.get("role")), message.get("role"))
    if not isinstance(content, str) or not isinstance(role, str):
        raise Refused(400, "messages: each needs a role, and a content that is text")
    return {"role": role, "content": content}
