"""What turns token batches into outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seq2seq.data.batches import collate, pad_sources
from seq2seq.decoding.sampling import Sampling, sample
from seq2seq.decoding.search import Hypothesis, beam_search, greedy, penalty
from seq2seq.device import Numerics
from seq2seq.model.transformer import Transformer


@dataclass(frozen=True)
class Options:
    """How to search."""

    beam_size: int = 4
    length_penalty: float = 0.6
    n_best: int = 1
    max_extra: int = 50  # output tokens beyond the source's
    batch_tokens: int = 4096
    sampling: Sampling | None = None  # in place of the search


class TorchEngine:
    """Search with the PyTorch model, on any device."""

    def __init__(self, model: Transformer, numerics: Numerics) -> None:
        self._model = model.eval()
        self._numerics = numerics

    @torch.inference_mode()
    def translate(self, sources: Sequence[Sequence[int]], options: Options) -> list[list[Hypothesis]]:
        """The n best outputs of each source (tokens without EOS), best first."""
        device = self._numerics.device
        tokens, mask, _ = pad_sources(sources)
        limits = [len(source) + options.max_extra for source in sources]
        with self._numerics.context():
            state = self._model.start(tokens.to(device), None if mask is None else mask.to(device))
            if options.sampling is not None:
                rows = torch.arange(len(sources), device=device).repeat_interleave(options.n_best)
                state.reorder(rows, rows)
                repeated = [limit for limit in limits for _ in range(options.n_best)]
                drawn = sample(
                    self._model, state, repeated, options.sampling, alpha=options.length_penalty, device=device
                )
                groups = [drawn[start : start + options.n_best] for start in range(0, len(drawn), options.n_best)]
                return [sorted(group, key=lambda hypothesis: -hypothesis.score) for group in groups]
            if options.beam_size == 1:
                return [
                    [found] for found in greedy(self._model, state, limits, alpha=options.length_penalty, device=device)
                ]
            return beam_search(
                self._model,
                state,
                limits,
                beam_size=options.beam_size,
                alpha=options.length_penalty,
                n_best=options.n_best,
                device=device,
            )

    @torch.inference_mode()
    def score(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], alpha: float
    ) -> list[Hypothesis]:
        """Given outputs by forced decoding, with the scores that `translate` reports for the same tokens."""
        batch = collate(sources, targets).to(self._numerics.device)
        with self._numerics.context():
            logits: Tensor = self._model(*batch.inputs)
        likelihood = logits.float().log_softmax(-1).gather(2, batch.labels[..., None]).squeeze(2).tolist()
        found = []
        for target, row in zip(targets, likelihood):
            scores = tuple(row[: len(target) + 1])
            found.append(Hypothesis(tuple(map(int, target)), scores, sum(scores) / penalty(len(scores), alpha)))
        return found
