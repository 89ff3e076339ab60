"""Training a translator on sentence pairs, and its workload for measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice, zip_longest
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
import torch

from seq2seq.data.batches import Batch, Batches
from seq2seq.data.corpora import mixture
from seq2seq.data.corpus import Corpus, SplitName
from seq2seq.data.cutting import cut
from seq2seq.data.encoded import EncodedPairs, encode
from seq2seq.data.folding import fold
from seq2seq.data.noise import SourceNoise
from seq2seq.data.order import Mixed
from seq2seq.data.pairs import Pair, PairSource
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.data.unchanged import digest
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.evaluation import judge
from seq2seq.evaluation.metrics import bleu
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks.models import TransformerOrGpt, architecture, longest_source, translating
from seq2seq.tasks.prediction import Prediction
from seq2seq.tasks.preparation import cache_for, other_caches
from seq2seq.tasks.task import Say
from seq2seq.tasks.workload import Costs, SecondsOfOne, Workload, count_records, guessed_vocabulary, seconds_per_row
from seq2seq.training.task import Prepared, Sample, Validation

_DEV_LOSS_PAIRS = 2000
_SAMPLES = 3
_SENTENCES = (1, 8, 32)  # translated together; the larger numbers where there is time
_EXTRA = 15  # tokens beyond the source's that are timed: an untrained model does not end early, a trained one does
_LINES = 1000  # of the test set, at most, that a benchmark translates


class _Dev(NamedTuple):
    """One kind of dev text."""

    translated: Sequence[Pair]
    batches: Sequence[Batch]  # whose loss is measured
    left_out: Counter[str]  # pairs without a loss, by reason


class TranslationTraining(Prediction):
    """Sentence pairs, for either architecture."""

    def __init__(self, recipe: Recipe, tokenizers: Tokenizers, pairs: EncodedPairs, corpus: Corpus[PairSource]) -> None:
        self._tokenizers = tokenizers
        style = pairs.style
        self._segmenter = Segmenter(recipe.data.source, recipe.data.target, style=lambda: style)
        kinds = corpus.dev.by_kind()
        self._dev = {name: self._prepared(recipe, text, len(kinds)) for name, text in kinds}
        self.left_out = sum((kind.left_out for kind in self._dev.values()), Counter[str]())
        validation = [batch for kind in self._dev.values() for batch in kind.batches]
        source = batches(recipe, pairs, tokenizers, corpus)
        report = {"pairs": pairs.report, "caches": [pairs.folder.name]}
        super().__init__(recipe, tokenizers.target.size, source, validation, report)

    def losses(self, model: TransformerOrGpt, numerics: Numerics) -> dict[str, float]:
        """As `Prediction`; of several kinds of text, the means over the kinds, and the loss of each."""
        if len(self._dev) == 1:
            return super().losses(model, numerics)
        objective = self.objective(model, numerics)
        by_kind = {name: objective.evaluate(kind.batches) for name, kind in self._dev.items() if kind.batches}
        means = {key: mean(losses[key] for losses in by_kind.values()) for key in ("loss", "negative_log_likelihood")}
        return means | {f"loss_{name}": losses["loss"] for name, losses in by_kind.items()}

    def try_out(self, model: TransformerOrGpt, numerics: Numerics) -> Validation:
        """`bleu` of greedy translations of the first dev sentences, and some of them; of several kinds of text the mean
        over the kinds, and the BLEU of each."""
        pairs = [pair for kind in self._dev.values() for pair in kind.translated]
        translations = self.greedy(model, numerics).translate([source for source, _ in pairs])
        outputs = [translation.text for translation in translations]
        chosen = sorted({index * len(outputs) // _SAMPLES for index in range(_SAMPLES)}) if outputs else []
        remaining = iter(outputs)
        by_kind = {
            name: bleu(
                list(islice(remaining, len(kind.translated))),
                [target for _, target in kind.translated],
                self._recipe.data.target,
            )
            for name, kind in self._dev.items()
        }
        figures = {"bleu": mean(by_kind.values())}
        if len(by_kind) > 1:
            figures |= {f"bleu_{name}": value for name, value in by_kind.items()}
        return Validation(figures, tuple(Sample(*pairs[index], outputs[index]) for index in chosen))

    def greedy(self, model: TransformerOrGpt, numerics: Numerics, max_extra: int | None = None) -> TextTranslator:
        """A model as a translator, without a beam; `max_extra` in place of the recipe's."""
        recipe = self._recipe
        max_extra = recipe.decoding.max_extra if max_extra is None else max_extra
        return translating(
            architecture(recipe).engine(model, numerics),
            numerics.device,
            self._tokenizers,
            SearchOptions(beam_size=1, max_extra=max_extra),
            longest_source(recipe),
            self._segmenter,
        )

    def ranking(self, figures: Mapping[str, float]) -> float:
        """BLEU, where the recipe says so. While BLEU is 0 it shows no progress: then the loss ranks, below any BLEU."""
        by_bleu = self._recipe.training.metric == "bleu" and figures["bleu"]
        return figures["bleu"] if by_bleu else super().ranking(figures)

    def _prepared(self, recipe: Recipe, text: PairSource, kinds: int) -> _Dev:
        layout = architecture(recipe).layout
        pairs = [(text.tagged(source), target) for source, target in text.read()]
        sources = self._tokenizers.encode_source([source for source, _ in pairs])
        targets = self._tokenizers.target.encode([target for _, target in pairs])
        lengths = np.array([(len(source), len(target)) for source, target in zip(sources, targets)]).reshape(-1, 2)
        longest = layout.longest(lengths)
        blank, too_long = lengths.min(axis=1, initial=1) == 0, longest >= recipe.model.max_length
        reasons = {"blank on a side": blank, "too long": too_long & ~blank}
        usable = np.flatnonzero(~blank & ~too_long)[: _DEV_LOSS_PAIRS // kinds]
        order = [int(i) for i in usable[np.argsort(longest[usable], kind="stable")]]
        bounds = cut(longest[order], recipe.training.batch_tokens)
        return _Dev(
            [pairs[i] for i in np.flatnonzero(~blank)[: max(1, recipe.training.validate_sentences // kinds)]],
            [
                layout.collate([sources[i] for i in order[start:end]], [targets[i] for i in order[start:end]])
                for start, end in bounds
            ],
            Counter({reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()}),
        )


def training(
    recipe: Recipe, corpus: Corpus[PairSource], tokenizers: Tokenizers, run: Run, say: Say
) -> TranslationTraining:
    """Implements `Task.training`. Pairs of dev or test are left out of training, unless they are to be overfitted."""
    pairs = encode(
        corpus.train,
        tokenizers,
        cache_for(run, corpus),
        language=recipe.data.source,
        max_length=recipe.data.max_length,
        max_ratio=recipe.data.max_ratio,
        held_out=() if corpus.found == "overfit" else (corpus.dev, corpus.test, *corpus.held_out),
        also=other_caches(),
        say=say,
    )
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in pairs.report["dropped"].items()) or "none"
    for part in pairs.report["sources"] if corpus.shares else ():
        say(f"  {part['origin']}: {part['kept']:,} of {part['read']:,} pairs")
        if not part["kept"]:
            say(f"NOTE: nothing is trained on of {part['origin']}: look at it with `seqx data check`, or leave it out")
    say(
        f"Training pairs: {len(pairs):,} of {pairs.report['read']:,} (dropped: {dropped}); "
        f"{pairs.report['tokens']:,} tokens"
    )
    begun_on = run.record().get("pairs", {}).get("kept", len(pairs))
    if begun_on != len(pairs):
        say(f"NOTE: this run was begun on {begun_on:,} of them: other pairs counted as overlap with dev or test then")
    training = TranslationTraining(recipe, tokenizers, pairs, corpus)
    _say_left_out("dev", corpus.dev, training.left_out, say)
    _say_left_out("test", corpus.test, _blank(corpus.test), say)
    return training


def batches(recipe: Recipe, pairs: EncodedPairs, tokenizers: Tokenizers, corpus: Corpus[PairSource]) -> Batches:
    """The training batches."""
    data, seed = recipe.data, recipe.training.seed
    mixed = corpus.groups or any(corpus.shares) or (len(corpus.shares) > 1 and data.temperature != 1)
    return Batches(
        pairs,
        tokenizers,
        batch_tokens=recipe.training.batch_tokens,
        seed=seed,
        order=Mixed(pairs.sizes, mixture(corpus, pairs.sizes, data.temperature), seed) if mixed else None,
        noise=SourceNoise(
            data.noise, tokenizers.source.decode(tokenizers.encode_source([text.tag for text in corpus.train]))
        ),
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
    count = count_records(text)
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


class TranslationWorkload(Workload[PairSource]):
    """Sentence pairs, for either architecture."""

    unit = "pairs"
    beginning_size = 100_000  # the pairs that are bucketed together: fewer would be padded more
    report_every = 1_000_000  # pairs read

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._layout = architecture(recipe).layout

    def batch(self, budget: int) -> Batch:
        """A random batch like the recipe's, of at most `budget` places per side, or of one row: the cost of a step does
        not depend on the tokens. Sides have up to a quarter of the recipe's `max_length`."""
        longest = max(4, self._recipe.data.max_length // 4)
        shortest = longest // 2
        size, generator = (self._rows(budget, longest), 2), torch.Generator().manual_seed(1)
        lengths = torch.randint(shortest, longest + 1, size, generator=generator)
        lengths[-1], lengths[0] = shortest, longest  # so that a batch of two or more rows has padding
        pairs = [(int(source), int(target)) for source, target in lengths]
        return self._random(pairs, guessed_vocabulary(self._recipe.tokenizer), generator)

    def worst(self, budget: int, vocabulary: int | None = None) -> Batch:
        """The random batch that takes the most memory within a budget: every row as long as the recipe allows."""
        longest = self._recipe.data.max_length
        lengths = [(longest, longest)] * self._rows(budget, longest)
        vocabulary = vocabulary or guessed_vocabulary(self._recipe.tokenizer)
        return self._random(lengths, vocabulary, torch.Generator().manual_seed(1))

    def size(self, text: PairSource, say: Say = lambda message: None) -> int:
        count = 0
        for count, _ in enumerate(text.read(), start=1):
            if count % self.report_every == 0:
                say(f"Read: {count:,} pairs of {text.origin}")
        return count

    def beginning(self, text: PairSource, size: int) -> PairSource:
        pairs = list(islice(text.read(), size + 1))
        if len(pairs) <= size:
            return text
        del pairs[size:]
        return PairSource(f"{text.origin}, first {size:,} pairs", lambda: iter(pairs), lambda: digest(pairs))

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        return float(report["pairs"]["kept"]) * tokens_per_row

    def judged(self, corpus: Corpus[PairSource]) -> int:
        """The number of pairs of dev or test, whichever has more."""
        return max(map(count_records, (corpus.dev, corpus.test)))

    def costs(
        self, prepared: Prepared[PairSource], model: TransformerOrGpt, numerics: Numerics, seconds: SecondsOfOne
    ) -> Costs:
        training = prepared.training
        assert isinstance(training, TranslationTraining)
        kinds = zip_longest(*(text.read() for _, text in prepared.corpus.dev.by_kind()))  # in turns
        sources = list(islice((pair[0] for pairs in kinds for pair in pairs if pair), _SENTENCES[-1]))
        translator = training.greedy(model, numerics, min(_EXTRA, self._recipe.decoding.max_extra))
        counts = sorted({min(count, len(sources)) for count in _SENTENCES})
        return Costs(
            pair=seconds_per_row(training, model, numerics, seconds),
            translation=seconds(lambda count: translator.translate(sources[:count]), counts),
            sentences=self._recipe.training.validate_sentences,
        )

    def lines(self, run: Run) -> list[str]:
        return [sentence.source for sentence in judge.read_set(run)[:_LINES]]

    def _rows(self, budget: int, longest: int) -> int:
        width = int(self._layout.longest(np.array([[longest - 1, longest - 1]]))[0]) + 1
        return max(1, budget // width)

    def _random(self, lengths: Sequence[tuple[int, int]], vocabulary: int, generator: torch.Generator) -> Batch:
        """Pairs whose sides have these lengths, 2 or more, EOS included."""
        longest = max(source + target for source, target in lengths)
        rows = torch.randint(4, vocabulary, (len(lengths), longest), generator=generator).tolist()
        return self._layout.collate(
            [row[: source - 1] for row, (source, _) in zip(rows, lengths)],
            [row[source - 1 : source + target - 2] for row, (source, target) in zip(rows, lengths)],
        )
