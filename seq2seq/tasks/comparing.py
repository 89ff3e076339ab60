"""What the tasks that learn from comparisons share: where these come from, and how they are encoded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from seq2seq.data.comparisons import ComparisonKind, ComparisonSource, ComparisonTally, dropped, usable
from seq2seq.data.corpus import SPLITS, Corpus, Given, SplitName
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.prompts import PromptKind
from seq2seq.errors import DataError, RunError
from seq2seq.run import Run
from seq2seq.tasks.improving import TaskFromBase
from seq2seq.tasks.task import Figure, Say

if TYPE_CHECKING:
    from seq2seq.data.comparison_batches import EncodedComparison
    from seq2seq.data.comparisons import Comparison
    from seq2seq.data.findings import Audit
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.device import Choice
    from seq2seq.evaluation.parts import Part
    from seq2seq.recipe.preferences import Comparisons
    from seq2seq.tasks.comparing_training import ComparingWorkload, PreparedComparisons


class Comparing(TaskFromBase[ComparisonSource]):
    """A task that learns from comparisons: of files, of a corpus, or of samples of its start."""

    predicted = "comparison"
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "margin")

    @property
    def comparisons(self) -> Comparisons:
        """The section of the recipe."""
        assert self.recipe.comparisons is not None, "a recipe of this task has one"
        return self.recipe.comparisons

    def kind(self) -> ComparisonKind:
        return ComparisonKind(self.recipe.data)

    def find(self, given: Mapping[SplitName, Given], reading: Reading = PLAIN) -> Corpus[Any]:
        """Comparisons, or prompts with references where a rater is to compare samples; files of --data are of
        comparisons."""
        if self.comparisons.rater is None or any(files.data for files in given.values()):
            return super().find(given, reading)
        if self.base.prompts_itself:
            return self.base.find(given, reading)
        from seq2seq.data import sources

        return sources.find(PromptKind(self.recipe.data), given, reading=reading)

    def refused_files(self, given: Given) -> str:
        prompts = self.comparisons.rater is not None and self.base.prompts_itself
        return "" if prompts else super().refused_files(given)

    def audit(self, corpus: Corpus[Any]) -> Audit:
        """Of comparisons, with what tells the sides apart; of prompts as the start's task does."""
        from seq2seq.data.audit import audit

        if corpus.records == ComparisonSource.records:
            return audit(corpus, self.kind(), ComparisonTally)
        if self.base.prompts_itself:
            return self.base.audit(corpus)
        return audit(corpus, PromptKind(self.recipe.data))

    def lines(self, corpus: Corpus[Any], sides: Collection[int]) -> Iterator[str]:
        raise RunError("the start has no tokenizer; start from a run that seqx trained")

    def sampled(self, corpus: Corpus[Any], tokenizers: Tokenizers, run: Run, device: Choice, say: Say) -> Corpus[Any]:
        """Comparisons, made of samples of the start where the corpus is of prompts."""
        if corpus.records == ComparisonSource.records:
            return corpus
        from seq2seq.tasks.rated_samples import comparisons

        return comparisons(self.base.recipe, self.prompts, corpus, tokenizers, run, device, say)

    def workload(self) -> ComparingWorkload:
        from seq2seq.tasks.comparing_training import ComparingWorkload

        return ComparingWorkload(self.recipe, self.base.workload(), translates=self.base.prompts_itself)

    def encoded(
        self, source: ComparisonSource, tokenizers: Tokenizers
    ) -> tuple[list[Comparison], list[EncodedComparison], dict[str, int]]:
        """The comparisons of a source that can be learnt from, their tokens, and how many others there are, by reason.
        Raises DataError where none is left."""
        import numpy as np

        from seq2seq.data.comparison_batches import EncodedComparison, longest_side
        from seq2seq.tasks.models import architecture, encode_prompts

        kept, counted = usable(source.read())
        prompts = encode_prompts(self.base.recipe, tokenizers, [each.prompt for each in kept])
        chosen = tokenizers.target.encode([each.chosen for each in kept])
        rejected = tokenizers.target.encode([each.rejected for each in kept])
        tokens = [EncodedComparison(*each) for each in zip(prompts, chosen, rejected, strict=True)]
        fits = longest_side(architecture(self.recipe).layout, tokens) < self.recipe.model.max_length
        counted["too long"] = int((~fits).sum())
        places = np.flatnonzero(fits)
        if not len(places):
            reasons = ", ".join(f"{count:,} {why}" for why, count in counted.items() if count) or "there is none"
            raise DataError(f"{source.origin}: no comparison can be used ({reasons}); give other ones")
        return [kept[place] for place in places], [tokens[place] for place in places], dict(+counted)

    def prepared(self, corpus: Corpus[ComparisonSource], tokenizers: Tokenizers, say: Say) -> PreparedComparisons:
        """The comparisons to train and to validate on; those of test are looked at too. Raises as `encoded` does."""
        from seq2seq.tasks.comparing_training import PreparedComparisons

        train, dev, test = (self.encoded(source, tokenizers) for source in (corpus.train[0], corpus.dev, corpus.test))
        for split, (kept, _, counted) in zip(SPLITS, (train, dev, test)):
            _say_counts(split, kept, counted, say)
        made = dict(corpus.train[0].made)
        report = {
            "comparisons": {**made, "kept": len(train[0]), "dropped": dropped(train[2])},
            "caches": made.get("caches", []),
        }
        return PreparedComparisons(train[1], dev[1], dev[0], report)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        train = f" (train {figures['train_accuracy']:.1%})" if "train_accuracy" in figures else ""
        flipped = ""
        if "flipped_accuracy" in figures:
            flipped = f", against labels as flipped as those {figures['flipped_accuracy']:.1%}"
        return (
            f"dev accuracy {figures['accuracy']:.1%}{train}{flipped}, margin {figures['margin']:.3f}, "
            f"loss {figures['loss']:.4f}"
        )

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        return [Figure("accuracy", **scores["accuracy"]), Figure("margin", scores["margin"])]

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        from seq2seq.tasks import reporting

        yield from super().score_parts(scores)
        yield from reporting.calibration(scores)

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        accuracy, calibration = scores["accuracy"], scores["calibration"]
        yield (
            f"{name}: {scores['comparisons']:,} comparisons, accuracy {accuracy['value']:.1%}   95 %: "
            f"{accuracy['low']:.1%} to {accuracy['high']:.1%} (always the longer side: {scores['longer']:.1%})"
        )
        yield (
            f"  margin {scores['margin']:.3f}, {scores['loss']:.4f} nats per comparison; calibration error "
            f"{calibration['error']:.1%}: probabilities are {calibration['confidence']:.1%} on average"
        )


def _say_counts(split: SplitName, kept: Sequence[Any], counted: Mapping[str, int], say: Say) -> None:
    """Report what was left out of a split, and what was changed."""
    reasons = ", ".join(f"{count:,} {why}" for why, count in dropped(counted).items())
    changed = sum(counted.values()) - sum(dropped(counted).values())
    if reasons or changed:
        more = f"; {changed:,} with escapes on one side alone, unescaped" if changed else ""
        say(f"Comparisons for {split}: {len(kept):,} (dropped: {reasons or 'none'}{more})")
