"""Direct preference optimisation: a run improved by comparisons, without a reward model (Rafailov et al., 2023). The
finished run serves as its start does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq import tasks
from seq2seq.data.comparisons import ComparisonSource
from seq2seq.data.conversations import Conversation, Turn
from seq2seq.data.corpus import Corpus, Source
from seq2seq.data.lines import PLAIN
from seq2seq.evaluation import kept
from seq2seq.run import Run
from seq2seq.storage.atomic import replacing
from seq2seq.tasks import lineage
from seq2seq.tasks.comparing import Comparing
from seq2seq.tasks.improving import Improving
from seq2seq.tasks.task import Figure, Say

if TYPE_CHECKING:
    from torch import nn

    from seq2seq.data.prompts import Prompt
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.evaluation.parts import PageSection, Part
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.recipe.preferences import Preference as PreferenceSettings
    from seq2seq.tasks.preference_training import PreferenceTraining
    from seq2seq.training.preferences import DirectPreference

COMPARISONS = "comparisons"  # of test: their file in the run folder, and the name of their scores


class Preference(Improving[ComparisonSource], Comparing):
    """What a run of another task becomes when the sides that were chosen are made more probable."""

    noun = "preference"
    plural = "preferences"
    improved = "by preferences"
    usual_recipe = "assistant-dpo"
    shown = ("accuracy", "margin", "chosen", "rejected")

    @property
    def settings(self) -> PreferenceSettings:
        """The section of the recipe."""
        assert self.recipe.preference is not None, "a recipe of this task has one"
        return self.recipe.preference

    # Training.

    def model(self, tokenizers: Tokenizers) -> nn.Module:
        return self.base.model(tokenizers)

    def initialise(self, model: nn.Module, run: Run) -> str:
        return lineage.load(self.base, model, run)

    def training(
        self, corpus: Corpus[ComparisonSource], tokenizers: Tokenizers, run: Run, say: Say
    ) -> PreferenceTraining:
        from seq2seq.tasks.preference_training import PreferenceTraining

        prepared = self.prepared(corpus, tokenizers, say)
        return PreferenceTraining(self.recipe, prepared, self._objective, partial(_start, run))

    def _objective(self, model: nn.Module, numerics: Numerics) -> DirectPreference:
        from seq2seq.training.preferences import DirectPreference

        settings = self.settings
        return DirectPreference(
            model, numerics, beta=settings.beta, smoothing=settings.smoothing, imitation=settings.imitation
        )

    def validation_line(self, figures: Mapping[str, float]) -> str:
        return f"{super().validation_line(figures)}, log-ratio {figures['chosen']:+.2f} and {figures['rejected']:+.2f}"

    # Judging: as the start is, on the prompts that comparisons were made of, else on those of the comparisons, with the
    # chosen side as the reference; and on the comparisons.

    def write_test(self, run: Run, test: ComparisonSource) -> None:
        with replacing(run.path / f"{COMPARISONS}.jsonl") as file:
            file.writelines(map(self.kind().line, test.read()))
        self.base.write_test(run, self._references(test))

    def _references(self, test: ComparisonSource) -> Source[Any]:
        if test.of is not None and self.base.prompts_itself:
            return test.of
        prompts: Iterator[Prompt] | None = self.prompts(test.of) if test.of is not None else None
        if prompts is not None:
            pairs = [(each.prompt, each.reference) for each in prompts if each.reference]
        else:
            pairs = [(each.prompt, each.chosen) for each in test.read()]
        if self.base.prompts_itself:
            records: list[Any] = [(prompt[-1].content, answer) for prompt, answer in pairs]
        else:
            records = [Conversation((*prompt, Turn("assistant", answer))) for prompt, answer in pairs]
        references: Source[Any] = self.base.kind().source(test.origin, lambda: iter(records))
        return references

    def read_test(self, run: Run) -> Source[Any]:  # type: ignore[override]  # that of the start's task
        references: Source[Any] = self.base.read_test(run)
        return references

    def judge(self, run: Run, device: Choice, say: Say) -> None:
        comparisons = self.kind().file(run.path / f"{COMPARISONS}.jsonl", PLAIN)
        kept.keep_own(run, COMPARISONS, {"set": COMPARISONS, **self._told(run, comparisons, device)})
        self.base.judge(run, device, say)

    def _told(self, run: Run, text: ComparisonSource, device: Choice) -> dict[str, Any]:
        """The figures of comparisons, told by the log-ratios of a run and its start."""
        from seq2seq.data.comparison_batches import measured
        from seq2seq.evaluation.comparisons import judge
        from seq2seq.tasks.models import architecture, read_tokenizers

        comparisons, tokens, _ = self.encoded(text, read_tokenizers(self.recipe, run.path))
        layout, numerics = architecture(self.recipe).layout, device.numerics
        before, after = (
            measured(
                self._objective(model.eval(), numerics).log_probabilities,
                layout,
                tokens,
                self.recipe.training.batch_tokens,
            )
            for model in (_start(run, numerics), self.trained(run, numerics.device))
        )
        ratios = after - before
        figures = judge(comparisons, (self.settings.beta * (ratios[:, 0] - ratios[:, 1])).double().numpy())
        return {**figures, "chosen": float(ratios[:, 0].mean()), "rejected": float(ratios[:, 1].mean())}

    def measure(self, run: Run, text: Any, device: Choice, processes: Processes) -> dict[str, Any]:
        return self.base.measure(run, text, device, processes)

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        if "calibration" not in scores:
            yield from self.base.score_lines(name, scores)
            return
        yield from super().score_lines(name, scores)
        yield f"  log-ratio to the start: chosen {scores['chosen']:+.3f}, rejected {scores['rejected']:+.3f}"

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        return super().figures(scores) if "calibration" in scores else self.base.figures(scores)

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        return super().score_parts(scores) if "calibration" in scores else self.base.score_parts(scores)

    def report_sections(self, run: Run) -> Iterator[PageSection]:
        return self.base.report_sections(run)

    def convert(self, run: Run, dev: Any = None) -> Verified:
        """Checked on dev where that is of prompts with references, else on the test set."""
        own = dev is not None and dev.records != ComparisonSource.records and self.base.prompts_itself
        return self.base.convert(run, dev if own else None)


def _start(run: Run, numerics: Numerics) -> nn.Module:
    """The start of a run, which log-ratios are to."""
    own = lineage.of(run)
    return tasks.of(own.recipe()).trained(own, numerics.device)
