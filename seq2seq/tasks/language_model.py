"""Language modelling: running text, continued by a decoder-only model."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq.data.corpus import Corpus, Given
from seq2seq.run import Run
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.task import Evaluated, Front, Say, Task, TestText, example, no_effect

if TYPE_CHECKING:
    from seq2seq.data.documents import DocumentKind, Documents
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.device import Choice
    from seq2seq.evaluation.compare_texts import Difference
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.tasks.language_model_training import LanguageModelTraining
    from seq2seq.tasks.models import Model

_TRANSLATORS = (  # options of evaluate
    *("source_file", "target_file", "sacrebleu", "beam_size", "length_penalty", "output", "engine", "precision"),
    "sentences",
)


class LanguageModel(Task["Documents"]):
    """A GPT."""

    name = "language-model"
    noun = "text model"
    commands = ("generate",)
    usual_recipe = "gpt-shakespeare"
    evaluates_several = True

    @staticmethod
    def described(run: Run) -> str:
        """By its text."""
        return "a model of running text"

    @property
    def does(self) -> str:
        """Any two can be compared."""
        return "continues text"

    def kind(self) -> DocumentKind:
        """Documents."""
        from seq2seq.data.documents import DocumentKind

        return DocumentKind(self.recipe.data)

    def refused_files(self, given: Given) -> str:
        """Running text has no sides."""
        if given.source_file or given.target_file:
            return f"recipe {self.recipe.name} is for running text: name files with --data"
        return ""

    def first(self, corpus: Corpus[Documents], tokenizers: Tokenizers, count: int) -> Corpus[Documents]:
        """The first chunks of the first document."""
        from seq2seq.data.documents import Documents
        from seq2seq.data.unchanged import digest

        context, tokenizer = self.recipe.model.max_length, tokenizers.target
        beginning = next(text for text, _ in corpus.train[0].pieces() if text)[: count * context * 20]
        tokens = tokenizer.encode([beginning])[0][: count * context + 1]
        text = tokenizer.decode([tokens])[0]
        few = Documents(f"first {count} chunks", lambda: iter([text]), lambda: digest([(text, "")]))
        return replace(corpus, found="overfit", train=(few,), dev=few, test=few)

    def overfitted_loss(self, count: int) -> float:
        """Which chunk it is has to be guessed from how it begins."""
        return math.log(count) / self.recipe.model.max_length

    def lines(self, corpus: Corpus[Documents], sides: Collection[int]) -> Iterator[str]:
        """In pieces."""
        yield from (piece for documents in corpus.train for piece, _ in documents.pieces())

    def model(self, tokenizers: Tokenizers) -> Model:
        """A GPT."""
        from seq2seq.tasks import models

        return models.model(self.recipe, tokenizers.source.size, tokenizers.target.size)

    def training(
        self, corpus: Corpus[Documents], tokenizers: Tokenizers, run: Run, say: Say
    ) -> tuple[LanguageModelTraining, dict[str, Any]]:
        """On windows of the text."""
        from seq2seq.tasks.language_model_training import training

        return training(self.recipe, corpus, tokenizers.target, run, say)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        """The loss."""
        return f"dev loss {figures['negative_log_likelihood']:.4f} nats per token"

    def write_test(self, run: Run, test: Documents) -> None:
        """Documents."""
        from seq2seq.evaluation.perplexity import write_set

        write_set(run, test)

    def judge(self, run: Run, choice: Choice, say: Say) -> None:
        """By its loss."""
        from seq2seq.evaluation import kept, perplexity
        from seq2seq.tasks.pytorch import trained_gpt

        gpt, tokenizers = trained_gpt(run, choice.numerics.device)
        measured = perplexity.measure(gpt, tokenizers.target, perplexity.read_set(run), choice.numerics)
        kept.keep_own(run, measured.name, measured.record())

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        """The loss, in three units."""
        yield (
            f"{name}: {scores['tokens']:,} tokens, {scores['bytes']:,} bytes, context {scores['context']}, "
            f"{scores['seconds']:.1f} s"
        )
        yield (
            f"  {scores['nats_per_token']:.4f} nats per token   perplexity {scores['perplexity']:.3f}   "
            f"{scores['bits_per_byte']:.4f} bits per byte"
        )

    def convert(self, run: Run, dev: Documents | None = None) -> Verified:
        """Verified by log-probabilities and continuations."""
        import torch

        from seq2seq.evaluation.perplexity import read_set
        from seq2seq.interop.ctranslate2.convert import convert
        from seq2seq.interop.ctranslate2.verify import verify_generator
        from seq2seq.tasks import models
        from seq2seq.tasks.pytorch import trained_gpt

        gpt, tokenizers = trained_gpt(run, torch.device("cpu"))
        texts = (piece for piece, _ in (dev or read_set(run)).pieces())
        verify = partial(verify_generator, path=run.path, model=gpt, tokenizer=tokenizers.target, texts=texts)
        conversion = models.architecture(self.recipe).conversion()
        return convert(run, gpt, tokenizers, conversion, models.longest_source(self.recipe), verify)

    def example(self, run: Run) -> str:
        """A line of its test text, continued."""
        from seq2seq.evaluation.perplexity import read_set

        return example("generate", (line for text in read_set(run).read() for line in text.split("\n")), run)

    def misused(self, command: str, given: Mapping[str, str], run: Run) -> str:
        """Nothing is translated."""
        if command == "compare":
            names = ("source_file", "target_file", "most")
            return no_effect(given, names, "two models of running text are compared")
        because = f"{run.path} is a model of running text: it takes --input, and translates nothing"
        files = () if "input" in given else ("columns", "encoding", "encoding_errors")
        return no_effect(given, _TRANSLATORS, because) or no_effect(given, files, "no file is given")

    def evaluate(self, run: Run, text: TestText, choice: EngineChoice, front: Front) -> Iterator[Evaluated]:
        """Each file by itself, by its loss."""
        from seq2seq import device as devices
        from seq2seq.evaluation import perplexity
        from seq2seq.tasks.pytorch import trained_gpt

        device = devices.choose(choice.device, self.recipe.training.precision)
        how = {"engine": f"PyTorch, {device}"}
        kind = self.kind()
        texts = [(file.name, kind.files([file], text.reading), [file]) for file in text.files]
        with front.together() as processes:
            gpt, tokenizers = trained_gpt(run, device.numerics.device)
            for name, documents, files in texts or [("test", perplexity.read_set(run), [])]:
                measured = perplexity.measure(gpt, tokenizers.target, documents, device.numerics, name, processes)
                if not processes.rank:
                    yield Evaluated(measured.record(), documents.checksum, how, files)

    def compare(self, runs: Sequence[Run], text: TestText, device: str, most: int, front: Front) -> Difference:
        """By bits per byte."""
        from seq2seq import device as devices
        from seq2seq.evaluation import compare_texts, perplexity
        from seq2seq.tasks.pytorch import trained_gpt

        parts = compare_texts.in_parts(perplexity.read_set(runs[0]))
        nats = []
        for run in runs:
            front.say(f"Reading {len(parts.pieces):,} {parts.unit} with {run.path}")
            chosen = devices.choose(device, run.recipe().training.precision)
            gpt, tokenizers = trained_gpt(run, chosen.numerics.device)
            losses, report = perplexity.token_losses(gpt, tokenizers.target, parts.text, chosen.numerics)
            nats.append(parts.shared_out(losses, tokenizers.target))
            if unknown := report["unknown"]:
                front.say(
                    f"NOTE: {unknown:,} characters are unknown to {run.path} and cost it little: its figure is too low"
                )
        return compare_texts.compare(parts, *nats)
