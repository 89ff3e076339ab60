"""A reward model: what a completion of a prompt is worth, learnt from comparisons (Ouyang et al., 2022, step 2)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from seq2seq.data.comparisons import ComparisonSource
from seq2seq.data.corpus import Corpus
from seq2seq.run import Run
from seq2seq.tasks.comparing import Comparing
from seq2seq.tasks.task import Say

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Device

    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.model.scored import Scored
    from seq2seq.recipe import Recipe
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.comparing_training import ComparingTraining
    from seq2seq.training.preferences import BradleyTerry


class Reward(Comparing):
    """The model of its start, with a scalar head in place of its own."""

    noun = "reward model"
    plural = "reward models"
    usual_recipe = "assistant-reward"
    takes = ("trunk",)

    def from_start(self, former: Recipe, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {f"trunk.{name}": weight for name, weight in weights.items()}

    def model(self, tokenizers: Tokenizers) -> Scored:
        """The model, whose head is zero."""
        from seq2seq.model.scored import LikelihoodScored, Scored

        trunk, width, nats = self.base.model(tokenizers), self.recipe.model.d_model, self.comparisons.likelihood
        return LikelihoodScored(trunk, width, nats) if nats else Scored(trunk, width)

    def trained(self, run: Run, device: Device) -> Scored:
        from seq2seq.storage.tensors import load_weights, read_weights
        from seq2seq.tasks.models import read_tokenizers

        run.must_have_weights()
        scored = self.model(read_tokenizers(self.recipe, run.path))
        load_weights(scored, read_weights(run.weights), run.weights)
        run.must_be_unchanged(run.weights.name, "tokenizer")
        return scored.to(device).eval()

    def training(
        self, corpus: Corpus[ComparisonSource], tokenizers: Tokenizers, run: Run, say: Say
    ) -> ComparingTraining:
        from seq2seq.tasks.comparing_training import ComparingTraining

        return ComparingTraining(self.recipe, self.prepared(corpus, tokenizers, say), self._objective)

    def _objective(self, model: Scored, numerics: Numerics) -> BradleyTerry:
        from seq2seq.training.preferences import BradleyTerry

        return BradleyTerry(model, numerics, self.comparisons.centring)

    def measure(self, run: Run, text: ComparisonSource, device: Choice, processes: Processes) -> dict[str, Any]:
        """The figures of comparisons, and the rewards of their sides."""
        from seq2seq.data.comparison_batches import measured
        from seq2seq.evaluation.comparisons import judge
        from seq2seq.tasks.models import architecture, read_tokenizers

        kept, tokens, counted = self.encoded(text, read_tokenizers(self.recipe, run.path))
        objective = self._objective(self.trained(run, device.numerics.device), device.numerics)
        layout = architecture(self.recipe).layout
        rewards = measured(objective.scores, layout, tokens, self.recipe.training.batch_tokens)
        figures = judge(kept, (rewards[:, 0] - rewards[:, 1]).double().numpy())
        return {**figures, "reward": float(rewards.mean()), "left_out": counted}

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        yield from super().score_lines(name, scores)
        if left_out := sum(scores["left_out"].values()):
            yield f"  {left_out:,} left out, or changed: {scores['left_out']}"

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        from seq2seq.tasks.attention import of_reward_model
        from seq2seq.tasks.models import read_tokenizers

        scored, tokenizers = self.trained(run, numerics.device), read_tokenizers(self.recipe, run.path)
        return of_reward_model(self.recipe, scored, tokenizers, numerics)

    def example(self, run: Run) -> str:
        path = shlex.quote(str(run.path))
        return f"seqx score --source-file prompts.txt --target-file completions.txt --run {path}"

    def convert(self, run: Run, dev: ComparisonSource | None = None) -> Any:
        """PyTorch alone serves reward models."""
        self.keep_pytorch(run, "CTranslate2 has no reward models")
