"""seqx's own routes: what is served, classes of texts, ratings, figures, and the page."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seq2seq.serving import server
from seq2seq.serving.described import NUMBER, TEXT, either, gives, record, refuses, rows, takes
from seq2seq.serving.errors import Refused
from seq2seq.serving.libretranslate import ERROR
from seq2seq.serving.requests import RequestBody, TextList, media_type

_CLASSES = record(
    {
        "label": either(TEXT, {"type": "null"}),
        "probability": either(NUMBER, {"type": "null"}),
        "probabilities": {"type": "object", "additionalProperties": NUMBER},
    }
)
router = APIRouter(responses=refuses(ERROR), tags=["seqx"])

_PAGE = {
    "": ("index.html", "text/html"),
    "style.css": ("style.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
    "words.js": ("words.js", "text/javascript"),
}


class Classify(RequestBody):
    """A request for the classes of texts; `other` is the second text of a model that judges two together."""

    text: str | TextList
    other: str | TextList | None = None
    model: str | None = None
    api_key: str | None = None


class Rate(RequestBody):
    """The better of two answers to a prompt."""

    prompt: str
    chosen: str
    rejected: str
    api_key: str | None = None


@router.post("/classify", responses=gives(either(_CLASSES, rows(_CLASSES))), openapi_extra=takes(Classify))
async def classify(request: Request) -> JSONResponse:
    """The most probable class of a text, or of several, with the probability of every class; a blank text has none."""
    own = server.of(request)
    body = await own.read(request, Classify)
    sides = [[each] if isinstance(each, str) else each for each in (body.text, body.other) if each is not None]
    model = next((each for each in own.models.classifiers if body.model in (None, each.name)), None)
    if model is None:
        raise Refused(404, f"no classifier {(body.model or '')[:80]} is served here")
    if len(sides) != model.texts or len({*map(len, sides)}) > 1:
        raise Refused(400, f"text, other: {model.name} judges {model.texts} at a time; send as many of each")
    for side in sides:
        own.check_size(side)
    own.metrics.lines.labels(model.name).inc(len(sides[0]))
    done = await own.answered(request, model.classify([*zip(*sides)]))
    rows = [
        {"label": each.label, "probability": each.probability, "probabilities": each.probabilities} for each in done
    ]
    return JSONResponse(rows[0] if isinstance(body.text, str) else rows)


@router.post("/rate", responses=gives(record({"status": TEXT})), openapi_extra=takes(Rate))
async def rate(request: Request) -> JSONResponse:
    """Add a comparison to the file that `seqx rate` writes, too."""
    from seq2seq.data.comparisons import Comparison, append  # read when they are needed, as a server starts
    from seq2seq.data.conversations import Turn

    own = server.of(request)
    if media_type(request) != "application/json":
        raise Refused(400, "send JSON")  # which a page of another site may not, unless it is allowed to
    body = await own.read(request, Rate)
    if own.settings.ratings is None:
        raise Refused(403, "this server keeps no ratings: start it with --ratings FILE.jsonl")
    own.check_size([body.prompt, body.chosen, body.rejected])
    if not (body.prompt.strip() and body.chosen.strip() and body.chosen != body.rejected):
        raise Refused(400, "send a prompt, and two answers that differ")
    comparison = Comparison((Turn("user", body.prompt),), body.chosen, body.rejected)
    await run_in_threadpool(append, own.settings.ratings, comparison)
    return JSONResponse({"status": "ok"})


@router.get("/models")
async def models(request: Request) -> JSONResponse:
    """What is served, and the limits of a request."""
    own = server.of(request)
    return JSONResponse(
        {
            "models": [{"name": each.name, "engine": each.engine, **each.described()} for each in own.models.all],
            "characters": own.settings.characters,
            "tokens": own.settings.tokens,
            "alternatives": own.settings.alternatives,
            "ratings": own.settings.ratings is not None,
            "key": own.admission.needs_key,
        }
    )


@router.get("/metrics", responses={200: {"description": "the figures", "content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Figures of this process, in Prometheus' format."""
    own = server.of(request)
    own.admission.check(request)
    own.metrics.waiting.set(own.models.waiting)
    return Response(own.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/spec")
async def spec(request: Request) -> JSONResponse:
    """The OpenAPI description, where LibreTranslate has it."""
    return JSONResponse(request.app.openapi())


@router.get("/", include_in_schema=False)
@router.get("/page/{name}", include_in_schema=False)
async def page(name: str = "") -> Response:
    """The page, and its parts."""
    if name not in _PAGE:
        raise Refused(404, "no such page")
    file, kind = _PAGE[name]
    return Response((files("seq2seq.serving") / "page" / file).read_bytes(), media_type=kind)
