"""What every route of a server shares: its models, its limits, and how it translates texts."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

from starlette.requests import Request

from seq2seq.data import identification
from seq2seq.data.languages import short_code
from seq2seq.decoding.alignment import Link
from seq2seq.decoding.translation.outputs import Output, Translation
from seq2seq.serving.errors import Refused
from seq2seq.serving.markup import Markup
from seq2seq.serving.metrics import Metrics
from seq2seq.serving.models import Models, ServedTranslator
from seq2seq.serving.requests import Admission, Body, read, while_connected
from seq2seq.serving.settings import ServerSettings

Value = TypeVar("Value")


@dataclass(frozen=True)
class Translated:
    """The translations of a text, best first, and the outputs of each line of the best."""

    texts: list[str]
    lines: list[Output]
    source: str  # the language that it was translated from
    sure: float  # how sure that is, in percent
    links: list[list[Link]]  # of the words of each line with those of its best translation, where they were asked for


@dataclass
class Server:
    """The state of a server."""

    models: Models
    settings: ServerSettings
    metrics: Metrics
    files: OrderedDict[str, tuple[str, bytes]] = field(default_factory=OrderedDict)  # translated: name and content

    @cached_property
    def admission(self) -> Admission:
        """Who may send requests."""
        return Admission(self.settings)

    async def read(self, request: Request, model: type[Body]) -> Body:
        """The body of a request that may be answered. Raises Refused."""
        body = await read(request, model)
        self.admission.check(request, getattr(body, "api_key", None))
        return body

    async def answered(self, request: Request, work: Coroutine[Any, Any, Value]) -> Value:
        """The result of work, for as long as the client waits. Raises Refused."""
        return await while_connected(request, work, self.settings.seconds)

    def check_size(self, texts: Sequence[str]) -> None:
        """Raise Refused where texts are more than a request may have."""
        characters = sum(map(len, texts))
        if characters > self.settings.characters:
            raise Refused(
                400,
                f"Invalid request: request ({characters:,}) exceeds text limit ({self.settings.characters:,}) of "
                "characters",
            )
        self._check_lines(sum(text.count("\n") + 1 for text in texts))

    def _check_lines(self, lines: int) -> None:
        if lines > self.settings.lines:
            raise Refused(400, f"Invalid request: {lines:,} lines are more than {self.settings.lines:,}")

    def translator(self, source: str, target: str) -> ServedTranslator:
        """The translator of two languages. Raises Refused where there is none, naming the language."""
        source, target = short_code(source), short_code(target)
        pairs = {(each.source, each.target): each for each in reversed(self.models.translators)}
        for code, known in ((source, {pair[0] for pair in pairs}), (target, {pair[1] for pair in pairs})):
            if code not in known:
                raise Refused(400, f"{code[:20]} is not supported")
        if (source, target) not in pairs:
            raise Refused(400, f"{target} is not available as a target language from {source}")
        return pairs[source, target]

    def detect(self, text: str) -> tuple[str, float]:
        """The language of a text, and how sure that is, in percent."""
        code, probability = identification.classifier()(text[:2000])
        return short_code(code), round(100 * float(probability), 1)

    def source_of(self, text: str, target: str) -> tuple[str, float]:
        """The language of a text that is translated: the most probable one of those that a translator into `target`
        reads. Raises Refused where there is none."""
        target = short_code(target)
        sources = sorted({each.source for each in self.models.translators if each.target == target})
        if not sources:
            raise Refused(400, f"{target[:20]} is not supported")
        known = {identification.known(code): code for code in (*sources, target)}
        known.pop("", None)
        if len(known) < 2:
            return sources[0], 0.0
        code, probability = identification.classifier(*known)(text[:2000])
        found = known[code]
        # Text in the target language is left to the translator all the same: its language is only a guess.
        return (found if found in sources else sources[0]), round(100 * float(probability), 1)

    async def translate(
        self,
        texts: Sequence[str],
        source: str,
        target: str,
        *,
        html: bool = False,
        alternatives: int = 0,
        token_scores: bool = False,
        aligned: bool = False,
    ) -> list[Translated]:
        """The translations of texts, in order: line by line, or HTML text by text. Source `auto` stands for the
        language of each text. Raises Refused where a language is not supported, or a translator cannot align."""
        sources = [(source, 100.0) for _ in texts]
        if source == "auto":  # which takes milliseconds a text, while others are answered
            sources = await asyncio.to_thread(lambda: [self.source_of(text, target) for text in texts])
        translators = [self.translator(code, target) for code, _ in sources]
        if aligned and (unable := next((each.name for each in translators if not each.aligns), "")):
            raise Refused(400, f"alignment: {unable} has no weights for PyTorch, which are read for that; leave it out")
        markups = [Markup(text) if html else None for text in texts]
        parts = [text.split("\n") if markup is None else markup.texts for text, markup in zip(texts, markups)]
        self._check_lines(sum(map(len, parts)))
        lines: dict[ServedTranslator, list[str]] = {each: [] for each in translators}
        for translator, part in zip(translators, parts):
            lines[translator] += part
        done = {}
        for translator, own in lines.items():
            self.metrics.lines.labels(translator.name).inc(len(own))
            done[translator] = iter(await translator.translate(own, n_best=alternatives + 1, token_scores=token_scores))
        done_parts = [[next(done[translator]) for _ in part] for translator, part in zip(translators, parts)]
        return await asyncio.gather(
            *(
                _translated(lines, translator, sure, markup, aligned=aligned)
                for lines, markup, translator, (_, sure) in zip(done_parts, markups, translators, sources)
            )
        )

    def keep(self, name: str, content: bytes) -> str:
        """Keep a translated file for download, and forget the oldest ones -> its key."""
        key = secrets.token_urlsafe(16)
        self.files[key] = name, content
        contents = self.files.values()
        while len(contents) > self.settings.files or sum(len(each) for _, each in contents) > self.settings.kept:
            self.files.popitem(last=False)
        return key


def of(request: Request) -> Server:
    """The server that a request is sent to."""
    return cast("Server", request.app.state.server)


async def _translated(
    lines: Sequence[Translation], translator: ServedTranslator, sure: float, markup: Markup | None, *, aligned: bool
) -> Translated:
    """A text from the translations of its lines: alternative n has the n-th output of each line, or its last."""
    ranks = max((len(line.outputs) for line in lines), default=1)
    texts = []
    for rank in range(ranks):
        chosen = [line.outputs[min(rank, len(line.outputs) - 1)].text for line in lines]
        texts.append("\n".join(chosen) if markup is None else await _html(markup, chosen, translator))
    links = await translator.align([(line.source, line.text) for line in lines]) if aligned else []
    return Translated([*dict.fromkeys(texts)], [line.outputs[0] for line in lines], translator.source, sure, links)


async def _html(markup: Markup, translations: Sequence[str], translator: ServedTranslator) -> str:
    """The HTML with translations of its texts; those that have tags between their words are aligned."""
    divided = [number for number, passage in enumerate(markup.passages) if passage.divided]
    found = await translator.align([(markup.texts[number], translations[number]) for number in divided])
    links = dict(zip(divided, found))
    return markup.translated(translations, [links.get(number, []) for number in range(len(translations))])
