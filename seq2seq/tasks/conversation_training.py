"""Supervised fine-tuning: a language model learns to answer from demonstrations (Ouyang et al., 2022)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seq2seq.data import template
from seq2seq.data.batches import Batch
from seq2seq.data.conversation_batches import ConversationBatches, EncodedConversations, encode, kept, sorted_batches
from seq2seq.data.conversations import Conversation, ConversationSource, unusable, usable
from seq2seq.data.corpus import Corpus
from seq2seq.data.folding import fold
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.evaluation.bootstrap import interval, resampled
from seq2seq.evaluation.raters import Rater, rater
from seq2seq.recipe import Recipe
from seq2seq.tasks import models
from seq2seq.tasks.language_model_training import PredictionWorkload
from seq2seq.tasks.models import TransformerOrGpt
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.task import Say
from seq2seq.training.objective import CrossEntropy
from seq2seq.training.task import Sample, Validation

_SAMPLES, _MOST_TOKENS = 3, 64  # of answers to dev
GREEDY, DRAWN = 1e-3, 1.0  # temperatures at which answers are rated
_SEED = 1_000_003


class ConversationTraining(Prediction):
    """Prediction of what the assistant says, alone. Figures: those of `Prediction`; `gold`, with a rater, of answers
    drawn to dev's prompts."""

    def __init__(
        self,
        recipe: Recipe,
        tokenizer: Tokenizer,
        train: EncodedConversations,
        dev: EncodedConversations,
        asked: Sequence[Conversation],
        report: Mapping[str, Any],
    ) -> None:
        training = recipe.training
        source = ConversationBatches(train, batch_tokens=training.batch_tokens, seed=training.seed)
        super().__init__(recipe, tokenizer.size, source, batches(dev, training.batch_tokens), report)
        self._tokenizer = tokenizer
        self._asked = asked
        self._rater = rater(recipe.data.rater) if recipe.data.rater else None

    def try_out(self, model: TransformerOrGpt, numerics: Numerics) -> Validation:
        """Answers to prompts of dev, at temperature 1."""
        asked = self._asked if self._rater else self._asked[:_SAMPLES]
        answers = answer(model, self._recipe, self._tokenizer, asked, numerics, DRAWN)
        figures = {"gold": float(np.mean(golds(self._rater, asked, answers)))} if self._rater else {}
        samples = [
            Sample(each.turns[-2].content, each.turns[-1].content, text)
            for each, text in zip(asked[:_SAMPLES], answers)
        ]
        return Validation(figures, tuple(samples))


class ConversationWorkload(PredictionWorkload[ConversationSource]):
    """Conversations, at most as long as the context."""

    unit = "conversations"
    beginning_size = 50_000

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """Those of answers."""
        return float(report["conversations"]["answers"])


def training(
    recipe: Recipe, corpus: Corpus[ConversationSource], tokenizer: Tokenizer, say: Say
) -> ConversationTraining:
    """As `Task.training` has it. Conversations whose prompt is one of dev or test are left out of training, unless they
    are to be overfitted."""
    context = recipe.model.max_length
    splits = {"dev": usable(corpus.dev.read()), "test": usable(corpus.test.read())}
    held_out = (
        set() if corpus.found == "overfit" else {_prompt(each) for records in splits.values() for each in records}
    )
    dropped: Counter[str] = Counter()
    records = []
    for source in corpus.train:
        for record in source.read():
            reason = unusable(record) or ("in dev or test" if _prompt(record) in held_out else "")
            if reason:
                dropped[reason] += 1
            else:
                records.append(record)
    train = _fitting(encode(records, tokenizer), context)
    dropped["too long"] += len(records) - _count(train)
    dev = _fitting(encode(splits["dev"], tokenizer), context)
    for split, source, count in (
        ("train", corpus.train[0], _count(train)),
        ("dev", corpus.dev, _count(dev)),
        ("test", corpus.test, len(splits["test"])),
    ):
        if not count:
            raise DataError(
                f"{source.origin}: no conversation for {split} in which user and assistant take turns, none of them "
                f"blank, within {context} tokens; give others"
            )
    left_out = {reason: count for reason, count in sorted(dropped.items()) if count}
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    say(
        f"Conversations: {_count(train):,} to train on ({f'dropped: {reasons}' if reasons else 'none dropped'}); "
        f"{int(train.chosen.sum()):,} tokens of answers; {_count(dev):,} for dev"
    )
    report = {
        "conversations": {
            "kept": _count(train),
            "dropped": left_out,
            "tokens": len(train.tokens),
            "answers": int(train.chosen.sum()),
            "template": template.TEMPLATE,
        }
    }
    asked = splits["dev"][: recipe.training.validate_sentences]
    return ConversationTraining(recipe, tokenizer, train, dev, asked, report)


def batches(encoded: EncodedConversations, batch_tokens: int) -> list[Batch]:
    """All conversations in batches, by length."""
    numbers = list(range(_count(encoded)))
    return [encoded.collate(some) for some in sorted_batches(encoded, numbers, batch_tokens)]


def answer(
    model: Any,
    recipe: Recipe,
    tokenizer: Tokenizer,
    conversations: Sequence[Conversation],
    numerics: Numerics,
    temperature: float,
) -> list[str]:
    """A new last turn for each conversation; an empty one where the prompt leaves no place for it."""
    prompts = template.prompt_tokens(tokenizer, [each.turns[:-1] for each in conversations])
    fitting = [number for number, prompt in enumerate(prompts) if len(prompt) + 1 < recipe.model.max_length]
    sampler = models.architecture(recipe).sampler(model, numerics)
    rollouts = sampler.sample(
        [prompts[number] for number in fitting],
        max_tokens=_MOST_TOKENS,
        seed=_SEED,
        temperature=temperature,
        numbers=fitting,
    )
    answers = [""] * len(conversations)
    for number, text in zip(fitting, tokenizer.decode([list(each.tokens) for each in rollouts])):
        answers[number] = text
    return answers


def golds(judge: Rater, conversations: Sequence[Conversation], answers: Sequence[str]) -> list[float]:
    """How a rater judges answers, whose references are the last turns."""
    return [judge(each.turns[-2].content, each.turns[-1].content, text) for each, text in zip(conversations, answers)]


def measure(
    model: Any, recipe: Recipe, tokenizer: Tokenizer, conversations: Sequence[Conversation], numerics: Numerics
) -> dict[str, Any]:
    """`nats_per_token` of the answers, and with a rater `gold` and `gold_drawn`, of answers that are the most probable
    and of answers drawn at temperature 1, with 95 % intervals. Raises DataError where all are too long."""
    encoded = _fitting(encode(conversations, tokenizer), recipe.model.max_length)
    if not _count(encoded):
        raise DataError(f"none of {len(conversations):,} conversations fits into {recipe.model.max_length} tokens")
    losses = CrossEntropy(model, numerics, 0.0).evaluate(batches(encoded, recipe.training.batch_tokens))
    scores: dict[str, Any] = {
        "conversations": len(conversations),
        "too_long": len(conversations) - _count(encoded),
        "tokens": int(encoded.chosen.sum()),
        "nats_per_token": losses["negative_log_likelihood"],
    }
    if recipe.data.rater:
        judge = rater(recipe.data.rater)
        with torch.no_grad():
            for name, temperature in (("gold", GREEDY), ("gold_drawn", DRAWN)):
                answers = answer(model, recipe, tokenizer, conversations, numerics, temperature)
                scores[name] = _with_interval(golds(judge, conversations, answers))
    return scores


def _with_interval(values: Sequence[float]) -> dict[str, float]:
    figures = np.array(values)
    low, high = interval(resampled(figures, np.ones(len(figures), np.int64)))
    return {"value": float(figures.mean()), "low": float(low), "high": float(high)}


def _fitting(encoded: EncodedConversations, context: int) -> EncodedConversations:
    """The conversations that a model of such a context reads whole."""
    lengths = encoded.lengths()
    return kept(encoded, np.flatnonzero(lengths <= context).tolist())


def _count(encoded: EncodedConversations) -> int:
    return len(encoded.offsets) - 1


def _prompt(record: Conversation) -> tuple[bytes, ...]:
    return tuple(fold(turn.content) for turn in record.turns[:-1])
