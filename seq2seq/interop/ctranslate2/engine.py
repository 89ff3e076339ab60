"""Engines on CTranslate2: the fastest on a CPU, for search and for scoring; no torch here.

CTranslate2's beam search takes the same steps as ours, but stops at a number of finished outputs, and ranks them by
their log-probability over a power of their length. So it is asked for more outputs than needed (`_PATIENCE`), which
are ranked here by GNMT's penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import floor
from typing import Any, NamedTuple

from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.decoding.hypothesis import Hypothesis, Tokens, hypothesis, penalty
from seq2seq.decoding.options import Number, SearchOptions
from seq2seq.decoding.translation.engine import Engine, by_length
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.interop.ctranslate2.loading import Vocabulary, open_model, read_vocabularies

# Finished outputs, in beams, at which CTranslate2 stops. With 1 it misses the output of our search for one sentence in
# forty, and 0.2 to 0.3 BLEU; with 1.25 for one in two hundred, and less than 0.1; 1.5 takes a sixteenth longer.
_PATIENCE = 1.25
_WIDEST = 32  # maximum beam that is tried where smaller ones find too few outputs
_NEVER = frozenset((PAD, BOS))  # not allowed in outputs

Candidates = tuple[
    Sequence[Sequence[str]], Sequence[float]
]  # the outputs of a source from CTranslate2, and their scores


class _Output(NamedTuple):
    """An output of CTranslate2: tokens, without EOS, and the natural-log probability of all."""

    tokens: tuple[int, ...]
    total: float
    ended: bool  # by EOS, which is then part of the total


class CTranslate2Engine:
    """Search with the copy of an encoder-decoder."""

    def __init__(self, translator: Any, source: Vocabulary, target: Vocabulary, positions: int) -> None:
        self._translator = translator
        self._source = source
        self._target = target
        self._positions = positions

    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """See `Engine`."""
        limits = [min(len(source) + options.max_extra, self._positions - 1) for source in sources]

        def search(places: Sequence[int], settings: dict[str, Any]) -> Iterator[Candidates]:
            with _run_errors():
                results = self._translator.translate_batch(
                    [self._source.words(sources[place]) for place in places],
                    max_input_length=0,
                    max_decoding_length=max(limits[place] for place in places) + 1,
                    min_decoding_length=0,
                    **settings,
                )
            return ((result.hypotheses, result.scores) for result in results)

        outputs = _searched(range(len(sources)), search, options, self._target)
        return _ranked(self, sources, outputs, limits, options)

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """See `Engine`."""
        with _run_errors():
            results = self._translator.score_batch(
                [self._source.words(source) for source in sources],
                [self._target.words(target) for target in targets],
                max_input_length=0,
            )
        return [hypothesis(target, result.log_probs, alpha) for target, result in zip(targets, results)]


class CTranslate2DecoderOnlyEngine:
    """Search with the copy of a decoder-only translator, which reads `source BOS target EOS`."""

    def __init__(self, generator: Any, vocabulary: Vocabulary, positions: int) -> None:
        self._generator = generator
        self._vocabulary = vocabulary
        self._positions = positions

    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[Number] | None = None
    ) -> list[list[Hypothesis]]:
        """See `Engine`. Source and output together are limited to the model's context, past which the PyTorch engine
        drops the start of the source."""
        limits = [min(len(source) + options.max_extra, self._positions - len(source) - 1) for source in sources]

        def search(places: Sequence[int], settings: dict[str, Any]) -> Iterator[Candidates]:
            with _run_errors():
                results = self._generator.generate_batch(
                    [self._vocabulary.words([*sources[place], BOS]) for place in places],
                    include_prompt_in_result=False,
                    max_length=limits[places[0]] + 1,
                    min_length=0,
                    **settings,
                )
            return ((result.sequences, result.scores) for result in results)

        outputs: dict[int, list[_Output]] = {}
        for places in by_length(sources):
            outputs |= _searched(places, search, options, self._vocabulary)
        return _ranked(self, sources, outputs, limits, options)

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """See `Engine`."""
        with _run_errors():
            results = self._generator.score_batch(
                [self._vocabulary.words([*source, BOS, *target, EOS]) for source, target in zip(sources, targets)],
                max_input_length=0,
            )
        return [
            hypothesis(target, result.log_probs[-len(target) - 1 :], alpha) for target, result in zip(targets, results)
        ]


def load(copy: Copy, precision: str, device: str, workers: int) -> Engine:
    """The engine of a copy, which takes `workers` batches at a time, from as many threads. Raises as `open_model`."""
    vocabularies = read_vocabularies(copy, precision)
    model = open_model(copy, precision, vocabularies, device, workers)
    source, target = vocabularies
    if copy.settings.decoder_only:
        return CTranslate2DecoderOnlyEngine(model, target, copy.settings.positions)
    return CTranslate2Engine(model, source, target, copy.settings.positions)


@contextmanager
def _run_errors() -> Iterator[None]:
    """CTranslate2's errors of a model that it opened and cannot compute, as RunError."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        raise RunError(
            f"CTranslate2 cannot compute the run's copy ({error}); make it again with `seqx export`, or use "
            "--engine torch"
        ) from error


def _searched(
    places: Sequence[int],
    search: Callable[[Sequence[int], dict[str, Any]], Iterator[Candidates]],
    options: SearchOptions,
    vocabulary: Vocabulary,
) -> dict[int, list[_Output]]:
    """The outputs of `search` for the sources at some places.

    Trained models never output PAD or BOS, and forbidding them at every step takes a tenth of the time: only sources
    for which a model does are searched again with them forbidden.
    """

    def outputs(places: Sequence[int]) -> dict[int, list[_Output]]:
        return {
            place: _outputs(candidates, vocabulary)
            for place, candidates in zip(places, search(places, settings), strict=True)
        }

    settings = _settings(options)
    groups = outputs(places)
    odd = [place for place, group in groups.items() if not all(_NEVER.isdisjoint(output.tokens) for output in group)]
    if odd:
        settings["suppress_sequences"] = [vocabulary.words([token]) for token in sorted(_NEVER)]
        groups |= outputs(odd)
    return groups


def _settings(options: SearchOptions) -> dict[str, Any]:
    """Arguments of CTranslate2's search. With a length penalty of 1 a score is the mean of the tokens' scores, and the
    search does not stop at the first output."""
    if options.sampling is not None:
        raise RunError("CTranslate2 cannot sample with the seeds of seqx: use --engine torch")
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


def _outputs(candidates: Candidates, vocabulary: Vocabulary) -> list[_Output]:
    outputs = []
    for words, mean in zip(*candidates, strict=True):
        tokens = vocabulary.numbers(words)
        ended = tokens[-1:] == (EOS,)
        outputs.append(_Output(tokens[:-1] if ended else tokens, mean * len(tokens), ended))
    return outputs


def _ranked(
    engine: Engine,
    sources: Sequence[Tokens],
    outputs: dict[int, list[_Output]],
    limits: Sequence[int],
    options: SearchOptions,
) -> list[list[Hypothesis]]:
    """The n best of each source by GNMT's penalty; with forced decoding where scores of tokens are needed.

    A call to CTranslate2 has the limit of its longest source. Where too few outputs end within their own source's
    limit, the others are cut there and ended, as our search does.
    """
    alpha, n_best = options.length_penalty, options.n_best
    ranked: list[list[Hypothesis]] = []
    for place, (source, limit) in enumerate(zip(sources, limits)):
        group, cut = [], []
        for tokens, total, ended in outputs[place]:
            if ended and len(tokens) <= limit:
                group.append(Hypothesis(tokens, (), total / penalty(len(tokens) + 1, alpha)))
            else:
                cut.append(tokens[:limit])
        if len(group) < n_best and cut:
            cut = list(dict.fromkeys(cut))
            group += engine.score([source] * len(cut), cut, alpha)
        best = _best(group)[:n_best]
        if len(best) < n_best and options.beam_size < _WIDEST:
            # Outputs that differed only after the limit are now equal: a wider search finds others.
            (best,) = engine.translate([source], replace(options, beam_size=2 * options.beam_size, token_scores=False))
        ranked.append(best)
    if not options.token_scores:
        return ranked
    repeated = [source for source, group in zip(sources, ranked) for _ in group]
    scored = iter(engine.score(repeated, [output.tokens for group in ranked for output in group], alpha))
    return [_best([next(scored) for _ in group]) for group in ranked]


def _best(group: Sequence[Hypothesis]) -> list[Hypothesis]:
    return sorted(group, key=lambda output: -output.score)
