"""Opens a finished run with the engine that supports the options. Torch is imported only where it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seq2seq import limits
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.data.tokenizers import read_both
from seq2seq.decoding.options import GenerationOptions, Sampling, SearchOptions
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.translate import Translator
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.run import Run
from seq2seq.tasks import must_offer

if TYPE_CHECKING:
    from seq2seq.decoding.classification import TorchClassifier
    from seq2seq.decoding.generation.generator import Generator
    from seq2seq.device import Choice

_CACHED = 2048  # tokens of a batch, over all beams: larger ones exceed the caches of a CPU, and are slower


@dataclass(frozen=True)
class EngineChoice:
    """Which engine opens a run, and how it translates; None and "auto" take the run's defaults."""

    engine: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    beam_size: int | None = None
    length_penalty: float | None = None
    n_best: int = 1
    sampling: Sampling | None = None
    token_scores: bool = False
    sentences: str = "auto"  # rule of `Segmenter`

    def options(self, usual: SearchOptions) -> SearchOptions:
        """Search options; `usual` holds the recipe's defaults."""
        usual = replace(usual, sampling=self.sampling, token_scores=self.token_scores)
        return usual.with_beam(self.beam_size, self.length_penalty, self.n_best)


@dataclass(frozen=True)
class OpenedTranslator:
    """A translator with its languages, options and engine."""

    translator: Translator
    source: str  # language codes
    target: str
    options: SearchOptions
    engine: str  # with its precision and device
    missing: str = ""  # why the fast engine of a run does not serve, and how to get it


@dataclass(frozen=True)
class OpenedGenerator:
    """A generator with its tokenizer and engine."""

    generator: Generator
    tokenizer: Tokenizer
    engine: str  # with its precision and device
    missing: str = ""  # why the fast engine of a run does not serve, and how to get it


@dataclass(frozen=True)
class OpenedClassifier:
    """A classifier with its engine."""

    classifier: TorchClassifier
    engine: str  # with its precision and device


def open_translator(run: Run, choice: EngineChoice) -> OpenedTranslator:
    """Open a run for translating. `auto` takes CTranslate2 where the run has a current copy that supports the options,
    else PyTorch.

    Raises RunError where the run is not a translator, or the named engine does not support the options; DeviceError
    for a device that does not exist.
    """
    must_offer(run, "translate")
    reason = _only_torch(choice) or ("only PyTorch draws translations at random" if choice.sampling else "")
    copy, missing = _copy_for(run, choice, reason)
    return _translator_of_run(run, choice, missing) if copy is None else _translator_of_copy(run, copy, choice)


def open_generator(run: Run, choice: EngineChoice, options: GenerationOptions) -> OpenedGenerator:
    """Open a run for generating with some options. Chooses the engine, and raises, as `open_translator` does."""
    from seq2seq.interop.ctranslate2.generator import inexpressible

    must_offer(run, "generate")
    copy, missing = _copy_for(run, choice, _only_torch(choice) or inexpressible(options))
    return _generator_of_run(run, choice, missing) if copy is None else _generator_of_copy(run, copy, choice)


def open_classifier(run: Run, choice: EngineChoice) -> OpenedClassifier:
    """Open a run for classifying, by PyTorch. Raises as `open_translator` does."""
    must_offer(run, "classify")
    _copy_for(run, choice, "only PyTorch serves classifiers")
    device = _torch_device(choice, "float32")
    return OpenedClassifier(torch_classifier(run, device), f"PyTorch, {device}")


def torch_classifier(run: Run, device: Choice) -> TorchClassifier:
    """The classifier of a finished run on a device."""
    from seq2seq.decoding.classification import TorchClassifier
    from seq2seq.tasks import models
    from seq2seq.tasks.classification_training import layout_of

    model, classes, tokenizers = models.trained_classifier(run, device.numerics.device)
    return TorchClassifier(model, classes, tokenizers, layout_of(run.recipe()), device.numerics)


def _copy_for(run: Run, choice: EngineChoice, reason: str) -> tuple[Copy | None, str]:
    """The CTranslate2 copy to use, or None for PyTorch and why there is no copy. `reason`: why CTranslate2 does not
    support the options, whatever the run; empty where it does."""
    if choice.engine == "torch":
        return None, ""
    copy = None if reason else copies.read(run.path)
    if copy is not None:
        if not copy.has(precision := copy.precision if choice.precision == "auto" else choice.precision):
            raise RunError(f"{run.path} is a pack with {copy.precision} alone: leave out --precision {precision}")
        return copy, ""
    if run.packed:
        run.must_have_weights()
    missing = "" if reason else _missing(run)
    if choice.engine == "ctranslate2" or choice.precision == "int8":
        run.must_be_unchanged(run.weights.name, "tokenizer")
        raise RunError(missing or f"{reason}; leave out --engine and --precision, or use --engine torch")
    return None, missing


def _only_torch(choice: EngineChoice) -> str:
    """Why CTranslate2 cannot serve a choice, whatever the run; empty where it can."""
    if choice.device == "mps":
        return "CTranslate2 has no --device mps"
    if choice.precision == "bfloat16":
        return "CTranslate2 serves in float32 and int8, not --precision bfloat16"
    return ""


def _missing(run: Run) -> str:
    if refused := run.record().get("ctranslate2", {}).get("refused"):
        return str(refused)
    stale = (run.path / copies.FOLDER).exists()
    return (
        f"{run.path} has {'a CTranslate2 copy of other weights' if stale else 'no CTranslate2 copy'}: PyTorch "
        f"serves, which is slower; `seqx export --run {run.path}` makes one"
    )


def _translator_of_copy(run: Run, copy: Copy, choice: EngineChoice) -> OpenedTranslator:
    # Imported here: a command that uses torch does not need it.
    from seq2seq.interop.ctranslate2.engine import load
    from seq2seq.interop.ctranslate2.loading import choose_device

    settings = copy.settings
    device = choose_device(choice.device)
    precision = copy.precision if choice.precision == "auto" else choice.precision
    options = choice.options(
        SearchOptions(
            settings.beam_size,
            settings.length_penalty,
            max_extra=settings.max_extra,
            batch_tokens=min(settings.batch_tokens, _CACHED) if device == "cpu" else settings.batch_tokens,
        )
    )
    workers = _workers(device)
    engine = load(copy, precision, device, workers)
    scoring = "float32" if choice.precision == "auto" and copy.has("float32") else precision

    def exact() -> Engine:
        return engine if precision == scoring else load(copy, scoring, device, workers)

    translator = Translator(
        engine,
        read_both(run.path, joint=settings.joint),
        options,
        settings.longest,
        segmenter=Segmenter.of_run(run.path, run.record, settings.source, settings.target, choice.sentences),
        scorer=Scorer(exact, together=device != "cpu"),
        workers=workers,
    )
    return OpenedTranslator(
        translator, settings.source, settings.target, options, f"CTranslate2, {precision}, {device}"
    )


def _generator_of_copy(run: Run, copy: Copy, choice: EngineChoice) -> OpenedGenerator:
    from seq2seq.interop.ctranslate2.generator import CTranslate2Generator
    from seq2seq.interop.ctranslate2.loading import choose_device

    device = choose_device(choice.device)
    precision = copy.precision if choice.precision == "auto" else choice.precision
    tokenizer = read_both(run.path, joint=True).target
    generator = CTranslate2Generator(copy, precision, device, tokenizer, workers=_workers(device))
    return OpenedGenerator(generator, tokenizer, f"CTranslate2, {precision}, {device}")


def _workers(device: str) -> int:
    return limits.threads() if device == "cpu" else 1


def _translator_of_run(run: Run, choice: EngineChoice, missing: str) -> OpenedTranslator:
    from seq2seq.tasks import models

    recipe = run.recipe()
    source, target = recipe.data.source, recipe.data.target
    options = choice.options(models.options(recipe))
    device = _torch_device(choice, recipe.training.precision)
    numerics, engine = device.numerics, models.architecture(recipe).engine
    model, tokenizers = models.trained_model(run, numerics.device)
    scoring = replace(numerics, autocast=None) if choice.precision == "auto" else numerics
    translator = models.translating(
        engine(model, numerics),
        numerics.device,
        tokenizers,
        options,
        models.longest_source(recipe),
        Segmenter.of_run(run.path, run.record, source, target, choice.sentences),
        Scorer(lambda: engine(model, scoring), together=numerics.device.type != "cpu"),
    )
    return OpenedTranslator(translator, source, target, options, f"PyTorch, {device}", missing)


def _generator_of_run(run: Run, choice: EngineChoice, missing: str) -> OpenedGenerator:
    from seq2seq.decoding.generation.torch import TorchGenerator
    from seq2seq.tasks import models

    # Decoding token by token is bound by reading the weights: converting them to bfloat16 costs more than it saves.
    device = _torch_device(choice, "float32")
    gpt, tokenizers = models.trained_gpt(run, device.numerics.device)
    several = run.record().get("text", {}).get("documents", 1) > 1
    generator = TorchGenerator(gpt, tokenizers.target, device.numerics, documents=several)
    return OpenedGenerator(generator, tokenizers.target, f"PyTorch, {device}", missing)


def _torch_device(choice: EngineChoice, usual: str) -> Choice:
    from seq2seq import device

    if choice.precision == "int8":
        raise RunError("PyTorch serves in float32 and bfloat16, not --precision int8; leave out --engine torch")
    return device.choose(choice.device, usual if choice.precision == "auto" else choice.precision)
