"""What finished runs attend to, by PyTorch in float32: for each task, how a text becomes what its model reads.

Each function opens a run and returns one that reads texts: `attends(text, target)`. What the second text is depends on
the task; without it a model that answers texts answers by itself, as it usually does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.data import template
from seq2seq.data.batches import Tokens
from seq2seq.data.characters import visible
from seq2seq.data.conversations import Turn
from seq2seq.data.labelled import Labelled
from seq2seq.data.labelled_batches import Layout, tokens_of
from seq2seq.data.tokenizer import BOS, EOS, Tokenizer
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.attention import Attention, AttentionMap
from seq2seq.decoding.generation.generator import prompt_tokens
from seq2seq.decoding.hypothesis import NOT_FINITE
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.device import Numerics
from seq2seq.errors import DataError, RunError
from seq2seq.model.recording import recorded
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import models

Attends = Callable[[str, str | None], Attention]

_ANSWER = 60  # tokens of an assistant's own answer at most


def exactly(numerics: Numerics) -> Numerics:
    """In float32, whatever the recipe's precision."""
    return replace(numerics, autocast=None)


class TranslatorReader:
    """Source and target as a translator's model reads them."""

    def __init__(self, run: Run, numerics: Numerics) -> None:
        self.recipe = run.recipe()
        self.numerics = exactly(numerics)
        self.architecture = models.architecture(self.recipe)
        model, self.tokenizers = models.trained_model(run, self.numerics.device)
        self.model: Any = model.eval()
        data = self.recipe.data
        self._segmenter = Segmenter.of_run(run.path, run.record, data.source, data.target, "keep")
        self._options = models.options(self.recipe)

    def source(self, text: str) -> list[int]:
        """The tokens of a source, without EOS."""
        return self.tokenizers.encode_source([self._segmenter.read(text)])[0]

    def target(self, text: str) -> list[int]:
        """The tokens of a target, without BOS and EOS."""
        return self.tokenizers.target.encode([visible(text)])[0]

    def fits(self, source: Tokens, target: Tokens) -> bool:
        """Whether the model reads two sides together."""
        return 0 < max(len(source), len(target)) < models.longest_source(self.recipe)

    def __call__(self, text: str, target: str | None) -> Attention:
        """What the model attends to as it writes a target, its own best translation by default.

        Raises DataError where a side is blank or longer than the model reads, RunError where it writes nothing.
        """
        source = self.source(text)
        _must_fit(len(source), models.longest_source(self.recipe) - 1)
        tokens = self._translation(source) if target is None else self.target(target)
        _must_fit(len(tokens), models.longest_source(self.recipe) - 1)
        written = self.tokenizers.target.decode([tokens])[0] if target is None else target
        batch = self.architecture.layout.collate([source], [tokens]).to(self.numerics.device)
        before, after = _pieces(self.tokenizers.source, source), _pieces(self.tokenizers.target, tokens)
        predicted = (*after, "</s>")
        if self.architecture is models.DECODER_ONLY:
            return _attention(
                self.model, batch.inputs, text, written,
                target=(*before, "<s>", *after), predicted=("",) * len(before) + predicted,
            )  # fmt: skip
        return _attention(
            self.model, batch.inputs, text, written,
            source=(*before, "</s>"), target=("<s>", *after), predicted=predicted,
        )  # fmt: skip

    def _translation(self, source: list[int]) -> list[int]:
        engine = self.architecture.engine(self.model, self.numerics)
        (found,) = engine.translate([source], replace(self._options, token_scores=False, n_best=1))
        if not found:
            raise RunError(NOT_FINITE)
        return list(found[0].tokens)


def of_generator(run: Run, numerics: Numerics) -> Attends:
    """A model of running text: `target` follows the text."""
    gpt, tokenizers = models.trained_gpt(run, exactly(numerics).device)
    tokenizer, documents = tokenizers.target, run.record().get("text", {}).get("documents", 1) > 1

    def attends(text: str, target: str | None) -> Attention:
        tokens = [*prompt_tokens(tokenizer, text, documents=documents), *tokenizer.encode([target or ""])[0]]
        return _of_gpt(gpt, tokenizer, tokens, numerics, text, target or "")

    return attends


def of_assistant(run: Run, numerics: Numerics) -> Attends:
    """A model of conversations: `text` is what a user says, `target` the answer."""
    from seq2seq.decoding.generation.torch import TorchGenerator
    from seq2seq.decoding.options import GenerationOptions, Sampling

    numerics = exactly(numerics)
    gpt, tokenizers = models.trained_gpt(run, numerics.device)
    tokenizer = tokenizers.target

    def attends(text: str, target: str | None) -> Attention:
        asked = [*template.prompt_tokens(tokenizer, [(Turn("user", text),)])[0], BOS]
        _must_fit(len(asked), gpt.context - 1)
        if target is None:
            most = min(_ANSWER, gpt.context - len(asked))
            options = GenerationOptions(Sampling(temperature=0.0), max_tokens=most)
            (answer,) = TorchGenerator(gpt, tokenizer, numerics).generate(asked, options)
            tokens, target = list(answer.tokens), answer.text
        else:
            (tokens,) = tokenizer.encode([target])
        return _of_gpt(gpt, tokenizer, [*asked, *tokens], numerics, text, target)

    return attends


def of_classifier(run: Run, numerics: Numerics) -> Attends:
    """A classifier: `target` is the second text of one that judges two together."""
    from seq2seq.tasks.classification_opening import layout_of, trained_classifier

    model, classes, tokenizers = trained_classifier(run, numerics.device)
    recipe = run.recipe()
    texts = len(recipe.data.text.split(","))

    def attends(text: str, target: str | None) -> Attention:
        if (target is None) != (texts == 1):
            wanted = "one text, without a target" if texts == 1 else "two texts: the second as the target"
            raise DataError(f"{run.path} judges {wanted}")
        given = (text,) if target is None else (text, target)
        pieces, inputs = _row(tokenizers, layout_of(recipe), given, numerics)
        found = _attention(model, inputs, "\t".join(given), "", source=pieces)
        with torch.inference_mode():
            probabilities = model(*inputs)[0].float().softmax(-1)
        return replace(found, output=classes[int(probabilities.argmax())])

    return attends


def of_masked_encoder(recipe: Recipe, model: nn.Module, tokenizers: Tokenizers, numerics: Numerics) -> Attends:
    """A masked language model, which reads a line with nothing hidden; there is no target."""
    layout = Layout(recipe.data.max_length, first=False)

    def attends(text: str, target: str | None) -> Attention:
        if target is not None:
            raise DataError("an encoder reads one text: leave out the target")
        pieces, inputs = _row(tokenizers, layout, (text,), numerics)
        return _attention(model, inputs, text, "", source=pieces)

    return attends


def _row(
    tokenizers: Tokenizers, layout: Layout, texts: tuple[str, ...], numerics: Numerics
) -> tuple[tuple[str, ...], tuple[Tensor | None, ...]]:
    """The tokens of texts as an encoder reads them in one row, and the inputs of its forward pass."""
    tokens = tokens_of(tokenizers, [Labelled(texts, "")])[0]
    if not all(tokens):
        raise DataError(f"{texts!r:.60}: a blank text has nothing to attend to; give words")
    row = layout.row(tokens)
    return (*_pieces(tokenizers.source, row), "</s>"), layout.collate([row], [0]).to(numerics.device).inputs


def _of_gpt(
    gpt: nn.Module, tokenizer: Tokenizer, tokens: list[int], numerics: Numerics, text: str, output: str
) -> Attention:
    _must_fit(len(tokens), gpt.context)  # type: ignore[arg-type]
    pieces = _pieces(tokenizer, tokens)
    inputs = (torch.tensor([tokens], device=numerics.device),)
    return _attention(gpt, inputs, text, output, target=pieces, predicted=(*pieces[1:], ""))


def _pieces(tokenizer: Tokenizer, tokens: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(tokenizer.piece, tokens))


def _must_fit(length: int, longest: int) -> None:
    if not length:
        raise DataError("a blank text has nothing to attend to; give words")
    if length > longest:
        raise DataError(f"this is {length:,} tokens long, and the model reads {longest:,} at once: give a shorter text")


@torch.inference_mode()
def _attention(
    model: nn.Module,
    inputs: tuple[Tensor | None, ...],
    text: str,
    output: str,
    *,
    source: Sequence[str] = (),
    target: Sequence[str] = (),
    predicted: Sequence[str] = (),
) -> Attention:
    """The attention of a forward pass over one row: `source` are the tokens of an encoder, `target` those of a decoder,
    `predicted` what follows each of these."""
    _, record = recorded(model, *inputs)
    sides = {
        "cross": (target, source, predicted),
        "decoder": (target, target, predicted),
        "encoder": (source, source, ()),
    }
    maps = {}
    for kind, (queries, keys, then) in sides.items():
        own = [each for each in record if each.kind == kind]
        if own:
            layers = tuple(each.weights[0].float().cpu().numpy() for each in own)
            mask = own[0].mask[0, 0].cpu().numpy()
            maps[kind] = AttentionMap(kind, tuple(queries), tuple(keys), tuple(then), layers, mask)
    return Attention(text, output, **maps)
