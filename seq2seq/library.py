"""The front door of the library: a finished run, opened by the engine that serves it by default. No torch here."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from seq2seq import tasks
from seq2seq.decoding.generation import chat
from seq2seq.decoding.options import DEFAULT, GenerationOptions, Sampling
from seq2seq.decoding.translation.segments import RULES
from seq2seq.errors import ArgumentError, RunError
from seq2seq.run import Run
from seq2seq.tasks.language_model_opening import OpenedGenerator, open_generator
from seq2seq.tasks.opening import EngineChoice, torch_device
from seq2seq.tasks.translation_opening import open_translator

if TYPE_CHECKING:
    from seq2seq.decoding.attention import Attention
    from seq2seq.decoding.classification.classify import Classified
    from seq2seq.tasks.attention import Attends

_WIDEST = 1000  # beams, as on the command line


def load(
    path: str | os.PathLike[str],
    *,
    engine: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    beam_size: int | None = None,
    length_penalty: float | None = None,
    sentences: str = "auto",
) -> Translator | Generator | Assistant | Classifier:
    """Open a finished run folder, or a pack: a Translator, the Generator of a language model, the Assistant of a
    chat model, or a Classifier.

    The options are those of `seqx translate`; the last three are a translator's. Raises RunError where there is no
    finished run, DeviceError for a device that does not exist.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ArgumentError(f"load({path!r}): give the path of a run folder, for example load('runs/fr-en')")
    if sentences not in RULES:
        raise ArgumentError(f"sentences = {sentences!r:.40}: give one of {', '.join(RULES)}")
    run = tasks.open_run(Path(path), "load")
    choice = EngineChoice(engine, precision, device, beam_size, length_penalty, sentences=sentences)
    opened = next((kind for command, kind in _KINDS.items() if command in tasks.COMMANDS[tasks.serving(run)]), None)
    if opened is None:
        described = tasks.named(run.task).described(run)
        raise RunError(f"{path} is {described}, which others start from: `seqx train --start {path}`")
    if opened is not Translator and (beam_size is not None or length_penalty is not None or sentences != "auto"):
        described = tasks.named(run.task).described(run)
        raise ArgumentError(f"{path} is {described}: beam_size, length_penalty and sentences are a translator's")
    return opened(run, choice)


class _Opened:
    """A finished model; an unknown attribute is an error that lists the known ones."""

    def __init__(self, run: Run, choice: EngineChoice) -> None:
        """Use `load`."""
        self._run = run
        self._choice = choice
        self._attends: Attends | None = None

    def attention(self, text: str, target: str | None = None) -> Attention:
        """What the model attends to as it reads a text, by PyTorch in float32: tokens, and an array (heads, queries,
        keys) for each layer of each kind of attention, `cross`, `decoder` and `encoder`.

        `target`: the translation, continuation or answer to look at, or the second text of a classifier of two. By
        default a translator and an assistant write their own. Raises DataError where a text is blank or too long.
        """
        for name, given in (("text", text), ("target", target or "")):
            if not isinstance(given, str):
                raise ArgumentError(f"attention: {name} = {given!r:.40}: give one text")
        if self._attends is None:
            numerics = torch_device(EngineChoice(device=self._choice.device), "float32").numerics
            self._attends = tasks.of(self._run.recipe()).served().attention(self._run, numerics)
        return self._attends(text, target)

    if not TYPE_CHECKING:  # else a type checker would accept any attribute

        def __getattr__(self, name: str) -> Any:
            kind = type(self).__name__
            offered = ", ".join(each for each in vars(type(self)) if not each.startswith("_"))
            owner = next((f"; {name} is a {other.__name__}'s" for other in _KINDS.values() if name in vars(other)), "")
            raise AttributeError(f"a seq2seq.{kind} has no {name}{owner}; it has {offered}", name=name, obj=self)


class Translator(_Opened):
    """A finished translator."""

    def __init__(self, run: Run, choice: EngineChoice) -> None:
        """Use `load`."""
        super().__init__(run, choice)
        opened = open_translator(run, choice)
        self._translator = opened.translator
        self._options = opened.options
        self.source = opened.source  # language codes
        self.target = opened.target
        self.engine = opened.engine

    def __repr__(self) -> str:
        return f"<seq2seq.Translator, {self.source} to {self.target}, by {self.engine}>"

    @overload
    def translate(self, text: str, *, beam_size: int | None = ...) -> str: ...  # type: ignore[overload-overlap] # a str is a sequence of str too
    @overload
    def translate(self, text: Sequence[str], *, beam_size: int | None = ...) -> list[str]: ...
    @overload
    def translate(self, text: str, *, beam_size: int | None = ..., n_best: int) -> list[str]: ...  # type: ignore[overload-overlap]
    @overload
    def translate(self, text: Sequence[str], *, beam_size: int | None = ..., n_best: int) -> list[list[str]]: ...
    def translate(
        self, text: str | Sequence[str], *, beam_size: int | None = None, n_best: int | None = None
    ) -> str | list[str] | list[list[str]]:
        """The best translation of a text; of several texts, one each, in order. Lines are translated by themselves.

        `beam_size` defaults to that of `load`. With `n_best`, a list of up to so many different translations, best
        first; each text must be one line. Raises RunError where the model cannot compute a translation.
        """
        for name, number in (("beam_size", beam_size), ("n_best", n_best)):
            if number is not None and not (isinstance(number, int) and 1 <= number <= _WIDEST):
                raise ArgumentError(f"{name} = {number!r:.40}: give a number from 1 to {_WIDEST}")
        lines = [one.split("\n") for one in _several(text, "text")]
        if n_best is not None and any(len(each) > 1 for each in lines):
            raise ArgumentError("n_best: give texts of one line each")
        options = self._options.with_beam(beam_size, None, n_best or 1)
        done = self._translator.stream((line for each in lines for line in each), options)
        if n_best is not None:
            groups = [[output.text for output in translation.outputs] for translation in done]
            return groups[0] if isinstance(text, str) else groups
        translations = ["\n".join(next(done).text for _ in each) for each in lines]
        return translations[0] if isinstance(text, str) else translations

    @overload
    def score(self, source: str, target: str) -> float | None: ...  # type: ignore[overload-overlap]
    @overload
    def score(self, source: Sequence[str], target: Sequence[str]) -> list[float | None]: ...
    def score(self, source: str | Sequence[str], target: str | Sequence[str]) -> float | list[float | None] | None:
        """The score that the model gives a translation: its natural-log probability over the length penalty; None where
        a side is blank or longer than the model takes. For several pairs, one each."""
        sources, targets = _several(source, "source"), _several(target, "target")
        if isinstance(source, str) != isinstance(target, str) or len(sources) != len(targets):
            raise ArgumentError("source and target: give two texts, or two lists of equal length")
        scores = [None if each is None else each.score for each in self._translator.score(sources, targets)]
        return scores[0] if isinstance(source, str) else scores


class Generator(_Opened):
    """A finished language model."""

    def __init__(self, run: Run, choice: EngineChoice) -> None:
        """Use `load`."""
        super().__init__(run, choice)
        self._opened: dict[str, OpenedGenerator] = {}
        self.engine = self._open(DEFAULT).engine

    def __repr__(self) -> str:
        return f"<seq2seq.Generator, by {self.engine}>"

    def generate(
        self,
        prompt: str = "",
        *,
        max_tokens: int = 500,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        stop: Sequence[str] = (),
    ) -> str:
        """What follows a prompt, without the prompt. The options are those of `seqx generate`; without a seed each call
        draws another text."""
        if not isinstance(prompt, str):
            raise ArgumentError(f"generate({prompt!r:.40}): a prompt is one text")
        options = _drawn(Sampling(temperature, top_k, top_p, _seed(seed), min_p, repetition_penalty), max_tokens, stop)
        return self._open(options).generator.generate(prompt, options)[0].text

    def _open(self, options: GenerationOptions) -> OpenedGenerator:
        """A generator by the engine that supports the options, opened once."""
        from seq2seq.interop.ctranslate2.generator import inexpressible

        reason = inexpressible(options)
        if reason not in self._opened:
            self._opened[reason] = open_generator(self._run, self._choice, options)
        return self._opened[reason]


class Assistant(Generator):
    """A finished chat model; it continues text too."""

    def __repr__(self) -> str:
        return f"<seq2seq.Assistant, by {self.engine}>"

    def answer(
        self,
        messages: str | Sequence[Mapping[str, str]],
        *,
        max_tokens: int = 200,
        temperature: float = 0.7,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> str:
        """The answer to what a user says: a text, or messages, each with `role` (system, user, assistant) and
        `content`, the last a user's. Messages that do not fit into the context are left out, the oldest first. Without
        a seed each call draws another answer. Raises DataError where a role is another, or the last is too long."""
        given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        turns = chat.turns_of(given)
        options = _drawn(Sampling(temperature, top_k, top_p, _seed(seed)), max_tokens)
        opened = self._open(options)
        tokens, _ = chat.prompt(opened.tokenizer, turns, self._run.recipe().model.max_length, max_tokens)
        return opened.generator.generate(tokens, options)[0].text


class Classifier(_Opened):
    """A finished classifier."""

    def __init__(self, run: Run, choice: EngineChoice) -> None:
        """Use `load`."""
        from seq2seq.tasks.classification_opening import open_classifier

        super().__init__(run, choice)
        opened = open_classifier(run, choice)
        self._classifier = opened.classifier
        self._texts = opened.texts
        self.classes = opened.classifier.classes
        self.engine = opened.engine

    def __repr__(self) -> str:
        return f"<seq2seq.Classifier, {len(self.classes)} classes, by {self.engine}>"

    @overload
    def classify(self, text: str, other: str | None = ...) -> Classified: ...  # type: ignore[overload-overlap]
    @overload
    def classify(self, text: Sequence[str], other: Sequence[str] | None = ...) -> list[Classified]: ...
    def classify(
        self, text: str | Sequence[str], other: str | Sequence[str] | None = None
    ) -> Classified | list[Classified]:
        """The class of a text, with the probability of every class; of several texts, one each, in order. `other` is
        the second text of a model that judges two together. A blank text has no class: its label is None."""
        sides = [_several(text, "text")] + ([_several(other, "other")] if other is not None else [])
        if len(sides) != self._texts:
            takes = "two texts, text and other," if self._texts > 1 else "one text, without other,"
            raise ArgumentError(f"classify: this model reads {takes} at a time")
        if other is not None and (isinstance(text, str) != isinstance(other, str) or len(sides[0]) != len(sides[1])):
            raise ArgumentError("text and other: give two texts, or two lists of equal length")
        done = self._classifier.classify([*zip(*sides)])
        return done[0] if isinstance(text, str) else done


# By what a run offers.
_KINDS: dict[str, type[Translator | Generator | Classifier]] = {
    "translate": Translator,
    "chat": Assistant,
    "generate": Generator,
    "classify": Classifier,
}


def _seed(given: int | None) -> int:
    return secrets.randbelow(2**31) if given is None else given


def _drawn(sampling: Sampling, max_tokens: int, stop: Sequence[str] = ()) -> GenerationOptions:
    """Options of texts drawn at random. Raises ArgumentError."""
    if isinstance(stop, str):
        raise ArgumentError(f"stop = {stop!r:.40}: give a list of texts, [{stop!r:.40}]")
    temperature, top_p, min_p = sampling.temperature, sampling.top_p, sampling.min_p
    if not (0 <= temperature < math.inf and 0 < top_p <= 1 and 0 <= min_p <= 1 and sampling.repetition_penalty > 0):
        raise ArgumentError(
            f"temperature = {temperature}, top_p = {top_p}, min_p = {min_p}, repetition_penalty = "
            f"{sampling.repetition_penalty}: give 0 or above, above 0 up to 1, 0 to 1, above 0"
        )
    return GenerationOptions(sampling, max_tokens, tuple(stop))


def _several(given: str | Sequence[str], name: str) -> Sequence[str]:
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, Sequence) or not all(isinstance(each, str) for each in several):
        raise ArgumentError(f"{name} = {given!r:.40}: give a text or a list of texts")
    return several
