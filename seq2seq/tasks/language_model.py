"""Language modelling: running text, continued by a decoder-only model."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import DocumentKind, Documents
from seq2seq.data.unchanged import digest
from seq2seq.evaluation import compare_texts
from seq2seq.evaluation.compare_texts import TextComparison
from seq2seq.run import Run
from seq2seq.tasks.task import Figure, Front, Say, Task, TestText

if TYPE_CHECKING:
    from seq2seq.data.findings import Audit
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.workload import Workload
    from seq2seq.training.task import TrainingTask


class LanguageModel(Task[Documents]):
    """A GPT."""

    noun = "language model"
    plural = "language models"
    usual_recipe = "gpt-shakespeare"

    @property
    def does(self) -> str:
        """Any two language models can be compared."""
        return "continues text"

    def kind(self) -> DocumentKind:
        return DocumentKind(self.recipe.data)

    def audit(self, corpus: Corpus[Documents]) -> Audit:
        """By lines."""
        from seq2seq.data.audit_texts import audit_texts

        return audit_texts(corpus)

    def first(self, corpus: Corpus[Documents], tokenizers: Tokenizers, count: int) -> Corpus[Documents]:
        """The first chunks of the first document."""
        context, tokenizer = self.recipe.model.max_length, tokenizers.target
        beginning = next(text for text, _ in corpus.train[0].pieces() if text)[: count * context * 20]
        tokens = tokenizer.encode([beginning])[0][: count * context + 1]
        text = tokenizer.decode([tokens])[0]
        few = Documents(f"first {count} chunks", lambda: iter([text]), lambda: digest([(text, "")]))
        return replace(corpus, found="overfit", train=(few,), dev=few, test=few)

    def overfitted_loss(self, count: int) -> float:
        """The first tokens of a chunk do not say which chunk it is: ln(count) nats, spread over its tokens."""
        return math.log(count) / self.recipe.model.max_length

    def lines(self, corpus: Corpus[Documents], sides: Collection[int]) -> Iterator[str]:
        yield from (piece for documents in corpus.train for piece, _ in documents.pieces())

    def training(self, corpus: Corpus[Documents], tokenizers: Tokenizers, run: Run, say: Say) -> TrainingTask[Any]:
        from seq2seq.tasks.language_model_training import training

        return training(self.recipe, corpus, tokenizers.target, run, say)

    def workload(self) -> Workload[Documents]:
        from seq2seq.tasks.language_model_training import LanguageModelWorkload

        return LanguageModelWorkload(self.recipe)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        return f"dev loss {figures['negative_log_likelihood']:.4f} nats per token"

    def write_test(self, run: Run, test: Documents) -> None:
        from seq2seq.evaluation.perplexity import write_set

        write_set(run, test)

    def read_test(self, run: Run) -> Documents:
        from seq2seq.evaluation.perplexity import read_set

        return read_set(run)

    def measure(self, run: Run, text: Documents, device: Choice, processes: Processes) -> dict[str, Any]:
        from seq2seq.evaluation.perplexity import measure
        from seq2seq.tasks.models import trained_gpt

        gpt, tokenizers = trained_gpt(run, device.numerics.device)
        return measure(gpt, tokenizers.target, text, device.numerics, processes)

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        yield (
            f"{name}: {scores['tokens']:,} tokens, {scores['bytes']:,} bytes, context {scores['context']}, "
            f"{scores['seconds']:.1f} s"
        )
        yield (
            f"  {scores['nats_per_token']:.4f} nats per token   perplexity {scores['perplexity']:.3f}   "
            f"{scores['bits_per_byte']:.4f} bits per byte"
        )

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        keys = ("bits_per_byte", "perplexity", "nats_per_token")
        return [Figure(key.replace("_", " "), scores[key], less_is_better=True) for key in keys]

    def convert(self, run: Run, dev: Documents | None = None) -> Verified:
        import torch

        from seq2seq.interop.ctranslate2.convert import convert
        from seq2seq.interop.ctranslate2.verify import verify_generator
        from seq2seq.tasks import models
        from seq2seq.tasks.models import trained_gpt

        gpt, tokenizers = trained_gpt(run, torch.device("cpu"))
        texts = (piece for piece, _ in (dev or self.read_test(run)).pieces())
        verify = partial(verify_generator, path=run.path, model=gpt, tokenizer=tokenizers.target, texts=texts)
        return convert(run, gpt, tokenizers, models.longest_source(self.recipe), verify)

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        from seq2seq.tasks.attention import of_generator

        return of_generator(run, numerics)

    def compare(self, runs: Sequence[Run], text: TestText, device: str, most: int, front: Front) -> TextComparison:
        from seq2seq import device as devices
        from seq2seq.evaluation import perplexity
        from seq2seq.tasks.models import trained_gpt

        parts = compare_texts.in_parts(self.read_test(runs[0]))
        nats = []
        for run in runs:
            front.say(f"Reading {len(parts.pieces):,} {parts.unit} with {run.path}")
            chosen = devices.choose(device, run.recipe().training.precision)
            gpt, tokenizers = trained_gpt(run, chosen.numerics.device)
            losses, report = perplexity.token_losses(gpt, tokenizers.target, parts.text, chosen.numerics)
            nats.append(parts.of_parts(losses, tokenizers.target))
            if unknown := report["unknown"]:
                front.say(
                    f"NOTE: {unknown:,} characters are unknown to {run.path} and cost it little: its figure is too low"
                )
        return compare_texts.compare(parts, *nats)
