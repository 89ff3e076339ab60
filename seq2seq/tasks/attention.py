"""What finished runs attend to, by PyTorch in float32: for each task, how a text becomes what its model reads.

Each function opens a run and returns one that reads texts, `attends(text, target)`. What the target is depends on the
task; without one, a model that answers what it reads answers by itself, as it usually does. They raise DataError where
a text is blank or longer than the model reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.data import template
from seq2seq.data.batches import TokenSequence
from seq2seq.data.characters import visible
from seq2seq.data.conversations import Turn
from seq2seq.data.labelled_batches import RowCollator
from seq2seq.data.labelled_rows import tokens_of
from seq2seq.data.tokenizer import BOS, EOS, SPECIAL, Tokenizer
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.attention import Attention, AttentionMap
from seq2seq.decoding.generation.generator import prompt_tokens
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.hypothesis import NOT_FINITE
from seq2seq.decoding.options import GenerationOptions, Sampling
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.device import Numerics
from seq2seq.errors import DataError, RunError
from seq2seq.model.recording import AttentionKind, recorded
from seq2seq.model.scored import Scored
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import models
from seq2seq.tasks.models import Architecture

Attends = Callable[[str, str | None], Attention]

_ANSWER = 60  # tokens of an assistant's own answer at most
_BEGIN, _END = SPECIAL[BOS], SPECIAL[EOS]


class TranslatorReader:
    """Sources and targets as a translator's model reads them; called, what it attends to as it writes a target, its own
    best translation by default."""

    def __init__(self, run: Run, numerics: Numerics) -> None:
        self.recipe = run.recipe()
        self.numerics = replace(numerics, autocast=None)
        self.architecture = models.architecture(self.recipe)
        self.joined = self.architecture is models.DECODER_ONLY  # source and target are one sequence
        model, self.tokenizers = models.trained_model(run, numerics.device)
        self.model: Any = model.eval()
        self._longest = models.longest_source(self.recipe) - 1
        data = self.recipe.data
        self._segmenter = Segmenter.of_run(run.path, run.record, data.source, data.target, "keep")

    def source(self, text: str) -> list[int]:
        """The tokens of a source, without EOS."""
        return self.tokenizers.encode_source([self._segmenter.read(text)])[0]

    def target(self, text: str) -> list[int]:
        """The tokens of a target, without BOS and EOS."""
        return self.tokenizers.target.encode([visible(text)])[0]

    def fits(self, tokens: TokenSequence) -> bool:
        """Whether a side is neither blank nor too long for the model."""
        return 0 < len(tokens) <= self._longest

    def __call__(self, text: str, target: str | None) -> Attention:
        """See `Attends`. Raises RunError where the model writes no translation."""
        source = self.source(text)
        _must_fit(len(source), self._longest)
        if target is None:
            tokens = self._translation(source)
            target = self.tokenizers.target.decode([tokens])[0]
        else:
            tokens = self.target(target)
            _must_fit(len(tokens), self._longest)
        return _of_pair(self.model, self.architecture, self.tokenizers, self.numerics, (source, tokens), (text, target))

    def _translation(self, source: list[int]) -> list[int]:
        engine = self.architecture.engine(self.model, self.numerics)
        (found,) = engine.translate([source], replace(models.options(self.recipe), token_scores=False))
        if not found:
            raise RunError(NOT_FINITE)
        return list(found[0].tokens)


def of_generator(run: Run, numerics: Numerics) -> Attends:
    """A language model: a target is what follows the text."""
    gpt, tokenizers = models.trained_gpt(run, numerics.device)
    tokenizer, documents = tokenizers.target, run.record().get("text", {}).get("documents", 1) > 1

    def attends(text: str, target: str | None) -> Attention:
        tokens = [*prompt_tokens(tokenizer, text, documents=documents), *tokenizer.encode([target or ""])[0]]
        _must_fit(len(tokens), gpt.context)
        inputs = (torch.tensor([tokens], device=numerics.device),)
        pieces = _pieces(tokenizer, tokens)
        return _attention(gpt, inputs, (text, target or ""), target=pieces, predicted=(*pieces[1:], ""))

    return attends


def of_assistant(run: Run, numerics: Numerics) -> Attends:
    """A chat model: a text is what a user says, a target the answer."""
    numerics = replace(numerics, autocast=None)
    gpt, tokenizers = models.trained_gpt(run, numerics.device)
    tokenizer = tokenizers.target

    def attends(text: str, target: str | None) -> Attention:
        (asked,) = template.prompt_tokens(tokenizer, [(Turn("user", text),)])
        _must_fit(len(asked), gpt.context - 2)
        if target is None:
            most = min(_ANSWER, gpt.context - len(asked) - 1)
            options = GenerationOptions(Sampling(temperature=0.0), max_tokens=most)
            (answer,) = TorchGenerator(gpt, tokenizer, numerics).generate([*asked, BOS], options)
            tokens, target = list(answer.tokens), answer.text
        else:
            (tokens,) = tokenizer.encode([target])
        _must_fit(len(asked) + 1 + len(tokens), gpt.context)
        return _of_pair(gpt, models.DECODER_ONLY, tokenizers, numerics, (asked, tokens), (text, target))

    return attends


def of_classifier(run: Run, numerics: Numerics) -> Attends:
    """A classifier: a target is the second text of one that judges two together."""
    from seq2seq.tasks.classification_opening import layout_of, trained_classifier

    model, classes, tokenizers = trained_classifier(run, numerics.device)
    recipe = run.recipe()
    alone = "," not in recipe.data.text

    def attends(text: str, target: str | None) -> Attention:
        if (target is None) != alone:
            wanted = "one text: leave out the target" if alone else "two texts: give the second as the target"
            raise DataError(f"{run.path} judges {wanted}")
        given = (text,) if target is None else (text, target)
        pieces, inputs = _row(tokenizers, layout_of(recipe), given, numerics)
        with torch.inference_mode():
            best = int(model(*inputs)[0].argmax())
        return _attention(model, inputs, ("\n".join(given), classes[best]), source=pieces)

    return attends


def of_masked_encoder(recipe: Recipe, model: nn.Module, tokenizers: Tokenizers, numerics: Numerics) -> Attends:
    """A masked language model, which reads a line with nothing hidden; there is no target."""

    def attends(text: str, target: str | None) -> Attention:
        if target is not None:
            raise DataError("an encoder reads one text: leave out the target")
        pieces, inputs = _row(tokenizers, RowCollator(recipe.data.max_length, first=False), (text,), numerics)
        return _attention(model, inputs, (text, ""), source=pieces)

    return attends


def of_reward_model(recipe: Recipe, scored: Scored, tokenizers: Tokenizers, numerics: Numerics) -> Attends:
    """A reward model, whose recipe is `recipe`: a target is the completion that it values."""
    architecture = models.architecture(recipe)
    base = recipe.model_copy(update={"task": recipe.base})

    def attends(text: str, target: str | None) -> Attention:
        if target is None:
            raise DataError("a reward model values a completion: give it as the target")
        (prompt,) = models.encode_prompts(base, tokenizers, [(Turn("user", text),)])
        (completion,) = tokenizers.target.encode([target])
        both = architecture.sides > 1
        for length in (len(prompt) + len(completion),) if both else (len(prompt), len(completion)):
            _must_fit(length, recipe.model.max_length - 1)
        batch = architecture.layout.collate([prompt], [completion]).to(numerics.device)
        with torch.inference_mode():
            reward = float(scored.rewards(batch.inputs, batch.labels, batch.mask)[0])
        sides = prompt, completion
        return _of_pair(scored.trunk, architecture, tokenizers, numerics, sides, (text, f"{target} ({reward:.3f})"))

    return attends


def _of_pair(
    model: nn.Module,
    architecture: Architecture,
    tokenizers: Tokenizers,
    numerics: Numerics,
    tokens: tuple[list[int], list[int]],
    texts: tuple[str, str],
) -> Attention:
    """The attention of a model that reads two sides, given their tokens without BOS and EOS."""
    batch = architecture.layout.collate([tokens[0]], [tokens[1]]).to(numerics.device)
    before, after = _pieces(tokenizers.source, tokens[0]), _pieces(tokenizers.target, tokens[1])
    source, target, predicted = (*before, _END), (_BEGIN, *after), (*after, _END)
    if architecture.sides > 1:  # one sequence, of which the second part is predicted
        source, target, predicted = (), (*before, *target), (*("" for _ in before), *predicted)
    return _attention(model, batch.inputs, texts, source=source, target=target, predicted=predicted)


def _row(
    tokenizers: Tokenizers, layout: RowCollator, texts: tuple[str, ...], numerics: Numerics
) -> tuple[tuple[str, ...], tuple[Tensor | None, ...]]:
    """The tokens of texts as an encoder reads them in one row, and the inputs of its forward pass."""
    tokens = tokens_of(tokenizers, [texts])[0]
    _must_fit(min(map(len, tokens)))
    row = layout.row(tokens)
    return (*_pieces(tokenizers.source, row), _END), layout.collate([row], [0]).to(numerics.device).inputs


def _pieces(tokenizer: Tokenizer, tokens: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(tokenizer.piece, tokens))


def _must_fit(length: int, longest: int | None = None) -> None:
    if not length:
        raise DataError("a blank text has nothing to attend to; give words")
    if longest is not None and length > longest:
        raise DataError(f"this is {length:,} tokens long, and the model reads {longest:,} at once: give a shorter text")


@torch.inference_mode()
def _attention(
    model: nn.Module,
    inputs: tuple[Tensor | None, ...],
    texts: tuple[str, str],
    *,
    source: Sequence[str] = (),
    target: Sequence[str] = (),
    predicted: Sequence[str] = (),
) -> Attention:
    """The attention of a forward pass over one row: `source` are the tokens of an encoder, `target` those of a decoder,
    `predicted` what follows each of these."""
    _, record = recorded(model, *inputs)

    def of(
        kind: AttentionKind, queries: Sequence[str], keys: Sequence[str], then: Sequence[str] = ()
    ) -> AttentionMap | None:
        own = [each for each in record if each.kind == kind]
        if not own:
            return None
        layers = tuple(each.weights[0].float().cpu().numpy() for each in own)
        return AttentionMap(kind, tuple(queries), tuple(keys), tuple(then), layers, own[0].mask[0, 0].cpu().numpy())

    cross, decoder = of("cross", target, source, predicted), of("decoder", target, target, predicted)
    return Attention(*texts, cross, decoder, of("encoder", source, source))
