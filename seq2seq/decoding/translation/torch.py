"""Engines on PyTorch: any device, any option."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seq2seq.data.batches import collate, pad_sources
from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.decoding.hypothesis import Hypothesis, Tokens, hypothesis
from seq2seq.decoding.log_probabilities import label_log_probabilities
from seq2seq.decoding.options import Number, SearchOptions
from seq2seq.decoding.sampling import Sampler
from seq2seq.decoding.search import Steps, beam_search, most_probable, roll_out
from seq2seq.decoding.translation.engine import by_length
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.model.state import State
from seq2seq.model.transformer import Transformer


class TorchEngine:
    """Search with the PyTorch encoder-decoder, on any device."""

    def __init__(self, model: Transformer, numerics: Numerics) -> None:
        self._model = model.eval()
        self._numerics = numerics

    @torch.inference_mode()
    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """See `Engine`."""
        device = self._numerics.device
        tokens, mask, _ = pad_sources(sources)
        with self._numerics.context():
            state = self._model.start(tokens.to(device), None if mask is None else mask.to(device))
            return _search(self._model, state, sources, options, numbers or _places(sources), device)

    @torch.inference_mode()
    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """See `Engine`."""
        batch = collate(sources, targets).to(self._numerics.device)
        with self._numerics.context():
            logits: Tensor = self._model(*batch.inputs)
        return _scored(logits, batch.labels, targets, alpha)


class DecoderOnlyEngine:
    """Search with a decoder-only translator, which reads `source BOS target EOS`, on any device."""

    def __init__(self, model: Gpt, numerics: Numerics) -> None:
        self._model = model.eval()
        self._numerics = numerics

    @torch.inference_mode()
    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """See `Engine`."""
        device = self._numerics.device
        numbers = numbers or _places(sources)
        outputs: dict[int, list[Hypothesis]] = {}
        with self._numerics.context():
            for places in by_length(sources):
                group = [list(map(int, sources[place])) for place in places]
                state = self._model.start(torch.tensor(group, dtype=torch.long, device=device))
                named = [numbers[place] for place in places]
                outputs.update(zip(places, _search(self._model, state, group, options, named, device), strict=True))
        return [outputs[place] for place in range(len(sources))]

    @torch.inference_mode()
    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """See `Engine`."""
        longest = max(len(source) + len(target) for source, target in zip(sources, targets)) + 1
        most = max(map(len, targets)) + 1
        inputs = torch.full((len(sources), longest), PAD)
        labels = torch.full((len(sources), most), PAD)
        places = torch.zeros(len(sources), most, dtype=torch.long)  # of the states that predict the labels
        for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
            start, end = len(source), len(source) + len(target) + 1
            inputs[row, :end] = torch.tensor([*source, BOS, *target])
            labels[row, : end - start] = torch.tensor([*target, EOS])
            places[row, : end - start] = torch.arange(start, end)
        device = self._numerics.device
        with self._numerics.context():
            hidden = self._model.hidden(inputs.to(device))  # (B, T, C)
            rows = torch.arange(len(sources), device=device)[:, None]
            logits: Tensor = self._model.head(hidden[rows, places.to(device)])
        return _scored(logits, labels.to(device), targets, alpha)


def _places(sources: Sequence[Tokens]) -> list[Number]:
    return [(place,) for place in range(len(sources))]


def _search(
    steps: Steps,
    state: State,
    sources: Sequence[Tokens],
    options: SearchOptions,
    numbers: Sequence[Number],
    device: torch.device,
) -> list[list[Hypothesis]]:
    """The n best outputs of each source; `state` is their start."""
    limits = [len(source) + options.max_extra for source in sources]
    alpha, n_best = options.length_penalty, options.n_best
    if options.sampling is not None:
        rows = torch.arange(len(sources), device=device).repeat_interleave(n_best)
        state.reorder(rows, rows)
        repeated = [limit for limit in limits for _ in range(n_best)]
        named = [(*number, rank) for number in numbers for rank in range(n_best)]
        sampler = Sampler(options.sampling, device=device, rows=named)
        drawn = roll_out(steps, state, repeated, sampler, alpha=alpha, device=device)
        groups = [drawn[start : start + n_best] for start in range(0, len(drawn), n_best)]
        return [sorted(group, key=lambda output: -output.score) for group in groups]
    if options.beam_size == 1:
        return [[output] for output in roll_out(steps, state, limits, most_probable, alpha=alpha, device=device)]
    return beam_search(steps, state, limits, beam_size=options.beam_size, alpha=alpha, n_best=n_best, device=device)


def _scored(logits: Tensor, labels: Tensor, targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
    """Targets as hypotheses, from logits (B, T, V) of their labels (B, T), each target's EOS counted."""
    scores = label_log_probabilities(logits, labels).tolist()
    return [hypothesis(list(map(int, target)), row[: len(target) + 1], alpha) for target, row in zip(targets, scores)]
