"""The model of a classification recipe, and that of a finished run, opened by PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from seq2seq import sizes
from seq2seq.data.labelled_batches import Layout
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.classification import TorchClassifier
from seq2seq.device import Choice
from seq2seq.errors import RunError
from seq2seq.model.classifier import Classifier
from seq2seq.model.stack import CausalEncoder, Encoder
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.tensors import load_weights, read_weights
from seq2seq.tasks import must_offer
from seq2seq.tasks.models import read_tokenizers
from seq2seq.tasks.opening import EngineChoice, copy_for, torch_device


@dataclass(frozen=True)
class OpenedClassifier:
    """A classifier with its engine."""

    classifier: TorchClassifier
    engine: str  # with its precision and device


def open_classifier(run: Run, choice: EngineChoice) -> OpenedClassifier:
    """Open a run for classifying, by PyTorch. Raises RunError where it is not a classifier."""
    must_offer(run, "classify")
    copy_for(run, choice, "only PyTorch serves classifiers")
    device = torch_device(choice, "float32")
    return OpenedClassifier(torch_classifier(run, device), f"PyTorch, {device}")


def torch_classifier(run: Run, device: Choice) -> TorchClassifier:
    """The classifier of a finished run on a device."""
    model, classes, tokenizers = trained_classifier(run, device.numerics.device)
    return TorchClassifier(model, classes, tokenizers, layout_of(run.recipe()), device.numerics)


def trained_classifier(run: Run, device: torch.device) -> tuple[Classifier, tuple[str, ...], Tokenizers]:
    """The model, the classes and the tokenizers of a finished classifier."""
    recipe, weights = run.recipe(), read_weights(run.weights)
    tokenizers = read_tokenizers(recipe, run.path)
    classes = run.record().get("classes")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        raise RunError(f"{run.path}: run.json does not say which classes the model knows; restore it from a backup")
    for key, size, what in (
        ("encoder.embedding.weight", tokenizers.source.size, "the tokenizer has {} tokens"),
        ("head.weight", len(classes), "run.json has {} classes"),
    ):
        if key in weights and weights[key].dim() == 2 and weights[key].size(0) != size:
            raise RunError(
                f"{run.path}: {what.format(size)}, {key} has {weights[key].size(0)}: they are of different runs"
            )
    sizes.must_fit_file(recipe.model, tokenizers.source.size, run.weights)
    trained = classifier(recipe, tokenizers.source.size, len(classes))
    load_weights(trained, weights, run.weights)
    run.must_be_unchanged(run.weights.name, "tokenizer")
    return trained.to(device).eval(), tuple(classes), tokenizers


def classifier(recipe: Recipe, vocabulary: int, classes: int) -> Classifier:
    """The model of a classification recipe, as `model`."""
    sizes.must_fit_machine(recipe, vocabulary)
    return Classifier(recipe.model, vocabulary, classes, encoder_of(recipe))


def encoder_of(recipe: Recipe) -> type[Encoder]:
    """The encoder of a recipe's model: a decoder-only one is causal."""
    return CausalEncoder if recipe.model.architecture == "decoder-only" else Encoder


def layout_of(recipe: Recipe) -> Layout:
    """How texts become rows of the recipe's model."""
    return Layout(recipe.data.max_length, first=recipe.model.pooling == "first")
