"""Opens a finished translator with the engine that supports the options. Torch is imported only where it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seq2seq.data.tokenizers import read_both
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.run import Run
from seq2seq.tasks import must_offer
from seq2seq.tasks.opening import EngineChoice, copy_for, only_torch, torch_device, workers_on

_CACHED = 2048  # tokens of a batch, over all beams: larger ones exceed the caches of a CPU, and are slower


@dataclass(frozen=True)
class OpenedTranslator:
    """A translator with its languages, options and engine."""

    translator: TextTranslator
    source: str  # language codes
    target: str
    options: SearchOptions
    engine: str  # with its precision and device
    missing: str = ""  # why the fast engine of a run does not serve, and how to get it


def open_translator(run: Run, choice: EngineChoice) -> OpenedTranslator:
    """Open a run for translating. `auto` takes CTranslate2 where the run has a current copy that supports the options,
    else PyTorch.

    Raises RunError where the run is not a translator, or the named engine does not support the options; DeviceError
    for a device that does not exist.
    """
    must_offer(run, "translate")
    reason = only_torch(choice) or ("only PyTorch draws translations at random" if choice.sampling else "")
    copy, missing = copy_for(run, choice, reason)
    return _translator_of_run(run, choice, missing) if copy is None else _translator_of_copy(run, copy, choice)


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
    workers = workers_on(device)
    engine = load(copy, precision, device, workers)
    scoring = "float32" if choice.precision == "auto" and copy.has("float32") else precision

    def exact() -> Engine:
        return engine if precision == scoring else load(copy, scoring, device, workers)

    translator = TextTranslator(
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


def _translator_of_run(run: Run, choice: EngineChoice, missing: str) -> OpenedTranslator:
    from seq2seq.tasks import models

    recipe = run.recipe()
    source, target = recipe.data.source, recipe.data.target
    options = choice.options(models.options(recipe))
    device = torch_device(choice, recipe.training.precision)
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
