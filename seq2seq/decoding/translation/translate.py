"""Text in, text out: line i of the output translates line i of the input, whatever the line. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from seq2seq.data.characters import has_letters, is_blank, visible
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.candidates import Candidates
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.outputs import Output, Translation, copied, joined, ranked
from seq2seq.decoding.translation.parts import DividedLine, LinePart, PartReader
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.windows import Window, numbered, windows_of
from seq2seq.errors import RunError, refuse_one_text
from seq2seq.pipeline import in_order


class TextTranslator:
    """An engine with the tokenizers that its model was trained with, and default options.

    `segmenter` cuts lines into segments; without one, only lines over `max_length` tokens, EOS counted, are cut.
    `scorer`, instead of the engine, computes the scores that the options ask for. `workers` threads, each of which
    first calls `initializer`, give the engine a batch each at a time. Every method that takes options raises RunError
    for a beam wider than the vocabulary.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizers: Tokenizers,
        options: SearchOptions,
        max_length: int,
        *,
        segmenter: Segmenter | None = None,
        scorer: Scorer | None = None,
        workers: int = 1,
        initializer: Callable[[], None] | None = None,
    ) -> None:
        self._tokenizers = tokenizers
        self._options = self._checked(options)
        self._max_length = max_length
        self._segmenter = segmenter or Segmenter(rule="keep")
        self._reader = PartReader(tokenizers, self._segmenter, max_length - 1)
        self._candidates = Candidates(engine, tokenizers.target, scorer)
        self._workers = workers
        self._initializer = initializer

    def stream(
        self, lines: Iterable[str], options: SearchOptions | None = None, *, window: int = 2000
    ) -> Iterator[Translation]:
        """Translations in the order of the lines, in bounded memory. The first windows are small, so that the
        first translations come early."""
        refuse_one_text(lines, "stream")
        with closing(self.stream_windows(numbered(windows_of(lines, window)), options)) as windows:
            for done in windows:
                yield from done

    def stream_windows(
        self, windows: Iterable[Window], options: SearchOptions | None = None
    ) -> Generator[list[Translation], None, None]:
        """The translations of each window, in order, as soon as they are complete.

        Another thread reads and tokenises windows while earlier ones are translated: two at a time, the one whose
        translations the caller takes included. A caller that stops early must close the generator.
        """
        chosen = self._checked(options or self._options)
        return in_order(
            windows,
            lambda window, pool: self._begin(window, chosen, pool),
            lambda finish: finish(),
            workers=self._workers,
            initializer=self._initializer,
        )

    def translate(
        self, lines: Sequence[str], options: SearchOptions | None = None, *, first: int = 0
    ) -> list[Translation]:
        """One translation per line, in order; batched by length internally. `first` is the number of the first line in
        its whole text: the samples of a line depend only on its number and on the seed."""
        refuse_one_text(lines, "translate")
        chosen = self._checked(options or self._options)
        with self._pool() as pool:
            return self._begin(Window(first, lines), chosen, pool)()

    def score(self, lines: Sequence[str], translations: Sequence[str]) -> list[Output | None]:
        """Given translations of lines, by forced decoding: the scores that `translate` reports for the same text.

        A line is scored sentence by sentence where it is translated so and its translation has as many sentences. None
        where a side is blank or too long for the model.
        """
        refuse_one_text(lines, "score")
        refuse_one_text(translations, "score")
        pairs = [self._segmenter.paired(*pair) for pair in zip(lines, translations, strict=True)]
        outputs = iter(self._scored([pair for group in pairs for pair in group]))
        apart = [self._all_of([source for source, _ in group], [next(outputs) for _ in group]) for group in pairs]
        tried = [n for n, group in enumerate(pairs) if self._segmenter.may_be_whole(group)]
        for number, output in zip(tried, self._scored([(lines[n], translations[n]) for n in tried])):
            apart[number] = max(filter(None, (apart[number], output)), key=lambda scored: scored.score, default=None)
        return apart

    def _checked(self, options: SearchOptions) -> SearchOptions:
        size = self._tokenizers.target.size
        if options.sampling is None and options.beam_size > size:
            raise RunError(
                f"a beam of {options.beam_size} is wider than the vocabulary of {size} tokens; use fewer with "
                "--beam-size, --n-best or decoding.beam_size"
            )
        return options

    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, initializer=self._initializer)

    def _begin(
        self, window: Window, options: SearchOptions, pool: ThreadPoolExecutor
    ) -> Callable[[], list[Translation]]:
        """Tokenise lines and submit their batches to the engine -> a function that waits for their translations."""
        lines = self._reader.lines(window, whole=options.sampling is None)
        parts = [part for line in lines for part in (*line.parts, line.whole) if part and part.tokens]
        rows = max(1, options.batch_tokens // options.beam_size)
        # By the number of a part: its batch, and its place in that.
        submitted: dict[tuple[int, int], tuple[Future[list[list[Output]]], int]] = {}
        for places in _batches([len(part.tokens) for part in parts], rows):
            batch = [parts[place] for place in places]
            sources, numbers = [part.tokens for part in batch], [part.number for part in batch]
            future = pool.submit(self._candidates.search, sources, options, numbers)
            submitted |= {number: (future, place) for place, number in enumerate(numbers)}

        def outputs(part: LinePart) -> list[Output]:
            if not part.tokens:
                return [copied(part.text.strip())]
            batch, place = submitted[part.number]
            return batch.result()[place]

        return lambda: [self._translation(line, outputs, options.length_penalty) for line in lines]

    def _translation(self, line: DividedLine, outputs: Callable[[LinePart], list[Output]], alpha: float) -> Translation:
        text, parts, whole = line
        if not any(part.tokens for part in parts):
            return Translation(text, (copied(text if parts else ""),), copied=bool(parts))
        groups = [outputs(part) for part in parts]
        if len(parts) == 1:
            return Translation(text, tuple(groups[0]))
        sources = [part.text for part in parts]
        apart = ranked(self._segmenter, sources, groups, alpha)
        if whole is not None:
            together = outputs(whole)
            if together[0].score >= apart[0].score and self._segmenter.is_complete(sources, together[0].text):
                return Translation(text, tuple(together))
        return Translation(text, tuple(apart), len(parts))

    def _scored(self, pairs: Sequence[tuple[str, str]]) -> list[Output | None]:
        """The scored target of each pair, as one part."""
        sources = self._tokenizers.encode_source([self._segmenter.read(source) for source, _ in pairs])
        targets = self._tokenizers.target.encode([visible(target) for _, target in pairs])
        longest = [max(len(source), len(target)) for source, target in zip(sources, targets)]
        usable = [n for n in range(len(pairs)) if sources[n] and targets[n] and longest[n] < self._max_length]
        batches = [
            [usable[place] for place in places]
            for places in _batches([longest[n] for n in usable], self._options.batch_tokens)
        ]

        def batch(numbers: Sequence[int]) -> list[Output]:
            chosen = [sources[n] for n in numbers], [targets[n] for n in numbers]
            return self._candidates.score(*chosen, self._options.length_penalty)

        scored: list[Output | None] = [None] * len(pairs)
        with self._pool() as pool:
            for numbers, outputs in zip(batches, pool.map(batch, batches)):
                for number, output in zip(numbers, outputs):
                    scored[number] = output
        for number, (source, target) in enumerate(pairs):
            if source.strip() == target.strip() and not has_letters(source) and not is_blank(source):
                scored[number] = copied(target)
        return scored

    def _all_of(self, parts: Sequence[str], outputs: Sequence[Output | None]) -> Output | None:
        known = [output for output in outputs if output is not None]
        if len(known) < len(outputs):
            return None
        return joined(self._segmenter, parts, known, self._options.length_penalty)


def _batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Numbers of sequences, shortest first, in batches of a budget of padded tokens (EOS counted)."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    if len(order) < 2 or len(order) * (lengths[order[-1]] + 1) <= batch_tokens:
        return [order] if order else []
    import numpy as np  # slower to import than one sentence is to translate

    from seq2seq.data.cutting import cut

    bounds = cut(np.array([lengths[number] for number in order]), batch_tokens)
    return [order[start:end] for start, end in bounds]
