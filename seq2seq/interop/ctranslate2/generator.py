"""Text that continues a prompt, by the CTranslate2 copy of a decoder-only model; no torch here.

Each thread of CTranslate2 has its own random number generator, seeded when it first draws. Texts that one thread draws
together share its numbers, so that each would depend on how many there are. Here each text has its own thread, with the
copy opened again, which takes as long as a few tokens do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from queue import SimpleQueue
from typing import Any

import ctranslate2

from seq2seq.data.tokenizer import BOS, EOS, PAD, Tokenizer
from seq2seq.decoding.generation.generator import Generated, TextOrTokens, prompt_tokens
from seq2seq.decoding.generation.incremental import IncrementalDecoder
from seq2seq.decoding.options import DEFAULT, GenerationOptions, Sampling
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.interop.ctranslate2.loading import open_model, read_vocabularies

_seeding = threading.Lock()  # the seed is global to the process


class CTranslate2Generator:
    """The copy of a language model, with the tokenizer that it was trained with.

    `workers` texts are generated at a time. Log-probabilities are over the allowed tokens: all but PAD, UNKNOWN and
    BOS.
    """

    def __init__(self, copy: Copy, precision: str, device: str, tokenizer: Tokenizer, *, workers: int = 1) -> None:
        vocabularies = read_vocabularies(copy, precision)
        self._open = partial(open_model, copy, precision, vocabularies, device, 1)
        self._vocabulary = vocabularies[1]
        self._tokenizer = tokenizer
        self._context = copy.settings.positions
        self._documents = copy.settings.documents
        self._workers = workers

    def stream(self, prompt: TextOrTokens, options: GenerationOptions = DEFAULT) -> Generator[str, None, Generated]:
        """See `seq2seq.decoding.generation.generator.TextGenerator`."""
        pieces: SimpleQueue[str | None] = SimpleQueue()
        left = threading.Event()

        def take(piece: str) -> bool:
            pieces.put(piece)
            return left.is_set()

        with ThreadPoolExecutor(1) as pool:
            generated = pool.submit(self._text, prompt, options, 0, take)
            generated.add_done_callback(lambda _: pieces.put(None))
            try:
                while (piece := pieces.get()) is not None:
                    if piece:
                        yield piece
            finally:
                left.set()
            return generated.result()

    def generate(self, prompt: TextOrTokens, options: GenerationOptions = DEFAULT, samples: int = 1) -> list[Generated]:
        """See `seq2seq.decoding.generation.generator.TextGenerator`."""
        left = threading.Event()
        # In threads even for a single text, so that Ctrl-C is handled at once.
        with ThreadPoolExecutor(min(samples, self._workers)) as pool:
            texts = [
                pool.submit(self._text, prompt, options, number, lambda _: left.is_set()) for number in range(samples)
            ]
            try:
                return [text.result() for text in texts]
            finally:
                left.set()
                pool.shutdown(cancel_futures=True)

    def _text(
        self, prompt: TextOrTokens, options: GenerationOptions, number: int, take: Callable[[str], bool]
    ) -> Generated:
        """Text `number` of a prompt; each piece, empty where a token adds none, goes to `take`, which returns whether
        to stop."""
        if reason := inexpressible(options):
            raise RunError(reason)
        decoder = IncrementalDecoder(self._tokenizer, options.stop)
        *read, last = prompt_tokens(self._tokenizer, prompt, documents=self._documents)
        window = self._within([*self._within(read), last])
        generator = self._seeded(options.sampling, number)
        left = False

        def step(result: Any) -> bool:
            nonlocal left
            window.append(result.token_id)
            left = take(decoder.take(result.token_id, result.log_prob))
            return left or decoder.ended is not None

        remaining = options.max_tokens
        while remaining > 0 and not left and decoder.ended is None:
            begun = len(window)
            # The last token of a window is generated, not read.
            generator.generate_batch(
                [self._vocabulary.words(window)],
                max_length=min(remaining, self._context - begun + 1),
                return_scores=True,
                callback=step,
                **self._arguments(options.sampling),
            )
            remaining -= len(window) - begun
            window = self._newest(window)
        take(decoder.close())
        return decoder.generated()

    def _within(self, tokens: list[int]) -> list[int]:
        return tokens if len(tokens) <= self._context else self._newest(tokens)

    def _newest(self, tokens: list[int]) -> list[int]:
        """The tokens of a window after it moved: the newest half of the context."""
        return tokens[-max(1, self._context // 2) :]

    def _seeded(self, sampling: Sampling, number: int) -> Any:
        """The copy, opened again, its thread seeded with the seed and the number of the text."""
        generator = self._open()
        if not sampling.greedy:
            digest = blake2b(f"{sampling.seed} {number}".encode(), digest_size=4).digest()
            with _seeding:
                ctranslate2.set_random_seed(int.from_bytes(digest) or 1)  # 0 would be a random seed
                generator.generate_batch([self._vocabulary.words([EOS])], max_length=1, **self._arguments(Sampling()))
        return generator

    def _arguments(self, sampling: Sampling) -> dict[str, Any]:
        drawn: dict[str, Any] = {"sampling_topk": 1}
        if not sampling.greedy:
            drawn = {
                "sampling_topk": min(sampling.top_k, len(self._vocabulary.all_words)),
                "sampling_topp": sampling.top_p,
                "sampling_temperature": sampling.temperature,
            }
        return {
            **drawn,
            "beam_size": 1,
            "include_prompt_in_result": False,
            "disable_unk": True,
            "suppress_sequences": [self._vocabulary.words([token]) for token in (PAD, BOS)],
        }


def inexpressible(options: GenerationOptions) -> str:
    """Why CTranslate2 cannot generate with these options, in one line; an empty string where it can."""
    if options.beam_size:
        return "only PyTorch searches with --beam-size past what a model reads at a time"
    if options.sampling.min_p > 0:
        return "only PyTorch has --min-p"
    if options.sampling.repetition_penalty != 1:
        return "only PyTorch has a --repetition-penalty that counts the prompt and all of the text"
    return ""
