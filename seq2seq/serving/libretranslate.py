"""LibreTranslate's contract: https://docs.libretranslate.com (its errors are `{"error": "..."}`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seq2seq.data.languages import english_name, short_code
from seq2seq.decoding.alignment import Link, words
from seq2seq.decoding.translation.outputs import Output
from seq2seq.serving import server
from seq2seq.serving.described import FORMS, NUMBER, TEXT, WHOLE, either, gives, record, refuses, rows, takes
from seq2seq.serving.errors import Refused
from seq2seq.serving.models import word_probabilities
from seq2seq.serving.requests import File, RequestBody, TextList, checked, form
from seq2seq.serving.server import Server

FILES = (".txt", ".srt", ".html", ".htm")  # that /translate_file reads, UTF-8

ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_DETECTED = record({"confidence": NUMBER, "language": TEXT})
_WORDS = rows(rows({"type": "array", "maxItems": 2, "minItems": 2}))  # of each line: a word and its probability
_LINKS = rows(record({"source_words": rows(TEXT), "target_words": rows(TEXT), "alignment": rows(rows(WHOLE))}))
_TRANSLATED = record(
    {"translatedText": either(TEXT, rows(TEXT))},
    detectedLanguage=either(_DETECTED, rows(_DETECTED)),
    alternatives=rows(either(TEXT, rows(TEXT))),
    confidence=either(_WORDS, rows(_WORDS)),
    alignment=either(_LINKS, rows(_LINKS)),
)
_FORM = {  # with a file
    "type": "object",
    "required": ["file", "source", "target"],
    "properties": {"file": {"type": "string", "format": "binary"}, "source": TEXT, "target": TEXT, "api_key": TEXT},
}
router = APIRouter(responses=refuses(ERROR), tags=["LibreTranslate"])


class Translate(RequestBody):
    """A request to translate. seqx's own: `confidence`, words with their probabilities; `alignment`, which words come
    from which."""

    q: str | TextList
    source: str = "auto"
    target: str
    format: Literal["text", "html"] = "text"
    alternatives: int = Field(0, ge=0)
    api_key: str | None = None
    confidence: bool = False
    alignment: bool = False


class Detect(RequestBody):
    """A request for the language of a text."""

    q: str
    api_key: str | None = None


class TranslateFile(RequestBody):
    """The fields of a form with a file."""

    source: str
    target: str
    api_key: str | None = None


@router.post("/translate", responses=gives(_TRANSLATED), openapi_extra=takes(Translate, *FORMS))
async def translate(request: Request) -> JSONResponse:
    """Translate a text, or several: text i of the answer translates text i."""
    own = server.of(request)
    body = await own.read(request, Translate)
    texts = [body.q] if isinstance(body.q, str) else body.q
    own.check_size(texts)
    if body.alternatives > own.settings.alternatives:
        raise Refused(400, f"Invalid request: alternatives: at most {own.settings.alternatives}")
    if body.alignment and body.format == "html":
        raise Refused(400, "Invalid request: alignment: is of lines, not of HTML; leave it out")
    answer = await own.answered(request, _answer(own, body, texts))
    if isinstance(body.q, str):
        answer = {key: values[0] for key, values in answer.items()}
    return JSONResponse(answer)


async def _answer(own: Server, body: Translate, texts: list[str]) -> dict[str, list[Any]]:
    """The answer to several texts: a list in each field."""
    if not texts and body.source != "auto":
        own.translator(body.source, body.target)
    done = await own.translate(
        texts,
        body.source,
        body.target,
        html=body.format == "html",
        alternatives=body.alternatives,
        token_scores=body.confidence,
        aligned=body.alignment,
    )
    answer: dict[str, list[Any]] = {"translatedText": [each.texts[0] for each in done]}
    if body.source == "auto":
        answer["detectedLanguage"] = [{"confidence": each.sure, "language": each.source} for each in done]
    if body.alternatives:
        answer["alternatives"] = [each.texts[1 : body.alternatives + 1] for each in done]
    if body.confidence:
        answer["confidence"] = [[word_probabilities(line) for line in each.lines] for each in done]
    if body.alignment:
        answer["alignment"] = [
            [_linked(*line) for line in zip(text.split("\n"), each.lines, each.links, strict=True)]
            for text, each in zip(texts, done)
        ]
    return answer


def _linked(line: str, output: Output, links: Sequence[Link]) -> dict[str, Any]:
    return {"source_words": words(line), "target_words": words(output.text), "alignment": [*map(list, links)]}


@router.post("/detect", responses=gives(rows(_DETECTED)), openapi_extra=takes(Detect, *FORMS))
async def detect(request: Request) -> JSONResponse:
    """The language of a text."""
    own = server.of(request)
    body = await own.read(request, Detect)
    own.check_size([body.q])
    code, sure = own.detect(body.q)
    return JSONResponse([{"confidence": sure, "language": code}])


@router.get("/languages", responses=gives(rows(record({"code": TEXT, "name": TEXT, "targets": rows(TEXT)}))))
async def languages(request: Request) -> JSONResponse:
    """The languages that are translated from, each with those that it is translated into."""
    translators = server.of(request).models.translators
    targets: dict[str, list[str]] = {each.source: [] for each in translators}
    for each in translators:
        targets[each.source].append(each.target)
    rows = [
        {"code": code, "name": english_name(code), "targets": [*dict.fromkeys(own)]} for code, own in targets.items()
    ]
    return JSONResponse(rows)


@router.post(
    "/translate_file",
    responses=gives(record({"translatedFileUrl": TEXT})),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
)
async def translate_file(request: Request) -> JSONResponse:
    """Translate a file of text, subtitles or HTML, in UTF-8; the answer has the address of the translated one."""
    own = server.of(request)
    fields = await form(request)
    file = fields.pop("file", None)
    body = checked(TranslateFile, fields)
    own.admission.check(request, body.api_key)
    if not isinstance(file, File):
        raise Refused(400, "Invalid request: missing file parameter")
    name = PurePosixPath(file.name.replace("\\", "/")).name
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in FILES:
        raise Refused(400, f"Invalid request: file format not supported; send one of {', '.join(FILES)}")
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(400, f"Invalid request: {name[:80]} is not UTF-8 (byte {error.start:,})") from None
    own.check_size([text])
    html = suffix in (".html", ".htm")
    (done,) = await own.answered(request, own.translate([text], body.source, body.target, html=html))
    kept = f"{PurePosixPath(name).stem}_{short_code(body.target)}{suffix}"
    key = own.keep(kept, done.texts[0].encode("utf-8", "replace"))
    return JSONResponse({"translatedFileUrl": f"{request.base_url}download_file/{key}"})


@router.get(
    "/download_file/{key}", responses={200: {"description": "the file", "content": {"application/octet-stream": {}}}}
)
async def download_file(request: Request, key: str) -> Response:
    """A translated file."""
    name, content = server.of(request).files.get(key, ("", b""))
    if not name:
        raise Refused(404, "no such file, or not any more: translate it again")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get("/health", responses=gives(record({"status": TEXT})))
async def health() -> JSONResponse:
    """Whether the server answers."""
    return JSONResponse({"status": "ok"})


@router.get("/frontend/settings")
@router.post("/frontend/settings")
async def frontend_settings(request: Request) -> JSONResponse:
    """What a page needs to know."""
    own = server.of(request)
    first = next(iter(own.models.translators), None)
    pair = {} if first is None else {"source": _named(first.source), "target": _named(first.target)}
    return JSONResponse(
        {
            "apiKeys": own.admission.needs_key,
            "keyRequired": own.admission.needs_key,
            "charLimit": own.settings.characters,
            "frontendTimeout": 500,
            "language": pair,
            "suggestions": False,
            "filesTranslation": bool(own.models.translators),
            "supportedFilesFormat": [*FILES],
        }
    )


def _named(code: str) -> dict[str, str]:
    return {"code": code, "name": english_name(code)}
