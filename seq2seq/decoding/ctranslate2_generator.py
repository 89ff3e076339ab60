"""Text that goes on from a prompt, by the CTranslate2 copy of a decoder-only model; no torch here.

CTranslate2 draws with a generator of random numbers that each of its threads has of its own, seeded with the first
number it draws. Texts that one thread draws together share its numbers, so that each depends on how many there are.
Here each text has a thread of its own, with the copy opened anew, which takes as long as some tokens do.
"""

from __future__ import annotations

import collections.abc
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from queue import SimpleQueue
from typing import Any

import ctranslate2

from seq2seq.data.tokenizers import BOS, EOS, PAD, Tokenizer
from seq2seq.decoding.ctranslate2_engine import Vocabulary
from seq2seq.decoding.engine import Sampling
from seq2seq.decoding.text import DEFAULT, Options, prompt_tokens
from seq2seq.decoding.writer import Generated, Writer
from seq2seq.errors import RunError

# Below this temperature all that is drawn is the most probable token.
_COLD = 1e-6

_seeding = threading.Lock()  # the seed is one for the process


class CTranslate2Generator:
    """The copy of a model of running text, with the tokenizer that it was trained on.

    `open_copy` opens it, as a `ctranslate2.Generator` of one thread; `context` is the longest sequence, in tokens, that
    the model learnt; `workers` texts are made at a time. Log-probabilities are of the tokens that may come: never PAD,
    UNKNOWN or BOS.
    """

    def __init__(
        self,
        open_copy: Callable[[], Any],
        vocabulary: Vocabulary,
        tokenizer: Tokenizer,
        context: int,
        *,
        documents: bool = False,
        workers: int = 1,
    ) -> None:
        self._open = open_copy
        self._vocabulary = vocabulary
        self._tokenizer = tokenizer
        self._context = context
        self._documents = documents
        self._workers = workers

    def stream(self, prompt: str, options: Options = DEFAULT) -> collections.abc.Generator[str, None, Generated]:
        """Pieces of the text as they come, whole characters all; joined they are the text, which is also returned.

        What may be the start of a stop string is held back until that is decided. Raises RunError where the model gives
        no finite probability, or for options that `inexpressible` names.
        """
        pieces: SimpleQueue[str | None] = SimpleQueue()
        left = threading.Event()

        def take(piece: str) -> bool:
            pieces.put(piece)
            return left.is_set()

        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(self._text, prompt, options, 0, take)
            made.add_done_callback(lambda _: pieces.put(None))
            try:
                while (piece := pieces.get()) is not None:
                    if piece:
                        yield piece
            finally:
                left.set()
            return made.result()

    def generate(self, prompt: str, options: Options = DEFAULT, samples: int = 1) -> list[Generated]:
        """Several texts from one prompt; text i is the same however many there are.

        Raises RunError where the model gives no finite probability, or for options that `inexpressible` names.
        """
        left = threading.Event()

        def take(piece: str) -> bool:
            return left.is_set()

        # In threads even where there is one text, so that Ctrl-C is heard at once.
        with ThreadPoolExecutor(min(samples, self._workers)) as pool:
            made = [pool.submit(self._text, prompt, options, number, take) for number in range(samples)]
            try:
                return [each.result() for each in made]
            finally:
                left.set()
                pool.shutdown(cancel_futures=True)

    def _text(self, prompt: str, options: Options, number: int, take: Callable[[str], bool]) -> Generated:
        """Text `number` of a prompt; each piece, and nothing where a token adds none, goes to `take`, which says
        whether that is enough."""
        if reason := inexpressible(options):
            raise RunError(reason)
        writer = Writer(self._tokenizer, options.stop)
        read = prompt_tokens(self._tokenizer, prompt, documents=self._documents)
        window = _window(read[:-1], self._context) + read[-1:]
        if len(window) > self._context:
            window = _newest(window, self._context)
        generator = self._seeded(options.sampling, number)
        left = False

        def step(result: Any) -> bool:
            nonlocal left
            window.append(result.token_id)
            left = take(writer.take(result.token_id, result.log_prob))
            return left or writer.ended is not None

        wanted = options.max_tokens
        while wanted > 0 and not left and writer.ended is None:
            begun = len(window)
            # The last token of a window need not be read in it.
            generator.generate_batch(
                [self._vocabulary.words(window)],
                max_length=min(wanted, self._context - begun + 1),
                return_scores=True,
                callback=step,
                **self._arguments(options.sampling),
            )
            wanted -= len(window) - begun
            window = _newest(window, self._context)
        take(writer.close())
        return writer.generated()

    def _seeded(self, sampling: Sampling, number: int) -> Any:
        """The copy, opened anew, whose thread draws by the seed and the number of the text."""
        generator = self._open()
        if sampling.temperature >= _COLD:
            digest = blake2b(f"{sampling.seed} {number}".encode(), digest_size=4).digest()
            with _seeding:
                ctranslate2.set_random_seed(int.from_bytes(digest) or 1)  # 0 would seed by chance
                generator.generate_batch([self._vocabulary.words([EOS])], max_length=1, **self._arguments(Sampling()))
        return generator

    def _arguments(self, sampling: Sampling) -> dict[str, Any]:
        drawn: dict[str, Any] = {"sampling_topk": 1}
        if sampling.temperature >= _COLD:
            drawn = {
                "sampling_topk": min(sampling.top_k, len(self._vocabulary)),
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


def inexpressible(options: Options) -> str:
    """Why CTranslate2 cannot go on as is asked, in a line; nothing where it can."""
    if options.beam_size:
        return "only PyTorch searches with --beam-size past what a model reads at a time"
    if options.sampling.min_p > 0:
        return "only PyTorch has --min-p"
    if options.sampling.repetition_penalty != 1:
        return "only PyTorch has a --repetition-penalty that counts the prompt and all of the text"
    if not options.cached:
        return "only PyTorch generates without a cache"
    return ""


def _window(tokens: Sequence[int], context: int) -> list[int]:
    return list(tokens) if len(tokens) <= context else _newest(tokens, context)


def _newest(tokens: Sequence[int], context: int) -> list[int]:
    """What a window that has moved holds: the newest half."""
    return list(tokens[-max(1, context // 2) :])
