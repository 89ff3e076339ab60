"""Finished runs as a server holds them: opened once, their work gathered into batches."""

from __future__ import annotations

import math
import threading
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from seq2seq import limits, tasks
from seq2seq.data.languages import short_code
from seq2seq.decoding.alignment import Link, in_order, words
from seq2seq.decoding.options import GenerationOptions, SearchOptions
from seq2seq.decoding.translation.outputs import Output, Translation
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.serving.metrics import Metrics
from seq2seq.serving.queue import Batcher, Streams
from seq2seq.serving.settings import ServerSettings
from seq2seq.tasks.language_model_opening import OpenedGenerator, open_generator
from seq2seq.tasks.opening import EngineChoice, torch_device
from seq2seq.tasks.translation_opening import open_translator

if TYPE_CHECKING:
    from seq2seq.decoding.classification.classify import Classified
    from seq2seq.decoding.generation.generator import Generated
    from seq2seq.tasks.alignment import Aligner

_BATCH_LINES = 64  # of several requests, for one call of the engine


class ServedTranslator:
    """A translator; its lines are translated together with those of other requests."""

    def __init__(self, run: Run, choice: EngineChoice, settings: ServerSettings, metrics: Metrics) -> None:
        self.name, self.created = run.path.name, finished(run)
        self._opened = open_translator(run, choice)
        self.engine = self._opened.engine
        self.source, self.target = short_code(self._opened.source), short_code(self._opened.target)
        self.work = Batcher(
            self._translate,
            workers=limits.threads(),
            budget=_BATCH_LINES,
            most=settings.waiting,
            gather=settings.gather,
            observe=metrics.batches.labels(self.name).observe,
        )
        self._run, self._choice, self._weights = run, choice, run.record().get("weights")
        self.aligns = run.weights.is_file()  # which a pack may lack
        self._aligner: Aligner | None = None
        self._alignments = Batcher(
            self._align, workers=1, budget=_BATCH_LINES, most=settings.waiting, gather=settings.gather
        )
        self.works = self.work, self._alignments

    async def translate(
        self, lines: Sequence[str], *, n_best: int = 1, token_scores: bool = False
    ) -> list[Translation]:
        """The translations of lines, each with its `n_best` best outputs."""
        options = self._opened.options.with_beam(None, None, n_best)
        return await self.work.submit(replace(options, token_scores=token_scores), lines)

    async def align(self, pairs: Sequence[tuple[str, str]]) -> list[list[Link]]:
        """The links of the words of texts with those of their translations: by the attention of the model, which is
        opened with PyTorch when it is first asked for; in the order of the words where that cannot be (`aligns`)."""
        if not self.aligns:
            return [in_order(len(words(source)), len(words(target))) for source, target in pairs]
        return await self._alignments.submit(None, pairs)

    def described(self) -> dict[str, Any]:
        """What it does, for a page."""
        return {"does": "translate", "source": self.source, "target": self.target, "aligns": self.aligns}

    def _translate(self, options: SearchOptions, lines: list[str]) -> list[Translation]:
        return self._opened.translator.translate(lines, options)

    def _align(self, _: None, pairs: list[tuple[str, str]]) -> list[list[Link]]:
        from seq2seq.tasks.alignment import Aligner  # by PyTorch, which takes longer to import than a server to start

        if self._aligner is None:
            if self._run.record().get("weights") != self._weights:
                raise RunError(f"{self._run.path} is another run since the server was started: start it again")
            device = torch_device(EngineChoice(device=self._choice.device), "float32")
            self._aligner = Aligner(self._run, device.numerics, self._choice.sentences)
        return self._aligner.align(pairs)


class ServedClassifier:
    """A classifier; texts of several requests are classified together."""

    def __init__(self, run: Run, choice: EngineChoice, settings: ServerSettings, metrics: Metrics) -> None:
        from seq2seq.tasks.classification_opening import open_classifier

        self.name, self.created = run.path.name, finished(run)
        opened = open_classifier(run, choice)
        self._classifier = opened.classifier
        self.engine = opened.engine
        self.texts = len(run.recipe().data.text.split(","))  # judged together
        self.classes = opened.classifier.classes
        self.work = Batcher(
            self._classify,
            workers=1,
            budget=_BATCH_LINES,
            most=settings.waiting,
            gather=settings.gather,
            observe=metrics.batches.labels(self.name).observe,
        )
        self.works = (self.work,)

    async def classify(self, texts: Sequence[tuple[str, ...]]) -> list[Classified]:
        """The classes of texts, each a tuple of those that are judged together."""
        return await self.work.submit(None, texts)

    def described(self) -> dict[str, Any]:
        """What it does, for a page."""
        return {"does": "classify", "classes": list(self.classes), "texts": self.texts}

    def _classify(self, _: None, texts: list[tuple[str, ...]]) -> list[Classified]:
        return self._classifier.classify(texts)


class ServedGenerator:
    """A language model; each text is generated by itself, several at a time."""

    talks = False  # whether it answers conversations

    def __init__(self, run: Run, choice: EngineChoice, settings: ServerSettings, metrics: Metrics) -> None:
        self.name, self.created = run.path.name, finished(run)
        self._run, self._choice = run, choice
        self._opened: dict[str, OpenedGenerator] = {}
        self._opening = threading.Lock()
        self._record = run.record()
        self._context = run.recipe().model.max_length
        opened = self._open(GenerationOptions())
        self.engine, self._tokenizer = opened.engine, opened.tokenizer
        self.work = Streams(workers=limits.threads(), most=settings.waiting)
        self.works = (self.work,)

    def stream(
        self, prompt: str | Sequence[Mapping[str, str]], options: GenerationOptions
    ) -> AsyncIterator[str | Generated]:
        """The pieces of a text that continues a prompt, or answers messages, then the whole. Raises as
        `Generator.stream` and `chat.prompt` do."""

        def start() -> Generator[str, None, Generated]:
            opened = self._open(options)
            given: str | list[int] = prompt if isinstance(prompt, str) else self._tokens(prompt, options.max_tokens)
            return opened.generator.stream(given, options)

        return self.work.stream(start)

    def described(self) -> dict[str, Any]:
        """What it does, for a page."""
        return {"does": "chat" if self.talks else "generate"}

    def length(self, prompt: str | Sequence[Mapping[str, str]], max_tokens: int) -> int:
        """The tokens of a prompt, or of messages as the model reads them."""
        if isinstance(prompt, str):
            return len(self._tokenizer.encode([prompt])[0])
        return len(self._tokens(prompt, max_tokens))

    def _tokens(self, messages: Sequence[Mapping[str, str]], max_tokens: int) -> list[int]:
        from seq2seq.decoding.generation import chat

        return chat.prompt(self._tokenizer, chat.turns_of(messages), self._context, max_tokens)[0]

    def _open(self, options: GenerationOptions) -> OpenedGenerator:
        """A generator by the engine that supports the options, opened once."""
        from seq2seq.interop.ctranslate2.generator import inexpressible

        reason = inexpressible(options)
        with self._opening:
            if reason not in self._opened:
                if self._run.record() != self._record:
                    raise RunError(f"{self._run.path} is another run since the server was started: start it again")
                self._opened[reason] = open_generator(self._run, self._choice, options)
            return self._opened[reason]


class ServedAssistant(ServedGenerator):
    """A chat model; it continues text too."""

    talks = True


def finished(run: Run) -> int:
    """When a run was finished, in seconds of Unix time; 0 where its record does not tell."""
    at = run.finished_at()
    return int(at.timestamp()) if at else 0


Served = ServedTranslator | ServedClassifier | ServedGenerator

# By what a run offers.
_KINDS: dict[str, Callable[[Run, EngineChoice, ServerSettings, Metrics], Served]] = {
    "translate": ServedTranslator,
    "chat": ServedAssistant,
    "generate": ServedGenerator,
    "classify": ServedClassifier,
}


@dataclass(frozen=True)
class Models:
    """The runs of a server, by kind, in the order in which they were named."""

    translators: tuple[ServedTranslator, ...] = ()
    classifiers: tuple[ServedClassifier, ...] = ()
    generators: tuple[ServedGenerator, ...] = ()

    @property
    def all(self) -> tuple[Served, ...]:
        """Every run."""
        return (*self.translators, *self.generators, *self.classifiers)

    @property
    def waiting(self) -> int:
        """Lines and texts that wait to be computed."""
        return sum(work.waiting for each in self.all for work in each.works)

    def close(self) -> None:
        """End the threads of all models."""
        for each in self.all:
            for work in each.works:
                work.close()


def open_models(runs: Sequence[Run], choice: EngineChoice, settings: ServerSettings, metrics: Metrics) -> Models:
    """Open runs for serving. Raises RunError where two have the same name, or a run offers nothing that is served."""
    names = [run.path.name for run in runs]
    for run in runs:
        if names.count(run.path.name) > 1:
            raise RunError(f"two runs are called {run.path.name}: requests could not name one; rename a folder")
    served = [_opened(run, choice, settings, metrics) for run in runs]
    return Models(
        tuple(each for each in served if isinstance(each, ServedTranslator)),
        tuple(each for each in served if isinstance(each, ServedClassifier)),
        tuple(each for each in served if isinstance(each, ServedGenerator)),
    )


def _opened(run: Run, choice: EngineChoice, settings: ServerSettings, metrics: Metrics) -> Served:
    offered = tasks.COMMANDS[tasks.serving(run)]
    kind = next((kind for command, kind in _KINDS.items() if command in offered), None)
    if kind is None:
        described = tasks.named(run.task).described(run)
        raise RunError(f"{run.path} is {described}, which is not served; name another with --run")
    return kind(run, choice, settings, metrics)


def word_probabilities(output: Output) -> list[tuple[str, float | None]]:
    """The words of an output with the space before them, and the probability of the least probable token of each; None
    where tokens and text cannot be matched, as for single bytes."""
    words = output.text.split(" ")
    shown = [(" " if number else "") + word for number, word in enumerate(words)]
    pieces = [(piece.replace("▁", ""), score) for piece, score in zip(output.pieces, output.token_scores)]
    letters = "".join(piece for piece, _ in pieces if piece != "</s>")
    if letters != "".join(words):
        return [(word, None) for word in shown]
    left = (score for piece, score in pieces for _ in piece if piece != "</s>")  # a character each
    lowest = [min(islice(left, len(word)), default=0.0) for word in words]
    return [(word, math.exp(score)) for word, score in zip(shown, lowest)]
