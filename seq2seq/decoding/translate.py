"""Text in, text out: line i of the output translates line i of the input, whatever the line."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple

from seq2seq.data.characters import has_letters, is_blank, visible
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.engine import Engine, Hypothesis, Options, Scorer, penalty
from seq2seq.decoding.segments import LONGEST_TOKEN, Segmenter
from seq2seq.decoding.windows import Window, numbered, windows_of
from seq2seq.errors import RunError, refuse_one_text
from seq2seq.pipeline import in_order

_WIDENED = 4  # how many times as wide a beam is tried at the most, where it finds too few different texts


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
    """A line and its translations, best first, each text once unless they are drawn at random. A blank line has one
    empty output."""

    source: str
    outputs: tuple[Output, ...]
    parts: int = 1  # what was translated by itself: sentences, and pieces of those too long for the model
    copied: bool = False  # whether the line holds no letter, and stands as it is

    @property
    def text(self) -> str:
        """The best translation."""
        return self.outputs[0].text


class _Part(NamedTuple):
    """What is translated by itself."""

    text: str
    tokens: list[int]  # none where it is copied
    number: tuple[int, int]  # of the line, and of the part in it


class _Line(NamedTuple):
    """A line as what is translated by itself: nothing where it is blank."""

    text: str
    parts: list[_Part]
    whole: _Part | None = None  # tried too


class _Begun(NamedTuple):
    """A window whose batches the engine has."""

    lines: list[_Line]
    outputs: dict[tuple[int, int], tuple[Future[list[list[Output]]], int]]  # of a part: its batch, its place in it


class Translator:
    """An engine with the tokenizers that its model was trained on.

    `segmenter` cuts lines into what is translated by itself; without one, only what is too long is cut. `scorer`
    computes the scores that the options ask for, in place of the engine. `workers`: batches that the engine is given at
    a time, from as many threads, each of which first calls `initializer`. Raises RunError for a beam wider than the
    vocabulary.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizers: Tokenizers,
        options: Options,
        max_length: int,
        *,
        segmenter: Segmenter | None = None,
        scorer: Scorer | None = None,
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
        self._segmenter = segmenter or Segmenter(rule="keep")
        self._scorer = scorer
        self._workers = workers
        self._initializer = initializer

    def stream(self, lines: Iterable[str], window: int = 2000) -> Iterator[Translation]:
        """Translations in the order of the lines, in bounded memory. The first windows are small, so that answers
        come early."""
        refuse_one_text(lines, "stream")
        with closing(self.stream_windows(numbered(windows_of(lines, window)))) as windows:
            for done in windows:
                yield from done

    def stream_windows(self, windows: Iterable[Window]) -> Generator[list[Translation], None, None]:
        """The translations of each window, in order, as soon as they are made.

        Another thread reads the windows and tokenises them while those before are translated: two windows at a time,
        that of whoever takes the translations among them. Who leaves before the end closes it.
        """
        return in_order(windows, self._begin, self._end, workers=self._workers, initializer=self._initializer)

    def translate(self, lines: Sequence[str], first: int = 0) -> list[Translation]:
        """One translation a line, in order; batched by length inside. `first` is the number of the first line in the
        text that they are of: what is drawn at random for a line depends on its number and on the seed alone."""
        refuse_one_text(lines, "translate")
        with self._pool() as pool:
            return self._end(self._begin(Window(first, lines), pool))

    def score(self, lines: Sequence[str], translations: Sequence[str]) -> list[Output | None]:
        """Given translations of lines, by forced decoding: the scores that `translate` reports for the same text.

        A line is scored sentence by sentence where it is translated so and its translation has as many sentences. None
        where a side is blank or longer than the model takes.
        """
        refuse_one_text(lines, "score")
        refuse_one_text(translations, "score")
        pairs = [self._segmenter.paired(line, given) for line, given in zip(lines, translations, strict=True)]
        outputs = iter(self._scored([pair for group in pairs for pair in group]))
        apart = [self._all_of([source for source, _ in group], [next(outputs) for _ in group]) for group in pairs]
        both = [n for n, group in enumerate(pairs) if self._segmenter.may_be_whole(group)]
        for number, output in zip(both, self._scored([(lines[n], translations[n]) for n in both])):
            apart[number] = max(filter(None, (apart[number], output)), key=lambda each: each.score, default=None)
        return apart

    def _all_of(self, parts: Sequence[str], outputs: Sequence[Output | None]) -> Output | None:
        known = [output for output in outputs if output is not None]
        return self._concatenated(parts, known) if len(known) == len(outputs) else None

    def _scored(self, pairs: Sequence[tuple[str, str]]) -> list[Output | None]:
        sources = self._tokenizers.encode_source([self._segmenter.read(source) for source, _ in pairs])
        targets = self._tokenizers.target.encode([visible(target) for _, target in pairs])
        longest = [max(len(source), len(target)) for source, target in zip(sources, targets)]
        usable = [n for n in range(len(pairs)) if sources[n] and targets[n] and longest[n] < self._max_length]
        batches = _batches([longest[n] for n in usable], self._options.batch_tokens)
        scorer = self._scorer or Scorer(lambda: self._engine, together=True)

        def batch(places: Sequence[int]) -> list[Output]:
            chosen = [(sources[usable[place]], [targets[usable[place]]]) for place in places]
            scored = scorer.score(chosen, self._options.length_penalty)
            return self._outputs([hypothesis for (hypothesis,) in scored])

        scored: list[Output | None] = [None] * len(pairs)
        with self._pool() as pool:
            for places, outputs in zip(batches, pool.map(batch, batches)):
                for place, output in zip(places, outputs):
                    scored[usable[place]] = output
        for number, (source, target) in enumerate(pairs):
            if source.strip() == target.strip() and not has_letters(source) and not is_blank(source):
                scored[number] = _copied(target)
        return scored

    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, initializer=self._initializer)

    def _source_tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of source texts; none of those without a letter."""
        return self._tokenizers.encode_source(
            [self._segmenter.read(text) if has_letters(text) else "" for text in texts]
        )

    def _begin(self, window: Window, pool: ThreadPoolExecutor) -> _Begun:
        """Tokenise lines and hand their batches to the engine."""
        lines = self._lines(window)
        given = [part for line in lines for part in (*line.parts, line.whole) if part and part.tokens]
        rows = max(1, self._options.batch_tokens // self._options.beam_size)
        outputs: dict[tuple[int, int], tuple[Future[list[list[Output]]], int]] = {}
        for places in _batches([len(part.tokens) for part in given], rows):
            batch = [given[place] for place in places]
            future = pool.submit(self._translated, [each.tokens for each in batch], [each.number for each in batch])
            outputs |= {part.number: (future, place) for place, part in enumerate(batch)}
        return _Begun(lines, outputs)

    def _lines(self, window: Window) -> list[_Line]:
        limit = self._max_length - 1
        segments = [[] if is_blank(line) else self._segmenter.segments(line) for line in window.lines]
        short = [each for line in segments for each in _trimmed(line) if len(each) <= LONGEST_TOKEN * limit]
        tokens = dict(zip(short, self._source_tokens(short)))

        def parts(segment: str, text: str) -> list[str]:
            """A segment, or what of it the model can take."""
            if not has_letters(text) or (text in tokens and len(tokens[text]) <= limit):
                return [segment]
            return self._segmenter.shortened(segment, limit, lambda part: len(self._source_tokens([part])[0]))

        lines = []
        for number, (text, line) in enumerate(zip(window.lines, segments), window.first):
            cut = [part for segment, trimmed in zip(line, _trimmed(line)) for part in parts(segment, trimmed)]
            read = _trimmed(cut)
            unknown = [part for part in read if part not in tokens]
            tokens.update(zip(unknown, self._source_tokens(unknown)))
            whole = None
            if len(cut) == 2 and self._options.sampling is None and self._segmenter.may_be_whole(line):
                (together,) = self._source_tokens([text])
                whole = _Part(text, together, (number, 2)) if len(together) <= limit else None
            made = [_Part(part, tokens[key], (number, place)) for place, (part, key) in enumerate(zip(cut, read))]
            lines.append(_Line(text, made, whole))
        return lines

    def _translated(self, sources: list[list[int]], numbers: list[tuple[int, int]]) -> list[list[Output]]:
        """The n best outputs of each source."""
        options = self._options
        if self._scorer is None or not options.token_scores:
            groups = self._searched(sources, numbers, options)
        else:
            groups = self._searched(sources, numbers, replace(options, token_scores=False))
            unscored = [(source, [each.tokens for each in group]) for source, group in zip(sources, groups)]
            scored = self._scorer.score(unscored, options.length_penalty)
            groups = [sorted(group, key=lambda each: -each.score) for group in scored]
        made = iter(self._outputs([hypothesis for group in groups for hypothesis in group]))
        return [[next(made) for _ in group] for group in groups]

    def _searched(
        self, sources: list[list[int]], numbers: list[tuple[int, int]], options: Options
    ) -> list[list[Hypothesis]]:
        """What is found for each source. Where texts that differ by their tokens alone leave fewer than the n best,
        longer lists and wider beams may hold others."""
        groups = self._found(sources, numbers, options)
        if options.n_best == 1 or options.sampling is not None:
            return groups
        for place, (source, number) in enumerate(zip(sources, numbers)):
            for widened in range(1, _WIDENED + 1):
                beam = min(widened * options.beam_size, self._tokenizers.target.size)
                if len(groups[place]) < options.n_best:
                    (groups[place],) = self._found([source], [number], replace(options, beam_size=beam, n_best=beam))
        return [group[: options.n_best] for group in groups]

    def _found(
        self, sources: list[list[int]], numbers: list[tuple[int, int]], options: Options
    ) -> list[list[Hypothesis]]:
        groups = self._engine.translate(sources, options, numbers)
        if not all(groups):
            raise RunError("the model gives no finite probability: its weights are damaged, or training diverged")
        return groups if options.n_best == 1 else list(map(self._distinct, groups))

    def _distinct(self, group: list[Hypothesis]) -> list[Hypothesis]:
        """The best hypothesis of each text."""
        best: dict[str, Hypothesis] = {}
        for text, each in zip(self._tokenizers.target.decode([each.tokens for each in group]), group):
            best.setdefault(text, each)
        return list(best.values())

    def _end(self, begun: _Begun) -> list[Translation]:
        """Wait for the batches of a window, and put everything in its place."""

        def outputs(part: _Part) -> list[Output]:
            if not part.tokens:
                return [_copied(part.text.strip())]
            batch, place = begun.outputs[part.number]
            return batch.result()[place]

        return [self._joined(line, outputs) for line in begun.lines]

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

    def _joined(self, line: _Line, outputs: Callable[[_Part], list[Output]]) -> Translation:
        text, parts, whole = line
        if not any(part.tokens for part in parts):
            return Translation(text, (_copied(text if parts else ""),), copied=bool(parts))
        groups = [outputs(part) for part in parts]
        if len(parts) == 1:
            return Translation(text, tuple(groups[0]))
        sources = [part.text for part in parts]
        ranks = range(max(map(len, groups)))  # what has fewer outputs than others gives its last one again
        joined = [self._concatenated(sources, [group[min(rank, len(group) - 1)] for group in groups]) for rank in ranks]
        joined.sort(key=lambda each: each.score)
        joined = list({each.text: each for each in joined}.values())  # the best of each text
        joined.sort(key=lambda each: -each.score)
        if whole is not None:
            together = outputs(whole)
            if together[0].score >= joined[0].score and self._segmenter.is_complete(sources, together[0].text):
                return Translation(text, tuple(together))
        return Translation(text, tuple(joined), len(parts))

    def _concatenated(self, parts: Sequence[str], outputs: Sequence[Output]) -> Output:
        if len(outputs) == 1:
            return outputs[0]
        pieces = tuple(piece for output in outputs for piece in output.pieces)
        scores = tuple(score for output in outputs for score in output.token_scores)
        total = sum(output.log_probability for output in outputs)
        text = self._segmenter.joined(parts, [output.text for output in outputs])
        return Output(text, total / penalty(len(pieces), self._options.length_penalty), total, pieces, scores)


def _trimmed(parts: list[str]) -> list[str]:
    """What a model reads of the parts of a line; a line that is not cut keeps its blanks."""
    return [part.strip() for part in parts] if len(parts) > 1 else parts


def _copied(text: str) -> Output:
    return Output(text, 0.0, 0.0, (), ())


def _batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Numbers of sequences, shortest first, in batches of a budget of padded tokens (EOS counted)."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    if len(order) < 2 or len(order) * (lengths[order[-1]] + 1) <= batch_tokens:
        return [order] if order else []
    import numpy as np  # takes longer to import than one sentence to translate

    from seq2seq.data.budget import cut

    bounds = cut(np.array([lengths[number] for number in order]), batch_tokens)
    return [order[start:end] for start, end in bounds]
