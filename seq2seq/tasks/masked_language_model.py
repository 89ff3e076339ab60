"""Masked language modelling: lines of running text whose hidden tokens an encoder fills in, to start others from."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import Documents
from seq2seq.data.unchanged import digest
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.tasks.language_model import LanguageModel
from seq2seq.tasks.task import Figure, Say

if TYPE_CHECKING:
    import torch

    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.model.masked import MaskedEncoder
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.masked_language_model_training import MaskedLanguageModelTraining, MaskedWorkload


class MaskedLanguageModel(LanguageModel):
    """An encoder that fills in tokens. Its text is that of a language model; each line is read by itself."""

    noun = "masked language model"
    plural = "masked language models"
    usual_recipe = "encoder-text"
    takes = ("encoder",)

    @classmethod
    def described(cls, run: Run) -> str:
        return "a masked language model"

    @property
    def does(self) -> str:
        return "fills in tokens"

    def first(self, corpus: Corpus[Documents], tokenizers: Tokenizers, count: int) -> Corpus[Documents]:
        """The first lines."""
        from seq2seq.tasks.masked_language_model_training import lines_of

        text = "\n".join(record.texts[0] for record in lines_of(corpus.train[0]).first(count).read())
        few = Documents(f"first {count} lines", lambda: iter([text]), lambda: digest([(text, "")]))
        return replace(corpus, found="overfit", train=(few,), dev=few, test=few)

    def overfitted_loss(self, count: int) -> float:
        return 0.0

    def model(self, tokenizers: Tokenizers) -> MaskedEncoder:
        from seq2seq import sizes
        from seq2seq.model.masked import MaskedEncoder

        sizes.must_fit_machine(self.recipe, tokenizers.source.size)
        return MaskedEncoder(self.recipe.model, tokenizers.source.size)

    def trained(self, run: Run, device: torch.device) -> MaskedEncoder:
        from seq2seq import sizes
        from seq2seq.storage.tensors import load_weights, read_weights
        from seq2seq.tasks.models import read_tokenizers

        run.must_have_weights()
        weights, tokenizers = read_weights(run.weights), read_tokenizers(self.recipe, run.path)
        sizes.must_fit_file(self.recipe.model, tokenizers.source.size, run.weights)
        model = self.model(tokenizers)
        load_weights(model, weights, run.weights)
        run.must_be_unchanged(run.weights.name, "tokenizer")
        return model.to(device).eval()

    def training(
        self, corpus: Corpus[Documents], tokenizers: Tokenizers, run: Run, say: Say
    ) -> MaskedLanguageModelTraining:
        from seq2seq.tasks.masked_language_model_training import training

        return training(self.recipe, corpus, tokenizers, run, say)

    def workload(self) -> MaskedWorkload:
        from seq2seq.tasks.masked_language_model_training import MaskedWorkload

        return MaskedWorkload(self.recipe)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        return f"dev loss {figures['negative_log_likelihood']:.4f} nats per masked token"

    def measure(self, run: Run, text: Documents, device: Choice, processes: Processes) -> dict[str, Any]:
        """Raises DataError where no line has a token."""
        from seq2seq.tasks.masked_language_model_training import fixed_batches
        from seq2seq.tasks.models import read_tokenizers
        from seq2seq.training.objective import CrossEntropy

        start = time.perf_counter()
        tokenizers = read_tokenizers(self.recipe, run.path)
        model = self.trained(run, device.numerics.device)
        batches = fixed_batches(self.recipe, text, tokenizers)
        nats = CrossEntropy(model, device.numerics, 0.0).evaluate(batches)["negative_log_likelihood"]
        return {
            "tokens": sum(batch.tokens for batch in batches),
            "nats_per_token": nats,
            "perplexity": math.exp(min(nats, 700.0)),
            "seconds": round(time.perf_counter() - start, 2),
        }

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        yield f"{name}: {scores['tokens']:,} masked tokens, {scores['seconds']:.1f} s"
        yield f"  {scores['nats_per_token']:.4f} nats per masked token   perplexity {scores['perplexity']:.3f}"

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        keys = ("nats_per_token", "perplexity")
        return [Figure(key.replace("_", " "), scores[key], less_is_better=True) for key in keys]

    def convert(self, run: Run, dev: Documents | None = None) -> Any:
        """Nothing serves one: others start from it."""
        self.keep_pytorch(run, "CTranslate2 has no masked language models")

    def compare(self, *_: Any) -> Any:
        """Raises RunError."""
        raise RunError(f"two {self.plural} cannot be compared; `seqx evaluate` judges each by itself")

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        from seq2seq.tasks.attention import of_masked_encoder
        from seq2seq.tasks.models import read_tokenizers

        model, tokenizers = self.trained(run, numerics.device), read_tokenizers(self.recipe, run.path)
        return of_masked_encoder(self.recipe, model, tokenizers, numerics)

    def example(self, run: Run) -> str:
        """What to start from it."""
        return f"seqx train --recipe classify --data FILE --start {shlex.quote(str(run.path))}"
