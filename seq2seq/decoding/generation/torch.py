"""Text that continues a prompt, by PyTorch.

Shapes: N texts, P prompt tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import torch
from torch import Tensor

from seq2seq.data.tokenizer import EOS, Tokenizer
from seq2seq.decoding.generation.generator import Generated, TextOrTokens, prompt_tokens
from seq2seq.decoding.generation.incremental import IncrementalDecoder
from seq2seq.decoding.hypothesis import NOT_FINITE
from seq2seq.decoding.options import DEFAULT, GenerationOptions
from seq2seq.decoding.sampling import Sampler
from seq2seq.decoding.search import beam_search, unroll
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.model.gpt import Gpt
from seq2seq.model.state import State


class TorchGenerator:
    """A decoder-only model with the tokenizer that it was trained with, which must restore any text; `documents` as for
    `prompt_tokens`."""

    def __init__(self, model: Gpt, tokenizer: Tokenizer, numerics: Numerics, *, documents: bool = False) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._numerics = numerics
        self._documents = documents

    def stream(self, prompt: TextOrTokens, options: GenerationOptions = DEFAULT) -> Generator[str, None, Generated]:
        """See `TextGenerator`; beam search yields the text in one piece."""
        if options.beam_size:
            (generated,) = self._searched(prompt, options, 1)
            yield generated.text
            return generated
        decoder = IncrementalDecoder(self._tokenizer, options.stop)
        for _, piece in self._sampled(prompt, options, [decoder]):
            yield piece
        return decoder.generated()

    def generate(self, prompt: TextOrTokens, options: GenerationOptions = DEFAULT, samples: int = 1) -> list[Generated]:
        """See `TextGenerator`; all texts are one batch."""
        if options.beam_size:
            return self._searched(prompt, options, samples)
        decoders = [IncrementalDecoder(self._tokenizer, options.stop) for _ in range(samples)]
        with self._numerics.context():  # around all steps, so that weights are cast once
            for _ in self._sampled(prompt, options, decoders):
                pass
        return [decoder.generated() for decoder in decoders]

    def _sampled(
        self, prompt: TextOrTokens, options: GenerationOptions, decoders: Sequence[IncrementalDecoder]
    ) -> Iterator[tuple[int, str]]:
        """Sample all texts, one token of each at a time; yields (number of the text, what was added to it)."""
        device = self._numerics.device
        state, read = self._start(prompt)
        rows = torch.zeros(len(decoders), dtype=torch.long, device=device)
        state.reorder(rows)
        read = read[rows]  # (N, P)
        ended: set[int] = set()
        steps = unroll(
            self._model,
            state,
            [options.max_tokens] * len(decoders),
            Sampler(options.sampling, device=device, read=read),
            first=read[:, -1],
            ended=ended,
            device=device,
        )
        for _ in range(options.max_tokens):
            with self._numerics.context():  # not around the caller's code between two steps
                step = next(steps, None)
            if step is None:
                break
            for row, token, score in step:
                if piece := decoders[row].take(token, score):
                    yield row, piece
                if decoders[row].ended:
                    ended.add(row)
        for row, decoder in enumerate(decoders):
            if piece := decoder.close():
                yield row, piece

    def _searched(self, prompt: TextOrTokens, options: GenerationOptions, n_best: int) -> list[Generated]:
        """The most probable texts: without a length penalty, and none forced to end."""
        with self._numerics.context():
            state, read = self._start(prompt)
            (outputs,) = beam_search(
                self._model,
                state,
                [options.max_tokens],
                beam_size=options.beam_size,
                alpha=0.0,
                n_best=n_best,
                first=read[:, -1],
                cut=True,
                device=self._numerics.device,
            )
        if not outputs:
            raise RunError(NOT_FINITE)
        texts = []
        for output in outputs:
            decoder = IncrementalDecoder(self._tokenizer, options.stop)
            for token, score in zip((*output.tokens, EOS), output.token_scores):
                if not decoder.ended:
                    decoder.take(token, score)
            decoder.close()
            texts.append(decoder.generated())
        return texts

    @torch.inference_mode()
    def _start(self, prompt: TextOrTokens) -> tuple[State, Tensor]:
        """The state after all tokens of the prompt but the last, and the prompt's tokens (1, P)."""
        tokens = prompt_tokens(self._tokenizer, prompt, documents=self._documents)
        read = torch.tensor([tokens], device=self._numerics.device)
        with self._numerics.context():
            return self._model.start(read[:, :-1]), read
