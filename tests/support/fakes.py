"""Small models: a table of random log-probabilities that takes steps, and models of random weights; what they write."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.data.tokenizers import BOS, EOS
from seq2seq.decoding.generation.generator import Generated
from seq2seq.model.gpt import Gpt
from seq2seq.model.state import Cache, History, KeyValue, State
from seq2seq.model.transformer import Transformer

Module = TypeVar("Module", bound=nn.Module)


class TableSteps:
    """Steps whose next-token distribution is a pure function of (seed, sentence, tokens so far), random for each.

    The tokens so far travel through a real `State`, so that a search which mixes up rows or sentences sees other
    distributions.
    """

    def __init__(self, vocabulary: int, seed: int, *, end: float = 0.0) -> None:
        self.vocabulary = vocabulary
        self.taken = 0
        self._seed = seed
        self._end = end  # added to the logit of EOS

    def start(self, sentences: Sequence[int]) -> State:
        """The state of sentences that are known by a number."""
        number = torch.tensor(sentences)[:, None, None, None]
        return State([Cache()], [KeyValue(number, number)], None)

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """Logits (N, 1, V) after the tokens (N, 1); probabilities are their softmax."""
        self.taken += 1
        so_far = state.caches[0].append(tokens[:, :, None, None], tokens[:, :, None, None]).key[:, 0, :, 0].tolist()
        numbers = state.memories[0].key.flatten().tolist()
        beams = len(so_far) // len(numbers)
        rows = [self._logits(numbers[row // beams], prefix[prefix[0] == BOS :]) for row, prefix in enumerate(so_far)]
        return torch.tensor(np.array(rows), dtype=torch.float32)[:, None, :]

    def log_probabilities(self, sentence: int, tokens: Sequence[int]) -> list[float]:
        """Natural-log probability of each token after `tokens`, their BOS left out."""
        logits = self._logits(sentence, tokens)
        return (logits - np.log(np.exp(logits).sum())).tolist()  # type: ignore[no-any-return]

    def _logits(self, sentence: int, tokens: Sequence[int]) -> Any:
        logits = np.random.default_rng((self._seed, sentence, *tokens)).normal(scale=2.0, size=self.vocabulary)
        logits[EOS] += self._end
        return logits


class Uncached:
    """The steps of a GPT that keep no keys and values: each reads the window of the model's own steps from nothing."""

    def __init__(self, model: Gpt) -> None:
        self._model = model

    def eval(self) -> Uncached:
        self._model.eval()
        return self

    def start(self, prompt: Tensor) -> State:
        state = State([], [], None, history=History())
        self._read(prompt, state)
        return state

    def step(self, tokens: Tensor, state: State) -> Tensor:
        return self._model.head(self._model.hidden(self._read(tokens, state))[:, -1:])  # type: ignore[no-any-return]

    def _read(self, tokens: Tensor, state: State) -> Tensor:
        assert state.history is not None
        state.history.append(tokens)
        state.length += tokens.size(1)
        if state.length > self._model.context:
            state.length = max(1, self._model.context // 2)
        return state.history.newest(state.length)


def tiny_recipe(**changes: Any) -> recipe.Model:
    """Two layers, eight wide, two heads, no dropout."""
    sizes = {
        "d_model": 8,
        "d_ff": 12,
        "n_heads": 2,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "dropout": 0.0,
        "max_length": 16,
    }
    return recipe.Model.model_validate({**sizes, **changes})


def tiny_transformer(vocabulary: int = 11, *, deviation: float = 0.4, **changes: Any) -> Transformer:
    """A tiny Transformer in evaluation mode. Weights, biases and gains are all random, so that each matters."""
    return randomise(Transformer(tiny_recipe(**changes), vocabulary, vocabulary).eval(), deviation)


def tiny_gpt(vocabulary: int = 11, *, deviation: float = 0.4, end: float = 0.0, **changes: Any) -> Gpt:
    """A tiny decoder-only model in evaluation mode, its weights all random. With `end`, that is the logit of EOS."""
    model = randomise(Gpt(tiny_recipe(architecture="decoder-only", **changes), vocabulary).eval(), deviation)
    if end:
        # One part of all states is 1, and EOS looks at nothing else, the others not at it.
        norm = model.last_norm
        assert isinstance(norm, nn.LayerNorm)
        with torch.no_grad():
            norm.weight[0], norm.bias[0] = 0.0, 1.0
            model.head.weight[:, 0], model.head.weight[EOS] = 0.0, 0.0
            model.head.weight[EOS, 0] = end
    return model


def randomise(module: Module, deviation: float = 0.4) -> Module:
    """Draw all weights anew, biases and gains too."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=deviation)
    return module


def padding_mask(lengths: Sequence[int]) -> Tensor:
    """Mask (B, 1, 1, S) of sequences that are filled up to `lengths`."""
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None, None, :]


def drained(stream: Generator[str, None, Generated]) -> tuple[list[str], Generated]:
    """The pieces of a stream of text, and what it returned."""
    pieces = []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            return pieces, end.value
