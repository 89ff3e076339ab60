"""Engines on CTranslate2: the fastest on a CPU, for searching and for scoring; no torch here.

CTranslate2's search goes from step to step as ours does, but stops when it has finished a number of outputs, and ranks
them by their log-probability over a power of their length. So it is asked for more outputs than it would need
(`_PATIENCE`), and they are ranked here by GNMT's penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import floor
from pathlib import Path
from typing import Any, NamedTuple

import ctranslate2

from seq2seq import device_names
from seq2seq.data.tokenizers import BOS, EOS, PAD
from seq2seq.decoding.ctranslate2_copy import Copy
from seq2seq.decoding.ctranslate2_file import check, check_candidates, read_words
from seq2seq.decoding.engine import Engine, Hypothesis, Number, Options, hypothesis, penalty
from seq2seq.errors import DeviceError, RunError

# Finished outputs, in beams, at which CTranslate2 stops. With 1 it misses the output of our search for one sentence in
# forty, and 0.2 to 0.3 BLEU; with 1.25 for one in two hundred, and less than 0.1; 1.5 takes a sixteenth longer.
_PATIENCE = 1.25
_WIDEST = 32  # beams, where fewer find too few outputs
_NEVER = frozenset((PAD, BOS))  # no output has them

Tokens = Sequence[int]
Written = tuple[Sequence[Sequence[str]], Sequence[float]]  # outputs of a source as CTranslate2 gives them, their scores


class _Output(NamedTuple):
    """What CTranslate2 found: tokens, without EOS, and the natural-log probability of all."""

    tokens: tuple[int, ...]
    total: float
    ended: bool  # with EOS, which then counts in the total


class Vocabulary:
    """Token numbers to CTranslate2's strings, and back."""

    def __init__(self, path: Path) -> None:
        self._words = read_words(path)
        self._numbers = {word: number for number, word in enumerate(self._words)}

    def __len__(self) -> int:
        return len(self._words)

    @property
    def all_words(self) -> Sequence[str]:
        """The strings of all tokens, in order."""
        return self._words

    def words(self, tokens: Tokens) -> list[str]:
        """The strings of tokens."""
        return [self._words[token] for token in tokens]

    def numbers(self, words: Sequence[str]) -> tuple[int, ...]:
        """The tokens of strings."""
        return tuple(self._numbers[word] for word in words)


class CTranslate2Engine:
    """Search with the copy of an encoder-decoder."""

    def __init__(self, translator: Any, source: Vocabulary, target: Vocabulary, positions: int) -> None:
        self._translator = translator
        self._source = source
        self._target = target
        self._positions = positions

    def translate(
        self, sources: Sequence[Tokens], options: Options, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source (tokens without EOS), best first."""
        return self._translate(sources, options, shortlist=False)

    def _translate(self, sources: Sequence[Tokens], options: Options, *, shortlist: bool) -> list[list[Hypothesis]]:
        limits = [min(len(source) + options.max_extra, self._positions - 1) for source in sources]

        def search(places: Sequence[int], settings: dict[str, Any]) -> Iterator[Written]:
            with _refusing():
                found = self._translator.translate_batch(
                    [self._source.words(sources[place]) for place in places],
                    max_input_length=0,
                    max_decoding_length=max(limits[place] for place in places) + 1,
                    min_decoding_length=0,
                    use_vmap=shortlist,
                    **settings,
                )
            return ((each.hypotheses, each.scores) for each in found)

        outputs = _searched(range(len(sources)), search, options, self._target)
        return _ranked(self, sources, [outputs[place] for place in range(len(sources))], limits, options)

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """Given outputs by forced decoding, with the scores that `translate` reports for the same tokens."""
        with _refusing():
            found = self._translator.score_batch(
                [self._source.words(source) for source in sources],
                [self._target.words(target) for target in targets],
                max_input_length=0,
            )
        return [hypothesis(target, each.log_probs, alpha) for target, each in zip(targets, found)]


class ShortlistEngine(CTranslate2Engine):
    """Search among what the words of a batch are known to become: faster where the vocabulary is large, but what stands
    beside a sentence has a say in its translation, and scores are those among the few. Sentences with one of the
    `unlisted` tokens, of which nothing is known, are searched among all words."""

    def __init__(
        self, translator: Any, source: Vocabulary, target: Vocabulary, positions: int, unlisted: Iterable[int]
    ) -> None:
        super().__init__(translator, source, target, positions)
        self._unlisted = frozenset(unlisted)

    def translate(
        self, sources: Sequence[Tokens], options: Options, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source (tokens without EOS), best first."""
        found: list[list[Hypothesis]] = [[] for _ in sources]
        served = [self._unlisted.isdisjoint(source) for source in sources]
        for shortlist in (True, False):
            places = [place for place in range(len(sources)) if served[place] == shortlist]
            if places:
                groups = self._translate([sources[place] for place in places], options, shortlist=shortlist)
                for place, group in zip(places, groups):
                    found[place] = group
        return found


class CTranslate2DecoderOnlyEngine:
    """Search with the copy of a decoder-only translator, which reads `source BOS target EOS`."""

    def __init__(self, generator: Any, vocabulary: Vocabulary, positions: int) -> None:
        self._generator = generator
        self._vocabulary = vocabulary
        self._positions = positions

    def translate(
        self, sources: Sequence[Tokens], options: Options, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """The n best outputs of each source (tokens without EOS), best first.

        Sources of one length are searched together: nothing is padded, so that nothing need be hidden. Source and
        output end with the positions that the model learnt, where the PyTorch engine would forget the source's start.
        """
        limits = [min(len(source) + options.max_extra, self._positions - len(source) - 1) for source in sources]

        def search(places: Sequence[int], settings: dict[str, Any]) -> Iterator[Written]:
            with _refusing():
                found = self._generator.generate_batch(
                    [self._vocabulary.words([*sources[place], BOS]) for place in places],
                    include_prompt_in_result=False,
                    max_length=limits[places[0]] + 1,
                    min_length=0,
                    **settings,
                )
            return ((each.sequences, each.scores) for each in found)

        outputs: dict[int, list[_Output]] = {}
        for length in sorted({len(source) for source in sources}):
            places = [place for place, source in enumerate(sources) if len(source) == length]
            outputs |= _searched(places, search, options, self._vocabulary)
        return _ranked(self, sources, [outputs[place] for place in range(len(sources))], limits, options)

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """Given outputs by forced decoding, with the scores that `translate` reports for the same tokens."""
        with _refusing():
            found = self._generator.score_batch(
                [
                    self._vocabulary.words([*source, BOS, *target, EOS])
                    for source, target in zip(sources, targets, strict=True)
                ],
                max_input_length=0,
            )
        return [hypothesis(target, each.log_probs[-len(target) - 1 :], alpha) for target, each in zip(targets, found)]


def device(name: str) -> str:
    """The device of --device auto|cpu|cuda for CTranslate2; auto is CUDA where it has that. Raises DeviceError where it
    has not what is asked for."""
    kind, number = device_names.parsed(name)
    count = ctranslate2.get_cuda_device_count()
    if kind == "auto":
        return "cuda" if count else "cpu"
    if kind == "mps":
        raise DeviceError(f"--device {name}: CTranslate2 has auto, cpu and cuda; --engine torch has mps too")
    if kind == "cuda" and (number or 0) >= count:
        raise DeviceError(f"--device {name}: CTranslate2 finds {count} CUDA devices here; use --device cpu")
    return name


def load(copy: Copy, precision: str, place: str, workers: int, *, shortlist: bool = False) -> Engine:
    """The engine of a copy, which takes `workers` batches at a time, from as many threads; by its shortlist, which the
    int8 model of a translator may have.

    `place` is what `device` says. On a CPU one thread for each of several batches is faster than several threads for
    one. Raises RunError where the copy is damaged, DeviceError where the device or the precision is not there.
    """
    source, target = vocabularies(copy, precision)
    if shortlist:
        try:
            check_candidates(copy.model(precision), target.all_words)
        except (ValueError, OSError) as error:
            raise _damaged(copy, precision, error) from error
    served = opened(copy, precision, place, workers)
    settings = copy.settings
    if settings.decoder_only:
        return CTranslate2DecoderOnlyEngine(served, target, settings.positions)
    if shortlist:
        return ShortlistEngine(served, source, target, settings.positions, settings.unlisted or ())
    return CTranslate2Engine(served, source, target, settings.positions)


def opened(copy: Copy, precision: str, place: str, workers: int) -> Any:
    """What CTranslate2 itself makes of a copy, of so many threads. Raises as `load` does."""
    kind, _, number = place.partition(":")
    make = ctranslate2.Generator if copy.settings.decoder_only else ctranslate2.Translator
    try:
        if precision not in ctranslate2.get_supported_compute_types(kind, int(number or 0)):
            raise DeviceError(f"--precision {precision}: {place} has none in CTranslate2; use float32")
        source, target = vocabularies(copy, precision)
        check(copy.model(precision), source.all_words, target.all_words)
        copy.must_be_unchanged(precision)
        return make(
            str(copy.model(precision)),
            device=kind,
            device_index=int(number or 0),
            compute_type=precision,
            inter_threads=workers,
            intra_threads=1,
        )
    except (RuntimeError, ValueError, IndexError, OSError) as error:
        raise _damaged(copy, precision, error) from error


def vocabularies(copy: Copy, precision: str) -> tuple[Vocabulary, Vocabulary]:
    """The vocabularies of source and target. Raises RunError where they are damaged."""
    folder = copy.model(precision)
    try:
        for name in ("shared_vocabulary.json", "vocabulary.json"):
            if (folder / name).is_file():
                one = Vocabulary(folder / name)
                return one, one
        return Vocabulary(folder / "source_vocabulary.json"), Vocabulary(folder / "target_vocabulary.json")
    except (ValueError, OSError) as error:
        raise _damaged(copy, precision, error) from error


@contextmanager
def _refusing() -> Iterator[None]:
    """What CTranslate2 raises of a model that it opened and cannot compute, as an error for people."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        raise RunError(
            f"CTranslate2 cannot compute the run's copy ({error}); make it anew with `seqx export`, or use "
            "--engine torch"
        ) from error


def _damaged(copy: Copy, precision: str, error: Exception) -> Exception:
    if isinstance(error, PermissionError):
        return error
    return RunError(
        f"{copy.model(precision)} cannot be used by CTranslate2 ({error}); `seqx export --run "
        f"{copy.folder.parent}` makes it anew, --engine torch does without"
    )


def _searched(
    places: Sequence[int],
    search: Callable[[Sequence[int], dict[str, Any]], Iterable[Written]],
    options: Options,
    vocabulary: Vocabulary,
) -> dict[int, list[_Output]]:
    """What `search` finds for the sources at some places, with settings of CTranslate2.

    No trained model writes PAD or BOS, and to forbid them at every step takes a tenth of the time: sources for which
    one does are searched again, without.
    """
    settings = _settings(options)
    found = {place: _outputs(each, vocabulary) for place, each in zip(places, search(places, settings), strict=True)}
    odd = [place for place, group in found.items() if any(not _NEVER.isdisjoint(each.tokens) for each in group)]
    if odd:
        settings["suppress_sequences"] = [vocabulary.words([token]) for token in sorted(_NEVER)]
        found |= {place: _outputs(each, vocabulary) for place, each in zip(odd, search(odd, settings), strict=True)}
    return found


def _settings(options: Options) -> dict[str, Any]:
    """Arguments of CTranslate2's search. With a length penalty of 1 a score is the mean of the tokens' scores, and the
    search does not stop at the first output."""
    if options.sampling is not None:
        raise RunError("CTranslate2 draws nothing at random as seqx does: use --engine torch")
    beam = options.beam_size
    return {
        "beam_size": beam,
        "patience": _PATIENCE if beam > 1 else 1,
        "num_hypotheses": floor(_PATIENCE * beam + 0.5) if beam > 1 else 1,
        "length_penalty": 1,
        "return_scores": True,
        "return_end_token": True,
        "disable_unk": True,
    }


def _outputs(written: Written, vocabulary: Vocabulary) -> list[_Output]:
    outputs = []
    for words, mean in zip(*written, strict=True):
        tokens = vocabulary.numbers(words)
        ended = tokens[-1:] == (EOS,)
        outputs.append(_Output(tokens[:-1] if ended else tokens, mean * len(tokens), ended))
    return outputs


def _ranked(
    engine: Engine,
    sources: Sequence[Tokens],
    outputs: Sequence[list[_Output]],
    limits: Sequence[int],
    options: Options,
) -> list[list[Hypothesis]]:
    """The n best of each source by GNMT's penalty; by forced decoding where the scores of tokens are wanted.

    The limit of a call to CTranslate2 is that of its longest source. Where too few outputs end by their own source's,
    the others are cut there, and their end forced, as our search does.
    """
    alpha, n_best = options.length_penalty, options.n_best
    ranked: list[list[Hypothesis]] = []
    for source, found, limit in zip(sources, outputs, limits, strict=True):
        whole = [output for output in found if output.ended and len(output.tokens) <= limit]
        group = [Hypothesis(each.tokens, (), each.total / penalty(len(each.tokens) + 1, alpha)) for each in whole]
        if len(group) < n_best and len(whole) < len(found):
            cut = dict.fromkeys(output.tokens[:limit] for output in found if output not in whole)
            group += engine.score([source] * len(cut), list(cut), alpha)
        best = sorted(group, key=lambda each: -each.score)[:n_best]
        if len(best) < n_best and options.beam_size < _WIDEST:
            # Cut at the limit, outputs that differed after it are one: a wider search finds others.
            (best,) = engine.translate([source], replace(options, beam_size=2 * options.beam_size, token_scores=False))
        ranked.append(best)
    if not options.token_scores:
        return ranked
    repeated = [source for source, group in zip(sources, ranked) for _ in group]
    scored = iter(engine.score(repeated, [each.tokens for group in ranked for each in group], alpha))
    return [sorted((next(scored) for _ in group), key=lambda each: -each.score) for group in ranked]
