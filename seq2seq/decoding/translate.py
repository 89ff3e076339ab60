"""Text in, text out: line i of the output translates line i of the input, whatever the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.engine import Engine, Hypothesis, Options, penalty
from seq2seq.errors import RunError, refuse_one_text
from seq2seq.pipeline import in_order

# Where a text too long for the model is cut: after a sentence, then after a clause, then between words.
_CUTS = (re.compile(r"(?<=[.!?…。！？])\s+"), re.compile(r"(?<=[,;:،、；])\s+"), re.compile(r"\s+"))

MOST_CHARACTERS = 1 << 20  # of a window, where they are of more than one line
_MOST = 64  # characters of a token: to count those of a text takes fifty times its memory


@dataclass(frozen=True)
class Output:
    """One candidate translation of a line."""

    text: str
    score: float  # log-probability over the length penalty
    log_probability: float
    pieces: tuple[str, ...]  # tokens as written in the vocabulary, the end included
    token_scores: tuple[float, ...]  # natural-log probability of each; none where the options want none


@dataclass(frozen=True)
class Translation:
    """A line and its translations, best first. A blank line has one empty output."""

    source: str
    outputs: tuple[Output, ...]
    parts: int = 1  # pieces that a line too long for the model was cut into

    @property
    def text(self) -> str:
        """The best translation."""
        return self.outputs[0].text


class _Begun(NamedTuple):
    """A window whose batches the engine has."""

    lines: Sequence[str]
    parts: list[list[str]]  # of each line: what it was cut into, nothing where it is blank
    batches: list[list[int]]  # numbers of parts
    found: list[Future[list[list[Hypothesis]]]]  # what each batch became


class Translator:
    """An engine with the tokenizers that its model was trained on.

    `workers`: batches that the engine is given at a time, from as many threads, each of which first calls
    `initializer`. Raises RunError for a beam wider than the vocabulary.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizers: Tokenizers,
        options: Options,
        max_length: int,
        *,
        workers: int = 1,
        initializer: Callable[[], None] | None = None,
    ) -> None:
        if options.sampling is None and options.beam_size > tokenizers.target.size:
            raise RunError(
                f"a beam of {options.beam_size} is wider than the vocabulary of {tokenizers.target.size} tokens; use "
                "fewer with --beam-size, --n-best or decoding.beam_size"
            )
        self._engine = engine
        self._tokenizers = tokenizers
        self._options = options
        self._max_length = max_length  # source tokens that the model takes, EOS counted
        self._workers = workers
        self._initializer = initializer

    def stream(self, lines: Iterable[str], window: int = 2000) -> Iterator[Translation]:
        """Translations in the order of the lines, in bounded memory. The first windows are small, so that answers
        come early."""
        refuse_one_text(lines, "stream")
        with closing(self.stream_windows(windows_of(lines, window))) as windows:
            for done in windows:
                yield from done

    def stream_windows(self, windows: Iterable[Sequence[str]]) -> Generator[list[Translation], None, None]:
        """The translations of each window, in order, as soon as they are made.

        Another thread reads the windows and tokenises them while those before are translated: two windows at a time,
        that of whoever takes the translations among them. Who leaves before the end closes it.
        """
        return in_order(windows, self._begin, self._end, workers=self._workers, initializer=self._initializer)

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """One translation a line, in order; batched by length inside."""
        refuse_one_text(lines, "translate")
        with self._pool() as pool:
            return self._end(self._begin(lines, pool))

    def score(self, lines: Sequence[str], translations: Sequence[str]) -> list[Output | None]:
        """Given translations of lines, by forced decoding: the scores that `translate` reports for the same text.

        None where a side is blank or longer than the model takes.
        """
        refuse_one_text(lines, "score")
        refuse_one_text(translations, "score")
        sources = self._tokenizers.source.encode(list(lines))
        targets = self._tokenizers.target.encode(list(translations))
        longest = [max(len(source), len(target)) for source, target in zip(sources, targets)]
        usable = [i for i in range(len(lines)) if sources[i] and targets[i] and longest[i] < self._max_length]
        batches = _batches(longest, usable, self._options.batch_tokens)

        def batch(chosen: Sequence[int]) -> list[Hypothesis]:
            return self._engine.score(
                [sources[i] for i in chosen], [targets[i] for i in chosen], self._options.length_penalty
            )

        scored: list[Output | None] = [None] * len(lines)
        with self._pool() as pool:
            for chosen, hypotheses in zip(batches, pool.map(batch, batches)):
                for index, output in zip(chosen, self._outputs(hypotheses)):
                    scored[index] = output
        return scored

    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, initializer=self._initializer)

    def _count(self, text: str) -> int:
        return len(self._tokenizers.source.encode([text])[0])

    def _begin(self, lines: Sequence[str], pool: ThreadPoolExecutor) -> _Begun:
        """Tokenise lines and hand their batches to the engine."""
        parts = [split_long(line, self._max_length - 1, self._count) if line.strip() else [] for line in lines]
        sources = self._tokenizers.source.encode([part for line in parts for part in line])
        rows = max(1, self._options.batch_tokens // self._options.beam_size)
        batches = _batches([len(source) for source in sources], range(len(sources)), rows)
        begun = 0
        found = []
        for chosen in batches:
            options = self._options
            if options.sampling is not None:
                # Another batch, other draws; the same input and seed, the same output.
                options = replace(options, sampling=replace(options.sampling, seed=options.sampling.seed + begun))
            found.append(pool.submit(self._engine.translate, [sources[i] for i in chosen], options))
            begun += len(chosen)
        return _Begun(lines, parts, batches, found)

    def _end(self, begun: _Begun) -> list[Translation]:
        """Wait for the batches of a window, and put everything in its place."""
        outputs: list[list[Output]] = [[] for chosen in begun.batches for _ in chosen]
        for chosen, future in zip(begun.batches, begun.found):
            groups = future.result()
            if not all(groups):
                raise RunError("the model gives no finite probability: its weights are damaged, or training diverged")
            made = iter(self._outputs([hypothesis for group in groups for hypothesis in group]))
            for index, group in zip(chosen, groups):
                outputs[index] = [next(made) for _ in group]
        found = iter(outputs)
        return [self._joined(line, [next(found) for _ in parts]) for line, parts in zip(begun.lines, begun.parts)]

    def _outputs(self, hypotheses: Sequence[Hypothesis]) -> list[Output]:
        target = self._tokenizers.target
        texts = target.decode([hypothesis.tokens for hypothesis in hypotheses])
        return [
            Output(
                text.replace("\n", " "),  # a translation is one line, whatever bytes the model spells
                hypothesis.score,
                hypothesis.score * penalty(len(hypothesis.tokens) + 1, self._options.length_penalty),
                (*(target.piece(token) for token in hypothesis.tokens), "</s>"),
                hypothesis.token_scores,
            )
            for hypothesis, text in zip(hypotheses, texts)
        ]

    def _joined(self, line: str, parts: list[list[Output]]) -> Translation:
        if not parts:
            return Translation(line, (Output("", 0.0, 0.0, (), ()),))
        if len(parts) == 1:
            return Translation(line, tuple(parts[0]))
        ranks = range(min(len(outputs) for outputs in parts))
        return Translation(
            line, tuple(self._concatenated([outputs[rank] for outputs in parts]) for rank in ranks), len(parts)
        )

    def _concatenated(self, outputs: list[Output]) -> Output:
        pieces = tuple(piece for output in outputs for piece in output.pieces)
        scores = tuple(score for output in outputs for score in output.token_scores)
        total = sum(output.log_probability for output in outputs)
        text = " ".join(output.text for output in outputs if output.text)
        return Output(text, total / penalty(len(pieces), self._options.length_penalty), total, pieces, scores)


def windows_of(lines: Iterable[str], most: int) -> Iterator[list[str]]:
    """Lines in windows that grow up to `most` lines, and end with `MOST_CHARACTERS`."""
    window: list[str] = []
    characters, size = 0, min(16, most)
    for line in lines:
        window.append(line)
        characters += len(line)
        if len(window) == size or characters >= MOST_CHARACTERS:
            yield window
            window, characters, size = [], 0, min(2 * size, most)
    if window:
        yield window


def _batches(lengths: Sequence[int], chosen: Iterable[int], batch_tokens: int) -> list[list[int]]:
    """Numbers of sequences, shortest first, in batches of a budget of padded tokens (EOS counted)."""
    order = sorted(chosen, key=lengths.__getitem__)
    if len(order) < 2 or len(order) * (lengths[order[-1]] + 1) <= batch_tokens:
        return [order] if order else []
    import numpy as np  # takes longer to import than one sentence to translate

    from seq2seq.data.budget import cut

    bounds = cut(np.array([lengths[number] for number in order]), batch_tokens)
    return [order[start:end] for start, end in bounds]


def split_long(text: str, limit: int, count: Callable[[str], int]) -> list[str]:
    """A text as parts of at most `limit` tokens: whole sentences where they fit, else clauses, else words, else
    characters. No text is counted that is certainly longer."""
    most = _MOST * limit
    return _split(text, limit, lambda part: count(part) if len(part) <= most else limit + 1, _CUTS)


def _split(text: str, limit: int, count: Callable[[str], int], cuts: tuple[re.Pattern[str], ...]) -> list[str]:
    if count(text) <= limit:
        return [text]
    if not cuts:
        middle = len(text) // 2
        return (
            [part for half in (text[:middle], text[middle:]) if half for part in _split(half, limit, count, ())]
            if middle
            else [text]
        )
    parts: list[str] = []
    for piece in cuts[0].split(text):
        if not piece:
            continue
        if parts and count(joined := f"{parts[-1]} {piece}") <= limit:
            parts[-1] = joined
        else:
            parts += _split(piece, limit, count, cuts[1:])
    return parts
