"""Opens a finished classifier, as `translation_opening` does a translator; and the model of a classification recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.data.labelled_rows import Rows
from seq2seq.data.tokenizers import Tokenizers, read_both
from seq2seq.decoding.classification.classify import TextClassifier
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.run import Run
from seq2seq.tasks import must_offer
from seq2seq.tasks.opening import EngineChoice, copy_for, only_torch, torch_device, workers_on

if TYPE_CHECKING:
    import torch

    from seq2seq.data.labelled_batches import RowCollator
    from seq2seq.device import Choice
    from seq2seq.model.classifier import EncoderClassifier
    from seq2seq.model.stack import Encoder
    from seq2seq.recipe import Recipe


_BATCH = 2048  # padded tokens
_CACHED = 1024  # for CTranslate2 on a CPU, which is slower with larger ones: they exceed its caches


@dataclass(frozen=True)
class OpenedClassifier:
    """A classifier with its engine."""

    classifier: TextClassifier
    texts: int  # that it judges together
    engine: str  # with its precision and device
    missing: str = ""  # why the fast engine of a run does not serve, and how to get it


def open_classifier(run: Run, choice: EngineChoice) -> OpenedClassifier:
    """Open a run for classifying. Chooses the engine, and raises, as `open_translator`."""
    must_offer(run, "classify")
    copy, missing = copy_for(run, choice, only_torch(choice))
    return _classifier_of_run(run, choice, missing) if copy is None else _classifier_of_copy(run, copy, choice)


def _classifier_of_copy(run: Run, copy: Copy, choice: EngineChoice) -> OpenedClassifier:
    # Imported here: a command that uses torch does not need it.
    from seq2seq.interop.ctranslate2.classifier import load
    from seq2seq.interop.ctranslate2.loading import choose_device

    settings = copy.settings
    device = choose_device(choice.device)
    precision = copy.precision if choice.precision == "auto" else choice.precision
    workers, classes, tokenizers = workers_on(device), classes_of(run), read_both(run.path, joint=settings.joint)
    engine = load(copy, precision, device, workers, tokens=tokenizers.source.size, classes=len(classes))
    rows = Rows(settings.longest, first=settings.pooling == "first")
    batch_tokens = _CACHED if device == "cpu" else _BATCH
    classifier = TextClassifier(engine, classes, tokenizers, rows, workers=workers, batch_tokens=batch_tokens)
    return OpenedClassifier(classifier, settings.texts, f"CTranslate2, {precision}, {device}")


def _classifier_of_run(run: Run, choice: EngineChoice, missing: str) -> OpenedClassifier:
    device = torch_device(choice, "float32")
    texts = len(run.recipe().data.text.split(","))
    return OpenedClassifier(torch_classifier(run, device), texts, f"PyTorch, {device}", missing)


def torch_classifier(run: Run, device: Choice) -> TextClassifier:
    """The classifier of a finished run on a device, by PyTorch; on a CPU each thread has its own batch."""
    import torch

    from seq2seq.decoding.classification.torch import TorchEngine
    from seq2seq.device import work_alone

    model, classes, tokenizers = trained_classifier(run, device.numerics.device)
    workers = torch.get_num_threads() if device.numerics.device.type == "cpu" else 1
    engine, rows = TorchEngine(model, device.numerics), layout_of(run.recipe())
    return TextClassifier(
        engine, classes, tokenizers, rows, workers=workers, initializer=work_alone, batch_tokens=_BATCH
    )


def classes_of(run: Run) -> tuple[str, ...]:
    """The names of the classes of a finished classifier. Raises RunError where its record has none."""
    classes = run.record().get("classes")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        raise RunError(f"{run.path}: run.json does not say which classes the model knows; restore it from a backup")
    return tuple(classes)


def trained_classifier(run: Run, device: torch.device) -> tuple[EncoderClassifier, tuple[str, ...], Tokenizers]:
    """The model, the classes and the tokenizers of a finished classifier."""
    from seq2seq import sizes
    from seq2seq.storage.tensors import load_weights, read_weights
    from seq2seq.tasks.models import must_match, read_tokenizers

    recipe, weights = run.recipe(), read_weights(run.weights)
    tokenizers = read_tokenizers(recipe, run.path)
    classes = classes_of(run)
    size = tokenizers.source.size
    must_match(run, weights, "encoder.embedding.weight", size, f"the tokenizer has {size} tokens")
    must_match(run, weights, "head.weight", len(classes), f"run.json has {len(classes)} classes")
    sizes.must_fit_file(recipe.model, size, run.weights)
    trained = classifier(recipe, size, len(classes))
    load_weights(trained, weights, run.weights)
    run.must_be_unchanged(run.weights.name, "tokenizer")
    return trained.to(device).eval(), classes, tokenizers


def classifier(recipe: Recipe, vocabulary: int, classes: int) -> EncoderClassifier:
    """The model of a classification recipe, as `model`."""
    from seq2seq import sizes
    from seq2seq.model.classifier import EncoderClassifier

    sizes.must_fit_machine(recipe, vocabulary)
    return EncoderClassifier(recipe.model, vocabulary, classes, encoder_of(recipe))


def encoder_of(recipe: Recipe) -> type[Encoder]:
    """The encoder of a recipe's model: a decoder-only one is causal."""
    from seq2seq.model.stack import CausalEncoder, Encoder

    return CausalEncoder if recipe.model.architecture == "decoder-only" else Encoder


def layout_of(recipe: Recipe) -> RowCollator:
    """How texts become rows of the recipe's model."""
    from seq2seq.data.labelled_batches import RowCollator

    return RowCollator(recipe.data.max_length, first=recipe.model.pooling == "first")
