"""Training a translator: training pairs as batches, dev pairs for validation, and which of them cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seq2seq.data.batches import Batch, Batches
from seq2seq.data.budget import cut
from seq2seq.data.corpus import Corpus, SplitName
from seq2seq.data.encoded import Encoded, encode
from seq2seq.data.folding import fold
from seq2seq.data.pairs import Pair, PairSource
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.evaluation.metrics import bleu
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks.models import Model, architecture, longest_source
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.preparation import cache_for, other_caches
from seq2seq.tasks.pytorch import translating
from seq2seq.tasks.task import Say
from seq2seq.training.task import Sample, Validation

_DEV_LOSS_PAIRS = 2000
_SAMPLES = 3


class TranslationTraining(Prediction):
    """Sentence pairs, for either architecture."""

    def __init__(self, recipe: Recipe, tokenizers: Tokenizers, pairs: Encoded, dev: Sequence[Pair]) -> None:
        self.left_out: Counter[str] = Counter()  # pairs of dev without a loss, by reason
        self._tokenizers = tokenizers
        style = pairs.style
        self._segmenter = Segmenter(recipe.data.source, recipe.data.target, style=lambda: style)
        self._dev: list[Pair] = []
        validation = self._batched(recipe, dev)
        super().__init__(recipe, tokenizers.target.size, batches(recipe, pairs, tokenizers), validation)

    def try_out(self, model: Model, numerics: Numerics) -> Validation:
        """`bleu` of greedy translations of the first dev sentences, and some of them."""
        recipe = self._recipe
        translator = translating(
            architecture(recipe).engine(model, numerics),
            numerics.device,
            self._tokenizers,
            SearchOptions(beam_size=1, max_extra=recipe.decoding.max_extra),
            longest_source(recipe),
            self._segmenter,
        )
        outputs = [translation.text for translation in translator.translate([source for source, _ in self._dev])]
        chosen = sorted({index * len(outputs) // _SAMPLES for index in range(_SAMPLES)}) if outputs else []
        return Validation(
            {"bleu": bleu(outputs, [target for _, target in self._dev], recipe.data.target)},
            tuple(Sample(*self._dev[index], outputs[index]) for index in chosen),
        )

    def ranking(self, figures: Mapping[str, float]) -> float:
        """BLEU, where the recipe says so. While BLEU is 0 it shows no progress: then the loss ranks, below any BLEU."""
        by_bleu = self._recipe.training.metric == "bleu" and figures["bleu"]
        return figures["bleu"] if by_bleu else super().ranking(figures)

    def _batched(self, recipe: Recipe, pairs: Sequence[Pair]) -> list[Batch]:
        layout = architecture(recipe).layout
        sources = self._tokenizers.encode_source([source for source, _ in pairs])
        targets = self._tokenizers.target.encode([target for _, target in pairs])
        lengths = np.array([(len(source), len(target)) for source, target in zip(sources, targets)]).reshape(-1, 2)
        longest = layout.longest(lengths)
        blank, too_long = lengths.min(axis=1, initial=1) == 0, longest >= recipe.model.max_length
        reasons = {"blank on a side": blank, "too long": too_long & ~blank}
        self.left_out = Counter({reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()})
        self._dev = [pairs[i] for i in np.flatnonzero(~blank)[: recipe.training.validate_sentences]]
        usable = np.flatnonzero(~blank & ~too_long)[:_DEV_LOSS_PAIRS]
        order = [int(i) for i in usable[np.argsort(longest[usable], kind="stable")]]
        bounds = cut(longest[order], recipe.training.batch_tokens)
        return [
            layout.collate([sources[i] for i in order[start:end]], [targets[i] for i in order[start:end]])
            for start, end in bounds
        ]


def training(
    recipe: Recipe, corpus: Corpus[PairSource], tokenizers: Tokenizers, run: Run, say: Say
) -> tuple[TranslationTraining, dict[str, Any]]:
    """Implements `Task.training`. Pairs of dev or test are left out of training, unless they are to be overfitted."""
    pairs = encode(
        corpus.train,
        tokenizers,
        cache_for(run, corpus),
        language=recipe.data.source,
        max_length=recipe.data.max_length,
        max_ratio=recipe.data.max_ratio,
        held_out=() if corpus.found == "overfit" else (corpus.dev, corpus.test),
        also=other_caches(),
        say=say,
    )
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in pairs.report["dropped"].items()) or "none"
    say(
        f"Training pairs: {len(pairs):,} of {pairs.report['read']:,} (dropped: {dropped}); "
        f"{pairs.report['tokens']:,} tokens"
    )
    begun_on = run.record().get("pairs", {}).get("kept", len(pairs))
    if begun_on != len(pairs):
        say(f"NOTE: this run was begun on {begun_on:,} of them: other pairs counted as overlap with dev or test then")
    training = TranslationTraining(recipe, tokenizers, pairs, list(corpus.dev.read()))
    _say_left_out("dev", corpus.dev, training.left_out, say)
    _say_left_out("test", corpus.test, _blank(corpus.test), say)
    return training, {"pairs": pairs.report, "caches": [pairs.folder.name]}


def batches(recipe: Recipe, pairs: Encoded, tokenizers: Tokenizers) -> Batches:
    """The training batches."""
    return Batches(
        pairs,
        tokenizers,
        batch_tokens=recipe.training.batch_tokens,
        seed=recipe.training.seed,
        sampling=recipe.tokenizer.sampling,
        max_length=recipe.model.max_length,
        layout=architecture(recipe).layout,
    )


def _blank(text: PairSource) -> Mapping[str, int]:
    """The number of pairs with a blank side, by reason; empty where there are none."""
    count = sum(not all(fold(side) for side in pair) for pair in text.read())
    return {"blank on a side": count} if count else {}


def _say_left_out(split: SplitName, text: PairSource, left_out: Mapping[str, int], say: Say) -> None:
    """Report how many pairs of a split cannot be used, and why. Raises DataError where none can."""
    count = sum(1 for _ in text.read())
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items())
    unusable = sum(left_out.values())
    if unusable == count:
        remedy = ", or raise model.max_length" if "too long" in left_out else ""
        raise DataError(
            f"{text.origin}: none of {count:,} pairs for {split} can be used ({reasons or 'there is none'}); give "
            f"other text for {split}{remedy}"
        )
    if unusable:
        say(f"NOTE: {unusable:,} of {count:,} pairs for {split} cannot be used ({reasons})")
