"""Engines on PyTorch: any device, any option."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seq2seq.data.batches import collate, collate_joined, pad_sources
from seq2seq.decoding.hypothesis import Hypothesis, Tokens, hypothesis
from seq2seq.decoding.log_probabilities import label_log_probabilities
from seq2seq.decoding.options import SampleNumber, SearchOptions
from seq2seq.decoding.sampling import Sampler
from seq2seq.decoding.search import beam_search, most_probable, roll_out
from seq2seq.decoding.translation.engine import by_length
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.model.state import State
from seq2seq.model.transformer import Transformer


class TorchEngine:
    """Search with the PyTorch encoder-decoder, on any device."""

    def __init__(self, model: Transformer | Gpt, numerics: Numerics) -> None:
        self._model: Any = model.eval()
        self._numerics = numerics

    @torch.inference_mode()
    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        """See `Engine`."""
        numbers = numbers or [(place,) for place in range(len(sources))]
        outputs: dict[int, list[Hypothesis]] = {}
        with self._numerics.context():
            for places in self._groups(sources):
                group = [sources[place] for place in places]
                found = self._search(group, self._start(group), options, [numbers[place] for place in places])
                outputs.update(zip(places, found, strict=True))
        return [outputs[place] for place in range(len(sources))]

    @torch.inference_mode()
    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """See `Engine`."""
        labels = collate(sources, targets).labels.to(self._numerics.device)
        with self._numerics.context():
            logits = self._logits(sources, targets)
        scores = label_log_probabilities(logits, labels).tolist()
        return [
            hypothesis(list(map(int, target)), row[: len(target) + 1], alpha) for target, row in zip(targets, scores)
        ]

    def _groups(self, sources: Sequence[Tokens]) -> list[list[int]]:
        """The places of the sources that are searched together."""
        return [list(range(len(sources)))]

    def _start(self, sources: Sequence[Tokens]) -> State:
        """The state after reading B sources."""
        device = self._numerics.device
        tokens, mask, _ = pad_sources(sources)
        state: State = self._model.start(tokens.to(device), None if mask is None else mask.to(device))
        return state

    def _logits(self, sources: Sequence[Tokens], targets: Sequence[Tokens]) -> Tensor:
        """The logits (B, T, V) of the labels of given targets."""
        logits: Tensor = self._model(*collate(sources, targets).to(self._numerics.device).inputs)
        return logits

    def _search(
        self, sources: Sequence[Tokens], state: State, options: SearchOptions, numbers: Sequence[SampleNumber]
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source; `state` is their start."""
        device = self._numerics.device
        limits = [len(source) + options.max_extra for source in sources]
        alpha, n_best = options.length_penalty, options.n_best
        if options.sampling is not None:
            rows = torch.arange(len(sources), device=device).repeat_interleave(n_best)
            state.reorder(rows, rows)
            repeated = [limit for limit in limits for _ in range(n_best)]
            named = [(*number, rank) for number in numbers for rank in range(n_best)]
            sampler = Sampler(options.sampling, device=device, rows=named)
            drawn = roll_out(self._model, state, repeated, sampler, alpha=alpha, device=device)
            groups = [drawn[start : start + n_best] for start in range(0, len(drawn), n_best)]
            return [sorted(group, key=lambda output: -output.score) for group in groups]
        if options.beam_size == 1:
            best = roll_out(self._model, state, limits, most_probable, alpha=alpha, device=device)
            return [[output] for output in best]
        return beam_search(
            self._model, state, limits, beam_size=options.beam_size, alpha=alpha, n_best=n_best, device=device
        )


class DecoderOnlyEngine(TorchEngine):
    """Search with a decoder-only translator, which reads `source BOS target EOS`, on any device."""

    def _groups(self, sources: Sequence[Tokens]) -> list[list[int]]:
        return by_length(sources)

    def _start(self, sources: Sequence[Tokens]) -> State:
        tokens = [list(map(int, source)) for source in sources]
        state: State = self._model.start(torch.tensor(tokens, dtype=torch.long, device=self._numerics.device))
        return state

    def _logits(self, sources: Sequence[Tokens], targets: Sequence[Tokens]) -> Tensor:
        inputs = collate_joined(sources, targets).to(self._numerics.device).inputs[0]
        starts = torch.tensor([[len(source)] for source in sources])
        places = starts + torch.arange(max(map(len, targets)) + 1)  # of the states that predict the labels
        hidden = self._model.hidden(inputs)  # (B, T, C)
        rows = torch.arange(len(sources), device=hidden.device)[:, None]
        logits: Tensor = self._model.head(hidden[rows, places.clamp(max=hidden.size(1) - 1).to(hidden.device)])
        return logits
