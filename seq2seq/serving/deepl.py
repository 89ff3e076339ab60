"""DeepL's contract, version 2: https://developers.deepl.com (its errors are `{"message": "..."}`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse

from seq2seq.data.languages import english_name
from seq2seq.serving import server
from seq2seq.serving.described import FORMS, TEXT, WHOLE, gives, record, refuses, rows, takes
from seq2seq.serving.errors import Refused
from seq2seq.serving.requests import RequestBody, TextList, checked, read

_MOST_TEXTS = 50

ERROR = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
_TRANSLATED = record({"detected_source_language": TEXT, "text": TEXT}, billed_characters=WHOLE)
_ANSWER = record({"translations": rows(_TRANSLATED)})
_LANGUAGE = record({"language": TEXT, "name": TEXT}, supports_formality={"type": "boolean"})
_USAGE = record({"character_count": WHOLE, "character_limit": WHOLE})
router = APIRouter(prefix="/v2", responses=refuses(ERROR), tags=["DeepL"])


class Translate(RequestBody):
    """A request to translate. Options that only state a preference may be given; those that would change the answer,
    and that seqx does not have, are refused."""

    text: str | TextList
    target_lang: str
    source_lang: str | None = None
    split_sentences: Literal["1", "nonewlines", 1, True] | None = None
    preserve_formatting: bool | None = None
    formality: Literal["default", "prefer_more", "prefer_less"] | None = None
    tag_handling: Literal["html"] | None = None
    show_billed_characters: bool = False


class Languages(RequestBody):
    """A query for languages."""

    type: Literal["source", "target"] = "source"


@router.post("/translate", responses=gives(_ANSWER), openapi_extra=takes(Translate, *FORMS))
async def translate(request: Request) -> JSONResponse:
    """Translate texts, in order."""
    own = server.of(request)
    body = await own.read(request, Translate)
    texts = [body.text] if isinstance(body.text, str) else body.text
    if not texts or len(texts) > _MOST_TEXTS:
        raise Refused(400, f"Bad request. {len(texts)} texts: send 1 to {_MOST_TEXTS}")
    own.check_size(texts)
    done = await own.answered(
        request, own.translate(texts, body.source_lang or "auto", body.target_lang, html=body.tag_handling == "html")
    )
    answers: list[dict[str, Any]] = [
        {"detected_source_language": each.source.upper(), "text": each.texts[0]} for each in done
    ]
    if body.show_billed_characters:
        answers = [{**answer, "billed_characters": len(text)} for answer, text in zip(answers, texts)]
    return JSONResponse({"translations": answers})


@router.get("/languages", responses=gives(rows(_LANGUAGE)))
@router.post("/languages", responses=gives(rows(_LANGUAGE)), openapi_extra=takes(Languages, *FORMS, required=False))
async def languages(
    request: Request, type: Annotated[str, Query(json_schema_extra={"enum": ["source", "target"]})] = "source"
) -> JSONResponse:
    """The languages that are translated from, or into. DeepL's own client sends the kind as the form of a GET."""
    own = server.of(request)
    own.admission.check(request)
    in_body = int(request.headers.get("content-length", "0")) > 0
    asked = checked(Languages, {"type": type})
    body = await read(request, Languages) if in_body else asked
    translators = own.models.translators
    codes = [each.source if body.type == "source" else each.target for each in translators]
    known = [{"language": code.upper(), "name": english_name(code)} for code in dict.fromkeys(codes)]
    return JSONResponse([{**each, "supports_formality": False} if body.type == "target" else each for each in known])


@router.get("/usage", responses=gives(_USAGE))
@router.post("/usage", responses=gives(_USAGE))
async def usage(request: Request) -> JSONResponse:
    """There is no quota."""
    own = server.of(request)
    own.admission.check(request)
    return JSONResponse({"character_count": 0, "character_limit": 1_000_000_000_000})
