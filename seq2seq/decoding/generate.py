"""Text that goes on from a prompt, with a decoder-only model.

Shapes: N texts, P prompt tokens, V vocabulary.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from seq2seq.data.tokenizers import EOS, Tokenizer
from seq2seq.decoding.sampling import Sampler
from seq2seq.decoding.search import Steps, beam_search, unroll
from seq2seq.decoding.text import DEFAULT, Options, prompt_tokens
from seq2seq.decoding.writer import NOT_FINITE, Generated, Writer
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.model.gpt import Gpt
from seq2seq.model.state import History, State


class Generator:
    """A decoder-only model with the tokenizer that it was trained on, which must lose nothing of a text.

    `documents` says that the training text was many documents, each ended by EOS: without a prompt a document begins,
    else a line.
    """

    def __init__(self, model: Gpt, tokenizer: Tokenizer, numerics: Numerics, *, documents: bool = False) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._numerics = numerics
        self._documents = documents

    def stream(self, prompt: str, options: Options = DEFAULT) -> collections.abc.Generator[str, None, Generated]:
        """Pieces of the text as they come, whole characters all; joined they are the text, which is also returned.

        What may be the start of a stop string is held back until that is decided. A beam search gives the text in one
        piece. Raises RunError where the model gives no finite probability.
        """
        if options.beam_size:
            (found,) = self._searched(prompt, options, 1)
            yield found.text
            return found
        writer = Writer(self._tokenizer, options.stop)
        for _, piece in self._drawn(prompt, options, [writer]):
            yield piece
        return writer.generated()

    def generate(self, prompt: str, options: Options = DEFAULT, samples: int = 1) -> list[Generated]:
        """Several texts from one prompt, in one batch; text i is the same however many there are. By beam search, the
        most probable ones found, best first.

        Raises RunError where the model gives no finite probability.
        """
        if options.beam_size:
            return self._searched(prompt, options, samples)
        writers = [Writer(self._tokenizer, options.stop) for _ in range(samples)]
        with self._numerics.context():  # around all steps, so that weights are cast once
            for _ in self._drawn(prompt, options, writers):
                pass
        return [writer.generated() for writer in writers]

    def _drawn(self, prompt: str, options: Options, writers: Sequence[Writer]) -> Iterator[tuple[int, str]]:
        """Write all texts, a token of each at a time; yields (text, what was added to it)."""
        device = self._numerics.device
        steps, state, read = self._start(prompt, options)
        rows = torch.zeros(len(writers), dtype=torch.long, device=device)
        state.reorder(rows)
        read = read[rows]  # (N, P)
        ended: set[int] = set()
        chosen = unroll(
            steps,
            state,
            [options.max_tokens] * len(writers),
            Sampler(options.sampling, device=device, read=read),
            first=read[:, -1],
            ended=ended,
            device=device,
        )
        for step in islice(chosen, options.max_tokens):
            for row, token, score in step:
                if piece := writers[row].take(token, score):
                    yield row, piece
                if writers[row].ended:
                    ended.add(row)
        for row, writer in enumerate(writers):
            if piece := writer.close():
                yield row, piece

    def _searched(self, prompt: str, options: Options, n_best: int) -> list[Generated]:
        """The most probable texts: without a length penalty, and none forced to end."""
        with self._numerics.context():
            steps, state, read = self._start(prompt, options)
            (found,) = beam_search(
                steps,
                state,
                [options.max_tokens],
                beam_size=options.beam_size,
                alpha=0.0,
                n_best=n_best,
                first=read[:, -1],
                cut=True,
                device=self._numerics.device,
            )
        if not found:
            raise RunError(NOT_FINITE)
        texts = []
        for output in found:
            writer = Writer(self._tokenizer, options.stop)
            for token, score in zip((*output.tokens, EOS), output.token_scores):
                if not writer.ended:
                    writer.take(token, score)
            writer.close()
            texts.append(writer.generated())
        return texts

    def _start(self, prompt: str, options: Options) -> tuple[Steps, State, Tensor]:
        """Steps, the state that has read the prompt but for its last token, and the prompt's tokens (1, P)."""
        steps: _Steps = (_Cached if options.cached else _Uncached)(self._model, self._numerics)
        tokens = prompt_tokens(self._tokenizer, prompt, documents=self._documents)
        read = torch.tensor([tokens], device=self._numerics.device)
        return steps, steps.start(read[:, :-1]), read


class _Steps(Steps, Protocol):
    def start(self, prompt: Tensor) -> State:
        """The state that has read a prompt (1, P)."""


class _Cached:
    """The model's own steps."""

    def __init__(self, model: Gpt, numerics: Numerics) -> None:
        self._model = model
        self._numerics = numerics

    @torch.inference_mode()
    def start(self, prompt: Tensor) -> State:
        with self._numerics.context():
            return self._model.start(prompt)

    @torch.inference_mode()
    def step(self, tokens: Tensor, state: State) -> Tensor:
        with self._numerics.context():
            return self._model.step(tokens, state)


class _Uncached(_Cached):
    """Steps that keep no keys and values: each reads the window of the model's own steps from nothing."""

    def start(self, prompt: Tensor) -> State:
        state = State([], [], None, history=History())
        self._read(prompt, state)
        return state

    @torch.inference_mode()
    def step(self, tokens: Tensor, state: State) -> Tensor:
        window = self._read(tokens, state)
        with self._numerics.context():
            return self._model.head(self._model.hidden(window)[:, -1:])  # type: ignore[no-any-return]

    def _read(self, tokens: Tensor, state: State) -> Tensor:
        assert state.history is not None
        state.history.append(tokens)
        context = self._model.context
        state.length += tokens.size(1)
        if state.length > context:
            state.length = max(1, context // 2)
        return state.history.newest(state.length)
